//! Starter policies: they compile whatever a server says, and they decide as its schemas do.

use std::collections::BTreeMap;

use hexgate_enforce::host::Engine;
use hexgate_enforce::source::PolicyFile;
use hexgate_enforce::{Caller, Effect, Enforcer, LivePolicy};
use hexgate_mcp::starter::{Hints, Mode, Starter, StarterError, ToolSchema, starter};
use proptest::prelude::*;
use serde_json::{Value, json};

pub(crate) struct Decider {
    enforcer: Enforcer,
    caller: Caller,
}

impl Decider {
    pub(crate) fn new(policy: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.yaml");
        std::fs::write(&path, policy).unwrap();
        let live = LivePolicy::open(
            &Engine::new().unwrap(),
            PolicyFile::dangerous_unsigned(&path),
        )
        .unwrap_or_else(|error| panic!("{error:?}\n{policy}"));
        Self {
            enforcer: Enforcer::builder("agent", &live).build().unwrap(),
            caller: Caller::builder("alice").build().unwrap(),
        }
    }

    pub(crate) fn decide(&self, tool: &str, arguments: &Value) -> Effect {
        let text = arguments.to_string();
        self.enforcer.decide(&self.caller, tool, text).outcome()
    }
}

fn tool(name: &str, schema: Value) -> ToolSchema {
    ToolSchema {
        name: name.into(),
        description: None,
        input_schema: schema,
        annotations: Hints {
            read_only: Some(true),
            ..Hints::default()
        },
    }
}

fn written(tools: &[ToolSchema]) -> Starter {
    starter("mcp-s-", tools).unwrap()
}

#[test]
fn calls_are_decided_as_the_schema_says() {
    let schema = json!({
        "type": "object",
        "properties": {
            "id": {"type": "integer", "minimum": 1, "maximum": 1000},
            "state": {"enum": ["open", "it's \"closed\"", null]},
            "name": {"type": "string", "minLength": 2, "maxLength": 5},
            "key": {"type": "string", "pattern": "^[A-Z]{2}-\\d+$"},
            "tags": {"type": "array", "items": {"type": "string", "maxLength": 3}, "maxItems": 2},
            "where": {
                "type": "object",
                "properties": {"street-name": {"type": "string"}, "no": {"type": ["integer", "null"]}},
                "required": ["no"],
            },
            "in": {"type": "boolean"},
            "any": {},
            "either": {"anyOf": [{"type": "string", "maxLength": 2}, {"type": "number", "exclusiveMinimum": 5}]},
            "labels": {"type": "object", "additionalProperties": {"type": "string"}},
            "node": {"$ref": "#/$defs/node"},
            "v": {"const": 1},
            "rows": {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "number"}}, "required": ["n"]}},
        },
        "required": ["id", "any"],
        "$defs": {"node": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}},
    });
    let written = written(&[tool("get_order", schema)]);
    assert_eq!(written.tools[0].mode, Mode::Allow);
    assert_eq!(
        written.tools[0].left,
        Vec::<String>::new(),
        "{}",
        written.policy
    );
    let decider = Decider::new(&written.policy);
    let with = |name: &str, value: Value| {
        let mut arguments = json!({"id": 1, "any": null});
        arguments[name] = value;
        decider.decide("mcp-s-get_order", &arguments)
    };
    for (name, value) in [
        ("id", json!(1000)),
        ("state", json!("open")),
        ("state", json!("it's \"closed\"")),
        ("state", json!(null)),
        ("name", json!("äöüß")),
        ("key", json!("AB-1")),
        ("tags", json!([])),
        ("tags", json!(["a", "bcd"])),
        ("where", json!({"no": 1})),
        ("where", json!({"no": null, "street-name": "x"})),
        ("in", json!(false)),
        ("any", json!({"x": [1]})),
        ("either", json!("ab")),
        ("either", json!(5.1)),
        ("labels", json!({"a": "b"})),
        ("labels", json!({})),
        ("node", json!({"name": "x"})),
        ("v", json!(1)),
        ("rows", json!([{"n": 1}])),
    ] {
        assert_eq!(
            with(name, value.clone()),
            Effect::Allow,
            "{name}: {value}\n{}",
            written.policy
        );
    }
    for (name, value) in [
        ("id", json!(0)),
        ("id", json!(1001)),
        ("id", json!("1")),
        ("id", json!(null)),
        ("state", json!("Open")),
        ("state", json!(1)),
        ("name", json!("a")),
        ("name", json!("abcdef")),
        ("name", json!(["a", "b"])),
        ("key", json!("AB-1\n")),
        ("key", json!("xAB-1")),
        ("tags", json!(["a", "b", "c"])),
        ("tags", json!([1])),
        ("tags", json!("ab")),
        ("tags", json!(["abcd"])),
        ("where", json!({})),
        ("where", json!({"no": 1, "more": 1})),
        ("where", json!({"no": "1"})),
        ("where", json!({"no": 1, "street-name": 5})),
        ("where", json!([])),
        ("in", json!("true")),
        ("either", json!("abc")),
        ("either", json!(5)),
        ("either", json!([])),
        ("labels", json!({"a": 1})),
        ("labels", json!([])),
        ("node", json!({})),
        ("node", json!({"name": "x", "y": 1})),
        ("v", json!(2)),
        ("rows", json!([{"n": 1}, {}])),
        ("rows", json!([{"n": 1, "m": 2}])),
        ("unknown", json!(1)),
    ] {
        assert_eq!(
            with(name, value.clone()),
            Effect::Deny,
            "{name}: {value}\n{}",
            written.policy
        );
    }
    for arguments in [json!({}), json!({"id": 1}), json!({"any": 1})] {
        assert_eq!(decider.decide("mcp-s-get_order", &arguments), Effect::Deny);
    }
    assert_eq!(decider.decide("mcp-s-other", &json!({})), Effect::Deny);
}

#[test]
fn what_reads_is_allowed_what_acts_asks_what_destroys_is_denied() {
    let schema =
        || json!({"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]});
    let with = |name: &str, read_only, destructive| ToolSchema {
        annotations: Hints {
            read_only,
            destructive,
            open_world: None,
        },
        ..tool(name, schema())
    };
    let tools = [
        with("get_order", Some(true), None),
        with("get_order_2", None, None),
        with("refund", Some(true), None),
        with("close_order", Some(false), Some(true)),
        with("deleteOrder", Some(true), Some(false)),
    ];
    let written = written(&tools);
    let modes: Vec<Mode> = written.tools.iter().map(|tool| tool.mode).collect();
    assert_eq!(
        modes,
        [Mode::Allow, Mode::Ask, Mode::Ask, Mode::Ask, Mode::Deny]
    );
    let decider = Decider::new(&written.policy);
    let effects: Vec<Effect> = tools
        .iter()
        .map(|tool| decider.decide(&format!("mcp-s-{}", tool.name), &json!({"id": "x"})))
        .collect();
    let asks = Effect::NeedsApproval;
    assert_eq!(effects, [Effect::Allow, asks, asks, asks, Effect::Deny]);
    // Asking excuses no argument.
    assert_eq!(
        decider.decide("mcp-s-refund", &json!({"id": 1})),
        Effect::Deny
    );
    // The constraints of a denied tool wait in comments.
    assert!(
        written
            .policy
            .contains("    mode: deny\n    # constraints:\n    #   - 'only(args, [\"id\"])'"),
        "{}",
        written.policy
    );
}

#[test]
fn the_server_and_the_name_both_have_to_say_that_a_tool_reads() {
    for (name, read_only, open_world, mode) in [
        ("get_order", Some(true), None, Mode::Allow),
        ("getOrder", Some(true), Some(false), Mode::Allow),
        ("LIST-all", Some(true), None, Mode::Allow),
        ("search", Some(true), None, Mode::Allow),
        ("get_order", None, None, Mode::Ask),
        ("get_order", Some(false), None, Mode::Ask),
        ("order", Some(true), None, Mode::Ask),
        ("getter", Some(true), None, Mode::Ask),
        ("get_or_create", Some(true), None, Mode::Ask),
        ("getAndSend", Some(true), None, Mode::Ask),
        ("get_page", Some(true), Some(true), Mode::Ask),
        ("write_file", None, None, Mode::Ask),
        ("get-env", Some(true), Some(false), Mode::Ask),
        ("listSecrets", Some(true), None, Mode::Ask),
        ("read_and_delete", Some(true), None, Mode::Deny),
        ("deleteOrder", Some(true), None, Mode::Deny),
        ("drop.table", None, None, Mode::Deny),
        ("DROP_TABLE", None, None, Mode::Deny),
        ("", Some(true), None, Mode::Ask),
    ] {
        let annotations = Hints {
            read_only,
            destructive: None,
            open_world,
        };
        let tool = ToolSchema {
            annotations,
            ..tool(name, json!({"type": "object"}))
        };
        assert_eq!(
            written(&[tool]).tools[0].mode,
            mode,
            "{name} {annotations:?}"
        );
    }
}

#[test]
fn names_and_texts_of_a_server_break_nothing() {
    let hostile = [
        "it's",
        "say \"hi\"",
        "a\\b",
        "a: b # c",
        "yes",
        "null",
        "~",
        "1e3",
        "- x",
        "[x]",
        "{x}",
        "&a",
        "!t",
        "%x",
        "@x",
        "`x`",
        "args",
        "role",
        "größe",
        "日本語",
        "😀",
        "a b",
        " a",
        "a ",
        "'",
        "\"",
        "x]}",
        "agent.run",
        "tools",
        "<<",
        "=",
        "in",
        "not",
        "?",
        "|",
        ">",
    ];
    let mut tools: Vec<ToolSchema> = hostile
        .iter()
        .map(|name| {
            let mut schema = json!({"type": "object", "properties": {}, "required": [name]});
            schema["properties"][*name] =
                json!({"enum": [name, format!("{name}\n'\u{202e}\u{1f600}")]});
            ToolSchema {
                description: Some(format!(
                    "{name}\n    mode: allow\r\n- x\u{2028}tools:\n\u{202e}# {name}"
                )),
                ..tool(name, schema)
            }
        })
        .collect();
    for name in [
        "a\nb",
        "a\u{202e}b",
        "a*",
        "*",
        "a\u{200b}",
        &"n".repeat(251),
        "it's",
    ] {
        tools.push(tool(name, json!({"type": "object"})));
    }
    let written = written(&tools);
    let unnamed = written
        .tools
        .iter()
        .filter(|tool| tool.mode == Mode::Unnamed)
        .count();
    assert_eq!(unnamed, 7, "{}", written.policy);
    let decider = Decider::new(&written.policy);
    for name in hostile {
        let tool = format!("mcp-s-{name}");
        let effect = |value: &str| {
            let mut arguments = json!({});
            arguments[name] = json!(value);
            decider.decide(&tool, &arguments)
        };
        assert_eq!(effect(name), Effect::NeedsApproval, "{name}");
        assert_eq!(
            effect(&format!("{name}\n'\u{202e}\u{1f600}")),
            Effect::NeedsApproval,
            "{name}"
        );
        assert_eq!(effect("other"), Effect::Deny, "{name}");
        assert_eq!(decider.decide(&tool, &json!({"other": 1})), Effect::Deny);
    }
    assert!(
        written
            .policy
            .chars()
            .all(|c| c == '\n' || hexgate_base::is_printable(c))
    );
}

#[test]
fn a_schema_that_cannot_be_written_is_denied_or_said() {
    let deep = (0..60).fold(
        json!({"type": "string"}),
        |schema, _| json!({"type": "object", "properties": {"a": schema}, "required": ["a"]}),
    );
    let wide: serde_json::Map<String, Value> = (0..3_000)
        .map(|n| (format!("argument{n}"), json!({"type": "string"})))
        .collect();
    let many: serde_json::Map<String, Value> = (0..190)
        .map(|n| (format!("a{n}"), json!({"type": "string"})))
        .collect();
    let bomb: serde_json::Map<String, Value> = (0..30)
        .map(|n| {
            let next = json!({"$ref": format!("#/$defs/d{}", n + 1)});
            (
                format!("d{n}"),
                json!({"type": "object", "properties": {"a": next, "b": next, "c": next}}),
            )
        })
        .collect();
    let cases: Vec<(&str, Value, Option<&str>)> = vec![
        ("get_deep", deep, Some("too deep")),
        (
            "get_wide",
            json!({"type": "object", "properties": wide}),
            None,
        ),
        (
            "get_many",
            json!({"type": "object", "properties": many}),
            Some(""),
        ),
        (
            "get_bomb",
            json!({"$ref": "#/$defs/d0", "$defs": bomb}),
            Some("too"),
        ),
        (
            "get_cycle",
            json!({"properties": {"a": {"$ref": "#/properties/a"}}}),
            Some("too deep"),
        ),
        ("get_self", json!({"$ref": "#"}), None),
        (
            "get_tree",
            json!({"properties": {"a": {"$ref": "#"}}}),
            Some("too deep"),
        ),
        (
            "get_remote",
            json!({"properties": {"a": {"$ref": "https://evil.example/x.json"}}}),
            Some("nothing is fetched"),
        ),
        (
            "get_missing",
            json!({"properties": {"a": {"$ref": "#/$defs/none"}}}),
            Some("nothing is fetched"),
        ),
        (
            "get_never",
            json!({"properties": {"a": {"minimum": 5, "maximum": 1}}, "required": ["a"]}),
            Some(""),
        ),
        ("get_false", json!(false), None),
        ("get_true", json!(true), Some("")),
        ("get_text", json!("x"), None),
        (
            "get_array",
            json!({"properties": [1], "required": "a", "type": 5}),
            Some(""),
        ),
        (
            "get_not",
            json!({"properties": {"a": {"not": {"type": "string"}, "type": "string"}}}),
            Some("`not`"),
        ),
        (
            "get_pattern",
            json!({"properties": {"a": {"type": "string", "pattern": "^(?=x)(.*)*\\1$"}}}),
            Some("pattern"),
        ),
        (
            "get_open_pattern",
            json!({"properties": {"a": {"type": "string", "pattern": "abc"}}}),
            Some("pattern"),
        ),
        (
            "get_map",
            json!({"type": "object", "additionalProperties": true}),
            Some("any members"),
        ),
        (
            "get_huge_enum",
            json!({"properties": {"a": {"enum": (0..5_000).collect::<Vec<_>>()}}}),
            Some("enumeration"),
        ),
        (
            "get_object_enum",
            json!({"properties": {"a": {"enum": [{"x": 1}]}}}),
            Some("enumeration"),
        ),
        (
            "get_numbers",
            json!({"properties": {"a": {"minimum": -1e300, "maximum": 1.7976931348623157e308}}}),
            Some(""),
        ),
    ];
    let tools: Vec<ToolSchema> = cases
        .iter()
        .map(|(name, schema, _)| tool(name, schema.clone()))
        .collect();
    let written = written(&tools);
    for ((name, _, said), became) in cases.iter().zip(&written.tools) {
        match said {
            None => assert_eq!(became.mode, Mode::Deny, "{name} {:?}", became.left),
            Some(said) => {
                assert_eq!(became.mode, Mode::Allow, "{name}\n{}", written.policy);
                assert!(
                    said.is_empty() || became.left.iter().any(|left| left.contains(said)),
                    "{name}: {:?}",
                    became.left
                );
            }
        }
    }
    let decider = Decider::new(&written.policy);
    assert_eq!(
        decider.decide("mcp-s-get_many", &json!({"a1": "x"})),
        Effect::Allow
    );
    assert_eq!(
        decider.decide("mcp-s-get_many", &json!({"a1": 1})),
        Effect::Deny
    );
    assert_eq!(
        decider.decide("mcp-s-get_never", &json!({"a": 3})),
        Effect::Deny
    );
}

#[test]
fn a_server_without_tools_has_a_policy_that_denies_everything() {
    let written = written(&[]);
    assert_eq!(
        Decider::new(&written.policy).decide("mcp-s-x", &json!({})),
        Effect::Deny
    );
    let many = vec![tool("a", json!({})); 2_001];
    assert_eq!(
        starter("mcp-s-", &many),
        Err(StarterError::TooMany { found: 2_001 })
    );
}

/// A schema, and values some of which fit.
fn schema() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        Just("a".to_owned()),
        Just("b-c".to_owned()),
        Just("in".to_owned()),
        Just("it's".to_owned()),
        ".{0,6}"
    ];
    let leaf = prop_oneof![
        Just(json!({})),
        Just(json!(true)),
        Just(json!({"type": "boolean"})),
        Just(json!({"type": "null"})),
        Just(json!({"type": ["string", "null"]})),
        (0_u64..4, 0_u64..6).prop_map(
            |(least, most)| json!({"type": "string", "minLength": least, "maxLength": most})
        ),
        (-5_i64..5, -5_i64..8).prop_map(
            |(least, most)| json!({"type": "number", "minimum": least, "exclusiveMaximum": most})
        ),
        prop::collection::vec(value(), 0..4).prop_map(|values| json!({"enum": values})),
        value().prop_map(|value| json!({"const": value})),
        (
            prop::collection::vec(value(), 1..4),
            prop_oneof![
                Just("string"),
                Just("integer"),
                Just("null"),
                Just("object")
            ]
        )
            .prop_map(
                |(values, of)| json!({"type": [of, "boolean"], "enum": values, "maxLength": 1})
            ),
        Just(json!({"required": ["a"], "additionalProperties": {"type": "null"}})),
        Just(json!({"required": ["a"], "additionalProperties": false})),
        Just(json!({"required": ["a"]})),
        Just(json!({"properties": {"a": false}, "required": ["a"]})),
        Just(json!({"type": "string", "minLength": 2.0})),
        "[\\^$.|?*+()\\[\\]a-c{}0-9\\\\d]{0,8}"
            .prop_map(|pattern| json!({"type": "string", "pattern": pattern})),
        Just(json!({"$ref": "#"})),
        Just(json!({"type": "string", "$ref": "#/properties/a"})),
    ];
    leaf.prop_recursive(3, 24, 4, move |inner| {
        let members = prop::collection::btree_map(name.clone(), inner.clone(), 0..4);
        prop_oneof![
            (
                members,
                any::<bool>(),
                prop::option::of(inner.clone()),
                0_usize..3
            )
                .prop_map(
                    |(members, closed, more, required): (
                        BTreeMap<String, Value>,
                        bool,
                        Option<Value>,
                        usize
                    )| {
                        let required: Vec<&String> = members.keys().take(required).collect();
                        let mut schema =
                            json!({"type": "object", "properties": members, "required": required});
                        if closed {
                            schema["additionalProperties"] = json!(false);
                        } else if let Some(more) = more {
                            schema["additionalProperties"] = more;
                        }
                        schema
                    }
                ),
            (inner.clone(), 0_u64..3).prop_map(
                |(items, most)| json!({"type": "array", "items": items, "maxItems": most})
            ),
            (
                prop::collection::vec(inner.clone(), 0..4),
                prop_oneof![Just("anyOf"), Just("oneOf")]
            )
                .prop_map(|(branches, word)| json!({word: branches})),
            prop::collection::vec(inner, 1..3).prop_map(|parts| json!({"allOf": parts})),
        ]
    })
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        (-6_i64..9).prop_map(Value::from),
        "[a-c'\"\\\\\u{e9}0-9]{0,4}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(
                prop_oneof![
                    Just("a".to_owned()),
                    Just("b-c".to_owned()),
                    Just("in".to_owned()),
                    Just("it's".to_owned())
                ],
                inner,
                0..3
            )
            .prop_map(|members| json!(members)),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(160))]

    /// Whatever a server says, the policy compiles; and where it says that nothing is left out, it allows no call that the schema refuses.
    #[test]
    fn a_policy_compiles_and_is_no_wider_than_the_schema(
        schema in schema(),
        name in ".{1,12}",
        text in ".{0,200}",
        values in prop::collection::vec(value(), 12),
        members in prop::collection::vec(prop::collection::btree_map(prop_oneof![Just("a".to_owned()), Just("b-c".to_owned()), Just("in".to_owned()), Just("it's".to_owned())], value(), 0..3), 24),
    ) {
        let root = match schema.get("properties") {
            Some(_) => schema,
            None => json!({"type": "object", "properties": {"a": schema}}),
        };
        let tools = [ToolSchema { description: Some(text), ..tool(&name, root.clone()) }, tool("get_x", root.clone())];
        let written = starter("mcp-s-", &tools).unwrap();
        let became = &written.tools[1];
        if became.mode == Mode::Allow && became.left.is_empty() {
            let decider = Decider::new(&written.policy);
            let mut schemas = boon::Schemas::new();
            let mut compiler = boon::Compiler::new();
            compiler.add_resource("schema.json", root.clone()).unwrap();
            if let Ok(index) = compiler.compile("schema.json", &mut schemas) {
                let calls = members.into_iter().map(|members| json!(members)).chain(values.into_iter().map(|value| json!({"a": value})));
                for call in calls {
                    if decider.decide("mcp-s-get_x", &call) == Effect::Allow {
                        prop_assert!(schemas.validate(&call, index).is_ok(), "{call} passes\n{root}\n{}", written.policy);
                    }
                }
            }
        }
    }
}
