//! A recorder that keeps what it is given, and fails where a scenario says so.

use std::sync::{Arc, Mutex, PoisonError};

use hexgate_enforce::{Decision, EndState, Ended, RecordError, Recorder};

use crate::scenario::Fault;
use crate::seen::{End, Record};

/// What was recorded. Cloning gives the same ones.
#[derive(Debug, Clone)]
pub(crate) struct Records {
    fault: Fault,
    all: Arc<Mutex<Vec<Record>>>,
    oddities: Arc<Mutex<Vec<String>>>,
}

impl Records {
    pub(crate) fn new(fault: Fault) -> Self {
        Self {
            fault,
            all: Arc::default(),
            oddities: Arc::default(),
        }
    }

    /// All of them, in the order of the decisions.
    #[must_use]
    pub(crate) fn all(&self) -> Vec<Record> {
        self.with(|all| all.clone())
    }

    /// Whether each permitted call has its end.
    pub(crate) fn are_settled(&self) -> bool {
        self.with(|all| {
            all.iter()
                .all(|record| record.outcome != "allow" || record.ended.is_some())
        })
    }

    /// What no host should do, whatever the scenario.
    pub(crate) fn oddities(&self) -> Vec<String> {
        let oddities = self.oddities.lock().unwrap_or_else(PoisonError::into_inner);
        oddities.clone()
    }

    fn odd(&self, what: String) {
        let oddities = self.oddities.lock();
        oddities.unwrap_or_else(PoisonError::into_inner).push(what);
    }

    fn with<T>(&self, work: impl FnOnce(&mut Vec<Record>) -> T) -> T {
        work(&mut self.all.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Recorder for Records {
    fn record(&self, decision: &Decision) -> Result<(), RecordError> {
        match self.fault {
            Fault::RecorderFails => return Err("the disk is full, as the scenario says".into()),
            Fault::RecorderPanics => panic!("what records has a bug, as the scenario says"),
            _ => {}
        }
        let record = Record {
            id: decision.id().to_string(),
            tool: decision.tool().to_owned(),
            outcome: decision.outcome().as_str().to_owned(),
            cause: Some(decision.cause().as_str().to_owned()),
            arguments: Some(decision.arguments().to_owned()),
            user: decision.caller().map(|caller| caller.user_id().to_owned()),
            ended: None,
        };
        self.with(|all| all.push(record));
        Ok(())
    }

    fn ended(&self, ended: &Ended<'_>) -> Result<(), RecordError> {
        if self.fault == Fault::EndsUnrecorded {
            return Err("the disk is full, as the scenario says".into());
        }
        let id = ended.decision.to_string();
        let end = End {
            ran: ended.ran,
            state: match ended.state {
                EndState::Completed => "completed",
                EndState::Failed => "failed",
                EndState::Cancelled => "cancelled",
                _ => "unknown",
            }
            .to_owned(),
        };
        self.with(|all| {
            let record = all.iter_mut().find(|record| record.id == id);
            match record {
                Some(record) if record.outcome != "allow" => {
                    self.odd(format!("`{}` ended and was not permitted", record.tool));
                }
                Some(record) if record.ended.is_none() => record.ended = Some(end),
                Some(record) => self.odd(format!("the call `{}` ended twice", record.tool)),
                None => self.odd(format!("`{}` ended and was never decided", ended.tool)),
            }
        });
        Ok(())
    }
}
