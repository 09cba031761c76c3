//! The table form that a plan carries.

/// A deterministic automaton over the bytes of a UTF-8 text, read from its first byte to its last.
///
/// State 0 rejects for good, state 1 accepts for good. After the last byte a text is accepted in state 1 and in every state for
/// which `accepting` holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Dfa {
    /// The class of each byte, below `class_count`.
    pub classes: Box<[u8; 256]>,
    /// How many classes there are: 1 to 256.
    pub class_count: u16,
    /// The next state: `transitions[state * class_count + class]`. Rows 0 and 1 lead to themselves.
    pub transitions: Vec<u16>,
    /// One entry a state: whether a text that ends here is accepted. `accepting[0]` is false, `accepting[1]` true.
    pub accepting: Vec<bool>,
    /// The state before the first byte.
    pub start: u16,
}

impl Dfa {
    /// The largest table, in bytes of [`Dfa::table_bytes`].
    pub const MAX_TABLE_BYTES: usize = 64 << 10;

    /// How much room the table takes in a plan: two bytes a transition, the class map and one byte a state.
    #[must_use]
    pub fn table_bytes(&self) -> usize {
        256 + 2 * self.transitions.len() + self.accepting.len()
    }

    /// Whether the automaton accepts a text. What the evaluator does, for tests and lints.
    #[must_use]
    pub fn accepts(&self, text: &str) -> bool {
        let mut state = self.start;
        for byte in text.bytes() {
            let class = self.classes.get(usize::from(byte)).copied().unwrap_or(0);
            let at = usize::from(state) * usize::from(self.class_count) + usize::from(class);
            state = self.transitions.get(at).copied().unwrap_or(0);
            if state <= 1 {
                return state == 1;
            }
        }
        self.accepting
            .get(usize::from(state))
            .copied()
            .unwrap_or(false)
    }
}
