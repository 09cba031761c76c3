//! Under which names spans carry what they carry.

/// Under which names spans carry what they carry: one table, so that another backend is another table. None: it is not reported.
///
/// [`Names::GEN_AI`] are the semantic conventions of OpenTelemetry for generative models, [`Names::LANGFUSE`] the attributes of Langfuse.
/// A table of your own begins with one of them: `Names { user: Some("enduser.id"), ..Names::GEN_AI }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// What is done: the values are those of [`Operation`].
    pub operation: Option<&'static str>,
    /// What [`operation`](Self::operation) says for a run, a request of a model, a call of a tool.
    pub operations: Operation,
    /// The agent.
    pub agent: Option<&'static str>,
    /// The name of the whole trace, on the span of the outermost run: its agent.
    pub trace: Option<&'static str>,
    /// Who provides the model.
    pub provider: Option<&'static str>,
    /// The name of the model.
    pub model: Option<&'static str>,
    /// Why an answer ended.
    pub finish_reasons: Option<&'static str>,
    /// The tokens that an answer took.
    pub usage: UsageNames,
    /// The tool.
    pub tool: Option<&'static str>,
    /// The kind of tool: always `function`.
    pub tool_type: Option<&'static str>,
    /// The call, as events name it.
    pub call: Option<&'static str>,
    /// The user's id.
    pub user: Option<&'static str>,
    /// The session.
    pub session: Option<&'static str>,
    /// The session as the conventions name it.
    pub conversation: Option<&'static str>,
    /// The user's roles, joined by commas.
    pub roles: Option<&'static str>,
    /// What kind of failure it was, on spans that failed.
    pub error: Option<&'static str>,
    /// The system prompt. Content.
    pub instructions: Option<&'static str>,
    /// The conversation that a model is asked to go on with. Content.
    pub input: Option<&'static str>,
    /// What a model answers. Content.
    pub output: Option<&'static str>,
    /// The arguments of a call. Content.
    pub arguments: Option<&'static str>,
    /// What the model reads of a call's result. Content.
    pub result: Option<&'static str>,
    /// What the user says, on the span of a run. Content.
    pub query: Option<&'static str>,
    /// What the agent answers, on the span of a run. Content.
    pub answer: Option<&'static str>,
}

/// The words for what spans are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    /// A run.
    pub run: &'static str,
    /// A request of a model.
    pub model: &'static str,
    /// A call of a tool.
    pub tool: &'static str,
}

/// How tokens are reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsageNames {
    /// As two numbers, on spans of models and of runs.
    Two {
        /// Tokens of requests.
        input: &'static str,
        /// Tokens of answers.
        output: &'static str,
    },
    /// As a JSON object with `input` and `output`, on spans of models alone: the backend adds them up.
    Json(&'static str),
}

impl Names {
    /// The semantic conventions of OpenTelemetry, with the attributes of Langfuse for the user, the session and the roles, which both need on
    /// every span.
    pub const GEN_AI: Self = Self {
        operation: Some("gen_ai.operation.name"),
        operations: Operation {
            run: "invoke_agent",
            model: "chat",
            tool: "execute_tool",
        },
        agent: Some("gen_ai.agent.name"),
        trace: None,
        provider: Some("gen_ai.provider.name"),
        model: Some("gen_ai.request.model"),
        finish_reasons: Some("gen_ai.response.finish_reasons"),
        usage: UsageNames::Two {
            input: "gen_ai.usage.input_tokens",
            output: "gen_ai.usage.output_tokens",
        },
        tool: Some("gen_ai.tool.name"),
        tool_type: Some("gen_ai.tool.type"),
        call: Some("gen_ai.tool.call.id"),
        user: Some("user.id"),
        session: Some("session.id"),
        conversation: Some("gen_ai.conversation.id"),
        roles: Some("langfuse.trace.metadata.user_role"),
        error: Some("error.type"),
        instructions: Some("gen_ai.system_instructions"),
        input: Some("gen_ai.input.messages"),
        output: Some("gen_ai.output.messages"),
        arguments: Some("gen_ai.tool.call.arguments"),
        result: Some("gen_ai.tool.call.result"),
        query: Some("gen_ai.input.messages"),
        answer: Some("gen_ai.output.messages"),
    };

    /// The attributes of Langfuse.
    pub const LANGFUSE: Self = Self {
        operation: Some("langfuse.observation.type"),
        operations: Operation {
            run: "agent",
            model: "generation",
            tool: "tool",
        },
        agent: Some("langfuse.observation.metadata.agent"),
        trace: Some("langfuse.trace.name"),
        provider: Some("langfuse.observation.metadata.provider"),
        model: Some("langfuse.observation.model.name"),
        finish_reasons: Some("langfuse.observation.metadata.finish_reasons"),
        usage: UsageNames::Json("langfuse.observation.usage_details"),
        tool: Some("langfuse.observation.metadata.tool"),
        tool_type: None,
        call: Some("langfuse.observation.metadata.call_id"),
        user: Some("user.id"),
        session: Some("session.id"),
        conversation: None,
        roles: Some("langfuse.trace.metadata.user_role"),
        error: Some("langfuse.observation.status_message"),
        instructions: None,
        input: Some("langfuse.observation.input"),
        output: Some("langfuse.observation.output"),
        arguments: Some("langfuse.observation.input"),
        result: Some("langfuse.observation.output"),
        query: Some("langfuse.observation.input"),
        answer: Some("langfuse.observation.output"),
    };
}
