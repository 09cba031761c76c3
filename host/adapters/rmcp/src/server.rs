//! A server whose calls are decided.

use std::sync::Arc;
use std::time::Duration;

use axum::http::request::Parts;
use hexgate_enforce::{Approvals, Caller, DurableApprovals, Enforcer, scope};
use hexgate_gate::Gate;
use hexgate_mcp::ask::{Handler, RandomError, Roads};
use hexgate_mcp::names;
use rmcp::RoleServer;
use rmcp::service::RequestContext;

use crate::tasks::Tasks;

/// How long the person at a client is waited for while the client waits: clients give up after a minute.
const PATIENCE: Duration = Duration::from_secs(50);

/// A handler of a server, gated. Cloning gives another handler of the same server, if the program's own does.
#[derive(Clone)]
pub struct Gated<H> {
    pub(crate) inner: H,
    pub(crate) name: Arc<str>,
    pub(crate) gate: Gate,
    pub(crate) caller: Option<Caller>,
    pub(crate) asks: Option<Asks>,
    pub(crate) pass: bool,
    pub(crate) tasks: Tasks,
}

/// The name of a server is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a server is called by 1 to 32 lower-case letters, digits and `-`, with a letter or digit at both ends, and not `{0}`"
)]
pub struct NameError(String);

/// Gates a handler. Policies know the server by this name.
///
/// # Errors
///
/// That is no name of a server.
pub fn gate<H>(handler: H, name: &str, enforcer: &Enforcer) -> Result<Gated<H>, NameError> {
    if !names::is_server(name) {
        return Err(NameError(name.to_owned()));
    }
    Ok(Gated {
        inner: handler,
        name: name.into(),
        gate: Gate::new(enforcer),
        caller: None,
        asks: None,
        pass: false,
        tasks: Tasks::new(),
    })
}

impl<H> Gated<H> {
    /// On whose behalf the one client of this server calls, where the request itself does not say it.
    #[must_use]
    pub fn caller(mut self, caller: Caller) -> Self {
        self.caller = Some(caller);
        self
    }

    /// How people are asked. The enforcer has to have [`Asks::approvals`].
    #[must_use]
    pub fn asks(mut self, asks: &Asks) -> Self {
        self.asks = Some(asks.clone());
        self
    }

    /// Lets skills, directories of resources and methods of the server's own through without a decision. By default they are refused.
    #[must_use]
    pub fn dangerous_pass(mut self) -> Self {
        for method in [
            "skills/*",
            "resources/directory/read",
            "methods of the server's own",
        ] {
            self.gate.uncovered().note(method);
        }
        self.pass = true;
        self
    }

    /// What clients can ask for without a decision. Each was named in a warning of `tracing`.
    #[must_use]
    pub fn uncovered(&self) -> Vec<String> {
        self.gate.uncovered().names()
    }

    /// The program's own handler.
    #[must_use]
    pub fn handler(&self) -> &H {
        &self.inner
    }

    /// On whose behalf a request is made.
    pub(crate) fn caller_of(&self, context: &RequestContext<RoleServer>) -> Option<Caller> {
        let of_request = context
            .extensions
            .get::<Parts>()
            .and_then(|parts| parts.extensions.get::<Caller>());
        of_request
            .cloned()
            .or_else(|| self.caller.clone())
            .or_else(|| scope::current().ok())
    }

    /// Whether something is shown to a caller.
    pub(crate) fn shows(&self, caller: Option<&Caller>, decided_as: &str) -> bool {
        caller.is_some_and(|caller| scope::sync_scope(caller, || self.gate.shows(decided_as)))
    }
}

impl<H> std::fmt::Debug for Gated<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gated")
            .field("name", &self.name)
            .field("gate", &self.gate)
            .finish_non_exhaustive()
    }
}

/// How people are asked: the person at the client, and others by durable requests.
///
/// ```no_run
/// # fn example(live: &hexgate_enforce::LivePolicy, handler: impl rmcp::ServerHandler) -> Result<(), Box<dyn std::error::Error>> {
/// use hexgate_enforce::Enforcer;
/// use hexgate_rmcp::Asks;
///
/// let asks = Asks::client()?;
/// let enforcer = Enforcer::builder("files", live).approvals(asks.approvals()).build()?;
/// let server = hexgate_rmcp::gate(handler, "files", &enforcer)?.asks(&asks);
/// # Ok(())
/// # }
/// ```
///
/// The person at the client may not answer where the policy asks for several approvers, or for a role that the caller does not have: then the durable
/// requests are asked, or the call is denied.
#[derive(Debug, Clone)]
pub struct Asks(pub(crate) Arc<Roads>);

/// States of questions cannot be sealed.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct AsksError(RandomError);

impl Asks {
    /// Asks the person at the client alone.
    ///
    /// # Errors
    ///
    /// The system gives no random numbers to seal states with.
    pub fn client() -> Result<Self, AsksError> {
        Self::new(true, None)
    }

    /// Asks the person at the client, and where that is not possible by a durable request.
    ///
    /// # Errors
    ///
    /// As [`client`](Self::client).
    pub fn client_or(durable: DurableApprovals) -> Result<Self, AsksError> {
        Self::new(true, Some(durable))
    }

    fn new(client: bool, durable: Option<DurableApprovals>) -> Result<Self, AsksError> {
        let roads = Roads::new(client, durable, PATIENCE).map_err(AsksError)?;
        Ok(Self(Arc::new(roads)))
    }

    /// For the enforcer.
    #[must_use]
    pub fn approvals(&self) -> Approvals {
        Approvals::handler(Handler(Arc::clone(&self.0)))
    }
}
