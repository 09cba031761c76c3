//! What a plain (unquoted) scalar is, and where readers of YAML differ about it.
//!
//! YAML 1.1 and 1.2 give different types to `no`, `010`, `1_000`, `12:30` or `1e3`. A policy is read by people and by other tools, so
//! a scalar on which the two disagree is refused rather than interpreted. Numbers are accepted in the spelling of JSON only.

/// What a plain scalar is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plain {
    /// `null`, `~` or nothing.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// A number in the spelling of JSON.
    Number,
    /// Text.
    String,
    /// Something that readers of YAML disagree about.
    Ambiguous {
        /// What some read it as.
        reading: &'static str,
    },
}

impl Plain {
    /// Classifies the text of a plain scalar.
    pub fn read(text: &str) -> Self {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => return Self::Null,
            "true" | "True" | "TRUE" => return Self::Bool(true),
            "false" | "False" | "FALSE" => return Self::Bool(false),
            "=" => {
                return Self::Ambiguous {
                    reading: "the special value key",
                };
            }
            "<<" => {
                return Self::Ambiguous {
                    reading: "a merge key",
                };
            }
            _ => {}
        }
        if is_yaml_1_1_bool(text) {
            return Self::Ambiguous {
                reading: "a boolean",
            };
        }
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN")
        {
            return Self::Ambiguous {
                reading: "a number that JSON does not have",
            };
        }
        if !unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.')
            || !unsigned.contains(|c: char| c.is_ascii_digit())
        {
            return Self::String;
        }
        if is_agreed_number(text) {
            return Self::Number;
        }
        if is_number_somewhere(unsigned) {
            return Self::Ambiguous {
                reading: "a number",
            };
        }
        if is_sexagesimal(unsigned) {
            return Self::Ambiguous {
                reading: "a number to the base 60",
            };
        }
        if is_date(text) {
            return Self::Ambiguous { reading: "a date" };
        }
        Self::String
    }
}

fn is_yaml_1_1_bool(text: &str) -> bool {
    ["y", "n", "yes", "no", "on", "off"].iter().any(|word| {
        let capitalised = || {
            let mut characters = word.chars();
            characters
                .next()
                .map(|first| first.to_ascii_uppercase())
                .into_iter()
                .chain(characters)
                .eq(text.chars())
        };
        *word == text || word.to_ascii_uppercase() == text || capitalised()
    })
}

/// A JSON number that YAML 1.1 reads as the same number: an exponent needs a fraction and a sign there.
fn is_agreed_number(text: &str) -> bool {
    let rest = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (rest, None),
    };
    let (integer, fraction) = match mantissa.split_once('.') {
        Some((integer, fraction)) => (integer, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    digits(integer)
        && (integer == "0" || !integer.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|exponent| {
            fraction.is_some() && exponent.strip_prefix(['+', '-']).is_some_and(digits)
        })
}

/// What YAML 1.1, YAML 1.2 or one of their readers takes for a number.
fn is_number_somewhere(unsigned: &str) -> bool {
    let based = |prefix: &str, valid: fn(char) -> bool| {
        unsigned
            .strip_prefix(prefix)
            .is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| c == '_' || valid(c)))
    };
    if based("0x", |c| c.is_ascii_hexdigit())
        || based("0o", |c| c.is_digit(8))
        || based("0b", |c| c.is_digit(2))
    {
        return true;
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    mantissa.bytes().filter(|byte| *byte == b'.').count() <= 1
        && mantissa.bytes().any(|byte| byte.is_ascii_digit())
        && mantissa
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'_'))
        && exponent.is_none_or(|exponent| {
            let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
        })
}

fn is_sexagesimal(unsigned: &str) -> bool {
    let whole = unsigned
        .split_once('.')
        .map_or(unsigned, |(whole, _)| whole);
    whole.contains(':')
        && whole.split(':').all(|group| {
            !group.is_empty()
                && group
                    .bytes()
                    .all(|byte| byte.is_ascii_digit() || byte == b'_')
        })
}

/// `2026-01-31`, alone or before a time.
fn is_date(text: &str) -> bool {
    let mut parts = text.splitn(3, '-');
    let (Some(year), Some(month), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let digits = |part: &str, lengths: std::ops::RangeInclusive<usize>| {
        lengths.contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit())
    };
    let day = rest.split(['T', 't', ' ']).next().unwrap_or("");
    digits(year, 4..=4) && digits(month, 1..=2) && digits(day, 1..=2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_all_readers_agree_on() {
        for text in [
            "0",
            "-0",
            "1",
            "-12",
            "1.5",
            "0.25",
            "-3.0",
            "1.5e+3",
            "1.0E-2",
            "123456789012345678901234567890",
        ] {
            assert_eq!(Plain::read(text), Plain::Number, "{text}");
        }
        for text in ["", "~", "null", "NULL"] {
            assert_eq!(Plain::read(text), Plain::Null, "{text}");
        }
        assert_eq!(Plain::read("True"), Plain::Bool(true));
        for text in [
            "allow",
            "args.amount <= 500",
            "src/**",
            ".env",
            ".",
            "..",
            "*.py",
            "1.2.3",
            "10 apples",
            "yesterday",
            "nO",
            "yEs",
            "oN",
            "-",
            "--",
            "1-2-3",
            "12-01-2026",
            "a:b",
            "skill:x",
            "0xZZ",
            "e3",
            ".e3",
            "tRue",
            "127.0.0.1",
            "..5",
            "3d",
            "1,000",
            "-.",
            "+",
            "1:",
            "1:a",
            "2026-01",
            "é",
        ] {
            assert_eq!(Plain::read(text), Plain::String, "{text}");
        }
    }

    #[test]
    fn refuses_what_readers_disagree_on() {
        for text in [
            "yes",
            "Yes",
            "YES",
            "no",
            "No",
            "NO",
            "on",
            "On",
            "ON",
            "off",
            "Off",
            "OFF",
            "y",
            "Y",
            "n",
            "N",
            "010",
            "0o10",
            "0x1F",
            "0b11",
            "1_000",
            "1e3",
            "1E3",
            "1.0e3",
            "+1",
            "+1.5",
            ".5",
            "5.",
            "-.5",
            "12:30:45",
            "12:30",
            "-1:30",
            "1:30.5",
            "2026-01-01",
            "2026-1-1",
            "2026-01-01T10:00:00Z",
            "2026-01-01 10:00:00",
            ".inf",
            "-.Inf",
            "+.INF",
            ".nan",
            "=",
            "<<",
            "00",
            "-01",
            "1_000.5",
            "01.5",
            "0x_1",
        ] {
            assert!(
                matches!(Plain::read(text), Plain::Ambiguous { .. }),
                "{text}"
            );
        }
    }
}
