//! A gateway as a program.

use std::net::SocketAddr;
use std::time::Duration;

use hexgate_authzen::{
    OpenError as PointError, ServeError as PointServeError, Warnings, say, serve_at, told_to_stop,
};

use crate::front::{self, Http, HttpError, ServeError};
use crate::gateway::{GatewayBuilder, OpenError, StartError};

/// How long servers have to end when the gateway does.
const GRACE: Duration = Duration::from_secs(3);

/// Why a gateway ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// It cannot be made.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It does not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// Its client is no longer served.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// Its clients are no longer served over HTTP.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// There is no decision point as the configuration says.
    #[error("`authzen`: {0}")]
    Point(#[from] PointError),
    /// The clients of the decision point are no longer served.
    #[error("`authzen`: {0}")]
    ServePoint(#[from] PointServeError),
    /// The system failed.
    #[error("the gateway cannot run: {0}")]
    System(#[from] std::io::Error),
}

/// Runs a gateway until its client at the standard streams closes them, or, where it listens, until it is told to stop. Notices and warnings
/// go to the standard error.
///
/// # Errors
///
/// It cannot be made, does not start, or fails.
pub fn run(
    builder: GatewayBuilder,
    listen: Option<SocketAddr>,
    public: axum::Router,
) -> Result<(), RunError> {
    // Another subscriber of this program stays.
    let _ = tracing::subscriber::set_global_default(Warnings);
    for notice in builder.notices() {
        say(notice);
    }
    let gateway = builder.build()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let ended = runtime.block_on(async {
        gateway.start().await?;
        for (server, why) in gateway.down() {
            say(&format!(
                "[hexgate] warning: `{server}` does not answer: {why}"
            ));
        }
        let serving = async {
            match listen {
                None => Ok(front::stdio(&gateway).await?),
                Some(address) => {
                    let http = Http::new(&gateway).public(public);
                    let listener = http.bind(address).await?;
                    let address = listener.local_addr()?;
                    say(&format!(
                        "[hexgate] listening at http://{address}{}",
                        front::PATH
                    ));
                    Ok::<_, RunError>(http.serve(listener).await?)
                }
            }
        };
        let deciding = async {
            match gateway.point()? {
                None => std::future::pending().await,
                Some((point, address)) => Ok::<_, RunError>(serve_at(&point, address).await?),
            }
        };
        tokio::select! {
            served = serving => served,
            decided = deciding => decided,
            told = told_to_stop() => Ok(told?),
        }
    });
    gateway.stop();
    drop(gateway);
    // A read of the standard input cannot be interrupted, so the runtime is not waited for without end.
    runtime.shutdown_timeout(GRACE);
    ended
}
