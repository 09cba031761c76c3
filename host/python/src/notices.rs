//! What the host tells the operator, kept until Python takes it over into `logging`.
//!
//! It is not handed over at once: that would need the interpreter, within code that may hold a lock.

use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use hexgate_base::guarded::locked;
use pyo3::prelude::*;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// More than this many wait for nobody.
const MOST: usize = 1000;

static WAITING: Mutex<VecDeque<(i32, String, String)>> = Mutex::new(VecDeque::new());
static ANY: AtomicBool = AtomicBool::new(false);
static LOST: AtomicU64 = AtomicU64::new(0);

/// From now on events of the host are kept.
pub(crate) fn listen() {
    // A second one in a process is not needed.
    let _ = tracing::subscriber::set_global_default(Keeper);
}

/// Those since the last time: level of `logging`, where from, what. Empty most of the time.
#[pyfunction]
pub(crate) fn notices(py: Python<'_>) -> Vec<(i32, String, String)> {
    if !ANY.load(Ordering::Acquire) {
        return Vec::new();
    }
    py.detach(|| {
        let mut waiting = locked(&WAITING);
        ANY.store(false, Ordering::Release);
        waiting.drain(..).collect()
    })
}

/// How many were lost because nobody took them.
#[pyfunction]
pub(crate) fn notices_lost() -> u64 {
    LOST.load(Ordering::Relaxed)
}

struct Keeper;

impl Subscriber for Keeper {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::INFO && metadata.target().starts_with("hexgate")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        let level = match *event.metadata().level() {
            Level::ERROR => 40,
            Level::WARN => 30,
            _ => 20,
        };
        let mut waiting = locked(&WAITING);
        if waiting.len() >= MOST {
            waiting.pop_front();
            LOST.fetch_add(1, Ordering::Relaxed);
        }
        let target = event.metadata().target().to_owned();
        waiting.push_back((level, target, line.message + &line.fields));
        ANY.store(true, Ordering::Release);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a text cannot fail.
        let _ = if field.name() == "message" {
            write!(self.message, "{value:?}")
        } else {
            write!(self.fields, " {}={value:?}", field.name())
        };
    }
}
