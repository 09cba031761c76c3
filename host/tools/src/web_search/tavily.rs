//! Tavily.

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::json;

use super::key::{ApiKey, KeyError};
use super::request::{ask, client};
use super::{Found, Query, SearchDepth, SearchError, SearchProvider};

/// Tavily, `https://api.tavily.com/search`.
#[derive(Debug)]
pub struct Tavily {
    http: reqwest::Client,
    address: String,
}

impl Tavily {
    /// The variable that has the key.
    pub const VARIABLE: &'static str = "TAVILY_API_KEY";

    /// With a key.
    ///
    /// # Errors
    ///
    /// The HTTP client cannot be set up.
    pub fn new(key: ApiKey) -> Result<Self, KeyError> {
        Ok(Self {
            http: client(key.headers("authorization", "Bearer "))?,
            address: "https://api.tavily.com/search".to_owned(),
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
    title: String,
    url: String,
    #[serde(default)]
    content: String,
    #[serde(default)]
    favicon: Option<String>,
}

#[async_trait]
impl SearchProvider for Tavily {
    fn name(&self) -> &str {
        "Tavily"
    }

    async fn search(&self, query: &Query) -> Result<Vec<Found>, SearchError> {
        let depth = match query.depth {
            SearchDepth::Standard => "basic",
            SearchDepth::Deep => "advanced",
        };
        let body = json!({
            "query": query.text,
            "search_depth": depth,
            "max_results": query.results,
            "include_favicon": true,
        });
        let answer: Answer = ask(self.name(), self.http.post(&self.address).json(&body)).await?;
        let pages = answer.results.into_iter();
        Ok(pages
            .map(|page| Found {
                title: page.title,
                url: page.url,
                content: page.content,
                favicon: page.favicon,
            })
            .collect())
    }
}
