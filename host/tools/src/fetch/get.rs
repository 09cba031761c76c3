//! One page, from a checked address, within bounds.

use std::error::Error;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use flate2::write::{MultiGzDecoder, ZlibDecoder};
use hexgate_agent::tool::ToolError;
use hexgate_sandbox::address::{Host, Reach, Resolve, Unreachable, WebUrl, pinned};
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, LOCATION};
use reqwest::{Response, Url, redirect};

use super::{FetchLimits, Redirects};
use crate::retry::{Failed, passes, retry_after};

/// Asks servers.
pub(super) struct Client {
    http: reqwest::Client,
    reach: Reach,
    redirects: Redirects,
}

/// What a server sent.
#[derive(Debug)]
pub(super) struct Fetched {
    /// Where it was in the end.
    pub(super) url: WebUrl,
    pub(super) content_type: Option<String>,
    pub(super) bytes: Vec<u8>,
    /// Whether there was more.
    pub(super) is_cut: bool,
}

/// What the policy decided, if it is written as what is asked for.
pub(super) fn decided(text: &str) -> Result<WebUrl, ToolError> {
    // A fragment is not sent, and a policy may have compared it: `https://site.example/admin#/public`.
    let (sent, _) = text.split_once('#').unwrap_or((text, ""));
    let read = WebUrl::parse(sent);
    if let Ok(url) = &read {
        let form = url.to_string();
        if form == text || form.strip_suffix('/') == Some(text) {
            return Ok(url.clone());
        }
    }
    // As a browser would read it, which guesses much.
    let meant = read.or_else(|error| {
        let guessed = Url::parse(sent)
            .ok()
            .and_then(|url| WebUrl::parse(url.as_str()).ok());
        guessed.ok_or(error)
    });
    let message = match meant {
        Ok(url) => format!("the address is not written in normal form; write `{url}`"),
        Err(error) => format!("the address is none: {error}"),
    };
    Err(ToolError::new("invalid_url", message))
}

impl Client {
    pub(super) fn new(
        reach: Reach,
        resolver: Arc<dyn Resolve>,
        redirects: Redirects,
        limits: &FetchLimits,
    ) -> Result<Self, reqwest::Error> {
        let pinning = Pinning {
            resolver,
            reach: Arc::new(reach.clone()),
        };
        let http = reqwest::Client::builder()
            .user_agent(concat!("hexgate/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Arc::new(pinning))
            .redirect(redirect::Policy::none())
            .connect_timeout(limits.connect)
            // A proxy would resolve names anew, and a connection that is kept was checked for another call.
            .no_proxy()
            .pool_max_idle_per_host(0)
            .referer(false)
            .build()?;
        Ok(Self {
            http,
            reach,
            redirects,
        })
    }

    /// Asks for a page, and follows redirections.
    pub(super) async fn get(&self, url: &WebUrl, limits: &FetchLimits) -> Result<Fetched, Failed> {
        let mut at = url.clone();
        for _ in 0..=limits.redirects {
            let response = self.ask(&at).await?;
            let status = response.status();
            if status.is_redirection()
                && let Some(location) = response.headers().get(LOCATION)
            {
                let location = location
                    .to_str()
                    .map_err(|_| strange("it redirects to an address that is none"))?;
                at = self.next(&at, location)?;
                continue;
            }
            if !status.is_success() {
                let error = ToolError::new("http_status", format!("the server answered {status}"));
                let error = error.status(status.as_u16());
                return Err(Failed {
                    error: if passes(status) {
                        error.retryable()
                    } else {
                        error
                    },
                    after: retry_after(response.headers()),
                });
            }
            return Ok(read(at, response, limits.bytes).await?);
        }
        let message = format!("the page redirects more than {} times", limits.redirects);
        Err(ToolError::new("too_many_redirects", message).into())
    }

    async fn ask(&self, url: &WebUrl) -> Result<Response, Failed> {
        // The HTTP client asks its resolver about names alone.
        if let Host::Address(address) = url.host() {
            self.reach.admits(url.host(), *address).map_err(|kind| {
                let host = url.host().clone();
                refused(&Unreachable::NotPublic { host, kind })
            })?;
        }
        let asking = self
            .http
            .get(url.to_string())
            .header(
                ACCEPT,
                "text/html, text/markdown, text/plain, application/json;q=0.9, */*;q=0.5",
            )
            .header(ACCEPT_ENCODING, "gzip, deflate");
        asking.send().await.map_err(|error| failed(error).into())
    }

    /// Where a redirection leads, if it is followed.
    fn next(&self, from: &WebUrl, location: &str) -> Result<WebUrl, ToolError> {
        let none = |_| strange("it redirects to an address that is none");
        let from_url = Url::parse(&from.to_string()).map_err(none)?;
        let mut joined = from_url.join(location).map_err(none)?;
        joined.set_fragment(None);
        let to = WebUrl::parse(joined.as_str()).map_err(|error| {
            strange(format!(
                "it redirects to an address that is not followed: {error}"
            ))
        })?;
        if from.is_https() && !to.is_https() {
            return Err(ToolError::new(
                "downgrade",
                format!("the page redirects from `https` to `{to}`"),
            ));
        }
        match self.redirects {
            Redirects::DangerousAnywhere => Ok(to),
            Redirects::SamePage if is_same_page(from, &from_url, &to, &joined) => Ok(to),
            Redirects::SamePage => {
                let message = format!(
                    "the page redirects to another address, `{to}`; fetch that one if it is wanted"
                );
                Err(ToolError::new("redirected", message))
            }
        }
    }
}

/// Whether a redirection leads to what was decided: the same address but for `https` instead of `http`, and a slash at the end of the path.
fn is_same_page(from: &WebUrl, from_url: &Url, to: &WebUrl, to_url: &Url) -> bool {
    let is_upgrade = !from.is_https() && to.is_https() && (from.port(), to.port()) == (80, 443);
    let is_same_origin = from.host() == to.host()
        && (from.port() == to.port() && from.is_https() == to.is_https() || is_upgrade);
    let (path, other) = (from_url.path(), to_url.path());
    let is_same_path = path == other
        || path.strip_suffix('/') == Some(other)
        || other.strip_suffix('/') == Some(path);
    is_same_origin && is_same_path && from_url.query() == to_url.query()
}

/// Finds the addresses of names for the HTTP client: the ones that may be reached.
struct Pinning {
    resolver: Arc<dyn Resolve>,
    reach: Arc<Reach>,
}

impl reqwest::dns::Resolve for Pinning {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let (resolver, reach) = (Arc::clone(&self.resolver), Arc::clone(&self.reach));
        Box::pin(async move {
            let host = Host::parse(name.as_str())?;
            let found = pinned(&*resolver, &reach, &host).await?;
            let found: Vec<SocketAddr> = found
                .addresses()
                .iter()
                .map(|address| SocketAddr::new(*address, 0))
                .collect();
            let found: reqwest::dns::Addrs = Box::new(found.into_iter());
            Ok(found)
        })
    }
}

/// Reads an answer up to a number of bytes.
async fn read(url: WebUrl, mut response: Response, most: usize) -> Result<Fetched, ToolError> {
    let header = |name| {
        let value = response.headers().get(name)?;
        Some(
            String::from_utf8_lossy(value.as_bytes())
                .trim()
                .to_ascii_lowercase(),
        )
    };
    let content_type = header(CONTENT_TYPE);
    let mut unpacked = match header(CONTENT_ENCODING).as_deref() {
        None | Some("" | "identity") => Unpacking::Plain(Bounded::new(most)),
        Some("gzip" | "x-gzip") => Unpacking::Gzip(MultiGzDecoder::new(Bounded::new(most))),
        Some("deflate") => Unpacking::Deflate(ZlibDecoder::new(Bounded::new(most))),
        Some(other) => {
            return Err(strange(format!(
                "its answer is packed as `{}`, which nobody asked for",
                other.escape_debug()
            )));
        }
    };
    let mut packed = 0;
    let mut is_cut = false;
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        packed += chunk.len();
        let is_damaged = unpacked.write(&chunk).is_err();
        if unpacked.is_full() || packed > most {
            is_cut = true;
            break;
        }
        if is_damaged {
            return Err(strange("its answer cannot be unpacked"));
        }
    }
    let bytes = unpacked
        .finish()
        .map_err(|_| strange("its answer cannot be unpacked"));
    let bytes = match bytes {
        Err(_) if is_cut => {
            return Err(ToolError::new(
                "too_large",
                format!("the page is longer than {most} bytes when it is packed"),
            ));
        }
        bytes => bytes?,
    };
    Ok(Fetched {
        url,
        content_type,
        bytes,
        is_cut,
    })
}

/// An answer that is unpacked as it comes.
enum Unpacking {
    Plain(Bounded),
    Gzip(MultiGzDecoder<Bounded>),
    Deflate(ZlibDecoder<Bounded>),
}

impl Unpacking {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(to) => to.write_all(bytes),
            Self::Gzip(to) => to.write_all(bytes),
            Self::Deflate(to) => to.write_all(bytes),
        }
    }

    fn bounded(&self) -> &Bounded {
        match self {
            Self::Plain(to) => to,
            Self::Gzip(to) => to.get_ref(),
            Self::Deflate(to) => to.get_ref(),
        }
    }

    fn is_full(&self) -> bool {
        self.bounded().is_full
    }

    /// What was unpacked. An answer that was read to its end must have one.
    fn finish(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Plain(to) => Ok(to.bytes),
            Self::Gzip(mut to) => match to.try_finish() {
                Err(error) if !to.get_ref().is_full => Err(error),
                _ => Ok(std::mem::take(&mut to.get_mut().bytes)),
            },
            Self::Deflate(mut to) => match to.try_finish() {
                Err(error) if !to.get_ref().is_full => Err(error),
                _ => Ok(std::mem::take(&mut to.get_mut().bytes)),
            },
        }
    }
}

/// Keeps so many bytes and no more.
struct Bounded {
    bytes: Vec<u8>,
    most: usize,
    is_full: bool,
}

impl Bounded {
    fn new(most: usize) -> Self {
        Self {
            bytes: Vec::new(),
            most,
            is_full: false,
        }
    }
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let free = self.most.saturating_sub(self.bytes.len());
        let kept = bytes.get(..free).unwrap_or(bytes);
        self.bytes.extend_from_slice(kept);
        if kept.len() < bytes.len() {
            self.is_full = true;
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A server that does something else than it should.
fn strange(what: impl AsRef<str>) -> ToolError {
    ToolError::new(
        "upstream",
        format!("the server cannot be used: {}", what.as_ref()),
    )
}

fn refused(error: &Unreachable) -> ToolError {
    match error {
        Unreachable::NotPublic { .. } => ToolError::new("address_not_public", error.to_string()),
        Unreachable::Resolver { .. } => {
            ToolError::new("name_not_found", error.to_string()).retryable()
        }
        _ => ToolError::new("name_not_found", error.to_string()),
    }
}

fn failed(error: reqwest::Error) -> ToolError {
    let error = error.without_url();
    let mut source: Option<&(dyn Error + 'static)> = Some(&error);
    let mut innermost = error.to_string();
    while let Some(cause) = source {
        if let Some(unreachable) = cause.downcast_ref::<Unreachable>() {
            return refused(unreachable);
        }
        innermost = cause.to_string();
        source = cause.source();
    }
    ToolError::new(
        "upstream",
        format!("the server cannot be reached: {innermost}"),
    )
    .retryable()
}
