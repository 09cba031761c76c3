//! Which names a file system may take for one another: any case, composed and decomposed.
//!
//! Every character *folds* to one or more others: it is decomposed (canonically), and then each part stands for all that differ from
//! it in case alone. Two names may be the same file if they fold to the same characters. Where file systems differ, the one that
//! takes more for the same counts: `ß` is `ss`, as it is for ext4 with `casefold`, and `ı` is `i`.

use std::{collections::HashMap, sync::LazyLock};

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};
use unicode_normalization::char::{canonical_combining_class, decompose_canonical};

/// Characters that fold to several without being decomposed, and those that no table of case knows.
const FULL: &[(char, &str)] = &[
    ('ß', "ss"),
    ('ẞ', "ss"),
    ('ı', "i"),
    ('ŉ', "ʼn"),
    ('ẚ', "aʾ"),
    ('և', "եւ"),
    ('ﬀ', "ff"),
    ('ﬁ', "fi"),
    ('ﬂ', "fl"),
    ('ﬃ', "ffi"),
    ('ﬄ', "ffl"),
    ('ﬅ', "st"),
    ('ﬆ', "st"),
    ('ﬓ', "մն"),
    ('ﬔ', "մե"),
    ('ﬕ', "մի"),
    ('ﬖ', "վն"),
    ('ﬗ', "մխ"),
];

/// To some lower-casing without a locale it is `i`, to all others `i` with a dot.
const I_WITH_DOT: char = 'İ';

/// Where characters with canonical decompositions lie, without the syllables of Hangul.
const DECOMPOSED: &[(u32, u32)] = &[
    (0xC0, 0x3100),
    (0xF900, 0xFB50),
    (0x1_0000, 0x1_D800),
    (0x2_F800, 0x2_FA20),
];
const HANGUL: std::ops::RangeInclusive<char> = '\u{AC00}'..='\u{D7A3}';
const JAMO: std::ops::RangeInclusive<char> = '\u{1100}'..='\u{11FF}';

/// What a character folds to.
pub(super) fn fold(c: char) -> Vec<char> {
    let mut folded = Vec::new();
    decompose_canonical(c, |part| {
        match FULL.iter().find(|(from, _)| *from == part) {
            Some((_, to)) => folded.extend(to.chars().map(representative)),
            None => folded.push(representative(part)),
        }
    });
    folded
}

/// All characters that fold to this one alone.
pub(super) fn singles(folded: char) -> ClassUnicode {
    let mut set = any_case(folded);
    let others = FOLDS.singles.get(&folded).into_iter().flatten();
    others.for_each(|c| set.push(ClassUnicodeRange::new(*c, *c)));
    set
}

/// All characters that fold to several, of which this is one, and what they fold to.
pub(super) fn composites(folded: char) -> Vec<(char, Vec<char>)> {
    let mut found: Vec<(char, Vec<char>)> = FOLDS
        .composites
        .get(&folded)
        .into_iter()
        .flatten()
        .map(|c| (*c, fold(*c)))
        .collect();
    if JAMO.contains(&folded) {
        found.extend(
            HANGUL
                .map(|c| (c, fold(c)))
                .filter(|(_, parts)| parts.contains(&folded)),
        );
    }
    found
}

/// The ASCII that folds to what a member of a set folds to: single characters, and texts of several, folded, that one member folds to.
pub(super) fn ascii_of(set: &ClassUnicode) -> (ClassUnicode, Vec<&'static [char]>) {
    let has = |c: char| {
        let mut ranges = set.ranges().iter();
        ranges.any(|range| (range.start()..=range.end()).contains(&c))
    };
    let mut ones = ClassUnicode::empty();
    for c in ('\0'..='\x7F').filter(|c| *c != '/') {
        let same = |(_, folded): &(char, Vec<char>)| *folded == [representative(c)];
        let others = FOLDS.to_ascii.iter().filter(|entry| same(entry));
        if has(c.to_ascii_lowercase())
            || has(c.to_ascii_uppercase())
            || others.into_iter().any(|(other, _)| has(*other))
        {
            ones.push(ClassUnicodeRange::new(c, c));
        }
    }
    let mut several: Vec<&[char]> = Vec::new();
    for (c, folded) in &FOLDS.to_ascii {
        if folded.len() > 1 && has(*c) && !several.contains(&folded.as_slice()) {
            several.push(folded);
        }
    }
    (ones, several)
}

/// Whether a folded character may change places with others of its kind: accents that file systems put in one order. The iota belongs
/// to them because the one below a letter folds to it.
pub(super) fn is_mark(folded: char) -> bool {
    canonical_combining_class(folded) != 0 || folded == representative('ι')
}

/// Whether file systems, or what stands before them, leave the character out of a name.
pub(super) fn is_ignored(c: char) -> bool {
    let code = u32::from(c);
    hexgate_eval::IGNORED_IN_NAMES
        .iter()
        .any(|(first, last)| (*first..=*last).contains(&code))
}

/// The characters that differ from this one in case alone, itself included.
fn any_case(c: char) -> ClassUnicode {
    let mut set = ClassUnicode::new([ClassUnicodeRange::new(c, c)]);
    set.case_fold_simple();
    set
}

/// The one that stands for all that differ in case alone.
fn representative(c: char) -> char {
    any_case(c)
        .ranges()
        .first()
        .map_or(c, ClassUnicodeRange::start)
}

/// [`fold`], the other way round.
#[derive(Default)]
struct Folds {
    singles: HashMap<char, Vec<char>>,
    composites: HashMap<char, Vec<char>>,
    /// Characters beyond ASCII that fold to ASCII.
    to_ascii: Vec<(char, Vec<char>)>,
}

static FOLDS: LazyLock<Folds> = LazyLock::new(|| {
    let mut folds = Folds::default();
    let mut decomposed: Vec<char> = DECOMPOSED
        .iter()
        .flat_map(|(first, last)| *first..*last)
        .filter_map(char::from_u32)
        .filter(|c| {
            let mut other = false;
            decompose_canonical(*c, |part| other |= part != *c);
            other
        })
        .collect();
    decomposed.extend(FULL.iter().map(|(c, _)| *c));
    for c in decomposed {
        folds.add(c, fold(c));
    }
    folds.add(I_WITH_DOT, vec![representative('i')]);
    // Those that a table of case alone leads to ASCII: the long s.
    for letter in 'A'..='Z' {
        for range in any_case(letter).ranges() {
            for c in range.start()..=range.end() {
                if !c.is_ascii() && !folds.to_ascii.iter().any(|(other, _)| *other == c) {
                    folds.to_ascii.push((c, vec![letter]));
                }
            }
        }
    }
    folds
});

impl Folds {
    fn add(&mut self, c: char, folded: Vec<char>) {
        if folded.iter().all(char::is_ascii) {
            self.to_ascii.push((c, folded.clone()));
        }
        if let [one] = folded.as_slice() {
            self.singles.entry(*one).or_default().push(c);
            return;
        }
        for part in folded {
            let list = self.composites.entry(part).or_default();
            if list.last() != Some(&c) {
                list.push(c);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::iter::once;

    use unicode_normalization::UnicodeNormalization;

    use super::*;

    /// Letters whose other case is younger than the tables of the library that patterns are parsed with.
    const YOUNG: [std::ops::RangeInclusive<char>; 2] =
        ['\u{A7CB}'..='\u{A7DC}', '\u{16EA0}'..='\u{16EDF}'];

    /// Beyond it nothing has a case or is composed.
    const LAST: char = '\u{2FFFF}';

    fn by_the_standard_library(c: char) -> Vec<char> {
        let mut text: String = once(c).nfd().collect();
        loop {
            let upper = text.chars().flat_map(char::to_uppercase);
            let next: String = upper.flat_map(char::to_lowercase).nfd().collect();
            if next == text {
                return text.chars().collect();
            }
            text = next;
        }
    }

    #[test]
    fn folding_agrees_with_the_standard_library() {
        for c in ('\0'..=LAST).filter(|c| !YOUNG.iter().any(|young| young.contains(c))) {
            let theirs: Vec<char> = by_the_standard_library(c)
                .into_iter()
                .flat_map(fold)
                .collect();
            assert_eq!(fold(c), theirs, "U+{:04X} {c}", u32::from(c));
        }
    }

    /// The evaluator's own small table, for names in arguments: case alone, without composition.
    #[test]
    fn the_evaluator_folds_case_as_the_library_does() {
        for c in '\0'..=LAST {
            let folded = hexgate_eval::fold_case(c.into());
            let expected = match c {
                'ı' | 'İ' => u32::from('i'),
                c => hexgate_eval::fold_case(representative(c).into()),
            };
            assert_eq!(folded, expected, "U+{:04X}", u32::from(c));
            let others = any_case(c);
            let mut ranges = others.ranges().iter();
            let among = ranges
                .any(|range| (range.start()..=range.end()).any(|other| u32::from(other) == folded));
            assert!(among || folded == u32::from('i'), "U+{:04X}", u32::from(c));
        }
    }

    #[test]
    fn what_folds_to_a_character_is_found_from_it() {
        for c in '\0'..=LAST {
            let folded = fold(c);
            match folded.as_slice() {
                [one] => {
                    let all = singles(*one);
                    let found = all.ranges().iter();
                    assert!(
                        found
                            .into_iter()
                            .any(|range| range.start() <= c && c <= range.end()),
                        "{c}"
                    );
                }
                several => {
                    // One of each letter's syllables is enough of Hangul.
                    if HANGUL.contains(&c) && u32::from(c) % 97 != 0 {
                        continue;
                    }
                    for part in several {
                        assert!(
                            composites(*part).iter().any(|(other, _)| *other == c),
                            "{c}"
                        );
                    }
                }
            }
        }
    }
}
