//! What is asked for, and who answers it.

use std::fmt;
use std::sync::Arc;

use hexgate_address::is_loopback;
use hexgate_base::{Clock, SystemClock};
use hexgate_enforce::{DurableApprovals, Enforcer};
use hexgate_http::{
    Answer, Call, Decider, Offer, Problem, REQUESTS, Received, Response, base_of, respond_by,
    submit,
};
use url::Url;

use crate::access::Access;
use crate::answer::answer;
use crate::asked::Asked;
use crate::clients::Clients;

/// A decision point. Cloning is cheap and gives the same one.
#[derive(Clone)]
pub struct Point(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    enforcer: Enforcer,
    pub(crate) clients: Clients,
    base: Option<String>,
    /// Names of hosts, in lower case, that a client may ask for where nobody is asked for a token.
    pub(crate) hosts: Vec<String>,
    access: Option<Arc<Access>>,
    /// Whether it looks for another policy.
    pub(crate) refreshes: bool,
}

/// Collects what a [`Point`] is made of.
#[must_use = "it is not a decision point before `build`"]
#[derive(Debug)]
pub struct PointBuilder {
    enforcer: Enforcer,
    clients: Clients,
    url: Option<String>,
    hosts: Vec<String>,
    approvals: Option<DurableApprovals>,
    refreshes: bool,
    clock: Arc<dyn Clock>,
}

/// There is no such decision point.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PointError {
    /// The address is none.
    #[error(
        "`{url}` cannot be the address of a decision point: it {reason}; name it as clients do, such as `https://pdp.example.com`"
    )]
    Url {
        /// The address.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random,
}

impl Point {
    /// A decision point that decides with this enforcer. The approvals of the enforcer are not asked.
    pub fn builder(enforcer: Enforcer) -> PointBuilder {
        PointBuilder {
            enforcer,
            clients: Clients::anyone(),
            url: None,
            hosts: Vec::new(),
            approvals: None,
            refreshes: true,
            clock: Arc::new(SystemClock),
        }
    }

    /// Answers a request of a client that is known. It may wait for a disk: call it where that is allowed.
    pub(crate) fn answer(
        &self,
        client: &str,
        received: &Received<'_>,
        body: Result<Vec<u8>, u16>,
    ) -> Response {
        let inner = &*self.0;
        let offer = Offer {
            base: inner.base.as_deref(),
            requests: inner.access.is_some(),
            rest: false,
        };
        let (Some(access), Some(below)) = (&inner.access, received.route().strip_prefix(REQUESTS))
        else {
            let base = inner.base_for(received);
            let mut deciding = Deciding {
                inner,
                client,
                base,
            };
            return respond_by(received, || body, &mut deciding, &offer);
        };
        let (method, id) = match below.strip_prefix('/') {
            None if below.is_empty() => ("POST", None),
            Some(id) if !id.contains('/') => ("GET", Some(id)),
            _ => return Problem::new(404, "there is no such path").into(),
        };
        if received.method != method {
            return Response {
                allow: Some(method),
                ..Problem::new(405, format!("the method must be {method}")).into()
            };
        }
        let base = match inner.base_for(received) {
            Ok(base) => base,
            Err(problem) => return problem.into(),
        };
        match id {
            None => submit(
                received,
                || body,
                |submission| access.submit(&inner.enforcer, submission, client, &base),
            ),
            Some(id) => match access.task(&inner.enforcer, id, client, &base) {
                Ok(task) => Response {
                    status: 200,
                    content_type: "application/json",
                    allow: None,
                    body: task.text,
                },
                Err(problem) => problem.into(),
            },
        }
    }

    /// What decides.
    #[must_use]
    pub fn enforcer(&self) -> &Enforcer {
        &self.0.enforcer
    }
}

impl Inner {
    /// The address of this decision point, as whoever asks knows it.
    fn base_for(&self, received: &Received<'_>) -> Result<String, Problem> {
        match &self.base {
            Some(base) => Ok(base.clone()),
            None => base_of(received.authority),
        }
    }
}

impl PointBuilder {
    /// Who may ask. Default: whoever reaches it, at loopback.
    pub fn clients(mut self, clients: Clients) -> Self {
        self.clients = clients;
        self
    }

    /// The address that clients know, `https://pdp.example.com`: what the metadata and requests for access name. Default: the host that a
    /// request asks for.
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(url.into());
        self
    }

    /// Names of hosts that a client may ask for, beside this machine's own, where nobody is asked for a token: a web page must not reach a
    /// decision point by a name that it gave this machine.
    pub fn hosts(mut self, hosts: impl IntoIterator<Item: Into<String>>) -> Self {
        self.hosts.extend(hosts.into_iter().map(Into::into));
        self
    }

    /// Where denials are requested. Default: nowhere, and none can be.
    pub fn approvals(mut self, approvals: DurableApprovals) -> Self {
        self.approvals = Some(approvals);
        self
    }

    /// Leaves it to something else to look for another policy, such as the gateway whose enforcer this is. Default: the decision point looks
    /// while it serves.
    pub fn refreshed_elsewhere(mut self) -> Self {
        self.refreshes = false;
        self
    }

    /// Another clock, by which denials can no longer be requested. Default: the system's.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// The decision point.
    ///
    /// # Errors
    ///
    /// The address is none, or the system gives no random numbers.
    pub fn build(self) -> Result<Point, PointError> {
        let url = self.url.as_deref().map(url).transpose()?;
        let known = ["localhost", "127.0.0.1", "[::1]"].map(str::to_owned);
        let own = url.as_ref().and_then(Url::host_str).map(str::to_owned);
        let hosts = known.into_iter().chain(own).chain(self.hosts);
        let access = match self.approvals {
            None => None,
            Some(durable) => {
                let access = Access::new(durable, self.clock).map_err(|_| PointError::Random)?;
                Some(Arc::new(access))
            }
        };
        Ok(Point(Arc::new(Inner {
            enforcer: self.enforcer,
            clients: self.clients,
            base: url.map(|url| url.as_str().trim_end_matches('/').to_owned()),
            hosts: hosts.map(|host| host.to_ascii_lowercase()).collect(),
            access,
            refreshes: self.refreshes,
        })))
    }
}

fn url(text: &str) -> Result<Url, PointError> {
    let wrong = |reason| PointError::Url {
        url: text.to_owned(),
        reason,
    };
    let url = Url::parse(text).map_err(|_| wrong("is none"))?;
    if !(url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url))) {
        return Err(wrong("is not `https`; `http` is for loopback alone"));
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("has more than a host and a port"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("has a user or a password in it"));
    }
    Ok(url)
}

/// Decides for one request.
struct Deciding<'a> {
    inner: &'a Inner,
    client: &'a str,
    base: Result<String, Problem>,
}

impl Decider for Deciding<'_> {
    fn decide(&mut self, call: &Call<'_>) -> Result<Answer, Problem> {
        let asked = Asked::new(call, self.client)?;
        let enforcer = &self.inner.enforcer;
        let Some(access) = &self.inner.access else {
            let policy = enforcer.live().id();
            return answer(&enforcer.decide_call(asked.call(&policy)?));
        };
        let base = self.base.clone()?;
        match asked.approval() {
            None => access.decide(enforcer, &asked, &base),
            Some(approval) => access.decide_approved(enforcer, asked, &approval, &base),
        }
    }
}

impl fmt::Debug for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Point")
            .field("enforcer", &self.0.enforcer)
            .field("clients", &self.0.clients)
            .finish_non_exhaustive()
    }
}
