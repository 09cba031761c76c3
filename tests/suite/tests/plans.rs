//! Plans that were tampered with: what validates, decides; what could not be decided, does not validate.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a panic is how a test fails, in its helpers too"
)]

use hexgate_eval::{
    Error, Plan, Workspace,
    plan::layout::{compare, header, literal, op},
};
use hexgate_tests::engines;

/// The plan of a policy with that constraint on the tool `t`.
fn plan_of(constraint: &str) -> Vec<u8> {
    let policy = format!("tools: {{t: {{mode: allow, constraints: ['{constraint}']}}}}");
    engines::compile(&policy).unwrap().plan
}

fn word(plan: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(plan[at..at + 4].try_into().unwrap())
}

fn set(plan: &mut [u8], at: usize, value: usize) {
    plan[at..at + 4].copy_from_slice(&u32::try_from(value).unwrap().to_le_bytes());
}

fn append(plan: &mut Vec<u8>, words: &[u32]) -> usize {
    let at = plan.len();
    plan.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    let len = plan.len();
    set(plan, header::LEN, len);
    at
}

/// Where records begin whose first word is that one.
fn records(plan: &[u8], first: u32) -> Vec<usize> {
    (header::SIZE..plan.len() - 3)
        .step_by(4)
        .filter(|at| word(plan, *at) == first)
        .collect()
}

fn refusal(plan: &[u8]) -> String {
    match Plan::open(plan).unwrap().validate() {
        Ok(()) => "valid".to_owned(),
        Err(invalid) => invalid.to_string(),
    }
}

/// The only equality of a path with a literal.
fn equality(plan: &[u8]) -> usize {
    let first = op::COMPARE | compare::EQUAL << 8 | 2 << 20;
    let found = records(plan, first);
    assert_eq!(found.len(), 1, "{found:?}");
    found[0]
}

/// The SHA-256 of the plan that version 0.1.0 made of each policy, in `tests/plans`: of vectors and cases. What a policy meant then it
/// means now, down to the bytes, but for its compiler's name; those that mean more now say there what (`differs`).
#[test]
fn policies_of_before_become_the_plans_of_before() {
    use std::path::Path;

    use hexgate_compiler::Compiler;
    use hexgate_tests::{json, vectors};
    use sha2::{Digest, Sha256};

    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = std::fs::read_to_string(tests.join("plans/digests.jsonl")).unwrap();
    let vectors = vectors::all().unwrap();
    let now = format!("hexgate-compiler {}", env!("CARGO_PKG_VERSION"));
    let then = "hexgate-compiler 0.1.0";
    assert_eq!(now.len(), then.len());
    let mut wrong = Vec::new();
    for line in text.lines() {
        let line = json::parse(line).unwrap();
        let text = |name| line.member(name).and_then(json::Json::as_text);
        let (name, outcome) = match (text("vector"), text("case")) {
            (Some(id), _) => {
                let vector = vectors.iter().find(|vector| vector.id == id).unwrap();
                let policy = vector.case.policy.to_string();
                (id, Compiler::default().compile_str("policy.yaml", &policy))
            }
            (None, Some(case)) => {
                let path = tests.join(format!("cases/{case}.yaml"));
                (case, Compiler::default().compile_path(&path).unwrap())
            }
            (None, None) => panic!("{line}"),
        };
        let Some(policy) = outcome.policy else {
            wrong.push(format!("{name} is refused: {:?}", outcome.diagnostics));
            continue;
        };
        let mut plan = policy.plan;
        for at in 0..=plan.len() - now.len() {
            if plan[at..].starts_with(now.as_bytes()) {
                plan[at..at + now.len()].copy_from_slice(then.as_bytes());
            }
        }
        let digest: String = Sha256::digest(&plan)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let same = text("plan") == Some(&digest);
        if same == text("differs").is_some() {
            wrong.push(format!("{name}: {digest}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// How many vectors of each kind version 0.1.0 had: the first ones.
const VECTORS_OF_BEFORE: [(&str, usize); 16] = [
    ("backslash", 39),
    ("call", 121),
    ("equality", 226),
    ("inherit", 50),
    ("logic", 66),
    ("membership", 132),
    ("name", 215),
    ("order", 145),
    ("path", 55),
    ("pattern", 45),
    ("portable", 127),
    ("quantifier", 57),
    ("request", 171),
    ("role", 48),
    ("scope", 189),
    ("tool", 59),
];

/// What changed on purpose: a search without a path starts at the root, and a list of texts is a list of paths.
const CHANGED: [&str; 3] = ["scope-012", "scope-015", "scope-023"];

/// The calls of before have the answers of before: each line, byte for byte.
#[test]
fn vectors_of_before_are_what_they_were() {
    use std::{collections::BTreeMap, path::Path};

    use hexgate_tests::json;
    use sha2::{Digest, Sha256};

    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors");
    let mut lines = BTreeMap::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        for line in text.lines() {
            let id = json::parse(line).unwrap();
            let id = id.member("id").and_then(json::Json::as_text).unwrap();
            lines.insert(id.to_owned(), line.to_owned());
        }
    }
    let mut digest = Sha256::new();
    let mut count = 0;
    for (kind, last) in VECTORS_OF_BEFORE {
        for number in 1..=last {
            let id = format!("{kind}-{number:03}");
            if CHANGED.contains(&id.as_str()) {
                continue;
            }
            digest.update(format!("{}\n", lines[&id]));
            count += 1;
        }
    }
    let found: String = digest
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(count, 1_742);
    assert_eq!(
        found, "cd6e64f35aac16470d71ed2a2582e289224382f60b53eaff10041b309dd264c9",
        "a vector of before was changed: what a policy means must not"
    );
}

#[test]
fn what_an_engine_does_not_know_of_a_plan_it_refuses() {
    let compile = |first: &str| {
        let policy = format!("{first}tools: {{t: {{mode: allow}}}}");
        engines::compile(&policy).unwrap().plan
    };
    let decide = |plan: &[u8], arguments| {
        let plan = Plan::open(plan)?;
        Workspace::new().decide(&plan, &hexgate_eval::Request::new("t", arguments))
    };
    let (exact, portable) = (compile(""), compile("arguments: portable\n"));
    // Engines that read version 1 alone cannot open what they would not obey.
    assert_eq!(
        [word(&exact, header::VERSION), word(&exact, header::FLAGS)],
        [1, 0]
    );
    assert_eq!(
        [
            word(&portable, header::VERSION),
            word(&portable, header::FLAGS)
        ],
        [2, 4]
    );
    let twins = r#"{"a": 1, "A": 2}"#;
    assert!(decide(&exact, twins).is_ok());
    assert!(matches!(
        decide(&portable, twins),
        Err(Error::Malformed { .. })
    ));
    for (at, value, refused) in [
        (header::FLAGS, 0, "a flag of another version"),
        (header::VERSION, 1, "a flag of another version"),
        (header::FLAGS, 20, "unknown flags"),
    ] {
        let mut changed = portable.clone();
        set(&mut changed, at, value);
        assert!(
            refusal(&changed).contains(refused),
            "{at} {value}: {}",
            refusal(&changed)
        );
    }
    let mut unknown = exact;
    set(&mut unknown, header::FLAGS, 16);
    assert_eq!(
        decide(&unknown, "{}"),
        Err(Error::Internal("unknown flags"))
    );
    set(&mut unknown, header::VERSION, 4);
    assert!(Plan::open(&unknown).is_err());
}

#[test]
fn a_literal_is_not_cut_off_by_the_end_of_the_plan() {
    let mut plan = plan_of("args.n == true");
    assert_eq!(refusal(&plan), "valid");
    let node = equality(&plan);
    let last = append(&mut plan, &[literal::TRUE]);
    set(&mut plan, node + 12, last);
    assert_ne!(refusal(&plan), "valid");
}

#[test]
fn lists_are_not_nested_beyond_the_limit_whatever_is_met_first() {
    let nested = |levels: usize, shallow_first: bool| {
        let mut plan = plan_of("args.n == [true] or args.m == [true, 1]");
        let first = op::COMPARE | compare::EQUAL << 8 | 2 << 20;
        let nodes = records(&plan, first);
        assert_eq!(nodes.len(), 2, "{nodes:?}");
        let mut lists = vec![append(&mut plan, &[literal::NULL, 0, 0])];
        for _ in 0..levels {
            let inner = u32::try_from(*lists.last().unwrap()).unwrap();
            lists.push(append(&mut plan, &[literal::LIST, 1, inner]));
        }
        let inner = lists[levels / 2];
        let outer = lists[levels];
        let order = if shallow_first {
            [inner, outer]
        } else {
            [outer, inner]
        };
        set(&mut plan, nodes[0] + 12, order[0]);
        set(&mut plan, nodes[1] + 12, order[1]);
        refusal(&plan)
    };
    for shallow_first in [true, false] {
        assert_eq!(nested(64, shallow_first), "valid");
        assert_ne!(nested(65, shallow_first), "valid");
        assert_ne!(nested(100_000, shallow_first), "valid");
    }
}

#[test]
fn a_condition_has_one_parent_under_all_of_its_names() {
    let mut plan = plan_of("args.n == true or args.m == 1");
    let chain = records(&plan, op::OR | 2 << 16);
    assert_eq!(chain.len(), 1, "{chain:?}");
    let child = word(&plan, chain[0] + 8) as usize;
    for alias in 0..4 {
        set(&mut plan, chain[0] + 12, child + alias);
        assert_ne!(refusal(&plan), "valid", "{alias}");
    }
}

#[test]
fn a_number_is_one_that_the_reader_would_accept() {
    let plan = plan_of("args.n == 1.5");
    let literal = word(&plan, equality(&plan) + 12) as usize;
    assert_eq!(word(&plan, literal), literal::NUMBER);
    let text = word(&plan, literal + 4) as usize;
    for (number, valid) in [
        (b"2.5", true),
        (b"2e5", true),
        (b"e99", false),
        (b"1.e", false),
        (b"..5", false),
        (b"05 ", false),
    ] {
        let mut plan = plan.clone();
        plan[text..text + 3].copy_from_slice(number);
        assert_eq!(refusal(&plan) == "valid", valid, "{number:?}");
    }
}

#[test]
fn an_integer_is_the_one_that_its_text_says() {
    let plan = plan_of("args.n == 15");
    let literal = word(&plan, equality(&plan) + 12) as usize;
    assert_eq!(
        (word(&plan, literal), word(&plan, literal + 4)),
        (literal::INTEGER, 15)
    );
    for (low, high) in [(16, 0), (15, 1), (0, 1 << 31)] {
        let mut plan = plan.clone();
        set(&mut plan, literal + 4, low);
        set(&mut plan, literal + 8, high);
        assert_ne!(refusal(&plan), "valid");
    }
}
