//! Sends a bundle to a registry.

use hexgate_bundle::{CopyError, SealedBundle, VerifiedBundle};
use oci_client::RegistryOperation;

use crate::{Access, Reference, RegistryError, artifact::Artifact, connection::converse};

/// What was pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pushed {
    /// The digest of its manifest, `sha256:` and 64 hexadecimal digits: it pins all files of the bundle.
    pub digest: String,
}

/// Pushes a bundle under the tag of a reference. The tag is set last, so that a reader finds the whole bundle or the former one.
/// Equal bundles have equal digests.
///
/// # Errors
///
/// If the bundle is of version 1, the reference names a digest, or the registry refuses it.
pub fn push(bundle: &VerifiedBundle, to: &Reference, access: &Access) -> Result<Pushed, PushError> {
    let (None, Some(tag)) = (to.digest(), to.inner().tag()) else {
        return Err(PushError::Pinned {
            reference: to.to_string(),
        });
    };
    let sealed = SealedBundle::of_verified(bundle)?;
    let artifact = Artifact::of(&sealed)
        .map_err(|error| RegistryError::Host(error.to_string()))?
        .ok_or_else(|| PushError::NoComponent {
            origin: bundle.contents().origin().to_owned(),
        })?;
    converse(to, access, RegistryOperation::Push, async |connection| {
        for (digest, content) in &artifact.blobs {
            if !connection.has_blob(*digest).await? {
                connection.push_blob(*digest, content.clone()).await?;
            }
        }
        // The tag of the component comes last: a reader of it finds all files.
        for (tag, manifest) in [
            (artifact.tag_of_attached().as_str(), &artifact.attached),
            (tag, &artifact.component),
        ] {
            connection.push_manifest(tag, manifest.clone()).await?;
        }
        Ok(Pushed {
            digest: artifact.digest(),
        })
    })
}

/// A bundle was not pushed. The tag still names the former content, unless the last step failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PushError {
    /// The reference has a digest.
    #[error("`{reference}` names a digest; a push needs a tag")]
    Pinned {
        /// The reference.
        reference: String,
    },
    /// It is a bundle of version 1.
    #[error(
        "`{origin}` holds a module of OPA's and no component; make one of it with `hexgate policy convert`"
    )]
    NoComponent {
        /// Where the bundle is.
        origin: String,
    },
    /// It is not complete.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// The request to the registry failed.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}
