//! What is asked.

use alloc::{borrow::Cow, string::String, vec::Vec};

use crate::json;

/// What a policy is asked, cut out of a body.
#[derive(Debug, Clone)]
pub struct Call<'a> {
    /// The caller's roles.
    pub roles: Vec<String>,
    /// The tool, or what a policy calls an action on a resource.
    pub tool: String,
    /// The arguments, a JSON object: as they were sent, or of parts that were.
    pub arguments: Cow<'a, str>,
    /// The facts, a JSON object. None: there are none.
    pub facts: Option<String>,
    /// Who is meant, and where. None: the interface does not say.
    pub entities: Option<Entities<'a>>,
}

/// The subject and the context of an evaluation.
#[derive(Debug, Clone)]
pub struct Entities<'a> {
    /// `subject.id`
    pub id: String,
    /// `subject`, a JSON object, as it was sent: the fact `user`.
    pub subject: &'a str,
    /// `context`, likewise: the fact `ctx`.
    pub context: Option<&'a str>,
}

/// Facts of the members that were sent, byte for byte. None: none was.
pub(crate) fn facts(members: &[(&str, Option<&str>)]) -> Option<String> {
    let mut object = json::Object::new();
    let mut any = false;
    for (name, text) in members {
        if let Some(text) = text {
            object.raw(name, text);
            any = true;
        }
    }
    any.then(|| object.finish())
}
