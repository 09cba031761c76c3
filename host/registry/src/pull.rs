//! Fetches a bundle from a registry.

use hexgate_bundle::{MAX_WASM_BYTES, Parts, ReadError, UnverifiedBundle};
use oci_client::RegistryOperation;

use crate::{
    Access, Reference, RegistryError,
    artifact::{Layout, MANIFEST_PART, Part, REGO_PART, SIGNATURE_PART, SOURCE_PART, text},
    connection::{Connection, converse},
};

/// A pulled bundle: bytes in memory whose origin was not verified.
#[derive(Debug)]
#[non_exhaustive]
pub struct Pulled {
    /// The bundle.
    pub bundle: UnverifiedBundle,
    /// The digest of its manifest in the registry, by which it can be pinned: `sha256:` and 64 hexadecimal digits.
    pub digest: String,
}

/// Pulls a bundle into memory. The bytes have the digests that were asked for; nothing else was checked.
///
/// # Errors
///
/// If the registry does not have it, sends wrong bytes, too many, or none for too long, or has no bundle under the reference.
pub fn pull(from: &Reference, access: &Access) -> Result<Pulled, PullError> {
    converse(from, access, RegistryOperation::Pull, async |connection| {
        let not_a_bundle = |reason| PullError::NotABundle {
            reference: from.to_string(),
            reason,
        };
        let (manifest, digest) = connection.manifest().await?;
        let layout = Layout::read(&manifest).map_err(not_a_bundle)?;
        let (component, size) = layout.component().map_err(not_a_bundle)?;
        // The manifest's own claim, checked before anything large is fetched.
        if size > MAX_WASM_BYTES {
            return Err(connection.too_large("component", MAX_WASM_BYTES).into());
        }
        let part = async |part: Part| {
            part_of(connection, &layout, part)
                .await
                .map_err(|fault| match fault {
                    Fault::Layout(reason) => not_a_bundle(reason),
                    Fault::Registry(error) => error.into(),
                })
        };
        let missing = |part: Part| {
            not_a_bundle(format!(
                "it has no {}: it is an unsigned component",
                part.name
            ))
        };
        let parts = Parts {
            origin: from.to_string(),
            // The small files first, so that a component that is no bundle is not downloaded.
            manifest: part(MANIFEST_PART)
                .await?
                .ok_or_else(|| missing(MANIFEST_PART))?,
            signature: Some(
                part(SIGNATURE_PART)
                    .await?
                    .ok_or_else(|| missing(SIGNATURE_PART))?,
            ),
            source: Some(part(SOURCE_PART).await?.unwrap_or_default()),
            rego: Some(part(REGO_PART).await?.unwrap_or_default()),
            wasm: connection.blob("component", component, size).await?,
        };
        Ok(Pulled {
            bundle: UnverifiedBundle::from_parts(parts)?,
            digest: text(digest),
        })
    })
}

/// The digest of what the reference names now, `sha256:` and 64 hexadecimal digits: whether pulling it again would give something else.
///
/// # Errors
/// If the registry does not have it, or does not answer.
pub fn digest(of: &Reference, access: &Access) -> Result<String, RegistryError> {
    converse(of, access, RegistryOperation::Pull, async |connection| {
        let (_, digest) = connection.manifest().await?;
        Ok(text(digest))
    })
}

enum Fault {
    Layout(String),
    Registry(RegistryError),
}

async fn part_of(
    connection: &Connection<'_>,
    layout: &Layout,
    part: Part,
) -> Result<Option<Vec<u8>>, Fault> {
    match layout.part(part).map_err(Fault::Layout)? {
        None => Ok(None),
        Some(digest) => {
            let blob = connection.blob(part.name, digest, part.limit).await;
            blob.map(Some).map_err(Fault::Registry)
        }
    }
}

/// A bundle was not pulled. Nothing was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PullError {
    /// The reference names something else.
    #[error(
        "`{reference}` is not a policy bundle: {reason}; push one with `hexgate policy push`, or name another"
    )]
    NotABundle {
        /// The reference.
        reference: String,
        /// What it is.
        reason: String,
    },
    /// A part is larger than what is read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The request to the registry failed.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}
