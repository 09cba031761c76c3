//! The arguments of a call as a person reads them: members in order, one a line, every value as it is written. Numbers are not read, so that
//! none is shown as another one.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The deepest nesting that is shown in lines.
const MAX_DEPTH: usize = 32;

/// JSON in lines. A text that is none is shown as it is.
pub(super) fn pretty(text: &str) -> String {
    let mut out = String::new();
    match serde_json::from_str::<&RawValue>(text) {
        Ok(value) => write(value.get(), 0, &mut out),
        Err(_) => out.push_str(text),
    }
    out
}

fn write(text: &str, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth + 1);
    if depth < MAX_DEPTH
        && text.starts_with('{')
        && let Ok(Members(mut members)) = serde_json::from_str(text)
        && !members.is_empty()
    {
        members.sort_by(|(one, _), (other, _)| one.cmp(other));
        out.push('{');
        for (index, (name, value)) in members.iter().enumerate() {
            out.push_str(if index == 0 { "\n" } else { ",\n" });
            out.push_str(&indent);
            out.push_str(&serde_json::Value::from(name.as_str()).to_string());
            out.push_str(": ");
            write(value.get(), depth + 1, out);
        }
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
        out.push('}');
        return;
    }
    if depth < MAX_DEPTH
        && text.starts_with('[')
        && let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(text)
        && !items.is_empty()
    {
        out.push('[');
        for (index, item) in items.iter().enumerate() {
            out.push_str(if index == 0 { "\n" } else { ",\n" });
            out.push_str(&indent);
            write(item.get(), depth + 1, out);
        }
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
        out.push(']');
        return;
    }
    out.push_str(text);
}

/// The members of an object, all of them, also those that have one name.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(All)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_shown_as_it_is_written() {
        assert_eq!(
            pretty(
                r#"{"b":1.10,"a":{"z":[],"y":[1,{"x":"\u001b"}]},"n":123456789012345678901234567890}"#
            ),
            "{\n  \"a\": {\n    \"y\": [\n      1,\n      {\n        \"x\": \"\\u001b\"\n      }\n    ],\n    \"z\": []\n  },\n  \"b\": 1.10,\n  \"n\": 123456789012345678901234567890\n}"
        );
        assert_eq!(pretty("{}"), "{}");
        assert_eq!(pretty("not json"), "not json");
        assert_eq!(pretty(r#"{"a":1,"a":2}"#), "{\n  \"a\": 1,\n  \"a\": 2\n}");
        let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
        assert!(pretty(&deep).contains(&"[".repeat(68)));
    }
}
