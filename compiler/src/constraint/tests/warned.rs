//! What is accepted and doubtful.

use super::{super::*, consts, refused::well_formed, unmark};
use crate::diagnostic::Severity;

const WARNED: &[(&str, &[&str])] = &[
    ("⟦1 == 1.0⟧", &["always-holds"]),
    ("⟦\"a\" < \"b\"⟧", &["always-holds"]),
    ("⟦1 != null⟧", &["always-holds"]),
    ("⟦[1, [2.0]] == [1.0, [2]]⟧", &["always-holds"]),
    ("⟦9007199254740993 != 9007199254740992⟧", &["always-holds"]),
    ("⟦consts.max_refund == 5e2⟧", &["always-holds"]),
    ("⟦role != null⟧", &["always-holds"]),
    ("⟦role == role⟧", &["always-holds"]),
    ("⟦role != \"\"⟧", &["always-holds"]),
    ("⟦args != null⟧", &["always-holds"]),
    ("⟦args == args⟧", &["always-holds"]),
    ("⟦args not in [null]⟧", &["always-holds"]),
    ("⟦role not in [null]⟧", &["always-holds"]),
    ("⟦\"EUR\" in consts.currencies⟧", &["always-holds"]),
    ("⟦5 not in [1, 2]⟧", &["always-holds"]),
    ("⟦null in [1, null]⟧", &["always-holds"]),
    ("⟦present(args)⟧", &["always-holds"]),
    ("⟦present(role)⟧", &["always-holds"]),
    ("every(args.l, ⟦present(.)⟧)", &["always-holds"]),
    ("⟦startswith(tool, \"\")⟧", &["always-holds"]),
    ("args.x == 1 or ⟦present(tool)⟧", &["always-holds"]),
    ("matches(args.x, ⟦\"a+\"⟧)", &["unanchored-regex"]),
    ("matches(args.x, ⟦\"^a+\"⟧)", &["unanchored-regex"]),
    ("matches(args.x, ⟦\"a+$\"⟧)", &["unanchored-regex"]),
    ("matches(args.x, ⟦\"^a|b$\"⟧)", &["unanchored-regex"]),
    ("args.x == ⟦\"5\"⟧", &["number-as-text"]),
    ("args.x < ⟦\"10\"⟧", &["number-as-text"]),
    ("⟦\"-1.5e3\"⟧ >= ctx.x", &["number-as-text"]),
    ("any(args.l, . != ⟦\"0\"⟧)", &["number-as-text"]),
    ("⟦not not args.x == 1⟧", &["double-negation"]),
    ("⟦not (not args.x == 1)⟧", &["double-negation"]),
    ("⟦not args.x != 1⟧", &["double-negation"]),
    ("⟦not (args.x not in [1])⟧", &["double-negation"]),
    ("args.x in [1, 2, ⟦1⟧]", &["duplicate-element"]),
    (
        "args.x in [1, ⟦1.0⟧, ⟦10e-1⟧]",
        &["duplicate-element", "duplicate-element"],
    ),
    (
        "args.x in [\"a\", [1], ⟦\"\\u0061\"⟧, ⟦[1e0]⟧]",
        &["duplicate-element", "duplicate-element"],
    ),
    ("only(args, [\"a\", ⟦\"a\"⟧])", &["duplicate-element"]),
    (
        "role in [\"a\", ⟦5⟧, ⟦null⟧]",
        &["dead-element", "dead-element"],
    ),
    (
        "count(args.x) in [1, ⟦1.5⟧, ⟦\"a\"⟧, ⟦-1⟧]",
        &["dead-element", "dead-element", "dead-element"],
    ),
    ("every(args.l, ⟦args.x == 1⟧)", &["element-unused"]),
    ("every(args.l, any(.m, ⟦args.x == 1⟧))", &["element-unused"]),
    ("any(args.l, ⟦every(args.m, . == 1)⟧)", &["element-unused"]),
    ("startswith(args.x, ⟦\"\"⟧)", &["empty-text"]),
    ("contains(args.x, ⟦\"\"⟧)", &["empty-text"]),
    ("endswith(args.x, ⟦\"\"⟧)", &["empty-text"]),
    (
        "startswith(args.url, ⟦\"https://example.com\"⟧)",
        &["open-url-prefix"],
    ),
    (
        "startswith(args.url, ⟦\"https://example.com:80\"⟧)",
        &["open-url-prefix"],
    ),
    ("⟦args.x == args.x⟧", &["compares-itself"]),
    ("⟦args.a[\"b\"] <= args.a.b⟧", &["compares-itself"]),
    ("⟦count(args.x) == count(args.x)⟧", &["compares-itself"]),
    ("not ⟦args.x == args.x⟧", &["compares-itself"]),
    ("not startswith(args.x, ⟦\"\"⟧)", &["empty-text"]),
    (
        "matches(tool, ⟦\"^mcp__shell__*$\"⟧)",
        &["repeated-character"],
    ),
    ("not matches(tool, ⟦\"^mcp__*\"⟧)", &["repeated-character"]),
    ("only(args, [\"a\", ⟦\"args.b\"⟧])", &["doubtful-member"]),
    ("only(args.headers, [⟦\"x-*\"⟧])", &["doubtful-member"]),
    ("only(args, [⟦\"path, mode\"⟧])", &["doubtful-member"]),
    ("args[⟦\"*\"⟧] == 1", &["doubtful-member"]),
    ("⟦run.spent_usd⟧ <= 50", &["uncounted-fact"]),
    ("⟦run.tokens⟧ + 0 <= 1", &["uncounted-fact"]),
    ("⟦type(args) == \"object\"⟧", &["always-holds"]),
    ("⟦type(role) != \"list\"⟧", &["always-holds"]),
    ("any_member(args.o, ⟦present(.value)⟧)", &["always-holds"]),
    ("optional(args.o, ⟦present(.)⟧)", &["always-holds"]),
    ("anywhere(args, ⟦present(.)⟧)", &["always-holds"]),
    (
        "lower(args.x) in [\"usd\", ⟦\"EUR\"⟧, ⟦5⟧]",
        &["dead-element", "dead-element"],
    ),
    ("count(args.l, . == 1) in [1, ⟦-1⟧]", &["dead-element"]),
    ("any_member(args.o, ⟦args.x == 1⟧)", &["element-unused"]),
    ("anywhere(args, ⟦args.x == \"a\"⟧)", &["element-unused"]),
    ("optional(args.x, ⟦args.x <= 5⟧)", &["element-unused"]),
    ("count(args.l, ⟦args.x == 1⟧) > 1", &["element-unused"]),
    ("any(consts.currencies, ⟦args.x == 1⟧)", &["element-unused"]),
    ("startswith(lower(args.x), ⟦\"\"⟧)", &["empty-text"]),
    ("startswith(args.path, ⟦\"/srv/app/\"⟧)", &["path-prefix"]),
    ("not startswith(args.path, ⟦\"/etc/\"⟧)", &["path-prefix"]),
    (
        "every(args.files, startswith(., ⟦\"/tmp/\"⟧))",
        &["path-prefix"],
    ),
    ("startswith(args.f, ⟦\"../\"⟧)", &["path-prefix"]),
    ("startswith(args.f, ⟦\"C:\\\\Users\"⟧)", &["path-prefix"]),
    (
        "startswith(lower(args.url), ⟦\"https://a.example\"⟧)",
        &["open-url-prefix"],
    ),
    (
        "contains(args.url, ⟦\"docs.example.com\"⟧)",
        &["host-within-text"],
    ),
    (
        "contains(args.url, ⟦\"https://docs.example.com/\"⟧)",
        &["host-within-text"],
    ),
    (
        "contains(args.u, ⟦\"@example.com\"⟧)",
        &["host-within-text"],
    ),
    (
        "endswith(args.host, ⟦\"example.com\"⟧)",
        &["open-host-ending"],
    ),
    (
        "endswith(lower(args.to), ⟦\"example.org\"⟧)",
        &["open-host-ending"],
    ),
    (
        "any([\".example.com\", \"example.org\"], endswith(args.host, ⟦.⟧))",
        &["open-host-ending"],
    ),
    (
        "matches(args.url, ⟦\"^https://drive.example.com/.*$\"⟧)",
        &["unescaped-dot"],
    ),
    (
        "matches(args.to, ⟦\"^[^@]+@example.com$\"⟧)",
        &["unescaped-dot"],
    ),
    (
        "matches(args.url, ⟦\"^https://drive\\\\.example\\\\.com.*$\"⟧)",
        &["open-url-prefix"],
    ),
    ("args.headers[⟦\"args.x\"⟧] == 1", &["doubtful-member"]),
];

/// Nearby, and nothing to be said.
const QUIET: &[&str] = &[
    "args.amount <= 500",
    "args.x != null",
    "count(args.x) != null",
    "count(args.x) >= 0",
    "count(args.x) < 0.5",
    "count(args.x) != 1.5",
    "count(args.x) not in [null]",
    "count(args.x) == count(args.y)",
    "count(args.x) <= 16777216",
    "matches(args.x, \"^a+$\")",
    "matches(args.x, \"^(?:a|b)$\")",
    "args.x == \"007\"",
    "args.x == \"1.2.3\"",
    "role == \"5\"",
    "args.x in [\"1\", \"2\"]",
    "args.x == [1, 1]",
    "args.x in [1, \"1\", true, null, [1]]",
    "not args.x == 1",
    "not args.x in [1]",
    "not (args.x == 1 and args.y != 2)",
    "every(args.l, any(.m, . == args.x))",
    "any(args.l, every(.m, . == 1))",
    "every(args.l, count(.) < 5)",
    "startswith(args.url, \"https://example.com/\")",
    "startswith(args.url, \"https://\")",
    "user == \"alice\"",
    "ctx == null",
    "not present(ctx)",
    "present(run) and run.tool_calls < 5",
    "run.id == \"a\" and \"t\" in run.tools_used",
    "usage.tool_calls_24h < 5 and user_usage.tokens_30d <= 1000",
    "present(said) and every(args.to, . in said.emails)",
    "lower(args.x) == \"usd\"",
    "lower(args.x) != null",
    "type(args.x) == \"text\" or type(args.x) in [\"number\", \"null\"]",
    "count(args.l, . == 1) != null",
    "sum(args.l, .x) != null",
    "args.a + args.b * 2 - 1 <= 500",
    "optional(args.x, . >= 1 and . <= 100)",
    "optional(args.x, any(.l, anywhere(., contains(., \"a\"))))",
    "not anywhere(args, matches(., \"sk-[a-z]\"))",
    "any(consts.currencies, endswith(args.x, .))",
    "count(args.l, matches(., \"a\")) == 0",
    "startswith(args.url, \"/api/\")",
    "startswith(args.command, \"/usr/bin/git \")",
    "startswith(ctx.path, \"/a/\")",
    "startswith(args.key, \"tenant/\")",
    "contains(args.name, \"report.pdf\")",
    "not contains(args.url, \"evil.example.com\")",
    "endswith(args.host, \".example.com\")",
    "endswith(args.to, \"@example.com\")",
    "endswith(args.file, \"notes.txt\")",
    "not endswith(args.host, \"evil.com\")",
    "matches(args.url, \"^https://drive\\\\.example\\\\.com/.*$\")",
    "matches(args.to, \"^[^@]+@example\\\\.com$\")",
    "not matches(args.url, \"^https://drive.example.com/.*$\")",
    "only(args, [])",
    "only(user, [\"name\"])",
    "args.a == args.b",
    "tool == role",
    "args == ctx.expected",
    "args.x not in [1, null]",
    "args[\"a.b\"] == 1",
    "only(args, [\"user.fields\", \"ids[]\", \"args\", \"tool\"])",
    "args.x == \"*\"",
    "args.x in [\"a*\", \"*/*\"]",
    "not contains(tool, \"*\")",
    "matches(tool, \"^mcp__.*__[a-z]*(?:_x)*\\\\*$\")",
    "matches(args.x, \"^a*$\")",
];

#[test]
fn each_doubtful_text_is_accepted_with_its_warnings() {
    let mut wrong = Vec::new();
    for (marked, codes) in WARNED {
        let (text, spans) = unmark(marked);
        match parse(&text, &consts()) {
            Err(errors) => wrong.push(format!("{text}: {errors:#?}")),
            Ok(parsed) => {
                let found: Vec<&str> = parsed.warnings.iter().map(|warning| warning.code).collect();
                let places: Vec<_> = parsed
                    .warnings
                    .iter()
                    .map(|warning| warning.span.clone())
                    .collect();
                if found != *codes || places != spans {
                    wrong.push(format!(
                        "{marked}\n  wanted {codes:?} at {spans:?}\n  found {:#?}",
                        parsed.warnings
                    ));
                }
                for warning in &parsed.warnings {
                    well_formed(&text, warning);
                    assert!(warning.help.is_some(), "{text}: {}", warning.message);
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn idiomatic_texts_are_accepted_in_silence() {
    for text in QUIET {
        let parsed = parse(text, &consts()).unwrap_or_else(|errors| panic!("{text}: {errors:#?}"));
        assert!(parsed.warnings.is_empty(), "{text}: {:#?}", parsed.warnings);
    }
}

/// What is forbidden is rightly sought anywhere: to follow the advice that is good elsewhere would let more calls pass.
#[test]
fn advice_that_would_open_a_rule_is_given_below_an_even_number_of_negations_only() {
    const ADVISED: [(&str, &str); 3] = [
        ("matches(args.x, \"drop\")", "unanchored-regex"),
        ("matches(args.x, \"^drop\")", "unanchored-regex"),
        (
            "startswith(args.x, \"https://evil.example\")",
            "open-url-prefix",
        ),
    ];
    for (advised, code) in ADVISED {
        for (around, negative) in [
            ("…", false),
            ("not …", true),
            ("not (not …)", false),
            ("not (not (not …))", true),
            ("not (args.y == 1 or …)", true),
            ("not (args.y == 1 and … and not args.z == 2)", true),
            ("not (args.y == 1 or not …) and args.z == 1", false),
            ("not args.y == 1 and …", false),
            ("not (args.y == 1) or …", false),
            ("not any(args.l, . == 1) and …", false),
            ("any(args.l, . == 1 and not …)", true),
            ("not every(args.l, . == 1 or …)", true),
            ("not any(args.l, not every(.m, . == 1 and …))", false),
        ] {
            let text = around.replace('…', advised);
            let parsed = parse(&text, &consts()).unwrap_or_else(|errors| panic!("{errors:#?}"));
            let given = parsed.warnings.iter().any(|warning| warning.code == code);
            assert_eq!(given, !negative, "{text}: {:#?}", parsed.warnings);
        }
    }
}

/// `present` is true of more than a value that is compared with itself, and below `not` of less.
#[test]
fn presence_is_advised_only_where_it_says_the_same() {
    for (text, advised) in [
        ("args.x == args.x", true),
        ("args.x <= args.x", false),
        ("args.x >= args.x", false),
        ("not args.x == args.x", false),
        ("not (args.y == 1 or args.x <= args.x)", false),
    ] {
        let parsed = parse(text, &consts()).unwrap();
        let help = parsed.warnings[0].help.clone().unwrap();
        assert_eq!(help.contains("present"), advised, "{text}: {help}");
    }
}

#[test]
fn every_warning_is_produced() {
    let produced: Vec<&str> = WARNED
        .iter()
        .flat_map(|(_, codes)| codes.iter().copied())
        .collect();
    for doc in codes::CODES
        .iter()
        .filter(|doc| doc.severity == Severity::Warning)
    {
        assert!(
            produced.contains(&doc.code),
            "nothing produces `{}`",
            doc.code
        );
    }
}

#[test]
fn the_suggested_pattern_is_anchored() {
    for pattern in ["a+", "^a", "a$", "a|b", "^a|b$", "5\\\\$"] {
        let text = format!("matches(args.x, \"{pattern}\")");
        let parsed = parse(&text, &consts()).unwrap();
        let help = parsed.warnings[0].help.clone().unwrap();
        let suggested = help.split('`').nth(1).unwrap();
        let again = parse(&format!("matches(args.x, {suggested})"), &consts()).unwrap();
        assert!(
            again.warnings.is_empty(),
            "{suggested}: {:#?}",
            again.warnings
        );
    }
}

#[test]
fn a_duplicate_points_at_the_first() {
    let parsed = parse("args.x in [\"a\", \"b\", \"a\"]", &consts()).unwrap();
    assert_eq!(parsed.warnings[0].second.clone().unwrap().0, 11..14);
}
