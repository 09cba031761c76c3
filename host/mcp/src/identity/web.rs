//! Callers over HTTP: every request shows its token, and learns where to get one.

use axum::Router;
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::routing::get;
use hexgate_enforce::Caller;
use serde::Serialize;
use url::Url;

use super::{Bearer, Identity, IdentityError};

/// Where the metadata of the protected resource is (RFC 9728); the path of the resource follows.
pub const METADATA_PREFIX: &str = "/.well-known/oauth-protected-resource";

/// The metadata of a protected resource, RFC 9728 section 2.
#[derive(Debug, Serialize)]
struct Metadata<'a> {
    resource: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    authorization_servers: Vec<&'a str>,
    bearer_methods_supported: [&'static str; 1],
}

impl Identity {
    /// The caller of a request with these headers. Tokens in a query or a form are not looked at.
    ///
    /// # Errors
    ///
    /// As [`caller`](Self::caller), and for an `Authorization` that is not one bearer token.
    pub async fn caller_of_headers(&self, headers: &HeaderMap) -> Result<Caller, IdentityError> {
        match Bearer::of(headers) {
            Ok(bearer) => self.caller(Some(bearer.text())).await,
            Err(IdentityError::Missing) => self.caller(None).await,
            Err(error) => Err(error),
        }
    }

    /// The value of `WWW-Authenticate` for a request that has no caller: where the metadata is, and whether a token was refused. Why is for
    /// the operator.
    #[must_use]
    pub fn challenge(&self, error: &IdentityError) -> String {
        let mut parameters = Vec::new();
        if let Some(url) = self.metadata_url() {
            parameters.push(format!("resource_metadata=\"{url}\""));
        }
        if !matches!(error, IdentityError::Missing) && error.is_of_the_token() {
            parameters.push("error=\"invalid_token\"".to_owned());
        }
        if parameters.is_empty() {
            "Bearer".to_owned()
        } else {
            format!("Bearer {}", parameters.join(", "))
        }
    }

    /// Serves the metadata of the protected resource, which everybody may read. Without a configured address, or where no token is asked
    /// for, there is none.
    pub fn metadata_routes(&self) -> Router {
        let Some(resource) = self.protected() else {
            return Router::new();
        };
        let metadata = Metadata {
            // The URL standard ends an address without a path with a slash. Clients compare with the address that they know.
            resource: match resource.path() {
                "/" => resource.as_str().trim_end_matches('/'),
                _ => resource.as_str(),
            },
            authorization_servers: self.issuers(),
            bearer_methods_supported: ["header"],
        };
        let Ok(text) = serde_json::to_string(&metadata) else {
            return Router::new();
        };
        let answer = move || {
            let headers = [
                (CONTENT_TYPE, "application/json"),
                (CACHE_CONTROL, "max-age=300"),
            ];
            let text = text.clone();
            async move { (headers, text) }
        };
        Router::new().route(&metadata_path(resource), get(answer))
    }

    fn metadata_url(&self) -> Option<String> {
        let resource = self.protected()?;
        let mut url = resource.clone();
        url.set_path(&metadata_path(resource));
        Some(url.into())
    }

    fn protected(&self) -> Option<&Url> {
        self.resource.as_ref().filter(|_| self.asks_for_a_token())
    }
}

fn metadata_path(resource: &Url) -> String {
    format!("{METADATA_PREFIX}{}", resource.path().trim_end_matches('/'))
}
