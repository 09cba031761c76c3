//! A server that refunds orders, and a client whose user is asked: what the policy allows runs, what it denies does not, and for the rest the person at
//! the client is asked.
//!
//! Both are in this process: `cargo run --manifest-path host/adapters/Cargo.toml -p hexgate-rmcp --example desk`.

use std::sync::Arc;

use hexgate_adapter_testing::{caller, enforcer};
use hexgate_rmcp::Asks;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ClientCapabilities, ClientConfig,
    ContentBlock, ElicitRequestParams, ElicitResult, ElicitationAction, ErrorData,
    InitializeResult, ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig,
    Tool,
};
use rmcp::service::RequestContext;
use rmcp::{ClientHandler, RoleClient, RoleServer, ServerHandler, ServiceExt as _};
use serde_json::json;

const POLICY: &str = "
roles:
  user:
    tools:
      mcp-desk-look_up: { mode: allow }
      mcp-desk-refund: { mode: approval_required, constraints: [args.amount <= 100] }
";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // A program opens its policy with `hexgate_enforce::resolve::Resolver`.
    let (builder, record) = enforcer(POLICY);
    let asks = Asks::client()?;
    let enforcer = builder.approvals(asks.approvals()).build()?;

    let server = hexgate_rmcp::gate(Desk, "desk", &enforcer)?
        .caller(caller("alice"))
        .asks(&asks);
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let serving = tokio::spawn(async move {
        let running = server.serve(theirs).await?;
        running.waiting().await?;
        anyhow::Ok(())
    });

    let client = Person.serve(ours).await?;
    for tool in client.list_all_tools().await? {
        println!("listed: {}", tool.name);
    }
    for (tool, arguments) in [
        ("look_up", json!({"order": "A-7"})),
        ("refund", json!({"order": "A-7", "amount": 20})),
        ("refund", json!({"order": "A-7", "amount": 2000})),
        ("close", json!({})),
    ] {
        let arguments = arguments.as_object().cloned().unwrap_or_default();
        let params = CallToolRequestParams::new(tool).with_arguments(arguments);
        let result = client.call_tool(params).await?;
        let texts = result.content.iter().filter_map(|it| it.as_text());
        let texts: Vec<_> = texts.map(|it| it.text.as_str()).collect();
        println!("{tool}: {}", texts.join(" "));
    }
    client.cancel().await?;
    serving.await??;
    for line in record.lines() {
        println!("  {line}");
    }
    Ok(())
}

struct Desk;

impl ServerHandler for Desk {
    fn get_info(&self) -> ServerConfig {
        InitializeResult::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let any = json!({"type": "object"});
        let any = Arc::new(any.as_object().cloned().unwrap_or_default());
        let tools = ["look_up", "refund", "close"].map(|name| {
            Tool::new(name, "A tool of the example.", Arc::clone(&any))
        });
        Ok(ListToolsResult::with_all_items(tools.into()))
    }

    async fn call_tool(
        &self,
        params: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let text = format!("{} is done", params.name);
        Ok(CallToolResult::success(vec![ContentBlock::text(text)]).into())
    }
}

/// The client, with a person who agrees.
struct Person;

impl ClientHandler for Person {
    fn get_info(&self) -> ClientConfig {
        let mut info = ClientConfig::default();
        info.capabilities = ClientCapabilities::builder().enable_elicitation().build();
        info
    }

    async fn create_elicitation(
        &self,
        request: ElicitRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        if let ElicitRequestParams::FormElicitationParams { message, .. } = request {
            println!("{message}\n> yes");
        }
        let mut answer = ElicitResult::new(ElicitationAction::Accept);
        answer.content = Some(json!({"approve": true}));
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_runs() -> anyhow::Result<()> {
        super::main()
    }
}
