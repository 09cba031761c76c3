//! A decision in steps, so that Python can wait for people and for other calls in its own way.
//!
//! The host's future is polled where it is asked for. It waits in two places alone: for the answer of Python, which the desk below asks, and for the calls
//! of the same run that are decided before this one. So it needs no runtime of its own, and works under any event loop and under none.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use hexgate_base::guarded::locked;
use hexgate_enforce as enforce;
use hexgate_enforce::{Answer, AnswerFuture, ApprovalError, ApprovalHandler, Caller, scope};
use hexgate_gate::{Counts, Permitted, Refused};
use pyo3::prelude::*;
use tokio::sync::oneshot;

use crate::decision::Decision;
use crate::fault::Fault;
use crate::here::Here;
use crate::permit::Permit;

tokio::task_local! {
    static SLOT: Arc<Slot>;
}

/// What a decision has for Python.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    question: Mutex<Option<enforce::Decision>>,
    answer: Mutex<Option<oneshot::Sender<Result<Answer, String>>>>,
    seen: Mutex<Vec<enforce::Decision>>,
}

impl Slot {
    /// Runs what decides with this slot at hand, on behalf of a caller.
    pub(crate) fn within<R>(
        self: &Arc<Self>,
        caller: Option<&Caller>,
        run: impl FnOnce() -> R,
    ) -> R {
        SLOT.sync_scope(self.clone(), || match caller {
            Some(caller) => scope::sync_scope(caller, run),
            None => run(),
        })
    }

    /// The decisions that were made, in order.
    pub(crate) fn take_seen(&self) -> Vec<enforce::Decision> {
        std::mem::take(&mut *locked(&self.seen))
    }
}

/// Keeps decisions for the observers in Python, which are told when the interpreter is there again.
pub(crate) fn see(decision: &enforce::Decision) {
    // Outside of a slot nobody in Python waits for it.
    let _ = SLOT.try_with(|slot| locked(&slot.seen).push(decision.clone()));
}

/// Asks Python, which asks a person.
#[derive(Debug)]
pub(crate) struct Desk;

impl ApprovalHandler for Desk {
    fn ask(&self, _: &enforce::Decision) -> Result<Answer, ApprovalError> {
        Err("people are asked in steps".into())
    }

    fn ask_async<'a>(&'a self, decision: &'a enforce::Decision) -> AnswerFuture<'a> {
        let waiting = SLOT.try_with(|slot| {
            let (answer, waiting) = oneshot::channel();
            *locked(&slot.question) = Some(decision.clone());
            *locked(&slot.answer) = Some(answer);
            waiting
        });
        Box::pin(async move {
            let answered = waiting.map_err(|_| "nobody waits for the answer")?.await;
            Ok(answered.map_err(|_| "the answer was lost")??)
        })
    }
}

/// The counts of a run: the facts `run.*` of a policy.
#[pyclass(frozen, module = "hexgate_host._native")]
#[derive(Debug)]
pub(crate) struct Run(pub(crate) Here<Counts>, String);

#[pymethods]
impl Run {
    #[new]
    fn new(id: String) -> Self {
        Self(Here::new(Counts::new(id.clone())), id)
    }

    #[getter]
    fn id(&self) -> &str {
        &self.1
    }
}

type Deciding = Pin<Box<dyn Future<Output = Result<Option<Permitted>, Refused>> + Send>>;

/// One call on its way to a permission.
#[pyclass(frozen, module = "hexgate_host._native")]
pub(crate) struct Authorization {
    deciding: Here<Mutex<Option<Deciding>>>,
    caller: Option<Caller>,
    slot: Arc<Slot>,
}

impl std::fmt::Debug for Authorization {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authorization").finish_non_exhaustive()
    }
}

struct Wakes(Py<PyAny>);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        // The call before this one has ended, maybe in another thread. If the interpreter is about to end, nobody waits.
        Python::try_attach(|py| {
            if let Err(error) = self.0.call0(py) {
                error.write_unraisable(py, None);
            }
        });
    }
}

/// How a step ended.
enum Step {
    Waits,
    Asks(Box<enforce::Decision>),
    Permitted(Option<Permitted>),
    Refused(Refused),
}

impl Authorization {
    pub(crate) fn new(
        caller: Option<Caller>,
        deciding: impl Future<Output = Result<Option<Permitted>, Refused>> + Send + 'static,
    ) -> Self {
        Self {
            deciding: Here::new(Mutex::new(Some(Box::pin(deciding)))),
            caller,
            slot: Arc::default(),
        }
    }

    fn poll(&self, waker: &Waker) -> Result<Step, Fault> {
        let mut place = locked(self.deciding.get()?);
        let Some(deciding) = place.as_mut() else {
            return Err(Fault::used());
        };
        let polled = self.slot.within(self.caller.as_ref(), || {
            deciding.as_mut().poll(&mut Context::from_waker(waker))
        });
        let step = match polled {
            Poll::Pending => match locked(&self.slot.question).take() {
                Some(decision) => Step::Asks(Box::new(decision)),
                None => Step::Waits,
            },
            Poll::Ready(Ok(permitted)) => Step::Permitted(permitted),
            Poll::Ready(Err(refused)) => Step::Refused(refused),
        };
        if !matches!(step, Step::Waits | Step::Asks(_)) {
            *place = None;
        }
        Ok(step)
    }

    fn answer(&self, answer: Result<Answer, String>) -> PyResult<()> {
        self.deciding.get()?;
        let sender = locked(&self.slot.answer).take();
        match sender {
            // Nobody waits any more: nothing is permitted then.
            Some(sender) => drop(sender.send(answer)),
            None => return Err(Fault::used().into()),
        }
        Ok(())
    }
}

#[pymethods]
impl Authorization {
    /// Goes on as far as possible. Gives `("waits", None)`, and calls `wake` once it can go on; `("asks", Decision)`, and wants an answer; `("permitted",
    /// Permit or None)`; `("refused", (what the model reads, Decision or None))`.
    fn step(&self, py: Python<'_>, wake: Py<PyAny>) -> PyResult<(&'static str, Py<PyAny>)> {
        let waker = Waker::from(Arc::new(Wakes(wake)));
        let step = py.detach(|| self.poll(&waker))?;
        Ok(match step {
            Step::Waits => ("waits", py.None()),
            Step::Asks(decision) => ("asks", Py::new(py, Decision::new(*decision))?.into_any()),
            Step::Permitted(None) => ("permitted", py.None()),
            Step::Permitted(Some(permitted)) => {
                let permit = Permit::new(py, permitted)?;
                ("permitted", Py::new(py, permit)?.into_any())
            }
            Step::Refused(refused) => {
                let refusal = refusal_of(py, refused)?;
                ("refused", refusal.into_pyobject(py)?.into_any().unbind())
            }
        })
    }

    /// A person agreed.
    #[pyo3(signature = (by, reason=None))]
    fn approve(&self, by: String, reason: Option<String>) -> PyResult<()> {
        self.answer(Ok(Answer::Approved {
            by,
            reason,
            request: None,
        }))
    }

    /// A person did not agree.
    fn deny(&self, reason: String) -> PyResult<()> {
        self.answer(Ok(Answer::Denied { reason }))
    }

    /// Nobody could be asked.
    fn fail(&self, reason: String) -> PyResult<()> {
        self.answer(Err(reason))
    }

    /// The decisions that were made since the last time, for observers.
    fn seen(&self, py: Python<'_>) -> PyResult<Vec<Py<Decision>>> {
        seen(py, &self.slot)
    }

    /// Ends it where it is: nothing is permitted.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let place = self.deciding.get()?;
        py.detach(|| {
            let deciding = locked(place).take();
            drop(deciding);
        });
        Ok(())
    }
}

pub(crate) fn seen(py: Python<'_>, slot: &Slot) -> PyResult<Vec<Py<Decision>>> {
    let seen = slot.take_seen().into_iter();
    seen.map(|it| Py::new(py, Decision::new(it))).collect()
}

/// What the model reads, and the decision.
pub(crate) fn refusal_of(
    py: Python<'_>,
    refused: Refused,
) -> PyResult<(String, Option<Py<Decision>>)> {
    let decision = refused
        .decision
        .map(|decision| Py::new(py, Decision::new(*decision)))
        .transpose()?;
    Ok((refused.message, decision))
}
