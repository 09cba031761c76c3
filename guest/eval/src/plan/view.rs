//! Reading a plan while a decision is made.
//!
//! Reads do not fail one by one: what is missing reads as nothing and leaves a mark, and the maker of the [`Marked`] looks at the
//! mark before anything is permitted. That keeps error handling out of the inner loops; the engine is smaller and faster by it.

use core::cell::Cell;

use super::{
    Damaged, Plan, Ref,
    grown::References,
    layout::{self, header},
};
use crate::bytes;

/// A plan that is being read, and the mark that a read has failed.
#[derive(Debug)]
pub(crate) struct Marked<'a> {
    bytes: &'a [u8],
    /// The same, as records see it.
    words: &'a [[u8; 4]],
    damage: Cell<Option<Damaged>>,
}

/// Reads a plan: what is passed around, and as small as can be for that.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a>(&'a Marked<'a>);

impl<'a> Marked<'a> {
    pub(crate) fn of(plan: Plan<'a>) -> Self {
        Self {
            bytes: plan.bytes,
            words: plan.words,
            damage: Cell::new(None),
        }
    }

    /// CAUTION: look at [`Self::damage`] before acting on what was read.
    pub(crate) fn view(&'a self) -> View<'a> {
        View(self)
    }

    /// Whether something that was read is not there.
    #[inline]
    pub(crate) fn damage(&self) -> Option<Damaged> {
        self.damage.get()
    }
}

/// One step of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step<'a> {
    /// The member of an object.
    Member(&'a [u8]),
    /// The element of a list, from 0.
    Element(usize),
}

impl<'a> View<'a> {
    /// How many bytes there are.
    pub(super) fn len(self) -> usize {
        self.0.bytes.len()
    }

    /// Leaves the mark. What it returns is never acted upon.
    #[cold]
    #[inline(never)]
    fn mark(self, damaged: Damaged) {
        self.0.damage.set(Some(damaged));
    }

    /// Leaves the mark, in place of a value.
    pub(crate) fn fail<T: Default>(self, damaged: Damaged) -> T {
        self.mark(damaged);
        T::default()
    }

    /// The word `index` of the record at `at`. [`Self::record`] is faster, and larger.
    #[inline(never)]
    pub(crate) fn word(self, at: Ref, index: usize) -> u32 {
        match self.0.words.get((at / 4).wrapping_add(index)) {
            Some(word) => u32::from_le_bytes(*word),
            None => self.fail(Damaged::Reference),
        }
    }

    /// The first words of the record at `at`.
    #[inline(always)]
    pub(crate) fn record<const N: usize>(self, at: Ref) -> [u32; N] {
        match self
            .0
            .words
            .get(at / 4..)
            .and_then(|rest| rest.first_chunk::<N>())
        {
            Some(words) => words.map(u32::from_le_bytes),
            None => {
                self.mark(Damaged::Reference);
                [0; N]
            }
        }
    }

    /// The word `index` of the record at `at`, as a reference.
    #[inline]
    pub(crate) fn reference(self, at: Ref, index: usize) -> Ref {
        self.word(at, index) as usize
    }

    /// The word `index` of the record at `at`, as a number of things that stand in the plan.
    pub(crate) fn count(self, at: Ref, index: usize) -> usize {
        self.bounded(self.word(at, index))
    }

    /// A number of things that stand in the plan: there cannot be more of them than bytes.
    #[inline]
    pub(crate) fn bounded(self, count: u32) -> usize {
        if count as usize > self.0.bytes.len() {
            self.fail(Damaged::RecordCount)
        } else {
            count as usize
        }
    }

    /// The text whose reference is the word `index` of the record at `at`, and whose length is the next word.
    #[inline]
    pub(crate) fn text(self, at: Ref, index: usize) -> &'a [u8] {
        let [start, len] = self.record(at.wrapping_add(index.wrapping_mul(4)));
        self.slice(start as usize, len as usize)
    }

    /// A step of the path at `at`.
    #[inline]
    pub(crate) fn step(self, at: Ref, index: usize) -> Step<'a> {
        let [start, len] = self.record(at.wrapping_add(12).wrapping_add(index.wrapping_mul(8)));
        if len == layout::ELEMENT_STEP {
            Step::Element(start as usize)
        } else {
            Step::Member(self.slice(start as usize, len as usize))
        }
    }

    #[inline]
    pub(crate) fn slice(self, start: usize, len: usize) -> &'a [u8] {
        match self.0.bytes.get(start..).and_then(|rest| rest.get(..len)) {
            Some(text) => text,
            None => self.fail(Damaged::Text),
        }
    }

    /// A text that is handed out.
    pub(crate) fn str(self, at: Ref, index: usize) -> &'a str {
        match core::str::from_utf8(self.text(at, index)) {
            Ok(text) => text,
            Err(_) => self.fail(Damaged::Utf8),
        }
    }

    /// The record of a name in the index whose reference and mask stand in the header from `index` on.
    pub(crate) fn look_up(self, index: usize, name: &[u8]) -> Option<Ref> {
        let [slots, mask] = self.record(index);
        let mut slot = layout::hash(name) & mask;
        for _ in 0..layout::MAX_PROBES {
            let [record] =
                self.record((slots as usize).wrapping_add((slot as usize).wrapping_mul(4)));
            let record = record as usize;
            if record == 0 {
                return None;
            }
            if bytes::equal(self.text(record, 0), name) {
                return Some(record);
            }
            slot = slot.wrapping_add(1) & mask;
        }
        None
    }

    /// The role of that name.
    pub(crate) fn role_named(self, name: &[u8]) -> Option<Ref> {
        self.look_up(header::ROLE_INDEX, name)
    }

    /// The role of callers that have none which the policy knows.
    pub(crate) fn default_role(self) -> Option<Ref> {
        match self.reference(header::DEFAULT_ROLE, 0) {
            0 => None,
            role => Some(role),
        }
    }

    /// The id of a tool that some role lists.
    pub(crate) fn tool_named(self, name: &[u8]) -> Option<u32> {
        self.look_up(header::TOOL_INDEX, name).map(|tool| {
            let [_, _, id] = self.record(tool);
            id
        })
    }

    /// The record of the tool of that id.
    pub(crate) fn tool(self, id: u32) -> Ref {
        self.reference(header::TOOLS, 0)
            .wrapping_add((id as usize).wrapping_mul(layout::size::TOOL))
    }

    /// The scope of that id.
    pub(crate) fn scope_of(self, id: u32) -> Option<Ref> {
        let [table, count] = self.record(header::SCOPES);
        (id < count).then(|| self.reference(table as usize, id as usize))
    }

    /// The cells of a role: the ids of tools, and their rules.
    pub(crate) fn cells(self, role: Ref) -> impl Iterator<Item = (u32, Ref)> + use<'a> {
        let [_, _, _, cells, count] = self.record(role);
        (0..self.bounded(count)).map(move |cell| {
            let at = (cells as usize).wrapping_add(cell * layout::size::CELL);
            let [tool, rule] = self.record(at);
            (tool, rule as usize)
        })
    }

    /// The constraints of a rule or forbid, in order.
    pub(crate) fn constraints(self, rule: Ref) -> References<'a> {
        self.references_behind(rule, 2)
    }

    /// The rule that a role lists for a tool.
    pub(crate) fn rule_for(self, role: Ref, tool: u32) -> Option<Ref> {
        let [_, _, _, cells, count] = self.record(role);
        let (mut low, mut high) = (0, self.bounded(count));
        while low < high {
            let middle = low + (high - low) / 2;
            let [id, rule] =
                self.record((cells as usize).wrapping_add(middle * layout::size::CELL));
            match id.cmp(&tool) {
                core::cmp::Ordering::Less => low = middle + 1,
                core::cmp::Ordering::Greater => high = middle,
                core::cmp::Ordering::Equal => return Some(rule as usize),
            }
        }
        None
    }

    /// The rule of a role for tools that it does not list.
    pub(crate) fn default_rule(self, role: Ref) -> Ref {
        self.reference(role, 2)
    }
}
