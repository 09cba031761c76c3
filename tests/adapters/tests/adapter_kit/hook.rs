//! The hook: an agent that asks it as Claude Code does, once with the agent's own questions to its user, once with requests that are kept until
//! somebody approves.

mod agent;
mod log;

use async_trait::async_trait;
use hexgate_adapter_kit::{
    AnswerSpec, Aspect, Cancel, Driver, Entry, Fault, Kind, Play, Scenario, Seen, ToolSpec,
    Uncovered, Ungated,
};

use hexgate_hook::Agent;
use hexgate_hook::install::cautions;

use self::agent::Claude;
use super::holds;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_hook_holds_every_scenario() {
    holds(Hooked { keeps: false }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_hook_with_kept_approvals_holds_every_scenario() {
    holds(Hooked { keeps: true }).await;
}

struct Hooked {
    /// Whether requests for approval are kept.
    keeps: bool,
}

#[async_trait]
impl Driver for Hooked {
    fn host(&self) -> &'static str {
        match self.keeps {
            false => "hook",
            true => "hook-approvals",
        }
    }

    fn title(&self) -> &'static str {
        match self.keeps {
            false => "Hook (Claude Code)",
            true => "Hook with kept approvals",
        }
    }

    /// It decides the normal form, and the agent runs its own.
    fn keeps_bytes(&self) -> bool {
        false
    }

    fn policy_name(&self, tool: &ToolSpec) -> String {
        match tool.kind {
            Kind::Mcp => format!("mcp-files-{}", tool.name),
            Kind::Agent => "task".to_owned(),
            _ => tool.name.clone(),
        }
    }

    fn uncovered(&self, scenario: &Scenario) -> Option<Uncovered> {
        let has = |kind| scenario.tools.iter().any(|tool| tool.kind == kind);
        let around = &scenario.around;
        if has(Kind::Unknown) {
            return Uncovered::absent(
                "an agent refuses a tool that it does not have before it asks a hook",
            );
        }
        if has(Kind::Handoff) {
            return Uncovered::absent("the agent hands no conversation to another one");
        }
        if has(Kind::Provider) {
            return Uncovered::open_in(
                &[Aspect::Named],
                "what the provider runs is no call of the agent's; `hexgate hook install` says so, and the hook does not hear of it",
            );
        }
        if around.rewrite_before.is_some() {
            return Uncovered::absent(
                "hooks of an agent run side by side, and none is before another",
            );
        }
        if around.rewrite_after.is_some() {
            return Uncovered::open_in(
                &[Aspect::Ran, Aspect::Records],
                "another hook of the agent can change the arguments (`updatedInput`) after this one has seen them",
            );
        }
        if around.cancel == Some(Cancel::InTool) {
            return Uncovered::open_in(
                &[Aspect::Records],
                "an agent sends no event when its user interrupts a call, so its end is not recorded",
            );
        }
        if around.entry == Entry::Streamed {
            return Uncovered::absent(
                "a hook sees calls, and not the answer of the model that has them",
            );
        }
        if scenario.gate == Fault::RecorderPanics {
            return Uncovered::absent("what records is the hook's own log");
        }
        if scenario.name == "arguments-text" {
            return Uncovered::open_in(
                &[Aspect::Ran, Aspect::Records],
                "agents send arguments as an object or as the text of one, so a text that is one is decided as that object",
            );
        }
        if stops(scenario) {
            return Uncovered::absent("a hook has no switch that stops users; replace its policy");
        }
        self.uncovered_asking(scenario)
    }

    fn ungated(&self) -> Vec<Ungated> {
        if self.keeps {
            return vec![Ungated::new("Claude Code", "as without kept approvals")];
        }
        // What `hexgate hook install` says of the agent.
        let cautions = cautions(Agent::ClaudeCode).iter();
        let known = cautions.map(|caution| Ungated::new("Claude Code", *caution));
        let others = Ungated::new(
            "Codex, Gemini CLI, Cursor, Copilot",
            "each asks its hooks in its own way, and `docs/hook.md` lists what they do without: this column is of Claude Code alone",
        );
        known.chain([others]).collect()
    }

    async fn play(&self, play: Play) -> Result<Seen, String> {
        let claude = Claude::new(&play, self.keeps);
        let gate = claude.check();
        let mut read = Vec::new();
        while let Some(turn) = play.script().next() {
            read.extend(claude.turn(&turn.calls).await?);
        }
        if let Err(reason) = gate {
            return Ok(play.without_gate(reason));
        }
        let mut seen = play.seen(read).await;
        let asked_again = claude.asked_again();
        let unread = play.policy_name(&play.tools()[0].name);
        seen.records = log::records(&claude.log(), asked_again, &unread)?;
        Ok(seen)
    }
}

impl Hooked {
    /// What does not hold of approvals.
    fn uncovered_asking(&self, scenario: &Scenario) -> Option<Uncovered> {
        let answers = scenario.approvals.as_deref().unwrap_or_default();
        let has = |answer| answers.iter().any(|it| it.answer == answer);
        if has(AnswerSpec::Panic) {
            return Uncovered::absent("people are asked by another program");
        }
        if self.keeps {
            return match scenario.name.as_str() {
                _ if has(AnswerSpec::Fail) => {
                    Uncovered::absent("a request is kept until somebody answers it")
                }
                "approval-refused-and-allowed-now" => Uncovered::open_in(
                    &[Aspect::Ran, Aspect::Read, Aspect::Records],
                    "the model proposes the call again, which is another attempt: the policy that decides then allows it without asking",
                ),
                _ => None,
            };
        }
        if scenario.expect.asked.is_empty() || has(AnswerSpec::Hang) {
            return None;
        }
        const RECORDS: &[Aspect] = &[Aspect::Read, Aspect::Records];
        const ALL: &[Aspect] = &[Aspect::Ran, Aspect::Read, Aspect::Records];
        match scenario.name.as_str() {
            "approval-policy-denies-now" | "approval-policy-replaced" => Uncovered::open_in(
                ALL,
                "the agent asks its user by itself and does not ask the hook again, so the call is not decided again: it runs though another policy decides by then. Keep approvals (`--approvals`) where that matters",
            ),
            _ => Uncovered::open_in(
                RECORDS,
                "the agent asks its user by itself and does not tell what the user said: the log has the end of the call at the decision that needed approval, and the model reads a refusal in the agent's words",
            ),
        }
    }
}

/// Whether a user is stopped in a scenario.
fn stops(scenario: &Scenario) -> bool {
    use hexgate_adapter_kit::Change;
    let answers = scenario.approvals.iter().flatten();
    let meanwhile = answers.filter_map(|it| it.meanwhile.as_ref());
    let before = scenario.turns.iter().filter_map(|it| it.before.as_ref());
    meanwhile
        .chain(before)
        .any(|change| matches!(change, Change::StopUser(_)))
}
