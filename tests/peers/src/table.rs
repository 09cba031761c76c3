//! The numbers as Markdown.

use std::fmt::Write as _;

use anyhow::{Context, Result};

use crate::{
    call::{ALLOWED, DENIED},
    measure::Samples,
    module::Parts,
    peer::Peer,
};

/// An engine and what was measured of it.
pub(crate) struct Row {
    pub(crate) peer: Box<dyn Peer>,
    what: &'static str,
    allowed: Samples,
    denied: Samples,
    evaluation: Samples,
}

impl Row {
    pub(crate) fn of(peer: Box<dyn Peer>, what: &'static str) -> Self {
        Self {
            peer,
            what,
            allowed: Samples::default(),
            denied: Samples::default(),
            evaluation: Samples::default(),
        }
    }

    /// Times each kind of call.
    pub(crate) fn turn(&mut self) {
        self.allowed.turn(|| self.peer.decide(&ALLOWED));
        self.denied.turn(|| self.peer.decide(&DENIED));
        if let Some(mut evaluation) = self.peer.evaluation(&ALLOWED) {
            self.evaluation.turn(&mut evaluation);
        }
    }
}

/// All engines side by side. The first row is what the others are compared with.
pub(crate) fn peers(rows: &[Row], opa: &str, by_opa: &[Samples; 2]) -> Result<String> {
    let unit = rows
        .first()
        .and_then(|row| row.allowed.median())
        .context("nothing was measured")?;
    let mut out = "| engine | what is timed | allowed | × | denied | allowed, input read before |\n|---|---|---|---|---|---|\n".to_owned();
    for row in rows {
        let allowed = row.allowed.median().context("nothing was measured")?;
        writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} |",
            row.peer.name(),
            row.what,
            time(Some(allowed)),
            ratio(allowed / unit),
            time(row.denied.median()),
            time(row.evaluation.median()),
        )?;
    }
    let allowed = by_opa[0].median().context("OPA was not measured")?;
    writeln!(
        out,
        "| OPA {opa}, `opa bench` | evaluation alone, in OPA's process, no sandbox | | {} | | {} (denied: {}) |",
        ratio(allowed / unit),
        time(Some(allowed)),
        time(by_opa[1].median()),
    )?;
    Ok(out)
}

/// What the Rego component spends its time on.
pub(crate) fn shares(rows: &[Row], fresh: &Samples, parts: &Parts) -> Result<String> {
    let median = |samples: &Samples| samples.median().context("nothing was measured");
    let of = |name: &str| {
        let row = rows
            .iter()
            .find(|row| row.peer.name() == name)
            .context("there is no such row")?;
        median(&row.allowed)
    };
    let (whole, kept) = (
        of("hexgate, Rego component")?,
        of("the same, instance kept")?,
    );
    let fresh = median(fresh)?;
    let (read, evaluate, print) = (
        median(&parts.read)?,
        median(&parts.evaluate)?,
        median(&parts.print)?,
    );
    let mut out = "| what | time | share |\n|---|---|---|\n".to_owned();
    for (what, time_of_it) in [
        ("counting instructions", whole - fresh),
        (
            "a fresh instance: memory, tables, reading `data`",
            fresh - kept,
        ),
        ("OPA reads the input", read),
        ("OPA evaluates", evaluate),
        ("OPA prints its answer", print),
        (
            "our part: strict reader, input text, copies between memories, answer, the host's call",
            kept - read - evaluate - print,
        ),
        ("all", whole),
    ] {
        writeln!(
            out,
            "| {what} | {} | {:.0}% |",
            time(Some(time_of_it)),
            100.0 * time_of_it / whole
        )?;
    }
    Ok(out)
}

/// Nanoseconds as a reader takes them: three digits at most.
fn time(nanoseconds: Option<f64>) -> String {
    match nanoseconds {
        None => String::new(),
        Some(it) if it.abs() < 1000.0 => format!("{it:.0} ns"),
        Some(it) if it.abs() < 10_000.0 => format!("{:.1} µs", it / 1e3),
        Some(it) => format!("{:.0} µs", it / 1e3),
    }
}

fn ratio(ratio: f64) -> String {
    if ratio < 10.0 {
        format!("{ratio:.1}")
    } else {
        format!("{ratio:.0}")
    }
}
