//! Whether two texts are the same JSON value. Whole numbers count digit by digit, so that one that was rounded is another one.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// Whether they are. Texts that are no JSON are the same if their bytes are.
pub(super) fn same(one: &str, other: &str) -> bool {
    match (canonical(one), canonical(other)) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}

/// One spelling of a value: members sorted, texts and fractions as this library writes them, whole numbers as they stand. None: it is no JSON,
/// or an object has a key twice.
fn canonical(text: &str) -> Option<String> {
    let text = text.trim();
    match text.bytes().next()? {
        b'{' => {
            let members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(text).ok()?;
            let written = members.iter().map(|(name, value)| {
                let name = serde_json::to_string(name).ok()?;
                Some(format!("{name}:{}", canonical(value.get())?))
            });
            Some(format!(
                "{{{}}}",
                written.collect::<Option<Vec<_>>>()?.join(",")
            ))
        }
        b'[' => {
            let items: Vec<Box<RawValue>> = serde_json::from_str(text).ok()?;
            let written = items.iter().map(|item| canonical(item.get()));
            Some(format!(
                "[{}]",
                written.collect::<Option<Vec<_>>>()?.join(",")
            ))
        }
        b'"' => {
            let value: String = serde_json::from_str(text).ok()?;
            serde_json::to_string(&value).ok()
        }
        b'-' | b'0'..=b'9' if text.contains(['.', 'e', 'E']) => {
            let value: f64 = text.parse().ok()?;
            Some(value.to_string())
        }
        b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => {
            serde_json::from_str::<Box<RawValue>>(text).ok()?;
            Some(text.to_owned())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn values_are_compared_and_not_their_spelling() {
        for (one, other) in [
            (
                r#"{"a": 1, "b": [true, null]}"#,
                r#"{"b":[true,null],"a":1}"#,
            ),
            (r#"{"a": "\u0041"}"#, r#"{"a":"A"}"#),
            (r#"{"a": 1.50}"#, r#"{"a":1.5}"#),
        ] {
            assert!(same(one, other), "{one} {other}");
        }
        for (one, other) in [
            (
                r#"{"a": 18446744073709551617}"#,
                r#"{"a":18446744073709551616}"#,
            ),
            (r#"{"a": 1}"#, r#"{"a":"1"}"#),
            (r#"{"a": 1}"#, r#"{"a":1,"b":2}"#),
            ("[1,2]", "[2,1]"),
            ("{", "["),
        ] {
            assert!(!same(one, other), "{one} {other}");
        }
    }
}
