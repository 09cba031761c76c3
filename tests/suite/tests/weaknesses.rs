//! Known weaknesses of the Python system, one after the other: closed, or kept for a reason that the compiler says aloud.
//!
//! The labels are those of the list that was drawn up when that system was examined: W for version 0.2.1, X for 0.3.4. Its entries
//! about agents, networks, tools and user interfaces (W28 to W41, W45, X11 to X18) concern what stands around a policy, not the policy.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails, in its helpers too"
)]

use std::{os::unix::fs::PermissionsExt, time::SystemTime};

use hexgate_compiler::Compiler;
use hexgate_host::bundle::{
    Claims, Draft, Expectation, PrivateKey, SealedBundle, TrustedKeys, UnverifiedBundle,
    VerifyError,
};
use hexgate_tests::{
    case::{Answer, Call, Case},
    engines::{self, Component, Reference},
    json, oracle,
};

/// What happened there, and what shows that it does not happen here.
struct Weakness {
    label: &'static str,
    what: &'static str,
    here: &'static [Proof],
}

enum Proof {
    /// A call and its outcome, in every engine.
    Call(
        &'static str,
        &'static [&'static str],
        &'static str,
        &'static str,
        Outcome,
    ),
    /// The compiler refuses the policy, with this code.
    Refused(&'static str, &'static str),
    /// Kept for a reason; the compiler warns, with this code.
    Warned(&'static str, &'static str, &'static str),
    /// Something that is no call.
    Shown(fn()),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Outcome {
    Allow,
    NeedsApproval,
    /// With so many violations.
    Deny(usize),
    Malformed,
}

use Outcome::{Allow, Deny, Malformed, NeedsApproval};
use Proof::{Refused, Shown, Warned};

/// A call without roles of the tool `t`.
const fn call(policy: &'static str, args: &'static str, outcome: Outcome) -> Proof {
    Proof::Call(policy, &[], "t", args, outcome)
}

const TWO_ROLES: &str = "roles: {default: {tools: {t: {mode: allow}}}, billing: {}}";
const NO_DEFAULT: &str = "roles: {admin: {tools: {t: {mode: allow}}}, viewer: {}}";
const N_IS_ONE: &str = "tools: {t: {mode: allow, constraints: [args.n == 1]}}";
const N_OVER_TEN: &str = "tools: {t: {mode: allow, constraints: [args.n > 10]}}";
const N_TO_500: &str = "tools: {t: {mode: allow, constraints: [args.n <= 500]}}";
const IS_TRUE: &str = "tools: {t: {mode: allow, constraints: [args.f == true]}}";
const NOT_TRUE: &str = "tools: {t: {mode: allow, constraints: [args.f != true]}}";
const ONE_OR_TWO: &str = "tools: {t: {mode: allow, constraints: ['args.n in [1, 2]']}}";
const NOT_PROD: &str = "tools: {t: {mode: allow, constraints: ['args.env not in [\"prod\"]']}}";
const NOT_OF_PROD: &str = "tools: {t: {mode: allow, constraints: ['not (args.env == \"prod\")']}}";
const EVERY_TMP: &str =
    "tools: {t: {mode: allow, constraints: ['every(args.f, startswith(., \"/tmp/\"))']}}";
const ANY_TMP: &str =
    "tools: {t: {mode: allow, constraints: ['any(args.f, startswith(., \"/tmp/\"))']}}";
const NOT_ANY_TMP: &str =
    "tools: {t: {mode: allow, constraints: ['not any(args.f, startswith(., \"/tmp/\"))']}}";
const LOWER: &str = "tools: {t: {mode: allow, constraints: ['matches(args.s, \"^[a-z]+$\")']}}";
const REPLACED: &str = "roles: {default: {inherits: [p], tools: {t: {mode: allow}}}, p: {is_mixin: true, tools: {t: {mode: allow, constraints: [args.n <= 5]}}}}";

/// A scope on `read_file` and a path.
macro_rules! path {
    ($scope:literal, $path:literal, $outcome:expr) => {
        Proof::Call(
            concat!(
                "tools: {read_file: {mode: allow, file_scope: {",
                $scope,
                "}}}"
            ),
            &[],
            "read_file",
            concat!("{\"file_path\": \"", $path, "\"}"),
            $outcome,
        )
    };
}

const WEAKNESSES: &[Weakness] = &[
    Weakness {
        label: "W1",
        what: "a permissive default_policy was allowed by one engine and denied by the other",
        here: &[
            call("default_policy: {mode: allow}", "{}", Allow),
            call(
                "default_policy: {mode: approval_required}",
                "{}",
                NeedsApproval,
            ),
            Warned(
                "permissive-default",
                "default_policy: {mode: allow}",
                "asking for it is possible, and said aloud",
            ),
        ],
    },
    Weakness {
        label: "W2",
        what: "an unknown role fell back to default in one engine only",
        here: &[
            Proof::Call(TWO_ROLES, &["intern"], "t", "{}", Allow),
            Proof::Call(TWO_ROLES, &["billing"], "t", "{}", Deny(0)),
        ],
    },
    Weakness {
        label: "W3",
        what: "without a role `default`, unknown callers got the first role's grants",
        here: &[
            Proof::Call(NO_DEFAULT, &["ghost"], "t", "{}", Deny(0)),
            Proof::Call(NO_DEFAULT, &[], "t", "{}", Deny(0)),
            Proof::Call(NO_DEFAULT, &["admin"], "t", "{}", Allow),
            Warned(
                "no-default-role",
                NO_DEFAULT,
                "such a policy denies strangers all, which may be meant",
            ),
        ],
    },
    Weakness {
        label: "W4",
        what: "`not in` passed validation and could not be built",
        here: &[
            call(NOT_PROD, r#"{"env": "dev"}"#, Allow),
            call(NOT_PROD, r#"{"env": "prod"}"#, Deny(1)),
        ],
    },
    Weakness {
        label: "W5",
        what: "texts, nulls and lists counted as larger than every number",
        here: &[
            call(N_OVER_TEN, r#"{"n": "evil"}"#, Deny(1)),
            call(N_OVER_TEN, r#"{"n": [1]}"#, Deny(1)),
            call(N_OVER_TEN, r#"{"n": {}}"#, Deny(1)),
            call(N_TO_500, r#"{"n": null}"#, Deny(1)),
            Refused(
                "object-literal",
                "tools: {t: {mode: allow, constraints: ['args.n < {\"a\": 1}']}}",
            ),
        ],
    },
    Weakness {
        label: "W6",
        what: "true was equal to 1",
        here: &[
            call(N_IS_ONE, r#"{"n": true}"#, Deny(1)),
            call(IS_TRUE, r#"{"f": 1}"#, Deny(1)),
            call(IS_TRUE, r#"{"f": 1.0}"#, Deny(1)),
            call(ONE_OR_TWO, r#"{"n": true}"#, Deny(1)),
            call(NOT_TRUE, r#"{"f": 1}"#, Deny(1)),
            call(NOT_TRUE, r#"{"f": false}"#, Allow),
        ],
    },
    Weakness {
        label: "W7",
        what: "true was at most 500",
        here: &[call(N_TO_500, r#"{"n": true}"#, Deny(1))],
    },
    Weakness {
        label: "W8",
        what: "the compiled engine ignored file scopes",
        here: &[
            path!("allowed_paths: ['src/*']", "etc/passwd", Deny(0)),
            path!("allowed_paths: ['src/*']", "src/a", Allow),
        ],
    },
    Weakness {
        label: "W9",
        what: "`role` and `tool` meant something in one engine only",
        here: &[
            call(
                "tools: {t: {mode: allow, constraints: ['role == \"default\"']}}",
                "{}",
                Allow,
            ),
            call(
                "tools: {t: {mode: allow, constraints: ['tool == \"t\"']}}",
                "{}",
                Allow,
            ),
            call(
                "tools: {t: {mode: allow, constraints: ['tool == \"u\"']}}",
                "{}",
                Deny(1),
            ),
        ],
    },
    Weakness {
        label: "W10",
        what: "file scopes stripped dots and slashes and matched from the right",
        here: &[
            path!("denied_paths: [.env]", ".env", Deny(0)),
            path!("denied_paths: ['.ssh/*']", ".ssh/id_rsa", Deny(0)),
            path!("denied_paths: ['/etc/*']", "/etc/passwd", Deny(0)),
            path!("denied_paths: ['secrets/**']", "secrets/a/b.txt", Deny(0)),
            path!("allowed_paths: ['src/*']", "secrets/src/key", Deny(0)),
            path!("allowed_paths: ['*.py']", "src/../../secrets/k.py", Deny(0)),
            path!("allowed_paths: ['etc/*']", "../../etc/passwd", Deny(0)),
            path!("allowed_paths: ['etc/*']", "/etc/passwd", Deny(0)),
            path!("allowed_paths: ['src/**']", "src/a/b.py", Allow),
            path!("allowed_paths: ['src/**/*.py']", "src/b.py", Allow),
            Refused(
                "bad-pattern",
                "tools: {read_file: {mode: allow, file_scope: {allowed_paths: ['']}}}",
            ),
            Refused(
                "bad-pattern",
                "tools: {read_file: {mode: allow, file_scope: {allowed_paths: ['../a']}}}",
            ),
        ],
    },
    Weakness {
        label: "W11",
        what: "Infinity was a number, and words of Rego were no names",
        here: &[
            Refused(
                "invalid-number",
                "tools: {t: {mode: allow, constraints: [args.a <= Infinity]}}",
            ),
            call(
                "tools: {t: {mode: allow, constraints: [args.default == 1]}}",
                r#"{"default": 1}"#,
                Allow,
            ),
        ],
    },
    Weakness {
        label: "W12",
        what: "values that JSON does not have crashed one engine and passed the other",
        here: &[
            call(
                "tools: {t: {mode: allow, constraints: [args.n != 5]}}",
                r#"{"n": NaN}"#,
                Malformed,
            ),
            call(
                "tools: {t: {mode: allow, constraints: [args.n >= 5]}}",
                r#"{"n": Infinity}"#,
                Malformed,
            ),
            call(N_TO_500, r#"{"n": 500.00000000000000000001}"#, Deny(1)),
        ],
    },
    Weakness {
        label: "W13",
        what: "lists had two kinds",
        here: &[
            call(
                "tools: {t: {mode: allow, constraints: ['args.o == [\"a\"]']}}",
                r#"{"o": ["a"]}"#,
                Allow,
            ),
            call(
                "tools: {t: {mode: allow, constraints: ['args.o == [\"a\"]']}}",
                r#"{"o": ["b"]}"#,
                Deny(1),
            ),
        ],
    },
    Weakness {
        label: "W14",
        what: "engines reported different violations, or none for an absent argument",
        here: &[
            call(
                "tools: {t: {mode: allow, constraints: [args.a > 1, args.b == 1, args.c != 1]}}",
                r#"{"b": 1}"#,
                Deny(2),
            ),
            call(NOT_PROD, "{}", Deny(1)),
        ],
    },
    Weakness {
        label: "W15",
        what: "a role name with a line break wrote rules of its own",
        here: &[
            Refused(
                "bad-name",
                "roles: {\"x\\n\\nallow if true\\n#\": {}, default: {}}",
            ),
            Refused(
                "bad-name",
                "tools: {\"x\\n\\nallow if true\\n#\": {mode: allow}}",
            ),
        ],
    },
    Weakness {
        label: "W16",
        what: "a role named yes became a boolean",
        here: &[
            Refused(
                "ambiguous-scalar",
                "roles: {default: {}, yes: {tools: {t: {mode: allow}}}}",
            ),
            Refused("ambiguous-scalar", "roles: {default: {}, on: {}}"),
            Proof::Call(
                "roles: {default: {}, 'yes': {tools: {t: {mode: allow}}}}",
                &["yes"],
                "t",
                "{}",
                Allow,
            ),
        ],
    },
    Weakness {
        label: "W17",
        what: "misspelt keys were dropped, and with them what they demanded",
        here: &[
            Refused(
                "unknown-key",
                "tools: {t: {mode: allow, constraint: [args.n <= 5]}}",
            ),
            Refused(
                "unknown-key",
                "tools: {read_file: {mode: allow, file_scope: {allowed_path: [src]}}}",
            ),
            Refused(
                "wrong-type",
                "tools: {read_file: {mode: allow, file_scope: 'src/*'}}",
            ),
        ],
    },
    Weakness {
        label: "W18",
        what: "of two equal keys the last one won",
        here: &[
            Refused(
                "duplicate-key",
                "tools: {t: {mode: deny}, t: {mode: allow}}",
            ),
            Refused(
                "duplicate-key",
                "tools: {t: {mode: deny}, \"\\x74\": {mode: allow}}",
            ),
        ],
    },
    Weakness {
        label: "W19",
        what: "roles of the wrong shape were ignored, and what stood beside them too",
        here: &[
            Refused("wrong-type", "{roles: [], tools: {t: {mode: allow}}}"),
            Refused(
                "unknown-key",
                "{roles: {default: {}}, tools: {t: {mode: allow}}}",
            ),
            Refused(
                "unknown-key",
                "{roles: {default: {}}, default_policy: {mode: allow}}",
            ),
        ],
    },
    Weakness {
        label: "W20",
        what: "a role that lists an inherited tool again drops its constraints",
        here: &[
            call(REPLACED, r#"{"n": 9}"#, Allow),
            Warned(
                "dropped-constraints",
                REPLACED,
                "an entry is replaced as a whole so that one place tells what holds; policy-level constraints add up",
            ),
        ],
    },
    Weakness {
        label: "W21",
        what: "a parent that says nothing about other tools reset what an earlier one said",
        here: &[
            call(
                "roles: {default: {inherits: [a, b]}, a: {is_mixin: true, default_policy: {mode: approval_required}}, b: {is_mixin: true}}",
                "{}",
                NeedsApproval,
            ),
            Warned(
                "conflicting-parents",
                "roles: {default: {inherits: [a, b]}, a: {is_mixin: true, default_policy: {mode: deny}}, b: {is_mixin: true, default_policy: {mode: allow}}}",
                "the last parent decides, as for tools; where that loosens, the compiler says so",
            ),
        ],
    },
    Weakness {
        label: "W22",
        what: "a malformed constraint was found at the first call, or never",
        here: &[
            Refused(
                "unquoted-text",
                "tools: {t: {mode: allow, constraints: [args.a == USD]}}",
            ),
            Refused(
                "unquoted-text",
                "tools: {t: {mode: allow, constraints: [args.a == 1, args.a == USD]}}",
            ),
            Refused(
                "unquoted-text",
                "tools: {t: {mode: deny, constraints: [args.a == USD]}}",
            ),
        ],
    },
    Weakness {
        label: "W23",
        what: "a bundle without its signature was used all the same",
        here: &[Shown(an_unsigned_bundle_is_refused)],
    },
    Weakness {
        label: "W24",
        what: "bundles were bound to no agent, project, time or order",
        here: &[Shown(a_bundle_is_bound)],
    },
    Weakness {
        label: "W25",
        what: "the first key that a server sent was trusted",
        here: &[Shown(no_key_is_trusted_that_nobody_named)],
    },
    Weakness {
        label: "W26",
        what: "any locally made signature satisfied the strict mode",
        here: &[Shown(another_key_is_refused)],
    },
    Weakness {
        label: "W27",
        what: "a misspelt switch counted as off",
        here: &[Shown(option_values_are_exact)],
    },
    Weakness {
        label: "W42",
        what: "validation accepted what could not be built, or lost the file scopes",
        here: &[
            path!("denied_paths: [a]", "a", Deny(0)),
            call(
                "tools: {t: {mode: allow, constraints: ['args.a not in [1]', 'not (args.b in [1])']}}",
                r#"{"a": 2, "b": 2}"#,
                Allow,
            ),
        ],
    },
    Weakness {
        label: "W43",
        what: "a new private key was readable by all for a moment",
        here: &[Shown(a_private_key_is_its_owners)],
    },
    Weakness {
        label: "W44",
        what: "an upper bound alone admits negative amounts",
        here: &[
            call(N_TO_500, r#"{"n": -1}"#, Allow),
            Warned(
                "one-sided-bound",
                N_TO_500,
                "the text says so; a lower bound beside it closes it",
            ),
            call(
                "tools: {t: {mode: allow, constraints: [args.n <= 500, args.n > 0]}}",
                r#"{"n": -1}"#,
                Deny(1),
            ),
        ],
    },
    Weakness {
        label: "X1",
        what: "names of constants became rules",
        here: &[
            call("consts: {allow: true}", "{}", Deny(0)),
            call(
                "consts: {requires_approval: true, decision: true}",
                "{}",
                Deny(0),
            ),
            Refused("bad-const", "consts: {\"x := 1\\nallow\": true}"),
        ],
    },
    Weakness {
        label: "X2",
        what: "quantifiers ran over objects in one engine",
        here: &[
            call(EVERY_TMP, r#"{"f": {}}"#, Deny(1)),
            call(EVERY_TMP, r#"{"f": {"a": "/tmp/x"}}"#, Deny(1)),
            call(ANY_TMP, r#"{"f": {"a": "/tmp/x"}}"#, Deny(1)),
            call(NOT_ANY_TMP, r#"{"f": {}}"#, Deny(1)),
            call(NOT_ANY_TMP, r#"{"f": {"a": "/etc/x"}}"#, Deny(1)),
            call(EVERY_TMP, r#"{"f": ["/tmp/x"]}"#, Allow),
        ],
    },
    Weakness {
        label: "X3",
        what: "membership in what is no list",
        here: &[
            Refused(
                "list-expected",
                "{consts: {b: abc}, tools: {t: {mode: allow, constraints: [args.e not in consts.b]}}}",
            ),
            Refused(
                "bad-const",
                "{consts: {b: {x: y}}, tools: {t: {mode: allow, constraints: [args.e in consts.b]}}}",
            ),
        ],
    },
    Weakness {
        label: "X4",
        what: "patterns meant different things in different engines, and could take for ever",
        here: &[
            call(LOWER, r#"{"s": "abc\n"}"#, Deny(1)),
            call(LOWER, r#"{"s": "abc"}"#, Allow),
            call(
                "tools: {t: {mode: allow, constraints: ['matches(args.s, \"^\\\\s$\")']}}",
                r#"{"s": "\u000b"}"#,
                Deny(1),
            ),
            call(
                "tools: {t: {mode: allow, constraints: ['matches(args.s, \"^(a+)+$\")']}}",
                r#"{"s": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"}"#,
                Deny(1),
            ),
            Refused(
                "invalid-regex",
                "tools: {t: {mode: allow, constraints: ['matches(args.s, \"^(?=a)b\")']}}",
            ),
            Refused(
                "invalid-regex",
                "tools: {t: {mode: allow, constraints: ['matches(args.s, \"^(a)\\\\1$\")']}}",
            ),
            Refused(
                "invalid-regex",
                "tools: {t: {mode: allow, constraints: ['matches(args.s, \"^a{,3}$\")']}}",
            ),
            Refused(
                "invalid-regex",
                "tools: {t: {mode: allow, constraints: ['matches(args.s, \"^(?>a)$\")']}}",
            ),
            Refused(
                "invalid-regex",
                "tools: {t: {mode: allow, constraints: ['matches(args.s, \"^a++$\")']}}",
            ),
            Warned(
                "unanchored-regex",
                "tools: {t: {mode: allow, constraints: ['matches(args.s, \"[a-z]\")']}}",
                "a pattern looks anywhere, as everywhere else; forgetting the anchors is worth a word",
            ),
        ],
    },
    Weakness {
        label: "X5",
        what: "without a role, `role` was nothing in one engine and default in the other",
        here: &[
            call(
                "tools: {t: {mode: allow, constraints: ['role == \"default\"']}}",
                "{}",
                Allow,
            ),
            Proof::Call(
                "tools: {t: {mode: allow, constraints: ['role == \"default\"']}}",
                &["ghost"],
                "t",
                "{}",
                Allow,
            ),
            Proof::Call(
                "tools: {t: {mode: allow, constraints: ['role == \"ghost\"']}}",
                &["ghost"],
                "t",
                "{}",
                Deny(1),
            ),
        ],
    },
    Weakness {
        label: "X6",
        what: "`not in` denied an absent argument by luck",
        here: &[
            call(NOT_PROD, "{}", Deny(1)),
            call(NOT_PROD, r#"{"env": null}"#, Deny(1)),
            call(NOT_PROD, r#"{"env": 1}"#, Deny(1)),
        ],
    },
    Weakness {
        label: "X7",
        what: "parts of the language loaded and could not be compiled",
        here: &[
            call(
                "{consts: {m: 5}, tools: {t: {mode: allow, constraints: ['every(args.x, . <= consts.m)']}}}",
                r#"{"x": [5]}"#,
                Allow,
            ),
            call(
                "{consts: {m: 5}, tools: {t: {mode: allow, constraints: ['every(args.x, . <= consts.m)']}}}",
                r#"{"x": [6]}"#,
                Deny(1),
            ),
            Refused(
                "ambiguous-scalar",
                "{consts: {d: 2026-01-01}, tools: {t: {mode: allow, constraints: [args.d == consts.d]}}}",
            ),
            Proof::Call(
                "roles: {default: {consts: {m: 1}, tools: {t: {mode: allow, constraints: [args.n <= consts.m, args.n > 0]}}}, big: {consts: {m: 9}, tools: {t: {mode: allow, constraints: [args.n <= consts.m, args.n > 0]}}}}",
                &["big"],
                "t",
                r#"{"n": 9}"#,
                Allow,
            ),
            call(
                "roles: {default: {consts: {m: 1}, tools: {t: {mode: allow, constraints: [args.n <= consts.m]}}}, big: {consts: {m: 9}, tools: {t: {mode: allow, constraints: [args.n <= consts.m]}}}}",
                r#"{"n": 9}"#,
                Deny(1),
            ),
            call(
                "{consts: {import: 1}, tools: {t: {mode: allow, constraints: [args.package == consts.import]}}}",
                r#"{"package": 1}"#,
                Allow,
            ),
        ],
    },
    Weakness {
        label: "X8",
        what: "a negation turned an absent argument into a permission",
        here: &[
            call(NOT_OF_PROD, "{}", Deny(1)),
            call(NOT_OF_PROD, r#"{"env": 1}"#, Deny(1)),
            call(NOT_OF_PROD, r#"{"env": "dev"}"#, Allow),
            call(
                "tools: {t: {mode: allow, constraints: ['not present(args.env) or args.env != \"prod\"']}}",
                "{}",
                Allow,
            ),
        ],
    },
    Weakness {
        label: "X9",
        what: "a role that nobody defined got somebody's grants",
        here: &[
            Proof::Call(NO_DEFAULT, &["ghost"], "t", "{}", Deny(0)),
            Proof::Call(TWO_ROLES, &["billing", "ghost"], "t", "{}", Deny(0)),
        ],
    },
    Weakness {
        label: "X10",
        what: "one file meant different things to different commands",
        here: &[
            Proof::Call("tools: {search: {}}", &[], "search", "{}", Deny(0)),
            Refused("unknown-key", "{agents: {a: {mode: allow}}, tools: {}}"),
        ],
    },
];

#[test]
fn each_weakness_is_closed_or_named() {
    let engine = hexgate_host::Engine::new().unwrap();
    let mut wrong = Vec::new();
    for weakness in WEAKNESSES {
        for (number, proof) in (1..).zip(weakness.here) {
            if let Err(error) = prove(proof, &engine) {
                wrong.push(format!(
                    "{}, proof {number} ({}): {error}",
                    weakness.label, weakness.what
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} proofs fail:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn the_table_is_whole() {
    let labels: Vec<&str> = WEAKNESSES.iter().map(|weakness| weakness.label).collect();
    let expected: Vec<String> = (1..=27)
        .chain(42..=44)
        .map(|n| format!("W{n}"))
        .chain((1..=10).map(|n| format!("X{n}")))
        .collect();
    assert_eq!(labels, expected);
    assert!(WEAKNESSES.iter().all(|weakness| !weakness.here.is_empty()));
}

fn prove(proof: &Proof, engine: &hexgate_host::Engine) -> Result<(), String> {
    match proof {
        Proof::Call(policy, roles, tool, args, expected) => {
            let call = Call {
                roles: roles.iter().map(|role| (*role).to_owned()).collect(),
                tool: (*tool).to_owned(),
                args: (*args).to_owned(),
                facts: None,
            };
            let compiled =
                engines::compile(policy).map_err(|refused| format!("{refused}: {policy}"))?;
            let reference = Reference::open(&compiled)?.answer(&call);
            let component = Component::load(engine, &compiled, true)?.answer(&call);
            if outcome(&reference) != Some(*expected) || component != reference {
                return Err(format!(
                    "{policy}: expected {expected:?}; reference {reference:?}; component {component:?}"
                ));
            }
            // The oracle reads JSON only; where the policy is written as JSON would be, it is asked, too.
            if let Ok(document) = json::parse(policy)
                && oracle::answer(&Case {
                    policy: document,
                    call,
                })? != reference
            {
                return Err("the oracle differs".to_owned());
            }
            Ok(())
        }
        Refused(code, policy) => {
            let outcome = Compiler::default().compile_str("policy.yaml", policy);
            let found = outcome
                .diagnostics
                .iter()
                .any(|diagnostic| diagnostic.is_error() && diagnostic.code == *code);
            if outcome.policy.is_none() && found {
                Ok(())
            } else {
                Err(format!(
                    "{policy}: no error `{code}` but {:?}",
                    outcome.diagnostics
                ))
            }
        }
        Warned(code, policy, reason) => {
            assert!(!reason.is_empty());
            let outcome = Compiler::default().compile_str("policy.yaml", policy);
            let found = outcome
                .diagnostics
                .iter()
                .any(|diagnostic| !diagnostic.is_error() && diagnostic.code == *code);
            if outcome.policy.is_some() && found {
                Ok(())
            } else {
                Err(format!(
                    "{policy}: no warning `{code}` but {:?}",
                    outcome.diagnostics
                ))
            }
        }
        Shown(show) => {
            show();
            Ok(())
        }
    }
}

fn outcome(answer: &Answer) -> Option<Outcome> {
    match answer {
        Answer::Allow(_) => Some(Allow),
        Answer::NeedsApproval(_) => Some(NeedsApproval),
        Answer::Deny(denial) => Some(Deny(denial.violations.len())),
        Answer::Malformed("arguments") => Some(Malformed),
        Answer::Malformed(_) | Answer::Exceeded(_) | Answer::Broken(_) => None,
    }
}

/// A bundle of a policy that allows `t`, signed or not.
fn sealed(claims: impl FnOnce(&mut Claims), key: Option<&PrivateKey>) -> SealedBundle {
    let compiled = engines::compile(TWO_ROLES).unwrap();
    let mut all = Claims::new(
        "policy.yaml",
        "hexgate:policy@0.1.0",
        "native",
        "hexgate-compiler 0.1.0",
    );
    claims(&mut all);
    Draft {
        stem: "policy".parse().unwrap(),
        source: compiled.source.as_bytes(),
        rego: "",
        wasm: &compiled.component,
        claims: all,
    }
    .seal(key)
    .unwrap()
}

fn key(seed: u8) -> PrivateKey {
    PrivateKey::from_bytes(&[seed; 32])
}

fn trusted(keys: &[&PrivateKey]) -> TrustedKeys {
    keys.iter().map(|key| key.public_key()).collect()
}

fn verify(
    sealed: SealedBundle,
    keys: &TrustedKeys,
    expectation: &Expectation,
) -> Result<(), VerifyError> {
    UnverifiedBundle::from_parts(sealed.into_parts("test"))
        .unwrap()
        .verify(keys, expectation, SystemTime::now())
        .map(|_| ())
}

fn an_unsigned_bundle_is_refused() {
    let key = key(1);
    let bound = |claims: &mut Claims| claims.agent = Some("a".to_owned());
    let refused = verify(
        sealed(bound, None),
        &trusted(&[&key]),
        &Expectation::agent("a"),
    );
    assert!(
        matches!(refused, Err(VerifyError::Unsigned { .. })),
        "{refused:?}"
    );
    assert!(
        verify(
            sealed(bound, Some(&key)),
            &trusted(&[&key]),
            &Expectation::agent("a")
        )
        .is_ok()
    );
}

fn a_bundle_is_bound() {
    let key = key(1);
    let keys = trusted(&[&key]);
    let bound = |claims: &mut Claims| {
        claims.agent = Some("a".to_owned());
        claims.project = Some("p".to_owned());
        claims.sequence = 5;
    };
    let expectation = || Expectation::agent("a").in_project("p");
    assert!(verify(sealed(bound, Some(&key)), &keys, &expectation()).is_ok());
    assert!(
        verify(
            sealed(bound, Some(&key)),
            &keys,
            &expectation().min_sequence(5)
        )
        .is_ok()
    );
    for (name, refused) in [
        (
            "another agent",
            verify(
                sealed(bound, Some(&key)),
                &keys,
                &Expectation::agent("b").in_project("p"),
            ),
        ),
        (
            "another project",
            verify(
                sealed(bound, Some(&key)),
                &keys,
                &Expectation::agent("a").in_project("q"),
            ),
        ),
        (
            "an older release",
            verify(
                sealed(bound, Some(&key)),
                &keys,
                &expectation().min_sequence(6),
            ),
        ),
        (
            "bound to nothing",
            verify(sealed(|_| (), Some(&key)), &keys, &expectation()),
        ),
        (
            "expired",
            verify(
                sealed(
                    |claims| {
                        bound(claims);
                        claims.expires_at = Some("2020-01-01T00:00:00Z".parse().unwrap());
                    },
                    Some(&key),
                ),
                &keys,
                &expectation(),
            ),
        ),
        (
            "not valid yet",
            verify(
                sealed(
                    |claims| {
                        bound(claims);
                        claims.not_before = Some("2999-01-01T00:00:00Z".parse().unwrap());
                    },
                    Some(&key),
                ),
                &keys,
                &expectation(),
            ),
        ),
    ] {
        assert!(refused.is_err(), "{name}");
    }
}

fn no_key_is_trusted_that_nobody_named() {
    let key = key(1);
    let bound = |claims: &mut Claims| claims.agent = Some("a".to_owned());
    let refused = verify(
        sealed(bound, Some(&key)),
        &trusted(&[]),
        &Expectation::agent("a"),
    );
    assert!(
        matches!(refused, Err(VerifyError::NoTrustedKeys { .. })),
        "{refused:?}"
    );
}

fn another_key_is_refused() {
    let (mine, theirs, next) = (key(1), key(2), key(3));
    let bound = |claims: &mut Claims| claims.agent = Some("a".to_owned());
    let refused = verify(
        sealed(bound, Some(&mine)),
        &trusted(&[&theirs]),
        &Expectation::agent("a"),
    );
    assert!(
        matches!(refused, Err(VerifyError::Signature { .. })),
        "{refused:?}"
    );
    // Two trusted keys, so that one can follow the other.
    assert!(
        verify(
            sealed(bound, Some(&next)),
            &trusted(&[&theirs, &next]),
            &Expectation::agent("a")
        )
        .is_ok()
    );
}

fn option_values_are_exact() {
    let mut limits = hexgate_host::Limits::default();
    for value in [
        "enabled",
        "",
        "1_000",
        "0x10",
        "-1",
        " 1",
        "1e3",
        "99999999999999999999999",
    ] {
        assert!(limits.set("fuel", value).is_err(), "{value}");
    }
    assert!(limits.set("fule", "1000000").is_err());
    assert!(limits.set("fuel", "1000000").is_ok());
}

fn a_private_key_is_its_owners() {
    let folder = tempfile::tempdir().unwrap();
    let pair = hexgate_host::bundle::generate(folder.path().join("k"), false).unwrap();
    assert_eq!(
        std::fs::metadata(&pair.private)
            .unwrap()
            .permissions()
            .mode()
            & 0o777,
        0o600
    );
    assert!(
        hexgate_host::bundle::generate(folder.path().join("k"), false).is_err(),
        "an existing key is not overwritten"
    );
}
