//! What conditions mean, from the text of a policy to a verdict.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use hexgate_compiler::{Compiled, Compiler};
use hexgate_eval::{
    Plan, Request, Truth, Verdict, Workspace,
    plan::layout::header,
    trace::{ConditionKind, ConditionTrace, trace},
};

const CONSTANTS: &str = r#"consts:
  domains: ["example.com", "example.org"]
  texts: ["a", ""]
  mixed: [1, null, "x"]
  nested: [["a", ["b"]], ["c", 7]]
  numbers: [1, 2, 3]
define:
  iso_date: 'matches(., "^[0-9]{4}-[0-9]{2}-[0-9]{2}$")'
  short: 'count(.) <= 3'
  short_list: 'count(., short(.)) >= 2'
  clean: 'not anywhere(., contains(., "secret"))'
  maybe_date: 'optional(., iso_date(.))'
"#;

fn compile(constraint: &str) -> Compiled {
    let constraint = constraint.replace('\'', "''");
    let policy = format!("{CONSTANTS}tools: {{t: {{mode: allow, constraints: ['{constraint}']}}}}");
    let outcome = Compiler::default().compile_str("policy.yaml", &policy);
    let diagnostics = outcome.diagnostics;
    let policy = outcome
        .policy
        .unwrap_or_else(|| panic!("{constraint}: {diagnostics:#?}"));
    Plan::open(&policy.plan).unwrap().validate().unwrap();
    policy
}

fn trace_of(policy: &Compiled, arguments: &str, facts: Option<&str>) -> ConditionTrace {
    let plan = Plan::open(&policy.plan).unwrap();
    let mut request = Request::new("t", arguments);
    if let Some(facts) = facts {
        request = request.facts(facts);
    }
    let mut workspace = Workspace::new();
    let verdict = workspace.decide(&plan, &request).unwrap();
    let mut scratch = workspace.scratch(&plan, &request).unwrap();
    let mut roles = trace(&plan, &request, &mut scratch).unwrap().roles;
    let trace = roles[0].rules[0].constraints.pop().unwrap();
    assert_eq!(
        matches!(verdict, Verdict::Allow(_)),
        trace.truth == Truth::True,
        "{} for {arguments}",
        trace.source
    );
    trace
}

/// Checks what a constraint is for calls: `T`, `F` or `U`, then the arguments, and facts behind a `|`.
fn is(constraint: &str, calls: &[&str]) {
    let policy = compile(constraint);
    for call in calls {
        let (wanted, request) = call.split_once(' ').unwrap();
        let wanted = match wanted {
            "T" => Truth::True,
            "F" => Truth::False,
            "U" => Truth::Undefined,
            other => panic!("{other}"),
        };
        let (arguments, facts) = match request.split_once(" | ") {
            Some((arguments, facts)) => (arguments, Some(facts)),
            None => (request, None),
        };
        let found = trace_of(&policy, arguments, facts).truth;
        assert_eq!(found, wanted, "{constraint} for {request}");
    }
}

#[test]
fn elements_of_lists_are_found_by_their_index() {
    is(
        r#"args.command[0] == "git""#,
        &[
            r#"T {"command": ["git", "push"]}"#,
            r#"F {"command": ["rm"]}"#,
            r#"U {"command": []}"#,
            r#"U {"command": "git"}"#,
            r#"U {"command": {"0": "git"}}"#,
            "U {}",
        ],
    );
    is(
        r#"args.m[1].n[0] == 5 and not present(args.m[2])"#,
        &[
            r#"T {"m": [0, {"n": [5.0]}]}"#,
            r#"F {"m": [0, {"n": [5]}, 1]}"#,
            r#"U {"m": [0, {"n": {"0": 5}}]}"#,
        ],
    );
    is(
        "every(args.pairs, .[0] < .[1])",
        &[
            r#"T {"pairs": [[1, 2], [3, 4]]}"#,
            r#"F {"pairs": [[1, 2], [4, 3]]}"#,
            r#"U {"pairs": [[1, 2], [4]]}"#,
            r#"T {"pairs": []}"#,
        ],
    );
    is(
        r#"any(consts.nested, .[0] == args.a)"#,
        &[r#"T {"a": "c"}"#, r#"F {"a": "b"}"#, "U {}"],
    );
    is(
        "every(args.l, .x == args.limits[1])",
        &[
            r#"T {"l": [{"x": 2}, {"x": 2}], "limits": [1, 2]}"#,
            r#"F {"l": [{"x": 2}, {"x": 1}], "limits": [1, 2]}"#,
            r#"U {"l": [{"x": 2}], "limits": [1]}"#,
        ],
    );
}

#[test]
fn a_text_is_sought_in_another() {
    is(
        "startswith(args.a, args.b)",
        &[
            r#"T {"a": "abc", "b": "ab"}"#,
            r#"T {"a": "abc", "b": "abc"}"#,
            r#"F {"a": "abc", "b": "abcd"}"#,
            r#"F {"a": "abc", "b": "b"}"#,
            r#"U {"a": "abc", "b": ""}"#,
            r#"U {"a": "abc", "b": 1}"#,
            r#"U {"a": "abc"}"#,
            r#"U {"a": null, "b": "a"}"#,
            r#"T {"a": "\u0061bc", "b": "a\u0062"}"#,
        ],
    );
    is(
        "endswith(args.a, args.b)",
        &[
            r#"T {"a": "abc", "b": "bc"}"#,
            r#"F {"a": "abc", "b": "zabc"}"#,
            r#"F {"a": "abc", "b": "ab"}"#,
            r#"U {"a": "abc", "b": ""}"#,
            r#"T {"a": "ab\u0063", "b": "\u0062c"}"#,
            r#"T {"a": "x\\y\"", "b": "y\""}"#,
        ],
    );
    is(
        "contains(args.a, args.b)",
        &[
            r#"T {"a": "abcabd", "b": "cab"}"#,
            r#"T {"a": "aaab", "b": "aab"}"#,
            r#"T {"a": "ababababac", "b": "ababac"}"#,
            r#"F {"a": "ababababab", "b": "ababac"}"#,
            r#"F {"a": "ab", "b": "abc"}"#,
            r#"T {"a": "ab", "b": "ab"}"#,
            r#"U {"a": "ab", "b": ""}"#,
            r#"T {"a": "x\u00e9y", "b": "é"}"#,
            r#"T {"a": "😀", "b": "\ud83d\ude00"}"#,
            r#"U {"a": ["ab"], "b": "a"}"#,
        ],
    );
    is(
        r#"contains(args.a, "") and startswith(args.a, "") and endswith(args.a, "")"#,
        &[r#"T {"a": ""}"#, r#"T {"a": "x"}"#, "U {}", r#"U {"a": 1}"#],
    );
    is(
        r#"contains(args.a, tool)"#,
        &[r#"T {"a": "at"}"#, r#"F {"a": "a"}"#],
    );
    is(
        r#"endswith(args.a, role)"#,
        &[r#"T {"a": "my default"}"#, r#"F {"a": "x"}"#],
    );
}

#[test]
fn the_elements_of_a_constant_are_asked_one_by_one() {
    is(
        "any(consts.domains, endswith(args.host, .))",
        &[
            r#"T {"host": "www.example.org"}"#,
            r#"F {"host": "example.net"}"#,
            r#"U {"host": 1}"#,
            "U {}",
        ],
    );
    is(
        "every(consts.texts, contains(args.a, .))",
        // What is empty and not written as such says nothing.
        &[r#"U {"a": "a"}"#, r#"F {"a": "b"}"#],
    );
    is(
        "any(consts.mixed, . == args.a)",
        &[
            r#"T {"a": 1.0}"#,
            r#"T {"a": "x"}"#,
            r#"T {"a": null}"#,
            r#"U {"a": "y"}"#,
        ],
    );
    is(
        "any(consts.nested, args.a in .)",
        &[
            r#"T {"a": "a"}"#,
            r#"T {"a": 7}"#,
            r#"T {"a": ["b"]}"#,
            r#"U {"a": 8}"#,
            r#"F {"a": "x"}"#,
        ],
    );
    is(
        r#"any(consts.nested, anywhere(., . == args.a))"#,
        &[
            r#"T {"a": "b"}"#,
            r#"T {"a": "c"}"#,
            r#"F {"a": "z"}"#,
            "U {}",
        ],
    );
    is(
        "any(args.l, any(consts.domains, . == args.d))",
        &[
            r#"T {"l": [1], "d": "example.com"}"#,
            r#"F {"l": [1], "d": "x"}"#,
            r#"F {"l": [], "d": "example.com"}"#,
        ],
    );
}

#[test]
fn letters_are_put_into_lower_case_where_it_is_asked() {
    is(
        r#"lower(args.a) == "usd""#,
        &[
            r#"T {"a": "USD"}"#,
            r#"T {"a": "\u0055sD"}"#,
            r#"F {"a": "EUR"}"#,
            r#"U {"a": 1}"#,
            "U {}",
        ],
    );
    // ASCII alone.
    is(
        r#"lower(args.a) == "É""#,
        &[r#"T {"a": "É"}"#, r#"F {"a": "é"}"#, r#"T {"a": "\u00c9"}"#],
    );
    is(
        r#"lower(args.a) in ["aa", "bb"]"#,
        &[r#"T {"a": "BB"}"#, r#"F {"a": "C"}"#, r#"U {"a": 1}"#],
    );
    is(
        r#"endswith(lower(args.a), ".exe") and startswith(lower(args.a), "c") and contains(lower(args.a), "o")"#,
        &[
            r#"T {"a": "COMO.EXE"}"#,
            r#"F {"a": "COM.BAT"}"#,
            r#"U {"a": []}"#,
        ],
    );
    is(
        "lower(args.a) == lower(args.b)",
        &[
            r#"T {"a": "aBc", "b": "AbC"}"#,
            r#"F {"a": "abc", "b": "abd"}"#,
            r#"U {"a": "abc"}"#,
        ],
    );
    is(
        "lower(args.a) < args.b",
        &[r#"T {"a": "B", "b": "c"}"#, r#"F {"a": "B", "b": "C"}"#],
    );
    is(
        r#"every(args.l, lower(.) in args.m)"#,
        &[
            r#"T {"l": ["A", "b"], "m": ["b", "a"]}"#,
            r#"F {"l": ["A"], "m": ["A"]}"#,
        ],
    );
}

#[test]
fn types_have_names() {
    for (value, name) in [
        ("null", "null"),
        ("true", "boolean"),
        ("1.5", "number"),
        (r#""x""#, "text"),
        ("[]", "list"),
        ("{}", "object"),
    ] {
        for asked in ["null", "boolean", "number", "text", "list", "object"] {
            let truth = if asked == name { "T" } else { "F" };
            is(
                &format!(r#"type(args.a) == "{asked}""#),
                &[&format!(r#"{truth} {{"a": {value}}}"#), "U {}"],
            );
        }
    }
    is(
        r#"every(args.l, type(.) in ["text", "number"])"#,
        &[
            r#"T {"l": ["a", 1]}"#,
            r#"F {"l": ["a", null]}"#,
            r#"U {"l": {}}"#,
        ],
    );
}

#[test]
fn members_have_a_name_and_a_value() {
    is(
        r#"every_member(args.o, startswith(.name, "x-") and .value > 0)"#,
        &[
            "T {\"o\": {}}",
            r#"T {"o": {"x-a": 1, "x-b": 2}}"#,
            r#"F {"o": {"x-a": 1, "b": 2}}"#,
            r#"F {"o": {"x-a": "a", "x-b": 0}}"#,
            r#"U {"o": {"x-a": 1, "x-b": "2"}}"#,
            r#"U {"o": []}"#,
            r#"U {"o": "x"}"#,
            "U {}",
        ],
    );
    is(
        r#"any_member(args.o, .name == "k" and .value.v[0] == 1)"#,
        &[
            "F {\"o\": {}}",
            r#"T {"o": {"j": 1, "\u006b": {"v": [1]}}}"#,
            r#"F {"o": {"j": {"v": [1]}}}"#,
            r#"U {"o": {"k": {"v": []}}}"#,
            r#"U {"o": [1]}"#,
        ],
    );
    is(
        "every_member(args.o, .name in args.names)",
        &[
            r#"T {"o": {"a": 1, "b": 2}, "names": ["b", "a", "c"]}"#,
            r#"F {"o": {"a": 1, "z": 2}, "names": ["b", "a", "c"]}"#,
            r#"F {"o": {"a": 1}, "names": []}"#,
            r#"U {"o": {"a": 1}, "names": [1]}"#,
        ],
    );
    is(
        r#"every_member(args.o, every(.value, . == 1))"#,
        &[
            r#"T {"o": {"a": [1], "b": []}}"#,
            r#"F {"o": {"a": [1], "b": [2]}}"#,
            r#"U {"o": {"a": 1}}"#,
        ],
    );
}

#[test]
fn texts_are_found_anywhere() {
    is(
        r#"not anywhere(args, matches(., "sk-[a-z]"))"#,
        &[
            "T {}",
            r#"T {"a": 1, "b": [true, null]}"#,
            r#"T {"a": "sk-1"}"#,
            r#"F {"a": "see sk-a"}"#,
            r#"F {"sk-a": 1}"#,
            r#"F {"a": [[{"b": ["x", "sk-b"]}]]}"#,
            r#"F {"a": [[{"sk-b": 2}]], "c": 1}"#,
            r#"F {"a": [{"x": []}, {"y": {}}, [[["\u0073k-a"]]]], "z": []}"#,
            r#"T {"a": [{"x": []}, {"y": {}}, [[["k-a"]]]], "z": []}"#,
        ],
    );
    is(
        r#"anywhere(args.a, . == "x")"#,
        &[
            "U {}",
            r#"T {"a": "x"}"#,
            r#"F {"a": 1}"#,
            // Its own name does not belong to it.
            r#"F {"a": [], "x": "x"}"#,
            r#"T {"b": ["x"], "a": {"b": [1, {"x": 2}]}, "c": "x"}"#,
            r#"F {"b": ["x"], "a": {"b": [1, {"y": 2}]}, "c": "x"}"#,
            r#"F {"b": ["x", ["x"]], "a": [[1], ["y"]], "c": [["x"]]}"#,
        ],
    );
    is(
        r#"anywhere(args.a, . == "x" or . == args.b)"#,
        &[
            r#"U {"a": ["y"]}"#,
            r#"T {"a": ["y", "x"]}"#,
            r#"F {"a": ["y"], "b": "z"}"#,
        ],
    );
    is(
        "any(args.l, anywhere(., contains(., args.n)))",
        &[
            r#"T {"l": [1, {"k": ["find me"]}], "n": "me"}"#,
            r#"F {"l": [1, {"k": ["find"]}], "n": "me"}"#,
        ],
    );
    is("anywhere(tool, . == \"t\")", &["T {}"]);
}

/// Whatever the shape of a document, everything at and below a value is met, and nothing else.
#[test]
fn anywhere_meets_all_of_a_value_and_no_more() {
    let policy = compile(r#"anywhere(args.here, . == "x")"#);
    let sorted = compile(r#"anywhere(args.here, . == "x") and args.p == args.p"#);
    let mut state = 3u64;
    let mut random = move |bound: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) % bound
    };
    fn value(random: &mut impl FnMut(u64) -> u64, depth: u32, texts: &mut Vec<String>) -> String {
        match random(if depth > 4 { 4 } else { 8 }) {
            0 => "1".to_owned(),
            1 => "[]".to_owned(),
            2 => "{}".to_owned(),
            3 => {
                texts.push(format!("t{}", random(1_000_000)));
                format!("\"{}\"", texts.last().unwrap())
            }
            4 | 5 => {
                let elements: Vec<String> = (0..random(4))
                    .map(|_| value(random, depth + 1, texts))
                    .collect();
                format!("[{}]", elements.join(","))
            }
            _ => {
                let mut members = Vec::new();
                for index in 0..random(4) {
                    texts.push(format!("n{}{index}", random(1_000_000)));
                    let name = texts.last().unwrap().clone();
                    members.push(format!("\"{name}\":{}", value(random, depth + 1, texts)));
                }
                format!("{{{}}}", members.join(","))
            }
        }
    }
    for _ in 0..400 {
        let (mut inside, mut outside) = (Vec::new(), Vec::new());
        let before = value(&mut random, 0, &mut outside);
        let here = value(&mut random, 0, &mut inside);
        let behind = value(&mut random, 0, &mut outside);
        let text = format!(r#"{{"before":{before},"here":{here},"behind":{behind},"p":1}}"#);
        let truth = |policy, text: &str| trace_of(policy, text, None).truth;
        for policy in [&policy, &sorted] {
            assert_eq!(truth(policy, &text), Truth::False, "{text}");
            for (texts, wanted) in [(&inside, Truth::True), (&outside, Truth::False)] {
                for sought in texts {
                    let text = text.replace(&format!("\"{sought}\""), "\"x\"");
                    if text.matches("\"x\"").count() == 1 {
                        assert_eq!(truth(policy, &text), wanted, "{text}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_list_of_the_request_stands_right_of_in() {
    let calls = [
        r#"T {"a": "x", "l": ["y", "x"]}"#,
        r#"F {"a": "x", "l": ["y"]}"#,
        r#"F {"a": "x", "l": []}"#,
        r#"U {"a": "x", "l": [1, 2]}"#,
        r#"F {"a": "x", "l": [1, null]}"#,
        r#"U {"a": "x", "l": "x"}"#,
        r#"U {"a": "x"}"#,
        r#"U {"l": []}"#,
        r#"T {"a": null, "l": [null]}"#,
        r#"U {"a": null, "l": [1]}"#,
        r#"F {"a": null, "l": []}"#,
        r#"T {"a": true, "l": [false, true]}"#,
        r#"F {"a": true, "l": [false]}"#,
        r#"T {"a": 1.0, "l": ["1", 1]}"#,
        r#"T {"a": {"b": 1, "c": [2]}, "l": [{}, {"c": [2.0], "b": 1}]}"#,
        r#"F {"a": {"b": 1, "c": [2]}, "l": [{"c": [2], "b": 2}]}"#,
        r#"T {"a": [1, [2]], "l": [[1], [1, [2]]]}"#,
        r#"F {"a": [1, [2]], "l": [[1], [1, [3]]]}"#,
        r#"U {"a": [1], "l": [1]}"#,
        r#"U {"a": {}, "l": [1]}"#,
    ];
    is("args.a in args.l", &calls);
    // The same in order: the second quantifier is what looks into the list for each element.
    let ordered: Vec<String> = calls
        .iter()
        .map(|call| {
            let absent = !call.contains("\"a\"");
            let (truth, rest) = call.split_once(" {").unwrap();
            let rest = if absent {
                r#""b": 1, "#.to_owned() + rest
            } else {
                rest.to_owned()
            };
            match rest.strip_prefix("\"a\": ") {
                Some(value) => {
                    let end = value.find(", \"l\"").unwrap_or(value.len() - 1);
                    let (value, behind) = value.split_at(end);
                    format!(r#"{truth} {{"all": [{{"v": {value}}}]{behind}"#)
                }
                None => format!(r#"{truth} {{"all": [{{}}], {rest}"#),
            }
        })
        .collect();
    let ordered: Vec<&str> = ordered.iter().map(String::as_str).collect();
    is("every(args.all, .v in args.l)", &ordered);
    let negated: Vec<String> = calls
        .iter()
        .map(|call| match call.as_bytes()[0] {
            b'T' => format!("F{}", &call[1..]),
            b'F' => format!("T{}", &call[1..]),
            _ => (*call).to_owned(),
        })
        .collect();
    let negated: Vec<&str> = negated.iter().map(String::as_str).collect();
    is("args.a not in args.l", &negated);
    is(
        "every(args.to, . in said.emails)",
        &[
            r#"T {"to": ["a@x", "b@x"]} | {"said": {"emails": ["b@x", "c@x", "a@x"]}}"#,
            r#"F {"to": ["a@x", "d@x"]} | {"said": {"emails": ["b@x", "c@x", "a@x"]}}"#,
            r#"F {"to": ["a@x"]} | {"said": {"emails": []}}"#,
            r#"U {"to": ["a@x"]} | {"said": {}}"#,
            r#"U {"to": ["a@x"]}"#,
        ],
    );
    is(
        "args.n + 1 in args.l",
        &[
            r#"T {"n": 1, "l": [2.0]}"#,
            r#"F {"n": 1, "l": [1]}"#,
            r#"U {"n": "1", "l": [1]}"#,
        ],
    );
    is(
        "every(args.groups, every(.members, . in args.known) and .owner in .members)",
        &[
            r#"T {"groups": [{"owner": "a", "members": ["a", "b"]}], "known": ["b", "a"]}"#,
            r#"F {"groups": [{"owner": "c", "members": ["a", "b"]}], "known": ["b", "a"]}"#,
        ],
    );
}

/// Looking through a list and looking into it in order give the same answer.
#[test]
fn a_list_in_order_answers_as_one_that_is_looked_through() {
    let one = compile("args.v in args.l");
    let each = compile("any(args.all, .v in args.l or .v in args.l)");
    let values = [
        "null",
        "true",
        "false",
        "0",
        "-1",
        "1.0",
        "1e0",
        "2",
        "1e300",
        "\"\"",
        "\"a\"",
        "\"\\u0061\"",
        "\"b\"",
        "[]",
        "[1]",
        "[1,2]",
        "[[1]]",
        "{}",
        "{\"a\":1}",
        "{\"b\":1}",
        "{\"a\":1,\"b\":2}",
        "{\"b\":2,\"a\":1}",
    ];
    let mut state = 11u64;
    let mut random = move |bound: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as usize % bound
    };
    for _ in 0..500 {
        let list: Vec<&str> = (0..random(12))
            .map(|_| values[random(values.len())])
            .collect();
        let list = list.join(",");
        for value in values {
            let found = trace_of(&one, &format!(r#"{{"v":{value},"l":[{list}]}}"#), None).truth;
            let text = format!(r#"{{"all":[{{"v":{value}}}],"l":[{list}]}}"#);
            assert_eq!(trace_of(&each, &text, None).truth, found, "{text}");
        }
    }
}

/// An index of a text answers as looking through it.
#[test]
fn a_text_with_an_index_answers_as_one_without() {
    for (one, each) in [
        (
            "contains(args.t, args.s)",
            "any(args.all, contains(args.t, .))",
        ),
        (
            "endswith(args.t, args.s)",
            "any(args.all, endswith(args.t, .))",
        ),
        (
            "contains(lower(args.t), args.s)",
            "any(args.all, contains(lower(args.t), .))",
        ),
        (
            "endswith(lower(args.t), args.s)",
            "any(args.all, endswith(lower(args.t), .))",
        ),
    ] {
        let (one, each) = (compile(one), compile(each));
        let mut state = 5u64;
        let mut random = move |bound: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) as usize % bound
        };
        let letters = ["a", "b", "a", "A", "\\u0061", "\\\\", "é", "\\n"];
        for _ in 0..800 {
            let (len, sought_len) = (random(14), 1 + random(4));
            let text: String = (0..len).map(|_| letters[random(letters.len())]).collect();
            let sought: String = (0..sought_len)
                .map(|_| letters[random(letters.len())])
                .collect();
            let found = trace_of(&one, &format!(r#"{{"t":"{text}","s":"{sought}"}}"#), None).truth;
            let all = format!(r#"{{"t":"{text}","all":["{sought}"]}}"#);
            assert_eq!(trace_of(&each, &all, None).truth, found, "{all}");
        }
    }
}

#[test]
fn what_is_optional_may_be_missing() {
    is(
        "optional(args.a, . > 1)",
        &[
            "T {}",
            r#"T {"a": null}"#,
            r#"T {"a": 2}"#,
            r#"F {"a": 1}"#,
            r#"U {"a": "2"}"#,
        ],
    );
    is(
        "every(args.l, optional(.x, . == args.y and count(., . > 0) == 1))",
        &[
            r#"T {"l": [{}, {"x": null}]}"#,
            r#"T {"l": [{"x": [1, 0]}], "y": [1, 0]}"#,
            r#"F {"l": [{"x": [1, 1]}], "y": [1, 1]}"#,
            r#"U {"l": [{"x": [1]}]}"#,
        ],
    );
    is(
        "every(args.l, .n > 0 and optional(args.o, . == 1))",
        &[
            r#"T {"l": [{"n": 1}]}"#,
            r#"F {"l": [{"n": 1}], "o": 2}"#,
            r#"F {"l": [{"n": 0}]}"#,
        ],
    );
    is(
        "optional(args.a, optional(.b, optional(.c, . == 1)))",
        &[
            "T {}",
            r#"T {"a": {}}"#,
            r#"T {"a": 1}"#,
            r#"F {"a": {"b": {"c": 2}}}"#,
        ],
    );
}

#[test]
fn elements_that_make_a_condition_true_are_counted() {
    is(
        "count(args.l, . > 1) == 2",
        &[
            r#"T {"l": [1, 2, 3]}"#,
            r#"F {"l": [1, 2]}"#,
            r#"F {"l": []}"#,
            r#"U {"l": [2, 3, "4"]}"#,
            r#"U {"l": "ab"}"#,
            r#"U {"l": {"a": 2, "b": 3}}"#,
            "U {}",
        ],
    );
    is(
        "every(args.l, . <= count(args.m, . in args.l))",
        &[
            r#"T {"l": [1, 2], "m": [1, 2, 2, 3]}"#,
            r#"F {"l": [1, 4], "m": [1, 4, 4]}"#,
            r#"U {"l": [1], "m": ["a"]}"#,
        ],
    );
    is(
        "count(args.l, count(., . == 1) > 0) >= count(args.l) - 1",
        &[r#"T {"l": [[1], [2]]}"#, r#"F {"l": [[1], [2], []]}"#],
    );
}

#[test]
fn numbers_are_added_and_multiplied_exactly() {
    is(
        "args.a + args.b * 2 - 1 <= 10",
        &[
            r#"T {"a": 1, "b": 5}"#,
            r#"F {"a": 1.0000000000000000000000000000001, "b": 5}"#,
            r#"U {"a": "1", "b": 5}"#,
            r#"U {"a": 1}"#,
            r#"T {"a": -1e100, "b": 5}"#,
        ],
    );
    is(
        "args.a - args.b - args.c == 1",
        &[r#"T {"a": 6, "b": 3, "c": 2}"#],
    );
    is(
        "args.a * args.b * args.c - args.a == 1",
        &[
            r#"T {"a": 1, "b": 2, "c": 1}"#,
            r#"F {"a": 2, "b": 2, "c": 1}"#,
        ],
    );
    is(
        "0.1 + args.a == 0.3",
        &[r#"T {"a": 0.2}"#, r#"T {"a": 2e-1}"#],
    );
    is(
        "args.a * args.a == args.b",
        &[
            r#"T {"a": 1e1000, "b": 100}"#.replace("100}", "1e1000}").replace("T", "F").as_str(),
            r#"T {"a": 12345678901234567890, "b": 152415787532388367501905199875019052100}"#,
        ],
    );
    is(
        "args.a + args.b > 0",
        &[
            r#"U {"a": 1e300, "b": 1}"#,
            r#"T {"a": 1e199, "b": 1}"#,
            r#"U {"a": 1e200, "b": 1}"#,
        ],
    );
    is(
        "args.a * args.b + args.c * args.d < 100",
        &[
            r#"T {"a": 3, "b": 4, "c": 5, "d": 6}"#,
            r#"F {"a": 30, "b": 4, "c": 5, "d": 6}"#,
        ],
    );
    is(
        "count(args.l) * 2 + 1 == args.n",
        &[r#"T {"l": [1, 2], "n": 5}"#, r#"U {"l": 3, "n": 5}"#],
    );
    is(
        "every(args.l, .price * .amount <= args.most + args.more)",
        &[
            r#"T {"l": [{"price": 2.5, "amount": 4}], "most": 9, "more": 1}"#,
            r#"F {"l": [{"price": 2.5, "amount": 5}], "most": 9, "more": 1}"#,
            r#"U {"l": [{"price": 2.5}], "most": 9, "more": 1}"#,
        ],
    );
}

#[test]
fn numbers_of_a_list_are_summed() {
    is(
        "sum(args.l, .n) <= 10",
        &[
            r#"T {"l": []}"#,
            r#"T {"l": [{"n": 3}, {"n": 7}]}"#,
            r#"F {"l": [{"n": 3}, {"n": 7.0000001}]}"#,
            r#"U {"l": [{"n": 3}, {}]}"#,
            r#"U {"l": [{"n": 3}, {"n": "1"}]}"#,
            r#"U {"l": {"n": 3}}"#,
            "U {}",
        ],
    );
    is("sum(args.l, .) == 0.3", &[r#"T {"l": [0.1, 0.1, 0.1]}"#]);
    is(
        "sum(args.l, .) > 0",
        &[
            r#"U {"l": [1e300, 1]}"#,
            r#"U {"l": [1e300, 1, -1e300]}"#,
            r#"T {"l": [1e300, -1e300, 1]}"#,
        ],
    );
    is(
        "every(args.l, . <= sum(args.l, .) * 0.5)",
        &[
            r#"T {"l": [1, 2, 3]}"#,
            r#"F {"l": [1, 2, 4]}"#,
            r#"T {"l": [1e40, 1e40, 1e-1]}"#,
            r#"F {"l": [1e40, -1e39, 1e-1]}"#,
            r#"U {"l": [1, "a"]}"#,
        ],
    );
    is(
        "every(args.g, sum(.l, .) == .s)",
        &[
            r#"T {"g": [{"l": [1, 2], "s": 3}, {"l": [], "s": 0}]}"#,
            r#"F {"g": [{"l": [1, 2], "s": 3}, {"l": [1], "s": 0}]}"#,
        ],
    );
}

#[test]
fn conditions_with_names_mean_what_they_stand_for() {
    is(
        "iso_date(args.day)",
        &[
            r#"T {"day": "2024-01-02"}"#,
            r#"F {"day": "2 January"}"#,
            "U {}",
            r#"U {"day": 1}"#,
        ],
    );
    is(
        "every(args.days, iso_date(.))",
        &[
            r#"T {"days": ["2024-01-02"]}"#,
            r#"F {"days": ["2024-01-02", ""]}"#,
        ],
    );
    is(
        "every(args.l, iso_date(args.day) and . > 0)",
        &[
            r#"T {"l": [1], "day": "2024-01-02"}"#,
            r#"F {"l": [0], "day": "2024-01-02"}"#,
        ],
    );
    is(
        "short_list(args.l)",
        &[
            r#"T {"l": ["a", "b", "longer"]}"#,
            r#"F {"l": ["a", "longer"]}"#,
            r#"U {"l": [1]}"#,
        ],
    );
    is("clean(args)", &["T {}", r#"F {"a": ["a secret"]}"#]);
    is(
        "maybe_date(args.day)",
        &["T {}", r#"F {"day": "x"}"#, r#"T {"day": "2024-01-02"}"#],
    );
}

#[test]
fn facts_that_hosts_count_have_paths() {
    is(
        "usage.tool_calls_24h < 10 and user_usage.tokens_1h <= 100",
        &[
            r#"T {} | {"usage": {"tool_calls_24h": 9}, "user_usage": {"tokens_1h": 100}}"#,
            r#"F {} | {"usage": {"tool_calls_24h": 10}, "user_usage": {"tokens_1h": 100}}"#,
            r#"U {} | {"usage": {"tool_calls_24h": 9}}"#,
            "U {}",
        ],
    );
}

#[test]
fn kleene_holds_for_the_new_forms() {
    // One element each for true, false and undefined, in every combination.
    let values = [("1", 'T'), ("0", 'F'), ("\"a\"", 'U')];
    for (a, one) in values {
        for (b, other) in values {
            for (c, third) in values {
                let truths = [one, other, third];
                let or = if truths.contains(&'T') {
                    "T"
                } else if truths.contains(&'U') {
                    "U"
                } else {
                    "F"
                };
                let and = if truths.contains(&'F') {
                    "F"
                } else if truths.contains(&'U') {
                    "U"
                } else {
                    "T"
                };
                let object = format!(r#"{{"o": {{"a": {a}, "b": {b}, "c": {c}}}}}"#);
                is(
                    "any_member(args.o, .value > 0)",
                    &[&format!("{or} {object}")],
                );
                is(
                    "every_member(args.o, .value > 0)",
                    &[&format!("{and} {object}")],
                );
                let texts =
                    format!(r#"{{"o": ["x", ["y"], {{"z": 0}}], "x": {a}, "y": {b}, "z": {c}}}"#);
                is(
                    r#"anywhere(args.o, . == "x" and args.x > 0 or . == "y" and args.y > 0 or . == "z" and args.z > 0)"#,
                    &[&format!("{or} {texts}")],
                );
                let counted = truths.iter().filter(|truth| **truth == 'T').count();
                let count = if truths.contains(&'U') { "U" } else { "T" };
                is(
                    &format!("count(args.l, . > 0) == {counted}"),
                    &[&format!(r#"{count} {{"l": [{a}, {b}, {c}]}}"#)],
                );
            }
        }
    }
}

#[test]
fn a_policy_without_new_forms_is_a_plan_of_version_1() {
    let version = |constraint: &str| {
        let text = format!("tools: {{t: {{mode: allow, constraints: ['{constraint}']}}}}");
        let policy = Compiler::default()
            .compile_str("policy.yaml", &text)
            .policy
            .unwrap();
        u32::from_le_bytes(
            policy.plan[header::VERSION..header::VERSION + 4]
                .try_into()
                .unwrap(),
        )
    };
    for old in [
        r#"startswith(args.a, "x")"#,
        "every(args.a, . in [1]) and count(args.a) > 1",
        "args.a == ctx.b",
    ] {
        assert_eq!(version(old), 1, "{old}");
    }
    for new in [
        "args.a[0] == 1",
        "args.a in args.b",
        "contains(args.a, args.b)",
        r#"lower(args.a) == "x""#,
        r#"type(args.a) == "text""#,
        "sum(args.a, .) < 1",
        "count(args.a, . == 1) < 1",
        "args.a + 1 < 2",
        r#"any(["a"], . == args.a)"#,
        "any_member(args.a, .value == 1)",
        r#"anywhere(args.a, . == "x")"#,
        "optional(args.a, . == 1)",
        "usage.tokens_1h < 5",
    ] {
        assert_eq!(version(new), 3, "{new}");
    }
}

/// As deep as policies may be written, with what takes levels of its own in plans.
#[test]
fn the_deepest_conditions_are_decided() {
    for levels in 1..60 {
        let mut text = "present(args.a)".to_owned();
        for level in 0..levels {
            text = match level % 3 {
                0 => format!("not ({text})"),
                1 => format!("({text}) or present(args.b)"),
                _ => format!("optional(args.a, . == 1 and ({text}))"),
            };
        }
        let constraint = format!("every(args.l, any(.m, . == 1 and ({text})))");
        let policy = format!("tools: {{t: {{mode: allow, constraints: ['{constraint}']}}}}");
        let Some(policy) = Compiler::default()
            .compile_str("policy.yaml", &policy)
            .policy
        else {
            assert!(levels > 12, "{levels}");
            return;
        };
        Plan::open(&policy.plan).unwrap().validate().unwrap();
        let _ = trace_of(&policy, r#"{"l": [{"m": [1]}], "a": 1}"#, None);
    }
    panic!("there is no limit");
}

#[test]
fn a_trace_has_every_part_and_its_value() {
    let trace = |constraint, arguments| trace_of(&compile(constraint), arguments, None);
    let values = |trace: &ConditionTrace| -> Vec<(String, String)> {
        trace
            .operands
            .iter()
            .map(|operand| {
                (
                    operand.path.clone(),
                    operand.value.clone().unwrap_or_default(),
                )
            })
            .collect()
    };
    let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(one, other)| ((*one).to_owned(), (*other).to_owned()))
            .collect()
    };
    let found = trace("args.a + args.l[0] * 2 <= 10", r#"{"a": 0.5, "l": [3]}"#);
    assert_eq!(
        values(&found),
        pairs(&[
            ("args.a", "0.5"),
            ("args.l[0]", "3"),
            ("args.a + args.l[0] * 2", "6.5")
        ])
    );
    let found = trace(
        r#"endswith(lower(args.a), args.b)"#,
        r#"{"a": "AB", "b": "b"}"#,
    );
    assert_eq!(
        values(&found),
        pairs(&[("lower(args.a)", "\"ab\""), ("args.b", "\"b\"")])
    );
    let found = trace(r#"type(args.a) == "text""#, r#"{"a": []}"#);
    assert_eq!(values(&found), pairs(&[("type(args.a)", "\"list\"")]));
    let found = trace("sum(args.l, .n) < 4", r#"{"l": [{"n": 1}, {"n": 2.5}]}"#);
    assert_eq!(values(&found), pairs(&[("sum(args.l, .n)", "3.5")]));
    let found = trace("args.a in args.l", r#"{"a": 1, "l": [2]}"#);
    assert_eq!(values(&found), pairs(&[("args.a", "1"), ("args.l", "[2]")]));
    let found = trace("count(args.l, . > 1) >= 1", r#"{"l": [1, 2]}"#);
    assert_eq!(values(&found), pairs(&[("count(args.l, . > 1)", "1")]));
    let parts = &found.operands[0].parts;
    assert_eq!(
        (parts.len(), parts[0].truth, parts[1].truth),
        (2, Truth::False, Truth::True)
    );
    assert_eq!(parts[1].element.as_ref().unwrap().value, "2");

    let found = trace(
        r#"every_member(args.o, .value == 1)"#,
        r#"{"o": {"a\"": 1, "b": 2}}"#,
    );
    assert_eq!(found.kind, ConditionKind::EveryMember);
    let element = found.parts[0].element.as_ref().unwrap();
    assert_eq!(
        (
            element.index,
            element.name.as_deref(),
            element.value.as_str()
        ),
        (0, Some(r#""a\"""#), "1")
    );
    assert_eq!(found.parts[1].truth, Truth::False);

    let found = trace(r#"anywhere(args, . == "x")"#, r#"{"a": ["y", "x"]}"#);
    assert_eq!(
        (found.kind, found.parts.len()),
        (ConditionKind::Anywhere, 3)
    );
    let found = trace(
        "any(consts.domains, . == args.a)",
        r#"{"a": "example.com"}"#,
    );
    assert_eq!((found.kind, found.operands.len()), (ConditionKind::Any, 0));
    assert_eq!(
        found.parts[0].element.as_ref().unwrap().value,
        "\"example.com\""
    );
    let found = trace("optional(args.a, . == 1)", "{}");
    assert_eq!(
        (found.kind, found.parts.len(), found.truth),
        (ConditionKind::Optional, 0, Truth::True)
    );

    let found = trace("not iso_date(args.day)", r#"{"day": "today"}"#);
    let named = &found.parts[0];
    assert_eq!(
        (named.kind, named.source.as_str()),
        (ConditionKind::Named, "iso_date(args.day)")
    );
    let body = &named.parts[0];
    assert_eq!(body.source, r#"matches(., "^[0-9]{4}-[0-9]{2}-[0-9]{2}$")"#);
    assert_eq!(values(body), pairs(&[("args.day", "\"today\"")]));
}
