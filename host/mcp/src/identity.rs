//! Who calls: from the command line, from a token of ours, or from a JSON Web Token of an issuer.
//!
//! A token is checked here and goes no further: servers get none of it. What a token of an issuer says of itself chooses among what the
//! configuration allows, and nothing more: its issuer, its audience, its algorithm and its key have to be known before.

mod bearer;
mod claims;
mod config;
mod error;
mod fetch;
mod gateway;
mod json;
mod jwks;
mod jwt;
mod setup;
mod web;

use std::sync::Arc;
use std::time::SystemTime;

use hexgate_base::Clock;
use hexgate_enforce::Caller;
use hexgate_enforce::token::{Envelope, MAX_TOKEN_BYTES, TokenVerifier};

pub use bearer::Bearer;
pub use config::{
    ClaimPath, IdentityConfig, IssuerConfig, RolesClaim, SigningAlgorithm, TokensConfig, UserClaim,
};
pub use error::{IdentityConfigError, IdentityError};
pub use gateway::AtStart;
pub use web::METADATA_PREFIX;

use jwt::{Issuer, Unchecked};

/// Says who calls.
#[derive(Debug)]
pub struct Identity {
    who: Who,
    /// The address of the gateway.
    resource: Option<url::Url>,
    clock: Arc<dyn Clock>,
}

#[derive(Debug)]
enum Who {
    /// Whoever reaches the gateway.
    Fixed(Caller),
    /// Who has a token.
    Bearer {
        tokens: Option<TokenVerifier>,
        issuers: Vec<Issuer>,
    },
}

impl Identity {
    /// The caller is whoever reaches the gateway: the user of this machine, over stdio. Over HTTP only where nobody else can connect.
    ///
    /// # Errors
    ///
    /// A name is empty, too long, has control characters or another than its one spelling, or there are too many roles.
    pub fn named(
        user: &str,
        roles: &[String],
        clock: Arc<dyn Clock>,
    ) -> Result<Self, IdentityConfigError> {
        let caller = Caller::builder(user)
            .roles(roles)
            .build()
            .map_err(IdentityConfigError::Caller)?;
        Ok(Self {
            who: Who::Fixed(caller),
            resource: None,
            clock,
        })
    }

    /// Whether callers have to show a token.
    #[must_use]
    pub fn asks_for_a_token(&self) -> bool {
        matches!(self.who, Who::Bearer { .. })
    }

    /// The address of the gateway, if it is configured.
    #[must_use]
    pub fn resource(&self) -> Option<&str> {
        self.resource.as_ref().map(url::Url::as_str)
    }

    /// The issuers whose tokens are taken.
    #[must_use]
    pub fn issuers(&self) -> Vec<&str> {
        match &self.who {
            Who::Fixed(_) => Vec::new(),
            Who::Bearer { issuers, .. } => {
                issuers.iter().map(|issuer| issuer.name.as_str()).collect()
            }
        }
    }

    /// The caller of a request, or of a connection over stdio.
    ///
    /// The caller expires with the token. A token of ours is checked again at each decision, so that one that was revoked decides nothing.
    ///
    /// # Errors
    ///
    /// There is no token where one is needed, or it does not hold. The request must not go on.
    pub async fn caller(&self, bearer: Option<&str>) -> Result<Caller, IdentityError> {
        let (tokens, issuers) = match (&self.who, bearer) {
            (Who::Fixed(caller), None) => return Ok(caller.clone()),
            (Who::Fixed(_), Some(_)) => return Err(IdentityError::Unexpected),
            (Who::Bearer { tokens, issuers }, Some(_)) => (tokens, issuers),
            (Who::Bearer { .. }, None) => return Err(IdentityError::Missing),
        };
        let text = bearer.unwrap_or_default();
        if text.len() > MAX_TOKEN_BYTES {
            return Err(IdentityError::TooLong {
                found: text.len(),
                allowed: MAX_TOKEN_BYTES,
            });
        }
        if text.starts_with("fty_") {
            let Some(verifier) = tokens else {
                return Err(IdentityError::UnknownIssuer { issuer: None });
            };
            let envelope =
                Envelope::parse(text).map_err(hexgate_enforce::token::TokenError::from)?;
            let token = verifier.verify(&envelope, self.now())?;
            let caller = token.caller(None, Default::default())?;
            let foreign = issuers
                .iter()
                .find(|issuer| issuer.is_before(caller.user_id()));
            return match foreign {
                None => Ok(caller),
                Some(issuer) => Err(IdentityError::OfIssuer {
                    issuer: issuer.name.clone(),
                }),
            };
        }
        let token = Unchecked::read(text).ok_or(IdentityError::UnknownIssuer { issuer: None })?;
        let named = token.issuer();
        match issuers
            .iter()
            .find(|issuer| Some(issuer.name.as_str()) == named)
        {
            Some(issuer) => issuer.caller(&token).await,
            None => Err(IdentityError::UnknownIssuer {
                issuer: named.map(str::to_owned),
            }),
        }
    }

    fn now(&self) -> SystemTime {
        self.clock.now()
    }
}
