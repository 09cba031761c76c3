//! How permitted calls ended, for the log.
//!
//! An agent tells it in an event of its own, to another process. So what tells a call from others, and its decision, are kept with the
//! conversation meanwhile.

use std::time::{Duration, SystemTime};

use hexgate_base::sentence;
use hexgate_enforce::DecisionId;
use hexgate_enforce::audit::{EndState, Ended};

use super::Hook;
use crate::answer::{self, Asked, Verdict};
use crate::event::Event;
use crate::failure::Failure;
use crate::session::{Running, Session, milliseconds};

impl Hook {
    /// Whether the call runs after this answer, or may once a person agreed.
    pub(super) fn may_run(&self, verdict: &Verdict, asked: &Asked) -> bool {
        match verdict {
            Verdict::Allow => true,
            Verdict::Ask { .. } => answer::asks(self.0.agent, asked),
            _ => false,
        }
    }

    /// Keeps the call until its end is told, if that is recorded.
    pub(super) fn note_running(
        &self,
        session: &mut Session,
        key: String,
        decision: DecisionId,
        tool: &str,
    ) {
        if self.0.audit.is_some() {
            session.kept.runs(Running {
                key,
                decision: decision.to_string(),
                tool: tool.to_owned(),
                at: milliseconds(SystemTime::now()),
            });
        }
    }

    /// A call ended. Its end is recorded once; that of a call of which nothing is known is not.
    pub(super) fn end(&self, event: &Event) -> Result<Verdict, Failure> {
        let nothing = Ok(Verdict::Nothing(None));
        let (Some(audit), Some(end), Some(key)) = (&self.0.audit, &event.end, &event.call_key)
        else {
            return nothing;
        };
        let Some(mut session) = self.session(event)? else {
            return nothing;
        };
        let Some(running) = session.kept.ended(key) else {
            return nothing;
        };
        let now = SystemTime::now();
        // It includes the time in which a person was asked, where the agent does not tell how long the tool ran.
        let since = milliseconds(now).saturating_sub(running.at);
        let ended = Ended {
            at: now,
            decision: &running.decision,
            tool: &running.tool,
            ran: true,
            state: match end.failed {
                true => EndState::Failed,
                false => EndState::Completed,
            },
            result: end.result.as_deref(),
            error: end.failed.then_some("tool"),
            took: end.took.unwrap_or(Duration::from_millis(since)),
        };
        self.log(audit)?
            .ended(&ended)
            .map_err(|error| Failure::Audit(sentence(&error)))?;
        session.save()?;
        nothing
    }
}
