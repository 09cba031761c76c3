//! Names and values of arguments.

use serde_json::value::RawValue;

use super::{Place, paths};
use crate::failure::Failure;
use crate::json::{Object, raw};

/// The most bytes of a script that is read for its programs.
const MOST_SCRIPT_BYTES: usize = 64 << 10;

/// The most alternatives of a pattern with braces that are looked at, and its most bytes.
const MOST_ALTERNATIVES: usize = 500;
const MOST_PATTERN_BYTES: usize = 4096;

/// Tools whose `file_path` is one file, or several.
const OF_FILES: &[&str] = &["read_file", "write_file", "edit_file", "delete_file"];
/// Tools that run commands, in the folder `cwd`.
const OF_COMMANDS: &[&str] = &["bash", "powershell"];
/// Tools that begin at `path`. Without one they begin where the agent is.
const OF_FOLDERS: &[&str] = &["glob", "grep", "list_folder"];

/// `(tools, the argument in policies, what agents call it)`. Other arguments keep their names.
const NAMES: &[(&[&str], &str, &[&str])] = &[
    (
        OF_FILES,
        "file_path",
        &[
            "path",
            "filePath",
            "target_file",
            "notebook_path",
            "absolute_path",
        ],
    ),
    (
        OF_FOLDERS,
        "path",
        &[
            "dir_path",
            "directory",
            "target_directory",
            "relative_workspace_path",
        ],
    ),
    (OF_COMMANDS, "command", &["cmd", "script"]),
    (
        OF_COMMANDS,
        "cwd",
        &["dir_path", "workdir", "working_directory"],
    ),
    (&["glob"], "pattern", &["glob_pattern"]),
    (&["grep"], "pattern", &["regex", "query"]),
    (&["write_file"], "content", &["file_text", "contents"]),
    (&["edit_file"], "old_string", &["old_str"]),
    (&["edit_file"], "new_string", &["new_str"]),
    (&["fetch"], "url", &["uri"]),
    (&["web_search"], "query", &["search_term"]),
    (&["task"], "prompt", &["message", "task"]),
];

/// Gives arguments the names that policies know.
pub(super) fn rename(tool: &str, input: &mut Object) -> Result<(), Failure> {
    for (tools, name, others) in NAMES {
        if !tools.contains(&tool) {
            continue;
        }
        for other in *others {
            let Some(value) = input.take(other) else {
                continue;
            };
            if input.has(name) {
                return Err(Failure::malformed(format!(
                    "`{other}` and `{name}` are two names for one argument"
                )));
            }
            input.set(name, value);
        }
    }
    Ok(())
}

/// Writes paths relative to the workspace, where they lead into it.
pub(super) fn place(tool: &str, input: &mut Object, place: Place<'_>) -> Result<(), Failure> {
    if OF_FILES.contains(&tool)
        && let Some(value) = input.get("file_path")
        && let Some(placed) = placed(value, place)?
    {
        input.set("file_path", placed);
    }
    if OF_COMMANDS.contains(&tool) {
        if input.get("cwd").is_some_and(|it| it.get() == "null") {
            input.take("cwd");
        }
        let begin: Option<String> = match input.get("cwd") {
            Some(value) => Some(
                serde_json::from_str(value.get())
                    .map_err(|_| Failure::malformed("the folder of a command (`cwd`) is a text"))?,
            ),
            // Where it is not said, and not known, it stays absent.
            None => place
                .commands_in
                .map(|folder| folder.to_string_lossy().into_owned()),
        };
        if let Some(begin) = begin
            && let Some(placed) = raw(&paths::placed(&begin, place)?)
        {
            input.set("cwd", placed);
        }
    }
    if OF_FOLDERS.contains(&tool) {
        let path = match input.get("path") {
            None => Some(".".to_owned()),
            Some(value) => serde_json::from_str(value.get()).ok(),
        };
        // A pattern can lead elsewhere than its path says.
        let pattern: Option<String> = match input.get("pattern") {
            Some(pattern) if tool == "glob" => serde_json::from_str(pattern.get()).ok(),
            _ => None,
        };
        let begin = match (path, pattern) {
            // What stands in braces can begin elsewhere (`{/etc,a}`) or go up (`.{.,}`): no path says where, and every scope refuses `..`.
            (Some(path), Some(pattern)) if leads_out(&pattern) => Some(format!("{path}/*/..")),
            (Some(_), Some(pattern)) if pattern.starts_with(['/', '~']) => Some(base(&pattern)),
            (Some(path), Some(pattern)) if pattern.split('/').any(|part| part.contains("..")) => {
                Some(format!("{path}/{}", base(&pattern)))
            }
            (path, _) => path,
        };
        if let Some(begin) = begin {
            // It stays, whatever there is: every scope refuses it.
            let placed = if begin.ends_with("*/..") {
                begin
            } else {
                paths::placed(&begin, place)?
            };
            if let Some(placed) = raw(&placed) {
                input.set("path", placed);
            }
        }
    }
    Ok(())
}

/// Whether a pattern with braces can begin elsewhere than its path says, by any of its alternatives: one is absolute, of a home folder, or
/// has a `..`. So counts one with more alternatives than are looked at, or with braces that cannot be told apart.
fn leads_out(pattern: &str) -> bool {
    if !pattern.contains('{') {
        return false;
    }
    let mut left = vec![pattern.to_owned()];
    let mut seen = 0_usize;
    while let Some(pattern) = left.pop() {
        seen += 1;
        if seen > MOST_ALTERNATIVES || pattern.len() > MOST_PATTERN_BYTES {
            return true;
        }
        let Some((before, rest)) = pattern.split_once('{') else {
            if pattern.starts_with(['/', '~']) || pattern.contains("..") {
                return true;
            }
            continue;
        };
        let (mut depth, mut begin, mut end) = (1_usize, 0, None);
        let mut inside = Vec::new();
        for (at, character) in rest.char_indices() {
            match character {
                // It can take the meaning from what follows.
                '\\' => return true,
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            if depth == 0 || depth == 1 && character == ',' {
                inside.push(rest.get(begin..at).unwrap_or_default());
                begin = at + 1;
            }
            if depth == 0 {
                end = rest.get(begin..);
                break;
            }
        }
        let Some(end) = end else {
            return true;
        };
        left.extend(inside.iter().map(|it| format!("{before}{it}{end}")));
    }
    false
}

/// The folder in which a pattern begins: what stands before its first part with a wildcard, with every `..` behind that one.
fn base(pattern: &str) -> String {
    let parts: Vec<&str> = pattern.split('/').collect();
    let wild = |part: &&&str| part.contains(['*', '?', '[', '{']);
    let fixed = parts.iter().take_while(|part| !wild(part)).count();
    let mut base = parts.get(..fixed).unwrap_or_default().join("/");
    // `*/../../x` leaves the folder again: no path says where it ends, and a scope refuses `..`.
    if parts.iter().skip(fixed).any(|part| part.contains("..")) {
        base.push_str(if fixed == 0 { "*/.." } else { "/*/.." });
    }
    // Of an absolute pattern that begins with a wildcard nothing is left but the root.
    if base.is_empty() {
        "/".to_owned()
    } else {
        base
    }
}

/// A text or a list of texts, each placed. None: it is neither, and stays what it is.
fn placed(value: &RawValue, place: Place<'_>) -> Result<Option<Box<RawValue>>, Failure> {
    if let Ok(path) = serde_json::from_str::<String>(value.get()) {
        return Ok(raw(&paths::placed(&path, place)?));
    }
    let Ok(list) = serde_json::from_str::<Vec<String>>(value.get()) else {
        return Ok(None);
    };
    let list: Result<Vec<String>, Failure> =
        list.iter().map(|path| paths::placed(path, place)).collect();
    Ok(raw(&list?))
}

/// Adds `programs` and `redirects` to a command for bash. Where they cannot be told, or no program is named, they are absent: a condition
/// on what is absent does not hold, an exception or a forbid on it forbids.
pub(super) fn programs(tool: &str, input: &mut Object) -> Result<(), Failure> {
    // Nobody but this hook says what runs.
    for name in ["programs", "redirects"] {
        if OF_COMMANDS.contains(&tool) && input.has(name) {
            return Err(Failure::malformed(format!(
                "`{name}` is not an argument of it"
            )));
        }
    }
    if tool != "bash" {
        return Ok(());
    }
    let Some(script) = input.get("command").and_then(script) else {
        return Ok(());
    };
    let Ok(named) = hexgate_sandbox::command::names(&script, MOST_SCRIPT_BYTES) else {
        return Ok(());
    };
    if named.programs.is_empty() {
        return Ok(());
    }
    if let (Some(programs), Some(redirects)) = (raw(&named.programs), raw(&named.redirects)) {
        input.set("programs", programs);
        input.set("redirects", redirects);
    }
    Ok(())
}

/// The script of a command. A list of words (`["bash", "-lc", "..."]`) is none: what it runs is not read.
fn script(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok()
}
