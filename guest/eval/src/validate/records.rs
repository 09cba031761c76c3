//! Scopes, and the records that grown plans have.

use hexgate_contract::{MAX_MESSAGE, MAX_NAME};

use super::{Checked, Validator, check};
use crate::{
    names,
    plan::{
        Damaged, Ref, Shape,
        layout::{MAX_CHOICE, MAX_RULES, approval, header, mode, scope, size, trailer, with},
    },
    scope::has_control,
};

/// The longest description, in bytes.
const MAX_DESCRIPTION: usize = 2000;
/// The most approvers.
const MAX_APPROVERS: u32 = 8;

impl Validator<'_> {
    /// The table of scopes.
    pub(super) fn scopes(&mut self) -> Checked {
        let plan = self.plan;
        let table = plan.reference(header::SCOPES, 0)?;
        let grown = plan.is_grown()?;
        for id in 0..plan.reference(header::SCOPE_COUNT, 0)? {
            let at = plan.reference(table, id)?;
            let first = plan.reference(at, 0)?;
            let flags = if grown {
                scope::MORE | scope::BOUNDS
            } else {
                0
            };
            check(first & !(flags as usize) == id, "id of a scope")?;
            if first & scope::BOUNDS as usize != 0 {
                self.bounds(at)?;
            } else {
                self.scope(at)?;
            }
        }
        Ok(())
    }

    fn bounds(&mut self, at: Ref) -> Checked {
        let plan = self.plan;
        check(plan.word(at, 0)? & scope::MORE == 0, "flags of bounds")?;
        let inner = plan.reference(at, 1)?;
        if inner != 0 {
            self.scope(inner)?;
        }
        let count = plan.reference(at, 2)?;
        check(
            0 < count && count <= plan.bytes().len(),
            "number of exclusions",
        )?;
        for index in 0..count {
            self.exclusion(plan.reference(at, 3 + index)?)?;
        }
        Ok(())
    }

    /// The scope of an exception or a forbid.
    fn exclusion(&mut self, at: Ref) -> Checked {
        check(
            self.plan.word(at, 3)? == 0,
            "allowed paths that are excluded",
        )?;
        self.scope(at)
    }

    fn scope(&mut self, at: Ref) -> Checked {
        let plan = self.plan;
        if !self.scopes.insert(at) {
            return Ok(());
        }
        let first = plan.word(at, 0)?;
        let (id, flags) = (first & scope::ID, first & !scope::ID);
        check(flags == 0 || flags == scope::MORE, "flags of a scope")?;
        check(
            id == scope::NO_ID || plan.checked(|plan| plan.scope_of(id))? == Some(at),
            "id of a scope",
        )?;
        let shape = plan.checked(|plan| Shape::of(plan, at))?;
        let more = flags == scope::MORE;
        if more {
            let known = scope::WINDOWS | scope::SEARCH;
            check(
                plan.word(shape.more(), 0)? & !known == 0,
                "flags of a scope",
            )?;
        }
        for index in 0..shape.argument_count() {
            plan.str(shape.argument(index), 0)?;
        }
        let lists = [shape.allowed(), shape.denied(), shape.except()];
        for pattern in lists
            .into_iter()
            .flat_map(|list| list.step_by(size::PATTERN))
        {
            plan.str(pattern, 0)?;
            self.dfa(plan.reference(pattern, 2)?)?;
            let known = if more {
                scope::ABSOLUTE | scope::HAS_SLASH
            } else {
                scope::ABSOLUTE
            };
            check(plan.word(pattern, 3)? & !known == 0, "a pattern")?;
        }
        let (starts, count) = shape.start_table();
        for index in 0..count {
            match plan.reference(starts, index)? {
                0 => {}
                start => self.dfa(start)?,
            }
        }
        Ok(())
    }

    /// The scope of a rule or a forbid: one that can be named by its id, unless a choice tells the id.
    pub(super) fn scope_of(&mut self, rule: Ref) -> Checked {
        let plan = self.plan;
        let at = plan.reference(rule, 1)?;
        if at == 0 {
            return Ok(());
        }
        check(plan.word(at, 0)? & scope::BOUNDS == 0, "scope of a rule")?;
        self.scope(at)?;
        let named = plan.word(at, 0)? & scope::ID != scope::NO_ID;
        let chosen = plan.is_grown()? && plan.word(rule, 0)? & with::CHOICE != 0;
        check(named || chosen, "scope of a rule")
    }

    /// What stands behind the constraints of a rule.
    pub(super) fn behind_constraints(&mut self, rule: Ref, mode: u32) -> Checked {
        let plan = self.plan;
        self.words_for_people(rule)?;
        if let Some(id) = plan.checked(|plan| plan.terms(rule))? {
            let count = plan.u32(plan.trailer(trailer::APPROVAL_COUNT))?;
            check(
                id < count && mode == mode::NEEDS_APPROVAL,
                "terms of an approval",
            )?;
        }
        let Some(index) = plan.checked(|plan| plan.optional(rule, with::CHOICE))? else {
            return Ok(());
        };
        check(mode != mode::DENY, "scope of a denial")?;
        let choice = plan.reference(rule, index)?;
        let count = plan.reference(choice, 0)?;
        check(count <= MAX_CHOICE, "number of forbids")?;
        for index in 0..count {
            self.forbid(plan.reference(choice, 1 + index)?)?;
        }
        for index in 0..1 << count {
            let id = plan.u32(choice + 4 * (1 + count + index))?;
            check(id <= plan.u32(header::SCOPE_COUNT)?, "scope of a rule")?;
        }
        Ok(())
    }

    /// The message and the description of a rule or a forbid.
    fn words_for_people(&self, rule: Ref) -> Checked {
        let plan = self.plan;
        if let Some(index) = plan.checked(|plan| plan.optional(rule, with::MESSAGE))? {
            let message = plan.str(rule, index)?.as_bytes();
            check(
                message.len() <= MAX_MESSAGE && !has_control(message),
                "a message",
            )?;
        }
        match plan.checked(|plan| plan.optional(rule, with::DESCRIPTION))? {
            Some(index) => description(plan.str(rule, index)?),
            None => Ok(()),
        }
    }

    /// What a role says of a tool: one rule or several.
    pub(super) fn entry(&mut self, entry: Ref) -> Checked {
        let plan = self.plan;
        if !plan.is_grown()? || plan.word(entry, 0)? != mode::SEVERAL {
            return self.rule(entry);
        }
        // Entries and rules are told apart by their first words.
        if !self.rules.insert(entry) {
            return Ok(());
        }
        let count = plan.word(entry, 1)?;
        check((1..=MAX_RULES).contains(&count), "number of rules")?;
        for index in 0..count as usize {
            let rule = plan.reference(entry, 2 + index)?;
            self.rule(rule)?;
            let scope = plan.reference(rule, 1)?;
            if plan.word(rule, 0)? & mode::MASK == mode::DENY && scope != 0 {
                self.exclusion(scope)?;
            }
        }
        Ok(())
    }

    /// What else a role has.
    pub(super) fn more(&mut self, role: Ref) -> Checked {
        let plan = self.plan;
        let Some(more) = plan.checked(|plan| plan.more(role))? else {
            return Ok(());
        };
        description(plan.str(more, 0)?)?;
        let (first, count) = (plan.reference(more, 2)?, plan.reference(more, 3)?);
        plan.slice(
            first,
            count
                .checked_mul(size::NAMED_ENTRY)
                .ok_or(Damaged::RecordCount)?,
        )?;
        let mut before = None;
        for index in 0..count {
            let at = first + index * size::NAMED_ENTRY;
            let pattern = plan.str(at, 0)?;
            name_pattern(pattern)?;
            let stars = pattern.matches(names::ANY).count();
            let place = (stars.wrapping_sub(pattern.len()) as isize, pattern);
            check(
                before.is_none_or(|before| before < place),
                "order of patterns",
            )?;
            before = Some(place);
            self.entry(plan.reference(at, 2)?)?;
        }
        self.forbids(plan.reference(more, 4)?, plan.reference(more, 5)?)
    }

    /// A table of references to forbids.
    fn forbids(&mut self, table: Ref, count: usize) -> Checked {
        check(count <= self.plan.bytes().len(), "number of forbids")?;
        for index in 0..count {
            self.forbid(self.plan.reference(table, index)?)?;
        }
        Ok(())
    }

    fn forbid(&mut self, forbid: Ref) -> Checked {
        let plan = self.plan;
        let first = plan.word(forbid, 0)?;
        check(
            first & !(with::MESSAGE | with::DESCRIPTION) == mode::FORBID,
            "a forbid",
        )?;
        if !self.rules.insert(forbid) {
            return Ok(());
        }
        self.condition_of(forbid)?;
        self.words_for_people(forbid)?;
        self.scope_of(forbid)?;
        let scope = plan.reference(forbid, 1)?;
        if scope != 0 {
            self.exclusion(scope)?;
        }
        let tools = plan.checked(|plan| plan.forbidden_tools(forbid))?;
        let mut before = None;
        for index in tools.ids {
            let id = plan.word(forbid, index)?;
            check(
                id < plan.u32(header::TOOL_COUNT)? && before.is_none_or(|before| before < id),
                "tools of a forbid",
            )?;
            before = Some(id);
        }
        for index in tools.patterns.step_by(size::TEXT / 4) {
            name_pattern(plan.str(forbid, index)?)?;
        }
        Ok(())
    }

    /// The trailer, and what it refers to.
    pub(super) fn trailer(&mut self) -> Checked {
        let plan = self.plan;
        let len = plan.bytes().len();
        check(
            len.is_multiple_of(4) && len >= header::SIZE + trailer::SIZE,
            "a plan without its trailer",
        )?;
        let at = plan.trailer(0);
        let word = |word: usize| plan.reference(at, word / 4);
        self.forbids(word(trailer::CEILING)?, word(trailer::CEILING_COUNT)?)?;
        let (approvals, count) = (word(trailer::APPROVALS)?, word(trailer::APPROVAL_COUNT)?);
        for id in 0..count {
            self.approval(plan.reference(approvals, id)?)?;
        }
        description(plan.str(at, trailer::DESCRIPTION / 4)?)?;
        let facts = plan.about()?.facts;
        check(
            facts.is_sorted_by(|one, other| one < other),
            "order of facts",
        )
    }

    fn approval(&self, at: Ref) -> Checked {
        let plan = self.plan;
        let [flags, expires, approvers, roles] = plan.checked(|plan| plan.record(at))?;
        let said = |bit: u32| flags & bit != 0;
        let known =
            approval::EXPIRES | approval::APPROVERS | approval::REASON | approval::REASON_REQUIRED;
        check(
            flags & !known == 0 && (said(approval::REASON) || !said(approval::REASON_REQUIRED)),
            "flags of an approval",
        )?;
        check(
            !said(approval::EXPIRES) || expires > 0,
            "the time of an approval",
        )?;
        check(
            !said(approval::APPROVERS) || (1..=MAX_APPROVERS).contains(&approvers),
            "the approvers",
        )?;
        check(roles as usize <= plan.bytes().len(), "number of roles")?;
        for index in 0..roles as usize {
            let role = plan.str(at, 4 + 2 * index)?.as_bytes();
            check(
                !role.is_empty() && !has_control(role),
                "a role of approvers",
            )?;
        }
        Ok(())
    }
}

/// A pattern of names.
fn name_pattern(pattern: &str) -> Checked {
    let bytes = pattern.as_bytes();
    check(
        pattern.contains(names::ANY) && bytes.len() <= MAX_NAME && !has_control(bytes),
        "a pattern of names",
    )
}

fn description(text: &str) -> Checked {
    let mut lines = text.split('\n');
    check(
        text.len() <= MAX_DESCRIPTION && !lines.any(|line| has_control(line.as_bytes())),
        "a description",
    )
}
