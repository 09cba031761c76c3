//! Keeps keys away from models, and models from sending them.

use async_trait::async_trait;
use hexgate_enforce::audit::{RedactionError, Scrubber};
use serde_json::Value;

use super::{Before, Guard, GuardError, GuardedCall};
use crate::tool::{ToolError, ToolOutput};

/// Takes out of the results of tools what keys of known issuers look like, before a model reads them: `[REDACTED:aws_access_key]`.
///
/// Every agent has it, unless it was left out by a name that says danger.
#[derive(Debug, Clone)]
pub struct SecretScrubber(Scrubber);

impl SecretScrubber {
    /// One for the keys that the audit log knows.
    ///
    /// # Errors
    ///
    /// Its tables cannot be made.
    pub fn new() -> Result<Self, RedactionError> {
        Scrubber::of_keys().map(Self)
    }

    fn value(&self, value: &mut Value) {
        match value {
            Value::String(text) => self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Object(members) => {
                members.values_mut().for_each(|member| self.value(member));
                if members
                    .keys()
                    .any(|name| self.0.scrub(name) != name.as_str())
                {
                    let scrubbed = std::mem::take(members)
                        .into_iter()
                        .map(|(mut name, member)| {
                            self.text(&mut name);
                            (name, member)
                        });
                    *members = scrubbed.collect();
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn text(&self, text: &mut String) {
        if let std::borrow::Cow::Owned(scrubbed) = self.0.scrub(text) {
            *text = scrubbed;
        }
    }
}

#[async_trait]
impl Guard for SecretScrubber {
    fn name(&self) -> &str {
        "secret_scrubber"
    }

    async fn after(
        &self,
        _: &GuardedCall<'_>,
        result: Result<ToolOutput, ToolError>,
    ) -> Result<Result<ToolOutput, ToolError>, GuardError> {
        Ok(match result {
            Ok(mut output) => {
                self.value(&mut output.value);
                if let Some(summary) = &mut output.summary {
                    self.text(summary);
                }
                Ok(output)
            }
            Err(mut error) => {
                self.text(&mut error.message);
                Err(error)
            }
        })
    }

    fn line(&self, mut line: String) -> String {
        self.text(&mut line);
        line
    }
}

/// Denies calls with arguments in which there is what a key of a known issuer looks like: a model must not send it anywhere.
#[derive(Debug, Clone)]
pub struct SecretGuard(Scrubber);

impl SecretGuard {
    /// One for the keys that the audit log knows.
    ///
    /// # Errors
    ///
    /// Its tables cannot be made.
    pub fn new() -> Result<Self, RedactionError> {
        Scrubber::of_keys().map(Self)
    }

    fn has_secret(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => self.0.scrub(text) != text.as_str(),
            Value::Array(items) => items.iter().any(|item| self.has_secret(item)),
            Value::Object(members) => members.iter().any(|(name, member)| {
                self.0.scrub(name) != name.as_str() || self.has_secret(member)
            }),
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }
}

#[async_trait]
impl Guard for SecretGuard {
    fn name(&self) -> &str {
        "secret_guard"
    }

    async fn before(&self, call: &GuardedCall<'_>) -> Result<Before, GuardError> {
        let arguments: Value = serde_json::from_str(call.arguments)
            .map_err(|error| GuardError::new(error.to_string()))?;
        Ok(if self.has_secret(&arguments) {
            Before::Deny {
                reason: "there is what looks like a key in the arguments".to_owned(),
            }
        } else {
            Before::Proceed
        })
    }
}
