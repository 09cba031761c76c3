//! JSON numbers as text: which are well formed, and what was meant by those that are not.

// What the reader of arguments accepts.
pub(crate) use hexgate_eval::{MAX_DIGITS, MAX_EXPONENT};

/// Why a text is not a number of this language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Not a JSON number, and what to write instead.
    Form(String),
    /// More than [`MAX_DIGITS`].
    Digits(usize),
    /// An exponent beyond [`MAX_EXPONENT`].
    Exponent,
}

/// Checks a text that begins like a number.
pub(crate) fn check(text: &str) -> Result<(), Fault> {
    let (digits, exponent) = parts(text).ok_or_else(|| Fault::Form(remedy(text)))?;
    if digits > MAX_DIGITS {
        return Err(Fault::Digits(digits));
    }
    let exponent = exponent.trim_start_matches('0');
    // An empty rest is an exponent of zero; a rest that does not fit a `u32` is far beyond the limit.
    if !exponent.is_empty() && exponent.parse::<u32>().map_or(true, |e| e > MAX_EXPONENT) {
        return Err(Fault::Exponent);
    }
    Ok(())
}

/// Takes a JSON number apart: how many digits stand before the exponent, and the exponent's digits without its sign.
fn parts(text: &str) -> Option<(usize, &str)> {
    let text = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => {
            let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            (mantissa, Some(exponent))
        }
        None => (text, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let sound = digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(digits);
    sound.then(|| {
        (
            whole.len() + fraction.map_or(0, str::len),
            exponent.unwrap_or(""),
        )
    })
}

/// How the number was probably meant.
fn remedy(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let body = lower.trim_start_matches(['-', '+']);
    let sign = if text.starts_with('-') { "-" } else { "" };
    if text.bytes().filter(|b| *b == b'.').count() > 1 || looks_like_a_date(text) {
        return format!("if it is a text, quote it: `\"{text}\"`");
    }
    let radix = [("0x", 16), ("0o", 8), ("0b", 2)];
    for (prefix, radix) in radix {
        if let Some(value) = body
            .strip_prefix(prefix)
            .and_then(|digits| u64::from_str_radix(digits, radix).ok())
        {
            return format!("numbers are decimal: `{sign}{value}`");
        }
    }
    let mut guess = body.replace('_', "");
    guess = match guess.trim_start_matches('0') {
        "" => "0".to_owned(),
        rest if rest.starts_with(|c: char| c.is_ascii_digit()) => rest.to_owned(),
        rest => format!("0{rest}"),
    };
    guess = guess.replace(".e", ".0e");
    if guess.ends_with('.') {
        guess.push('0');
    }
    let guess = format!("{sign}{guess}");
    if parts(&guess).is_some() {
        return format!("write `{guess}`");
    }
    "write a number as JSON does, such as `5`, `-0.5` or `1e3`, and quote a text".to_owned()
}

/// Whether a text begins like `2026-01-31`.
pub(super) fn looks_like_a_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    let form = b"dddd-dd-dd";
    bytes.len() >= form.len()
        && bytes.iter().zip(form).all(|(b, f)| {
            if *f == b'd' {
                b.is_ascii_digit()
            } else {
                b == f
            }
        })
}

/// Whether a text reads as a JSON number.
pub(super) fn looks_like_a_number(text: &str) -> bool {
    parts(text).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_numbers_within_the_limits_are_accepted() {
        let hundred = "9".repeat(100);
        let text = [
            "0",
            "-0",
            "5",
            "10.50",
            "1e3",
            "1E+1000",
            "1e-1000",
            "-0.0e-0",
            "1e0001000",
            hundred.as_str(),
        ];
        for text in text {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn remedies_are_numbers() {
        for (text, remedy) in [
            ("05", "`5`"),
            ("-007", "`-7`"),
            ("5.", "`5.0`"),
            ("1.e5", "`1.0e5`"),
            ("1_000", "`1000`"),
            ("0x1F", "`31`"),
            ("00", "`0`"),
            ("00.5", "`0.5`"),
            ("1.2.3", "`\"1.2.3\"`"),
            ("2026-01-31", "`\"2026-01-31\"`"),
            ("5kg", "quote a text"),
            ("1e", "quote a text"),
        ] {
            let Err(Fault::Form(help)) = check(text) else {
                panic!("{text} is accepted")
            };
            assert!(help.contains(remedy), "{text}: {help}");
        }
    }

    #[test]
    fn numbers_beyond_the_limits_are_refused() {
        assert_eq!(check(&"9".repeat(101)), Err(Fault::Digits(101)));
        assert_eq!(
            check(&format!("0.{}", "0".repeat(100))),
            Err(Fault::Digits(101))
        );
        assert_eq!(check("1e1001"), Err(Fault::Exponent));
        assert_eq!(check("1e-99999999999999999999"), Err(Fault::Exponent));
    }
}
