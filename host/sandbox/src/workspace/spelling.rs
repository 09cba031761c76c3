//! Names that some file system takes for other names.
//!
//! Nothing here allocates: it runs between `fork` and `exec` too, where another thread may have left the allocator locked.

use hexgate_base::names::is_ignorable;
use unicode_normalization::char::{canonical_combining_class, decompose_compatible};

/// The most characters of a name, each written as what it is made of. Names of 255 bytes have fewer, but for those that are made to have more.
const MOST: usize = 1024;

/// A name in the spelling that stands for all that a file system may take for the same: letter case, composition of characters, invisible
/// characters, and the ends of names that Windows and its network shares leave out.
struct Plain {
    characters: [char; MOST],
    length: usize,
}

impl Plain {
    /// None: it has too many characters to be told.
    fn of(name: &[u8]) -> Option<Self> {
        let mut read = Self::empty();
        for chunk in name.utf8_chunks() {
            for character in chunk.valid().chars() {
                // What follows a colon is a stream of the file before it.
                if character == ':' {
                    return read.folded();
                }
                if !is_left_out(character) {
                    // Without the dot, if the case of a letter took one with it.
                    let character = if matches!(character, 'ı' | 'İ') {
                        'i'
                    } else {
                        character
                    };
                    read.decomposed(character)?;
                }
            }
            if !chunk.invalid().is_empty() {
                read.push(char::REPLACEMENT_CHARACTER)?;
            }
        }
        read.folded()
    }

    fn empty() -> Self {
        Self {
            characters: ['\0'; MOST],
            length: 0,
        }
    }

    fn push(&mut self, character: char) -> Option<()> {
        *self.characters.get_mut(self.length)? = character;
        self.length += 1;
        Some(())
    }

    /// Adds what a character is made of.
    fn decomposed(&mut self, character: char) -> Option<()> {
        if character.is_ascii() {
            return self.push(character);
        }
        let mut done = Some(());
        decompose_compatible(character, |part| {
            if done.is_some() && !is_left_out(part) {
                done = self.push(part);
            }
        });
        done
    }

    /// Without letter case, and without what may be left out at the ends.
    fn folded(mut self) -> Option<Self> {
        self.sort();
        let mut folded = Self::empty();
        for character in self.text() {
            if character.is_ascii() {
                folded.push(character.to_ascii_lowercase())?;
                continue;
            }
            // Some letters have no lower case but that of their upper case (`ſ`, `ς`), some a longer upper case (`ß`), and one of these is an
            // upper case itself (`ẞ`).
            for lower in character.to_lowercase() {
                for upper in lower.to_uppercase() {
                    for lower in upper.to_lowercase() {
                        folded.decomposed(lower)?;
                    }
                }
            }
        }
        folded.sort();
        let text = folded.text();
        let begin = text.iter().take_while(|it| it.is_whitespace()).count();
        let is_end = |it: &&char| **it == '.' || it.is_whitespace();
        let end = text.len() - text.iter().rev().take_while(is_end).count();
        folded.characters.copy_within(begin.min(end)..end, 0);
        folded.length = end.saturating_sub(begin);
        Some(folded)
    }

    /// Puts marks of one letter into the order that Unicode gives them.
    fn sort(&mut self) {
        let text = self.characters.get_mut(..self.length).unwrap_or_default();
        for last in 1..text.len() {
            for at in (1..=last).rev() {
                let class = |at: usize| {
                    text.get(at)
                        .filter(|it| !it.is_ascii())
                        .map_or(0, |it| canonical_combining_class(*it))
                };
                let (before, here) = (class(at - 1), class(at));
                if here == 0 || before <= here {
                    break;
                }
                text.swap(at - 1, at);
            }
        }
    }

    fn text(&self) -> &[char] {
        self.characters.get(..self.length).unwrap_or_default()
    }

    fn is(&self, other: &Self) -> bool {
        self.text() == other.text()
    }

    /// Whether this may be a short name of another one, which cannot be told: `GIT~1` is `.git`. At most eight characters, of which the last
    /// are a tilde and a number, and an ending of at most three.
    fn is_short(&self) -> bool {
        let text = self.text();
        let (stem, ending) = match text.iter().position(|it| *it == '.') {
            Some(dot) => (
                text.get(..dot).unwrap_or_default(),
                text.get(dot + 1..).unwrap_or_default(),
            ),
            None => (text, [].as_slice()),
        };
        let digits = stem.iter().rev().take_while(|it| it.is_ascii_digit());
        let digits = digits.count();
        let tilde = stem.len().checked_sub(digits + 1);
        digits > 0
            && stem.len() <= 8
            && ending.len() <= 3
            && tilde.and_then(|at| stem.get(at)) == Some(&'~')
    }
}

/// A name, to be compared with others.
pub(super) struct Name<'a> {
    written: &'a [u8],
    plain: Option<Plain>,
}

impl<'a> Name<'a> {
    pub(super) fn new(written: &'a [u8]) -> Self {
        Self {
            written,
            plain: Plain::of(written),
        }
    }

    /// Whether it may be any name: a short one, or one that has more characters than can be compared.
    pub(super) fn is_ambiguous(&self) -> bool {
        self.plain.as_ref().is_none_or(Plain::is_short)
    }

    /// Whether it may be one with another name.
    pub(super) fn is(&self, other: &[u8]) -> bool {
        self.written == other
            || match (&self.plain, Plain::of(other)) {
                (Some(plain), Some(other)) => !plain.text().is_empty() && plain.is(&other),
                _ => true,
            }
    }

    /// As [`Self::is`], for an ASCII name in lower case.
    pub(super) fn is_lower(&self, other: &str) -> bool {
        let same = |plain: &Plain| plain.text().iter().copied().eq(other.chars());
        self.plain.as_ref().is_none_or(same)
    }

    /// Whether it may begin with an ASCII text in lower case.
    pub(super) fn begins(&self, prefix: &str) -> bool {
        let begins = |plain: &Plain| {
            let start = plain.text().get(..prefix.len()).unwrap_or_default();
            start.iter().copied().eq(prefix.chars())
        };
        self.plain.as_ref().is_none_or(begins)
    }
}

/// The names of a path. One that is empty is none.
pub(super) fn names(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|byte| *byte == b'/')
        .filter(|name| !name.is_empty())
}

/// Whether a path may begin with all names of `other`, and have at least so many more.
pub(super) fn begins<'a>(
    mut path: impl Iterator<Item = &'a [u8]>,
    other: impl Iterator<Item = &'a [u8]>,
    more: usize,
) -> bool {
    for other in other {
        if !path
            .next()
            .is_some_and(|name| name == other || Name::new(name).is(other))
        {
            return false;
        }
    }
    path.take(more).count() == more
}

fn is_left_out(character: char) -> bool {
    is_ignorable(character)
        || matches!(character, '\u{f000}'..='\u{f0ff}' | '\u{fff9}'..='\u{fffb}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use hexgate_base::names::folded;

    fn is_same(name: &str, other: &str) -> bool {
        Name::new(name.as_bytes()).is(other.as_bytes())
    }

    #[test]
    fn spellings_of_one_name_are_one() {
        for (name, other) in [
            (".GIT", ".git"),
            (".g\u{131}t", ".git"),
            (".g\u{130}t", ".git"),
            (".git. .", ".git"),
            (".env::$DATA", ".env"),
            (".e\u{200b}nv\u{feff}", ".env"),
            ("\u{ff0e}env", ".env"),
            (".en\u{f022}v", ".env"),
            ("to\u{212a}en", "token"),
            ("\u{17f}ystem.md", "system.md"),
            ("caf\u{e9}", "cafe\u{301}"),
            ("Straße", "STRASSE"),
            ("a\u{345}\u{301}", "a\u{301}\u{3b9}"),
            ("o\u{323}\u{307}", "o\u{307}\u{323}"),
        ] {
            assert!(is_same(name, other), "{}", name.escape_unicode());
        }
        for (name, other) in [
            (".git", ".gitignore"),
            ("a", "b"),
            (".env", "env"),
            ("\u{200b}", "..."),
        ] {
            assert!(!is_same(name, other), "{name}");
        }
    }

    #[test]
    fn short_names_may_be_any_and_long_ones_not() {
        let is_ambiguous = |name: &str| Name::new(name.as_bytes()).is_ambiguous();
        for name in [
            "GIT~1",
            "git~12",
            "AGENT~1.YAM",
            "AG1B2C~1.YAM",
            "GIT~1::$DATA",
            "GIT~1.",
        ] {
            assert!(is_ambiguous(name), "{name}");
        }
        for name in [
            "a~b",
            "~",
            "package_1.2~3.tar.gz",
            "report~1.backup",
            "abcdefgh~1",
            "1~",
        ] {
            assert!(!is_ambiguous(name), "{name}");
        }
        // What cannot be compared may be anything.
        assert!(is_ambiguous(&"\u{fdfa}".repeat(85)));
        assert!(!is_ambiguous(&"\u{4e2d}".repeat(85)) && !is_ambiguous(&"a".repeat(255)));
    }

    #[test]
    fn a_path_is_at_another_or_beneath_it() {
        for (path, other, is) in [
            ("/w/keep", "/w/keep", true),
            ("/w/KEEP/x/y", "/w/keep", true),
            ("/w/keeper", "/w/keep", false),
            ("/w", "/w/keep", false),
            ("/w/a/STRASSE.TXT", "/w/a/Straße.txt", true),
        ] {
            let begins = |more| begins(names(path.as_bytes()), names(other.as_bytes()), more);
            assert_eq!(begins(0), is, "{path}");
            assert_eq!(begins(1), is && path.len() > other.len() + 1, "{path}");
        }
    }

    proptest::proptest! {
        /// What the library with allocations takes for one name is one here. But for a mark behind an iota below: only there counts what is composed.
        #[test]
        fn names_are_compared_as_people_are(
            name in "[a-cA-Cſßẞéæﬁſς\u{301}\u{323}\u{307}ΐ\u{200b}．ｅ한ᄒ\u{1161}\u{11ab}ガｶﾞ]{0,6}",
            other in "[a-cA-Cſßẞéæﬁſς\u{301}\u{323}\u{307}ΐ\u{200b}．ｅ한ᄒ\u{1161}\u{11ab}ガｶﾞ]{0,6}",
            letters in proptest::prelude::any::<String>(),
        ) {
            // These are one letter or none here, and others there.
            let letters = letters.replace(['ı', 'İ', ':', '﹕', '：', '︓'], "");
            for (name, other) in [
                (name.clone(), other),
                (name.to_uppercase(), name.clone()),
                (letters.to_lowercase(), letters.clone()),
                (letters.clone(), folded(&letters).into_owned()),
            ] {
                if folded(&name) == folded(&other) && !folded(&name).trim_end_matches(['.', ' ']).is_empty() {
                    proptest::prop_assert!(is_same(&name, &other), "{} {}", name.escape_unicode(), other.escape_unicode());
                }
            }
        }
    }
}
