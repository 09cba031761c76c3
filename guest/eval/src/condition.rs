//! Three-valued evaluation of constraints.

use core::{cmp::Ordering, ops::Range};

use hexgate_contract::MAX_NAME;

mod element;
mod lookup;
mod operand;
mod seek;

use crate::{
    bytes,
    json::{Document, Node, Text, kind, kind_of, nodes_for},
    number::small_integer,
    plan::{
        Damaged, Ref, Step, View,
        layout::{
            MAX_DEPTH, compare, flags, list, literal, op, operand as sort, over, root, text_call,
        },
    },
    value::{Truth, Value},
};
pub(crate) use element::{Element, Elements, Found, literal_element};

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
    /// How much of `memo` the constraint uses: the slots, and what is put behind them.
    pub(crate) used: usize,
}

/// What a memo slot says of a path that leads nowhere; of any other the node's index, behind this.
const NOWHERE: u32 = 1;

/// Up to so many names of `only` are compared one after the other.
const FEW_NAMES: u32 = 8;

/// How many words conditions need behind the memo slots for a request whose arguments and facts have so many bytes.
pub(crate) fn room_for(flags: u32, arguments: usize, facts: usize) -> usize {
    let longest = arguments.max(facts);
    let mut room = 0;
    if flags & flags::ORDERS_LISTS != 0 {
        // Each list is put in order once, with as much room again while it is.
        room += 2 * (nodes_for(arguments) + nodes_for(facts));
    }
    if flags & flags::INDEXES_TEXTS != 0 {
        // Each text is kept at most twice, once in lower case.
        room += 2 * (arguments + facts) + seek::index_room(longest);
    }
    if flags & flags::SEEKS_TEXTS != 0 {
        // What is sought is no longer than what it is sought in.
        room += longest.max(MAX_NAME);
    }
    room
}

impl<'a> EvalContext<'a, '_> {
    /// [`Self::constraint`] where size matters more than speed.
    #[inline(never)]
    pub(crate) fn truth(&mut self, constraint: Ref) -> Truth {
        self.constraint(constraint)
    }

    /// The truth of a constraint.
    #[inline]
    pub(crate) fn constraint(&mut self, constraint: Ref) -> Truth {
        let [_, _, node, slots] = self.plan.record(constraint);
        self.make_room(slots as usize);
        self.condition(node as usize, &Element::None, 0)
    }

    /// Makes room for the values that are remembered while this constraint is evaluated.
    pub(crate) fn forget(&mut self, constraint: Ref) {
        self.make_room(self.plan.reference(constraint, 3));
    }

    #[inline]
    fn make_room(&mut self, slots: usize) {
        self.used = slots;
        if slots > 0 {
            match self.memo.get_mut(..slots) {
                Some(memo) => memo.fill(0),
                None => self.plan.fail(Damaged::MemoSlots),
            }
        }
    }

    /// The truth of the condition at `node`.
    pub(crate) fn condition(&mut self, node: Ref, element: &Element<'a>, depth: u32) -> Truth {
        if depth > MAX_DEPTH {
            return self.plan.fail(Damaged::ConditionDepth);
        }
        let plan = self.plan;
        let [first] = plan.record(node);
        match first & 0xff {
            op::COMPARE => self.compare(node, first, element, depth),
            op::AND => self.all(node, first >> 16, Truth::False, element, depth),
            op::OR => self.all(node, first >> 16, Truth::True, element, depth),
            op::NOT => self
                .condition(plan.reference(node, 2), element, depth + 1)
                .not(),
            op::IN => self.is_in(node, first, element, depth),
            op::TEXT => self.text_call(node, first >> 8 & 0xff, element),
            op::MATCHES => self.matches(node, element),
            op::PRESENT => Truth::of(self.find(plan.reference(node, 2), element).is_some()),
            op::ONLY => self.only(node, first >> 16, element),
            op::EVERY => self.quantifier(node, first, Truth::False, element, depth),
            op::ANY => self.quantifier(node, first, Truth::True, element, depth),
            op::MEMO => self.remembered(node, depth),
            op::TEXT_IN => self.text_in(node, first, element, depth),
            op::IN_PATH => self.is_in_path(node, first, element, depth),
            op::OPTIONAL => self.optional(node, element, depth),
            op::NAMED => self.named(node, element, depth),
            _ => plan.fail(Damaged::Opcode),
        }
    }

    /// Kleene's conjunction (decided by one *false*) or disjunction (decided by one *true*).
    fn all(
        &mut self,
        node: Ref,
        count: u32,
        decides: Truth,
        element: &Element<'a>,
        depth: u32,
    ) -> Truth {
        let mut result = decides.not();
        for index in 0..self.plan.bounded(count) {
            let [part] = self.plan.record(node.wrapping_add(8 + 4 * index));
            let truth = self.condition(part as usize, element, depth + 1);
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
    fn compare(&mut self, node: Ref, first: u32, element: &Element<'a>, depth: u32) -> Truth {
        let comparison = first >> 8 & 0xff;
        let (left_kind, right_kind) = (first >> 16 & 0xf, first >> 20 & 0xf);
        let [_, _, left, right] = self.plan.record(node);
        let (left, right) = (left as usize, right as usize);
        if left_kind == sort::PATH && right_kind == sort::LITERAL {
            let Some(found) = self.find(left, element) else {
                return Truth::Undefined;
            };
            return match self.compare_simple(comparison, found, right) {
                Some(truth) => truth,
                None => compare_values(
                    self.plan,
                    comparison,
                    found.value(self.plan),
                    false,
                    Value::of_literal(self.plan, right),
                    true,
                ),
            };
        }
        self.compare_operands(
            comparison,
            (left_kind, left),
            (right_kind, right),
            element,
            depth,
        )
    }

    #[inline(never)]
    fn compare_operands(
        &mut self,
        comparison: u32,
        (left_kind, left): (u32, Ref),
        (right_kind, right): (u32, Ref),
        element: &Element<'a>,
        depth: u32,
    ) -> Truth {
        let (mut left_room, mut right_room) = (None, None);
        let Some(left) = self.operand(left_kind, left, element, depth, &mut left_room) else {
            return Truth::Undefined;
        };
        let Some(right) = self.operand(right_kind, right, element, depth, &mut right_room) else {
            return Truth::Undefined;
        };
        compare_values(
            self.plan,
            comparison,
            left,
            left_kind == sort::LITERAL,
            right,
            right_kind == sort::LITERAL,
        )
    }

    /// The most frequent comparisons, on a short path: a small integer with one, the equality of plain strings.
    #[inline(always)]
    fn compare_simple(&self, comparison: u32, found: Found<'a>, right: Ref) -> Option<Truth> {
        let Found::Node(document, node) = found else {
            return None;
        };
        let [kind, one, other] = self.plan.record(right);
        match (kind_of(node), kind) {
            (kind::NUMBER, literal::INTEGER) => {
                let value = small_integer(document.raw(node))?;
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

    /// The size of what a path leads to. A slot remembers 1 for none, otherwise the size + 2.
    fn count(&mut self, at: Ref, element: &Element<'a>) -> Option<u32> {
        let slot = self.plan.reference(at, 1);
        if let Some(known) = slot
            .checked_sub(1)
            .and_then(|slot| self.memo.get(slot))
            .filter(|known| **known != 0)
        {
            return known.checked_sub(2);
        }
        let count = match self.find(self.plan.reference(at, 0), element) {
            Some(found) => found.value(self.plan).count(self.plan),
            None => None,
        };
        if let Some(memo) = slot.checked_sub(1).and_then(|slot| self.memo.get_mut(slot)) {
            *memo = count.map_or(1, |count| count.saturating_add(2));
        }
        count
    }

    /// What the path at `at` leads to.
    #[inline]
    pub(crate) fn find(&mut self, at: Ref, element: &Element<'a>) -> Option<Found<'a>> {
        let [first, slot, steps] = self.plan.record(at);
        if steps == 1 {
            let from = match (first, element) {
                (root::ARGS, _) => Some((self.arguments, self.arguments.node(0))),
                (root::ELEMENT, Element::Node(document, node)) if kind_of(node) == kind::OBJECT => {
                    Some((*document, *node))
                }
                _ => None,
            };
            if let Some((document, node)) = from {
                let member = document.member_at_once(node, self.plan.text(at, 3));
                return member.map(|node| Found::Node(document, node));
            }
        }
        if first >> 8 & 1 != 0 {
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
                let found = self.walk(at, first, steps, &Element::None);
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
    fn walk(&self, at: Ref, first: u32, steps: u32, element: &Element<'a>) -> Option<Found<'a>> {
        let plan = self.plan;
        let steps = plan.bounded(steps);
        let (document, node) = match first {
            root::ARGS => (self.arguments, self.arguments.node(0)),
            root::ROLE => return Some(Found::Text(Text::plain(self.role))),
            root::TOOL => return Some(Found::Text(Text::plain(self.tool))),
            root::ELEMENT => match element {
                Element::Node(document, node) => (*document, *node),
                _ => return self.walk_from(at, steps, element),
            },
            _ => {
                let name: &[u8] = match first {
                    root::CTX => b"ctx",
                    root::RUN => b"run",
                    root::USER => b"user",
                    root::SAID => b"said",
                    root::USAGE => b"usage",
                    root::USER_USAGE => b"user_usage",
                    _ => return plan.fail(Damaged::PathRoot),
                };
                let facts = self.facts?;
                let node = facts.member(facts.node(0), name)?;
                (facts, node)
            }
        };
        self.follow(document, node, at, 0..steps)
    }

    /// Follows steps of a path from a value of the request.
    #[inline(always)]
    fn follow(
        &self,
        document: &'a Document<'a>,
        mut node: &'a Node,
        at: Ref,
        steps: Range<usize>,
    ) -> Option<Found<'a>> {
        for index in steps {
            node = match (kind_of(node), self.plan.step(at, index)) {
                (kind::OBJECT, Step::Member(name)) => document.member(node, name)?,
                (kind::LIST, Step::Element(index)) => document.children(node).get(index)?,
                _ => return None,
            };
        }
        Some(Found::Node(document, node))
    }

    /// Follows a path from an element that is no value of the request.
    #[inline(never)]
    fn walk_from(&self, at: Ref, steps: usize, element: &Element<'a>) -> Option<Found<'a>> {
        match element {
            Element::Node(document, node) => self.follow_slowly(document, node, at, 0..steps),
            Element::Member(document, member) => {
                match (steps > 0).then(|| self.plan.step(at, 0))? {
                    Step::Member(b"value") => self.follow_slowly(document, member, at, 1..steps),
                    Step::Member(b"name") if steps == 1 => Some(Found::Text(document.name(member))),
                    Step::Member(_) | Step::Element(_) => None,
                }
            }
            Element::Text(text) => (steps == 0).then_some(Found::Text(*text)),
            Element::Literal(literal) => self.walk_literal(at, steps, *literal),
            Element::None => self.plan.fail(Damaged::Element),
        }
    }

    /// [`Self::follow`] where size matters more than speed.
    #[inline(never)]
    fn follow_slowly(
        &self,
        document: &'a Document<'a>,
        node: &'a Node,
        at: Ref,
        steps: Range<usize>,
    ) -> Option<Found<'a>> {
        self.follow(document, node, at, steps)
    }

    fn walk_literal(&self, at: Ref, steps: usize, mut literal: Ref) -> Option<Found<'a>> {
        for index in 0..steps {
            let Step::Element(index) = self.plan.step(at, index) else {
                return None;
            };
            literal = literal_element(self.plan, literal, index)?;
        }
        Some(Found::Literal(literal))
    }

    /// The string that a path leads to.
    fn string(&mut self, at: Ref, element: &Element<'a>) -> Option<Text<'a>> {
        match self.find(at, element)? {
            Found::Node(document, node) => match kind_of(node) {
                kind::STRING => Some(Text::plain(document.raw(node))),
                kind::ESCAPED => Some(Text::json(document.raw(node), true)),
                _ => None,
            },
            Found::Text(text) => Some(text),
            Found::Literal(at) => match Value::of_literal(self.plan, at) {
                Value::String(text) => Some(text),
                _ => None,
            },
        }
    }

    fn text_call(&mut self, node: Ref, call: u32, element: &Element<'a>) -> Truth {
        let plan = self.plan;
        let [_, _, at, sought, len] = plan.record(node);
        let Some(text) = self.string(at as usize, element) else {
            return Truth::Undefined;
        };
        let sought = plan.slice(sought as usize, len as usize);
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

    fn matches(&mut self, node: Ref, element: &Element<'a>) -> Truth {
        let plan = self.plan;
        let [_, _, at, table] = plan.record(node);
        let Some(text) = self.string(at as usize, element) else {
            return Truth::Undefined;
        };
        let dfa = crate::dfa::Dfa::at(plan, table as usize);
        Truth::of(if text.is_raw() {
            dfa.accepts(text.raw.iter().copied())
        } else {
            let mut bytes = text.bytes();
            dfa.accepts(core::iter::from_fn(|| bytes.step()))
        })
    }

    /// Whether an object has no members but the named ones, which stand in the order of their bytes.
    fn only(&mut self, node: Ref, count: u32, element: &Element<'a>) -> Truth {
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
            let found = if count <= FEW_NAMES && name.is_raw() {
                let mut found = false;
                for index in 0..count as usize {
                    found |= bytes::equal(plan.text(node, 3 + 2 * index), name.raw);
                }
                found
            } else {
                search(count, |middle| {
                    Text::plain(plan.text(node, 3 + 2 * middle as usize)).compare(name)
                })
                .0
            };
            if !found {
                return Truth::False;
            }
        }
        Truth::True
    }

    /// Membership: equality with the elements of the value's own type and with `null`; undefined if there are none.
    #[inline(never)]
    fn is_in(&mut self, node: Ref, first: u32, element: &Element<'a>, depth: u32) -> Truth {
        let plan = self.plan;
        let (negated, kind) = (first >> 8 & 0xff, first >> 16 & 0xf);
        let [_, _, at, list] = plan.record(node);
        let (at, list, mut room) = (at as usize, list as usize, None);
        let value = if kind == sort::PATH {
            self.find(at, element).map(|found| found.value(plan))
        } else {
            self.operand(kind, at, element, depth, &mut room)
        };
        let Some(value) = value else {
            return Truth::Undefined;
        };
        let truth = self.membership(&value, list);
        if negated != 0 { truth.not() } else { truth }
    }

    fn membership(&self, value: &Value<'_>, list: Ref) -> Truth {
        let plan = self.plan;
        let [flags, numbers, strings, lists] = plan.record(list);
        let element = |index: u32| {
            let at = list
                .wrapping_add(16)
                .wrapping_add(index.wrapping_mul(4) as usize);
            let [literal] = plan.record(at);
            Value::of_literal(plan, literal as usize)
        };
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
                })
                .0;
                (count, found)
            }
            Value::List(_) => {
                let first = numbers.wrapping_add(strings);
                let mut found = false;
                for index in 0..plan.bounded(lists) as u32 {
                    found = found || element(first.wrapping_add(index)).is_equal(plan, value);
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

    /// `every` (decided by one *false*) or `any` (decided by one *true*) over what there is.
    fn quantifier(
        &mut self,
        node: Ref,
        first: u32,
        decides: Truth,
        element: &Element<'a>,
        depth: u32,
    ) -> Truth {
        let [_, _, of, body] = self.plan.record(node);
        let (of, body) = (of as usize, body as usize);
        let over = first >> 8 & 0xff;
        let elements = match (over, self.elements(over, of, element)) {
            (_, Some(elements)) => elements,
            (over::TEXTS, None) => {
                return match self.find(of, element) {
                    Some(Found::Literal(list)) => self.texts_of_literal(list, body, depth, 0),
                    _ => Truth::Undefined,
                };
            }
            (_, None) => return Truth::Undefined,
        };
        match self.each(elements, body, decides, depth) {
            Each::Decided => decides,
            Each::Undefined => Truth::Undefined,
            Each::True(_) => decides.not(),
        }
    }

    /// What a quantifier goes over. None: it is something else.
    pub(crate) fn elements(
        &mut self,
        over: u32,
        of: Ref,
        element: &Element<'a>,
    ) -> Option<Elements<'a>> {
        let plan = self.plan;
        match over {
            over::ELEMENTS => Elements::of_list(self.find(of, element)?, plan),
            over::MEMBERS => Elements::of_object(self.find(of, element)?),
            over::LITERALS => Elements::of_list(Found::Literal(of), plan),
            over::TEXTS => match self.find(of, element)? {
                Found::Node(document, node) => Some(Elements::texts(document, node)),
                Found::Text(text) => Some(Elements::Text(Some(text))),
                // A list in a list.
                Found::Literal(_) => None,
            },
            _ => plan.fail(Damaged::Over),
        }
    }

    /// A condition for one element after the other, up to the first one that decides.
    fn each(&mut self, elements: Elements<'a>, body: Ref, decides: Truth, depth: u32) -> Each {
        let mut tally = (0, false);
        if let Elements::Nodes(document, nodes) = elements {
            for node in nodes {
                if self.decides(
                    &Element::Node(document, node),
                    body,
                    decides,
                    depth,
                    &mut tally,
                ) {
                    return Each::Decided;
                }
            }
        } else {
            for element in elements {
                if self.decides(&element, body, decides, depth, &mut tally) {
                    return Each::Decided;
                }
            }
        }
        match tally {
            (_, true) => Each::Undefined,
            (count, false) => Each::True(count),
        }
    }

    /// Whether a condition decides for an element. If not, counts where it is true, and tells whether it is undefined for some.
    #[inline]
    fn decides(
        &mut self,
        element: &Element<'a>,
        body: Ref,
        decides: Truth,
        depth: u32,
        (count, is_undefined): &mut (u32, bool),
    ) -> bool {
        let truth = self.condition(body, element, depth + 1);
        *count += u32::from(truth == Truth::True);
        *is_undefined |= truth == Truth::Undefined;
        truth == decides
    }

    /// Whether a condition holds for one of the texts at and below a literal.
    #[cold]
    #[inline(never)]
    fn texts_of_literal(&mut self, at: Ref, body: Ref, depth: u32, level: usize) -> Truth {
        let plan = self.plan;
        if level > crate::json::MAX_DEPTH {
            return plan.fail(Damaged::LiteralDepth);
        }
        if let Value::String(text) = Value::of_literal(plan, at) {
            return self.condition(body, &Element::Text(text), depth + 1);
        }
        let (mut truth, mut index) = (Truth::False, 0);
        while truth != Truth::True
            && let Some(element) = literal_element(plan, at, index)
        {
            truth = truth | self.texts_of_literal(element, body, depth, level + 1);
            index += 1;
        }
        truth
    }

    /// A condition with a name means what it stands for.
    #[inline(never)]
    fn named(&mut self, node: Ref, element: &Element<'a>, depth: u32) -> Truth {
        self.condition(self.plan.reference(node, 2), element, depth + 1)
    }

    /// Whether nothing or `null` is there, or a condition holds.
    #[inline(never)]
    fn optional(&mut self, node: Ref, element: &Element<'a>, depth: u32) -> Truth {
        let plan = self.plan;
        let Some(found) = self.find(plan.reference(node, 2), element) else {
            return Truth::True;
        };
        if let Value::Null = found.value(plan) {
            return Truth::True;
        }
        self.condition(plan.reference(node, 3), &found.element(), depth + 1)
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
        let truth = self.condition(self.plan.reference(node, 3), &Element::None, depth + 1);
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

#[inline(always)]
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

/// What [`EvalContext::each`] found.
enum Each {
    /// An element decides.
    Decided,
    /// None does, but the condition is undefined for one.
    Undefined,
    /// It is true for so many, and false for the others.
    True(u32),
}

/// Binary search among `count` ordered things: whether one is there, and how many stand before it. `order` compares the thing at an index
/// with what is sought.
fn search(count: u32, mut order: impl FnMut(u32) -> Ordering) -> (bool, u32) {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        match order(middle) {
            Ordering::Less => low = middle + 1,
            Ordering::Greater => high = middle,
            Ordering::Equal => return (true, middle),
        }
    }
    (false, low)
}
