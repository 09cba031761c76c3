//! Three-valued evaluation of constraints.

use core::cmp::Ordering;

use crate::{
    json::{Document, LEN_MASK, Node, Text, kind, kind_of},
    number::Number,
    plan::{
        Damaged, Plan, Ref,
        layout::{MAX_DEPTH, compare, list, op, operand, root, text_call},
    },
    value::{Truth, Value},
};

/// All that a condition can see, and room to remember what does not change from element to element.
pub(crate) struct Scene<'a, 'm> {
    pub(crate) plan: Plan<'a>,
    pub(crate) arguments: Document<'a>,
    pub(crate) facts: Option<Document<'a>>,
    /// The role that is being evaluated.
    pub(crate) role: &'a [u8],
    pub(crate) tool: &'a [u8],
    /// 0 where nothing is remembered yet.
    pub(crate) memo: &'m mut [u32],
}

/// The element of the innermost quantifier.
pub(crate) type Element<'a> = Option<(Document<'a>, Node)>;

/// What a path leads to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Found<'a> {
    /// A value of the request.
    Node(Document<'a>, Node),
    /// The role or the tool.
    Name(&'a [u8]),
}

impl<'a> Found<'a> {
    #[inline]
    pub(crate) fn value(self) -> Value<'a> {
        match self {
            Self::Node(document, node) => Value::of_node(document, node),
            Self::Name(name) => Value::String(Text::plain(name)),
        }
    }
}

/// What a memo slot says of a path that leads nowhere. Otherwise it is 2 + twice the node's index, + 1 if in the facts.
const NOWHERE: u32 = 1;

impl<'a> Scene<'a, '_> {
    /// The truth of a constraint.
    #[inline]
    pub(crate) fn constraint(&mut self, constraint: Ref) -> Result<Truth, Damaged> {
        let node = self.plan.reference(constraint, 2)?;
        self.forget(constraint)?;
        self.condition(node, None, 0)
    }

    /// Makes room for what is to be remembered while this constraint is evaluated.
    pub(crate) fn forget(&mut self, constraint: Ref) -> Result<(), Damaged> {
        let slots = self.plan.reference(constraint, 3)?;
        if slots > 0 {
            self.memo.get_mut(..slots).ok_or(Damaged("memo slots"))?.fill(0);
        }
        Ok(())
    }

    /// The truth of the condition at `node`.
    pub(crate) fn condition(&mut self, node: Ref, element: Element<'a>, depth: u32) -> Result<Truth, Damaged> {
        if depth > MAX_DEPTH {
            return Err(Damaged("nesting of a condition"));
        }
        let plan = self.plan;
        let first = plan.word(node, 0)?;
        match first & 0xff {
            op::COMPARE => self.compare(node, first, element),
            op::AND => self.all(node, first >> 16, Truth::False, element, depth),
            op::OR => self.all(node, first >> 16, Truth::True, element, depth),
            op::NOT => Ok(self.condition(plan.reference(node, 2)?, element, depth + 1)?.not()),
            op::IN => self.is_in(node, first, element),
            op::TEXT => self.text_call(node, first >> 8 & 0xff, element),
            op::MATCHES => self.matches(node, element),
            op::PRESENT => Ok(Truth::of(self.find(plan.reference(node, 2)?, element)?.is_some())),
            op::ONLY => self.only(node, first >> 16, element),
            op::EVERY => self.quantifier(node, Truth::False, element, depth),
            op::ANY => self.quantifier(node, Truth::True, element, depth),
            op::MEMO => self.remembered(node, depth),
            _ => Err(Damaged("opcode")),
        }
    }

    /// Kleene's conjunction (decided by one *false*) or disjunction (decided by one *true*).
    fn all(
        &mut self,
        node: Ref,
        count: u32,
        decides: Truth,
        element: Element<'a>,
        depth: u32,
    ) -> Result<Truth, Damaged> {
        let mut result = decides.not();
        for index in 0..count as usize {
            let truth = self.condition(self.plan.reference(node, index + 2)?, element, depth + 1)?;
            if truth == decides {
                return Ok(decides);
            }
            if truth == Truth::Undefined {
                result = Truth::Undefined;
            }
        }
        Ok(result)
    }

    #[inline]
    fn compare(&mut self, node: Ref, first: u32, element: Element<'a>) -> Result<Truth, Damaged> {
        let plan = self.plan;
        let comparison = first >> 8 & 0xff;
        let (left_kind, right_kind) = (first >> 16 & 0xf, first >> 20 & 0xf);
        let (left, right) = (plan.reference(node, 2)?, plan.reference(node, 3)?);
        let (Some(left), Some(right)) =
            (self.operand(left_kind, left, element)?, self.operand(right_kind, right, element)?)
        else {
            return Ok(Truth::Undefined);
        };
        if comparison <= compare::NOT_EQUAL {
            let literal_null = |kind, value: &Value<'_>| kind == operand::LITERAL && matches!(value, Value::Null);
            let equal = if literal_null(left_kind, &left) || literal_null(right_kind, &right) {
                Truth::of(matches!((&left, &right), (Value::Null, Value::Null)))
            } else {
                left.equals(&right)?
            };
            return Ok(if comparison == compare::NOT_EQUAL { equal.not() } else { equal });
        }
        let Some(order) = left.compare(&right) else { return Ok(Truth::Undefined) };
        Ok(Truth::of(match comparison {
            compare::LESS => order == Ordering::Less,
            compare::LESS_OR_EQUAL => order != Ordering::Greater,
            compare::GREATER => order == Ordering::Greater,
            compare::GREATER_OR_EQUAL => order != Ordering::Less,
            _ => return Err(Damaged("comparison")),
        }))
    }

    #[inline]
    pub(crate) fn operand(
        &mut self,
        kind: u32,
        at: Ref,
        element: Element<'a>,
    ) -> Result<Option<Value<'a>>, Damaged> {
        match kind {
            operand::PATH => Ok(self.find(at, element)?.map(Found::value)),
            operand::COUNT => {
                let count = self.count(at, element)?;
                Ok(count.map(|count| Value::Number(Number::Integer(i64::from(count)))))
            }
            operand::LITERAL => Value::of_literal(self.plan, at).map(Some),
            _ => Err(Damaged("kind of operand")),
        }
    }

    /// The size of what a path leads to. A slot remembers 1 for none, otherwise the size + 2.
    fn count(&mut self, at: Ref, element: Element<'a>) -> Result<Option<u32>, Damaged> {
        let slot = self.plan.reference(at, 1)?;
        if let Some(known) = slot.checked_sub(1).and_then(|slot| self.memo.get(slot)).filter(|known| **known != 0) {
            return Ok(known.checked_sub(2));
        }
        let count = match self.find(self.plan.reference(at, 0)?, element)? {
            Some(found) => found.value().count()?,
            None => None,
        };
        if let Some(memo) = slot.checked_sub(1).and_then(|slot| self.memo.get_mut(slot)) {
            *memo = count.map_or(1, |count| count.saturating_add(2));
        }
        Ok(count)
    }

    /// What the path at `at` leads to.
    #[inline]
    pub(crate) fn find(&mut self, at: Ref, element: Element<'a>) -> Result<Option<Found<'a>>, Damaged> {
        let plan = self.plan;
        let first = plan.word(at, 0)?;
        if first >> 8 != 0 {
            return self.find_once(at, first & 0xff);
        }
        self.walk(at, first & 0xff, element).map(|found| found.map(|(found, _)| found))
    }

    /// As [`Self::find`], for a path in a quantifier that does not begin at its element.
    fn find_once(&mut self, at: Ref, first: u32) -> Result<Option<Found<'a>>, Damaged> {
        let slot = self.plan.reference(at, 1)?;
        let known = self.memo.get(slot).copied().ok_or(Damaged("memo slots"))?;
        match known {
            0 => {
                let found = self.walk(at, first, None)?;
                let (found, memo) = match found {
                    Some((found @ Found::Node(..), index)) => (Some(found), index.saturating_mul(2).saturating_add(2)),
                    Some((found, _)) => (Some(found), 0),
                    None => (None, NOWHERE),
                };
                let in_facts = matches!(first, root::CTX | root::RUN | root::USER);
                if let Some(slot) = self.memo.get_mut(slot) {
                    *slot = if memo > NOWHERE { memo | u32::from(in_facts) } else { memo };
                }
                Ok(found)
            }
            NOWHERE => Ok(None),
            known => {
                let document = if known & 1 == 0 { self.arguments } else { self.facts.ok_or(Damaged("memo"))? };
                Ok(Some(Found::Node(document, document.node((known - 2) / 2))))
            }
        }
    }

    /// Follows a path from its root. Beside a node comes its index.
    #[inline]
    fn walk(&self, at: Ref, first: u32, element: Element<'a>) -> Result<Option<(Found<'a>, u32)>, Damaged> {
        let plan = self.plan;
        let (document, mut node, mut index) = match first {
            root::ARGS => (self.arguments, self.arguments.node(0), 0),
            root::ROLE => return Ok(Some((Found::Name(self.role), 0))),
            root::TOOL => return Ok(Some((Found::Name(self.tool), 0))),
            root::ELEMENT => {
                let (document, node) = element.ok_or(Damaged("element outside a quantifier"))?;
                (document, node, 0)
            }
            root::CTX | root::RUN | root::USER => {
                let name: &[u8] = match first {
                    root::CTX => b"ctx",
                    root::RUN => b"run",
                    _ => b"user",
                };
                let Some(facts) = self.facts else { return Ok(None) };
                let Some(index) = facts.member(&facts.node(0), name) else { return Ok(None) };
                (facts, facts.node(index), index)
            }
            _ => return Err(Damaged("root of a path")),
        };
        for step in 0..plan.reference(at, 2)? {
            if kind_of(&node) != kind::OBJECT {
                return Ok(None);
            }
            let Some(found) = document.member(&node, plan.text(at, 3 + 2 * step)?) else { return Ok(None) };
            index = found;
            node = document.node(index);
        }
        Ok(Some((Found::Node(document, node), index)))
    }

    /// The string that a path leads to.
    fn string(&mut self, at: Ref, element: Element<'a>) -> Result<Option<Text<'a>>, Damaged> {
        Ok(match self.find(at, element)? {
            Some(found) => match found.value() {
                Value::String(text) => Some(text),
                _ => None,
            },
            None => None,
        })
    }

    fn text_call(&mut self, node: Ref, call: u32, element: Element<'a>) -> Result<Truth, Damaged> {
        let plan = self.plan;
        let Some(text) = self.string(plan.reference(node, 2)?, element)? else { return Ok(Truth::Undefined) };
        let sought = plan.text(node, 3)?;
        Ok(Truth::of(match call {
            text_call::STARTS_WITH => text.starts_with(sought),
            text_call::ENDS_WITH => text.ends_with(sought),
            text_call::CONTAINS => {
                let failure = plan.slice(plan.reference(node, 5)?, sought.len() * 2)?;
                text.contains(sought, failure)
            }
            _ => return Err(Damaged("string call")),
        }))
    }

    fn matches(&mut self, node: Ref, element: Element<'a>) -> Result<Truth, Damaged> {
        let plan = self.plan;
        let Some(text) = self.string(plan.reference(node, 2)?, element)? else { return Ok(Truth::Undefined) };
        let dfa = crate::dfa::Dfa::at(plan, plan.reference(node, 3)?)?;
        Ok(Truth::of(if text.escaped { dfa.accepts(text.bytes()) } else { dfa.accepts(text.raw.iter().copied()) }))
    }

    /// Whether an object has no members but the named ones, which stand in the order of their bytes.
    fn only(&mut self, node: Ref, count: u32, element: Element<'a>) -> Result<Truth, Damaged> {
        let plan = self.plan;
        let Some(Found::Node(document, object)) = self.find(plan.reference(node, 2)?, element)? else {
            return Ok(Truth::Undefined);
        };
        if kind_of(&object) != kind::OBJECT {
            return Ok(Truth::Undefined);
        }
        for index in 0..object[3] & LEN_MASK {
            let member = document.node(object[2].wrapping_add(index));
            let name = document.name(&member);
            let found = search(count, |middle| {
                Ok(Text::plain(plan.text(node, 3 + 2 * middle as usize)?).compare(name))
            })?;
            if !found {
                return Ok(Truth::False);
            }
        }
        Ok(Truth::True)
    }

    /// Membership: equality with the elements of the value's own type and with `null`; undefined if there are none.
    fn is_in(&mut self, node: Ref, first: u32, element: Element<'a>) -> Result<Truth, Damaged> {
        let plan = self.plan;
        let (negated, kind) = (first >> 8 & 0xff, first >> 16 & 0xf);
        let Some(value) = self.operand(kind, plan.reference(node, 2)?, element)? else { return Ok(Truth::Undefined) };
        let truth = self.membership(&value, plan.reference(node, 3)?)?;
        Ok(if negated != 0 { truth.not() } else { truth })
    }

    fn membership(&self, value: &Value<'a>, list: Ref) -> Result<Truth, Damaged> {
        let plan = self.plan;
        let flags = plan.word(list, 0)?;
        let (numbers, strings, lists) = (plan.word(list, 1)?, plan.word(list, 2)?, plan.word(list, 3)?);
        let literal = |index: u32| Value::of_literal(plan, plan.reference(list, 4 + index as usize)?);
        // How many elements have the value's type, and whether one is equal.
        let (candidates, found) = match value {
            Value::Null => (flags & list::NULL, flags & list::NULL != 0),
            Value::Bool(true) => (flags & (list::TRUE | list::FALSE), flags & list::TRUE != 0),
            Value::Bool(false) => (flags & (list::TRUE | list::FALSE), flags & list::FALSE != 0),
            Value::Number(_) | Value::String(_) => {
                let (first, count) = if let Value::Number(_) = value { (0, numbers) } else { (numbers, strings) };
                let found = search(count, |middle| {
                    literal(first.wrapping_add(middle))?.compare(value).ok_or(Damaged("order of a list"))
                })?;
                (count, found)
            }
            Value::List(_) => {
                let first = numbers.wrapping_add(strings);
                let mut found = false;
                for index in 0..lists {
                    found = found || literal(first.wrapping_add(index))?.is_equal(value, 0)?;
                }
                (lists, found)
            }
            Value::Object(..) => (0, false),
        };
        Ok(if found {
            Truth::True
        } else if candidates != 0 || flags & list::NULL != 0 {
            Truth::False
        } else {
            Truth::Undefined
        })
    }

    /// `every` (decided by one *false*) or `any` (decided by one *true*) over the elements of a list.
    fn quantifier(
        &mut self,
        node: Ref,
        decides: Truth,
        element: Element<'a>,
        depth: u32,
    ) -> Result<Truth, Damaged> {
        let plan = self.plan;
        let Some(Found::Node(document, list)) = self.find(plan.reference(node, 2)?, element)? else {
            return Ok(Truth::Undefined);
        };
        if kind_of(&list) != kind::LIST {
            return Ok(Truth::Undefined);
        }
        let body = plan.reference(node, 3)?;
        let mut result = decides.not();
        for index in 0..list[3] & LEN_MASK {
            let element = (document, document.node(list[2].wrapping_add(index)));
            let truth = self.condition(body, Some(element), depth + 1)?;
            if truth == decides {
                return Ok(decides);
            }
            if truth == Truth::Undefined {
                result = Truth::Undefined;
            }
        }
        Ok(result)
    }

    /// A condition in a quantifier that does not depend on the element: evaluated once.
    fn remembered(&mut self, node: Ref, depth: u32) -> Result<Truth, Damaged> {
        let slot = self.plan.reference(node, 2)?;
        match self.memo.get(slot) {
            Some(1) => return Ok(Truth::False),
            Some(2) => return Ok(Truth::True),
            Some(3) => return Ok(Truth::Undefined),
            Some(_) => {}
            None => return Err(Damaged("memo slots")),
        }
        let truth = self.condition(self.plan.reference(node, 3)?, None, depth + 1)?;
        if let Some(slot) = self.memo.get_mut(slot) {
            *slot = match truth {
                Truth::False => 1,
                Truth::True => 2,
                Truth::Undefined => 3,
            };
        }
        Ok(truth)
    }
}

/// Binary search among `count` ordered things; `order` compares the thing at an index with what is sought.
fn search(count: u32, mut order: impl FnMut(u32) -> Result<Ordering, Damaged>) -> Result<bool, Damaged> {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        match order(middle)? {
            Ordering::Less => low = middle + 1,
            Ordering::Greater => high = middle,
            Ordering::Equal => return Ok(true),
        }
    }
    Ok(false)
}

