//! Syncs records to the disk: one sync for all that wait, and the background thread.

use std::{
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant, SystemTime},
};

use super::{Durability, Shared};

/// How far the log is synced.
#[derive(Debug)]
pub(super) struct Synced {
    progress: Mutex<Progress>,
    moved: Condvar,
}

#[derive(Debug)]
struct Progress {
    /// The number of the first record that the disk may not have.
    next: u64,
    /// Whether a thread is syncing now.
    is_going: bool,
    /// A sync failed. Which records reached the disk is unknown, and a second sync proves nothing: the system may have dropped them.
    failed: Option<String>,
}

impl Synced {
    pub(super) fn new(next: u64) -> Self {
        Self {
            progress: Mutex::new(Progress {
                next,
                is_going: false,
                failed: None,
            }),
            moved: Condvar::new(),
        }
    }

    /// Whether every sync so far succeeded.
    pub(super) fn check(&self) -> io::Result<()> {
        match &self.progress().failed {
            None => Ok(()),
            Some(reason) => Err(refused(reason)),
        }
    }

    /// Waits until record `n` is synced. The first thread that waits syncs for all that came before it started.
    pub(super) fn through(&self, n: u64, shared: &Shared) -> io::Result<()> {
        let mut progress = self.progress();
        loop {
            if let Some(reason) = &progress.failed {
                return Err(refused(reason));
            }
            if progress.next > n {
                return Ok(());
            }
            if !progress.is_going {
                break;
            }
            progress = self
                .moved
                .wait(progress)
                .unwrap_or_else(PoisonError::into_inner);
        }
        progress.is_going = true;
        drop(progress);
        let outcome = write(shared);
        let mut progress = self.progress();
        progress.is_going = false;
        let outcome = match outcome {
            Ok(next) => {
                progress.next = progress.next.max(next);
                Ok(())
            }
            Err(error) => {
                progress.failed = Some(error.to_string());
                Err(error)
            }
        };
        drop(progress);
        self.moved.notify_all();
        outcome
    }

    /// Waits until all records are synced.
    pub(super) fn all(&self, shared: &Shared) -> io::Result<()> {
        let next = shared.lock()?.writer.next();
        match next.checked_sub(1) {
            Some(last) => self.through(last, shared),
            None => Ok(()),
        }
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        // No panic leaves the value half changed.
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Syncs all records. Returns the number of the next one.
fn write(shared: &Shared) -> io::Result<u64> {
    let (next, file) = {
        let state = shared.lock()?;
        (state.writer.next(), Arc::clone(&state.writer.sink))
    };
    // Earlier files were synced when this one began.
    file.sync_data()?;
    Ok(next)
}

fn refused(reason: &str) -> io::Error {
    io::Error::other(format!("an earlier sync to the disk failed: {reason}"))
}

/// Starts the thread that syncs and signs at intervals.
pub(super) fn keep(shared: &Arc<Shared>) -> io::Result<Option<JoinHandle<()>>> {
    let shared = Arc::clone(shared);
    thread::Builder::new()
        .name("hexgate-audit".to_owned())
        .spawn(move || run(&shared))
        .map(Some)
}

fn run(shared: &Shared) {
    let sync = match shared.options.durability {
        Durability::Every(time) => Some(time.max(SHORTEST)),
        Durability::Each | Durability::Never => None,
    };
    let sign = shared
        .options
        .checkpoint_key
        .as_ref()
        .map(|_| shared.options.checkpoint_every.max(SHORTEST));
    let mend = shared.losses.as_ref().map(|_| MEND);
    let begin = Instant::now();
    let (mut next_sync, mut next_sign, mut next_mend) = (
        sync.map(|time| begin + time),
        sign.map(|time| begin + time),
        mend.map(|time| begin + time),
    );
    let mut ending = shared.ending.lock().unwrap_or_else(PoisonError::into_inner);
    while !*ending {
        let now = Instant::now();
        let next = [next_sync, next_sign, next_mend]
            .into_iter()
            .flatten()
            .min();
        let wait = next.map_or(IDLE, |next| next.saturating_duration_since(now));
        if !wait.is_zero() {
            (ending, _) = shared
                .end
                .wait_timeout(ending, wait)
                .unwrap_or_else(PoisonError::into_inner);
            continue;
        }
        drop(ending);
        if next_mend.is_some_and(|at| at <= now) {
            tell(
                shared,
                "lost decisions cannot be recorded in the audit log",
                shared.mend(SystemTime::now()),
            );
            next_mend = mend.map(|time| now + time);
        }
        if next_sign.is_some_and(|at| at <= now) {
            let signed = shared.checkpoint(SystemTime::now());
            tell(shared, "an audit checkpoint cannot be written", signed);
            next_sign = sign.map(|time| now + time);
        }
        if next_sync.is_some_and(|at| at <= now) {
            tell(
                shared,
                "audit records cannot be synced to the disk",
                shared.synced.all(shared),
            );
            next_sync = sync.map(|time| now + time);
        }
        ending = shared.ending.lock().unwrap_or_else(PoisonError::into_inner);
    }
}

fn tell(shared: &Shared, what: &str, outcome: io::Result<()>) {
    if let Err(error) = outcome {
        let failures = shared
            .failures
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        if super::is_worth_saying(failures + 1) {
            tracing::error!(folder = %shared.folder.display(), %error, "{what}");
        }
    }
}

/// How often to try to record lost decisions, if no other record does.
const MEND: Duration = Duration::from_secs(1);
/// A shorter interval would keep the thread busy.
const SHORTEST: Duration = Duration::from_millis(1);
/// The interval with nothing to do.
const IDLE: Duration = Duration::from_secs(3600);
