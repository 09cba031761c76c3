//! What the gateway says of itself.

use rmcp::model::{
    Implementation, InitializeResult, ProtocolVersion, ServerCapabilities, ServerConfig,
    TASKS_EXTENSION_ID,
};

use crate::gateway::Gateway;

impl Gateway {
    /// What the gateway says of itself: what is passed on for any server.
    pub(super) fn info(&self) -> ServerConfig {
        let config = self.config();
        let mut capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_tool_list_changed()
            .build();
        if config.passes(|offer| offer.prompts) {
            let prompts = capabilities.prompts.get_or_insert_default();
            prompts.list_changed = Some(true);
        }
        if config.passes(|offer| offer.resources) {
            let resources = capabilities.resources.get_or_insert_default();
            resources.list_changed = Some(true);
            if config.passes(|offer| offer.subscriptions) {
                resources.subscribe = Some(true);
            }
        }
        if config.passes(|offer| offer.completions) {
            capabilities.completions = Some(Default::default());
        }
        if config.passes(|offer| offer.logs) {
            capabilities.logging = Some(Default::default());
        }
        if config.passes(|offer| offer.tasks) {
            let tasks = [(TASKS_EXTENSION_ID.to_owned(), Default::default())];
            capabilities.extensions = Some(tasks.into());
        }
        let mut info = InitializeResult::new(capabilities);
        info.protocol_version = ProtocolVersion::LATEST_WITH_INITIALIZE;
        info.server_info = Implementation::new("hexgate-mcp", env!("CARGO_PKG_VERSION"));
        info
    }
}
