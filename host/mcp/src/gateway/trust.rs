//! What of servers and clients is trusted, as the configuration says it.

use std::path::Path;
use std::sync::Arc;

use hexgate_base::SystemClock;

use super::build::{GatewayBuilder, OpenError};
use crate::identity::{AtStart, Bearer, Identity};
use crate::pins::Pins;
use crate::trusted::Trusted;

impl GatewayBuilder {
    /// Takes the pins and the identity of the configuration.
    pub(super) fn trusting(self) -> Result<Self, OpenError> {
        self.pinned()?.identified()
    }

    fn pinned(mut self) -> Result<Self, OpenError> {
        let catalogue = match &self.config().pins {
            Some(path) => Trusted::new(Pins::open(path)?, self.config().first_use),
            None => {
                self.notice("[hexgate] warning: tools are not pinned, and servers can change them unseen; name a file under `pins`");
                Trusted::unpinned()
            }
        };
        Ok(self.catalogue(catalogue))
    }

    fn identified(self) -> Result<Self, OpenError> {
        let Some(config) = &self.config().identity else {
            return Ok(self);
        };
        let identity = Identity::from_config(config, Path::new(""), Arc::new(SystemClock))?;
        let routes = identity.metadata_routes();
        let builder = match &config.token_from {
            None => self.caller_of(identity),
            Some(variable) => {
                let text = std::env::var(variable).map_err(|_| {
                    OpenError::Config(format!(
                        "the variable `{variable}` of `token_from` is not set"
                    ))
                })?;
                self.caller_of(AtStart::new(identity, Bearer::given(text)))
            }
        };
        Ok(builder.public(routes))
    }
}
