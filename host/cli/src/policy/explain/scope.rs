//! What a path lacks to be within a file scope.

use hexgate_compiler::automata::glob;
use hexgate_eval::{
    Truth,
    trace::{ArgumentTrace, ScopeTrace},
};
use hexgate_host::PathStyle;

use super::{need::Need, values::Values};
use crate::output::{list, shortened};

/// The longest path that is shown, in characters.
const SHOWN: usize = 120;

/// What the path arguments must be; nothing if the scope covers them.
pub(super) fn need(trace: &ScopeTrace, values: &Values<'_>) -> Option<Need> {
    if trace.truth == Truth::True {
        return None;
    }
    let needs = trace.arguments.iter().flat_map(|argument| {
        let is = is(argument);
        let name = shortened(&argument.name, SHOWN);
        let paths = match values.paths(&argument.name) {
            None if trace.search && argument.value.is_none() => vec![String::new()],
            None => {
                let what = "be a string, the path, or a list of such";
                let text = format!(
                    "the argument `{name}` must {what}, {} ({is})",
                    within(trace)
                );
                return vec![Need::act(text)];
            }
            Some(paths) if paths.is_empty() => {
                let text = format!("the argument `{name}` must have a path in its list");
                return vec![Need::act(text)];
            }
            Some(paths) => paths,
        };
        let several = paths.len() > 1;
        let needs = paths.iter().filter_map(|path| {
            let what = lacks(trace, path)?;
            let one = if several {
                let path = shortened(&format!("{path:?}"), SHOWN);
                format!("in the argument `{name}` {path} must {what}")
            } else {
                format!("the argument `{name}` must {what} ({is})")
            };
            Some(Need::act(one))
        });
        needs.take(SHOWN_PATHS).collect()
    });
    let needs: Vec<Need> = needs.collect();
    Need::all(needs).or_else(|| Some(Need::act(format!("the paths must be {}", within(trace)))))
}

/// What the paths must be so that an exception or forbid is not about them; nothing if it is not.
pub(super) fn need_outside(trace: &ScopeTrace, values: &Values<'_>) -> Option<Need> {
    if trace.truth == Truth::False {
        return None;
    }
    if trace.paths.denied.is_empty() {
        return Some(Need::act(
            "the scope has no patterns, so it is about every path",
        ));
    }
    let arguments = trace.arguments.iter().filter_map(|argument| {
        let name = shortened(&argument.name, SHOWN);
        let outside = format!("not be covered by {}", denied(trace));
        let what = match values.paths(&argument.name) {
            None if trace.search && argument.value.is_none() => outside,
            None => format!("be a path, and {outside}"),
            Some(paths) if paths.is_empty() => format!("have a path in its list, and {outside}"),
            // What a drive makes of a path only the evaluator says.
            Some(_) if trace.style == PathStyle::Windows => outside,
            Some(paths) => paths
                .iter()
                .find_map(|path| concerns(trace, path, &outside))?,
        };
        let text = format!("the argument `{name}` must {what} ({})", is(argument));
        Some(Need::act(text))
    });
    let needs = Need::all(arguments.collect());
    needs.or_else(|| {
        Some(Need::act(format!(
            "no path may be covered by {}",
            denied(trace)
        )))
    })
}

/// What a path lacks so that a scope that forbids is not about it. None: nothing.
fn concerns(trace: &ScopeTrace, path: &str, outside: &str) -> Option<String> {
    let normalised = normalised(path);
    let absolute = path.starts_with('/');
    let root = trace.search && normalised.is_empty();
    let fault = fault(path).filter(|_| !root).or_else(|| mistakable(path));
    if let Some(fault) = fault {
        Some(fault.to_owned())
    } else if denying(trace, &normalised).is_some() {
        Some(outside.to_owned())
    } else if absolute && trace.paths.denied.iter().all(|one| !one.starts_with('/')) {
        let all = "be relative: all patterns of the scope are, so it cannot judge absolute paths";
        Some(format!("{all}, and {outside}"))
    } else {
        None
    }
}

/// The most paths of a list that are named.
const SHOWN_PATHS: usize = 4;

fn is(argument: &ArgumentTrace) -> String {
    argument.value.as_deref().map_or_else(
        || "it is absent".to_owned(),
        |value| format!("it is {}", shortened(value, SHOWN)),
    )
}

/// What a path lacks to be covered. None: nothing that can be told by its patterns.
fn lacks(trace: &ScopeTrace, path: &str) -> Option<String> {
    if trace.search && normalised(path).is_empty() && !path.starts_with('/') {
        return denying(trace, "").map(|_| format!("not be the root: {}", denied(trace)));
    }
    if trace.style == PathStyle::Windows {
        // What a drive makes of a path only the evaluator says.
        return Some(whole(trace));
    }
    let refused = fault(path).or_else(|| {
        let denies = !trace.paths.denied.is_empty();
        denies.then(|| mistakable(path)).flatten()
    });
    match refused {
        Some(fault) => Some(fault.to_owned()),
        None => patterns(trace, path),
    }
}

/// What is wrong with the form of a path.
fn fault(path: &str) -> Option<&'static str> {
    let mut segments = path
        .split('/')
        .filter(|segment| !matches!(*segment, "" | "."));
    let first = segments.clone().next().unwrap_or_default();
    if path.trim().is_empty() {
        Some("not be blank")
    } else if path.len() > hexgate_eval::MAX_PATH || segments.clone().count() > 256 {
        Some("have at most 4096 bytes and 256 segments")
    } else if path.contains('\\') {
        Some("have no backslash: segments are separated by `/`")
    } else if path.chars().any(char::is_control) {
        Some("have no control characters")
    } else if segments.any(|segment| segment == "..") {
        Some("have no `..` segment")
    } else if first.starts_with('~') || first.contains(':') {
        Some("not begin with a home directory, a drive or a scheme")
    } else {
        None
    }
}

/// The part of a path that lets a file system take it for another one. Only scopes with denied patterns refuse it.
fn mistakable(path: &str) -> Option<&'static str> {
    let ignored = |c: char| {
        let mut ranges = hexgate_eval::IGNORED_IN_NAMES.iter();
        ranges.any(|(first, last)| (*first..=*last).contains(&u32::from(c)))
    };
    let short = |segment: &str| {
        let mut after = segment.split('~').skip(1);
        after.any(|after| after.starts_with(|c: char| c.is_ascii_digit()))
    };
    let mut segments = path
        .split('/')
        .filter(|segment| !matches!(*segment, "" | "."));
    if segments
        .clone()
        .any(|segment| segment.ends_with(|c: char| c == '.' || c.is_whitespace()))
    {
        Some(
            "have no name that ends in a dot or white space: some file systems drop them, and the scope denies paths",
        )
    } else if path.contains(':') {
        Some(
            "have no `:`: some file systems take what follows for a stream of the file, and the scope denies paths",
        )
    } else if segments.any(short) {
        Some(
            "have no `~` before a digit: some file systems take it for the short name of another file, and the scope denies paths",
        )
    } else if path.chars().any(ignored) {
        Some(
            "have no characters that some file systems leave out of names (such as U+200B): the scope denies paths",
        )
    } else {
        None
    }
}

/// Which patterns a well-formed path lacks, or must not match.
fn patterns(trace: &ScopeTrace, path: &str) -> Option<String> {
    let normalised = normalised(path);
    let absolute = path.starts_with('/');
    let mut musts = Vec::new();
    if let Some(denied) = denying(trace, &normalised) {
        let except = &trace.paths.except;
        let unless = if except.is_empty() {
            String::new()
        } else {
            format!(
                ", unless {} lifts it",
                list(except.iter().map(String::as_str))
            )
        };
        musts.push(format!(
            "not be covered by the denied {}{unless}",
            list(denied)
        ));
    }
    let allowed = &trace.paths.allowed;
    let covers = |pattern: &String| {
        let start = pattern.strip_suffix("/**").filter(|_| trace.search);
        let starts = start.is_some_and(|start| start == normalised);
        starts
            || glob::allowed(pattern, trace.style)
                .is_ok_and(|glob| glob.absolute == absolute && glob.dfa.accepts(&normalised))
    };
    if !allowed.is_empty() && !allowed.iter().any(covers) {
        musts.push(format!(
            "match one of the allowed {}",
            list(allowed.iter().map(String::as_str))
        ));
    }
    if musts.is_empty() && absolute && allowed.is_empty() {
        let relative = |pattern: &String| !pattern.starts_with('/');
        if trace.paths.denied.iter().all(relative) && !trace.paths.denied.is_empty() {
            musts.push("be relative: the scope denies relative patterns only, so it cannot judge absolute paths".to_owned());
        }
    }
    (!musts.is_empty()).then(|| musts.join(", and "))
}

/// The denied patterns that cover a normalised path; what is excepted is not looked at, unless it lifts all.
fn denying<'t>(trace: &'t ScopeTrace, normalised: &str) -> Option<Vec<&'t str>> {
    let lifted = trace.paths.except.iter().any(|pattern| {
        glob::allowed(pattern, trace.style)
            .is_ok_and(|glob| pattern.contains('/') && glob.dfa.accepts(normalised))
    });
    let denied: Vec<&str> = trace
        .paths
        .denied
        .iter()
        .map(String::as_str)
        .filter(|pattern| {
            glob::denied(pattern, trace.style).is_ok_and(|glob| glob.dfa.accepts(normalised))
        })
        .collect();
    (!lifted && !denied.is_empty()).then_some(denied)
}

fn denied(trace: &ScopeTrace) -> String {
    let paths = &trace.paths;
    let denied = format!(
        "the denied {}",
        list(paths.denied.iter().map(String::as_str))
    );
    if paths.except.is_empty() {
        denied
    } else {
        let except = list(paths.except.iter().map(String::as_str));
        format!("{denied}, except {except}")
    }
}

/// What the patterns ask for as a whole.
fn within(trace: &ScopeTrace) -> String {
    let parts = asked(trace, "matching", "not covered");
    if parts.is_empty() {
        "of any file".to_owned()
    } else {
        parts.join(" and ")
    }
}

/// The same as something that a path must do.
fn whole(trace: &ScopeTrace) -> String {
    let musts = asked(trace, "match", "not be covered");
    if musts.is_empty() {
        "be relative, or begin with a drive and a slash".to_owned()
    } else {
        musts.join(", and ")
    }
}

/// The patterns that are there, with the verbs for what is allowed and what is denied.
fn asked(trace: &ScopeTrace, matching: &str, not_covered: &str) -> Vec<String> {
    let mut parts = Vec::new();
    if !trace.paths.allowed.is_empty() {
        let allowed = list(trace.paths.allowed.iter().map(String::as_str));
        parts.push(format!("{matching} one of the allowed {allowed}"));
    }
    if !trace.paths.denied.is_empty() {
        parts.push(format!("{not_covered} by {}", denied(trace)));
    }
    parts
}

/// Without `.` and empty segments.
fn normalised(path: &str) -> String {
    let segments: Vec<&str> = path
        .split('/')
        .filter(|segment| !matches!(*segment, "" | "."))
        .collect();
    let root = if path.starts_with('/') { "/" } else { "" };
    format!("{root}{}", segments.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(path: &str, allowed: &[&str], denied: &[&str]) -> String {
        let owned = |patterns: &[&str]| {
            patterns
                .iter()
                .map(|pattern| (*pattern).to_owned())
                .collect()
        };
        let arguments = format!("{{\"path\": {}}}", serde_json::to_string(path).unwrap());
        let trace = ScopeTrace {
            arguments: vec![ArgumentTrace {
                name: "path".into(),
                value: Some(serde_json::to_string(path).unwrap()),
            }],
            search: false,
            style: PathStyle::Posix,
            truth: Truth::False,
            paths: hexgate_eval::PathScope {
                allowed: owned(allowed),
                denied: owned(denied),
                except: Vec::new(),
            },
        };
        match need(&trace, &Values::new(&arguments, None, "r", "t")).unwrap() {
            Need::Do(text) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn names_the_patterns_that_decide() {
        let text = said("src/./.env", &["src/**"], &[".env", "*.pem"]);
        assert_eq!(
            text,
            "the argument `path` must not be covered by the denied `.env` (it is \"src/./.env\")"
        );
        let text = said("lib/.env", &["src/**"], &[".env"]);
        assert_eq!(
            text,
            "the argument `path` must not be covered by the denied `.env`, and match one of the allowed `src/**` (it is \"lib/.env\")"
        );
        assert!(
            said("/src/a", &["src/**"], &[]).contains("must match one of the allowed `src/**`")
        );
        assert!(said("/src/a", &[], &["x"]).contains("must be relative"));
    }

    #[test]
    fn names_what_no_path_may_have() {
        for (path, what) in [
            ("a/../b", "no `..` segment"),
            ("a\\b", "no backslash"),
            (" ", "blank"),
            ("a\u{7}", "control"),
            ("~/x", "home"),
            ("./c:/x", "drive"),
            (&"a/".repeat(300), "256 segments"),
        ] {
            assert!(said(path, &["**"], &[]).contains(what), "{path:?}");
        }
    }

    #[test]
    fn names_what_no_path_may_have_where_something_is_denied() {
        for (path, what) in [
            ("a/.env.", "dot or white space"),
            ("a/.git /b", "dot or white space"),
            ("x/.env::$DATA", "no `:`"),
            ("GIT~1", "no `~` before a digit"),
            (".e\u{200b}nv", "leave out of names"),
        ] {
            assert!(said(path, &["**"], &[".env"]).contains(what), "{path:?}");
            assert!(!said(path, &["x"], &[]).contains(what), "{path:?}");
        }
        assert!(said(".EN\u{130}", &[], &[".eni"]).contains("denied `.eni`"));
    }
}
