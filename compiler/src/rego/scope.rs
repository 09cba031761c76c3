//! File scopes: patterns as regular expressions over the normalised path.

use super::{
    Refusal,
    text::{listed, member, quoted, rule},
};
use crate::{
    automata::glob,
    model::{Pattern, Scope},
};

/// Prints a scope and its pattern lists.
pub(super) fn print(out: &mut String, id: usize, scope: &Scope) -> Result<(), Refusal> {
    let texts = |patterns: &[Pattern]| {
        let texts: Vec<String> = patterns.iter().map(|one| quoted(&one.source)).collect();
        listed(['[', ']'], &texts).replace('\n', "\n\t")
    };
    let patterns = format!(
        "patterns_{id} := {{\n\t\"allowed\": {},\n\t\"denied\": {},\n}}",
        texts(&scope.allowed),
        texts(&scope.denied)
    );
    rule(out, &patterns, &[]);
    let mut argument = String::from("input.args");
    member(&mut argument, &scope.arguments.concat());
    let path = format!("normalised({argument})");
    if scope.allowed.is_empty() && scope.denied.is_empty() {
        rule(out, &format!("within_{id}"), &[path]);
        return Ok(());
    }
    let mut lines = vec![format!("path := {path}")];
    if !scope.denied.is_empty() {
        lines.push("distinct(path)".to_owned());
    }
    for pattern in &scope.denied {
        let denied = matches(pattern, |text| glob::denied_regex(text, scope.style))?;
        lines.push(format!("{denied} == false"));
    }
    match scope.allowed.as_slice() {
        // Relative patterns say nothing about an absolute path, so they cannot clear one.
        [] if scope.denied.iter().all(|pattern| !pattern.absolute) => {
            lines.push("startswith(path, \"/\") == false".to_owned());
        }
        [] => {}
        [one] => lines.push(matches(one, |text| glob::allowed_regex(text, scope.style))?),
        _ => lines.push(format!("allowed_{id}(path)")),
    }
    rule(out, &format!("within_{id}"), &lines);
    if scope.allowed.len() > 1 {
        for pattern in &scope.allowed {
            let allowed = matches(pattern, |text| glob::allowed_regex(text, scope.style))?;
            rule(out, &format!("allowed_{id}(path)"), &[allowed]);
        }
    }
    Ok(())
}

fn matches(
    pattern: &Pattern,
    regex: impl Fn(&str) -> Result<String, crate::automata::PatternError>,
) -> Result<String, Refusal> {
    let regex = regex(&pattern.source).map_err(|_| Refusal::Pattern(pattern.source.clone()))?;
    Ok(format!("regex.match({}, path)", quoted(&regex)))
}
