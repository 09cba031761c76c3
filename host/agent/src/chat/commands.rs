//! What begins with a slash.

use hexgate_compiler::diagnostic::nearest;

/// A command of the chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    /// `/exit`, `/quit`.
    Exit,
    /// `/clear`: begin anew.
    Clear,
    /// `/policy`: what the caller may do.
    Policy,
    /// `/why`, `/why 2`: explain the last decision, or one before it.
    Why(usize),
    /// `/help`.
    Help,
    /// None of them; what to write.
    Unknown(String),
}

const NAMES: &[&str] = &["exit", "quit", "clear", "policy", "why", "help"];

/// What `/help` says.
pub(super) const HELP: &str = "/why [N]   why the last call was decided so, or the Nth before it
/policy    what your roles may do
/clear     forget the conversation
/exit      leave; so does Ctrl-D
Ctrl-C     stops the turn; at the prompt it drops what you typed";

/// The command of a line. None: it is for the agent.
pub(super) fn of(line: &str) -> Option<Command> {
    let rest = line.trim().strip_prefix('/')?;
    let mut words = rest.split_whitespace();
    let name = words.next().unwrap_or_default();
    // A path is something to talk about.
    if !name.chars().all(|c| c.is_ascii_alphabetic()) {
        return None;
    }
    let argument = words.next();
    Some(match (name, argument) {
        ("exit" | "quit", None) => Command::Exit,
        ("clear", None) => Command::Clear,
        ("policy", None) => Command::Policy,
        ("help", None) => Command::Help,
        ("why", None) => Command::Why(0),
        ("why", Some(number)) => match number.parse::<usize>() {
            Ok(number) => Command::Why(number),
            Err(_) => Command::Unknown(
                "write `/why`, or `/why 1` for the decision before the last".to_owned(),
            ),
        },
        (name, _) if NAMES.contains(&name) => Command::Unknown(format!("`/{name}` stands alone")),
        (name, _) => Command::Unknown(match nearest(name, NAMES.iter().copied()) {
            Some(meant) => format!("there is no `/{name}`; did you mean `/{meant}`"),
            None => format!("there is no `/{name}`; `/help` tells which there are"),
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_told_from_what_is_said() {
        for (line, expected) in [
            ("/exit", Some(Command::Exit)),
            (" /quit ", Some(Command::Exit)),
            ("/why", Some(Command::Why(0))),
            ("/why 2", Some(Command::Why(2))),
            ("/policy", Some(Command::Policy)),
            ("/etc/passwd says what", None),
            ("hello /exit", None),
            ("", None),
        ] {
            assert_eq!(of(line), expected, "{line}");
        }
        for line in ["/exti", "/clear all", "/why x", "/", "/zzz"] {
            assert!(matches!(of(line), Some(Command::Unknown(_))), "{line}");
        }
    }
}
