//! One connection of a client: one request.

use std::io;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::address::Host;
use crate::proxy::answer::Refusal;
use crate::proxy::ending::Ending;
use crate::proxy::gate::{Allowed, Gate, HTTP_REQUEST, TCP_CONNECT, TcpTarget};
use crate::proxy::head::{self, Head, HeadError};
use crate::proxy::relay::relay;
use crate::proxy::target::Target;
use crate::proxy::{plain, tunnel};

/// How often it is asked whether what was permitted must end.
const LOOK: Duration = Duration::from_millis(500);

/// Serves a client of the proxy.
pub(crate) async fn serve(gate: &Gate, mut client: TcpStream) {
    let read = match timeout(gate.limits.head, read_head(gate, &mut client)).await {
        Ok(Ok(read)) => read,
        // It sent nothing, or went away.
        Ok(Err(_)) => return,
        Err(_) => Err(Refusal::late()),
    };
    let (head, early) = match read {
        Ok(read) => read,
        Err(refusal) => return refusal.tell(client, true).await,
    };
    let with_body = head.target.method != "HEAD";
    if !gate.admits(&head) {
        return Refusal::no_secret().tell(client, with_body).await;
    }
    if head.values("upgrade").next().is_some() && !head.is_tunnel() {
        gate.refuse(
            HTTP_REQUEST,
            &head.target,
            "an upgrade to another protocol is not passed on",
        );
        return Refusal::upgrade().tell(client, with_body).await;
    }
    // An approver may take long; a client that went away meanwhile wants no answer.
    let decided = tokio::select! {
        biased;
        decided = gate.allow(HTTP_REQUEST, &head.target) => decided,
        () = gone(&client) => return,
    };
    let Allowed {
        arguments: target,
        mut ending,
    } = match decided {
        Ok(allowed) => allowed,
        Err(refusal) => return refusal.tell(client, with_body).await,
    };
    let passing = async {
        match reach(gate, &target, &mut ending).await {
            Err(refusal) => {
                let kind = refusal.kind();
                refusal.tell(client, with_body).await;
                Err(kind)
            }
            Ok((host, upstream)) if head.is_tunnel() => {
                tunnel::serve(gate, (&host, target.port), client, early, upstream).await
            }
            Ok((_, upstream)) => plain::serve(gate, &target, &head, client, early, upstream).await,
        }
    };
    if let Some(ended) = while_permitted(gate, passing).await {
        ending.end(ended);
    }
}

/// Goes on with what was permitted until it has ended or must: the agent or the user was stopped, or the caller's time is over. None: it
/// lasted too long.
async fn while_permitted(
    gate: &Gate,
    passing: impl Future<Output = Result<(), &'static str>>,
) -> Option<Result<(), &'static str>> {
    let watching = async {
        while !gate.is_over() {
            sleep(LOOK).await;
        }
    };
    tokio::select! {
        biased;
        () = watching => Some(Err("stopped")),
        ended = timeout(gate.limits.longest, passing) => match ended {
            Ok(ended) => Some(ended),
            Err(_) => {
                tracing::warn!("a connection lasted too long and was closed");
                None
            }
        },
    }
}

/// Serves a client that is forwarded to one host, whatever it says.
pub(crate) async fn forward(gate: &Gate, mut client: TcpStream, (host, port): &(Host, u16)) {
    let asked = TcpTarget::new(host, *port);
    let allowed = tokio::select! {
        biased;
        allowed = gate.allow(TCP_CONNECT, &asked) => allowed,
        () = gone(&client) => return,
    };
    // There is no protocol in which to say why.
    let Ok(Allowed {
        arguments,
        mut ending,
    }) = allowed
    else {
        return;
    };
    let Ok(host) = Host::parse(&arguments.host) else {
        return;
    };
    let passing = async {
        match gate.connect(&mut ending, &host, arguments.port).await {
            Ok(mut upstream) => relay(&mut client, &mut upstream, gate.limits.idle).await,
            Err(refusal) => Err(refusal.kind()),
        }
    };
    if let Some(ended) = while_permitted(gate, passing).await {
        ending.end(ended);
    }
}

/// Reaches the host of a request that was permitted.
async fn reach(
    gate: &Gate,
    target: &Target,
    ending: &mut Ending,
) -> Result<(Host, TcpStream), Refusal> {
    let host = target
        .host()
        .map_err(|error| Refusal::host(format!("the permitted host cannot be read: {error}")))?;
    let upstream = gate.connect(ending, &host, target.port).await?;
    Ok((host, upstream))
}

/// Reads the head of a request, and what came with it.
async fn read_head(
    gate: &Gate,
    client: &mut TcpStream,
) -> io::Result<Result<(Head, Vec<u8>), Refusal>> {
    let mut bytes = Vec::with_capacity(4096);
    loop {
        let seen = bytes.len();
        if client.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let end = head::end(&bytes, seen);
        if end.unwrap_or(bytes.len()) > gate.limits.head_bytes {
            return Ok(Err(HeadError::TooLong.into()));
        }
        if let Some(end) = end {
            let early = bytes.split_off(end);
            return Ok(Head::parse(&bytes)
                .map(|head| (head, early))
                .map_err(Into::into));
        }
        // A head with other line ends has no end that counts, and need not be waited for.
        let new = bytes.get(seen.saturating_sub(1)..).unwrap_or_default();
        if new.windows(2).any(|pair| pair == b"\n\n") {
            return Ok(Err(HeadError::Lines.into()));
        }
    }
}

/// Returns when a client has gone away. As long as it sends, it is there.
async fn gone(client: &TcpStream) {
    loop {
        if client.readable().await.is_err() {
            return;
        }
        match client.peek(&mut [0]).await {
            Ok(0) | Err(_) => return,
            // What it sends is not read yet, so that its end cannot be seen any more.
            Ok(_) => std::future::pending().await,
        }
    }
}
