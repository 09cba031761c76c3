//! The binary form of a plan, versions 1 and 2: what the compiler writes and the evaluator reads.
//!
//! All integers are little-endian `u32` unless said otherwise. A *reference* is a byte offset from the beginning of the plan; 0
//! refers to nothing. A *text* is a reference and a length in bytes. Records begin at multiples of 4.
//!
//! ```text
//! header       see the constants below
//! role index   2^n references to roles, 0 where empty; slot = hash(name) & (2^n - 1), then the next, and so on
//! tool index   the same for tools
//! role         name (text), rule for unlisted tools, first cell, number of cells, ordinal
//! tool         name (text), id
//! cell         tool id, rule; a role's cells stand in the order of their ids; roles may share cells
//! rule         mode, scope or 0, number of constraints, constraints…
//! constraint   source (text), root node, number of memo slots
//! node         opcode and parameters, span in the source (start u16, length u16), then by opcode
//! path         root | memoised << 8 | indexed << 9, memo slot, number of steps, steps…; indexed: some step is an element of a list
//! step         a text, the name of a member; or an index and ELEMENT_STEP, an element of a list
//! count        path, memo slot + 1 or 0
//! count if     path, memo slot + 1 or 0, node
//! sum          path, the first of SUM_SLOTS memo slots + 1 or 0, path from the element on
//! arithmetic   number of terms, terms (operator | operand kind << 8, operand)…; the first operator adds
//! literal      kind, then by kind; at least two words stand behind the kind, so that readers may take three at once
//! list         flags, numbers, strings, lists (how many of each), literals in that order, numbers and strings sorted
//! dfa          classes | states << 16, start, class map (256 bytes), accepting (one byte a state), transitions (u16)
//! scope        id, argument (text), allowed patterns, denied patterns (how many of each), patterns…
//! pattern      source (text), dfa, absolute
//! ```

/// The first four bytes.
pub const MAGIC: [u8; 4] = *b"HXPL";
/// The version of the layout, in [`header::VERSION`].
pub const VERSION: u32 = 1;
/// The version of plans with [`flags::PORTABLE`]. Nothing else differs: engines that do not know the flag refuse the version.
pub const VERSION_PORTABLE: u32 = 2;
/// The largest plan, in bytes.
pub const MAX_LEN: usize = 16 << 20;
/// How deep conditions may be nested.
pub const MAX_DEPTH: u32 = 40;
/// How many slots a look-up in an index may visit.
pub const MAX_PROBES: u32 = 8;

/// Where things stand in the header.
#[allow(missing_docs, reason = "the layout above explains the records")]
pub mod header {
    pub const VERSION: usize = 4;
    pub const LEN: usize = 8;
    pub const ARGUMENTS_BYTES: usize = 12;
    pub const FACTS_BYTES: usize = 16;
    /// Reference to the role `default`, or 0.
    pub const DEFAULT_ROLE: usize = 20;
    /// The largest number of memo slots that a constraint has.
    pub const MEMO_SLOTS: usize = 24;
    /// See [`super::flags`].
    pub const FLAGS: usize = 28;
    pub const SOURCE_DIGEST: usize = 32;
    pub const ROLE_INDEX: usize = 64;
    pub const ROLE_INDEX_MASK: usize = 68;
    pub const TOOL_INDEX: usize = 72;
    pub const TOOL_INDEX_MASK: usize = 76;
    /// The role records, in the order of the names' bytes.
    pub const ROLES: usize = 80;
    pub const ROLE_COUNT: usize = 84;
    /// The tool records, in the order of the names' bytes; the id is the position.
    pub const TOOLS: usize = 88;
    pub const TOOL_COUNT: usize = 92;
    /// A table of references to scopes; the id is the position.
    pub const SCOPES: usize = 96;
    pub const SCOPE_COUNT: usize = 100;
    /// A text: what compiled the plan.
    pub const COMPILER: usize = 104;
    pub const SIZE: usize = 112;
    /// In an opaque plan only, a text: the JSON document that what decides refers to. Empty: there is none.
    pub const DATA: usize = 112;
    pub const OPAQUE_SIZE: usize = 120;
}

/// Bits of [`header::FLAGS`].
pub mod flags {
    /// Some condition compares two objects, so members must be sorted.
    pub const SORT_MEMBERS: u32 = 1;
    /// Something else than this plan decides: it has limits and a digest, but no roles, and describes nothing.
    pub const OPAQUE: u32 = 2;
    /// Arguments and facts that other readers may read differently are malformed. Only in plans of
    /// [`VERSION_PORTABLE`](super::VERSION_PORTABLE).
    pub const PORTABLE: u32 = 4;
    /// Some condition looks into a list of the request for each element of another: there is room to put lists in order.
    pub const ORDERS_LISTS: u32 = 1 << 8;
    /// Some condition seeks a text of the request in another: there is room to prepare what is sought.
    pub const SEEKS_TEXTS: u32 = 1 << 9;
    /// Some condition seeks texts of the request in the same text for each element of a list: there is room for an index of it.
    pub const INDEXES_TEXTS: u32 = 1 << 10;
    /// All that are known.
    pub const ALL: u32 =
        SORT_MEMBERS | OPAQUE | PORTABLE | ORDERS_LISTS | SEEKS_TEXTS | INDEXES_TEXTS;
}

/// Sizes of the records that stand in tables, in bytes.
#[allow(missing_docs, reason = "named after the records")]
pub mod size {
    pub const ROLE: usize = 24;
    pub const TOOL: usize = 12;
    pub const CELL: usize = 8;
    pub const PATTERN: usize = 16;
    /// The least that stands from a literal's beginning on.
    pub const LITERAL: usize = 12;
}

/// The modes of a rule.
#[allow(missing_docs, reason = "named after what they are")]
pub mod mode {
    pub const DENY: u32 = 0;
    pub const NEEDS_APPROVAL: u32 = 1;
    pub const ALLOW: u32 = 2;
}

/// The opcodes of nodes, in the lowest byte of the first word. After the span (second word) follow:
#[allow(missing_docs, reason = "each line says what follows")]
pub mod op {
    /// children… ; their number in the upper half of the first word
    pub const AND: u32 = 1;
    /// as [`AND`]
    pub const OR: u32 = 2;
    /// child
    pub const NOT: u32 = 3;
    /// left, right; first word: comparison << 8, operand kinds << 16 and << 20
    pub const COMPARE: u32 = 4;
    /// value, list; first word: negated << 8, operand kind << 16
    pub const IN: u32 = 5;
    /// path, text, and for `contains` the failure table (u16 a byte); first word: call << 8
    pub const TEXT: u32 = 6;
    /// path, dfa
    pub const MATCHES: u32 = 7;
    /// path
    pub const PRESENT: u32 = 8;
    /// path, names (texts, sorted)…; their number in the upper half of the first word
    pub const ONLY: u32 = 9;
    /// path (or literal list), body; first word: [`over`](super::over) << 8
    pub const EVERY: u32 = 10;
    /// as [`EVERY`]
    pub const ANY: u32 = 11;
    /// memo slot, child: a condition in a quantifier that does not depend on the element
    pub const MEMO: u32 = 12;
    /// subject, sought, memo slot + 1 or 0: the subject is the same for each element; first word: call << 8, operand kinds << 16 and << 20
    pub const TEXT_IN: u32 = 13;
    /// value, path of the list, memo slot + 1 or 0: the list is the same for each element; first word as for [`IN`]
    pub const IN_PATH: u32 = 14;
    /// path, body: true where nothing or `null` is there
    pub const OPTIONAL: u32 = 15;
    /// child, name (text), definition (text): a condition under its name, for explanations. Spans below the child are those of the definition
    pub const NAMED: u32 = 16;
}

/// What a quantifier goes over.
pub mod over {
    /// the elements of the list at a path
    pub const ELEMENTS: u32 = 0;
    /// the members of the object at a path, each with `.name` and `.value`
    pub const MEMBERS: u32 = 1;
    /// the texts at and below a path, names of members included
    pub const TEXTS: u32 = 2;
    /// the elements of a literal list
    pub const LITERALS: u32 = 3;
}

/// What stands in place of a name's length in a step to an element of a list.
pub const ELEMENT_STEP: u32 = u32::MAX;
/// How many memo slots a sum takes.
pub const SUM_SLOTS: usize = 27;

/// Comparisons. `!=` is [`EQUAL`](compare::EQUAL) below a [`NOT`](op::NOT) in meaning, with a code of its own.
#[allow(missing_docs, reason = "named after what they are")]
pub mod compare {
    pub const EQUAL: u32 = 0;
    pub const NOT_EQUAL: u32 = 1;
    pub const LESS: u32 = 2;
    pub const LESS_OR_EQUAL: u32 = 3;
    pub const GREATER: u32 = 4;
    pub const GREATER_OR_EQUAL: u32 = 5;
}

/// String calls.
#[allow(missing_docs, reason = "named after what they are")]
pub mod text_call {
    pub const STARTS_WITH: u32 = 0;
    pub const ENDS_WITH: u32 = 1;
    pub const CONTAINS: u32 = 2;
}

/// Kinds of operand: what the reference in a node leads to.
#[allow(missing_docs, reason = "named after the records")]
pub mod operand {
    pub const PATH: u32 = 0;
    pub const COUNT: u32 = 1;
    pub const LITERAL: u32 = 2;
    /// a path, of whose value the type is asked
    pub const TYPE: u32 = 3;
    pub const SUM: u32 = 4;
    pub const COUNT_IF: u32 = 5;
    pub const ARITHMETIC: u32 = 6;
    /// A bit beside the others: the text in lower case.
    pub const LOWER: u32 = 8;
}

/// Operators between the terms of an arithmetic operand. A product binds tighter.
#[allow(missing_docs, reason = "named after what they are")]
pub mod arithmetic {
    pub const ADD: u32 = 0;
    pub const SUBTRACT: u32 = 1;
    pub const MULTIPLY: u32 = 2;
}

/// Where a path begins.
#[allow(missing_docs, reason = "named after what they are")]
pub mod root {
    pub const ARGS: u32 = 0;
    pub const CTX: u32 = 1;
    pub const RUN: u32 = 2;
    pub const USER: u32 = 3;
    pub const ROLE: u32 = 4;
    pub const TOOL: u32 = 5;
    pub const ELEMENT: u32 = 6;
    pub const SAID: u32 = 7;
    pub const USAGE: u32 = 8;
    pub const USER_USAGE: u32 = 9;
}

/// Kinds of literal, in the lowest byte of the first word. After it follow:
pub mod literal {
    /// nothing
    pub const NULL: u32 = 0;
    /// nothing
    pub const FALSE: u32 = 1;
    /// nothing
    pub const TRUE: u32 = 2;
    /// text of the JSON number
    pub const NUMBER: u32 = 3;
    /// text, unescaped
    pub const STRING: u32 = 4;
    /// number of elements, elements…
    pub const LIST: u32 = 5;
    /// the value as a signed 64-bit integer (two words), then the text of the JSON number
    pub const INTEGER: u32 = 6;
}

/// Flags of a list: which of the constants it contains.
pub mod list {
    /// `null`
    pub const NULL: u32 = 1;
    /// `true`
    pub const TRUE: u32 = 2;
    /// `false`
    pub const FALSE: u32 = 4;
}

/// Where a name stands in an index, before masking. Attackers choose names of calls, not of policies: a look-up visits at most
/// [`MAX_PROBES`] slots, which the compiler sees to by widening the index.
pub fn hash(name: &[u8]) -> u32 {
    const K: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut state = name.len() as u64;
    let (words, rest) = name.as_chunks::<8>();
    for word in words {
        state = (state.rotate_left(5) ^ u64::from_le_bytes(*word)).wrapping_mul(K);
    }
    let mut last = 0u64;
    for byte in rest {
        last = last << 8 | u64::from(*byte);
    }
    state = (state.rotate_left(5) ^ last).wrapping_mul(K);
    (state >> 32) as u32
}
