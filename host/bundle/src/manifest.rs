//! The manifest: digests of a bundle's files and the terms of their use.

use serde::Deserialize;

use crate::{Digest, KeyId, Timestamp};

pub mod v1;
pub mod v2;

/// A manifest of either version, with the getters that both share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Manifest {
    /// Written by the Python system.
    V1(v1::Manifest),
    /// Written by this crate.
    V2(v2::Manifest),
}

impl Manifest {
    /// Reads a manifest. The bytes should have proved their origin before.
    ///
    /// # Errors
    ///
    /// If they are not a manifest of a known version, have an unknown or repeated key, break a rule of a key, or, from version 2 on, are
    /// not in the canonical spelling.
    pub fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        /// Only the version, so that the reader for that version checks the rest.
        #[derive(Deserialize)]
        struct Probe {
            version: u64,
        }
        let probe: Probe = serde_json::from_slice(bytes)?;
        match probe.version {
            v1::VERSION => v1::Manifest::parse(bytes).map(Self::V1),
            v2::VERSION => v2::Manifest::parse(bytes).map(Self::V2),
            found => Err(ManifestError::Version { found }),
        }
    }

    /// The version of the format.
    #[must_use]
    pub fn version(&self) -> u64 {
        match self {
            Self::V1(_) => v1::VERSION,
            Self::V2(_) => v2::VERSION,
        }
    }

    /// The file name of the policy that the bundle was made from.
    #[must_use]
    pub fn source(&self) -> &str {
        match self {
            Self::V1(manifest) => &manifest.source,
            Self::V2(manifest) => &manifest.source,
        }
    }

    /// SHA-256 of the policy's source.
    #[must_use]
    pub fn source_hash(&self) -> Digest {
        match self {
            Self::V1(manifest) => manifest.source_hash,
            Self::V2(manifest) => manifest.source_hash,
        }
    }

    /// SHA-256 of the Rego text.
    #[must_use]
    pub fn rego_hash(&self) -> Digest {
        match self {
            Self::V1(manifest) => manifest.rego_hash,
            Self::V2(manifest) => manifest.rego_hash,
        }
    }

    /// SHA-256 of the component. None in a version 1 bundle that was built without one; it decides nothing and is never accepted.
    #[must_use]
    pub fn wasm_hash(&self) -> Option<Digest> {
        match self {
            Self::V1(manifest) => manifest.wasm_hash,
            Self::V2(manifest) => Some(manifest.wasm_hash),
        }
    }

    /// The contract that the component keeps. None in version 1, whose modules speak the binary interface of OPA.
    #[must_use]
    pub fn contract(&self) -> Option<&str> {
        self.v2().map(|manifest| manifest.contract.as_str())
    }

    /// What evaluates the policy inside the component.
    #[must_use]
    pub fn engine(&self) -> Option<&str> {
        self.v2().map(|manifest| manifest.engine.as_str())
    }

    /// SHA-256 of the engine that was put into the component.
    #[must_use]
    pub fn engine_digest(&self) -> Option<Digest> {
        self.v2().and_then(|manifest| manifest.engine_digest)
    }

    /// Name and version of the compiler.
    #[must_use]
    pub fn compiler(&self) -> Option<&str> {
        self.v2().map(|manifest| manifest.compiler.as_str())
    }

    /// The key that the manifest claims signed it.
    #[must_use]
    pub fn key_id(&self) -> Option<KeyId> {
        self.v2().and_then(|manifest| manifest.key_id)
    }

    /// The agent that the bundle is bound to.
    #[must_use]
    pub fn agent(&self) -> Option<&str> {
        self.v2().and_then(|manifest| manifest.agent.as_deref())
    }

    /// The project that the bundle is bound to.
    #[must_use]
    pub fn project(&self) -> Option<&str> {
        self.v2().and_then(|manifest| manifest.project.as_deref())
    }

    /// The number that each newer bundle for the same agent and project raises. None: the bundle has none, which version 2 writes as 0 and
    /// version 1 always means.
    #[must_use]
    pub fn sequence(&self) -> Option<u64> {
        self.v2()
            .map(|manifest| manifest.sequence)
            .filter(|sequence| *sequence > 0)
    }

    /// The first second in which the bundle may be used.
    #[must_use]
    pub fn not_before(&self) -> Option<Timestamp> {
        self.v2().and_then(|manifest| manifest.not_before)
    }

    /// The first second in which the bundle may no longer be used.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.v2().and_then(|manifest| manifest.expires_at)
    }

    /// Whether the maker claims that the component keeps nothing from one decision to the next.
    #[must_use]
    pub fn stateless(&self) -> bool {
        self.v2().is_some_and(|manifest| manifest.stateless)
    }

    /// What the bundle demands of its host beside deciding. Empty from version 2 on.
    #[must_use]
    pub fn obligations(&self) -> &[Obligation] {
        match self {
            Self::V1(manifest) => &manifest.obligations,
            Self::V2(_) => &[],
        }
    }

    fn v2(&self) -> Option<&v2::Manifest> {
        match self {
            Self::V1(_) => None,
            Self::V2(manifest) => Some(manifest),
        }
    }
}

/// Something that a version 1 bundle demands of its host beside asking for decisions. A host that ignored one would permit more than the
/// policy's author signed, so such a bundle is refused unless the host declares that it honours the obligation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Obligation {
    /// `agent_gating`: admission, reach or skills are to be decided as well.
    AgentGating,
    /// `guards`: code of the host that runs before and after a tool.
    Guards,
    /// `agent_usage`: counters of the agent that decisions read.
    AgentUsage,
    /// `user_usage`: counters of the user that decisions read.
    UserUsage,
    /// `usage`: what happens when counters cannot be read.
    Usage,
}

impl Obligation {
    /// The key of the manifest that demands it.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::AgentGating => "agent_gating",
            Self::Guards => "guards",
            Self::AgentUsage => "agent_usage",
            Self::UserUsage => "user_usage",
            Self::Usage => "usage",
        }
    }
}

/// Bytes are not a manifest.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// Not JSON, a key that is unknown, missing, doubled or of the wrong type.
    #[error("{0}")]
    Form(#[from] serde_json::Error),
    /// A version that this crate does not read.
    #[error(
        "version {found} is not known; versions {} and {} are: use a newer host, or compile the policy with an older compiler",
        v1::VERSION,
        v2::VERSION
    )]
    Version {
        /// The version that the manifest names.
        found: u64,
    },
    /// A value that breaks the rule of its key.
    #[error("`{field}` {rule}")]
    Field {
        /// The key.
        field: &'static str,
        /// The rule.
        rule: String,
    },
    /// The same content in another spelling.
    #[error(
        "it differs from its canonical spelling at byte {offset} (keys sorted, two spaces of indent, ASCII only, one newline at the end); do not edit or reformat a manifest, compile the policy again"
    )]
    NotCanonical {
        /// The first byte that differs, from 0.
        offset: usize,
    },
}
