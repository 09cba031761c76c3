//! Which `opa`, and whether it is new enough.

use std::{
    env,
    ffi::OsString,
    fmt,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{OpaError, run};

/// The lowest version that compiles what we print and what we document: the first whose language is Rego v1 without being asked.
pub(super) const LOWEST: Version = Version {
    major: 1,
    minor: 0,
    patch: 0,
};

/// How long one run may take unless `HEXGATE_OPA_TIMEOUT` says otherwise. OPA takes under a second for a policy of a thousand rules.
const TIMEOUT: Duration = Duration::from_secs(120);

/// An `opa` of a version that is good enough.
#[derive(Debug, Clone)]
pub struct Opa {
    path: PathBuf,
    version: Version,
    timeout: Duration,
}

/// A version of OPA.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Raised when policies have to be changed.
    pub major: u32,
    /// Raised with new functions.
    pub minor: u32,
    /// Raised with corrections.
    pub patch: u32,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl Opa {
    /// The binary that `HEXGATE_OPA_BIN` names, else the one on the path. `HEXGATE_OPA_TIMEOUT` is the time that one run of it may
    /// take, in seconds; 120 if it is not set.
    ///
    /// # Errors
    ///
    /// If there is none, or it is not OPA, or too old.
    pub fn find() -> Result<Self, OpaError> {
        Self::at_or_find(None)
    }

    /// The binary at this path, else the one that [`find`](Self::find) finds.
    ///
    /// # Errors
    ///
    /// As for [`find`](Self::find).
    pub fn at_or_find(path: Option<&Path>) -> Result<Self, OpaError> {
        let variable = |name| env::var_os(name).filter(|value: &OsString| !value.is_empty());
        let timeout = match variable("HEXGATE_OPA_TIMEOUT") {
            Some(seconds) => seconds
                .to_str()
                .and_then(|seconds| seconds.parse().ok())
                .filter(|seconds| (1..=3600).contains(seconds))
                .map(Duration::from_secs)
                .ok_or(OpaError::Timeout)?,
            None => TIMEOUT,
        };
        let path = match path.map(Into::into).or_else(|| variable("HEXGATE_OPA_BIN")) {
            Some(path) => PathBuf::from(path),
            None => on_path(&variable("PATH").unwrap_or_default()).ok_or(OpaError::NotFound)?,
        };
        Self::at(path, timeout)
    }

    /// The binary at `path`, each run of which may take `timeout`.
    ///
    /// # Errors
    ///
    /// If it cannot be run, is not OPA, or is too old.
    pub fn at(path: PathBuf, timeout: Duration) -> Result<Self, OpaError> {
        if let Some(reason) = not_executable(&path) {
            return Err(OpaError::NotExecutable { path, reason });
        }
        // It is run in a folder of its own, where a relative path would lead elsewhere.
        let path = std::path::absolute(&path).map_err(|source| OpaError::Folder {
            what: "the current folder is not there",
            source,
        })?;
        let ran = run::run(&path, "version", &[], None, timeout)?;
        let version = ran.status.success().then(|| parse(&ran.stdout)).flatten();
        let Some(version) = version else {
            return Err(OpaError::Answer {
                path,
                command: "version",
                expected: "the version of OPA".to_owned(),
            });
        };
        if version < LOWEST {
            return Err(OpaError::TooOld {
                path,
                found: version,
            });
        }
        Ok(Self {
            path,
            version,
            timeout,
        })
    }

    /// The binary.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its version.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// Runs it.
    pub(super) fn run(
        &self,
        command: &'static str,
        arguments: &[&str],
        folder: Option<&Path>,
    ) -> Result<run::Ran, OpaError> {
        run::run(&self.path, command, arguments, folder, self.timeout)
    }

    /// The error for a run that ended in a way of its own.
    pub(super) fn failed(&self, command: &'static str, ran: &run::Ran) -> OpaError {
        OpaError::Failed {
            path: self.path.clone(),
            command,
            status: ran.status.to_string(),
            said: run::first_lines(ran.said()),
        }
    }

    /// The error for an answer that is not `expected`.
    pub(super) fn answer(&self, command: &'static str, expected: impl Into<String>) -> OpaError {
        OpaError::Answer {
            path: self.path.clone(),
            command,
            expected: expected.into(),
        }
    }
}

/// The first `opa` in the folders of a path. Folders that are named relative to where one happens to be are left out: whoever can
/// write there must not choose the compiler.
fn on_path(path: &OsString) -> Option<PathBuf> {
    env::split_paths(path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join("opa"))
        .find(|candidate| not_executable(candidate).is_none())
}

fn not_executable(path: &Path) -> Option<&'static str> {
    match path.metadata() {
        Err(_) => Some("is not there"),
        Ok(metadata) if !metadata.is_file() => Some("is not a file"),
        Ok(metadata) if metadata.permissions().mode() & 0o111 == 0 => Some("is not executable"),
        Ok(_) => None,
    }
}

/// The version in what `opa version` prints.
fn parse(said: &[u8]) -> Option<Version> {
    let line = std::str::from_utf8(said)
        .ok()?
        .lines()
        .find_map(|line| line.strip_prefix("Version: "))?;
    // What follows a hyphen or plus marks a build before or beside the release.
    let release = line.trim().split(['-', '+']).next()?;
    let mut numbers = release.split('.').map(str::parse);
    let version = Version {
        major: numbers.next()?.ok()?,
        minor: numbers.next()?.ok()?,
        patch: numbers.next()?.ok()?,
    };
    numbers.next().is_none().then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_compared() {
        let parsed = |text: &str| parse(text.as_bytes()).map(|version| version.to_string());
        assert_eq!(
            parsed("Version: 1.22.2\nBuild Commit: \n").as_deref(),
            Some("1.22.2")
        );
        assert_eq!(
            parsed("Build Commit: x\nVersion: 1.0.0-rc.1+7\n").as_deref(),
            Some("1.0.0")
        );
        for garbage in [
            "",
            "Version: ",
            "Version: 1.2",
            "Version: 1.2.3.4",
            "1.2.3",
            "Version: a.b.c",
        ] {
            assert_eq!(parsed(garbage), None, "{garbage}");
        }
        assert!(parse(b"Version: 0.70.0").unwrap() < LOWEST);
        assert!(parse(b"Version: 1.10.0").unwrap() > parse(b"Version: 1.9.9").unwrap());
    }

    #[test]
    fn only_absolute_folders_of_the_path_count() {
        assert_eq!(on_path(&OsString::from(".::bin")), None);
    }
}
