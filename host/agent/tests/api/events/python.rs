//! Readers that were written for the Python package: its own models, and what its terminal shows.

use hexgate_agent::event::EventKind;
use hexgate_test_support::python::{self, interpreters};
use serde_json::Value;

use super::golden;

#[test]
fn the_python_package_reads_our_streams_with_its_own_models() {
    for python in interpreters() {
        for (case, events, text) in golden() {
            let output = python::run(&python, "python_events.py", &[] as &[&str], text.as_bytes());
            let error = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{case}: {error}");
            let seen: Value = serde_json::from_slice(&output.stdout).unwrap();

            let Some(EventKind::RunEnd { result }) = events.last().map(|event| &event.kind) else {
                panic!("{case}");
            };
            assert_eq!(seen["text"], result.message, "{case}");
            // Its page drops what follows the end of the turn. An error comes right before the end.
            let over = usize::try_from(seen["over"].as_u64().unwrap()).unwrap();
            let has_error = !seen["error"].is_null();
            assert_eq!(
                over,
                events.len() - usize::from(has_error),
                "{case}: {seen}"
            );
            assert_eq!(has_error, result.error.is_some(), "{case}: {seen}");
            // It shows each call once, and how it ended.
            let started = events
                .iter()
                .filter(|event| matches!(event.kind, EventKind::ToolStart { .. }));
            let tools = seen["tools"].as_array().unwrap();
            assert_eq!(tools.len(), started.count(), "{case}: {seen}");
            for tool in tools {
                assert_ne!(tool["status"], "started", "{case}: {seen}");
            }
            // The user's turn and at most one answer, whatever sub-agents said.
            assert!(
                seen["turns"].as_array().unwrap().len() <= 2,
                "{case}: {seen}"
            );
            for unknown in seen["unknown"].as_array().unwrap() {
                let ours = [
                    "agent_start",
                    "agent_end",
                    "decision",
                    "approval_requested",
                    "approval_resolved",
                ];
                assert!(
                    ours.contains(&unknown.as_str().unwrap()),
                    "{case}: {unknown}"
                );
            }
        }
    }
}
