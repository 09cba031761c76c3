//! Bytes with a place for a plan, and the lengths that depend on it.

use crate::artifact::Pages;

/// A WebAssembly binary that lacks only a plan.
///
/// All that a plan changes is its own bytes and the numbers listed here, each encoded in exactly five bytes (LEB128, padded) so
/// that nothing else ever moves.
#[derive(Debug)]
pub(crate) struct Template {
    /// The binary, valid as it stands with a plan of no bytes.
    pub(crate) bytes: &'static [u8],
    /// Where the plan's bytes go.
    pub(crate) plan_at: usize,
    /// Lengths of what encloses the plan: where they stand, and their value for a plan of no bytes.
    pub(crate) lengths: &'static [(usize, u32)],
    /// Where the number of memory pages stands, which is not a length but grows with the plan too.
    pub(crate) pages_at: usize,
    /// How that number follows from the plan's length.
    pub(crate) pages: Pages,
}

/// Bytes of a padded number.
const WIDTH: usize = 5;

impl Template {
    /// The binary with `plan` in it. None: the sizes do not fit 32 bits, or the template's own offsets are wrong.
    pub(crate) fn fill(&self, plan: &[u8]) -> Option<Vec<u8>> {
        let tail = self.bytes.get(self.plan_at..)?;
        let mut out = Vec::with_capacity(self.bytes.len().checked_add(plan.len())?);
        out.extend_from_slice(self.bytes.get(..self.plan_at)?);
        for (at, number) in self.numbers(plan.len())? {
            out.get_mut(at..at.checked_add(WIDTH)?)?
                .copy_from_slice(&padded(number));
        }
        out.extend_from_slice(plan);
        out.extend_from_slice(tail);
        Some(out)
    }

    /// The plan in `binary`, if every other byte is as [`Template::fill`] would write it for that plan.
    pub(crate) fn plan_in<'b>(&self, binary: &'b [u8]) -> Option<&'b [u8]> {
        let plan_len = binary.len().checked_sub(self.bytes.len())?;
        let (head, rest) = binary.split_at_checked(self.plan_at)?;
        let (plan, tail) = rest.split_at_checked(plan_len)?;
        if tail != self.bytes.get(self.plan_at..)? {
            return None;
        }
        let mut from = 0;
        for (at, number) in self.numbers(plan_len)? {
            let number_ends = at.checked_add(WIDTH)?;
            if head.get(from..at)? != self.bytes.get(from..at)?
                || head.get(at..number_ends)? != padded(number)
            {
                return None;
            }
            from = number_ends;
        }
        (head.get(from..)? == self.bytes.get(from..self.plan_at)?).then_some(plan)
    }

    /// The numbers that depend on the plan, in the order in which they stand.
    fn numbers(&self, plan_len: usize) -> Option<Vec<(usize, u32)>> {
        let plan_len = u32::try_from(plan_len).ok()?;
        let mut numbers = Vec::with_capacity(self.lengths.len().saturating_add(1));
        for &(at, empty) in self.lengths {
            numbers.push((at, empty.checked_add(plan_len)?));
        }
        numbers.push((self.pages_at, self.pages.for_plan(plan_len)?));
        numbers.sort_unstable();
        Some(numbers)
    }
}

/// LEB128 in five bytes, whatever the value.
fn padded(number: u32) -> [u8; WIDTH] {
    [
        (number & 0x7f) as u8 | 0x80,
        (number >> 7 & 0x7f) as u8 | 0x80,
        (number >> 14 & 0x7f) as u8 | 0x80,
        (number >> 21 & 0x7f) as u8 | 0x80,
        (number >> 28) as u8,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_padded_number_is_leb128() {
        for number in [0, 1, 127, 128, 16_383, 16_384, 0x0fff_ffff, u32::MAX] {
            let mut back = 0_u64;
            for (i, byte) in padded(number).into_iter().enumerate() {
                assert_eq!(byte & 0x80 != 0, i < WIDTH - 1);
                back |= u64::from(byte & 0x7f) << (7 * i);
            }
            assert_eq!(back, u64::from(number));
        }
    }
}
