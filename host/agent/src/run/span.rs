//! The first and the last event of a run.

use std::time::SystemTime;

use hexgate_enforce::EndState;

use super::{ADMISSION, Run};
use crate::event::{EventKind, RunResult};
use crate::outcome::Ended;

/// A run that began. Its end is told however it ends, also if it is dropped.
pub(super) struct Span<'a> {
    run: &'a Run<'a>,
    ended: bool,
}

impl<'a> Span<'a> {
    /// The run begins, perhaps because of this call of the run above.
    pub(super) fn begin(run: &'a Run<'a>, query: String, parent_tool_id: Option<String>) -> Self {
        let agent_name = run.info.agent.clone();
        let kind = if run.is_outermost() {
            EventKind::RunStart { query, agent_name }
        } else {
            EventKind::AgentStart {
                query,
                agent_name,
                parent_tool_id,
            }
        };
        run.sink.emit(&run.info, kind);
        Self { run, ended: false }
    }

    pub(super) fn end(&mut self, ended: &Ended, message: &str) {
        self.ended = true;
        let run = self.run;
        self.record(ended, message);
        let error = ended.is_failure().then(|| ended.public());
        let result = RunResult {
            run_id: run.info.run_id.clone(),
            root_run_id: run.info.root_run_id.clone(),
            message: message.to_owned(),
            steps: Vec::new(),
            ended: ended.as_str().to_owned(),
            error: error.clone(),
            usage: run.counts.totals().usage(),
        };
        if !run.is_outermost() {
            let agent_name = run.info.agent.clone();
            let kind = EventKind::AgentEnd { agent_name, result };
            return run.sink.emit(&run.info, kind);
        }
        if let Some(message) = error {
            let kind = ended.kind();
            run.sink.emit(&run.info, EventKind::Error { message, kind });
        }
        let steps = run.sink.steps();
        let result = RunResult { steps, ..result };
        run.sink.emit(&run.info, EventKind::RunEnd { result });
    }

    /// Records how a run ended that the policy let begin.
    fn record(&self, ended: &Ended, message: &str) {
        let run = self.run;
        let (Some(decision), Some(enforcer)) = (run.admitted.get(), &run.parts.enforcer) else {
            return;
        };
        enforcer.ended(&hexgate_enforce::Ended {
            at: SystemTime::now(),
            decision: *decision,
            tool: ADMISSION,
            ran: true,
            state: match ended {
                Ended::Cancelled => EndState::Cancelled,
                ended if ended.is_failure() => EndState::Failed,
                _ => EndState::Completed,
            },
            result: Some(message),
            error: ended.is_failure().then(|| ended.as_str()),
            took: run.counts.elapsed(),
        });
    }
}

impl Drop for Span<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.end(&Ended::Cancelled, "");
        }
    }
}
