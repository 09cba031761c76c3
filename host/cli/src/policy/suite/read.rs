//! Reads a suite: finds its format, and checks what holds in all formats.

use hexgate_host::Effect;
use std::{fs::File, io::Read, path::Path};

use anyhow::Context;
use hexgate_compiler::diagnostic::quoted;

use super::{Case, json, yaml};

/// The largest suite, in bytes.
const MOST: u64 = 16 << 20;

/// The keys of a case.
pub(super) const KEYS: [&str; 8] = [
    "name",
    "role",
    "roles",
    "tool",
    "args",
    "facts",
    "expect",
    "violations",
];

/// The formats of suites.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Yaml,
    Json,
    JsonLines,
}

/// A case as read, not checked yet.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) name: Option<String>,
    pub(super) role: Option<String>,
    pub(super) roles: Option<Vec<String>>,
    pub(super) tool: Option<String>,
    pub(super) args: Option<String>,
    pub(super) facts: Option<String>,
    pub(super) expect: Option<Effect>,
    pub(super) violations: Option<Vec<String>>,
}

/// Reads the suite at `path`.
///
/// # Errors
/// All errors of the suite, with their places.
pub(in crate::policy) fn read(path: &Path) -> anyhow::Result<Vec<Case>> {
    let name = path.display().to_string();
    let read = || -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(path)?.take(MOST + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().with_context(|| format!("cannot read the suite `{name}`"))?;
    anyhow::ensure!(
        bytes.len() as u64 <= MOST,
        "the suite `{name}` is larger than {MOST} bytes; split it"
    );
    let text = String::from_utf8(bytes).map_err(|error| {
        anyhow::anyhow!(
            "the suite `{name}` is not UTF-8 at byte {}",
            error.utf8_error().valid_up_to()
        )
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let cases = match format(path, text) {
        Format::Yaml => yaml::read(&name, text)?,
        Format::Json => json::read(&name, text)?,
        Format::JsonLines => json::read_lines(&name, text)?,
    };
    anyhow::ensure!(
        !cases.is_empty(),
        "the suite `{name}` holds no case; write a list of cases, each with `tool` and `expect`"
    );
    Ok(cases)
}

impl Draft {
    /// The case, or what is wrong with it as a whole.
    pub(super) fn case(self, place: String) -> Result<Case, String> {
        let roles = match (self.role, self.roles) {
            (Some(_), Some(_)) => {
                return Err("`role` and `roles` stand together; keep one of them".to_owned());
            }
            (Some(role), None) => vec![role],
            (None, roles) => roles.unwrap_or_default(),
        };
        let Some(tool) = self.tool else {
            return Err("`tool` is missing".to_owned());
        };
        // A verdict on a tool of that exact name would look like one on all tools that it seems to match.
        for (key, name) in
            std::iter::once(("tool", &tool)).chain(roles.iter().map(|role| ("role", role)))
        {
            if name.contains('*') {
                return Err(format!(
                    "the {key} {} has a `*`, which stands for nothing but itself; write a case for each {key} that is meant",
                    quoted(name)
                ));
            }
        }
        let Some(expect) = self.expect else {
            return Err(
                "`expect` is missing; it is `allow`, `deny` or `needs_approval`".to_owned(),
            );
        };
        if expect != Effect::Deny
            && self
                .violations
                .as_ref()
                .is_some_and(|violations| !violations.is_empty())
        {
            return Err(format!(
                "`violations` are listed although `{}` is expected: only a denial has any",
                expect.as_str()
            ));
        }
        let args = self.args.unwrap_or_else(|| "{}".to_owned());
        Ok(Case {
            name: self.name,
            place,
            roles,
            tool,
            args,
            facts: self.facts,
            expect,
            violations: self.violations,
        })
    }
}

/// The outcome of that name.
pub(super) fn outcome(name: &str) -> Option<Effect> {
    Effect::ALL
        .into_iter()
        .find(|outcome| outcome.as_str() == name)
}

/// The error for an unknown outcome.
pub(super) fn unexpectable(name: &str) -> String {
    format!(
        "`expect` is {}, and only `allow`, `deny` and `needs_approval` can be expected",
        quoted(name)
    )
}

fn format(path: &Path, text: &str) -> Format {
    let ending = path
        .extension()
        .and_then(|ending| ending.to_str())
        .unwrap_or_default()
        .to_ascii_lowercase();
    match (ending.as_str(), text.trim_start().chars().next()) {
        ("yaml" | "yml", _) => Format::Yaml,
        ("jsonl" | "ndjson", _) => Format::JsonLines,
        ("json", Some('{')) | (_, Some('{')) => Format::JsonLines,
        ("json", _) | (_, Some('[')) => Format::Json,
        _ => Format::Yaml,
    }
}
