//! The spans that are open, by run.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use opentelemetry::global::BoxedTracer;
use opentelemetry::trace::{SpanKind, Status, TraceContextExt, Tracer};
use opentelemetry::{Array, Context, KeyValue, StringValue, Value as Attribute};
use serde_json::{Map, Value, json};

use crate::event::RunResult;
use crate::message::CallState;
use crate::model::{ModelError, ModelRequest, Stop, Usage};
use crate::observe::{ModelAnswer, RunInfo, Work};

use super::content::Contents;
use super::names::{Names, UsageNames};

/// The spans that are open, and how new ones are made.
pub(super) struct Spans {
    tracer: Arc<BoxedTracer>,
    pub(super) names: Names,
    pub(super) contents: Contents,
    pub(super) identities: bool,
    runs: Mutex<HashMap<String, Run>>,
}

/// A run that has begun.
struct Run {
    context: Context,
    chats: HashMap<u32, Context>,
    calls: HashMap<String, Call>,
}

/// A call that is proposed.
struct Call {
    tool: String,
    arguments: Option<String>,
    /// Its span, once it is permitted.
    context: Option<Context>,
}

impl Spans {
    pub(super) fn new(tracer: Arc<BoxedTracer>, names: Names, contents: Contents) -> Self {
        Self {
            tracer,
            names,
            contents,
            identities: true,
            runs: Mutex::default(),
        }
    }

    /// The same settings, without runs.
    pub(super) fn alike(&self) -> Self {
        let mut alike = Self::new(
            Arc::clone(&self.tracer),
            self.names.clone(),
            self.contents.clone(),
        );
        alike.identities = self.identities;
        alike
    }

    pub(super) fn run_began(&self, run: &RunInfo, query: &str, call: Option<&str>) {
        let mut attributes = self.attributes(run, self.names.operations.run);
        self.add(&mut attributes, self.names.provider, || {
            run.model.provider.clone()
        });
        self.add(&mut attributes, self.names.model, || run.model.name.clone());
        if run.parent_run_id.is_none() {
            self.add(&mut attributes, self.names.trace, || run.agent.clone());
        }
        if self.contents.wanted.messages {
            self.add(&mut attributes, self.names.query, || {
                self.contents.said("user", query)
            });
        }
        let mut runs = self.runs();
        let above = run.parent_run_id.as_ref().and_then(|id| runs.get(id));
        let parent = above.map_or_else(Context::current, |above| {
            let call = call.and_then(|id| above.calls.get(id));
            let context = call.and_then(|call| call.context.as_ref());
            context.unwrap_or(&above.context).clone()
        });
        let name = format!("invoke_agent {}", run.agent);
        let context = self.begin(name, SpanKind::Internal, attributes, &parent);
        runs.insert(
            run.run_id.clone(),
            Run {
                context,
                chats: HashMap::new(),
                calls: HashMap::new(),
            },
        );
    }

    pub(super) fn run_ended(&self, run: &RunInfo, result: &RunResult) {
        let Some(Run {
            context,
            chats,
            calls,
        }) = self.runs().remove(&run.run_id)
        else {
            return;
        };
        // What did not end before its run was cancelled with it.
        let calls = calls.into_values().filter_map(|call| call.context);
        for open in chats.into_values().chain(calls) {
            self.failed(&open, "cancelled");
            open.span().end();
        }
        let span = context.span();
        if let UsageNames::Two { .. } = self.names.usage {
            span.set_attributes(self.usage(result.usage));
        }
        if self.contents.wanted.messages && !result.message.is_empty() {
            self.set(&context, self.names.answer, || {
                self.contents.said("assistant", &result.message)
            });
        }
        if result.error.is_some() {
            self.failed(&context, &result.ended);
        }
        span.end();
    }

    pub(super) fn model_asked(&self, run: &RunInfo, turn: u32, request: &ModelRequest) {
        let mut attributes = self.attributes(run, self.names.operations.model);
        self.add(&mut attributes, self.names.provider, || {
            run.model.provider.clone()
        });
        self.add(&mut attributes, self.names.model, || run.model.name.clone());
        if self.contents.wanted.messages {
            if let Some(system) = &request.system {
                self.add(&mut attributes, self.names.instructions, || {
                    self.contents.instructions(system)
                });
            }
            self.add(&mut attributes, self.names.input, || {
                self.contents.conversation(&request.messages)
            });
        }
        let name = format!("chat {}", run.model.name);
        if let Some(open) = self.runs().get_mut(&run.run_id) {
            let context = self.begin(name, SpanKind::Client, attributes, &open.context);
            open.chats.insert(turn, context);
        }
    }

    pub(super) fn model_answered(
        &self,
        run: &RunInfo,
        turn: u32,
        answer: Result<&ModelAnswer, &ModelError>,
    ) {
        let chat = |open: &mut Run| open.chats.remove(&turn);
        let Some(context) = self.runs().get_mut(&run.run_id).and_then(chat) else {
            return;
        };
        match answer {
            Ok(answer) => {
                let span = context.span();
                span.set_attributes(self.usage(answer.usage));
                if let Some(name) = self.names.finish_reasons {
                    let reason = StringValue::from(stop(answer.stop));
                    let reasons = Attribute::Array(Array::String(vec![reason]));
                    span.set_attribute(KeyValue::new(name, reasons));
                }
                if self.contents.wanted.messages {
                    self.set(&context, self.names.output, || self.contents.answer(answer));
                }
            }
            Err(error) => self.failed(&context, error.kind.as_str()),
        }
        context.span().end();
    }

    pub(super) fn call_proposed(
        &self,
        run: &RunInfo,
        id: &str,
        tool: &str,
        arguments: &Map<String, Value>,
    ) {
        let wanted = self.contents.wanted.tools && self.names.arguments.is_some();
        let call = Call {
            tool: tool.to_owned(),
            arguments: wanted.then(|| self.contents.text(&json!(arguments).to_string())),
            context: None,
        };
        if let Some(open) = self.runs().get_mut(&run.run_id) {
            open.calls.insert(id.to_owned(), call);
        }
    }

    pub(super) fn call_answered(&self, run: &RunInfo, id: &str, content: &str) {
        if !self.contents.wanted.tools {
            return;
        }
        let runs = self.runs();
        let call = runs.get(&run.run_id).and_then(|open| open.calls.get(id));
        if let Some(context) = call.and_then(|call| call.context.as_ref()) {
            self.set(context, self.names.result, || self.contents.text(content));
        }
    }

    pub(super) fn call_ended(&self, run: &RunInfo, id: &str, outcome: CallState) {
        let call = |open: &mut Run| open.calls.remove(id);
        let Some(call) = self.runs().get_mut(&run.run_id).and_then(call) else {
            return;
        };
        let Some(context) = call.context else {
            return;
        };
        match outcome {
            CallState::Completed => {}
            CallState::Failed => self.failed(&context, "failed"),
            CallState::Denied => self.failed(&context, "denied"),
            CallState::Cancelled => self.failed(&context, "cancelled"),
        }
        context.span().end();
    }

    /// Where the spans of this work belong. A tool is asked for when its call begins.
    pub(super) fn context(&self, run: &RunInfo, work: Work<'_>) -> Option<Context> {
        let mut runs = self.runs();
        let Run {
            context,
            chats,
            calls,
        } = runs.get_mut(&run.run_id)?;
        match work {
            Work::Run => Some(context.clone()),
            Work::Model { turn } => Some(chats.get(&turn).unwrap_or(context).clone()),
            Work::Tool { tool_id } => {
                let call = calls.get_mut(tool_id)?;
                let began = call.context.get_or_insert_with(|| {
                    self.call_began(run, tool_id, &call.tool, call.arguments.take(), context)
                });
                Some(began.clone())
            }
        }
    }

    fn call_began(
        &self,
        run: &RunInfo,
        id: &str,
        tool: &str,
        arguments: Option<String>,
        parent: &Context,
    ) -> Context {
        let mut attributes = self.attributes(run, self.names.operations.tool);
        self.add(&mut attributes, self.names.tool, || tool.to_owned());
        self.add(&mut attributes, self.names.tool_type, || {
            "function".to_owned()
        });
        self.add(&mut attributes, self.names.call, || id.to_owned());
        if let Some(arguments) = arguments {
            self.add(&mut attributes, self.names.arguments, || arguments);
        }
        let name = format!("execute_tool {tool}");
        self.begin(name, SpanKind::Internal, attributes, parent)
    }

    fn begin(
        &self,
        name: String,
        kind: SpanKind,
        attributes: Vec<KeyValue>,
        parent: &Context,
    ) -> Context {
        let span = self.tracer.span_builder(name);
        let span = span.with_kind(kind).with_attributes(attributes);
        parent.with_span(span.start_with_context(&*self.tracer, parent))
    }

    /// What every span has.
    fn attributes(&self, run: &RunInfo, operation: &'static str) -> Vec<KeyValue> {
        let mut attributes = vec![KeyValue::new("hexgate.run.id", run.run_id.clone())];
        self.add(&mut attributes, self.names.operation, || {
            operation.to_owned()
        });
        self.add(&mut attributes, self.names.agent, || run.agent.clone());
        if !self.identities {
            return attributes;
        }
        let caller = &run.caller;
        self.add(&mut attributes, self.names.user, || {
            caller.user_id().to_owned()
        });
        if let Some(session) = caller.session() {
            self.add(&mut attributes, self.names.session, || session.to_owned());
            self.add(&mut attributes, self.names.conversation, || {
                session.to_owned()
            });
        }
        if !caller.roles().is_empty() {
            self.add(&mut attributes, self.names.roles, || {
                caller.roles().join(",")
            });
        }
        attributes
    }

    fn add(
        &self,
        attributes: &mut Vec<KeyValue>,
        name: Option<&'static str>,
        value: impl FnOnce() -> String,
    ) {
        if let Some(name) = name {
            attributes.push(KeyValue::new(name, value()));
        }
    }

    fn set(&self, context: &Context, name: Option<&'static str>, value: impl FnOnce() -> String) {
        if let Some(name) = name {
            context.span().set_attribute(KeyValue::new(name, value()));
        }
    }

    /// Messages of errors can have contents: only the kind is reported.
    fn failed(&self, context: &Context, kind: &str) {
        self.set(context, self.names.error, || kind.to_owned());
        context.span().set_status(Status::error(kind.to_owned()));
    }

    fn usage(&self, usage: Usage) -> Vec<KeyValue> {
        let number = |tokens: u64| i64::try_from(tokens).unwrap_or(i64::MAX);
        match self.names.usage {
            UsageNames::Two { input, output } => vec![
                KeyValue::new(input, number(usage.input_tokens)),
                KeyValue::new(output, number(usage.output_tokens)),
            ],
            UsageNames::Json(name) => {
                let both = json!({ "input": usage.input_tokens, "output": usage.output_tokens });
                vec![KeyValue::new(name, both.to_string())]
            }
        }
    }

    fn runs(&self) -> MutexGuard<'_, HashMap<String, Run>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why an answer ended, in the words of the conventions.
fn stop(stop: Stop) -> &'static str {
    match stop {
        Stop::Finished => "stop",
        Stop::Calls => "tool_call",
        Stop::Length => "length",
        Stop::Filtered => "content_filter",
        Stop::Other => "other",
    }
}
