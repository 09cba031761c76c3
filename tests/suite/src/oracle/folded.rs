//! What a file system may take for the same name, found out by folding both: the names' characters, and those of the pattern.

use std::{collections::BTreeSet, iter::once, ops::RangeInclusive, sync::LazyLock};

use unicode_normalization::{UnicodeNormalization, char::canonical_combining_class};

use super::scope::in_class;

/// A folded character of a name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Folded {
    character: char,
    /// Whether it was written with a character beyond ASCII.
    beyond: bool,
}

impl Folded {
    /// All ways to fold a name: `İ` has two.
    pub(super) fn all(name: &str) -> Vec<Vec<Self>> {
        name.chars().fold(vec![Vec::new()], |before, c| {
            let mut ways = vec![folded(c)];
            if c == 'İ' {
                ways.push(vec!['i']);
            }
            let mut after = Vec::new();
            for head in &before {
                for way in &ways {
                    let tail = way.iter().map(|part| Self {
                        character: *part,
                        beyond: !c.is_ascii(),
                    });
                    after.push(head.iter().copied().chain(tail).collect());
                }
            }
            after
        })
    }
}

/// What a character folds to: decomposed, and without a case, until nothing changes any more.
fn folded(c: char) -> Vec<char> {
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

/// Characters beyond ASCII that fold to ASCII alone, and to what.
static TO_ASCII: LazyLock<Vec<(char, Vec<char>)>> = LazyLock::new(|| {
    ('\u{80}'..='\u{FFFF}')
        .map(|c| (c, folded(c)))
        .filter(|(_, to)| to.iter().all(char::is_ascii))
        .chain(once(('İ', vec!['i'])))
        .collect()
});

/// The most characters of ASCII that one beyond it stands for.
static LONGEST: LazyLock<usize> =
    LazyLock::new(|| TO_ASCII.iter().map(|(_, to)| to.len()).max().unwrap_or(1));

/// Whether file systems, or what stands before them, leave a character out of a name.
fn ignored(c: char) -> bool {
    matches!(
        u32::from(c),
        0xAD | 0x34F | 0x61C | 0x115F..=0x1160 | 0x17B4..=0x17B5 | 0x180B..=0x180F | 0x200B..=0x200F
            | 0x202A..=0x202E | 0x2060..=0x206F | 0x3164 | 0xF000..=0xF0FF | 0xFE00..=0xFE0F | 0xFEFF | 0xFFA0
            | 0xFFF0..=0xFFFB | 0x1BCA0..=0x1BCA3 | 0x1D173..=0x1D17A | 0xE0000..=0xE0FFF
    )
}

/// Whether a file system may take a name for another one by its form.
pub(super) fn mistakable(name: &str) -> bool {
    let last = name.chars().last();
    last.is_some_and(|c| c == '.' || c.is_whitespace())
        || name.contains(':')
        || name.chars().any(ignored)
        || (0..10).any(|digit| name.contains(&format!("~{digit}")))
}

/// A part of a segment.
#[derive(Debug, Clone, PartialEq)]
enum Part {
    Written(char),
    Star,
    Any,
    Class(Vec<char>),
}

fn parts(segment: &str) -> Vec<Part> {
    let mut rest = segment.chars();
    let mut parts = Vec::new();
    while let Some(c) = rest.next() {
        parts.push(match c {
            '*' => Part::Star,
            '?' => Part::Any,
            '[' => {
                let class: Vec<char> = rest.by_ref().take_while(|c| *c != ']').collect();
                match class.as_slice() {
                    [one] => Part::Written(*one),
                    _ => Part::Class(class),
                }
            }
            written => Part::Written(written),
        });
    }
    parts
}

/// Whether a segment of a denied pattern covers a name, in any of the ways to fold it.
pub(super) fn matches(segment: &str, name: &[Vec<Folded>]) -> bool {
    let parts = parts(segment);
    name.iter().any(|name| within(&parts, name))
}

/// Takes what is written, or what stands between, run by run: where in the name each run can end.
fn within(pattern: &[Part], name: &[Folded]) -> bool {
    let is_written = |part: &Part| matches!(part, Part::Written(_));
    let mut reached = Reached::begin(name);
    for run in pattern.chunk_by(|one, other| is_written(one) == is_written(other)) {
        reached = if run.iter().all(is_written) {
            let written: Vec<char> = run
                .iter()
                .filter_map(|part| match part {
                    Part::Written(c) if !ignored(*c) => Some(folded(*c)),
                    _ => None,
                })
                .flatten()
                .collect();
            reached.after(written.len()..=written.len(), |here| alike(&written, here))
        } else {
            let stars = run.iter().all(|part| *part == Part::Star);
            reached.after(usize::from(!stars)..=name.len(), |taken| {
                let beyond = taken.iter().any(|one| one.beyond);
                stars || beyond || in_ascii(run, taken)
            })
        };
    }
    reached.is_at_end()
}

/// The places in a name up to which a part of a pattern was found.
struct Reached<'a> {
    name: &'a [Folded],
    at: BTreeSet<usize>,
}

impl<'a> Reached<'a> {
    fn begin(name: &'a [Folded]) -> Self {
        let at = [0].into();
        Self { name, at }
    }

    /// The places after as many characters as are said, where these are taken.
    fn after(&self, lengths: RangeInclusive<usize>, takes: impl Fn(&'a [Folded]) -> bool) -> Self {
        let mut at = BTreeSet::new();
        for from in &self.at {
            for to in lengths.clone().map(|length| from + length) {
                if let Some(taken) = self.name.get(*from..to)
                    && !at.contains(&to)
                    && takes(taken)
                {
                    at.insert(to);
                }
            }
        }
        Self {
            name: self.name,
            at,
        }
    }

    fn is_at_end(&self) -> bool {
        self.at.contains(&self.name.len())
    }
}

/// Whether a name has what is written; accents that stand side by side count in any order.
fn alike(written: &[char], name: &[Folded]) -> bool {
    // The iota below a letter folds to one behind it.
    let is_mark = |c: &char| canonical_combining_class(*c) != 0 || *c == 'ι';
    let mut name = name.iter();
    written
        .chunk_by(|one, other| is_mark(one) && is_mark(other))
        .all(|run| {
            let here: Vec<char> = name
                .by_ref()
                .take(run.len())
                .map(|one| one.character)
                .collect();
            here.iter().all(|c| run.contains(c))
        })
}

/// What a run takes of ASCII, one after the other. Some characters beyond it stand for two or three of ASCII.
fn in_ascii(run: &[Part], name: &[Folded]) -> bool {
    let mut reached = Reached::begin(name);
    for part in run {
        let has = |c: char| match part {
            Part::Class(class) => in_class(class, c),
            _ => true,
        };
        reached = match part {
            Part::Star => reached.after(0..=name.len(), |_| true),
            _ => reached.after(1..=*LONGEST, |taken| {
                let text: Vec<char> = taken.iter().map(|one| one.character).collect();
                let one = matches!(text.as_slice(), [c] if has(*c) || has(c.to_ascii_uppercase()));
                one || TO_ASCII.iter().any(|(c, to)| *to == text && has(*c))
            }),
        };
    }
    reached.is_at_end()
}
