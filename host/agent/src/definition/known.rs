//! Names of tools and agents, held against those that there are.

use hexgate_compiler::diagnostic::{Diagnostic, nearest, quoted};

use super::Name;
use super::codes::{CIRCLE, UNKNOWN_AGENT, UNKNOWN_TOOL};

/// How many known names a message lists.
const LISTED: usize = 20;

/// The tools that are not known.
pub(super) fn tools(named: &[Name], known: &[&str]) -> Vec<Diagnostic> {
    let unknown = |name: &&Name| !known.contains(&name.text.as_str());
    named
        .iter()
        .filter(unknown)
        .map(|name| {
            let help = help(&name.text, known, "this program has no tools: build the agent into a program that has, or leave `tools` out");
            Diagnostic::documented(
                &UNKNOWN_TOOL,
                format!("this program has no tool {}", quoted(&name.text)),
                name.span,
                "not a tool here",
            )
            .with_help(help)
        })
        .collect()
}

/// The agents that are not known.
pub(super) fn agents(own: &str, named: &[Name], known: &[&str]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for name in named {
        if name.text == own {
            found.push(circle(name, &[own.to_owned()]));
        } else if !known.contains(&name.text.as_str()) {
            let others: Vec<&str> = known.iter().copied().filter(|name| *name != own).collect();
            let help = help(
                &name.text,
                &others,
                "there is no other agent: make a folder for it beside this one",
            );
            found.push(
                Diagnostic::documented(
                    &UNKNOWN_AGENT,
                    format!("there is no agent {}", quoted(&name.text)),
                    name.span,
                    "not an agent here",
                )
                .with_help(help),
            );
        }
    }
    found
}

/// A name that leads back to the agent that bears it.
pub(super) fn circle(at: &Name, way: &[String]) -> Diagnostic {
    let message = match way {
        [_] => format!("{} would call itself", quoted(&at.text)),
        _ => format!(
            "{} would call itself, by way of {}",
            quoted(&at.text),
            way.iter()
                .map(|name| quoted(name))
                .collect::<Vec<_>>()
                .join(", ")
        ),
    };
    Diagnostic::documented(&CIRCLE, message, at.span, "closes the circle")
        .with_help("remove this name, or one of those on the way")
}

fn help(name: &str, known: &[&str], none: &str) -> String {
    if let Some(meant) = nearest(name, known.iter().copied()) {
        return format!("did you mean `{meant}`");
    }
    if known.is_empty() {
        return none.to_owned();
    }
    let mut list: Vec<String> = known.iter().take(LISTED).map(|name| quoted(name)).collect();
    if known.len() > LISTED {
        list.push("…".to_owned());
    }
    format!("there are {}", list.join(", "))
}
