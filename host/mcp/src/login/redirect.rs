//! Where the browser comes back: a port of this machine.

use std::future::IntoFuture as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::{Method, StatusCode, Uri};
use hexgate_base::shortened;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use url::{Host, Url, form_urlencoded};

use crate::authorization::Secret;

/// The path, where the configuration names none.
const PATH: &str = "/callback";
/// The longest query, in bytes.
const MAX_QUERY: usize = 16 << 10;

/// A port that waits for the browser.
pub(super) struct Redirect {
    listener: TcpListener,
    address: String,
    path: String,
}

/// What the authorization server had the browser bring.
pub(super) struct Answer {
    pub(super) code: Secret,
    /// Who says to have sent it (RFC 9207).
    pub(super) issuer: Option<String>,
}

impl Redirect {
    /// Listens at the configured address, or at a free port.
    pub(super) async fn listen(configured: Option<&str>) -> Result<Self, String> {
        let url = configured.map(Url::parse).transpose();
        let url = url.map_err(|error| error.to_string())?;
        let host: IpAddr = match url.as_ref().and_then(Url::host) {
            Some(Host::Ipv4(address)) => address.into(),
            Some(Host::Ipv6(address)) => address.into(),
            Some(Host::Domain(_)) | None => Ipv4Addr::LOCALHOST.into(),
        };
        if !host.is_loopback() {
            return Err("the `redirect` is not on this machine".to_owned());
        }
        let port = url.as_ref().and_then(Url::port).unwrap_or(0);
        let asked = SocketAddr::new(host, port);
        let cannot = |error: std::io::Error| format!("`{asked}` cannot be listened at: {error}");
        let listener = TcpListener::bind(asked).await.map_err(cannot)?;
        let port = listener.local_addr().map_err(cannot)?.port();
        let path = match url.as_ref().map(Url::path) {
            Some(path) if path != "/" => path.to_owned(),
            _ => PATH.to_owned(),
        };
        let name = match url.as_ref().and_then(Url::host_str) {
            Some(name) => name.to_owned(),
            None => host.to_string(),
        };
        Ok(Self {
            listener,
            address: format!("http://{name}:{port}{path}"),
            path,
        })
    }

    /// Where the browser is sent.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// What the browser brings with this state. The error is why it brings no code.
    pub(super) async fn answer(self, state: &str) -> Result<Answer, String> {
        let (answers, mut answered) = mpsc::channel(1);
        let waiting = Arc::new(Waiting {
            path: self.path.clone(),
            state: state.to_owned(),
            answers,
        });
        // Its path is no pattern of the router's.
        let routes = Router::new().fallback(came).with_state(waiting);
        let serving = axum::serve(self.listener, routes);
        tokio::select! {
            answer = answered.recv() => {
                // The browser gets its page before the port closes.
                tokio::task::yield_now().await;
                answer.unwrap_or_else(|| Err("nobody waits for the browser".to_owned()))
            }
            served = serving.into_future() => Err(match served {
                Ok(()) => "nobody waits for the browser".to_owned(),
                Err(error) => error.to_string(),
            }),
        }
    }
}

struct Waiting {
    path: String,
    state: String,
    answers: mpsc::Sender<Result<Answer, String>>,
}

/// Somebody came: the browser of this login, or anybody on this machine.
async fn came(
    State(waiting): State<Arc<Waiting>>,
    method: Method,
    uri: Uri,
    RawQuery(query): RawQuery,
) -> (StatusCode, &'static str) {
    let none = (
        StatusCode::BAD_REQUEST,
        "This is no answer to the login that waits here.\n",
    );
    if method != Method::GET || uri.path() != waiting.path {
        return (StatusCode::NOT_FOUND, "There is nothing here.\n");
    }
    let query = query.unwrap_or_default();
    if query.len() > MAX_QUERY {
        return none;
    }
    // One that stands twice says nothing.
    let one = |wanted: &str| {
        let mut found = form_urlencoded::parse(query.as_bytes())
            .filter(|(name, _)| name == wanted)
            .map(|(_, value)| value.into_owned());
        found.next().filter(|_| found.next().is_none())
    };
    if one("state").as_ref() != Some(&waiting.state) {
        return none;
    }
    let answer = match (one("error"), one("code")) {
        (Some(error), _) => {
            let why = one("error_description").unwrap_or_default();
            Err(format!(
                "the authorization server refuses: {} {}",
                shortened(&error, 100),
                shortened(&why, 200)
            ))
        }
        (None, Some(code)) => Ok(Answer {
            code: Secret::new(code),
            issuer: one("iss"),
        }),
        (None, None) => return none,
    };
    let text = match &answer {
        Ok(_) => {
            "The answer has arrived. You can close this page; the terminal says how the login ended.\n"
        }
        Err(_) => "The login was refused. You can close this page.\n",
    };
    // The first one counts.
    let _ = waiting.answers.try_send(answer);
    (StatusCode::OK, text)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    async fn get(address: &str, target: &str) -> String {
        let url = Url::parse(address).unwrap();
        let to = (url.host_str().unwrap(), url.port().unwrap());
        let mut stream = tokio::net::TcpStream::connect(to).await.unwrap();
        let request = format!("GET {target} HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
    }

    #[tokio::test]
    async fn a_configured_path_is_no_pattern() {
        for path in ["/:cb", "/{cb}", "/*x", "/a/{*rest}"] {
            let configured = format!("http://127.0.0.1{path}");
            let redirect = Redirect::listen(Some(&configured)).await.unwrap();
            let (address, path) = (redirect.address().to_owned(), redirect.path.clone());
            let answer = tokio::spawn(redirect.answer("state"));
            let other = get(&address, "/other?state=state&code=no").await;
            assert!(other.starts_with("HTTP/1.1 404"), "{other}");
            let came = get(&address, &format!("{path}?state=state&code=yes")).await;
            assert!(came.starts_with("HTTP/1.1 200"), "{came}");
            assert_eq!(answer.await.unwrap().unwrap().code.text(), "yes");
        }
    }
}
