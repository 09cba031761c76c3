//! The hook of coding agents: one policy for Claude Code, Codex, Gemini CLI, Cursor and Copilot.
//!
//! An agent runs `hexgate hook run` before each call of a tool and writes the call to its standard input. The hook brings it into one form,
//! has the policy decide, and answers as that agent expects. Whatever fails is a denial in that agent's form.
//!
//! ```no_run
//! use hexgate_enforce::resolve::Environment;
//! use hexgate_hook::{Agent, Hook, Options};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let hook = Hook::new(Options {
//!     agent: Agent::ClaudeCode,
//!     event: Some("PreToolUse".to_owned()),
//!     name: None,
//!     caller: "alice".to_owned(),
//!     roles: vec!["developer".to_owned()],
//!     workspace: None,
//!     state: "/home/alice/.local/state/hexgate/hook".into(),
//!     audit: None,
//!     trust_ask: false,
//!     approvals: None,
//!     environment: Environment::from_env()?,
//!     limit: Hook::LIMIT,
//! });
//! let answer = hook.answer(br#"{"session_id": "1", "cwd": "/src", "hook_event_name": "PreToolUse",
//!     "tool_name": "Bash", "tool_input": {"command": "git status"}}"#);
//! println!("{}", answer.stdout);
//! # Ok(())
//! # }
//! ```
//!
//! | module | what happens there |
//! |---|---|
//! | `agent` | which agents there are |
//! | `json`, `failure` | strict reading, and why something could not be decided |
//! | `event` | what each agent sends, in one form |
//! | `normal` | names of tools and arguments as policies see them |
//! | `session` | what is kept of a conversation: what the user's words name, what is counted |
//! | `answer` | what each agent expects |
//! | `hook`, `run` | from an event to an answer, once |
//! | [`install`] | the configuration of the agents |
//! | [`command`] | the command line |
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod agent;
mod answer;
pub mod command;
mod event;
mod failure;
mod hook;
pub mod install;
mod json;
mod normal;
mod run;
mod session;

pub use agent::{Agent, UnknownAgent};
pub use answer::Answer;
pub use failure::Failure;
pub use hook::{Approving, Auditing, Hook, MOST_EVENT_BYTES, Options, Seen};
pub use run::run;
