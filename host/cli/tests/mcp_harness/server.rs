//! A server of notes and payments: this test program, started again as a process of its own.

use std::borrow::Cow;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rmcp::model::*;
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler, ServiceExt as _};
use serde_json::{Value, json};

/// Names the folder in which the process notes what it ran.
const FOLDER: &str = "HEXGATE_HARNESS_SERVER";

/// How a gateway starts it: as `command` and `args` of its configuration.
pub(crate) fn command(folder: &Path) -> Value {
    let program = std::env::current_exe().unwrap();
    let script = format!(
        "{FOLDER}='{}' exec '{}' --ignored --exact server::entry --nocapture",
        folder.display(),
        program.display()
    );
    json!({"command": "sh", "args": ["-c", script], "protocol": "2025-11-25"})
}

#[derive(Debug, Clone)]
struct Notes {
    folder: PathBuf,
    made: Arc<AtomicUsize>,
    is_retired: Arc<AtomicBool>,
}

fn tool(name: &'static str, description: &'static str, arguments: &[&str]) -> Tool {
    let properties: JsonObject = arguments
        .iter()
        .map(|it| ((*it).to_owned(), json!({"type": "string"})))
        .collect();
    let schema = json!({"type": "object", "properties": properties, "additionalProperties": false});
    let Value::Object(schema) = schema else {
        unreachable!()
    };
    Tool::new(name, description, Arc::new(schema))
}

fn text(text: &str) -> CallToolResult {
    CallToolResult::success(vec![ContentBlock::text(text.to_owned())])
}

impl ServerHandler for Notes {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_tool_list_changed()
            .enable_prompts()
            .enable_resources()
            .build();
        let mut info = InitializeResult::new(capabilities);
        info.protocol_version = ProtocolVersion::V_2025_11_25;
        info
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        Cow::Borrowed(&[ProtocolVersion::V_2025_11_25])
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let mut tools = vec![
            tool("add_note", "Keeps a note.", &["owner", "text"]),
            tool("fetch", "Reads a page of somebody.", &["url"]),
            tool("pay", "Pays an amount.", &["to", "amount"]),
            tool("write_file", "Writes a file.", &["path", "content"]),
            tool(
                "get_weather",
                "The weather of a place.",
                &["location", "units"],
            ),
            tool("retire", "Takes `old_report` out of service.", &[]),
        ];
        if !self.is_retired.load(Ordering::SeqCst) {
            tools.push(tool("old_report", "The report of last year.", &[]));
        }
        Ok(ListToolsResult::with_all_items(tools))
    }

    async fn call_tool(
        &self,
        params: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = Value::Object(params.arguments.unwrap_or_default());
        let ran = json!({"tool": params.name, "args": arguments});
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.folder.join("executions.jsonl"))
            .unwrap();
        writeln!(file, "{ran}").unwrap();
        Ok(match &*params.name {
            "add_note" => {
                let number = self.made.fetch_add(1, Ordering::SeqCst) + 1;
                let owner = arguments["owner"].as_str().unwrap_or_default();
                let mut result = text("kept");
                result.structured_content = Some(json!({"uri": format!("{owner}notes/{number}")}));
                result.into()
            }
            "retire" => {
                self.is_retired.store(true, Ordering::SeqCst);
                let _ = context.peer.notify_tool_list_changed().await;
                text("out of service").into()
            }
            name => text(&format!("{name} is done")).into(),
        })
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let who = PromptArgument::new("who");
        let greet = Prompt::new("greet", Some("Greets somebody."), Some(vec![who]));
        Ok(ListPromptsResult::with_all_items(vec![greet]))
    }

    async fn get_prompt(
        &self,
        params: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        // Whatever it is given goes into what the model reads: that is what a template is.
        let given = serde_json::to_string(&params.arguments.unwrap_or_default()).unwrap();
        let message = PromptMessage::new_text(Role::User, format!("Greet {given}."));
        Ok(GetPromptResult::new(vec![message]).into())
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Ok(ListResourcesResult::with_all_items(Vec::new()))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        // Of everything, so that nothing but the policy stands before what it reads.
        let templates = ["https://", "http://", "file://"].map(|scheme| {
            ResourceTemplate::new(format!("{scheme}{{+rest}}"), format!("by {scheme}"))
        });
        Ok(ListResourceTemplatesResult::with_all_items(
            templates.to_vec(),
        ))
    }

    async fn read_resource(
        &self,
        params: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let content = ResourceContents::text(format!("all of {}", params.uri), params.uri);
        Ok(ReadResourceResult::new(vec![content]).into())
    }
}

/// The process.
#[test]
#[ignore = "a process of other tests"]
fn entry() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    // What a test program prints first is no protocol, and must not run into what is.
    println!();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let notes = Notes {
            folder: PathBuf::from(folder),
            made: Arc::default(),
            is_retired: Arc::default(),
        };
        let serving = notes.serve(rmcp::transport::stdio()).await;
        if let Ok(serving) = serving {
            let _ = serving.waiting().await;
        }
    });
    std::process::exit(0);
}
