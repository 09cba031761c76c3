//! Names of tools.

use crate::agent::Agent;
use crate::event::Proposed;
use crate::failure::Failure;

/// What a tool of any agent is called in policies, and what Claude Code, Codex, Gemini CLI, Cursor and Copilot call it.
const NAMES: &[(&str, [&[&str]; 5])] = &[
    (
        "bash",
        [
            &["Bash"],
            &[
                "Bash",
                "shell",
                "shell_command",
                "exec_command",
                "local_shell",
            ],
            &["run_shell_command"],
            &["Shell"],
            &["bash", "Bash"],
        ],
    ),
    (
        "powershell",
        [&["PowerShell"], &[], &[], &[], &["powershell"]],
    ),
    (
        "read_file",
        [
            &["Read", "NotebookRead"],
            &["read_file", "view_image"],
            &["read_file"],
            &["Read", "TabRead"],
            &["view", "Read"],
        ],
    ),
    (
        "write_file",
        [
            &["Write"],
            &["Write"],
            &["write_file"],
            &["Write"],
            &["create", "Write"],
        ],
    ),
    (
        "edit_file",
        [
            &["Edit", "MultiEdit", "NotebookEdit"],
            &["apply_patch", "Edit"],
            &["replace"],
            &["Edit", "StrReplace", "EditNotebook", "TabWrite"],
            &["edit", "Edit", "str_replace_editor", "apply_patch"],
        ],
    ),
    ("delete_file", [&[], &[], &[], &["Delete"], &[]]),
    (
        "glob",
        [&["Glob"], &[], &["glob"], &["Glob"], &["glob", "Glob"]],
    ),
    (
        "grep",
        [
            &["Grep"],
            &["grep_files"],
            &["grep_search", "search_file_content"],
            &["Grep"],
            &["grep", "rg", "Grep"],
        ],
    ),
    (
        "list_folder",
        [&["LS"], &["list_dir"], &["list_directory"], &["LS"], &[]],
    ),
    (
        "fetch",
        [
            &["WebFetch"],
            &[],
            &["web_fetch"],
            &["WebFetch"],
            &["web_fetch", "WebFetch"],
        ],
    ),
    (
        "web_search",
        [
            &["WebSearch"],
            &["web_search"],
            &["google_web_search"],
            &["WebSearch"],
            &["web_search", "WebSearch"],
        ],
    ),
    (
        "task",
        [
            &["Task", "Agent"],
            &["spawn_agent"],
            &[],
            &["Task"],
            &["task", "Task", "Agent"],
        ],
    ),
    (
        "todo",
        [
            &["TodoWrite"],
            &["update_plan"],
            &["write_todos"],
            &["TodoWrite"],
            &["update_todo", "TodoWrite"],
        ],
    ),
    (
        "ask_user",
        [
            &["AskUserQuestion"],
            &["request_user_input"],
            &["ask_user"],
            &["AskQuestion"],
            &["ask_user", "AskUserQuestion"],
        ],
    ),
];

/// Beginnings of names that mean more than a tool.
const CLOSED: &[&str] = &["agent.", "hexgate.", "skill:", "skill.", "mcp-", "other-"];

/// The name of a tool in policies.
pub(super) fn name(agent: Agent, proposed: &Proposed) -> Result<String, Failure> {
    let own = &*proposed.tool;
    if let Some((server, tool)) = &proposed.server {
        return mcp(server, tool);
    }
    match agent {
        Agent::ClaudeCode | Agent::Codex | Agent::Copilot if own.starts_with("mcp__") => {
            let rest = own.strip_prefix("mcp__").unwrap_or(own);
            let (server, tool) = rest.split_once("__").ok_or_else(|| {
                Failure::malformed(format!(
                    "`{}` names no tool of a server",
                    own.escape_debug()
                ))
            })?;
            return mcp(server, tool);
        }
        // `mcp_a_b_c` could be of the server `a` or of `a_b`.
        Agent::Gemini if own.starts_with("mcp_") => {
            return Err(Failure::malformed(
                "`mcp_context` is missing, so nobody can say whose tool it is",
            ));
        }
        // Its own tools have no hyphen, and `SERVER-TOOL` is how it names those of servers.
        Agent::Copilot if own.contains('-') => return Ok(format!("mcp-{own}")),
        _ => {}
    }
    let column = match agent {
        Agent::ClaudeCode => 0,
        Agent::Codex => 1,
        Agent::Gemini => 2,
        Agent::Cursor => 3,
        Agent::Copilot => 4,
    };
    let known = NAMES.iter().find(|(_, names)| {
        names
            .get(column)
            .is_some_and(|names: &&[&str]| names.contains(&own))
    });
    if let Some((name, _)) = known {
        return Ok((*name).to_owned());
    }
    // A tool of the agent's that is called like another one's must not be taken for it.
    let taken = NAMES.iter().any(|(name, _)| *name == own)
        || CLOSED.iter().any(|beginning| own.starts_with(beginning));
    Ok(if taken {
        format!("other-{own}")
    } else {
        own.to_owned()
    })
}

fn mcp(server: &str, tool: &str) -> Result<String, Failure> {
    if server.is_empty() || tool.is_empty() {
        return Err(Failure::malformed(
            "a tool of a server has the names of both",
        ));
    }
    Ok(format!("mcp-{server}-{tool}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_agent_has_two_meanings_for_a_name() {
        for column in 0..5 {
            let mut names: Vec<&str> = NAMES
                .iter()
                .flat_map(|(_, all)| all[column])
                .copied()
                .collect();
            names.sort_unstable();
            let before = names.len();
            names.dedup();
            assert_eq!(names.len(), before, "column {column}");
        }
    }
}
