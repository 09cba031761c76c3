//! Policies at and beyond the limits: too large for files in the tree.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::{
    fmt::Write,
    fs,
    time::{Duration, Instant},
};

use hexgate_compiler::{Compiler, Options, Outcome, model::Limits};

fn compile(text: &str) -> Outcome {
    Compiler::default().compile_str("policy.yaml", text)
}

/// The codes of what was said, each once, in order of appearance.
fn codes(outcome: &Outcome) -> Vec<&'static str> {
    let mut codes: Vec<&'static str> = Vec::new();
    for diagnostic in &outcome.diagnostics {
        if !codes.contains(&diagnostic.code) {
            codes.push(diagnostic.code);
        }
    }
    codes
}

#[test]
fn refuses_a_policy_beyond_16_mib() {
    let mut text = String::from("tools: {}\n");
    text.push_str(&"# filling\n".repeat((16 << 20) / 10));
    assert_eq!(codes(&compile(&text)), ["source-too-large"]);
    text.truncate(16 << 20);
    assert!(compile(&text).policy.is_some());
}

#[test]
fn refuses_a_role_file_beyond_1_mib_and_a_directory_beyond_16() {
    let folder = tempfile::tempdir().unwrap();
    let filling = format!("{{}} # {}", "x".repeat((1 << 20) - 4));
    fs::write(folder.path().join("default.yaml"), &filling[..1 << 20]).unwrap();
    let compile = || Compiler::default().compile_path(folder.path()).unwrap();
    assert!(compile().policy.is_some());
    fs::write(folder.path().join("default.yaml"), &filling).unwrap();
    assert_eq!(codes(&compile()), ["source-too-large"]);
    for index in 0..17 {
        fs::write(
            folder.path().join(format!("role{index}.yaml")),
            &filling[..1 << 20],
        )
        .unwrap();
    }
    fs::write(folder.path().join("default.yaml"), "{}").unwrap();
    assert_eq!(codes(&compile()), ["source-too-large"]);
}

#[test]
fn refuses_aliases_that_explode() {
    let mut text = String::from("consts:\n  a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..30 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        writeln!(text, "  a{level}: &a{level} [{aliases}]").unwrap();
    }
    let started = Instant::now();
    assert_eq!(codes(&compile(&text)), ["yaml-alias"]);
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn refuses_inheritance_that_explodes() {
    // Each of 3,000 roles inherits the 2,000 rules of the first: six million in all.
    let mut text = String::from("roles:\n  default:\n    tools:\n");
    for tool in 0..2000 {
        writeln!(text, "      tool{tool}: {{ mode: allow }}").unwrap();
    }
    for role in 0..3000 {
        writeln!(text, "  role{role}: {{ inherits: [default] }}").unwrap();
    }
    assert_eq!(codes(&compile(&text)), ["policy-too-large"]);
}

#[test]
fn compiles_a_thousand_roles_with_a_thousand_tools_each() {
    let mut text = String::from("roles:\n  default:\n    tools:\n");
    for tool in 0..1000 {
        writeln!(text, "      tool{tool}: {{ mode: allow, constraints: ['only(args, [\"x\"])', args.x == {tool}] }}").unwrap();
    }
    for role in 0..1000 {
        writeln!(text, "  role{role}: {{ inherits: [default] }}").unwrap();
    }
    let outcome = compile(&text);
    assert!(outcome.diagnostics.is_empty(), "{:?}", codes(&outcome));
    let policy = outcome.policy.unwrap();
    assert_eq!(policy.model.roles.len(), 1001);
    assert!(
        policy
            .model
            .roles
            .values()
            .all(|role| role.tools.len() == 1000)
    );
    // Roles that may do the same share it.
    assert!(policy.plan.len() < 1 << 20, "{} bytes", policy.plan.len());
}

#[test]
fn resolves_a_chain_of_five_thousand_roles() {
    let mut text = String::from("roles:\n  default: {}\n  r0: { tools: { t: { mode: allow } } }\n");
    for role in 1..5000 {
        writeln!(text, "  r{role}: {{ inherits: [r{}] }}", role - 1).unwrap();
    }
    let outcome = compile(&text);
    assert!(
        outcome.policy.unwrap().model.roles["r4999"]
            .tools
            .contains_key("t")
    );
    // And as a cycle.
    writeln!(text, "  r5000: {{ inherits: [r4999] }}").unwrap();
    let text = text.replace("  r0: {", "  r0: { inherits: [r5000],");
    assert_eq!(codes(&compile(&text)), ["inheritance-cycle"]);
}

#[test]
fn reports_no_more_than_a_reader_can_bear_and_still_ends_soon() {
    let mut text = String::from("tools:\n");
    for tool in 0..40_000 {
        writeln!(text, "  t{tool}: {{ mod: allow }}").unwrap();
    }
    let started = Instant::now();
    let outcome = compile(&text);
    assert!(outcome.policy.is_none());
    assert_eq!(outcome.diagnostics.len(), 1000);
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[test]
fn an_error_is_not_lost_behind_a_thousand_warnings() {
    let mut text = String::from("consts:\n");
    for index in 0..2000 {
        writeln!(text, "  unused{index}: 1").unwrap();
    }
    text.push_str("tools:\n");
    for tool in 0..2000 {
        writeln!(
            text,
            "  t{tool}: {{ mode: allow, constraints: ['matches(ctx.x, \"a\")'] }}"
        )
        .unwrap();
    }
    text.push_str("  last: { mode: allow, constraints: [args.x = 1] }\n");
    let outcome = compile(&text);
    assert!(outcome.policy.is_none());
    assert!(
        outcome
            .diagnostics
            .iter()
            .any(|diagnostic| diagnostic.code == "wrong-operator")
    );
}

#[test]
fn names_may_have_256_bytes() {
    let name = "é".repeat(128);
    assert!(
        compile(&format!("tools:\n  {name}: {{ mode: allow }}\n"))
            .policy
            .is_some()
    );
    assert_eq!(
        codes(&compile(&format!("tools:\n  {name}x: {{ mode: allow }}\n"))),
        ["bad-name"]
    );
}

#[test]
fn documents_may_nest_64_levels() {
    let nested = |levels: usize| {
        format!(
            "consts: {{ x: {}{} }}\ntools: {{}}\n",
            "[".repeat(levels),
            "]".repeat(levels)
        )
    };
    assert_eq!(codes(&compile(&nested(62))), ["unused-const"]);
    assert_eq!(codes(&compile(&nested(63))), ["yaml-too-deep"]);
}

#[test]
fn limits_reach_the_plan() {
    let options = Options::default().with_limits(Limits {
        arguments_bytes: 4096,
        facts_bytes: u32::MAX,
    });
    let policy = Compiler::new(options)
        .compile_str("p.yaml", "tools: {}\n")
        .policy
        .unwrap();
    assert_eq!(
        policy.model.limits,
        Limits {
            arguments_bytes: 4096,
            facts_bytes: Limits::MAX_BYTES
        }
    );
    let other = compile("tools: {}\n").policy.unwrap();
    assert_ne!(policy.plan, other.plan);
}

#[test]
fn no_beginning_of_a_policy_and_no_lost_byte_panics() {
    let policy = fs::read_to_string("../examples/policies/billing.yaml").unwrap();
    for end in 0..policy.len() {
        let _ = compile(&policy[..end]);
        let mut bytes = policy.clone().into_bytes();
        bytes.remove(end);
        let _ = compile(&String::from_utf8(bytes).unwrap());
    }
}

#[test]
fn damaged_policies_never_panic() {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % below as u64).unwrap()
    };
    let bits = [
        "\t", "\n", "- ", ": ", "\"", "'", "[", "}", "&a ", "*a", "!!str ", "|\n", "é", "\u{feff}",
        "#", "? ", "<<: ", "0", "\r\n",
    ];
    for folder in ["tests/golden/ok", "tests/golden/refused"] {
        for entry in fs::read_dir(folder).unwrap() {
            let Ok(policy) = fs::read_to_string(entry.unwrap().path()) else {
                continue;
            };
            if policy.len() > 4000 {
                continue;
            }
            for _ in 0..8 {
                let mut damaged = policy.clone();
                for _ in 0..=random(3) {
                    let mut at = random(damaged.len() + 1);
                    while !damaged.is_char_boundary(at) {
                        at -= 1;
                    }
                    damaged.insert_str(at, bits[random(bits.len())]);
                }
                let outcome = compile(&damaged);
                assert_eq!(
                    outcome.policy.is_none(),
                    outcome
                        .diagnostics
                        .iter()
                        .any(|diagnostic| diagnostic.is_error()),
                    "{damaged:?}"
                );
            }
        }
    }
}
