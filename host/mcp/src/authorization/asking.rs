//! What authorization servers are asked for: a new token by the refresh token of a login, or one for the gateway's own credentials.

use std::sync::Arc;

use hexgate_base::shortened;
use rmcp::transport::auth::{
    AuthError, ClientCredentialsConfig, CredentialStore as _, InMemoryCredentialStore,
    OAuthClientConfig, StoredCredentials,
};
use serde_json::json;
use url::Url;

use super::{AuthorizationConfig, Fetcher, Found, Grant, Secret, Stored, said};

/// Asks for the tokens of one server.
#[derive(Debug)]
pub(super) struct Asker {
    /// The server's name, for messages.
    pub(super) name: String,
    pub(super) url: Url,
    /// The address as it is configured.
    pub(super) address: String,
    pub(super) config: AuthorizationConfig,
    pub(super) fetcher: Arc<Fetcher>,
}

impl Asker {
    /// What a person has to do where a login would help.
    pub(super) fn remedy(&self) -> String {
        format!("run `hexgate mcp login {}`", self.name)
    }

    /// A new token in place of one that is over. The error is a reason for a message, with the remedy.
    pub(super) async fn refreshed(&self, stored: &Stored) -> Result<Grant, String> {
        let Some(refresh) = &stored.grant.refresh else {
            return Err(format!("the login is over; {}", self.remedy()));
        };
        let cannot = |why: String| format!("the token cannot be refreshed: {why}");
        let Found {
            mut manager,
            issuer,
            ..
        } = Found::by(&self.url, &self.config, &self.fetcher, None)
            .await
            .map_err(cannot)?;
        // The token of one authorization server is shown to no other one.
        if issuer != stored.issuer {
            return Err(format!(
                "the login was at `{}`, and the server names `{}` now; {}",
                shortened(&stored.issuer, 200),
                shortened(&issuer, 200),
                self.remedy()
            ));
        }
        let said = |error: AuthError| cannot(said(&error, &self.fetcher));
        let held = serde_json::from_value(json!({
            "access_token": stored.grant.access,
            "token_type": "bearer",
            "refresh_token": refresh,
        }))
        .map_err(|_| cannot("the stored token is none".to_owned()))?;
        let credentials = StoredCredentials::new(
            stored.client_id.clone(),
            Some(held),
            stored.grant.scopes.clone(),
            None,
        );
        let store = InMemoryCredentialStore::new();
        store.save(credentials).await.map_err(said)?;
        manager.set_credential_store(store);
        let mut client = OAuthClientConfig::new(&stored.client_id, self.url.as_str());
        let configured = match &self.config.client_secret_from {
            Some(variable) => Some(Secret::of_variable(variable).map_err(cannot)?),
            None => None,
        };
        if let Some(secret) = configured.as_ref().or(stored.client_secret.as_ref()) {
            client = client.with_client_secret(secret.text());
        }
        manager.configure_client(client).map_err(said)?;
        match manager.refresh_token().await {
            Ok(answer) => Grant::of(&answer, manager.get_current_scopes().await).map_err(cannot),
            Err(AuthError::TokenRefreshRejected(_) | AuthError::AuthorizationRequired) => {
                Err(format!(
                    "the login is over: its token is not refreshed any more; {}",
                    self.remedy()
                ))
            }
            Err(error) => Err(said(error)),
        }
    }

    /// A token for the gateway's own credentials. The error is a reason for a message.
    pub(super) async fn granted(&self) -> Result<Grant, String> {
        let cannot = |why: String| format!("no token was granted to the gateway: {why}");
        let said = |error: AuthError| cannot(said(&error, &self.fetcher));
        let Found { mut manager, .. } = Found::by(&self.url, &self.config, &self.fetcher, None)
            .await
            .map_err(cannot)?;
        let scopes = match &*self.config.scopes {
            [] => manager.select_initial_scopes(&[]).await,
            named => named.to_vec(),
        };
        let credentials = self.credentials(scopes).map_err(cannot)?;
        manager
            .validate_client_credentials_metadata(&credentials)
            .map_err(said)?;
        manager
            .configure_client_credentials(&credentials)
            .map_err(said)?;
        // The library's future stays on its thread.
        let runtime = tokio::runtime::Handle::current();
        let asked = tokio::task::spawn_blocking(move || {
            runtime.block_on(async {
                let answer = manager.exchange_client_credentials(&credentials).await?;
                Ok((answer, manager.get_current_scopes().await))
            })
        });
        let asked = asked.await.map_err(|error| cannot(error.to_string()))?;
        let (answer, scopes) = asked.map_err(said)?;
        Grant::of(&answer, scopes).map_err(cannot)
    }

    fn credentials(&self, scopes: Vec<String>) -> Result<ClientCredentialsConfig, String> {
        let client_id = self.config.client_id.clone().unwrap_or_default();
        let resource = Some(self.address.clone());
        let config = &self.config;
        if let (Some(variable), Some(algorithm)) = (&config.private_key_from, config.algorithm) {
            return Ok(ClientCredentialsConfig::PrivateKeyJwt {
                client_id,
                signing_key: Secret::of_variable(variable)?.text().as_bytes().to_vec(),
                signing_algorithm: algorithm.named(),
                token_endpoint_audience: None,
                scopes,
                resource,
            });
        }
        let variable = config.client_secret_from.as_deref().unwrap_or_default();
        Ok(ClientCredentialsConfig::ClientSecret {
            client_id,
            client_secret: Secret::of_variable(variable)?.text().to_owned(),
            scopes,
            resource,
        })
    }
}
