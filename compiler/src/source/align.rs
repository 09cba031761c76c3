//! From a scalar's value back to the text it was written as: through quotes, escapes, folded lines and block indentation.

use std::ops::Range;

use super::{Scalar, Style, surrogate};

/// The bytes of `raw` (what stands in the source for `scalar`) from which the bytes `range` of its value come. `None` where the two
/// cannot be brought together.
pub(super) fn locate(raw: &str, scalar: &Scalar, range: Range<usize>) -> Option<Range<usize>> {
    let origins = origins(raw, scalar)?;
    let start = *origins.get(range.start)?;
    // The end is where the last character ends, not where the next begins: between them may lie a line break.
    let end = if range.end > range.start {
        let last = scalar.value.get(..range.end)?.char_indices().next_back()?.0;
        let next = *origins.get(range.end)?;
        let written = raw
            .get(*origins.get(last)?..)?
            .chars()
            .next()
            .map_or(0, char::len_utf8);
        let end = *origins.get(last)? + written;
        let escaped = matches!(scalar.style, Style::Double)
            && raw.as_bytes().get(*origins.get(last)?) == Some(&b'\\');
        if escaped
            || (scalar.style == Style::Single && scalar.value.as_bytes().get(last) == Some(&b'\''))
        {
            next.max(end)
        } else {
            end
        }
    } else {
        start
    };
    Some(start..end.max(start))
}

/// For each byte of the value, and for its end, where in `raw` it comes from.
pub(super) fn origins(raw: &str, scalar: &Scalar) -> Option<Vec<usize>> {
    let mut reader = Reader {
        raw,
        at: properties(raw),
        style: scalar.style,
    };
    if matches!(scalar.style, Style::Single | Style::Double) {
        reader.at += 1;
    }
    let mut origins = Vec::with_capacity(scalar.value.len() + 1);
    let mut in_blank = false;
    for character in scalar.value.chars() {
        let at = reader.next(character, in_blank)?;
        in_blank = matches!(character, ' ' | '\n' | '\t');
        origins.extend(std::iter::repeat_n(at, character.len_utf8()));
    }
    if in_blank && !matches!(scalar.style, Style::Single | Style::Double) {
        reader.skip_blank();
    }
    origins.push(reader.at);
    Some(origins)
}

/// How far anchors and tags ahead of a scalar reach.
fn properties(raw: &str) -> usize {
    let mut at = 0;
    while let Some(rest) = raw.get(at..).filter(|rest| rest.starts_with(['!', '&'])) {
        let word = rest.find([' ', '\t', '\n', '\r']).unwrap_or(rest.len());
        at += word;
        at += rest
            .get(word..)
            .map_or(0, |rest| rest.len() - rest.trim_start().len());
    }
    at
}

struct Reader<'r> {
    raw: &'r str,
    at: usize,
    style: Style,
}

impl Reader<'_> {
    /// Consumes what was written for `character`, and says where it begins.
    fn next(&mut self, character: char, in_blank: bool) -> Option<usize> {
        let rest = self.raw.get(self.at..)?;
        if self.style == Style::Double && rest.starts_with('\\') {
            if let Some(length) = continuation(rest) {
                self.at += length;
                return self.next(character, in_blank);
            }
            let at = self.at;
            self.at += escape(rest)?;
            return Some(at);
        }
        if self.style == Style::Single && character == '\'' && rest.starts_with("''") {
            let at = self.at;
            self.at += 2;
            return Some(at);
        }
        let written = rest.chars().next();
        if written == Some(character) && character != '\n' {
            let at = self.at;
            self.at += character.len_utf8();
            return Some(at);
        }
        if matches!(character, ' ' | '\n' | '\t') {
            // A folded or indented line break: all blanks written here stand for all blanks of the value here.
            let at = self.at;
            if !in_blank || rest.starts_with(['\n', '\r']) {
                self.skip_blank();
            }
            return Some(at);
        }
        None
    }

    fn skip_blank(&mut self) {
        if let Some(rest) = self.raw.get(self.at..) {
            self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
        }
    }
}

/// The length of an escaped line break with the indentation behind it.
fn continuation(rest: &str) -> Option<usize> {
    let after = rest.strip_prefix('\\')?;
    let after = after
        .strip_prefix("\r\n")
        .or_else(|| after.strip_prefix('\n'))?;
    Some(rest.len() - after.trim_start_matches([' ', '\t']).len())
}

/// The length of an escape.
fn escape(rest: &str) -> Option<usize> {
    let kind = rest.chars().nth(1)?;
    let length = match kind {
        'x' => 4,
        'u' if surrogate::pair(rest).is_some() => 12,
        'u' => 6,
        'U' => 10,
        other => 1 + other.len_utf8(),
    };
    (length <= rest.len()).then_some(length)
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnostic::Sink,
        source::{NodeKind, Sources, parse},
    };

    /// Where the words of the value of `- …` are found in the source.
    fn words(yaml: &str) -> Vec<String> {
        let mut sources = Sources::default();
        let file = sources.add("x.yaml", yaml);
        let mut sink = Sink::default();
        let root = parse(&sources, file, &mut sink).expect("a tree");
        let NodeKind::List(nodes) = &root.kind else {
            panic!("a list")
        };
        let node = &nodes[0];
        let NodeKind::Scalar(scalar) = &node.kind else {
            panic!("a scalar")
        };
        let mut found = Vec::new();
        let mut at = 0;
        for word in scalar.value.split([' ', '\n']) {
            if !word.is_empty() {
                found.push(
                    sources
                        .slice(node.locate(&sources, at..at + word.len()))
                        .to_owned(),
                );
            }
            at += word.len() + 1;
        }
        found
    }

    #[test]
    fn finds_words_in_every_style() {
        let expected = ["one", "two", "three"];
        for yaml in [
            "- one two three\n",
            "- one\n  two\n  three\n",
            "- 'one two three'\n",
            "- 'one\n  two three'\n",
            "- \"one two three\"\n",
            "- \"one\n\n  two\n  three\"\n",
            "- \"one \\\n  two three\"\n",
            "- |\n  one\n  two three\n",
            "- |-\n  one\n    two three\n",
            "- >-\n  one\n\n  two\n  three\n",
            "- &anchor !!str one two three\n",
            "- !!str &anchor\n  'one two three'\n",
            "- one\r\n  two\r\n  three\r\n",
        ] {
            assert_eq!(words(yaml), expected, "{yaml:?}");
        }
    }

    #[test]
    fn finds_escaped_characters() {
        assert_eq!(words("- 'it''s \"é\" x'\n"), ["it''s", "\"é\"", "x"]);
        assert_eq!(
            words("- \"a\\u0041 \\\"b\\\" \\x41\\U0001F600\"\n"),
            ["a\\u0041", "\\\"b\\\"", "\\x41\\U0001F600"]
        );
        assert_eq!(words("- \"a\\tb c\"\n"), ["a\\tb", "c"]);
        assert_eq!(
            words("- \"a\\ud83d\\ude00 b\\ud83d\\ude01c d\"\n"),
            ["a\\ud83d\\ude00", "b\\ud83d\\ude01c", "d"]
        );
    }
}
