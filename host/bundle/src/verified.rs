//! From bytes to a bundle that may be used: signature first, then manifest, digests, and the terms of use.

use std::{fmt, time::SystemTime};

mod error;

pub use error::VerifyError;
pub(crate) use error::sequence_text;

use crate::{
    Digest, Expectation, KeyId, Manifest, Timestamp, TrustedKeys, UnverifiedBundle,
    unverified::{Names, Parts},
};

impl UnverifiedBundle {
    /// Verifies a bundle: a trusted key signed the manifest, the files are those that the manifest names, and the bundle is for this agent
    /// and project at this time. `now` is the current time.
    ///
    /// # Errors
    ///
    /// The first check that fails. Nothing is looked into before the signature holds.
    pub fn verify(
        self,
        keys: &TrustedKeys,
        expectation: &Expectation,
        now: SystemTime,
    ) -> Result<VerifiedBundle, VerifyError> {
        // The signature comes first: nothing that no trusted key signed is parsed.
        let (signature, key) = self.signer(keys)?;
        let contents = Contents::check(self.parts, &self.names, expectation, now)?;
        match contents.manifest.key_id() {
            Some(claimed) if claimed != key => Err(VerifyError::KeyId {
                file: self.names.manifest,
                claimed,
                signer: key,
            }),
            _ => Ok(VerifiedBundle {
                contents,
                key,
                signature,
                agent: expectation.agent.clone(),
                project: expectation.project.clone(),
            }),
        }
    }

    /// Makes all checks of [`verify`](Self::verify) but the signature, which is ignored even if there is one.
    ///
    /// CAUTION: any user who can write the files decides what is permitted. For development, and for tools that show bundles.
    ///
    /// # Errors
    ///
    /// The first check that fails.
    pub fn dangerous_without_signature(
        self,
        expectation: &Expectation,
        now: SystemTime,
    ) -> Result<DangerousUnsignedBundle, VerifyError> {
        Ok(DangerousUnsignedBundle {
            contents: Contents::check(self.parts, &self.names, expectation, now)?,
        })
    }

    fn signer(&self, keys: &TrustedKeys) -> Result<([u8; 64], KeyId), VerifyError> {
        let Some(signature) = &self.parts.signature else {
            return Err(VerifyError::Unsigned {
                origin: self.parts.origin.clone(),
            });
        };
        let Ok(signature) = <[u8; 64]>::try_from(signature.as_slice()) else {
            return Err(VerifyError::SignatureLength {
                file: self.names.signature.clone(),
                found: signature.len(),
            });
        };
        // Without keys every signature is refused; say so instead of blaming the signature.
        if keys.is_empty() {
            return Err(VerifyError::NoTrustedKeys {
                origin: self.parts.origin.clone(),
            });
        }
        match keys.signer_of_manifest(&self.parts.manifest, &signature) {
            Some(key) => Ok((signature, key.id())),
            None => Err(VerifyError::Signature {
                file: self.names.signature.clone(),
                manifest: self.names.manifest.clone(),
                trusted: keys.ids().collect(),
            }),
        }
    }
}

/// A bundle that a trusted key signed for the expected agent and project. It holds the bytes that were checked.
#[derive(Clone)]
pub struct VerifiedBundle {
    contents: Contents,
    key: KeyId,
    signature: [u8; 64],
    agent: Option<String>,
    project: Option<String>,
}

impl VerifiedBundle {
    /// What is in it.
    #[must_use]
    pub fn contents(&self) -> &Contents {
        &self.contents
    }

    /// The trusted key that signed it.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.key
    }

    /// The signature over [`Contents::manifest_bytes`].
    #[must_use]
    pub fn signature(&self) -> &[u8; 64] {
        &self.signature
    }

    /// The agent for which the bundle was accepted: the one of the expectation, also if the bundle names none.
    #[must_use]
    pub fn accepted_agent(&self) -> Option<&str> {
        self.agent.as_deref()
    }

    /// The project for which the bundle was accepted: the one of the expectation, also if the bundle names none.
    #[must_use]
    pub fn accepted_project(&self) -> Option<&str> {
        self.project.as_deref()
    }

    /// Whether the bundle may be used at `now`. A host that keeps a bundle asks again before each use.
    ///
    /// # Errors
    ///
    /// [`VerifyError::NotYetValid`], [`VerifyError::Expired`] or [`VerifyError::Clock`].
    pub fn check_validity(&self, now: SystemTime) -> Result<(), VerifyError> {
        self.contents.check_validity(now)
    }
}

impl fmt::Debug for VerifiedBundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedBundle")
            .field("contents", &self.contents)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// A bundle of unknown origin. Its files match its manifest; nothing more was checked.
#[derive(Debug, Clone)]
pub struct DangerousUnsignedBundle {
    contents: Contents,
}

impl DangerousUnsignedBundle {
    /// What is in it.
    #[must_use]
    pub fn contents(&self) -> &Contents {
        &self.contents
    }

    /// Whether the bundle may be used at `now`.
    ///
    /// # Errors
    ///
    /// [`VerifyError::NotYetValid`], [`VerifyError::Expired`] or [`VerifyError::Clock`].
    pub fn check_validity(&self, now: SystemTime) -> Result<(), VerifyError> {
        self.contents.check_validity(now)
    }
}

/// The files of a bundle, checked against the manifest.
#[derive(Clone)]
pub struct Contents {
    origin: String,
    manifest: Manifest,
    manifest_bytes: Vec<u8>,
    wasm: Vec<u8>,
    wasm_hash: Digest,
    source: Option<Vec<u8>>,
    rego: Option<Vec<u8>>,
}

impl Contents {
    /// Where the bundle came from, for messages.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The manifest.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The exact bytes of the manifest: what was signed.
    #[must_use]
    pub fn manifest_bytes(&self) -> &[u8] {
        &self.manifest_bytes
    }

    /// The component (for version 1: a core module).
    #[must_use]
    pub fn wasm(&self) -> &[u8] {
        &self.wasm
    }

    /// SHA-256 of the component; the manifest states the same.
    #[must_use]
    pub fn wasm_hash(&self) -> Digest {
        self.wasm_hash
    }

    /// The policy's source. None if the bundle came without it.
    #[must_use]
    pub fn source(&self) -> Option<&[u8]> {
        self.source.as_deref()
    }

    /// The Rego text. None if the bundle came without it; empty if it was not printed.
    #[must_use]
    pub fn rego(&self) -> Option<&[u8]> {
        self.rego.as_deref()
    }

    fn check(
        parts: Parts,
        names: &Names,
        expectation: &Expectation,
        now: SystemTime,
    ) -> Result<Self, VerifyError> {
        let manifest =
            Manifest::parse(&parts.manifest).map_err(|source| VerifyError::Manifest {
                file: names.manifest.clone(),
                source,
            })?;
        let Some(wasm_hash) = manifest.wasm_hash() else {
            return Err(VerifyError::NoComponent {
                file: names.manifest.clone(),
            });
        };
        for (file, bytes, stated) in [
            (&names.wasm, Some(&parts.wasm), wasm_hash),
            (&names.source, parts.source.as_ref(), manifest.source_hash()),
            (&names.rego, parts.rego.as_ref(), manifest.rego_hash()),
        ] {
            // Source and Rego text may be left out; the component decides.
            let Some(bytes) = bytes else { continue };
            let found = Digest::of(bytes);
            if found != stated {
                return Err(VerifyError::Digest {
                    file: file.clone(),
                    stated,
                    found,
                });
            }
        }
        let Parts {
            origin,
            manifest: manifest_bytes,
            wasm,
            source,
            rego,
            signature: _,
        } = parts;
        let contents = Self {
            origin,
            manifest,
            manifest_bytes,
            wasm,
            wasm_hash,
            source,
            rego,
        };
        contents.check_terms(expectation)?;
        if !expectation.ignore_validity {
            contents.check_validity(now)?;
        }
        Ok(contents)
    }

    fn check_terms(&self, expectation: &Expectation) -> Result<(), VerifyError> {
        let origin = || self.origin.clone();
        if !expectation.any_binding {
            for (what, bound, expected) in [
                ("agent", self.manifest.agent(), expectation.agent.as_deref()),
                (
                    "project",
                    self.manifest.project(),
                    expectation.project.as_deref(),
                ),
            ] {
                match (bound, expected) {
                    (Some(bound), Some(expected)) if bound == expected => {}
                    // More specific than expected is refused as well: the host did not ask for that agent or project.
                    (Some(bound), expected) => {
                        return Err(VerifyError::Bound {
                            origin: origin(),
                            what,
                            bound: bound.to_owned(),
                            expected: expected.map(str::to_owned),
                        });
                    }
                    (None, Some(expected)) if !expectation.accept_unbound => {
                        return Err(VerifyError::Unbound {
                            origin: origin(),
                            what,
                            expected: expected.to_owned(),
                        });
                    }
                    (None, _) => {}
                }
            }
            // A bundle for no agent and no project could be given to any host that trusts the key.
            if self.manifest.agent().is_none()
                && self.manifest.project().is_none()
                && !expectation.accept_unbound
            {
                return Err(VerifyError::BoundToNothing { origin: origin() });
            }
        }
        if let Some(obligation) = self
            .manifest
            .obligations()
            .iter()
            .find(|obligation| !expectation.honoured.contains(obligation))
        {
            return Err(VerifyError::Obligation {
                origin: origin(),
                obligation: *obligation,
            });
        }
        match (self.manifest.sequence(), expectation.min_sequence) {
            (found, Some(minimum)) if found.is_none_or(|found| found < minimum) => {
                Err(VerifyError::Sequence {
                    origin: origin(),
                    found,
                    minimum,
                })
            }
            _ => Ok(()),
        }
    }

    fn check_validity(&self, now: SystemTime) -> Result<(), VerifyError> {
        let (from, until) = (self.manifest.not_before(), self.manifest.expires_at());
        // Without a window a wrong clock does not matter.
        if from.is_none() && until.is_none() {
            return Ok(());
        }
        let origin = || self.origin.clone();
        let Some(now) = Timestamp::from_system_time(now) else {
            return Err(VerifyError::Clock { origin: origin() });
        };
        if let Some(not_before) = from.filter(|from| now < *from) {
            return Err(VerifyError::NotYetValid {
                origin: origin(),
                not_before,
                now,
            });
        }
        if let Some(expires_at) = until.filter(|until| now >= *until) {
            return Err(VerifyError::Expired {
                origin: origin(),
                expires_at,
                now,
            });
        }
        Ok(())
    }
}

impl fmt::Debug for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contents")
            .field("origin", &self.origin)
            .field("manifest", &self.manifest)
            .field("wasm_bytes", &self.wasm.len())
            .finish_non_exhaustive()
    }
}
