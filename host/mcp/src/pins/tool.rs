//! What is pinned of a tool: all that the server says about it, in one spelling.

use std::fmt;

use hexgate_base::Digest;
use rmcp::model::Tool;
use serde_json::Value;

use super::{MAX_TOOL_BYTES, PinsError};

/// A tool in the one spelling in which it is compared, and its digest.
#[derive(Clone, PartialEq, Eq)]
pub struct PinnedTool {
    name: String,
    /// JSON, indented, members sorted.
    text: String,
    digest: Digest,
}

impl PinnedTool {
    /// The pinned form of a tool. Every member counts, the order of members does not.
    ///
    /// # Errors
    ///
    /// The tool is larger than [`MAX_TOOL_BYTES`], or its name is empty or longer than 256 bytes.
    pub fn of(tool: &Tool) -> Result<Self, PinsError> {
        let wrong = |reason: String| PinsError::Tool {
            name: tool.name.to_string(),
            reason,
        };
        let value = serde_json::to_value(tool).map_err(|error| wrong(error.to_string()))?;
        Self::of_value(&value).map_err(wrong)
    }

    /// Reads a text that [`text`](Self::text) gave. The error is a reason for a message.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let tool = Self::of_value(&value)?;
        if tool.text == text {
            Ok(tool)
        } else {
            Err("the text of a tool is not in the spelling in which it is written".to_owned())
        }
    }

    fn of_value(value: &Value) -> Result<Self, String> {
        let name = value
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if name.is_empty() || name.len() > 256 {
            return Err("a name has 1 to 256 bytes".to_owned());
        }
        let mut sorted = value.clone();
        sorted.sort_all_objects();
        let text = serde_json::to_string_pretty(&sorted).map_err(|error| error.to_string())?;
        if text.len() > MAX_TOOL_BYTES {
            return Err(format!(
                "it has {} bytes, and at most {MAX_TOOL_BYTES} are pinned",
                text.len()
            ));
        }
        Ok(Self {
            name: name.to_owned(),
            digest: Digest::of(text.as_bytes()),
            text,
        })
    }

    /// The server's name for it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The SHA-256 of [`text`](Self::text).
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// All of it as JSON, as the server sent it: CAUTION, it is not made visible.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// The text can be long, and is the server's.
impl fmt::Debug for PinnedTool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PinnedTool")
            .field("name", &self.name)
            .field("digest", &self.digest)
            .finish_non_exhaustive()
    }
}
