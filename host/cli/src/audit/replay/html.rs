//! A replay as a page: no script, no style, font or picture from elsewhere.

use hexgate_audit::{Example, Replayed, Tally};

use super::{
    Question,
    text::{becomes, skipped, why},
};

/// The most rows that are shown.
const ROWS: usize = 200;

pub(super) fn render(question: &Question<'_>, replayed: &Replayed) -> String {
    let mut page = String::new();
    let log = question.log.display().to_string();
    let title = match &question.other {
        Some(other) => format!("{log} decided by {}", other.trim_matches('`')),
        None => format!("{log} decided again"),
    };
    page.push_str("<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n");
    // Nothing in the log can make the page load or run anything.
    page.push_str("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n");
    page.push_str(&format!(
        "<title>{}</title>\n<style>{STYLE}</style>\n<h1>{}</h1>\n",
        escaped(&title),
        escaped(&title)
    ));
    let changes = &replayed.changes;
    let mut rows = vec![
        ("calls in the log".to_owned(), replayed.decisions),
        ("decided again".to_owned(), replayed.replayed),
    ];
    if question.other.is_some() {
        rows.push(("as before".to_owned(), changes.same));
        for (change, number) in &changes.effects {
            if change.from != change.to {
                rows.push((becomes(change.from, change.to), *number));
            }
        }
    } else {
        let differences = replayed.differences.len() as u64 + replayed.more_differences;
        rows.push(("came out otherwise".to_owned(), differences));
    }
    for (what, number) in skipped(replayed) {
        rows.push((format!("not decided again: {what}"), number));
    }
    page.push_str("<table>\n");
    for (what, number) in rows {
        page.push_str(&format!(
            "<tr><td class=\"n\">{number}</td><td>{}</td></tr>\n",
            escaped(&what)
        ));
    }
    page.push_str("</table>\n");
    if let Some(head) = replayed.verification.head {
        page.push_str(&format!(
            "<p>The log is intact up to record <code>{}</code>.</p>\n",
            escaped(&head.to_string())
        ));
    }
    for difference in &replayed.differences {
        page.push_str(&format!(
            "<details open><summary>record {}</summary><p>recorded: {}</p><p>now: {}</p></details>\n",
            difference.n,
            escaped(&why(&difference.recorded)),
            escaped(&why(&difference.replayed))
        ));
    }
    for (title, tally) in [
        ("By tool", &changes.tools),
        ("By caller", &changes.callers),
        ("By roles", &changes.roles),
    ] {
        table(&mut page, title, tally);
    }
    if !changes.examples.is_empty() {
        page.push_str("<h2>Examples</h2>\n");
    }
    for example in &changes.examples {
        shown(&mut page, example);
    }
    page.push_str("</html>\n");
    page
}

fn table(page: &mut String, title: &str, tally: &Tally) {
    if tally.by_name.is_empty() {
        return;
    }
    page.push_str(&format!(
        "<h2>{title}</h2>\n<table>\n<tr><th>looser</th><th>stricter</th><th></th></tr>\n"
    ));
    for (name, looser, stricter) in tally.top(ROWS) {
        page.push_str(&format!(
            "<tr><td class=\"n looser\">{looser}</td><td class=\"n stricter\">{stricter}</td><td>{}</td></tr>\n",
            escaped(name)
        ));
    }
    let more = tally.by_name.len().saturating_sub(ROWS);
    if more > 0 {
        page.push_str(&format!(
            "<tr><td></td><td></td><td>and {more} more names</td></tr>\n"
        ));
    }
    page.push_str("</table>\n");
}

fn shown(page: &mut String, example: &Example) {
    let class = if example.change.is_looser() {
        "looser"
    } else {
        "stricter"
    };
    page.push_str(&format!(
        "<details><summary><span class=\"{class}\">{}</span> {} · record {} · {} [{}]</summary>\n<pre>{}</pre>\n<p>recorded: {}</p>\n<p>candidate: {}</p></details>\n",
        escaped(&becomes(example.change.from, example.change.to)),
        escaped(&example.tool),
        example.n,
        escaped(example.user.as_deref().unwrap_or("no user")),
        escaped(&example.roles.join(", ")),
        escaped(example.arguments.as_deref().unwrap_or("withheld")),
        escaped(&why(&example.recorded)),
        escaped(&why(&example.candidate)),
    ));
}

/// Text in a page. A model wrote parts of it, so markup and characters that change how the text reads are escaped.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in crate::output::harmless(text).chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}\
table{border-collapse:collapse}td,th{padding:.15rem .8rem .15rem 0;text-align:left;vertical-align:top}\
.n{text-align:right;font-variant-numeric:tabular-nums}.looser{color:#8a5a00}.stricter{color:#b00020}\
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f4f4f4;padding:.5rem}\
details{margin:.4rem 0}@media(prefers-color-scheme:dark){body{background:#111;color:#ddd}pre{background:#222}.looser{color:#e0b050}.stricter{color:#ff7080}}";

#[cfg(test)]
mod tests {
    #[test]
    fn text_stays_text() {
        assert_eq!(
            super::escaped("<script>'\"&\u{202e}\n"),
            "&lt;script&gt;&#39;&quot;&amp;\\u{202e}\\u{a}"
        );
    }
}
