//! Who is asked when a call needs approval: the person at the client where the client can ask, else the people of a database.
//!
//! The gateway asks so, and servers that are written with rmcp can (`hexgate-rmcp`).

mod form;
mod state;

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use hexgate_base::guarded::locked;
use hexgate_enforce::{
    Answer, AnswerFuture, ApprovalError, ApprovalHandler, Decision, DurableApprovals,
    request_notice,
};
use rmcp::model::{
    CallToolResult, ClientCapabilities, ContentBlock, ElicitRequestParams, ElicitResult, ErrorData,
    InputRequest, InputRequiredResult, InputResponses, MetaObject,
};
use serde_json::Value;

use state::{Approved, Asks, States};

pub use state::RandomError;

/// The name of the question in an `InputRequiredResult`.
pub const QUESTION: &str = "approval";

/// The key under which the id of a request for approval stands in the `_meta` of a result.
const REQUEST: &str = "hexgate/approvalRequest";

/// A call that does not run, as the model reads it: why, and the request for approval that was stored for it, if there is one.
#[must_use]
pub fn not_run(mut why: String, request: Option<&str>) -> CallToolResult {
    let mut meta = None;
    if let Some(request) = request {
        why = format!("{why} {}", request_notice(request));
        let mut object = MetaObject::default();
        object.insert(REQUEST.to_owned(), Value::String(request.to_owned()));
        meta = Some(object);
    }
    let mut result = CallToolResult::error(vec![ContentBlock::text(why)]);
    result.meta = meta;
    result
}

/// Asks the person at a client while the client waits.
#[async_trait]
pub trait Elicit: Send + Sync {
    /// Shows a form, and waits for the answer.
    ///
    /// # Errors
    ///
    /// The client did not ask.
    async fn elicit(&self, form: ElicitRequestParams) -> Result<ElicitResult, ErrorData>;
}

/// How the client of one call can ask its user.
pub enum Road {
    /// It cannot.
    None,
    /// While the call waits: 2025-06-18 and 2025-11-25.
    Waiting(Box<dyn Elicit>),
    /// By being asked for input and calling again: 2026-07-28.
    Again,
}

impl std::fmt::Debug for Road {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Waiting(_) => "Waiting",
            Self::Again => "Again",
        })
    }
}

/// What a client sent with a call that it makes again.
#[derive(Debug, Clone)]
pub struct Given {
    /// The sealed state.
    pub state: String,
    /// What the person answered.
    pub responses: InputResponses,
}

/// The question of one call.
#[derive(Debug)]
pub struct Asking {
    road: Road,
    given: Option<Given>,
    issued: Mutex<Option<InputRequiredResult>>,
    carried: Mutex<Option<Carried>>,
    /// What the call was approved by before the server asked.
    approved: Mutex<Option<Approved>>,
    /// Whether the state that came with the call counts for nothing.
    unknown: AtomicBool,
}

/// What goes back to a server that asked the user.
#[derive(Debug, Clone)]
pub struct Carried {
    /// The server's own state.
    pub state: Option<String>,
    /// What the person answered to the server.
    pub responses: InputResponses,
}

tokio::task_local! {
    static ASKING: std::sync::Arc<Asking>;
}

impl Asking {
    /// The question of a call that came by this road, with this.
    pub fn new(road: Road, given: Option<Given>) -> std::sync::Arc<Self> {
        std::sync::Arc::new(Self {
            road,
            given,
            issued: Mutex::default(),
            carried: Mutex::default(),
            approved: Mutex::default(),
            unknown: AtomicBool::new(false),
        })
    }

    /// Whether the call was denied because the state that came with it counts for nothing. That is an error of the protocol: the client
    /// carries the state, and no model can mend it.
    pub(crate) fn is_unknown(&self) -> bool {
        self.unknown.load(Ordering::Relaxed)
    }

    /// Whether the client can ask its user.
    #[must_use]
    pub fn is_possible(&self) -> bool {
        !matches!(self.road, Road::None)
    }

    /// The input that the client is asked for, if it is.
    #[must_use]
    pub fn issued(&self) -> Option<InputRequiredResult> {
        locked(&self.issued).take()
    }

    /// Runs something in which approval is asked for by this road.
    pub async fn during<T>(self: std::sync::Arc<Self>, work: impl Future<Output = T>) -> T {
        ASKING.scope(self, work).await
    }
}

/// Whether a client with these capabilities can show a form to its user.
#[must_use]
pub fn has_forms(capabilities: &ClientCapabilities) -> bool {
    capabilities
        .elicitation
        .as_ref()
        .is_some_and(|elicitation| elicitation.form.is_some() || elicitation.url.is_none())
}

/// All roads.
#[derive(Debug)]
pub struct Roads {
    ask_client: bool,
    durable: Option<DurableApprovals>,
    states: States,
    limit: Duration,
}

impl Roads {
    /// Whether the person at the client is asked, who is asked else, and how long the person at the client is waited for while the client waits.
    ///
    /// # Errors
    ///
    /// The system gives no random numbers to seal states with.
    pub fn new(
        ask_client: bool,
        durable: Option<DurableApprovals>,
        limit: Duration,
    ) -> Result<Self, RandomError> {
        Ok(Self {
            ask_client,
            durable,
            states: States::new()?,
            limit,
        })
    }

    /// Whether anybody can be asked.
    #[must_use]
    pub fn is_possible(&self, asking: &Asking) -> bool {
        self.durable.is_some() || (self.ask_client && asking.is_possible())
    }

    /// Whether the person at the client may answer for this call. Several approvers are not there, and where the policy names roles the
    /// caller must have one.
    fn may_client_answer(&self, decision: &Decision) -> bool {
        let Some(terms) = decision.approval_terms() else {
            return self.ask_client;
        };
        let has_role = terms.roles.is_empty()
            || decision
                .caller()
                .is_some_and(|caller| caller.roles().iter().any(|role| terms.roles.contains(role)));
        self.ask_client && has_role && terms.approvers.unwrap_or(1) <= 1
    }

    async fn ask_by(
        &self,
        asking: Option<&Asking>,
        decision: &Decision,
    ) -> Result<Answer, ApprovalError> {
        let form = form::of(decision);
        // The server asked while it ran this very call: whoever approved it then is not asked again.
        if let Some(asking) = asking
            && let Some(given) = &asking.given
            && self.states.is_of_server(decision, &given.state)
        {
            return Ok(self.redeem(asking, decision, given));
        }
        if let (Some(asking), Some(form)) = (asking, form)
            && self.may_client_answer(decision)
        {
            match (&asking.road, &asking.given) {
                (Road::None, _) => {}
                (Road::Waiting(client), _) => {
                    let limit = self.limit.min(state::open_for(decision));
                    let waiting = tokio::time::timeout(limit, client.elicit(form)).await;
                    return Ok(match waiting {
                        Ok(Ok(result)) => {
                            form::answer(decision, &serde_json::to_value(result)?, None)
                        }
                        Ok(Err(error)) => {
                            denied(format!("the client did not ask: {}", error.message))
                        }
                        Err(_) => denied(format!(
                            "nobody answered at the client within {} seconds",
                            limit.as_secs()
                        )),
                    });
                }
                (Road::Again, Some(given)) => return Ok(self.redeem(asking, decision, given)),
                (Road::Again, None) => return self.issue(asking, decision, form),
            }
        }
        match &self.durable {
            Some(durable) => durable.ask_async(decision).await,
            None => Ok(denied(
                "nobody who may answer can be asked: not at the client, and there is no database of approvals".to_owned(),
            )),
        }
    }

    /// Asks for input, under a state that counts for this call alone.
    fn issue(
        &self,
        asking: &Asking,
        decision: &Decision,
        form: ElicitRequestParams,
    ) -> Result<Answer, ApprovalError> {
        let (request, sealed) = self.states.issue(decision, Asks::Gateway)?;
        let question = InputRequest::Elicitation(rmcp::model::Request::new(form));
        let result =
            InputRequiredResult::new(Some([(QUESTION.to_owned(), question)].into()), Some(sealed));
        *locked(&asking.issued) = Some(result);
        Ok(Answer::Pending { request })
    }

    fn redeem(&self, asking: &Asking, decision: &Decision, given: &Given) -> Answer {
        match self.states.redeem(decision, &given.state) {
            Err(why) => {
                asking.unknown.store(true, Ordering::Relaxed);
                denied(why)
            }
            // The server asked while it ran this very call.
            Ok((_, asks @ Asks::Server { .. })) => {
                asking.carry(asks, given);
                match locked(&asking.approved).clone() {
                    Some(approved) => approved.answer(decision),
                    None => denied(
                        "the call needed no approval before the server asked, and needs one now; make it again without the state".to_owned(),
                    ),
                }
            }
            Ok((request, Asks::Gateway)) => match given.responses.get(QUESTION) {
                Some(response) => form::answer(decision, response, Some(request)),
                None => denied("the client sent no answer to the question".to_owned()),
            },
        }
    }
}

impl Asking {
    /// Takes what a server's state carries. Answers to what nobody asked are left out.
    fn carry(&self, asks: Asks, given: &Given) {
        let Asks::Server {
            state,
            keys,
            approved,
        } = asks
        else {
            return;
        };
        *locked(&self.approved) = approved;
        let responses = given.responses.iter();
        let asked = responses.filter(|(key, _)| keys.contains(key));
        let carried = Carried {
            state,
            responses: asked.map(|(key, it)| (key.clone(), it.clone())).collect(),
        };
        *locked(&self.carried) = Some(carried);
    }
}

impl Roads {
    /// Seals the state of a server that asks for input to the call that it was permitted to run. `keys`: the names of what it asks.
    ///
    /// An approval of the call goes on with it, and ends when it would have ended.
    ///
    /// # Errors
    ///
    /// The state is too large, or too many questions are open.
    pub fn seal(
        &self,
        asking: &Asking,
        decision: &Decision,
        state: Option<String>,
        keys: Vec<String>,
    ) -> Result<String, String> {
        let approved = match locked(&asking.approved).take() {
            None => Approved::of(decision)?,
            before => before,
        };
        let asks = Asks::Server {
            state,
            keys,
            approved,
        };
        let (_, sealed) = self.states.issue(decision, asks)?;
        Ok(sealed)
    }

    /// What goes back to the server, if the call came with the state of one. A state that was not asked for is an error.
    ///
    /// # Errors
    ///
    /// The state was not given for this call.
    pub fn carried(&self, asking: &Asking, decision: &Decision) -> Result<Option<Carried>, String> {
        // Where approval was asked for, the state was used up then.
        if let (Some(given), None) = (&asking.given, decision.follows()) {
            match self.states.redeem(decision, &given.state)? {
                (_, asks @ Asks::Server { .. }) => asking.carry(asks, given),
                (_, Asks::Gateway) => return Err("no approval is needed".to_owned()),
            }
        }
        Ok(locked(&asking.carried).take())
    }
}

fn denied(reason: String) -> Answer {
    Answer::Denied { reason }
}

/// The handler of an enforcer.
#[derive(Debug)]
pub struct Handler(pub std::sync::Arc<Roads>);

impl ApprovalHandler for Handler {
    fn ask(&self, _: &Decision) -> Result<Answer, ApprovalError> {
        Err("the gateway asks without holding a thread".into())
    }

    /// Where the client is asked this must run in the task of its request: a question belongs to it. The database is asked in a task that
    /// goes on when the client is gone.
    fn uses_up(&self) -> bool {
        let asks_client = ASKING
            .try_with(|asking| asking.is_possible())
            .unwrap_or(false);
        !(asks_client && self.0.ask_client)
    }

    fn gathers(&self) -> bool {
        self.0.durable.is_some()
    }

    fn ask_async<'a>(&'a self, decision: &'a Decision) -> AnswerFuture<'a> {
        let asking = ASKING.try_with(std::sync::Arc::clone).ok();
        Box::pin(async move { self.0.ask_by(asking.as_deref(), decision).await })
    }
}
