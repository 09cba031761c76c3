//! What one chunk names.

use crate::{
    boundary::{self, is_apostrophe, lists, opens, opens_and_closes, punctuates},
    characters::is_east_asian_letter,
    chunk::Chunk,
    date, email, handle, host, iban,
    kind::Kind,
    number, path,
    taken::Taken,
    url,
};

/// What may stand before an address without a blank.
const MAIL_LABELS: [&str; 7] = ["mailto", "to", "cc", "bcc", "from", "mail", "email"];

/// Takes what a chunk names.
pub(crate) fn read(chunk: &Chunk<'_>, taken: &mut Taken) {
    if !chunk.is_clean {
        return;
    }
    if chunk.is_numeric {
        if let Some(number) = number::normal(chunk.core) {
            taken.take(Kind::Numbers, number);
        }
        return;
    }
    let text = chunk.text;
    let (mut at, mut before) = (0, None);
    // Whether a name can begin here.
    let mut is_start = true;
    while let Some(rest) = text.get(at..)
        && let Some(first) = rest.chars().next()
    {
        if boundary::separates(first) {
            let after = rest.chars().nth(1);
            is_start = begins_after(first, before, after, is_start);
            before = Some(first);
            at += first.len_utf8();
            continue;
        }
        let end = rest.find(boundary::separates).unwrap_or(rest.len());
        let token = rest.get(..end).unwrap_or_default();
        taken.step(token.len());
        let mut length = token.len();
        if let Some(colon) = token.find("://") {
            let (address, is_found) = address(rest, colon, is_start, taken);
            length = address;
            is_start = is_found;
        } else {
            let is_end = ends_before(rest.get(end..).unwrap_or_default())
                // `src/*` is a pattern.
                && !(token.ends_with('/') && rest.get(end..end + 1) == Some("*"));
            let is_part = is_listed_number(text, at, end);
            if is_start && is_end && taken.fits(token) {
                word(token, is_part, taken);
            }
            is_start = false;
        }
        before = text
            .get(at..at + length)
            .and_then(|token| token.chars().next_back());
        at += length.max(1);
    }
}

/// Whether a name can begin after what separates words.
fn begins_after(
    separator: char,
    before: Option<char>,
    after: Option<char>,
    was_start: bool,
) -> bool {
    if opens(separator) {
        // `a{b@example.com` is one name to RFC 5322.
        separator != '{' || before.is_none_or(|before| !before.is_alphanumeric())
    } else if separator == '*' && matches!(after, Some('.' | '/')) {
        // The end of a pattern of names of files.
        false
    } else if opens_and_closes(separator) {
        match before {
            None | Some('=' | ':') => true,
            Some(before) if opens(before) || lists(before) => true,
            Some(before) if opens_and_closes(before) => was_start,
            Some(_) => false,
        }
    } else {
        lists(separator)
    }
}

/// Whether a name can end before a text, which begins with what separates words.
fn ends_before(text: &str) -> bool {
    match text.chars().next() {
        Some('|') | None => true,
        Some(separator) if opens_and_closes(separator) => text
            .chars()
            .take(4)
            .find(|after| *after != separator)
            .is_none_or(|after| {
                punctuates(after)
                    || boundary::closes(after)
                    || opens_and_closes(after)
                    || is_apostrophe(after)
                    || lists(after)
            }),
        Some(separator) => !opens(separator),
    }
}

/// Whether there are digits on the other side of the comma before or after a token of a chunk: then it may be a part of a number.
fn is_listed_number(text: &str, at: usize, length: usize) -> bool {
    let mut before = text.get(..at).unwrap_or_default().chars().rev();
    let mut after = text.get(at + length..).unwrap_or_default().chars();
    let is_part = |separator: Option<char>, next: Option<char>| {
        separator.is_some_and(lists) && next.is_some_and(|next| next.is_ascii_digit())
    };
    is_part(before.next(), before.next()) || is_part(after.next(), after.next())
}

/// An address with a scheme that begins a text, perhaps behind a label: how long it is, and whether a name can begin after it.
fn address(text: &str, colon: usize, is_start: bool, taken: &mut Taken) -> (usize, bool) {
    let before = text.get(..colon).unwrap_or_default();
    let scheme = before.trim_end_matches(|character: char| {
        character.is_ascii_alphanumeric() || matches!(character, '+' | '-' | '.')
    });
    let address = text.get(scheme.len()..).unwrap_or_default();
    let (end, is_clear) = url::end(address);
    taken.step(end);
    let length = scheme.len() + end;
    let address = address
        .get(..end)
        .unwrap_or_default()
        .trim_end_matches(|character| {
            punctuates(character) || is_apostrophe(character) || matches!(character, '*' | '~')
        });
    let is_labelled = is_apostrophes(scheme)
        || scheme.strip_suffix(['=', ':']).is_some_and(is_label)
        || scheme.chars().all(is_east_asian_letter);
    if is_start
        && is_clear
        && is_labelled
        && taken.fits(address)
        && let Some((address, host)) = url::normal(address)
    {
        taken.take(Kind::Urls, address);
        taken.take(Kind::Hosts, host);
    }
    (length, false)
}

fn is_apostrophes(text: &str) -> bool {
    text.chars().all(is_apostrophe)
}

fn is_label(label: &str) -> bool {
    let label = label.trim_start_matches('-');
    label.starts_with(|first: char| first.is_ascii_alphabetic())
        && label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Takes what a word names, of one kind at most.
fn word(token: &str, is_part_of_number: bool, taken: &mut Taken) {
    let whole = token;
    let token = token
        .trim_start_matches(is_apostrophe)
        .trim_end_matches(|character| punctuates(character) || is_apostrophe(character));
    // `a/..` is not `a/`.
    if token.ends_with('/') && !whole.ends_with('/') {
        return;
    }
    let token = ["'s", "’s"]
        .iter()
        .find_map(|ending| token.strip_suffix(ending))
        .unwrap_or(token);
    taken.step(token.len());
    if let Some(at) = token.find('@')
        && !token.get(..at).is_some_and(|before| before.contains('/'))
    {
        return at_sign(token, taken);
    }
    if let Some(host) = host::found(token) {
        return taken.take(Kind::Hosts, host);
    }
    let value = match token.split_once('=') {
        Some((label, value)) if is_label(label) => value,
        _ => token,
    };
    if let Some(date) = date::normal(value) {
        taken.take(Kind::Dates, date);
    } else if let Some(number) = number::normal(value) {
        if !is_part_of_number {
            taken.take(Kind::Numbers, number);
        }
    } else if let Some(account) = iban::normal(value) {
        taken.take(Kind::Ibans, account);
    } else if (value.len() == token.len() || value.starts_with(['/', '~', '.']))
        && let Some(path) = path::found(value)
    {
        taken.take(Kind::Paths, path);
    }
}

/// An address of mail, or a handle.
fn at_sign(token: &str, taken: &mut Taken) {
    if let Some(handle) = handle::normal(token) {
        return taken.take(Kind::Handles, handle);
    }
    let address = match token.split_once(':') {
        Some((label, address)) if MAIL_LABELS.contains(&label.to_ascii_lowercase().as_str()) => {
            address
        }
        _ => token,
    };
    if let Some(address) = email::normal(host::without_particle(address)) {
        taken.take(Kind::Emails, address);
    }
}
