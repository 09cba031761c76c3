//! The hook's log as records of the kit.

use std::fs;
use std::path::Path;

use hexgate_adapter_kit::{End, Record};
use hexgate_enforce::audit::{EndState, Entry};

/// The records of a log. `asked_again` calls were proposed twice: of these the record of the first attempt, which needed approval, is not
/// counted among them.
///
/// An event that cannot be read names no tool that counts: its denial is one of `unread`.
pub(super) fn records(log: &Path, asked_again: usize, unread: &str) -> Result<Vec<Record>, String> {
    let text = fs::read_to_string(log).map_err(|error| format!("there is no log: {error}"))?;
    let mut records: Vec<Record> = Vec::new();
    for line in text.lines() {
        let entry = Entry::parse(line.as_bytes()).map_err(|error| error.to_string())?;
        match entry {
            Entry::Decision(decision) => records.push(Record {
                id: decision.id.ok_or("a decision has no id")?,
                tool: match decision.tool.as_str() {
                    "hook-event" => unread.to_owned(),
                    _ => decision.tool,
                },
                outcome: decision.verdict.effect().as_str().to_owned(),
                cause: None,
                arguments: decision.arguments,
                user: decision.user,
                ended: None,
            }),
            Entry::Note(note) if note.event.starts_with("approval_") => {
                let detail = |name: &str| note.details.get(name).cloned().unwrap_or_default();
                let outcome = match note.event.as_str() {
                    "approval_used" => "allow",
                    "approval_pending" => continue,
                    _ => "deny",
                };
                records.push(Record {
                    id: detail("decision"),
                    tool: detail("tool"),
                    outcome: outcome.to_owned(),
                    cause: Some("approval".to_owned()),
                    arguments: None,
                    user: note.details.get("user").cloned(),
                    ended: None,
                });
            }
            Entry::Ended(ended) => {
                let record = records.iter_mut().find(|it| it.id == ended.decision);
                let record = record.ok_or("an end of a call that was not decided")?;
                if record.ended.is_some() {
                    return Err(format!("`{}` ended twice", record.tool));
                }
                record.ended = Some(End {
                    ran: ended.ran,
                    state: match ended.state {
                        EndState::Completed => "completed",
                        EndState::Failed => "failed",
                        _ => "cancelled",
                    }
                    .to_owned(),
                });
            }
            _ => {}
        }
    }
    for _ in 0..asked_again {
        let again = records.windows(3).position(|three| {
            let [first, second, settled] = three else {
                return false;
            };
            first.outcome == "needs_approval"
                && second.outcome == "needs_approval"
                && (&first.tool, &first.arguments) == (&second.tool, &second.arguments)
                && first.ended.is_none()
                && settled.cause.as_deref() == Some("approval")
        });
        // Where another policy decides the second attempt, that is another decision.
        if let Some(first) = again {
            records.remove(first);
        }
    }
    Ok(records)
}
