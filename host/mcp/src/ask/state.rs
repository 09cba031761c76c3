//! The sealed state of a question, which the client carries and cannot change.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use hexgate_base::guarded::locked;
use hexgate_base::{Clock as _, Digest, Sealer, SystemClock, Timestamp};
use hexgate_enforce::{Answer, Decision};
use serde::{Deserialize, Serialize};

/// How long a question is open.
const OPEN: Duration = Duration::from_secs(600);
/// Questions that are open at a time.
const MAX_OPEN: usize = 10_000;
/// Questions of one user that are open at a time. When there are more, that user's oldest can no longer be answered.
const MAX_OF_USER: usize = 100;
/// The longest state that is looked at, and the longest one of a server that is carried in it.
const MAX_STATE: usize = 64 << 10;
const MAX_CARRIED: usize = 32 << 10;

/// What is sealed here.
const PURPOSE: &str = "question to a client";

/// Seals states and counts each once. A gateway that is started again knows none of them.
#[derive(Debug)]
pub(crate) struct States {
    sealer: Sealer,
    open: Mutex<HashMap<String, Open>>,
}

/// A question that can be answered.
#[derive(Debug)]
struct Open {
    user: String,
    began: Instant,
    until: Instant,
}

/// The system gives no random numbers.
#[derive(Debug, thiserror::Error)]
#[error("the system gives no random numbers: {0}")]
pub struct RandomError(String);

/// What is sealed.
#[derive(Debug, Serialize, Deserialize)]
struct Sealed {
    name: String,
    asks: Asks,
}

/// Who asked.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Asks {
    /// The gateway, for approval.
    Gateway,
    /// The server, while it ran a call that was permitted.
    Server {
        /// Its own state.
        state: Option<String>,
        /// The names of what it asks.
        keys: Vec<String>,
        /// Who approved the call, if it needed that.
        approved: Option<Approved>,
    },
}

/// An approval that a call goes on with. Questions in between do not prolong it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Approved {
    by: String,
    reason: Option<String>,
    request: Option<String>,
    /// Who had to agree, by the policy.
    terms: String,
    /// Until when, in seconds since 1970.
    until: u64,
}

impl Approved {
    /// What a decision was approved by, if it was.
    pub(super) fn of(decision: &Decision) -> Result<Option<Self>, String> {
        let Some(by) = decision.approved_by() else {
            return Ok(None);
        };
        Ok(Some(Self {
            by: by.to_owned(),
            reason: decision.approval_reason().map(str::to_owned),
            request: decision.approved_request().map(str::to_owned),
            terms: terms(decision),
            until: now()?
                .unix_seconds()
                .saturating_add(open_for(decision).as_secs()),
        }))
    }

    /// How long it still counts.
    fn remaining(&self) -> Result<Duration, String> {
        let left = self.until.saturating_sub(now()?.unix_seconds());
        Ok(Duration::from_secs(left))
    }

    /// What it means for a decision. The facts of a call may have changed since, and with them who has to agree.
    pub(super) fn answer(self, decision: &Decision) -> Answer {
        if self.terms != terms(decision) {
            let reason = "others have to agree now than those who did before the server asked; make the call again without the state";
            return Answer::Denied {
                reason: reason.to_owned(),
            };
        }
        Answer::Approved {
            by: self.by,
            reason: self.reason,
            request: self.request,
        }
    }
}

impl States {
    pub(super) fn new() -> Result<Self, RandomError> {
        Ok(Self {
            sealer: Sealer::new().map_err(|error| RandomError(error.to_string()))?,
            open: Mutex::default(),
        })
    }

    /// The name of a new question about a call, and its state.
    pub(super) fn issue(
        &self,
        decision: &Decision,
        asks: Asks,
    ) -> Result<(String, String), String> {
        let mut time = open_for(decision);
        if let Asks::Server {
            state,
            keys,
            approved,
        } = &asks
        {
            if let Some(approved) = approved {
                time = time.min(approved.remaining()?);
            }
            let state = state.as_ref().map_or(0, String::len);
            if state + keys.iter().map(String::len).sum::<usize>() > MAX_CARRIED {
                return Err(format!(
                    "the server's state has more than {MAX_CARRIED} bytes"
                ));
            }
        }
        let bound = bound(decision)?;
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| error.to_string())?;
        let name = format!("{:032x}", u128::from_be_bytes(random));
        let until = now()?
            .unix_seconds()
            .checked_add(time.as_secs())
            .and_then(Timestamp::from_unix_seconds);
        let until = until.ok_or("the clock is out of range")?;
        let sealed = Sealed {
            name: name.clone(),
            asks,
        };
        let sealed = serde_json::to_vec(&sealed).map_err(|error| error.to_string())?;
        let sealed = self.sealer.seal(PURPOSE, &bound, &sealed, until);
        let mut open = locked(&self.open);
        let now = Instant::now();
        open.retain(|_, question| question.until > now);
        let user = decision
            .caller()
            .map(|caller| caller.user_id())
            .unwrap_or_default();
        let own = open.iter().filter(|(_, question)| question.user == user);
        if own.clone().count() >= MAX_OF_USER
            && let Some(oldest) = own.min_by_key(|(_, question)| question.began)
        {
            let oldest = oldest.0.clone();
            open.remove(&oldest);
        }
        if open.len() >= MAX_OPEN {
            return Err("too many questions are open".to_owned());
        }
        let question = Open {
            user: user.to_owned(),
            began: now,
            until: now + time,
        };
        open.insert(name.clone(), question);
        Ok((name, sealed))
    }

    /// Whether this is the state of a server that asked while it ran this call. It is not used up.
    pub(super) fn is_of_server(&self, decision: &Decision, sealed: &str) -> bool {
        self.unsealed(decision, sealed)
            .is_ok_and(|it| matches!(it.asks, Asks::Server { .. }))
    }

    /// What was sealed, if it was for this call.
    fn unsealed(&self, decision: &Decision, sealed: &str) -> Result<Sealed, String> {
        if sealed.len() > MAX_STATE {
            return Err("the state that came back is none that was given".to_owned());
        }
        let foreign = |error: &dyn std::error::Error| {
            format!(
                "the state that came back was not given for this call by this caller under this policy: {error}"
            )
        };
        let content = self
            .sealer
            .open(PURPOSE, &bound(decision)?, sealed, now()?)
            .map_err(|error| foreign(&error))?;
        serde_json::from_slice(&content).map_err(|error| foreign(&error))
    }

    /// Uses a state up. The name of its question, and who asked it.
    pub(super) fn redeem(
        &self,
        decision: &Decision,
        sealed: &str,
    ) -> Result<(String, Asks), String> {
        let Sealed { name, asks } = self.unsealed(decision, sealed)?;
        let mut open = locked(&self.open);
        match open.remove(&name) {
            Some(question) if question.until > Instant::now() => Ok((name, asks)),
            Some(_) => Err("the question is no longer open".to_owned()),
            None => Err("the answer was used already".to_owned()),
        }
    }
}

/// Who has to agree, in a form that is compared and nothing else.
fn terms(decision: &Decision) -> String {
    format!("{:?}", decision.approval_terms())
}

/// How long a question about a call is open: as long as the policy gives an approval, and not longer than others.
pub(super) fn open_for(decision: &Decision) -> Duration {
    let expires = decision.approval_terms().and_then(|terms| terms.expires);
    expires.map_or(OPEN, |seconds| {
        Duration::from_secs(seconds.into()).min(OPEN)
    })
}

fn now() -> Result<Timestamp, String> {
    Timestamp::from_system_time(SystemClock.now())
        .ok_or_else(|| "the clock is out of range".to_owned())
}

/// What a question is about: caller, tool, arguments and policy.
fn bound(decision: &Decision) -> Result<Vec<u8>, String> {
    let caller = decision.caller().ok_or("nobody calls")?;
    let policy = decision.policy();
    let attributes =
        serde_json::to_string(caller.attributes()).map_err(|error| error.to_string())?;
    let parts = (
        decision.agent(),
        caller.user_id(),
        caller.roles(),
        caller.session(),
        attributes,
        decision.tool(),
        Digest::of(decision.arguments().as_bytes()).to_string(),
        policy.component.to_string(),
        policy.manifest.map(|manifest| manifest.to_string()),
    );
    serde_json::to_vec(&parts).map_err(|error| error.to_string())
}
