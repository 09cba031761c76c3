//! Warnings of a program that serves, on the standard error. The standard output can be a protocol's.

use std::fmt::{self, Write as _};
use std::io::Write as _;

use hexgate_base::harmless;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Writes warnings and errors of hexgate, a line each.
#[derive(Debug)]
pub struct Warnings;

impl Subscriber for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // Libraries' own lines can hold what passes through them.
        metadata.is_event()
            && *metadata.level() <= Level::WARN
            && metadata.target().starts_with("hexgate")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        let text = format!("[hexgate] {}{}", line.message, line.fields);
        // If the standard error is closed there is no place to report that.
        let _ = writeln!(std::io::stderr(), "{}", harmless(&text));
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
        let _ = if field.name() == "message" {
            write!(self.message, "{value:?}")
        } else {
            write!(self.fields, " {}={value:?}", field.name())
        };
    }
}

/// A line for the operator.
pub fn say(line: &str) {
    // If the standard error is closed there is no place to report that.
    let _ = writeln!(std::io::stderr(), "{line}");
}
