//! One pass over a JSON text: RFC 8259, an object outside, nothing lenient.
//!
//! The position and the other variables of the loop live in registers: helpers take and return them by value.

use super::{
    KIND_SHIFT, MAX_DEPTH, MAX_DIGITS, MAX_EXPONENT, NAME_ESCAPED, Node, kind, members,
    portable::repeated_in_any_case, text::hex4,
};
use crate::number::is_held_by_a_double;

/// Why a text was refused, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) reason: Reason,
    pub(crate) at: u32,
}

/// Why a text was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Reason {
    // What is larger than accepted.
    Depth,
    NumberDigits,
    NumberExponent,
    // What is not such a text.
    ByteOrderMark,
    NotAnObject,
    TextAfterEnd,
    ExpectedValue,
    ExpectedName,
    ExpectedColon,
    ExpectedCommaOrBrace,
    ExpectedCommaOrBracket,
    ExpectedDigit,
    LeadingZero,
    ControlCharacter,
    EndlessString,
    UnknownEscape,
    UnpairedSurrogate,
    RepeatedName,
    // What others may read differently.
    NameInAnotherCase,
    NumberNotHeld,
    // A fault of the caller.
    TooFewNodes,
}

/// How a text is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Manner {
    /// The members of each object stand in the order of their names.
    pub(crate) sort: bool,
    /// What other readers may read differently is refused: names that differ in case alone, numbers that a double does not hold.
    pub(crate) portable: bool,
}

/// No list or object is open.
const OUTSIDE: u32 = u32::MAX;

/// Reads `text` into `nodes`; the root becomes the first node.
///
/// `nodes` and `slots` have at least the lengths of [`super::nodes_for`] and [`super::slots_for`].
///
/// Values that are not yet the children of a closed list or object stand at the front of `nodes`, in the order of the text; the
/// children of closed ones stand together at the back. An open one's node leads to the one around it.
pub(crate) fn read(
    text: &[u8],
    nodes: &mut [Node],
    slots: &mut [u32],
    manner: Manner,
) -> Result<(), Fault> {
    let mut at = skip(text, 0);
    if byte(text, at) != b'{' {
        let bom = text.starts_with(b"\xef\xbb\xbf");
        return fault(
            at,
            if bom {
                Reason::ByteOrderMark
            } else {
                Reason::NotAnObject
            },
        );
    }
    let (mut top, mut low) = (0, nodes.len());
    let (mut open, mut in_object, mut depth) = (OUTSIDE, false, 0);
    loop {
        let (mut name_at, mut name_len) = (0, 0);
        if in_object {
            if byte(text, at) != b'"' {
                return fault(at, Reason::ExpectedName);
            }
            let (end, escaped) = string(text, at + 1)?;
            name_at = at as u32 + 1;
            name_len = (end - at - 1) as u32 | if escaped { NAME_ESCAPED } else { 0 };
            at = skip(text, end + 1);
            if byte(text, at) != b':' {
                return fault(at, Reason::ExpectedColon);
            }
            at = skip(text, at + 1);
        }
        if top >= low {
            return fault(at, Reason::TooFewNodes);
        }
        let Some(node) = nodes.get_mut(top) else {
            return fault(at, Reason::TooFewNodes);
        };
        let first = byte(text, at);
        let (start, len_and_kind) = match first {
            b'"' => {
                let start = at + 1;
                let (end, escaped) = string(text, start)?;
                at = end + 1;
                let kind = if escaped { kind::ESCAPED } else { kind::STRING };
                (start as u32, (end - start) as u32 | kind << KIND_SHIFT)
            }
            b'-' | b'0'..=b'9' => {
                let start = at;
                at = number(text, at)?;
                if manner.portable && !is_held_by_a_double(text.get(start..at).unwrap_or_default())
                {
                    return fault(start, Reason::NumberNotHeld);
                }
                (
                    start as u32,
                    (at - start) as u32 | kind::NUMBER << KIND_SHIFT,
                )
            }
            b'{' | b'[' => {
                if depth == MAX_DEPTH {
                    return fault(at, Reason::Depth);
                }
                at = skip(text, at + 1);
                let object = first == b'{';
                let kind = if object { kind::OBJECT } else { kind::LIST } << KIND_SHIFT;
                if byte(text, at) != first + 2 {
                    *node = [name_at, name_len, open, kind];
                    open = top as u32;
                    in_object = object;
                    top += 1;
                    depth += 1;
                    continue;
                }
                at += 1;
                (0, kind)
            }
            _ => {
                let (len, kind) = word(text, at)?;
                at += len;
                (at as u32 - len as u32, len as u32 | kind << KIND_SHIFT)
            }
        };
        *node = [name_at, name_len, start, len_and_kind];
        top += 1;
        // After a value: a comma, or brackets that close.
        loop {
            at = skip(text, at);
            if open == OUTSIDE {
                return if at == text.len() {
                    Ok(())
                } else {
                    fault(at, Reason::TextAfterEnd)
                };
            }
            let next = byte(text, at);
            if next == b',' {
                at = skip(text, at + 1);
                break;
            }
            if next != if in_object { b'}' } else { b']' } {
                return fault(
                    at,
                    if in_object {
                        Reason::ExpectedCommaOrBrace
                    } else {
                        Reason::ExpectedCommaOrBracket
                    },
                );
            }
            at += 1;
            let first = open as usize + 1;
            low = close(text, nodes, slots, manner, in_object, first, top, low)?;
            top = first;
            depth -= 1;
            let Some(parent) = nodes.get_mut(open as usize) else {
                return fault(at, Reason::TooFewNodes);
            };
            open = parent[2];
            parent[2] = low as u32;
            in_object = nodes
                .get(open as usize)
                .is_some_and(|around| super::kind_of(around) == kind::OBJECT);
        }
    }
}

/// Closes a list or object: its children, `first..top`, move to the back, which begins at `low`. Where it begins then.
#[expect(clippy::too_many_arguments, reason = "the loop's variables")]
#[inline]
fn close(
    text: &[u8],
    nodes: &mut [Node],
    slots: &mut [u32],
    manner: Manner,
    object: bool,
    first: usize,
    top: usize,
    low: usize,
) -> Result<usize, Fault> {
    let count = top - first;
    let Some(children) = nodes.get_mut(first..top) else {
        return fault(0, Reason::TooFewNodes);
    };
    if object {
        if let Some(at) = members::repeated(text, children, slots, manner.sort) {
            return fault(at.saturating_sub(1) as usize, Reason::RepeatedName);
        }
        if manner.portable
            && let Some(at) = repeated_in_any_case(text, children)
        {
            return fault(at.saturating_sub(1) as usize, Reason::NameInAnotherCase);
        }
        if manner.portable && manner.sort {
            // Looking for the second kind put them into the order of the text.
            let _ = members::repeated(text, children, slots, true);
        }
    }
    let Some(target) = low.checked_sub(count).filter(|target| *target >= first) else {
        return fault(0, Reason::TooFewNodes);
    };
    if target < top {
        nodes.copy_within(first..top, target);
    } else if let Some((front, back)) = nodes.split_at_mut_checked(target)
        && let (Some(from), Some(to)) = (front.get(first..top), back.get_mut(..count))
    {
        for (to, from) in to.iter_mut().zip(from) {
            *to = *from;
        }
    }
    if let Some(parent) = nodes.get_mut(first - 1) {
        parent[3] |= count as u32;
    }
    Ok(target)
}

/// The byte at a position; 0, which no JSON text contains, behind the end.
#[inline(always)]
fn byte(text: &[u8], at: usize) -> u8 {
    match text.get(at) {
        Some(byte) => *byte,
        None => 0,
    }
}

/// The position of the next byte that is not white space.
#[inline(always)]
fn skip(text: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = text.get(at) {
        at += 1;
    }
    at
}

#[cold]
fn fault<T>(at: usize, reason: Reason) -> Result<T, Fault> {
    Err(Fault {
        reason,
        at: at as u32,
    })
}

/// `true`, `false` or `null`: its length and kind.
#[inline]
fn word(text: &[u8], at: usize) -> Result<(usize, u32), Fault> {
    let rest = text.get(at..).unwrap_or_default();
    match rest.first_chunk::<4>() {
        Some(b"true") => Ok((4, kind::TRUE)),
        Some(b"null") => Ok((4, kind::NULL)),
        Some(b"fals") if rest.get(4) == Some(&b'e') => Ok((5, kind::FALSE)),
        _ => fault(at, Reason::ExpectedValue),
    }
}

/// Reads a string from behind its opening quote on: where its closing one is, and whether it contains escapes.
#[inline(always)]
fn string(text: &[u8], at: usize) -> Result<(usize, bool), Fault> {
    let end = plain_until(text, at);
    if byte(text, end) == b'"' {
        return Ok((end, false));
    }
    string_with_escapes(text, end)
}

#[cold]
fn string_with_escapes(text: &[u8], mut at: usize) -> Result<(usize, bool), Fault> {
    loop {
        match text.get(at) {
            Some(b'"') => return Ok((at, true)),
            Some(b'\\') => at = escape(text, at)?,
            Some(_) => return fault(at, Reason::ControlCharacter),
            None => return fault(at, Reason::EndlessString),
        }
        at = plain_until(text, at);
    }
}

/// Reads an escape: where it ends.
fn escape(text: &[u8], at: usize) -> Result<usize, Fault> {
    match byte(text, at + 1) {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(at + 2),
        b'u' => match unit(text, at + 2) {
            Some(0xd800..0xdc00) => {
                let next = text.get(at + 6..).unwrap_or_default();
                match unit(text, at + 8) {
                    Some(0xdc00..0xe000) if next.starts_with(b"\\u") => Ok(at + 12),
                    _ => fault(at, Reason::UnpairedSurrogate),
                }
            }
            Some(0xdc00..0xe000) => fault(at, Reason::UnpairedSurrogate),
            Some(_) => Ok(at + 6),
            None => fault(at, Reason::UnknownEscape),
        },
        _ => fault(at, Reason::UnknownEscape),
    }
}

fn unit(text: &[u8], at: usize) -> Option<u32> {
    text.get(at..)
        .and_then(|rest| rest.first_chunk::<4>())
        .and_then(hex4)
}

/// Whether a text is a number and nothing else.
pub(crate) fn is_number(text: &[u8]) -> bool {
    number(text, 0) == Ok(text.len())
}

/// Reads a number: where it ends.
#[inline(always)]
fn number(text: &[u8], start: usize) -> Result<usize, Fault> {
    let whole = start + usize::from(byte(text, start) == b'-');
    let mut at = digits(text, whole);
    let count = at - whole;
    if count == 0 || count > 1 && byte(text, whole) == b'0' {
        return fault(
            at,
            if count == 0 {
                Reason::ExpectedDigit
            } else {
                Reason::LeadingZero
            },
        );
    }
    if matches!(byte(text, at), b'.' | b'e' | b'E') || count > MAX_DIGITS {
        at = fraction_and_exponent(text, at, count)?;
    }
    Ok(at)
}

fn fraction_and_exponent(text: &[u8], mut at: usize, mut count: usize) -> Result<usize, Fault> {
    if byte(text, at) == b'.' {
        let end = digits(text, at + 1);
        if end == at + 1 {
            return fault(end, Reason::ExpectedDigit);
        }
        count += end - at - 1;
        at = end;
    }
    if count > MAX_DIGITS {
        return fault(at, Reason::NumberDigits);
    }
    if matches!(byte(text, at), b'e' | b'E') {
        let start = at + 1 + usize::from(matches!(byte(text, at + 1), b'+' | b'-'));
        at = digits(text, start);
        if at == start {
            return fault(at, Reason::ExpectedDigit);
        }
        let mut value = 0u32;
        for digit in text.get(start..at).unwrap_or_default() {
            value = value
                .saturating_mul(10)
                .saturating_add(u32::from(digit.wrapping_sub(b'0')));
        }
        if value > MAX_EXPONENT {
            return fault(at, Reason::NumberExponent);
        }
    }
    Ok(at)
}

/// Where the digits end.
#[inline(always)]
fn digits(text: &[u8], mut at: usize) -> usize {
    while let Some(b'0'..=b'9') = text.get(at) {
        at += 1;
    }
    at
}

const ONES: u64 = 0x0101_0101_0101_0101;

/// The highest bit of each byte that is a quote, a backslash or a control character; exact up to the first one.
#[inline(always)]
fn stops(word: &[u8; 8]) -> u64 {
    let word = u64::from_le_bytes(*word);
    let zero = |word: u64| word.wrapping_sub(ONES) & !word;
    let quote = zero(word ^ (ONES * b'"' as u64));
    let backslash = zero(word ^ (ONES * b'\\' as u64));
    (quote | backslash | word.wrapping_sub(ONES * 0x20) & !word) & (ONES << 7)
}

/// Where, from `at` on, the first byte stands that is a quote, a backslash or a control character.
#[inline(always)]
fn plain_until(text: &[u8], at: usize) -> usize {
    if let Some(word) = text.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let found = stops(word);
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        return plain_until_far(text, at + 8);
    }
    plain_until_end(text, at)
}

fn plain_until_far(text: &[u8], mut at: usize) -> usize {
    let (blocks, _) = text.get(at..).unwrap_or_default().as_chunks::<32>();
    for block in blocks {
        let (words, _) = block.as_chunks::<8>();
        let mut any = 0;
        for word in words {
            any |= stops(word);
        }
        if any != 0 {
            break;
        }
        at += 32;
    }
    let (words, _) = text.get(at..).unwrap_or_default().as_chunks::<8>();
    for word in words {
        let found = stops(word);
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    plain_until_end(text, at)
}

fn plain_until_end(text: &[u8], mut at: usize) -> usize {
    while let Some(next) = text.get(at)
        && !matches!(next, b'"' | b'\\' | 0..0x20)
    {
        at += 1;
    }
    at
}
