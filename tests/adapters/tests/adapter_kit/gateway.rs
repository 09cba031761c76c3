//! The gateway: between a client that writes its own lines and a server whose tools are those of the scenario.

mod client;
mod upstream;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use hexgate_adapter_kit::{
    AnswerSpec, Driver, Entry, Fault, Kind, Play, Scenario, Seen, ToolSpec, Uncovered, Ungated,
};
use hexgate_enforce::Caller;
use hexgate_enforce::resolve::Environment;
use hexgate_mcp::config::{Config, Reach, ServerConfig};
use hexgate_mcp::front::Http;
use hexgate_mcp::{CallerOf, Gateway, Incoming, Unidentified};
use rmcp::model::ProtocolVersion;

use self::client::Client;
use self::upstream::Upstream;
use super::holds;

/// What policies and the gateway call the server.
const SERVER: &str = "files";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_gateway_holds_every_scenario() {
    holds(Standing).await;
}

struct Standing;

#[async_trait]
impl Driver for Standing {
    fn host(&self) -> &'static str {
        "gateway"
    }

    fn title(&self) -> &'static str {
        "Gateway (MCP)"
    }

    /// It reads and writes them once.
    fn keeps_bytes(&self) -> bool {
        false
    }

    fn policy_name(&self, tool: &ToolSpec) -> String {
        format!("mcp-{SERVER}-{}", tool.name)
    }

    fn uncovered(&self, scenario: &Scenario) -> Option<Uncovered> {
        let has = |kind| scenario.tools.iter().any(|tool| tool.kind == kind);
        let around = &scenario.around;
        if has(Kind::Agent) || has(Kind::Handoff) {
            return Uncovered::absent("agents are clients of a gateway, and none of its tools");
        }
        if has(Kind::Provider) {
            return Uncovered::absent(
                "a gateway has no model; what a client's provider runs is no call of a server",
            );
        }
        if around.rewrite_before.is_some() || around.rewrite_after.is_some() {
            return Uncovered::absent("a gateway has no other hooks");
        }
        if scenario.name == "counted" {
            return Uncovered::absent(
                "a gateway counts no calls: it does not know which of them belong to one run",
            );
        }
        if around.entry == Entry::Streamed {
            return Uncovered::absent(
                "a gateway sees calls, and not the answer of the model that has them",
            );
        }
        let mut answers = scenario.approvals.iter().flatten();
        if answers.any(|it| it.answer == AnswerSpec::Panic) {
            return Uncovered::absent(
                "people are asked by the client, which is a program of its own",
            );
        }
        None
    }

    fn ungated(&self) -> Vec<Ungated> {
        vec![Ungated::new(
            "the client's own tools, and servers that it has beside the gateway",
            "a gateway decides what goes through it",
        )]
    }

    async fn play(&self, play: Play) -> Result<Seen, String> {
        if play.scenario().gate == Fault::Missing {
            return without_policy(&play);
        }
        let known = Known {
            caller: play.caller(),
            has_begun: Arc::default(),
        };
        let upstream = Upstream::start(&play).await;
        let mut gateway = stand(&play, &known, &upstream.url).await?;
        if play.around().wrapped_twice {
            let http = Http::new(&gateway);
            let listener = http.bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
            let address = listener.local_addr().unwrap();
            tokio::spawn(async move { http.serve(listener).await });
            gateway = stand(&play, &known, &format!("http://{address}/mcp")).await?;
        }
        let mut client = Client::open(&gateway, &play).await;
        known.has_begun.store(true, Ordering::SeqCst);
        let mut read = Vec::new();
        loop {
            let adds = play.script().adds();
            if !adds.is_empty() {
                upstream.add(&adds);
                client.wait_for(&adds).await;
            }
            let Some(turn) = play.script().next() else {
                break;
            };
            let is_parallel = |name: &str| {
                let tool = play.tools().iter().find(|tool| tool.name == name);
                tool.is_some_and(|tool| tool.parallel)
            };
            if turn.calls.iter().all(|call| is_parallel(&call.tool)) {
                read.extend(client.call(&turn.calls).await);
            } else {
                for call in &turn.calls {
                    read.extend(client.call(std::slice::from_ref(call)).await);
                }
            }
        }
        Ok(play.seen(read).await)
    }
}

/// A gateway without a policy does not begin.
fn without_policy(play: &Play) -> Result<Seen, String> {
    let mut config = config("http://127.0.0.1:9/mcp");
    config.policy = Some(play.bundle());
    match Gateway::open(config, &Environment::from_iter::<[(&str, &str); 0]>([])) {
        Err(error) => Ok(play.without_gate(error.to_string())),
        Ok(_) => Err("it began".to_owned()),
    }
}

fn config(url: &str) -> Config {
    let server = ServerConfig::new(Reach::Http {
        url: url.to_owned(),
        headers: Default::default(),
    });
    let server = server.protocol(ProtocolVersion::V_2025_11_25);
    let mut config = Config::of([(SERVER.to_owned(), server)].into());
    config.plain_names = true;
    config
}

async fn stand(play: &Play, known: &Known, url: &str) -> Result<Gateway, String> {
    let gateway = Gateway::builder(config(url), play.enforcer()?)
        .caller_of(known.clone())
        .build()
        .map_err(|error| error.to_string())?;
    gateway.start().await.map_err(|error| error.to_string())?;
    Ok(gateway)
}

/// The caller of the scenario. Where the scenario has none, a caller who is lost once the client has begun.
#[derive(Clone)]
struct Known {
    caller: Option<Caller>,
    has_begun: Arc<AtomicBool>,
}

#[async_trait]
impl CallerOf for Known {
    async fn caller_of(&self, _: Incoming<'_>) -> Result<Caller, Unidentified> {
        match &self.caller {
            Some(caller) => Ok(caller.clone()),
            None if self.has_begun.load(Ordering::SeqCst) => {
                Err(Unidentified::new("nobody says who calls any more"))
            }
            None => Ok(Caller::builder("alice").role("user").build().unwrap()),
        }
    }
}
