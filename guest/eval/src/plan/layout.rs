//! The binary form of a plan, versions 1 to 3: what the compiler writes and the evaluator reads.
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
//!
//! A plan of version 3 has [`flags::GROWN`], and further records:
//!
//! ```text
//! trailer      the last words of the plan, see below
//! role         more, or 0, in the place of the ordinal
//! more         description (text), first named entry, number of them, first reference to a forbid, number of them
//! named entry  pattern of names (text), rule; in the order in which they are tried
//! rule         the mode in the lowest byte of the first word; the bits of `with` above it tell what stands behind the constraints: message
//!              (text), description (text), approval terms, choice. Or for several rules of one tool: mode, number of rules, rules…
//! choice       number of forbids, forbids…, for each set of them (the first is the lowest bit) the id + 1 of a scope or 0
//! forbid       as a rule of the mode `FORBID`; behind that the number of tool ids, the number of patterns of names, the ids in order, the
//!              patterns (texts)…; neither: all tools whose names are not closed
//! scope        the id in the lower bits of the first word; with `scope::MORE` behind the patterns: flags, further arguments, except
//!              patterns (how many of each), the arguments (texts)…, the patterns…, and of a search for each allowed pattern a dfa or 0
//! bounds       in the place of a scope, with `scope::BOUNDS`: id, scope or 0, number of scopes that exclude, these…
//! pattern      in a scope with `scope::MORE`: absolute | has slash << 1
//! approval     flags, seconds, approvers, number of roles, roles (texts)…
//! ```

/// The first four bytes.
pub const MAGIC: [u8; 4] = *b"HXPL";
/// The version of the layout, in [`header::VERSION`].
pub const VERSION: u32 = 1;
/// The version of plans with [`flags::PORTABLE`]. Nothing else differs: engines that do not know the flag refuse the version.
pub const VERSION_PORTABLE: u32 = 2;
/// The version of plans with [`flags::GROWN`].
pub const VERSION_GROWN: u32 = 3;
/// The largest plan, in bytes.
pub const MAX_LEN: usize = 16 << 20;
/// How deep conditions may be nested.
pub const MAX_DEPTH: u32 = 40;
/// How many rules there may be for one tool.
pub const MAX_RULES: u32 = 64;
/// How many forbids a choice of scopes can depend on.
pub const MAX_CHOICE: usize = 4;
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

/// Where things stand in the trailer of a plan of [`VERSION_GROWN`], from its beginning.
#[allow(missing_docs, reason = "the layout above explains the records")]
pub mod trailer {
    /// References to the forbids that no role can lift, in order.
    pub const CEILING: usize = 0;
    pub const CEILING_COUNT: usize = 4;
    /// References to approval terms; the id is the position.
    pub const APPROVALS: usize = 8;
    pub const APPROVAL_COUNT: usize = 12;
    /// Texts: the facts that conditions look at, in the order of their bytes.
    pub const FACTS: usize = 16;
    pub const FACT_COUNT: usize = 20;
    /// A text: what the policy is about.
    pub const DESCRIPTION: usize = 24;
    pub const SIZE: usize = 32;
}

/// Bits of [`header::FLAGS`].
pub mod flags {
    /// Some condition compares two objects, so members must be sorted.
    pub const SORT_MEMBERS: u32 = 1;
    /// Something else than this plan decides: it has limits and a digest, but no roles, and describes nothing.
    pub const OPAQUE: u32 = 2;
    /// Arguments and facts that other readers may read differently are malformed. Not in plans of version 1.
    pub const PORTABLE: u32 = 4;
    /// There are records that versions 1 and 2 do not have. In plans of [`VERSION_GROWN`](super::VERSION_GROWN), and only in those.
    pub const GROWN: u32 = 8;
    /// Some condition looks into a list of the request for each element of another: there is room to put lists in order.
    pub const ORDERS_LISTS: u32 = 1 << 8;
    /// Some condition seeks a text of the request in another: there is room to prepare what is sought.
    pub const SEEKS_TEXTS: u32 = 1 << 9;
    /// Some condition seeks texts of the request in the same text for each element of a list: there is room for an index of it.
    pub const INDEXES_TEXTS: u32 = 1 << 10;
    /// All that are known.
    pub const ALL: u32 =
        SORT_MEMBERS | OPAQUE | PORTABLE | GROWN | ORDERS_LISTS | SEEKS_TEXTS | INDEXES_TEXTS;
}

/// Sizes of the records that stand in tables, in bytes.
#[allow(missing_docs, reason = "named after the records")]
pub mod size {
    pub const ROLE: usize = 24;
    pub const TOOL: usize = 12;
    pub const CELL: usize = 8;
    pub const PATTERN: usize = 16;
    pub const NAMED_ENTRY: usize = 12;
    pub const TEXT: usize = 8;
    pub const REFERENCE: usize = 4;
    /// The least that stands from a literal's beginning on.
    pub const LITERAL: usize = 12;
}

/// The modes of a rule.
#[allow(missing_docs, reason = "named after what they are")]
pub mod mode {
    pub const DENY: u32 = 0;
    pub const NEEDS_APPROVAL: u32 = 1;
    pub const ALLOW: u32 = 2;
    /// No rule, but several: in plans of [`VERSION_GROWN`](super::VERSION_GROWN), as all that follows.
    pub const SEVERAL: u32 = 3;
    /// No rule, but a forbid.
    pub const FORBID: u32 = 4;
    /// The bits of the first word that tell the mode.
    pub const MASK: u32 = 0xff;
}

/// Bits of the first word of a rule: what stands behind its constraints, in this order.
pub mod with {
    /// A text: what the model is told.
    pub const MESSAGE: u32 = 1 << 8;
    /// A text: what it is for.
    pub const DESCRIPTION: u32 = 1 << 9;
    /// The id of the approval terms.
    pub const APPROVAL: u32 = 1 << 10;
    /// A reference to the choice of the grant's scope. Without it that is the rule's own one.
    pub const CHOICE: u32 = 1 << 11;
    /// All of them.
    pub const ALL: u32 = MESSAGE | DESCRIPTION | APPROVAL | CHOICE;
}

/// Parts of the words of scopes in plans of [`VERSION_GROWN`].
pub mod scope {
    /// In the first word: the id.
    pub const ID: u32 = 0xff_ffff;
    /// The id of a scope that has none: it stands in bounds.
    pub const NO_ID: u32 = ID;
    /// In the first word: more stands behind the patterns.
    pub const MORE: u32 = 1 << 30;
    /// In the first word: it is bounds.
    pub const BOUNDS: u32 = 1 << 31;
    /// In the flags: paths are written as on Windows.
    pub const WINDOWS: u32 = 1;
    /// In the flags: the tool searches below the path.
    pub const SEARCH: u32 = 2;
    /// Of a pattern: it begins at a root.
    pub const ABSOLUTE: u32 = 1;
    /// Of a pattern: it is written with a slash.
    pub const HAS_SLASH: u32 = 2;
}

/// Flags of approval terms: which of the numbers count.
pub mod approval {
    /// The seconds.
    pub const EXPIRES: u32 = 1;
    /// The approvers.
    pub const APPROVERS: u32 = 2;
    /// Whether a reason has to be given is said.
    pub const REASON: u32 = 4;
    /// It has to.
    pub const REASON_REQUIRED: u32 = 8;
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
