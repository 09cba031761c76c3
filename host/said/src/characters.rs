//! Which characters a name may have.

use unicode_normalization::is_nfc;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};
use unicode_script::{Script, UnicodeScript};
use unicode_security::{RestrictionLevel, RestrictionLevelDetection, skeleton};

/// Whether a text reads to a person as it reads to a program: no hidden characters, composed (Unicode's form NFC), no marks on letters that
/// have none, and no word of letters that look alike across scripts (UTS 39, *highly restrictive*).
pub(crate) fn is_clean(text: &str) -> bool {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return true;
    }
    if text.chars().any(is_hidden) || !is_nfc(text) || has_odd_mark(text) {
        return false;
    }
    text.split(|character: char| !is_of_word(character))
        .filter(|word| !word.is_ascii())
        .all(|word| word.check_restriction_level(RestrictionLevel::HighlyRestrictive))
}

/// Whether nobody sees the character, or nobody knows what it is: controls, formats, private and unassigned ones, blanks that are not the
/// usual three, and what Unicode calls ignorable by default.
pub(crate) fn is_hidden(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_control();
    }
    match character.general_category() {
        GeneralCategory::Control
        | GeneralCategory::Format
        | GeneralCategory::PrivateUse
        | GeneralCategory::Surrogate
        | GeneralCategory::Unassigned
        | GeneralCategory::LineSeparator
        | GeneralCategory::ParagraphSeparator => true,
        GeneralCategory::SpaceSeparator => !matches!(character, '\u{a0}' | '\u{3000}'),
        _ => matches!(
            character,
            '\u{34f}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{2800}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{ffa0}'
                | '\u{fffc}'..='\u{fffd}'
                | '\u{e0100}'..='\u{e01ef}'
        ),
    }
}

/// Whether the character changes the direction of the text after it, up to the end of the line.
pub(crate) fn turns_direction(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether a word of a script that is written without blanks, or whose particles follow without one, can begin with it.
pub(crate) fn is_east_asian_letter(character: char) -> bool {
    matches!(
        character.script(),
        Script::Han | Script::Hiragana | Script::Katakana | Script::Hangul
    ) && character.is_alphabetic()
}

/// Whether a text that is not ASCII looks like one that is: `раура` in Cyrillic.
pub(crate) fn looks_like_ascii(text: &str) -> bool {
    !text.is_ascii() && skeleton(text).all(|character| character.is_ascii())
}

fn is_mark(character: char) -> bool {
    matches!(
        character.general_category(),
        GeneralCategory::NonspacingMark
            | GeneralCategory::SpacingMark
            | GeneralCategory::EnclosingMark
    )
}

fn is_of_word(character: char) -> bool {
    character.is_alphanumeric() || (!character.is_ascii() && is_mark(character))
}

/// A mark that Unicode does not compose, on a letter of a script whose usual letters are all composed, or on no letter.
fn has_odd_mark(text: &str) -> bool {
    let mut base = None;
    for character in text.chars() {
        if !character.is_ascii() && is_mark(character) {
            let takes_marks = base.is_some_and(|base: char| {
                base.is_alphabetic()
                    && !matches!(
                        base.script(),
                        Script::Latin | Script::Greek | Script::Cyrillic
                    )
            });
            if !takes_marks {
                return true;
            }
        } else {
            base = Some(character);
        }
    }
    false
}
