//! Who authorizes for a server, and whether that is believed.

use std::sync::Arc;

use hexgate_address::is_loopback;
use hexgate_base::{sentence, shortened};
use rmcp::transport::auth::{
    AuthError, AuthorizationManager, AuthorizationMetadata, AuthorizationMetadataSource,
};
use url::Url;

use super::{AuthorizationConfig, Fetcher};

/// How much of a reason is shown: it can be the words of somebody else.
const SHOWN: usize = 400;

/// Who authorizes for a server.
pub(crate) struct Found {
    /// What talks to them, with their metadata set.
    pub(crate) manager: AuthorizationManager,
    /// Their name.
    pub(crate) issuer: String,
    /// What they say of themselves.
    pub(crate) metadata: AuthorizationMetadata,
}

impl Found {
    /// Asks the server at this address, and then who it names. `challenge` is what the server answered to a request without a token.
    ///
    /// # Errors
    ///
    /// Nobody is named, does not answer, or is not believed. The error is a reason for a message.
    pub(crate) async fn by(
        server: &Url,
        config: &AuthorizationConfig,
        fetcher: &Arc<Fetcher>,
        challenge: Option<&str>,
    ) -> Result<Self, String> {
        let why = |error: AuthError| said(&error, fetcher);
        let http: Arc<Fetcher> = Arc::clone(fetcher);
        let mut manager = AuthorizationManager::new_with_oauth_http_client(server.clone(), http)
            .await
            .map_err(why)?;
        let resolution = manager
            .resolve_metadata_from_challenge(challenge)
            .await
            .map_err(why)?;
        if resolution.source == AuthorizationMetadataSource::LegacyEndpointFallback {
            return Err(
                "the server does not say who authorizes for it (no metadata of a protected resource)"
                    .to_owned(),
            );
        }
        let metadata = resolution.metadata;
        let issuer = metadata
            .issuer
            .clone()
            .ok_or("the authorization server does not name itself (`issuer`)")?;
        if let Some(wanted) = &config.issuer
            && wanted.trim_end_matches('/') != issuer.trim_end_matches('/')
        {
            return Err(format!(
                "the server names the authorization server `{}`, and the configuration `{wanted}`",
                shortened(&issuer, 200)
            ));
        }
        let is_local = || Url::parse(&issuer).is_ok_and(|url| is_loopback(&url));
        if config.client_secret_from.is_some() && config.issuer.is_none() && !is_local() {
            return Err(format!(
                "the server names the authorization server `{}`, which would read the secret of this gateway; name it as `issuer` if it may",
                shortened(&issuer, 200)
            ));
        }
        let registration = metadata.registration_endpoint.as_deref();
        for endpoint in [
            Some(issuer.as_str()),
            Some(&metadata.token_endpoint),
            registration,
        ]
        .into_iter()
        .flatten()
        {
            fetcher.check(endpoint)?;
        }
        manager.set_metadata(metadata.clone());
        Ok(Self {
            manager,
            issuer,
            metadata,
        })
    }
}

/// A reason of the library, with the one of the request where it leaves that out.
pub(crate) fn said(error: &AuthError, fetcher: &Fetcher) -> String {
    let mut text = sentence(error);
    if let Some(failure) = fetcher.failure()
        && !text.contains(&failure)
    {
        text.push_str(": ");
        text.push_str(&failure);
    }
    shortened(&text, SHOWN)
}
