//! The members of a JSON object as they are written: in their order, twice if they stand twice, numbers never through a float.

use std::fmt;

use serde::{
    Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

/// Names and values. None if the text is not one JSON object.
pub(super) fn members(text: &str) -> Option<Vec<(String, String)>> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let members = reader.deserialize_map(Members).ok()?;
    reader.end().ok()?;
    Some(members)
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(String, String)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
            members.push((name, value.get().to_owned()));
        }
        Ok(members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_told_as_they_are_written() {
        let told = |text: &str| {
            members(text).map(|members| {
                members
                    .into_iter()
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect::<Vec<_>>()
            })
        };
        assert_eq!(
            told(r#"{"b": 1.00e2, "a": {"x": [1 , 2]}, "b": "\u202e"} "#),
            Some(vec![
                "b=1.00e2".to_owned(),
                r#"a={"x": [1 , 2]}"#.to_owned(),
                r#"b="\u202e""#.to_owned()
            ])
        );
        assert_eq!(told("{}"), Some(vec![]));
        for bad in ["", "[]", "1", "{} {}", r#"{"a": }"#, "null"] {
            assert_eq!(told(bad), None, "{bad}");
        }
    }
}
