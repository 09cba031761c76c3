//! Guards around a call.

use hexgate_base::guarded::guarded_async;

use super::Run;
use crate::guard::{Before, GuardError, GuardedCall};
use crate::tool::{ToolError, ToolOutput};

/// A guard denied a call, or failed.
pub(super) struct Refusal {
    /// For the operator.
    pub(super) reason: String,
}

impl Run<'_> {
    /// Asks the guards before the policy. Gives the arguments that the policy decides.
    pub(super) async fn before(
        &self,
        tool: &str,
        mut arguments: String,
    ) -> Result<String, Refusal> {
        for guard in &self.parts.guards {
            let asked = guarded_async(async {
                if !guard.applies_to(tool) {
                    return Ok(Before::Proceed);
                }
                guard.before(&self.guarded(tool, &arguments)).await
            });
            match asked.await.unwrap_or_else(|panic| Err(panicked(&panic))) {
                Ok(Before::Proceed) => {}
                Ok(Before::Rewrite(text)) => arguments = text,
                Ok(Before::Deny { reason }) => {
                    return Err(refused(&**guard, &reason));
                }
                Err(GuardError { reason }) => {
                    return Err(refused(&**guard, &format!("it failed: {reason}")));
                }
            }
        }
        Ok(arguments)
    }

    /// Asks the guards after the tool. Gives what the model will read.
    pub(super) async fn after(
        &self,
        tool: &str,
        arguments: &str,
        mut result: Result<ToolOutput, ToolError>,
    ) -> Result<Result<ToolOutput, ToolError>, Refusal> {
        for guard in &self.parts.guards {
            let asked = guarded_async(async {
                if !guard.applies_to(tool) {
                    return Ok(result);
                }
                guard.after(&self.guarded(tool, arguments), result).await
            });
            result = asked
                .await
                .unwrap_or_else(|panic| Err(panicked(&panic)))
                .map_err(|error| refused(&**guard, &error.reason))?;
        }
        Ok(result)
    }

    fn guarded<'c>(&'c self, tool: &'c str, arguments: &'c str) -> GuardedCall<'c> {
        GuardedCall {
            agent: &self.info.agent,
            caller: self.caller,
            tool,
            arguments,
        }
    }
}

fn panicked(panic: &str) -> GuardError {
    GuardError::new(format!("it panicked: {panic}"))
}

fn refused(guard: &dyn crate::guard::Guard, reason: &str) -> Refusal {
    let name = hexgate_base::guarded::guarded(|| guard.name().to_owned());
    let name = name.unwrap_or_else(|_| "without a name".to_owned());
    Refusal {
        reason: format!("the guard `{name}` refused it: {reason}"),
    }
}
