//! Where policies come from.

mod bundle_dir;
mod fingerprint;
mod guard;
mod yaml;

pub use bundle_dir::BundleDir;
pub use yaml::{LocalSigning, PolicyFile};

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use hexgate::bundle::{
    Contents, DangerousUnsignedBundle, Digest, KeyError, KeyId, ReadError, SealError,
    SequenceError, StemError, VerifiedBundle, VerifyError,
};
use hexgate::{LoadError, Summary, component_of};
use hexgate_compiler::MakeError;

use crate::live::PolicyId;
use crate::platform::PlatformError;

/// Something that policies come from.
pub trait PolicySource: Send {
    /// What it is, for messages: a path or an address.
    fn origin(&self) -> String;

    /// Looks whether there is another policy than the one that was accepted last. What was found and not accepted is found again.
    ///
    /// # Errors
    ///
    /// What is there cannot be read or must not be used.
    fn poll(&mut self) -> Result<Poll, Arc<SourceError>>;

    /// The file or folder that it looks at, if changes of it can be watched for. Default: none.
    fn watched(&self) -> Option<PathBuf> {
        None
    }

    /// Says that what [`poll`](Self::poll) found last decides now.
    fn accepted(&mut self);
}

/// What a source has.
#[derive(Debug)]
#[non_exhaustive]
pub enum Poll {
    /// Nothing else than what was accepted last.
    Unchanged,
    /// Something else.
    Found(Candidate),
    /// It is asked in the background, and what it answers is offered from there.
    Background,
}

/// A policy that a source has, and how far it was checked.
#[derive(Debug)]
pub enum Candidate {
    /// A bundle that a trusted key signed for this agent and project.
    Verified(Box<VerifiedBundle>),
    /// A bundle of which nobody knows who made it.
    DangerousUnsigned(Box<DangerousUnsignedBundle>),
    /// A policy that was compiled here, from a source that nobody signed.
    DangerousLocal(LocalPolicy),
}

/// A policy that was compiled here.
#[derive(Debug)]
pub struct LocalPolicy {
    pub(crate) component: Vec<u8>,
    pub(crate) origin: String,
}

impl Candidate {
    pub(crate) fn contents(&self) -> Option<&Contents> {
        match self {
            Self::Verified(bundle) => Some(bundle.contents()),
            Self::DangerousUnsigned(bundle) => Some(bundle.contents()),
            Self::DangerousLocal(_) => None,
        }
    }

    /// Whether it is the policy of this id, under the same terms.
    pub(crate) fn is(&self, id: &PolicyId) -> bool {
        let component = match self {
            Self::DangerousLocal(local) => Digest::of(&local.component),
            // The manifest names the component.
            Self::Verified(_) | Self::DangerousUnsigned(_) => id.component,
        };
        (component, self.manifest(), self.signer()) == (id.component, id.manifest, id.signer)
    }

    pub(crate) fn id(&self, component: Digest, about: &Summary) -> PolicyId {
        let manifest = self.contents().map(Contents::manifest);
        PolicyId {
            component,
            manifest: self.manifest(),
            source: about.source_digest.clone(),
            sequence: manifest.and_then(|manifest| manifest.sequence()),
            agent: manifest.and_then(|manifest| manifest.agent().map(str::to_owned)),
            project: manifest.and_then(|manifest| manifest.project().map(str::to_owned)),
            signer: self.signer(),
            origin: match self {
                Self::DangerousLocal(local) => local.origin.clone(),
                Self::Verified(_) | Self::DangerousUnsigned(_) => self
                    .contents()
                    .map(|contents| contents.origin().to_owned())
                    .unwrap_or_default(),
            },
        }
    }

    /// What decides.
    pub(crate) fn component(&self) -> Result<Cow<'_, [u8]>, LoadError> {
        match (self, self.contents()) {
            (Self::DangerousLocal(local), _) => Ok(local.component.as_slice().into()),
            (_, Some(contents)) => component_of(contents),
            (_, None) => Ok(Cow::default()),
        }
    }

    fn signer(&self) -> Option<KeyId> {
        match self {
            Self::Verified(bundle) => Some(bundle.key_id()),
            Self::DangerousUnsigned(_) | Self::DangerousLocal(_) => None,
        }
    }

    fn manifest(&self) -> Option<Digest> {
        self.contents()
            .map(|contents| Digest::of(contents.manifest_bytes()))
    }
}

/// Why a source's policy does not decide.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// Others can change what nobody signed.
    #[error("`{}` decides what is permitted without a signature, and {}; or sign the policy, and name the bundle", .path.display(), .access.remedy())]
    Exposed {
        /// The file or folder.
        path: PathBuf,
        /// Whose it is, and its permission bits.
        access: hexgate_base::disk::Access,
    },
    /// There is no policy.
    #[error("`{origin}` has no policy; put one there")]
    Nothing {
        /// The source.
        origin: String,
    },
    /// Looking for another policy panicked.
    #[error("looking for another policy than that of `{origin}` panicked: {reason}")]
    Panicked {
        /// Where the policy that decides came from.
        origin: String,
        /// What it said.
        reason: String,
    },
    /// The file system fails.
    #[error("cannot read `{}`: {source}; check that it is there and that this user may read it", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The policy's source is refused.
    #[error("`{}` is refused:\n{diagnostics}", path.display())]
    Compile {
        /// The policy's file or folder.
        path: PathBuf,
        /// What the compiler has to say, for people.
        diagnostics: String,
    },
    /// The policy cannot be compiled, for a reason that is not in its source.
    #[error("`{}` cannot be compiled: {source}", path.display())]
    Make {
        /// The policy's file or folder.
        path: PathBuf,
        /// Why.
        source: Box<MakeError>,
    },
    /// The bundle cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The bundle must not be used.
    #[error(transparent)]
    Verify(Box<VerifyError>),
    /// An older bundle than one that was in use, or the record of that cannot be used.
    #[error(transparent)]
    Sequence(#[from] SequenceError),
    /// The component cannot be loaded.
    #[error("the policy cannot be loaded: {0}")]
    Load(#[from] LoadError),
    /// The policy that was compiled here cannot be signed.
    #[error("the policy cannot be signed here: {0}")]
    Sign(#[from] SealError),
    /// The policy's file name cannot name a bundle.
    #[error(transparent)]
    Stem(#[from] StemError),
    /// A key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Nothing could be had from the platform.
    #[error(transparent)]
    Platform(#[from] PlatformError),
    /// An error that somebody else holds too.
    #[error(transparent)]
    Shared(Arc<SourceError>),
}

impl From<VerifyError> for SourceError {
    fn from(error: VerifyError) -> Self {
        Self::Verify(Box::new(error))
    }
}
