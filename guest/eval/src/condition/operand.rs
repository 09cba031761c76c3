//! The values on the sides of conditions.

use super::{Each, Element, Elements, EvalContext};
use crate::{
    number::{Computed, Exact, Number, Operation, WORDS},
    plan::{
        Damaged, Ref,
        layout::{SUM_SLOTS, arithmetic, operand as sort},
    },
    value::{Truth, Value},
};

/// What the first slot of a sum says: 0 where it is not known, else one of these. What the number is follows.
const NO_SUM: u32 = 1;
const INTEGER: u32 = 2;
const EXACT: u32 = 3;

impl<'a> EvalContext<'a, '_> {
    /// The value of an operand; a number that is computed lies in `room`.
    #[inline(never)]
    pub(crate) fn operand<'v>(
        &mut self,
        kind: u32,
        at: Ref,
        element: &Element<'a>,
        depth: u32,
        room: &'v mut Option<Computed>,
    ) -> Option<Value<'v>>
    where
        'a: 'v,
    {
        match kind {
            sort::PATH => {
                let plan = self.plan;
                self.find(at, element).map(|found| found.value(plan))
            }
            sort::COUNT => self.count(at, element).map(count_value),
            sort::LITERAL => Some(Value::of_literal(self.plan, at)),
            _ => self.further_operand(kind, at, element, depth, room),
        }
    }

    #[inline(never)]
    fn further_operand<'v>(
        &mut self,
        kind: u32,
        at: Ref,
        element: &Element<'a>,
        depth: u32,
        room: &'v mut Option<Computed>,
    ) -> Option<Value<'v>>
    where
        'a: 'v,
    {
        let plan = self.plan;
        if kind & sort::LOWER != 0 {
            return match self.operand(kind & !sort::LOWER, at, element, depth, room) {
                Some(Value::String(text)) => Some(Value::String(text.lower())),
                _ => None,
            };
        }
        *room = match kind {
            sort::TYPE => {
                let found = self.find(at, element)?;
                let name = found.value(plan).type_name();
                return Some(Value::String(crate::json::Text::plain(name)));
            }
            sort::COUNT_IF => return self.count_if(at, element, depth).map(count_value),
            sort::SUM => self.sum(at, element),
            sort::ARITHMETIC => self.arithmetic(at, element, depth),
            _ => plan.fail(Damaged::OperandKind),
        };
        let computed = room.as_ref()?;
        Some(Value::Number(computed.number()))
    }

    /// How many elements make a condition true. A slot remembers 1 for none, otherwise the number + 2.
    fn count_if(&mut self, at: Ref, element: &Element<'a>, depth: u32) -> Option<u32> {
        let plan = self.plan;
        let [path, slot, body] = plan.record(at);
        let slot = (slot as usize).wrapping_sub(1);
        if let Some(known) = self.memo.get(slot).filter(|known| **known != 0) {
            return known.checked_sub(2);
        }
        let list = self.find(path as usize, element);
        let count = match list.and_then(|list| Elements::of_list(list, plan)) {
            Some(elements) => match self.each(elements, body as usize, Truth::Undefined, depth) {
                Each::True(count) => Some(count),
                Each::Decided | Each::Undefined => None,
            },
            None => None,
        };
        if let Some(memo) = self.memo.get_mut(slot) {
            *memo = count.map_or(1, |count| count.saturating_add(2));
        }
        count
    }

    fn sum(&mut self, at: Ref, element: &Element<'a>) -> Option<Computed> {
        let [path, slot, of] = self.plan.record(at);
        let slot = (slot as usize).wrapping_sub(1);
        let known = self.memo.get(slot..);
        if let Some([state, words @ ..]) = known.and_then(<[u32]>::first_chunk::<SUM_SLOTS>) {
            let [low, high, ..] = words;
            match *state {
                NO_SUM => return None,
                INTEGER => {
                    let integer = u64::from(*high) << 32 | u64::from(*low);
                    return Some(Computed::Integer(integer as i64));
                }
                EXACT => return Some(Computed::Exact(Exact::of_words(words))),
                _ => {}
            }
        }
        let sum = self.total(path as usize, of as usize, element);
        let memo = self.memo.get_mut(slot..);
        if let Some([state, words @ ..]) = memo.and_then(<[u32]>::first_chunk_mut::<SUM_SLOTS>) {
            let words: &mut [u32; WORDS] = words;
            *state = match &sum {
                None => NO_SUM,
                Some(Computed::Integer(integer)) => {
                    let [low, high, ..] = words;
                    (*low, *high) = (*integer as u32, (*integer >> 32) as u32);
                    INTEGER
                }
                Some(Computed::Exact(exact)) => {
                    *words = exact.words();
                    EXACT
                }
            };
        }
        sum
    }

    /// The sum of what `of` leads to in each element of the list at `path`.
    fn total(&mut self, path: Ref, of: Ref, element: &Element<'a>) -> Option<Computed> {
        let plan = self.plan;
        let elements = Elements::of_list(self.find(path, element)?, plan)?;
        let mut total = Computed::Integer(0);
        for element in elements {
            let Value::Number(number) = self.find(of, &element)?.value(plan) else {
                return None;
            };
            total = total.with(Operation::Add, number)?;
        }
        Some(total)
    }

    /// A sum of products, from left to right.
    #[inline(never)]
    fn arithmetic(&mut self, at: Ref, element: &Element<'a>, depth: u32) -> Option<Computed> {
        let plan = self.plan;
        let (mut total, mut term) = (Computed::Integer(0), Computed::Integer(0));
        let mut before = Operation::Add;
        for index in 0..plan.count(at, 0) {
            let (first, operand) = (
                plan.word(at, 1 + 2 * index),
                plan.reference(at, 2 + 2 * index),
            );
            let operation = match first & 0xff {
                arithmetic::ADD => Operation::Add,
                arithmetic::SUBTRACT => Operation::Subtract,
                arithmetic::MULTIPLY => Operation::Multiply,
                _ => return plan.fail(Damaged::OperandKind),
            };
            let kind = first >> 8;
            if kind == sort::ARITHMETIC {
                return plan.fail(Damaged::OperandKind);
            }
            let mut room = None;
            let value = self.operand(kind, operand, element, depth, &mut room);
            let Some(Value::Number(number)) = value else {
                return None;
            };
            if operation == Operation::Multiply {
                term = term.with(operation, number)?;
            } else {
                total = total.with(before, term.number())?;
                term = Computed::of(number);
                before = operation;
            }
        }
        total.with(before, term.number())
    }
}

fn count_value<'v>(count: u32) -> Value<'v> {
    Value::Number(Number::Integer(i64::from(count)))
}
