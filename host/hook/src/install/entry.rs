//! The entry of one event.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::agents::Wanted;
use crate::agent::Agent;

/// How long an agent waits for the hook, in seconds. The hook itself gives up earlier.
const TIMEOUT: u64 = 30;

/// The program that is run, with what it is told beside the agent and the event.
#[derive(Debug, Clone)]
pub struct CommandLine {
    /// The program `hexgate`, by an absolute path.
    pub program: PathBuf,
    /// Further arguments of `hexgate hook run`.
    pub arguments: Vec<String>,
}

impl CommandLine {
    /// Whether decisions are recorded, so that ends of calls are, too.
    pub(super) fn records(&self) -> bool {
        let mut words = self.arguments.iter();
        words.any(|word| word == "--audit" || word.starts_with("--audit="))
    }

    /// The command for an event, as a shell reads it. Where a call must not happen without the hook, a program that is missing or was killed
    /// ends with the exit code that blocks, and with the reason without which some agents would not block.
    fn shell(&self, agent: Agent, wanted: &Wanted) -> String {
        let mut words = vec![
            quoted(&self.program.to_string_lossy()),
            marker(agent),
            wanted.name.to_owned(),
        ];
        words.extend(self.arguments.iter().map(|word| quoted(word)));
        let command = words.join(" ");
        if !wanted.blocks {
            return command;
        }
        format!(
            "{command} || {{ [ $? -eq 2 ] || echo 'hexgate: the hook did not run, so this is denied' >&2; exit 2; }}"
        )
    }
}

/// What every command of the hook has in it, and nothing else.
pub(super) fn marker(agent: Agent) -> String {
    format!("hook run --agent {agent} --event")
}

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./=:,@%+".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// The entry for an event.
pub(super) fn entry(agent: Agent, wanted: &Wanted, line: &CommandLine) -> Value {
    let command = line.shell(agent, wanted);
    match agent {
        Agent::ClaudeCode => {
            let mut handler = json!({ "type": "command", "command": command, "timeout": TIMEOUT });
            if let (true, Value::Object(handler)) = (wanted.blocks, &mut handler) {
                handler.insert("onFailure".to_owned(), "block".into());
            }
            json!({ "hooks": [handler] })
        }
        Agent::Codex => json!({ "hooks": [
            { "type": "command", "command": command, "timeout": TIMEOUT }
        ] }),
        // Milliseconds.
        Agent::Gemini => json!({ "hooks": [
            { "name": "hexgate", "type": "command", "command": command, "timeout": TIMEOUT * 1000 }
        ] }),
        Agent::Cursor => {
            let mut entry = json!({
                "command": command, "timeout": TIMEOUT, "failClosed": wanted.blocks,
            });
            if let (Some(matcher), Value::Object(entry)) = (wanted.matcher, &mut entry) {
                entry.insert("matcher".to_owned(), matcher.into());
            }
            entry
        }
        Agent::Copilot => json!({ "type": "command", "bash": command, "timeoutSec": TIMEOUT }),
    }
}
