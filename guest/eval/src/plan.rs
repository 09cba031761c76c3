//! The compiled form of a policy, read where it lies.
//!
//! Every accessor checks its bounds: a plan that lies about itself yields [`Damaged`], never a panic. [`Plan::validate`] walks all
//! of a plan once, so that a host can refuse it at load and not at a call.

mod describe;
pub mod layout;
mod validate;

pub use describe::{About, Mode, RoleRef, RuleRef, ScopeRef};
pub use validate::InvalidPlan;

use crate::{bytes, request::Error};
use layout::header;

/// A plan whose header has been checked.
#[derive(Debug, Clone, Copy)]
pub struct Plan<'a> {
    bytes: &'a [u8],
    /// The same, as records see it.
    words: &'a [[u8; 4]],
}

/// Something in the plan is not where, or not what, it should be.
///
/// One byte, so that results of the evaluator travel in registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs, reason = "`Damaged::what` says it")]
pub enum Damaged {
    NotAPlan,
    Version,
    Length,
    Reference,
    Text,
    Utf8,
    Opcode,
    Comparison,
    Call,
    OperandKind,
    LiteralKind,
    LiteralDepth,
    ListOrder,
    PathRoot,
    Element,
    MemoSlots,
    ConditionDepth,
    Mode,
    Table,
    Digest,
    RecordCount,
    IndexSize,
    Facts,
}

impl Damaged {
    /// What it is.
    pub fn what(self) -> &'static str {
        match self {
            Self::NotAPlan => "no plan",
            Self::Version => "plan of another version",
            Self::Length => "length of the plan",
            Self::Reference => "reference",
            Self::Text => "text",
            Self::Utf8 => "text that is not UTF-8",
            Self::Opcode => "opcode",
            Self::Comparison => "comparison",
            Self::Call => "string call",
            Self::OperandKind => "kind of operand",
            Self::LiteralKind => "kind of literal",
            Self::LiteralDepth => "nesting of a literal",
            Self::ListOrder => "order of a list",
            Self::PathRoot => "root of a path",
            Self::Element => "element outside a quantifier",
            Self::MemoSlots => "memo slots",
            Self::ConditionDepth => "nesting of a condition",
            Self::Mode => "mode",
            Self::Table => "table of a pattern",
            Self::Digest => "digest",
            Self::RecordCount => "number of records",
            Self::IndexSize => "size of an index",
            Self::Facts => "facts that are not there",
        }
    }
}

impl From<Damaged> for Error {
    fn from(damaged: Damaged) -> Self {
        Self::Internal(damaged.what())
    }
}

impl core::fmt::Display for Damaged {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "damaged plan: {}", self.what())
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
        let whole = Plan { bytes, words: bytes.as_chunks().0 };
        if bytes.get(..4) != Some(layout::MAGIC.as_slice()) {
            return Err(Damaged::NotAPlan);
        }
        if whole.u32(header::VERSION)? != layout::VERSION {
            return Err(Damaged::Version);
        }
        let len = whole.u32(header::LEN)? as usize;
        if !(header::SIZE..=layout::MAX_LEN).contains(&len) {
            return Err(Damaged::Length);
        }
        let bytes = bytes.get(..len).ok_or(Damaged::Length)?;
        Ok(Plan { bytes, words: bytes.as_chunks().0 })
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
        match self.words.get(at / 4) {
            Some(word) => Ok(u32::from_le_bytes(*word)),
            None => Err(Damaged::Reference),
        }
    }

    /// The word `index` of the record at `at`.
    #[inline]
    pub(crate) fn word(&self, at: Ref, index: usize) -> Result<u32, Damaged> {
        self.u32(at.wrapping_add(index.wrapping_mul(4)))
    }

    /// The first words of the record at `at`.
    #[inline]
    pub(crate) fn record<const N: usize>(&self, at: Ref) -> Result<[u32; N], Damaged> {
        match self.words.get(at / 4..).and_then(|rest| rest.first_chunk::<N>()) {
            Some(words) => Ok(words.map(u32::from_le_bytes)),
            None => Err(Damaged::Reference),
        }
    }

    /// The word `index` of the record at `at`, as a reference.
    #[inline]
    pub(crate) fn reference(&self, at: Ref, index: usize) -> Result<Ref, Damaged> {
        Ok(self.word(at, index)? as usize)
    }

    /// The text whose reference is the word `index` of the record at `at`, and whose length is the next word.
    #[inline]
    pub(crate) fn text(&self, at: Ref, index: usize) -> Result<&'a [u8], Damaged> {
        let [start, len] = self.record(at.wrapping_add(index.wrapping_mul(4)))?;
        self.slice(start as usize, len as usize)
    }

    #[inline]
    pub(crate) fn slice(&self, start: usize, len: usize) -> Result<&'a [u8], Damaged> {
        match self.bytes.get(start..).and_then(|rest| rest.get(..len)) {
            Some(text) => Ok(text),
            None => Err(Damaged::Text),
        }
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
            if bytes::equal(self.text(record, 0)?, name) {
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
