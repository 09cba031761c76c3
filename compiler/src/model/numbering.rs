//! The numbers by which verdicts and descriptions name file scopes and approval terms: the same in every engine.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    Approval, Entry, Forbid, Mode, NamePattern, Policy, Role, Rule, Scope, ToolName, Tools,
};

/// The most forbids with a scope that are about some of the tools of one pattern, or of `default_policy`, and not about others.
pub const MAX_PARTIAL_FORBIDS: usize = hexgate_eval::plan::layout::MAX_CHOICE;

/// All that a path must satisfy: what the number of a scope stands for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Bounds<'p> {
    /// The rule's own scope.
    pub scope: Option<&'p Scope>,
    /// The scopes of the exceptions and forbids for the tool: none of their denied patterns may cover the path.
    pub exclusions: Vec<&'p Scope>,
}

/// Which tools a rule is for.
#[derive(Debug, Clone, Copy)]
pub enum For<'p> {
    /// Those that are not listed.
    Unlisted,
    /// The one of that name.
    Tool(&'p str),
    /// Those that match.
    Pattern(&'p NamePattern),
}

/// The number of the scope of a grant, which can depend on the tool's name.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice<'p> {
    /// The forbids that are about some of the tools that the rule is for.
    pub forbids: Vec<&'p Arc<Forbid>>,
    /// The numbers: the bits of the index tell which of these forbids are about the tool, the first one the lowest.
    pub scopes: Vec<Option<u32>>,
}

/// Too many forbids with a scope are about some of the tools that a rule is for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "more than {MAX_PARTIAL_FORBIDS} forbids with a file scope are about some of the tools of {rule}, and not about all; list the tools by name"
)]
pub struct TooManyForbids {
    /// The pattern in quotes, or `default_policy`.
    pub rule: String,
}

/// The scopes and approval terms of a policy by number.
#[derive(Debug, Default)]
pub struct Numbering<'p> {
    /// The scopes.
    pub scopes: Vec<Bounds<'p>>,
    /// The approval terms.
    pub approvals: Vec<&'p Approval>,
    scope_numbers: HashMap<Bounds<'p>, u32>,
    approval_numbers: HashMap<&'p Approval, u32>,
    ceiling: &'p [Arc<Forbid>],
}

/// What the scopes of a role's rules depend on, besides the rules themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guard {
    /// Nothing.
    None,
    /// The tool's name: a forbid beside the roles has a scope.
    Tool,
    /// The role: a forbid of its own has one.
    Role,
}

/// Where an entry stands in memory, and the tool if its scopes depend on that.
pub(crate) type Key<'p> = (*const (), Option<&'p str>);

impl Guard {
    /// Equal for entries with the same numbers. None: those of this one are for itself.
    pub(crate) fn key<'p>(self, tool: For<'p>, entry: &'p Entry) -> Option<Key<'p>> {
        let place = match entry {
            Entry::Rule(rule) => Arc::as_ptr(rule).cast(),
            Entry::Rules(rules) => rules.as_ptr().cast(),
        };
        match (self, tool) {
            (Self::None, _) => Some((place, None)),
            (Self::Tool, For::Tool(name)) => Some((place, Some(name))),
            (Self::Tool, For::Pattern(_) | For::Unlisted) | (Self::Role, _) => None,
        }
    }
}

impl<'p> Numbering<'p> {
    /// The numbers of a policy, of which none is given yet. They are given in the order in which they are asked for.
    #[must_use]
    pub fn new(policy: &'p Policy) -> Self {
        Self {
            ceiling: &policy.forbids,
            ..Self::default()
        }
    }

    /// Numbers all of a policy: role by role, the rule for unlisted tools first, then tool by tool, then pattern by pattern, then the
    /// forbids; at last the forbids beside the roles.
    ///
    /// # Errors
    ///
    /// If a rule would have more scopes than a choice can tell apart.
    pub fn of(policy: &'p Policy) -> Result<Self, TooManyForbids> {
        let mut numbering = Self::new(policy);
        // Entries are shared by many roles: those that were seen are not looked at again.
        let mut seen = HashSet::new();
        for role in policy.roles.values() {
            let guard = numbering.guard(role);
            let unlisted = std::slice::from_ref(&role.default_rule);
            numbering.rules(role, For::Unlisted, unlisted)?;
            for (name, entry) in &role.tools {
                let numbered = entry.rules().iter().any(|rule| {
                    guard != Guard::None || rule.scope.is_some() || rule.approval.is_some()
                });
                if numbered
                    && guard
                        .key(For::Tool(name), entry)
                        .is_none_or(|key| seen.insert(key))
                {
                    numbering.rules(role, For::Tool(name), entry.rules())?;
                }
            }
            for (pattern, entry) in &role.patterns {
                numbering.rules(role, For::Pattern(pattern), entry.rules())?;
            }
            for forbid in &role.forbids {
                numbering.own(forbid.scope.as_ref());
            }
        }
        for forbid in &policy.forbids {
            numbering.own(forbid.scope.as_ref());
        }
        Ok(numbering)
    }

    fn rules(
        &mut self,
        role: &'p Role,
        tool: For<'p>,
        rules: &'p [Arc<Rule>],
    ) -> Result<(), TooManyForbids> {
        for rule in rules {
            self.number(role, tool, rules, rule)?;
            if let Some(approval) = &rule.approval {
                self.approval(approval);
            }
        }
        Ok(())
    }

    /// What the scopes of a role's rules depend on.
    pub(crate) fn guard(&self, role: &Role) -> Guard {
        let scoped = |forbids: &[Arc<Forbid>]| forbids.iter().any(|forbid| forbid.scope.is_some());
        if scoped(&role.forbids) {
            Guard::Role
        } else if scoped(self.ceiling) {
            Guard::Tool
        } else {
            Guard::None
        }
    }

    /// The number of a scope that stands alone in bounds, if one was given.
    pub(crate) fn known(&self, scope: &'p Scope) -> Option<u32> {
        let alone = Bounds {
            scope: Some(scope),
            exclusions: Vec::new(),
        };
        self.scope_numbers.get(&alone).copied()
    }

    /// The number of a scope that stands alone: of an exception or of a forbid.
    pub fn own(&mut self, scope: Option<&'p Arc<Scope>>) -> Option<u32> {
        self.bounds(Bounds {
            scope: Some(scope?),
            exclusions: Vec::new(),
        })
    }

    /// The number of approval terms.
    pub fn approval(&mut self, approval: &'p Approval) -> u32 {
        if let Some(number) = self.approval_numbers.get(approval) {
            return *number;
        }
        let number = self.approvals.len() as u32;
        self.approvals.push(approval);
        self.approval_numbers.insert(approval, number);
        number
    }

    /// The number of the scope of a rule that stands among `rules` for these tools of a role. Of an exception it is that of its own scope.
    ///
    /// # Errors
    ///
    /// If there were more scopes than a choice can tell apart.
    pub fn number(
        &mut self,
        role: &'p Role,
        tool: For<'p>,
        rules: &'p [Arc<Rule>],
        rule: &'p Rule,
    ) -> Result<Choice<'p>, TooManyForbids> {
        if rule.mode == Mode::Deny {
            return Ok(Choice {
                forbids: Vec::new(),
                scopes: vec![self.own(rule.scope.as_ref())],
            });
        }
        let mut always = Vec::new();
        let mut partial = Vec::new();
        for (forbid, scope) in self.scoped(role) {
            match about(&forbid.tools, tool, role) {
                About::All => always.push(scope),
                About::Some => partial.push((forbid, scope)),
                About::None => {}
            }
        }
        if partial.len() > MAX_PARTIAL_FORBIDS {
            let rule = match tool {
                For::Pattern(pattern) => crate::diagnostic::quoted(pattern.as_str()),
                For::Tool(_) | For::Unlisted => "`default_policy`".to_owned(),
            };
            return Err(TooManyForbids { rule });
        }
        let exceptions = rules.iter().filter(|other| other.mode == Mode::Deny);
        always.extend(exceptions.filter_map(|exception| exception.scope.as_deref()));
        let mut scopes = Vec::new();
        for mask in 0..1usize << partial.len() {
            let chosen = partial
                .iter()
                .enumerate()
                .filter(|(bit, _)| mask >> bit & 1 == 1);
            let mut exclusions = always.clone();
            exclusions.extend(chosen.map(|(_, (_, scope))| *scope));
            let mut known = HashSet::new();
            exclusions.retain(|scope| known.insert(*scope));
            scopes.push(self.bounds(Bounds {
                scope: rule.scope.as_deref(),
                exclusions,
            }));
        }
        Ok(Choice {
            forbids: partial.into_iter().map(|(forbid, _)| forbid).collect(),
            scopes,
        })
    }

    /// The forbids with a scope that count for a role.
    fn scoped(
        &self,
        role: &'p Role,
    ) -> impl Iterator<Item = (&'p Arc<Forbid>, &'p Scope)> + use<'p> {
        let forbids = self.ceiling.iter().chain(&role.forbids);
        forbids.filter_map(|forbid| Some((forbid, forbid.scope.as_deref()?)))
    }

    fn bounds(&mut self, bounds: Bounds<'p>) -> Option<u32> {
        if bounds.scope.is_none() && bounds.exclusions.is_empty() {
            return None;
        }
        if let Some(number) = self.scope_numbers.get(&bounds) {
            return Some(*number);
        }
        let number = self.scopes.len() as u32;
        self.scopes.push(bounds.clone());
        self.scope_numbers.insert(bounds, number);
        Some(number)
    }
}

/// How many of the tools of a rule a forbid is about.
enum About {
    All,
    Some,
    None,
}

fn about(tools: &Tools, rule: For<'_>, role: &Role) -> About {
    let names = match (tools, rule) {
        (_, For::Tool(name)) if tools.contain(name) => return About::All,
        (_, For::Tool(_)) => return About::None,
        (Tools::Open, For::Unlisted) => return About::All,
        (Tools::Open, For::Pattern(pattern)) if pattern.is_closed() => return About::None,
        (Tools::Open, For::Pattern(_)) => return About::All,
        (Tools::Named(names), _) => names,
    };
    let mut found = About::None;
    for name in names {
        let may = match (name, rule) {
            (ToolName::Pattern(one), For::Pattern(other)) if one == other => return About::All,
            (ToolName::Pattern(one), For::Pattern(other)) => one.overlaps(other),
            (ToolName::Exact(name), For::Pattern(pattern)) => {
                !role.tools.contains_key(name) && pattern.matches(name)
            }
            (ToolName::Exact(name), _) => !role.tools.contains_key(name),
            (ToolName::Pattern(_), _) => true,
        };
        if may {
            found = About::Some;
        }
    }
    found
}
