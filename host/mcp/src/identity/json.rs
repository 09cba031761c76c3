//! JSON that has one reading: a name stands once in an object.

use serde_json::{Map, Value};

use crate::exact;

/// Reads an object in which no name stands twice, at any depth. The error is a reason for a message.
pub(super) fn object(bytes: &[u8]) -> Result<Map<String, Value>, String> {
    // The name is not shown: it is part of a token.
    exact::once(bytes).map_err(|error| error.to_string())?;
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err("it is no object".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
