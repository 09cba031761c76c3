//! Decimal numbers.

/// How many digits a number may have: more than any amount or identifier, and as many as every policy reads.
const DIGITS: usize = 40;

/// A currency, or the sign of a percentage: it may stand before or after the digits.
pub(crate) fn is_unit(character: char) -> bool {
    matches!(
        character,
        '$' | '€' | '£' | '¥' | '₹' | '₩' | '₽' | '₺' | '₴' | '₿' | '%'
    )
}

/// Words that make another number of the one before them.
const MAGNITUDES: &[&str] = &[
    "billion",
    "billionen",
    "billions",
    "bio",
    "bn",
    "crore",
    "dozen",
    "dutzend",
    "hundert",
    "hundred",
    "k",
    "lakh",
    "m",
    "mia",
    "mil",
    "mille",
    "milliard",
    "milliarde",
    "milliarden",
    "milliards",
    "million",
    "millionen",
    "millions",
    "millón",
    "millones",
    "mio",
    "mn",
    "mrd",
    "tausend",
    "thousand",
    "trillion",
    "trillions",
    "tsd",
];

/// Whether a word makes another number of the one before it.
pub(crate) fn is_magnitude(word: &str) -> bool {
    word.len() <= 16 && MAGNITUDES.contains(&word.to_lowercase().as_str())
}

/// The normal form of a number, which is one of JSON: no exponent, no leading zeros, no final ones behind the point.
///
/// What reads as thousands in one country and as decimals in another (`1,234`) is none.
pub(crate) fn normal(number: &str) -> Option<String> {
    if number.len() > 4 * DIGITS {
        return None;
    }
    if let Some(digits) = number.strip_prefix('#') {
        let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit());
        return is_plain.then(|| plain(digits))?;
    }
    let (mut negative, mut unit) = (false, false);
    let mut rest = number;
    // `-5`, `$5`, `-$5` and `$-5`.
    while let Some(first) = rest.chars().next() {
        match first {
            '-' if !negative => negative = true,
            first if is_unit(first) && !unit => unit = true,
            _ => break,
        }
        rest = rest.get(first.len_utf8()..)?;
    }
    if !unit {
        rest = rest.strip_suffix(is_unit).unwrap_or(rest);
    }
    let digits = unsigned(rest)?;
    Some(if negative && digits != "0" {
        format!("-{digits}")
    } else {
        digits
    })
}

/// Digits and what stands between them.
fn unsigned(text: &str) -> Option<String> {
    let mut groups = text.split(|character: char| !character.is_ascii_digit());
    let mut separators = text.chars().filter(|character| !character.is_ascii_digit());
    let whole = groups.next()?;
    let groups: Vec<&str> = groups.collect();
    let separators: Vec<char> = separators.by_ref().collect();
    let (Some((&last, before)), Some((&fraction, thousands))) =
        (separators.split_last(), groups.split_last())
    else {
        return plain(whole);
    };
    let groups_of_three = |groups: &[&str]| groups.iter().all(|group| group.len() == 3);
    let starts_groups = (1..=3).contains(&whole.len()) && !whole.starts_with('0');
    if before.is_empty() {
        if is_decimal(last) {
            // `1,234` is a thousand and more to some and less than two to others.
            return (!(starts_groups && fraction.len() == 3)).then(|| decimal(whole, fraction))?;
        }
        let is_grouped = joins_groups(last) && starts_groups && fraction.len() == 3;
        return is_grouped.then(|| plain(&[whole, fraction].concat()))?;
    }
    let joint = *before.first()?;
    let is_grouped = before.iter().all(|separator| *separator == joint)
        && (is_decimal(joint) || joins_groups(joint))
        && starts_groups
        && groups_of_three(thousands);
    if !is_grouped {
        return None;
    }
    let integer = [&[whole], thousands].concat().concat();
    if last == joint {
        (fraction.len() == 3).then(|| plain(&(integer + fraction)))?
    } else if is_decimal(last) {
        decimal(&integer, fraction)
    } else {
        None
    }
}

fn is_decimal(separator: char) -> bool {
    matches!(separator, '.' | ',')
}

/// What stands between groups of three digits and never before decimals.
fn joins_groups(separator: char) -> bool {
    matches!(
        separator,
        '\'' | '’' | '_' | '\u{a0}' | '\u{2009}' | '\u{202f}'
    )
}

/// Digits alone. A number has no leading zeros: what has is an identifier.
fn plain(digits: &str) -> Option<String> {
    let is_number = (1..=DIGITS).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && (digits == "0" || !digits.starts_with('0'));
    is_number.then(|| digits.to_owned())
}

fn decimal(whole: &str, fraction: &str) -> Option<String> {
    if fraction.is_empty() || whole.len() + fraction.len() > DIGITS {
        return None;
    }
    let whole = plain(whole)?;
    let fraction = fraction.trim_end_matches('0');
    // What is written so is read in two ways, so it is not the normal form of anything.
    let is_ambiguous = fraction.len() == 3 && whole.len() <= 3 && whole != "0";
    match fraction {
        "" => Some(whole),
        _ if is_ambiguous => None,
        _ => Some(format!("{whole}.{fraction}")),
    }
}
