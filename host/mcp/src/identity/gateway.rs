//! The identity as the gateway asks it.

use async_trait::async_trait;
use hexgate_enforce::Caller;

use super::fetch::PAUSE;
use super::{Bearer, Identity, IdentityError};
use crate::caller::{CallerOf, Incoming, Unidentified};

#[async_trait]
impl CallerOf for Identity {
    async fn caller_of(&self, incoming: Incoming<'_>) -> Result<Caller, Unidentified> {
        let found = match incoming.headers {
            Some(headers) => self.caller_of_headers(headers).await,
            // At the standard streams there is no header: who calls is fixed, or nobody.
            None => self.caller(None).await,
        };
        found.map_err(|error| unidentified(self, &error))
    }
}

/// The client at the standard streams, by the token that it was started with. The token is checked again at each request.
#[derive(Debug)]
pub struct AtStart {
    identity: Identity,
    bearer: Bearer,
}

impl AtStart {
    /// By this token.
    #[must_use]
    pub fn new(identity: Identity, bearer: Bearer) -> Self {
        Self { identity, bearer }
    }
}

#[async_trait]
impl CallerOf for AtStart {
    async fn caller_of(&self, incoming: Incoming<'_>) -> Result<Caller, Unidentified> {
        let found = match incoming.headers {
            // The token is of one client, and not of whoever connects.
            Some(_) => Err(IdentityError::Missing),
            None => self.identity.caller(Some(self.bearer.text())).await,
        };
        found.map_err(|error| unidentified(&self.identity, &error))
    }
}

fn unidentified(identity: &Identity, error: &IdentityError) -> Unidentified {
    let unidentified = Unidentified::new(error.to_string());
    if error.is_of_the_token() {
        unidentified.challenge(identity.challenge(error))
    } else {
        // Before that the issuer is not asked again.
        unidentified.retry_after(PAUSE)
    }
}
