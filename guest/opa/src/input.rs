//! A request as the policy's `input`.
//!
//! The arguments and the facts go in as the host passed them: the reader has accepted these bytes, and another spelling could be
//! read as something else. But for escaped pairs of surrogates, which OPA itself reads as something else, see [`push_json`].

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
        push_json(&mut text, request.arguments);
        if !facts.is_empty() {
            text.push(',');
            push_json(&mut text, facts);
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

/// Appends JSON that the reader has accepted, with escaped pairs of surrogates as the characters that they stand for. OPA's WebAssembly
/// puts the halves of a pair together by an *or* where the code point is a sum, and so takes U+20000 for U+10000, U+E0041 for U+D0041.
pub(crate) fn push_json(target: &mut String, json: &str) {
    let mut rest = json;
    while let Some((plain, escape)) = rest.split_once('\\') {
        target.push_str(plain);
        rest = match pair(escape) {
            Some(c) => {
                target.push(c);
                escape.get(PAIR..).unwrap_or_default()
            }
            None => {
                // What is escaped may be a backslash.
                let (escaped, after) = escape.split_at_checked(1).unwrap_or((escape, ""));
                target.push('\\');
                target.push_str(escaped);
                after
            }
        };
    }
    target.push_str(rest);
}

/// The bytes of an escaped pair, without the first backslash.
const PAIR: usize = "uD83D\\uDE00".len();

/// The character of an escaped pair of surrogates that a text begins with, behind its first backslash.
fn pair(escape: &str) -> Option<char> {
    let unit = |text: &str| {
        let digits = text.strip_prefix('u')?.get(..4)?;
        u16::from_str_radix(digits, 16).ok()
    };
    let units = [unit(escape)?, unit(escape.get(5..)?.strip_prefix('\\')?)?];
    let first = char::decode_utf16(units).next()?.ok()?;
    (first > '\u{ffff}').then_some(first)
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
    fn escaped_pairs_are_written_out_and_nothing_else_is() {
        for (json, expected) in [
            (r#""\ud83d\uDE00""#, "\"😀\""),
            (
                r#"{"\uD840\udc00": "\udb40\uDC41\udbff\udfff"}"#,
                "{\"\u{20000}\": \"\u{e0041}\u{10ffff}\"}",
            ),
            (r#""\\ud83d\\ude00""#, r#""\\ud83d\\ude00""#),
            (r#""\\\ud840\udc00""#, "\"\\\\\u{20000}\""),
            (
                r#""\"\\\/\b\u0041\u00e9\uffff\n""#,
                r#""\"\\\/\b\u0041\u00e9\uffff\n""#,
            ),
            (r#""é😀\u0041\ud840\udc00""#, "\"é😀\\u0041\u{20000}\""),
            ("\\", "\\"),
            (r"\ud840\u", r"\ud840\u"),
            (r"\ud840é", r"\ud840é"),
        ] {
            let mut text = String::new();
            push_json(&mut text, json);
            assert_eq!(text, expected);
        }
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
