//! Replacing text in text, and showing what changed.

use std::time::Duration;

use similar::TextDiff;

/// How long a difference may be looked for; a rougher one is shown after that.
const PATIENCE: Duration = Duration::from_millis(200);
/// How many places are named where an edit is ambiguous.
const NAMED: usize = 10;

/// What came of an edit.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Edited {
    pub(super) text: String,
    pub(super) replacements: usize,
}

/// Why a text was not edited.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum EditError {
    /// There is no text to look for.
    Nothing,
    /// Nothing would change.
    Same,
    /// The text is not there.
    Absent,
    /// The text is there several times: how often, and in which lines, the first of them.
    Several(usize, Vec<usize>),
}

/// Replaces `old` by `new`: where it stands alone, or with `all` everywhere.
///
/// A line ends the same way before and after: what models write with `\n` matches `\r\n`, and new lines end as those around them.
pub(super) fn replace(text: &str, old: &str, new: &str, all: bool) -> Result<Edited, EditError> {
    if old.is_empty() {
        return Err(EditError::Nothing);
    }
    let lines = LineEnds::of(text);
    let (old, new) = (unified(old), unified(new));
    if old == new {
        return Err(EditError::Same);
    }
    let found: Vec<usize> = lines
        .unified
        .match_indices(&old)
        .map(|(at, _)| at)
        .collect();
    match found.as_slice() {
        [] => return Err(EditError::Absent),
        [_, _, ..] if !all => {
            let named = found.iter().take(NAMED).map(|at| lines.line(*at)).collect();
            return Err(EditError::Several(found.len(), named));
        }
        _ => {}
    }
    let mut edited = String::with_capacity(text.len());
    let mut kept = 0;
    for at in &found {
        let (start, end) = (lines.original(*at), lines.original(at + old.len()));
        edited.push_str(text.get(kept..start).unwrap_or_default());
        if lines.is_crlf_at(*at) {
            edited.push_str(&new.replace('\n', "\r\n"));
        } else {
            edited.push_str(&new);
        }
        kept = end;
    }
    edited.push_str(text.get(kept..).unwrap_or_default());
    Ok(Edited {
        text: edited,
        replacements: found.len(),
    })
}

/// A text with `\n` alone, and where that was `\r\n`.
struct LineEnds {
    unified: String,
    /// Where a `\n` stands in the unified text, and whether it was `\r\n`.
    ends: Vec<(usize, bool)>,
    /// The places of those that were `\r\n`.
    crlf: Vec<usize>,
}

impl LineEnds {
    fn of(text: &str) -> Self {
        let mut unified = String::with_capacity(text.len());
        let mut ends = Vec::new();
        for line in text.split_inclusive('\n') {
            let Some(rest) = line.strip_suffix('\n') else {
                unified.push_str(line);
                continue;
            };
            let bare = rest.strip_suffix('\r');
            unified.push_str(bare.unwrap_or(rest));
            ends.push((unified.len(), bare.is_some()));
            unified.push('\n');
        }
        let crlf = ends
            .iter()
            .filter(|(_, crlf)| *crlf)
            .map(|(at, _)| *at)
            .collect();
        Self {
            unified,
            ends,
            crlf,
        }
    }

    /// Where a place of the unified text is in the original.
    fn original(&self, at: usize) -> usize {
        at + self.crlf.partition_point(|crlf| *crlf < at)
    }

    /// How lines end at a place: as the line that it is in, and as the one before if that has no end.
    fn is_crlf_at(&self, at: usize) -> bool {
        let next = self.ends.partition_point(|(end, _)| *end < at);
        let end = self.ends.get(next).or_else(|| self.ends.last());
        end.is_some_and(|(_, crlf)| *crlf)
    }

    /// The number of the line that a place is in, from 1 on.
    fn line(&self, at: usize) -> usize {
        1 + self.ends.partition_point(|(end, _)| *end < at)
    }
}

fn unified(text: &str) -> String {
    text.replace("\r\n", "\n")
}

/// The difference of two texts, as programs for patches read it.
pub(super) fn difference(before: &str, after: &str, name: &str) -> String {
    let diff = TextDiff::configure()
        .timeout(PATIENCE)
        .diff_lines(before, after);
    let mut unified = diff.unified_diff();
    unified.context_radius(3).header(name, name).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replaced(text: &str, old: &str, new: &str) -> String {
        replace(text, old, new, true).unwrap().text
    }

    #[test]
    fn one_place_is_replaced_and_several_are_told() {
        let edited = replace("a b c", "b", "x", false).unwrap();
        assert_eq!((edited.text.as_str(), edited.replacements), ("a x c", 1));
        let edited = replace("a b\nb", "b", "", true).unwrap();
        assert_eq!((edited.text.as_str(), edited.replacements), ("a \n", 2));
        let error = replace("a\nx\nb a\n\na", "a", "x", false).unwrap_err();
        assert_eq!(error, EditError::Several(3, vec![1, 3, 5]));
        assert_eq!(replace("a", "b", "c", false), Err(EditError::Absent));
        assert_eq!(replace("a", "", "c", true), Err(EditError::Nothing));
        assert_eq!(replace("a", "a", "a", true), Err(EditError::Same));
    }

    #[test]
    fn line_ends_stay_as_they_are() {
        for (text, old, new, expected) in [
            // All lines end in CRLF: the model's do not.
            ("a\r\nb\r\nc", "a\nb", "x\ny\nz", "x\r\ny\r\nz\r\nc"),
            ("a\r\nb\r\n", "\nb", "\nc", "a\r\nc\r\n"),
            ("a\r\nb\r\n", "a\n", "", "b\r\n"),
            ("a\r\nb\r\n", "a\r\n", "x\r\n", "x\r\nb\r\n"),
            ("a\r\nb\r\n", "b", "b\nc", "a\r\nb\r\nc\r\n"),
            // No end at the end.
            ("a\nb", "b", "c", "a\nc"),
            ("a\r\nb", "b", "b\nc", "a\r\nb\r\nc"),
            ("a", "a", "b\nc", "b\nc"),
            // Mixed: as the line that it is in.
            ("a\r\nb\nc\r\n", "b", "x\ny", "a\r\nx\ny\nc\r\n"),
            ("a\r\nb\nc\r\n", "c", "x\ny", "a\r\nb\nx\r\ny\r\n"),
            ("a\r\nb\nc\r\n", "b\nc", "d", "a\r\nd\r\n"),
            // A return by itself is a character.
            ("a\rb\n", "\r", "-", "a-b\n"),
        ] {
            assert_eq!(replaced(text, old, new), expected, "{text:?} {old:?}");
        }
        assert_eq!(replace("a\r\n", "a\r\n", "a\n", true), Err(EditError::Same));
    }

    #[test]
    fn differences_read_as_patches() {
        assert_eq!(
            difference("a\nb\nc\n", "a\nx\nc", "f"),
            "--- f\n+++ f\n@@ -1,3 +1,3 @@\n a\n-b\n-c\n+x\n+c\n\\ No newline at end of file\n"
        );
        assert_eq!(difference("a", "a", "f"), "");
    }

    proptest::proptest! {
        /// Without line ends in play, it is what the standard library does.
        #[test]
        fn it_replaces_what_the_standard_library_replaces(
            text in "[ab\n]{0,40}", old in "[ab\n]{1,3}", new in "[abc\n]{0,3}",
        ) {
            proptest::prop_assume!(old != new && text.contains(&old));
            proptest::prop_assert_eq!(replaced(&text, &old, &new), text.replace(&old, &new));
            // And the same with CRLF everywhere. A text of one line does not say how its lines end.
            proptest::prop_assume!(text.contains('\n'));
            let crlf = |text: &str| text.replace('\n', "\r\n");
            proptest::prop_assert_eq!(
                replaced(&crlf(&text), &old, &new),
                crlf(&text.replace(&old, &new))
            );
        }
    }
}
