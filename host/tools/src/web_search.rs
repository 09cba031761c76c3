//! `web_search`: pages that a search engine finds.
//!
//! | provider | key |
//! |---|---|
//! | [`Linkup`] | `LINKUP_API_KEY` |
//! | [`Tavily`] | `TAVILY_API_KEY` |
//! | [`Brave`] | `BRAVE_API_KEY` |
//!
//! Another is an implementation of [`SearchProvider`]. Keys are sent to the provider alone; no error and no debug text has them.

mod brave;
mod key;
mod linkup;
mod request;
mod tavily;

use std::fmt;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use async_trait::async_trait;
use hexgate_agent::retry::Retries;
use hexgate_agent::tool::{Progress, Tool, ToolError, ToolOutput, ToolSpec, arguments, schema};
use hexgate_base::beginning;
use hexgate_enforce::Permit;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use crate::reply::{count, ok};
use crate::retry::{Failed, retry, usual};
pub use brave::Brave;
pub use key::{ApiKey, KeyError};
pub use linkup::Linkup;
pub use tavily::Tavily;

/// The most results of one call.
pub const MOST_RESULTS: u32 = 20;
/// The longest text of one result, in characters; the rest is left out.
pub const MOST_CONTENT: usize = 4000;

/// A search engine.
#[async_trait]
pub trait SearchProvider: Send + Sync {
    /// Its name, for people.
    fn name(&self) -> &str;

    /// Searches.
    ///
    /// # Errors
    ///
    /// It failed. What may work later is tried again.
    async fn search(&self, query: &Query) -> Result<Vec<Found>, SearchError>;
}

/// What is searched for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Query {
    /// The words.
    pub text: String,
    /// How many results are wanted: 1 to [`MOST_RESULTS`].
    pub results: u32,
    /// How thoroughly.
    pub depth: SearchDepth,
}

/// How thoroughly is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SearchDepth {
    /// Fast.
    #[default]
    Standard,
    /// Slower and better, where the provider has it.
    Deep,
}

/// A page that was found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Found {
    /// Its title.
    pub title: String,
    /// Its address.
    pub url: String,
    /// Some of its text.
    pub content: String,
    /// The address of its icon.
    pub favicon: Option<String>,
}

/// Why nothing was found out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SearchError {
    /// What happened.
    pub message: String,
    /// The status of the HTTP answer, if there was one.
    pub status: Option<u16>,
    /// Whether it may work later.
    pub retryable: bool,
    /// How long the provider wants to be left alone.
    pub after: Option<Duration>,
}

/// The tool `web_search`.
pub struct WebSearch {
    provider: Arc<dyn SearchProvider>,
    retries: Retries,
    time: Duration,
}

impl WebSearch {
    /// Searches with a provider.
    pub fn new(provider: impl SearchProvider + 'static) -> Self {
        Self {
            provider: Arc::new(provider),
            retries: usual(),
            time: Duration::from_secs(60),
        }
    }

    /// Searches with the provider whose key the environment has: Linkup, else Tavily, else Brave.
    ///
    /// # Errors
    ///
    /// There is no key, or one that is none. The error names the variables.
    pub fn from_env(variable: impl Fn(&str) -> Option<String>) -> Result<Self, KeyError> {
        if let Some(key) = ApiKey::from_variable(Linkup::VARIABLE, &variable)? {
            return Ok(Self::new(Linkup::new(key)?));
        }
        if let Some(key) = ApiKey::from_variable(Tavily::VARIABLE, &variable)? {
            return Ok(Self::new(Tavily::new(key)?));
        }
        match ApiKey::from_variable(Brave::VARIABLE, &variable)? {
            Some(key) => Ok(Self::new(Brave::new(key)?)),
            None => Err(KeyError::Missing),
        }
    }

    /// How often a provider that is overloaded is asked again.
    #[must_use]
    pub fn retries(mut self, retries: Retries) -> Self {
        self.retries = retries;
        self
    }

    /// How long a search may take in all. Default: a minute.
    #[must_use]
    pub fn time(mut self, time: Duration) -> Self {
        self.time = time;
        self
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// What to search for.
    query: String,
    /// How many results, 1 to 20.
    #[serde(default = "eight")]
    #[schemars(range(min = 1, max = 20))]
    max_results: u32,
    /// `standard` is fast, `deep` thorough.
    #[serde(default)]
    depth: SearchDepth,
}

fn eight() -> u32 {
    8
}

#[derive(Serialize)]
struct Answer {
    query: String,
    results: Vec<Found>,
}

static SPEC: LazyLock<Arc<ToolSpec>> = LazyLock::new(|| {
    let description = "Search the web: titles, addresses and some text of pages.";
    Arc::new(ToolSpec::new("web_search", description, schema::<Arguments>()).concurrent())
});

#[async_trait]
impl Tool for WebSearch {
    fn spec(&self) -> &Arc<ToolSpec> {
        &SPEC
    }

    async fn call(&self, permit: Permit, _: &Progress) -> Result<ToolOutput, ToolError> {
        let Arguments {
            query,
            max_results,
            depth,
        } = arguments(&permit)?;
        if query.trim().is_empty() {
            return Err(ToolError::new("invalid_arguments", "the query is empty"));
        }
        let asked = Query {
            text: query.clone(),
            results: max_results.clamp(1, MOST_RESULTS),
            depth,
        };
        let searching = retry(&self.retries, || async {
            self.provider.search(&asked).await.map_err(Failed::from)
        });
        let late = || {
            ToolError::new("timeout", format!("{} took too long", self.provider.name())).retryable()
        };
        let mut results = timeout(self.time, searching).await.map_err(|_| late())??;
        results.truncate(usize::try_from(asked.results).unwrap_or(usize::MAX));
        for found in &mut results {
            if let Some(begin) = beginning(&found.content, MOST_CONTENT) {
                found.content = begin.to_owned();
            }
        }
        let summary = format!(
            "found {} with {}",
            count(results.len(), "page"),
            self.provider.name()
        );
        Ok(ok(Answer { query, results })?.summary(summary))
    }
}

impl From<SearchError> for Failed {
    fn from(failed: SearchError) -> Self {
        let mut error = ToolError::new("search", failed.message);
        error.status = failed.status;
        error.retryable = failed.retryable;
        Self {
            error,
            after: failed.after,
        }
    }
}

impl fmt::Debug for WebSearch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSearch")
            .field("provider", &self.provider.name())
            .finish_non_exhaustive()
    }
}
