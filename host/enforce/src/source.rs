//! Where policies come from.
//!
//! Hosts can write their own [`PolicySource`]: a database, a bucket, a service. It finds bytes, makes a bundle of them, has that verified,
//! and hands it over as a [`Candidate`]. The [live policy](crate::LivePolicy) says whether and from when on it decides.
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

#[cfg(feature = "compile")]
mod built_in;
mod bundle_dir;
#[cfg(feature = "compile")]
mod file;
mod fingerprint;
mod guard;
#[cfg(feature = "registry")]
mod registry;

#[cfg(feature = "compile")]
pub(crate) use built_in::BuiltIn;
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
use hexgate_host::{Coverage, LoadError, Summary, component_of};

/// The identity of a policy, its origin, and its signer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolicyInfo {
    /// SHA-256 of the component that decides.
    pub component: Digest,
    /// SHA-256 of the bundle's manifest, which names the component and the terms of its use. None: there is no bundle.
    pub manifest: Option<Digest>,
    /// SHA-256 of the source, 64 hexadecimal digits, as the policy tells it.
    pub source: String,
    /// The release's number. None: an unsigned source, or a bundle without a number, where older ones cannot be detected.
    pub sequence: Option<u64>,
    /// The agent that the bundle is bound to.
    pub agent: Option<String>,
    /// The project that the bundle is bound to.
    pub project: Option<String>,
    /// The trusted key that signed it. None: no signature was checked, which the host asked for by a name that says danger.
    pub signer: Option<KeyId>,
    /// Where it came from, for messages.
    pub origin: String,
    /// The facts that it looks at, such as `usage.tool_calls_24h`, or a whole member, such as `ctx`. None: it does not tell, so it can look at
    /// any.
    pub facts: Option<Vec<String>>,
}

impl PolicyInfo {
    /// Whether the policy looks at a fact, or at one below it: `usage`, `usage.tool_calls_24h`. A host need not tell it others.
    #[must_use]
    pub fn uses_fact(&self, name: &str) -> bool {
        let is_below = |name: &str, other: &str| {
            let rest = name.strip_prefix(other);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.facts.as_ref().is_none_or(|facts| {
            facts
                .iter()
                .any(|fact| is_below(fact, name) || is_below(name, fact))
        })
    }
}

/// A source of policies.
pub trait PolicySource: Send {
    /// The source's name for messages: a path or an address.
    fn origin(&self) -> String;

    /// Looks for another policy than the one that was accepted last. A policy that was found and not accepted is found again.
    ///
    /// # Errors
    ///
    /// The policy cannot be read or must not be used. The last accepted policy still decides. A panic counts as an error.
    fn poll(&mut self) -> Result<Poll, SourceError>;

    /// Tells the source that the policy that [`poll`](Self::poll) found last decides now.
    fn accepted(&mut self);

    /// The time between polls, give or take a tenth, on a background thread: for slow sources, as behind a network. Turns do not wait for
    /// them. Default: none, the source is polled when a turn begins.
    fn interval(&self) -> Option<Duration> {
        None
    }

    /// The file or folder of the source, if it can be watched for changes. Default: none.
    fn watched(&self) -> Option<PathBuf> {
        None
    }
}

/// The result of polling a source.
#[derive(Debug)]
#[non_exhaustive]
pub enum Poll {
    /// The source has the policy that was accepted last.
    Unchanged,
    /// The source has another policy.
    Found(Candidate),
}

/// A policy that a source has, and how far it was checked.
#[derive(Debug)]
#[non_exhaustive]
pub enum Candidate {
    /// A bundle that a trusted key signed for this agent and project.
    Verified(Box<VerifiedBundle>),
    /// A bundle whose signature is not checked.
    DangerousUnsigned(Box<DangerousUnsignedBundle>),
    /// A policy that was compiled here from an unsigned source.
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
    /// CAUTION: no signature is checked. Every user who can change the source decides what is permitted.
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

    /// Whether the candidate is this policy, under the same terms.
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
            facts: if about.coverage == Coverage::Opaque && about.facts.is_empty() {
                None
            } else {
                Some(about.facts.clone())
            },
        }
    }

    /// The component.
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
    /// Other users can change an unsigned policy.
    #[error("`{}` decides what is permitted without a signature, and {}; or sign the policy, and name the bundle", .path.display(), .access.remedy())]
    Exposed {
        /// The file or folder.
        path: PathBuf,
        /// Its owner and its permission bits.
        access: hexgate_base::disk::Access,
    },
    /// The source has no policy.
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
        /// The source.
        origin: String,
        /// The text of the panic.
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
        /// The compiler's diagnostics, as text.
        diagnostics: String,
    },
    /// The policy cannot be compiled, for a reason outside of its source.
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
    /// The bundle is older than one that was in use, or the record of bundles in use cannot be read.
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
    /// An error that is shared with another holder.
    #[error(transparent)]
    Shared(Arc<SourceError>),
}

impl SourceError {
    /// An error of a source outside of this crate, or a text.
    pub fn other(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Other(error.into())
    }
}

impl From<VerifyError> for SourceError {
    fn from(error: VerifyError) -> Self {
        Self::Verify(Box::new(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_tells_which_facts_it_uses() {
        let mut info = PolicyInfo {
            component: Digest::of(b""),
            manifest: None,
            source: String::new(),
            sequence: None,
            agent: None,
            project: None,
            signer: None,
            origin: String::new(),
            facts: Some(vec![
                "said".to_owned(),
                "usage.tool_calls_24h".to_owned(),
                "user.id".to_owned(),
            ]),
        };
        for (name, used) in [
            ("said", true),
            ("said.emails", true),
            ("usage", true),
            ("usage.tool_calls_24h", true),
            ("usage.tool_calls", false),
            ("usage.tool_calls_1h", false),
            ("user", true),
            ("user_usage", false),
            ("user_usage.tool_calls_24h", false),
            ("sa", false),
            ("run", false),
            ("", false),
        ] {
            assert_eq!(info.uses_fact(name), used, "{name}");
        }
        info.facts = Some(vec![]);
        assert!(!info.uses_fact("said"));
        info.facts = None;
        assert!(info.uses_fact("said"), "it does not tell");
    }
}
