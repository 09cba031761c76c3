//! The events of a run, one by one.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use crate::event::Event;
use crate::outcome::{Ended, RunError, RunOutcome};
use crate::run::{Parts, Sink};

type Going<'a> = Pin<Box<dyn Future<Output = RunOutcome> + Send + 'a>>;

/// The events of a run. The run goes on while they are polled, and only then: a reader that is slow slows the run. Dropping them cancels it.
#[must_use = "a run goes on while its events are polled"]
pub struct Events<'a> {
    sink: Sink,
    /// None: it has ended.
    going: Option<Going<'a>>,
    outcome: Option<RunOutcome>,
}

impl<'a> Events<'a> {
    pub(super) fn new(parts: &Parts, begin: impl FnOnce(Sink) -> Going<'a>) -> Self {
        let sink = Sink::new(&parts.observers, true);
        Self {
            going: Some(begin(sink.clone())),
            sink,
            outcome: None,
        }
    }

    /// The next event. None: the run has ended.
    pub async fn next(&mut self) -> Option<Event> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    /// What came of the run. None: it has not ended.
    #[must_use]
    pub fn outcome(&self) -> Option<&RunOutcome> {
        self.outcome.as_ref()
    }

    /// What comes of the run. Events that nobody read are passed over.
    ///
    /// # Errors
    ///
    /// There is no answer.
    pub async fn finish(mut self) -> Result<RunOutcome, RunError> {
        while self.next().await.is_some() {}
        let outcome = self.outcome.take();
        // INVARIANT: the stream ends with the outcome.
        outcome.unwrap_or_else(RunOutcome::none).answered()
    }
}

impl Stream for Events<'_> {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        loop {
            if let Some(event) = self.sink.next() {
                return Poll::Ready(Some(event));
            }
            let Some(going) = &mut self.going else {
                return Poll::Ready(None);
            };
            match going.as_mut().poll(context) {
                Poll::Ready(outcome) => {
                    self.going = None;
                    self.outcome = Some(outcome);
                }
                // Something that happened meanwhile on another thread may have woken nobody.
                Poll::Pending if self.sink.waits(context.waker()) => return Poll::Pending,
                Poll::Pending => {}
            }
        }
    }
}

impl fmt::Debug for Events<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events")
            .field("outcome", &self.outcome)
            .finish_non_exhaustive()
    }
}

impl RunOutcome {
    fn none() -> Self {
        Self {
            run_id: String::new(),
            agent: String::new(),
            message: String::new(),
            ended: Ended::Cancelled,
            usage: crate::model::Usage::default(),
            tool_calls: 0,
            denials: 0,
            conversation: None,
        }
    }
}
