//! The environment of commands: nothing of this program's own but the language.

use std::ffi::OsString;
use std::path::Path;

use crate::executables::SEARCH_PATH;
use crate::network::Network;
use crate::workspace::Inner;

/// What is passed on: how text is to be read and written.
const PASSED: &[&str] = &["LANG", "LC_ALL", "LC_CTYPE", "LC_COLLATE", "LC_MESSAGES"];
/// The environment of a command with this folder for temporary files.
pub(crate) fn of(
    workspace: &Inner,
    temporary: &Path,
    network: &Network,
) -> Vec<(OsString, OsString)> {
    let mut all: Vec<(OsString, OsString)> = vec![
        ("PATH".into(), SEARCH_PATH.into()),
        ("HOME".into(), workspace.root.path.clone().into()),
        ("PWD".into(), workspace.root.path.clone().into()),
        ("TMPDIR".into(), temporary.into()),
        ("TERM".into(), "dumb".into()),
    ];
    for name in PASSED {
        if let Some(value) = std::env::var_os(name) {
            all.push(((*name).into(), value));
        }
    }
    for (name, value) in network.environment() {
        all.push((name.into(), value.into()));
    }
    all.extend(workspace.env.iter().cloned());
    all
}
