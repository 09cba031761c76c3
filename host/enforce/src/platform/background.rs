//! Work on a thread of its own: a host need not have a runtime, and one that has it is not held up.

use std::future::Future;
use std::sync::mpsc::{self, SyncSender};
use std::thread;

use tokio::sync::oneshot;

use super::PlatformError;

/// Work that goes on. Dropping this ends it.
#[derive(Debug)]
pub(crate) struct Background(
    #[allow(dead_code, reason = "held so that dropping it ends the work")] oneshot::Sender<()>,
);

/// Begins work that sends its first result, and waits for that.
pub(super) fn start<T, W, F>(name: &str, work: W) -> Result<(T, Background), PlatformError>
where
    T: Send + 'static,
    W: FnOnce(SyncSender<Result<T, PlatformError>>) -> F + Send + 'static,
    F: Future<Output = ()>,
{
    let (stop, stopped) = oneshot::channel();
    let (first, result) = mpsc::sync_channel(1);
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            match runtime {
                Ok(runtime) => runtime.block_on(async {
                    tokio::select! {
                        () = work(first) => {}
                        _ = stopped => {}
                    }
                }),
                Err(error) => {
                    // Nobody waits any more: there is nothing left to do.
                    let _ = first.send(Err(PlatformError::start(&error)));
                }
            }
        })
        .map_err(|error| PlatformError::start(&error))?;
    let result = result
        .recv()
        .map_err(|error| PlatformError::start(&error))??;
    Ok((result, Background(stop)))
}
