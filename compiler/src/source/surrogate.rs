//! Characters that are written as two halves, `"\ud83d\ude00"`: JSON knows no other escape for what is beyond U+FFFF, and JSON is
//! YAML. The parser refuses halves, so it is given a text of the same length without them, and they are put back into the scalars.

use std::borrow::Cow;

use super::{Scalar, Style, align};

/// How long an escaped half is: `\ud83d`.
pub(super) const HALF: usize = 6;
/// What stands in for a half.
const STAND_IN: &str = "\\uE000";

/// Half of a pair, where a character should be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unpaired {
    /// Where it begins in the scalar as written.
    pub(super) at: usize,
}

/// The text with all halves replaced, byte for byte as long. What stands outside of double quotes is replaced as well: only the parser
/// knows what does.
pub(super) fn replaced(text: &str) -> Cow<'_, str> {
    if !halves(text).any(|_| true) {
        return Cow::Borrowed(text);
    }
    let mut without = String::with_capacity(text.len());
    let mut rest = 0;
    for at in halves(text) {
        without.push_str(text.get(rest..at).unwrap_or_default());
        without.push_str(STAND_IN);
        rest = at + HALF;
    }
    without.push_str(text.get(rest..).unwrap_or_default());
    Cow::Owned(without)
}

/// Puts back what was replaced. `written` is what stands in the source for the scalar, `read` what the parser was given for it.
pub(super) fn restore(scalar: &mut Scalar, written: &str, read: &str) -> Result<(), Unpaired> {
    let whole = Unpaired { at: 0 };
    let origins = align::origins(read, scalar).ok_or(whole)?;
    let mut value = String::with_capacity(scalar.value.len());
    let mut characters = scalar.value.char_indices();
    while let Some((index, character)) = characters.next() {
        let at = origins.get(index).copied().unwrap_or_default();
        let (was, is) = (
            written.get(at..).unwrap_or_default(),
            read.get(at..).unwrap_or_default(),
        );
        if scalar.style == Style::Double && is.starts_with(STAND_IN) && !was.starts_with(STAND_IN) {
            value.push(pair(was).ok_or(Unpaired { at })?);
            // The other half.
            characters.next();
        } else if is.starts_with(character) {
            // It stands for itself, and what was replaced around it was no escape.
            value.extend(was.chars().next());
        } else {
            value.push(character);
        }
    }
    scalar.value = value;
    Ok(())
}

/// The character of the two halves that `text` begins with.
pub(super) fn pair(text: &str) -> Option<char> {
    let (high, low) = (half(text)?, half(text.get(HALF..)?)?);
    char::decode_utf16([high, low]).next()?.ok()
}

/// The half that `text` begins with.
fn half(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let unit = u16::from_str_radix(digits, 16).ok()?;
    (0xd800..=0xdfff).contains(&unit).then_some(unit)
}

/// Where halves begin.
fn halves(text: &str) -> impl Iterator<Item = usize> {
    text.match_indices("\\u")
        .map(|(at, _)| at)
        .filter(|at| text.get(*at..).and_then(half).is_some())
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnostic::Sink,
        source::{Node, NodeKind, Sources, parse},
    };

    /// The values of a list of scalars, or the message of the error and the place that it points to.
    fn values(yaml: &str) -> Result<Vec<String>, (String, String)> {
        let (mut sources, mut sink) = (Sources::default(), Sink::default());
        let file = sources.add("x.yaml", yaml);
        let root = parse(&sources, file, &mut sink);
        if let Some(first) = sink.finish().first() {
            let place = sources.slice(first.primary.span).to_owned();
            return Err((first.message.clone(), place));
        }
        let root = root.expect("a tree");
        let NodeKind::List(nodes) = &root.kind else {
            panic!("a list")
        };
        let value = |node: &Node| match &node.kind {
            NodeKind::Scalar(scalar) => scalar.value.clone(),
            _ => panic!("a scalar"),
        };
        Ok(nodes.iter().map(value).collect())
    }

    #[test]
    fn two_halves_are_one_character() {
        for yaml in [
            "- \"\\ud83d\\ude00\"\n",
            "- \"\\uD83D\\uDE00\"\n",
            "[\"\\ud83D\\uDe00\"]",
            "- &a \"\\ud83d\\ude00\"\n",
        ] {
            assert_eq!(values(yaml).unwrap(), ["😀"], "{yaml}");
        }
        assert_eq!(
            values("[\"a \\ud83d\\ude00\\ud83d\\ude01 \\ue000\\u00e9\\n\\\n   \\\"b\\\"\", \"\u{e000}\\ud83d\\ude00\"]").unwrap(),
            ["a 😀😁 \u{e000}é\n\"b\"", "\u{e000}😀"]
        );
    }

    #[test]
    fn what_is_no_escape_stays_as_it_is() {
        let text = "\\ud83d\\ude00";
        for yaml in [
            format!("- '{text} '' \\ud83d'\n"),
            format!("- {text} ' \\ud83d # a comment with {text}\n"),
            format!("- |-\n  {text} ' \\ud83d\n"),
            format!("- >-\n  {text} '\n  \\ud83d\n"),
        ] {
            assert_eq!(
                values(&yaml).unwrap(),
                [format!("{text} ' \\ud83d")],
                "{yaml}"
            );
        }
        assert_eq!(
            values("- \"\\\\ud83d\\\\ude00 \\ud83d\\ude00\"\n").unwrap(),
            ["\\ud83d\\ude00 😀"]
        );
    }

    #[test]
    fn one_half_is_refused_where_it_stands() {
        for (yaml, place) in [
            ("- \"ab \\ud83d\"\n", "\\ud83d"),
            ("- \"\\ude00\\ud83d\"\n", "\\ude00"),
            ("- \"\\ud83d\\ud83d\\ude00\"\n", "\\ud83d"),
            ("- \"\\ud83d \\ude00\"\n", "\\ud83d"),
            ("- \"\\ud83d\\\n  \\ude00\"\n", "\\ud83d"),
            ("- \"\\ud83d\\u0041\"\n", "\\ud83d"),
            ("- \"\\ud83d\\\\ude00\"\n", "\\ud83d"),
        ] {
            let (message, shown) = values(yaml).unwrap_err();
            assert!(message.contains("half of a character"), "{yaml}: {message}");
            assert_eq!(shown, place, "{yaml}");
        }
    }
}
