//! What a policy permits, by its own description.

use hexgate_contract::{Coverage, FileScope, Mode, Rule, Summary};

/// A role and its rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// The rule for unlisted tools first, then one rule a tool, in the order of the names' bytes.
    pub rules: Vec<Rule>,
}

/// All of a policy's own description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// The policy as a whole.
    pub about: Summary,
    /// Its roles, in the order of the names' bytes.
    pub roles: Vec<Role>,
    /// Its file scopes, by id.
    pub scopes: Vec<FileScope>,
}

impl Description {
    /// Whether a caller with these roles could be allowed to call the tool, with some arguments and possibly after approval.
    ///
    /// For hiding tools that a model can never call. When in doubt the answer is yes: for an opaque policy nothing is hidden.
    /// This is not a decision; only [`Policy::decide`](crate::Policy::decide) makes one.
    #[must_use]
    pub fn may_ever_call(&self, roles: &[&str], tool: &str) -> bool {
        if self.about.coverage == Coverage::Opaque {
            return true;
        }
        let mut known = self
            .roles
            .iter()
            .filter(|role| roles.contains(&role.name.as_str()))
            .peekable();
        if known.peek().is_some() {
            return known.any(|role| role.may_ever_call(tool));
        }
        // A caller without a role that the policy knows is decided by the role `default`.
        self.roles
            .iter()
            .any(|role| role.name == "default" && role.may_ever_call(tool))
    }
}

impl Role {
    fn may_ever_call(&self, tool: &str) -> bool {
        let own = self
            .rules
            .iter()
            .find(|rule| rule.tool.as_deref() == Some(tool));
        let rule = own.or_else(|| self.rules.iter().find(|rule| rule.tool.is_none()));
        rule.is_some_and(|rule| rule.mode != Mode::Deny)
    }
}

#[cfg(test)]
mod tests {
    use hexgate_contract::Limits;

    use super::*;

    fn rule(tool: Option<&str>, mode: Mode) -> Rule {
        Rule {
            tool: tool.map(Into::into),
            mode,
            constraints: Vec::new(),
            scope: None,
        }
    }

    fn description(coverage: Coverage) -> Description {
        Description {
            about: Summary {
                coverage,
                source_digest: String::new(),
                compiler: String::new(),
                roles: 2,
                scopes: 0,
                limits: Limits::DEFAULT,
            },
            roles: vec![
                Role {
                    name: "admin".into(),
                    rules: vec![rule(None, Mode::Allow), rule(Some("drop"), Mode::Deny)],
                },
                Role {
                    name: "default".into(),
                    rules: vec![
                        rule(None, Mode::Deny),
                        rule(Some("read"), Mode::NeedsApproval),
                    ],
                },
            ],
            scopes: Vec::new(),
        }
    }

    #[test]
    fn hides_what_no_role_of_the_caller_can_call() {
        let described = description(Coverage::Complete);
        assert!(described.may_ever_call(&["admin"], "anything"));
        assert!(!described.may_ever_call(&["admin"], "drop"));
        assert!(described.may_ever_call(&["nobody"], "read"));
        assert!(!described.may_ever_call(&[], "anything"));
        assert!(!described.may_ever_call(&["default", "admin"], "drop"));
    }

    #[test]
    fn hides_nothing_of_a_policy_that_cannot_be_described() {
        assert!(description(Coverage::Opaque).may_ever_call(&[], "drop"));
    }
}
