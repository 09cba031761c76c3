//! A request that was permitted, from its sending to its answer, through the questions of the server in between.

use std::time::Duration;

use futures_util::FutureExt as _;
use rmcp::model::{
    CallToolResponse, CallToolResult, CreateTaskResult, GetPromptResponse, GetPromptResult,
    InputRequiredResult, InputResponses, ReadResourceResponse, ReadResourceResult,
};

use super::Gateway;
use super::talk::{ROUNDS, Talk};
use crate::server::{Failure, Input};

/// How long it is waited before a server that only gave a state is asked again.
const PAUSE: Duration = Duration::from_millis(250);

/// What a server answers, and what comes of it for the client.
pub(super) enum Reply<T> {
    Done(T),
    /// It asks for input, and the client makes the request again.
    Asks(Box<InputRequiredResult>),
    /// It goes on by itself.
    Task(Box<CreateTaskResult>),
}

/// A server's answer as a reply.
pub(super) trait IntoReply {
    type Result;
    fn into_reply(self) -> Result<Reply<Self::Result>, Failure>;
}

fn unknown<T>() -> Result<T, Failure> {
    Err(Failure::Lied("it is of an unknown kind".to_owned()))
}

impl IntoReply for CallToolResponse {
    type Result = CallToolResult;

    fn into_reply(self) -> Result<Reply<CallToolResult>, Failure> {
        match self {
            Self::Complete(result) => Ok(Reply::Done(result)),
            Self::InputRequired(asked) => Ok(Reply::Asks(Box::new(asked))),
            Self::Task(task) => Ok(Reply::Task(Box::new(task))),
            _ => unknown(),
        }
    }
}

impl IntoReply for GetPromptResponse {
    type Result = GetPromptResult;

    fn into_reply(self) -> Result<Reply<GetPromptResult>, Failure> {
        match self {
            Self::Complete(result) => Ok(Reply::Done(result)),
            Self::InputRequired(asked) => Ok(Reply::Asks(Box::new(asked))),
            _ => unknown(),
        }
    }
}

impl IntoReply for ReadResourceResponse {
    type Result = ReadResourceResult;

    fn into_reply(self) -> Result<Reply<ReadResourceResult>, Failure> {
        match self {
            Self::Complete(result) => Ok(Reply::Done(result)),
            Self::InputRequired(asked) => Ok(Reply::Asks(Box::new(asked))),
            _ => unknown(),
        }
    }
}

impl IntoReply for rmcp::model::CompleteResult {
    type Result = Self;

    fn into_reply(self) -> Result<Reply<Self>, Failure> {
        Ok(Reply::Done(self))
    }
}

/// A request as it is sent, however often.
pub(super) trait Ask: Sync {
    type Reply: IntoReply;

    /// Sends it once, with what the server asked for before.
    fn ask(
        &self,
        talk: &Talk<'_>,
        input: Option<Input>,
    ) -> impl Future<Output = Result<Self::Reply, Failure>> + Send;
}

impl Gateway {
    /// Asks the server until it answers, or until the client has to be asked by the result.
    pub(super) async fn converse<A: Ask>(
        &self,
        talk: &Talk<'_>,
        ask: &A,
    ) -> Result<Reply<<A::Reply as IntoReply>::Result>, Failure> {
        let (request, roads) = (talk.request, &self.0.roads);
        let decision = talk.permit.decision();
        let carried = roads
            .carried(&request.asking, decision)
            .map_err(|_| Failure::State)?;
        let mut input = carried.map(|carried| (carried.state, Some(carried.responses)));
        if (request.cancelled)().now_or_never().is_some() {
            return Err(Failure::Cancelled { sent: false });
        }
        for _ in 0..ROUNDS {
            let reply = tokio::select! {
                // What was cancelled by now is not sent.
                biased;
                () = (request.cancelled)() => return Err(Failure::Cancelled { sent: true }),
                reply = ask.ask(talk, input.take()) => reply?.into_reply()?,
            };
            let asked = match reply {
                Reply::Asks(asked) => asked,
                done => return Ok(done),
            };
            let questions = talk.questions(asked.input_requests)?;
            if request.side.is_modern {
                let keys = questions.keys().cloned().collect();
                let sealed = roads.seal(&request.asking, decision, asked.request_state, keys);
                let sealed = sealed.map_err(Failure::Lied)?;
                let questions = (!questions.is_empty()).then_some(questions);
                let asked = InputRequiredResult::new(questions, Some(sealed));
                return Ok(Reply::Asks(Box::new(asked)));
            }
            if questions.is_empty() {
                tokio::time::sleep(PAUSE).await;
                let _ = self.still_permitted(request, talk.permit)?;
                input = Some((asked.request_state, None));
                continue;
            }
            let mut responses = InputResponses::new();
            for (key, question) in questions {
                let answer = tokio::select! {
                    () = (request.cancelled)() => return Err(Failure::Cancelled { sent: true }),
                    answer = talk.answer(question) => answer?,
                };
                responses.insert(key, answer);
            }
            input = Some((asked.request_state, Some(responses)));
        }
        Err(Failure::Refused("asks for input again and again"))
    }
}
