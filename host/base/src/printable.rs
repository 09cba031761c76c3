//! Text from elsewhere made harmless: without anything that a terminal could act upon or that reads differently from what it says.

use std::borrow::Cow;

use crate::names::is_ignorable;

/// A text with everything escaped that is not [printable](is_printable).
pub fn harmless(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_printable) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if is_printable(character) {
            out.push(character)
        } else {
            out.extend(character.escape_unicode())
        }
    }
    out.into()
}

/// The first characters of a text, harmless; an ellipsis says that there were more.
pub fn shortened(text: &str, most: usize) -> String {
    match beginning(text, most) {
        Some(begin) => format!("{}…", harmless(begin)),
        None => harmless(text).into_owned(),
    }
}

/// The first characters of a text. None: it has no more than these.
pub fn beginning(text: &str, most: usize) -> Option<&str> {
    let (end, _) = text.char_indices().nth(most)?;
    text.get(..end)
}

/// Whether a character can be shown as it is.
pub fn is_printable(character: char) -> bool {
    // Bidirectional overrides and invisible characters can make a message read differently from what it says.
    !character.is_control()
        && !matches!(character, '\u{2028}'..='\u{2029}' | '\u{fff9}'..='\u{fffb}')
        && !is_ignorable(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_elsewhere_cannot_steer_a_terminal() {
        assert_eq!(
            harmless("a\u{1b}[31mb\u{202e}c\n"),
            "a\\u{1b}[31mb\\u{202e}c\\u{a}"
        );
        assert_eq!(harmless("größe 😀"), "größe 😀");
        assert_eq!(
            harmless("a\u{e0041}\u{3164}\u{9b}"),
            "a\\u{e0041}\\u{3164}\\u{9b}"
        );
        assert_eq!(shortened("größe", 3), "grö…");
        assert_eq!(shortened("größe", 5), "größe");
        assert_eq!(shortened("ab\n", 2), "ab…");
        assert_eq!(beginning("größe", 3), Some("grö"));
        assert_eq!(beginning("größe", 5), None);
        assert_eq!(beginning("größe", 0), Some(""));
        assert_eq!(beginning("", 0), None);
    }
}
