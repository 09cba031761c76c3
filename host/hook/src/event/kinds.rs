//! What each agent calls its events, and what each is for.

use crate::agent::Agent;

/// What an event is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A call is about to happen. It is decided, and counted.
    Call,
    /// A second question about a call. It is decided, and not counted again.
    Gate,
    /// The agent is about to ask the person for permission. What the policy denies is denied; all else is left to the person.
    Permission,
    /// The user said something.
    Prompt,
    /// A conversation begins.
    Start,
    /// A call ended, as its agent's event of a good end says, or as that of a failure does.
    End { failed: bool },
    /// Something happened. There is nothing to decide.
    Observed,
}

/// What an event is for. None: it is not known.
pub(crate) fn kind(agent: Agent, name: &str) -> Option<Kind> {
    let known = match agent {
        Agent::ClaudeCode => CLAUDE_CODE,
        Agent::Codex => CODEX,
        Agent::Gemini => GEMINI,
        Agent::Cursor => CURSOR,
        Agent::Copilot => COPILOT,
    };
    let found = known.iter().find(|(own, _)| *own == name);
    found.map(|(_, kind)| *kind)
}

type Known = &'static [(&'static str, Kind)];

const ENDED: Kind = Kind::End { failed: false };
const FAILED: Kind = Kind::End { failed: true };

const CLAUDE_CODE: Known = &[
    ("PreToolUse", Kind::Call),
    ("PermissionRequest", Kind::Permission),
    ("UserPromptSubmit", Kind::Prompt),
    ("SessionStart", Kind::Start),
    ("SessionEnd", Kind::Observed),
    ("PostToolUse", ENDED),
    ("PostToolUseFailure", FAILED),
    ("PermissionDenied", Kind::Observed),
    ("SubagentStart", Kind::Observed),
    ("SubagentStop", Kind::Observed),
    ("Stop", Kind::Observed),
    ("Notification", Kind::Observed),
    ("PreCompact", Kind::Observed),
];

const CODEX: Known = &[
    ("PreToolUse", Kind::Call),
    ("PermissionRequest", Kind::Permission),
    ("UserPromptSubmit", Kind::Prompt),
    ("SessionStart", Kind::Start),
    ("SessionEnd", Kind::Observed),
    ("PostToolUse", ENDED),
    ("SubagentStart", Kind::Observed),
    ("SubagentStop", Kind::Observed),
    ("Stop", Kind::Observed),
    ("PreCompact", Kind::Observed),
    ("PostCompact", Kind::Observed),
];

const GEMINI: Known = &[
    ("BeforeTool", Kind::Call),
    ("BeforeAgent", Kind::Prompt),
    ("SessionStart", Kind::Start),
    ("SessionEnd", Kind::Observed),
    ("AfterTool", ENDED),
    ("AfterAgent", Kind::Observed),
    ("Notification", Kind::Observed),
    ("PreCompress", Kind::Observed),
];

const CURSOR: Known = &[
    ("preToolUse", Kind::Call),
    ("beforeShellExecution", Kind::Call),
    ("beforeMCPExecution", Kind::Call),
    ("beforeReadFile", Kind::Gate),
    ("beforeTabFileRead", Kind::Gate),
    ("subagentStart", Kind::Gate),
    ("beforeSubmitPrompt", Kind::Prompt),
    ("sessionStart", Kind::Start),
    ("sessionEnd", Kind::Observed),
    ("postToolUse", ENDED),
    ("postToolUseFailure", FAILED),
    ("afterShellExecution", ENDED),
    ("afterMCPExecution", ENDED),
    ("afterFileEdit", Kind::Observed),
    ("afterTabFileEdit", Kind::Observed),
    ("afterAgentResponse", Kind::Observed),
    ("afterAgentThought", Kind::Observed),
    ("subagentStop", Kind::Observed),
    ("preCompact", Kind::Observed),
    ("stop", Kind::Observed),
];

// The one spelling is its own, the other that of Visual Studio Code.
const COPILOT: Known = &[
    ("preToolUse", Kind::Call),
    ("PreToolUse", Kind::Call),
    ("permissionRequest", Kind::Permission),
    ("PermissionRequest", Kind::Permission),
    ("userPromptSubmitted", Kind::Prompt),
    ("UserPromptSubmit", Kind::Prompt),
    ("sessionStart", Kind::Start),
    ("SessionStart", Kind::Start),
    ("sessionEnd", Kind::Observed),
    ("SessionEnd", Kind::Observed),
    ("postToolUse", ENDED),
    ("PostToolUse", ENDED),
    ("postToolUseFailure", FAILED),
    ("PostToolUseFailure", FAILED),
    ("agentStop", Kind::Observed),
    ("Stop", Kind::Observed),
    ("subagentStart", Kind::Observed),
    ("subagentStop", Kind::Observed),
    ("SubagentStop", Kind::Observed),
    ("errorOccurred", Kind::Observed),
    ("ErrorOccurred", Kind::Observed),
    ("preCompact", Kind::Observed),
    ("PreCompact", Kind::Observed),
];
