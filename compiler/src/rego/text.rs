//! Rego in the form that `opa fmt` gives: literals, references, rules.

use std::fmt::Write;

use crate::{
    diagnostic::is_printable,
    expr::{Literal, Path, Step, is_name},
};

/// Words that cannot stand behind a dot.
const KEYWORDS: [&str; 15] = [
    "as", "contains", "default", "else", "every", "false", "if", "import", "in", "not", "null",
    "package", "some", "true", "with",
];

/// The longest list that is printed on one line.
const LINE: usize = 100;

/// A text as a string literal. What a reader would not see stands as an escape.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_printable(c) && !matches!(c, '\u{fffe}' | '\u{ffff}') => out.push(c),
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
    out
}

/// A value as a literal.
pub(super) fn literal(value: &Literal) -> String {
    match value {
        Literal::Null => "null".to_owned(),
        Literal::Bool(value) => value.to_string(),
        Literal::Number(text) => text.clone(),
        Literal::String(text) => quoted(text),
        Literal::List(items) => inline(items.iter().map(literal)),
    }
}

/// The place that a path leads to, from the name of its root.
pub(super) fn reference(root: &str, path: &Path) -> String {
    let mut out = root.to_owned();
    for step in &path.steps {
        match step {
            Step::Member(name) => member(&mut out, name),
            Step::Element(index) => {
                let _ = write!(out, "[{index}]");
            }
        }
    }
    out
}

/// Goes on to a member.
pub(super) fn member(reference: &mut String, name: &str) {
    if is_name(name) && !KEYWORDS.contains(&name) {
        reference.push('.');
        reference.push_str(name);
    } else {
        reference.push('[');
        reference.push_str(&quoted(name));
        reference.push(']');
    }
}

/// A list on one line.
pub(super) fn inline(items: impl IntoIterator<Item = String>) -> String {
    let items: Vec<String> = items.into_iter().collect();
    format!("[{}]", items.join(", "))
}

/// A list, or with other brackets a set, at the top of a rule: one item a line if it is long.
pub(super) fn listed(brackets: [char; 2], items: &[String]) -> String {
    let [open, close] = brackets;
    let joined = items.join(", ");
    if joined.len() <= LINE {
        return format!("{open}{joined}{close}");
    }
    format!("{open}\n\t{},\n{close}", items.join(",\n\t"))
}

/// A rule, or an `else` of the one before: what it defines, and under what conditions.
pub(super) fn rule(out: &mut String, head: &str, conditions: &[String]) {
    out.push('\n');
    out.push_str(head);
    match conditions {
        [] => {}
        [one] if !one.contains('\n') => {
            out.push_str(" if ");
            out.push_str(one);
        }
        several => {
            out.push_str(" if {\n");
            for line in several.iter().flat_map(|condition| condition.split('\n')) {
                out.push('\t');
                out.push_str(line);
                out.push('\n');
            }
            out.push('}');
        }
    }
    out.push('\n');
}

/// What is called: a rule alone, or with arguments.
pub(super) fn call(name: &str, arguments: &[&str]) -> String {
    if arguments.is_empty() {
        name.to_owned()
    } else {
        format!("{name}({})", arguments.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_cannot_leave_their_quotes() {
        for (text, expected) in [
            ("plain", r#""plain""#),
            ("a\"b\\c", r#""a\"b\\c""#),
            ("x\n\nallow if true\n#", r#""x\n\nallow if true\n#""#),
            ("\0\u{7f}\u{85}\u{2028}", r#""\u0000\u007f\u0085\u2028""#),
            ("\u{202e}\u{feff}\u{ffff}", r#""\u202e\ufeff\uffff""#),
            ("`é😀{x}$", "\"`é😀{x}$\""),
        ] {
            assert_eq!(quoted(text), expected);
        }
    }

    #[test]
    fn only_plain_words_stand_behind_a_dot() {
        let mut place = String::from("input.args");
        for name in ["amount", "_x1", "default", "x y", "", "é", "1", "a-b"] {
            member(&mut place, name);
        }
        assert_eq!(
            place,
            r#"input.args.amount._x1["default"]["x y"][""]["é"]["1"]["a-b"]"#
        );
    }
}
