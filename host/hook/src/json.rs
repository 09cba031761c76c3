//! Objects of JSON, read strictly: no name twice, and values as the text that they are.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::failure::Failure;

/// The members of an object, in their order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Object(Vec<(String, Box<RawValue>)>);

impl Object {
    /// Reads an object.
    pub(crate) fn read(text: &[u8], what: &str) -> Result<Self, Failure> {
        serde_json::from_slice(text)
            .map_err(|error| Failure::malformed(format!("{what} is not an object: {error}")))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&RawValue> {
        let found = self.0.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| &**value)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// A member that is a text. One that is absent or `null` is none.
    pub(crate) fn text(&self, name: &str) -> Result<Option<String>, Failure> {
        self.get(name).map_or(Ok(None), |value| {
            serde_json::from_str(value.get())
                .map_err(|_| Failure::malformed(format!("`{name}` is not a text")))
        })
    }

    /// A member that has to be a text.
    pub(crate) fn needed_text(&self, name: &str) -> Result<String, Failure> {
        self.text(name)?
            .ok_or_else(|| Failure::malformed(format!("`{name}` is missing")))
    }

    /// A member that is a list of texts.
    pub(crate) fn texts(&self, name: &str) -> Result<Vec<String>, Failure> {
        let value = self.get(name).filter(|value| value.get() != "null");
        value.map_or(Ok(Vec::new()), |value| {
            serde_json::from_str(value.get())
                .map_err(|_| Failure::malformed(format!("`{name}` is not a list of texts")))
        })
    }

    /// A member that is an object. Absent or `null` is none.
    pub(crate) fn object(&self, name: &str) -> Result<Option<Self>, Failure> {
        match self.get(name) {
            Some(value) if value.get() != "null" => {
                Self::read(value.get().as_bytes(), &format!("`{name}`")).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Removes a member.
    pub(crate) fn take(&mut self, name: &str) -> Option<Box<RawValue>> {
        let at = self.0.iter().position(|(own, _)| own == name)?;
        Some(self.0.remove(at).1)
    }

    /// Sets a member: in its place if it is there, else at the end.
    pub(crate) fn set(&mut self, name: &str, value: Box<RawValue>) {
        match self.0.iter_mut().find(|(own, _)| own == name) {
            Some((_, own)) => *own = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    pub(crate) fn members(&self) -> impl Iterator<Item = (&str, &RawValue)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The object as text, without blanks between its members.
    pub(crate) fn to_text(&self) -> String {
        let members: Vec<String> = self
            .members()
            .map(|(name, value)| format!("{}:{}", quoted(name), value.get()))
            .collect();
        format!("{{{}}}", members.join(","))
    }
}

/// A text as JSON.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A value as JSON. None for what JSON does not have, which no caller here passes.
pub(crate) fn raw(value: &(impl serde::Serialize + ?Sized)) -> Option<Box<RawValue>> {
    serde_json::value::to_raw_value(value).ok()
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Object;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
        let mut object = Object::default();
        while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
            if object.has(&name) {
                return Err(A::Error::custom(format!(
                    "`{}` stands twice in it",
                    name.escape_debug()
                )));
            }
            object.0.push((name, value));
        }
        Ok(object)
    }
}
