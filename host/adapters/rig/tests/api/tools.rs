use hexgate_adapter_testing::{caller, enforcer};
use hexgate_enforce::scope;
use hexgate_rig::{GateError, gate};
use rig_agent::AgentBuilder;
use rig_agent::tool::server::ToolServer;
use serde_json::json;

use crate::fixture::{POLICY, Ran, model, results};

#[tokio::test]
async fn what_is_allowed_runs_and_what_is_denied_does_not() {
    let (builder, record) = enforcer(POLICY);
    let ran = Ran::default();
    let model = model([
        ("read", json!({"path": "notes"})),
        ("read", json!({"path": "secret"})),
        ("ask", json!({})),
    ]);
    let agent = AgentBuilder::new(model.clone())
        .dynamic_tool(ran.tool("read"))
        .dynamic_tool(ran.tool("ask"));
    let agent = gate(agent, &builder.build().unwrap()).unwrap();
    let answer = scope::scope(caller("alice"), async {
        agent.prompt("go").max_turns(9).await
    });
    assert_eq!(answer.await.unwrap().output(), "Done.");
    assert_eq!(ran.all(), [r#"read {"path":"notes"}"#]);
    let read = results(&model.requests());
    assert_eq!(read[0], r#"read {"path":"notes"}"#);
    assert!(read[1].starts_with("[policy_denied] "), "{}", read[1]);
    assert!(read[2].starts_with("[approval_required] "), "{}", read[2]);
    assert_eq!(
        record.lines(),
        [
            r#"allow read {"path":"notes"} for alice"#,
            "read completed",
            r#"deny read {"path":"secret"} for alice"#,
            "needs_approval ask {} for alice",
        ]
    );
}

#[tokio::test]
async fn a_tool_that_comes_later_is_gated_and_one_that_is_unknown_is_denied() {
    let (builder, record) = enforcer(POLICY);
    let ran = Ran::default();
    let model = model([
        ("late", json!({"n": 1})),
        ("other", json!({})),
        ("nowhere", json!({})),
    ]);
    let registry = ToolServer::new().run();
    let agent = AgentBuilder::new(model.clone()).tool_server_handle(registry.clone());
    let agent = gate(agent, &builder.build().unwrap()).unwrap();
    registry.add_dynamic_tool(ran.tool("late"));
    registry.add_dynamic_tool(ran.tool("other"));
    let answer = scope::scope(caller("alice"), async {
        agent.prompt("go").max_turns(9).await
    });
    answer.await.unwrap();
    assert_eq!(ran.all(), [r#"late {"n":1}"#]);
    assert_eq!(
        record.lines(),
        [
            r#"allow late {"n":1} for alice"#,
            "late completed",
            "deny other {} for alice",
            "deny nowhere {} for alice",
        ]
    );
    // What the caller can never call is not shown.
    let shown = |at: usize| -> Vec<String> {
        let tools = &model.requests()[at].tools;
        tools.iter().map(|tool| tool.name.to_string()).collect()
    };
    assert_eq!(shown(0), ["late"]);
}

#[tokio::test]
async fn a_tool_that_panics_ends_its_call_and_not_the_agent() {
    let (builder, record) = enforcer(POLICY);
    let ran = Ran::default();
    let model = model([("read", json!({"path": "x"})), ("late", json!({}))]);
    let panics = crate::fixture::dynamic("read", |_| panic!("a bug in the tool"));
    let agent = AgentBuilder::new(model.clone())
        .dynamic_tool(panics)
        .dynamic_tool(ran.tool("late"));
    let agent = gate(agent, &builder.build().unwrap()).unwrap();
    let answer = scope::scope(caller("alice"), async {
        agent.prompt("go").max_turns(9).await
    });
    answer.await.unwrap();
    assert_eq!(ran.all(), ["late {}"]);
    assert!(!results(&model.requests())[0].contains("a bug"));
    assert_eq!(record.lines()[1], "read failed (panic)");
}

#[test]
fn there_is_no_agent_without_a_runtime() {
    let (builder, _) = enforcer(POLICY);
    let agent = AgentBuilder::new(model([]));
    let refused = gate(agent, &builder.build().unwrap());
    assert_eq!(refused.err(), Some(GateError::NoRuntime));
}

#[tokio::test]
async fn tools_that_the_provider_runs_are_named() {
    let (builder, _) = enforcer(POLICY);
    let agent =
        AgentBuilder::new(model([])).additional_params(json!({"tools": [{"type": "web_search"}]}));
    let agent = gate(agent, &builder.build().unwrap()).unwrap();
    assert!(agent.uncovered().is_empty());
    scope::scope(caller("alice"), async { agent.prompt("go").await })
        .await
        .unwrap();
    assert_eq!(agent.uncovered(), ["web_search"]);
}
