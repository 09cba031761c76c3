//! The names that hosts give to facts.

use super::{codes, finding::ConstraintError};
use crate::{
    budget::Budget,
    diagnostic::quoted,
    expr::{Path, Root, Step},
};

/// What the runtime counts and knows of a run.
const RUN: [&str; 13] = [
    "agent",
    "approvals",
    "calls_of_this_tool",
    "denials",
    "elapsed_seconds",
    "errors",
    "id",
    "input_tokens",
    "llm_calls",
    "output_tokens",
    "tool_calls",
    "tools_used",
    "total_tokens",
];

/// What is counted over time.
const METRICS: [&str; 5] = [
    "denials",
    "invocations",
    "llm_calls",
    "tokens",
    "tool_calls",
];

/// Over how much time.
const WINDOWS: [&str; 5] = ["5m", "1h", "24h", "7d", "30d"];

/// The kinds of what the user names.
const SAID: [&str; 9] = [
    "dates", "emails", "handles", "hosts", "ibans", "numbers", "paths", "quoted", "urls",
];

/// What is to be said about the first step of a path: an unknown name.
pub(super) fn unknown(path: &Path, budget: &Budget) -> Option<ConstraintError> {
    let name = match path.steps.first()? {
        Step::Member(name) => name.as_str(),
        Step::Element(_) => "",
    };
    let root = path.root.name();
    let (known, listed) = match path.root {
        Root::Run => (RUN.map(str::to_owned).to_vec(), RUN.join("`, `")),
        Root::Said => (SAID.map(str::to_owned).to_vec(), SAID.join("`, `")),
        Root::Usage | Root::UserUsage => {
            let names = METRICS.iter().flat_map(|metric| {
                let windows = WINDOWS.iter();
                windows.map(move |window| format!("{metric}_{window}"))
            });
            (
                names.collect(),
                format!(
                    "METRIC_WINDOW`, of `{}` and `{}",
                    METRICS.join("`, `"),
                    WINDOWS.join("`, `")
                ),
            )
        }
        Root::Args | Root::Ctx | Root::User | Root::Role | Root::Tool | Root::Element => {
            return None;
        }
    };
    if known.iter().any(|known| known == name) {
        return None;
    }
    // Hosts may say more of a run than the runtime counts; but a name that is almost a known one is a slip.
    let is_slip = |known: &&str| strsim::osa_distance(name, known) <= (name.len() / 4).max(1);
    let nearest = budget.nearest(name, known.iter().map(String::as_str));
    let nearest = nearest.filter(|known| path.root != Root::Run || is_slip(known));
    let code = match (path.root, nearest) {
        (Root::Run, None) if !name.is_empty() => codes::UNCOUNTED,
        _ => codes::FACT,
    };
    let help = match nearest {
        Some(nearest) => format!("did you mean {}", quoted(&format!("{root}.{nearest}"))),
        None => format!("there are `{listed}`"),
    };
    let message = if code == codes::UNCOUNTED {
        format!("nothing counts {}", quoted(&path_to(root, name)))
    } else if name.is_empty() {
        format!("`{root}` is an object, and has no elements")
    } else {
        format!("there is no fact {}", quoted(&path_to(root, name)))
    };
    let error = ConstraintError::new(code, path.span.clone(), message).help(help);
    Some(if code == codes::UNCOUNTED {
        error.label("absent, and so never true, unless the host adds it itself")
    } else {
        error
    })
}

fn path_to(root: &str, name: &str) -> String {
    let path = Path {
        root: Root::named(root).unwrap_or(Root::Run),
        steps: vec![Step::Member(name.to_owned())],
        span: 0..0,
    };
    path.to_string()
}
