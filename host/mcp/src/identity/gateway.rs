//! The identity as the gateway asks it.

use async_trait::async_trait;
use hexgate_enforce::Caller;

use super::{Identity, IdentityError};
use crate::caller::{CallerOf, Incoming, Unidentified};

#[async_trait]
impl CallerOf for Identity {
    async fn caller_of(&self, incoming: Incoming<'_>) -> Result<Caller, Unidentified> {
        let found = match incoming.headers {
            Some(headers) => self.caller_of_headers(headers).await,
            // At the standard streams there is no header: who calls is fixed, or nobody.
            None => self.caller(None).await,
        };
        found.map_err(|error: IdentityError| {
            Unidentified::new(error.to_string()).challenge(self.challenge(&error))
        })
    }
}
