//! A request as the policy's `input`.
//!
//! The arguments and the facts go in as the host passed them: the reader has accepted these bytes, and another spelling could be
//! read as something else.

use alloc::string::String;

use hexgate_contract::{Request, quote};

/// The input of a request, with room for a role that is put in later.
#[derive(Debug)]
pub(crate) struct Input {
    text: String,
    /// Where the role goes.
    shared: usize,
}

impl Input {
    /// `{"roles": […], "tool": …, "args": …}` and the members of the facts. The request has been checked.
    pub(crate) fn new(request: &Request<'_>) -> Self {
        let facts = members(request.facts.unwrap_or_default());
        let names: usize = request.roles.iter().map(|role| 2 * role.len() + 3).sum();
        let mut text = String::with_capacity(
            // The names of the members, and one role more, each of its bytes perhaps escaped.
            names + 4 * request.tool.len() + request.arguments.len() + facts.len() + 640,
        );
        text.push_str("{\"roles\":[");
        for (index, role) in request.roles.iter().enumerate() {
            if index > 0 {
                text.push(',');
            }
            quote(&mut text, role);
        }
        text.push_str("],\"tool\":");
        quote(&mut text, request.tool);
        text.push_str(",\"args\":");
        text.push_str(request.arguments);
        if !facts.is_empty() {
            text.push(',');
            text.push_str(facts);
        }
        let shared = text.len();
        text.push('}');
        Self { text, shared }
    }

    /// The input without a role of its own.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The input for one role.
    pub(crate) fn for_role(&mut self, role: &str) -> &str {
        self.text.truncate(self.shared);
        self.text.push_str(",\"role\":");
        quote(&mut self.text, role);
        self.text.push('}');
        &self.text
    }
}

/// What stands between the outermost braces of an object.
fn members(object: &str) -> &str {
    let white = [' ', '\t', '\n', '\r'];
    let object = object.trim_matches(white);
    let inside = object.strip_prefix('{').unwrap_or_default();
    inside
        .strip_suffix('}')
        .unwrap_or_default()
        .trim_matches(white)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_goes_in_as_it_was_passed() {
        let request = Request::new("t", " {\"x\": 1.0} ")
            .roles(&["a", "b \"c\\"])
            .facts("\n{ \"ctx\": {\"a\":{}} }\t");
        let mut input = Input::new(&request);
        let shared = r#"{"roles":["a","b \"c\\"],"tool":"t","args": {"x": 1.0} ,"ctx": {"a":{}}"#;
        assert_eq!(input.text(), [shared, "}"].concat());
        assert_eq!(
            input.for_role("\"é"),
            [shared, r#","role":"\"é"}"#].concat()
        );
        assert_eq!(input.for_role("b"), [shared, r#","role":"b"}"#].concat());
    }

    #[test]
    fn facts_without_members_add_nothing() {
        for facts in [None, Some("{}"), Some(" { \n} ")] {
            let request = Request::new("t", "{}").optional_facts(facts);
            assert_eq!(
                Input::new(&request).text(),
                r#"{"roles":[],"tool":"t","args":{}}"#
            );
        }
    }
}
