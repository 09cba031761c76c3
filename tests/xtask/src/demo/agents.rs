//! Agents with scripted models: what the policy denies, what waits for a person, what a web page told the model, what the sandbox stops, and
//! what the audit log has of it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::quoted;
use crate::{setup::fresh, workspace};

/// The agents, from the root of the workspace.
const AGENTS: &str = "examples/agents";

/// A turn with an agent.
struct Turn {
    title: &'static str,
    agent: &'static str,
    role: &'static str,
    says: &'static str,
    /// What the log has to have of each call: the tool, the policy's outcome, how the call ended if it was permitted.
    log: &'static [(&'static str, &'static str, Option<&'static str>)],
    /// What must stand in what the tools answered.
    answers: &'static [&'static str],
}

const TURNS: &[Turn] = &[
    Turn {
        title: "A refund that the user named, one above the ceiling, and one that only a web page asked for",
        agent: "customer_bot",
        role: "support",
        says: "Please refund 20 USD to ada@example.com, the cup came broken. What to do with the rest of the order is on the returns page.",
        log: &[
            ("refund_order", "allow", Some("completed")),
            ("refund_order", "deny", None),
            ("read_file", "allow", Some("completed")),
            ("refund_order", "needs_approval", None),
        ],
        answers: &[
            "mallory@example.net",
            "Amounts above 500 are never refunded here",
        ],
    },
    Turn {
        title: "Commands that the policy permits and the sandbox stops",
        agent: "workspace_explorer",
        role: "reader",
        says: "What is in this workspace?",
        log: &[
            ("bash", "allow", Some("completed")),
            ("bash", "allow", Some("completed")),
            ("bash", "allow", Some("completed")),
            ("bash", "allow", Some("completed")),
        ],
        answers: &["README.md", "ermission denied"],
    },
];

/// Runs the turns in a folder of their own.
pub(super) fn run() -> Result<()> {
    let folder = workspace::target().join("demo-agents");
    fresh(&folder)?;
    copy(&workspace::root().join(AGENTS), &folder.join("agents"))?;
    let can_confine = hexgate(&folder, &["doctor"])?.0;
    for (number, turn) in TURNS.iter().enumerate() {
        println!("\n# {}", turn.title);
        if turn.agent == "workspace_explorer" && !can_confine {
            println!(
                "left out: nothing on this machine confines commands, `hexgate doctor` says why"
            );
            continue;
        }
        play(&folder, turn, &format!("audit-{number}"))?;
    }
    Ok(())
}

fn play(folder: &Path, turn: &Turn, log: &str) -> Result<()> {
    let model = format!("script:agents/{}/script.yaml", turn.agent);
    let arguments = [
        "agent",
        "run",
        "--agent",
        turn.agent,
        "--model",
        &model,
        "--caller",
        "grace",
        "--role",
        turn.role,
        "--approval-mode",
        "auto-deny",
        "--audit",
        log,
        "--events",
        turn.says,
    ];
    let words: Vec<String> = arguments.iter().map(|word| quoted(word)).collect();
    println!("$ hexgate {}", words.join(" "));
    let (is_done, events) = hexgate(folder, &arguments)?;
    ensure!(is_done, "the turn failed:\n{events}");
    for line in events.lines() {
        let event: Value =
            serde_json::from_str(line).with_context(|| format!("no event: {line}"))?;
        show(&event);
    }
    for answer in turn.answers {
        ensure!(events.contains(answer), "no `{answer}` in\n{events}");
    }

    println!("\n$ hexgate audit verify {log}");
    let (is_whole, said) = hexgate(folder, &["audit", "verify", log])?;
    print!("{said}");
    ensure!(is_whole, "the log is not whole");
    let calls = calls(&folder.join(log))?;
    for (tool, outcome, ended) in &calls {
        println!(
            "  {tool:<14} {outcome:<15} {}",
            ended.as_deref().unwrap_or("did not run")
        );
    }
    let found: Vec<(&str, &str, Option<&str>)> = calls
        .iter()
        .map(|(tool, outcome, ended)| (tool.as_str(), outcome.as_str(), ended.as_deref()))
        .collect();
    if found != turn.log {
        bail!("the log should have {:?}", turn.log);
    }
    Ok(())
}

/// One line for what a person would want to see of an event.
fn show(event: &Value) {
    let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
    match text("event_type") {
        "tool_start" => println!(
            "  the model calls {} {}",
            text("tool_name"),
            event.get("arguments").unwrap_or(&Value::Null)
        ),
        "decision" => match text("message") {
            "" => println!("    {}", text("outcome")),
            message => println!("    {}: {message}", text("outcome")),
        },
        "approval_requested" => println!("    a person is asked"),
        "approval_resolved" => println!("    {}", text("resolution")),
        "tool_end" if text("outcome") != "denied" => {
            println!("    {}: {}", text("outcome"), text("output_summary"));
        }
        "run_end" => {
            let message = event.pointer("/result/message").and_then(Value::as_str);
            println!("  the model says: {}", message.unwrap_or_default());
        }
        _ => {}
    }
}

/// A call as the log has it: the tool, the policy's outcome, how the call ended if it ran.
type Logged = (String, String, Option<String>);

/// The calls of a log, in their order.
fn calls(log: &Path) -> Result<Vec<Logged>> {
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(log).with_context(|| format!("cannot read `{}`", log.display()))? {
        let path = entry?.path();
        if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    let (mut decisions, mut ends) = (Vec::new(), Vec::new());
    for file in files {
        let text = fs::read_to_string(&file).unwrap_or_default();
        for line in text.lines() {
            let Ok(record) = serde_json::from_str::<Value>(line) else {
                continue;
            };
            let text = |pointer: &str| {
                let found = record.pointer(pointer).and_then(Value::as_str);
                found.unwrap_or_default().to_owned()
            };
            match text("/kind").as_str() {
                "decision" => {
                    decisions.push((text("/id"), text("/tool"), text("/verdict/outcome")));
                }
                "outcome" => ends.push((text("/decision"), text("/state"))),
                _ => {}
            }
        }
    }
    Ok(decisions
        .into_iter()
        .map(|(id, tool, outcome)| {
            let end = ends.iter().find(|(decision, _)| *decision == id);
            (tool, outcome, end.map(|(_, state)| state.clone()))
        })
        .collect())
}

/// Runs the program. Gives whether it was content, and what it printed; what it says beside that is shown.
fn hexgate(folder: &Path, arguments: &[&str]) -> Result<(bool, String)> {
    let output = Command::new(workspace::binary("hexgate"))
        .current_dir(folder)
        .args(arguments)
        .stderr(std::process::Stdio::inherit())
        .output()
        .context("cannot run `hexgate`")?;
    let printed = String::from_utf8(output.stdout).context("the output is no text")?;
    Ok((output.status.success(), printed))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot create `{}`", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot read `{}`", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)
                .with_context(|| format!("cannot write `{}`", target.display()))?;
        }
    }
    Ok(())
}
