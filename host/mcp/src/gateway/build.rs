//! Making a gateway.

use std::path::PathBuf;
use std::sync::Arc;

use hexgate_enforce::audit::{RedactionError, Scrubber};
use hexgate_enforce::host::Engine;
use hexgate_enforce::resolve::{Environment, ResolveError, Resolver};
use hexgate_enforce::{
    ApprovalFilesError, Approvals, AuditRecorder, Caller, CallerError, DurableApprovals,
    EnforcerBuilder, OnRecordFailure, RandomError,
};
use tokio::sync::watch as channel;

use super::{Gateway, Inner};
use crate::ask::{Handler, Roads};
use crate::caller::{Always, CallerOf, Incoming, Unidentified};
use crate::catalogue::{Catalogue, Everything};
use crate::config::{Config, DurableConfig};
use crate::identity::IdentityConfigError;
use crate::pins::PinsError;
use crate::server::Server;

/// Why there is no gateway.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The configuration is wrong.
    #[error("{0}")]
    Config(String),
    /// There is no policy that may decide.
    #[error(transparent)]
    Policy(#[from] ResolveError),
    /// There is no engine for policies.
    #[error("there is no engine for policies: {0}")]
    Engine(String),
    /// The caller of the configuration is none.
    #[error(transparent)]
    Caller(#[from] CallerError),
    /// Decisions cannot be recorded.
    #[error("decisions cannot be recorded in `{}`: {reason}", folder.display())]
    Audit {
        /// The folder.
        folder: PathBuf,
        /// Why.
        reason: String,
    },
    /// Nobody can be asked for approval as the configuration says.
    #[error("`approvals`: {0}")]
    Approvals(#[from] ApprovalFilesError),
    /// The scrubber of results cannot be made.
    #[error(transparent)]
    Scrubber(#[from] RedactionError),
    /// The pins of tools cannot be used.
    #[error(transparent)]
    Pins(#[from] PinsError),
    /// Nobody can be identified as the configuration says.
    #[error("`identity`: {0}")]
    Identity(#[from] IdentityConfigError),
    /// The system gives no random numbers.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// Likewise.
    #[error("the system gives no random numbers")]
    Key,
}

/// Why a gateway does not start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Tools of a server cannot be told apart.
    #[error("the server `{server}` has tools whose names are the same but for letter case: `{}`; a policy could not tell them apart", tools.join("`, `"))]
    Alike {
        /// The server.
        server: String,
        /// The names.
        tools: Vec<String>,
    },
}

/// Makes a gateway.
#[must_use = "it is not a gateway before `build`"]
pub struct GatewayBuilder {
    config: Config,
    enforcer: EnforcerBuilder,
    caller_of: Option<Arc<dyn CallerOf>>,
    catalogue: Arc<dyn Catalogue>,
    durable: Option<DurableApprovals>,
    notices: Vec<String>,
    public: axum::Router,
}

impl std::fmt::Debug for GatewayBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GatewayBuilder")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl Gateway {
    /// A gateway that decides with this enforcer. Approvals are the gateway's own: what the builder says of them is replaced.
    pub fn builder(config: Config, enforcer: EnforcerBuilder) -> GatewayBuilder {
        GatewayBuilder {
            config,
            enforcer,
            caller_of: None,
            catalogue: Arc::new(Everything),
            durable: None,
            notices: Vec::new(),
            public: axum::Router::new(),
        }
    }

    /// A gateway of which the configuration and the environment say everything: the policy, the record, the approvals.
    ///
    /// # Errors
    ///
    /// Something of it is missing or refused.
    pub fn open(config: Config, environment: &Environment) -> Result<GatewayBuilder, OpenError> {
        config.check().map_err(OpenError::Config)?;
        let engine = Engine::new().map_err(|error| OpenError::Engine(error.to_string()))?;
        let mut resolver = Resolver::new(config.agent.clone(), &engine);
        if let Some(policy) = &config.policy {
            resolver = resolver.otherwise(policy);
        }
        let resolved = resolver.resolve(environment)?;
        let mut enforcer = resolved.enforcer();
        if let Some(folder) = &config.audit {
            let recorder = AuditRecorder::in_folder(folder).map_err(|error| OpenError::Audit {
                folder: folder.clone(),
                reason: error.to_string(),
            })?;
            enforcer = enforcer.recorder(recorder, OnRecordFailure::Deny);
        }
        let durable = config.approvals.durable.as_ref();
        let durable = durable.map(DurableConfig::open).transpose()?;
        let mut notices = resolved.notices.clone();
        if config.audit.is_none() {
            notices.push(
                "[hexgate] warning: nothing is recorded; name a folder under `audit`".to_owned(),
            );
        }
        let mut builder = Self::builder(config, enforcer);
        builder.durable = durable;
        builder.notices = notices;
        builder.trusting()
    }
}

impl GatewayBuilder {
    /// Who says on whose behalf a request is made. Default: the configuration's `caller`, and nobody without it: then every call is denied.
    pub fn caller_of(mut self, caller_of: impl CallerOf + 'static) -> Self {
        self.caller_of = Some(Arc::new(caller_of));
        self
    }

    /// What looks at the tools of servers. Default: all that a policy can name are offered as they are.
    pub fn catalogue(mut self, catalogue: impl Catalogue + 'static) -> Self {
        self.catalogue = Arc::new(catalogue);
        self
    }

    /// Where people are asked who are not at the client. Default: nowhere.
    pub fn durable(mut self, durable: DurableApprovals) -> Self {
        self.durable = Some(durable);
        self
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Serves this too over HTTP, without asking who calls: metadata that clients read before they have a token.
    pub fn public(mut self, routes: axum::Router) -> Self {
        self.public = self.public.merge(routes);
        self
    }

    /// What is served over HTTP without asking who calls.
    pub fn public_routes(&self) -> axum::Router {
        self.public.clone()
    }

    pub(super) fn notice(&mut self, line: &str) {
        self.notices.push(line.to_owned());
    }

    /// Lines for the operator: where the policy comes from, and what is not verified.
    #[must_use]
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// The gateway. Its servers are not started yet.
    ///
    /// # Errors
    ///
    /// The configuration is wrong, or the system gives no random numbers.
    pub fn build(self) -> Result<Gateway, OpenError> {
        let config = self.config;
        config.check().map_err(OpenError::Config)?;
        let durable = self.durable.clone();
        let roads = Roads::new(
            config
                .approvals
                .ask_client
                .unwrap_or(self.durable.is_none()),
            self.durable,
            config.limits.approval_time,
        )
        .map_err(|_| OpenError::Key)?;
        let roads = Arc::new(roads);
        let enforcer = self
            .enforcer
            .approvals(Approvals::handler(Handler(Arc::clone(&roads))))
            .build()?;
        let identifies = self.caller_of.is_some();
        let caller_of: Arc<dyn CallerOf> = match (self.caller_of, &config.caller) {
            (Some(caller_of), _) => caller_of,
            (None, Some(named)) => {
                let roles = named.roles.iter().cloned();
                Arc::new(Always(Caller::builder(&named.user).roles(roles).build()?))
            }
            (None, None) => Arc::new(Nobody),
        };
        let scrubber = config.scrub_secrets.then(Scrubber::of_keys).transpose()?;
        let changed = channel::Sender::new(0);
        let servers = config.servers.iter().map(|(name, server)| {
            Server::new(
                name.clone(),
                server.clone(),
                config.limits,
                config.offer_of(server),
                Arc::clone(&self.catalogue),
                changed.clone(),
            )
        });
        let servers = servers.collect();
        Ok(Gateway(Arc::new(Inner {
            config,
            enforcer,
            caller_of,
            identifies,
            servers,
            roads,
            durable,
            scrubber,
            tasks: Default::default(),
            changed,
        })))
    }
}

/// There is no caller.
struct Nobody;

#[async_trait::async_trait]
impl CallerOf for Nobody {
    async fn caller_of(&self, _: Incoming<'_>) -> Result<Caller, Unidentified> {
        Err(Unidentified::new(
            "the configuration names no `caller`, and nothing else says who calls",
        ))
    }
}
