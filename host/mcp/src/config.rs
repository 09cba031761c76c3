//! What a gateway is made of: `gateway.yaml`.
//!
//! ```yaml
//! policy: policy.yaml
//! caller: { user: alice, roles: [developer] }
//! servers:
//!   files:
//!     command: npx
//!     args: [-y, "@modelcontextprotocol/server-filesystem", /work]
//!   tickets:
//!     url: https://tickets.example.com/mcp
//!     headers: { Authorization: TICKETS_AUTHORIZATION }
//! ```
//!
//! An unknown key, a key that stands twice and a value of another type are errors with their line. Relative paths are those from the file's
//! folder. Values of secrets never stand in the file: it names variables of the environment.

mod offer;
mod read;
mod trust;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use hexgate_base::harmless;
use rmcp::model::ProtocolVersion;
use serde::Deserialize;

use crate::authorization::AuthorizationConfig;
use crate::identity::IdentityConfig;
use crate::limits::Limits;
use crate::names;
use crate::pins::FirstUse;

pub use offer::{Offer, Passing};
pub use read::ConfigError;

/// The largest file, in bytes.
pub const MAX_FILE: u64 = 1 << 20;

/// The versions of the protocol that are spoken, the oldest first.
pub const VERSIONS: &[ProtocolVersion] = &[
    ProtocolVersion::V_2025_06_18,
    ProtocolVersion::V_2025_11_25,
    ProtocolVersion::V_2026_07_28,
];

/// A gateway's configuration.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// What policies, bundles and records call the gateway: the agent. Default: `mcp`.
    pub agent: String,
    /// The policy or the bundle, where the environment names none.
    pub policy: Option<PathBuf>,
    /// Where clients are listened for. None: the client is at the standard streams.
    pub listen: Option<SocketAddr>,
    /// Names of hosts that a client may ask for, beside this machine's own.
    pub hosts: Vec<String>,
    /// Origins of web pages that may ask. Default: none.
    pub origins: Vec<String>,
    /// On whose behalf every client asks. None: something else says so, or nobody does, and every call is denied.
    pub caller: Option<CallerConfig>,
    /// The decision point beside the gateway. None: there is none.
    pub authzen: Option<AuthzenConfig>,
    /// Who vouches for callers. None: the `caller` is everybody.
    pub identity: Option<IdentityConfig>,
    /// The file of tools that were accepted. None: tools are offered as their servers describe them at the moment, and that is said.
    pub pins: Option<PathBuf>,
    /// What happens to the tools of a server of which nothing was accepted yet.
    pub first_use: FirstUse,
    /// The servers, by name.
    pub servers: BTreeMap<String, ServerConfig>,
    /// Whether clients see tools by the server's names for them. Only for one server.
    pub plain_names: bool,
    /// What is passed on beside tools, for servers that do not say it themselves.
    pub offer: Offer,
    /// Limits.
    pub limits: Limits,
    /// How calls are approved that need it.
    pub approvals: ApprovalsConfig,
    /// The folder in which decisions are recorded.
    pub audit: Option<PathBuf>,
    /// Whether what looks like a key of a known issuer is taken out of results.
    pub scrub_secrets: bool,
    /// Whether what is not seen is written out in results too. In lists it is always.
    pub visible_results: bool,
}

/// On whose behalf every client asks.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct CallerConfig {
    /// The user's id.
    pub user: String,
    /// The roles. Without any the policy's role `default` decides.
    #[serde(default)]
    pub roles: Vec<String>,
}

impl CallerConfig {
    /// This user with these roles.
    #[must_use]
    pub fn new(user: impl Into<String>, roles: Vec<String>) -> Self {
        Self {
            user: user.into(),
            roles,
        }
    }
}

/// A decision point: the Authorization API of AuthZEN, by the policy of the gateway.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct AuthzenConfig {
    /// Where enforcement points are listened for.
    pub listen: SocketAddr,
    /// The file that lists them with their tokens. None: whoever reaches it may ask, which is for loopback alone.
    #[serde(default)]
    pub clients: Option<PathBuf>,
    /// The address that they know. None: the host that they ask for.
    #[serde(default)]
    pub url: Option<String>,
}

impl AuthzenConfig {
    /// At this address, for whoever reaches it.
    #[must_use]
    pub fn new(listen: SocketAddr) -> Self {
        Self {
            listen,
            clients: None,
            url: None,
        }
    }
}

/// A server.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerConfig {
    /// How it is reached.
    pub reach: Reach,
    /// The one version of the protocol that is spoken with it. None: the newest that it speaks.
    pub protocol: Option<ProtocolVersion>,
    /// What is passed on beside tools. None: as for every server.
    pub offer: Option<Offer>,
    /// How tokens for it are got, over HTTP. None: it wants none, or a header holds one.
    pub authorization: Option<AuthorizationConfig>,
}

impl ServerConfig {
    /// A server that is reached so, in the newest version that it speaks.
    #[must_use]
    pub fn new(reach: Reach) -> Self {
        Self {
            reach,
            protocol: None,
            offer: None,
            authorization: None,
        }
    }

    /// Speaks this version of the protocol with it.
    #[must_use]
    pub fn protocol(mut self, version: ProtocolVersion) -> Self {
        self.protocol = Some(version);
        self
    }

    /// Gets tokens for it so.
    #[must_use]
    pub fn authorization(mut self, authorization: AuthorizationConfig) -> Self {
        self.authorization = Some(authorization);
        self
    }
}

/// How a server is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reach {
    /// As a process of this gateway, over its standard streams.
    Process {
        /// The program.
        command: String,
        /// Its arguments.
        args: Vec<String>,
        /// What it sees of this process's environment.
        environment: Environment,
    },
    /// Over HTTP.
    Http {
        /// The address.
        url: String,
        /// Headers, by the variables of the environment that hold their values.
        headers: BTreeMap<String, String>,
    },
}

/// What a server sees of this process's environment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Environment {
    /// What a program needs to start (`PATH`, `HOME` and the like), and these variables.
    Named(Vec<String>),
    /// All but those of hexgate.
    Inherited,
}

/// How calls are approved that need it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ApprovalsConfig {
    /// Whether the person at the client is asked first, where the client can ask. None: only if there is no database, because whoever names
    /// approvers wants them to be asked, and not the caller.
    pub ask_client: Option<bool>,
    /// The database of requests that other people answer.
    pub durable: Option<DurableConfig>,
}

/// A database of requests for approval.
pub use hexgate_enforce::ApprovalFiles as DurableConfig;

impl Config {
    /// A gateway with these servers, and everything else by default.
    #[must_use]
    pub fn of(servers: BTreeMap<String, ServerConfig>) -> Self {
        Self {
            agent: "mcp".to_owned(),
            policy: None,
            listen: None,
            hosts: Vec::new(),
            origins: Vec::new(),
            caller: None,
            authzen: None,
            identity: None,
            pins: None,
            first_use: FirstUse::default(),
            servers,
            plain_names: false,
            offer: Offer::default(),
            limits: Limits::default(),
            approvals: ApprovalsConfig::default(),
            audit: None,
            scrub_secrets: false,
            visible_results: false,
        }
    }

    /// What is passed on for a server beside tools.
    #[must_use]
    pub fn offer_of(&self, server: &ServerConfig) -> Offer {
        server.offer.unwrap_or(self.offer)
    }

    /// Whether something is passed on for any server.
    pub(crate) fn passes(&self, what: impl Fn(&Offer) -> Passing) -> bool {
        let mut servers = self.servers.values();
        servers.any(|server| what(&self.offer_of(server)).is_pass())
    }

    /// Whether these servers can stand behind one gateway by their names.
    ///
    /// # Errors
    ///
    /// Why they cannot.
    pub fn check(&self) -> Result<(), String> {
        if self.servers.is_empty() {
            return Err("there is no server; name one under `servers`".to_owned());
        }
        if let Some(bad) = self.servers.keys().find(|name| !names::is_server(name)) {
            return Err(format!(
                "`{}` is no name of a server: it has 1 to {} lower-case letters, digits and `-`, with a letter or digit at both ends",
                harmless(bad),
                names::MAX_SERVER
            ));
        }
        if let Some((short, long)) = names::clashing(self.servers.keys().map(String::as_str)) {
            return Err(format!(
                "a tool of the server `{short}` could have the name of one of `{long}`; rename one, so that neither begins with the other and `-`"
            ));
        }
        if let Some(why) = trust::leak(self) {
            return Err(why);
        }
        if let Some(why) = trust::contradiction(self) {
            return Err(why);
        }
        if self.plain_names && self.servers.len() > 1 {
            return Err("`names: plain` is for one server; several need prefixes".to_owned());
        }
        Ok(())
    }
}
