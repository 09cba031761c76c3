//! Making a bundle in memory: a pure function of its content and the key.

use std::{fmt, path::Path};

use crate::{
    Digest, MAX_MANIFEST_BYTES, MAX_TEXT_BYTES, MAX_WASM_BYTES, Manifest, ManifestError, Parts,
    PrivateKey, Stem, StemError, Timestamp, VerifiedBundle, v1, v2,
};

/// What is to become a bundle.
#[derive(Debug, Clone)]
pub struct Draft<'a> {
    /// The name that the files share.
    pub stem: Stem,
    /// The policy as its author wrote it.
    pub source: &'a [u8],
    /// The policy as Rego, its lines ended by line feeds; empty if it was not printed.
    pub rego: &'a str,
    /// The component.
    pub wasm: &'a [u8],
    /// What the manifest says beside the digests.
    pub claims: Claims,
}

/// What a manifest says beside the digests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// The policy's file name.
    pub source: String,
    /// The contract that the component keeps, as in `hexgate:policy@0.1.0`.
    pub contract: String,
    /// What evaluates the policy inside the component, as in `native`.
    pub engine: String,
    /// SHA-256 of the engine. Default: none.
    pub engine_digest: Option<Digest>,
    /// Name and version of the compiler.
    pub compiler: String,
    /// The agent to bind the bundle to. Default: none.
    pub agent: Option<String>,
    /// The project to bind the bundle to. Default: none. Hosts accept a bundle that names neither only with `dangerous_accept_unbound`.
    pub project: Option<String>,
    /// To be raised with each release for the same agent and project, from 1 on. Default: 0, which is no number: hosts cannot tell such a
    /// bundle from an older one.
    pub sequence: u64,
    /// The first second of validity. Default: none.
    pub not_before: Option<Timestamp>,
    /// The first second after validity. Default: none.
    pub expires_at: Option<Timestamp>,
    /// Claims that the component keeps nothing from one decision to the next. Default: no.
    pub stateless: bool,
}

impl Claims {
    /// The claims that every bundle makes; all others have their defaults.
    pub fn new(
        source: impl Into<String>,
        contract: impl Into<String>,
        engine: impl Into<String>,
        compiler: impl Into<String>,
    ) -> Self {
        Self {
            source: source.into(),
            contract: contract.into(),
            engine: engine.into(),
            engine_digest: None,
            compiler: compiler.into(),
            agent: None,
            project: None,
            sequence: 0,
            not_before: None,
            expires_at: None,
            stateless: false,
        }
    }
}

impl Draft<'_> {
    /// Makes the manifest and, with a key, the signature.
    ///
    /// # Errors
    ///
    /// If a claim breaks a rule of the manifest, or a part is larger than what a reader accepts.
    pub fn seal(&self, key: Option<&PrivateKey>) -> Result<SealedBundle, SealError> {
        check_parts(self.source, self.rego, self.wasm)?;
        let claims = self.claims.clone();
        let manifest = v2::Manifest {
            agent: claims.agent,
            compiler: claims.compiler,
            contract: claims.contract,
            engine: claims.engine,
            engine_digest: claims.engine_digest,
            expires_at: claims.expires_at,
            key_id: key.map(|key| key.public_key().id()),
            not_before: claims.not_before,
            project: claims.project,
            rego_hash: Digest::of(self.rego.as_bytes()),
            sequence: claims.sequence,
            source: claims.source,
            source_hash: Digest::of(self.source),
            stateless: claims.stateless,
            version: v2::VERSION,
            wasm_hash: Digest::of(self.wasm),
        };
        let manifest_bytes = manifest.to_bytes()?;
        // INVARIANT: all names are bounded, so a manifest that is written can be read.
        debug_assert!(manifest_bytes.len() as u64 <= MAX_MANIFEST_BYTES);
        Ok(SealedBundle {
            signature: key.map(|key| key.sign_manifest(&manifest_bytes)),
            stem: self.stem.clone(),
            source: self.source.to_vec(),
            rego: self.rego.as_bytes().to_vec(),
            wasm: self.wasm.to_vec(),
            manifest: Manifest::V2(manifest),
            manifest_bytes,
        })
    }
}

/// What is to become a bundle of version 1, for hosts of the Python system: OPA's module, bound to nothing.
#[derive(Debug, Clone)]
pub struct V1Draft<'a> {
    /// The name that the files share.
    pub stem: Stem,
    /// The policy as its author wrote it.
    pub source: &'a [u8],
    /// The policy as Rego, its lines ended by line feeds.
    pub rego: &'a str,
    /// OPA's module.
    pub wasm: &'a [u8],
}

impl V1Draft<'_> {
    /// Makes the manifest and, with a key, the signature.
    ///
    /// # Errors
    ///
    /// If a part is larger than what a reader accepts, or the Rego text has carriage returns.
    pub fn seal(&self, key: Option<&PrivateKey>) -> Result<SealedBundle, SealError> {
        check_parts(self.source, self.rego, self.wasm)?;
        let manifest = v1::Manifest {
            source: self.stem.source(),
            source_hash: Digest::of(self.source),
            rego_hash: Digest::of(self.rego.as_bytes()),
            wasm_hash: Some(Digest::of(self.wasm)),
            obligations: Vec::new(),
        };
        let manifest_bytes = manifest.to_bytes()?;
        Ok(SealedBundle {
            signature: key.map(|key| key.sign_manifest(&manifest_bytes)),
            stem: self.stem.clone(),
            source: self.source.to_vec(),
            rego: self.rego.as_bytes().to_vec(),
            wasm: self.wasm.to_vec(),
            manifest: Manifest::V1(manifest),
            manifest_bytes,
        })
    }
}

/// Checks that the parts are not larger than readers accept.
fn check_parts(source: &[u8], rego: &str, wasm: &[u8]) -> Result<(), SealError> {
    for (part, size, limit) in [
        ("source", source.len(), MAX_TEXT_BYTES),
        ("rego text", rego.len(), MAX_TEXT_BYTES),
        ("component", wasm.len(), MAX_WASM_BYTES),
    ] {
        if size as u64 > limit {
            return Err(SealError::TooLarge { part, size, limit });
        }
    }
    if rego.contains('\r') {
        return Err(SealError::CarriageReturn);
    }
    Ok(())
}

/// A complete bundle in memory.
#[derive(Clone)]
pub struct SealedBundle {
    stem: Stem,
    source: Vec<u8>,
    rego: Vec<u8>,
    wasm: Vec<u8>,
    manifest: Manifest,
    manifest_bytes: Vec<u8>,
    signature: Option<[u8; 64]>,
}

impl SealedBundle {
    /// The manifest.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The exact bytes of the manifest.
    #[must_use]
    pub fn manifest_bytes(&self) -> &[u8] {
        &self.manifest_bytes
    }

    /// The signature, if a key was given.
    #[must_use]
    pub fn signature(&self) -> Option<&[u8; 64]> {
        self.signature.as_ref()
    }

    /// The names and contents of the files, in the order in which they are written.
    #[must_use]
    pub fn files(&self) -> Vec<(String, &[u8])> {
        let mut files = vec![
            (self.stem.source(), self.source.as_slice()),
            (self.stem.rego(), &self.rego),
            (self.stem.wasm(), &self.wasm),
            (self.stem.manifest(), &self.manifest_bytes),
        ];
        if let Some(signature) = &self.signature {
            files.push((self.stem.signature(), signature));
        }
        files
    }

    /// The bundle as a host receives it over a network. `origin` names it in messages.
    #[must_use]
    pub fn into_parts(self, origin: impl Into<String>) -> Parts {
        Parts {
            origin: origin.into(),
            manifest: self.manifest_bytes,
            signature: self.signature.map(Vec::from),
            wasm: self.wasm,
            source: Some(self.source),
            rego: Some(self.rego),
        }
    }
}

impl SealedBundle {
    /// A verified bundle, unchanged, to be written or passed on. Its files are named after the policy that the signed manifest names, not
    /// after what they were called in transit.
    ///
    /// # Errors
    ///
    /// If the bundle came without its source or its Rego text, or the policy's name cannot name files.
    pub fn of_verified(bundle: &VerifiedBundle) -> Result<Self, CopyError> {
        let contents = bundle.contents();
        let missing = |part| CopyError::Incomplete {
            origin: contents.origin().to_owned(),
            part,
        };
        Ok(Self {
            stem: Stem::from_path(Path::new(contents.manifest().source()))?,
            source: contents.source().ok_or_else(|| missing("source"))?.to_vec(),
            rego: contents
                .rego()
                .ok_or_else(|| missing("rego text"))?
                .to_vec(),
            wasm: contents.wasm().to_vec(),
            manifest: contents.manifest().clone(),
            manifest_bytes: contents.manifest_bytes().to_vec(),
            signature: Some(*bundle.signature()),
        })
    }

    /// The name that the files share.
    #[must_use]
    pub fn stem(&self) -> &Stem {
        &self.stem
    }
}

/// A verified bundle cannot be passed on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CopyError {
    /// Its policy has a bad name.
    #[error(transparent)]
    Stem(#[from] StemError),
    /// A part is not there.
    #[error("{origin} came without its {part}, and only a whole bundle can be passed on")]
    Incomplete {
        /// Where the bundle came from.
        origin: String,
        /// What is missing.
        part: &'static str,
    },
}

impl fmt::Debug for SealedBundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedBundle")
            .field("stem", &self.stem)
            .field("manifest", &self.manifest)
            .field("signed", &self.signature.is_some())
            .field("wasm_bytes", &self.wasm.len())
            .finish_non_exhaustive()
    }
}

/// A bundle was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// A claim breaks a rule.
    #[error("the manifest cannot be written: {0}")]
    Manifest(#[from] ManifestError),
    /// The Python system reads Rego with the line ends translated, so that its digest would not fit.
    #[error("the rego text has a carriage return; end its lines with line feeds only")]
    CarriageReturn,
    /// Larger than what readers accept.
    #[error("the {part} has {size} bytes, and at most {limit} are allowed in a bundle")]
    TooLarge {
        /// The part.
        part: &'static str,
        /// Its size in bytes.
        size: usize,
        /// The largest size in bytes.
        limit: u64,
    },
}
