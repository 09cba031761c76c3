//! From a request to a permission, and from a permission to a connection.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hexgate_enforce::{Call, Caller, Decision, Enforcer};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::address::{self, Host, Reach, Resolve};
use crate::proxy::answer::Refusal;
use crate::proxy::ending::Ending;
use crate::proxy::head::Head;
use crate::proxy::limits::Limits;

/// Is told the decision about a request. If it is dropped instead, there was none.
pub type Decided = Box<dyn FnOnce(&Decision) + Send>;

/// Adds the host's facts to a call of this tool.
pub(crate) type AddFacts = dyn Fn(Call, &str) -> (Call, Decided) + Send + Sync;

/// What all connections of a proxy share.
pub(crate) struct Gate {
    pub(crate) enforcer: Enforcer,
    pub(crate) caller: Caller,
    pub(crate) facts: Option<Arc<AddFacts>>,
    pub(crate) reach: Reach,
    pub(crate) resolver: Arc<dyn Resolve>,
    pub(crate) limits: Limits,
    /// What a client must know.
    pub(crate) secret: Option<String>,
}

/// The arguments of `net.tcp_connect`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TcpTarget {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) protocol: String,
}

impl TcpTarget {
    pub(crate) fn new(host: &Host, port: u16) -> Self {
        Self {
            host: host.to_string(),
            port,
            protocol: "tcp".to_owned(),
        }
    }
}

/// A call that may happen, as the permission tells it.
pub(crate) struct Allowed<A> {
    pub(crate) arguments: A,
    pub(crate) ending: Ending,
}

pub(crate) const HTTP_REQUEST: &str = "net.http_request";
pub(crate) const TCP_CONNECT: &str = "net.tcp_connect";
/// The user name that stands before the secret.
pub(crate) const USER: &str = "hexgate";

impl Gate {
    /// Whether the client knows the secret, if there is one.
    pub(crate) fn admits(&self, head: &Head) -> bool {
        let Some(secret) = &self.secret else {
            return true;
        };
        let expected = STANDARD.encode(format!("{USER}:{secret}"));
        let mut given = head.values("proxy-authorization");
        let (Some(given), None) = (given.next(), given.next()) else {
            return false;
        };
        let Some((scheme, given)) = given.split_at_checked(6) else {
            return false;
        };
        scheme.eq_ignore_ascii_case(b"basic ") && bool::from(given.ct_eq(expected.as_bytes()))
    }

    /// Has a call decided, and asks for approval where it is needed.
    pub(crate) async fn allow<A: Serialize + DeserializeOwned>(
        &self,
        tool: &str,
        arguments: &A,
    ) -> Result<Allowed<A>, Refusal> {
        let call = self.call(tool, arguments)?;
        let (call, decided) = match &self.facts {
            Some(add) => {
                let (call, decided) = add(call, tool);
                (call, Some(decided))
            }
            None => (call, None),
        };
        let authorized = self.enforcer.authorize_async(call).await;
        if let Some(decided) = decided {
            decided(match &authorized {
                Ok(permit) => permit.decision(),
                Err(decision) => decision,
            });
        }
        match authorized {
            // What runs comes out of the permission, here too. The host's facts may be wrong, but they cannot put another call into its place.
            Ok(permit) if permit.tool() == tool => match serde_json::from_str(permit.arguments()) {
                Ok(arguments) => Ok(Allowed {
                    arguments,
                    ending: Ending::new(&self.enforcer, permit),
                }),
                Err(error) => Err(Refusal::host(format!(
                    "the permitted arguments cannot be read: {error}"
                ))),
            },
            Ok(_) => Err(Refusal::host(
                "another call was permitted than the one that was asked about",
            )),
            Err(decision) => {
                let kind = decision.error_type().unwrap_or("policy_denied");
                Err(Refusal::denied(
                    kind,
                    decision.model_message().unwrap_or_default(),
                ))
            }
        }
    }

    /// Denies a call that the proxy does not pass on, whatever the policy says, so that it is recorded.
    pub(crate) fn refuse<A: Serialize>(&self, tool: &str, arguments: &A, reason: &str) {
        if let Ok(call) = self.call(tool, arguments) {
            let _ = self.enforcer.refuse(call, reason);
        }
    }

    fn call<A: Serialize>(&self, tool: &str, arguments: &A) -> Result<Call, Refusal> {
        let text = serde_json::to_string(arguments).map_err(|error| {
            Refusal::host(format!(
                "the request cannot be written as arguments: {error}"
            ))
        })?;
        Ok(Call::of(&self.caller, tool, text))
    }

    /// Finds and reaches the host of a call that may happen.
    pub(crate) async fn connect(
        &self,
        ending: &mut Ending,
        host: &Host,
        port: u16,
    ) -> Result<TcpStream, Refusal> {
        let connecting = async {
            let pinned = address::pinned(&*self.resolver, &self.reach, host).await?;
            let mut failed = None;
            for address in pinned.addresses() {
                match TcpStream::connect(SocketAddr::new(*address, port)).await {
                    Ok(stream) => return Ok(stream),
                    Err(error) => failed = Some(error),
                }
            }
            let why = failed.map(|error| format!(": {error}")).unwrap_or_default();
            Err(Refusal::upstream(format!(
                "`{host}` cannot be reached at port {port}{why}"
            )))
        };
        let reached = timeout(self.limits.connect, connecting)
            .await
            .unwrap_or_else(|_| {
                Err(Refusal::upstream(format!(
                    "`{host}` did not answer at port {port} in time"
                )))
            });
        if reached.is_ok() {
            ending.reached();
        }
        reached
    }

    /// Whether what was permitted must end now: the agent or the user was stopped, or the caller's time is over.
    pub(crate) fn is_over(&self) -> bool {
        let user = Some(self.caller.user_id());
        let is_stopped = self
            .enforcer
            .kill_switch()
            .stops(self.enforcer.agent(), user)
            .is_some();
        is_stopped
            || self
                .caller
                .expires_at()
                .is_some_and(|end| SystemTime::now() >= end)
    }
}
