//! Notifications of the file system.

use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

/// Sends as soon as something at a path changes, until it is dropped.
#[derive(Debug)]
pub(super) struct Files(
    #[allow(dead_code, reason = "held so that dropping it ends the watching")] RecommendedWatcher,
);

impl Files {
    /// None: the file system gives no notifications, which is logged.
    pub(super) fn watch(path: &Path, changed: Sender<()>) -> Option<Self> {
        let started = std::path::absolute(path)
            .map_err(notify::Error::io)
            .and_then(|path| start(path, changed));
        match started {
            Ok(watcher) => Some(Self(watcher)),
            Err(error) => {
                let path = path.display();
                tracing::warn!(%path, %error, "changes are noticed at the interval alone");
                None
            }
        }
    }
}

fn start(path: PathBuf, changed: Sender<()>) -> notify::Result<RecommendedWatcher> {
    let policy = path.clone();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        // The error may have hidden a change.
        if event.map_or(true, |event| concerns(&event, &policy)) {
            // Without a receiver there is no one to notify.
            let _ = changed.send(());
        }
    })?;
    // A file or a folder that is replaced is an event of the folder around it.
    if let Some(parent) = path.parent() {
        watcher.watch(parent, RecursiveMode::NonRecursive)?;
    }
    if path.is_dir() {
        watcher.watch(&path, RecursiveMode::NonRecursive)?;
    }
    Ok(watcher)
}

/// Whether an event may mean another policy. Reads do not, since looking at the files causes them.
fn concerns(event: &Event, policy: &Path) -> bool {
    let reads = match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => false,
        EventKind::Access(_) => true,
        _ => false,
    };
    !reads && (event.need_rescan() || event.paths.iter().any(|path| path.starts_with(policy)))
}
