//! Names of people, agents and roles: one spelling where they are given, and what counts as the same where people must be told apart.
//!
//! `é` can be written as one character or as two, and they look the same. Identity providers take both for one name, as RFC 8265 (PRECIS)
//! requires; a comparison of bytes takes them for two.

use std::borrow::Cow;

use unicode_normalization::{UnicodeNormalization, is_nfkc_quick};

/// The one spelling of a name: Unicode's normalization form KC.
#[must_use]
pub fn spelled(name: &str) -> Cow<'_, str> {
    if is_nfkc_quick(name.chars()) == unicode_normalization::IsNormalized::Yes {
        return name.into();
    }
    let spelled: String = name.nfkc().collect();
    if spelled == name {
        name.into()
    } else {
        spelled.into()
    }
}

/// A name in the form in which people are compared: its [one spelling](spelled), without letter case, surrounding blanks and invisible
/// characters. It is for questions whose safe answer is *the same*, such as whether an approver approves their own call: it takes more
/// names for one than an identity provider should.
///
/// Letters that look alike and are not the same (`а` of Cyrillic and `a`) stay two.
#[must_use]
pub fn folded(name: &str) -> Cow<'_, str> {
    let name = name.trim();
    if name
        .bytes()
        .all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase())
    {
        return name.into();
    }
    // Some letters have no lower case but that of their upper case (`ſ`, `ς`), some a longer upper case (`ß`), and one of these is an
    // upper case itself (`ẞ`).
    let upper: String = name
        .nfkc()
        .filter(|character| !is_ignorable(*character))
        .flat_map(char::to_lowercase)
        .flat_map(char::to_uppercase)
        .collect();
    let lower: String = upper.chars().flat_map(char::to_lowercase).nfkc().collect();
    lower.trim().to_owned().into()
}

/// Whether a character is invisible: what Unicode calls ignorable by default.
#[must_use]
pub fn is_ignorable(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fff8}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_same_in_all_its_spellings() {
        for (name, other) in [
            ("josé", "jose\u{301}"),
            ("josé", "JOSE\u{301}"),
            ("josé", "ｊｏｓé"),
            ("alice", " Alice\u{a0}"),
            ("alice", "al\u{200d}i\u{ad}ce\u{feff}"),
            ("straße", "STRASSE"),
            ("odysseus", "odyſſeus"),
            ("ὀδυσσεύς", "ὈΔΥΣΣΕΎΣ"),
            ("kelvin", "\u{212a}elvin"),
            ("office", "o\u{fb03}ce"),
            ("한", "\u{1112}\u{1161}\u{11ab}"),
            ("ガキ", "ｶﾞｷ"),
        ] {
            assert_eq!(
                folded(name),
                folded(other),
                "{name} {}",
                other.escape_unicode()
            );
        }
        for (name, other) in [
            ("jose", "josé"),
            ("alice", "alice2"),
            ("a b", "ab"),
            ("alice", "\u{430}lice"),
        ] {
            assert_ne!(folded(name), folded(other), "{name} {other}");
        }
        assert_eq!(folded("\u{200b} \u{3164}"), "");
    }

    #[test]
    fn every_character_folds_with_its_cases_and_its_forms() {
        // Where letters have cases or forms: the rest of the planes takes minutes in a build without optimisation.
        let some = ('\0'..'\u{3400}')
            .chain('\u{a640}'..'\u{ac10}')
            .chain('\u{f900}'..='\u{ffff}')
            .chain('\u{10400}'..'\u{10600}')
            .chain('\u{10c80}'..'\u{10d90}')
            .chain('\u{118a0}'..'\u{118e0}')
            .chain('\u{16e40}'..'\u{16e80}')
            .chain('\u{1d100}'..'\u{1d800}')
            .chain('\u{1e900}'..'\u{1f300}')
            .chain('\u{2f800}'..'\u{2fa20}');
        for character in some {
            // Whether it is at the beginning or alone must not count.
            let name = format!("x{character}y");
            let fold = folded(&name).into_owned();
            assert_eq!(folded(&fold), fold, "{character:?}");
            for other in [
                name.to_uppercase(),
                name.to_lowercase(),
                name.nfc().collect(),
                name.nfd().collect(),
                name.nfkc().collect(),
                name.nfkd().collect(),
            ] {
                assert_eq!(
                    folded(&other),
                    fold,
                    "{character:?} {}",
                    other.escape_unicode()
                );
            }
            assert_eq!(spelled(&spelled(&name)), spelled(&name), "{character:?}");
        }
    }

    #[test]
    fn a_name_has_one_spelling() {
        for name in [
            "",
            "alice",
            "größe 😀",
            "josé",
            "a\u{202e}b",
            "👩\u{200d}💻",
            "o'neil",
        ] {
            assert_eq!(spelled(name), name);
            assert!(matches!(spelled(name), Cow::Borrowed(_)), "{name}");
        }
        for (name, one) in [
            ("jose\u{301}", "josé"),
            ("ｊｏｓé", "josé"),
            ("a\u{a0}b", "a b"),
        ] {
            assert_eq!(spelled(name), one);
        }
    }
}
