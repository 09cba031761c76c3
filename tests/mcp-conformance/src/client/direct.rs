//! The server, reached with rmcp alone.

use anyhow::{Context as _, Result, bail};
use rmcp::model::{CallToolRequestParams, CallToolResult, Tool};
use rmcp::service::{ClientInitializeError, ClientServiceExt as _, ServiceError};
use rmcp::transport::auth::{
    AuthorizationCallback, AuthorizationRequest, ClientCredentialsConfig, JwtSigningAlgorithm,
    OAuthState,
};
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::transport::{AuthClient, StreamableHttpClientTransport};

use super::answers::Answers;
use super::browser;
use super::scenario::Scenario;
use super::{Running, Way};

/// A document that describes the client, which the suite's authorization servers know.
pub(super) const CLIENT_METADATA: &str = "https://conformance-test.local/client-metadata.json";
const REDIRECT: &str = "http://127.0.0.1:8910/callback";

pub(super) struct Direct {
    url: String,
    scenario: Scenario,
    client: Option<AuthClient<reqwest::Client>>,
    /// What the server answered last instead of a result.
    challenge: Option<String>,
    /// What was granted, and what the server wants beside it.
    scopes: Vec<String>,
    wanted: Vec<String>,
}

impl Direct {
    pub(super) fn new(url: &str, scenario: Scenario) -> Self {
        Self {
            url: url.to_owned(),
            scenario,
            client: None,
            challenge: None,
            scopes: Vec::new(),
            wanted: Vec::new(),
        }
    }

    fn challenged(&mut self, challenge: &str) {
        let scope = challenge.split_once("scope=\"").map(|(_, rest)| rest);
        let scope = scope.and_then(|rest| rest.split('"').next());
        if challenge.contains("insufficient_scope") {
            let wanted = scope.unwrap_or_default().split_whitespace();
            self.wanted = wanted.map(str::to_owned).collect();
        }
        self.challenge = Some(challenge.to_owned());
    }

    /// Whether it failed for want of a login.
    fn is_unauthorized(&mut self, error: &ServiceError) -> bool {
        match error.auth_challenge().map(str::to_owned) {
            Some(challenge) => {
                self.challenged(&challenge);
                true
            }
            None => false,
        }
    }

    async fn open(&mut self) -> Result<Running, ClientInitializeError> {
        let (answers, mode) = (
            Answers::new(self.scenario.version()),
            self.scenario.lifecycle(),
        );
        let config = StreamableHttpClientTransportConfig::with_uri(self.url.clone());
        match &self.client {
            Some(client) => {
                let transport = StreamableHttpClientTransport::with_client(client.clone(), config);
                answers.serve_with_lifecycle(transport, mode).await
            }
            None => {
                let http = reqwest::Client::default();
                let transport = StreamableHttpClientTransport::with_client(http, config);
                answers.serve_with_lifecycle(transport, mode).await
            }
        }
    }

    fn credentials(&self) -> Result<ClientCredentialsConfig> {
        let context = &self.scenario.context;
        let client_id = context.client_id.clone().context("there is no client id")?;
        let resource = Some(self.url.clone());
        Ok(match (&context.private_key_pem, &context.client_secret) {
            (Some(key), _) => ClientCredentialsConfig::PrivateKeyJwt {
                client_id,
                signing_key: key.clone().into_bytes(),
                signing_algorithm: match context.signing_algorithm.as_deref() {
                    Some("RS256") => JwtSigningAlgorithm::RS256,
                    Some("ES256") => JwtSigningAlgorithm::ES256,
                    other => bail!("the key signs with {other:?}"),
                },
                token_endpoint_audience: None,
                scopes: Vec::new(),
                resource,
            },
            (None, Some(secret)) => ClientCredentialsConfig::ClientSecret {
                client_id,
                client_secret: secret.clone(),
                scopes: Vec::new(),
                resource,
            },
            (None, None) => bail!("there are no credentials"),
        })
    }

    async fn authorization_code(&mut self, oauth: &mut OAuthState) -> Result<()> {
        let context = &self.scenario.context;
        let mut request = AuthorizationRequest::new(REDIRECT)
            .with_client_name("conformance")
            .with_initial_scope_selection();
        request = match &context.client_id {
            Some(id) => request.with_preregistered_client(id),
            None => request.with_client_metadata_url(CLIENT_METADATA),
        };
        if let Some(secret) = &context.client_secret {
            request = request.with_client_secret(secret);
        }
        if !self.wanted.is_empty() {
            let mut all = self.scopes.clone();
            let wanted = self.wanted.iter().filter(|it| !self.scopes.contains(it));
            all.extend(wanted.cloned());
            request = request.with_scopes(all);
        }
        if let Some(challenge) = &self.challenge {
            request = request.with_challenge(challenge);
        }
        oauth.start_authorization(request).await?;
        let sent = browser::sent(&oauth.get_authorization_url().await?).await?;
        let callback = AuthorizationCallback::from_redirect_url(&sent)?;
        oauth
            .handle_callback_with_issuer(
                &callback.code,
                &callback.csrf_token,
                callback.issuer.as_deref(),
            )
            .await?;
        Ok(())
    }
}

impl Way for Direct {
    fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    async fn log_in(&mut self) -> Result<()> {
        if self.challenge.is_none() {
            match self.open().await {
                // Some servers ask for a token later.
                Ok(client) => {
                    let _ = self.tools(&client).await;
                    let _ = client.cancel().await;
                }
                Err(error) => {
                    let challenge = error.auth_challenge().map(str::to_owned);
                    let challenge = challenge.ok_or(error)?;
                    self.challenged(&challenge);
                }
            }
        }
        let mut oauth = OAuthState::new(&self.url, None).await?;
        if self.scenario.is_of_credentials() {
            let credentials = self.credentials()?;
            oauth.authenticate_client_credentials(credentials).await?;
        } else {
            self.authorization_code(&mut oauth).await?;
        }
        let manager = oauth
            .into_authorization_manager()
            .context("nobody is logged in")?;
        self.scopes = manager.get_current_scopes().await;
        self.client = Some(AuthClient::new(reqwest::Client::default(), manager));
        Ok(())
    }

    async fn connect(&mut self) -> Result<Option<Running>> {
        match self.open().await {
            Ok(client) => Ok(Some(client)),
            Err(error) => match error.auth_challenge().map(str::to_owned) {
                Some(challenge) => {
                    self.challenged(&challenge);
                    Ok(None)
                }
                None => Err(error.into()),
            },
        }
    }

    async fn call(
        &mut self,
        client: &Running,
        call: CallToolRequestParams,
    ) -> Result<Option<CallToolResult>> {
        match client.call_tool(call).await {
            Ok(result) => Ok(Some(result)),
            Err(error) if self.is_unauthorized(&error) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn tools(&mut self, client: &Running) -> Result<Option<Vec<Tool>>> {
        match client.list_all_tools().await {
            Ok(tools) => Ok(Some(tools)),
            Err(error) if self.is_unauthorized(&error) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
