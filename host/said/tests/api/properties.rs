//! What holds for all texts.

use std::collections::BTreeSet;

use hexgate_said::{Kind, Said};
use proptest::prelude::*;

fn all(said: &Said) -> Vec<BTreeSet<String>> {
    Kind::ALL
        .iter()
        .map(|kind| said.items(*kind).map(str::to_owned).collect())
        .collect()
}

/// Text with what names are made of, so that near misses are common.
fn text() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        any::<String>(),
        "[a-z0-9@./:'\"()<>*,;|#$%+=_ -]{0,12}",
        "[0-9]{1,4}([.,' \u{a0}][0-9]{1,3}){0,3}",
        "[а-яaα。．字é\u{301}\u{200b}\u{202e}“”«»]{0,6}",
        Just("bob@example.com".to_owned()),
        Just("https://example.com/a".to_owned()),
        Just("DE89 3704 0044 0532 0130 00".to_owned()),
        Just("4 March 2026".to_owned()),
        Just("src/main.rs:4".to_owned()),
    ];
    prop::collection::vec(word, 0..12).prop_flat_map(|words| {
        prop::collection::vec(
            prop_oneof![Just(""), Just(" "), Just(", "), Just("\n")],
            words.len(),
        )
        .prop_map(move |gaps| {
            words
                .iter()
                .zip(gaps)
                .flat_map(|(word, gap)| [word.as_str(), gap])
                .collect()
        })
    })
}

/// A name of a kind and how it stands in a text.
fn item() -> impl Strategy<Value = (Kind, String, String)> {
    let same = |kind: Kind| move |name: String| (kind, name.clone(), name);
    prop_oneof![
        "[a-z]{2,8}(\\.[a-z]{2,6})?@[a-z]{3,8}\\.(com|example)".prop_map(same(Kind::Emails)),
        "[A-Z]{2,8}@[A-Z]{3,8}\\.(com|example)".prop_map(|name| (
            Kind::Emails,
            name.to_lowercase(),
            name
        )),
        "https://[a-z]{3,8}\\.(com|example)/[a-z]{1,5}(\\?[a-z]=[0-9])?".prop_map(same(Kind::Urls)),
        "[a-z]{3,8}\\.(com|example|internal)".prop_map(same(Kind::Hosts)),
        (1_u8..255, 0_u8..255)
            .prop_map(|(a, b)| format!("10.{a}.0.{b}"))
            .prop_map(same(Kind::Hosts)),
        Just((
            Kind::Ibans,
            "GB82WEST12345698765432".to_owned(),
            "GB82 WEST 1234 5698 7654 32".to_owned()
        )),
        "[1-9][0-9]{0,7}".prop_map(same(Kind::Numbers)),
        "[1-9][0-9]{0,4}\\.[0-9][1-9]".prop_map(same(Kind::Numbers)),
        "[1-9][0-9]{0,2},[0-9]{3}\\.[0-9][1-9]".prop_map(|name| (
            Kind::Numbers,
            name.replace(',', ""),
            name
        )),
        (1_u32..=28, 1_u32..=12, 1900_u32..2100).prop_map(|(d, m, y)| (
            Kind::Dates,
            format!("{y}-{m:02}-{d:02}"),
            format!("{d}.{m}.{y}")
        )),
        "src/[a-z]{1,8}\\.rs".prop_map(same(Kind::Paths)),
        "@[a-z][a-z0-9_]{0,9}".prop_map(same(Kind::Handles)),
        "[a-z]{1,8}( [a-z]{1,8}){0,3}".prop_map(|name| (
            Kind::Quoted,
            name.clone(),
            format!("“{name}”")
        )),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_text_is_read(text in any::<String>()) {
        let said = Said::of([text.as_str()]);
        let parsed: serde_json::Value = serde_json::from_str(said.to_json().get()).unwrap();
        prop_assert!(parsed.is_object());
    }

    #[test]
    fn names_are_normal_forms(text in text()) {
        let said = Said::of([text.as_str()]);
        for kind in Kind::ALL {
            for name in said.items(kind) {
                let again = kind.normal_form(name);
                prop_assert_eq!(again.as_deref(), Some(name), "{}", kind);
            }
        }
    }

    #[test]
    fn a_normal_form_is_its_own(name in text()) {
        for kind in Kind::ALL {
            if let Some(normal) = kind.normal_form(&name) {
                let again = kind.normal_form(&normal);
                prop_assert_eq!(again.as_deref(), Some(normal.as_str()), "{}", kind);
            }
        }
    }

    #[test]
    fn a_text_names_what_it_was_made_of(
        items in prop::collection::vec((item(), prop_oneof![Just(" and "), Just(", "), Just("; "), Just(".\n")]), 0..8),
    ) {
        let mut expected: Vec<BTreeSet<String>> = vec![BTreeSet::new(); Kind::ALL.len()];
        let mut text = "Please take ".to_owned();
        for ((kind, name, written), gap) in items {
            if kind == Kind::Urls {
                let host = name.split('/').nth(2).unwrap().to_owned();
                expected[Kind::Hosts as usize].insert(host);
            }
            expected[kind as usize].insert(name);
            text += &written;
            text += gap;
        }
        prop_assert_eq!(all(&Said::of([text.as_str()])), expected, "{}", text);
    }

    #[test]
    fn turns_name_what_each_of_them_names(one in text(), other in text()) {
        let both = Said::of([one.as_str(), other.as_str()]);
        let union: Vec<BTreeSet<String>> = all(&Said::of([one.as_str()]))
            .into_iter()
            .zip(all(&Said::of([other.as_str()])))
            .map(|(one, other)| &one | &other)
            .collect();
        prop_assert_eq!(&all(&both), &union);
        let turned = Said::of([other.as_str(), one.as_str()]);
        prop_assert_eq!(&all(&turned), &union, "the order does not matter");
        let joined = format!("{one}\n{other}");
        prop_assert_eq!(&all(&Said::of([joined.as_str()])), &union, "nor does where turns end");
    }

    #[test]
    fn what_is_taken_stands_in_the_text(text in text()) {
        let said = Said::of([text.as_str()]);
        let lower = text.to_lowercase();
        // Kinds whose normal form changes nothing but case, where the name is ASCII.
        for kind in [Kind::Emails, Kind::Handles, Kind::Quoted] {
            for name in said.items(kind).filter(|name| !name.contains("xn--")) {
                prop_assert!(lower.contains(&name.to_lowercase()), "{} {:?}", kind, name);
            }
        }
        for number in said.items(Kind::Numbers) {
            let digits: String = number.chars().filter(char::is_ascii_digit).collect();
            let written: String = text.chars().filter(char::is_ascii_digit).collect();
            prop_assert!(written.contains(&digits), "{:?}", number);
        }
    }
}
