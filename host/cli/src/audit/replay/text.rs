//! A replay for people.

use hexgate_audit::{Effect, Example, Outcome, Replayed, Tally};

use super::Question;
use crate::output::{Style, Tone, count, harmless, shortened};

/// As many rows and examples as fit on a screen.
const ROWS: usize = 10;
/// The longest arguments that are shown, in characters.
const ARGUMENTS: usize = 200;

pub(super) fn render(question: &Question<'_>, replayed: &Replayed) -> String {
    let style = Style::stdout();
    let mut text = match &question.other {
        None => agreement(style, replayed),
        Some(other) => format!(
            "{} of {} decided again by {}\n",
            replayed.replayed,
            calls(replayed.decisions),
            harmless(other)
        ),
    };
    for (what, number) in skipped(replayed) {
        text.push_str(&format!(
            "  {number:>8}  not decided again: {}\n",
            harmless(&what)
        ));
    }
    if question.other.is_some() {
        changes(&mut text, style, replayed);
    }
    text
}

/// What was not decided again, with how many calls.
pub(super) fn skipped(replayed: &Replayed) -> Vec<(String, u64)> {
    let skipped = &replayed.skipped;
    let mut rows: Vec<(String, u64)> = skipped
        .withheld
        .iter()
        .map(|(what, number)| (format!("{what} in the log"), *number))
        .collect();
    for (component, number) in &skipped.missing_component {
        rows.push((format!("component {component} is not to be had"), *number));
    }
    for (what, number) in [
        (
            "the host refused or failed, no policy decided",
            skipped.not_by_policy,
        ),
        (
            "the record does not name the component",
            skipped.without_component,
        ),
        ("no candidate was asked", skipped.without_shadow),
    ] {
        if number > 0 {
            rows.push((what.to_owned(), number));
        }
    }
    rows
}

/// What becomes of what, in words.
pub(super) fn becomes(from: Effect, to: Effect) -> String {
    format!("{} → {}", from.in_words(), to.in_words())
}

/// Why an outcome is what it is.
pub(super) fn why(outcome: &Outcome) -> String {
    match outcome.reason() {
        "" => outcome.effect().in_words().to_owned(),
        reason => reason.to_owned(),
    }
}

fn agreement(style: Style, replayed: &Replayed) -> String {
    let differences = replayed.differences.len() as u64 + replayed.more_differences;
    let skipped = &replayed.skipped;
    let skipped = skipped.withheld() + skipped.missing_component() + skipped.without_component;
    let mut text = if differences == 0 {
        format!(
            "{} {} of {} decided again, {} agree to the letter\n",
            if skipped == 0 {
                style.paint(Tone::Good, "✓")
            } else {
                style.paint(Tone::Warn, "!")
            },
            replayed.replayed,
            calls(replayed.decisions),
            if skipped == 0 { "all" } else { "and those" },
        )
    } else {
        format!(
            "{} {} of {} decided again, {differences} came out otherwise\n",
            style.paint(Tone::Bad, "✗"),
            replayed.replayed,
            calls(replayed.decisions)
        )
    };
    for difference in replayed.differences.iter().take(ROWS) {
        text.push_str(&format!(
            "  record {}\n    recorded: {}\n    now:      {}\n",
            difference.n,
            harmless(&why(&difference.recorded)),
            harmless(&why(&difference.replayed))
        ));
    }
    text
}

fn changes(text: &mut String, style: Style, replayed: &Replayed) {
    let changes = &replayed.changes;
    text.push_str(&format!("  {:>8}  as before\n", changes.same));
    for (change, number) in &changes.effects {
        if change.from == change.to {
            continue;
        }
        let tone = if change.is_win() {
            Tone::Warn
        } else {
            Tone::Bad
        };
        text.push_str(&format!(
            "  {number:>8}  {}\n",
            style.paint(tone, &becomes(change.from, change.to))
        ));
    }
    if changes.win + changes.lose == 0 {
        return;
    }
    for (title, tally) in [
        ("tool", &changes.tools),
        ("caller", &changes.callers),
        ("roles", &changes.roles),
    ] {
        table(text, title, tally);
    }
    text.push_str("\nexamples\n");
    for example in changes.examples.iter().take(ROWS) {
        text.push_str(&shown(example));
    }
    if changes.examples.len() > ROWS {
        text.push_str("  … more with `--format json` or `--format html`\n");
    }
}

fn table(text: &mut String, title: &str, tally: &Tally) {
    text.push_str(&format!("\n  {:>8}  {:>8}  by {title}\n", "win", "lose"));
    for (name, win, lose) in tally.top(ROWS) {
        text.push_str(&format!("  {win:>8}  {lose:>8}  {}\n", shortened(name, 80)));
    }
    let more = tally.by_name.len().saturating_sub(ROWS);
    if more > 0 || tally.others != (0, 0) {
        text.push_str(&format!("  {:>8}  {:>8}  … and more\n", "", ""));
    }
}

fn shown(example: &Example) -> String {
    let caller = example.user.as_deref().unwrap_or("(no user)");
    format!(
        "  record {}: {}\n    {} [{}] {}({})\n    recorded:  {}\n    candidate: {}\n",
        example.n,
        becomes(example.change.from, example.change.to),
        shortened(caller, 80),
        shortened(&example.roles.join(", "), 80),
        shortened(&example.tool, 80),
        shortened(example.arguments.as_deref().unwrap_or("…"), ARGUMENTS),
        harmless(&why(&example.recorded)),
        harmless(&why(&example.candidate)),
    )
}

fn calls(number: u64) -> String {
    count(usize::try_from(number).unwrap_or(usize::MAX), "call")
}
