//! An identity from its configuration: everything that can be wrong with it is said at the start.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hexgate_address::is_loopback;
use hexgate_base::Clock;
use hexgate_base::PublicKey;
use hexgate_enforce::token::TokenVerifier;
use url::Url;

use super::config::{IdentityConfig, IssuerConfig, TokensConfig};
use super::fetch::{KeySource, PAUSE};
use super::jwt::Issuer;
use super::{Identity, IdentityConfigError, Who};

const MOST_LEEWAY: u64 = 300;
const MOST_KEEP: u64 = 86_400;

impl Identity {
    /// The identity that a configuration describes; relative paths in it are below `folder`. Nothing is fetched yet.
    ///
    /// # Errors
    ///
    /// Nobody vouches for callers, or a value or a key cannot be used. The error names it.
    pub fn from_config(
        config: &IdentityConfig,
        folder: &Path,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, IdentityConfigError> {
        if config.tokens.is_none() && config.issuers.is_empty() {
            return Err(IdentityConfigError::Nobody);
        }
        let resource = config.resource.as_deref().map(resource).transpose()?;
        let tokens = config
            .tokens
            .as_ref()
            .map(|tokens| verifier(tokens, folder))
            .transpose()?;
        if !config.issuers.is_empty() {
            // Where a program brings the library with two implementations, this one checks signatures. If another was chosen before, it
            // stays.
            let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
        }
        let issuers = config
            .issuers
            .iter()
            .map(|issuer| self::issuer(issuer, config, clock.clone()))
            .collect::<Result<Vec<_>, _>>()?;
        one_name_each(&config.issuers, tokens.is_some())?;
        Ok(Self {
            who: Who::Bearer { tokens, issuers },
            resource,
            clock,
        })
    }
}

fn verifier(config: &TokensConfig, folder: &Path) -> Result<TokenVerifier, IdentityConfigError> {
    if config.keys.is_empty() {
        return Err(value(
            "tokens",
            "keys",
            "is empty: name at least one public key",
        ));
    }
    let mut keys = Vec::new();
    for path in &config.keys {
        let path = folder.join(path);
        let key = PublicKey::from_file(&path)
            .map_err(|source| IdentityConfigError::Key { path, source })?;
        keys.push(key);
    }
    TokenVerifier::new(keys, &config.environment, &config.project)
        .map_err(IdentityConfigError::Tokens)
}

fn issuer(
    config: &IssuerConfig,
    all: &IdentityConfig,
    clock: Arc<dyn Clock>,
) -> Result<Issuer, IdentityConfigError> {
    let of = format!("the issuer `{}`", config.issuer);
    let wrong = |member, reason: &str| value(&of, member, reason);
    if config.issuer.is_empty() {
        return Err(wrong("issuer", "is empty"));
    }
    if config.algorithms.is_empty() {
        return Err(wrong(
            "algorithms",
            "is empty: name what the issuer signs with, such as `ES256`",
        ));
    }
    let audiences = if config.audiences.is_empty() {
        all.resource.iter().cloned().collect()
    } else {
        config.audiences.clone()
    };
    if audiences.is_empty() || audiences.iter().any(String::is_empty) {
        return Err(wrong(
            "audiences",
            "is empty: name whom tokens are for, or the gateway's `resource`",
        ));
    }
    if config.leeway_seconds > MOST_LEEWAY {
        return Err(wrong("leeway_seconds", "is more than 300"));
    }
    if config.refresh_seconds < PAUSE.as_secs() {
        return Err(wrong("refresh_seconds", "is less than 30"));
    }
    if config.keep_seconds > MOST_KEEP || config.keep_seconds < config.refresh_seconds {
        return Err(wrong(
            "keep_seconds",
            "is not between `refresh_seconds` and a day",
        ));
    }
    let claims = [
        Some(&config.user.claim),
        config.roles.as_ref().map(|roles| &roles.claim),
    ];
    if claims
        .into_iter()
        .flatten()
        .any(|claim| claim.names().is_empty())
    {
        return Err(wrong("claim", "is an empty path"));
    }
    if config
        .roles
        .as_ref()
        .is_some_and(|roles| roles.separator.as_deref() == Some(""))
    {
        return Err(wrong("separator", "is empty"));
    }
    let address = Url::parse(&config.jwks)
        .map_err(|error| wrong("jwks", &format!("is no address: {error}")))?;
    let is_allowed = match address.scheme() {
        "https" => true,
        "http" => config.dangerous_http_on_loopback && is_loopback(&address),
        _ => false,
    };
    if !is_allowed {
        return Err(wrong(
            "jwks",
            "is not an `https` address: who answers in the issuer's place could name any caller",
        ));
    }
    if !address.username().is_empty() || address.password().is_some() {
        return Err(wrong("jwks", "has a user or a password in it"));
    }
    let seconds = Duration::from_secs;
    let keys = KeySource::new(
        address,
        seconds(config.refresh_seconds),
        seconds(config.keep_seconds),
        clock.clone(),
    )
    .map_err(IdentityConfigError::Start)?;
    Ok(Issuer {
        name: config.issuer.clone(),
        audiences,
        algorithms: config.algorithms.clone(),
        leeway: seconds(config.leeway_seconds),
        user: config.user.clone(),
        roles: config.roles.clone(),
        keys,
        clock,
    })
}

/// The same `sub` of two issuers is two people.
fn one_name_each(issuers: &[IssuerConfig], has_tokens: bool) -> Result<(), IdentityConfigError> {
    let mut names = BTreeSet::new();
    for issuer in issuers {
        let of = format!("the issuer `{}`", issuer.issuer);
        if !names.insert(&issuer.issuer) {
            return Err(value(&of, "issuer", "stands twice"));
        }
    }
    if issuers.len() + usize::from(has_tokens) < 2 {
        return Ok(());
    }
    for (number, issuer) in issuers.iter().enumerate() {
        let of = format!("the issuer `{}`", issuer.issuer);
        let before = issuer.user.before.as_deref().unwrap_or_default();
        let others = issuers.iter().enumerate().filter(|(n, _)| *n != number);
        // Else an issuer could name a user of another one: `a` with the user `b:alice`, and `ab:` with `alice`.
        let begins_another = others
            .filter_map(|(_, other)| other.user.before.as_deref())
            .any(|other| other.starts_with(before));
        if before.is_empty() || begins_another {
            return Err(value(
                &of,
                "user.before",
                "is missing, empty, or what another issuer's begins with: with several issuers, or `tokens` beside one, each has its own, so that nobody is taken for somebody else's user",
            ));
        }
    }
    Ok(())
}

fn resource(text: &str) -> Result<Url, IdentityConfigError> {
    let wrong = |reason: &str| value("the identity", "resource", reason);
    let url = Url::parse(text).map_err(|error| wrong(&format!("is no address: {error}")))?;
    let is_allowed = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
    if !is_allowed || url.query().is_some() || url.fragment().is_some() {
        return Err(wrong(
            "is not an `https` address without query and fragment; `http` is for loopback alone",
        ));
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~/".contains(c);
    if !url.path().chars().all(is_plain) {
        return Err(wrong(
            "has a path with other characters than letters, digits, `-`, `.`, `_` and `~`",
        ));
    }
    Ok(url)
}

fn value(of: &str, member: &'static str, reason: &str) -> IdentityConfigError {
    IdentityConfigError::Value {
        of: of.to_owned(),
        member,
        reason: reason.to_owned(),
    }
}
