//! Which agents there are, by the program's list, and how they are loaded.

use serde_json::Value;

use super::desk::{Desk, text};

fn list(desk: &Desk) -> Vec<Value> {
    let output = desk.command(&["agents", "--json"]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn names(listed: &[Value]) -> Vec<(&str, &str)> {
    listed
        .iter()
        .map(|agent| {
            (
                agent["name"].as_str().unwrap(),
                agent["origin"].as_str().unwrap(),
            )
        })
        .collect()
}

const DESK_TOOLS: &str = "tools: [look_up, refund_order]\npolicy: policy.yaml\n";

fn agent(desk: &Desk, folder: &str, name: &str) {
    desk.write(
        &format!("{folder}/agent.yaml"),
        &format!("name: {name}\n{DESK_TOOLS}"),
    );
    desk.write(&format!("{folder}/policy.yaml"), super::desk::POLICY);
}

#[test]
fn agents_are_found_in_their_order_and_a_broken_one_breaks_no_other() {
    let desk = Desk::new("turns: []\n");
    agent(&desk, "here", "here");
    agent(&desk, "agents/b", "shared");
    agent(&desk, "agents/a", "first");
    agent(&desk, "examples/x", "shared");
    agent(&desk, "examples/.hidden", "hidden");
    agent(&desk, "agents/deep/er", "deeper");
    agent(&desk, "clerk-at-home", "clerk");
    desk.write("broken/agent.yaml", "nme: broken\n");
    desk.write(
        "agents/unknown-tool/agent.yaml",
        "name: unknown-tool\npolicy: p.yaml\ntools: [look_ups]\n",
    );
    desk.write("agents/unknown-tool/p.yaml", super::desk::POLICY);
    let listed = list(&desk);
    assert_eq!(
        names(&listed),
        [
            ("broken", "local"),
            ("clerk", "local"),
            ("here", "local"),
            ("first", "local"),
            ("shared", "local"),
            ("unknown-tool", "local"),
            ("shared", "local"),
            ("clerk", "registered"),
            ("researcher", "built_in"),
        ]
    );
    let problem = |at: usize| {
        listed[at]["problem"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    assert!(
        problem(0).contains("broken/agent.yaml:1:1: unknown key `nme`"),
        "{}",
        problem(0)
    );
    assert!(
        problem(5).contains("agent.yaml:3:9: this program has no tool `look_ups`"),
        "{}",
        problem(5)
    );
    // This program has no tools of the web.
    assert!(problem(8).contains("web_search"), "{}", problem(8));
    assert!(
        [1, 2, 3, 4, 6, 7]
            .iter()
            .all(|at| listed[*at]["problem"].is_null()),
        "{listed:#?}"
    );
    assert!(
        listed[6]["shadowed_by"]
            .as_str()
            .unwrap()
            .ends_with("agents/b")
    );
    assert!(
        listed[7]["shadowed_by"]
            .as_str()
            .unwrap()
            .ends_with("clerk-at-home")
    );

    let output = desk.command(&["chat", "--list-agents"]).output().unwrap();
    let said = text(&output.stdout);
    assert!(
        said.contains("✗ broken") && !said.contains("did you mean"),
        "{said}"
    );
    assert!(
        said.contains("not loaded: `./agents/b` comes first"),
        "{said}"
    );
}

#[test]
fn two_agents_of_one_place_and_name_are_not_chosen_between() {
    let desk = Desk::new("turns:\n  - text: hi\n");
    agent(&desk, "agents/a", "same");
    agent(&desk, "agents/b", "same");
    agent(&desk, "agents/c", "other");
    let output = desk
        .command(&["run", "--agent", "same", "hi"])
        .output()
        .unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("`./agents/a`, `./agents/b`") && said.contains("rename"),
        "{said}"
    );
    let output = desk
        .command(&["run", "--agent", "other", "hi"])
        .output()
        .unwrap();
    assert_eq!(text(&output.stdout), "hi\n", "{}", text(&output.stderr));
}

#[test]
fn an_agent_of_a_folder_runs_with_its_own_prompt_model_policy_and_tools() {
    let desk = Desk::new("turns: []\n");
    agent(&desk, "agents/local", "local");
    desk.write(
        "agents/local/agent.yaml",
        &format!("name: local\nmodel: script:own.yaml\n{DESK_TOOLS}"),
    );
    desk.write("agents/local/own.yaml", "turns:\n  - calls: [{tool: look_up, arguments: {order: A-7}}]\n  - expect: {tool: A-7}\n    text: found\n");
    let output = desk
        .command(&["run", "--agent", "local", "--role", "support", "hi"])
        .output()
        .unwrap();
    assert_eq!(text(&output.stdout), "found\n", "{}", text(&output.stderr));
    let said = text(&output.stderr);
    assert!(
        said.contains("no signature of this policy is checked"),
        "{said}"
    );
    // Another role: nothing is granted.
    let output = desk
        .command(&["run", "--agent", "local", "hi"])
        .output()
        .unwrap();
    assert!(
        text(&output.stderr).contains("✗ DENY"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn without_a_policy_everything_is_denied_and_that_is_said() {
    let desk = Desk::new(
        "turns:\n  - calls: [{tool: look_up, arguments: {order: A-7}}]\n  - text: done\n",
    );
    desk.write("bare/agent.yaml", "name: bare\ntools: [look_up]\n");
    let output = desk
        .command(&["run", "--agent", "bare", "--role", "support", "hi"])
        .output()
        .unwrap();
    let said = text(&output.stderr);
    assert!(
        said.contains("agent-without-policy") && said.contains("has no policy"),
        "{said}"
    );
    assert!(said.contains("policy_denied"), "{said}");
    // The operator's word decides for it.
    desk.write("operator.yaml", super::desk::POLICY);
    let output = desk
        .command(&["run", "--agent", "bare", "--role", "support", "hi"])
        .env("HEXGATE_LOCAL_POLICY", "operator.yaml")
        .output()
        .unwrap();
    let said = text(&output.stderr);
    assert!(
        !said.contains("policy_denied") && !said.contains("DENY"),
        "{said}"
    );
    // A signature is asked for, and the agent's own policy has none.
    agent(&desk, "own", "own");
    let output = desk
        .command(&["run", "--agent", "own", "hi"])
        .env("HEXGATE_BUNDLE_REQUIRE_SIGNATURE", "true")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("carries no signature"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn agents_call_agents_and_never_in_circles() {
    let desk = Desk::new(
        "turns:
  - calls: [{tool: delegate_to_helper, arguments: {task: find A-7}}]
  - expect: {tool: helped}
    text: done
",
    );
    desk.write(
        "boss/agent.yaml",
        "name: boss\npolicy: policy.yaml\nsubagents: [helper]\n",
    );
    desk.write(
        "boss/policy.yaml",
        "roles: { support: { tools: { 'agent.tool:helper': { mode: allow } } } }\n",
    );
    desk.write(
        "helper/agent.yaml",
        "name: helper\nmodel: script:help.yaml\npolicy: policy.yaml\n",
    );
    desk.write("helper/policy.yaml", "roles: { support: {} }\n");
    desk.write("helper/help.yaml", "turns:\n  - text: helped\n");
    let run = ["run", "--agent", "boss", "--role", "support", "hi"];
    let output = desk.command(&run).output().unwrap();
    assert_eq!(text(&output.stdout), "done\n", "{}", text(&output.stderr));

    desk.write(
        "helper/agent.yaml",
        "name: helper\npolicy: policy.yaml\nhandoffs: [boss]\n",
    );
    let output = desk.command(&run).output().unwrap();
    let said = text(&output.stderr);
    assert!(
        said.contains("agent-circle") && said.contains("helper/agent.yaml:3:12"),
        "{said}"
    );
    desk.write(
        "helper/agent.yaml",
        "name: helper\npolicy: policy.yaml\nsubagents: [bos]\n",
    );
    let output = desk.command(&run).output().unwrap();
    assert!(
        text(&output.stderr).contains("did you mean `boss`"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn who_takes_a_conversation_over_gives_the_answer_and_who_helps_does_not() {
    let desk = Desk::new(
        "turns:
  - text: I pass you on.
    calls: [{tool: transfer_to_desk, arguments: {reason: a refund}}]
",
    );
    desk.write(
        "front/agent.yaml",
        "name: front\npolicy: policy.yaml\nhandoffs: [desk]\n",
    );
    desk.write(
        "front/policy.yaml",
        "roles: { support: { tools: { 'agent.handoff:desk': { mode: allow } } } }\n",
    );
    desk.write(
        "desk/agent.yaml",
        "name: desk\nmodel: script:turns.yaml\npolicy: policy.yaml\nsubagents: [helper]\n",
    );
    desk.write(
        "desk/policy.yaml",
        "roles: { support: { tools: { 'agent.tool:helper': { mode: allow } } } }\n",
    );
    desk.write(
        "desk/turns.yaml",
        "turns:
  - calls: [{tool: delegate_to_helper, arguments: {task: find A-7}}]
  - expect: {tool: helped}
    text: The desk has it.
",
    );
    desk.write(
        "helper/agent.yaml",
        "name: helper\nmodel: script:help.yaml\npolicy: policy.yaml\n",
    );
    desk.write("helper/policy.yaml", "roles: { support: {} }\n");
    desk.write("helper/help.yaml", "turns:\n  - text: helped\n");
    let run = ["run", "--agent", "front", "--role", "support", "hi"];
    let output = desk.command(&run).output().unwrap();
    assert_eq!(
        text(&output.stdout),
        "I pass you on.\nThe desk has it.\n",
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn agents_in_an_endless_row_are_refused_and_end_nothing() {
    let desk = Desk::new("turns: []\n");
    for at in 0..2000 {
        let next = at + 1;
        desk.write(
            &format!("agents/a{at}/agent.yaml"),
            &format!("name: a{at}\npolicy: policy.yaml\nsubagents: [a{next}]\n"),
        );
        desk.write(
            &format!("agents/a{at}/policy.yaml"),
            "roles: {default: {}}\n",
        );
    }
    agent(&desk, "agents/a2000", "a2000");
    let output = desk
        .command(&["run", "--agent", "a0", "hi"])
        .output()
        .unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("in a row, up to `a32`"), "{said}");
}

#[test]
fn an_agent_is_shown_and_its_schema_printed() {
    let desk = Desk::new("turns: []\n");
    agent(&desk, "own", "own");
    let output = desk.command(&["show", "own"]).output().unwrap();
    let said = text(&output.stdout);
    assert!(
        said.contains("name: own") && said.contains("tools: look_up, refund_order"),
        "{said}"
    );
    desk.write("own/agent.yaml", "name: own\ntool: [look_up]\n");
    let output = desk.command(&["show", "own"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("did you mean `tools`"),
        "{}",
        text(&output.stderr)
    );
    let output = desk.command(&["schema"]).output().unwrap();
    assert_eq!(text(&output.stdout), hexgate_agent::definition::SCHEMA);
    let output = desk
        .command(&["show", "--explain", "agent-path"])
        .output()
        .unwrap();
    assert!(
        text(&output.stdout).contains("leaves the agent's folder"),
        "{}",
        text(&output.stdout)
    );
}
