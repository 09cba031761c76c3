//! Removes secrets from what is about to be written: by the names of members, and by patterns.

mod assigned;
mod find;
mod issuers;
mod json;
mod names;
#[cfg(test)]
mod precision;
mod scrub;

pub use scrub::Scrubber;

use std::{
    borrow::Cow,
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

use regex_automata::{
    Input,
    dfa::{Automaton, dense},
    util::syntax,
};
use regex_syntax::{
    ParserBuilder,
    hir::{Hir, HirKind, Look, Repetition},
};

use find::Finder;

/// Replaces the value of a member whose name tells a secret.
pub const REDACTED: &str = "[REDACTED]";

/// What is redacted as a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redaction {
    /// Regular expressions, found anywhere in the name of a member, in any letter case (ASCII): its value is removed, unless it is `null`.
    /// In the middle of a text they apply to a name before `=` or `:`.
    pub names: Vec<String>,
    /// The same for names of values that are secrets only if there is text in them: `max_tokens` is a number, and `session_tokens` is a list of
    /// texts. Numbers, `true`, `false` and lists of them stay.
    pub text_names: Vec<String>,
    /// A category and a regular expression each, found anywhere in a text: what it matches becomes `[REDACTED:category]`.
    pub patterns: Vec<(String, String)>,
}

impl Default for Redaction {
    /// What a log leaves out. Under names with `token` in them it removes texts, and numbers only if the name ends with it.
    fn default() -> Self {
        let mut names = names::secrets();
        names.push("token$".to_owned());
        Self {
            names,
            text_names: names::texts(),
            patterns: issuers::patterns(),
        }
    }
}

impl Redaction {
    /// What events for the platform leave out: all that the platform's own clients remove, every name with `token` in it included, and
    /// more.
    #[must_use]
    pub fn of_events() -> Self {
        let mut redaction = Self::default();
        let text_names = std::mem::take(&mut redaction.text_names);
        redaction.names.extend(text_names);
        redaction.names.push("token".to_owned());
        redaction
    }
}

/// A [`Redaction`], ready to be applied.
#[derive(Debug)]
pub(crate) struct Redactor {
    finder: Finder,
}

/// Which values of a member are secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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

/// A text that is not JSON, so its secrets cannot be found by name.
#[derive(Debug)]
pub(crate) struct Malformed;

impl Redactor {
    /// Compiles the redaction. That takes far longer than using it, so the last ones are kept for the next caller with the same.
    pub(crate) fn new(redaction: &Redaction) -> Result<Arc<Self>, RedactionError> {
        static MADE: Mutex<Vec<(Redaction, Arc<Redactor>)>> = Mutex::new(Vec::new());
        let made = || MADE.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, redactor)) = made().iter().find(|(of, _)| of == redaction) {
            return Ok(Arc::clone(redactor));
        }
        let redactor = Arc::new(Self::made(redaction)?);
        let mut made = made();
        if made.len() >= KEPT {
            made.remove(0);
        }
        made.push((redaction.clone(), Arc::clone(&redactor)));
        Ok(redactor)
    }

    fn made(redaction: &Redaction) -> Result<Self, RedactionError> {
        let patterns = redaction.patterns.iter().map(|(_, pattern)| pattern);
        let names = redaction.names.iter().chain(&redaction.text_names);
        for pattern in names.chain(patterns) {
            let parsed = parsed(pattern).map_err(|error| unusable(pattern, &error))?;
            // A pattern that matches the empty text would match everywhere.
            if parsed.properties().minimum_len() == Some(0) {
                return Err(RedactionError {
                    pattern: pattern.clone(),
                    reason: "it matches the empty text".to_owned(),
                });
            }
        }
        Ok(Self {
            finder: Finder::new(redaction)?,
        })
    }

    /// A JSON text without its secrets. None if there are none in it.
    pub(crate) fn json(&self, text: &str) -> Result<Option<String>, Malformed> {
        if !self.may_have_secrets(text) {
            return Ok(None);
        }
        json::redact(self, text, 0)
    }

    /// Any other text without its secrets.
    pub(crate) fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        // A text that is made to take long is not searched to the end, and not written.
        let Ok(found) = self.find(text) else {
            return Cow::Owned(REDACTED.to_owned());
        };
        if found.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        for (span, category) in found {
            out.push_str(text.get(at..span.start).unwrap_or_default());
            match category {
                Some(category) => {
                    out.push_str("[REDACTED:");
                    out.push_str(category);
                    out.push(']');
                }
                None => out.push_str(REDACTED),
            }
            at = span.end;
        }
        out.push_str(text.get(at..).unwrap_or_default());
        Cow::Owned(out)
    }

    /// Whether a text of JSON needs a closer look.
    fn may_have_secrets(&self, text: &str) -> bool {
        self.finder.may_have_any(text) || self.may_have_address(text)
    }

    /// Whether a text can hold an address with a user.
    fn may_have_address(&self, text: &str) -> bool {
        self.finder.has_names() && text.as_bytes().contains(&b'@') && text.contains("://")
    }

    /// The secrets in a text, in their order and apart: where each is, and its category if it has one.
    fn find(&self, text: &str) -> Result<Vec<Secret<'_>>, find::TooMuch> {
        let mut found: Vec<Secret<'_>> = Vec::new();
        let (mut by_pattern, has_name) = self.finder.all(text)?;
        // Of several that begin in one place, the one that is listed first.
        by_pattern.sort_unstable_by_key(|(span, pattern)| (span.start, *pattern));
        for (span, pattern) in by_pattern {
            // An operator's pattern can match a part of a character.
            let start = text.floor_char_boundary(span.start);
            let end = text.ceil_char_boundary(span.end.max(start + 1));
            found.push((start..end, Some(self.finder.category(pattern))));
        }
        if has_name || self.may_have_address(text) {
            let named = assigned::find(self, text)?;
            found.extend(named.into_iter().map(|span| (span, None)));
        }
        // Patterns first: they give a category.
        found.sort_by_key(|(span, category)| (span.start, category.is_none()));
        let mut apart: Vec<Secret<'_>> = Vec::with_capacity(found.len());
        for (span, category) in found {
            match apart.last_mut() {
                Some((last, kept)) if span.start < last.end => {
                    last.end = last.end.max(span.end);
                    *kept = kept.or(category);
                }
                _ => apart.push((span, category)),
            }
        }
        Ok(apart)
    }

    /// What the value of a member with this name is.
    fn secrecy(&self, name: &str) -> Secrecy {
        self.finder.secrecy(name)
    }
}

/// Where a secret is, and its category.
type Secret<'a> = (Range<usize>, Option<&'a str>);

/// The same pattern wherever it stands: what begins or ends a name or a string does not begin or end the JSON text around it. There it stands
/// beside `edge`.
fn anywhere(pattern: &Hir, edge: &str) -> String {
    let edge = parsed(edge).unwrap_or_else(|_| Hir::empty());
    without_looks(pattern, &edge).to_string()
}

fn without_looks(pattern: &Hir, edge: &Hir) -> Hir {
    match pattern.kind() {
        HirKind::Look(Look::Start | Look::End) => edge.clone(),
        HirKind::Look(_) => Hir::empty(),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) => pattern.clone(),
        HirKind::Repetition(repetition) => Hir::repetition(Repetition {
            sub: Box::new(without_looks(&repetition.sub, edge)),
            ..repetition.clone()
        }),
        HirKind::Capture(capture) => without_looks(&capture.sub, edge),
        HirKind::Concat(parts) => {
            Hir::concat(parts.iter().map(|it| without_looks(it, edge)).collect())
        }
        HirKind::Alternation(parts) => {
            Hir::alternation(parts.iter().map(|it| without_looks(it, edge)).collect())
        }
    }
}

fn parsed(pattern: &str) -> Result<Hir, Box<regex_syntax::Error>> {
    let mut parser = ParserBuilder::new().unicode(false).utf8(false).build();
    parser.parse(pattern).map_err(Box::new)
}

fn is_found(automaton: &dense::DFA<Vec<u32>>, text: &str) -> bool {
    let input = Input::new(text).earliest(true);
    !matches!(automaton.try_search_fwd(&input), Ok(None))
}

fn automaton(patterns: &[&str]) -> Result<dense::DFA<Vec<u32>>, RedactionError> {
    dense::Builder::new()
        .syntax(syntax())
        .configure(limits())
        .build_many(patterns)
        .map_err(|error| unusable(&patterns.join("`, `"), &error))
}

fn unusable(pattern: &str, error: &dyn std::error::Error) -> RedactionError {
    // The last cause says what is wrong.
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    RedactionError {
        pattern: pattern.to_owned(),
        reason: last.to_string(),
    }
}

/// How many tables are kept.
const KEPT: usize = 4;
/// What surrounds a name in a JSON text, such as a quote.
const NO_LETTER: &str = "[^A-Za-z]";
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

    fn redactor() -> Arc<Redactor> {
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
