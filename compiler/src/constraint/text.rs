//! JSON strings: reading them, and finding in the source what stands at a place of the value.

use std::ops::Range;

/// What is wrong with one character or escape of a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// A control character that is not escaped.
    Control(char),
    /// `\` before something that JSON does not escape.
    Escape(char),
    /// `\u` without four hexadecimal digits.
    Hex,
    /// Half of a surrogate pair.
    Surrogate,
}

/// One character of a string: how long it is in the source, and its value.
pub(super) struct Unit {
    pub(super) length: usize,
    pub(super) value: Result<char, Fault>,
}

/// The next character of a string whose opening quote was read. None at the end of the source; the caller looks for the quote.
pub(super) fn unit(rest: &str) -> Option<Unit> {
    let mut chars = rest.chars();
    let first = chars.next()?;
    if first != '\\' {
        let value = if first < ' ' {
            Err(Fault::Control(first))
        } else {
            Ok(first)
        };
        return Some(Unit {
            length: first.len_utf8(),
            value,
        });
    }
    // A backslash at the very end: the string is unclosed, which the caller reports.
    let escaped = chars.next()?;
    let plain = |c| Unit {
        length: 2,
        value: Ok(c),
    };
    Some(match escaped {
        '"' | '\\' | '/' => plain(escaped),
        'b' => plain('\u{8}'),
        'f' => plain('\u{c}'),
        'n' => plain('\n'),
        'r' => plain('\r'),
        't' => plain('\t'),
        'u' => unicode(rest),
        other => Unit {
            length: 1 + other.len_utf8(),
            value: Err(Fault::Escape(other)),
        },
    })
}

fn unicode(rest: &str) -> Unit {
    let Some(first) = hex(rest.get(2..6)) else {
        return Unit {
            length: 2,
            value: Err(Fault::Hex),
        };
    };
    if let Some(c) = char::from_u32(first) {
        return Unit {
            length: 6,
            value: Ok(c),
        };
    }
    let low = rest
        .get(6..8)
        .filter(|mark| *mark == "\\u")
        .and_then(|_| hex(rest.get(8..12)));
    match low {
        Some(low @ 0xdc00..=0xdfff) if first < 0xdc00 => {
            let c = char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (low - 0xdc00));
            Unit {
                length: 12,
                value: c.ok_or(Fault::Surrogate),
            }
        }
        _ => Unit {
            length: 6,
            value: Err(Fault::Surrogate),
        },
    }
}

fn hex(digits: Option<&str>) -> Option<u32> {
    let digits = digits.filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u32::from_str_radix(digits, 16).ok()
}

/// Where in `source`, a whole string with its quotes that was read without a fault, the bytes `range` of its value stand.
pub(super) fn source_span(source: &str, range: &Range<usize>) -> Range<usize> {
    let mut at = 1;
    let mut value = 0;
    let mut start = None;
    while let Some(rest) = source.get(at..) {
        if value >= range.start && start.is_none() {
            start = Some(at);
        }
        if value >= range.end || rest.starts_with('"') {
            break;
        }
        let Some(unit) = unit(rest) else { break };
        value += unit.value.map_or(0, char::len_utf8);
        at += unit.length;
    }
    start.unwrap_or(at)..at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_the_value_is_found_behind_escapes() {
        let source = r#""a\\d\u00e9\ud83d\ude00z""#;
        let value: String = serde_json::from_str(source).unwrap();
        assert_eq!(value, "a\\dé😀z");
        let spot = |range| &source[source_span(source, &range)];
        assert_eq!(spot(0..1), "a");
        assert_eq!(spot(1..2), r"\\");
        assert_eq!(spot(1..3), r"\\d");
        assert_eq!(spot(3..5), r"\u00e9");
        assert_eq!(spot(5..9), r"\ud83d\ude00");
        assert_eq!(spot(9..10), "z");
        assert_eq!(spot(10..10), "");
        assert_eq!(source_span(source, &(10..10)).start, source.len() - 1);
        assert_eq!(source_span(source, &(90..99)).start, source.len() - 1);
    }
}
