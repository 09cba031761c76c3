//! From a client's request to a decision, and to what a server answers.

mod build;
mod call;
mod converse;
mod items;
mod session;
mod shown;
mod side;
mod subscriptions;
mod talk;
mod tasks;
mod trust;
mod watch;

use std::net::SocketAddr;
use std::sync::Arc;

use hexgate_authzen::{Clients, OpenError as PointError, Point};
use hexgate_enforce::audit::Scrubber;
use hexgate_enforce::{Caller, DurableApprovals, Enforcer};
use tokio::sync::watch as channel;

use crate::ask::Roads;
use crate::caller::CallerOf;
use crate::config::Config;
use crate::names;
use crate::server::Server;

use tasks::Tasks;

pub use build::{GatewayBuilder, OpenError, StartError};
pub use session::Session;

/// A gateway. Cloning is cheap and gives the same gateway.
#[derive(Clone)]
pub struct Gateway(Arc<Inner>);

struct Inner {
    config: Config,
    enforcer: Enforcer,
    caller_of: Arc<dyn CallerOf>,
    /// Whether that tells clients apart.
    identifies: bool,
    servers: Vec<Arc<Server>>,
    roads: Arc<Roads>,
    durable: Option<DurableApprovals>,
    scrubber: Option<Scrubber>,
    tasks: Tasks,
    changed: channel::Sender<u64>,
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateway")
            .field("servers", &self.0.servers)
            .finish_non_exhaustive()
    }
}

impl Gateway {
    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// What decides.
    #[must_use]
    pub fn enforcer(&self) -> &Enforcer {
        &self.0.enforcer
    }

    /// Who says on whose behalf a request is made.
    pub(crate) fn caller_of(&self) -> &Arc<dyn CallerOf> {
        &self.0.caller_of
    }

    /// Whether clients are told apart. If not, all are the one caller of the configuration.
    #[must_use]
    pub fn identifies(&self) -> bool {
        self.0.identifies
    }

    /// The decision point of the configuration, and where it listens. It decides by the gateway's enforcer, asks for approvals where the gateway
    /// does, and runs nothing.
    ///
    /// # Errors
    ///
    /// The list of clients or the address cannot be used.
    pub fn point(&self) -> Result<Option<(Point, SocketAddr)>, PointError> {
        let Some(config) = &self.0.config.authzen else {
            return Ok(None);
        };
        let mut builder = Point::builder(self.0.enforcer.clone()).refreshed_elsewhere();
        if let Some(clients) = &config.clients {
            builder = builder.clients(Clients::from_file(clients)?);
        }
        if let Some(url) = &config.url {
            builder = builder.url(url);
        }
        if let Some(durable) = &self.0.durable {
            builder = builder.approvals(durable.clone());
        }
        Ok(Some((builder.build()?, config.listen)))
    }

    /// Names of servers that do not answer now, with the reasons.
    #[must_use]
    pub fn down(&self) -> Vec<(String, String)> {
        let servers = self.0.servers.iter();
        servers
            .filter_map(|server| Some((server.name.clone(), server.down()?)))
            .collect()
    }

    /// Ends the servers. What is in flight fails.
    pub fn stop(&self) {
        for server in &self.0.servers {
            server.stop();
        }
    }

    /// The server and its own name for something that clients call so.
    fn route<'a>(&self, shown: &'a str) -> Option<(&Arc<Server>, &'a str)> {
        if self.0.config.plain_names {
            return self.0.servers.first().map(|server| (server, shown));
        }
        // No server's name begins with another one's and `-`, so there is one at most.
        self.0.servers.iter().find_map(|server| {
            let rest = shown
                .strip_prefix(server.name.as_str())?
                .strip_prefix('-')?;
            Some((server, rest))
        })
    }

    /// A tool as its server described it last, by the name that clients have for it, if the caller can see it.
    fn described(&self, caller: &Caller, shown: &str) -> Option<rmcp::model::Tool> {
        let (server, local) = self.route(shown)?;
        let snapshot = server.snapshot()?;
        let tool = snapshot.tool(local)?;
        let is_seen = !self.is_stopped(caller) && self.may_see(caller, &tool.decided_as);
        is_seen.then(|| tool.shown.clone())
    }

    /// What clients call something of a server.
    fn shown_as(&self, server: &Server, name: &str) -> String {
        if self.0.config.plain_names {
            name.to_owned()
        } else {
            format!("{}-{name}", server.name)
        }
    }

    /// What a record calls a tool that clients call so and that is not offered, or whose caller is nobody. Nothing is allowed by it.
    pub(crate) fn refused_as(&self, shown: &str) -> String {
        let name = match self.route(shown) {
            Some((server, local)) => names::tool(&server.name, local),
            None => format!("mcp-{shown}"),
        };
        names::cut(name)
    }

    /// Whether nothing at all is permitted to the caller now.
    fn is_stopped(&self, caller: &Caller) -> bool {
        let enforcer = &self.0.enforcer;
        enforcer
            .kill_switch()
            .stops(enforcer.agent(), Some(caller.user_id()))
            .is_some()
            || caller
                .expires_at()
                .is_some_and(|end| end <= std::time::SystemTime::now())
    }

    /// Whether the caller can see what a policy calls so.
    fn may_see(&self, caller: &Caller, name: &str) -> bool {
        self.0.enforcer.may_ever_call(caller, name)
    }
}
