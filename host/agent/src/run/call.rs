//! One call, from its first event to its last.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use hexgate_base::guarded::guarded;
use hexgate_enforce::{DecisionId, EndState, Permit};
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::Run;
use super::answer::Proposal;
use super::decide::Denied;
use super::result::Given;
use super::talk::Settled;
use crate::event::EventKind;
use crate::guard::Guard;
use crate::message::CallState;
use crate::tool::Progress;

/// The longest line about progress, in characters.
const MAX_LINE: usize = 4000;

/// A call that began. Its end is told and recorded however it ends, also if it is dropped.
pub(super) struct Open<'a> {
    run: &'a Run<'a>,
    /// The runtime's name for the call.
    id: String,
    tool: String,
    goes_on: Arc<AtomicBool>,
    permitted: Option<Permitted>,
    has_ended: bool,
}

/// A permission that was given for the call.
struct Permitted {
    decision: DecisionId,
    gate: String,
    started: Option<Instant>,
}

impl<'a> Open<'a> {
    pub(super) fn begin(run: &'a Run<'a>, proposal: &Proposal) -> Self {
        let call = &proposal.call;
        let id = run.sink.next_call();
        if run.sink.is_heard() {
            let parsed = serde_json::from_str::<Map<String, Value>>(&call.arguments).ok();
            let kind = EventKind::ToolStart {
                tool_id: id.clone(),
                tool_name: call.tool.clone(),
                malformed_arguments: parsed.is_none().then(|| call.arguments.clone()),
                arguments: parsed.unwrap_or_default(),
            };
            run.sink.emit(&run.info, kind);
        }
        Self {
            run,
            id,
            tool: call.tool.clone(),
            goes_on: Arc::new(AtomicBool::new(true)),
            permitted: None,
            has_ended: false,
        }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn tool(&self) -> &str {
        &self.tool
    }

    /// The call may run. It is counted before it does.
    pub(super) fn permitted(&mut self, permit: &Permit) {
        self.run.counts.reserve(permit.tool());
        self.permitted = Some(Permitted {
            decision: permit.decision().id(),
            gate: permit.tool().to_owned(),
            started: None,
        });
    }

    /// The tool is started.
    pub(super) fn started(&mut self) {
        if let Some(permitted) = &mut self.permitted {
            permitted.started = Some(Instant::now());
        }
    }

    /// Where the tool says how far it is. It is heard as long as the call goes on.
    pub(super) fn progress(&self) -> Progress {
        let (sink, info) = (self.run.sink.clone(), Arc::clone(&self.run.info));
        let run = self.run.parts_of(&self.id);
        if !sink.is_heard() {
            return Progress::default().of_run(run);
        }
        let goes_on = Arc::clone(&self.goes_on);
        let (id, tool) = (self.id.clone(), self.tool.clone());
        let guards: Vec<Arc<dyn Guard>> = self.run.parts.guards.clone();
        Progress::new(move |text| {
            if !goes_on.load(Ordering::Acquire) {
                return;
            }
            // Cut before it is looked at, and a little later than where people see it cut: half of a key must not be at the end.
            let line: String = text.chars().take(2 * MAX_LINE).collect();
            let looked_at = guards
                .iter()
                .filter(|guard| guarded(|| guard.applies_to(&tool)).unwrap_or(true))
                .try_fold(line, |line, guard| guarded(|| guard.line(line)));
            let Ok(line) = looked_at else {
                tracing::error!(%tool, "a guard panicked; a line about progress is dropped");
                return;
            };
            let kind = EventKind::ToolUpdate {
                tool_id: id.clone(),
                tool_name: tool.clone(),
                text: line.chars().take(MAX_LINE).collect(),
            };
            sink.update(&info, kind, &goes_on);
        })
        .of_run(run)
    }

    pub(super) fn denied(self, denied: Denied) -> Settled {
        let summary = first_line(&denied.content);
        self.end(Given {
            state: denied.state,
            content: denied.content,
            summary: Some(summary),
            error: Some(denied.why),
            value: None,
        })
    }

    pub(super) fn end(mut self, given: Given) -> Settled {
        let Given {
            state,
            content,
            summary,
            error,
            value,
        } = given;
        if state == CallState::Failed {
            self.run.counts.failed();
        }
        self.record(state, Some(&content), error);
        let run = self.run;
        run.sink
            .tell(|observer| observer.tool_answered(&run.info, &self.id, &content));
        self.tell(state, summary, value);
        Settled { state, content }
    }

    fn record(&mut self, state: CallState, result: Option<&str>, error: Option<&str>) {
        let (Some(permitted), Some(enforcer)) = (self.permitted.take(), &self.run.parts.enforcer)
        else {
            return;
        };
        let started = permitted.started;
        enforcer.ended(&hexgate_enforce::Ended {
            at: SystemTime::now(),
            decision: permitted.decision,
            tool: &permitted.gate,
            ran: started.is_some(),
            state: match state {
                CallState::Completed => EndState::Completed,
                CallState::Cancelled => EndState::Cancelled,
                CallState::Failed | CallState::Denied => EndState::Failed,
            },
            result,
            error,
            took: started.map_or(Duration::ZERO, |started| started.elapsed()),
        });
    }

    fn tell(
        &mut self,
        state: CallState,
        output_summary: Option<String>,
        raw_output: Option<Value>,
    ) {
        self.has_ended = true;
        self.goes_on.store(false, Ordering::Release);
        let kind = EventKind::tool_end(&*self.id, &*self.tool, state, output_summary);
        self.run.sink.emit_end(&self.run.info, kind, raw_output);
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if !self.has_ended {
            self.record(CallState::Cancelled, None, Some("cancelled"));
            self.tell(CallState::Cancelled, None, None);
        }
    }
}

/// A line for people.
pub(super) fn first_line(text: &str) -> String {
    hexgate_base::shortened(text.lines().next().unwrap_or_default(), MAX_SUMMARY)
}

/// The longest summary that the runtime makes, in characters.
const MAX_SUMMARY: usize = 200;
