//! A decision point as a program.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use hexgate_enforce::host::Engine;
use hexgate_enforce::resolve::{Environment, ResolveError, Resolver};
use hexgate_enforce::{
    ApprovalFiles, ApprovalFilesError, AuditRecorder, OnRecordFailure, RandomError,
};
use tokio::signal::unix::{SignalKind, signal};

use crate::clients::{Clients, ClientsError};
use crate::log::{Warnings, say};
use crate::point::{Point, PointError};
use crate::web::ServeError;

/// How long requests have to end when the program does.
const GRACE: Duration = Duration::from_secs(3);

/// What a decision point is made of.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// What policies, bundles and records call it: the agent.
    pub agent: String,
    /// The policy or the bundle, where the environment names none.
    pub policy: Option<PathBuf>,
    /// Where it listens.
    pub listen: SocketAddr,
    /// The file that lists who may ask. None: whoever reaches it, at loopback.
    pub clients: Option<PathBuf>,
    /// The address that clients know. None: the host that they ask for.
    pub url: Option<String>,
    /// Names of hosts that a client may ask for, beside this machine's own.
    pub hosts: Vec<String>,
    /// The folder in which decisions are recorded.
    pub audit: Option<PathBuf>,
    /// Where denials are requested. None: none can be.
    pub approvals: Option<ApprovalFiles>,
}

/// Why there is no decision point.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is no policy that may decide.
    #[error(transparent)]
    Policy(#[from] ResolveError),
    /// There is no engine for policies.
    #[error("there is no engine for policies: {0}")]
    Engine(String),
    /// Decisions cannot be recorded.
    #[error("decisions cannot be recorded in `{}`: {reason}", folder.display())]
    Audit {
        /// The folder.
        folder: PathBuf,
        /// Why.
        reason: String,
    },
    /// Nobody can be asked for approval.
    #[error(transparent)]
    Approvals(#[from] ApprovalFilesError),
    /// The list of clients cannot be used.
    #[error(transparent)]
    Clients(#[from] ClientsError),
    /// The decision point cannot be made.
    #[error(transparent)]
    Point(#[from] PointError),
    /// The system gives no random numbers.
    #[error(transparent)]
    Random(#[from] RandomError),
}

/// Why a decision point ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// It cannot be made.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Its clients are no longer served.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// The system failed.
    #[error("the decision point cannot run: {0}")]
    System(#[from] std::io::Error),
}

impl Config {
    /// A decision point of this agent at this address, with everything else by default.
    #[must_use]
    pub fn new(agent: impl Into<String>, listen: SocketAddr) -> Self {
        Self {
            agent: agent.into(),
            policy: None,
            listen,
            clients: None,
            url: None,
            hosts: Vec::new(),
            audit: None,
            approvals: None,
        }
    }

    /// The decision point, with lines for the operator: where the policy comes from, and what is weaker than it could be.
    ///
    /// # Errors
    ///
    /// Something of it is missing or refused.
    pub fn open(&self, environment: &Environment) -> Result<(Point, Vec<String>), OpenError> {
        let engine = Engine::new().map_err(|error| OpenError::Engine(error.to_string()))?;
        let mut resolver = Resolver::new(self.agent.clone(), &engine);
        if let Some(policy) = &self.policy {
            resolver = resolver.otherwise(policy);
        }
        let resolved = resolver.resolve(environment)?;
        let mut notices = resolved.notices.clone();
        let mut enforcer = resolved.enforcer();
        match &self.audit {
            Some(folder) => {
                let recorder =
                    AuditRecorder::in_folder(folder).map_err(|error| OpenError::Audit {
                        folder: folder.clone(),
                        reason: error.to_string(),
                    })?;
                enforcer = enforcer.recorder(recorder, OnRecordFailure::Deny);
            }
            None => notices.push(
                "[hexgate] warning: nothing is recorded; name a folder with `--audit`".to_owned(),
            ),
        }
        let mut point = Point::builder(enforcer.build()?).hosts(&self.hosts);
        match &self.clients {
            Some(clients) => point = point.clients(Clients::from_file(clients)?),
            None => notices.push(
                "[hexgate] warning: nobody is asked for a token: every program of this machine can ask on anybody's behalf; name who may with `--clients`"
                    .to_owned(),
            ),
        }
        if let Some(url) = &self.url {
            point = point.url(url);
        }
        if let Some(approvals) = &self.approvals {
            point = point.approvals(approvals.open()?);
        }
        Ok((point.build()?, notices))
    }
}

/// Runs a decision point until it is told to stop. Notices and warnings go to the standard error.
///
/// # Errors
///
/// It cannot be made, or fails.
pub fn run(config: &Config, environment: &Environment) -> Result<(), RunError> {
    // Another subscriber of this program stays.
    let _ = tracing::subscriber::set_global_default(Warnings);
    let (point, notices) = config.open(environment)?;
    for notice in notices {
        say(&notice);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let ended = runtime.block_on(async {
        tokio::select! {
            served = serve_at(&point, config.listen) => Ok(served?),
            told = told_to_stop() => Ok(told?),
        }
    });
    drop(point);
    runtime.shutdown_timeout(GRACE);
    ended
}

/// Serves a decision point at an address, and says where, until the task is dropped.
///
/// # Errors
///
/// It cannot be listened at, it would be open to everybody, or the system failed.
pub async fn serve_at(point: &Point, address: SocketAddr) -> Result<(), ServeError> {
    let listener = point.bind(address).await?;
    let bound = listener.local_addr().map_err(ServeError::Serve)?;
    say(&format!("[hexgate] deciding at http://{bound}"));
    point.serve(listener).await
}

/// Waits until somebody tells the program to stop: SIGTERM or SIGINT.
///
/// # Errors
///
/// The system does not say when.
pub async fn told_to_stop() -> std::io::Result<()> {
    let (mut end, mut quit) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    tokio::select! {
        _ = end.recv() => {}
        _ = quit.recv() => {}
    }
    Ok(())
}
