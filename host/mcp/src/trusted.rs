//! The catalogue of a server as clients get it: what an operator accepted, with everything visible.

use std::sync::Arc;

use rmcp::model::Tool;

use crate::catalogue::{Catalogue, Review};
use crate::pins::{FirstUse, Pins, PinsError, Standing};
use crate::visible::{hidden_name, is_visible_name, make_visible};

/// Offers the tools that are pinned, and withholds the others with the remedy.
#[derive(Debug, Clone)]
pub struct Trusted {
    /// None: nothing is pinned.
    pins: Option<Arc<Pins>>,
    first_use: FirstUse,
}

impl Trusted {
    /// By these pins. A server of which nothing was accepted yet is treated as `first_use` says.
    #[must_use]
    pub fn new(pins: Pins, first_use: FirstUse) -> Self {
        Self {
            pins: Some(Arc::new(pins)),
            first_use,
        }
    }

    /// Every tool is offered as its server describes it at the moment, with everything visible.
    #[must_use]
    pub fn unpinned() -> Self {
        Self {
            pins: None,
            first_use: FirstUse::Refuse,
        }
    }

    fn accept_first(&self, server: &str, tools: &[Tool]) {
        let Some(pins) = &self.pins else { return };
        // An error leaves nothing accepted: each tool then says why.
        match pins.accept_first(server, tools, self.first_use) {
            Ok(true) => {
                tracing::warn!(
                    server,
                    tools = tools.len(),
                    "the tools of this server were accepted unseen, at their first use"
                );
            }
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(server, %error, "the first use of a server was not accepted");
            }
        }
    }

    fn review_one(&self, server: &str, tool: &Tool) -> Result<Review, PinsError> {
        let remedy = "look at it and accept it with `hexgate mcp pin`";
        let standing = match &self.pins {
            Some(pins) => pins.check(server, tool)?,
            None => Standing::Pinned,
        };
        let reason = match standing {
            Standing::Pinned => match shown(tool) {
                Ok(shown) => return Ok(Review::Offer(Box::new(shown))),
                Err(reason) => reason,
            },
            Standing::New => format!("it was never accepted; {remedy}"),
            // How is long, and for a person who looks: the log says that it is so.
            Standing::Changed(_) => format!("it is not what was accepted; {remedy}"),
        };
        Ok(Review::Withhold { reason })
    }
}

impl Catalogue for Trusted {
    fn version(&self) -> u64 {
        self.pins.as_ref().map_or(0, |pins| pins.version())
    }

    fn review(&self, server: &str, tools: &[Tool]) -> Vec<Review> {
        self.accept_first(server, tools);
        tools
            .iter()
            .map(|tool| {
                self.review_one(server, tool)
                    .unwrap_or_else(|error| Review::Withhold {
                        reason: error.to_string(),
                    })
            })
            .collect()
    }
}

/// The tool with all of its text [visible](crate::visible). The error is a reason for a message.
///
/// Its name and the names of its arguments cannot be changed, as calls have them: one with a character that is not seen is not shown.
fn shown(tool: &Tool) -> Result<Tool, String> {
    if !is_visible_name(&tool.name) {
        return Err("its name has characters that are not seen".to_owned());
    }
    let mut value = serde_json::to_value(tool).map_err(|error| error.to_string())?;
    if hidden_name(&value).is_some() {
        return Err("the name of an argument has characters that are not seen".to_owned());
    }
    make_visible(&mut value);
    serde_json::from_value(value).map_err(|error| error.to_string())
}
