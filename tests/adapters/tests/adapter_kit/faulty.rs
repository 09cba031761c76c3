//! Hosts that are wrong, each in one way: the kit finds each of them. Without this the kit might find nothing.

use async_trait::async_trait;
use std::sync::Arc;

use hexgate_adapter_kit::{
    Aspect, Driver, Kind, Play, Scenario, Seen, Uncovered, outcome, scenarios,
};
use hexgate_enforce::{Call, Enforcer};

/// What is wrong with a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// Nothing: it is as plain as a host can be.
    None,
    /// It runs a tool without asking.
    DoesNotAsk,
    /// It runs a tool and asks at the same time, and minds the answer afterwards.
    RunsFirst,
    /// It runs what needs approval.
    TakesAskForYes,
    /// It runs a tool twice.
    RunsTwice,
    /// It reads and writes the arguments after they were decided.
    WritesAnew,
    /// It tells nobody how calls end.
    TellsNoEnd,
    /// It says that what failed was completed.
    TellsWrongEnd,
    /// Its model reads the operator's reason.
    TellsTheReason,
    /// Its model reads nothing of a denial.
    TellsNothing,
    /// It decides a call that was denied a second time.
    DecidesTwice,
    /// It acts for somebody else.
    AnotherCaller,
    /// It keeps results, and gives them without asking.
    KeepsResults,
    /// It does not say what it does not gate.
    NamesNothing,
}

struct Plain(Fault);

#[async_trait]
impl Driver for Plain {
    fn host(&self) -> &'static str {
        "plain"
    }

    fn title(&self) -> &'static str {
        "Plain"
    }

    async fn play(&self, play: Play) -> Result<Seen, String> {
        let enforcer = match play.enforcer() {
            Ok(builder) => builder.build().map_err(|error| error.to_string())?,
            Err(reason) => return Ok(play.without_gate(reason)),
        };
        let mut read: Vec<String> = Vec::new();
        let mut kept = std::collections::BTreeMap::new();
        while let Some(turn) = play.script().next() {
            for call in turn.calls {
                let key = (call.tool.clone(), call.arguments.clone());
                let text = match kept.get(&key) {
                    Some(text) if self.0 == Fault::KeepsResults => String::clone(text),
                    _ => self.call(&play, &enforcer, &key.0, &key.1).await,
                };
                kept.insert(key, text.clone());
                read.push(text);
            }
        }
        let mut seen = play.seen(read).await;
        if self.0 != Fault::NamesNothing {
            let tools = play.tools().iter();
            let ungated = tools.filter(|tool| tool.kind == Kind::Provider);
            seen.named_uncovered = ungated.map(|tool| tool.name.clone()).collect();
        }
        Ok(seen)
    }
}

impl Plain {
    async fn call(&self, play: &Play, enforcer: &Enforcer, tool: &str, arguments: &str) -> String {
        let fault = self.0;
        if matches!(fault, Fault::DoesNotAsk | Fault::RunsFirst) {
            let text = run(play, tool, arguments).await;
            if fault == Fault::DoesNotAsk {
                return text.unwrap_or_else(|why| why);
            }
        }
        let other = hexgate_enforce::Caller::builder("root").role("user");
        let caller = match (fault, play.caller()) {
            (Fault::AnotherCaller, _) => Some(other.build().unwrap()),
            (_, caller) => caller,
        };
        let proposed = || match &caller {
            Some(caller) => Call::of(caller, tool, arguments),
            None => Call::in_scope(tool, arguments),
        };
        let permit = match enforcer.authorize_async(proposed()).await {
            Ok(permit) => permit,
            Err(decision) => {
                match fault {
                    Fault::TakesAskForYes if decision.error_type() == Some("approval_required") => {
                        return run(play, tool, arguments).await.unwrap_or_else(|why| why);
                    }
                    Fault::DecidesTwice => drop(enforcer.decide_call(proposed())),
                    Fault::TellsTheReason => {
                        let told = decision.model_message().unwrap_or_default();
                        return format!("{told} {}", decision.human());
                    }
                    Fault::TellsNothing => return String::new(),
                    _ => {}
                }
                return decision.model_message().unwrap_or_default();
            }
        };
        if fault == Fault::RunsTwice {
            let _ = run(play, tool, permit.arguments()).await;
        }
        let bytes = match fault {
            Fault::WritesAnew => {
                let value: serde_json::Value = serde_json::from_str(permit.arguments()).unwrap();
                value.to_string()
            }
            _ => permit.arguments().to_owned(),
        };
        let result = run(play, tool, &bytes).await;
        let state = match result {
            Err(_) if fault != Fault::TellsWrongEnd => hexgate_enforce::EndState::Failed,
            _ => hexgate_enforce::EndState::Completed,
        };
        let text = result.unwrap_or_else(|why| why);
        if fault != Fault::TellsNoEnd {
            enforcer.ended(&hexgate_enforce::Ended {
                at: std::time::SystemTime::now(),
                decision: permit.decision().id(),
                tool,
                ran: true,
                state,
                result: Some(&text),
                error: None,
                took: std::time::Duration::ZERO,
            });
        }
        text
    }
}

/// A tool in a task of its own, so that a panic is a failure.
async fn run(play: &Play, tool: &str, arguments: &str) -> Result<String, String> {
    let (play, tool, arguments) = (play.clone(), tool.to_owned(), arguments.to_owned());
    let running = tokio::spawn(async move { play.toolbox().run(&tool, &arguments).await });
    running
        .await
        .unwrap_or_else(|_| Err("it panicked".to_owned()))
}

/// Scenarios that such a host can play.
const PLAYED: &[&str] = &[
    "allow",
    "approval-counts-once",
    "approval-given",
    "approval-by-nobody",
    "arguments-unicode",
    "caller-missing",
    "deny",
    "deny-hides-the-policy",
    "gate-expired",
    "gate-traps",
    "mixed-verdicts",
    "policy-replaced",
    "recorder-fails",
    "result-kept",
    "tool-fails",
    "tool-of-the-provider",
    "tool-panics",
    "user-stopped",
];

async fn plays(fault: Fault, name: &str) -> Result<(), String> {
    let driver: Arc<dyn Driver> = Arc::new(Plain(fault));
    let all = scenarios().unwrap();
    let scenario = all.iter().find(|it| it.name == name).unwrap();
    outcome(&driver, scenario).await.map(drop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plain_host_holds() {
    for name in PLAYED {
        assert_eq!(plays(Fault::None, name).await, Ok(()), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_fault_of_a_host_is_found() {
    for (fault, name, why) in [
        (Fault::DoesNotAsk, "deny", "ran with"),
        (Fault::RunsFirst, "allow", "which must not be"),
        (Fault::TakesAskForYes, "approval-by-nobody", "ran with"),
        (Fault::RunsTwice, "allow", "no record permits that"),
        (Fault::WritesAnew, "allow", "no record permits that"),
        (
            Fault::TellsNoEnd,
            "allow",
            "how `echo` ended is not recorded",
        ),
        (Fault::TellsWrongEnd, "tool-fails", "there is no record"),
        (Fault::TellsTheReason, "deny-hides-the-policy", "has `7531`"),
        (Fault::TellsNothing, "deny", "lacks `[policy_denied]`"),
        (Fault::DecidesTwice, "deny", "a record too many"),
        (
            Fault::NamesNothing,
            "tool-of-the-provider",
            "does not say that `web_search` is not gated",
        ),
        (Fault::AnotherCaller, "allow", "is recorded for"),
        (
            Fault::KeepsResults,
            "result-kept",
            "lacks `[policy_denied]`: `the secret is 7715`",
        ),
    ] {
        let failure = plays(fault, name).await.expect_err(name);
        assert!(failure.contains(why), "{fault:?}: {failure}");
    }
}

/// A host that excuses itself where it need not.
struct Excused;

#[async_trait]
impl Driver for Excused {
    fn host(&self) -> &'static str {
        "excused"
    }

    fn title(&self) -> &'static str {
        "Excused"
    }

    fn uncovered(&self, _: &Scenario) -> Option<Uncovered> {
        Uncovered::open("it is not gated")
    }

    async fn play(&self, play: Play) -> Result<Seen, String> {
        Plain(Fault::None).play(play).await
    }
}

/// A host that says that it does not record ends, and runs what is denied.
struct Careless;

#[async_trait]
impl Driver for Careless {
    fn host(&self) -> &'static str {
        "careless"
    }

    fn title(&self) -> &'static str {
        "Careless"
    }

    fn uncovered(&self, _: &Scenario) -> Option<Uncovered> {
        Uncovered::open_in(&[Aspect::Records], "it does not record how calls end")
    }

    async fn play(&self, play: Play) -> Result<Seen, String> {
        Plain(Fault::DoesNotAsk).play(play).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_excuse_covers_nothing_else() {
    let driver: Arc<dyn Driver> = Arc::new(Careless);
    let all = scenarios().unwrap();
    let deny = all.iter().find(|it| it.name == "deny").unwrap();
    let failure = outcome(&driver, deny).await.unwrap_err();
    assert!(failure.contains("more than is declared"), "{failure}");
    assert!(failure.contains("`drop` ran with"), "{failure}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_excuse_that_is_out_of_date_is_found() {
    let driver: Arc<dyn Driver> = Arc::new(Excused);
    let all = scenarios().unwrap();
    let deny = all.iter().find(|it| it.name == "deny").unwrap();
    let failure = outcome(&driver, deny).await.unwrap_err();
    assert!(failure.contains("it holds"), "{failure}");
}
