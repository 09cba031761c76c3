//! The builtins that a policy may use: those that OPA's WebAssembly has within itself.
//!
//! All others would be calls of the host, and a policy component has none: no clock, no network, no randomness. OPA is told so by a
//! list of its own builtins without them, and refuses at build time a policy that uses another.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Opa, OpaError};

/// The names of all builtins that OPA's WebAssembly has within itself, in order.
pub const NATIVE_BUILTINS: &[&str] = &[
    "abs",
    "all",
    "and",
    "any",
    "array.concat",
    "array.flatten",
    "array.reverse",
    "array.slice",
    "base64.decode",
    "base64.encode",
    "base64.is_valid",
    "base64url.decode",
    "base64url.encode",
    "bits.and",
    "bits.lsh",
    "bits.negate",
    "bits.or",
    "bits.rsh",
    "bits.xor",
    "ceil",
    "concat",
    "contains",
    "count",
    "div",
    "endswith",
    "equal",
    "floor",
    "format_int",
    "glob.match",
    "graph.reachable",
    "gt",
    "gte",
    "indexof",
    "internal.member_2",
    "internal.member_3",
    "internal.template_string",
    "intersection",
    "is_array",
    "is_boolean",
    "is_null",
    "is_number",
    "is_object",
    "is_set",
    "is_string",
    "json.filter",
    "json.is_valid",
    "json.marshal",
    "json.remove",
    "json.unmarshal",
    "lower",
    "lt",
    "lte",
    "max",
    "min",
    "minus",
    "mul",
    "neq",
    "net.cidr_contains",
    "net.cidr_intersects",
    "net.cidr_overlap",
    "numbers.range",
    "object.filter",
    "object.get",
    "object.keys",
    "object.remove",
    "object.union",
    "object.union_n",
    "or",
    "plus",
    "product",
    "re_match",
    "regex.find_all_string_submatch_n",
    "regex.is_valid",
    "regex.match",
    "rem",
    "replace",
    "round",
    "set_diff",
    "sort",
    "split",
    "startswith",
    "strings.replace_n",
    "strings.reverse",
    "substring",
    "sum",
    "to_number",
    "trim",
    "trim_left",
    "trim_prefix",
    "trim_right",
    "trim_space",
    "trim_suffix",
    "type_name",
    "union",
    "upper",
    "walk",
];

/// Builtins that are gone when a module is built: unification and assignment are planned, metadata are constants, and printing is
/// left out.
const COMPILED_AWAY: &[&str] = &[
    "assign",
    "eq",
    "internal.print",
    "print",
    "rego.metadata.chain",
    "rego.metadata.rule",
];

/// What policies may use, and what else this `opa` has.
pub(super) struct Capabilities {
    /// In the form that OPA reads.
    pub(super) json: Vec<u8>,
    /// The builtins that were left out.
    pub(super) refused: BTreeSet<String>,
}

/// Asks an `opa` for what it has, and leaves out what needs a host.
pub(super) fn of(opa: &Opa) -> Result<Capabilities, OpaError> {
    const COMMAND: &str = "capabilities";
    let ran = opa.run(COMMAND, &["--current"], None)?;
    if !ran.status.success() {
        return Err(opa.failed(COMMAND, &ran));
    }
    narrow(&ran.stdout).ok_or_else(|| opa.answer(COMMAND, "a list of OPA's builtins"))
}

fn narrow(said: &[u8]) -> Option<Capabilities> {
    let mut document: Value = serde_json::from_slice(said).ok()?;
    let root = document.as_object_mut()?;
    let builtins = root.get_mut("builtins")?.as_array_mut()?;
    let mut refused = BTreeSet::new();
    let mut nameless = false;
    builtins.retain(
        |builtin| match builtin.get("name").and_then(Value::as_str) {
            Some(name) if NATIVE_BUILTINS.contains(&name) || COMPILED_AWAY.contains(&name) => true,
            Some(name) => {
                refused.insert(name.to_owned());
                false
            }
            None => {
                nameless = true;
                false
            }
        },
    );
    if nameless || builtins.is_empty() {
        return None;
    }
    // Annotations may refer to schemas by URL, which a build would then fetch.
    root.insert("allow_net".to_owned(), Value::Array(Vec::new()));
    Some(Capabilities {
        json: serde_json::to_vec(&document).ok()?,
        refused,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_sorted() {
        assert!(NATIVE_BUILTINS.is_sorted() && COMPILED_AWAY.is_sorted());
    }

    #[test]
    fn what_needs_a_host_is_left_out_and_the_rest_kept() {
        let said = br#"{"builtins": [{"name": "count", "decl": {}}, {"name": "http.send"}, {"name": "eq"}], "features": ["rego_v1"]}"#;
        let narrowed = narrow(said).unwrap();
        assert_eq!(Vec::from_iter(narrowed.refused), ["http.send"]);
        assert_eq!(
            serde_json::from_slice::<Value>(&narrowed.json).unwrap(),
            serde_json::json!({"builtins": [{"name": "count", "decl": {}}, {"name": "eq"}], "features": ["rego_v1"], "allow_net": []})
        );
    }

    #[test]
    fn garbage_is_no_list() {
        for said in [
            "",
            "{}",
            "[]",
            r#"{"builtins": []}"#,
            r#"{"builtins": [{}]}"#,
            r#"{"builtins": [{"name": "http.send"}]}"#,
            "ok",
        ] {
            assert!(narrow(said.as_bytes()).is_none(), "{said}");
        }
    }
}
