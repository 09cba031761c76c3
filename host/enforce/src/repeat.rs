//! Work on a thread of its own: a host need not have a runtime, and one that has it is not held up.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use hexgate_base::guarded::guarded;

/// What wakes at once arrives within this time: a policy, say, is written in several steps.
const TOGETHER: Duration = Duration::from_millis(20);

/// Work that is done again and again. Dropping this ends it; what is being done then is done to its end.
#[derive(Debug)]
pub(crate) struct Repeated(
    #[cfg_attr(
        not(feature = "watch"),
        allow(dead_code, reason = "held so that dropping it ends the work")
    )]
    Sender<()>,
);

impl Repeated {
    /// Begins work, for the first time after a pause. It says whether it goes on. If it panics, `failed` is told and it goes on.
    pub(crate) fn start(
        name: &str,
        pause: impl Fn() -> Duration + Send + 'static,
        mut work: impl FnMut() -> bool + Send + 'static,
        failed: impl Fn(String) + Send + 'static,
    ) -> io::Result<Self> {
        let (wake, woken) = mpsc::channel();
        thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                loop {
                    match woken.recv_timeout(pause()) {
                        Err(RecvTimeoutError::Disconnected) => return,
                        Err(RecvTimeoutError::Timeout) => {}
                        Ok(()) => {
                            thread::sleep(TOGETHER);
                            while woken.try_recv().is_ok() {}
                        }
                    }
                    match guarded(&mut work) {
                        Ok(true) => {}
                        Ok(false) => return,
                        Err(panic) => failed(panic),
                    }
                }
            })?;
        Ok(Self(wake))
    }

    /// What ends a pause. It keeps the work going as this does.
    #[cfg(feature = "watch")]
    pub(crate) fn waker(&self) -> Sender<()> {
        self.0.clone()
    }
}

/// A time, give or take a tenth: hosts that began together do not ask together.
pub(crate) fn spread(interval: Duration) -> Duration {
    // Without random numbers it is the interval itself.
    let random = getrandom::u32().unwrap_or(u32::MAX / 2);
    interval.mul_f64(0.9 + 0.2 * f64::from(random) / f64::from(u32::MAX))
}

/// Does work on another thread, and waits for it: it may wait in ways that an asynchronous task must not. The error is why there is none.
pub(crate) fn elsewhere<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, String> {
    thread::scope(|scope| {
        let thread = thread::Builder::new().spawn_scoped(scope, || guarded(work));
        let done = thread.map_err(|error| error.to_string())?.join();
        // Its panic was caught.
        done.unwrap_or_else(|_| Err("the thread ended".to_owned()))
    })
}
