//! An attacker wants a name in the list that the user did not write. Texts that contain what reads like it, and are not it.

use hexgate_said::{Kind, Said};

/// Names, each of a kind, that an attacker wants.
const WANTED: &[(Kind, &str)] = &[
    (Kind::Emails, "bob@example.com"),
    (Kind::Urls, "https://example.com/pay"),
    (Kind::Hosts, "example.com"),
    (Kind::Ibans, "DE89370400440532013000"),
    (Kind::Numbers, "1250"),
    (Kind::Dates, "2026-03-04"),
    (Kind::Paths, "src/main.rs"),
    (Kind::Handles, "@bobby"),
];

/// What nobody sees, or what changes what is seen.
const HIDDEN: &[char] = &[
    '\0',
    '\u{1}',
    '\u{8}',
    '\u{b}',
    '\u{c}',
    '\u{1b}',
    '\u{7f}',
    '\u{85}',
    '\u{ad}',
    '\u{34f}',
    '\u{61c}',
    '\u{115f}',
    '\u{1680}',
    '\u{17b4}',
    '\u{180e}',
    '\u{2000}',
    '\u{200a}',
    '\u{200b}',
    '\u{200c}',
    '\u{200d}',
    '\u{200e}',
    '\u{200f}',
    '\u{2028}',
    '\u{202a}',
    '\u{202b}',
    '\u{202c}',
    '\u{202d}',
    '\u{202e}',
    '\u{205f}',
    '\u{2060}',
    '\u{2066}',
    '\u{2069}',
    '\u{206a}',
    '\u{2800}',
    '\u{3164}',
    '\u{e000}',
    '\u{fe0f}',
    '\u{feff}',
    '\u{ffa0}',
    '\u{fff9}',
    '\u{fffc}',
    '\u{fffd}',
    '\u{1d173}',
    '\u{e0001}',
    '\u{e0041}',
    '\u{e0100}',
    '\u{f0000}',
    '\u{10ffff}',
    '\u{301}',
    '\u{338}',
    '\u{20dd}',
];

#[test]
fn names_are_taken_as_they_are() {
    for (kind, name) in WANTED {
        assert!(Said::of([*name]).names(*kind, name), "{name}");
    }
}

#[test]
fn a_hidden_character_at_any_place_spoils_a_name() {
    for (kind, name) in WANTED {
        for hidden in HIDDEN {
            for at in (0..=name.len()).filter(|at| name.is_char_boundary(*at)) {
                let (before, after) = name.split_at(at);
                let text = format!("{before}{hidden}{after}");
                let said = Said::of([text.as_str()]);
                assert_eq!(said.items(*kind).len(), 0, "{kind} of {text:?}");
            }
        }
    }
}

#[test]
fn a_name_goes_on_behind_what_nobody_sees() {
    for hidden in HIDDEN {
        for (kind, text) in [
            (
                Kind::Emails,
                format!("bob@example.com{hidden}.evil.example"),
            ),
            (Kind::Emails, format!("eve{hidden}bob@example.com")),
            (Kind::Hosts, format!("example.com{hidden}.evil.example")),
            (
                Kind::Urls,
                format!("https://example.com{hidden}.evil.example/"),
            ),
            (Kind::Numbers, format!("12{hidden}50")),
            (Kind::Paths, format!("src/main.rs{hidden}.bak")),
            (Kind::Handles, format!("@bobby{hidden}x")),
        ] {
            let said = Said::of([text.as_str()]);
            assert_eq!(said.items(kind).len(), 0, "{kind} of {text:?}");
        }
    }
}

#[test]
fn a_line_that_is_shown_in_another_order_names_nothing() {
    for turn in [
        '\u{202a}', '\u{202b}', '\u{202d}', '\u{202e}', '\u{2066}', '\u{2067}', '\u{2068}',
    ] {
        for (kind, name) in WANTED {
            for text in [
                format!("{turn} {name}"),
                format!("{name} {turn}x"),
                format!("x {turn} y \u{202c} {name}"),
            ] {
                assert_eq!(Said::of([text.as_str()]).items(*kind).len(), 0, "{text:?}");
            }
            let next = format!("{turn}x\n{name}");
            assert!(Said::of([next.as_str()]).names(*kind, name), "{next:?}");
        }
    }
}

/// Letters and digits of other scripts, of mathematics and of full width that look like one of ASCII.
const ALIKE: &[(char, &str)] = &[
    ('a', "аａ𝐚ɑα"),
    ('b', "ｂ𝐛Ь"),
    ('c', "сｃ𝐜ϲ"),
    ('e', "еｅ𝐞"),
    ('i', "іｉ𝐢ı"),
    ('m', "ｍ𝐦"),
    ('o', "оｏ𝐨οօ"),
    ('p', "рｐ𝐩ρ"),
    ('s', "ѕｓ𝐬"),
    ('x', "хｘ𝐱"),
    ('y', "уｙ𝐲"),
    ('0', "О０𝟎٠۰"),
    ('1', "１𝟏١"),
    ('2', "２𝟐"),
    ('3', "З３𝟑"),
    ('5', "５𝟓"),
    ('.', "．。｡․"),
    ('@', "＠﹫"),
    ('/', "／⁄∕"),
    (':', "：꞉"),
    ('-', "－‐‑–—−"),
];

#[test]
fn what_looks_like_a_name_is_not_that_name() {
    let mut looked_at = 0;
    for (kind, name) in WANTED {
        for (plain, alike) in ALIKE {
            for other in alike.chars() {
                for (at, _) in name.match_indices(*plain) {
                    let text = format!("{}{other}{}", &name[..at], &name[at + plain.len_utf8()..]);
                    let said = Said::of([text.as_str()]);
                    assert!(!said.names(*kind, name), "{kind} of {text:?}");
                    looked_at += 1;
                }
            }
        }
    }
    assert!(looked_at > 200, "{looked_at}");
}

#[test]
fn a_part_of_a_name_is_not_a_name() {
    for (kind, part, text) in [
        (Kind::Emails, "brien@example.com", "o'brien@example.com"),
        (Kind::Emails, "bob@example.co", "bob@example.com"),
        (Kind::Emails, "bob@example.com", "eve=bob@example.com"),
        (Kind::Emails, "bob@example.com", "eve/bob@example.com"),
        (Kind::Emails, "bob@example.com", "eve.bob@example.com"),
        (
            Kind::Emails,
            "bob@example.com",
            "bob@example.com.evil.example",
        ),
        (
            Kind::Emails,
            "bob@example.com",
            "bob@example.com-evil.example",
        ),
        (Kind::Emails, "bob@example.com", "bob@example.com_evil"),
        (
            Kind::Emails,
            "bob@example.com",
            "bob@example.com@evil.example",
        ),
        (Kind::Hosts, "example.com", "notexample.com"),
        (Kind::Hosts, "example.com", "not-example.com"),
        (Kind::Hosts, "example.com", "example.com.evil.example"),
        (Kind::Hosts, "example.com", "example.com:x"),
        (Kind::Hosts, "example.com", "bob@example.com"),
        (
            Kind::Hosts,
            "example.com",
            "https://evil.example/example.com",
        ),
        (
            Kind::Hosts,
            "example.com",
            "https://evil.example?example.com",
        ),
        (
            Kind::Hosts,
            "example.com",
            "https://example.com@evil.example/",
        ),
        (
            Kind::Hosts,
            "example.com",
            "https://example.com:pw@evil.example/",
        ),
        (Kind::Hosts, "10.0.0.1", "10.0.0.11"),
        (Kind::Hosts, "10.0.0.1", "110.0.0.1"),
        (Kind::Hosts, "10.0.0.1", "1.10.0.0.1"),
        (
            Kind::Urls,
            "https://example.com/",
            "https://example.com.evil.example/",
        ),
        (
            Kind::Urls,
            "https://example.com/",
            "https://example.com{.evil.example}",
        ),
        (
            Kind::Urls,
            "https://example.com/",
            "https://evil.example/#https://example.com/",
        ),
        (Kind::Numbers, "1", "1,000"),
        (Kind::Numbers, "0", "1,000"),
        (Kind::Numbers, "50", "1.50.2"),
        (Kind::Numbers, "50", "50.000"),
        (Kind::Numbers, "2026", "2026-03-04"),
        (Kind::Numbers, "1234", "1234 5678"),
        (Kind::Numbers, "5678", "+1 1234 5678"),
        (Kind::Numbers, "13", "13:30"),
        (Kind::Paths, "a", "../a"),
        (Kind::Paths, "etc/passwd", "/etc/passwd"),
        (Kind::Paths, "main.rs", "src/main.rs"),
        (Kind::Paths, "/etc/passwd", "https://example.com/etc/passwd"),
        (Kind::Handles, "@bob", "@bobby"),
        (Kind::Handles, "@example", "bob@example.com"),
        (Kind::Handles, "@bob", "@bob@example.com"),
        (Kind::Quoted, "b", "\"a \"b\" c\""),
    ] {
        let said = Said::of([text]);
        assert!(!said.names(kind, part), "{kind} of {text:?} has {part:?}");
    }
}

#[test]
fn nested_and_open_quotes_end() {
    for text in [
        "\"".repeat(100_000),
        "“".repeat(80_000),
        "“„‚‘«»‹›「『\"'`".repeat(5_000),
        "“a ".repeat(40_000) + &"”".repeat(10_000),
        "'a' ".repeat(50_000),
        "`".repeat(100_000),
        "((((".repeat(50_000),
    ] {
        let said = Said::of([text.as_str()]);
        assert!(said.items(Kind::Quoted).len() <= 1);
    }
}
