//! Brave Search.

use async_trait::async_trait;
use serde::Deserialize;

use super::key::{ApiKey, KeyError};
use super::request::{ask, client};
use super::{Found, Query, SearchDepth, SearchError, SearchProvider};

/// Brave, `https://api.search.brave.com/res/v1/web/search`.
#[derive(Debug)]
pub struct Brave {
    http: reqwest::Client,
    address: String,
}

impl Brave {
    /// The variable that has the key.
    pub const VARIABLE: &'static str = "BRAVE_API_KEY";

    /// With a key.
    ///
    /// # Errors
    ///
    /// The HTTP client cannot be set up.
    pub fn new(key: ApiKey) -> Result<Self, KeyError> {
        Ok(Self {
            http: client(key.headers("x-subscription-token", ""))?,
            address: "https://api.search.brave.com/res/v1/web/search".to_owned(),
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
    // Absent where nothing is found.
    #[serde(default)]
    web: Web,
}

#[derive(Deserialize, Default)]
struct Web {
    #[serde(default)]
    results: Vec<Page>,
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    title: String,
    url: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    extra_snippets: Vec<String>,
    #[serde(default)]
    meta_url: MetaUrl,
}

#[derive(Deserialize, Default)]
struct MetaUrl {
    #[serde(default)]
    favicon: Option<String>,
}

#[async_trait]
impl SearchProvider for Brave {
    fn name(&self) -> &str {
        "Brave"
    }

    async fn search(&self, query: &Query) -> Result<Vec<Found>, SearchError> {
        let results = query.results.to_string();
        // Words in the text are not to be marked up. It has one depth.
        let more = if query.depth == SearchDepth::Deep {
            "true"
        } else {
            "false"
        };
        let request = self.http.get(&self.address).query(&[
            ("q", query.text.as_str()),
            ("count", &results),
            ("text_decorations", "false"),
            ("extra_snippets", more),
        ]);
        let answer: Answer = ask(self.name(), request).await?;
        let pages = answer.web.results.into_iter();
        Ok(pages
            .map(|page| Found {
                title: page.title,
                url: page.url,
                content: [vec![page.description], page.extra_snippets]
                    .concat()
                    .join("\n"),
                favicon: page.meta_url.favicon,
            })
            .collect())
    }
}
