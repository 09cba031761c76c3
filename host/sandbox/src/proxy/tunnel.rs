//! Tunnels: to whom the client speaks is checked before a byte of it is passed on.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::address::Host;
use crate::proxy::answer::close;
use crate::proxy::gate::{Gate, TCP_CONNECT, TcpTarget};
use crate::proxy::hello::{self, ACCESS_DENIED, Hello, HelloError, MOST_HELLO};
use crate::proxy::relay::relay;

const OPEN: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";

/// Why a tunnel ends before it begins.
#[derive(Debug, thiserror::Error)]
enum TunnelError {
    #[error("the TLS client hello names `{said}`, and the tunnel was permitted for `{permitted}`")]
    OtherServer { said: String, permitted: Host },
    #[error("the TLS client hello names no server, and the tunnel was permitted for `{0}`")]
    NoServer(Host),
    #[error("the TLS client hello hides which server it is for")]
    Hidden,
    #[error("{0}")]
    Hello(#[from] HelloError),
    #[error("the client said nothing in time")]
    Silent,
    #[error("the policy denies `net.tcp_connect` for what is not TLS")]
    NotTls,
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl TunnelError {
    /// A short stable name.
    fn kind(&self) -> &'static str {
        match self {
            Self::OtherServer { .. } => "other_server",
            Self::NoServer(_) => "no_server",
            Self::Hidden => "hidden_server",
            Self::Hello(_) => "malformed_hello",
            Self::Silent => "timeout",
            Self::NotTls => "not_tls",
            Self::Io(_) => "broken_off",
        }
    }
}

/// Serves a tunnel to a host that was permitted and reached. `early`: what the client sent behind its request. The error is a short stable
/// name.
pub(crate) async fn serve(
    gate: &Gate,
    (host, port): (&Host, u16),
    mut client: TcpStream,
    early: Vec<u8>,
    mut upstream: TcpStream,
) -> Result<(), &'static str> {
    match begin(gate, (host, port), &mut client, early, &mut upstream).await {
        Ok(()) => relay(&mut client, &mut upstream, gate.limits.idle).await,
        Err(error) => {
            tracing::warn!(%host, port, %error, "a permitted tunnel was closed");
            // Nothing of the client has been passed on, or it says hello again: both sides still speak in clear.
            let last: &[u8] = match error {
                TunnelError::NotTls | TunnelError::Silent | TunnelError::Io(_) => &[],
                _ => &ACCESS_DENIED,
            };
            close(client, last).await;
            Err(error.kind())
        }
    }
}

async fn begin(
    gate: &Gate,
    (host, port): (&Host, u16),
    client: &mut TcpStream,
    early: Vec<u8>,
    upstream: &mut TcpStream,
) -> Result<(), TunnelError> {
    client.write_all(OPEN).await?;
    let mut said = early;
    match greeting(gate, client, &mut said, hello::first).await {
        Ok(hello) => agrees(&hello, host)?,
        // Another protocol is another call.
        Err(TunnelError::Hello(HelloError::NotTls)) => {
            let asked = TcpTarget::new(host, port);
            let Ok(mut allowed) = gate.allow(TCP_CONNECT, &asked).await else {
                return Err(TunnelError::NotTls);
            };
            if allowed.arguments != asked {
                return Err(TunnelError::NotTls);
            }
            // It goes on as the tunnel, whose end is recorded.
            allowed.ending.reached();
            upstream.write_all(&said).await?;
            allowed.ending.end(Ok(()));
            return Ok(());
        }
        Err(error) => return Err(error),
    }
    upstream.write_all(&said).await?;
    if answered(gate, client, upstream).await? {
        let mut said = Vec::new();
        let hello = greeting(gate, client, &mut said, hello::second).await?;
        agrees(&hello, host)?;
        upstream.write_all(&said).await?;
    }
    Ok(())
}

/// Reads from the client until it has said to whom it speaks. `said` is all that it sent.
async fn greeting(
    gate: &Gate,
    client: &mut TcpStream,
    said: &mut Vec<u8>,
    read: fn(&[u8]) -> Result<Option<Hello>, HelloError>,
) -> Result<Hello, TunnelError> {
    said.reserve(4096);
    let reading = async {
        loop {
            if !said.is_empty()
                && let Some(hello) = read(said)?
            {
                return Ok(hello);
            }
            let most = MOST_HELLO.saturating_sub(said.len()).max(1);
            let most = u64::try_from(most).unwrap_or(1);
            if (&mut *client).take(most).read_buf(said).await? == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
        }
    };
    timeout(gate.limits.hello, reading)
        .await
        .unwrap_or(Err(TunnelError::Silent))
}

/// Passes the first bytes of the server's answer on. Whether it asks the client to say hello again.
async fn answered(
    gate: &Gate,
    client: &mut TcpStream,
    upstream: &mut TcpStream,
) -> Result<bool, TunnelError> {
    let reading = async {
        let mut answer = Vec::with_capacity(1024);
        let mut passed = 0;
        loop {
            // As much as tells, and no more: what follows is relayed.
            let count = (&mut *upstream).take(1024).read_buf(&mut answer).await?;
            if let Some(new) = answer.get(passed..) {
                client.write_all(new).await?;
            }
            passed = answer.len();
            match hello::asks_again(&answer) {
                Some(again) => return Ok(again),
                None if count == 0 => return Ok(false),
                None => {}
            }
        }
    };
    timeout(gate.limits.answer, reading)
        .await
        .unwrap_or(Err(TunnelError::Silent))
}

/// Whether the client speaks to the host of the tunnel. A client names no server if that is an address.
fn agrees(hello: &Hello, host: &Host) -> Result<(), TunnelError> {
    if hello.hides_another {
        return Err(TunnelError::Hidden);
    }
    match (&hello.server_name, host) {
        (None, Host::Address(_)) => Ok(()),
        (None, Host::Name(_)) => Err(TunnelError::NoServer(host.clone())),
        (Some(said), _) if Host::parse(said).as_ref() == Ok(host) => Ok(()),
        (Some(said), _) => Err(TunnelError::OtherServer {
            said: said.escape_default().to_string(),
            permitted: host.clone(),
        }),
    }
}
