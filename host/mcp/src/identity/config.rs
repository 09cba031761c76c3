//! Who vouches for callers, as a configuration says it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

/// Who vouches for the callers of a gateway.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityConfig {
    /// The address of the gateway as clients know it, such as `https://gateway.example.com/mcp`. Tokens of issuers are for this audience
    /// unless an issuer says otherwise, and the metadata of the protected resource names it.
    #[serde(default)]
    pub resource: Option<String>,
    /// The variable of the environment that holds the token of the client at the standard streams.
    #[serde(default)]
    pub token_from: Option<String>,
    /// Our own tokens.
    #[serde(default)]
    pub tokens: Option<TokensConfig>,
    /// Issuers of JSON Web Tokens.
    #[serde(default)]
    pub issuers: Vec<IssuerConfig>,
}

/// Our own tokens: `fty_<environment>_<project>_<biscuit>`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokensConfig {
    /// Files with the public root keys that may have signed them, at least one.
    pub keys: Vec<PathBuf>,
    /// The environment that a token has to name.
    pub environment: String,
    /// The project that a token has to name.
    pub project: String,
}

/// An issuer of JSON Web Tokens.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerConfig {
    /// The claim `iss`, byte for byte.
    pub issuer: String,
    /// Where the issuer publishes its keys: an `https` address.
    pub jwks: String,
    /// What the claim `aud` has to name, any of them. Default: the gateway's `resource`.
    #[serde(default)]
    pub audiences: Vec<String>,
    /// The algorithms that may have signed a token, at least one. What a token says of itself chooses among these alone.
    pub algorithms: Vec<SigningAlgorithm>,
    /// How many seconds the issuer's clock and this one may differ. Default 30, at most 300.
    #[serde(default = "leeway")]
    pub leeway_seconds: u64,
    /// The user.
    #[serde(default)]
    pub user: UserClaim,
    /// The roles. Without it callers have none, and the policy's role `default` decides.
    #[serde(default)]
    pub roles: Option<RolesClaim>,
    /// After how many seconds the keys are fetched again. Default 300, 30 at least.
    #[serde(default = "refresh")]
    pub refresh_seconds: u64,
    /// For how many seconds keys are used that could not be fetched again. Then every token of the issuer is refused. Default 3,600, at most
    /// a day.
    #[serde(default = "keep")]
    pub keep_seconds: u64,
    /// Fetches keys over `http` from a loopback address. For tests: who answers there can name any caller. Default: no.
    #[serde(default)]
    pub dangerous_http_on_loopback: bool,
}

/// Which claim names the user, and what becomes of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserClaim {
    /// The claim: a text. Default: `sub`.
    #[serde(default = "subject")]
    pub claim: ClaimPath,
    /// What the claim has to begin with, and what is taken off it.
    #[serde(default)]
    pub strip: Option<String>,
    /// What is put before the name then. With several issuers, or `tokens` beside one, each has to say it, and none begins another one: nobody
    /// is two people.
    #[serde(default)]
    pub before: Option<String>,
}

impl Default for UserClaim {
    fn default() -> Self {
        Self {
            claim: subject(),
            strip: None,
            before: None,
        }
    }
}

/// Which claim lists the roles, and what becomes of them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RolesClaim {
    /// The claim: a list of texts, or a text. A token without it has no roles.
    pub claim: ClaimPath,
    /// What separates roles where the claim is one text, such as a blank. Default: nothing does.
    #[serde(default)]
    pub separator: Option<String>,
    /// Roles that begin with this count, without it; others do not count.
    #[serde(default)]
    pub strip: Option<String>,
    /// What a role of the issuer, stripped, is called here. With it only these count.
    #[serde(default)]
    pub map: Option<BTreeMap<String, String>>,
}

/// A claim: its name, or the names that lead to it. A name is taken as it is, dots and slashes included.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum ClaimPath {
    /// A claim of the token itself.
    Name(String),
    /// A member of a member.
    Path(Vec<String>),
}

impl ClaimPath {
    /// The names, from the outermost on.
    pub(super) fn names(&self) -> &[String] {
        match self {
            Self::Name(name) => std::slice::from_ref(name),
            Self::Path(names) => names,
        }
    }
}

/// How a token may be signed. None of them has a secret that the gateway knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[allow(missing_docs, reason = "the names are those of RFC 7518 and RFC 8037")]
pub enum SigningAlgorithm {
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    EdDSA,
}

fn subject() -> ClaimPath {
    ClaimPath::Name("sub".to_owned())
}

const fn leeway() -> u64 {
    30
}

const fn refresh() -> u64 {
    300
}

const fn keep() -> u64 {
    3_600
}
