//! The name that the files of a bundle share.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    str::FromStr,
};

/// The common part of the file names of a bundle: `policy` in `policy.wasm`.
///
/// It is a plain name: at least one byte, at most [`Stem::MAX_BYTES`], no separator, no control character, no leading dot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stem(String);

impl Stem {
    /// The longest stem in bytes: with the longest ending it must fit into the 255 bytes that file systems allow a name.
    pub const MAX_BYTES: usize = 200;

    /// The stem for a policy at `path`: its file name without `.yaml`, `.yml` or `.rego`.
    ///
    /// # Errors
    ///
    /// If the path ends without a name (`..`, `/`), or the name breaks the rules of [`Stem`].
    pub fn from_path(path: &Path) -> Result<Self, StemError> {
        let name = path.file_name().ok_or_else(|| StemError {
            name: path.display().to_string(),
            reason: "it has no file name",
        })?;
        let name = name.to_str().ok_or_else(|| StemError {
            name: name.to_string_lossy().into_owned(),
            reason: "it is not UTF-8",
        })?;
        name.strip_suffix(".yaml")
            .or_else(|| name.strip_suffix(".yml"))
            .or_else(|| name.strip_suffix(".rego"))
            .unwrap_or(name)
            .parse()
    }

    /// The stem as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The file with the policy's source.
    #[must_use]
    pub fn source(&self) -> String {
        format!("{}.yaml", self.0)
    }

    /// The file with the Rego text.
    #[must_use]
    pub fn rego(&self) -> String {
        format!("{}.rego", self.0)
    }

    /// The file with the component.
    #[must_use]
    pub fn wasm(&self) -> String {
        format!("{}.wasm", self.0)
    }

    /// The file with the manifest.
    #[must_use]
    pub fn manifest(&self) -> String {
        format!("{}{MANIFEST_ENDING}", self.0)
    }

    /// The file with the signature.
    #[must_use]
    pub fn signature(&self) -> String {
        format!("{}{MANIFEST_ENDING}.sig", self.0)
    }

    /// The stem of a manifest's file name; None if it is the name of something else.
    pub(crate) fn of_manifest(name: &str) -> Option<Result<Self, StemError>> {
        name.strip_suffix(MANIFEST_ENDING).map(str::parse)
    }

    /// All names that a bundle of this stem can hold.
    pub(crate) fn all(&self) -> [String; 5] {
        [
            self.source(),
            self.rego(),
            self.wasm(),
            self.manifest(),
            self.signature(),
        ]
    }
}

impl fmt::Display for Stem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Stem {
    type Err = StemError;

    fn from_str(name: &str) -> Result<Self, StemError> {
        match plain_name(name, Self::MAX_BYTES) {
            Ok(()) => Ok(Self(name.to_owned())),
            Err(reason) => Err(StemError {
                name: name.to_owned(),
                reason,
            }),
        }
    }
}

/// A name cannot be the stem of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` cannot name the files of a bundle: {reason}; rename the policy to a plain name of 1 to {} bytes, such as `policy.yaml`",
    .name.escape_debug(), Stem::MAX_BYTES
)]
#[non_exhaustive]
pub struct StemError {
    /// The name.
    pub name: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// The ending of a manifest's file name.
pub(crate) const MANIFEST_ENDING: &str = ".bundle.json";

/// Whether a folder is meant to be a bundle: it holds a manifest, valid or not.
pub fn is_bundle(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|entries| {
        entries.flatten().any(|entry| {
            let name = entry.file_name();
            name.as_encoded_bytes()
                .ends_with(MANIFEST_ENDING.as_bytes())
        })
    })
}

/// A file that shows that `path`, which is no bundle, was one or is part of one: in a folder, a manifest, a signature, a component or a
/// Rego text; beside a policy's file, one of these with its stem. None if `path` can be a policy's source.
pub fn trace_of_bundle(path: &Path) -> Option<PathBuf> {
    if let Ok(entries) = fs::read_dir(path) {
        return entries.flatten().map(|entry| entry.path()).find(|file| {
            let name = file.file_name().unwrap_or_default().as_encoded_bytes();
            [MANIFEST_ENDING, ".sig", ".wasm", ".rego"]
                .iter()
                .any(|ending| name.ends_with(ending.as_bytes()))
        });
    }
    let stem = Stem::from_path(path).ok()?;
    [stem.manifest(), stem.signature(), stem.wasm(), stem.rego()]
        .into_iter()
        .map(|name| path.with_file_name(name))
        .find(|file| file != path && fs::symlink_metadata(file).is_ok())
}

/// Whether `name` can be one component of a path on every system.
pub(crate) fn plain_name(name: &str, max_bytes: usize) -> Result<(), &'static str> {
    if name.is_empty() {
        Err("it is empty")
    } else if name.len() > max_bytes {
        Err("it is too long")
    } else if name.starts_with('.') {
        Err("it starts with a dot")
    } else if name.contains(['/', '\\']) {
        Err("it contains a path separator")
    } else if name.chars().any(char::is_control) {
        Err("it contains a control character")
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_name_of_the_policy() {
        for (path, stem) in [
            ("a/b/billing.yaml", "billing"),
            ("x.yml", "x"),
            ("roles", "roles"),
            ("a/roles/", "roles"),
            ("a.b.yaml", "a.b"),
            ("ä.yaml", "ä"),
        ] {
            assert_eq!(Stem::from_path(Path::new(path)).unwrap().as_str(), stem);
        }
    }

    #[test]
    fn refuses_path_tricks() {
        for path in [
            "/",
            "..",
            "a/..",
            ".yaml",
            ".hidden.yaml",
            "a\\b.yaml",
            "a\nb.yaml",
            "a\0b.yaml",
            &format!("{}.yaml", "x".repeat(201)),
        ] {
            let error = Stem::from_path(Path::new(path)).unwrap_err().to_string();
            assert!(error.contains("rename the policy"), "{error}");
        }
        for name in ["", ".", "..", "../x", "/x", "x/"] {
            assert!(name.parse::<Stem>().is_err(), "{name}");
        }
    }
}
