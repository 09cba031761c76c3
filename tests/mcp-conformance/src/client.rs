//! A client that uses what a scenario's server offers: it lists the tools, calls each of them, and answers what it is asked.
//!
//! It reaches the server by one of two ways: directly, with rmcp alone, or through the gateway, which then is what the suite sees. Both ways do
//! the same.

mod answers;
mod browser;
mod direct;
mod gateway;
mod scenario;

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rmcp::RoleClient;
use rmcp::model::{
    CallToolRequestParams, CallToolResult, GetPromptRequestParams, JsonObject,
    ReadResourceRequestParams, ServerCapabilities, Tool,
};
use rmcp::service::RunningService;
use serde_json::{Value, json};

use answers::Answers;
pub use browser::visit;
use direct::Direct;
use gateway::Gateway;
use scenario::Scenario;

/// How often somebody logs in at one server.
const LOGINS: usize = 3;
/// How long a scenario may take: the suite ends its client after 30 seconds.
const PATIENCE: Duration = Duration::from_secs(28);

/// A client with a connection.
type Running = RunningService<RoleClient, Answers>;

/// How the server is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// With rmcp alone.
    Direct,
    /// Through `hexgate mcp run`, whose program is in the folder of this one.
    Gateway,
}

/// Whether this program is the browser of a login.
#[must_use]
pub fn is_browser() -> bool {
    std::env::var_os(gateway::BROWSER).is_some()
}

/// Runs the scenario that the suite names in the environment, with its server at this address.
///
/// # Errors
///
/// What the scenario asks for did not work.
pub async fn run(kind: Kind, url: &str) -> Result<()> {
    let scenario = Scenario::of_environment()?;
    let ran = tokio::time::timeout(PATIENCE, async {
        match kind {
            Kind::Direct => exercise(&mut Direct::new(url, scenario)).await,
            Kind::Gateway => exercise(&mut Gateway::new(url, scenario)?).await,
        }
    });
    ran.await.context("the scenario takes too long")?
}

/// A way to a server.
trait Way {
    fn scenario(&self) -> &Scenario;

    /// Logs in, or has the gateway log in, for what was asked for last.
    async fn log_in(&mut self) -> Result<()>;

    /// Connects, with what the last login gave.
    async fn connect(&mut self) -> Result<Option<Running>>;

    /// Calls a tool. None: another login is wanted first.
    async fn call(
        &mut self,
        client: &Running,
        call: CallToolRequestParams,
    ) -> Result<Option<CallToolResult>>;

    /// The tools. None: another login is wanted first.
    async fn tools(&mut self, client: &Running) -> Result<Option<Vec<Tool>>>;
}

async fn exercise(way: &mut impl Way) -> Result<()> {
    if !way.scenario().is_of_authorization() {
        return match once(way).await? {
            true => Ok(()),
            false => bail!("the server wants a token"),
        };
    }
    for _ in 0..LOGINS {
        way.log_in().await?;
        if once(way).await? {
            return Ok(());
        }
    }
    bail!("the server wants another login after {LOGINS}")
}

/// Lists the tools and calls each; then prompts and resources, where there are any. False: another login is wanted.
async fn once(way: &mut impl Way) -> Result<bool> {
    let Some(client) = way.connect().await? else {
        return Ok(false);
    };
    let done = with(way, &client).await;
    let _ = client.cancel().await;
    done
}

async fn with(way: &mut impl Way, client: &Running) -> Result<bool> {
    let Some(tools) = way.tools(client).await? else {
        return Ok(false);
    };
    tokio::time::sleep(way.scenario().pause()).await;
    for call in calls(way.scenario(), &tools) {
        if way.call(client, call).await?.is_none() {
            return Ok(false);
        }
    }
    let info = client.peer_info();
    let has = |what: fn(&ServerCapabilities) -> bool| {
        info.as_ref().is_some_and(|info| what(&info.capabilities))
    };
    if has(|it| it.prompts.is_some()) {
        for prompt in client.list_all_prompts().await? {
            client
                .get_prompt(GetPromptRequestParams::new(prompt.name))
                .await?;
        }
    }
    if has(|it| it.resources.is_some()) {
        for resource in client.list_all_resources().await? {
            client
                .read_resource(ReadResourceRequestParams::new(resource.uri))
                .await?;
        }
    }
    Ok(true)
}

/// What is called: what the suite says, or each tool with arguments of its schema.
fn calls(scenario: &Scenario, tools: &[Tool]) -> Vec<CallToolRequestParams> {
    let named = scenario.calls();
    if !named.is_empty() {
        let call = |(name, arguments): (String, JsonObject)| {
            CallToolRequestParams::new(name).with_arguments(arguments)
        };
        return named.into_iter().map(call).collect();
    }
    let call = |tool: &Tool| {
        let arguments = arguments(tool, tools);
        CallToolRequestParams::new(tool.name.clone()).with_arguments(arguments)
    };
    tools.iter().map(call).collect()
}

/// A value for each argument that a tool requires. For an object it is the schema of the tool that has a dialect: one scenario looks at what
/// arrives of it.
fn arguments(tool: &Tool, tools: &[Tool]) -> JsonObject {
    let of = |name: &str| tool.input_schema.get(name);
    let required = of("required").and_then(Value::as_array);
    let mut arguments = JsonObject::new();
    for name in required.into_iter().flatten().filter_map(Value::as_str) {
        let kind = of("properties").and_then(|all| all.get(name)?.get("type")?.as_str());
        let value = match kind {
            Some("string") => json!("text"),
            Some("number" | "integer") => json!(1),
            Some("boolean") => json!(true),
            Some("array") => json!([]),
            Some("object") => tools
                .iter()
                .find(|tool| tool.input_schema.contains_key("$schema"))
                .map_or(json!({}), |tool| {
                    Value::Object((*tool.input_schema).clone())
                }),
            _ => Value::Null,
        };
        arguments.insert(name.to_owned(), value);
    }
    arguments
}
