//! A line as a row of chunks: what stands between blanks.

use crate::{boundary, characters::is_clean, date, host, number, taken::Taken};

/// What stands between two blanks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chunk<'a> {
    pub(crate) text: &'a str,
    /// The word, without what stands around it.
    pub(crate) core: &'a str,
    /// Whether one blank stands before it at which no line is broken: it may join the digits of one number.
    pub(crate) is_joined: bool,
    /// Nothing is taken of what a person reads differently than a program.
    pub(crate) is_clean: bool,
    /// Whether the word consists of digits and what stands between digits, and is neither a date nor an address.
    pub(crate) is_numeric: bool,
}

impl Chunk<'_> {
    /// Whether a row of numbers goes on after it: no comma or other end of a part stands behind the word.
    pub(crate) fn goes_on(&self) -> bool {
        !self.text.ends_with(boundary::punctuates)
    }
}

/// Whether it is a blank between chunks. Narrower ones are hidden characters, which belong to a chunk and spoil it: a person may not see that
/// a name ends there.
fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\u{a0}' | '\u{3000}')
}

/// A narrow blank as it is set between the digits of a number, or before its currency.
fn joins_digits(character: char, before: Option<char>, after: Option<char>) -> bool {
    matches!(character, '\u{2009}' | '\u{202f}')
        && before.is_some_and(|before| before.is_ascii_digit())
        && after.is_some_and(|after| after.is_ascii_digit() || number::is_unit(after))
}

/// The chunks of a line.
pub(crate) fn chunks<'a>(line: &'a str, taken: &mut Taken) -> Vec<Chunk<'a>> {
    taken.step(line.len());
    let mut chunks = Vec::new();
    let (mut start, mut gap) = (0, String::new());
    let mut before = None;
    let mut characters = line.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let after = characters.peek().map(|(_, after)| *after);
        if is_blank(character) || joins_digits(character, before, after) {
            if let Some(text) = line.get(start..at).filter(|text| !text.is_empty()) {
                chunks.push(chunk(text, &gap));
                gap.clear();
            }
            // Two blanks tell as much as many.
            if gap.len() < 4 {
                gap.push(character);
            }
            start = at + character.len_utf8();
        }
        before = Some(character);
    }
    if let Some(text) = line.get(start..).filter(|text| !text.is_empty()) {
        chunks.push(chunk(text, &gap));
    }
    chunks
}

fn chunk<'a>(text: &'a str, gap: &str) -> Chunk<'a> {
    let core = boundary::core(text);
    let is_clean = is_clean(text);
    Chunk {
        text,
        core,
        is_joined: matches!(gap, "\u{a0}" | "\u{2009}" | "\u{202f}"),
        is_clean,
        // What is spoilt may have been a number once.
        is_numeric: !is_clean
            || (is_of_digits(core) && host::ipv4(core).is_none() && date::normal(core).is_none()),
    }
}

fn is_of_digits(core: &str) -> bool {
    let mut digits = false;
    core.chars().all(|character| {
        digits |= character.is_ascii_digit();
        character.is_ascii_digit()
            || matches!(
                character,
                '+' | '-' | '.' | ',' | '\'' | '’' | '_' | '/' | '(' | ')' | '#'
            )
            || number::is_unit(character)
    }) && digits
}
