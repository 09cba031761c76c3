//! Taking secrets out of what is about to be written: by the names of members, and by what secrets look like.

mod json;

use std::{borrow::Cow, ops::Range};

use regex_automata::{
    Input,
    dfa::{Automaton, dense, regex},
    util::syntax,
};
use regex_syntax::{
    ParserBuilder,
    hir::{
        Hir, HirKind, Repetition,
        literal::{ExtractKind, Extractor},
    },
};

/// What stands where the value of a member with a telling name stood.
pub const REDACTED: &str = "[REDACTED]";

/// What counts as a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redaction {
    /// Regular expressions, found anywhere in the name of a member, in any letter case (ASCII): its value is taken out, unless it is `null`.
    pub names: Vec<String>,
    /// The same for names of values that are secrets only if there is text in them: `max_tokens` is a number, and `session_tokens` is a list of
    /// texts. Numbers, `true`, `false` and lists of them stay.
    pub text_names: Vec<String>,
    /// A category and a regular expression each, found anywhere in a text: what it matches becomes `[REDACTED:category]`.
    pub patterns: Vec<(String, String)>,
}

impl Default for Redaction {
    /// What a log leaves out. Of the names with `token` in them it takes texts, and numbers only where the name ends with it.
    fn default() -> Self {
        Self {
            names: owned(NAMES.iter().chain(&["token$"])),
            text_names: owned(&TEXT_NAMES),
            patterns: patterns(),
        }
    }
}

impl Redaction {
    /// What events for the platform leave out: what the platform's own clients do, who take whatever has `token` in its name, and more.
    #[must_use]
    pub fn of_events() -> Self {
        Self {
            names: owned(NAMES.iter().chain(&["token"])),
            text_names: Vec::new(),
            patterns: patterns(),
        }
    }
}

fn owned<'a>(names: impl IntoIterator<Item = &'a &'static str>) -> Vec<String> {
    names.into_iter().map(|name| (*name).to_owned()).collect()
}

fn patterns() -> Vec<(String, String)> {
    let owned = PATTERNS.iter();
    owned
        .map(|(category, pattern)| ((*category).to_owned(), (*pattern).to_owned()))
        .collect()
}

/// Names of members whose values are secrets.
const NAMES: [&str; 9] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "api[-_]?key",
    "private[-_]?key",
    "credential",
    "authorization",
    "cookie",
];

/// Names of members in which texts are secrets: `token`, and not what tokenizes.
const TEXT_NAMES: [&str; 1] = ["token(?:[^i]|i[^sz]|i?$)"];

/// What secrets look like. Each begins with what its issuer puts in front of all of its keys, so that ordinary texts are left alone.
const PATTERNS: [(&str, &str); 12] = [
    ("private_key", "-----BEGIN [A-Z ]*PRIVATE KEY-----[^\"]*"),
    ("aws_access_key", r"\b(?:AKIA|ASIA)[0-9A-Z]{16}"),
    ("github_token", r"\bgh[pousr]_[A-Za-z0-9]{16}[A-Za-z0-9]*"),
    (
        "github_fine_grained_pat",
        r"\bgithub_pat_[A-Za-z0-9_]{16}[A-Za-z0-9_]*",
    ),
    ("anthropic_key", r"\bsk-ant-[A-Za-z0-9_-]+"),
    (
        "openai_key",
        r"\bsk-(?:proj-)?[A-Za-z0-9_]{16}[A-Za-z0-9_-]*",
    ),
    (
        "slack_token",
        r"\bxox[abeprs]-[A-Za-z0-9-]{10}[A-Za-z0-9-]*",
    ),
    ("google_api_key", r"\bAIza[0-9A-Za-z_-]{16}[0-9A-Za-z_-]*"),
    (
        "stripe_key",
        r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{10}[A-Za-z0-9]*",
    ),
    ("hexgate_token", r"\bfty_[A-Za-z0-9]+_[A-Za-z0-9_=-]+"),
    (
        "jwt",
        r"\beyJ[A-Za-z0-9_-]+\.eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+",
    ),
    (
        "bearer",
        r"(?i:\bbearer )[A-Za-z0-9._~+/=-]{12}[A-Za-z0-9._~+/=-]*",
    ),
];

/// A [`Redaction`], ready to be applied.
#[derive(Debug)]
pub(crate) struct Redactor {
    /// Finds whether a text needs a closer look: a name, the beginning of a pattern, or an escape that could hide either. One table for all, so
    /// that a text without secrets is gone over once.
    screen: dense::DFA<Vec<u32>>,
    /// The same for texts that are no JSON: the beginnings alone.
    text_screen: dense::DFA<Vec<u32>>,
    names: dense::DFA<Vec<u32>>,
    text_names: dense::DFA<Vec<u32>>,
    /// Categories and patterns. One table each: in a common one their counters would multiply.
    patterns: Vec<(String, regex::Regex)>,
}

/// Which values of a member are secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Secrecy {
    /// None.
    None,
    /// What has text in it.
    Text,
    /// All but `null`.
    Any,
}

/// A redaction cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the redaction `{pattern}` cannot be used: {reason}")]
pub struct RedactionError {
    /// The pattern, or all if they are too large together.
    pattern: String,
    reason: String,
}

/// A text that is no JSON, so that it cannot be told what in it is a secret.
#[derive(Debug)]
pub(crate) struct Malformed;

impl Redactor {
    pub(crate) fn new(redaction: &Redaction) -> Result<Self, RedactionError> {
        let in_any_case = |names: &[String]| -> Vec<String> {
            let names = names.iter();
            names.map(|name| format!("(?i:{name})")).collect()
        };
        let names = in_any_case(&redaction.names);
        let text_names = in_any_case(&redaction.text_names);
        let patterns: Vec<&str> = redaction
            .patterns
            .iter()
            .map(|(_, pattern)| pattern.as_str())
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let text_names: Vec<&str> = text_names.iter().map(String::as_str).collect();
        for pattern in names.iter().chain(&text_names).chain(&patterns) {
            let found = automaton(&[pattern])?;
            // Something that is found in nothing at all would be found everywhere.
            if matches!(found.try_search_fwd(&Input::new("")), Ok(Some(_))) {
                return Err(RedactionError {
                    pattern: (*pattern).to_owned(),
                    reason: "it matches the empty text".to_owned(),
                });
            }
        }
        let beginnings: Vec<String> = patterns.iter().map(|it| beginning(it)).collect();
        let named: Vec<String> = names
            .iter()
            .chain(&text_names)
            .map(|it| anywhere(it))
            .collect();
        let beginnings: Vec<&str> = beginnings.iter().map(String::as_str).collect();
        let screened: Vec<&str> = named
            .iter()
            .map(String::as_str)
            .chain(beginnings.iter().copied())
            .chain([r"\\"])
            .collect();
        let compiled = redaction.patterns.iter().map(|(category, pattern)| {
            let found = regex::Builder::new()
                .syntax(syntax())
                .dense(limits())
                .build(pattern)
                .map_err(|error| unusable(&[pattern], &error))?;
            Ok((category.clone(), found))
        });
        Ok(Self {
            screen: automaton(&screened)?,
            text_screen: automaton(&beginnings)?,
            names: automaton(&names)?,
            text_names: automaton(&text_names)?,
            patterns: compiled.collect::<Result<_, RedactionError>>()?,
        })
    }

    /// A JSON text without its secrets. None if there are none in it.
    pub(crate) fn json(&self, text: &str) -> Result<Option<String>, Malformed> {
        if !is_found(&self.screen, text) {
            return Ok(None);
        }
        json::redact(self, text)
    }

    /// Any other text without its secrets.
    pub(crate) fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let Some((first, category)) = self.find(text) else {
            return Cow::Borrowed(text);
        };
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        let mut found = Some((first, category));
        while let Some((span, category)) = found {
            let (before, from) = rest.split_at(span.start);
            out.push_str(before);
            out.push_str("[REDACTED:");
            out.push_str(category);
            out.push(']');
            rest = from.get(span.end - span.start..).unwrap_or_default();
            found = self.find(rest);
        }
        out.push_str(rest);
        Cow::Owned(out)
    }

    /// What the value of a member with this name is.
    fn secrecy(&self, name: &str) -> Secrecy {
        if is_found(&self.names, name) {
            Secrecy::Any
        } else if is_found(&self.text_names, name) {
            Secrecy::Text
        } else {
            Secrecy::None
        }
    }

    /// The first secret in a text: where it is, and its category.
    fn find(&self, text: &str) -> Option<(Range<usize>, &str)> {
        if !is_found(&self.text_screen, text) {
            return None;
        }
        let found = self.patterns.iter().filter_map(|(category, pattern)| {
            // A search that fails, which these automata do not, must not let anything through.
            let span = match pattern.try_search(&Input::new(text)) {
                Ok(found) => found?.range(),
                Err(_) => 0..text.len(),
            };
            // An operator's pattern can match within a character.
            let start = floor(text, span.start);
            Some((
                start..ceil(text, span.end.max(start + 1)),
                category.as_str(),
            ))
        });
        // The first one; of several that begin there, the one that is listed first.
        found.min_by_key(|(span, _)| span.start)
    }
}

/// What every text that `pattern` matches has in it, as a pattern that needs a small table: the literals that a match begins with, or the
/// pattern itself if there are none.
fn beginning(pattern: &str) -> String {
    let Some(parsed) = parsed(pattern) else {
        return pattern.to_owned();
    };
    let mut extractor = Extractor::new();
    extractor.kind(ExtractKind::Prefix);
    let prefixes = extractor.extract(&parsed);
    match prefixes.literals() {
        Some(literals) if !literals.is_empty() && literals.iter().all(|it| !it.is_empty()) => {
            let literals = literals.iter().map(|literal| {
                let bytes = literal.as_bytes().iter();
                bytes.map(|byte| format!("\\x{byte:02x}")).collect()
            });
            literals.collect::<Vec<String>>().join("|")
        }
        _ => anywhere(pattern),
    }
}

/// The same pattern wherever it stands: what begins or ends a name or a string does not begin or end the JSON text around it.
fn anywhere(pattern: &str) -> String {
    parsed(pattern).map_or_else(|| pattern.to_owned(), |it| without_looks(&it).to_string())
}

fn without_looks(pattern: &Hir) -> Hir {
    match pattern.kind() {
        HirKind::Look(_) => Hir::empty(),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) => pattern.clone(),
        HirKind::Repetition(repetition) => Hir::repetition(Repetition {
            sub: Box::new(without_looks(&repetition.sub)),
            ..repetition.clone()
        }),
        HirKind::Capture(capture) => without_looks(&capture.sub),
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(without_looks).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(without_looks).collect()),
    }
}

fn parsed(pattern: &str) -> Option<Hir> {
    let mut parser = ParserBuilder::new().unicode(false).utf8(false).build();
    parser.parse(pattern).ok()
}

fn is_found(automaton: &dense::DFA<Vec<u32>>, text: &str) -> bool {
    let input = Input::new(text).earliest(true);
    !matches!(automaton.try_search_fwd(&input), Ok(None))
}

fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len()))
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0)
}

fn ceil(text: &str, at: usize) -> usize {
    (at..text.len())
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(text.len())
}

fn automaton(patterns: &[&str]) -> Result<dense::DFA<Vec<u32>>, RedactionError> {
    dense::Builder::new()
        .syntax(syntax())
        .configure(limits())
        .build_many(patterns)
        .map_err(|error| unusable(patterns, &error))
}

fn unusable(patterns: &[&str], error: &dyn std::error::Error) -> RedactionError {
    // What is wrong stands in the last cause.
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    RedactionError {
        pattern: patterns.join("`, `"),
        reason: last.to_string(),
    }
}

/// Bytes, not code points: names and keys of issuers are ASCII, and the tables stay small.
fn syntax() -> syntax::Config {
    syntax::Config::new().unicode(false).utf8(false)
}

/// A table of at most 4 MiB each, far more than the patterns above need.
fn limits() -> dense::Config {
    dense::Config::new()
        .dfa_size_limit(Some(4 << 20))
        .determinize_size_limit(Some(16 << 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nothing() -> Redaction {
        Redaction {
            names: vec![],
            text_names: vec![],
            patterns: vec![],
        }
    }

    fn redactor() -> Redactor {
        Redactor::new(&Redaction::default()).unwrap()
    }

    #[test]
    fn what_looks_like_a_secret_goes_and_the_rest_stays() {
        let redactor = redactor();
        for (secret, category) in [
            ("AKIAIOSFODNN7EXAMPLE", "aws_access_key"),
            ("ghp_0123456789abcdefghijABCDEFGHIJ012345", "github_token"),
            (
                "github_pat_0123456789abcdefghijABCDEFGHIJ",
                "github_fine_grained_pat",
            ),
            ("sk-ant-api03-abc_DEF-123", "anthropic_key"),
            ("sk-proj-0123456789abcdefABCDEF", "openai_key"),
            ("sk-0123456789abcdefABCDEF", "openai_key"),
            ("xoxb-0123456789-abcdef", "slack_token"),
            ("AIza0123456789abcdefghijABCDEFGHIJ01234", "google_api_key"),
            ("sk_live_0123456789abcdef", "stripe_key"),
            ("fty_live_shop_EnQKEwoEZXhhbXBsZQ==", "hexgate_token"),
            ("eyJhbGciOi.eyJzdWIi.SflKxwRJSM", "jwt"),
            ("Bearer 0123456789abcdef", "bearer"),
            (
                "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
                "private_key",
            ),
        ] {
            let text = format!("größe: {secret}");
            assert_eq!(
                redactor.text(&text),
                format!("größe: [REDACTED:{category}]"),
                "{secret}"
            );
        }
        let two = "a AKIAIOSFODNN7EXAMPLE b AKIAIOSFODNN7EXAMPLE c";
        assert_eq!(
            redactor.text(two),
            "a [REDACTED:aws_access_key] b [REDACTED:aws_access_key] c"
        );
        for harmless in [
            "",
            "a task-force of the sky-blue kind",
            "AKIA",
            "the bearer of this",
            "Policy denied tool \"refund\": args.amount <= 50",
        ] {
            assert!(
                matches!(redactor.text(harmless), Cow::Borrowed(_)),
                "{harmless}"
            );
        }
    }

    #[test]
    fn a_pattern_that_cannot_be_used_is_named() {
        for (pattern, reason) in [("(", "unclosed"), ("x*", "empty text")] {
            let redaction = Redaction {
                patterns: vec![("c".to_owned(), pattern.to_owned())],
                ..nothing()
            };
            let error = Redactor::new(&redaction).unwrap_err().to_string();
            assert!(
                error.contains(&format!("`{pattern}`")) && error.contains(reason),
                "{error}"
            );
        }
    }

    #[test]
    fn where_a_name_or_a_string_begins_and_ends_can_be_said() {
        let redactor = Redactor::new(&Redaction {
            names: vec!["^pin$".to_owned(), "[a-z]+_id$".to_owned()],
            text_names: vec!["^n_".to_owned()],
            patterns: vec![
                ("code".to_owned(), "^[0-9]{4}$".to_owned()),
                ("card".to_owned(), r"\b4[0-9]{15}\b".to_owned()),
            ],
        })
        .unwrap();
        for (text, expected) in [
            (r#"{"pin":1}"#, r#"{"pin":"[REDACTED]"}"#),
            (r#"{"a":1,"x_id":2}"#, r#"{"a":1,"x_id":"[REDACTED]"}"#),
            (r#"{"n_x":"y"}"#, r#"{"n_x":"[REDACTED]"}"#),
            (r#"{"a":"1234"}"#, r#"{"a":"[REDACTED:code]"}"#),
        ] {
            assert_eq!(
                redactor.json(text).unwrap().as_deref(),
                Some(expected),
                "{text}"
            );
        }
        for text in [r#"{"pins":1,"x_ids":2}"#, r#"{"a":"12345","an_x":"y"}"#] {
            assert_eq!(redactor.json(text).unwrap(), None, "{text}");
        }
        assert_eq!(redactor.text("1234"), "[REDACTED:code]");
        assert_eq!(redactor.text("no 1234"), "no 1234");
    }

    #[test]
    fn a_pattern_within_a_character_takes_the_whole_character() {
        let redaction = Redaction {
            patterns: vec![("c".to_owned(), r"\xB6".to_owned())],
            ..nothing()
        };
        let redactor = Redactor::new(&redaction).unwrap();
        assert_eq!(redactor.text("größe"), "gr[REDACTED:c]ße");
    }

    #[test]
    fn nothing_to_look_for_finds_nothing() {
        let none = Redactor::new(&nothing()).unwrap();
        assert!(none.json(r#"{"password": "x\n"}"#).unwrap().is_none());
        assert_eq!(none.text("AKIAIOSFODNN7EXAMPLE"), "AKIAIOSFODNN7EXAMPLE");
    }
}
