//! The sentences of the contract: the same in every engine and in every host.

use alloc::string::String;

use crate::{Denial, MAX_REASON, PathScope};

const DENIED: &str = "Policy denied tool ";
const FORBIDDEN: &str = "Policy forbids tool ";
const NEEDS_APPROVAL: &str = "Policy requires approval for tool ";

/// The reason of a denial without details of the policy: `Policy denied tool "T"`.
#[must_use]
pub fn denied(tool: &str) -> String {
    about(DENIED, tool)
}

/// The reason of a call that needs approval: `Policy requires approval for tool "T"`.
#[must_use]
pub fn approval(tool: &str) -> String {
    about(NEEDS_APPROVAL, tool)
}

fn about(sentence: &str, tool: &str) -> String {
    let mut text = String::from(sentence);
    quote(&mut text, tool);
    text
}

/// Words a denial: one sentence for the operator, and its details. All engines make the text here.
///
/// ```
/// # use hexgate_contract::Wording;
/// let mut wording = Wording::new("refund", ["support"].into_iter());
/// wording.role("support");
/// wording.denied();
/// wording.violation("args.amount <= 500");
/// let denial = wording.finish();
/// assert_eq!(denial.reason, r#"Policy denied tool "refund": args.amount <= 500"#);
/// ```
#[derive(Debug)]
pub struct Wording<'a> {
    tool: &'a str,
    denial: Denial,
    /// The separator before the next role's name; empty if there is one role at most.
    before_role: &'static str,
    before_violation: &'static str,
    /// Whether a role has named a scope for the call.
    hinted: bool,
}

impl<'a> Wording<'a> {
    /// Starts the denial for these roles. None: the policy knows none of them.
    pub fn new<'r>(tool: &'a str, roles: impl ExactSizeIterator<Item = &'r str>) -> Self {
        let mut wording = Self {
            tool,
            // Most reasons fit.
            denial: Denial::because(String::with_capacity(128)),
            before_role: "",
            before_violation: ": ",
            hinted: false,
        };
        match roles.len() {
            0 => wording.unlisted("default"),
            1 => {}
            _ => {
                let mut separator = "denied for all roles [";
                for role in roles {
                    wording.push(separator);
                    quote(&mut wording.denial.reason, role);
                    separator = ", ";
                }
                wording.before_role = "]: ";
            }
        }
        wording
    }

    /// Starts the denial of a call that no role can lift.
    pub fn for_all(tool: &'a str) -> Self {
        Self::new(tool, [""].into_iter())
    }

    /// Starts the reasons of this role.
    pub fn role(&mut self, role: &str) {
        if !self.before_role.is_empty() {
            self.push(self.before_role);
            self.push(role);
            self.push(": ");
            self.before_role = "; ";
        }
        self.before_violation = ": ";
    }

    /// No rule of the role is about the tool.
    #[inline(never)]
    pub fn unlisted(&mut self, role: &str) {
        self.denied();
        self.push(" (no allow rule matched for role ");
        quote(&mut self.denial.reason, role);
        self.push(")");
    }

    /// A rule of the role denies. Violated constraints, or the path, may follow as the reason.
    #[inline(never)]
    pub fn denied(&mut self) {
        self.push(DENIED);
        quote(&mut self.denial.reason, self.tool);
    }

    /// A forbid denies, or an exception with constraints. Its constraints may follow as the reason.
    #[inline(never)]
    pub fn forbidden(&mut self) {
        self.push(FORBIDDEN);
        quote(&mut self.denial.reason, self.tool);
    }

    /// What the model is told. The first message counts.
    #[inline(never)]
    pub fn message(&mut self, message: Option<&str>) {
        if self.denial.message.is_none() {
            self.denial.message = message.map(String::from);
        }
    }

    /// A constraint, as written, that was not true.
    #[inline(never)]
    pub fn violation(&mut self, source: &str) {
        self.push(self.before_violation);
        self.push(source);
        self.before_violation = "; ";
        let mut known = self.denial.violations.iter();
        // Byte by byte: the library's comparison of texts would be its only use in an engine.
        if !known.any(|known| known.bytes().eq(source.bytes())) {
            self.denial.violations.push(source.into());
        }
    }

    /// The constraints of several rules for one tool, as written, that were not true: each once.
    pub fn violations_once(&mut self, sources: &[&str]) {
        for (index, source) in sources.iter().enumerate() {
            let mut before = sources.iter().take(index);
            if !before.any(|before| before.bytes().eq(source.bytes())) {
                self.violation(source);
            }
        }
    }

    /// The path lies outside of the scope.
    pub fn outside(&mut self) {
        self.push(" for the requested path");
    }

    /// The scope where this role permits the call. It is kept if every role has the same.
    #[inline(never)]
    pub fn hint(&mut self, hint: Option<PathScope>) {
        if !self.hinted {
            self.denial.hint = hint;
            self.hinted = true;
        } else if self.denial.hint != hint {
            self.denial.hint = None;
        }
    }

    fn push(&mut self, text: &str) {
        push(&mut self.denial.reason, text);
    }

    /// The finished denial.
    pub fn finish(mut self) -> Denial {
        truncate(&mut self.denial.reason);
        self.denial
    }
}

// Texts, not characters: then all of a reason is appended by the same few instructions.
const QUOTE: &str = "\"";
const BACKSLASH: &str = "\\";
const DIGITS: &str = "0123456789abcdef";

/// Appends a name as a JSON string. A policy refuses names with control characters; what a host says of such a name keeps to one line.
pub fn quote(target: &mut String, name: &str) {
    push(target, QUOTE);
    let mut start = 0;
    for (index, byte) in name.bytes().enumerate() {
        if byte < b' ' || matches!(byte, b'"' | b'\\') {
            push(target, name.get(start..index).unwrap_or_default());
            start = index;
            if byte < b' ' {
                push(target, if byte < 16 { "\\u000" } else { "\\u001" });
                let digit = usize::from(byte & 15);
                push(target, DIGITS.get(digit..=digit).unwrap_or_default());
                start += 1;
            } else {
                push(target, BACKSLASH);
            }
        }
    }
    push(target, name.get(start..).unwrap_or_default());
    push(target, QUOTE);
}

#[inline(never)]
fn push(target: &mut String, text: &str) {
    target.push_str(text);
}

fn truncate(reason: &mut String) {
    if reason.len() > MAX_REASON {
        let mut end = MAX_REASON;
        while !reason.is_char_boundary(end) {
            end -= 1;
        }
        reason.truncate(end);
    }
}
