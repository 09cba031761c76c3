//! The facts that the conditions of a plan look at.

use alloc::{borrow::Cow, string::String, vec, vec::Vec};

use super::{
    Damaged, Plan, Ref, View,
    layout::{header, op, operand, root, size, trailer},
};

/// A member of the facts and one of that, as `usage.tool_calls_24h`; or a member alone. In the order of their bytes, each once.
///
/// A grown plan tells them. In others the conditions are looked through, which have no more than the forms of those versions.
pub(super) fn facts<'a>(plan: &Plan<'a>) -> Result<Vec<Cow<'a, str>>, Damaged> {
    if !plan.is_grown()? {
        return looked_at(plan);
    }
    let [table, count] = plan.checked(|view| view.record(view.trailer(trailer::FACTS)))?;
    let count = plan.checked(|view| view.bounded(count))?;
    let mut facts = Vec::with_capacity(count);
    for index in 0..count {
        let at = (table as usize).wrapping_add(index * size::TEXT);
        facts.push(Cow::Borrowed(plan.str(at, 0)?));
    }
    Ok(facts)
}

/// What the paths of all conditions lead to.
fn looked_at(plan: &Plan<'_>) -> Result<Vec<Cow<'static, str>>, Damaged> {
    let mut walk = Walk {
        seen: vec![0; plan.bytes.len() / SPAN + 1],
        ahead: Vec::new(),
        facts: Vec::new(),
    };
    plan.checked(|view| walk.roles(view))?;
    walk.facts.sort_unstable();
    walk.facts.dedup();
    Ok(walk.facts)
}

/// Looks at every record once, so that the work is bounded whatever a plan says.
struct Walk {
    /// A bit a word of the plan.
    seen: Vec<u32>,
    /// Conditions that are still to be looked at.
    ahead: Vec<Ref>,
    facts: Vec<Cow<'static, str>>,
}

/// How many bytes of the plan an element of [`Walk::seen`] stands for.
const SPAN: usize = 4 * 32;

impl Walk {
    /// Whether the record at `at` is met for the first time.
    #[inline(never)]
    fn is_new(&mut self, at: Ref) -> bool {
        let Some(bits) = self.seen.get_mut(at / SPAN) else {
            return false;
        };
        let bit = 1 << (at / 4 % 32);
        let new = *bits & bit == 0;
        *bits |= bit;
        new
    }

    fn roles(&mut self, plan: View<'_>) {
        let [roles, count] = plan.record(header::ROLES);
        for index in 0..plan.bounded(count) {
            let role = (roles as usize).wrapping_add(index * size::ROLE);
            self.rule(plan, plan.default_rule(role));
            // Roles that may do the same share their cells.
            if self.is_new(plan.reference(role, 3)) {
                for (_, rule) in plan.cells(role) {
                    self.rule(plan, rule);
                }
            }
        }
    }

    fn rule(&mut self, plan: View<'_>, rule: Ref) {
        if !self.is_new(rule) {
            return;
        }
        for constraint in plan.constraints(rule) {
            if self.is_new(constraint) {
                self.ahead.push(plan.reference(constraint, 2));
                while let Some(node) = self.ahead.pop() {
                    self.condition(plan, node);
                }
            }
        }
    }

    fn condition(&mut self, plan: View<'_>, node: Ref) {
        if !self.is_new(node) {
            return;
        }
        let first = plan.word(node, 0);
        let one = plan.reference(node, 2);
        match first & 0xff {
            op::AND | op::OR => {
                let parts = 0..plan.bounded(first >> 16);
                let parts = parts.map(|index| plan.reference(node, index + 2));
                self.ahead.extend(parts);
            }
            op::NOT => self.ahead.push(one),
            op::MEMO => self.ahead.push(plan.reference(node, 3)),
            op::EVERY | op::ANY => {
                self.path(plan, one);
                self.ahead.push(plan.reference(node, 3));
            }
            op::COMPARE => {
                self.operand(plan, first >> 16 & 0xf, one);
                self.operand(plan, first >> 20 & 0xf, plan.reference(node, 3));
            }
            op::IN => self.operand(plan, first >> 16 & 0xf, one),
            _ => self.path(plan, one),
        }
    }

    fn operand(&mut self, plan: View<'_>, kind: u32, at: Ref) {
        match kind {
            operand::PATH => self.path(plan, at),
            operand::COUNT => self.path(plan, plan.reference(at, 0)),
            _ => {}
        }
    }

    fn path(&mut self, plan: View<'_>, at: Ref) {
        let [first, _, steps] = plan.record(at);
        let member = match first & 0xff {
            root::CTX => "ctx",
            root::RUN => "run",
            root::USER => "user",
            _ => return,
        };
        if self.is_new(at) {
            let mut fact = String::from(member);
            if steps > 0 {
                fact.push('.');
                fact.push_str(plan.str(at, 3));
            }
            self.facts.push(Cow::Owned(fact));
        }
    }
}
