//! The document that printed Rego is asked with, and what it answers, for engines of Rego in this process.
//!
//! Written from the description of the printed form, not from the code that prints it or wraps it.

use crate::{
    case::{Answer, Bounds, Call, Denial, Grant, Needed, Paths},
    json::{self, Json},
};

/// The longest reason, in bytes.
const REASON: usize = 4096;

/// The input document of a call whose texts are well-formed.
pub fn input(call: &Call) -> String {
    let roles: Vec<String> = call.roles.iter().map(|role| json::quoted(role)).collect();
    // What stands between the braces of the facts is members like those around.
    let facts = call.facts.as_deref().unwrap_or("{}").trim();
    let facts = facts
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'));
    let facts = facts.unwrap_or_default().trim();
    format!(
        "{{\"roles\": [{}], \"tool\": {}, \"args\": {}{}{facts}}}",
        roles.join(", "),
        json::quoted(&call.tool),
        call.args,
        if facts.is_empty() { "" } else { ", " }
    )
}

/// What an answer says: `scopes` are the policy's, by number.
pub fn answer(text: &str, call: &Call, scopes: &[Bounds]) -> Result<Answer, String> {
    let answer = json::parse(text).map_err(|fault| format!("{fault:?}: {text}"))?;
    let strange = || format!("not an answer: {text}");
    let members: Vec<&str> = answer
        .as_object()
        .unwrap_or_default()
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    let mut expected = [
        "allow",
        "requires_approval",
        "violations",
        "role",
        "scope",
        "denials",
        "hint",
    ];
    let mut found = members.clone();
    // Those that only policies with words or terms answer.
    found.retain(|name| !matches!(*name, "message" | "terms"));
    found.sort_unstable();
    expected.sort_unstable();
    if found != expected {
        return Err(strange());
    }
    let flag = |name| match answer.member(name) {
        Some(Json::Bool(value)) => Ok(*value),
        _ => Err(strange()),
    };
    let index = |name| match answer.member(name) {
        Some(Json::Null) => Ok(None),
        Some(Json::Number(number)) => number.parse::<u32>().map(Some).map_err(|_| strange()),
        _ => Err(strange()),
    };
    let (allow, approval) = (flag("allow")?, flag("requires_approval")?);
    let message = match answer.member("message") {
        None | Some(Json::Null) => None,
        Some(Json::Text(text)) => Some(text.clone()),
        Some(_) => return Err(strange()),
    };
    let violations = texts(answer.member("violations")).ok_or_else(strange)?;
    let hint = paths(answer.member("hint")).ok_or_else(strange)?;
    if !allow && !approval {
        return Ok(Answer::Deny(Denial {
            reason: reason(answer.member("denials"), call).ok_or_else(strange)?,
            violations,
            hint,
            message,
        }));
    }
    let scope = match index("scope")? {
        None => None,
        Some(id) => Some(scopes.get(id as usize).ok_or_else(strange)?.clone()),
    };
    let grant = Grant {
        role: index("role")?,
        scope,
    };
    let bare = violations.is_empty() && hint.is_none();
    match (allow, approval) {
        (true, false) if bare => Ok(Answer::Allow(grant)),
        (false, true) if bare => Ok(Answer::NeedsApproval(Needed {
            grant,
            terms: None,
            message,
        })),
        _ => Err(strange()),
    }
}

/// The sentence of a denial.
fn reason(denials: Option<&Json>, call: &Call) -> Option<String> {
    let denials = denials?.as_list()?;
    let mut parts = Vec::new();
    for denial in denials {
        let role = denial.member("role")?.as_text()?;
        let sentence = sentence(
            role,
            denial.member("because")?.as_text()?,
            &texts(denial.member("violations"))?,
            call,
        )?;
        parts.push((role, sentence));
    }
    let mut out = match parts.as_slice() {
        [] => sentence("default", "unlisted", &[], call)?,
        [(_, one)] => one.clone(),
        several => {
            let names: Vec<String> = several.iter().map(|(role, _)| named(role)).collect();
            let each: Vec<String> = several
                .iter()
                .map(|(role, sentence)| format!("{role}: {sentence}"))
                .collect();
            format!(
                "denied for all roles [{}]: {}",
                names.join(", "),
                each.join("; ")
            )
        }
    };
    let mut end = REASON.min(out.len());
    while !out.is_char_boundary(end) {
        end -= 1;
    }
    out.truncate(end);
    Some(out)
}

fn sentence(role: &str, because: &str, violations: &[String], call: &Call) -> Option<String> {
    let denied = format!("Policy denied tool {}", named(&call.tool));
    match (because, violations) {
        ("mode", []) => Some(denied),
        ("unlisted", []) => Some(format!(
            "{denied} (no allow rule matched for role {})",
            named(role)
        )),
        ("scope", []) => Some(format!("{denied} for the requested path")),
        ("constraints", [_, ..]) => Some(format!("{denied}: {}", violations.join("; "))),
        _ => None,
    }
}

/// A name as a JSON string. Names have no control characters.
fn named(name: &str) -> String {
    format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
}

fn texts(list: Option<&Json>) -> Option<Vec<String>> {
    list?
        .as_list()?
        .iter()
        .map(|item| item.as_text().map(str::to_owned))
        .collect()
}

/// The pattern lists of a scope, or none. Nothing if it is neither.
fn paths(value: Option<&Json>) -> Option<Option<Paths>> {
    match value? {
        Json::Null => Some(None),
        lists => Some(Some(Paths {
            allowed: texts(lists.member("allowed"))?,
            denied: texts(lists.member("denied"))?,
            except: lists
                .member("except")
                .map_or(Some(Vec::new()), |list| texts(Some(list)))?,
        })),
    }
}
