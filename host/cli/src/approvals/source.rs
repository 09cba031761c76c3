//! The database of requests, and the approvers that answers are checked against.

use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};

use anyhow::Context;
use hexgate_approvals::{Approvers, Entry, RequestStore};
use hexgate_bundle::Timestamp;

use super::view::View;
use crate::exit::Refused;

/// The options of commands that read.
#[derive(Debug, clap::Args)]
pub(super) struct Source {
    /// The database in which the agent's host keeps its requests
    #[arg(long, value_name = "FILE")]
    db: PathBuf,

    /// The file that lists the approvers: with it answers are checked, without it only shown
    #[arg(long, value_name = "FILE")]
    approvers: Option<PathBuf>,
}

/// An open database.
pub(super) struct Requests {
    store: RequestStore,
    approvers: Option<Approvers>,
}

impl Source {
    pub(super) fn open(&self) -> anyhow::Result<Requests> {
        Ok(Requests {
            store: RequestStore::open(&self.db)?,
            approvers: self
                .approvers
                .as_ref()
                .map(Approvers::from_file)
                .transpose()?,
        })
    }
}

impl Requests {
    /// All requests, the oldest first.
    pub(super) fn all(&self) -> anyhow::Result<Vec<View>> {
        let now = now()?;
        let entries = self.entries()?;
        Ok(entries
            .into_iter()
            .map(|entry| View::new(entry, self.approvers.as_ref(), now))
            .collect())
    }

    /// The request whose name begins so.
    pub(super) fn one(&self, prefix: &str) -> anyhow::Result<View> {
        anyhow::ensure!(
            (4..=64).contains(&prefix.len())
                && prefix
                    .bytes()
                    .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')),
            "`{prefix}` does not name a request; pass at least 4 of its lower-case hexadecimal digits, as `hexgate approvals list` prints them"
        );
        let mut found = self.all()?;
        found.retain(|view| view.id.starts_with(prefix));
        match (found.pop(), found.len()) {
            (Some(view), 0) => Ok(view),
            (None, _) => Err(Refused::error(format!(
                "there is no request `{prefix}` in this database; list what there is with `hexgate approvals list --all`"
            ))),
            (Some(_), others) => Err(Refused::error(format!(
                "`{prefix}` begins the names of {} requests; pass more of its digits",
                others + 1
            ))),
        }
    }

    fn entries(&self) -> anyhow::Result<Vec<Entry>> {
        self.store
            .entries()
            .with_context(|| unusable(self.store.path()))
    }
}

/// The beginning of what is wrong with a database.
pub(super) fn unusable(path: &Path) -> String {
    format!("cannot use the database `{}`", path.display())
}

/// The time now.
pub(super) fn now() -> anyhow::Result<Timestamp> {
    Timestamp::from_system_time(SystemTime::now())
        .context("the clock shows a time before 1970 or after 9999; set it")
}
