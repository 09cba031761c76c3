//! How much is taken. What is past a bound is left, so that less is allowed.

/// How much of one turn is read, in bytes. A longer turn is read up to the last end of a line within the bound, and not at all if its first
/// line is longer. A person does not type that much; it bounds what a pasted document costs.
pub const TURN_BYTES: usize = 256 * 1024;

/// How many names of one kind are taken.
pub const KIND_ITEMS: usize = 1000;

/// How many bytes the names of one kind may have together. A policy reads what was said at each decision.
pub const KIND_BYTES: usize = 64 * 1024;

/// How long one name may be, in bytes: the longest address that browsers and servers agree on.
pub const ITEM_BYTES: usize = 2048;
