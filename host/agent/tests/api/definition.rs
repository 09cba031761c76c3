//! Agents as files. Each folder below `golden/ok` is an agent and each below `golden/refused` is none, with exactly the diagnostics of its
//! `expected`. `HEXGATE_BLESS=1` writes what came.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use hexgate_agent::definition::{CODES, Definition, FILE, MAX_FILE, MAX_SYSTEM_PROMPT, SCHEMA};
use hexgate_compiler::diagnostic::Sink;
use hexgate_compiler::source::{Node, NodeKind, Plain, Sources, parse};
use serde_json::Value;

/// The folders, by relative paths, so that diagnostics name them alike on every machine.
fn cases(of: &str) -> Vec<PathBuf> {
    let folder = Path::new("tests/golden").join(of);
    let mut cases: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    cases.sort();
    assert!(cases.len() > 3);
    cases
}

fn check(case: &Path, actual: &str, failures: &mut String) {
    let place = case.join("expected");
    if std::env::var_os("HEXGATE_BLESS").is_some() {
        return fs::write(place, actual).unwrap();
    }
    let expected = fs::read_to_string(place).unwrap_or_default();
    if expected != actual {
        writeln!(
            failures,
            "--- {}\nexpected:\n{expected}\nactual:\n{actual}",
            case.display()
        )
        .unwrap();
    }
}

#[test]
fn agents_that_are_refused() {
    let mut failures = String::new();
    for case in cases("refused") {
        let refused = Definition::read(&case).expect_err(&case.display().to_string());
        assert!(refused.diagnostics.iter().any(|one| one.is_error()));
        check(&case, &refused.human(false), &mut failures);
    }
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn agents_that_are_read() {
    let mut failures = String::new();
    for case in cases("ok") {
        let definition = Definition::read(&case).unwrap_or_else(|refused| panic!("{refused}"));
        let mut text = definition.warnings(false);
        let tools: Vec<&str> = definition
            .tools
            .iter()
            .map(|name| name.text.as_str())
            .collect();
        let others: Vec<&str> = definition
            .subagents
            .iter()
            .chain(&definition.handoffs)
            .map(|name| name.text.as_str())
            .collect();
        writeln!(
            text,
            "name: {}\ndescription: {:?}\nmodel: {:?}\nsystem_prompt: {:?}\npolicy: {:?}\ntools: {tools:?}\nothers: {others:?}\n{:?}\n{:?}",
            definition.name,
            definition.description,
            definition.model,
            definition.system_prompt,
            definition.policy,
            definition.limits,
            definition.workspace,
        )
        .unwrap();
        check(&case, &text, &mut failures);
    }
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn an_unknown_tool_and_an_unknown_agent_are_told_at_their_lines() {
    let definition = Definition::read(Path::new("tests/golden/ok/full")).unwrap();
    definition
        .check_tools(&["grep", "read_file", "bash"])
        .unwrap();
    let refused = definition.check_tools(&["grep", "read_files"]).unwrap_err();
    let text = refused.human(false);
    assert!(
        text.contains("error[agent-unknown-tool]: this program has no tool `read_file`"),
        "{text}"
    );
    assert!(
        text.contains("agent.yaml:8:9") && text.contains("did you mean `read_files`"),
        "{text}"
    );
    definition
        .check_agents(&["researcher", "billing-bot"])
        .unwrap();
    let text = definition
        .check_agents(&["researcher", "billing"])
        .unwrap_err()
        .human(false);
    assert!(text.contains("agent.yaml:11:12"), "{text}");
    let text = definition.check_agents(&[]).unwrap_err().human(false);
    assert!(
        text.contains("there is no other agent") && text.contains("`researcher`"),
        "{text}"
    );
}

#[test]
fn what_is_too_large_is_refused_before_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(FILE);
    let pad = |bytes: u64| {
        format!(
            "name: big\n#{}\n",
            "x".repeat(usize::try_from(bytes).unwrap() - 12)
        )
    };
    fs::write(&file, pad(MAX_FILE)).unwrap();
    Definition::read(folder.path()).unwrap();
    fs::write(&file, pad(MAX_FILE + 1)).unwrap();
    let refused = Definition::read(folder.path()).unwrap_err();
    assert_eq!(refused.diagnostics[0].code, "agent-too-large");

    fs::write(&file, "name: big\n").unwrap();
    let prompt = folder.path().join("system.md");
    fs::write(
        &prompt,
        "x".repeat(usize::try_from(MAX_SYSTEM_PROMPT).unwrap()),
    )
    .unwrap();
    Definition::read(folder.path()).unwrap();
    fs::write(
        &prompt,
        "x".repeat(usize::try_from(MAX_SYSTEM_PROMPT).unwrap() + 1),
    )
    .unwrap();
    let refused = Definition::read(folder.path()).unwrap_err();
    assert_eq!(refused.diagnostics[0].code, "agent-too-large");

    let tools: Vec<String> = (0..257).map(|number| format!("t{number}")).collect();
    fs::remove_file(&prompt).unwrap();
    fs::write(&file, format!("name: big\ntools: [{}]\n", tools.join(", "))).unwrap();
    let refused = Definition::read(folder.path()).unwrap_err();
    assert_eq!(refused.diagnostics[0].code, "agent-too-large");
}

#[test]
fn what_is_no_file_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join(FILE);
    let made = std::process::Command::new("mkfifo")
        .arg(&pipe)
        .status()
        .unwrap();
    assert!(made.success());
    let refused = Definition::read(folder.path()).unwrap_err();
    assert!(
        refused.human(false).contains("not a regular file"),
        "{refused}"
    );
}

#[test]
fn every_code_is_documented_and_seen() {
    let mut seen = String::new();
    for of in ["ok", "refused"] {
        for case in cases(of) {
            seen.push_str(&fs::read_to_string(case.join("expected")).unwrap());
        }
    }
    // Shown by the test of what is known and the one of sizes.
    seen.push_str("[agent-unknown-tool] [agent-unknown-agent] [agent-circle] [agent-too-large]");
    for doc in CODES {
        assert!(seen.contains(&format!("[{}]", doc.code)), "{}", doc.code);
        assert!(
            doc.explanation.len() > 80 && !doc.title.ends_with('.'),
            "{}",
            doc.code
        );
        assert!(
            hexgate_compiler::diagnostic::find_code(doc.code).is_none(),
            "{}",
            doc.code
        );
    }
}

/// The YAML of a case as JSON, for the schema. None: it is no YAML to us.
fn json(case: &Path) -> Option<Value> {
    fn value(node: &Node) -> Value {
        match &node.kind {
            NodeKind::List(nodes) => nodes.iter().map(value).collect(),
            NodeKind::Mapping(entries) => entries
                .iter()
                .map(|entry| (entry.key.name.clone(), value(&entry.value)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
            NodeKind::Scalar(scalar) => match scalar.read() {
                Plain::Null => Value::Null,
                Plain::Bool(value) => value.into(),
                Plain::Number => serde_json::from_str(&scalar.value).unwrap(),
                Plain::String | Plain::Ambiguous { .. } => scalar.value.clone().into(),
            },
        }
    }
    let text = fs::read_to_string(case.join(FILE)).ok()?;
    let (mut sources, mut sink) = (Sources::default(), Sink::default());
    let file = sources.add(FILE, text);
    parse(&sources, file, &mut sink).as_ref().map(value)
}

/// Cases that a schema cannot tell from good ones: files, lookalikes, what is no YAML to us.
const BEYOND_SCHEMA: &[&str] = &[
    "aliases",
    "duplicate-key",
    "duplicate-tool",
    "empty-texts",
    "folder-as-prompt",
    "hidden-direction",
    "linked-prompt",
    "links",
    "missing-files",
    "prompt-not-utf8",
];

#[test]
fn the_schema_says_what_the_reader_does() {
    let mut loaded = boon::Schemas::new();
    let mut compiler = boon::Compiler::new();
    compiler
        .add_resource("urn:hexgate:agent:1", serde_json::from_str(SCHEMA).unwrap())
        .unwrap();
    let schema = compiler
        .compile("urn:hexgate:agent:1", &mut loaded)
        .unwrap();
    for case in cases("ok") {
        let value = json(&case).unwrap();
        loaded
            .validate(&value, schema)
            .unwrap_or_else(|error| panic!("{}: {error}", case.display()));
    }
    let mut refused = 0;
    for case in cases("refused") {
        let name = case.file_name().unwrap().to_str().unwrap();
        let Some(value) = json(&case) else { continue };
        let is_valid = loaded.validate(&value, schema).is_ok();
        if BEYOND_SCHEMA.contains(&name) {
            continue;
        }
        assert!(!is_valid, "the schema accepts {name}");
        refused += 1;
    }
    assert_eq!(refused, 9);
}
