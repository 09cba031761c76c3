//! A small signed bundle and the key that it is verified with.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use hexgate_bundle::{
    Claims, Draft, Expectation, PrivateKey, TrustedKeys, UnverifiedBundle, VerifiedBundle, write,
};
use tempfile::TempDir;

/// The header of a component, which is enough: nothing here runs it.
pub(crate) const WASM: &[u8] = b"\0asm\x0d\0\x01\0";
pub(crate) const SOURCE: &[u8] = b"tools:\n  search:\n    mode: allow\n";
pub(crate) const AGENT: &str = "support-bot";
pub(crate) const STEM: &str = "policy";

pub(crate) fn key() -> PrivateKey {
    PrivateKey::from_bytes(&[7; 32])
}

pub(crate) fn trusted() -> TrustedKeys {
    key().public_key().into()
}

/// 2026-01-01T00:00:00Z.
pub(crate) fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_767_225_600)
}

pub(crate) fn claims() -> Claims {
    Claims {
        agent: Some(AGENT.to_owned()),
        sequence: 7,
        ..Claims::new(
            "policy.yaml",
            "hexgate:policy@0.1.0",
            "native",
            "hexgate-compiler 0.1.0",
        )
    }
}

pub(crate) fn draft() -> Draft<'static> {
    Draft {
        stem: STEM.parse().unwrap(),
        source: SOURCE,
        rego: "",
        wasm: WASM,
        claims: claims(),
    }
}

pub(crate) fn expectation() -> Expectation {
    Expectation::agent(AGENT)
}

/// A signed bundle in a temporary folder.
pub(crate) struct Fixture {
    pub(crate) root: TempDir,
    pub(crate) dir: PathBuf,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("bundle");
        write(&dir, &draft(), Some(&key())).unwrap();
        Self { root, dir }
    }

    pub(crate) fn file(&self, ending: &str) -> PathBuf {
        self.dir.join(format!("{STEM}.{ending}"))
    }

    /// What the bundle says against itself, empty if nothing.
    pub(crate) fn refusal(&self) -> String {
        load(&self.dir).err().unwrap_or_default()
    }
}

/// Reads and verifies; an error is its message.
pub(crate) fn load(dir: &Path) -> Result<VerifiedBundle, String> {
    let bundle = UnverifiedBundle::read(dir).map_err(|error| error.to_string())?;
    bundle
        .verify(&trusted(), &expectation(), now())
        .map_err(|error| error.to_string())
}

/// The names in a folder, sorted.
pub(crate) fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// That an error is a message in the manner of the house and says each of these.
#[track_caller]
pub(crate) fn says(message: &str, parts: &[&str]) {
    assert!(!message.is_empty(), "there is no error");
    assert!(
        !message.ends_with('.') && !message.starts_with(char::is_uppercase),
        "{message}"
    );
    for part in parts {
        assert!(message.contains(part), "`{part}` is not in: {message}");
    }
}
