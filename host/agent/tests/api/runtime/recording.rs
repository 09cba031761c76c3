//! One record, from the proposal to its outcome.

use std::time::SystemTime;

use hexgate_agent::Agent;
use hexgate_agent::tool::{ToolError, ToolOutput};
use hexgate_enforce::audit::{
    Anchors, AuditLog, By, Components, DigestKey, EndState, EndedEntry, Entry, Options, replay,
    verify,
};
use hexgate_enforce::host::Policy;
use hexgate_enforce::{AuditRecorder, OnRecordFailure};
use serde_json::{Value, json};

use super::fixture::*;

#[tokio::test]
async fn the_log_has_each_proposal_and_how_it_ended() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit");
    let key = DigestKey::from_bytes(&[9; 32]);
    let log = AuditLog::open(&path, Options::new(key.clone()), SystemTime::now()).unwrap();
    let policy = POLICY.replace("tools:", "tools:\n      agent.run: { mode: allow }");
    let enforcer = enforcer_builder("bot", &policy)
        .recorder(AuditRecorder::new(log), OnRecordFailure::Deny)
        .build()
        .unwrap();
    let agent = Agent::builder("bot")
        .model(Script::new([
            vec![
                echo("1", "x"),
                call("2", "slow", &json!({})),
                call("3", "pay", &json!({"amount": 900})),
                call("4", "launch", &json!({})),
                call("5", "echo", &json!({"text": 5})),
                Piece::Call("6".into(), "echo".into(), "{".into()),
                echo("7", "y"),
                echo("7", "z"),
            ],
            vec![text("Done.")],
        ]))
        .enforcer(enforcer)
        .tool(Echo::new("echo"))
        .tool(Echo::new("pay"))
        .tool(Made::new("slow", |_, _| async {
            Err::<ToolOutput, _>(ToolError::new("not_found", "no"))
        }))
        .build()
        .unwrap();
    let outcome = agent.invoke(&alice(), "Go.").await.unwrap();
    let results = results(outcome.conversation.unwrap().messages());
    drop(agent);

    let text = std::fs::read_to_string(path.join("segment-000000.jsonl")).unwrap();
    let (mut decisions, mut ends): (Vec<_>, Vec<EndedEntry>) = Default::default();
    for line in text.lines() {
        match Entry::parse(line.as_bytes()).unwrap() {
            Entry::Decision(decision) => {
                // Each is found by its run.
                let facts: Value =
                    serde_json::from_str(decision.facts.as_deref().unwrap_or("{}")).unwrap();
                if decision.facts.is_some() {
                    assert_eq!(facts["run"]["id"], json!(outcome.run_id));
                }
                decisions.push(decision);
            }
            Entry::Ended(ended) => ends.push(ended),
            _ => {}
        }
    }
    let verdicts: Vec<(&str, Value)> = decisions
        .iter()
        .map(|decision| {
            let verdict = serde_json::to_value(&decision.verdict).unwrap();
            (decision.tool.as_str(), verdict["outcome"].clone())
        })
        .collect();
    assert_eq!(
        verdicts,
        [
            ("agent.run", json!("allow")),
            ("echo", json!("allow")),
            ("slow", json!("allow")),
            ("pay", json!("deny")),
            ("launch", json!("deny")),
            ("echo", json!("allow")),
            ("echo", json!("error")),
            ("echo", json!("allow")),
            ("echo", json!("refused")),
        ]
    );
    let of = |index: usize| {
        let id = decisions[index].id.as_deref().unwrap();
        let found = ends.iter().filter(|end| end.decision == id);
        found
            .map(|end| (end.ran, end.state, end.error.as_deref()))
            .collect::<Vec<_>>()
    };
    assert_eq!(of(0), [(true, EndState::Completed, None)]);
    assert_eq!(of(1), [(true, EndState::Completed, None)]);
    assert_eq!(of(2), [(true, EndState::Failed, Some("not_found"))]);
    assert_eq!(
        of(5),
        [(false, EndState::Failed, Some("invalid_arguments"))]
    );
    assert_eq!(of(7), [(true, EndState::Completed, None)]);
    for denied in [3, 4, 6, 8] {
        assert_eq!(of(denied), []);
    }
    assert_eq!(ends.len(), 5);
    // What came of it, without its text.
    let first = ends
        .iter()
        .find(|end| Some(&end.decision) == decisions[1].id.as_ref())
        .unwrap();
    assert_eq!(first.result_digest, Some(key.of_result(&results[0].1)));
    assert_eq!(first.result_bytes, Some(results[0].1.len() as u64));

    let verified = verify(&path, &Anchors::default()).unwrap();
    assert!(verified.is_intact(), "{:?}", verified.findings);
    assert_eq!((verified.decisions, verified.outcomes), (9, 5));
    let components = Components::of_log(&path);
    let mut find = |digest: &_| {
        let component = components.find(digest).map_err(|error| error.to_string())?;
        let load = |bytes: Vec<u8>| Policy::dangerous_from_unverified_bytes(&engine(), &bytes);
        component
            .map(load)
            .transpose()
            .map_err(|error| error.to_string())
    };
    let replayed = replay(&path, &Anchors::default(), By::Recorded(&mut find)).unwrap();
    assert_eq!(
        (replayed.replayed, replayed.differences.len()),
        (8, 0),
        "{:?}",
        replayed.differences
    );
}
