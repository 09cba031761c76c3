//! The environment of commands: nothing of this program's own but the language.

use std::ffi::OsString;
use std::path::Path;

use crate::executables::SEARCH_PATH;
use crate::network::PROXY_PORT;
use crate::workspace::Inner;

/// What is passed on: how text is to be read and written.
const PASSED: &[&str] = &["LANG", "LC_ALL", "LC_CTYPE", "LC_COLLATE", "LC_MESSAGES"];
/// The names by which programs look for a proxy.
const PROXY: &[&str] = &[
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
];

/// The environment of a command with this folder for temporary files.
pub(crate) fn of(workspace: &Inner, temporary: &Path, proxy: bool) -> Vec<(OsString, OsString)> {
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
    if proxy {
        let address = format!("http://127.0.0.1:{PROXY_PORT}");
        for name in PROXY {
            all.push(((*name).into(), address.clone().into()));
        }
    }
    all.extend(workspace.env.iter().cloned());
    all
}
