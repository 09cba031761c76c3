//! Calls that go on after their answer: the task is its caller's alone, and its result is given out while the call is still permitted.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hexgate_base::Digest;
use hexgate_base::guarded::locked;
use hexgate_enforce::{Caller, EndState, Permit};
use rmcp::model::{
    CallToolResult, CreateTaskResult, DetailedTask, ErrorData, GetTaskResult, InputResponses,
    JsonObject, TaskPayload,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::call::Request;
use super::talk::Talk;
use super::{Gateway, shown};
use crate::server::{Failure, Server, TaskName, Tool};

/// How long a task is known at most.
const KNOWN: Duration = Duration::from_secs(24 * 3600);
/// Tasks that are known at a time, of all and of one user. When there are more of a user, the oldest of that user is forgotten.
const MAX_KNOWN: usize = 10_000;
const MAX_OF_USER: usize = 100;

/// The tasks of all callers, by the names that clients have for them.
#[derive(Default)]
pub(super) struct Tasks(Mutex<HashMap<String, Arc<Held>>>);

/// A task of a server.
struct Held {
    user: String,
    caller: Digest,
    began: Instant,
    until: Instant,
    server: Arc<Server>,
    tool: Arc<Tool>,
    /// The server's own name for it.
    name: TaskName,
    permit: Permit,
    /// The names of what the server asked in it.
    asked: Mutex<BTreeSet<String>>,
}

/// What a client is told of a task, and what the record says of that.
struct Told {
    task: DetailedTask,
    state: EndState,
    /// The whole result, if there is one.
    text: Option<String>,
    error: Option<&'static str>,
}

impl Tasks {
    fn keep(&self, held: Held) -> Result<String, Failure> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| Failure::Lied(error.to_string()))?;
        let name = format!("{:032x}", u128::from_be_bytes(random));
        let mut tasks = locked(&self.0);
        let now = Instant::now();
        tasks.retain(|_, task| task.until > now);
        let own = tasks.iter().filter(|(_, task)| task.user == held.user);
        if own.clone().count() >= MAX_OF_USER
            && let Some((oldest, _)) = own.min_by_key(|(_, task)| task.began)
        {
            let oldest = oldest.clone();
            tasks.remove(&oldest);
        }
        if tasks.len() >= MAX_KNOWN {
            return Err(Failure::Unkept);
        }
        tasks.insert(name.clone(), Arc::new(held));
        Ok(name)
    }

    fn of(&self, caller: &Caller, name: &str) -> Option<Arc<Held>> {
        let task = locked(&self.0).get(name).cloned()?;
        let is_own = task.caller == caller.fingerprint() && task.name.run == task.server.run();
        (task.until > Instant::now() && is_own).then_some(task)
    }
}

/// What a caller is told who asks for a task that is not theirs, or of nobody.
fn unknown() -> ErrorData {
    ErrorData::invalid_params("[unknown_task] you have no such task", None)
}

fn read<T: DeserializeOwned>(object: JsonObject) -> Result<T, Failure> {
    serde_json::from_value(Value::Object(object)).map_err(|error| Failure::Lied(error.to_string()))
}

fn object(value: impl serde::Serialize) -> Result<JsonObject, Failure> {
    match serde_json::to_value(value) {
        Ok(Value::Object(object)) => Ok(object),
        _ => Err(Failure::Lied("it is no object".to_owned())),
    }
}

impl Gateway {
    /// Keeps a task for its caller, under a name of the gateway's own.
    pub(super) fn hold(
        &self,
        caller: &Caller,
        (server, run): (Arc<Server>, u64),
        tool: Arc<Tool>,
        permit: Permit,
        mut created: CreateTaskResult,
    ) -> Result<CreateTaskResult, Failure> {
        let now = Instant::now();
        let known = created.task.ttl_ms.map_or(KNOWN, Duration::from_millis);
        let held = Held {
            user: caller.user_id().to_owned(),
            caller: caller.fingerprint(),
            began: now,
            until: now + known.min(KNOWN),
            server,
            tool,
            name: TaskName {
                run,
                id: std::mem::take(&mut created.task.task_id),
            },
            permit,
            asked: Mutex::default(),
        };
        shown::task(&mut created.task, self.cleaning());
        created.meta = None;
        created.task.task_id = self.0.tasks.keep(held)?;
        Ok(created)
    }

    /// What a task is doing, and its result once it has one.
    pub(super) async fn task(
        &self,
        request: Request<'_>,
        name: &str,
    ) -> Result<GetTaskResult, ErrorData> {
        let task = self.0.tasks.of(request.caller, name).ok_or_else(unknown)?;
        let talk = Talk::new(self, &request, &task.server, &task.permit);
        let got = self.looked_at(&talk, &task).await;
        let mut got = got.map_err(|failure| talk.error(&failure))?;
        got.task.task_id = name.to_owned();
        Ok(GetTaskResult::new(got))
    }

    /// Asks the server. What it says is decided once it is there, as the call that the task is of, and told if that is permitted by then.
    async fn looked_at(&self, talk: &Talk<'_>, held: &Held) -> Result<DetailedTask, Failure> {
        let caller = talk.request.caller;
        let may_ask = !self.is_stopped(caller) && self.may_see(caller, &held.tool.decided_as);
        let began = Instant::now();
        let got = if may_ask {
            held.server.task(talk, &held.tool, &held.name).await
        } else {
            Err(Failure::NoLongerPermitted)
        };
        let took = began.elapsed();
        let decision = self.still_permitted(talk.request, talk.permit)?;
        let told = got.and_then(|got| self.told(talk, held, got.task));
        match &told {
            Ok(told) => {
                let text = told.text.as_deref();
                self.ended(&decision, true, told.state, text, told.error, took);
            }
            Err(failure) => self.failed(&decision, failure, took),
        }
        told.map(|told| told.task)
    }

    /// What a server says of a task, as its client is told.
    fn told(&self, talk: &Talk<'_>, held: &Held, said: DetailedTask) -> Result<Told, Failure> {
        let DetailedTask {
            mut task, payload, ..
        } = said;
        let cleaning = self.cleaning();
        shown::task(&mut task, cleaning);
        let (mut state, mut text) = (EndState::Completed, None);
        let (payload, error) = match payload {
            TaskPayload::InputRequired { input_requests } => {
                let input_requests = talk.questions(Some(input_requests))?;
                locked(&held.asked).extend(input_requests.keys().cloned());
                let asks = TaskPayload::InputRequired { input_requests };
                (asks, Some("input_required"))
            }
            TaskPayload::Completed { result } => {
                let most = self.0.config.limits.result_bytes;
                let (result, whole) =
                    shown::passed(read::<CallToolResult>(result)?, cleaning, most)?;
                let is_error = result.is_error == Some(true);
                if is_error {
                    state = EndState::Failed;
                }
                text = Some(whole);
                let result = object(result)?;
                (
                    TaskPayload::Completed { result },
                    is_error.then_some("tool"),
                )
            }
            TaskPayload::Failed { error } => {
                let failure = Failure::Error(Box::new(read(error)?));
                state = EndState::Failed;
                let error = object(talk.error(&failure))?;
                (TaskPayload::Failed { error }, Some(failure.name()))
            }
            TaskPayload::Working => (TaskPayload::Working, Some("task")),
            TaskPayload::Cancelled => (TaskPayload::Cancelled, Some("cancelled")),
            _ => return Err(Failure::Lied("it is of an unknown kind".to_owned())),
        };
        Ok(Told {
            task: DetailedTask::new(task, payload),
            state,
            text,
            error,
        })
    }

    /// Gives a task what its server asked for, if the call is still permitted. Answers to what nobody asked are left out.
    pub(super) async fn update(
        &self,
        request: Request<'_>,
        name: &str,
        responses: InputResponses,
    ) -> Result<(), ErrorData> {
        let task = self.0.tasks.of(request.caller, name).ok_or_else(unknown)?;
        let talk = Talk::new(self, &request, &task.server, &task.permit);
        let updated = async {
            let decision = self.still_permitted(&request, &task.permit)?;
            // A question is answered once.
            let responses = responses
                .into_iter()
                .filter(|(key, _)| locked(&task.asked).remove(key))
                .collect();
            let (server, began) = (&task.server, Instant::now());
            let updated = server
                .update(&talk, &task.tool, &task.name, responses)
                .await;
            let took = began.elapsed();
            match &updated {
                Ok(()) => self.ended(
                    &decision,
                    true,
                    EndState::Completed,
                    None,
                    Some("task"),
                    took,
                ),
                Err(failure) => self.failed(&decision, failure, took),
            }
            updated
        };
        updated.await.map_err(|failure| talk.error(&failure))
    }

    /// Ends a task. Whoever began it needs no permission for that, as it takes nothing but away.
    pub(super) async fn cancel(&self, request: Request<'_>, name: &str) -> Result<(), ErrorData> {
        let task = self.0.tasks.of(request.caller, name).ok_or_else(unknown)?;
        let talk = Talk::new(self, &request, &task.server, &task.permit);
        let cancelled = task.server.cancel(&talk, &task.name).await;
        cancelled.map_err(|failure| talk.error(&failure))
    }
}
