//! What the client answers when it is asked.

use rmcp::model::{
    ClientCapabilities, ClientConfig, ElicitRequestParams, ElicitResult, ElicitationAction,
    ElicitationCapability, ErrorData, FormElicitationCapability, Implementation, ProtocolVersion,
};
use rmcp::service::RequestContext;
use rmcp::{ClientHandler, RoleClient};
use serde_json::{Map, Value, json};

/// Agrees to every form, with the defaults that it names.
#[derive(Debug, Clone)]
pub(super) struct Answers {
    version: ProtocolVersion,
}

impl Answers {
    pub(super) fn new(version: &ProtocolVersion) -> Self {
        Self {
            version: version.clone(),
        }
    }
}

impl ClientHandler for Answers {
    fn get_info(&self) -> ClientConfig {
        let mut capabilities = ClientCapabilities::default();
        let form = FormElicitationCapability::new().with_schema_validation(true);
        capabilities.elicitation = Some(ElicitationCapability::new().with_form(form));
        let mut config = ClientConfig::new(
            capabilities,
            Implementation::new("hexgate-mcp-conformance", env!("CARGO_PKG_VERSION")),
        );
        config.protocol_version = self.version.clone();
        config
    }

    async fn create_elicitation(
        &self,
        request: ElicitRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        let content = match &request {
            ElicitRequestParams::FormElicitationParams {
                requested_schema, ..
            } => content(&serde_json::to_value(requested_schema).unwrap_or_default()),
            _ => json!({}),
        };
        Ok(ElicitResult::new(ElicitationAction::Accept).with_content(content))
    }
}

/// The defaults of a form, and something for what it requires without one.
fn content(schema: &Value) -> Value {
    let required: Vec<&str> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let mut content = Map::new();
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let value = match &property["default"] {
            Value::Null if !required.contains(&name.as_str()) => continue,
            Value::Null => match property["type"].as_str() {
                Some("boolean") => json!(true),
                Some("number" | "integer") => json!(1),
                _ => json!("text"),
            },
            default => default.clone(),
        };
        content.insert(name.clone(), value);
    }
    Value::Object(content)
}
