//! What is past a bound is not taken, and it is told.

use hexgate_said::{ITEM_BYTES, KIND_BYTES, KIND_ITEMS, Kind, Said, TURN_BYTES};

use crate::named;

#[test]
fn a_thousand_addresses_are_taken_and_no_more() {
    let addresses: Vec<String> = (0..=KIND_ITEMS)
        .map(|n| format!("u{n:04}@example.com"))
        .collect();
    for separator in [" ", ",", "; ", "\n", "\t"] {
        let mut said = Said::new();
        said.hear(&addresses[..KIND_ITEMS].join(separator));
        assert_eq!(said.items(Kind::Emails).len(), KIND_ITEMS, "{separator:?}");
        assert!(!said.is_cut());
        // What was said before is no more.
        said.hear(&addresses[0]);
        assert!(!said.is_cut());
        said.hear(&addresses[KIND_ITEMS]);
        assert!(said.is_cut());
        assert!(!said.names(Kind::Emails, &addresses[KIND_ITEMS]));
        assert_eq!(said.items(Kind::Emails).len(), KIND_ITEMS);
        // Other kinds have their own bound.
        said.hear("and 5");
        assert!(said.names(Kind::Numbers, "5"));
    }
}

#[test]
fn names_of_a_kind_have_so_many_bytes_together() {
    let mut said = Said::new();
    let count = KIND_BYTES / 1000;
    for n in 0..=count {
        said.hear(&format!("/{n:0999}a"));
    }
    assert!(said.is_cut());
    let bytes: usize = said.items(Kind::Paths).map(str::len).sum();
    assert!(bytes <= KIND_BYTES && bytes > KIND_BYTES - 2000, "{bytes}");
}

#[test]
fn a_name_has_so_many_bytes() {
    for (start, kind) in [
        ("https://example.com/", Kind::Urls),
        ("/tmp/", Kind::Paths),
        ("\"", Kind::Quoted),
    ] {
        let close = if kind == Kind::Quoted { "\"" } else { "" };
        let text = |length: usize| {
            format!(
                "{start}{}{close}",
                "a".repeat(length - start.len() - close.len())
            )
        };
        let quotes = 2 * close.len();
        let mut said = Said::of([text(ITEM_BYTES + quotes).as_str()]);
        assert_eq!(said.items(kind).len(), 1, "{kind}");
        assert!(!said.is_cut(), "{kind}");
        said = Said::of([text(ITEM_BYTES + quotes + 1).as_str()]);
        assert_eq!(said.items(kind).len(), 0, "{kind}");
        assert!(said.is_cut(), "{kind}");
    }
}

#[test]
fn a_long_turn_is_read_up_to_the_end_of_a_line() {
    let filler = "word ".repeat(TURN_BYTES / 5);
    let mut said = Said::of([format!("ask ann@example.com\n{filler} bob@example.com").as_str()]);
    assert!(said.is_cut());
    assert!(said.names(Kind::Emails, "ann@example.com"));
    assert!(!said.names(Kind::Emails, "bob@example.com"));
    // A number at the bound is not cut in two.
    let filler = "word ".repeat((TURN_BYTES - 4) / 5);
    said = Said::of([format!("{filler} 1234567\n5").as_str()]);
    assert!(said.is_cut());
    assert_eq!(said.items(Kind::Numbers).len(), 0);
    // At the bound exactly, all is read.
    let text = format!("{}bob@example.com", " ".repeat(TURN_BYTES - 15));
    said = Said::of([text.as_str()]);
    assert!(!said.is_cut());
    assert!(said.names(Kind::Emails, "bob@example.com"));
}

#[test]
fn a_million_characters_are_heard() {
    let line = "Send 5 to bob@example.com or see https://example.com/a and \"this\".\n";
    let text = line.repeat(1_000_000 / line.len());
    let said = Said::of([text.as_str()]);
    assert!(said.is_cut());
    for kind in [Kind::Emails, Kind::Numbers, Kind::Urls, Kind::Quoted] {
        assert_eq!(said.items(kind).len(), 1, "{kind}");
    }
    // In turns within the bound nothing is left.
    let chunks: Vec<&str> = text.split_inclusive('\n').collect();
    let turns: Vec<String> = chunks.chunks(1000).map(<[&str]>::concat).collect();
    assert!(!Said::of(turns.iter().map(String::as_str)).is_cut());
}

#[test]
fn facts_have_all_kinds_as_lists() {
    let said = Said::new();
    let json: serde_json::Value = serde_json::from_str(said.to_json().get()).unwrap();
    let members: Vec<&str> = json
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let mut kinds: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
    kinds.sort_unstable();
    let mut sorted = members.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, kinds);
    assert!(
        json.as_object()
            .unwrap()
            .values()
            .all(|list| list == &serde_json::json!([]))
    );
}

#[test]
fn numbers_keep_their_digits() {
    let said = Said::of(["12345678901234567890.10 and 9007199254740993 and \"a\\\"b\""]);
    let json = said.to_json();
    assert!(
        json.get()
            .contains(r#""numbers":[12345678901234567890.1,9007199254740993]"#),
        "{json}"
    );
    assert_eq!(serde_json::to_string(&said).unwrap(), json.get());
    assert_eq!(named(Kind::Quoted, "\"a\\b\""), ["a\\b"]);
    assert!(Said::of(["\"a\\b\""]).to_json().get().contains(r#""a\\b""#));
}
