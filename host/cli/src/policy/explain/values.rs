//! The values of a call, by path, as they are written.

use std::{borrow::Cow, collections::BTreeMap};

use hexgate_compiler::expr::{Path, Root, Step};
use serde_json::value::RawValue;

/// What a call brings: the text of each value as the caller wrote it.
#[derive(Debug, Clone)]
pub(super) struct Values<'a> {
    arguments: &'a str,
    facts: Option<&'a str>,
    role: &'a str,
    tool: &'a str,
    /// What `.` is: what to call it, and its value.
    element: Option<(String, String)>,
}

/// The types of JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Null,
    Bool,
    Number,
    String,
    List,
    Object,
}

impl Type {
    /// The type of a JSON text.
    pub(super) fn of(json: &str) -> Self {
        match json.trim_start().as_bytes().first() {
            Some(b'n') => Self::Null,
            Some(b't' | b'f') => Self::Bool,
            Some(b'"') => Self::String,
            Some(b'[') => Self::List,
            Some(b'{') => Self::Object,
            _ => Self::Number,
        }
    }

    /// With an article.
    pub(super) fn described(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "a boolean",
            Self::Number => "a number",
            Self::String => "a string",
            Self::List => "a list",
            Self::Object => "an object",
        }
    }
}

impl<'a> Values<'a> {
    /// The values of a call that a role judges.
    pub(super) fn new(
        arguments: &'a str,
        facts: Option<&'a str>,
        role: &'a str,
        tool: &'a str,
    ) -> Self {
        Self {
            arguments,
            facts,
            role,
            tool,
            element: None,
        }
    }

    /// The same within a quantifier, or in `optional`.
    pub(super) fn with(&self, label: String, element: String) -> Self {
        Self {
            element: Some((label, element)),
            ..self.clone()
        }
    }

    /// What to call the innermost element.
    pub(super) fn element_label(&self) -> Option<&str> {
        self.element.as_ref().map(|(label, _)| label.as_str())
    }

    /// The value at a path. None: nothing is there.
    pub(super) fn at(&self, path: &Path) -> Option<Cow<'_, str>> {
        let mut value = match path.root {
            Root::Role => return serde_json::to_string(self.role).ok().map(Cow::Owned),
            Root::Tool => return serde_json::to_string(self.tool).ok().map(Cow::Owned),
            Root::Args => self.arguments.trim(),
            Root::Ctx | Root::Run | Root::Said | Root::Usage | Root::User | Root::UserUsage => {
                member(self.facts?, path.root.name())?
            }
            Root::Element => &self.element.as_ref()?.1,
        };
        for step in &path.steps {
            value = match step {
                Step::Member(name) => member(value, name)?,
                Step::Element(index) => elements(value)?.get(*index as usize)?,
            };
        }
        Some(Cow::Borrowed(value))
    }

    /// The elements of the list at a path. None: there is no list.
    pub(super) fn elements(&self, path: &Path) -> Option<Vec<&str>> {
        let Some(Cow::Borrowed(list)) = self.at(path) else {
            return None;
        };
        elements(list)
    }

    /// The member of the object at a path that has a name, which is written as JSON. None: there is none.
    pub(super) fn member(&self, path: &Path, name: &str) -> Option<&str> {
        let Some(Cow::Borrowed(object)) = self.at(path) else {
            return None;
        };
        member(object, &serde_json::from_str::<String>(name).ok()?)
    }

    /// The member names of the object at a path. None: there is no object.
    pub(super) fn names(&self, path: &Path) -> Option<Vec<String>> {
        let value = self.at(path)?;
        if Type::of(&value) != Type::Object {
            return None;
        }
        let members: BTreeMap<String, &RawValue> = serde_json::from_str(&value).ok()?;
        Some(members.into_keys().collect())
    }

    /// The paths that an argument gives, unescaped: a string, or the strings of a list. None: it gives none.
    pub(super) fn paths(&self, name: &str) -> Option<Vec<String>> {
        let value = member(self.arguments.trim(), name)?;
        match Type::of(value) {
            Type::List => serde_json::from_str(value).ok(),
            _ => serde_json::from_str(value).ok().map(|path| vec![path]),
        }
    }
}

fn elements(list: &str) -> Option<Vec<&str>> {
    if Type::of(list) != Type::List {
        return None;
    }
    let elements: Vec<&RawValue> = serde_json::from_str(list).ok()?;
    Some(elements.into_iter().map(RawValue::get).collect())
}

fn member<'a>(object: &'a str, name: &str) -> Option<&'a str> {
    if Type::of(object) != Type::Object {
        return None;
    }
    let mut members: BTreeMap<String, &'a RawValue> = serde_json::from_str(object).ok()?;
    members.remove(name).map(RawValue::get)
}

#[cfg(test)]
mod tests {
    use hexgate_compiler::{
        constraint,
        expr::{ExprKind, Test},
    };

    use super::*;

    fn path(text: &str) -> Path {
        match constraint::parse(&format!("present({text})"), &BTreeMap::new())
            .unwrap()
            .expr
            .kind
        {
            ExprKind::Test(path, Test::Present) => path,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn values_keep_their_spelling() {
        let values = Values::new(
            r#" {"a": {"b c": 1.50}, "l": [1e2, "x"], "\u0064": 1e999} "#,
            Some(r#"{"ctx": {"e": null}}"#),
            "r\"",
            "t",
        );
        let at = |text: &str| values.at(&path(text)).map(Cow::into_owned);
        assert_eq!(at(r#"args.a["b c"]"#).as_deref(), Some("1.50"));
        assert_eq!(at("args.d").as_deref(), Some("1e999"));
        assert_eq!(at("ctx.e").as_deref(), Some("null"));
        assert_eq!(at("role").as_deref(), Some(r#""r\"""#));
        for absent in ["args.x", "args.l.x", "args.a.b", "user.x", "ctx.e.f"] {
            assert_eq!(at(absent), None, "{absent}");
        }
        assert_eq!(values.elements(&path("args.l")), Some(vec!["1e2", "\"x\""]));
        assert_eq!(values.names(&path("args.a")), Some(vec!["b c".to_owned()]));
        assert_eq!(values.elements(&path("args.a")), None);
    }
}
