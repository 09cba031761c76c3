//! Running the tables of `matches` and of file scopes.

use crate::plan::{Ref, View};

/// A table in a plan.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dfa<'a> {
    classes: &'a [u8; 256],
    accepting: &'a [u8],
    transitions: &'a [[u8; 2]],
    class_count: usize,
    start: u32,
}

impl<'a> Dfa<'a> {
    /// The table at `at`. One that is not there rejects every text.
    pub(crate) fn at(plan: View<'a>, at: Ref) -> Self {
        let [first, start] = plan.record(at);
        let (class_count, states) = ((first & 0xffff) as usize, (first >> 16) as usize);
        let classes = plan
            .slice(at.wrapping_add(8), 256)
            .first_chunk()
            .unwrap_or(&[0; 256]);
        let accepting = plan.slice(at.wrapping_add(264), states);
        let (transitions, _) = plan
            .slice(at.wrapping_add(264 + states), 2 * states * class_count)
            .as_chunks();
        Self {
            classes,
            accepting,
            transitions,
            class_count,
            start,
        }
    }

    /// Whether a text of those bytes is accepted.
    #[inline]
    pub(crate) fn accepts(&self, text: impl Iterator<Item = u8>) -> bool {
        let mut state = self.start as usize;
        for byte in text {
            let class = usize::from(self.classes.get(usize::from(byte)).copied().unwrap_or(0));
            // A transition that is not there leads to rejection.
            let next = self.transitions.get(state * self.class_count + class);
            state = next.map_or(0, |next| usize::from(u16::from_le_bytes(*next)));
            if state <= 1 {
                return state == 1;
            }
        }
        self.accepting
            .get(state)
            .is_some_and(|accepts| *accepts == 1)
    }
}

impl Dfa<'_> {
    /// Whether every transition leads to a state, and the first two states are what they have to be.
    pub(crate) fn is_sound(&self) -> bool {
        let states = self.accepting.len();
        self.class_count > 0
            && states >= 2
            && (self.start as usize) < states
            && self
                .classes
                .iter()
                .all(|class| usize::from(*class) < self.class_count)
            && self.accepting.iter().all(|accepts| *accepts <= 1)
            && self.accepting.starts_with(&[0, 1])
            && self.transitions.iter().enumerate().all(|(index, next)| {
                let (state, next) = (
                    index / self.class_count,
                    usize::from(u16::from_le_bytes(*next)),
                );
                next < states && (state > 1 || next == state)
            })
    }
}
