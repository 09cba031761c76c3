//! Names of several words: account numbers in groups, days with a month in letters, and rows of numbers.

use crate::{boundary, chunk::Chunk, date, iban, kind::Kind, number, taken::Taken};

/// How many groups of four an account number has at most: 34 characters.
const IBAN_GROUPS: usize = 9;

/// Takes what the first chunks name together, and says how many they were. None: the first stands for itself.
pub(crate) fn read(chunks: &[Chunk<'_>], taken: &mut Taken) -> Option<usize> {
    taken.step(1);
    if let Some((groups, number)) = account(chunks, taken) {
        taken.take(Kind::Ibans, number);
        return Some(groups);
    }
    if let Some((words, day)) = day(chunks) {
        if let Some(day) = day {
            taken.take(Kind::Dates, day);
        }
        return Some(words);
    }
    numbers(chunks, taken)
}

/// An account number in groups of four, as it is printed.
fn account(chunks: &[Chunk<'_>], taken: &mut Taken) -> Option<(usize, String)> {
    let first = chunks.first()?;
    // A closed first group is the whole.
    if !iban::begins(first.core) || !first.is_clean || !first.text.ends_with(first.core) {
        return None;
    }
    let mut printed = first.core.to_owned();
    for (index, chunk) in chunks.iter().enumerate().take(IBAN_GROUPS).skip(1) {
        taken.step(printed.len());
        let is_group = chunk.is_clean
            && (1..=4).contains(&chunk.core.len())
            && chunk.core.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && chunk.text.starts_with(chunk.core);
        if !is_group {
            return None;
        }
        printed.push_str(chunk.core);
        if let Some(number) = iban::normal(&printed) {
            // More digits follow without a comma: the number is longer, so it is another one.
            let goes_on = chunk.core.len() == 4
                && chunk.text == chunk.core
                && chunks.get(index + 1).is_some_and(|next| next.is_numeric);
            return (!goes_on).then_some((index + 1, number));
        }
        if chunk.core.len() < 4 || chunk.text != chunk.core {
            return None;
        }
    }
    None
}

/// A day with its month in letters: how many words it is, and which day. The words belong together even if they name no whole day, so that
/// the 4 of `4 March` is no number.
fn day(chunks: &[Chunk<'_>]) -> Option<(usize, Option<String>)> {
    let first = chunks.first()?;
    if let Some(month) = month(first) {
        // `March 4, 2026`, `March 2026`.
        let second = chunks.get(1).filter(|_| joins(first))?;
        if let Some(day) = day_of_month(second) {
            let year = chunks.get(2).filter(|_| joins(second)).and_then(year);
            return Some(match year {
                Some(year) => (3, date::day(day, month, year)),
                None => (2, None),
            });
        }
        return year(second).map(|_| (2, None));
    }
    // `4 March 2026`, `4th of March, 2026`, `4. März 2026`, `4 de marzo de 2026`.
    let day = day_of_month(first).filter(|_| !first.text.ends_with([',', ';', ':', '!', '?']))?;
    let mut at = 1 + usize::from(chunks.get(1).is_some_and(is_of));
    let middle = chunks.get(at)?;
    let month = month(middle)?;
    at += 1;
    if !joins(middle) {
        return Some((at, None));
    }
    let with_of = at + usize::from(chunks.get(at).is_some_and(is_of));
    Some(match chunks.get(with_of).and_then(year) {
        Some(year) => (with_of + 1, date::day(day, month, year)),
        None => (at, None),
    })
}

fn month(chunk: &Chunk<'_>) -> Option<u32> {
    date::month(chunk.core).filter(|_| chunk.is_clean)
}

/// A day of the month as it stands in a sentence: `4`, `4.`, `4th`.
fn day_of_month<'a>(chunk: &Chunk<'a>) -> Option<&'a str> {
    let word = chunk.core;
    let digits = ["st", "nd", "rd", "th"]
        .iter()
        .find_map(|ending| word.strip_suffix(ending))
        .unwrap_or(word);
    date::digits(digits).filter(|_| chunk.is_clean)?;
    Some(digits)
}

fn year<'a>(chunk: &Chunk<'a>) -> Option<&'a str> {
    date::year_of(chunk.core).filter(|_| chunk.is_clean)?;
    Some(chunk.core)
}

fn is_of(chunk: &Chunk<'_>) -> bool {
    matches!(chunk.text, "of" | "de" | "del")
}

/// Whether a date can go on behind a word: after a comma or a point at most.
fn joins(chunk: &Chunk<'_>) -> bool {
    !chunk.text.ends_with([';', ':', '!', '?']) && !chunk.text.ends_with(boundary::closes)
}

/// A row of numbers with only blanks between is a number of a telephone or a card, or a number in groups: none of it is taken. Digits in
/// groups that are joined by the blanks that are set for that are one number.
fn numbers(chunks: &[Chunk<'_>], taken: &mut Taken) -> Option<usize> {
    let first = chunks.first().filter(|chunk| chunk.is_numeric)?;
    let mut count = 1;
    let mut last = first;
    while let Some(next) = chunks.get(count)
        && next.is_numeric
        && last.goes_on()
    {
        last = next;
        count += 1;
    }
    let makes_another = last.goes_on()
        && chunks
            .get(count)
            .is_some_and(|next| number::is_magnitude(next.core));
    if count == 1 {
        return makes_another.then_some(2);
    }
    taken.step(count);
    let row = chunks.get(..count).unwrap_or_default();
    let rest = row.get(1..).unwrap_or_default();
    if rest.iter().all(|chunk| chunk.is_joined)
        && row.iter().all(|chunk| chunk.is_clean)
        && !makes_another
    {
        let cores: Vec<&str> = row.iter().map(|chunk| chunk.core).collect();
        if let Some(number) = number::normal(&cores.join("\u{a0}")) {
            taken.take(Kind::Numbers, number);
        }
    }
    Some(count)
}
