//! Linkup.

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::json;

use super::key::{ApiKey, KeyError};
use super::request::{ask, client};
use super::{Found, Query, SearchDepth, SearchError, SearchProvider};

/// Linkup, `https://api.linkup.so/v1/search`.
#[derive(Debug)]
pub struct Linkup {
    http: reqwest::Client,
    address: String,
}

impl Linkup {
    /// The variable that has the key.
    pub const VARIABLE: &'static str = "LINKUP_API_KEY";

    /// With a key.
    ///
    /// # Errors
    ///
    /// The HTTP client cannot be set up.
    pub fn new(key: ApiKey) -> Result<Self, KeyError> {
        Ok(Self {
            http: client(key.headers("authorization", "Bearer "))?,
            address: "https://api.linkup.so/v1/search".to_owned(),
        })
    }

    /// At another address, such as a company's own proxy: the key is sent there.
    #[must_use]
    pub fn at(mut self, address: impl Into<String>) -> Self {
        self.address = address.into();
        self
    }
}

#[derive(Deserialize)]
struct Answer {
    results: Vec<Page>,
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    name: String,
    url: String,
    #[serde(default)]
    content: String,
    #[serde(default)]
    favicon: Option<String>,
}

#[async_trait]
impl SearchProvider for Linkup {
    fn name(&self) -> &str {
        "Linkup"
    }

    async fn search(&self, query: &Query) -> Result<Vec<Found>, SearchError> {
        let depth = match query.depth {
            SearchDepth::Standard => "standard",
            SearchDepth::Deep => "deep",
        };
        let body = json!({
            "q": query.text,
            "depth": depth,
            "outputType": "searchResults",
            "maxResults": query.results,
            "includeImages": false,
        });
        let answer: Answer = ask(self.name(), self.http.post(&self.address).json(&body)).await?;
        let pages = answer.results.into_iter();
        Ok(pages
            .map(|page| Found {
                title: page.name,
                url: page.url,
                content: page.content,
                favicon: page.favicon,
            })
            .collect())
    }
}
