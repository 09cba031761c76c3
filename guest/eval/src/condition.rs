//! Three-valued evaluation of constraints.

use core::cmp::Ordering;

use crate::{
    bytes,
    json::{Document, Node, Text, kind, kind_of},
    number::Number,
    plan::{
        Damaged, Ref, View,
        layout::{MAX_DEPTH, compare, list, literal, op, operand, root, text_call},
    },
    value::{Truth, Value},
};

/// The input of a condition, and room for values that do not change from element to element.
pub(crate) struct EvalContext<'a, 'm> {
    pub(crate) plan: View<'a>,
    pub(crate) arguments: &'a Document<'a>,
    pub(crate) facts: Option<&'a Document<'a>>,
    /// The role that is being evaluated.
    pub(crate) role: &'a [u8],
    pub(crate) tool: &'a [u8],
    /// 0 where nothing is remembered yet.
    pub(crate) memo: &'m mut [u32],
}

/// The element of the innermost quantifier.
pub(crate) type Element<'a> = Option<(&'a Document<'a>, &'a Node)>;

/// The value at a path.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Found<'a> {
    /// A value of the request.
    Node(&'a Document<'a>, &'a Node),
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

/// What a memo slot says of a path that leads nowhere; of any other the node's index, behind this.
const NOWHERE: u32 = 1;

/// Up to so many names of `only` are compared one after the other.
const FEW_NAMES: u32 = 8;

impl<'a> EvalContext<'a, '_> {
    /// The truth of a constraint.
    #[inline]
    pub(crate) fn constraint(&mut self, constraint: Ref) -> Truth {
        let node = self.plan.reference(constraint, 2);
        self.forget(constraint);
        self.condition(node, None, 0)
    }

    /// Makes room for the values that are remembered while this constraint is evaluated.
    pub(crate) fn forget(&mut self, constraint: Ref) {
        let slots = self.plan.reference(constraint, 3);
        if slots > 0 {
            match self.memo.get_mut(..slots) {
                Some(memo) => memo.fill(0),
                None => self.plan.fail(Damaged::MemoSlots),
            }
        }
    }

    /// The truth of the condition at `node`.
    pub(crate) fn condition(&mut self, node: Ref, element: Element<'a>, depth: u32) -> Truth {
        if depth > MAX_DEPTH {
            return self.plan.fail(Damaged::ConditionDepth);
        }
        let plan = self.plan;
        let first = plan.word(node, 0);
        match first & 0xff {
            op::COMPARE => self.compare(node, first, element),
            op::AND => self.all(node, first >> 16, Truth::False, element, depth),
            op::OR => self.all(node, first >> 16, Truth::True, element, depth),
            op::NOT => self
                .condition(plan.reference(node, 2), element, depth + 1)
                .not(),
            op::IN => self.is_in(node, first, element),
            op::TEXT => self.text_call(node, first >> 8 & 0xff, element),
            op::MATCHES => self.matches(node, element),
            op::PRESENT => Truth::of(self.find(plan.reference(node, 2), element).is_some()),
            op::ONLY => self.only(node, first >> 16, element),
            op::EVERY => self.quantifier(node, Truth::False, element, depth),
            op::ANY => self.quantifier(node, Truth::True, element, depth),
            op::MEMO => self.remembered(node, depth),
            _ => plan.fail(Damaged::Opcode),
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
    ) -> Truth {
        let mut result = decides.not();
        for index in 0..self.plan.bounded(count) {
            let truth = self.condition(self.plan.reference(node, index + 2), element, depth + 1);
            if truth == decides {
                return decides;
            }
            if truth == Truth::Undefined {
                result = Truth::Undefined;
            }
        }
        result
    }

    #[inline]
    fn compare(&mut self, node: Ref, first: u32, element: Element<'a>) -> Truth {
        let comparison = first >> 8 & 0xff;
        let (left_kind, right_kind) = (first >> 16 & 0xf, first >> 20 & 0xf);
        let [_, _, left, right] = self.plan.record(node);
        let (left, right) = (left as usize, right as usize);
        if left_kind == operand::PATH && right_kind == operand::LITERAL {
            let Some(found) = self.find(left, element) else {
                return Truth::Undefined;
            };
            return match self.compare_simple(comparison, found, right) {
                Some(truth) => truth,
                None => compare_values(
                    self.plan,
                    comparison,
                    found.value(),
                    false,
                    Value::of_literal(self.plan, right),
                    true,
                ),
            };
        }
        let Some(left) = self.operand(left_kind, left, element) else {
            return Truth::Undefined;
        };
        let Some(right) = self.operand(right_kind, right, element) else {
            return Truth::Undefined;
        };
        compare_values(
            self.plan,
            comparison,
            left,
            left_kind == operand::LITERAL,
            right,
            right_kind == operand::LITERAL,
        )
    }

    /// The most frequent comparisons, on a short path: a small integer with one, the equality of plain strings.
    #[inline]
    fn compare_simple(&self, comparison: u32, found: Found<'a>, right: Ref) -> Option<Truth> {
        let Found::Node(document, node) = found else {
            return None;
        };
        let [kind, one, other] = self.plan.record(right);
        match (kind_of(node), kind) {
            (kind::NUMBER, literal::INTEGER) => {
                let Number::Integer(value) = Number::from_json(document.raw(node)) else {
                    return None;
                };
                let bound = (u64::from(other) << 32 | u64::from(one)) as i64;
                Some(order_truth(self.plan, comparison, value.cmp(&bound)))
            }
            (kind::STRING, literal::STRING) if comparison <= compare::NOT_EQUAL => {
                let equal = bytes::equal(
                    document.raw(node),
                    self.plan.slice(one as usize, other as usize),
                );
                Some(Truth::of(equal == (comparison == compare::EQUAL)))
            }
            _ => None,
        }
    }

    #[inline]
    pub(crate) fn operand(
        &mut self,
        kind: u32,
        at: Ref,
        element: Element<'a>,
    ) -> Option<Value<'a>> {
        match kind {
            operand::PATH => self.find(at, element).map(Found::value),
            operand::COUNT => {
                let count = self.count(at, element);
                count.map(|count| Value::Number(Number::Integer(i64::from(count))))
            }
            operand::LITERAL => Some(Value::of_literal(self.plan, at)),
            _ => self.plan.fail(Damaged::OperandKind),
        }
    }

    /// The size of what a path leads to. A slot remembers 1 for none, otherwise the size + 2.
    fn count(&mut self, at: Ref, element: Element<'a>) -> Option<u32> {
        let slot = self.plan.reference(at, 1);
        if let Some(known) = slot
            .checked_sub(1)
            .and_then(|slot| self.memo.get(slot))
            .filter(|known| **known != 0)
        {
            return known.checked_sub(2);
        }
        let count = match self.find(self.plan.reference(at, 0), element) {
            Some(found) => found.value().count(),
            None => None,
        };
        if let Some(memo) = slot.checked_sub(1).and_then(|slot| self.memo.get_mut(slot)) {
            *memo = count.map_or(1, |count| count.saturating_add(2));
        }
        count
    }

    /// What the path at `at` leads to.
    #[inline]
    pub(crate) fn find(&mut self, at: Ref, element: Element<'a>) -> Option<Found<'a>> {
        let [first, slot, steps] = self.plan.record(at);
        if first == root::ARGS && steps == 1 {
            let arguments = self.arguments;
            let member = arguments.member(arguments.node(0), self.plan.text(at, 3));
            return member.map(|node| Found::Node(arguments, node));
        }
        if first >> 8 != 0 {
            return self.find_once(at, first & 0xff, slot as usize);
        }
        self.walk(at, first & 0xff, steps, element)
    }

    /// As [`Self::find`], for a path in a quantifier that does not begin at its element.
    fn find_once(&mut self, at: Ref, first: u32, slot: usize) -> Option<Found<'a>> {
        let document = match first {
            root::ARGS => Some(self.arguments),
            _ => self.facts,
        };
        let document = document?;
        match self.memo.get(slot).copied().unwrap_or(NOWHERE) {
            0 => {
                let steps = self.plan.word(at, 2);
                let found = self.walk(at, first, steps, None);
                let index = match found {
                    Some(Found::Node(_, node)) => document.index_of(node),
                    _ => None,
                };
                if let Some(slot) = self.memo.get_mut(slot) {
                    *slot = index.map_or(NOWHERE, |index| index.saturating_add(NOWHERE + 1));
                }
                found
            }
            NOWHERE => None,
            known => Some(Found::Node(document, document.node(known - NOWHERE - 1))),
        }
    }

    /// Follows a path from its root.
    fn walk(&self, at: Ref, first: u32, steps: u32, element: Element<'a>) -> Option<Found<'a>> {
        let plan = self.plan;
        let (document, mut node) = match first {
            root::ARGS => (self.arguments, self.arguments.node(0)),
            root::ROLE => return Some(Found::Name(self.role)),
            root::TOOL => return Some(Found::Name(self.tool)),
            root::ELEMENT => match element {
                Some(element) => element,
                None => return plan.fail(Damaged::Element),
            },
            root::CTX | root::RUN | root::USER => {
                let name: &[u8] = match first {
                    root::CTX => b"ctx",
                    root::RUN => b"run",
                    _ => b"user",
                };
                let facts = self.facts?;
                let node = facts.member(facts.node(0), name)?;
                (facts, node)
            }
            _ => return plan.fail(Damaged::PathRoot),
        };
        for step in 0..plan.bounded(steps) {
            if kind_of(node) != kind::OBJECT {
                return None;
            }
            node = document.member(node, plan.text(at, 3 + 2 * step))?;
        }
        Some(Found::Node(document, node))
    }

    /// The string that a path leads to.
    fn string(&mut self, at: Ref, element: Element<'a>) -> Option<Text<'a>> {
        match self.find(at, element) {
            Some(found) => match found.value() {
                Value::String(text) => Some(text),
                _ => None,
            },
            None => None,
        }
    }

    fn text_call(&mut self, node: Ref, call: u32, element: Element<'a>) -> Truth {
        let plan = self.plan;
        let Some(text) = self.string(plan.reference(node, 2), element) else {
            return Truth::Undefined;
        };
        let sought = plan.text(node, 3);
        Truth::of(match call {
            text_call::STARTS_WITH => text.starts_with(sought),
            text_call::ENDS_WITH => text.ends_with(sought),
            text_call::CONTAINS => {
                let failure = plan.slice(plan.reference(node, 5), sought.len() * 2);
                text.contains(sought, failure)
            }
            _ => return plan.fail(Damaged::Call),
        })
    }

    fn matches(&mut self, node: Ref, element: Element<'a>) -> Truth {
        let plan = self.plan;
        let Some(text) = self.string(plan.reference(node, 2), element) else {
            return Truth::Undefined;
        };
        let dfa = crate::dfa::Dfa::at(plan, plan.reference(node, 3));
        Truth::of(if text.escaped {
            dfa.accepts(text.bytes())
        } else {
            dfa.accepts(text.raw.iter().copied())
        })
    }

    /// Whether an object has no members but the named ones, which stand in the order of their bytes.
    fn only(&mut self, node: Ref, count: u32, element: Element<'a>) -> Truth {
        let plan = self.plan;
        let Some(Found::Node(document, object)) = self.find(plan.reference(node, 2), element)
        else {
            return Truth::Undefined;
        };
        if kind_of(object) != kind::OBJECT {
            return Truth::Undefined;
        }
        for member in document.children(object) {
            let name = document.name(member);
            let found = if count <= FEW_NAMES && !name.escaped {
                let mut found = false;
                for index in 0..count as usize {
                    found |= bytes::equal(plan.text(node, 3 + 2 * index), name.raw);
                }
                found
            } else {
                search(count, |middle| {
                    Text::plain(plan.text(node, 3 + 2 * middle as usize)).compare(name)
                })
            };
            if !found {
                return Truth::False;
            }
        }
        Truth::True
    }

    /// Membership: equality with the elements of the value's own type and with `null`; undefined if there are none.
    fn is_in(&mut self, node: Ref, first: u32, element: Element<'a>) -> Truth {
        let plan = self.plan;
        let (negated, kind) = (first >> 8 & 0xff, first >> 16 & 0xf);
        let Some(value) = self.operand(kind, plan.reference(node, 2), element) else {
            return Truth::Undefined;
        };
        let truth = self.membership(&value, plan.reference(node, 3));
        if negated != 0 { truth.not() } else { truth }
    }

    fn membership(&self, value: &Value<'a>, list: Ref) -> Truth {
        let plan = self.plan;
        let flags = plan.word(list, 0);
        let (numbers, strings, lists) =
            (plan.word(list, 1), plan.word(list, 2), plan.word(list, 3));
        let element =
            |index: u32| Value::of_literal(plan, plan.reference(list, 4 + index as usize));
        // How many elements have the value's type, and whether one is equal.
        let (candidates, found) = match value {
            Value::Null => (flags & list::NULL, flags & list::NULL != 0),
            Value::Bool(true) => (flags & (list::TRUE | list::FALSE), flags & list::TRUE != 0),
            Value::Bool(false) => (flags & (list::TRUE | list::FALSE), flags & list::FALSE != 0),
            Value::Number(_) | Value::String(_) => {
                let (first, count) = if let Value::Number(_) = value {
                    (0, numbers)
                } else {
                    (numbers, strings)
                };
                let found = search(count, |middle| {
                    element(first.wrapping_add(middle))
                        .compare(value)
                        .unwrap_or(Ordering::Less)
                });
                (count, found)
            }
            Value::List(_) => {
                let first = numbers.wrapping_add(strings);
                let mut found = false;
                for index in 0..plan.bounded(lists) as u32 {
                    found = found || element(first.wrapping_add(index)).is_equal(plan, value, 0);
                }
                (lists, found)
            }
            Value::Object(..) => (0, false),
        };
        if found {
            Truth::True
        } else if candidates != 0 || flags & list::NULL != 0 {
            Truth::False
        } else {
            Truth::Undefined
        }
    }

    /// `every` (decided by one *false*) or `any` (decided by one *true*) over the elements of a list.
    fn quantifier(&mut self, node: Ref, decides: Truth, element: Element<'a>, depth: u32) -> Truth {
        let plan = self.plan;
        let Some(Found::Node(document, list)) = self.find(plan.reference(node, 2), element) else {
            return Truth::Undefined;
        };
        if kind_of(list) != kind::LIST {
            return Truth::Undefined;
        }
        let body = plan.reference(node, 3);
        let mut result = decides.not();
        for element in document.children(list) {
            let truth = self.condition(body, Some((document, element)), depth + 1);
            if truth == decides {
                return decides;
            }
            if truth == Truth::Undefined {
                result = Truth::Undefined;
            }
        }
        result
    }

    /// A condition in a quantifier that does not depend on the element: evaluated once.
    fn remembered(&mut self, node: Ref, depth: u32) -> Truth {
        let slot = self.plan.reference(node, 2);
        match self.memo.get(slot) {
            Some(1) => return Truth::False,
            Some(2) => return Truth::True,
            Some(3) => return Truth::Undefined,
            Some(_) => {}
            None => return self.plan.fail(Damaged::MemoSlots),
        }
        let truth = self.condition(self.plan.reference(node, 3), None, depth + 1);
        if let Some(slot) = self.memo.get_mut(slot) {
            *slot = match truth {
                Truth::False => 1,
                Truth::True => 2,
                Truth::Undefined => 3,
            };
        }
        truth
    }
}

/// A comparison of two values that are there; whether they are constants matters to `null` alone.
fn compare_values(
    plan: View<'_>,
    comparison: u32,
    left: Value<'_>,
    left_literal: bool,
    right: Value<'_>,
    right_literal: bool,
) -> Truth {
    if comparison > compare::NOT_EQUAL {
        return left.compare(&right).map_or(Truth::Undefined, |order| {
            order_truth(plan, comparison, order)
        });
    }
    let (left_null, right_null) = (matches!(left, Value::Null), matches!(right, Value::Null));
    let equal = if left_literal && left_null || right_literal && right_null {
        Truth::of(left_null && right_null)
    } else {
        left.equals(plan, &right)
    };
    if comparison == compare::NOT_EQUAL {
        equal.not()
    } else {
        equal
    }
}

#[inline]
fn order_truth(plan: View<'_>, comparison: u32, order: Ordering) -> Truth {
    Truth::of(match comparison {
        compare::EQUAL => order.is_eq(),
        compare::NOT_EQUAL => order.is_ne(),
        compare::LESS => order.is_lt(),
        compare::LESS_OR_EQUAL => order.is_le(),
        compare::GREATER => order.is_gt(),
        compare::GREATER_OR_EQUAL => order.is_ge(),
        _ => return plan.fail(Damaged::Comparison),
    })
}

/// Binary search among `count` ordered things; `order` compares the thing at an index with what is sought.
fn search(count: u32, mut order: impl FnMut(u32) -> Ordering) -> bool {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        match order(middle) {
            Ordering::Less => low = middle + 1,
            Ordering::Greater => high = middle,
            Ordering::Equal => return true,
        }
    }
    false
}
