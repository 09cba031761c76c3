//! Arguments that frameworks keep as values: the text that is decided is the text of what runs.

use serde_json::Value;

/// The value that is written as this very text. None: written again it would be another text, so it is not what was decided.
///
/// Frameworks give tools values. A number that is read as another one than was written must not run under a decision about the first.
#[must_use]
pub fn value(decided: &str) -> Option<Value> {
    let value: Value = serde_json::from_str(decided).ok()?;
    let written = value.to_string();
    (written == decided).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_text_is_a_value() {
        for text in [r#"{"b":1,"a":[1.5,null,"é"]}"#, r#"{"n":0.1}"#, "{}"] {
            // Whether members keep their order is for the program's features to say.
            let written = serde_json::from_str::<Value>(text).unwrap().to_string();
            assert_eq!(value(&written).unwrap().to_string(), written);
        }
        for text in [r#"{"a": 1}"#, r#"{"a":1,"a":2}"#, r#"{"a":1.50}"#, "{", ""] {
            assert_eq!(value(text), None, "{text}");
        }
    }
}
