//! Where quotes begin and end.

use crate::{
    boundary::{closes, is_apostrophe, lists, opens, opens_and_closes, punctuates},
    kind::Kind,
    quoted,
    taken::Taken,
};

/// What quotes: what opens, and what can close it.
const QUOTES: [(char, &[char]); 12] = [
    ('"', &['"']),
    ('`', &['`']),
    ('\'', &['\'']),
    ('“', &['”']),
    ('„', &['“', '”']),
    ('‚', &['‘', '’']),
    ('‘', &['’']),
    ('«', &['»']),
    ('»', &['«']),
    ('‹', &['›']),
    ('「', &['」']),
    ('『', &['』']),
];

/// Takes the texts within quotes of a line. Of quotes within quotes, only the outer text is one that the user names.
pub(crate) fn read(line: &str, taken: &mut Taken) {
    taken.step(line.len());
    // What closes nowhere from here on is not looked for again, so that a line of what opens takes no time.
    let mut unclosed = [false; QUOTES.len()];
    let mut at = 0;
    let mut before = None;
    while let Some(rest) = line.get(at..)
        && let Some(first) = rest.chars().next()
    {
        let start = at + first.len_utf8();
        let inner = line.get(start..).unwrap_or_default();
        let quote = QUOTES.iter().position(|(opens, _)| *opens == first);
        at = start;
        // Two or more backticks fence code.
        if first == '`' && inner.starts_with('`') {
            at = start + inner.len() - inner.trim_start_matches('`').len();
            before = Some(first);
            continue;
        }
        if let Some(quote) = quote
            && let Some(unclosed) = unclosed.get_mut(quote)
            && let Some((opener, closers)) = QUOTES.get(quote)
            && !*unclosed
            && begins(first, before)
        {
            match end(inner, closers) {
                Some((end, closer)) => {
                    taken.step(end);
                    let text = inner.get(..end).unwrap_or_default();
                    // What opens again may close later: where the text ends is not clear.
                    if !text.contains(*opener)
                        && taken.fits(text)
                        && let Some(text) = quoted::normal(text)
                    {
                        taken.take(Kind::Quoted, text);
                    }
                    at = start + end + closer.len_utf8();
                    before = Some(closer);
                    continue;
                }
                None => {
                    taken.step(inner.len());
                    *unclosed = true;
                }
            }
        }
        before = Some(first);
    }
}

/// Whether a quote can begin after a character. Those that only open begin anywhere.
fn begins(quote: char, before: Option<char>) -> bool {
    if !matches!(quote, '"' | '`' | '\'' | '‘' | '»') {
        return true;
    }
    before.is_none_or(|before| {
        before.is_whitespace()
            || opens(before)
            || lists(before)
            || matches!(before, '=' | ':' | '*' | '|' | '/' | '—' | '–')
    })
}

/// Where a quote ends in a text, and what closes it.
fn end(text: &str, closers: &[char]) -> Option<(usize, char)> {
    let mut before: Option<char> = None;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        if closers.contains(&character) {
            let is_end = match character {
                // These also stand within words and before them.
                '"' | '`' | '«' | '\'' | '’' => {
                    let after = characters.peek().map(|(_, after)| *after);
                    before.is_none_or(|before| !before.is_whitespace())
                        && after.is_none_or(ends_before)
                }
                _ => true,
            };
            if is_end {
                return Some((at, character));
            }
        }
        before = Some(character);
    }
    None
}

/// Whether a quoted text can end before a character.
fn ends_before(after: char) -> bool {
    after.is_whitespace()
        || punctuates(after)
        || closes(after)
        || lists(after)
        || opens_and_closes(after)
        || is_apostrophe(after)
        || matches!(after, '—' | '–' | '/' | '-')
}
