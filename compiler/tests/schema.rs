//! The JSON schema agrees with the compiler wherever a schema can.
#![allow(
    clippy::unwrap_used,
    clippy::unreachable,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::{fs, path::Path};

use boon::{Compiler as Schemas, SchemaIndex, Schemas as Loaded};
use hexgate_compiler::schema::POLICY_SCHEMA;
use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::Value;

fn schema() -> (Loaded, SchemaIndex) {
    let mut loaded = Loaded::new();
    let mut compiler = Schemas::new();
    compiler
        .add_resource(
            "urn:hexgate:policy:1",
            serde_json::from_str(POLICY_SCHEMA).unwrap(),
        )
        .unwrap();
    let index = compiler
        .compile("urn:hexgate:policy:1", &mut loaded)
        .unwrap();
    (loaded, index)
}

fn is_valid(value: &Value) -> bool {
    let (loaded, index) = schema();
    loaded.validate(value, index).is_ok()
}

/// YAML as an editor's language server hands it to a schema. Only for policies that the compiler accepts.
fn read(path: &Path) -> Value {
    fn place(stack: &mut [(Value, Option<String>)], value: Value, root: &mut Value) {
        match stack.last_mut() {
            None => *root = value,
            Some((Value::Array(items), _)) => items.push(value),
            Some((Value::Object(members), key)) => match key.take() {
                None => {
                    *key = Some(
                        value
                            .as_str()
                            .map_or_else(|| value.to_string(), str::to_owned),
                    )
                }
                Some(name) => {
                    members.insert(name, value);
                }
            },
            Some(_) => unreachable!("only collections are open"),
        }
    }
    let text = fs::read_to_string(path).unwrap();
    // JSON is read as such: the parser of YAML knows no characters in two halves.
    if let Ok(value) = serde_json::from_str(&text) {
        return value;
    }
    let (mut root, mut stack) = (Value::Null, Vec::new());
    for event in Parser::new_from_str(text.trim_start_matches('\u{feff}')) {
        match event.unwrap().0 {
            Event::Scalar(text, style, _, tag) => {
                let plain = style == ScalarStyle::Plain && tag.is_none();
                let value = match text.as_ref() {
                    "" | "~" if plain => Value::Null,
                    text if plain => serde_json::from_str(text)
                        .ok()
                        .filter(|value: &Value| !value.is_string())
                        .unwrap_or_else(|| text.into()),
                    text => text.into(),
                };
                place(&mut stack, value, &mut root);
            }
            Event::SequenceStart(..) => stack.push((Value::Array(Vec::new()), None)),
            Event::MappingStart(..) => stack.push((Value::Object(serde_json::Map::new()), None)),
            Event::SequenceEnd | Event::MappingEnd => {
                let (value, _) = stack.pop().unwrap();
                place(&mut stack, value, &mut root);
            }
            Event::Alias(_) => place(&mut stack, Value::Null, &mut root),
            _ => {}
        }
    }
    root
}

#[test]
fn accepts_the_examples_and_what_the_compiler_accepts() {
    let mut checked = 0;
    for folder in ["../examples/policies", "tests/golden/ok"] {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy();
            // A suite is beside its policy.
            if name.ends_with(".yaml") && !name.ends_with(".suite.yaml") {
                assert!(is_valid(&read(&path)), "{}", path.display());
                checked += 1;
            }
        }
    }
    assert!(checked > 30);
}

#[test]
fn refuses_what_an_editor_should_underline() {
    for (text, valid) in [
        (r#"{}"#, true),
        (r#"{"version": 1, "tools": {"t": {"mode": "allow"}}}"#, true),
        (
            r#"{"roles": {"default": null, "a": {"inherits": ["default"], "is_mixin": true}}}"#,
            true,
        ),
        (r#"{"arguments": "portable"}"#, true),
        (
            r#"{"arguments": "portable", "roles": {"default": {}}}"#,
            true,
        ),
        (r#"{"arguments": "exact"}"#, false),
        (r#"{"arguments": true}"#, false),
        (r#"{"arguments": null}"#, false),
        (
            r#"{"roles": {"default": {"arguments": "portable"}}}"#,
            false,
        ),
        (r#"{"version": 2}"#, false),
        (r#"{"version": "1"}"#, false),
        (r#"{"tool": {}}"#, false),
        (r#"{"tools": {"t": {"mode": "Allow"}}}"#, false),
        (
            r#"{"tools": {"t": {"mode": "allow", "constraint": []}}}"#,
            false,
        ),
        (r#"{"tools": {"t": "allow"}}"#, false),
        (r#"{"tools": {"t": {"constraints": "args.x == 1"}}}"#, false),
        (r#"{"tools": {"t": {"constraints": [1]}}}"#, false),
        (r#"{"tools": {"": {}}}"#, false),
        (r#"{"tools": {"mcp__*": {"mode": "deny"}}}"#, true),
        (r#"{"roles": {"default": {}, "team-*": {}}}"#, false),
        (r#"{"roles": {"default": {"inherits": ["*"]}}}"#, false),
        (r#"{"tools": {"a b/c.d-e:f": {"mode": "deny"}}}"#, true),
        (
            r#"{"tools": {"t": {"mode": "allow", "file_scope": {"argument": "file-path_2"}}}}"#,
            true,
        ),
        (
            r#"{"tools": {"t": {"mode": "allow", "file_scope": {"argument": "args.path"}}}}"#,
            false,
        ),
        (
            r#"{"tools": {"t": {"mode": "allow", "file_scope": {"argument": "a, b"}}}}"#,
            false,
        ),
        (
            r#"{"tools": {"t": {"mode": "allow", "file_scope": {"argument": "${path}"}}}}"#,
            false,
        ),
        (
            r#"{"tools": {"t": {"file_scope": {"allowed_path": []}}}}"#,
            false,
        ),
        (r#"{"default_policy": {"file_scope": {}}}"#, false),
        (r#"{"inherits": []}"#, false),
        (r#"{"is_mixin": true}"#, false),
        (r#"{"roles": {}}"#, false),
        (r#"{"roles": null}"#, false),
        (r#"{"roles": {"default": {}}, "tools": {}}"#, false),
        (r#"{"roles": {"default": {"roles": {}}}}"#, false),
        (r#"{"roles": {"default": {"is_mixin": "yes"}}}"#, false),
        (
            r#"{"tools": {"t": [{"mode": "allow"}, {"mode": "deny", "message": "No."}]}}"#,
            true,
        ),
        (r#"{"tools": {"t": []}}"#, false),
        (r#"{"tools": {"t": [null]}}"#, false),
        (r#"{"tools": {"t": [{}]}}"#, false),
        (r#"{"tools": {"t": [{"constraints": []}]}}"#, false),
        (r#"{"tools": {"t": ["allow"]}}"#, false),
        (
            r#"{"tools": {"t": [{"mode": "allow", "rules": []}]}}"#,
            false,
        ),
        (r#"{"default_policy": [{"mode": "deny"}]}"#, false),
        (
            r#"{"description": "a\nb", "tools": {"t": {"mode": "deny", "description": "x"}}, "default_policy": {"description": "y", "message": "z"}}"#,
            true,
        ),
        (r#"{"description": "a\tb"}"#, false),
        (r#"{"description": 1}"#, false),
        (r#"{"tools": {"t": {"message": ""}}}"#, false),
        (r#"{"tools": {"t": {"message": " "}}}"#, false),
        (r#"{"tools": {"t": {"message": "a\nb"}}}"#, false),
        (r#"{"tools": {"t": {"message": null}}}"#, false),
        (
            r#"{"tools": {"t": {"mode": "approval_required", "approval": {"roles": ["a", "b c"], "expires": "90m", "approvers": 8, "reason": "optional"}}}}"#,
            true,
        ),
        (
            r#"{"tools": {"t": {"mode": "approval_required", "approval": null}}}"#,
            true,
        ),
        (
            r#"{"default_policy": {"mode": "approval_required", "approval": {"approvers": 1}}}"#,
            true,
        ),
        (
            r#"{"tools": {"t": {"mode": "allow", "approval": {"approvers": 1}}}}"#,
            false,
        ),
        (r#"{"tools": {"t": {"approval": {"approvers": 1}}}}"#, false),
        (
            r#"{"default_policy": {"mode": "deny", "approval": {}}}"#,
            false,
        ),
        (
            r#"{"tools": {"t": {"mode": "approval_required", "approval": {"approvers": 9}}}}"#,
            false,
        ),
        (
            r#"{"tools": {"t": {"mode": "approval_required", "approval": {"approvers": 0}}}}"#,
            false,
        ),
        (
            r#"{"tools": {"t": {"mode": "approval_required", "approval": {"approvers": "1"}}}}"#,
            false,
        ),
        (
            r#"{"tools": {"t": {"mode": "approval_required", "approval": {"expires": "1w"}}}}"#,
            false,
        ),
        (
            r#"{"tools": {"t": {"mode": "approval_required", "approval": {"expires": "0s"}}}}"#,
            false,
        ),
        (
            r#"{"tools": {"t": {"mode": "approval_required", "approval": {"expires": 60}}}}"#,
            false,
        ),
        (
            r#"{"tools": {"t": {"mode": "approval_required", "approval": {"reason": true}}}}"#,
            false,
        ),
        (
            r#"{"tools": {"t": {"mode": "approval_required", "approval": {"roles": []}}}}"#,
            false,
        ),
        (
            r#"{"tools": {"t": {"mode": "approval_required", "approval": {"roles": ["a", "a"]}}}}"#,
            false,
        ),
        (
            r#"{"tools": {"t": {"mode": "approval_required", "approval": {"role": "a"}}}}"#,
            false,
        ),
        (
            r#"{"forbid": [{"tools": ["shell", "mcp__*"], "constraints": ["args.x == 1"], "message": "No.", "description": "x"}, {}]}"#,
            true,
        ),
        (
            r#"{"roles": {"default": {"forbid": [{"tools": ["x"]}]}}, "forbid": null}"#,
            true,
        ),
        (r#"{"forbid": {"tools": ["x"]}}"#, false),
        (r#"{"forbid": [null]}"#, false),
        (r#"{"forbid": ["x"]}"#, false),
        (r#"{"forbid": [{"tools": []}]}"#, false),
        (r#"{"forbid": [{"tools": null}]}"#, false),
        (r#"{"forbid": [{"tools": "x"}]}"#, false),
        (r#"{"forbid": [{"tools": ["x"], "mode": "deny"}]}"#, false),
        (
            r#"{"forbid": [{"tools": ["read_file"], "file_scope": {"denied_paths": [".env"], "except_paths": ["a/.env"]}}]}"#,
            true,
        ),
        (
            r#"{"forbid": [{"tools": ["read_file"], "file_scope": {"allowed_paths": [".env"]}}]}"#,
            false,
        ),
        (
            r#"{"tools": {"t": {"mode": "allow", "file_scope": {"arguments": ["a", "b"], "style": "windows", "allowed_paths": ["C:/x"]}}}}"#,
            true,
        ),
        (
            r#"{"tools": {"t": {"mode": "allow", "file_scope": {"argument": "a", "search": true, "style": "posix"}}}}"#,
            true,
        ),
        (
            r#"{"tools": {"read_file": {"mode": "allow", "file_scope": {"argument": "path"}}}}"#,
            true,
        ),
        (
            r#"{"tools": {"t": {"mode": "allow", "file_scope": {"arguments": ["a"], "argument": "b"}}}}"#,
            false,
        ),
        (
            r#"{"tools": {"t": {"mode": "allow", "file_scope": {"arguments": ["a"], "search": true}}}}"#,
            false,
        ),
        (
            r#"{"tools": {"t": {"mode": "allow", "file_scope": {"arguments": []}}}}"#,
            false,
        ),
        (
            r#"{"tools": {"t": {"mode": "allow", "file_scope": {"arguments": null}}}}"#,
            false,
        ),
        (
            r#"{"tools": {"t": {"mode": "allow", "file_scope": {"arguments": "a"}}}}"#,
            false,
        ),
        (
            r#"{"tools": {"t": {"mode": "allow", "file_scope": {"arguments": ["a", "a"]}}}}"#,
            false,
        ),
        (
            r#"{"tools": {"t": {"mode": "allow", "file_scope": {"argument": ["a"]}}}}"#,
            false,
        ),
        (
            r#"{"tools": {"t": {"mode": "allow", "file_scope": {"argument": "a", "search": "yes"}}}}"#,
            false,
        ),
        (
            r#"{"tools": {"t": {"mode": "allow", "file_scope": {"argument": "a", "style": "win"}}}}"#,
            false,
        ),
        (
            r#"{"define": {"small": ". <= 5", "both": "small(.a) and small(.b)"}}"#,
            true,
        ),
        (
            r#"{"roles": {"default": {"define": {"a": ". == 1"}}}, "define": null}"#,
            true,
        ),
        (r#"{"define": {"a-b": ". == 1"}}"#, false),
        (r#"{"define": {"a": ["x"]}}"#, false),
        (r#"{"define": {"a": null}}"#, false),
        (r#"{"consts": {"a-b": 1}}"#, false),
        (r#"{"consts": {"a": {"b": 1}}}"#, false),
        (r#"{"consts": {"a": [1, "x", null, [true]]}}"#, true),
    ] {
        assert_eq!(
            is_valid(&serde_json::from_str(text).unwrap()),
            valid,
            "{text}"
        );
        // The compiler is never more generous than the schema.
        let compiled = hexgate_compiler::Compiler::default()
            .compile_str("policy.yaml", text)
            .policy
            .is_some();
        assert_eq!(compiled, valid, "{text}");
    }
}
