//! References within a schema. Nothing is ever fetched.

use serde_json::Value;

/// What `$ref` names: a JSON pointer into the schema itself. None: it leads elsewhere, or to nothing.
pub(super) fn resolve<'a>(root: &'a Value, reference: &str) -> Option<&'a Value> {
    let pointer = reference.strip_prefix('#')?;
    if pointer.is_empty() {
        return Some(root);
    }
    // A fragment of a URL can escape characters. An anchor is no pointer, and not looked for.
    if pointer.len() > 1_024 || !pointer.starts_with('/') || pointer.contains('%') {
        return None;
    }
    root.pointer(pointer)
}
