//! A package, as its manifest and cargo describe it.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{CargoError, cargo::Cargo};

/// A package that holds a policy.
#[derive(Debug)]
pub(super) struct Package {
    /// What cargo calls it in its messages.
    pub(super) id: String,
    pub(super) name: String,
    /// Its folder.
    pub(super) folder: PathBuf,
    /// The same, as the user named it.
    pub(super) shown: PathBuf,
    /// What the paths in rustc's messages start from.
    pub(super) workspace: PathBuf,
    pub(super) settings: Settings,
}

/// `[package.metadata.hexgate]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// The YAML policy that the code narrows, beside `Cargo.toml`.
    #[serde(default)]
    pub(super) policy: Option<String>,
    /// Whether the bundle claims that the component keeps nothing from one decision to the next.
    #[serde(default)]
    pub(super) stateless: bool,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Described>,
    workspace_root: PathBuf,
}

#[derive(Deserialize)]
struct Described {
    id: String,
    name: String,
    manifest_path: PathBuf,
    targets: Vec<Target>,
    #[serde(default)]
    metadata: serde_json::Value,
}

#[derive(Deserialize)]
struct Target {
    crate_types: Vec<String>,
}

impl Package {
    /// What cargo says about the package of a manifest.
    pub(super) fn read(manifest: &Path, cargo: &Cargo) -> Result<Self, CargoError> {
        let shown = manifest.parent().map(Path::to_owned).unwrap_or_default();
        let manifest = fs::canonicalize(manifest).map_err(|source| CargoError::File {
            what: "read",
            path: manifest.to_owned(),
            source,
        })?;
        // With the dependencies, so that a lock file is there before the sources are digested.
        let metadata: Metadata = cargo.metadata(&manifest)?;
        let found = metadata.packages.into_iter().find(|package| {
            fs::canonicalize(&package.manifest_path).is_ok_and(|path| path == manifest)
        });
        let found = found.ok_or_else(|| CargoError::NoPackage(manifest.clone()))?;
        let is_module = |target: &Target| target.crate_types.iter().any(|kind| kind == "cdylib");
        if !found.targets.iter().any(is_module) {
            return Err(CargoError::NoModule(found.name));
        }
        let settings = match found.metadata.get("hexgate") {
            None => Settings::default(),
            Some(table) => Settings::deserialize(table).map_err(|source| CargoError::Metadata {
                package: found.name.clone(),
                source,
            })?,
        };
        if let Some(policy) = &settings.policy
            && (!policy.ends_with(".yaml") || policy.contains(['/', '\\']))
        {
            return Err(CargoError::PolicyName {
                package: found.name,
                policy: policy.clone(),
            });
        }
        Ok(Self {
            id: found.id,
            name: found.name,
            folder: manifest.parent().unwrap_or(&manifest).to_owned(),
            shown,
            workspace: metadata.workspace_root,
            settings,
        })
    }

    /// SHA-256 over what the policy is made from: the manifest, the lock file, the YAML policy, and every file below `src`, each by
    /// its name, its length and its bytes. Dependencies are in the lock file by their digests.
    pub(super) fn source_digest(&self) -> Result<[u8; 32], CargoError> {
        let mut files = vec![
            ("Cargo.toml".to_owned(), self.folder.join("Cargo.toml")),
            ("Cargo.lock".to_owned(), self.workspace.join("Cargo.lock")),
        ];
        if let Some(policy) = &self.settings.policy {
            files.push((policy.clone(), self.folder.join(policy)));
        }
        collect(&self.folder.join("src"), "src", &mut files)?;
        files.sort();
        let mut digest = Sha256::new();
        for (name, path) in files {
            let bytes = match fs::read(&path) {
                Ok(bytes) => bytes,
                Err(error) => return Err(cannot_read(&path, error)),
            };
            digest.update(name.as_bytes());
            digest.update([0]);
            digest.update((bytes.len() as u64).to_le_bytes());
            digest.update(bytes);
        }
        Ok(digest.finalize().into())
    }
}

/// All files below a folder, with their names from the package's folder on.
fn collect(
    folder: &Path,
    name: &str,
    files: &mut Vec<(String, PathBuf)>,
) -> Result<(), CargoError> {
    let entries = fs::read_dir(folder).map_err(|error| cannot_read(folder, error))?;
    for entry in entries {
        let entry = entry.map_err(|error| cannot_read(folder, error))?;
        let path = entry.path();
        let name = format!("{name}/{}", entry.file_name().to_string_lossy());
        if path.is_dir() {
            collect(&path, &name, files)?;
        } else {
            files.push((name, path));
        }
    }
    Ok(())
}

fn cannot_read(path: &Path, source: io::Error) -> CargoError {
    CargoError::File {
        what: "read",
        path: path.to_owned(),
        source,
    }
}
