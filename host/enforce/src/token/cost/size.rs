//! How large a term is, and what it takes to make it ready and to print it.

use biscuit_auth::format::schema::{self, map_key, term};

use super::{READY, TokenError, Visible};

/// How large a value can be while it is evaluated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Size {
    /// How many parts it has: itself, its members, and one for each 64 bytes.
    pub(super) parts: u64,
    /// The longest text in it, in bytes.
    pub(super) text: u64,
}

/// A check that fails is printed. What is joined is copied at each step, and a symbol can be printed more often than it is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Printed {
    pub(super) bytes: u64,
    pub(super) steps: u64,
}

/// What is known of a term.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Known {
    pub(super) size: Size,
    /// None of a variable is known before it has a value.
    pub(super) variable: Option<u32>,
    pub(super) printed: Printed,
    /// The steps of making it ready.
    pub(super) ready: u64,
}

impl Size {
    /// A number, a truth, a date.
    pub(super) const PLAIN: Self = Self { parts: 1, text: 0 };

    pub(super) fn text(bytes: u64) -> Self {
        Self {
            parts: 1,
            text: bytes,
        }
    }

    /// Whichever it is of two values.
    pub(super) fn either(self, other: Self) -> Self {
        Self {
            parts: self.parts.max(other.parts),
            text: self.text.max(other.text),
        }
    }

    /// Both in one collection.
    pub(super) fn both(self, other: Self) -> Self {
        Self {
            parts: self.parts.saturating_add(other.parts),
            text: self.text.max(other.text),
        }
    }
}

impl Printed {
    pub(super) fn of(bytes: u64) -> Self {
        Self { bytes, steps: 0 }.joined(0)
    }

    /// What is printed within something else, with so many bytes around it.
    pub(super) fn joined(self, around: u64) -> Self {
        let bytes = self.bytes.saturating_add(around);
        Self {
            bytes,
            steps: self.steps.saturating_add(1).saturating_add(bytes / 64),
        }
    }

    /// One after the other.
    pub(super) fn and(self, next: Self) -> Self {
        Self {
            bytes: self.bytes.saturating_add(next.bytes),
            steps: self.steps.saturating_add(next.steps),
        }
    }
}

/// A text by its number: it is copied, and looked for among the others.
pub(super) fn symbol(
    number: u64,
    symbols: Visible<'_>,
    search: u64,
) -> Result<(u64, u64), TokenError> {
    let bytes = symbols.get(number)?.len() as u64;
    Ok((bytes, search.saturating_add(bytes / 32)))
}

/// What is known of a term. Terms are as deep as the decoder of messages allows, which is 100 messages.
pub(super) fn term(
    term: &schema::Term,
    symbols: Visible<'_>,
    search: u64,
) -> Result<Known, TokenError> {
    let plain = Known {
        size: Size::PLAIN,
        variable: None,
        printed: Printed::of(24),
        ready: READY,
    };
    Ok(match &term.content {
        // The library refuses it.
        None => plain,
        Some(
            term::Content::Integer(_)
            | term::Content::Date(_)
            | term::Content::Bool(_)
            | term::Content::Null(_),
        ) => plain,
        Some(term::Content::Variable(number)) => {
            let (bytes, steps) = symbol(u64::from(*number), symbols, search)?;
            Known {
                variable: Some(*number),
                printed: Printed::of(bytes.saturating_add(1)),
                ready: READY.saturating_add(steps),
                ..plain
            }
        }
        Some(term::Content::String(number)) => text(*number, symbols, search)?,
        Some(term::Content::Bytes(bytes)) => {
            let length = bytes.len() as u64;
            let parts = length / 64;
            Known {
                size: Size {
                    parts: 1 + parts,
                    text: 0,
                },
                printed: Printed::of(length.saturating_mul(2).saturating_add(4)),
                ready: READY + parts,
                ..plain
            }
        }
        Some(term::Content::Set(set)) => collection(&set.set, symbols, search)?,
        Some(term::Content::Array(array)) => collection(&array.array, symbols, search)?,
        Some(term::Content::Map(map)) => {
            let mut all = Known {
                printed: Printed::default(),
                ..plain
            };
            for entry in &map.entries {
                let key = match &entry.key.content {
                    Some(map_key::Content::String(number)) => text(*number, symbols, search)?,
                    _ => plain,
                };
                all = all
                    .with(key)
                    .with(self::term(&entry.value, symbols, search)?);
            }
            all.closed()
        }
    })
}

fn text(number: u64, symbols: Visible<'_>, search: u64) -> Result<Known, TokenError> {
    let (bytes, steps) = symbol(number, symbols, search)?;
    Ok(Known {
        size: Size::text(bytes),
        variable: None,
        printed: Printed::of(bytes.saturating_add(2)),
        ready: READY.saturating_add(steps),
    })
}

fn collection(
    members: &[schema::Term],
    symbols: Visible<'_>,
    search: u64,
) -> Result<Known, TokenError> {
    let mut all = Known {
        size: Size::PLAIN,
        ready: READY,
        ..Known::default()
    };
    for member in members {
        all = all.with(term(member, symbols, search)?);
    }
    Ok(all.closed())
}

impl Known {
    fn with(self, member: Self) -> Self {
        Self {
            size: self.size.both(member.size),
            variable: None,
            printed: self
                .printed
                .and(member.printed)
                .and(Printed { bytes: 2, steps: 0 }),
            ready: self.ready.saturating_add(member.ready),
        }
    }

    /// All members are there: they are put in order, by comparing one with the next.
    fn closed(self) -> Self {
        Self {
            printed: self.printed.joined(2),
            ready: self.ready.saturating_add(self.size.parts.saturating_mul(2)),
            ..self
        }
    }
}
