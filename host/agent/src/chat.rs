//! A conversation with an agent in a terminal, or through a pipe.

mod approvals;
mod commands;
mod decisions;
mod json;
mod keyboard;
mod markdown;
mod permits;
mod prompt;
mod record;
mod screen;
mod session;
mod signals;
mod text;
mod turn;
mod view;

use std::sync::Arc;

use anyhow::Context as _;
use hexgate_enforce::{Approvals, AuditRecorder, Caller, Decision, OnRecordFailure};
use tokio::sync::mpsc;

use crate::catalog::{Catalog, LoadError, LoadOptions, Loaded};
use approvals::Asker;
pub(crate) use decisions::Decisions;
use prompt::Prompt;
use screen::Screen;
use session::Session;

pub use record::RecordArgs;
pub(crate) use screen::aside;
pub(crate) use signals::Signals;
pub(crate) use text::shown;

/// What happens to calls that need a person's approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum ApprovalMode {
    /// The person at the terminal is asked; without one the call is denied.
    #[default]
    Ask,
    /// They run without being asked about.
    AutoApprove,
    /// They are denied.
    AutoDeny,
}

/// Who calls.
#[derive(Debug, Clone, clap::Args)]
pub struct CallerArgs {
    /// On whose behalf the agent acts. Default: the user of this machine
    #[arg(long, value_name = "USER")]
    pub caller: Option<String>,
    /// A role of the caller. Repeat it for several; without any the policy's role `default` decides
    #[arg(long = "role", value_name = "ROLE")]
    pub roles: Vec<String>,
}

impl CallerArgs {
    /// The caller.
    ///
    /// # Errors
    ///
    /// A name cannot be one.
    pub fn caller(&self) -> anyhow::Result<Caller> {
        let name = self.caller.clone().unwrap_or_else(user);
        Ok(Caller::builder(name).roles(&self.roles).build()?)
    }
}

/// The user of this machine, by the name that the login set.
fn user() -> String {
    let named = ["USER", "LOGNAME"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok());
    named
        .filter(|name| !name.trim().is_empty())
        .unwrap_or_else(|| "local".to_owned())
}

/// Talk with an agent, with its policy deciding each call
///
/// The platform is left out: the agent's own policy decides, or the one that HEXGATE_LOCAL_POLICY or HEXGATE_POLICY names. A policy that is
/// edited decides from the next turn on. Through a pipe each line is a turn.
#[derive(Debug, Clone, clap::Args)]
pub struct ChatArgs {
    /// The agent. Default: `example_agent`, else the only one or the first that is found
    #[arg(long, value_name = "NAME")]
    pub agent: Option<String>,
    /// The model, as `openai:gpt-5`, in place of the agent's
    #[arg(long, value_name = "PROVIDER:NAME")]
    pub model: Option<String>,
    /// What happens to calls that need a person's approval
    #[arg(long, value_enum, default_value_t, value_name = "MODE")]
    pub approval_mode: ApprovalMode,
    /// A role of the person at the terminal, where the policy says whose approval counts. Repeat it for several
    #[arg(long = "approver-role", value_name = "ROLE")]
    pub approver_roles: Vec<String>,
    /// List the agents, and leave
    #[arg(long)]
    pub list_agents: bool,
    #[command(flatten)]
    #[allow(missing_docs, reason = "its fields are documented")]
    pub caller: CallerArgs,
    #[command(flatten)]
    #[allow(missing_docs, reason = "its fields are documented")]
    pub record: RecordArgs,
}

/// Talks until the user leaves. False: a turn of a pipe failed.
pub(crate) fn run(catalog: &Catalog, args: &ChatArgs) -> anyhow::Result<bool> {
    let caller = args.caller.caller()?;
    let name = match &args.agent {
        Some(name) => name.clone(),
        None => first(catalog)?,
    };
    let screen = Screen::open();
    let (prompt, problem) = Prompt::open(&screen);
    let asks = args.approval_mode == ApprovalMode::Ask && prompt.is_person();
    let decisions = Decisions::default();
    let (requests, asked) = mpsc::unbounded_channel();
    let approvals = match args.approval_mode {
        ApprovalMode::AutoApprove => Approvals::Always,
        ApprovalMode::AutoDeny => Approvals::Never,
        ApprovalMode::Ask if !asks => Approvals::Nobody,
        ApprovalMode::Ask => Approvals::handler(Asker {
            requests,
            by: user(),
            roles: args.approver_roles.clone(),
        }),
    };
    let loaded = load(
        catalog,
        &name,
        args.model.clone(),
        approvals,
        &decisions,
        args.record.recorder()?,
    )?;
    let runtime = runtime()?;
    let mut session = Session::begin(
        screen, prompt, decisions, asked, loaded, caller, asks, &runtime,
    )?;
    session.greet(args.approval_mode, problem.as_deref());
    let fine = session.talk(&runtime);
    // A thread that waits for a pipe must not keep the program.
    runtime.shutdown_background();
    fine
}

/// Loads an agent whose decisions are kept.
pub(crate) fn load(
    catalog: &Catalog,
    name: &str,
    model: Option<String>,
    approvals: Approvals,
    decisions: &Decisions,
    recorder: Option<Arc<AuditRecorder>>,
) -> Result<Loaded, LoadError> {
    let decisions = decisions.clone();
    let options = LoadOptions {
        model,
        enforcer: Some(Arc::new(move |builder| {
            let decisions = decisions.clone();
            let builder = match &recorder {
                Some(recorder) => builder.recorder(Arc::clone(recorder), OnRecordFailure::Deny),
                None => builder,
            };
            builder
                .approvals(approvals.clone())
                .observer(move |decision: &Decision| decisions.keep(decision))
        })),
    };
    catalog.load_agent(name, &options)
}

pub(crate) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("the runtime cannot be started")
}

/// The agent that is meant if none is named.
pub(crate) fn first(catalog: &Catalog) -> anyhow::Result<String> {
    let listed = catalog.list_agents();
    let fit = || {
        listed
            .iter()
            .filter(|agent| agent.problem.is_none() && agent.shadowed_by.is_none())
    };
    let example = fit().find(|agent| agent.name == "example_agent");
    match example.or_else(|| fit().next()) {
        Some(agent) => Ok(agent.name.clone()),
        None => {
            anyhow::bail!("there is no agent here that can be loaded; `--list-agents` tells why")
        }
    }
}
