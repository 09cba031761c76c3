//! `startswith`, `endswith` and `contains` with a text that is not written in the policy.
//!
//! A text in which another is sought for each element of a list gets an index once: where its suffixes begin, in their order. So the
//! work is n log n in the size of both, and not their product.

use core::cmp::Ordering;

use super::{Element, EvalContext, search};
use crate::{
    json::Text,
    plan::{
        Damaged, Ref,
        layout::{operand as sort, text_call},
    },
    value::{Truth, Value},
};

impl<'a> EvalContext<'a, '_> {
    #[inline(never)]
    pub(super) fn text_in(
        &mut self,
        node: Ref,
        first: u32,
        element: &Element<'a>,
        depth: u32,
    ) -> Truth {
        let plan = self.plan;
        let (call, kind, sought_kind) = (first >> 8 & 0xff, first >> 16 & 0xf, first >> 20 & 0xf);
        let [_, _, subject, sought, slot] = plan.record(node);
        let (mut room, mut sought_room) = (None, None);
        let subject = self.operand(kind, subject as usize, element, depth, &mut room);
        let sought = self.operand(
            sought_kind,
            sought as usize,
            element,
            depth,
            &mut sought_room,
        );
        let (Some(Value::String(text)), Some(Value::String(sought))) = (subject, sought) else {
            return Truth::Undefined;
        };
        // Every text has an empty one in it: asked by a policy, that is an answer; by a caller, a way around the question.
        if sought.raw.is_empty() && sought_kind != sort::LITERAL {
            return Truth::Undefined;
        }
        Truth::of(match call {
            text_call::STARTS_WITH => text.starts_with_text(sought),
            text_call::ENDS_WITH if text.is_raw() => text.ends_with_text(sought),
            text_call::ENDS_WITH => match self.index(text, slot) {
                Some(index) => index.ends_with(sought),
                None => text.ends_with_text(sought),
            },
            text_call::CONTAINS => match self.index(text, slot) {
                Some(index) => index.contains(sought),
                None => self.contains(text, sought),
            },
            _ => return plan.fail(Damaged::Call),
        })
    }

    /// The index of a text that is the same for each element, as the slot (less one) remembers where it stands. None: there is no slot, or
    /// no room.
    fn index(&mut self, text: Text<'_>, slot: u32) -> Option<Index<'_>> {
        let slot = (slot as usize).checked_sub(1)?;
        let start = match *self.memo.get(slot)? {
            0 => {
                let len = text.len_within(POSITION as usize);
                if len > POSITION as usize {
                    return None;
                }
                let (start, room) = self.take(len + 1, index_room(len))?;
                let (head, room) = room.split_first_mut()?;
                *head = len as u32;
                build(text, len, room)?;
                *self.memo.get_mut(slot)? = u32::try_from(start).ok()?.saturating_add(1);
                start
            }
            known => known as usize - 1,
        };
        let (len, words) = self.memo.get(start..)?.split_first()?;
        words.get(..*len as usize).map(Index)
    }

    /// Whether a text has another in it (Knuth, Morris, Pratt). Each byte of what is sought becomes a word behind the slots: the byte, and
    /// above it how much still matches when the next one does not.
    fn contains(&mut self, text: Text<'_>, sought: Text<'_>) -> bool {
        let (start, most) = (self.used, text.raw.len());
        let (mut len, mut bytes) = (0, sought.bytes());
        while let Some(byte) = bytes.step() {
            if len == most {
                return false;
            }
            let Some(word) = self.memo.get_mut(start.wrapping_add(len)) else {
                // There is room for what a request says, so that both stand in the policy.
                return contains_slowly(text, sought);
            };
            *word = u32::from(byte);
            len += 1;
        }
        let needle = self.memo.get_mut(start..).unwrap_or_default();
        let needle = needle.get_mut(..len).unwrap_or_default();
        let mut matched = 0;
        for index in 1..len {
            let byte = needle.get(index).map_or(0, |word| *word as u8);
            matched = next(needle, matched, byte);
            if let Some(word) = needle.get_mut(index) {
                *word |= matched << 8;
            }
        }
        matched = 0;
        for byte in text.bytes() {
            if matched as usize == len {
                break;
            }
            matched = next(needle, matched, byte);
        }
        matched as usize == len
    }
}

/// The index of a text. The word at an index has the byte at that position of the text above, and below it where the suffix begins that
/// is the one of this index among all.
struct Index<'m>(&'m [u32]);

/// The bits of a word that say a position.
const POSITION: u32 = (1 << 24) - 1;

/// How many words it takes to build the index of a text of so many bytes.
pub(crate) const fn index_room(len: usize) -> usize {
    // The length and the words that are kept, ranks twice, and counts of bytes or ranks.
    5 + 4 * len + 256
}

impl Index<'_> {
    fn byte(&self, position: usize) -> Option<u8> {
        self.0.get(position).map(|word| (word >> 24) as u8)
    }

    fn contains(&self, sought: Text<'_>) -> bool {
        search(self.0.len() as u32, |middle| {
            let suffix = self
                .0
                .get(middle as usize)
                .map_or(0, |word| word & POSITION);
            self.compare(suffix as usize, sought)
        })
        .0
    }

    fn ends_with(&self, sought: Text<'_>) -> bool {
        let len = self.0.len();
        let Some(before) = len.checked_sub(sought.len_within(len)) else {
            return false;
        };
        self.compare(before, sought).is_eq()
    }

    /// Compares what begins at a position with a text, no further than that goes.
    fn compare(&self, mut position: usize, sought: Text<'_>) -> Ordering {
        let mut bytes = sought.bytes();
        while let Some(wanted) = bytes.step() {
            match self.byte(position).cmp(&Some(wanted)) {
                Ordering::Equal => position += 1,
                order => return order,
            }
        }
        Ordering::Equal
    }
}

/// Puts the suffixes of a text into order: first by one byte, then by twice as many in each round (Manber, Myers), with the order of the
/// second halves known from the round before. Each round is linear.
fn build(text: Text<'_>, len: usize, room: &mut [u32]) -> Option<()> {
    let (suffixes, room) = room.split_at_mut_checked(len)?;
    let (mut ranks, room) = room.split_at_mut_checked(len)?;
    let (mut other, counts) = room.split_at_mut_checked(len)?;
    let counts = counts.get_mut(..len.max(256) + 1)?;
    let get = |words: &[u32], index: u32| words.get(index as usize).copied().unwrap_or(0);
    let put = |words: &mut [u32], index: u32, word: u32| {
        if let Some(place) = words.get_mut(index as usize) {
            *place = word;
        }
    };
    let mut bytes = text.bytes();
    for index in 0..len as u32 {
        let byte = bytes.step().unwrap_or(0);
        put(suffixes, index, u32::from(byte) << 24);
        put(ranks, index, u32::from(byte) + 1);
        put(other, index, index);
    }
    let count = len as u32;
    let mut width = 0u32;
    loop {
        // `other` has all positions in the order of what stands `width` behind them: sorting by rank keeps it among equal ones.
        counts.fill(0);
        for rank in &*ranks {
            let before = get(counts, *rank);
            put(counts, *rank, before + 1);
        }
        let mut sum = 0;
        for count in &mut *counts {
            sum += *count;
            *count = sum;
        }
        for position in other.iter().rev() {
            let rank = get(ranks, *position);
            let place = get(counts, rank).saturating_sub(1);
            put(counts, rank, place);
            let byte = get(suffixes, place) & !POSITION;
            put(suffixes, place, byte | *position);
        }
        // New ranks: alike are those of one rank and one rank behind.
        let behind = |ranks: &[u32], position: u32| get(ranks, position.saturating_add(width));
        let (mut before, mut rank) = (None, 0);
        for word in &*suffixes {
            let position = word & POSITION;
            let key = (get(ranks, position), behind(ranks, position));
            if before != Some(key) {
                rank += 1;
            }
            before = Some(key);
            put(other, position, rank);
        }
        (ranks, other) = (other, ranks);
        if rank >= count {
            return Some(());
        }
        width = if width == 0 {
            1
        } else {
            width.saturating_mul(2)
        };
        if width >= count.saturating_mul(2) {
            return None;
        }
        let mut place = 0;
        for position in count.saturating_sub(width)..count {
            put(other, place, position);
            place += 1;
        }
        for word in &*suffixes {
            if let Some(position) = (word & POSITION).checked_sub(width) {
                put(other, place, position);
                place += 1;
            }
        }
    }
}

/// How much of what is sought matches with one byte more.
fn next(needle: &[u32], mut matched: u32, byte: u8) -> u32 {
    let at = |index: u32| needle.get(index as usize).copied();
    while at(matched).map(|word| word as u8) != Some(byte) {
        if matched == 0 {
            return 0;
        }
        matched = at(matched - 1).map_or(0, |word| word >> 8);
    }
    matched + 1
}

#[cold]
#[inline(never)]
fn contains_slowly(text: Text<'_>, sought: Text<'_>) -> bool {
    let mut rest = text.bytes();
    loop {
        if rest.clone().starts_with(sought) {
            return true;
        }
        if rest.step().is_none() {
            return false;
        }
    }
}
