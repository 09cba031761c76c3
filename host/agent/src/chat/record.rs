//! Where decisions are recorded.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use hexgate_enforce::AuditRecorder;

/// Where decisions are recorded.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct RecordArgs {
    /// Record each decision and how each call ended in this folder, for `hexgate audit`. What cannot be recorded is denied
    ///
    /// The key for the digests of what is left out is beside the folder: FOLDER.key.
    #[arg(long, value_name = "FOLDER")]
    pub audit: Option<PathBuf>,
}

impl RecordArgs {
    /// What records, for the agent and the agents below it.
    pub(crate) fn recorder(&self) -> anyhow::Result<Option<Arc<AuditRecorder>>> {
        let Some(folder) = &self.audit else {
            return Ok(None);
        };
        let recorder = AuditRecorder::in_folder(folder).map_err(|error| anyhow::anyhow!(error));
        let recorder =
            recorder.with_context(|| format!("cannot keep a log in `{}`", folder.display()))?;
        Ok(Some(Arc::new(recorder)))
    }
}
