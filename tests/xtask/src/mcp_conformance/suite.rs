//! The suite: where it is, what a revision requires, and a run of it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::{
    Side,
    outcome::{self, Outcomes},
};
use crate::{setup, workspace};

pub(super) struct Suite {
    node: PathBuf,
    package: PathBuf,
}

/// What a revision of the protocol asks for.
#[derive(Deserialize)]
pub(super) struct Requirements {
    server: Vec<String>,
    client: Vec<String>,
    #[serde(default)]
    not_scored: Vec<NotScored>,
}

/// What is run and not required.
#[derive(Deserialize)]
struct NotScored {
    scenario: String,
    leg: Side,
}

impl Requirements {
    /// What a side must pass.
    pub(super) fn required(&self, side: Side) -> &[String] {
        match side {
            Side::Server => &self.server,
            Side::Client => &self.client,
        }
    }

    /// What is run for a side: what it must pass, then what is not required.
    pub(super) fn all(&self, side: Side) -> Vec<String> {
        let optional = self.not_scored.iter().filter(|it| it.leg == side);
        let required = self.required(side).iter().cloned();
        required
            .chain(optional.map(|it| it.scenario.clone()))
            .collect()
    }
}

impl Suite {
    pub(super) fn of(packages: &Path) -> Self {
        let arch = if cfg!(target_arch = "aarch64") {
            "arm64"
        } else {
            "x64"
        };
        let own = packages.join(format!("node-linux-{arch}/bin/node"));
        Self {
            // Where there is none for this system, the user's own must be new enough.
            node: if own.exists() { own } else { "node".into() },
            package: packages.join("@modelcontextprotocol/conformance"),
        }
    }

    pub(super) fn requirements(&self, revision: &str) -> Result<Requirements> {
        let path = self.package.join(format!("requirements/{revision}.yaml"));
        let text = fs::read_to_string(&path)
            .with_context(|| format!("cannot read `{}`", path.display()))?;
        serde_saphyr::from_str(&text)
            .with_context(|| format!("`{}` is of another form", path.display()))
    }

    fn folder(name: &str, revision: &str) -> PathBuf {
        workspace::root()
            .join(workspace::target())
            .join("mcp-conformance")
            .join(format!("{name}-{revision}"))
    }

    /// What the suite printed in a run of this name.
    pub(super) fn log(name: &str, revision: &str) -> PathBuf {
        Self::folder(name, revision).join("log.txt")
    }

    /// Runs what a revision asks of a side: these scenarios. `connected` says to what, as the suite's own arguments. What it prints goes to a file beside its
    /// results, in a folder of this name.
    pub(super) fn run(
        &self,
        side: Side,
        revision: &str,
        scenarios: &[String],
        connected: &[&str],
        name: &str,
    ) -> Result<Outcomes> {
        let folder = Self::folder(name, revision);
        setup::fresh(&folder)?;
        let log = fs::File::create(Self::log(name, revision))?;
        eprintln!(
            "    the suite: {name}, {revision}; what it says is in `{}`",
            folder.display()
        );
        let status = Command::new(&self.node)
            .arg(self.package.join("dist/index.js"))
            .arg(match side {
                Side::Server => "server",
                Side::Client => "client",
            })
            .args(connected)
            .args(["--requirements", revision, "--output-dir"])
            .arg(&folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .status()
            .with_context(|| format!("cannot run `{}`", self.node.display()))?;
        // 1: something failed, which is judged by the results.
        if !matches!(status.code(), Some(0 | 1)) {
            bail!("the suite ended with {status}; see `{}`", folder.display());
        }
        outcome::read(&folder, scenarios)
    }
}
