//! The tables of `docs/mcp-conformance.md`.

use std::{env, fmt::Write as _, fs};

use anyhow::{Context, Result};

use super::{
    Side,
    outcome::{Outcome, Outcomes, Status},
};
use crate::workspace;

/// What one side comes to.
#[derive(Default)]
pub(super) struct Section {
    pub(super) tables: Vec<Table>,
}

/// One revision, the two ways side by side.
pub(super) struct Table {
    pub(super) revision: String,
    pub(super) title: String,
    /// How many of the rows are required: the first ones.
    required: usize,
    /// The scenario, what came of it directly, and through the gateway.
    pub(super) rows: Vec<(String, [Outcome; 2])>,
}

impl Table {
    /// Puts two runs of the same scenarios side by side, in this order.
    pub(super) fn of(
        revision: &str,
        title: String,
        required: usize,
        scenarios: &[String],
        [direct, gateway]: [&Outcomes; 2],
    ) -> Self {
        let find = |outcomes: &Outcomes, scenario: &String| {
            outcomes.get(scenario).cloned().unwrap_or_default()
        };
        let rows = scenarios.iter().map(|scenario| {
            let ways = [find(direct, scenario), find(gateway, scenario)];
            (scenario.clone(), ways)
        });
        Self {
            revision: revision.to_owned(),
            title,
            required,
            rows: rows.collect(),
        }
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        let required = || self.rows.iter().take(self.required);
        let direct = required().filter(|(_, [direct, _])| direct.passes());
        let gateway = required().filter(|(_, [_, gateway])| gateway.passes());
        writeln!(text, "### {}\n", self.title)?;
        writeln!(
            text,
            "Required: {} scenarios. Directly {} pass, through the gateway {}.\n",
            self.required,
            direct.count(),
            gateway.count()
        )?;
        writeln!(text, "| scenario | directly | through the gateway |")?;
        writeln!(text, "|---|---|---|")?;
        for (at, (scenario, ways)) in self.rows.iter().enumerate() {
            let mark = if at < self.required {
                ""
            } else {
                " (not required)"
            };
            let [direct, gateway] = ways.each_ref().map(said);
            writeln!(text, "| `{scenario}`{mark} | {direct} | {gateway} |")?;
        }
        writeln!(text)
    }
}

/// What came of a scenario, in numbers of checks.
fn said(outcome: &Outcome) -> String {
    let counts = [
        (Status::Success, "pass"),
        (Status::Failure, "fail"),
        (Status::Warning, "warn"),
        (Status::Skipped, "skipped"),
    ];
    let parts = counts
        .into_iter()
        .map(|(status, word)| (outcome.count(status), word))
        .filter(|(count, _)| *count > 0);
    let parts: Vec<_> = parts
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    parts.join(", ")
}

/// Compares the tables of a side with those of the page, or writes them there with `HEXGATE_BLESS`.
pub(super) fn check(side: Side, section: &Section, known: &[String]) -> Result<Option<String>> {
    let name = match side {
        Side::Server => "server",
        Side::Client => "client",
    };
    let path = workspace::root().join("docs/mcp-conformance.md");
    let page = fs::read_to_string(&path)?;
    let (begin, end) = (
        format!("<!-- {name}: written by cargo xtask mcp-conformance -->\n"),
        format!("<!-- {name}: end -->"),
    );
    let missing = || format!("docs/mcp-conformance.md has no place for the side `{name}`");
    let (before, rest) = page.split_once(&begin).with_context(missing)?;
    let (found, after) = rest.split_once(&end).with_context(missing)?;
    let mut written = String::from("\n");
    for table in &section.tables {
        table.write(&mut written)?;
    }
    if !known.is_empty() {
        writeln!(written, "What fails or differs for a known reason:\n")?;
        for line in known {
            writeln!(written, "{line}")?;
        }
        writeln!(written)?;
    }
    if found == written {
        return Ok(None);
    }
    if env::var_os("HEXGATE_BLESS").is_some() {
        fs::write(&path, format!("{before}{begin}{written}{end}{after}"))?;
        return Ok(None);
    }
    Ok(Some(
        "docs/mcp-conformance.md says otherwise; HEXGATE_BLESS=1 writes it".to_owned(),
    ))
}
