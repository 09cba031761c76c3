//! Requests to authorization servers. Their addresses come from elsewhere: from a server, or from who says that it authorizes for one.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http;
use hexgate_address::{Host, Kind, Reach, SystemResolver, is_loopback, pinned};
use hexgate_base::guarded::locked;
use hexgate_base::{sentence, shortened};
use reqwest::redirect::Policy;
use rmcp::transport::auth::{OAuthHttpClient, OAuthHttpClientFuture, OAuthHttpRequest};
use url::Url;

/// How long an answer may take, all of it.
const PATIENCE: Duration = Duration::from_secs(10);
/// The largest answer, in bytes.
const MAX_BYTES: usize = 256 << 10;

/// Why somebody is not asked, or gave no answer.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("`{0}` is no address of HTTP")]
    NoAddress(String),
    #[error("`{0}` is not an `https` address: whoever listens would have the tokens")]
    NotHttps(String),
    #[error(
        "`{host}` has a {kind} address, and only public ones are asked; who is not public is named as `issuer`"
    )]
    NotPublic { host: String, kind: Kind },
    #[error("the answer of `{0}` has more than {MAX_BYTES} bytes")]
    TooLarge(String),
    #[error("`{host}` does not answer: {reason}")]
    Lost { host: String, reason: String },
}

/// Asks authorization servers: over `https`, at public addresses, without redirections and within bounds. A server on this machine may name
/// others on it, over `http`. The server's own host and the configured issuer's are asked wherever they are.
#[derive(Debug)]
pub(crate) struct Fetcher {
    http: reqwest::Client,
    reach: Arc<Reach>,
    is_local: bool,
    /// Why the last request failed: libraries leave that out of some messages.
    failure: Mutex<Option<String>>,
}

impl Fetcher {
    /// For a server, and the issuer that is configured for it. The error is a reason for a message.
    pub(crate) fn new(server: &Url, issuer: Option<&str>) -> Result<Self, String> {
        let is_local = is_loopback(server);
        let issuer = issuer.and_then(|issuer| Url::parse(issuer).ok());
        let mut named: Vec<String> = [Some(server), issuer.as_ref()]
            .into_iter()
            .flatten()
            .filter_map(|url| url.host_str().map(str::to_owned))
            .map(|host| host.trim_matches(['[', ']']).to_owned())
            .collect();
        if is_local {
            named.extend(["localhost", "127.0.0.0/8", "::1"].map(str::to_owned));
        }
        let reach = Reach::parse(&named).map_err(|error| error.to_string())?;
        let reach = Arc::new(reach);
        let http = reqwest::Client::builder()
            .user_agent(concat!("hexgate/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .timeout(PATIENCE)
            .dns_resolver(Arc::new(Checked(Arc::clone(&reach))))
            // A proxy would resolve names by itself, and nobody would look at what it finds.
            .no_proxy()
            .referer(false)
            .build()
            .map_err(|error| format!("there is no HTTP: {error}"))?;
        Ok(Self {
            http,
            reach,
            is_local,
            failure: Mutex::default(),
        })
    }

    /// Whether a token or a secret may be sent there. The error is a reason for a message.
    pub(crate) fn check(&self, url: &str) -> Result<(), String> {
        let url = Url::parse(url).map_err(|_| FetchError::NoAddress(shown(url)).to_string())?;
        self.admitted(&url)
            .map(drop)
            .map_err(|error| error.to_string())
    }

    /// Why the last request failed, if none succeeded since.
    pub(crate) fn failure(&self) -> Option<String> {
        locked(&self.failure).clone()
    }

    fn admitted(&self, url: &Url) -> Result<Host, FetchError> {
        let text = || shown(url.as_str());
        let host = url
            .host_str()
            .and_then(|host| Host::parse(host.trim_matches(['[', ']'])).ok())
            .ok_or_else(|| FetchError::NoAddress(text()))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(FetchError::NoAddress(text()));
        }
        match url.scheme() {
            "https" => {}
            "http" if self.is_local && is_loopback(url) => {}
            _ => return Err(FetchError::NotHttps(text())),
        }
        // The HTTP client asks its resolver about names alone.
        if let Host::Address(address) = host {
            self.reach
                .admits(&host, address)
                .map_err(|kind| FetchError::NotPublic {
                    host: host.to_string(),
                    kind,
                })?;
        }
        Ok(host)
    }

    async fn ask(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> Result<http::Response<Vec<u8>>, FetchError> {
        let text = request.uri().to_string();
        let url = Url::parse(&text).map_err(|_| FetchError::NoAddress(shown(&text)))?;
        let host = self.admitted(&url)?.to_string();
        let lost = |error: reqwest::Error| FetchError::Lost {
            host: host.clone(),
            // Without the address: a query may hold a secret.
            reason: shortened(&sentence(&error.without_url()), 300),
        };
        let request = reqwest::Request::try_from(request).map_err(&lost)?;
        let mut answer = self.http.execute(request).await.map_err(&lost)?;
        let mut response = http::Response::builder().status(answer.status());
        for (name, value) in answer.headers() {
            response = response.header(name, value);
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(&lost)? {
            if body.len() + chunk.len() > MAX_BYTES {
                return Err(FetchError::TooLarge(host));
            }
            body.extend_from_slice(&chunk);
        }
        response.body(body).map_err(|error| FetchError::Lost {
            host: host.clone(),
            reason: error.to_string(),
        })
    }
}

impl OAuthHttpClient for Fetcher {
    fn execute(&self, request: OAuthHttpRequest) -> OAuthHttpClientFuture<'_> {
        Box::pin(async move {
            let answer = self.ask(request.request).await;
            *locked(&self.failure) = answer.as_ref().err().map(ToString::to_string);
            Ok(answer?)
        })
    }
}

fn shown(url: &str) -> String {
    // What follows the path can be a secret.
    let end = url.find(['?', '#']).unwrap_or(url.len());
    shortened(url.get(..end).unwrap_or_default(), 200)
}

/// Finds the addresses of names for the HTTP client: the ones that may be asked.
#[derive(Debug)]
struct Checked(Arc<Reach>);

impl reqwest::dns::Resolve for Checked {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let reach = Arc::clone(&self.0);
        Box::pin(async move {
            let host = Host::parse(name.as_str())?;
            let found = pinned(&SystemResolver, &reach, &host).await?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn fetcher(server: &str, issuer: Option<&str>) -> Fetcher {
        Fetcher::new(&Url::parse(server).unwrap(), issuer).unwrap()
    }

    #[test]
    fn a_public_server_names_nobody_who_is_not_public() {
        let public = fetcher("https://mcp.example.com/mcp", None);
        for (url, said) in [
            ("https://login.example.com/token", None),
            ("https://93.184.215.14/token", None),
            (
                "http://login.example.com/token",
                Some("not an `https` address"),
            ),
            ("http://127.0.0.1/token", Some("not an `https` address")),
            ("https://127.0.0.1/token", Some("loopback")),
            ("https://[::1]/token", Some("loopback")),
            ("https://10.1.2.3/token", Some("private")),
            ("https://[::ffff:10.1.2.3]/token", Some("private")),
            ("https://169.254.169.254/latest", Some("metadata")),
            ("https://0.0.0.0/token", Some("unspecified")),
            (
                "https://user:pass@login.example.com/token",
                Some("no address of HTTP"),
            ),
            ("file:///etc/passwd", Some("no address of HTTP")),
            ("javascript:alert(1)", Some("no address of HTTP")),
        ] {
            let found = public.check(url);
            match said {
                None => assert_eq!(found, Ok(()), "{url}"),
                Some(said) => assert!(
                    found.as_ref().is_err_and(|why| why.contains(said)),
                    "{url}: {found:?}"
                ),
            }
        }
        let local = fetcher("http://localhost:8080/mcp", None);
        assert_eq!(local.check("http://127.0.0.1:9/token"), Ok(()));
        assert!(local.check("http://login.example.com/token").is_err());
        assert!(local.check("https://10.1.2.3/token").is_err());
        // Who is named in the configuration is asked wherever they are.
        let corporate = fetcher("https://10.0.0.5/mcp", Some("https://10.1.2.3/"));
        assert_eq!(corporate.check("https://10.0.0.5/token"), Ok(()));
        assert_eq!(corporate.check("https://10.1.2.3/token"), Ok(()));
        assert!(corporate.check("https://10.1.2.4/token").is_err());
    }

    #[tokio::test]
    async fn a_name_is_held_against_its_addresses() {
        let public = fetcher("https://mcp.example.com/mcp", None);
        let request = http::Request::get("https://localhost:1/token?secret=x");
        let error = public.ask(request.body(Vec::new()).unwrap()).await;
        let said = error.unwrap_err().to_string();
        assert!(
            said.contains("loopback address") && !said.contains("secret"),
            "{said}"
        );
        // A token in an address is not shown either.
        let error = public.check("http://login.example.com/token?secret=x");
        assert!(error.is_err_and(|why| !why.contains("secret")));
    }
}
