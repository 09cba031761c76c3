//! The compiled form of a policy, read where it lies.
//!
//! Every accessor checks its bounds: a plan that lies about itself yields [`Damaged`], never a panic. [`Plan::validate`] walks all
//! of a plan once, so that a host can refuse it at load and not at a call.

mod describe;
pub mod layout;
mod validate;

pub use describe::{About, Mode, RoleRef, RuleRef, ScopeRef};
pub use validate::InvalidPlan;

use crate::request::Error;
use layout::header;

/// A plan whose header has been checked.
#[derive(Debug, Clone, Copy)]
pub struct Plan<'a> {
    bytes: &'a [u8],
}

/// Something in the plan is not where, or not what, it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damaged(pub &'static str);

impl From<Damaged> for Error {
    fn from(Damaged(what): Damaged) -> Self {
        Self::Internal(what)
    }
}

impl core::fmt::Display for Damaged {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "damaged plan: {}", self.0)
    }
}

impl core::error::Error for Damaged {}

/// A position in a plan: the offset of a record.
pub(crate) type Ref = usize;

impl<'a> Plan<'a> {
    /// Checks the header: magic, version and length. `bytes` may be longer than the plan; what follows it is ignored.
    ///
    /// # Errors
    /// If this is not a plan of a version that this crate reads.
    pub fn open(bytes: &'a [u8]) -> Result<Self, Damaged> {
        let whole = Plan { bytes };
        if bytes.get(..4) != Some(layout::MAGIC.as_slice()) {
            return Err(Damaged("no plan"));
        }
        if whole.u32(header::VERSION)? != layout::VERSION {
            return Err(Damaged("plan of another version"));
        }
        let len = whole.u32(header::LEN)? as usize;
        if !(header::SIZE..=layout::MAX_LEN).contains(&len) {
            return Err(Damaged("length of the plan"));
        }
        let bytes = bytes.get(..len).ok_or(Damaged("length of the plan"))?;
        Ok(Plan { bytes })
    }

    /// The bytes of the plan, without what may have followed it.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The longest accepted arguments, in bytes.
    pub fn arguments_bytes(&self) -> Result<u32, Damaged> {
        self.u32(header::ARGUMENTS_BYTES)
    }

    /// The longest accepted facts, in bytes.
    pub fn facts_bytes(&self) -> Result<u32, Damaged> {
        self.u32(header::FACTS_BYTES)
    }

    /// The largest number of memo slots that a constraint needs.
    pub(crate) fn memo_slots(&self) -> Result<usize, Damaged> {
        Ok(self.u32(header::MEMO_SLOTS)? as usize)
    }

    pub(crate) fn sorts_members(&self) -> Result<bool, Damaged> {
        Ok(self.u32(header::FLAGS)? & layout::flags::SORT_MEMBERS != 0)
    }

    #[inline]
    pub(crate) fn u32(&self, at: usize) -> Result<u32, Damaged> {
        match self.bytes.get(at..).and_then(|rest| rest.first_chunk::<4>()) {
            Some(word) => Ok(u32::from_le_bytes(*word)),
            None => Err(Damaged("reference")),
        }
    }

    /// The word `index` of the record at `at`.
    #[inline]
    pub(crate) fn word(&self, at: Ref, index: usize) -> Result<u32, Damaged> {
        self.u32(at.wrapping_add(index.wrapping_mul(4)))
    }

    /// The word `index` of the record at `at`, as a reference.
    #[inline]
    pub(crate) fn reference(&self, at: Ref, index: usize) -> Result<Ref, Damaged> {
        Ok(self.word(at, index)? as usize)
    }

    /// The text whose reference is the word `index` of the record at `at`, and whose length is the next word.
    #[inline]
    pub(crate) fn text(&self, at: Ref, index: usize) -> Result<&'a [u8], Damaged> {
        let start = self.reference(at, index)?;
        let len = self.reference(at, index + 1)?;
        self.slice(start, len)
    }

    #[inline]
    pub(crate) fn slice(&self, start: usize, len: usize) -> Result<&'a [u8], Damaged> {
        self.bytes.get(start..).and_then(|rest| rest.get(..len)).ok_or(Damaged("text"))
    }

    /// The record of a name in the index whose reference and mask stand in the header from `index` on.
    #[inline]
    fn look_up(&self, index: usize, name: &[u8]) -> Result<Option<Ref>, Damaged> {
        let slots = self.u32(index)? as usize;
        let mask = self.u32(index + 4)?;
        let mut slot = layout::hash(name) & mask;
        for _ in 0..layout::MAX_PROBES {
            let record = self.reference(slots, slot as usize)?;
            if record == 0 {
                return Ok(None);
            }
            if self.text(record, 0)? == name {
                return Ok(Some(record));
            }
            slot = slot.wrapping_add(1) & mask;
        }
        Ok(None)
    }

    /// The role of that name.
    pub(crate) fn role_named(&self, name: &[u8]) -> Result<Option<Ref>, Damaged> {
        self.look_up(header::ROLE_INDEX, name)
    }

    /// The role of callers that have none which the policy knows.
    pub(crate) fn default_role(&self) -> Result<Option<Ref>, Damaged> {
        Ok(match self.u32(header::DEFAULT_ROLE)? {
            0 => None,
            role => Some(role as usize),
        })
    }

    /// The id of a tool that some role lists.
    pub(crate) fn tool_named(&self, name: &[u8]) -> Result<Option<u32>, Damaged> {
        match self.look_up(header::TOOL_INDEX, name)? {
            Some(tool) => Ok(Some(self.word(tool, 2)?)),
            None => Ok(None),
        }
    }

    /// The rule that a role lists for a tool.
    pub(crate) fn rule_for(&self, role: Ref, tool: u32) -> Result<Option<Ref>, Damaged> {
        let cells = self.reference(role, 3)?;
        let mut low = 0usize;
        let mut high = self.reference(role, 4)?;
        while low < high {
            let middle = low + (high - low) / 2;
            let cell = cells.wrapping_add(middle.wrapping_mul(layout::size::CELL));
            match self.word(cell, 0)?.cmp(&tool) {
                core::cmp::Ordering::Less => low = middle + 1,
                core::cmp::Ordering::Greater => high = middle,
                core::cmp::Ordering::Equal => return self.reference(cell, 1).map(Some),
            }
        }
        Ok(None)
    }

    /// The rule of a role for tools that it does not list.
    pub(crate) fn default_rule(&self, role: Ref) -> Result<Ref, Damaged> {
        self.reference(role, 2)
    }
}
