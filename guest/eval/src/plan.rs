//! The compiled form of a policy, read where it lies.
//!
//! Every accessor checks its bounds: a plan that lies about itself yields [`Damaged`], never a panic and never a permission.
//! [`Plan::validate`] walks all of a plan once, so that a host can refuse it at load and not at a call.

mod describe;
mod facts;
mod grown;
pub mod layout;
mod opaque;
mod view;

pub(crate) use describe::patterns;
pub use describe::{ForbidRef, RoleRef, RuleRef, Summary};
pub(crate) use grown::{References, Shape};
pub use opaque::{OpaquePlan, opaque_plan};
pub(crate) use view::{Marked, Step, View};

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
    Over,
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
    Flags,
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
            Self::Over => "what a quantifier goes over",
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
            Self::Flags => "unknown flags",
        }
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
        let whole = Plan {
            bytes,
            words: bytes.as_chunks().0,
        };
        if bytes.get(..4) != Some(layout::MAGIC.as_slice()) {
            return Err(Damaged::NotAPlan);
        }
        let version = whole.u32(header::VERSION)?;
        if !matches!(
            version,
            layout::VERSION | layout::VERSION_PORTABLE | layout::VERSION_GROWN
        ) {
            return Err(Damaged::Version);
        }
        let len = whole.u32(header::LEN)? as usize;
        if !(header::SIZE..=layout::MAX_LEN).contains(&len) {
            return Err(Damaged::Length);
        }
        let bytes = bytes.get(..len).ok_or(Damaged::Length)?;
        let plan = Plan {
            bytes,
            words: bytes.as_chunks().0,
        };
        // Neither may be taken for the other: what one of them has reads as nothing in the other.
        if plan.is_grown()? != (version == layout::VERSION_GROWN) {
            return Err(Damaged::Version);
        }
        Ok(plan)
    }

    /// Whether there are records that versions 1 and 2 do not have.
    pub(crate) fn is_grown(&self) -> Result<bool, Damaged> {
        Ok(self.u32(header::FLAGS)? & layout::flags::GROWN != 0)
    }

    /// The bytes of the plan, without what may have followed it.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Whether arguments and facts that other readers may read differently are malformed: two members of an object whose names differ
    /// in case alone, and numbers that a double does not hold.
    pub fn is_portable(&self) -> Result<bool, Damaged> {
        Ok(self.u32(header::FLAGS)? & layout::flags::PORTABLE != 0)
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
        self.reference(header::MEMO_SLOTS, 0)
    }

    /// Reads something and says whether all of it was there.
    pub(crate) fn checked<T>(&self, read: impl FnOnce(View<'_>) -> T) -> Result<T, Damaged> {
        let marked = Marked::of(*self);
        let value = read(marked.view());
        marked.damage().map_or(Ok(value), Err)
    }

    pub(crate) fn u32(&self, at: usize) -> Result<u32, Damaged> {
        self.checked(|plan| {
            let [word] = plan.record(at);
            word
        })
    }

    pub(crate) fn word(&self, at: Ref, index: usize) -> Result<u32, Damaged> {
        self.checked(|plan| plan.word(at, index))
    }

    pub(crate) fn reference(&self, at: Ref, index: usize) -> Result<Ref, Damaged> {
        Ok(self.word(at, index)? as usize)
    }

    pub(crate) fn slice(&self, start: usize, len: usize) -> Result<&'a [u8], Damaged> {
        self.bytes
            .get(start..)
            .and_then(|rest| rest.get(..len))
            .ok_or(Damaged::Text)
    }

    pub(crate) fn text(&self, at: Ref, index: usize) -> Result<&'a [u8], Damaged> {
        let (start, len) = (self.reference(at, index)?, self.reference(at, index + 1)?);
        self.slice(start, len)
    }

    pub(crate) fn str(&self, at: Ref, index: usize) -> Result<&'a str, Damaged> {
        core::str::from_utf8(self.text(at, index)?).map_err(|_| Damaged::Utf8)
    }

    pub(crate) fn role_named(&self, name: &[u8]) -> Result<Option<Ref>, Damaged> {
        self.checked(|plan| plan.role_named(name))
    }
}
