//! The smallest automaton for the same texts, by Hopcroft's partition refinement.

use std::collections::HashMap;

use super::{Dfa, table::TableError};

/// A table before minimization. State 0 rejects for good, state 1 accepts for good.
#[derive(Debug)]
pub(super) struct RawTable {
    pub(super) classes: Box<[u8; 256]>,
    pub(super) class_count: usize,
    /// `state * class_count + class`, each below the number of states.
    pub(super) transitions: Vec<u32>,
    pub(super) accepting: Vec<bool>,
    pub(super) start: u32,
}

impl RawTable {
    pub(super) const REJECT: u32 = 0;
    pub(super) const ACCEPT: u32 = 1;
}

/// Merges states that no text tells apart, and bytes that no state tells apart. States and classes are then numbered in the
/// order in which a walk over the bytes meets them, so equal languages have equal tables.
pub(super) fn minimize(raw: &RawTable) -> Result<Dfa, TableError> {
    let block_of = Refinement::new(raw).run();
    number(raw, &block_of)
}

#[allow(
    clippy::indexing_slicing,
    reason = "INVARIANT: states, blocks and classes come from the table and are below its counts; a row of `rows` has one entry a class"
)]
fn number(raw: &RawTable, block_of: &[u32]) -> Result<Dfa, TableError> {
    let width = raw.class_count;
    let mut representative = vec![0usize; block_of.len()];
    for (state, &block) in block_of.iter().enumerate() {
        representative[block as usize] = state;
    }

    let mut number_of: Vec<Option<u16>> = vec![None; block_of.len()];
    let mut met: Vec<u32> = Vec::new();
    let mut number = |block: u32, met: &mut Vec<u32>| -> Result<u16, TableError> {
        if let Some(number) = number_of[block as usize] {
            return Ok(number);
        }
        let number = u16::try_from(met.len()).map_err(|_| TableError::TooLarge)?;
        number_of[block as usize] = Some(number);
        met.push(block);
        Ok(number)
    };
    number(block_of[RawTable::REJECT as usize], &mut met)?;
    number(block_of[RawTable::ACCEPT as usize], &mut met)?;
    let start = number(block_of[raw.start as usize], &mut met)?;
    let mut rows: Vec<u16> = Vec::new();
    let mut accepting = Vec::new();
    while let Some(&block) = met.get(accepting.len()) {
        let state = representative[block as usize];
        accepting.push(raw.accepting[state]);
        for &target in &raw.transitions[state * width..(state + 1) * width] {
            rows.push(number(block_of[target as usize], &mut met)?);
        }
    }

    let mut columns: HashMap<Vec<u16>, u8> = HashMap::new();
    let mut kept: Vec<usize> = Vec::new();
    let mut merged = vec![0u8; width];
    for (class, merged) in merged.iter_mut().enumerate() {
        let column: Vec<u16> = rows.iter().skip(class).step_by(width).copied().collect();
        // There are at most 256 classes, so the number of those before the last fits.
        let next = u8::try_from(kept.len()).map_err(|_| TableError::TooLarge)?;
        *merged = *columns.entry(column).or_insert_with(|| {
            kept.push(class);
            next
        });
    }
    let mut classes = Box::new([0; 256]);
    for (class, &raw_class) in classes.iter_mut().zip(raw.classes.iter()) {
        *class = merged[usize::from(raw_class)];
    }
    let transitions = rows
        .chunks(width)
        .flat_map(|row| kept.iter().map(|&class| row[class]))
        .collect();
    let class_count = u16::try_from(kept.len()).map_err(|_| TableError::TooLarge)?;
    let dfa = Dfa {
        classes,
        class_count,
        transitions,
        accepting,
        start,
    };
    if dfa.table_bytes() > Dfa::MAX_TABLE_BYTES {
        return Err(TableError::TooLarge);
    }
    Ok(dfa)
}

/// A partition of the states into blocks, refined until no class of bytes leads from one block into two.
struct Refinement<'t> {
    raw: &'t RawTable,
    /// The states that lead to a state, by class: those for `class * states + state` are
    /// `sources[offsets[..]..offsets[.. + 1]]`.
    offsets: Vec<u32>,
    sources: Vec<u32>,
    /// The states, block by block.
    order: Vec<u32>,
    /// Where each state stands in `order`.
    place: Vec<u32>,
    block_of: Vec<u32>,
    blocks: Vec<Block>,
    /// Blocks whose sources by a class may still tell states apart.
    work: Vec<(u32, usize)>,
    /// Which of them are in `work`: `block * classes + class`.
    waiting: Vec<bool>,
}

/// A run of `order`; its first `marked` states are about to leave.
struct Block {
    first: u32,
    end: u32,
    marked: u32,
}

#[allow(
    clippy::indexing_slicing,
    reason = "INVARIANT: every index is a state, a class or a block of the table that the vectors were sized by; places are a permutation of the states"
)]
impl<'t> Refinement<'t> {
    fn new(raw: &'t RawTable) -> Self {
        let states = raw.accepting.len();
        let width = raw.class_count;
        let mut offsets = vec![0u32; width * states + 1];
        for (at, &target) in raw.transitions.iter().enumerate() {
            offsets[(at % width) * states + target as usize + 1] += 1;
        }
        let mut sum = 0;
        for offset in &mut offsets {
            sum += *offset;
            *offset = sum;
        }
        let mut free = offsets.clone();
        let mut sources = vec![0u32; raw.transitions.len()];
        for (source, row) in (0u32..).zip(raw.transitions.chunks(width)) {
            for (class, &target) in row.iter().enumerate() {
                let slot = &mut free[class * states + target as usize];
                sources[*slot as usize] = source;
                *slot += 1;
            }
        }

        let (rejecting, accepting): (Vec<u32>, Vec<u32>) = (0u32..)
            .take(states)
            .partition(|&state| !raw.accepting[state as usize]);
        let split = u32::try_from(rejecting.len()).unwrap_or(u32::MAX);
        let end = u32::try_from(states).unwrap_or(u32::MAX);
        let order: Vec<u32> = rejecting.into_iter().chain(accepting).collect();
        let mut place = vec![0u32; states];
        let mut block_of = vec![0u32; states];
        for (at, &state) in (0u32..).zip(&order) {
            place[state as usize] = at;
            block_of[state as usize] = u32::from(at >= split);
        }
        // States 0 and 1 are told apart by the empty text, so both blocks have members.
        let blocks = vec![
            Block {
                first: 0,
                end: split,
                marked: 0,
            },
            Block {
                first: split,
                end,
                marked: 0,
            },
        ];
        let mut this = Self {
            raw,
            offsets,
            sources,
            order,
            place,
            block_of,
            blocks,
            work: Vec::new(),
            waiting: vec![false; 2 * width],
        };
        let smaller = u32::from(end - split < split);
        for class in 0..width {
            this.enqueue(smaller, class);
        }
        this
    }

    /// The block of each state.
    fn run(mut self) -> Vec<u32> {
        let mut touched: Vec<u32> = Vec::new();
        let mut leaving: Vec<u32> = Vec::new();
        while let Some((block, class)) = self.work.pop() {
            self.waiting[block as usize * self.raw.class_count + class] = false;
            leaving.clear();
            let Block { first, end, .. } = self.blocks[block as usize];
            for &state in &self.order[first as usize..end as usize] {
                let at = class * self.raw.accepting.len() + state as usize;
                leaving.extend_from_slice(
                    &self.sources[self.offsets[at] as usize..self.offsets[at + 1] as usize],
                );
            }
            for &state in &leaving {
                self.mark(state, &mut touched);
            }
            for block in touched.drain(..) {
                self.split(block);
            }
        }
        self.block_of
    }

    /// Moves a state to the front of its block. Each comes once: a class leads from it to one state.
    fn mark(&mut self, state: u32, touched: &mut Vec<u32>) {
        let id = self.block_of[state as usize];
        let block = &mut self.blocks[id as usize];
        if block.marked == 0 {
            touched.push(id);
        }
        let (from, to) = (self.place[state as usize], block.first + block.marked);
        block.marked += 1;
        let other = self.order[to as usize];
        self.order.swap(from as usize, to as usize);
        self.place[state as usize] = to;
        self.place[other as usize] = from;
    }

    /// Makes the marked states of a block one of their own, unless all are.
    fn split(&mut self, id: u32) {
        let block = &mut self.blocks[id as usize];
        let marked = std::mem::take(&mut block.marked);
        if marked == block.end - block.first {
            return;
        }
        let new = Block {
            first: block.first,
            end: block.first + marked,
            marked: 0,
        };
        block.first += marked;
        let left = block.end - block.first;
        let new_id = u32::try_from(self.blocks.len()).unwrap_or(u32::MAX);
        for &state in &self.order[new.first as usize..new.end as usize] {
            self.block_of[state as usize] = new_id;
        }
        self.blocks.push(new);
        let width = self.raw.class_count;
        self.waiting.resize(self.waiting.len() + width, false);
        for class in 0..width {
            // Where the block as a whole still waits, both parts must; else the smaller one tells as much as the other.
            let larger_is_new = marked > left;
            let pick = if self.waiting[id as usize * width + class] || !larger_is_new {
                new_id
            } else {
                id
            };
            self.enqueue(pick, class);
        }
    }

    fn enqueue(&mut self, block: u32, class: usize) {
        let slot = &mut self.waiting[block as usize * self.raw.class_count + class];
        if !std::mem::replace(slot, true) {
            self.work.push((block, class));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two bytes, told apart or not by four states below the fixed two.
    fn raw(rows: &[[u32; 2]], accepting: &[bool], start: u32) -> RawTable {
        let mut classes = Box::new([0; 256]);
        classes[usize::from(b'a')] = 1;
        let transitions = [[0, 0], [1, 1]]
            .iter()
            .chain(rows)
            .flatten()
            .copied()
            .collect();
        let accepting = [false, true].iter().chain(accepting).copied().collect();
        RawTable {
            classes,
            class_count: 2,
            transitions,
            accepting,
            start,
        }
    }

    #[test]
    fn merges_states_that_accept_everything_into_state_1() {
        let dfa = minimize(&raw(&[[2, 3], [3, 3]], &[false, true], 2)).unwrap();
        assert_eq!((dfa.accepting.len(), dfa.start), (3, 2));
        assert_eq!(dfa.transitions, [0, 0, 1, 1, 2, 1]);
    }

    #[test]
    fn merges_states_that_reject_everything_into_state_0() {
        let dfa = minimize(&raw(&[[3, 1], [3, 4], [4, 3]], &[false, false, false], 2)).unwrap();
        assert_eq!(dfa.transitions, [0, 0, 1, 1, 0, 1]);
    }

    #[test]
    fn merges_bytes_that_no_state_tells_apart() {
        let dfa = minimize(&raw(&[[1, 1]], &[false], 2)).unwrap();
        assert_eq!(
            (dfa.class_count, dfa.transitions.as_slice()),
            (1, &[0, 1, 1][..])
        );
        assert!(dfa.classes.iter().all(|&class| class == 0));
    }

    #[test]
    fn an_automaton_without_accepted_texts_starts_in_state_0() {
        let dfa = minimize(&raw(&[[2, 0]], &[false], 2)).unwrap();
        assert_eq!((dfa.start, dfa.accepting.len()), (0, 2));
    }

    #[test]
    fn refuses_a_table_over_the_limit() {
        // A chain of states that all differ in how far the accepting one is.
        let rows: Vec<[u32; 2]> = (0..20_000u32)
            .map(|n| [0, if n == 19_999 { 1 } else { n + 3 }])
            .collect();
        let error = minimize(&raw(&rows, &vec![false; 20_000], 2)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the pattern needs a table of more than 65536 bytes"
        );
    }
}
