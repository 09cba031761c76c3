//! What a plan permits, for descriptions and comparisons.

use alloc::{borrow::Cow, string::String, vec::Vec};
use core::ops::Range;

use hexgate_contract::{
    self as contract, ApprovalTerms, Coverage, Exclusion, FileScope, Limits, Mode, PathScope,
    PathStyle, Tools,
};

use super::{
    Damaged, Plan, Ref, View,
    facts::facts,
    grown::{References, Shape},
    layout::{approval, flags, header, mode, scope, size, trailer, with},
};

/// The policy as a whole, as it lies in the plan.
pub type Summary<'a> = contract::Summary<[u8; 32], Cow<'a, str>>;

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
    tools: Named,
}

/// Which tools a rule is for: a record that begins with a text.
#[derive(Debug, Clone, Copy)]
enum Named {
    Unlisted,
    Exact(Ref),
    Pattern(Ref),
}

/// A forbid of a plan.
#[derive(Debug, Clone, Copy)]
pub struct ForbidRef<'a> {
    plan: Plan<'a>,
    at: Ref,
}

impl<'a> Plan<'a> {
    /// The policy as a whole.
    pub fn about(&self) -> Result<Summary<'a>, Damaged> {
        let digest = self.slice(header::SOURCE_DIGEST, 32)?;
        let terms = match self.is_grown()? {
            true => self.u32(self.trailer(trailer::APPROVAL_COUNT))?,
            false => 0,
        };
        Ok(Summary {
            coverage: if self.is_opaque()? {
                Coverage::Opaque
            } else {
                Coverage::Complete
            },
            source_digest: *digest.first_chunk().ok_or(Damaged::Digest)?,
            compiler: self.str(header::COMPILER, 0)?.into(),
            roles: self.u32(header::ROLE_COUNT)?,
            scopes: self.u32(header::SCOPE_COUNT)?,
            terms,
            limits: Limits {
                arguments_bytes: self.arguments_bytes()?,
                facts_bytes: self.facts_bytes()?,
            },
            facts: facts(self)?,
            description: match self.is_grown()? {
                true => some(self.str(self.trailer(trailer::DESCRIPTION), 0)?).map(Cow::Borrowed),
                false => None,
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

    /// At most `count` of the forbids that no role can lift, from index `start` on, in the order in which they are asked.
    pub fn forbids(&self, start: u32, count: u32) -> Result<Vec<ForbidRef<'a>>, Damaged> {
        if !self.is_grown()? {
            return Ok(Vec::new());
        }
        self.checked(|plan| self.page_of_forbids(plan.ceiling(), start, count))
    }

    /// Whether there are file scopes.
    pub fn has_scopes(&self) -> Result<bool, Damaged> {
        Ok(self.u32(header::SCOPE_COUNT)? > 0)
    }

    /// The scope of that id.
    pub fn scope(&self, id: u32) -> Result<Option<FileScope>, Damaged> {
        self.checked(|plan| plan.scope_of(id).map(|at| file_scope(plan, at)))
    }

    /// The approval terms of that id.
    pub fn terms(&self, id: u32) -> Result<Option<ApprovalTerms>, Damaged> {
        if !self.is_grown()? {
            return Ok(None);
        }
        self.checked(|plan| {
            let mut terms = plan.references(plan.trailer(trailer::APPROVALS), 0);
            let at = terms.nth(id as usize)?;
            let [flags, expires, approvers, roles] = plan.record(at);
            let said = |bit: u32| flags & bit != 0;
            Some(ApprovalTerms {
                roles: texts(plan, at.wrapping_add(16), plan.bounded(roles), size::TEXT),
                expires: said(approval::EXPIRES).then_some(expires),
                approvers: said(approval::APPROVERS).then_some(approvers),
                reason_required: said(approval::REASON).then(|| said(approval::REASON_REQUIRED)),
            })
        })
    }

    #[inline(never)]
    fn page_of_forbids(
        &self,
        forbids: References<'_>,
        start: u32,
        count: u32,
    ) -> Vec<ForbidRef<'a>> {
        let mut page = Page::of(start, count);
        for at in forbids {
            page.add(ForbidRef { plan: *self, at });
        }
        page.things
    }

    /// The text of a bit of [`with`] in a rule or forbid.
    fn optional_text(&self, rule: Ref, bit: u32) -> Result<Option<&'a str>, Damaged> {
        let index = self.checked(|plan| plan.optional(rule, bit))?;
        index.map(|index| self.str(rule, index)).transpose()
    }

    /// The constraints of a rule or forbid as written.
    fn sources(&self, rule: Ref) -> Result<Vec<&'a str>, Damaged> {
        let mut sources = Vec::new();
        self.checked(|plan| {
            for constraint in plan.constraints(rule) {
                sources.push(self.str(constraint, 0)?);
            }
            Ok(sources)
        })?
    }
}

impl<'a> RoleRef<'a> {
    /// Its name.
    pub fn name(&self) -> Result<&'a str, Damaged> {
        self.plan.str(self.at, 0)
    }

    /// Who has it, for people.
    pub fn description(&self) -> Result<Option<&'a str>, Damaged> {
        let more = match self.plan.is_grown()? {
            true => self.plan.checked(|plan| plan.more(self.at))?,
            false => None,
        };
        Ok(match more {
            Some(more) => some(self.plan.str(more, 0)?),
            None => None,
        })
    }

    /// At most `count` of its rules, from index `start` on: first the one for unlisted tools, then those for tools by name in the order of the
    /// names' bytes, then those for patterns in the order in which they are tried. Several for the same tools stand as they were written.
    pub fn rules(&self, start: u32, count: u32) -> Result<Vec<RuleRef<'a>>, Damaged> {
        let grown = self.plan.is_grown()?;
        self.plan.checked(|plan| {
            let mut page = Page::of(start, count);
            self.add_rules(
                Named::Unlisted,
                plan.rules(plan.default_rule(self.at)),
                &mut page,
            );
            for (tool, entry) in plan.cells(self.at) {
                self.add_rules(Named::Exact(plan.tool(tool)), plan.rules(entry), &mut page);
            }
            if grown {
                for at in plan.named_entries(self.at) {
                    let rules = plan.rules(plan.reference(at, 2));
                    self.add_rules(Named::Pattern(at), rules, &mut page);
                }
            }
            page.things
        })
    }

    #[inline(never)]
    fn add_rules(&self, tools: Named, rules: References<'_>, page: &mut Page<RuleRef<'a>>) {
        let plan = self.plan;
        for at in rules {
            page.add(RuleRef { plan, at, tools });
        }
    }

    /// At most `count` of its forbids, from index `start` on, in the order in which they are asked.
    pub fn forbids(&self, start: u32, count: u32) -> Result<Vec<ForbidRef<'a>>, Damaged> {
        if !self.plan.is_grown()? {
            return Ok(Vec::new());
        }
        self.plan.checked(|plan| {
            self.plan
                .page_of_forbids(plan.forbids(self.at), start, count)
        })
    }
}

impl<'a> RuleRef<'a> {
    /// Which tools it is for.
    pub fn tools(&self) -> Result<Tools<&'a str>, Damaged> {
        Ok(match self.tools {
            Named::Unlisted => Tools::Unlisted,
            Named::Exact(at) => Tools::Exact(self.plan.str(at, 0)?),
            Named::Pattern(at) => Tools::Pattern(self.plan.str(at, 0)?),
        })
    }

    /// What happens if every constraint holds.
    pub fn mode(&self) -> Result<Mode, Damaged> {
        match self.plan.word(self.at, 0)? & mode::MASK {
            mode::DENY => Ok(Mode::Deny),
            mode::NEEDS_APPROVAL => Ok(Mode::NeedsApproval),
            mode::ALLOW => Ok(Mode::Allow),
            _ => Err(Damaged::Mode),
        }
    }

    /// The constraints as written, in the order of evaluation.
    pub fn constraints(&self) -> Result<Vec<&'a str>, Damaged> {
        self.plan.sources(self.at)
    }

    /// The id of all that a path must satisfy; for a pattern or unlisted tools without what is forbidden for some of them alone. Of an
    /// exception the paths that it is about.
    pub fn scope(&self) -> Result<Option<u32>, Damaged> {
        self.plan
            .checked(|plan| match plan.optional(self.at, with::CHOICE) {
                Some(index) => {
                    let choice = plan.reference(self.at, index);
                    plan.word(choice, 1 + plan.count(choice, 0)).checked_sub(1)
                }
                None => plan.own_scope(self.at),
            })
    }

    /// The id of the terms that say who has to agree.
    pub fn terms(&self) -> Result<Option<u32>, Damaged> {
        self.plan.checked(|plan| plan.terms(self.at))
    }

    /// What the model is told if this rule denies or asks.
    pub fn message(&self) -> Result<Option<&'a str>, Damaged> {
        self.plan.optional_text(self.at, with::MESSAGE)
    }

    /// What it is for, for people.
    pub fn description(&self) -> Result<Option<&'a str>, Damaged> {
        self.plan.optional_text(self.at, with::DESCRIPTION)
    }
}

impl<'a> ForbidRef<'a> {
    /// The names of the tools in the order of their bytes, then the patterns of names. Empty: all whose names are not closed.
    pub fn tools(&self) -> Result<Vec<&'a str>, Damaged> {
        let (ids, patterns) = self.plan.checked(|plan| {
            let tools = plan.forbidden_tools(self.at);
            (tools.ids, tools.patterns)
        })?;
        let mut tools = Vec::new();
        for index in ids {
            let tool = self.plan.word(self.at, index)?;
            let tool = self.plan.checked(|plan| plan.tool(tool))?;
            tools.push(self.plan.str(tool, 0)?);
        }
        for index in patterns.step_by(2) {
            tools.push(self.plan.str(self.at, index)?);
        }
        Ok(tools)
    }

    /// The constraints as written, in the order of evaluation.
    pub fn constraints(&self) -> Result<Vec<&'a str>, Damaged> {
        self.plan.sources(self.at)
    }

    /// The id of the scope whose denied patterns are the paths that it is about.
    pub fn scope(&self) -> Result<Option<u32>, Damaged> {
        self.plan.checked(|plan| plan.own_scope(self.at))
    }

    /// What the model is told if it denies.
    pub fn message(&self) -> Result<Option<&'a str>, Damaged> {
        self.plan.optional_text(self.at, with::MESSAGE)
    }

    /// What it is for, for people.
    pub fn description(&self) -> Result<Option<&'a str>, Damaged> {
        self.plan.optional_text(self.at, with::DESCRIPTION)
    }
}

/// A text that is there.
fn some(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// A part of a list.
struct Page<T> {
    before: u32,
    room: u32,
    things: Vec<T>,
}

impl<T> Page<T> {
    /// At most `count` things from index `start` on.
    fn of(start: u32, count: u32) -> Self {
        Self {
            before: start,
            room: count,
            things: Vec::new(),
        }
    }

    /// The next thing of the list.
    fn add(&mut self, thing: T) {
        if self.before > 0 {
            self.before -= 1;
        } else if self.room > 0 {
            self.room -= 1;
            self.things.push(thing);
        }
    }
}

fn file_scope(plan: View<'_>, at: Ref) -> FileScope {
    let mut described = FileScope {
        arguments: Vec::new(),
        search: false,
        paths: PathScope::default(),
        style: PathStyle::Posix,
        exclusions: Vec::new(),
    };
    let mut scope = Some(at);
    if plan.word(at, 0) & scope::BOUNDS != 0 {
        for at in plan.references_behind(at, 2) {
            described.exclusions.push(Exclusion {
                paths: patterns(plan, at),
                style: Shape::of(plan, at).style(),
            });
        }
        scope = plan.bounded_scope(at);
    }
    if let Some(at) = scope {
        let shape = Shape::of(plan, at);
        for index in 0..shape.argument_count() {
            let name = plan.str(shape.argument(index), 0);
            described.arguments.push(name.into());
        }
        described.search = shape.search;
        described.paths = patterns(plan, at);
        described.style = shape.style();
    }
    described
}

/// The pattern lists of a scope.
#[inline(never)]
pub(crate) fn patterns(plan: View<'_>, at: Ref) -> PathScope {
    let shape = Shape::of(plan, at);
    let sources = |patterns: Range<usize>| {
        let count = patterns.len() / size::PATTERN;
        texts(plan, patterns.start, count, size::PATTERN)
    };
    PathScope {
        allowed: sources(shape.allowed()),
        denied: sources(shape.denied()),
        except: sources(shape.except()),
    }
}

/// The texts whose references stand from `at` on, one each `step` bytes.
#[inline(never)]
fn texts(plan: View<'_>, at: Ref, count: usize, step: usize) -> Vec<String> {
    let mut texts = Vec::with_capacity(count);
    for index in 0..count {
        texts.push(String::from(plan.str(at.wrapping_add(index * step), 0)));
    }
    texts
}
