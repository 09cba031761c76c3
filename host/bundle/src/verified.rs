//! From bytes to a bundle that may be used: signature first, then manifest, digests, and the terms of use.

use std::{fmt, time::SystemTime};

use crate::{
    Digest, Duty, Expectation, KeyId, Manifest, ManifestError, Timestamp, TrustedKeys,
    UnverifiedBundle,
    unverified::{Names, Parts},
};

impl UnverifiedBundle {
    /// Verifies a bundle: a trusted key signed the manifest, the files are those that the manifest names, and the bundle is for this agent
    /// and project at this time. `now` is the current time.
    ///
    /// # Errors
    /// The first check that fails. Nothing is looked into before the signature holds.
    pub fn verify(
        self,
        keys: &TrustedKeys,
        expectation: &Expectation,
        now: SystemTime,
    ) -> Result<VerifiedBundle, VerifyError> {
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

    /// Does all that [`verify`](Self::verify) does except for the signature, which is not looked at even if there is one.
    ///
    /// CAUTION: whoever wrote the files decides what is permitted. For development, and for tools that show bundles.
    ///
    /// # Errors
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
        if keys.is_empty() {
            return Err(VerifyError::NoTrustedKeys {
                origin: self.parts.origin.clone(),
            });
        }
        match keys.signer(&self.parts.manifest, &signature) {
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
    pub fn contents(&self) -> &Contents {
        &self.contents
    }

    /// The trusted key that signed it.
    pub fn key_id(&self) -> KeyId {
        self.key
    }

    /// The signature over [`Contents::manifest_bytes`].
    pub fn signature(&self) -> &[u8; 64] {
        &self.signature
    }

    /// The agent for which the bundle was accepted: what the expectation named, also if the bundle leaves it open.
    pub fn accepted_agent(&self) -> Option<&str> {
        self.agent.as_deref()
    }

    /// The project for which the bundle was accepted: what the expectation named, also if the bundle leaves it open.
    pub fn accepted_project(&self) -> Option<&str> {
        self.project.as_deref()
    }

    /// Whether the bundle may be used at `now`. It could when it was verified; a host that keeps it asks again.
    ///
    /// # Errors
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

/// A bundle of which nobody knows who made it. Its files fit together, and no more than that.
#[derive(Debug, Clone)]
pub struct DangerousUnsignedBundle {
    contents: Contents,
}

impl DangerousUnsignedBundle {
    /// What is in it.
    pub fn contents(&self) -> &Contents {
        &self.contents
    }

    /// Whether the bundle may be used at `now`.
    ///
    /// # Errors
    /// [`VerifyError::NotYetValid`], [`VerifyError::Expired`] or [`VerifyError::Clock`].
    pub fn check_validity(&self, now: SystemTime) -> Result<(), VerifyError> {
        self.contents.check_validity(now)
    }
}

/// The files of a bundle after they were compared with the manifest.
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
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The exact bytes of the manifest: what was signed.
    pub fn manifest_bytes(&self) -> &[u8] {
        &self.manifest_bytes
    }

    /// The component (for version 1: a core module).
    pub fn wasm(&self) -> &[u8] {
        &self.wasm
    }

    /// SHA-256 of the component, as the manifest states it and as it is.
    pub fn wasm_hash(&self) -> Digest {
        self.wasm_hash
    }

    /// The policy's source. None if the bundle came without it.
    pub fn source(&self) -> Option<&[u8]> {
        self.source.as_deref()
    }

    /// The Rego text. None if the bundle came without it; empty if it was not printed.
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
            if self.manifest.agent().is_none()
                && self.manifest.project().is_none()
                && !expectation.accept_unbound
            {
                return Err(VerifyError::BoundToNothing { origin: origin() });
            }
        }
        if let Some(duty) = self
            .manifest
            .duties()
            .iter()
            .find(|duty| !expectation.honoured.contains(duty))
        {
            return Err(VerifyError::Duty {
                origin: origin(),
                duty: *duty,
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

/// A bundle must not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// There is no signature.
    #[error("`{origin}` is not signed; compile the policy with a signing key")]
    Unsigned {
        /// The bundle.
        origin: String,
    },
    /// The signature has the wrong size.
    #[error(
        "{file} has {found} bytes, and a signature has exactly 64; fetch the bundle again, or sign it again"
    )]
    SignatureLength {
        /// The signature's file.
        file: String,
        /// Its size in bytes, at most 4096.
        found: usize,
    },
    /// The set of trusted keys is empty.
    #[error(
        "no key is trusted, so `{origin}` cannot be verified; pass the public key of whoever signs"
    )]
    NoTrustedKeys {
        /// The bundle.
        origin: String,
    },
    /// No trusted key made the signature.
    #[error("{file} is not a signature over {manifest} by a trusted key ({}); a file was changed, or another key signed: fetch the bundle again, or trust the signer's public key", ids(.trusted))]
    Signature {
        /// The signature's file.
        file: String,
        /// The manifest's file.
        manifest: String,
        /// The keys that are trusted.
        trusted: Vec<KeyId>,
    },
    /// The manifest names another key than the one that signed it.
    #[error(
        "{file} says that key `{claimed}` signs, and key `{signer}` did; compile the policy again with the key that is meant"
    )]
    KeyId {
        /// The manifest's file.
        file: String,
        /// The key that the manifest names.
        claimed: KeyId,
        /// The key that signed.
        signer: KeyId,
    },
    /// The manifest cannot be read.
    #[error("{file} is not a manifest: {source}")]
    Manifest {
        /// The manifest's file.
        file: String,
        /// What is wrong with it.
        source: ManifestError,
    },
    /// The bundle was built without a module.
    #[error(
        "{file} has no `wasm_hash`: the bundle was built without a component and decides nothing; compile the policy again"
    )]
    NoComponent {
        /// The manifest's file.
        file: String,
    },
    /// A file is not the one that the manifest names.
    #[error(
        "{file} was changed after it was built: the manifest states the digest {stated}, and it has {found}; compile the policy again instead of editing a bundle"
    )]
    Digest {
        /// The file.
        file: String,
        /// The digest in the manifest.
        stated: Digest,
        /// The digest of the file.
        found: Digest,
    },
    /// The bundle is for another agent or project.
    #[error("`{origin}` is bound to the {what} `{}`, and {}; use the bundle that was made for it", .bound.escape_debug(), expected_text(.what, .expected.as_deref()))]
    Bound {
        /// The bundle.
        origin: String,
        /// `agent` or `project`.
        what: &'static str,
        /// What the bundle names.
        bound: String,
        /// What was expected, if anything.
        expected: Option<String>,
    },
    /// The bundle leaves open what was expected.
    #[error("`{origin}` is not bound to any {what}, and one for `{}` is expected; compile the policy for it, or accept unbound bundles by name (`dangerous_accept_unbound`)", .expected.escape_debug())]
    Unbound {
        /// The bundle.
        origin: String,
        /// `agent` or `project`.
        what: &'static str,
        /// What was expected.
        expected: String,
    },
    /// The bundle is bound to nothing at all, and nothing was expected.
    #[error(
        "`{origin}` is bound to no agent and no project, so any agent could be given it; compile the policy for one, or accept unbound bundles by name (`dangerous_accept_unbound`)"
    )]
    BoundToNothing {
        /// The bundle.
        origin: String,
    },
    /// The bundle demands something that the host does not do.
    #[error("`{origin}` demands `{}` of its host, which this one does not honour; remove that section from the policy, or use a host that honours it", .duty.key())]
    Duty {
        /// The bundle.
        origin: String,
        /// What it demands.
        duty: Duty,
    },
    /// The bundle is older than one that was seen.
    #[error("`{origin}` has {}, and at least {minimum} is required: it is older than a bundle that was already in use; deploy the newest one, or compile the policy with a higher sequence number", sequence_text(.found))]
    Sequence {
        /// The bundle.
        origin: String,
        /// Its number; None in version 1.
        found: Option<u64>,
        /// The lowest accepted number.
        minimum: u64,
    },
    /// The bundle is for later.
    #[error("`{origin}` is valid from {not_before} on, and it is {now}; wait, or check the clock")]
    NotYetValid {
        /// The bundle.
        origin: String,
        /// The first second in which it may be used.
        not_before: Timestamp,
        /// The time of the check.
        now: Timestamp,
    },
    /// The bundle's time is over.
    #[error(
        "`{origin}` expired at {expires_at}, and it is {now}; compile and sign the policy again"
    )]
    Expired {
        /// The bundle.
        origin: String,
        /// The first second in which it may no longer be used.
        expires_at: Timestamp,
        /// The time of the check.
        now: Timestamp,
    },
    /// The clock is out of range.
    #[error(
        "the clock is before 1970 or after 9999, so the validity of `{origin}` cannot be checked; set the clock"
    )]
    Clock {
        /// The bundle.
        origin: String,
    },
}

fn ids(ids: &[KeyId]) -> String {
    ids.iter()
        .map(|id| format!("`{id}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

fn expected_text(what: &str, expected: Option<&str>) -> String {
    match expected {
        Some(expected) => format!("`{}` is expected", expected.escape_debug()),
        None => format!("no {what} is expected"),
    }
}

pub(crate) fn sequence_text(found: &Option<u64>) -> String {
    found.map_or_else(
        || "no sequence number".to_owned(),
        |found| format!("the sequence number {found}"),
    )
}
