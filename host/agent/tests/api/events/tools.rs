//! The tools of the cases.

use std::sync::Arc;

use async_trait::async_trait;
use hexgate_agent::tool::{Progress, Tool, ToolError, ToolOutput, ToolSpec};
use hexgate_enforce::Permit;
use serde_json::{Value, json};
use tokio::sync::Notify;

/// All of them.
pub(crate) fn all() -> Vec<Arc<dyn Tool>> {
    let right_is_done = Arc::new(Notify::new());
    let made = |what: What, schema: Value| {
        let mut spec = ToolSpec::new(what.name(), "An example.", schema);
        if matches!(what, What::Left(_) | What::Right(_)) {
            spec = spec.concurrent();
        }
        if matches!(what, What::Pay) {
            spec = spec.preview(|arguments| Some(format!("pays {}", arguments["amount"])));
        }
        let tool: Arc<dyn Tool> = Arc::new(Example {
            spec: Arc::new(spec),
            what,
        });
        tool
    };
    let nothing = || json!({"type": "object", "additionalProperties": false});
    let one = |name: &str, kind: &str| json!({"type": "object", "properties": {name: {"type": kind}}, "required": [name]});
    vec![
        made(What::Echo, one("text", "string")),
        made(What::Pay, one("amount", "number")),
        made(What::Left(Arc::clone(&right_is_done)), nothing()),
        made(What::Right(right_is_done), nothing()),
        made(What::Steps, nothing()),
        made(What::Fails, nothing()),
        made(What::Hangs, nothing()),
    ]
}

struct Example {
    spec: Arc<ToolSpec>,
    what: What,
}

enum What {
    /// Answers with what it is told.
    Echo,
    /// Waits for a person's approval above 50.
    Pay,
    /// Ends once `right` has ended.
    Left(Arc<Notify>),
    Right(Arc<Notify>),
    /// Says how far it is.
    Steps,
    Fails,
    /// Says something, and never ends.
    Hangs,
}

impl What {
    fn name(&self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Pay => "pay",
            Self::Left(_) => "left",
            Self::Right(_) => "right",
            Self::Steps => "steps",
            Self::Fails => "fails",
            Self::Hangs => "hangs",
        }
    }
}

#[async_trait]
impl Tool for Example {
    fn spec(&self) -> &Arc<ToolSpec> {
        &self.spec
    }

    async fn call(&self, permit: Permit, progress: &Progress) -> Result<ToolOutput, ToolError> {
        let arguments: Value = serde_json::from_str(permit.arguments()).unwrap();
        match &self.what {
            What::Echo | What::Pay => {}
            What::Left(right_is_done) => right_is_done.notified().await,
            What::Right(right_is_done) => right_is_done.notify_one(),
            What::Steps => ["one", "two", "three"]
                .into_iter()
                .for_each(|step| progress.tell(step)),
            What::Fails => return Err(ToolError::new("not_found", "there is nothing here")),
            What::Hangs => {
                progress.tell("begins");
                std::future::pending::<()>().await;
            }
        }
        Ok(ToolOutput::new(json!({"ok": true, "got": arguments})))
    }
}
