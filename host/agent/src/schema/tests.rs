//! What schemas are taken, and what arguments fit.

use serde_json::{Value, json};

use super::{DEPTH, SCHEMA_BYTES, STEPS, Schema, SchemaError};

fn refund() -> Schema {
    Schema::new(&json!({
        "type": "object",
        "properties": {
            "order": {"type": "string", "pattern": "^[A-Z]-\\d+$"},
            "amount": {"type": "number", "exclusiveMinimum": 0},
            "items": {"type": "array", "items": {"$ref": "#/$defs/item"}},
        },
        "required": ["order", "amount"],
        "additionalProperties": false,
        "$defs": {"item": {"type": "object", "properties": {"name": {"enum": ["a", "b"]}}}},
    }))
    .unwrap()
}

#[test]
fn arguments_fit_or_the_reason_names_the_place() {
    let schema = refund();
    schema
        .check(&json!({"order": "A-1", "amount": 5, "items": [{"name": "a"}]}))
        .unwrap();
    for (arguments, reason) in [
        (json!({"order": "A-1"}), "`amount` is missing"),
        (
            json!({"order": "A-1", "amount": 5, "to": 1, "x": 2}),
            "there is no argument `to`, `x`",
        ),
        (
            json!({"order": "A-1", "amount": "5"}),
            "at `/amount` want number, but got string",
        ),
        (
            json!({"order": "A-1", "amount": 0}),
            "at `/amount` must be > 0 but got 0",
        ),
        (
            json!({"order": "a\n1", "amount": 1}),
            "at `/order` 'a\\n1' does not match pattern '^[A-Z]-[0-9]+$'",
        ),
        (
            json!({"order": "A-1", "amount": 1, "items": [{"name": "c"}, {"name": 1}]}),
            "at `/items/0/name` value must be one of 'a', 'b'; at `/items/1/name` value must be one of 'a', 'b'",
        ),
        (json!([]), "want object, but got array"),
        (Value::Null, "want object, but got null"),
    ] {
        assert_eq!(schema.check(&arguments).unwrap_err(), reason, "{arguments}");
    }
}

#[test]
fn reasons_are_short_and_have_no_control_characters() {
    let schema = refund();
    let long = "\u{1b}[2J".repeat(10_000);
    let mut members = serde_json::Map::new();
    for n in 0..100 {
        members.insert(format!("{n}\u{1b}{long}"), json!(1));
    }
    members.insert("items".into(), json!(vec![json!({"name": long}); 50]));
    let reason = schema.check(&Value::Object(members)).unwrap_err();
    assert!(reason.len() < 5 * 1000, "{}", reason.len());
    assert!(!reason.chars().any(char::is_control));
    assert!(reason.ends_with("more"), "{reason}");
}

#[test]
fn what_is_no_schema_of_arguments_is_refused() {
    for schema in [
        json!(true),
        json!({}),
        json!({"type": "string"}),
        json!({"type": ["object", "null"]}),
        json!([]),
    ] {
        assert_eq!(
            Schema::new(&schema).unwrap_err(),
            SchemaError::NoObject,
            "{schema}"
        );
    }
    for (schema, reason) in [
        (
            json!({"type": "object", "properties": 5}),
            "the schema is not valid: at `/properties` want object, but got number",
        ),
        (
            json!({"type": "object", "required": "a"}),
            "the schema is not valid: at `/required` want array, but got string",
        ),
        (
            json!({"type": "object", "properties": {"a": {"type": "text"}}}),
            "the schema is not valid: at `/properties/a/type`",
        ),
        (
            json!({"type": "object", "$schema": "https://example.com/schema"}),
            "a schema is not fetched",
        ),
        (
            json!({"type": "object", "$schema": "file:///etc/passwd"}),
            "a schema is not fetched",
        ),
    ] {
        let error = Schema::new(&schema).unwrap_err().to_string();
        assert!(error.contains(reason), "{schema}: {error}");
    }
}

#[test]
fn a_schema_leads_nowhere_but_into_itself() {
    for reference in [
        "https://example.com/schema.json",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "other.json#/a",
        "#name",
        "#/$defs/none",
        "#/%24defs/a",
        "",
    ] {
        let schema = json!({
            "type": "object",
            "properties": {"a": {"$ref": reference}},
            "$defs": {"a": {"$anchor": "name"}},
        });
        assert_eq!(
            Schema::new(&schema).unwrap_err(),
            SchemaError::Reference {
                place: "/properties/a".into(),
                reference: reference.into()
            }
        );
    }
    for keyword in ["$dynamicRef", "$recursiveRef", "$id"] {
        let schema = json!({"type": "object", "properties": {"a": {keyword: "#"}}});
        assert!(
            matches!(Schema::new(&schema), Err(SchemaError::Reference { .. })),
            "{keyword}"
        );
    }
    for (schema, place) in [
        (json!({"type": "object", "$ref": "#"}), ""),
        (
            json!({"type": "object", "allOf": [{"not": {"$ref": "#/allOf/0"}}]}),
            "/allOf/0",
        ),
    ] {
        let error = Schema::new(&schema).unwrap_err();
        assert_eq!(
            error,
            SchemaError::Cycle {
                place: place.into()
            }
        );
    }
}

#[test]
fn a_schema_is_bounded() {
    let long = json!({"type": "object", "description": "a".repeat(SCHEMA_BYTES)});
    assert_eq!(Schema::new(&long).unwrap_err(), SchemaError::TooLarge);
    let mut deep = json!({});
    for _ in 0..DEPTH {
        deep = json!({"not": deep});
    }
    let deep = json!({"type": "object", "not": deep});
    assert_eq!(Schema::new(&deep).unwrap_err(), SchemaError::TooLarge);
    for pattern in ["(a{1000}){1000}", "[a", "(?=a)"] {
        for schema in [
            json!({"type": "object", "properties": {"a": {"pattern": pattern}}}),
            json!({"type": "object", "patternProperties": {pattern: {}}}),
        ] {
            assert!(
                matches!(Schema::new(&schema), Err(SchemaError::Pattern { .. })),
                "{schema}"
            );
        }
    }
    // The classes of ECMAScript are small.
    Schema::new(
        &json!({"type": "object", "properties": {"a": {"pattern": "^[\\w-]{1,64}\\\\\\d$"}}}),
    )
    .unwrap();
}

#[test]
fn arguments_are_bounded() {
    let schema = Schema::new(&json!({"type": "object"})).unwrap();
    let mut deep = json!({});
    for _ in 0..DEPTH {
        deep = json!({"a": deep});
    }
    let reason = schema.check(&deep).unwrap_err();
    assert_eq!(
        reason,
        format!("the arguments are nested more deeply than {DEPTH} levels")
    );
    schema.check(&deep["a"]).unwrap();
}

#[test]
fn recursion_that_doubles_is_stopped_and_other_recursion_is_not() {
    let list = json!({"properties": {"next": {"$ref": "#/$defs/node"}}});
    let chain = |levels: usize| {
        let mut value = json!({"next": 1});
        for _ in 1..levels {
            value = json!({"next": value});
        }
        value
    };
    let one =
        Schema::new(&json!({"type": "object", "$ref": "#/$defs/node", "$defs": {"node": list}}))
            .unwrap();
    one.check(&chain(60)).unwrap();
    // Two branches look at the same member: each level doubles the work.
    let two = json!({"type": "object", "$ref": "#/$defs/node", "$defs": {"node": {"allOf": [list, list]}}});
    let two = Schema::new(&two).unwrap();
    two.check(&chain(12)).unwrap();
    assert_eq!(
        two.check(&chain(60)).unwrap_err(),
        "the arguments are too large for their schema"
    );
    // Without any depth: each definition has the next one twice.
    let mut defs = serde_json::Map::new();
    for n in 0..60 {
        let next = json!({"$ref": format!("#/$defs/{}", n + 1)});
        defs.insert(n.to_string(), json!({"anyOf": [next, next]}));
    }
    defs.insert("60".into(), json!({"required": ["a"]}));
    let wide = Schema::new(&json!({"type": "object", "$ref": "#/$defs/0", "$defs": defs})).unwrap();
    assert_eq!(
        wide.check(&json!({})).unwrap_err(),
        "the arguments are too large for their schema"
    );
}

#[test]
fn steps_are_counted_exactly() {
    let steps =
        |schema: Value, value: Value| Schema::new(&schema).unwrap().graph.steps(&value, STEPS);
    let plain = json!({"type": "object", "properties": {"a": {}, "b": {"items": {"not": {}}}}});
    // The root, and one part a member, and the counting of each.
    assert_eq!(steps(plain.clone(), json!({})), 1);
    assert_eq!(steps(plain.clone(), json!({"a": 1})), 1 + 1 + 1);
    assert_eq!(
        steps(plain.clone(), json!({"b": [1, 2]})),
        1 + 1 + 1 + 2 * (1 + 2)
    );
    // Ten thousand items are nothing to stop at.
    Schema::new(&plain)
        .unwrap()
        .check(&json!({"b": vec![0; 10_000]}))
        .unwrap_err();
    assert!(steps(plain, json!({"b": vec![0; 10_000]})) < 50_000);
}

#[test]
fn schemas_of_the_usual_generators_are_taken() {
    // pydantic, zod-to-json-schema (draft 7, references to places), schemars.
    for schema in [
        json!({
            "type": "object", "title": "Args", "required": ["kind"],
            "properties": {"kind": {"anyOf": [{"$ref": "#/$defs/Kind"}, {"type": "null"}], "default": null}},
            "$defs": {"Kind": {"enum": ["a"], "title": "Kind", "type": "string"}},
        }),
        json!({
            "$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "additionalProperties": false,
            "properties": {"a": {"type": "string", "format": "email"}, "b": {"$ref": "#/properties/a"}},
        }),
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "https://example.com/args", "type": "object",
            "properties": {"n": {"type": "integer", "format": "uint32", "minimum": 0}},
        }),
        json!({"type": "object", "properties": {"a": {"type": "array", "prefixItems": [{"type": "string"}], "items": false}}}),
        json!({"$schema": "http://json-schema.org/draft-04/schema#", "type": "object", "properties": {"a": {"items": [{}]}}}),
    ] {
        Schema::new(&schema).unwrap_or_else(|error| panic!("{schema}: {error}"));
    }
}
