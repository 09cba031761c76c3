//! JSON that can be decided and sent on without a change of its meaning.
//!
//! A message is read into values and written again for the server. What values cannot hold would be changed on the way, so that something
//! else would run than was sent: a key that stands twice, of which one would be lost, and a number that no 64-bit number is. Such a message is
//! refused. What is decided is the text that is written for the server, byte for byte.

use std::collections::HashSet;
use std::fmt;

use rmcp::model::{ErrorCode, ErrorData, JsonObject, RequestId};
use serde::Deserialize;
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::Number;

/// Why a message is refused before it is understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// It is not JSON.
    #[error("not_json: the message is not JSON in UTF-8")]
    NotJson,
    /// It is an array of messages.
    #[error("batch: batches are not accepted; send one message at a time")]
    Batch,
    /// It is not an object.
    #[error("not_an_object: a message is a JSON object")]
    NotObject,
    /// A key stands twice in an object.
    #[error("duplicate_key: a key stands twice in an object")]
    DuplicateKey,
    /// A number cannot be kept.
    #[error(
        "inexact_number: a number has more digits or a larger exponent than a 64-bit number can keep; send it as a text"
    )]
    Number,
    /// It is larger than is accepted.
    #[error("too_large: a message has at most {0} bytes")]
    TooLarge(usize),
    /// Its id is that of a request that has no answer yet.
    #[error("duplicate_id: a request with this id has no answer yet")]
    DuplicateId,
    /// It asks for something and has no id, so that no answer would reach the client.
    #[error(
        "no_id: a request has an id that is not null; only messages whose method begins with `notifications/` have none"
    )]
    NoId,
    /// It is JSON, but no message of the protocol.
    #[error("not_a_message: this is no message of the protocol")]
    NotMessage,
}

impl Refusal {
    /// The error of JSON-RPC.
    #[must_use]
    pub fn error(&self) -> ErrorData {
        let code = match self {
            Self::NotJson => ErrorCode::PARSE_ERROR,
            _ => ErrorCode::INVALID_REQUEST,
        };
        ErrorData::new(code, self.to_string(), None)
    }
}

/// Looks at one message of a client.
///
/// # Errors
///
/// It is not one JSON object, or it would not come through unchanged.
pub fn message(bytes: &[u8]) -> Result<(), Refusal> {
    look(bytes, is_kept)?;
    if is_without_id(bytes) {
        return Err(Refusal::NoId);
    }
    Ok(())
}

/// Whether it is a request that would have to be answered under no id. What names no method is looked at by whoever reads it as a message.
fn is_without_id(bytes: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Asked {
        method: String,
        id: Option<IgnoredAny>,
    }
    serde_json::from_slice::<Asked>(bytes)
        .is_ok_and(|it| it.id.is_none() && !it.method.starts_with("notifications/"))
}

/// Looks at one message of a server. Nothing of it is decided, and many programs write fractions with more digits than they mean, so only
/// whole numbers must be kept.
///
/// # Errors
///
/// It is not one JSON object, or it would not come through unchanged.
pub fn answer(bytes: &[u8]) -> Result<(), Refusal> {
    look(bytes, |number| {
        number.contains(['.', 'e', 'E']) || is_kept(number)
    })
}

fn look(bytes: &[u8], is_kept: impl Fn(&str) -> bool) -> Result<(), Refusal> {
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    match first {
        Some(b'{') => {}
        Some(b'[') => return Err(Refusal::Batch),
        Some(_) if serde_json::from_slice::<IgnoredAny>(bytes).is_ok() => {
            return Err(Refusal::NotObject);
        }
        _ => return Err(Refusal::NotJson),
    }
    let text = std::str::from_utf8(bytes).map_err(|_| Refusal::NotJson)?;
    match once(bytes) {
        Ok(()) => {}
        Err(error) if error.is_data() => return Err(Refusal::DuplicateKey),
        Err(_) => return Err(Refusal::NotJson),
    }
    if numbers(text).all(&is_kept) {
        Ok(())
    } else {
        Err(Refusal::Number)
    }
}

/// Looks whether this is JSON in which no key stands twice, at any depth. The error does not show the key.
pub(crate) fn once(bytes: &[u8]) -> Result<(), serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    Once.deserialize(&mut reader)?;
    reader.end()
}

/// The id of a request that is refused, if it can be read.
#[must_use]
pub fn id(bytes: &[u8]) -> Option<RequestId> {
    #[derive(Deserialize)]
    struct Only {
        id: Option<RequestId>,
    }
    serde_json::from_slice::<Only>(bytes).ok()?.id
}

/// The object that is written as this very text. None: it would be written in another way, and must not be sent.
#[must_use]
pub fn object(decided: &str) -> Option<JsonObject> {
    let object: JsonObject = serde_json::from_str(decided).ok()?;
    let written = serde_json::to_string(&object).ok()?;
    (written == decided).then_some(object)
}

/// Any value in which no key stands twice.
struct Once;

impl<'de> DeserializeSeed<'de> for Once {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Once {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Once)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(key) = members.next_key::<String>()? {
            if !seen.insert(key) {
                return Err(A::Error::custom("a name stands twice in an object"));
            }
            members.next_value_seed(Once)?;
        }
        Ok(())
    }
}

/// The numbers of a text that is JSON, as they are written.
fn numbers(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let at = rest.find(|c: char| c == '"' || c == '-' || c.is_ascii_digit())?;
            rest = rest.get(at..)?;
            if let Some(inside) = rest.strip_prefix('"') {
                rest = after_string(inside);
                continue;
            }
            let end = rest
                .find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E'))
                .unwrap_or(rest.len());
            let (number, behind) = rest.split_at(end);
            rest = behind;
            return Some(number);
        }
    })
}

/// What follows a string, of which this is the rest.
fn after_string(inside: &str) -> &str {
    let mut is_escaped = false;
    for (at, byte) in inside.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return inside.get(at + 1..).unwrap_or_default(),
            _ => {}
        }
    }
    ""
}

/// Whether a number means the same once it was read and written.
fn is_kept(number: &str) -> bool {
    let Ok(read) = serde_json::from_str::<Number>(number) else {
        return false;
    };
    let written = read.to_string();
    // Few large numbers are read again as a neighbour of what was written.
    let is_stable =
        serde_json::from_str::<Number>(&written).is_ok_and(|again| again.to_string() == written);
    let kept = Decimal::of(&written);
    is_stable && kept.is_some() && kept == Decimal::of(number)
}

/// A number in its one decimal form.
#[derive(PartialEq)]
struct Decimal {
    is_negative: bool,
    /// Without zeros at either end; empty for zero.
    digits: String,
    /// The power of ten of the last digit.
    exponent: i64,
}

impl Decimal {
    /// None: the exponent is too large to be looked at.
    fn of(text: &str) -> Option<Self> {
        let (is_negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        let digits = all.trim_end_matches('0');
        let dropped = i64::try_from(all.len() - digits.len()).ok()?;
        let exponent = exponent
            .checked_sub(i64::try_from(fraction.len()).ok()?)?
            .checked_add(dropped)?;
        let digits = digits.trim_start_matches('0');
        Some(Self {
            is_negative,
            exponent: if digits.is_empty() { 0 } else { exponent },
            digits: digits.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_would_change_on_the_way_is_refused() {
        for (text, expected) in [
            (r#"{"a":1,"b":{"a":2},"c":[{"a":3},{"a":4}]}"#, Ok(())),
            (
                r#" {"a":"\"1e999\\","n":0.1,"m":-0,"x":1E2,"y":1.50} "#,
                Ok(()),
            ),
            (
                r#"{"n":18446744073709551615,"m":-9223372036854775808}"#,
                Ok(()),
            ),
            (r#"{"a":1,"a":2}"#, Err(Refusal::DuplicateKey)),
            (r#"{"a":1,"\u0061":2}"#, Err(Refusal::DuplicateKey)),
            (r#"{"x":[{"k":{"a":1,"a":1}}]}"#, Err(Refusal::DuplicateKey)),
            (r#"{"n":18446744073709551616}"#, Err(Refusal::Number)),
            (r#"{"n":9007199254740993.0}"#, Err(Refusal::Number)),
            (r#"{"n":0.10000000000000000555}"#, Err(Refusal::Number)),
            (r#"{"n":1e-400}"#, Err(Refusal::Number)),
            (r#"{"n":1e400}"#, Err(Refusal::NotJson)),
            (r#"[{"a":1}]"#, Err(Refusal::Batch)),
            (r#""text""#, Err(Refusal::NotObject)),
            ("12", Err(Refusal::NotObject)),
            ("", Err(Refusal::NotJson)),
            (r#"{"a":"\ud800"}"#, Err(Refusal::NotJson)),
            (r#"{"a":1} x"#, Err(Refusal::NotJson)),
            (r#"{"a":1,}"#, Err(Refusal::NotJson)),
        ] {
            assert_eq!(message(text.as_bytes()), expected, "{text}");
        }
        assert_eq!(message(b"{\"a\":\"\xff\"}"), Err(Refusal::NotJson));
        let written = br#"{"n":0.10000000000000001}"#;
        assert_eq!(message(written), Err(Refusal::Number));
        assert_eq!(answer(written), Ok(()));
        assert_eq!(
            answer(br#"{"n":18446744073709551616}"#),
            Err(Refusal::Number)
        );
        assert_eq!(answer(br#"{"n":1,"n":1}"#), Err(Refusal::DuplicateKey));
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(4000), "]".repeat(4000));
        assert_eq!(message(deep.as_bytes()), Err(Refusal::NotJson));
    }

    #[test]
    fn only_the_very_text_is_sent() {
        assert!(object(r#"{"b":1,"a":{"z":1.5,"y":"é"}}"#).is_some());
        for other in [
            r#"{"a": 1}"#,
            r#"{"a":1,"a":1}"#,
            r#"{"a":1.50}"#,
            "[]",
            "{",
        ] {
            assert_eq!(object(other), None, "{other}");
        }
    }

    #[test]
    fn an_id_is_read_where_there_is_one() {
        assert_eq!(
            id(br#"{"id":7,"x":{"a":1,"a":2}}"#),
            Some(RequestId::Number(7))
        );
        assert_eq!(id(b"{"), None);
        assert_eq!(id(b"{}"), None);
    }

    #[test]
    fn a_number_that_is_another_one_when_it_is_read_again_is_refused() {
        assert_eq!(message(br#"{"n":5520e38}"#), Err(Refusal::Number));
        assert_eq!(message(br#"{"n":5.5e3}"#), Ok(()));
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_written_with_the_same_meaning(number in "-?(0|[1-9][0-9]{0,22})(\\.[0-9]{1,20})?([eE][-+]?[0-9]{1,3})?") {
            let text = format!("{{\"n\":{number}}}");
            if message(text.as_bytes()).is_ok() {
                let read: JsonObject = serde_json::from_str(&text).unwrap();
                let written = serde_json::to_string(&read).unwrap();
                prop_assert!(object(&written).is_some());
                prop_assert_eq!(message(written.as_bytes()), Ok(()));
            }
        }
    }
}
