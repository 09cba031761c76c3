//! Tools that run from a permission and from nothing else.

use std::sync::Arc;

use hexgate_gate::{End, Gate, Permitted};
use rig_agent::bus::Registrar;
use rig_agent::tool::server::ToolServerHandle;
use rig_core::effect::{EffectKind, FamilyDescriptor, HandlerDescriptor, Outcome, family};
use rig_core::error::{ErrorKind, ErrorReport};
use rig_core::serve::{Dispatch, ErasedHandler, Reply, Serve};
use rig_core::tool::ToolResult;

use crate::permits::Permits;

/// The name of the layer that a tool has once it is sealed.
const LAYER: &str = "hexgate";

/// Seals the tools of an agent on its bus. The registry itself stays as it is, so that what manages tools there still does.
#[derive(Debug)]
pub(crate) struct Sealer {
    pub(crate) gate: Gate,
    pub(crate) permits: Arc<Permits>,
    registrar: Registrar,
    tools: Tools,
}

#[derive(Clone)]
struct Tools(ToolServerHandle);

impl std::fmt::Debug for Tools {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Tools").field(&self.0.owner()).finish()
    }
}

impl Sealer {
    pub(crate) fn new(gate: Gate, registrar: Registrar, tools: ToolServerHandle) -> Self {
        Self {
            gate,
            permits: Arc::default(),
            registrar,
            tools: Tools(tools),
        }
    }

    /// Whether the registry has a tool of this name.
    pub(crate) fn has(&self, tool: &str) -> bool {
        self.tools.0.toolset().contains(tool)
    }

    /// Seals every tool that the registry has now.
    pub(crate) fn all(&self) -> Result<(), ErrorReport> {
        let tools = self.tools.0.toolset();
        for (_, tool) in tools.iter() {
            let key = tool.key().raw();
            let is_there = self.registrar.descriptor(key);
            if is_there.is_some_and(|descriptor| !is_sealed(&descriptor)) {
                self.registrar
                    .register_erased(key.clone(), self.sealed(tool.handler()))?;
            }
        }
        Ok(())
    }

    /// Sees to it that no tool of this name on the bus runs unsealed.
    pub(crate) fn one(&self, tool: &str) -> Result<(), String> {
        let generations = format!("{}/tool:{tool}#", self.tools.0.owner());
        let tools = self.tools.0.toolset();
        let live = tools.get(tool);
        for descriptor in self.registrar.descriptors() {
            let key = descriptor.key.clone();
            let is_live = live.is_some_and(|live| *live.key().raw() == key);
            if !(is_live || key.as_str().starts_with(&generations)) || is_sealed(&descriptor) {
                continue;
            }
            match live.filter(|_| is_live) {
                Some(live) => self
                    .registrar
                    .register_erased(key, self.sealed(live.handler()))
                    .map_err(|report| report.message)?,
                None => {
                    return Err(
                        "the tool was replaced while it was called, before it was sealed"
                            .to_owned(),
                    );
                }
            }
        }
        Ok(())
    }

    fn sealed(&self, inner: &ErasedHandler) -> ErasedHandler {
        ErasedHandler::new(Sealed {
            inner: inner.clone(),
            gate: self.gate.clone(),
            permits: Arc::clone(&self.permits),
        })
    }
}

fn is_sealed(descriptor: &HandlerDescriptor) -> bool {
    !matches!(descriptor.family, FamilyDescriptor::Tool { .. })
        || descriptor.layers.iter().any(|layer| layer == LAYER)
}

/// A tool that takes its permission before it runs.
struct Sealed {
    inner: ErasedHandler,
    gate: Gate,
    permits: Arc<Permits>,
}

impl Serve for Sealed {
    type Family = family::Dynamic;

    fn descriptor(&self) -> HandlerDescriptor {
        let mut descriptor = self.inner.descriptor();
        descriptor.layers.insert(0, LAYER.to_owned());
        descriptor
    }

    async fn serve(&self, kind: EffectKind, dispatch: Dispatch) -> Reply {
        let EffectKind::ToolCall { name, args } = &kind else {
            let message = "a sealed tool was asked for something else";
            return Reply::Outcome(Err(ErrorReport::new(ErrorKind::Internal, message)));
        };
        let Some(permitted) = self.permits.take(dispatch.id()) else {
            // A hook or a program that dispatches by itself.
            let refused = self
                .gate
                .refuse(name, args, "the tool was dispatched past the gate");
            return denied(refused.message);
        };
        if !permitted.is(name, args) {
            return denied(permitted.inexact());
        }
        run(permitted, self.inner.handle(kind, dispatch)).await
    }
}

async fn run(mut permitted: Permitted, tool: impl Future<Output = Reply>) -> Reply {
    let answer = permitted
        .run(async { tool.await.into_outcome().await })
        .await;
    match answer {
        Ok(outcome) => {
            let text = text(&outcome);
            permitted.end(match &outcome {
                Ok(Outcome::ToolResult { result }) if !result.is_error() => End::Completed(&text),
                _ => End::Failed("tool", Some(&text)),
            });
            Reply::Outcome(outcome)
        }
        Err(panicked) => Reply::Outcome(Ok(Outcome::ToolResult {
            result: ToolResult::failed(rig_core::tool::ToolExecutionError::other(panicked.message)),
        })),
    }
}

/// The result for the record, as the model reads it.
pub(crate) fn text(outcome: &Result<Outcome, ErrorReport>) -> String {
    match outcome {
        Ok(Outcome::ToolResult { result }) => result.output().render(),
        Ok(_) => String::new(),
        Err(report) => report.message.clone(),
    }
}

/// The model reads this, and the agent goes on.
fn denied(message: String) -> Reply {
    Reply::Outcome(Err(
        ErrorReport::new(ErrorKind::Denied, message).with_retryable(false)
    ))
}

/// What a run keeps until the tool takes it.
pub(crate) fn slot(permitted: Permitted) -> crate::permits::Slot {
    Arc::new(std::sync::Mutex::new(Some(permitted)))
}
