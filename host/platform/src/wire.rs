//! The types on the wire. The server writes what the client reads; unknown members are ignored.
//!
//! | request | answer |
//! |---|---|
//! | `GET /v1/.well-known/keys` | [`Keys`], or 404: no list |
//! | `GET /v1/agents/{name}` | [`Agent`], with an `ETag`; 404: not known |
//! | `GET /v1/bans` | a list of [`Ban`], with an `ETag`; 404: no list |
//! | `POST /v1/audit/decisions` | 2xx or 409: taken; 400, 413, 422: never |

use serde::{Deserialize, Serialize};

/// The platform's public keys, as a JSON Web Key Set.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Keys {
    /// The keys. One that is no longer named is withdrawn.
    pub keys: Vec<Key>,
}

/// A JSON Web Key, with the members of an Ed25519 key.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Key {
    /// The key's name, which is never reused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    /// The kind of key: `OKP`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kty: Option<String>,
    /// The curve: `Ed25519`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crv: Option<String>,
    /// The 32 bytes of the public key as base64url, without padding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x: Option<String>,
}

/// An agent's policy: a signed bundle in parts. Without a bundle the platform leaves all of them out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Agent {
    /// The component, as base64.
    pub bundle_wasm_b64: Option<String>,
    /// The manifest, as text.
    pub bundle_manifest: Option<String>,
    /// The signature over the manifest, 64 bytes as base64.
    pub bundle_signature_b64: Option<String>,
}

/// A ban of an agent or a user.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Ban {
    /// `agent` or `user`.
    pub ban_type: String,
    /// The agent, for a ban of an agent.
    pub target_agent_name: Option<String>,
    /// The user, for a ban of a user.
    pub target_user_id: Option<String>,
    /// Why, for the operator.
    pub reason: Option<String>,
}
