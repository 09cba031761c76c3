//! What can be wrong with an agent's files beyond what can be wrong with any document.

use hexgate_compiler::diagnostic::CodeDoc;

pub(super) const BAD_NAME: CodeDoc = CodeDoc::error(
    "agent-name",
    "a name that no agent can have",
    "An agent's name is what policies, records and other agents call it: 1 to 242 bytes of text that can be seen, without blanks and `/`, in Unicode's form NFKC.

Name it as one would a program: `name: support-bot`.",
);

pub(super) const MISSING_KEY: CodeDoc = CodeDoc::error(
    "agent-missing-key",
    "an agent lacks what it needs",
    "Every `agent.yaml` has a `name`. The other keys have defaults: without `model` the agent runs the model that `HEXGATE_DEFAULT_MODEL` or `--model` names, without `policy` every call is denied.",
);

pub(super) const MISSING_FILE: CodeDoc = CodeDoc::error(
    "agent-missing-file",
    "an agent names a file that is not there",
    "`system_prompt` and `policy` name files, or a folder of roles, in the agent's own folder. One of them is missing or cannot be read, so the agent would run without it; it is refused instead.

Make the file, or correct its name.",
);

pub(super) const LEAVES: CodeDoc = CodeDoc::error(
    "agent-path",
    "a path that leaves the agent's folder",
    "What an agent is made of stands in its own folder: a relative path without `..`, and no symbolic link on the way. What lies elsewhere can be changed without this folder being changed, and a folder that comes from somebody else must not read the rest of this machine.

Put the file into the folder.",
);

pub(super) const TOO_LARGE: CodeDoc = CodeDoc::error(
    "agent-too-large",
    "a file of an agent is longer than what is read",
    "`agent.yaml` may have 64 KiB, a system prompt 256 KiB, a list in `agent.yaml` 256 entries. A model reads the whole prompt at every step.

Shorten it.",
);

pub(super) const DUPLICATE: CodeDoc = CodeDoc::error(
    "agent-duplicate",
    "a list names the same thing twice",
    "`tools`, `subagents` and `handoffs` are lists of different names. An agent has a tool once; two entries are more likely a slip in one of the names.

Remove one of them.",
);

pub(super) const BAD_VALUE: CodeDoc = CodeDoc::error(
    "agent-value",
    "a value that its key does not accept",
    "Limits are whole numbers from 1 on, up to what the message names; texts are not empty. A limit of none is not written as 0: leave the key out, and the default counts.",
);

pub(super) const UNKNOWN_TOOL: CodeDoc = CodeDoc::error(
    "agent-unknown-tool",
    "an agent names a tool that this program does not have",
    "Tools come from the program that runs the agent: `hexgate` has the built-in ones, a program of your own adds its own. An unknown name is refused, so that nobody takes an agent for able, or unable, to do what it says.

Correct the name, or run the agent with the program that has the tool.",
);

pub(super) const UNKNOWN_AGENT: CodeDoc = CodeDoc::error(
    "agent-unknown-agent",
    "an agent names another one that is not there",
    "`subagents` and `handoffs` name agents that are found where this one is: beside it, registered with the program, or built in.

Correct the name; `hexgate agent list` shows which there are.",
);

pub(super) const CIRCLE: CodeDoc = CodeDoc::error(
    "agent-circle",
    "an agent is its own sub-agent",
    "Agents call each other along `subagents` and `handoffs`, and no agent may come back to itself on that way: it would be made of itself.

Remove the name that closes the circle.",
);

pub(super) const NO_POLICY: CodeDoc = CodeDoc::warning(
    "agent-without-policy",
    "an agent with tools has no policy",
    "Without `policy` every call is denied, unless the environment names a policy. A file `policy.yaml` counts only if `policy` names it.

Write `policy: policy.yaml`.",
);

/// The documentation of everything that can be wrong with an agent's files and with no other document.
pub const CODES: &[CodeDoc] = &[
    BAD_NAME,
    MISSING_KEY,
    MISSING_FILE,
    LEAVES,
    TOO_LARGE,
    DUPLICATE,
    BAD_VALUE,
    UNKNOWN_TOOL,
    UNKNOWN_AGENT,
    CIRCLE,
    NO_POLICY,
];
