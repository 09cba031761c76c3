//! Text from elsewhere, made fit for a terminal: what a terminal could act upon is escaped, and lines are broken between words.

use std::borrow::Cow;

use hexgate_base::is_printable;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// A text with everything escaped that a terminal could act upon, line breaks apart. Tabs become blanks. What only chooses the shape of the
/// character before it (as in emoji) is left out.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| c == '\n' || is_printable(c)) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        show(character, &mut out);
    }
    out.into()
}

/// Adds one character, as [`shown`] shows it.
pub(super) fn show(character: char, out: &mut String) {
    match character {
        '\n' => out.push('\n'),
        '\t' => out.push_str("    "),
        // A line that ends as on Windows.
        '\r' => {}
        '\u{fe0e}' | '\u{fe0f}' | '\u{200d}' => {}
        c if is_printable(c) => out.push(c),
        c => out.extend(c.escape_unicode()),
    }
}

/// How many columns a text takes.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// How many columns a character takes.
pub(super) fn width_of(character: char) -> usize {
    character.width().unwrap_or(0)
}

/// A text in lines of at most `width` columns, broken between words where that is possible. Its own line breaks and indentation stay.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let width = width.max(8);
    let mut lines = Vec::new();
    for line in text.split('\n') {
        let indent: String = line
            .chars()
            .take_while(|c| *c == ' ')
            .take(width / 2)
            .collect();
        let mut current = String::new();
        let mut columns = 0;
        // Each piece is a word with the blanks behind it.
        for piece in line.split_inclusive(' ') {
            let needed = self::width(piece.trim_end());
            if columns > self::width(&indent) && columns + needed > width {
                lines.push(current.trim_end().to_owned());
                current = indent.clone();
                columns = self::width(&indent);
            }
            for character in piece.chars() {
                let wide = width_of(character);
                if columns + wide > width && character != ' ' {
                    lines.push(current.trim_end().to_owned());
                    current = indent.clone();
                    columns = self::width(&indent);
                }
                current.push(character);
                columns += wide;
            }
        }
        lines.push(current.trim_end().to_owned());
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_could_act_upon_is_escaped() {
        assert_eq!(
            shown("a\u{1b}]0;x\u{7}b\u{202e}\u{9b}2J"),
            "a\\u{1b}]0;x\\u{7}b\\u{202e}\\u{9b}2J"
        );
        assert_eq!(shown("a\r\n\tb"), "a\n    b");
        assert_eq!(shown("❤\u{fe0f} größe"), "❤ größe");
    }

    #[test]
    fn lines_are_broken_between_words_and_lose_nothing() {
        assert_eq!(wrapped("one two three", 9), ["one two", "three"]);
        assert_eq!(
            wrapped("  one two three", 9),
            ["  one two", "  three"].map(|l| l).to_vec()
        );
        assert_eq!(wrapped("abcdefghijkl", 8), ["abcdefgh", "ijkl"]);
        assert_eq!(wrapped("日本語日本語", 8), ["日本語日", "本語"]);
        assert_eq!(wrapped("a\n\nb", 8), ["a", "", "b"]);
        for width in 8..40 {
            let text = "the quick brown fox_jumps_over_the_lazy_dog and runs";
            let lines = wrapped(text, width);
            assert!(
                lines.iter().all(|line| self::width(line) <= width),
                "{lines:?}"
            );
            let joined: String = lines.concat();
            assert_eq!(joined.replace(' ', ""), text.replace(' ', ""));
        }
    }
}
