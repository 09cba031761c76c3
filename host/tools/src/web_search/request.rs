//! Asking a provider over HTTP.

use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Client, RequestBuilder, redirect};
use serde::de::DeserializeOwned;

use super::SearchError;
use crate::retry::{passes, retry_after};

/// The longest answer that is read, in bytes.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// A client that sends a key and follows nobody with it.
pub(super) fn client(headers: HeaderMap) -> Result<Client, reqwest::Error> {
    Client::builder()
        .user_agent(concat!("hexgate/", env!("CARGO_PKG_VERSION")))
        .default_headers(headers)
        .redirect(redirect::Policy::none())
        .timeout(Duration::from_secs(30))
        .connect_timeout(Duration::from_secs(10))
        .build()
}

/// Sends a request and reads the JSON that answers it.
pub(super) async fn ask<T: DeserializeOwned>(
    provider: &str,
    request: RequestBuilder,
) -> Result<T, SearchError> {
    let mut response = request
        .send()
        .await
        .map_err(|error| unreachable(provider, error))?;
    let status = response.status();
    if !status.is_success() {
        let why = match status.as_u16() {
            401 | 403 => ": the key is refused",
            402 | 432 | 433 => ": the plan is used up",
            429 => ": too many requests",
            _ => "",
        };
        return Err(SearchError {
            message: format!("{provider} answered {status}{why}"),
            status: Some(status.as_u16()),
            retryable: passes(status),
            after: retry_after(response.headers()),
        });
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| unreachable(provider, error))?
    {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MOST_BYTES {
            return Err(strange(provider, "longer than is read"));
        }
    }
    serde_json::from_slice(&bytes).map_err(|_| strange(provider, "not what it documents"))
}

fn unreachable(provider: &str, error: reqwest::Error) -> SearchError {
    SearchError {
        message: format!("{provider} cannot be reached: {}", error.without_url()),
        status: None,
        retryable: true,
        after: None,
    }
}

fn strange(provider: &str, what: &str) -> SearchError {
    SearchError {
        message: format!("the answer of {provider} is {what}"),
        status: None,
        retryable: false,
        after: None,
    }
}
