//! What a policy permits, by its own description.

use hexgate_contract::{ApprovalTerms, Coverage, FileScope, Forbid, Mode, Rule, Summary, Tools};
use hexgate_eval::names;

/// A role and its rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// Who has it, for people.
    pub description: Option<String>,
    /// The rule for unlisted tools first, then those for tools by name in the order of the names' bytes, then those for patterns in the
    /// order in which they are tried. Several can be for the same tools.
    pub rules: Vec<Rule>,
    /// What it forbids, in the order in which it is asked.
    pub forbids: Vec<Forbid>,
}

/// All of a policy's own description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// The policy as a whole.
    pub about: Summary,
    /// Its roles, in the order of the names' bytes.
    pub roles: Vec<Role>,
    /// What no role can lift, in the order in which it is asked.
    pub forbids: Vec<Forbid>,
    /// Its file scopes, by id.
    pub scopes: Vec<FileScope>,
    /// Its terms of approvals, by id.
    pub terms: Vec<ApprovalTerms>,
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
        if always_forbidden(&self.forbids, tool) {
            return false;
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

    /// Whether a rule or a forbid names the tool, itself or by a pattern. Rules for unlisted tools do not count.
    ///
    /// For questions that a host asks only of policies that know them: without a rule, a closed name such as `agent.run` is denied to everyone.
    /// When in doubt the answer is yes, as for an opaque policy.
    #[must_use]
    pub fn names(&self, tool: &str) -> bool {
        let forbids = |forbids: &[Forbid]| {
            let mut names = forbids.iter().flat_map(|forbid| &forbid.tools);
            names.any(|name| names::matches(name, tool))
        };
        self.about.coverage == Coverage::Opaque
            || forbids(&self.forbids)
            || self.roles.iter().any(|role| {
                forbids(&role.forbids)
                    || role.rules.iter().any(|rule| names_tool(&rule.tools, tool))
            })
    }
}

/// Whether a rule is for a tool by its name or by a pattern.
fn names_tool(tools: &Tools, tool: &str) -> bool {
    match tools {
        Tools::Unlisted => false,
        Tools::Exact(name) => name == tool,
        Tools::Pattern(pattern) => names::matches(pattern, tool),
    }
}

impl Role {
    fn may_ever_call(&self, tool: &str) -> bool {
        if always_forbidden(&self.forbids, tool) {
            return false;
        }
        let rules = || {
            self.rules_for(tool)
                .into_iter()
                .flat_map(|tools| self.rules.iter().filter(move |rule| rule.tools == *tools))
        };
        // An exception without a condition denies every call.
        rules().any(|rule| rule.mode != Mode::Deny)
            && !rules().any(|rule| {
                rule.mode == Mode::Deny && rule.constraints.is_empty() && rule.scope.is_none()
            })
    }

    /// What the rules that decide about a tool are written for: its name, else the first pattern that matches it, else unlisted tools.
    fn rules_for(&self, tool: &str) -> Option<&Tools> {
        let find = |is_it: &dyn Fn(&Tools) -> bool| {
            self.rules
                .iter()
                .map(|rule| &rule.tools)
                .find(|tools| is_it(tools))
        };
        find(&|tools| matches!(tools, Tools::Exact(name) if name == tool))
            .or_else(|| {
                find(&|tools| {
                    matches!(tools, Tools::Pattern(pattern) if names::matches(pattern, tool))
                })
            })
            .or_else(|| find(&|tools| *tools == Tools::Unlisted && !names::is_closed(tool)))
    }
}

/// Whether one of these forbids every call of the tool.
fn always_forbidden(forbids: &[Forbid], tool: &str) -> bool {
    forbids.iter().any(|forbid| {
        let about = match &*forbid.tools {
            [] => !names::is_closed(tool),
            tools => tools.iter().any(|name| names::matches(name, tool)),
        };
        about && forbid.constraints.is_empty() && forbid.scope.is_none()
    })
}

#[cfg(test)]
mod tests {
    use hexgate_contract::Limits;

    use super::*;

    fn rule(tools: Tools, mode: Mode) -> Rule {
        Rule {
            tools,
            mode,
            constraints: Vec::new(),
            scope: None,
            terms: None,
            message: None,
            description: None,
        }
    }

    fn exact(name: &str, mode: Mode) -> Rule {
        rule(Tools::Exact(name.into()), mode)
    }

    fn pattern(pattern: &str, mode: Mode) -> Rule {
        rule(Tools::Pattern(pattern.into()), mode)
    }

    fn unlisted(mode: Mode) -> Rule {
        rule(Tools::Unlisted, mode)
    }

    fn forbid(tools: &[&str], constraints: &[&str]) -> Forbid {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).into()).collect();
        Forbid {
            tools: texts(tools),
            constraints: texts(constraints),
            scope: None,
            message: None,
            description: None,
        }
    }

    fn role(name: &str, rules: Vec<Rule>) -> Role {
        Role {
            name: name.into(),
            description: None,
            rules,
            forbids: Vec::new(),
        }
    }

    fn described(coverage: Coverage, roles: Vec<Role>) -> Description {
        Description {
            about: Summary {
                coverage,
                source_digest: String::new(),
                compiler: String::new(),
                roles: 2,
                scopes: 0,
                terms: 0,
                limits: Limits::DEFAULT,
                facts: Vec::new(),
                description: None,
            },
            roles,
            forbids: Vec::new(),
            scopes: Vec::new(),
            terms: Vec::new(),
        }
    }

    fn description(coverage: Coverage) -> Description {
        let admin = vec![unlisted(Mode::Allow), exact("drop", Mode::Deny)];
        let default = vec![unlisted(Mode::Deny), exact("read", Mode::NeedsApproval)];
        described(
            coverage,
            vec![role("admin", admin), role("default", default)],
        )
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
        let mut described = description(Coverage::Opaque);
        assert!(described.may_ever_call(&[], "drop"));
        described.forbids.push(forbid(&[], &[]));
        assert!(described.may_ever_call(&[], "drop"));
    }

    #[test]
    fn a_policy_names_what_it_has_a_rule_or_a_forbid_for() {
        let rules = vec![
            unlisted(Mode::Allow),
            exact("agent.run", Mode::Deny),
            pattern("agent.tool:*", Mode::Allow),
        ];
        let mut described = described(Coverage::Complete, vec![role("a", rules)]);
        described
            .forbids
            .push(forbid(&["agent.handoff:*"], &["args.x == 1"]));
        for (tool, expected) in [
            ("agent.run", true),
            ("agent.tool:x", true),
            ("agent.handoff:x", true),
            ("agent.other", false),
            ("read", false),
        ] {
            assert_eq!(described.names(tool), expected, "{tool}");
        }
        described.about.coverage = Coverage::Opaque;
        assert!(described.names("read"));
    }

    #[test]
    fn closed_names_do_not_fall_to_the_rule_for_unlisted_tools() {
        let described = description(Coverage::Complete);
        assert!(!described.may_ever_call(&["admin"], "agent.run"));
        assert!(described.may_ever_call(&["admin"], "agents"));
    }

    #[test]
    fn the_first_pattern_that_matches_counts_behind_the_name() {
        let rules = vec![
            unlisted(Mode::Deny),
            exact("get_secret", Mode::Deny),
            pattern("get_key_*", Mode::Deny),
            pattern("get_*", Mode::Allow),
            pattern("agent.*", Mode::NeedsApproval),
        ];
        let described = described(Coverage::Complete, vec![role("a", rules)]);
        for (tool, expected) in [
            ("get_order", true),
            ("get_secret", false),
            ("get_key_1", false),
            ("put_order", false),
            ("agent.run", true),
        ] {
            assert_eq!(described.may_ever_call(&["a"], tool), expected, "{tool}");
        }
    }

    #[test]
    fn of_several_rules_one_has_to_permit_and_no_exception_to_deny_always() {
        let mut exception = exact("b", Mode::Deny);
        exception.constraints.push("args.x == 1".into());
        let rules = vec![
            unlisted(Mode::Allow),
            exact("a", Mode::Allow),
            exact("a", Mode::Deny),
            exact("b", Mode::Allow),
            exception.clone(),
            exact("b", Mode::NeedsApproval),
            Rule {
                tools: Tools::Exact("c".into()),
                ..exception
            },
        ];
        let described = described(Coverage::Complete, vec![role("r", rules)]);
        assert!(!described.may_ever_call(&["r"], "a"));
        assert!(described.may_ever_call(&["r"], "b"));
        assert!(!described.may_ever_call(&["r"], "c"));
        assert!(described.may_ever_call(&["r"], "d"));
    }

    #[test]
    fn what_is_forbidden_without_a_condition_is_hidden() {
        let forbids = vec![
            forbid(&["drop_*", "agent.kill"], &[]),
            forbid(&["read"], &["args.x == 1"]),
        ];
        let all = |role_forbids: Vec<Forbid>, forbids: Vec<Forbid>| {
            let mut admin = role(
                "a",
                vec![unlisted(Mode::Allow), exact("agent.run", Mode::Allow)],
            );
            admin.forbids = role_forbids;
            let other = role(
                "b",
                vec![unlisted(Mode::Allow), exact("agent.kill", Mode::Allow)],
            );
            let mut described = described(Coverage::Complete, vec![admin, other]);
            described.forbids = forbids;
            described
        };
        let ceiling = all(Vec::new(), forbids.clone());
        assert!(!ceiling.may_ever_call(&["a", "b"], "drop_table"));
        assert!(!ceiling.may_ever_call(&["b"], "agent.kill"));
        assert!(ceiling.may_ever_call(&["a"], "read"));
        let own = all(forbids, Vec::new());
        assert!(!own.may_ever_call(&["a"], "drop_table"));
        assert!(own.may_ever_call(&["a", "b"], "drop_table"));
        let open = all(Vec::new(), vec![forbid(&[], &[])]);
        assert!(!open.may_ever_call(&["a"], "read"));
        assert!(open.may_ever_call(&["a"], "agent.run"));
    }
}
