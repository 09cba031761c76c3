//! Text of a server made visible.

use std::borrow::Cow;

use hexgate_mcp::visible::{hidden_name, is_visible, make_visible, visible};
use proptest::prelude::*;
use serde_json::{Value, json};

#[test]
fn what_is_not_seen_is_written_out() {
    for (text, shown) in [
        ("a\u{1b}[31mb", "a\\u{1b}[31mb"),
        ("\u{9b}31m", "\\u{9b}31m"),
        ("a\u{202e}b\u{2066}c", "a\\u{202e}b\\u{2066}c"),
        ("a\u{200b}\u{200d}\u{feff}", "a\\u{200b}\\u{200d}\\u{feff}"),
        ("\u{e0041}\u{e0042}", "\\u{e0041}\\u{e0042}"),
        ("x\u{fe0f}\u{e0100}", "x\\u{fe0f}\\u{e0100}"),
        (
            "\u{e000}\u{f0000}\u{10fffd}",
            "\\u{e000}\\u{f0000}\\u{10fffd}",
        ),
        ("\u{fffe}\u{fdd0}\u{2028}", "\\u{fffe}\\u{fdd0}\\u{2028}"),
        ("a\rb\r\nc\r", "a\\u{d}b\r\nc\\u{d}"),
        ("<!-- x -->", "\\u{3c}!-- x -->"),
        ("<!<!--", "<!\\u{3c}!--"),
        ("\u{7f}\0", "\\u{7f}\\u{0}"),
    ] {
        assert_eq!(visible(text), shown, "{}", text.escape_unicode());
        assert!(!is_visible(text));
    }
    for text in ["", "größe 😀 日本語", "a\n\tb", "a < b <! c -->", "\r\n"] {
        assert!(matches!(visible(text), Cow::Borrowed(_)), "{text:?}");
    }
}

#[test]
fn names_of_members_stay_apart() {
    let mut value = json!({"a\u{200b}": ["\u{202e}", 1], "a\\u{200b}": {"b\n": null}, "c": true});
    assert!(hidden_name(&value).is_some());
    make_visible(&mut value);
    assert_eq!(hidden_name(&value), None);
    assert_eq!(
        value,
        json!({"a\\u{200b}": ["\\u{202e}", 1], "a\\u{200b} (2)": {"b\\u{a}": null}, "c": true})
    );
}

#[test]
fn depth_does_not_matter() {
    let mut value = json!("\u{200b}");
    for _ in 0..50_000 {
        value = Value::Array(vec![value]);
    }
    make_visible(&mut value);
    assert_eq!(hidden_name(&value), None);
    // Dropping it would recurse.
    let mut value = value;
    while let Value::Array(mut items) = value {
        value = items.pop().unwrap();
    }
    assert_eq!(value, json!("\\u{200b}"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn visible_text_has_nothing_hidden_and_stays(text in any::<String>(), more in "[<!\\-\u{200b}\u{202e}\r\n a]{0,40}") {
        let text = text + &more;
        let shown = visible(&text);
        prop_assert!(shown.len() <= 10 * text.len());
        prop_assert!(!shown.contains("<!--"));
        for character in shown.chars() {
            prop_assert!(matches!(character, '\n' | '\t' | '\r') || is_visible(&character.to_string()));
        }
        prop_assert!(is_visible(&shown));
        // What is seen is still there, in order.
        let seen = |text: &str| text.chars().filter(|c| is_visible(&c.to_string()) && !matches!(c, '<' | '\r')).collect::<Vec<_>>();
        let mut left = shown.chars();
        for character in seen(&text) {
            prop_assert!(left.any(|other| other == character));
        }
    }
}
