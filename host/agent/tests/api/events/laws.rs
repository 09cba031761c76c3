//! What every stream of a run that was read to its end keeps to.

use std::collections::{BTreeMap, BTreeSet};

use hexgate_agent::event::{Event, EventKind, StepKind, ToolState};
use hexgate_agent::message::CallState;

/// What is open in a run.
#[derive(Default)]
struct Open {
    blocks: BTreeSet<String>,
    calls: BTreeMap<String, String>,
    approvals: BTreeSet<String>,
}

/// Checks a stream.
pub(super) fn hold(case: &str, events: &[Event]) {
    let place = |event: &Event| format!("{case}, event {}: {:?}", event.sequence, event.kind);
    let (first, last) = (events.first().unwrap(), events.last().unwrap());
    assert!(matches!(first.kind, EventKind::RunStart { .. }), "{case}");
    let EventKind::RunEnd { result } = &last.kind else {
        panic!("{case} ends with {:?}", last.kind);
    };

    let mut open: BTreeMap<String, Open> = BTreeMap::new();
    let mut calls = BTreeSet::new();
    let mut ids = BTreeSet::new();
    let mut has_error = false;
    for (number, event) in events.iter().enumerate() {
        let place = place(event);
        assert_eq!(event.sequence, number as u64 + 1, "{place}");
        assert!(ids.insert(&event.event_id), "{place}");
        assert_eq!(event.root_run_id, first.run_id, "{place}");
        assert_eq!(event.depth == 0, event.run_id == first.run_id, "{place}");
        assert_eq!(event.depth == 0, event.parent_run_id.is_none(), "{place}");
        if let EventKind::RunStart { .. } | EventKind::AgentStart { .. } = event.kind {
            let before = open.insert(event.run_id.clone(), Open::default());
            assert!(before.is_none(), "{place}");
        }
        let nested = open.len();
        let run = open
            .get_mut(&event.run_id)
            .unwrap_or_else(|| panic!("{place} belongs to no run that goes on"));
        match &event.kind {
            EventKind::RunStart { .. } => assert_eq!((number, event.depth), (0, 0), "{place}"),
            EventKind::AgentStart { parent_tool_id, .. } => {
                assert!(event.depth > 0, "{place}");
                let (above, call) = (event.parent_run_id.as_ref().unwrap(), parent_tool_id);
                if let Some(call) = call {
                    assert!(open[above].calls.contains_key(call), "{place}");
                }
            }
            EventKind::BlockStart { block_id, .. } => {
                assert!(run.blocks.insert(block_id.clone()), "{place}");
            }
            EventKind::BlockDelta { block_id, text, .. } => {
                assert!(run.blocks.contains(block_id) && !text.is_empty(), "{place}");
            }
            EventKind::BlockEnd { block_id, .. } => assert!(run.blocks.remove(block_id), "{place}"),
            EventKind::ToolStart {
                tool_id, tool_name, ..
            } => {
                assert!(calls.insert(tool_id.clone()), "{place}: used twice");
                run.calls.insert(tool_id.clone(), tool_name.clone());
            }
            EventKind::Decision { tool_id, .. } => {
                let known = |id| run.calls.contains_key(id);
                assert!(tool_id.as_ref().is_none_or(known), "{place}");
            }
            EventKind::ToolUpdate {
                tool_id, tool_name, ..
            } => assert_eq!(run.calls.get(tool_id), Some(tool_name), "{place}"),
            EventKind::ApprovalRequested {
                tool_id,
                decision_id,
                ..
            } => {
                assert!(run.calls.contains_key(tool_id), "{place}");
                assert!(run.approvals.insert(decision_id.clone()), "{place}");
            }
            EventKind::ApprovalResolved { decision_id, .. } => {
                assert!(run.approvals.remove(decision_id), "{place}");
            }
            EventKind::ToolEnd {
                tool_id,
                tool_name,
                state,
                outcome,
                ..
            } => {
                assert_eq!(
                    run.calls.remove(tool_id).as_ref(),
                    Some(tool_name),
                    "{place}"
                );
                let completed = *outcome == CallState::Completed;
                assert_eq!(*state == ToolState::Completed, completed, "{place}");
            }
            EventKind::Error { .. } => {
                assert!(event.depth == 0 && !has_error, "{place}");
                has_error = true;
            }
            EventKind::AgentEnd { .. } | EventKind::RunEnd { .. } => {
                assert!(run.blocks.is_empty(), "{place}: {:?}", run.blocks);
                assert!(run.calls.is_empty(), "{place}: {:?}", run.calls);
                assert!(run.approvals.is_empty(), "{place}: {:?}", run.approvals);
                assert_eq!(event.depth == 0, nested == 1, "{place}");
                open.remove(&event.run_id);
            }
            other => panic!("a kind without a rule: {other:?}"),
        }
    }
    assert!(open.is_empty(), "{case}");
    assert_eq!(result.error.is_some(), has_error, "{case}: {result:?}");
    steps(case, events);
}

/// The steps of the result are what ended, under the numbers under which it ended.
fn steps(case: &str, events: &[Event]) {
    let Some(EventKind::RunEnd { result }) = events.last().map(|event| &event.kind) else {
        panic!("{case}");
    };
    let ended = events.iter().filter_map(|event| match &event.kind {
        EventKind::BlockEnd { block_id, .. } => Some((event.sequence, block_id)),
        EventKind::ToolEnd { tool_id, .. } => Some((event.sequence, tool_id)),
        _ => None,
    });
    let steps = result.steps.iter().map(|step| (step.sequence, &step.id));
    assert!(ended.eq(steps), "{case}: {:?}", result.steps);
    for step in &result.steps {
        let at = events.iter().find(|event| event.sequence == step.sequence);
        let event = at.unwrap();
        assert_eq!(
            (&step.run_id, step.depth),
            (&event.run_id, event.depth),
            "{case}"
        );
        if let (StepKind::ToolCallStep { outcome, .. }, EventKind::ToolEnd { outcome: ended, .. }) =
            (&step.kind, &event.kind)
        {
            assert_eq!(outcome, ended, "{case}");
        }
    }
}
