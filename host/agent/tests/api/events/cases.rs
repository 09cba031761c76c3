//! The cases: an agent, a script for its model, and how the run is read.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use hexgate_agent::event::{Event, EventKind};
use hexgate_agent::guard::{Before, Guard, GuardError, GuardedCall};
use hexgate_agent::model::script::ScriptModel;
use hexgate_agent::{Agent, AgentBuilder, Limits, RunInfo, RunObserver};
use hexgate_enforce::host::Engine;
use hexgate_enforce::source::PolicyFile;
use hexgate_enforce::{
    Answer, ApprovalError, ApprovalHandler, Approvals, Caller, Decision, Enforcer, LivePolicy,
};

use super::tools;

/// A case.
pub(super) struct Case {
    pub(super) name: &'static str,
    /// The turns of the model.
    script: &'static str,
    /// The agent, beyond its model, its tools and its policy.
    agent: fn(AgentBuilder) -> AgentBuilder,
    approvals: fn() -> Approvals,
    policy: &'static str,
    /// The run is dropped when an event of this type came.
    cancelled_at: Option<fn(&EventKind) -> bool>,
}

const POLICY: &str = r#"
version: 1
roles:
  default: {}
  user:
    tools:
      echo: { mode: allow, constraints: ['only(args, ["text"])'] }
      left: { mode: allow, constraints: ['only(args, [])'] }
      right: { mode: allow, constraints: ['only(args, [])'] }
      steps: { mode: allow, constraints: ['only(args, [])'] }
      fails: { mode: allow, constraints: ['only(args, [])'] }
      hangs: { mode: allow, constraints: ['only(args, [])'] }
      pay:
        - mode: allow
          constraints: ['only(args, ["amount"])', args.amount > 0, args.amount <= 50]
        - mode: approval_required
          constraints: ['only(args, ["amount"])', args.amount > 50, args.amount <= 500]
          message: Amounts above 50 are looked at by a person.
        - mode: deny
          constraints: [args.amount > 500]
          message: Amounts above 500 are never paid.
      agent.tool:helper: { mode: allow }
      agent.handoff:helper: { mode: allow }
"#;

/// A policy that lets nobody run the agent.
const CLOSED: &str = r#"
version: 1
roles:
  default:
    tools:
      agent.run: { mode: deny, message: This agent is closed today. }
"#;

const PLAIN: Case = Case {
    name: "answer",
    script: "turns: [{text: Good morning., usage: {input_tokens: 12, output_tokens: 3}}]",
    agent: |agent| agent,
    approvals: || Approvals::Nobody,
    policy: POLICY,
    cancelled_at: None,
};

/// All of them. The name says what happens.
pub(super) const CASES: &[Case] = &[
    PLAIN,
    Case {
        name: "reasoning",
        script: "turns: [{reasoning: They greet me., text: Good morning.}]",
        ..PLAIN
    },
    Case {
        name: "one-tool",
        script: r#"
turns:
  - text: I repeat it.
    calls: [{tool: echo, arguments: {text: hello}}]
    usage: {input_tokens: 20, output_tokens: 8}
  - {text: It says hello., usage: {input_tokens: 40, output_tokens: 5}}
"#,
        ..PLAIN
    },
    Case {
        name: "tools-side-by-side",
        script: r#"
turns:
  - calls: [{tool: left, arguments: {}}, {tool: right, arguments: {}}]
  - text: Both are done.
"#,
        ..PLAIN
    },
    Case {
        name: "denial",
        script: r#"
turns:
  - calls: [{tool: pay, arguments: {amount: 900}}]
  - text: I may not pay that.
"#,
        ..PLAIN
    },
    Case {
        name: "approval-given",
        script: PAYS,
        approvals: || Approvals::handler(Says(Word::Yes)),
        ..PLAIN
    },
    Case {
        name: "approval-refused",
        script: PAYS,
        approvals: || Approvals::handler(Says(Word::No)),
        ..PLAIN
    },
    Case {
        name: "approval-pending",
        script: PAYS,
        approvals: || Approvals::handler(Says(Word::Later)),
        ..PLAIN
    },
    Case {
        name: "approval-not-answered",
        script: PAYS,
        approvals: || Approvals::handler(Says(Word::Nothing)),
        ..PLAIN
    },
    Case {
        name: "approval-by-nobody",
        script: PAYS,
        ..PLAIN
    },
    Case {
        name: "guard-denial",
        script: ECHOES,
        agent: |agent| agent.guard(Refuses),
        ..PLAIN
    },
    Case {
        name: "tool-failure",
        script: r#"
turns:
  - calls: [{tool: fails, arguments: {}}]
  - text: It did not work.
"#,
        ..PLAIN
    },
    Case {
        name: "tool-updates",
        script: r#"
turns:
  - calls: [{tool: steps, arguments: {}}]
  - text: Three steps.
"#,
        ..PLAIN
    },
    Case {
        name: "unknown-tool",
        script: r#"
turns:
  - calls: [{tool: launch_rocket, arguments: {when: now}}]
  - text: There is no such tool.
"#,
        ..PLAIN
    },
    Case {
        name: "malformed-arguments",
        script: r#"
turns:
  - calls: [{tool: echo, arguments: '{"text": "hel'}]
  - text: I wrote that badly.
"#,
        ..PLAIN
    },
    Case {
        name: "arguments-against-the-schema",
        script: r#"
turns:
  - calls: [{tool: echo, arguments: {text: 5}}]
  - text: It has to be a text.
"#,
        ..PLAIN
    },
    Case {
        name: "duplicate-ids",
        script: r#"
turns:
  - calls: [{tool: echo, id: same, arguments: {text: a}}, {tool: echo, id: same, arguments: {text: b}}]
  - calls: [{tool: echo, id: same, arguments: {text: c}}]
  - text: Done.
"#,
        ..PLAIN
    },
    Case {
        name: "broken-stream",
        script: "turns: [{text: Good mor, fail: break_off}]",
        ..PLAIN
    },
    Case {
        name: "garbage",
        script: "turns: [{text: Good mor, fail: garbage}]",
        ..PLAIN
    },
    Case {
        name: "model-error",
        script: "turns: [{error: 401}]",
        ..PLAIN
    },
    Case {
        name: "limit-of-turns",
        script: ECHOES,
        agent: |agent| agent.limits(Limits::default().turns(1)),
        ..PLAIN
    },
    Case {
        name: "cancelled-in-a-tool",
        script: "turns: [{calls: [{tool: echo, arguments: {text: a}}, {tool: hangs, arguments: {}}]}]",
        cancelled_at: Some(|kind| matches!(kind, EventKind::ToolUpdate { .. })),
        ..PLAIN
    },
    Case {
        name: "cancelled-in-an-answer",
        script: "turns: [{text: Good morning.}]",
        cancelled_at: Some(|kind| matches!(kind, EventKind::BlockDelta { .. })),
        ..PLAIN
    },
    Case {
        name: "sub-agent",
        script: ASKS_HELPER,
        agent: |agent| {
            agent.subagent(helper(
            "turns: [{text: I look., calls: [{tool: echo, arguments: {text: found}}]}, {text: The helper found it.}]",
        ))
        },
        ..PLAIN
    },
    Case {
        name: "sub-agent-fails",
        script: ASKS_HELPER,
        agent: |agent| agent.subagent(helper("turns: [{text: I lo, fail: break_off}]")),
        ..PLAIN
    },
    Case {
        name: "handoff",
        script: HANDS_OFF,
        agent: |agent| agent.handoff(helper("turns: [{text: I am the helper.}]")),
        ..PLAIN
    },
    Case {
        name: "agent-run-denied",
        script: "turns: [{text: Good morning.}]",
        policy: CLOSED,
        ..PLAIN
    },
];

const PAYS: &str = r#"
turns:
  - calls: [{tool: pay, arguments: {amount: 120}}]
  - text: That is what happened.
"#;

const ECHOES: &str = r#"
turns:
  - calls: [{tool: echo, arguments: {text: hello}}]
  - text: Done.
"#;

const ASKS_HELPER: &str = r#"
turns:
  - calls: [{tool: delegate_to_helper, arguments: {task: find it}}]
  - text: The helper answered.
"#;

const HANDS_OFF: &str = r#"
turns:
  - calls: [{tool: transfer_to_helper, arguments: {reason: it knows more}}]
"#;

fn helper(script: &str) -> Agent {
    agent("helper", POLICY, script, Approvals::Nobody)
        .build()
        .unwrap()
}

fn agent(name: &str, policy: &str, script: &str, approvals: Approvals) -> AgentBuilder {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.yaml");
    std::fs::write(&path, policy).unwrap();
    let source = PolicyFile::dangerous_unsigned(&path);
    let live = LivePolicy::open(&Engine::new().unwrap(), source).unwrap();
    let enforcer = Enforcer::builder(name, &live)
        .approvals(approvals)
        .build()
        .unwrap();
    Agent::builder(name)
        .model(ScriptModel::parse("case", script).unwrap())
        .system_prompt("You are an example.")
        .tools(tools::all())
        .enforcer(enforcer)
}

/// Keeps all events, also those that nobody reads.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<Event>>>);

impl RunObserver for Kept {
    fn event(&self, _: &RunInfo, event: &Event) {
        self.0.lock().unwrap().push(event.clone());
    }
}

/// All events of the case, in their order.
pub(super) fn play(case: &Case) -> Vec<Event> {
    let kept = Kept::default();
    let agent = agent("case", case.policy, case.script, (case.approvals)()).observer(kept.clone());
    let agent = (case.agent)(agent).build().unwrap();
    let caller = Caller::builder("ada").role("user").build().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let read = runtime.block_on(async {
        let mut stream = agent.stream(&caller, "Hello");
        let mut read = Vec::new();
        while let Some(event) = stream.next().await {
            let is_last = case.cancelled_at.is_some_and(|at| at(&event.kind));
            read.push(event);
            if is_last {
                break;
            }
        }
        read
    });
    let kept = std::mem::take(&mut *kept.0.lock().unwrap());
    // Observers hear what readers read, in the same order, and the end of a run that nobody reads any more.
    assert_eq!(read, kept[..read.len()], "{}", case.name);
    assert_eq!(
        case.cancelled_at.is_some(),
        read.len() < kept.len(),
        "{}",
        case.name
    );
    kept
}

/// Answers a request for approval.
struct Says(Word);

#[derive(Clone, Copy)]
enum Word {
    Yes,
    No,
    Later,
    Nothing,
}

impl ApprovalHandler for Says {
    fn ask(&self, _: &Decision) -> Result<Answer, ApprovalError> {
        Ok(match self.0 {
            Word::Yes => Answer::Approved {
                by: "grace".to_owned(),
                reason: None,
                request: None,
            },
            Word::No => Answer::Denied {
                reason: "grace refused".to_owned(),
            },
            Word::Later => Answer::Pending {
                request: "request-1".to_owned(),
            },
            Word::Nothing => return Err("nobody answered in time".into()),
        })
    }
}

/// A guard that denies everything.
struct Refuses;

#[async_trait]
impl Guard for Refuses {
    fn name(&self) -> &str {
        "refuses"
    }

    async fn before(&self, _: &GuardedCall<'_>) -> Result<Before, GuardError> {
        Ok(Before::Deny {
            reason: "it is Sunday".to_owned(),
        })
    }
}
