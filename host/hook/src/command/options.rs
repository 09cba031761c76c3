//! The options of a decision, from the command line and the environment.

use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hexgate_enforce::resolve::Environment;

use crate::agent::Agent;
use crate::failure::Failure;
use crate::hook::{Approving, Auditing, Hook, Options};

/// The variables of hexgate.
const PREFIX: &str = "HEXGATE_";
const LOCAL_POLICY: &str = "HEXGATE_LOCAL_POLICY";
pub(super) const PUBKEY: &str = "HEXGATE_BUNDLE_PUBKEY_PATH";
const REQUIRE_SIGNATURE: &str = "HEXGATE_BUNDLE_REQUIRE_SIGNATURE";
const SIGN_KEY: &str = "HEXGATE_BUNDLE_SIGN_KEY_PATH";

/// Answer an event.
#[derive(Debug, Clone, clap::Args)]
pub struct RunArgs {
    /// The agent: claude-code, codex, gemini, cursor or copilot
    #[arg(long, value_name = "AGENT")]
    pub agent: Agent,
    /// The event for which the hook was installed; another one is denied
    #[arg(long, value_name = "EVENT")]
    pub event: Option<String>,
    /// How a decision is made.
    #[command(flatten)]
    pub decide: DecideArgs,
}

/// How a decision is made.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct DecideArgs {
    /// The policy or bundle. Default: what HEXGATE_LOCAL_POLICY and its like name
    #[arg(long, value_name = "PATH")]
    pub policy: Option<PathBuf>,
    /// The file of a public key that may sign the bundle, which then has to be signed, in place of any that a variable names. Repeat it for
    /// several
    #[arg(long = "pubkey", value_name = "FILE", requires = "policy")]
    pub pubkeys: Vec<PathBuf>,
    /// The name of the agent that bundles are bound to. Default: the agent's, as `claude-code`
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// On whose behalf the agent acts. Default: the user of this machine
    #[arg(long, value_name = "USER")]
    pub caller: Option<String>,
    /// A role of that caller; without one the policy's `default` decides. Repeat it for several
    #[arg(long = "role", value_name = "ROLE")]
    pub roles: Vec<String>,
    /// The folder that paths are relative to in the policy. Default: where the conversation began
    #[arg(long, value_name = "FOLDER")]
    pub workspace: Option<PathBuf>,
    /// The folder in which conversations are kept. Default: `hexgate/hook` in XDG_STATE_HOME or in ~/.local/state
    #[arg(long, value_name = "FOLDER")]
    pub state: Option<PathBuf>,
    /// Record every decision in the log in this folder
    #[arg(long, value_name = "FOLDER", requires = "audit_key")]
    pub audit: Option<PathBuf>,
    /// The key of the log's digests; it is made if it is missing
    #[arg(long, value_name = "FILE", requires = "audit")]
    pub audit_key: Option<PathBuf>,
    /// Have Copilot and Gemini CLI ask the person about what needs approval: they do not tell whether they will, and run the call where all
    /// tools are allowed. Default: it is denied there
    #[arg(long)]
    pub trust_ask: bool,
    /// Keep calls that need approval in this database until an approver answers, in place of the agent's own question
    #[arg(long, value_name = "FILE", requires_all = ["approvers", "approver_roles"])]
    pub approvals: Option<PathBuf>,
    /// The file that lists the approvers
    #[arg(long, value_name = "FILE", requires = "approvals")]
    pub approvers: Option<PathBuf>,
    /// A file of used approvals that the operator made: what it lists stays used, whatever the database says
    #[arg(long, value_name = "FILE", requires = "approvals")]
    pub used_approvals: Option<PathBuf>,
    /// A role of approvers that suffices where the policy names none. Repeat it for several
    #[arg(long = "approver-role", value_name = "ROLE", requires = "approvals")]
    pub approver_roles: Vec<String>,
    /// The most milliseconds for a decision; then it is a denial. Default: 5000
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(50..=25_000))]
    pub limit: Option<u64>,
}

impl RunArgs {
    pub(super) fn hook(&self) -> Result<Hook, Failure> {
        self.decide.hook(self.agent, self.event.clone())
    }
}

impl DecideArgs {
    pub(super) fn hook(&self, agent: Agent, event: Option<String>) -> Result<Hook, Failure> {
        Ok(Hook::new(Options {
            agent,
            event,
            name: self.name.clone(),
            caller: self.caller.clone().unwrap_or_else(user),
            roles: self.roles.clone(),
            workspace: self.workspace.clone().or_else(|| project(agent)),
            trust_ask: self.trust_ask,
            state: self.state.clone().map_or_else(state, Ok)?,
            audit: self
                .audit
                .clone()
                .zip(self.audit_key.clone())
                .map(|(folder, key)| Auditing { folder, key }),
            approvals: self
                .approvals
                .clone()
                .zip(self.approvers.clone())
                .map(|(db, approvers)| Approving {
                    db,
                    approvers,
                    roles: self.approver_roles.clone(),
                    used: self.used_approvals.clone(),
                }),
            environment: environment(self.policy.as_deref(), &self.pubkeys)?,
            limit: self.limit.map_or(Hook::LIMIT, Duration::from_millis),
        }))
    }
}

/// The user of this machine, by the name that the login set.
pub(super) fn user() -> String {
    let mut named = ["USER", "LOGNAME"]
        .into_iter()
        .filter_map(|name| env::var(name).ok());
    named
        .find(|name| !name.trim().is_empty())
        .unwrap_or_else(|| "local".to_owned())
}

/// The folder of the project, where the agent tells it to its hooks.
fn project(agent: Agent) -> Option<PathBuf> {
    let name = match agent {
        Agent::ClaudeCode => "CLAUDE_PROJECT_DIR",
        Agent::Cursor => "CURSOR_PROJECT_DIR",
        Agent::Codex | Agent::Gemini | Agent::Copilot => return None,
    };
    absolute(name)
}

fn absolute(name: &str) -> Option<PathBuf> {
    env::var_os(name)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
}

/// The folder in which conversations are kept.
pub(super) fn state() -> Result<PathBuf, Failure> {
    let state = absolute("XDG_STATE_HOME")
        .or_else(|| Some(absolute("HOME")?.join(".local/state")))
        .ok_or_else(|| Failure::State {
            path: PathBuf::new(),
            reason: "has no folder: neither XDG_STATE_HOME nor HOME names one; name it (`--state`)"
                .to_owned(),
        })?;
    Ok(state.join("hexgate/hook"))
}

/// The variables of hexgate, with this policy and these keys in place of any that they name.
fn environment(policy: Option<&Path>, pubkeys: &[PathBuf]) -> Result<Environment, Failure> {
    let Some(policy) = policy else {
        return Environment::from_env().map_err(|error| Failure::Policy(error.to_string()));
    };
    let utf8 = |name: &str| Failure::Policy(format!("{name} is not UTF-8"));
    let mut variables = Vec::new();
    for (name, value) in env::vars_os() {
        let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else {
            continue;
        };
        let pinned = !pubkeys.is_empty() && [PUBKEY, REQUIRE_SIGNATURE, SIGN_KEY].contains(&name);
        if name != LOCAL_POLICY && !pinned {
            let value = value.into_string().map_err(|_| utf8(name))?;
            variables.push((name.to_owned(), value));
        }
    }
    let policy = policy.to_str().ok_or_else(|| utf8("--policy"))?;
    variables.push((LOCAL_POLICY.to_owned(), policy.to_owned()));
    if !pubkeys.is_empty() {
        let named: Option<Vec<&str>> = pubkeys.iter().map(|path| path.to_str()).collect();
        let named = named.ok_or_else(|| utf8("--pubkey"))?;
        if named.iter().any(|path| path.contains(':')) {
            return Err(Failure::Policy(
                "a path of `--pubkey` has a colon in it".to_owned(),
            ));
        }
        variables.push((PUBKEY.to_owned(), named.join(":")));
        variables.push((REQUIRE_SIGNATURE.to_owned(), "true".to_owned()));
    }
    Ok(variables.into_iter().collect())
}
