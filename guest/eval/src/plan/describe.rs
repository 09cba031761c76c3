//! What a plan permits, for descriptions and comparisons.

use alloc::{string::String, vec::Vec};

use hexgate_contract::{self as contract, Coverage, Limits, Mode, PathScope};

use super::{
    Damaged, Plan, Ref, View,
    layout::{flags, header, mode, size},
};

/// The policy as a whole, as it lies in the plan.
pub type Summary<'a> = contract::Summary<[u8; 32], &'a str>;

/// A role of a plan.
#[derive(Debug, Clone, Copy)]
pub struct RoleRef<'a> {
    plan: Plan<'a>,
    at: Ref,
}

/// A rule of a plan.
#[derive(Debug, Clone, Copy)]
pub struct RuleRef<'a> {
    plan: Plan<'a>,
    pub(crate) at: Ref,
    tool: Option<u32>,
}

/// A file scope of a plan.
#[derive(Debug, Clone, Copy)]
pub struct ScopeRef<'a> {
    plan: Plan<'a>,
    at: Ref,
}

impl<'a> Plan<'a> {
    /// The policy as a whole.
    pub fn about(&self) -> Result<Summary<'a>, Damaged> {
        let digest = self.slice(header::SOURCE_DIGEST, 32)?;
        Ok(Summary {
            coverage: if self.is_opaque()? {
                Coverage::Opaque
            } else {
                Coverage::Complete
            },
            source_digest: *digest.first_chunk().ok_or(Damaged::Digest)?,
            compiler: self.str(header::COMPILER, 0)?,
            roles: self.u32(header::ROLE_COUNT)?,
            scopes: self.u32(header::SCOPE_COUNT)?,
            terms: 0,
            facts: Vec::new(),
            description: None,
            limits: Limits {
                arguments_bytes: self.arguments_bytes()?,
                facts_bytes: self.facts_bytes()?,
            },
        })
    }

    /// Whether something else than the plan decides.
    pub fn is_opaque(&self) -> Result<bool, Damaged> {
        Ok(self.u32(header::FLAGS)? & flags::OPAQUE != 0)
    }

    /// The JSON document that comes with an opaque plan. Empty: there is none.
    pub fn data(&self) -> Result<&'a str, Damaged> {
        if self.is_opaque()? {
            self.str(header::DATA, 0)
        } else {
            Ok("")
        }
    }

    /// The role at an index, in the order of the names' bytes.
    pub fn role(&self, index: u32) -> Result<Option<RoleRef<'a>>, Damaged> {
        if index >= self.u32(header::ROLE_COUNT)? {
            return Ok(None);
        }
        let at = self
            .reference(header::ROLES, 0)?
            .wrapping_add((index as usize).wrapping_mul(size::ROLE));
        Ok(Some(RoleRef { plan: *self, at }))
    }

    /// The role of that name.
    pub fn find_role(&self, name: &str) -> Result<Option<RoleRef<'a>>, Damaged> {
        Ok(self
            .role_named(name.as_bytes())?
            .map(|at| RoleRef { plan: *self, at }))
    }

    /// The scope of that id.
    pub fn scope(&self, id: u32) -> Result<Option<ScopeRef<'a>>, Damaged> {
        if id >= self.u32(header::SCOPE_COUNT)? {
            return Ok(None);
        }
        let table = self.reference(header::SCOPES, 0)?;
        Ok(Some(ScopeRef {
            plan: *self,
            at: self.reference(table, id as usize)?,
        }))
    }

    pub(crate) fn tool_name(&self, id: u32) -> Result<&'a str, Damaged> {
        let tool = self
            .reference(header::TOOLS, 0)?
            .wrapping_add((id as usize).wrapping_mul(size::TOOL));
        self.str(tool, 0)
    }
}

impl<'a> RoleRef<'a> {
    /// Its name.
    pub fn name(&self) -> Result<&'a str, Damaged> {
        self.plan.str(self.at, 0)
    }

    /// How many rules it has: one for unlisted tools, and one a listed tool.
    pub fn rule_count(&self) -> Result<u32, Damaged> {
        Ok(self.plan.word(self.at, 4)?.saturating_add(1))
    }

    /// The rule at an index: first the one for unlisted tools, then those of the listed ones in the order of the names' bytes.
    pub fn rule(&self, index: u32) -> Result<Option<RuleRef<'a>>, Damaged> {
        let plan = self.plan;
        let Some(cell) = index.checked_sub(1) else {
            return Ok(Some(RuleRef {
                plan,
                at: plan.reference(self.at, 2)?,
                tool: None,
            }));
        };
        if index >= self.rule_count()? {
            return Ok(None);
        }
        let cells = plan.reference(self.at, 3)?;
        let cell = cells.wrapping_add((cell as usize).wrapping_mul(size::CELL));
        Ok(Some(RuleRef {
            plan,
            at: plan.reference(cell, 1)?,
            tool: Some(plan.word(cell, 0)?),
        }))
    }
}

impl<'a> RuleRef<'a> {
    /// The tool's exact name; none for the rule for unlisted tools.
    pub fn tool(&self) -> Result<Option<&'a str>, Damaged> {
        self.tool.map(|id| self.plan.tool_name(id)).transpose()
    }

    /// What happens if every constraint holds.
    pub fn mode(&self) -> Result<Mode, Damaged> {
        match self.plan.word(self.at, 0)? {
            mode::DENY => Ok(Mode::Deny),
            mode::NEEDS_APPROVAL => Ok(Mode::NeedsApproval),
            mode::ALLOW => Ok(Mode::Allow),
            _ => Err(Damaged::Mode),
        }
    }

    /// How many constraints there are.
    pub fn constraint_count(&self) -> Result<u32, Damaged> {
        self.plan.word(self.at, 2)
    }

    /// The constraint at an index, as written, in the order of evaluation.
    pub fn constraint(&self, index: u32) -> Result<&'a str, Damaged> {
        self.plan
            .str(self.plan.reference(self.at, 3 + index as usize)?, 0)
    }

    /// The constraints as written.
    pub fn constraints(&self) -> Result<Vec<&'a str>, Damaged> {
        (0..self.constraint_count()?)
            .map(|index| self.constraint(index))
            .collect()
    }

    /// The id of its file scope.
    pub fn scope(&self) -> Result<Option<u32>, Damaged> {
        match self.plan.reference(self.at, 1)? {
            0 => Ok(None),
            scope => self.plan.word(scope, 0).map(Some),
        }
    }
}

impl<'a> ScopeRef<'a> {
    /// The argument that holds the path.
    pub fn argument(&self) -> Result<&'a str, Damaged> {
        self.plan.str(self.at, 1)
    }

    /// Its patterns.
    pub fn paths(&self) -> Result<PathScope, Damaged> {
        self.plan.checked(|plan| patterns(plan, self.at))
    }
}

/// The pattern lists of a scope.
pub(crate) fn patterns(plan: View<'_>, scope: Ref) -> PathScope {
    let mut paths = PathScope::default();
    let allowed = plan.count(scope, 3);
    for index in 0..allowed + plan.count(scope, 4) {
        let source = String::from(plan.str(pattern(scope, index), 0));
        if index < allowed {
            paths.allowed.push(source)
        } else {
            paths.denied.push(source)
        }
    }
    paths
}

/// The record of a scope's pattern: the allowed ones first, then the denied ones.
pub(crate) fn pattern(scope: Ref, index: usize) -> Ref {
    scope
        .wrapping_add(20)
        .wrapping_add(index.wrapping_mul(size::PATTERN))
}
