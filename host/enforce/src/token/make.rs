//! Makes tokens: a project's, and those for its users.

use std::fmt;
use std::time::SystemTime;

use biscuit_auth::builder::{Check, Term, fact, string};
use biscuit_auth::{Algorithm, Biscuit, BlockBuilder, KeyPair, PrivateKey};
use hexgate_base::Timestamp;
use hexgate_platform::{Envelope, check_part};

use super::{TokenError, TokenVerifier};
use crate::caller::Caller;

/// The private half of a root key. Only the platform that issues tokens has one.
pub struct RootKey(KeyPair);

impl RootKey {
    /// The key from its raw form, 32 bytes of Ed25519.
    ///
    /// # Errors
    ///
    /// The bytes are not a key.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, TokenError> {
        PrivateKey::from_bytes(bytes, Algorithm::Ed25519)
            .map(|key| Self(KeyPair::from(&key)))
            .map_err(|error| TokenError::Key {
                reason: error.to_string(),
            })
    }
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RootKey")
    }
}

/// Makes the token of a project in an environment. It names no user. CAUTION: its holder can make tokens for any user.
///
/// # Errors
///
/// The environment or the project cannot stand in a token.
pub fn mint(root: &RootKey, environment: &str, project: &str) -> Result<Envelope, TokenError> {
    check_part("environment", environment)?;
    check_part("project", project)?;
    let biscuit = Biscuit::builder()
        .fact(fact("environment", &[string(environment)]))
        .and_then(|builder| builder.fact(fact("project", &[string(project)])))
        .and_then(|builder| builder.build(&root.0))
        .and_then(|biscuit| biscuit.to_vec())
        .map_err(made)?;
    Ok(Envelope::of_biscuit(environment, project, &biscuit)?)
}

/// The user and the end of an attenuated token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attenuation {
    /// The user.
    pub user: String,
    /// The roles, in order. None: the policy's default role decides.
    pub roles: Vec<String>,
    /// The second from which it does not hold. None: it holds as long as the project's token.
    pub expires_at: Option<SystemTime>,
}

/// Makes a token for one user of a project's token, and seals it: nothing can be appended to it.
///
/// # Errors
///
/// The verifier refuses the project's token, it already names a user, or the names cannot be a caller's.
pub fn attenuate(
    project: &Envelope,
    verifier: &TokenVerifier,
    attenuation: &Attenuation,
) -> Result<Envelope, TokenError> {
    let (biscuit, _) = verifier.open(project)?;
    if biscuit.block_count() > 1 {
        return Err(TokenError::Attenuated {
            blocks: biscuit.block_count(),
        });
    }
    // No token for names that cannot be a caller's.
    Caller::builder(&attenuation.user)
        .roles(&attenuation.roles)
        .build()?;
    let mut block = BlockBuilder::new()
        .fact(fact("user", &[string(&attenuation.user)]))
        .map_err(made)?;
    for role in &attenuation.roles {
        block = block.fact(fact("role", &[string(role)])).map_err(made)?;
    }
    if let Some(end) = attenuation.expires_at {
        let end = Timestamp::from_system_time(end).ok_or(TokenError::Clock)?;
        let mut check = Check::try_from("check if time($now), $now < {end}").map_err(made)?;
        check
            .set("end", Term::Date(end.unix_seconds()))
            .map_err(made)?;
        block = block.check(check).map_err(made)?;
    }
    let narrowed = biscuit
        .append(block)
        .and_then(|biscuit| biscuit.seal())
        .and_then(|biscuit| biscuit.to_vec())
        .map_err(made)?;
    Ok(Envelope::of_biscuit(
        verifier.environment(),
        verifier.project(),
        &narrowed,
    )?)
}

fn made(error: biscuit_auth::error::Token) -> TokenError {
    TokenError::Make {
        reason: error.to_string(),
    }
}
