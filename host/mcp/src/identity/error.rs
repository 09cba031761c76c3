//! Why a caller is not known.

use std::path::PathBuf;

use hexgate_base::shortened;
use hexgate_enforce::CallerError;
use hexgate_enforce::token::TokenError;

/// Why there is no identity to ask.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityConfigError {
    /// Nobody vouches for callers.
    #[error("nobody vouches for callers: name `tokens` or `issuers`")]
    Nobody,
    /// A value cannot be used.
    #[error("`{member}` of {of} {reason}")]
    Value {
        /// Of what: an issuer, or the identity itself.
        of: String,
        /// The member.
        member: &'static str,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// A key cannot be read.
    #[error("the key `{}` of `tokens` cannot be used", .path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Why.
        source: hexgate_bundle::KeyError,
    },
    /// The keys, the environment or the project do not fit our tokens.
    #[error("`tokens` cannot be used")]
    Tokens(#[source] TokenError),
    /// The name of a caller cannot be used.
    #[error("the caller cannot be used")]
    Caller(#[source] CallerError),
    /// The system offers no TLS.
    #[error("keys of issuers cannot be fetched: {0}")]
    Start(String),
}

/// Why a request has no caller. The texts are for operators: no text shows a token, and a client is told the kind alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// There is no token.
    #[error("the request has no bearer token")]
    Missing,
    /// There is a token, and the gateway takes its caller from elsewhere.
    #[error(
        "the request has a bearer token, and the caller of this gateway is fixed: no token is checked here"
    )]
    Unexpected,
    /// The header is not one `Bearer` and one token.
    #[error("the request's `Authorization` is not one bearer token")]
    Malformed,
    /// The token is too long.
    #[error("the token has {found} bytes, and at most {allowed} are read")]
    TooLong {
        /// Its length in bytes.
        found: usize,
        /// The limit.
        allowed: usize,
    },
    /// It is neither a token of ours nor one of a configured issuer.
    #[error("the token is of no issuer that this gateway knows{}", match .issuer {
        Some(issuer) => format!(": `{}`", shortened(issuer, 128)),
        None => String::new(),
    })]
    UnknownIssuer {
        /// The issuer that it names, if it names one.
        issuer: Option<String>,
    },
    /// A token of ours does not hold.
    #[error("the token does not hold: {0}")]
    Token(#[from] TokenError),
    /// A token of ours names a user who is called as those of an issuer are.
    #[error("the token names a user who is called as those of `{issuer}` are")]
    OfIssuer {
        /// The issuer.
        issuer: String,
    },
    /// A token of an issuer does not hold.
    #[error("the token of `{issuer}` does not hold: {reason}")]
    Refused {
        /// The issuer.
        issuer: String,
        /// Why.
        reason: String,
    },
    /// The token holds, and names nobody whom a policy could know.
    #[error("the token of `{issuer}` names no caller: {reason}")]
    Claims {
        /// The issuer.
        issuer: String,
        /// Why.
        reason: String,
    },
    /// The issuer's keys are not known, or were not confirmed for too long.
    #[error("the keys of `{issuer}` are not known: {reason}")]
    Issuer {
        /// The issuer.
        issuer: String,
        /// Why.
        reason: String,
    },
}

impl IdentityError {
    /// Whether it is the token that does not hold. Else it could not be checked: the issuer is to blame, and the same token may pass later.
    #[must_use]
    pub fn is_of_the_token(&self) -> bool {
        !matches!(self, Self::Issuer { .. })
    }
}
