//! Whose bundles are trusted, and for whom they have to be.

use std::{path::PathBuf, time::SystemTime};

use hexgate_bundle::{Expectation, SequenceStore, TrustedKeys, UnverifiedBundle, VerifiedBundle};

use crate::exit::Refused;

/// What a bundle has to fulfil.
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
    #[arg(long, value_name = "N")]
    min_sequence: Option<u64>,
}

/// How a bundle that arrives is kept from being older than the one before.
#[derive(Debug, clap::Args)]
pub(super) struct Arrival {
    /// Remember in this file the highest sequence number of each project and agent, and refuse what is older
    #[arg(long, value_name = "FILE")]
    sequences: Option<PathBuf>,
}

impl Trust {
    /// Verifies a bundle. The keys are read first: what is wrong on the command line is said before anything else.
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
    /// Admits a bundle, before anything of it is written.
    pub(super) fn admit(&self, bundle: &VerifiedBundle) -> anyhow::Result<()> {
        match &self.sequences {
            None => Ok(()),
            Some(file) => match SequenceStore::at(file).admit(bundle) {
                Err(error @ hexgate_bundle::SequenceError::Older { .. }) => {
                    Err(Refused::error(error))
                }
                other => Ok(other?),
            },
        }
    }
}
