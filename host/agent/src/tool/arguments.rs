//! The arguments of a tool: their schema, and how they are read.

use hexgate_enforce::Permit;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::ToolError;

/// The arguments that were decided, as the tool knows them.
///
/// # Errors
///
/// `invalid_arguments`: they are not of the type. The schema said so before, unless the type asks for more than its schema does.
pub fn arguments<T: DeserializeOwned>(permit: &Permit) -> Result<T, ToolError> {
    serde_json::from_str(permit.arguments()).map_err(|error| {
        ToolError::new(
            "invalid_arguments",
            format!("the arguments are not what the tool takes: {error}"),
        )
    })
}

/// The JSON schema of the arguments of a tool, made of their type: one object, as providers of models take it, without references where there
/// can be none. Arguments that it does not name are refused.
#[must_use]
pub fn schema<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.meta_schema = None;
        settings.inline_subschemas = true;
    });
    let mut schema: Value = settings.into_generator().into_root_schema_for::<T>().into();
    if let Value::Object(members) = &mut schema {
        // It is about the Rust type.
        members.remove("title");
        let says = |keyword: &str| members.contains_key(keyword);
        // With alternatives, each has members that the others do not name.
        let has_alternatives = says("oneOf") || says("anyOf") || says("allOf") || says("$ref");
        if !says("additionalProperties") && !says("unevaluatedProperties") {
            let keyword = if has_alternatives {
                "unevaluatedProperties"
            } else {
                "additionalProperties"
            };
            members.insert(keyword.to_owned(), false.into());
        }
        // Alternatives say it each for itself, and a type without fields says nothing more.
        members.entry("type").or_insert("object".into());
        if !has_alternatives {
            members
                .entry("properties")
                .or_insert_with(|| Value::Object(serde_json::Map::new()));
        }
    }
    schema
}
