//! The table of what passes where, in Markdown.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::coverage::{Coverage, Result};
use crate::driver::{Aspect, Uncovered};
use crate::scenario::Scenario;

/// A table for each section, a row for each scenario, a column for each host, and below them why something does not hold.
#[must_use]
pub fn table(scenarios: &[Scenario], hosts: &[Coverage]) -> String {
    let mut page = String::new();
    let mut sections: Vec<&str> = Vec::new();
    for scenario in scenarios {
        if !sections.contains(&scenario.section.as_str()) {
            sections.push(&scenario.section);
        }
    }
    sections.sort_unstable();
    for section in sections {
        let _ = write!(page, "### {section}\n\n|");
        for host in hosts {
            let _ = write!(page, " | {}", host.title);
        }
        let _ = write!(page, " |\n|---|{}\n", "---|".repeat(hosts.len()));
        for scenario in scenarios.iter().filter(|it| it.section == section) {
            let _ = write!(page, "| {} (`{}`)", scenario.behaviour, scenario.name);
            for host in hosts {
                let _ = write!(page, " | {}", mark(host.scenarios.get(&scenario.name)));
            }
            page.push_str(" |\n");
        }
        page.push('\n');
    }
    for host in hosts {
        let _ = write!(page, "### {}: what is not covered\n\n", host.title);
        let reasons = reasons(host);
        for ((what, reason), names) in &reasons {
            let _ = writeln!(page, "- {what}: {reason} (`{}`)", names.join("`, `"));
        }
        for ungated in &host.ungated {
            let _ = writeln!(
                page,
                "- **Beside the gate**: {}: {}",
                ungated.name, ungated.reason
            );
        }
        if reasons.is_empty() && host.ungated.is_empty() {
            page.push_str("Nothing.\n");
        }
        page.push('\n');
    }
    page
}

/// The scenarios of a host that do not hold, by what that means and why.
fn reasons(host: &Coverage) -> BTreeMap<(String, &str), Vec<&str>> {
    let mut reasons = BTreeMap::<_, Vec<&str>>::new();
    for (name, result) in &host.scenarios {
        let why = match result {
            Result::Passes => continue,
            Result::Uncovered(uncovered) => {
                let what = match uncovered {
                    Uncovered::Absent(_) => "Does not occur".to_owned(),
                    Uncovered::Open(_) => "**Does not hold**".to_owned(),
                    Uncovered::OpenIn(aspects, _) => {
                        let names: Vec<&str> = aspects.iter().map(|it| name_of(*it)).collect();
                        format!("**Does not hold** in {}", names.join(", "))
                    }
                };
                (what, uncovered.reason())
            }
        };
        reasons.entry(why).or_default().push(name);
    }
    reasons
}

fn mark(result: Option<&Result>) -> &'static str {
    match result {
        None => "not played",
        Some(Result::Passes) => "✓",
        Some(Result::Uncovered(Uncovered::Absent(_))) => "–",
        Some(Result::Uncovered(_)) => "**open**",
    }
}

fn name_of(aspect: Aspect) -> &'static str {
    match aspect {
        Aspect::Ran => "what runs",
        Aspect::Read => "what the model reads",
        Aspect::Records => "the record",
        Aspect::Asked => "what people are asked",
        Aspect::Named => "what it says of itself",
        Aspect::Begins => "whether it begins",
    }
}
