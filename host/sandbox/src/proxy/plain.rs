//! Requests in clear: read from the client, written anew for the server.

use std::convert::Infallible;
use std::error::Error;
use std::io::Cursor;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http1::SendRequest;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, Sleep, timeout};

use crate::proxy::answer::Refusal;
use crate::proxy::gate::Gate;
use crate::proxy::head::{Framing, Head};
use crate::proxy::target::Target;

type BoxError = Box<dyn Error + Send + Sync>;
type Answer = Response<UnsyncBoxBody<Bytes, BoxError>>;

/// Passes one request on to a server that was permitted and reached, and its answer back. `target` is what was permitted, `early` what the
/// client sent behind the head. The error is a short stable name.
pub(crate) async fn serve(
    gate: &Gate,
    target: &Target,
    head: &Head,
    client: TcpStream,
    early: Vec<u8>,
    upstream: TcpStream,
) -> Result<(), &'static str> {
    let most = gate.limits.head_bytes.max(8192);
    let handshake = hyper::client::conn::http1::Builder::new()
        .max_buf_size(most)
        .handshake(TokioIo::new(upstream))
        .await;
    let prepared = handshake
        .map_err(|error| Refusal::upstream(error.to_string()))
        .and_then(|(sender, connection)| Ok((sender, connection, rewritten(target, head)?)));
    let (sender, connection, outgoing) = match prepared {
        Ok(prepared) => prepared,
        Err(refusal) => {
            refusal.tell(client, head.target.method != "HEAD").await;
            return Err(refusal.kind());
        }
    };
    // Ends with this function, whatever happens.
    let mut driving = JoinSet::new();
    driving.spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to a server broke off");
        }
    });

    // The library reads the body alone. It gets a head that says how long that is and nothing that the client wrote.
    let (read, write) = client.into_split();
    let before = Cursor::new([codec_head(head).as_bytes(), &early].concat());
    let io = TokioIo::new(tokio::io::join(before.chain(read), write));
    let once = Mutex::new(Some((sender, outgoing)));
    let refused = Mutex::new(None);
    let (answer, idle) = (gate.limits.answer, gate.limits.idle);
    let service = service_fn(|request: Request<Incoming>| {
        let taken = once.lock().ok().and_then(|mut once| once.take());
        let refused = &refused;
        async move {
            let answered = match taken {
                Some((sender, outgoing)) => {
                    exchange(sender, outgoing, request.into_body(), answer, idle).await
                }
                None => Err(Refusal::malformed("a connection carries one request")),
            };
            Ok::<Answer, Infallible>(answered.unwrap_or_else(|refusal| {
                if let Ok(mut refused) = refused.lock() {
                    *refused = Some(refusal.kind());
                }
                refusal
                    .response()
                    .map(|body| body.map_err(BoxError::from).boxed_unsync())
            }))
        }
    });
    let serving = hyper::server::conn::http1::Builder::new()
        .keep_alive(false)
        .auto_date_header(false)
        .max_buf_size(most)
        .serve_connection(io, service);
    let served = serving.await;
    let refused = refused.lock().map_or(None, |refused| *refused);
    match (served, refused) {
        (_, Some(kind)) => Err(kind),
        (Err(_), None) => Err("broken_off"),
        (Ok(()), None) => Ok(()),
    }
}

async fn exchange(
    mut sender: SendRequest<Streamed>,
    outgoing: Request<()>,
    body: Incoming,
    answer: Duration,
    idle: Duration,
) -> Result<Answer, Refusal> {
    let upload = Arc::new(Upload::default());
    let body = Streamed::new(body, idle, Some(Arc::clone(&upload)));
    let mut sending = std::pin::pin!(sender.send_request(outgoing.map(|()| body)));
    let response = loop {
        match timeout(answer, &mut sending).await {
            Ok(response) => break response,
            // It is still sent: then the body's own time counts.
            Err(_) if !upload.ended.load(Ordering::Relaxed) => {}
            Err(_) => return Err(Refusal::upstream("the server did not answer in time")),
        }
    };
    let response = match response {
        Ok(response) if response.status().is_informational() => {
            return Err(Refusal::upstream(
                "the server changed the protocol without being asked",
            ));
        }
        Ok(response) => response,
        Err(_) if upload.broke.load(Ordering::Relaxed) => {
            return Err(Refusal::malformed(
                "the body of the request is malformed or breaks off",
            ));
        }
        Err(error) => {
            return Err(Refusal::upstream(format!(
                "the server's answer cannot be read: {error}"
            )));
        }
    };
    let (mut parts, body) = response.into_parts();
    drop_hops(&mut parts.headers);
    Ok(Response::from_parts(
        parts,
        Streamed::new(body, idle, None).boxed_unsync(),
    ))
}

/// The request that is sent, made of what was permitted.
fn rewritten(target: &Target, head: &Head) -> Result<Request<()>, Refusal> {
    let refuse = |error: &dyn Error| Refusal::malformed(error.to_string());
    let mut headers = HeaderMap::new();
    for (name, value) in &head.fields {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| refuse(&error))?;
        let value = HeaderValue::from_bytes(value).map_err(|error| refuse(&error))?;
        headers.append(name, value);
    }
    drop_hops(&mut headers);
    for name in ["host", "content-length", "expect"] {
        headers.remove(name);
    }
    let authority = target.authority().map_err(|error| refuse(&error))?;
    let authority = HeaderValue::try_from(authority).map_err(|error| refuse(&error))?;
    headers.insert("host", authority);
    let request = Request::builder()
        .method(target.method.as_str())
        .uri(target.origin_form());
    let mut request = request.body(()).map_err(|error| refuse(&error))?;
    *request.headers_mut() = headers;
    Ok(request)
}

/// Headers that are for the next hop alone (RFC 9110, 7.6.1), those that `Connection` names, and those for proxies.
fn drop_hops(headers: &mut HeaderMap) {
    let named: Vec<String> = headers
        .get_all("connection")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    let dropped: Vec<HeaderName> = headers
        .keys()
        .filter(|name| {
            let name = name.as_str();
            let is_hop = matches!(
                name,
                "connection"
                    | "keep-alive"
                    | "te"
                    | "trailer"
                    | "transfer-encoding"
                    | "upgrade"
                    | "http2-settings"
            );
            is_hop || name.starts_with("proxy-") || named.iter().any(|other| other == name)
        })
        .cloned()
        .collect();
    for name in dropped {
        headers.remove(name);
    }
}

/// A head that tells the library of HTTP how to read the body and how to write the answer.
fn codec_head(head: &Head) -> String {
    let version = if head.is_1_1 { 1 } else { 0 };
    let body = match head.body {
        Framing::None => String::new(),
        Framing::Length(length) => format!("content-length: {length}\r\n"),
        Framing::Chunked => "transfer-encoding: chunked\r\n".to_owned(),
    };
    let waits = if head.waits() {
        "expect: 100-continue\r\n"
    } else {
        ""
    };
    format!(
        "{} / HTTP/1.{version}\r\nhost: x\r\n{body}{waits}\r\n",
        head.target.method
    )
}

/// What became of the body of a request.
#[derive(Default)]
struct Upload {
    ended: AtomicBool,
    broke: AtomicBool,
}

/// A body that is passed on as it comes, without trailers, and may not stand still.
struct Streamed {
    inner: Incoming,
    idle: Duration,
    still: Pin<Box<Sleep>>,
    upload: Option<Arc<Upload>>,
}

impl Streamed {
    fn new(inner: Incoming, idle: Duration, upload: Option<Arc<Upload>>) -> Self {
        let this = Self {
            inner,
            idle,
            still: Box::pin(tokio::time::sleep(idle)),
            upload,
        };
        if this.is_end_stream() {
            this.note(|upload| &upload.ended);
        }
        this
    }

    fn note(&self, what: fn(&Upload) -> &AtomicBool) {
        if let Some(upload) = &self.upload {
            what(upload).store(true, Ordering::Relaxed);
        }
    }
}

impl Body for Streamed {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        loop {
            let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(context) else {
                ready!(self.still.as_mut().poll(context));
                self.note(|upload| &upload.broke);
                return Poll::Ready(Some(Err("the body stood still for too long".into())));
            };
            let next = Instant::now() + self.idle;
            self.still.as_mut().reset(next);
            return Poll::Ready(match frame {
                None => {
                    self.note(|upload| &upload.ended);
                    None
                }
                Some(Err(error)) => {
                    self.note(|upload| &upload.broke);
                    Some(Err(error.into()))
                }
                // Trailers are fields that nobody has checked.
                Some(Ok(frame)) if frame.is_trailers() => continue,
                Some(Ok(frame)) => Some(Ok(frame)),
            });
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
