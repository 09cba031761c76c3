//! `fetch`: a page of the web as Markdown.
//!
//! The address comes from the model, so the request goes where the policy decided and nowhere else:
//!
//! - Only `http` and `https`, and only a URL in [normal form](hexgate_sandbox::address::WebUrl): what the policy compared is what is asked
//!   for. Another spelling is an error that tells the normal one.
//! - The host is resolved once, all its addresses are checked, and the connection goes to one of these. Private, link-local and metadata
//!   addresses are refused ([`Reach`]), at each hop.
//! - A redirection to another address is not followed, on the same host neither: it was not decided. The model is told, and can ask for it.
//!   `https` instead of `http` and a slash at the end of the path are no other address.
//! - Size, time, redirections, decompression, depth and number of tags are bounded ([`FetchLimits`]). No proxy of the environment is used,
//!   no cookies are kept.

mod get;
mod page;
mod text;
mod tidy;

use std::fmt;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use async_trait::async_trait;
pub use hexgate_agent::retry::Retries;
use hexgate_agent::tool::{Progress, Tool, ToolError, ToolOutput, ToolSpec, arguments, schema};
use hexgate_enforce::Permit;
use hexgate_sandbox::address::{Reach, Resolve, SystemResolver};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use crate::reply::ok;
use crate::retry::{retry, usual};
use get::Client;

/// The tool `fetch`.
pub struct Fetch {
    client: Client,
    limits: FetchLimits,
}

/// How much a page may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchLimits {
    /// The most bytes of a page that are read, as they are sent and again as they are unpacked. What follows is left out. Default: 5 MiB.
    pub bytes: usize,
    /// The most characters of an answer. What follows is left out. Default: 20,000.
    pub characters: usize,
    /// How long it may take in all, with redirections and further attempts. Default: 30 seconds.
    pub time: Duration,
    /// How long it may take to reach a server. Default: 10 seconds.
    pub connect: Duration,
    /// The most redirections. Default: 5.
    pub redirects: usize,
    /// How often a server that is overloaded is asked again. Default: 3 attempts, and waits of 10 seconds at most.
    pub retries: Retries,
}

impl Default for FetchLimits {
    fn default() -> Self {
        Self {
            bytes: 5 * 1024 * 1024,
            characters: 20_000,
            time: Duration::from_secs(30),
            connect: Duration::from_secs(10),
            redirects: 5,
            retries: usual(),
        }
    }
}

/// Which redirections are followed. Never from `https` to `http`, and never to an address that is not public.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Redirects {
    /// Those to the same address, by `https` instead of `http`, or with or without a slash at the end of its path. The model is told of others,
    /// and each is decided if it asks for it.
    #[default]
    SamePage,
    /// All. The policy's rule for `fetch` decides the first address alone, so that an allowed address can lead to any other.
    DangerousAnywhere,
}

/// Collects the options of [`Fetch`].
#[must_use = "the tool is there once it is built"]
pub struct FetchBuilder {
    reach: Reach,
    resolver: Arc<dyn Resolve>,
    redirects: Redirects,
    limits: FetchLimits,
}

/// Why there is no tool.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client cannot be set up: {0}")]
pub struct ClientError(#[from] reqwest::Error);

impl Fetch {
    /// With the system's resolver, public addresses alone, and default limits.
    pub fn builder() -> FetchBuilder {
        FetchBuilder {
            reach: Reach::public(),
            resolver: Arc::new(SystemResolver),
            redirects: Redirects::default(),
            limits: FetchLimits::default(),
        }
    }
}

impl FetchBuilder {
    /// Who may be reached beside public addresses. Default: nobody.
    pub fn reach(mut self, reach: Reach) -> Self {
        self.reach = reach;
        self
    }

    /// Who finds the addresses of names. Default: the system.
    pub fn resolver(mut self, resolver: impl Resolve + 'static) -> Self {
        self.resolver = Arc::new(resolver);
        self
    }

    /// Which redirections are followed. Default: those to the same page.
    pub fn redirects(mut self, redirects: Redirects) -> Self {
        self.redirects = redirects;
        self
    }

    /// How much a page may take.
    pub fn limits(mut self, limits: FetchLimits) -> Self {
        self.limits = limits;
        self
    }

    /// The tool.
    ///
    /// # Errors
    ///
    /// The HTTP client cannot be set up: the system has no root certificates, say.
    pub fn build(self) -> Result<Fetch, ClientError> {
        let client = Client::new(self.reach, self.resolver, self.redirects, &self.limits)?;
        Ok(Fetch {
            client,
            limits: self.limits,
        })
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The page, beginning with `https://` or `http://`.
    url: String,
    /// `basic` leaves out what stands around the text of a page, `advanced` keeps it.
    #[serde(default)]
    extract_depth: Depth,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Depth {
    #[default]
    Basic,
    Advanced,
}

#[derive(Serialize)]
struct Answer {
    url: String,
    title: String,
    content: String,
    /// Whether something was left out at the end.
    truncated: bool,
}

static SPEC: LazyLock<Arc<ToolSpec>> = LazyLock::new(|| {
    let description = "Read a page of the web: its title, and its text as Markdown.";
    Arc::new(ToolSpec::new("fetch", description, schema::<Arguments>()).concurrent())
});

#[async_trait]
impl Tool for Fetch {
    fn spec(&self) -> &Arc<ToolSpec> {
        &SPEC
    }

    async fn call(&self, permit: Permit, progress: &Progress) -> Result<ToolOutput, ToolError> {
        let Arguments { url, extract_depth } = arguments(&permit)?;
        let url = get::decided(&url)?;
        let limits = &self.limits;
        let fetching = async {
            progress.tell(format!("fetching {url}"));
            let fetched = retry(&limits.retries, || self.client.get(&url, limits)).await?;
            text::read(fetched, extract_depth == Depth::Advanced, limits.characters).await
        };
        let late = || {
            let seconds = limits.time.as_secs_f32();
            ToolError::new(
                "timeout",
                format!("`{url}` took longer than {seconds} seconds"),
            )
            .retryable()
        };
        let read = timeout(limits.time, fetching).await.map_err(|_| late())??;
        let summary = format!(
            "fetched {}: {} characters",
            read.url,
            read.content.chars().count()
        );
        let answer = Answer {
            url: read.url,
            title: read.title,
            content: read.content,
            truncated: read.truncated,
        };
        Ok(ok(answer)?.summary(summary))
    }
}

impl fmt::Debug for Fetch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetch")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for FetchBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FetchBuilder")
            .field("reach", &self.reach)
            .field("redirects", &self.redirects)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
