//! Days of the calendar.

/// The normal form of a day that one word gives: `2026-03-04`, perhaps with a time behind `T`, `4.3.2026`, `4-Mar-2026`.
///
/// A day and a month that could be exchanged are none, unless points stand between them: with points the day is always first.
pub(crate) fn normal(word: &str) -> Option<String> {
    if word.len() > 40 || !word.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let date = match word.split_once('T') {
        Some((date, time)) => {
            let is_time = time.starts_with(|first: char| first.is_ascii_digit())
                && time.bytes().all(|byte| {
                    byte.is_ascii_digit() || matches!(byte, b':' | b'.' | b'+' | b'-' | b'Z')
                });
            (is_time && date.len() == 10 && date.contains('-')).then_some(date)?
        }
        None => word,
    };
    let separator = date.chars().find(|character| !character.is_ascii_digit())?;
    let mut parts = date.split(separator);
    let (first, second, third) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    match separator {
        '-' if second.len() >= 3 => day(first, month(second)?, third),
        '-' | '/' | '.' if first.len() == 4 => day(third, digits(second)?, first),
        '.' => day(first, digits(second)?, third),
        '-' | '/' => match (digits(first)?, digits(second)?) {
            (one, other) if one == other || (one > 12 && other <= 12) => day(first, other, third),
            (one, other) if other > 12 && one <= 12 => day(second, one, third),
            _ => None,
        },
        _ => None,
    }
}

/// The normal form of a day of one or two digits, a month, and a year of four digits. None if there is no such day.
pub(crate) fn day(day: &str, month: u32, year: &str) -> Option<String> {
    let day = digits(day)?;
    let year = year_of(year)?;
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => return None,
    };
    (1..=days)
        .contains(&day)
        .then(|| format!("{year:04}-{month:02}-{day:02}"))
}

/// A year of four digits.
pub(crate) fn year_of(word: &str) -> Option<u32> {
    let is_year =
        word.len() == 4 && !word.starts_with('0') && word.bytes().all(|byte| byte.is_ascii_digit());
    is_year.then(|| word.parse().ok())?
}

/// One or two digits.
pub(crate) fn digits(word: &str) -> Option<u32> {
    let is_short = (1..=2).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_digit());
    is_short.then(|| word.parse().ok())?
}

/// The months in English, German, French and Spanish, with the usual abbreviations.
const MONTHS: [&[&str]; 12] = [
    &[
        "january", "jan", "januar", "jänner", "janvier", "janv", "enero", "ene",
    ],
    &["february", "feb", "februar", "février", "févr", "febrero"],
    &["march", "mar", "märz", "mrz", "mars", "marzo"],
    &["april", "apr", "avril", "avr", "abril", "abr"],
    &["may", "mai", "mayo"],
    &["june", "jun", "juni", "juin", "junio"],
    &["july", "jul", "juli", "juillet", "juil", "julio"],
    &["august", "aug", "août", "agosto", "ago"],
    &["september", "sep", "sept", "septembre", "septiembre"],
    &["october", "oct", "oktober", "okt", "octobre", "octubre"],
    &["november", "nov", "novembre", "noviembre"],
    &[
        "december",
        "dec",
        "dezember",
        "dez",
        "décembre",
        "déc",
        "diciembre",
        "dic",
    ],
];

/// The number of a month by its name.
pub(crate) fn month(word: &str) -> Option<u32> {
    // The longest name has eleven bytes.
    if word.len() > 12 {
        return None;
    }
    let word = word.to_lowercase();
    let names = |names: &&[&str]| names.contains(&word.as_str());
    let index = MONTHS.iter().position(names)?;
    u32::try_from(index + 1).ok()
}
