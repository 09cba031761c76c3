//! An answer while it comes.

use std::collections::VecDeque;
use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use ::genai::chat::ChatStream;
use futures_core::Stream;
use tokio::time::{Instant, Sleep};
use tracing::subscriber::{NoSubscriber, with_default};

use super::failure::Who;
use super::frames::Frames;
use super::read::Reader;
use crate::model::{Delta, ModelError, ModelErrorKind, ModelSettings};

/// An answer while it comes. It ends with [`Delta::End`] or with an error.
pub(super) struct Answer {
    stream: ChatStream,
    frames: Arc<Frames>,
    reader: Box<dyn Reader>,
    who: Arc<Who>,
    ready: VecDeque<Result<Delta, ModelError>>,
    done: bool,
    /// Whether a piece has come.
    began: bool,
    /// When the next piece is late.
    next: Pin<Box<Sleep>>,
    /// When the whole answer is late.
    whole: Pin<Box<Sleep>>,
    idle: Duration,
}

impl Answer {
    pub(super) fn new(
        stream: ChatStream,
        frames: Arc<Frames>,
        reader: Box<dyn Reader>,
        settings: &ModelSettings,
        who: Arc<Who>,
    ) -> Self {
        Self {
            stream,
            frames,
            reader,
            who,
            ready: VecDeque::new(),
            done: false,
            began: false,
            next: Box::pin(tokio::time::sleep(settings.first_timeout)),
            whole: Box::pin(tokio::time::sleep(settings.answer_timeout)),
            idle: settings.idle_timeout,
        }
    }

    /// Reads what has come. Whether something has.
    fn read(&mut self) -> bool {
        let (frames, too_many) = self.frames.take();
        let came = !frames.is_empty();
        for frame in frames {
            self.began = true;
            if self.done {
                break;
            }
            let mut deltas = Vec::new();
            let read = self
                .reader
                .frame(frame.event.as_deref(), &frame.data, &mut deltas);
            for delta in deltas {
                self.push(Ok(delta));
            }
            if let Err(broken) = read {
                let error = self.who.broken(broken);
                self.push(Err(error));
            }
        }
        if too_many {
            self.fail(
                ModelErrorKind::Garbage,
                "sends more than an answer may have; raise `max_answer_bytes` if it is meant",
            );
        }
        if came {
            self.next.as_mut().reset(Instant::now() + self.idle);
        }
        came
    }

    fn push(&mut self, item: Result<Delta, ModelError>) {
        if self.done {
            return;
        }
        self.done = matches!(item, Err(_) | Ok(Delta::End { .. }));
        self.ready.push_back(item);
    }

    fn fail(&mut self, kind: ModelErrorKind, what: &str) {
        let error = ModelError::new(kind, self.who.says(what));
        self.push(Err(error));
    }

    /// The connection is at its end.
    fn close(&mut self) {
        if self.done {
            return;
        }
        match self.reader.close() {
            Some(deltas) => deltas.into_iter().for_each(|delta| self.push(Ok(delta))),
            None if self.began => {
                let error = self.who.broke_off();
                self.push(Err(error));
            }
            None => self.fail(
                ModelErrorKind::Garbage,
                "answers with something that is no stream of events; is the address right?",
            ),
        }
    }

    fn late(&mut self, context: &mut Context<'_>) -> bool {
        if self.whole.as_mut().poll(context).is_ready() {
            let kind = match self.began {
                true => ModelErrorKind::Interrupted,
                false => ModelErrorKind::Unavailable,
            };
            self.fail(kind, "took longer than a whole answer may take");
        } else if self.next.as_mut().poll(context).is_ready() {
            match self.began {
                true => self.fail(
                    ModelErrorKind::Interrupted,
                    "sent no whole piece of the answer in time",
                ),
                false => self.fail(
                    ModelErrorKind::Unavailable,
                    "did not begin to answer in time",
                ),
            }
        }
        self.done
    }
}

impl Stream for Answer {
    type Item = Result<Delta, ModelError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if let Some(item) = this.ready.pop_front() {
                return Poll::Ready(Some(item));
            }
            if this.done {
                return Poll::Ready(None);
            }
            // The client tells logs what providers send: texts of the model, and in errors perhaps the key. Nobody is listening.
            let stream = Pin::new(&mut this.stream);
            let polled = with_default(NoSubscriber::default(), || stream.poll_next(context));
            // What came with this step comes before what the step says.
            let came = this.read();
            match polled {
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(Some(Err(error))) => {
                    if let Some(error) = this.who.fatal(&error, this.began) {
                        this.push(Err(error));
                    }
                }
                Poll::Ready(None) => this.close(),
                Poll::Pending if came || this.done || this.late(context) => {}
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}
