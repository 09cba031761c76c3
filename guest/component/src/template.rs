//! Bytes with a place for a plan, and the lengths that depend on it.

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
    /// The numbers that depend on the plan's length, and where they stand: in this order, all before the plan.
    pub(crate) numbers: &'static [(usize, Number)],
}

/// A number that depends on the length of the plan.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Number {
    /// The length of something that encloses the plan, with the length that it has without one.
    Length(u32),
    /// Pages of memory, with the bytes that are needed without a plan.
    Pages(u32),
}

/// Bytes of a padded number.
const WIDTH: usize = 5;
/// Bytes of a page of memory.
const PAGE: u32 = 65_536;

impl Template {
    /// The binary with `plan` in it. None: the sizes do not fit 32 bits, or the template's own offsets are wrong.
    pub(crate) fn fill(&self, plan: &[u8]) -> Option<Vec<u8>> {
        let (head, tail) = self.bytes.split_at_checked(self.plan_at)?;
        let mut out = Vec::with_capacity(self.bytes.len().checked_add(plan.len())?);
        out.extend_from_slice(head);
        for &(at, number) in self.numbers {
            out.get_mut(at..at.checked_add(WIDTH)?)?
                .copy_from_slice(&padded(number.with(plan)?));
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
        let (own_head, own_tail) = self.bytes.split_at_checked(self.plan_at)?;
        if tail != own_tail {
            return None;
        }
        let mut from = 0;
        for &(at, number) in self.numbers {
            let number_ends = at.checked_add(WIDTH)?;
            if head.get(from..at)? != own_head.get(from..at)?
                || head.get(at..number_ends)? != padded(number.with(plan)?)
            {
                return None;
            }
            from = number_ends;
        }
        (head.get(from..)? == own_head.get(from..)?).then_some(plan)
    }
}

impl Number {
    pub(crate) fn with(self, plan: &[u8]) -> Option<u32> {
        let plan_len = u32::try_from(plan.len()).ok()?;
        match self {
            Self::Length(empty) => empty.checked_add(plan_len),
            Self::Pages(empty) => Some(empty.checked_add(plan_len)?.div_ceil(PAGE)),
        }
    }
}

/// LEB128 in five bytes, for any value.
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
