//! A bundle goes to a registry.

use hexgate_bundle::{CopyError, SealedBundle, VerifiedBundle};
use oci_client::RegistryOperation;

use crate::{
    Access, Reference, RegistryError,
    artifact::{Artifact, MANIFEST, text},
    connection::converse,
};

/// What was pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// The digest of its manifest, `sha256:` and 64 hexadecimal digits: it pins all files of the bundle.
    pub digest: String,
}

/// Pushes a bundle under the tag of a reference. The tag is set last, so that whoever asks for it finds all or what was there before.
/// Equal bundles have equal digests.
///
/// # Errors
/// If the bundle is of version 1, the reference names a digest, or the registry does not take it.
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
        let (client, subject) = (&connection.client, &connection.subject);
        let failed = |error| PushError::Registry(subject.library("blob", "", error));
        for (digest, content) in &artifact.blobs {
            let digest = text(*digest);
            if !client
                .blob_exists(to.inner(), &digest)
                .await
                .map_err(failed)?
            {
                client
                    .push_blob(to.inner(), content.clone(), &digest)
                    .await
                    .map_err(failed)?;
            }
        }
        let kind = || reqwest::header::HeaderValue::from_static(MANIFEST);
        for (place, manifest) in [
            (to.tagged(artifact.tag_of_attached()), &artifact.attached),
            (to.tagged(tag.to_owned()), &artifact.component),
        ] {
            client
                .push_manifest_raw(&place, manifest.clone(), kind())
                .await
                .map_err(failed)?;
        }
        Ok(Pushed {
            digest: artifact.digest(),
        })
    })
}

/// A bundle was not pushed. What lies in the registry under the tag is what lay there before, unless the last step failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PushError {
    /// The reference has a digest.
    #[error("`{reference}` names a digest, which only content has: push to a tag")]
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
    /// It is not whole.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// The registry does not take it.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}
