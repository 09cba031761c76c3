//! The numbered cases under `tests/vectors`, one JSON object a line.
//!
//! | member | meaning |
//! |---|---|
//! | `id`, `why` | its number and the sentence of the language that it holds to |
//! | `policy` | the document |
//! | `roles`, `tool` | the caller and the tool |
//! | `args`, `facts` | a value, or a string: the text itself |
//! | `expect` | `allow`, `needs_approval`, `deny`, `malformed`, `exceeded` |
//! | `role` | index of the deciding role, null for the default |
//! | `scope` | of a grant: all that a path must satisfy, null for nothing: `arguments`, `search`, `windows`, `allowed`, `denied`, `except`, `exclusions` |
//! | `terms` | of an approval, null for those of the host: `roles`, `expires` in seconds, `approvers`, `reason_required` |
//! | `violations`, `reason`, `hint` | of a denial, in full |
//! | `message` | of a denial or an approval, null for none |
//! | `covers` | paths, and whether the scope of the grant covers each: for further paths that a tool finds |
//! | `field`, `limit` | of `malformed` and `exceeded` |

use std::path::Path;

use crate::{
    case::{Answer, Bounds, Call, Case, Denial, Exclusion, Grant, Paths, Terms},
    json::{self, Json},
};

/// A numbered case and what has to come out.
#[derive(Debug, Clone)]
pub struct Vector {
    /// Its number.
    pub id: String,
    /// The sentence that it holds to.
    pub why: String,
    /// The policy and the call.
    pub case: Case,
    line: Json,
}

/// All cases of all files, in the order of the files' names.
pub fn all() -> Result<Vec<Vector>, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors");
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .map_err(|error| format!("{}: {error}", folder.display()))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "jsonl")
        })
        .collect();
    files.sort();
    let mut out = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file)
            .map_err(|error| format!("{}: {error}", file.display()))?;
        for (number, line) in (1..).zip(text.lines()) {
            out.push(
                vector(line).map_err(|error| format!("{}:{number}: {error}", file.display()))?,
            );
        }
    }
    Ok(out)
}

fn vector(line: &str) -> Result<Vector, String> {
    let line = json::parse(line).map_err(|fault| format!("{fault:?}"))?;
    let known = [
        "id",
        "why",
        "policy",
        "roles",
        "tool",
        "args",
        "facts",
        "expect",
        "role",
        "scope",
        "terms",
        "covers",
        "violations",
        "reason",
        "hint",
        "message",
        "field",
        "limit",
    ];
    if let Some((name, _)) = line
        .as_object()
        .unwrap_or_default()
        .iter()
        .find(|(name, _)| !known.contains(&name.as_str()))
    {
        return Err(format!("unknown member `{name}`"));
    }
    let need = |name: &str| line.member(name).ok_or_else(|| format!("no `{name}`"));
    let text = |name: &str| {
        Ok::<_, String>(
            need(name)?
                .as_text()
                .ok_or_else(|| format!("`{name}` is no text"))?
                .to_owned(),
        )
    };
    let call = Call {
        roles: texts(need("roles")?)?,
        tool: text("tool")?,
        args: verbatim(need("args")?),
        facts: line.member("facts").map(verbatim),
    };
    let case = Case {
        policy: need("policy")?.clone(),
        call,
    };
    Ok(Vector {
        id: text("id")?,
        why: text("why")?,
        case,
        line: line.clone(),
    })
}

impl Vector {
    /// Paths, and whether the scope of the grant covers each.
    pub fn covers(&self) -> impl Iterator<Item = (&str, bool)> {
        let paths = self.line.member("covers").and_then(Json::as_object);
        paths
            .unwrap_or_default()
            .iter()
            .map(|(path, covered)| (path.as_str(), *covered == Json::Bool(true)))
    }

    /// Says what is wrong with an answer, if anything.
    pub fn check(&self, answer: &Answer) -> Result<(), String> {
        let differs = |what: &str, expected: &dyn std::fmt::Display| {
            Err(format!("{what}: expected {expected}, got {answer:?}"))
        };
        let expected = self
            .line
            .member("expect")
            .and_then(Json::as_text)
            .unwrap_or_default();
        let (outcome, denial) = match answer {
            Answer::Allow(_) => ("allow", None),
            Answer::NeedsApproval(_) => ("needs_approval", None),
            Answer::Deny(denial) => ("deny", Some(denial)),
            Answer::Malformed(_) => ("malformed", None),
            Answer::Exceeded(_) => ("exceeded", None),
            Answer::Broken(_) => ("broken", None),
        };
        let grant = granted(answer);
        if outcome != expected {
            return differs("outcome", &expected);
        }
        for (name, value) in self.line.as_object().unwrap_or_default() {
            let same = match (name.as_str(), answer) {
                ("role", _) => grant.map(|grant| grant.role) == Some(index(value)?),
                ("scope", _) => {
                    grant.is_some_and(|grant| bounds(value).as_ref() == Ok(&grant.scope))
                }
                ("terms", Answer::NeedsApproval(needed)) => {
                    terms(value).as_ref() == Ok(&needed.terms)
                }
                ("message", Answer::NeedsApproval(needed)) => {
                    value.as_text() == needed.message.as_deref()
                }
                ("message", _) => {
                    denial.is_some_and(|denial| value.as_text() == denial.message.as_deref())
                }
                ("violations", _) => {
                    denial.is_some_and(|denial| texts(value).as_ref() == Ok(&denial.violations))
                }
                ("reason", _) => {
                    denial.is_some_and(|denial| value.as_text() == Some(&denial.reason))
                }
                ("hint", _) => {
                    denial.is_some_and(|Denial { hint, .. }| paths(value).as_ref() == Ok(hint))
                }
                ("field", Answer::Malformed(field)) => value.as_text() == Some(field),
                ("limit", Answer::Exceeded(limit)) => value.as_text() == Some(limit),
                ("field" | "limit" | "terms", _) => false,
                _ => true,
            };
            if !same {
                return differs(name, value);
            }
        }
        Ok(())
    }
}

/// A string is the text itself; any other value is written out.
fn verbatim(value: &Json) -> String {
    match value {
        Json::Text(text) => text.clone(),
        other => other.to_string(),
    }
}

fn texts(value: &Json) -> Result<Vec<String>, String> {
    let items = value.as_list().ok_or("no list")?;
    items
        .iter()
        .map(|item| Ok(item.as_text().ok_or("no text")?.to_owned()))
        .collect()
}

fn index(value: &Json) -> Result<Option<u32>, String> {
    match value {
        Json::Null => Ok(None),
        Json::Number(number) => number
            .parse()
            .map(Some)
            .map_err(|_| format!("`{number}` is no index")),
        other => Err(format!("`{other}` is no index")),
    }
}

/// The grant of an answer.
pub fn granted(answer: &Answer) -> Option<&Grant> {
    match answer {
        Answer::Allow(grant) => Some(grant),
        Answer::NeedsApproval(needed) => Some(&needed.grant),
        Answer::Deny(_) | Answer::Malformed(_) | Answer::Exceeded(_) | Answer::Broken(_) => None,
    }
}

fn paths(value: &Json) -> Result<Option<Paths>, String> {
    let list = |name| value.member(name).map_or(Ok(Vec::new()), texts);
    if *value == Json::Null {
        Ok(None)
    } else {
        Ok(Some(Paths {
            allowed: list("allowed")?,
            denied: list("denied")?,
            except: list("except")?,
        }))
    }
}

fn bounds(value: &Json) -> Result<Option<Bounds>, String> {
    let Some(paths) = paths(value)? else {
        return Ok(None);
    };
    let is = |value: &Json, name| value.member(name) == Some(&Json::Bool(true));
    let arguments = value.member("arguments").map_or(Ok(Vec::new()), texts)?;
    let exclusions = value.member("exclusions").and_then(Json::as_list);
    let exclusions = exclusions.unwrap_or_default().iter().map(|one| {
        Ok(Exclusion {
            paths: self::paths(one)?.ok_or("no exclusion")?,
            windows: is(one, "windows"),
        })
    });
    Ok(Some(Bounds {
        arguments,
        search: is(value, "search"),
        paths,
        windows: is(value, "windows"),
        exclusions: exclusions.collect::<Result<_, String>>()?,
    }))
}

fn terms(value: &Json) -> Result<Option<Terms>, String> {
    if *value == Json::Null {
        return Ok(None);
    }
    let number = |name| value.member(name).map_or(Ok(None), index);
    Ok(Some(Terms {
        roles: value.member("roles").map_or(Ok(Vec::new()), texts)?,
        expires: number("expires")?,
        approvers: number("approvers")?,
        reason_required: value
            .member("reason_required")
            .map(|value| *value == Json::Bool(true)),
    }))
}
