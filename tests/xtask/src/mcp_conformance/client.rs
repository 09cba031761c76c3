//! The suite as a server: of a client of its own, and of the gateway behind which that client then is.

use std::fs;

use anyhow::{Context, Result, ensure};

use super::{
    REVISIONS, Side,
    outcome::{Outcomes, Status},
    page::{Section, Table},
    suite::Suite,
};
use crate::workspace;

/// The client. It starts the gateway by itself, as clients do.
pub(super) const FIXTURE: &str = "mcp-conformance-client";
/// The check that stands for what the suite says of a scenario as a whole: a warning counts, and a client that fails where it is not to.
const VERDICT: &str = "verdict";

pub(super) fn run(suite: &Suite) -> Result<Section> {
    let mut section = Section::default();
    for revision in REVISIONS {
        let requirements = suite.requirements(revision)?;
        let all = requirements.all(Side::Client);
        let way = |way: &str| {
            let client = workspace::binary(FIXTURE);
            let client = client.to_str().context("the folder has a strange name")?;
            ensure!(
                !client.contains(' '),
                "the suite cannot run `{client}`, because of the blank in it"
            );
            let (name, command) = (format!("client-{way}"), format!("{client} {way}"));
            let connected = ["--command", &command];
            let mut outcomes = suite.run(Side::Client, revision, &all, &connected, &name)?;
            add_verdicts(&mut outcomes, &Suite::log(&name, revision))?;
            Ok::<_, anyhow::Error>(outcomes)
        };
        let (direct, through) = (way("direct")?, way("gateway")?);
        section.tables.push(Table::of(
            revision,
            format!("Client, {revision}"),
            requirements.required(Side::Client).len(),
            &all,
            [&direct, &through],
        ));
    }
    Ok(section)
}

/// Adds what the suite says of each scenario in the end: `✓ NAME: ...` or `✗ NAME: ...`.
fn add_verdicts(outcomes: &mut Outcomes, log: &std::path::Path) -> Result<()> {
    let said = fs::read_to_string(log)?;
    for (scenario, outcome) in outcomes {
        let verdict = said.lines().find_map(|line| {
            let (mark, rest) = line.split_once(' ')?;
            let is_of = rest
                .strip_prefix(scenario.as_str())
                .is_some_and(|rest| rest.starts_with(':'));
            is_of.then_some(mark)
        });
        let status = match verdict {
            Some("✓") => Status::Success,
            _ => Status::Failure,
        };
        outcome.insert(VERDICT, status);
    }
    Ok(())
}
