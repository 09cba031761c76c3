//! Messages as lines: the client at the standard streams, and servers that are processes.
//!
//! rmcp's own transport drops what it does not understand and parses before anyone can look at the text. This one looks at each line first,
//! answers for what it refuses, and says why it ended.

use std::collections::HashSet;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hexgate_base::guarded::locked;
use rmcp::model::{ErrorData, JsonRpcMessage, RequestId};
use rmcp::service::{RxJsonRpcMessage, ServiceRole, TxJsonRpcMessage};
use rmcp::transport::Transport;
use tokio::io::{
    AsyncBufRead, AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader,
};
use tokio::sync::{Mutex as AsyncMutex, Semaphore, mpsc, watch};
use tokio::task::JoinHandle;

use crate::exact::{self, Refusal};

/// Messages that were read and not yet handled. A peer that sends more waits.
const AHEAD: usize = 64;
/// How long a server has to take a message. One that does not read is started again: what it was sent would run long after nobody waits.
const TAKE: Duration = Duration::from_secs(10);
/// Messages that wait to be taken by a server, beside one for each call that it may have at a time. More are not sent.
const WAITING: usize = 64;

/// Who is at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    /// A client: each refused message is answered, and the next one is read.
    Client,
    /// A server: text that is no message is skipped, as many programs print some; a message over the limit ends the connection.
    Server,
}

type Open = Arc<Mutex<HashSet<RequestId>>>;

/// Writes lines, one at a time.
#[derive(Clone)]
struct Writer {
    peer: Peer,
    inner: Arc<AsyncMutex<Option<Box<dyn AsyncWrite + Send + Unpin>>>>,
    waiting: Arc<Semaphore>,
    /// True: the connection is closed, and nothing is written any more.
    closed: watch::Sender<bool>,
    ended: Ended,
}

/// A transport of lines.
pub(crate) struct Lines<R: ServiceRole> {
    read: mpsc::Receiver<RxJsonRpcMessage<R>>,
    write: Writer,
    open: Open,
    reader: JoinHandle<()>,
    ended: Ended,
}

/// Why a connection ended by itself, once it did.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ended(Arc<watch::Sender<Option<String>>>);

impl Ended {
    pub(crate) fn why(&self) -> Option<String> {
        self.0.borrow().clone()
    }

    pub(crate) fn is(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// The first reason counts.
    pub(crate) fn set(&self, why: impl Into<String>) {
        self.0.send_if_modified(|first| {
            let is_first = first.is_none();
            first.get_or_insert_with(|| why.into());
            is_first
        });
    }

    /// Waits until it ended.
    pub(crate) async fn wait(&self) {
        // It does not close while this holds it.
        let _ = self.0.subscribe().wait_for(Option::is_some).await;
    }
}

impl<R: ServiceRole> Lines<R>
where
    RxJsonRpcMessage<R>: serde::de::DeserializeOwned + Answered,
    TxJsonRpcMessage<R>: serde::Serialize,
{
    /// Reads messages of at most this many bytes.
    pub(crate) fn new(
        peer: Peer,
        read: impl AsyncRead + Send + Unpin + 'static,
        write: impl AsyncWrite + Send + Unpin + 'static,
        most: usize,
    ) -> Self {
        let (sender, receiver) = mpsc::channel(AHEAD);
        let (open, ended) = (Open::default(), Ended::default());
        let write = Writer {
            peer,
            inner: Arc::new(AsyncMutex::new(Some(Box::new(write)))),
            waiting: Arc::new(Semaphore::new(WAITING)),
            closed: watch::Sender::new(false),
            ended: ended.clone(),
        };
        let reading = Reading::<R> {
            peer,
            most,
            sender,
            write: write.clone(),
            open: Arc::clone(&open),
            ended: ended.clone(),
        };
        Self {
            read: receiver,
            write,
            open,
            reader: tokio::spawn(reading.run(BufReader::new(read))),
            ended,
        }
    }

    /// Lets so many more messages wait to be taken by a server.
    pub(crate) fn with_calls(self, calls: usize) -> Self {
        let most = Semaphore::MAX_PERMITS.saturating_sub(WAITING);
        self.write.waiting.add_permits(calls.min(most));
        self
    }

    /// Says why the connection ended.
    pub(crate) fn ended(&self) -> Ended {
        self.ended.clone()
    }
}

impl<R: ServiceRole> Drop for Lines<R> {
    fn drop(&mut self) {
        self.reader.abort();
        self.write.end();
    }
}

impl<R: ServiceRole> Transport<R> for Lines<R>
where
    TxJsonRpcMessage<R>: serde::Serialize,
{
    type Error = io::Error;

    fn send(
        &mut self,
        item: TxJsonRpcMessage<R>,
    ) -> impl Future<Output = Result<(), io::Error>> + Send + 'static {
        let (write, open) = (self.write.clone(), Arc::clone(&self.open));
        async move {
            let answered = match &item {
                JsonRpcMessage::Response(response) => Some(response.id.clone()),
                JsonRpcMessage::Error(error) => error.id.clone(),
                _ => None,
            };
            if let Some(id) = answered {
                locked(&open).remove(&id);
            }
            write.send(&item).await
        }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<R>> {
        let mut closed = self.write.closed.subscribe();
        tokio::select! {
            message = self.read.recv() => message,
            // A server that does not take what it is sent is gone, whatever it still says.
            _ = closed.wait_for(|closed| *closed) => None,
        }
    }

    async fn close(&mut self) -> Result<(), io::Error> {
        self.reader.abort();
        self.write.end();
        drop(self.write.inner.lock().await.take());
        Ok(())
    }
}

impl Writer {
    /// Ends what is being written to a server, so that nothing waits for it. A client still gets its last answer whole.
    fn end(&self) {
        if self.peer == Peer::Server {
            self.closed.send_replace(true);
        }
    }

    async fn send(&self, item: &impl serde::Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(item)?;
        line.push(b'\n');
        if self.peer == Peer::Client {
            return write(&mut *self.inner.lock().await, &line).await;
        }
        let busy = || io::Error::other("it does not read what it is sent");
        let _turn = self.waiting.try_acquire().map_err(|_| busy())?;
        let mut closed = self.closed.subscribe();
        tokio::select! {
            // Behind a message that was cut nothing may follow.
            biased;
            _ = closed.wait_for(|closed| *closed) => Err(io::ErrorKind::NotConnected.into()),
            written = async {
                // What was not begun by then is not sent, and harms nothing.
                let lock = tokio::time::timeout(TAKE, self.inner.lock()).await;
                let mut writer = lock.map_err(|_| busy())?;
                let written = tokio::time::timeout(TAKE, write(&mut writer, &line)).await;
                written.unwrap_or_else(|_| {
                    self.ended.set(busy().to_string());
                    self.closed.send_replace(true);
                    Err(busy())
                })
            } => written,
        }
    }
}

async fn write(
    writer: &mut Option<Box<dyn AsyncWrite + Send + Unpin>>,
    line: &[u8],
) -> io::Result<()> {
    let writer = writer.as_mut().ok_or(io::ErrorKind::NotConnected)?;
    writer.write_all(line).await?;
    writer.flush().await
}

/// A message that may be a request, or an answer to one.
pub(crate) trait Answered {
    /// The id of the request.
    fn request(&self) -> Option<&RequestId>;
    /// The answer that takes the place of one that cannot be passed on.
    fn failed(error: ErrorData, id: RequestId) -> Self;
}

impl<Req, Resp, Not> Answered for JsonRpcMessage<Req, Resp, Not> {
    fn request(&self) -> Option<&RequestId> {
        match self {
            Self::Request(request) => Some(&request.id),
            _ => None,
        }
    }

    fn failed(error: ErrorData, id: RequestId) -> Self {
        Self::error(error, Some(id))
    }
}

struct Reading<R: ServiceRole> {
    peer: Peer,
    most: usize,
    sender: mpsc::Sender<RxJsonRpcMessage<R>>,
    write: Writer,
    open: Open,
    ended: Ended,
}

/// One line.
enum Line {
    Whole,
    TooLong,
    End,
}

impl<R: ServiceRole> Reading<R>
where
    RxJsonRpcMessage<R>: serde::de::DeserializeOwned + Answered,
    TxJsonRpcMessage<R>: serde::Serialize,
{
    async fn run(self, mut read: impl AsyncBufRead + Unpin) {
        let mut line = Vec::new();
        loop {
            line.clear();
            let kept = match next(&mut read, &mut line, self.most, self.peer).await {
                Ok(Line::Whole) => self.line(&line).await,
                Ok(Line::TooLong) => self.refused(Refusal::TooLarge(self.most), None).await,
                Ok(Line::End) => return self.ended.set("it closed its output"),
                Err(error) => return self.ended.set(format!("it cannot be read: {error}")),
            };
            if !kept {
                return;
            }
        }
    }

    /// False: the connection ends.
    async fn line(&self, line: &[u8]) -> bool {
        let line = line.trim_ascii();
        if line.is_empty() {
            return true;
        }
        let looked = match self.peer {
            Peer::Client => exact::message(line),
            Peer::Server => exact::answer(line),
        };
        if let Err(refusal) = looked {
            return self.refused(refusal, exact::id(line)).await;
        }
        let Ok(message) = serde_json::from_slice::<RxJsonRpcMessage<R>>(line) else {
            return self.refused(Refusal::NotMessage, exact::id(line)).await;
        };
        if self.peer == Peer::Client
            && let Some(id) = message.request()
            && !locked(&self.open).insert(id.clone())
        {
            // An answer with this id would be taken for that of the first request.
            return self.refused(Refusal::DuplicateId, None).await;
        }
        if let JsonRpcMessage::Notification(notification) = &message
            && let Some(cancelled) = R::peer_cancelled_params(&notification.notification)
            && let Some(id) = &cancelled.request_id
        {
            // It will have no answer.
            locked(&self.open).remove(id);
        }
        self.sender.send(message).await.is_ok()
    }

    async fn refused(&self, refusal: Refusal, id: Option<RequestId>) -> bool {
        match (self.peer, refusal) {
            (Peer::Client, refusal) => {
                tracing::warn!(%refusal, "a message of the client is refused");
                let answer = TxJsonRpcMessage::<R>::error(refusal.error(), id);
                self.write.send(&answer).await.is_ok()
            }
            (Peer::Server, refusal @ Refusal::TooLarge(_)) => {
                self.ended.set(refusal.to_string());
                false
            }
            (Peer::Server, refusal) => {
                tracing::warn!(%refusal, "what a server sent is not passed on");
                match id {
                    None => true,
                    Some(id) => {
                        let failed = RxJsonRpcMessage::<R>::failed(refusal.error(), id);
                        self.sender.send(failed).await.is_ok()
                    }
                }
            }
        }
    }
}

/// Reads a line of at most `most` bytes. Of a longer one nothing is kept; a client's is read to its end, a server's is not.
async fn next(
    read: &mut (impl AsyncBufRead + Unpin),
    line: &mut Vec<u8>,
    most: usize,
    peer: Peer,
) -> io::Result<Line> {
    let mut is_long = false;
    loop {
        let available = read.fill_buf().await?;
        if available.is_empty() {
            return Ok(Line::End);
        }
        let end = available.iter().position(|byte| *byte == b'\n');
        let take = end.unwrap_or(available.len());
        is_long |= line.len().saturating_add(take) > most;
        if is_long {
            line.clear();
            if peer == Peer::Server {
                return Ok(Line::TooLong);
            }
        } else {
            line.extend(available.iter().take(take));
        }
        read.consume(end.map_or(take, |end| end + 1));
        if end.is_some() {
            return Ok(if is_long { Line::TooLong } else { Line::Whole });
        }
    }
}
