//! What goes into a decision.

/// One proposed tool call, borrowed from the caller.
///
/// Arguments and facts stay text: the bytes that were decided must be the bytes that run.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    pub(crate) roles: &'a [&'a str],
    pub(crate) tool: &'a str,
    pub(crate) arguments: &'a str,
    pub(crate) facts: Option<&'a str>,
}

impl<'a> Request<'a> {
    /// A call of `tool` with `arguments`, a JSON object as text, by a caller without roles and without further facts.
    pub fn new(tool: &'a str, arguments: &'a str) -> Self {
        Self {
            roles: &[],
            tool,
            arguments,
            facts: None,
        }
    }

    /// The caller's roles, in the caller's order, at most 32. Without any, the policy's default role decides.
    #[must_use]
    pub fn roles(self, roles: &'a [&'a str]) -> Self {
        Self { roles, ..self }
    }

    /// Further facts: a JSON object as text, with no members other than `ctx`, `run` and `user`.
    #[must_use]
    pub fn facts(self, facts: &'a str) -> Self {
        Self {
            facts: Some(facts),
            ..self
        }
    }
}
