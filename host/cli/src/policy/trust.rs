//! The keys that are trusted, and the agent and project that a bundle must be for.

use std::{path::PathBuf, time::SystemTime};

use hexgate_bundle::{
    Expectation, SequenceError, SequenceStore, TrustedKeys, UnverifiedBundle, VerifiedBundle,
};

use crate::exit::Refused;

/// The requirements on a bundle.
#[derive(Debug, clap::Args)]
pub(super) struct Trust {
    /// A public key that is trusted; repeat it while keys rotate
    #[arg(long, value_name = "FILE", required = true)]
    pub(super) pubkey: Vec<PathBuf>,

    /// The bundle must be bound to this agent
    #[arg(long, value_name = "NAME")]
    pub(super) agent: Option<String>,

    /// The bundle must be bound to this project
    #[arg(long, value_name = "NAME")]
    pub(super) project: Option<String>,

    /// The bundle must have at least this sequence number
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) min_sequence: Option<u64>,
}

/// How an arriving bundle is checked to be for the right agent, and not older than the one before.
#[derive(Debug, clap::Args)]
pub(super) struct Arrival {
    /// Remember in this file which bundle has the highest sequence number for each project and agent, and refuse what is older
    #[arg(long, value_name = "FILE")]
    pub(super) sequences: Option<PathBuf>,

    /// Accept the bundle of any agent and project: an attacker on the way can choose among all that the key ever signed
    #[arg(long, conflicts_with_all = ["agent", "project"])]
    dangerous_any_binding: bool,
}

impl Trust {
    /// Verifies a bundle. The keys are read first, so that errors of the command line are reported first.
    pub(super) fn verify(
        &self,
        bundle: impl FnOnce() -> anyhow::Result<UnverifiedBundle>,
    ) -> anyhow::Result<VerifiedBundle> {
        let keys = TrustedKeys::from_files(&self.pubkey)?;
        let expectation = match (&self.agent, &self.project) {
            (Some(agent), Some(project)) => Expectation::agent(agent).in_project(project),
            (Some(agent), None) => Expectation::agent(agent),
            (None, Some(project)) => Expectation::project(project),
            (None, None) => Expectation::dangerous_any_binding(),
        };
        let expectation = match self.min_sequence {
            Some(sequence) => expectation.min_sequence(sequence),
            None => expectation,
        };
        let verified = bundle()?.verify(&keys, &expectation, SystemTime::now());
        verified.map_err(Refused::error)
    }
}

impl Arrival {
    /// Admits a bundle, before any of it is written.
    pub(super) fn admit(&self, bundle: &VerifiedBundle) -> anyhow::Result<()> {
        match &self.sequences {
            None => Ok(()),
            Some(file) => admitted(SequenceStore::at(file).admit(bundle)),
        }
    }
}

/// Errors of the bundle are refusals; other errors mean that it could not be checked.
pub(super) fn admitted(outcome: Result<(), SequenceError>) -> anyhow::Result<()> {
    outcome.map_err(|error| match error.is_about_the_bundle() {
        true => Refused::error(error),
        false => error.into(),
    })
}

/// Requires an agent, a project, or `--dangerous-any-binding` for an arriving bundle.
pub(super) fn binding() -> clap::ArgGroup {
    clap::ArgGroup::new("binding")
        .required(true)
        .multiple(true)
        .args(["agent", "project", "dangerous_any_binding"])
}
