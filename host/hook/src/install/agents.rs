//! Where each agent has its configuration, for which events, and what it cannot be kept from doing.

use std::ffi::OsString;
use std::path::PathBuf;

use super::{InstallError, Scope};
use crate::agent::Agent;

/// The file of an agent's configuration.
pub(super) fn path(
    agent: Agent,
    scope: &Scope,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<PathBuf, InstallError> {
    let named = |name: &str| {
        variable(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let (own, folder, file) = match agent {
        Agent::ClaudeCode => (Some("CLAUDE_CONFIG_DIR"), ".claude", "settings.json"),
        Agent::Codex => (Some("CODEX_HOME"), ".codex", "hooks.json"),
        Agent::Gemini => (None, ".gemini", "settings.json"),
        Agent::Cursor => (None, ".cursor", "hooks.json"),
        Agent::Copilot => (Some("COPILOT_HOME"), ".copilot", "hooks/hexgate.json"),
    };
    Ok(match scope {
        Scope::Project(root) if agent == Agent::Copilot => root.join(".github/hooks/hexgate.json"),
        Scope::Project(root) => root.join(folder).join(file),
        Scope::User => match own.and_then(named) {
            Some(own) => own.join(file),
            None => named("HOME")
                .ok_or(InstallError::NoHome)?
                .join(folder)
                .join(file),
        },
    })
}

/// Other files in which the hooks of this agent can be switched off.
pub(super) fn others(
    agent: Agent,
    scope: &Scope,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Vec<PathBuf> {
    let users = path(agent, &Scope::User, variable).ok();
    let user = |file: &str| Some(users.as_ref()?.parent()?.join(file));
    let (project, users): (&[&str], _) = match agent {
        Agent::ClaudeCode => (
            &[".claude/settings.json", ".claude/settings.local.json"],
            vec![user("settings.json"), user("settings.local.json")],
        ),
        Agent::Gemini => (&[".gemini/settings.json"], vec![user("settings.json")]),
        Agent::Copilot => (
            &[
                ".github/copilot/settings.json",
                ".github/copilot/settings.local.json",
            ],
            // Beside the folder of hooks.
            vec![user("../settings.json"), user("../config.json")],
        ),
        Agent::Codex | Agent::Cursor => (&[], Vec::new()),
    };
    let mut all: Vec<PathBuf> = users.into_iter().flatten().collect();
    if let Scope::Project(root) = scope {
        all.extend(project.iter().map(|file| root.join(file)));
    }
    all
}

/// An event for which the hook is installed.
pub(super) struct Wanted {
    pub(super) name: &'static str,
    /// The tools for which it is asked. None: all.
    pub(super) matcher: Option<&'static str>,
    /// Whether an agent must not go on where the hook does not run.
    pub(super) blocks: bool,
}

const fn wanted(name: &'static str) -> Wanted {
    Wanted {
        name,
        matcher: None,
        blocks: true,
    }
}

const fn observed(name: &'static str) -> Wanted {
    Wanted {
        blocks: false,
        ..wanted(name)
    }
}

/// The tools of Cursor that have no events of their own.
const OTHER_TOOLS: &str = "^(?!Shell$|MCP:)";

/// The events for which the hook is installed.
pub(super) fn events(agent: Agent) -> &'static [Wanted] {
    match agent {
        Agent::ClaudeCode | Agent::Codex => {
            const {
                &[
                    wanted("PreToolUse"),
                    wanted("PermissionRequest"),
                    wanted("UserPromptSubmit"),
                    observed("SessionStart"),
                ]
            }
        }
        Agent::Gemini => {
            const {
                &[
                    wanted("BeforeTool"),
                    wanted("BeforeAgent"),
                    observed("SessionStart"),
                ]
            }
        }
        Agent::Cursor => {
            const {
                &[
                    Wanted {
                        // These two have events of their own, at which a person can be asked.
                        matcher: Some(OTHER_TOOLS),
                        ..wanted("preToolUse")
                    },
                    wanted("beforeShellExecution"),
                    wanted("beforeMCPExecution"),
                    wanted("beforeReadFile"),
                    wanted("beforeTabFileRead"),
                    wanted("subagentStart"),
                    wanted("beforeSubmitPrompt"),
                    observed("sessionStart"),
                ]
            }
        }
        Agent::Copilot => {
            const {
                &[
                    wanted("preToolUse"),
                    wanted("permissionRequest"),
                    wanted("userPromptSubmitted"),
                    observed("sessionStart"),
                ]
            }
        }
    }
}

/// The events that tell how a call ended, for whom ends are recorded.
pub(super) fn ends(agent: Agent) -> &'static [Wanted] {
    match agent {
        Agent::ClaudeCode => const { &[observed("PostToolUse"), observed("PostToolUseFailure")] },
        Agent::Codex => const { &[observed("PostToolUse")] },
        Agent::Gemini => const { &[observed("AfterTool")] },
        Agent::Cursor => {
            const {
                &[
                    Wanted {
                        // As before the call.
                        matcher: Some(OTHER_TOOLS),
                        ..observed("postToolUse")
                    },
                    Wanted {
                        matcher: Some(OTHER_TOOLS),
                        ..observed("postToolUseFailure")
                    },
                    observed("afterShellExecution"),
                    observed("afterMCPExecution"),
                ]
            }
        }
        Agent::Copilot => const { &[observed("postToolUse"), observed("postToolUseFailure")] },
    }
}

pub(super) fn cautions(agent: Agent) -> &'static [&'static str] {
    match agent {
        Agent::ClaudeCode => &[
            "files that the user names with `@` are read without a call, so without the hook",
            "where permissions are bypassed nobody is asked: what needs approval is denied there; before version 2.1.211 the mode `auto` could answer in your place",
            "before version 2.1.295 a hook that takes longer than its timeout lets the call pass; later versions block it (`onFailure`)",
            "`disableAllHooks` in any settings switches the hook off: the user's, the project's, and so those that a repository brings along; only hooks in managed settings stay",
            "`env` in any settings sets variables for the hook, also those by which programs are loaded (`LD_PRELOAD`)",
            "the mode `plan` is not enforced where bypassing permissions is available: what needs approval is denied there",
            "tools that the provider runs, and what a command does once it runs, are not seen",
        ],
        Agent::Codex => &[
            "Codex runs hooks of a project only where the project is trusted, and a new or changed hook only after the user has trusted it (`/hooks`); until then calls pass",
            "a hook that takes longer than its timeout lets the call pass",
            "Codex cannot be told to ask: what needs approval is denied",
            "its event does not tell in which folder a command runs: `cwd` is absent, unless the call names one",
            "Codex does not start the hook where the folder of the session is gone: then calls pass",
            "not every tool is asked about: web search and tools of the provider are not, nor is what is typed into a command that runs already",
            "`hooks = false` below `[features]` in the configuration switches hooks off",
        ],
        Agent::Gemini => &[
            "hooks of a project run only in a folder that is trusted; elsewhere, also with `--skip-trust`, calls pass: hooks of the user (`--scope user`) run everywhere",
            "a hook that takes longer than its timeout lets the call pass",
            "another hook can change the arguments after this one has seen them",
            "Gemini CLI does not document how a hook asks: what needs approval is denied, unless you pass `--trust-ask`",
            "files that the user names with `@` and commands behind `!` are run without the hook",
            "`hooksConfig` in any settings can switch hooks off",
        ],
        Agent::Cursor => &[
            "hooks of a project run only in a workspace that is trusted",
            "only commands and tools of servers can be asked about, and whether Cursor asks where everything runs by itself is not documented; other tools that need approval are denied",
            "another hook can change the arguments of a tool after this one has seen them (`updated_input`)",
            "cloud agents run hooks of a project alone, and not all of them",
        ],
        Agent::Copilot => &[
            "hooks of a project run only in a folder that is trusted; elsewhere, also with `--allow-all-tools`, calls pass: hooks of the user (`--scope user`) run everywhere",
            "a hook that takes longer than its timeout lets the call pass, whatever it is",
            "a prompt cannot be blocked",
            "where all tools are allowed, and in its app, Copilot runs what a hook asks about: what needs approval is denied, unless you pass `--trust-ask`",
            "the cloud agent reads `.github/hooks` of the default branch alone, and needs the program and the policy in its sandbox",
            "version 1.0.12 ran no hooks for calls of sub-agents; try yours",
            "`disableAllHooks` in the settings of a repository switches the hook off; hooks in `/etc/github-copilot/policy.d` stay",
        ],
    }
}
