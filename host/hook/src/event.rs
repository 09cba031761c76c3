//! The events of the agents, in one form.

mod end;
mod kinds;

use crate::agent::Agent;
use crate::failure::Failure;
use crate::json::Object;

pub(crate) use end::End;
pub(crate) use kinds::{Kind, kind};

/// The most bytes of a conversation's id.
const MOST_ID_BYTES: usize = 256;

/// An event.
#[derive(Debug)]
pub(crate) struct Event {
    /// The name that the agent has for it.
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// The conversation. None: this agent does not say which.
    pub(crate) session: Option<String>,
    /// The folder in which the agent is. None: it does not say.
    pub(crate) cwd: Option<String>,
    /// The first of the folders that are open in the editor.
    pub(crate) root: Option<String>,
    /// Whether the agent would ask a person now, if a hook says so at an event where it can. None: its event does not tell.
    pub(crate) attended: Option<bool>,
    /// The call that is about to happen.
    pub(crate) call: Option<Proposed>,
    /// What tells this call from others of the conversation, also when it ends. None: the event is about no call, or does not tell.
    pub(crate) call_key: Option<String>,
    /// How a call ended.
    pub(crate) end: Option<End>,
    /// What the user said.
    pub(crate) prompt: Option<String>,
}

/// A call as the agent describes it.
#[derive(Debug)]
pub(crate) struct Proposed {
    pub(crate) tool: String,
    /// The server and its own name for the tool, where the agent tells them apart.
    pub(crate) server: Option<(String, String)>,
    pub(crate) input: Object,
}

/// Reads an event. `expected` is the name under which the hook was installed.
pub(crate) fn read(agent: Agent, expected: Option<&str>, text: &[u8]) -> Result<Event, Failure> {
    let object = Object::read(text, "it")?;
    let told = object.text("hook_event_name")?;
    let name = match (told, expected) {
        (Some(told), Some(expected)) if told != expected => {
            return Err(Failure::malformed(format!(
                "it is `{}`, and the hook was installed for `{expected}`",
                told.escape_debug()
            )));
        }
        (Some(told), _) => told,
        (None, Some(expected)) => expected.to_owned(),
        (None, None) => return Err(Failure::malformed("`hook_event_name` is missing")),
    };
    let kind = kind(agent, &name).ok_or_else(|| Failure::UnknownEvent(name.clone()))?;
    let call = match kind {
        Kind::Call | Kind::Gate | Kind::Permission => Some(call(agent, &name, &object)?),
        Kind::Prompt | Kind::Start | Kind::End { .. } | Kind::Observed => None,
    };
    let call_key = match kind {
        Kind::Call | Kind::End { .. } => end::key(agent, &name, &object),
        _ => None,
    };
    let end = match kind {
        Kind::End { failed } => Some(End::read(&object, failed)),
        _ => None,
    };
    let prompt = match kind {
        Kind::Prompt => Some(object.needed_text("prompt")?),
        _ => None,
    };
    Ok(Event {
        session: session(agent, &object)?,
        attended: attended(agent, object.text("permission_mode")?.as_deref()),
        cwd: folder(object.text("cwd")?)?,
        root: folder(object.texts("workspace_roots")?.into_iter().next())?,
        call,
        call_key,
        end,
        prompt,
        kind,
        name,
    })
}

/// Beginnings of elements in which agents put what is nobody's words into a prompt.
const INJECTED: &[&str] = &[
    "<task-notification",
    "<system-reminder",
    "<teammate-message",
    "<local-command",
    "<bash-stdout",
    "<bash-stderr",
];

/// Whether a prompt has something in it that the agent or another one put there. Nobody can tell such words from the user's.
pub(crate) fn is_injected(prompt: &str) -> bool {
    let prompt = prompt.to_ascii_lowercase();
    INJECTED.iter().any(|it| prompt.contains(it))
}

/// The id of the conversation. It is never a part of a path.
fn session(agent: Agent, object: &Object) -> Result<Option<String>, Failure> {
    let names: &[&str] = match agent {
        Agent::Cursor => &["conversation_id", "session_id"],
        Agent::Copilot => &["sessionId", "session_id"],
        Agent::ClaudeCode | Agent::Codex | Agent::Gemini => &["session_id"],
    };
    for name in names {
        let Some(id) = object.text(name)? else {
            continue;
        };
        if id.is_empty() || id.len() > MOST_ID_BYTES || id.chars().any(char::is_control) {
            return Err(Failure::malformed(format!(
                "`{name}` has 1 to {MOST_ID_BYTES} bytes and no control characters"
            )));
        }
        return Ok(Some(id));
    }
    match agent {
        // Its earlier versions do not say which conversation it is.
        Agent::Copilot => Ok(None),
        _ => Err(Failure::malformed(format!(
            "`{}` is missing",
            names.first().unwrap_or(&"session_id")
        ))),
    }
}

/// Whether an agent asks a person in this mode. Claude Code runs a call about which a hook says `ask` where permissions are bypassed, so a mode
/// that is not known counts as one of these. So does `plan`: where bypassing is available it is not enforced there. In `dontAsk` a question is
/// a denial.
fn attended(agent: Agent, mode: Option<&str>) -> Option<bool> {
    match agent {
        Agent::ClaudeCode => Some(matches!(
            mode,
            Some("default" | "acceptEdits" | "auto" | "dontAsk")
        )),
        Agent::Codex | Agent::Gemini | Agent::Cursor | Agent::Copilot => None,
    }
}

fn folder(path: Option<String>) -> Result<Option<String>, Failure> {
    match path {
        Some(path) if !path.starts_with('/') || path.contains('\0') => Err(Failure::malformed(
            "the folder in which the agent is has no absolute path",
        )),
        path => Ok(path),
    }
}

/// The call of an event.
fn call(agent: Agent, event: &str, object: &Object) -> Result<Proposed, Failure> {
    let member = |name: &str| -> Result<Object, Failure> {
        let mut input = Object::default();
        if let Some(value) = object.get(name) {
            input.set(name, value.to_owned());
        }
        Ok(input)
    };
    let of = |tool: &str, input: Object| Proposed {
        tool: tool.to_owned(),
        server: None,
        input,
    };
    match (agent, event) {
        (Agent::Cursor, "beforeShellExecution") => Ok(of("Shell", {
            let mut input = member("command")?;
            if let Some(value) = object.get("sandbox") {
                input.set("sandbox", value.to_owned());
            }
            input
        })),
        // The content is what is read, and no argument.
        (Agent::Cursor, "beforeReadFile" | "beforeTabFileRead") => {
            Ok(of("Read", member("file_path")?))
        }
        (Agent::Cursor, "subagentStart") => Ok(of("Task", {
            let mut input = member("subagent_type")?;
            if let Some(value) = object.get("task") {
                input.set("prompt", value.to_owned());
            }
            input
        })),
        (Agent::Cursor, "beforeMCPExecution") => {
            let tool = object.needed_text("tool_name")?;
            let server = object.text("mcp_server_name")?.ok_or_else(|| {
                Failure::malformed("`mcp_server_name` is missing: this version of Cursor does not say whose tool it is")
            })?;
            Ok(Proposed {
                server: Some((server, tool.clone())),
                input: input(object, "tool_input")?,
                tool,
            })
        }
        (Agent::Copilot, _) if object.has("toolName") => Ok(Proposed {
            tool: object.needed_text("toolName")?,
            server: None,
            input: input(object, "toolArgs")?,
        }),
        _ => {
            let server = match object.object("mcp_context")? {
                Some(context) if agent == Agent::Gemini => Some((
                    context.needed_text("server_name")?,
                    context.needed_text("tool_name")?,
                )),
                _ => None,
            };
            Ok(Proposed {
                tool: object.needed_text("tool_name")?,
                server,
                input: input(object, "tool_input")?,
            })
        }
    }
}

/// The arguments: an object, or the text of one. `null` is the empty one.
fn input(object: &Object, name: &str) -> Result<Object, Failure> {
    let value = object
        .get(name)
        .ok_or_else(|| Failure::malformed(format!("`{name}` is missing")))?;
    match value.get().bytes().next() {
        Some(b'n') => Ok(Object::default()),
        Some(b'"') => Object::read(
            object.needed_text(name)?.as_bytes(),
            &format!("the text `{name}`"),
        ),
        _ => Object::read(value.get().as_bytes(), &format!("`{name}`")),
    }
}
