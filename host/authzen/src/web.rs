//! Requests and responses of HTTP.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HOST, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response as Sent;
use hexgate_http::{MAX_BODY, METADATA, Problem, Received, Response};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::point::Point;

/// How long the body of a request may take.
const BODY: Duration = Duration::from_secs(10);
/// How long a request waits for others.
const WAIT: Duration = Duration::from_secs(10);
/// Requests that are answered at a time. Each can hold a body and what is read of it.
const AT_ONCE: usize = 64;
/// How often it is looked whether the policy changed.
const LOOK: Duration = Duration::from_secs(1);

/// Why a decision point does not serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address cannot be listened at.
    #[error("`{address}` cannot be listened at: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// Everybody on the network could claim to be anybody.
    #[error(
        "`{0}` can be reached from other machines, and nobody is asked who they are: everybody there could ask on anybody's behalf; listen at 127.0.0.1, or name the clients"
    )]
    Open(SocketAddr),
    /// The system failed.
    #[error("clients can no longer be served: {0}")]
    Serve(io::Error),
}

struct Served {
    point: Point,
    places: Semaphore,
}

impl Point {
    /// What answers requests: every path is this decision point's. Where no clients are named, serve it at loopback alone.
    pub fn router(&self) -> Router {
        let served = Served {
            point: self.clone(),
            places: Semaphore::new(AT_ONCE),
        };
        Router::new().fallback(handle).with_state(Arc::new(served))
    }

    /// Whether clients may come to this address.
    fn is_open_at(&self, address: SocketAddr) -> bool {
        address.ip().is_loopback() || self.0.clients.are_known()
    }

    /// Listens at an address. Where other machines can reach it, something must say who asks.
    ///
    /// # Errors
    ///
    /// It cannot be listened at, or it would be open to everybody.
    pub async fn bind(&self, address: SocketAddr) -> Result<TcpListener, ServeError> {
        if !self.is_open_at(address) {
            return Err(ServeError::Open(address));
        }
        TcpListener::bind(address)
            .await
            .map_err(|source| ServeError::Listen { address, source })
    }

    /// Serves until the task is dropped. Another policy is looked for once a second, unless something else does.
    ///
    /// # Errors
    ///
    /// It would be open to everybody, or the system failed.
    pub async fn serve(&self, listener: TcpListener) -> Result<(), ServeError> {
        let address = listener.local_addr().map_err(ServeError::Serve)?;
        if !self.is_open_at(address) {
            return Err(ServeError::Open(address));
        }
        let looking = async {
            if !self.0.refreshes {
                std::future::pending::<()>().await;
            }
            loop {
                tokio::time::sleep(LOOK).await;
                // Another policy may have to be compiled.
                let enforcer = self.enforcer().clone();
                let _ = tokio::task::spawn_blocking(move || {
                    let _ = enforcer.begin_turn();
                })
                .await;
            }
        };
        tokio::select! {
            served = async { axum::serve(listener, self.router()).await } => served.map_err(ServeError::Serve),
            () = looking => Ok(()),
        }
    }
}

async fn handle(State(served): State<Arc<Served>>, request: Request) -> Sent {
    let (parts, body) = request.into_parts();
    let ids: Vec<HeaderValue> = parts
        .headers
        .get_all("x-request-id")
        .iter()
        .cloned()
        .collect();
    let response = match answer(&served, parts, body).await {
        Ok(response) => response,
        Err(problem) => problem.into(),
    };
    let ids: Vec<&[u8]> = ids.iter().map(HeaderValue::as_bytes).collect();
    sent(response, &ids)
}

async fn answer(served: &Arc<Served>, parts: Parts, body: Body) -> Result<Response, Problem> {
    let inner = &served.point.0;
    let authority = authority(&parts).map(str::to_owned);
    // With a token a web page cannot ask; without, the name that it asks for gives it away.
    if !inner.clients.are_known() && !is_own(&inner.hosts, authority.as_deref()) {
        return Err(Problem::new(
            403,
            "the host that is asked for is none of this decision point",
        ));
    }
    let path = parts.uri.path().to_owned();
    let client = if path == METADATA {
        // What clients read before they have a token.
        String::new()
    } else {
        inner
            .clients
            .client(&parts.headers)
            .await
            .map_err(|error| {
                tracing::warn!(%error, "a request has no client");
                Problem::new(401, "nobody is known to make this request")
            })?
    };
    let place = tokio::time::timeout(WAIT, served.places.acquire()).await;
    let Ok(Ok(_place)) = place else {
        return Err(Problem::new(503, "too many requests wait"));
    };
    // Nobody has to be known for the metadata, so nobody can have it wait for a body.
    let body = if path == METADATA {
        Ok(Vec::new())
    } else {
        read(body).await
    };
    let point = served.point.clone();
    let answering = tokio::task::spawn_blocking(move || {
        let types = values(&parts.headers, CONTENT_TYPE.as_str());
        let received = Received {
            method: parts.method.as_str(),
            path: &path,
            authority: authority.as_deref(),
            content_types: &types,
            encoded: parts.headers.contains_key(CONTENT_ENCODING),
        };
        point.answer(&client, &received, body)
    });
    answering.await.map_err(|error| {
        tracing::error!(%error, "a request was not answered");
        Problem::new(500, "the decision point failed")
    })
}

async fn read(body: Body) -> Result<Vec<u8>, u16> {
    match tokio::time::timeout(BODY, to_bytes(body, MAX_BODY)).await {
        Ok(Ok(bytes)) => Ok(bytes.into()),
        Err(_) => Err(408),
        Ok(Err(error)) => {
            let error = error.into_inner();
            let is_large = error.is::<http_body_util::LengthLimitError>();
            Err(if is_large { 413 } else { 400 })
        }
    }
}

fn values<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a [u8]> {
    let values = headers.get_all(name).iter();
    values.map(HeaderValue::as_bytes).collect()
}

/// The host that a request is for: of its address, or of its one header.
fn authority(parts: &Parts) -> Option<&str> {
    let mut hosts = parts.headers.get_all(HOST).iter();
    let header = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok(),
        (None, _) => None,
        // Which of them counts is not known.
        (Some(_), Some(_)) => return None,
    };
    match (parts.uri.authority().map(|it| it.as_str()), header) {
        (Some(told), Some(header)) if told != header => None,
        (told, header) => told.or(header),
    }
}

/// Whether a host, with or without a port, is one of these.
fn is_own(hosts: &[String], authority: Option<&str>) -> bool {
    let Some(authority) = authority else {
        return false;
    };
    let name = match authority.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => authority,
    };
    hosts.iter().any(|host| host.eq_ignore_ascii_case(name))
}

fn sent(response: Response, ids: &[&[u8]]) -> Sent {
    let headers = response.headers(ids);
    let mut sent = Sent::new(Body::from(Bytes::from(response.body)));
    *sent.status_mut() =
        StatusCode::from_u16(response.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_bytes(&value) {
            sent.headers_mut()
                .insert(HeaderName::from_static(name), value);
        }
    }
    if response.status == 401 {
        sent.headers_mut()
            .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    sent
}
