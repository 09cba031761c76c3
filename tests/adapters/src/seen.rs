//! What was seen of a play.

/// What was seen of a play.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// The tools that ran, in the order in which they began.
    pub ran: Vec<Ran>,
    /// What the model read of each call, in the order in which it proposed them.
    pub read: Vec<String>,
    /// What was recorded, in the order in which it was decided.
    pub records: Vec<Record>,
    /// What people were asked.
    pub asked: Vec<Ask>,
    /// Why there was no gate, if the host refused to begin without one.
    pub no_gate: Option<String>,
    /// Tools of which the host said, while it ran, that it does not gate them.
    pub named_uncovered: Vec<String>,
    /// What no host should do, whatever the scenario: an end of a call that was not permitted, a second end.
    pub oddities: Vec<String>,
}

/// A tool that began to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// The tool's name in the scenario.
    pub tool: String,
    /// The bytes that it got.
    pub arguments: String,
}

/// A question to a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// What is decided, as policies name it.
    pub tool: String,
    /// The arguments.
    pub arguments: String,
    /// How many calls had begun by then.
    pub after: usize,
}

/// One decision, and how the call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Which one it is.
    pub id: String,
    /// What was decided, as policies name it.
    pub tool: String,
    /// `allow`, `needs_approval` or `deny`.
    pub outcome: String,
    /// What decided. None: the record does not tell.
    pub cause: Option<String>,
    /// The bytes that were decided. None: the record does not keep them.
    pub arguments: Option<String>,
    /// The user. None: nobody was known.
    pub user: Option<String>,
    /// How the call ended. None: nothing was recorded of it.
    pub ended: Option<End>,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// Whether the tool was started.
    pub ran: bool,
    /// `completed`, `failed` or `cancelled`.
    pub state: String,
}
