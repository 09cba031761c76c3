//! `in` with a list of the call or of the facts.
//!
//! A list that is looked into for each element of another is put in order once: what was put in order stands behind the memo slots.

use core::cmp::Ordering;

use super::{EvalContext, element::Element, search};
use crate::{
    plan::{Damaged, Ref},
    value::{List, Truth, Value},
};

/// What a memo slot says of a list that is not there; of any other where its order stands, behind this.
const NO_LIST: u32 = 1;

impl<'a> EvalContext<'a, '_> {
    #[inline(never)]
    pub(super) fn is_in_path(
        &mut self,
        node: Ref,
        first: u32,
        element: &Element<'a>,
        depth: u32,
    ) -> Truth {
        let plan = self.plan;
        let (negated, kind) = (first >> 8 & 0xff, first >> 16 & 0xf);
        let [_, _, value, path, slot] = plan.record(node);
        let mut room = None;
        let Some(value) = self.operand(kind, value as usize, element, depth, &mut room) else {
            return Truth::Undefined;
        };
        let list = self.find(path as usize, element);
        let Some(Value::List(list)) = list.map(|list| list.value(plan)) else {
            return Truth::Undefined;
        };
        let truth = if list.len(plan) == 0 {
            Truth::False
        } else if slot == 0 {
            self.look_through(&value, list)
        } else {
            self.look_up(&value, list, slot as usize - 1)
        };
        if negated != 0 { truth.not() } else { truth }
    }

    fn look_through(&self, value: &Value<'_>, list: List<'_>) -> Truth {
        let (plan, mut is_comparable) = (self.plan, false);
        for index in 0..list.len(plan) {
            let element = list.get(plan, index);
            if !element.same_type(value) {
                is_comparable |= matches!(element, Value::Null);
            } else if element.is_equal(plan, value) {
                return Truth::True;
            } else {
                is_comparable = true;
            }
        }
        if is_comparable {
            Truth::False
        } else {
            Truth::Undefined
        }
    }

    fn look_up(&mut self, value: &Value<'_>, list: List<'_>, slot: usize) -> Truth {
        let plan = self.plan;
        let Some(start) = self.put_in_order(list, slot) else {
            return plan.fail(Damaged::MemoSlots);
        };
        let memo = &*self.memo;
        let at = |position: u32| {
            let index = memo.get(start.wrapping_add(position as usize));
            list.get(plan, index.copied().unwrap_or(u32::MAX))
        };
        let (found, behind) = search(list.len(plan), |middle| at(middle).order(plan, value, 0));
        if found {
            return Truth::True;
        }
        // Values of one type stand together, `null` first.
        let is_comparable = matches!(at(0), Value::Null)
            || behind < list.len(plan) && at(behind).same_type(value)
            || behind > 0 && at(behind - 1).same_type(value);
        if is_comparable {
            Truth::False
        } else {
            Truth::Undefined
        }
    }

    /// Where the indices of a list's elements stand in the order of these, as the slot remembers. None: there is no room.
    fn put_in_order(&mut self, list: List<'_>, slot: usize) -> Option<usize> {
        match *self.memo.get(slot)? {
            0 => {}
            known => return Some((known - NO_LIST) as usize),
        }
        let (plan, count) = (self.plan, list.len(self.plan) as usize);
        let (start, room) = self.take(count, 2 * count)?;
        let (indices, other) = room.split_at_mut_checked(count)?;
        for (index, place) in (0..).zip(&mut *indices) {
            *place = index;
        }
        merge_sort(indices, other, |one, other| {
            list.get(plan, one).order(plan, &list.get(plan, other), 0)
        });
        *self.memo.get_mut(slot)? = u32::try_from(start).ok()?.saturating_add(NO_LIST);
        Some(start)
    }

    /// Sets aside so many words behind what is remembered, and lends more behind them: where they begin, and all of them.
    pub(super) fn take(&mut self, kept: usize, lent: usize) -> Option<(usize, &mut [u32])> {
        let start = self.used;
        let room = self.memo.get_mut(start..start.checked_add(lent)?)?;
        self.used = start.checked_add(kept)?;
        Some((start, room))
    }
}

/// Puts items into order, with room for as many. Every item is passed on log n times, and each comparison passes one on: however long
/// what is compared, and whatever it has in common, the work is n log n in the size of all of it.
fn merge_sort(items: &mut [u32], other: &mut [u32], order: impl Fn(u32, u32) -> Ordering) {
    let count = items.len();
    let mut width = 1;
    while width < count {
        let mut start = 0;
        while start < count {
            let middle = start.saturating_add(width).min(count);
            let end = middle.saturating_add(width).min(count);
            let (mut left, mut right) = (start, middle);
            for place in other.get_mut(start..end).unwrap_or_default() {
                let (one, two) = (items.get(left).copied(), items.get(right).copied());
                let takes_left = left < middle
                    && (right >= end
                        || order(one.unwrap_or_default(), two.unwrap_or_default()).is_le());
                let (next, from) = if takes_left {
                    (one, &mut left)
                } else {
                    (two, &mut right)
                };
                *place = next.unwrap_or_default();
                *from += 1;
            }
            start = end;
        }
        for (item, sorted) in items.iter_mut().zip(&*other) {
            *item = *sorted;
        }
        width = width.saturating_mul(2);
    }
}
