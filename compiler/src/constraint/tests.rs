//! The language as a whole: what is accepted and as what, what is refused and where, what is doubtful.

mod accepted;
mod defined;
mod properties;
mod refused;
mod warned;

use std::collections::BTreeMap;

use crate::expr::Literal;

/// The constants that the tests see.
fn consts() -> BTreeMap<String, Literal> {
    let text = |text: &str| Literal::String(text.to_owned());
    let number = |text: &str| Literal::Number(text.to_owned());
    let deep = (0..30).fold(Literal::Null, |inner, _| Literal::List(vec![inner]));
    BTreeMap::from([
        ("max_refund".to_owned(), number("500")),
        (
            "currencies".to_owned(),
            Literal::List(vec![text("USD"), text("EUR")]),
        ),
        ("owner".to_owned(), text("alice")),
        ("flag".to_owned(), Literal::Bool(true)),
        ("nothing".to_owned(), Literal::Null),
        ("empty".to_owned(), Literal::List(vec![])),
        ("deep".to_owned(), deep),
    ])
}

/// Takes the marks `⟦…⟧` out of a text: the text, and the ranges that were marked, by position.
fn unmark(marked: &str) -> (String, Vec<std::ops::Range<usize>>) {
    let mut text = String::new();
    let mut spans: Vec<std::ops::Range<usize>> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    for c in marked.chars() {
        match c {
            '⟦' => {
                open.push(spans.len());
                spans.push(text.len()..text.len());
            }
            '⟧' => spans[open.pop().expect("a mark that is open")].end = text.len(),
            c => text.push(c),
        }
    }
    assert!(open.is_empty(), "a mark in {marked} is not closed");
    spans.sort_by_key(|span| (span.start, span.end));
    (text, spans)
}
