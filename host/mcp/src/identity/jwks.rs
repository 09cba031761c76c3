//! The keys that an issuer publishes, as far as they are used.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;

use super::config::SigningAlgorithm;
use super::json;

/// The most keys that are read.
const MAX_KEYS: usize = 100;
/// The longest name of a key, in bytes.
const MAX_KID_BYTES: usize = 256;
/// The shortest modulus of an RSA key, in bytes.
const MIN_RSA_BYTES: usize = 256;

/// Keys that can check signatures.
#[derive(Debug, Default)]
pub(super) struct Keys(Vec<Key>);

#[derive(Debug)]
struct Key {
    kid: Option<String>,
    /// What it can check: one algorithm if the issuer says so, else all of its kind.
    algorithms: Vec<SigningAlgorithm>,
    key: DecodingKey,
}

/// Why no key checks a token.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoKey {
    /// The issuer has none of that name for that algorithm.
    Unknown,
    /// The token names none, and there are several.
    Unnamed,
    /// Two keys have that name.
    Ambiguous,
}

impl Keys {
    /// Reads a key set. Keys that are of another kind or use, or too short, are passed over. The error is a reason for a message.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        let members = json::object(bytes)?;
        let listed = members
            .get("keys")
            .and_then(Value::as_array)
            .ok_or("it has no `keys`")?;
        if listed.len() > MAX_KEYS {
            return Err(format!("it has more than {MAX_KEYS} keys"));
        }
        Ok(Self(listed.iter().filter_map(Key::read).collect()))
    }

    /// The key for a token that names `kid` and this algorithm.
    pub(super) fn find(
        &self,
        kid: Option<&str>,
        algorithm: SigningAlgorithm,
    ) -> Result<&DecodingKey, NoKey> {
        let mut fitting = self
            .0
            .iter()
            .filter(|key| key.algorithms.contains(&algorithm))
            .filter(|key| kid.is_none() || key.kid.as_deref() == kid);
        match (fitting.next(), fitting.next()) {
            (None, _) => Err(NoKey::Unknown),
            (Some(key), None) => Ok(&key.key),
            // Trying them in turn would let any key that the issuer has for something else sign.
            (Some(_), Some(_)) if kid.is_none() => Err(NoKey::Unnamed),
            (Some(_), Some(_)) => Err(NoKey::Ambiguous),
        }
    }
}

impl Key {
    fn read(value: &Value) -> Option<Self> {
        use SigningAlgorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
        let jwk: Jwk = serde_json::from_value(value.clone()).ok()?;
        let common = &jwk.common;
        if !matches!(&common.public_key_use, None | Some(PublicKeyUse::Signature)) {
            return None;
        }
        if let Some(operations) = &common.key_operations
            && !operations.contains(&KeyOperations::Verify)
        {
            return None;
        }
        if common
            .key_id
            .as_ref()
            .is_some_and(|kid| kid.len() > MAX_KID_BYTES)
        {
            return None;
        }
        let mut algorithms = match &jwk.algorithm {
            AlgorithmParameters::RSA(rsa) => {
                let modulus = URL_SAFE_NO_PAD.decode(&rsa.n).ok()?;
                let length = modulus.iter().skip_while(|byte| **byte == 0).count();
                if length < MIN_RSA_BYTES {
                    return None;
                }
                vec![RS256, RS384, RS512, PS256, PS384, PS512]
            }
            AlgorithmParameters::EllipticCurve(ec) => match ec.curve {
                EllipticCurve::P256 => vec![ES256],
                EllipticCurve::P384 => vec![ES384],
                _ => return None,
            },
            AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => {
                vec![EdDSA]
            }
            // A secret is no public key, whoever publishes it.
            _ => return None,
        };
        if let Some(said) = value.get("alg") {
            let said = said.as_str()?;
            algorithms.retain(|algorithm| algorithm.name() == said);
        }
        Some(Self {
            kid: common.key_id.clone(),
            key: DecodingKey::from_jwk(&jwk).ok()?,
            algorithms,
        })
    }
}

impl SigningAlgorithm {
    const ALL: [Self; 9] = [
        Self::RS256,
        Self::RS384,
        Self::RS512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::ES256,
        Self::ES384,
        Self::EdDSA,
    ];

    /// The algorithm of that name in a token. None: it is none of these, `none` and `HS256` say.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
    }

    /// Its name in a token.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::EdDSA => "EdDSA",
        }
    }

    pub(super) fn algorithm(self) -> Algorithm {
        match self {
            Self::RS256 => Algorithm::RS256,
            Self::RS384 => Algorithm::RS384,
            Self::RS512 => Algorithm::RS512,
            Self::PS256 => Algorithm::PS256,
            Self::PS384 => Algorithm::PS384,
            Self::PS512 => Algorithm::PS512,
            Self::ES256 => Algorithm::ES256,
            Self::ES384 => Algorithm::ES384,
            Self::EdDSA => Algorithm::EdDSA,
        }
    }
}
