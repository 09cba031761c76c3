//! A bundle as one file, for places without a network.
//!
//! An archive is a plain tar of the bundle's files, in a fixed order, with nothing in it that depends on the machine or the time: equal
//! bundles give equal archives. An archive is accepted only if writing the bundle again gives the same bytes. So links, other folders,
//! owners, repeated names and bytes after the end are all refused.

use std::io;

use hexgate_bundle::{
    CopyError, MAX_MANIFEST_BYTES, MAX_TEXT_BYTES, MAX_WASM_BYTES, Parts, ReadError, SealedBundle,
    Stem, UnverifiedBundle, VerifiedBundle,
};
use tar::{Archive, Builder, EntryType, Header};

/// The largest archive that is read, in bytes: the largest bundle, and what tar adds to it.
pub const MAX_ARCHIVE_BYTES: u64 =
    MAX_WASM_BYTES + 2 * MAX_TEXT_BYTES + MAX_MANIFEST_BYTES + (64 << 10);

/// The ending of a manifest's name.
const MANIFEST: &str = ".bundle.json";

/// A verified bundle as an archive.
///
/// # Errors
///
/// If the bundle is not whole, or its name is longer than tar allows.
pub fn export(bundle: &VerifiedBundle) -> Result<Vec<u8>, ArchiveError> {
    let sealed = SealedBundle::of_verified(bundle)?;
    encode(&sealed.files()).map_err(|source| ArchiveError::Name {
        stem: sealed.stem().to_string(),
        source,
    })
}

/// Reads an archive. `origin` names it in messages. The bundle is not verified.
///
/// # Errors
///
/// If the bytes are not exactly an archive of a whole bundle.
pub fn import(archive: &[u8], origin: impl Into<String>) -> Result<UnverifiedBundle, ArchiveError> {
    let origin = origin.into();
    let files = match files(archive) {
        Ok(files) => files,
        Err(reason) => return Err(ArchiveError::NotABundle { origin, reason }),
    };
    let of = |wanted: &str| {
        let found = files.iter().find(|(name, _)| name == wanted);
        found.map(|(_, content)| content.to_vec())
    };
    let mut manifests = files
        .iter()
        .filter_map(|(name, _)| name.strip_suffix(MANIFEST));
    let stem = match (manifests.next().map(str::parse::<Stem>), manifests.next()) {
        (Some(Ok(stem)), None) => stem,
        _ => {
            return Err(ArchiveError::NotABundle {
                origin,
                reason: format!("it does not hold exactly one `*{MANIFEST}`"),
            });
        }
    };
    let missing = |name: String| ArchiveError::NotABundle {
        origin: origin.clone(),
        reason: format!("`{name}` is missing"),
    };
    let required = |name: String| of(&name).ok_or_else(|| missing(name));
    let parts = Parts {
        origin: origin.clone(),
        manifest: required(stem.manifest())?,
        signature: Some(required(stem.signature())?),
        wasm: required(stem.wasm())?,
        source: Some(required(stem.source())?),
        rego: Some(required(stem.rego())?),
    };
    // The order of `SealedBundle::files`, and nothing else.
    let expected: Vec<(String, &[u8])> = [
        (stem.source(), parts.source.as_deref()),
        (stem.rego(), parts.rego.as_deref()),
        (stem.wasm(), Some(parts.wasm.as_slice())),
        (stem.manifest(), Some(&parts.manifest)),
        (stem.signature(), parts.signature.as_deref()),
    ]
    .into_iter()
    .map(|(name, content)| (name, content.unwrap_or_default()))
    .collect();
    if !encode(&expected).is_ok_and(|written| written == archive) {
        return Err(ArchiveError::NotABundle {
            origin,
            reason: "it is not, byte for byte, what `export` writes for these files".to_owned(),
        });
    }
    Ok(UnverifiedBundle::from_parts(parts)?)
}

fn encode(files: &[(String, &[u8])]) -> io::Result<Vec<u8>> {
    let mut builder = Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = Header::new_ustar();
        header.set_path(name)?;
        header.set_entry_type(EntryType::Regular);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(content.len() as u64);
        header.set_cksum();
        builder.append(&header, *content)?;
    }
    builder.into_inner()
}

/// The names and contents of the files in an archive, or why it is refused.
fn files(archive: &[u8]) -> Result<Vec<(String, &[u8])>, String> {
    const FILES: usize = 5;
    let not_tar = |error: io::Error| format!("it cannot be read: {error}");
    let mut reader = Archive::new(archive);
    let mut files: Vec<(String, &[u8])> = Vec::new();
    for entry in reader.entries().map_err(not_tar)?.raw(true) {
        let entry = entry.map_err(not_tar)?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let shown = name.escape_debug();
        if entry.header().entry_type() != EntryType::Regular {
            return Err(format!("`{shown}` is not a regular file"));
        }
        if name.contains(['/', '\\']) || name.starts_with('.') {
            return Err(format!("`{shown}` is not a plain name"));
        }
        if files.iter().any(|(earlier, _)| *earlier == name) {
            return Err(format!("`{shown}` comes twice"));
        }
        if files.len() == FILES {
            return Err(format!("it holds more than {FILES} files"));
        }
        // Sliced from the archive, not copied: the size in a header can lie.
        let content = usize::try_from(entry.raw_file_position())
            .ok()
            .zip(usize::try_from(entry.size()).ok())
            .and_then(|(start, size)| archive.get(start..start.checked_add(size)?));
        let content = content.ok_or_else(|| format!("`{shown}` is cut off"))?;
        files.push((name, content));
    }
    Ok(files)
}

/// An archive cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// It is another file, or was changed.
    #[error(
        "{origin} is not an archive of a policy bundle: {reason}; make one with `hexgate policy export`"
    )]
    NotABundle {
        /// Where it came from.
        origin: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The name is too long for tar.
    #[error(
        "a bundle of the name `{stem}` does not fit into an archive ({source}); give the policy a name of at most 80 bytes"
    )]
    Name {
        /// The name.
        stem: String,
        /// The cause.
        source: io::Error,
    },
    /// The bundle cannot be passed on.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// A part is too large.
    #[error(transparent)]
    Read(#[from] ReadError),
}
