//! Agents of swiftide behind the gate, beyond the scenarios of the kit.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

use std::borrow::Cow;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use hexgate_adapter_testing::{
    Carol, Denied, Proposed, caller, enforcer, holds_durable_approvals, replaceable,
};
use hexgate_enforce::{Approvals, Enforcer, scope};
use hexgate_swiftide::{Feedback, Gated};
use swiftide_agents::{Agent, StopReason};
use swiftide_core::chat_completion::errors::{LanguageModelError, ToolError};
use swiftide_core::chat_completion::{
    ChatCompletionRequest, ChatCompletionResponse, ToolCall, ToolOutput, ToolSpec,
};
use swiftide_core::{AgentContext, ChatCompletion, Tool, ToolBox, ToolFeedback};

const POLICY: &str = "
roles:
  user:
    tools:
      read: { mode: allow }
      pay: { mode: approval_required }
";

#[derive(Clone)]
struct Named(&'static str, Arc<Mutex<Vec<String>>>);

impl Named {
    fn new(name: &'static str) -> Self {
        Self(name, Arc::default())
    }

    /// The arguments of the calls that ran.
    fn ran(&self) -> Vec<String> {
        self.1.lock().unwrap().clone()
    }
}

#[async_trait]
impl Tool for Named {
    async fn invoke(&self, _: &dyn AgentContext, call: &ToolCall) -> Result<ToolOutput, ToolError> {
        let arguments = call.args().unwrap_or_default().to_owned();
        self.1.lock().unwrap().push(arguments);
        let user = scope::current().map(|caller| caller.user_id().to_owned());
        Ok(ToolOutput::text(user.unwrap_or_default()))
    }

    fn name(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.0)
    }

    fn tool_spec(&self) -> ToolSpec {
        let spec = ToolSpec::builder()
            .name(self.0)
            .description("A tool.")
            .build();
        spec.unwrap()
    }
}

#[derive(Clone)]
struct Server(Named);

#[async_trait]
impl ToolBox for Server {
    async fn available_tools(&self) -> anyhow::Result<Vec<Box<dyn Tool>>> {
        Ok(vec![Box::new(self.0.clone())])
    }
}

/// A model that proposes these calls, and then is done.
#[derive(Clone)]
struct Script(Arc<Mutex<Vec<ToolCall>>>);

impl Script {
    fn new<const N: usize>(calls: [(&str, &str); N]) -> Self {
        let calls = calls.into_iter().enumerate().map(|(at, (name, args))| {
            let mut call = ToolCall::builder();
            call.id(format!("call-{at}")).name(name).args(args);
            call.build().unwrap()
        });
        Self(Arc::new(Mutex::new(calls.collect())))
    }
}

#[async_trait]
impl ChatCompletion for Script {
    async fn complete(
        &self,
        _: &ChatCompletionRequest,
    ) -> Result<ChatCompletionResponse, LanguageModelError> {
        let mut calls = self.0.lock().unwrap();
        let mut answer = ChatCompletionResponse::builder();
        match calls.is_empty() {
            true => answer.maybe_message("Done.".to_owned()),
            false => answer.maybe_tool_calls(vec![calls.remove(0)]),
        };
        answer.build().map_err(LanguageModelError::permanent)
    }
}

async fn agent(script: Script, tool: &Named, enforcer: &Enforcer) -> Gated {
    let mut builder = Agent::builder();
    let own: [Box<dyn Tool>; 1] = [Box::new(tool.clone())];
    builder.llm(&script).tools(own);
    hexgate_swiftide::gate(builder, enforcer).await.unwrap()
}

async fn feedback(agent: &Gated, call: &ToolCall, feedback: &ToolFeedback) {
    let context = agent.context();
    context.feedback_received(call, feedback).await.unwrap();
}

fn waiting(agent: &Gated) -> Option<ToolCall> {
    match agent.stop_reason() {
        Some(StopReason::FeedbackRequired { tool_call, .. }) => Some(tool_call.clone()),
        _ => None,
    }
}

#[tokio::test]
async fn the_agent_stops_for_feedback_and_goes_on_with_the_very_call() {
    let (enforcing, record) = enforcer(POLICY);
    let enforcing = enforcing.approvals(Approvals::handler(Feedback));
    let tool = Named::new("pay");
    let script = Script::new([("pay", r#"{"n":1}"#), ("pay", r#"{"n":1}"#)]);
    let mut agent = agent(script, &tool, &enforcing.build().unwrap()).await;
    scope::scope(caller("alice"), agent.query("go"))
        .await
        .unwrap();
    let call = waiting(&agent).unwrap();
    assert!(tool.ran().is_empty());

    // It counts once: the second call, which is the same, is asked about again.
    feedback(&agent, &call, &ToolFeedback::approved()).await;
    scope::scope(caller("alice"), agent.run()).await.unwrap();
    assert_eq!(tool.ran(), [r#"{"n":1}"#]);
    let second = waiting(&agent).unwrap();
    feedback(&agent, &second, &ToolFeedback::refused()).await;
    scope::scope(caller("alice"), agent.run()).await.unwrap();
    assert_eq!(tool.ran().len(), 1);
    let lines = record.lines();
    assert!(
        lines.contains(&r#"allow pay {"n":1} for alice"#.to_owned()),
        "{lines:?}"
    );
    assert_eq!(lines.last().unwrap(), r#"deny pay {"n":1} for alice"#);
}

#[tokio::test]
async fn feedback_for_other_arguments_does_not_count() {
    let (enforcing, record) = enforcer(POLICY);
    let enforcing = enforcing.approvals(Approvals::handler(Feedback));
    let tool = Named::new("pay");
    let script = Script::new([("pay", r#"{"n":1}"#)]);
    let mut agent = agent(script, &tool, &enforcing.build().unwrap()).await;
    scope::scope(caller("alice"), agent.query("go"))
        .await
        .unwrap();
    let mut other = waiting(&agent).unwrap();
    other.with_args(Some(r#"{"n":2}"#.to_owned()));
    feedback(&agent, &other, &ToolFeedback::approved()).await;
    scope::scope(caller("alice"), agent.run()).await.unwrap();
    assert!(tool.ran().is_empty());
    assert!(waiting(&agent).is_some());
    let asked = r#"needs_approval pay {"n":1} for alice"#;
    assert_eq!(record.lines(), [asked; 4]);
}

/// Asks about one call on behalf of alice, and answers. Then the policy is this one and the run on behalf of that user. How often the tool ran, and
/// whether the agent asks again.
async fn resumed(answer: ToolFeedback, policy: &str, user: &str) -> (usize, bool) {
    let (enforcing, record, file) = replaceable(POLICY);
    let enforcing = enforcing.approvals(Approvals::handler(Feedback));
    let tool = Named::new("pay");
    let script = Script::new([("pay", r#"{"n":1}"#)]);
    let mut agent = agent(script, &tool, &enforcing.build().unwrap()).await;
    scope::scope(caller("alice"), agent.query("go"))
        .await
        .unwrap();
    let call = waiting(&agent).unwrap();
    feedback(&agent, &call, &answer).await;
    file.replace(policy);
    scope::scope(caller(user), agent.run()).await.unwrap();
    let (ran, asks) = (tool.ran().len(), waiting(&agent));
    if let Some(call) = &asks {
        // What is asked again can be answered again.
        feedback(&agent, call, &ToolFeedback::approved()).await;
        scope::scope(caller(user), agent.run()).await.unwrap();
        assert_eq!(tool.ran().len(), 1);
    } else if ran == 0 {
        let denied = format!(r#"deny pay {{"n":1}} for {user}"#);
        assert_eq!(record.lines().last(), Some(&denied));
    }
    (ran, asks.is_some())
}

#[tokio::test]
async fn an_approval_is_for_the_policy_and_the_caller_that_were_asked_about() {
    let approved = ToolFeedback::approved;
    assert_eq!(resumed(approved(), POLICY, "alice").await, (1, false));
    assert_eq!(resumed(approved(), POLICY, "bob").await, (0, true));
    let other = POLICY.replace("read:", "write:");
    assert_eq!(resumed(approved(), &other, "alice").await, (0, true));
}

#[tokio::test]
async fn a_refusal_counts_where_the_policy_allows_by_then() {
    let allows = POLICY.replace("approval_required", "allow");
    let refused = ToolFeedback::refused();
    assert_eq!(resumed(refused, &allows, "alice").await, (0, false));
}

#[tokio::test]
async fn a_durable_approval_is_for_one_call_and_counts_once() {
    let asks = Approvals::handler;
    holds_durable_approvals(
        "pay",
        Denied::IsTold,
        asks,
        async |enforcer, caller, arguments| {
            let tool = Named::new("pay");
            let mut agent = agent(Script::new([("pay", arguments)]), &tool, enforcer).await;
            scope::scope(caller, agent.query("go")).await.unwrap();
            let told = match agent.stop_reason() {
                Some(StopReason::FeedbackRequired { payload, .. }) => format!("{payload:?}"),
                _ => format!("{:?}", agent.history().await.unwrap()),
            };
            Proposed {
                ran: tool.ran().len(),
                told,
            }
        },
    )
    .await;
}

/// The framework itself goes on where there is something new: a message, or its own feedback. So the next query makes the call again.
#[tokio::test]
async fn a_durable_request_stops_the_agent_and_the_next_query_makes_the_call_again() {
    let (enforcing, record) = enforcer(POLICY);
    let carol = Carol::new();
    let enforcing = enforcing.approvals(Approvals::handler(carol.approvals()));
    let tool = Named::new("pay");
    let script = Script::new([("pay", r#"{"n":1}"#), ("pay", r#"{"n":1}"#)]);
    let mut agent = agent(script, &tool, &enforcing.build().unwrap()).await;
    let alice = || caller("alice");
    scope::scope(alice(), agent.query("go")).await.unwrap();
    assert!(waiting(&agent).is_some());
    let first = carol.requests();
    assert_eq!(first.len(), 1);

    // Nobody answered yet.
    scope::scope(alice(), agent.query("well?")).await.unwrap();
    assert!(waiting(&agent).is_some() && tool.ran().is_empty());
    assert_eq!(carol.requests(), first);
    // Nothing is new to the framework, so it makes no call.
    scope::scope(alice(), agent.run()).await.unwrap();
    assert_eq!(agent.stop_reason(), Some(&StopReason::NoNewMessages));
    assert!(tool.ran().is_empty());

    carol.approve(&first[0]);
    scope::scope(alice(), agent.query("now")).await.unwrap();
    // The second call, which is the same, waits for an answer of its own.
    assert_eq!(tool.ran(), [r#"{"n":1}"#], "{:?}", record.lines());
    assert!(waiting(&agent).is_some());
    let both = carol.requests();
    assert_eq!(both.len(), 2);
    carol.refuse(both.iter().find(|it| !first.contains(it)).unwrap());
    scope::scope(alice(), agent.query("and now")).await.unwrap();
    assert_eq!(tool.ran().len(), 1);
    assert!(waiting(&agent).is_none());
    assert_eq!(
        record.lines().last().unwrap(),
        r#"deny pay {"n":1} for alice"#
    );
}

#[tokio::test]
async fn tools_of_toolboxes_and_the_default_tool_are_gated() {
    let (enforcing, record) = enforcer(POLICY);
    let tool = Named::new("read");
    let script = Script::new([("read", "{}"), ("stop", "{}")]);
    let mut builder = Agent::builder();
    builder.llm(&script).add_toolbox(Server(tool.clone()));
    let enforcer = enforcing.build().unwrap();
    let mut agent = hexgate_swiftide::gate(builder, &enforcer).await.unwrap();
    scope::scope(caller("alice"), agent.query("go"))
        .await
        .unwrap();
    assert_eq!(tool.ran(), ["{}"]);
    assert_eq!(
        record.lines(),
        [
            "allow read {} for alice",
            "read completed",
            "deny stop {} for alice"
        ]
    );
}

#[tokio::test]
async fn tools_run_with_the_caller_in_scope_and_without_a_scope_they_do_not_run() {
    let (enforcing, record) = enforcer(POLICY);
    let enforcer = enforcing.build().unwrap();
    let tool = Named::new("read");
    let mut first = agent(Script::new([("read", "{}")]), &tool, &enforcer).await;
    scope::scope(caller("alice"), first.query("go"))
        .await
        .unwrap();
    let history = first.history().await.unwrap();
    assert!(format!("{history:?}").contains(r#"Text("alice")"#));
    let mut second = agent(Script::new([("read", "{}")]), &tool, &enforcer).await;
    second.query("go").await.unwrap();
    assert_eq!(tool.ran().len(), 1);
    assert_eq!(record.lines().last().unwrap(), "deny read {} for nobody");
}

#[tokio::test]
async fn a_tool_that_is_added_later_is_gated() {
    let (enforcing, record) = enforcer(POLICY);
    let tool = Named::new("read");
    let script = Script::new([("wipe", "{}")]);
    let mut agent = agent(script, &tool, &enforcing.build().unwrap()).await;
    let wipe = Named::new("wipe");
    agent.add_tool(Box::new(wipe.clone()));
    scope::scope(caller("alice"), agent.query("go"))
        .await
        .unwrap();
    assert!(wipe.ran().is_empty());
    assert_eq!(record.lines(), ["deny wipe {} for alice"]);
}

#[tokio::test]
async fn a_tool_that_is_gated_for_another_agent_is_decided_for_this_one() {
    let tool = Named::new("read");
    let own: [Box<dyn Tool>; 1] = [Box::new(tool.clone())];
    let (allows, of_first) = enforcer(POLICY);
    let given: Arc<Mutex<Vec<Box<dyn Tool>>>> = Arc::default();
    let keeps = Arc::clone(&given);
    let mut builder = Agent::builder();
    builder.llm(&Script::new([])).tools(own);
    builder.before_all(move |agent: &Agent| {
        keeps.lock().unwrap().extend(agent.tools().iter().cloned());
        Box::pin(std::future::ready(Ok(())))
    });
    let mut first = hexgate_swiftide::gate(builder, &allows.build().unwrap())
        .await
        .unwrap();
    scope::scope(caller("alice"), first.query("go"))
        .await
        .unwrap();
    let mut given = given.lock().unwrap().clone();
    given.retain(|tool| tool.name() == "read");
    assert_eq!(given.len(), 1);

    let denies = POLICY.replace("allow", "deny");
    for (policy, runs) in [(denies.as_str(), 0), (POLICY, 1)] {
        let (enforcing, of_second) = enforcer(policy);
        let mut builder = Agent::builder();
        builder
            .llm(&Script::new([("read", "{}")]))
            .tools(given.clone());
        let mut second = hexgate_swiftide::gate(builder, &enforcing.build().unwrap())
            .await
            .unwrap();
        scope::scope(caller("bob"), second.query("go"))
            .await
            .unwrap();
        assert_eq!(tool.ran().len(), runs);
        let decided = ["deny read {} for bob", "allow read {} for bob"][runs];
        assert_eq!(of_second.lines()[0], decided);
    }
    // Both decide, for the caller of the one that calls.
    assert_eq!(
        of_first.lines(),
        ["allow read {} for bob", "read completed"]
    );
}
