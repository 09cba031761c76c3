//! JSON Web Tokens of one issuer.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hexgate_base::Clock;
use hexgate_enforce::Caller;
use jsonwebtoken::Validation;
use jsonwebtoken::errors::ErrorKind;
use serde_json::{Map, Value};

use super::config::{RolesClaim, SigningAlgorithm, UserClaim};
use super::fetch::{FindError, KeySource};
use super::jwks::NoKey;
use super::{IdentityError, claims, json};

/// What checks the tokens of one issuer.
#[derive(Debug)]
pub(super) struct Issuer {
    pub(super) name: String,
    pub(super) audiences: Vec<String>,
    pub(super) algorithms: Vec<SigningAlgorithm>,
    pub(super) leeway: Duration,
    pub(super) user: UserClaim,
    pub(super) roles: Option<RolesClaim>,
    pub(super) keys: KeySource,
    pub(super) clock: Arc<dyn Clock>,
}

/// A token that was taken apart, unchecked.
pub(super) struct Unchecked<'a> {
    text: &'a str,
    header: Map<String, Value>,
    claims: Map<String, Value>,
}

impl<'a> Unchecked<'a> {
    /// Takes a token apart. None: it is not one.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let mut parts = text.split('.');
        let (header, claims, _signature) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        let object = |part: &str| json::object(&URL_SAFE_NO_PAD.decode(part).ok()?).ok();
        Some(Self {
            text,
            header: object(header)?,
            claims: object(claims)?,
        })
    }

    /// Who says to have issued it. One text: a list of issuers is none.
    pub(super) fn issuer(&self) -> Option<&str> {
        self.claims.get("iss")?.as_str()
    }
}

impl Issuer {
    /// Whether a user is called as those of this issuer are.
    pub(super) fn is_before(&self, user: &str) -> bool {
        self.user
            .before
            .as_deref()
            .is_some_and(|before| user.starts_with(before))
    }

    /// The caller that a token names, once its signature, audience and times hold.
    pub(super) async fn caller(&self, token: &Unchecked<'_>) -> Result<Caller, IdentityError> {
        let (kid, algorithm) = self.header(&token.header)?;
        let mut validation = Validation::new(algorithm.algorithm());
        validation.set_audience(&self.audiences);
        validation.set_issuer(&[&self.name]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        // The times are held against the clock that was given, below.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let checked = self
            .keys
            .with_key(kid, algorithm, |key| {
                jsonwebtoken::decode::<Value>(token.text, key, &validation)
            })
            .await
            .map_err(|error| self.no_key(error))?;
        if let Err(error) = checked {
            return Err(self.refused(reason(error.kind())));
        }
        // The signature covers the bytes of which these claims were read, in which no name stands twice.
        let claims = &token.claims;
        let expires = self.times(claims)?;
        let named = |reason| IdentityError::Claims {
            issuer: self.name.clone(),
            reason,
        };
        let user = claims::user(claims, &self.user).map_err(named)?;
        let roles = match &self.roles {
            Some(roles) => claims::roles(claims, roles).map_err(named)?,
            None => Vec::new(),
        };
        Caller::builder(user)
            .roles(roles)
            .expires_at(expires)
            .build()
            .map_err(|error| named(error.to_string()))
    }

    /// The name of the key and the algorithm. `jku`, `jwk`, `x5u` and `x5c` are not looked at: a token does not bring its own key.
    fn header<'a>(
        &self,
        header: &'a Map<String, Value>,
    ) -> Result<(Option<&'a str>, SigningAlgorithm), IdentityError> {
        let algorithm = header
            .get("alg")
            .and_then(Value::as_str)
            .and_then(SigningAlgorithm::named);
        let algorithm = algorithm
            .filter(|algorithm| self.algorithms.contains(algorithm))
            .ok_or_else(|| self.refused("its algorithm is not one that is configured"))?;
        if header.contains_key("crit") {
            return Err(self.refused("it demands extensions that are not known (`crit`)"));
        }
        match header.get("typ") {
            None => {}
            Some(Value::String(kind)) if is_access_token(kind) => {}
            // A signed statement of the issuer's for something else, such as a logout.
            Some(_) => return Err(self.refused("its `typ` is neither `JWT` nor `at+jwt`")),
        }
        match header.get("kid") {
            None => Ok((None, algorithm)),
            Some(Value::String(kid)) => Ok((Some(kid), algorithm)),
            Some(_) => Err(self.refused("its `kid` is not a text")),
        }
    }

    /// When it ends, the leeway included, if it is valid now.
    fn times(&self, claims: &Map<String, Value>) -> Result<SystemTime, IdentityError> {
        let now = self.clock.now();
        let time = |name: &str| match claims.get(name) {
            None => Ok(None),
            Some(value) => moment(value)
                .map(Some)
                .ok_or_else(|| self.refused(&format!("its `{name}` is not a time"))),
        };
        let expires = time("exp")?
            .and_then(|expires| expires.checked_add(self.leeway))
            .ok_or_else(|| self.refused("it has no `exp`"))?;
        if expires <= now {
            return Err(self.refused("it has expired"));
        }
        let soon = now.checked_add(self.leeway).unwrap_or(now);
        for name in ["nbf", "iat"] {
            if time(name)?.is_some_and(|begin| begin > soon) {
                return Err(self.refused(&format!("its `{name}` is in the future")));
            }
        }
        Ok(expires)
    }

    fn no_key(&self, error: FindError) -> IdentityError {
        match error {
            FindError::Lost(reason) => IdentityError::Issuer {
                issuer: self.name.clone(),
                reason,
            },
            FindError::NoKey(NoKey::Unknown) => {
                self.refused("the issuer has no key of its `kid` for its algorithm")
            }
            FindError::NoKey(NoKey::Unnamed) => {
                self.refused("it names no key (`kid`), and the issuer has several")
            }
            FindError::NoKey(NoKey::Ambiguous) => {
                self.refused("the issuer has two keys of its `kid`")
            }
        }
    }

    fn refused(&self, reason: &str) -> IdentityError {
        IdentityError::Refused {
            issuer: self.name.clone(),
            reason: reason.to_owned(),
        }
    }
}

fn is_access_token(kind: &str) -> bool {
    let kind = kind.to_ascii_lowercase();
    let kind = kind.strip_prefix("application/").unwrap_or(&kind);
    matches!(kind, "jwt" | "at+jwt")
}

/// A `NumericDate`: seconds since 1970, perhaps with a fraction.
fn moment(value: &Value) -> Option<SystemTime> {
    let seconds = match value.as_u64() {
        Some(seconds) => Duration::from_secs(seconds),
        None => Duration::try_from_secs_f64(value.as_f64()?).ok()?,
    };
    SystemTime::UNIX_EPOCH.checked_add(seconds)
}

/// What the library found, without a word of the token.
fn reason(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidSignature => "its signature is not by the issuer's key",
        ErrorKind::InvalidAudience => "it is for another audience",
        ErrorKind::InvalidIssuer => "it is of another issuer",
        ErrorKind::MissingRequiredClaim(_) => "it lacks `exp`, `iss` or `aud`",
        ErrorKind::InvalidClaimFormat(_) => "one of `exp`, `iss` and `aud` has another form",
        ErrorKind::InvalidAlgorithm => "its algorithm does not fit the key",
        _ => "it cannot be read",
    }
}
