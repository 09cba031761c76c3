//! What readers other than ours take for the same: names that differ in case alone.
//!
//! A policy may ask that arguments and facts have none (`arguments: portable`), nor numbers that a double does not hold, so that later
//! readers of the same text find the same in it.

use core::cmp::Ordering;

use super::{
    Node, Text,
    case::fold,
    members::{FEW, Order, put_in_order},
};

/// The second of two members whose names differ in case alone, or not at all. More than a few members end up in the order of the text.
pub(super) fn repeated_in_any_case(text: &[u8], members: &mut [Node]) -> Option<u32> {
    let same = |one: &Node, other: &Node| Order::NameInAnyCase.compare(text, one, other).is_eq();
    if members.len() <= FEW {
        let mut rest: &[Node] = members;
        while let Some((member, before)) = rest.split_last() {
            if before.iter().any(|other| same(member, other)) {
                return Some(member[0]);
            }
            rest = before;
        }
        return None;
    }
    put_in_order(text, members, Order::NameInAnyCase);
    let found = members.windows(2).find_map(|pair| match pair {
        [one, other] if same(one, other) => Some(one[0].max(other[0])),
        _ => None,
    });
    put_in_order(text, members, Order::Place);
    found
}

/// Compares names as if case did not matter.
#[inline(never)]
pub(super) fn compare_in_any_case(one: Text<'_>, other: Text<'_>) -> Ordering {
    folded(one).cmp(folded(other))
}

/// The code points of a text, one for all that differ in case alone.
fn folded(text: Text<'_>) -> impl Iterator<Item = u32> + '_ {
    let mut bytes = text.bytes();
    core::iter::from_fn(move || {
        let first = bytes.next()?;
        let mut code = u32::from(first);
        if code >= 0x80 {
            let more = first.leading_ones().saturating_sub(1);
            code &= 0x3f >> more;
            for _ in 0..more {
                code = code << 6 | u32::from(bytes.next()? & 0x3f);
            }
        }
        Some(fold(code))
    })
}
