//! How the time of a decision grows with its input: each operator with an input, and with one of twice the size. Nothing here is a test:
//! read the last column, which is 2 where time is linear and the fixed part is small.
//!
//! `growth [N]`: N is the number of elements or members of the smaller input; of patterns and forbids there is an eighth of it, of rules a
//! hundred and twenty-eighth, since a policy has few.

use std::{env, fmt::Write as _, process::ExitCode, time::Instant};

use hexgate_tests::{
    case::{Answer, Call},
    engines::{self, Reference},
};

/// A policy and a call of that size.
type Make = fn(usize) -> (String, Call);

const OPERATORS: [(&str, Make); 19] = [
    ("nothing but reading", |n| {
        asked("present(args.l)", numbers(n))
    }),
    ("anywhere", |n| {
        asked("not anywhere(args, contains(., \"%\"))", texts(n))
    }),
    ("anywhere, deep", |n| {
        let deep = (0..n).fold(String::new(), |text, i| {
            format!("{text}{}{{\"k\": [\"v\"]}}", if i == 0 { "" } else { ", " })
        });
        asked(
            "not anywhere(args, contains(., \"x\"))",
            format!("[{deep}]"),
        )
    }),
    ("sum", |n| asked("sum(args.l, .) >= 0", numbers(n))),
    ("sum of long decimals", |n| {
        let one = format!("0.{}", "7".repeat(60));
        asked("sum(args.l, .) >= 0", repeated(n, |_| one.clone()))
    }),
    ("count with a condition", |n| {
        asked("count(args.l, . >= 0) >= 0", numbers(n))
    }),
    ("every_member", |n| {
        asked("every_member(args.l, .value >= 0)", members(n))
    }),
    ("any_member", |n| {
        asked("not any_member(args.l, .value < 0)", members(n))
    }),
    ("in a path within a quantifier", |n| {
        asked("every(args.l, . in args.l)", texts(n))
    }),
    ("in a path within a quantifier, numbers", |n| {
        asked("every(args.l, . in args.l)", numbers(n))
    }),
    ("in a path within a quantifier, objects", |n| {
        let list = repeated(n, |i| format!("{{\"a\": {i}, \"b\": [\"x\"]}}"));
        asked("every(args.l, . in args.l)", list)
    }),
    (
        "in a path within a quantifier, objects with equal beginnings",
        |n| {
            let list = repeated(n, |i| format!("[1, [2, {{\"a\": 1, \"b\": {i}}}]]"));
            asked("every(args.l, . in args.l)", list)
        },
    ),
    ("in a path of the element within a quantifier", |n| {
        let list = texts(n);
        asked(
            "every(args.l, every(.of, . in args.l[0].of))",
            format!("[{{\"of\": {list}}}]"),
        )
    }),
    ("arithmetic in every", |n| {
        asked("every(args.l, . * 3 + 1 >= 0)", numbers(n))
    }),
    ("lower of one text", |n| {
        asked("lower(args.l) != \"x\"", format!("\"{}\"", "A".repeat(n)))
    }),
    ("patterns of names", |n| {
        let tools = (0..n / 8).fold(String::new(), |mut text, i| {
            let _ = write!(text, "\"a{i}*z\": {{mode: deny}}, ");
            text
        });
        let policy = format!("{{tools: {{{tools}\"t*\": {{mode: allow}}}}}}");
        (policy, call("{}".to_owned()))
    }),
    ("forbids", |n| {
        let forbids = repeated(n / 8, |i| {
            format!("{{tools: [\"x{i}*\", t], constraints: [\"args.a == {i}\"]}}")
        });
        let policy = format!("{{forbid: {forbids}, tools: {{t: {{mode: allow}}}}}}");
        (policy, call(r#"{"a": -1}"#.to_owned()))
    }),
    ("rules of a tool", |n| {
        let rules = repeated(n / 128, |i| {
            format!("{{mode: allow, constraints: [\"args.a == {i}\"]}}")
        });
        let policy = format!("{{tools: {{t: {rules}}}}}");
        (policy, call(format!("{{\"a\": {}}}", n / 128 - 1)))
    }),
    ("a list of paths", |n| {
        let policy = "{tools: {t: {mode: allow, file_scope: {argument: l, allowed_paths: [\"a/**\"], denied_paths: [\".env\", \"*.key\"], except_paths: [\"b.key\"]}}}}";
        let list = repeated(n, |i| format!("\"a/b/file{i}\""));
        (policy.to_owned(), call(format!("{{\"l\": {list}}}")))
    }),
];

fn repeated(n: usize, one: impl Fn(usize) -> String) -> String {
    format!("[{}]", (0..n).map(one).collect::<Vec<_>>().join(", "))
}

fn numbers(n: usize) -> String {
    repeated(n, |i| i.to_string())
}

fn texts(n: usize) -> String {
    repeated(n, |i| format!("\"text {i}\""))
}

fn members(n: usize) -> String {
    let members: Vec<String> = (0..n).map(|i| format!("\"k{i}\": {i}")).collect();
    format!("{{{}}}", members.join(", "))
}

fn asked(constraint: &str, list: String) -> (String, Call) {
    let constraint = hexgate_tests::json::quoted(constraint);
    (
        format!("{{tools: {{t: {{mode: allow, constraints: [{constraint}]}}}}}}"),
        call(format!("{{\"l\": {list}}}")),
    )
}

fn call(args: String) -> Call {
    Call {
        roles: Vec::new(),
        tool: "t".to_owned(),
        args,
        facts: None,
    }
}

/// The shortest of several decisions, in microseconds.
fn measure(make: Make, n: usize) -> Result<f64, String> {
    let (policy, call) = make(n);
    let compiled = engines::compile(&policy).map_err(|refused| refused.to_string())?;
    let mut reference = Reference::open(&compiled)?;
    let mut best = f64::MAX;
    let start = Instant::now();
    for _ in 0..200 {
        let before = Instant::now();
        let answer = reference.answer(&call);
        best = best.min(before.elapsed().as_secs_f64() * 1e6);
        if !matches!(answer, Answer::Allow(_)) {
            return Err(format!("{answer:?}"));
        }
        if start.elapsed().as_secs() > 3 {
            break;
        }
    }
    Ok(best)
}

fn main() -> ExitCode {
    let n = env::args().nth(1).map_or(Ok(4_000), |text| text.parse());
    let Ok(n) = n else {
        eprintln!("usage: growth [N]");
        return ExitCode::from(2);
    };
    println!(
        "{:<60} {:>12} {:>12} {:>6}",
        "what",
        format!("{n}, µs"),
        format!("{}, µs", 2 * n),
        "times"
    );
    let mut failed = false;
    for (what, make) in OPERATORS {
        match (measure(make, n), measure(make, 2 * n)) {
            (Ok(one), Ok(two)) => println!("{what:<60} {one:>12.1} {two:>12.1} {:>6.2}", two / one),
            (one, two) => {
                failed = true;
                println!("{what:<60} {:?}", one.and(two));
            }
        }
    }
    ExitCode::from(u8::from(failed))
}
