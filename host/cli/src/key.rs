//! Private keys from files that a command line names.

use std::path::Path;

use hexgate_bundle::PrivateKey;

use crate::output;

/// The key in a file, with a warning if others can read it.
pub(crate) fn load(path: &Path) -> anyhow::Result<PrivateKey> {
    let loaded = PrivateKey::from_file(path)?;
    if let Some(warning) = loaded.warning {
        output::warn(&warning.to_string());
    }
    Ok(loaded.key)
}
