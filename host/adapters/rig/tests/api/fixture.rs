//! Tools that say how often they ran, and models that say what they are told to.

use std::sync::{Arc, Mutex};

use rig_agent::tool::{DynamicTool, ToolOutput};
use rig_core::completion::CompletionRequest;
use rig_core::message::{Message, ToolName, UserContent};
use rig_core::test_utils::{MockCompletionModel, MockTurn};
use serde_json::{Value, json};

pub(crate) const POLICY: &str = "
roles:
  user:
    tools:
      read: { mode: allow, constraints: [args.path != \"secret\"] }
      ask: { mode: approval_required }
      late: { mode: allow }
      helper: { mode: allow }
";

/// What ran, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ran(Arc<Mutex<Vec<String>>>);

impl Ran {
    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn push(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }

    /// A tool that notes that it ran.
    pub(crate) fn tool(&self, name: &str) -> DynamicTool {
        let (ran, named) = (self.clone(), name.to_owned());
        dynamic(name, move |arguments| {
            let line = format!("{named} {arguments}");
            ran.push(line.clone());
            Box::pin(async move { Ok(ToolOutput::text(line)) })
        })
    }
}

pub(crate) fn dynamic<F>(name: &str, callback: F) -> DynamicTool
where
    F: Fn(
            Value,
        ) -> rig_core::wasm_compat::WasmBoxedFuture<
            'static,
            Result<ToolOutput, rig_core::tool::ToolExecutionError>,
        > + Send
        + Sync
        + 'static,
{
    let any = json!({"type": "object"});
    DynamicTool::new(ToolName::new(name).unwrap(), "A tool.", any, callback)
}

/// A model that proposes these calls, one an answer, and then says `Done.`
pub(crate) fn model<const N: usize>(calls: [(&str, Value); N]) -> MockCompletionModel {
    let turns = calls
        .into_iter()
        .enumerate()
        .map(|(at, (tool, arguments))| MockTurn::tool_call(format!("call-{at}"), tool, arguments));
    MockCompletionModel::from_turns(turns.chain([MockTurn::text("Done.")]))
}

/// The results that the model read, in order.
pub(crate) fn results(requests: &[CompletionRequest]) -> Vec<String> {
    let last = requests.last().unwrap();
    let mut texts = Vec::new();
    for message in &last.chat_history {
        let Message::User { content } = message else {
            continue;
        };
        for item in content {
            if let UserContent::ToolResult(result) = item {
                let pieces = result.content.iter().filter_map(|it| it.as_text());
                texts.push(pieces.collect());
            }
        }
    }
    texts
}
