//! What a client is told that gets nothing.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Response, StatusCode};
use serde::Serialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::address::Unreachable;
use crate::proxy::head::HeadError;

/// Why a request was not passed on. The client reads all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    status: StatusCode,
    /// A short stable name.
    kind: &'static str,
    message: String,
}

impl Refusal {
    fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            kind,
            message: message.into(),
        }
    }

    /// A short stable name.
    pub(crate) fn kind(&self) -> &'static str {
        self.kind
    }

    pub(crate) fn malformed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed_request", message)
    }

    /// The policy, or an approver, said no. `kind`: `policy_denied` or `approval_required`.
    pub(crate) fn denied(kind: &'static str, message: String) -> Self {
        Self::new(StatusCode::FORBIDDEN, kind, message)
    }

    pub(crate) fn no_secret() -> Self {
        let message = "this proxy wants the user name and password of its address";
        Self::new(
            StatusCode::PROXY_AUTHENTICATION_REQUIRED,
            "proxy_authentication",
            message,
        )
    }

    pub(crate) fn late() -> Self {
        let message = "the head of the request took too long";
        Self::new(StatusCode::REQUEST_TIMEOUT, "timeout", message)
    }

    pub(crate) fn upgrade() -> Self {
        let message =
            "an upgrade to another protocol is not passed on; use TLS, or ask for a tunnel";
        Self::new(StatusCode::NOT_IMPLEMENTED, "upgrade", message)
    }

    pub(crate) fn upstream(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_GATEWAY, "upstream", message)
    }

    pub(crate) fn host(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "proxy", message)
    }

    /// The type of error of RFC 9209, which clients show where they hide bodies.
    fn proxy_status(&self) -> &'static str {
        match self.kind {
            "policy_denied" | "approval_required" | "upgrade" | "proxy_authentication" => {
                "http_request_denied"
            }
            "address_not_public" => "destination_ip_prohibited",
            "name_not_found" => "dns_error",
            "upstream" => "destination_unavailable",
            "malformed_request" | "timeout" => "http_request_error",
            _ => "proxy_internal_error",
        }
    }

    fn body(&self) -> Vec<u8> {
        #[derive(Serialize)]
        struct Body<'a> {
            error: Inner<'a>,
        }
        #[derive(Serialize)]
        struct Inner<'a> {
            r#type: &'a str,
            message: &'a str,
        }
        let error = Inner {
            r#type: self.kind,
            message: &self.message,
        };
        let mut text = serde_json::to_vec(&Body { error }).unwrap_or_default();
        text.push(b'\n');
        text
    }

    /// As an answer to a request that HTTP's library reads.
    pub(crate) fn response(&self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(self.body().into()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(
            "content-type",
            hyper::header::HeaderValue::from_static("application/json"),
        );
        if let Ok(status) = format!("hexgate; error={}", self.proxy_status()).parse() {
            headers.insert("proxy-status", status);
        }
        response
    }

    /// As the bytes of an answer.
    fn bytes(&self, with_body: bool) -> Vec<u8> {
        let body = self.body();
        let asks = match self.status {
            StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
                "Proxy-Authenticate: Basic realm=\"hexgate\"\r\n"
            }
            _ => "",
        };
        let head = format!(
            "HTTP/1.1 {} {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nProxy-Status: hexgate; error={}\r\n{asks}Connection: close\r\n\r\n",
            self.status.as_u16(),
            self.status.canonical_reason().unwrap_or_default(),
            body.len(),
            self.proxy_status(),
        );
        let mut bytes = head.into_bytes();
        if with_body {
            bytes.extend(body);
        }
        bytes
    }

    /// Tells the client, and closes the connection.
    pub(crate) async fn tell(&self, client: TcpStream, with_body: bool) {
        close(client, &self.bytes(with_body)).await;
    }
}

/// Sends last bytes and closes a connection, so that the other side gets to read them: what it still sends is read for a while, because
/// closing a connection with unread bytes takes back what was sent.
pub(crate) async fn close(mut stream: TcpStream, last: &[u8]) {
    const LINGER: Duration = Duration::from_secs(2);
    const MOST: u64 = 256 * 1024;
    let closing = async {
        stream.write_all(last).await?;
        stream.shutdown().await?;
        let mut rest = (&mut stream).take(MOST);
        tokio::io::copy(&mut rest, &mut tokio::io::sink()).await
    };
    // Whether the other side listens is its own affair.
    let _ = tokio::time::timeout(LINGER, closing).await;
}

impl From<HeadError> for Refusal {
    fn from(error: HeadError) -> Self {
        match error {
            HeadError::TooLong | HeadError::TooMany => {
                let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
                Self::new(status, "malformed_request", error.to_string())
            }
            _ => Self::malformed(error.to_string()),
        }
    }
}

impl From<Unreachable> for Refusal {
    fn from(error: Unreachable) -> Self {
        match &error {
            Unreachable::NotPublic { .. } => Self::new(
                StatusCode::FORBIDDEN,
                "address_not_public",
                error.to_string(),
            ),
            _ => Self::new(StatusCode::BAD_GATEWAY, "name_not_found", error.to_string()),
        }
    }
}
