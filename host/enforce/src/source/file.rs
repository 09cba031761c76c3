//! A policy's own source, compiled here.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use hexgate_compiler::diagnostic::render::{Format, render};
use hexgate_compiler::{Artifact, Compiler, RegoOptions, Release};
use hexgate_host::Clock;
use hexgate_host::bundle::{Expectation, PrivateKey, TrustedKeys, UnverifiedBundle};

use super::fingerprint::{Fingerprint, Seen};
use super::guard::guard;
use super::{Candidate, LocalPolicy, PolicySource, Poll, SourceError};

/// A policy's own source: a YAML file or a directory of roles, compiled in this process in milliseconds, or a file of Rego, for
/// which `opa` is needed.
///
/// Nobody signs a source. Whoever can write the file decides what is permitted: for development, and for hosts whose files are as
/// well guarded as their program. A file or folder that somebody else than this user and root can change is refused.
#[derive(Debug)]
pub struct PolicyFile {
    path: PathBuf,
    signing: Option<LocalSigning>,
    opa: Option<PathBuf>,
    clock: Arc<dyn Clock>,
    seen: Seen,
    refused: Option<(Fingerprint, Arc<SourceError>)>,
}

/// How a policy that is compiled here becomes a verified bundle: it is signed with a key that this host holds, and then checked like
/// any other, against the keys that are trusted.
#[derive(Debug)]
pub struct LocalSigning {
    /// The key to sign with.
    pub key: PrivateKey,
    /// For whom it is signed. With a sequence number, what is written to the file later is refused as another bundle of that number: leave it
    /// at 0 for a file that is edited.
    pub release: Release,
    /// The keys that are trusted. The public half of the key has to be among them.
    pub trusted: TrustedKeys,
    /// For whom a policy is expected.
    pub expectation: Expectation,
}

impl PolicyFile {
    /// The policy at this path, which nobody signed.
    ///
    /// CAUTION: whoever can write to the path decides what is permitted.
    #[must_use]
    pub fn dangerous_unsigned(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            signing: None,
            opa: None,
            clock: Arc::new(hexgate_host::SystemClock),
            seen: Seen::default(),
            refused: None,
        }
    }

    /// The policy at this path, signed here with a key that has to be trusted.
    #[must_use]
    pub fn signed_here(path: impl Into<PathBuf>, signing: LocalSigning) -> Self {
        Self {
            signing: Some(signing),
            ..Self::dangerous_unsigned(path)
        }
    }

    /// Compiles a policy in Rego with this Open Policy Agent. Default: the one that `HEXGATE_OPA_BIN` names, else the one on the path.
    #[must_use]
    pub fn opa(mut self, path: impl Into<PathBuf>) -> Self {
        self.opa = Some(path.into());
        self
    }

    fn compile(&self, now: SystemTime) -> Result<Candidate, SourceError> {
        let refused = |diagnostics: String| SourceError::Compile {
            path: self.path.clone(),
            diagnostics,
        };
        guard(&self.path)?;
        let options = RegoOptions {
            opa: self.opa.clone(),
            ..RegoOptions::default()
        };
        let outcome = Compiler::default()
            .make(&self.path, None, &options)
            .map_err(|error| SourceError::Make {
                path: self.path.clone(),
                source: Box::new(error),
            })?;
        let text = || render(&outcome.diagnostics, &outcome.sources, Format::Human, false);
        let Some(artifact) = &outcome.policy else {
            return Err(refused(text()));
        };
        if !outcome.diagnostics.is_empty() {
            tracing::warn!(path = %self.path.display(), "{}", text());
        }
        let origin = self.path.display().to_string();
        match &self.signing {
            None => Ok(Candidate::DangerousLocal(LocalPolicy::dangerous_new(
                artifact.component(),
                origin,
            ))),
            Some(signing) => Ok(signing.sign(artifact, origin, now)?.into()),
        }
    }
}

impl LocalSigning {
    fn sign(
        &self,
        artifact: &Artifact,
        origin: String,
        now: SystemTime,
    ) -> Result<hexgate_host::bundle::VerifiedBundle, SourceError> {
        let sealed = artifact.draft(&self.release)?.seal(Some(&self.key))?;
        let bundle = UnverifiedBundle::from_parts(sealed.into_parts(origin))?;
        Ok(bundle.verify(&self.trusted, &self.expectation, now)?)
    }
}

impl PolicySource for PolicyFile {
    fn origin(&self) -> String {
        self.path.display().to_string()
    }

    fn poll(&mut self) -> Result<Poll, SourceError> {
        let Some(fingerprint) = self.seen.look(&self.path)? else {
            return Ok(Poll::Unchanged);
        };
        if let Some((refused, error)) = &self.refused
            && *refused == fingerprint
        {
            return Err(SourceError::Shared(error.clone()));
        }
        let now = self.clock.now();
        let settled = fingerprint.is_settled(now);
        let candidate = match self.compile(now) {
            Ok(candidate) => candidate,
            Err(error) => {
                self.refused = None;
                // The compiler says the same of the same source. What else failed may not fail again.
                if !(settled && matches!(error, SourceError::Compile { .. })) {
                    return Err(error);
                }
                let error = Arc::new(error);
                self.refused = Some((fingerprint, error.clone()));
                return Err(SourceError::Shared(error));
            }
        };
        self.refused = None;
        self.seen.found(fingerprint, settled);
        Ok(Poll::Found(candidate))
    }

    fn watched(&self) -> Option<PathBuf> {
        Some(self.path.clone())
    }

    fn accepted(&mut self) {
        self.seen.accept();
    }
}
