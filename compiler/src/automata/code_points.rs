//! Sets of code points as expressions over bytes.

use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, ClassUnicode, Hir, Repetition};

/// One code point of a set.
///
/// Texts are valid UTF-8, and the tables get much smaller by relying on it: a set that holds every code point beyond ASCII (`.`,
/// `[^/]`, `\S`) is read as one byte that begins a code point and then any number of continuation bytes. This takes one state
/// where the exact ranges of UTF-8 take seven.
///
/// It accepts the same texts as the exact form wherever every part of a pattern is built here, or is a literal, or takes any
/// byte at all. Such a part begins with a byte that begins a code point. So when a part stops in the middle of a code point, no
/// other can go on there, nor does an assertion hold there (it is not an end of the text, and ASCII word boundaries lie beside an
/// ASCII byte): either the match is complete, and then it is also complete at the end of that code point, or it fails.
pub(super) fn one_of(set: &ClassUnicode) -> Hir {
    let all_beyond_ascii = set
        .ranges()
        .last()
        .is_some_and(|last| last.start() <= '\u{80}' && last.end() == char::MAX);
    if !all_beyond_ascii {
        return Hir::class(Class::Unicode(set.clone()));
    }
    let mut first = ClassBytes::new([ClassBytesRange::new(0xC0, 0xFF)]);
    for range in set.ranges() {
        if let Ok(start) = u8::try_from(range.start())
            && start < 0x80
        {
            first.push(ClassBytesRange::new(
                start,
                u8::try_from(range.end()).unwrap_or(0x7F).min(0x7F),
            ));
        }
    }
    let rest = Hir::class(Class::Bytes(ClassBytes::new([ClassBytesRange::new(
        0x80, 0xBF,
    )])));
    Hir::concat(vec![Hir::class(Class::Bytes(first)), repeat(rest, 0, None)])
}

/// A repetition. Whether it is greedy does not change which texts are accepted.
pub(super) fn repeat(sub: Hir, min: u32, max: Option<u32>) -> Hir {
    Hir::repetition(Repetition {
        min,
        max,
        greedy: true,
        sub: Box::new(sub),
    })
}
