//! Finding a name that an object has twice, and putting members into the order of their names.

use super::{LEN_MASK, NAME_ESCAPED, Node, Text, name_in, portable::compare_in_any_case};
use core::cmp::Ordering;

/// Up to so many members every pair is compared.
pub(super) const FEW: usize = 8;

/// Where the second of two members of one name begins in the text, if there are such.
pub(super) fn repeated(
    text: &[u8],
    members: &mut [Node],
    slots: &mut [u32],
    sort: bool,
) -> Option<u32> {
    if members.len() <= FEW && !sort {
        return repeated_of_few(text, members);
    }
    if !sort && let Ok(found) = repeated_by_hash(text, members, slots) {
        return found;
    }
    put_in_order(text, members, Order::Name);
    members.windows(2).find_map(|pair| match pair {
        [one, other] if name_in(text, one).equals(name_in(text, other)) => {
            Some(one[0].max(other[0]))
        }
        _ => None,
    })
}

fn repeated_of_few(text: &[u8], members: &[Node]) -> Option<u32> {
    let mut rest = members;
    while let Some((member, before)) = rest.split_last() {
        for other in before {
            let differ = (member[1] ^ other[1]) & !NAME_ESCAPED != 0
                && (member[1] | other[1]) & NAME_ESCAPED == 0;
            if !differ && name_in(text, member).equals(name_in(text, other)) {
                return Some(member[0]);
            }
        }
        rest = before;
    }
    None
}

/// Names collided too often for a table to be of use.
struct Degenerate;

fn repeated_by_hash(
    text: &[u8],
    members: &[Node],
    slots: &mut [u32],
) -> Result<Option<u32>, Degenerate> {
    let size = (members.len() * 2).next_power_of_two();
    let table = slots.get_mut(..size).ok_or(Degenerate)?;
    table.fill(0);
    let mask = size - 1;
    // An honest table of this load needs about half a step a member.
    let mut steps_left = members.len() * 4;
    for (index, member) in members.iter().enumerate() {
        let name = name_in(text, member);
        let hash = hash(name);
        // The upper bits of the hash travel beside the index, so that most different names are told apart without being read.
        let tag = hash & !LEN_MASK | (index as u32 + 1);
        let mut at = hash as usize & mask;
        loop {
            let Some(slot) = table.get_mut(at) else {
                return Err(Degenerate);
            };
            if *slot == 0 {
                *slot = tag;
                break;
            }
            if *slot & !LEN_MASK == tag & !LEN_MASK {
                let other = members
                    .get(((*slot & LEN_MASK) - 1) as usize)
                    .ok_or(Degenerate)?;
                if name_in(text, other).equals(name) {
                    return Ok(Some(member[0]));
                }
            }
            if steps_left == 0 {
                return Err(Degenerate);
            }
            steps_left -= 1;
            at = (at + 1) & mask;
        }
    }
    Ok(None)
}

fn hash(name: Text<'_>) -> u32 {
    const K: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut state = 0u64;
    let mix = |state: u64, word: u64| (state.rotate_left(5) ^ word).wrapping_mul(K);
    if !name.is_raw() {
        let mut word = 0u64;
        let mut filled = 0;
        for byte in name.bytes() {
            word |= u64::from(byte) << (8 * filled);
            filled += 1;
            if filled == 8 {
                state = mix(state, word);
                (word, filled) = (0, 0);
            }
        }
        if filled > 0 {
            state = mix(state, word);
        }
    } else {
        let (words, rest) = name.raw.as_chunks::<8>();
        for word in words {
            state = mix(state, u64::from_le_bytes(*word));
        }
        if !rest.is_empty() {
            let mut word = 0u64;
            for byte in rest.iter().rev() {
                word = word << 8 | u64::from(*byte);
            }
            state = mix(state, word);
        }
    }
    // One multiplication carries a byte upwards only: the last bytes of a word, where numbered names differ, would hardly reach the
    // bits that pick a slot.
    ((state ^ state >> 32).wrapping_mul(K) >> 32) as u32
}

/// What members are put into the order of.
#[derive(Clone, Copy)]
pub(super) enum Order {
    /// Their names.
    Name,
    /// Their names, as if case did not matter.
    NameInAnyCase,
    /// Their places in the text.
    Place,
}

impl Order {
    pub(super) fn compare(self, text: &[u8], one: &Node, other: &Node) -> Ordering {
        match self {
            Self::Name => name_in(text, one).compare(name_in(text, other)),
            Self::NameInAnyCase => compare_in_any_case(name_in(text, one), name_in(text, other)),
            Self::Place => one[0].cmp(&other[0]),
        }
    }
}

/// Heap sort: n log n at worst, in place, small: one copy for all orders.
pub(super) fn put_in_order(text: &[u8], members: &mut [Node], order: Order) {
    let len = members.len();
    for root in (0..len / 2).rev() {
        sift_down(text, members, order, root, len);
    }
    for end in (1..len).rev() {
        members.swap(0, end);
        sift_down(text, members, order, 0, end);
    }
}

fn sift_down(text: &[u8], members: &mut [Node], order: Order, mut root: usize, end: usize) {
    loop {
        let mut child = 2 * root + 1;
        if child >= end {
            return;
        }
        if child + 1 < end && less(text, members, order, child, child + 1) {
            child += 1;
        }
        if !less(text, members, order, root, child) {
            return;
        }
        members.swap(root, child);
        root = child;
    }
}

#[inline(never)]
fn less(text: &[u8], members: &[Node], order: Order, one: usize, other: usize) -> bool {
    match (members.get(one), members.get(other)) {
        (Some(one), Some(other)) => order.compare(text, one, other).is_lt(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{Manner, nodes_for, read, slots_for};
    use alloc::{format, string::String, vec, vec::Vec};

    const COUNT: usize = 4_000;

    /// Whether an object of these names is looked through without sorting it.
    fn is_hashed(name: impl Fn(usize) -> String) -> bool {
        let mut text = String::from("{");
        for index in 0..COUNT {
            let comma = if index == 0 { "" } else { "," };
            text += &format!("{comma}\"{}\":1", name(index));
        }
        text.push('}');
        let text = text.as_bytes();
        let mut nodes = vec![[0; 4]; nodes_for(text.len())];
        let mut slots = vec![0; slots_for(text.len())];
        read(text, &mut nodes, &mut slots, Manner::default()).unwrap();
        let members: Vec<Node> = nodes[nodes.len() - COUNT..].to_vec();
        assert!(members.iter().all(|member| member[1] > 0));
        matches!(repeated_by_hash(text, &members, &mut slots), Ok(None))
    }

    #[test]
    fn the_names_that_people_give_are_found_by_hashing() {
        type Numbered = fn(usize) -> String;
        let families: [(&str, Numbered); 10] = [
            ("number", |n| format!("{n}")),
            ("padded", |n| format!("{n:08}")),
            ("key and number", |n| format!("key{n}")),
            ("key and padded number", |n| format!("key{n:05}")),
            ("member and number", |n| format!("member_{n:04}")),
            ("long and number", |n| format!("organisation.unit.{n}")),
            ("number and word", |n| format!("{n}_of_all_the_names")),
            ("hexadecimal", |n| format!("{n:016x}")),
            ("high word", |n| format!("{:08}", n * 10_000)),
            ("escaped", |n| format!("\\u00e9{n}")),
        ];
        for (family, name) in families {
            assert!(is_hashed(name), "{family}: sorted");
        }
    }
}
