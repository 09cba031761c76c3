//! The JSON schema of policy documents, for editors: it knows keys and types, the compiler knows the rest.

/// JSON Schema, draft 2020-12.
pub const POLICY_SCHEMA: &str = include_str!("../schema/policy.schema.json");
