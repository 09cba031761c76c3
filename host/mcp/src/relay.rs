//! What a server says and asks while it runs a request, handed to the task that waits for the answer, and to no other one.
//!
//! A connection to a server is shared by clients. What comes over it belongs to the request whose token it names, or on whose stream it
//! came. Where neither is known, it belongs to the one client that has requests in flight; if several have, it belongs to nobody. A server
//! may speak of a request that is over, so once several callers used a connection, such words belong to nobody at all.
#![expect(
    deprecated,
    reason = "logs and roots leave the protocol; servers of all versions that have them are served"
)]

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use hexgate_base::Digest;
use hexgate_base::guarded::locked;
use rmcp::model::{
    ErrorData, InputRequest, LoggingMessageNotificationParam, ProgressNotificationParam,
    ProgressToken, RequestId,
};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::{Mutex as AsyncMutex, mpsc, oneshot};

use crate::level::Level;

/// What waits to be taken by a request's task. What a server says beyond it is dropped, what it asks waits.
const AHEAD: usize = 64;
/// What a server can say while it runs one request. More is dropped.
const MOST: usize = 1000;
/// The largest thing that it can say, in bytes of JSON.
const MAX_BYTES: usize = 64 << 10;

/// What a server says or asks while it runs a request.
#[derive(Debug)]
pub(crate) enum Said {
    Progress(ProgressNotificationParam),
    Log(LoggingMessageNotificationParam),
    Asks(Asked),
}

/// A question of a server that waits for its answer.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) request: InputRequest,
    pub(crate) answer: oneshot::Sender<Result<Value, ErrorData>>,
}

/// What the client of a request wants to hear.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wants {
    /// Which client it is. Two are never the same.
    pub(crate) client: u64,
    /// On whose behalf it asks.
    pub(crate) caller: Digest,
    pub(crate) progress: bool,
    /// The least severe log message. None: none.
    pub(crate) logs: Option<Level>,
}

/// The requests in flight at one connection.
#[derive(Debug, Default)]
pub(crate) struct Relays {
    open: Mutex<Open>,
    /// Held while a request is sent and not yet among the open ones: nothing that it causes may be looked up meanwhile.
    pub(crate) sending: AsyncMutex<()>,
}

#[derive(Debug, Default)]
struct Open {
    entries: HashMap<RequestId, Entry>,
    opened: u64,
    /// Whose requests there ever were.
    callers: Callers,
}

#[derive(Debug, Default)]
enum Callers {
    #[default]
    None,
    One(Digest),
    Many,
}

#[derive(Debug)]
struct Entry {
    number: u64,
    token: ProgressToken,
    wants: Wants,
    /// How far it was when that was said last.
    at: Option<f64>,
    left: usize,
    sender: mpsc::Sender<Said>,
}

impl Entry {
    fn say(&mut self, said: Said) {
        if self.left == 0 {
            return;
        }
        self.left -= 1;
        if self.left == 0 {
            tracing::warn!(
                "a server says more than {MOST} things while it runs a request; the rest is dropped"
            );
        }
        // A task that does not keep up misses some.
        let _ = self.sender.try_send(said);
    }
}

impl Open {
    fn of_token(&mut self, token: &ProgressToken) -> Option<&mut Entry> {
        self.entries
            .values_mut()
            .find(|entry| entry.token == *token)
    }

    /// The last request of the one client that has any, if nobody else's were ever here.
    fn of_the_one(&mut self) -> Option<&mut Entry> {
        if matches!(self.callers, Callers::Many) {
            return None;
        }
        let mut clients = self.entries.values().map(|entry| entry.wants.client);
        let client = clients.next()?;
        if !clients.all(|other| other == client) {
            return None;
        }
        self.entries.values_mut().max_by_key(|entry| entry.number)
    }
}

impl Relays {
    fn open(&self) -> MutexGuard<'_, Open> {
        locked(&self.open)
    }

    /// Notes a request that was sent. What the server says and asks comes out of the receiver.
    pub(crate) fn opened(
        &self,
        id: RequestId,
        token: ProgressToken,
        wants: Wants,
    ) -> mpsc::Receiver<Said> {
        let (sender, receiver) = mpsc::channel(AHEAD);
        let mut open = self.open();
        open.opened += 1;
        open.callers = match open.callers {
            Callers::None => Callers::One(wants.caller),
            Callers::One(caller) if caller == wants.caller => Callers::One(caller),
            Callers::One(_) | Callers::Many => Callers::Many,
        };
        let entry = Entry {
            number: open.opened,
            token,
            wants,
            at: None,
            left: MOST,
            sender,
        };
        open.entries.insert(id, entry);
        receiver
    }

    pub(crate) fn closed(&self, id: &RequestId) {
        self.open().entries.remove(id);
    }

    /// The server says how far a request is.
    pub(crate) async fn progress(&self, said: ProgressNotificationParam) {
        if !is_small(&said) {
            return;
        }
        drop(self.sending.lock().await);
        let mut open = self.open();
        let Some(entry) = open.of_token(&said.progress_token) else {
            tracing::debug!("a server names a token of no request in flight");
            return;
        };
        // It only grows; what is out of order says nothing.
        let grows = said.progress.is_finite() && entry.at.is_none_or(|at| said.progress > at);
        if entry.wants.progress && grows {
            entry.at = Some(said.progress);
            entry.say(Said::Progress(said));
        }
    }

    /// The server logs something.
    pub(crate) async fn log(&self, said: LoggingMessageNotificationParam) {
        if !is_small(&said) {
            return;
        }
        drop(self.sending.lock().await);
        let mut open = self.open();
        let Some(entry) = open.of_the_one() else {
            tracing::debug!("a log message of a server belongs to no one client");
            return;
        };
        let is_wanted = entry
            .wants
            .logs
            .is_some_and(|least| Level::from(said.level) >= least);
        if is_wanted {
            entry.say(Said::Log(said));
        }
    }

    /// The server asks for input. `stream`: the request on whose stream it came, where streams tell.
    pub(crate) async fn ask(
        &self,
        stream: Option<&RequestId>,
        request: InputRequest,
    ) -> Result<Value, ErrorData> {
        let many = || {
            ErrorData::invalid_request(
                "[too_many] the question is too large, or too many wait for the client",
                None,
            )
        };
        if !is_small(&request) {
            return Err(many());
        }
        drop(self.sending.lock().await);
        let sender = {
            let mut open = self.open();
            let entry = match stream {
                Some(id) => open.entries.get_mut(id),
                None => open.of_the_one(),
            };
            match entry {
                Some(entry) if entry.left == 0 => return Err(many()),
                Some(entry) => {
                    entry.left -= 1;
                    Some(entry.sender.clone())
                }
                None => None,
            }
        };
        let nobody = || {
            ErrorData::invalid_request(
                "[no_request] nothing in flight caused this question, or several clients could have",
                None,
            )
        };
        let sender = sender.ok_or_else(nobody)?;
        let (answer, answered) = oneshot::channel();
        let asked = Said::Asks(Asked { request, answer });
        sender.try_send(asked).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => many(),
            mpsc::error::TrySendError::Closed(_) => nobody(),
        })?;
        answered.await.unwrap_or_else(|_| {
            Err(ErrorData::invalid_request(
                "[ended] the request that caused this question is over",
                None,
            ))
        })
    }
}

fn is_small(said: &impl Serialize) -> bool {
    let is_small = serde_json::to_vec(said).is_ok_and(|text| text.len() <= MAX_BYTES);
    if !is_small {
        tracing::warn!(
            "what a server says while it runs a request has more than {MAX_BYTES} bytes; it is dropped"
        );
    }
    is_small
}

#[cfg(test)]
mod tests {
    use super::*;
    use rmcp::model::NumberOrString;
    use serde_json::json;

    fn wants(client: u64) -> Wants {
        Wants {
            client,
            caller: Digest::of(b"alice"),
            progress: true,
            logs: Some(Level::Info),
        }
    }

    fn token(number: i64) -> ProgressToken {
        ProgressToken(NumberOrString::Number(number))
    }

    fn open(relays: &Relays, number: i64, client: u64) -> mpsc::Receiver<Said> {
        relays.opened(RequestId::Number(number), token(number), wants(client))
    }

    fn log(level: &str) -> LoggingMessageNotificationParam {
        serde_json::from_value(json!({"level": level, "data": "x"})).unwrap()
    }

    #[tokio::test]
    async fn progress_goes_to_the_request_of_its_token_alone() {
        let relays = Relays::default();
        let (mut one, mut two) = (open(&relays, 1, 1), open(&relays, 2, 2));
        for (number, progress) in [(2, 1.0), (3, 1.0), (2, 0.5), (2, f64::NAN), (2, 2.0)] {
            let said = ProgressNotificationParam::new(token(number), progress);
            relays.progress(said).await;
        }
        assert!(one.try_recv().is_err());
        for expected in [1.0, 2.0] {
            let Ok(Said::Progress(said)) = two.try_recv() else {
                panic!()
            };
            assert_eq!(said.progress, expected);
        }
        assert!(two.try_recv().is_err());
    }

    #[tokio::test]
    async fn a_log_message_goes_to_the_one_client_or_to_nobody() {
        let relays = Relays::default();
        let (mut one, mut two) = (open(&relays, 1, 1), open(&relays, 2, 1));
        relays.log(log("debug")).await;
        relays.log(log("error")).await;
        assert!(one.try_recv().is_err() && two.try_recv().is_ok() && two.try_recv().is_err());
        let mut other = open(&relays, 3, 2);
        relays.log(log("error")).await;
        assert!(two.try_recv().is_err() && other.try_recv().is_err());
        relays.closed(&RequestId::Number(3));
        relays.log(log("error")).await;
        assert!(two.try_recv().is_ok());
        // What a server says late of a request of another caller goes to nobody.
        let stranger = Wants {
            caller: Digest::of(b"bob"),
            ..wants(3)
        };
        let id = RequestId::Number(4);
        drop(relays.opened(id.clone(), token(4), stranger));
        relays.closed(&id);
        relays.log(log("error")).await;
        assert!(two.try_recv().is_err());
    }

    #[tokio::test]
    async fn a_question_goes_to_the_request_of_its_stream_or_of_the_one_client() {
        let relays = std::sync::Arc::new(Relays::default());
        let mut one = open(&relays, 1, 1);
        let two = open(&relays, 2, 2);
        let roots = || InputRequest::ListRoots(Default::default());
        let nobody = relays.ask(None, roots()).await.unwrap_err();
        assert!(nobody.message.starts_with("[no_request]"));
        assert!(
            relays
                .ask(Some(&RequestId::Number(9)), roots())
                .await
                .is_err()
        );
        let asking = tokio::spawn({
            let relays = std::sync::Arc::clone(&relays);
            async move { relays.ask(Some(&RequestId::Number(1)), roots()).await }
        });
        let Some(Said::Asks(asked)) = one.recv().await else {
            panic!()
        };
        asked.answer.send(Ok(json!(7))).unwrap();
        assert_eq!(asking.await.unwrap(), Ok(json!(7)));
        drop(two);
        let gone = relays.ask(Some(&RequestId::Number(2)), roots()).await;
        assert!(gone.is_err());
    }

    #[tokio::test]
    async fn a_flood_ends() {
        let relays = Relays::default();
        let mut one = open(&relays, 1, 1);
        let mut heard = 0;
        for _ in 0..MOST + 500 {
            relays.log(log("error")).await;
            heard += usize::from(one.try_recv().is_ok());
        }
        assert_eq!(heard, MOST);
        let mut two = open(&relays, 2, 1);
        for _ in 0..AHEAD + 5 {
            relays.log(log("error")).await;
        }
        let waiting = std::iter::from_fn(|| two.try_recv().ok()).count();
        assert_eq!(waiting, AHEAD);
        let mut large = log("error");
        large.data = json!("x".repeat(MAX_BYTES));
        relays.log(large).await;
        assert!(two.try_recv().is_err());
    }
}
