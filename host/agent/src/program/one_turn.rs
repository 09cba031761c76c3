//! One turn, for scripts and other programs.

use std::collections::BTreeSet;
use std::io::Read as _;

use anyhow::Context as _;
use hexgate_enforce::Approvals;

use super::{harmless_json, print};
use crate::catalog::Catalog;
use crate::chat::{self, ApprovalMode, CallerArgs, Decisions, RecordArgs, aside, shown};
use crate::event::{BlockType, DecisionOutcome, Event, EventKind};

/// The longest text that is read from the standard input, in bytes.
const MAX_INPUT: u64 = 1 << 20;

/// Run one turn, and print the answer
///
/// The policy is the platform's where HEXGATE_API_KEY is set and HEXGATE_LOCAL_MODE is not, else the agent's own.
#[derive(Debug, Clone, clap::Args)]
pub struct RunArgs {
    /// The agent
    #[arg(long, value_name = "NAME")]
    pub agent: String,
    /// The model, as `openai:gpt-5`, in place of the agent's
    #[arg(long, value_name = "PROVIDER:NAME")]
    pub model: Option<String>,
    /// What happens to calls that need a person's approval: nobody is asked, so `ask` denies them too, and tells the model why
    #[arg(long, value_enum, default_value_t, value_name = "MODE")]
    pub approval_mode: ApprovalMode,
    /// Print every event as a line of JSON, in place of the answer
    #[arg(long)]
    pub events: bool,
    #[command(flatten)]
    #[allow(missing_docs, reason = "its fields are documented")]
    pub caller: CallerArgs,
    #[command(flatten)]
    #[allow(missing_docs, reason = "its fields are documented")]
    pub record: RecordArgs,
    /// What the user says. Default: the standard input
    pub text: Option<String>,
}

pub(super) fn run(catalog: &Catalog, args: &RunArgs) -> anyhow::Result<bool> {
    let caller = args.caller.caller()?;
    let text = match &args.text {
        Some(text) => text.clone(),
        None => input()?,
    };
    anyhow::ensure!(
        !text.trim().is_empty(),
        "there is nothing to say: name a text, or pipe one"
    );
    let approvals = match args.approval_mode {
        ApprovalMode::Ask => Approvals::Nobody,
        ApprovalMode::AutoApprove => Approvals::Always,
        ApprovalMode::AutoDeny => Approvals::Never,
    };
    if args.approval_mode == ApprovalMode::AutoApprove {
        aside("⚠ AUTO-APPROVE: calls that need a person's approval run without one.\n");
    }
    let decisions = Decisions::default();
    let loaded = chat::load(
        catalog,
        &args.agent,
        args.model.clone(),
        approvals,
        &decisions,
        args.record.recorder()?,
    )?;
    for notice in &loaded.notices {
        aside(&format!("{}\n", shown(notice)));
    }
    let runtime = chat::runtime()?;
    let fine = runtime.block_on(async {
        let mut signals = chat::Signals::listen()?;
        let mut events = loaded.agent.stream(&caller, text);
        let mut answering = Answering::default();
        let mut fine = true;
        loop {
            // Dropping the events cancels the run.
            let event = tokio::select! {
                _ = signals.told() => return Ok(false),
                event = events.next() => event,
            };
            let Some(event) = event else { break };
            fine &= !matches!(event.kind, EventKind::Error { .. });
            if args.events {
                let line = serde_json::to_string(&event).context("an event cannot be written")?;
                print(&format!("{}\n", harmless_json(&line)))?;
            } else {
                tell(&event, &mut answering, &decisions)?;
            }
        }
        anyhow::Ok(fine)
    });
    runtime.shutdown_background();
    fine
}

fn input() -> anyhow::Result<String> {
    let mut text = String::new();
    let mut stdin = std::io::stdin().lock().take(MAX_INPUT + 1);
    stdin
        .read_to_string(&mut text)
        .context("cannot read the standard input")?;
    anyhow::ensure!(
        text.len() as u64 <= MAX_INPUT,
        "the standard input has more than {MAX_INPUT} bytes; send less at once"
    );
    Ok(text)
}

/// The runs whose text is the answer: the outermost, and those that it was handed over to. What a sub-agent says goes to its caller alone.
#[derive(Default)]
struct Answering(BTreeSet<String>);

impl Answering {
    /// Takes note of a handoff, and tells whether the run of the event answers the user.
    fn follows(&mut self, event: &Event) -> bool {
        if let EventKind::AgentStart {
            parent_tool_id: None,
            ..
        } = &event.kind
            && (event.depth == 1
                || event
                    .parent_run_id
                    .as_ref()
                    .is_some_and(|parent| self.0.contains(parent)))
        {
            self.0.insert(event.run_id.clone());
        }
        event.depth == 0 || self.0.contains(&event.run_id)
    }
}

/// The answer to the standard output, what kept it from more to the standard error.
fn tell(event: &Event, answering: &mut Answering, decisions: &Decisions) -> anyhow::Result<()> {
    let answers = answering.follows(event);
    match &event.kind {
        EventKind::BlockDelta {
            block_type: BlockType::Text,
            text,
            ..
        } if answers => print(&shown(text))?,
        EventKind::BlockEnd {
            block_type: BlockType::Text,
            ..
        } if answers => print("\n")?,
        EventKind::Decision {
            tool_name,
            decision_id,
            outcome: DecisionOutcome::Deny | DecisionOutcome::NeedsApproval,
            message,
            ..
        } => {
            let said = match decisions.find(decision_id) {
                Some(decision) => decision.human(),
                None => format!("{tool_name}: {}", message.as_deref().unwrap_or_default()),
            };
            aside(&format!("{}\n", shown(said.trim_end())));
        }
        EventKind::Error { message, .. } => aside(&format!("error: {}\n", shown(message))),
        _ => {}
    }
    Ok(())
}
