//! Where policies come from.
//!
//! A [`PolicySource`] can be anybody's: a database, a bucket, a service. It finds bytes, makes a bundle of them, has that verified, and
//! hands it over as a [`Candidate`]; what may decide, and when, is the [live policy](crate::LivePolicy)'s to say.
//!
//! # Example
//!
//! ```
//! use hexgate_host::bundle::{Expectation, Parts, TrustedKeys, UnverifiedBundle};
//! use hexgate_enforce::source::{Candidate, PolicySource, Poll, SourceError};
//!
//! struct Row {
//!     version: u64,
//!     parts: Parts,
//! }
//!
//! /// The newest row of a table.
//! struct Table<F> {
//!     newest: F,
//!     keys: TrustedKeys,
//!     expectation: Expectation,
//!     found: u64,
//!     accepted: u64,
//! }
//!
//! impl<F: FnMut() -> Result<Row, std::io::Error> + Send> PolicySource for Table<F> {
//!     fn origin(&self) -> String {
//!         "the table `policies`".to_owned()
//!     }
//!
//!     fn poll(&mut self) -> Result<Poll, SourceError> {
//!         let row = (self.newest)().map_err(SourceError::other)?;
//!         if row.version == self.accepted {
//!             return Ok(Poll::Unchanged);
//!         }
//!         let bundle = UnverifiedBundle::from_parts(row.parts)?;
//!         let verified = bundle.verify(&self.keys, &self.expectation, std::time::SystemTime::now())?;
//!         self.found = row.version;
//!         Ok(Poll::Found(verified.into()))
//!     }
//!
//!     fn accepted(&mut self) {
//!         self.accepted = self.found;
//!     }
//! }
//! ```

mod bundle_dir;
#[cfg(feature = "compile")]
mod file;
mod fingerprint;
mod guard;
#[cfg(feature = "registry")]
mod registry;

pub use bundle_dir::BundleDir;
#[cfg(feature = "compile")]
pub use file::{LocalSigning, PolicyFile};
#[cfg(feature = "registry")]
pub use registry::RegistryBundle;

use std::borrow::Cow;
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hexgate_host::bundle::{
    Contents, DangerousUnsignedBundle, Digest, KeyError, KeyId, ReadError, SealError,
    SequenceError, StemError, VerifiedBundle, VerifyError,
};
use hexgate_host::{LoadError, Summary, component_of};

/// Which policy it is, where it came from, and who vouches for it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolicyInfo {
    /// SHA-256 of the component: what decided.
    pub component: Digest,
    /// SHA-256 of the bundle's manifest, which names the component and the terms of its use. None: there is no bundle.
    pub manifest: Option<Digest>,
    /// SHA-256 of the source, 64 hexadecimal digits, as the policy tells it.
    pub source: String,
    /// The release's number. None: an unsigned source, or a bundle without a number, which cannot be told from an older one.
    pub sequence: Option<u64>,
    /// The agent that the bundle is bound to.
    pub agent: Option<String>,
    /// The project that the bundle is bound to.
    pub project: Option<String>,
    /// The trusted key that signed it. None: nobody vouches for it, which somebody asked for by a name that says danger.
    pub signer: Option<KeyId>,
    /// Where it came from, for messages.
    pub origin: String,
}

/// Something that policies come from.
pub trait PolicySource: Send {
    /// What it is, for messages: a path or an address.
    fn origin(&self) -> String;

    /// Looks whether there is another policy than the one that was accepted last. What was found and not accepted is found again.
    ///
    /// # Errors
    ///
    /// What is there cannot be read or must not be used. The policy that was accepted last goes on deciding. A panic counts as an error.
    fn poll(&mut self) -> Result<Poll, SourceError>;

    /// Says that what [`poll`](Self::poll) found last decides now.
    fn accepted(&mut self);

    /// How long until it is polled again, give or take a tenth, on a thread of its own: for a source that takes its time, as one behind a
    /// network does. Turns do not wait for it then. Default: none, it is polled when a turn begins.
    fn interval(&self) -> Option<Duration> {
        None
    }

    /// The file or folder that it looks at, if changes of it can be watched for. Default: none.
    fn watched(&self) -> Option<PathBuf> {
        None
    }
}

/// What a source has.
#[derive(Debug)]
#[non_exhaustive]
pub enum Poll {
    /// Nothing else than what was accepted last.
    Unchanged,
    /// Something else.
    Found(Candidate),
}

/// A policy that a source has, and how far it was checked.
#[derive(Debug)]
#[non_exhaustive]
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
    component: Vec<u8>,
    origin: String,
}

impl LocalPolicy {
    pub(crate) fn component(&self) -> &[u8] {
        &self.component
    }

    /// A component that was compiled here, and where its source came from.
    ///
    /// CAUTION: nobody vouches for it. Whoever can change the source decides what is permitted.
    #[must_use]
    pub fn dangerous_new(component: impl Into<Vec<u8>>, origin: impl Into<String>) -> Self {
        Self {
            component: component.into(),
            origin: origin.into(),
        }
    }
}

impl Candidate {
    pub(crate) fn contents(&self) -> Option<&Contents> {
        match self {
            Self::Verified(bundle) => Some(bundle.contents()),
            Self::DangerousUnsigned(bundle) => Some(bundle.contents()),
            Self::DangerousLocal(_) => None,
        }
    }

    /// Whether it is this policy, under the same terms.
    pub(crate) fn is(&self, id: &PolicyInfo) -> bool {
        let component = match self {
            Self::DangerousLocal(local) => Digest::of(&local.component),
            // The manifest names the component.
            Self::Verified(_) | Self::DangerousUnsigned(_) => id.component,
        };
        (component, self.manifest(), self.signer()) == (id.component, id.manifest, id.signer)
    }

    pub(crate) fn info(&self, component: Digest, about: &Summary) -> PolicyInfo {
        let manifest = self.contents().map(Contents::manifest);
        PolicyInfo {
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

impl From<VerifiedBundle> for Candidate {
    fn from(bundle: VerifiedBundle) -> Self {
        Self::Verified(Box::new(bundle))
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
    /// The source's own error.
    #[error(transparent)]
    Other(Box<dyn Error + Send + Sync>),
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
        source: Box<dyn Error + Send + Sync>,
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
    /// An error that somebody else holds too.
    #[error(transparent)]
    Shared(Arc<SourceError>),
}

impl SourceError {
    /// An error of a source that is not of this crate, or a text.
    pub fn other(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Other(error.into())
    }
}

impl From<VerifyError> for SourceError {
    fn from(error: VerifyError) -> Self {
        Self::Verify(Box::new(error))
    }
}
