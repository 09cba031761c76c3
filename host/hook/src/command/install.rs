//! `hexgate hook install`

use std::env;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use hexgate_base::harmless;

use super::DecideArgs;
use super::options::{self, PUBKEY};
use crate::agent::Agent;
use crate::failure::Failure;
use crate::install::{Action, CommandLine, InstallError, Plan, Scope, cautions, plan};

/// Make an agent run the hook, or no longer.
#[derive(Debug, Clone, clap::Args)]
pub struct InstallArgs {
    /// The agent: claude-code, codex, gemini, cursor or copilot
    #[arg(value_name = "AGENT")]
    pub agent: Agent,
    /// Whose configuration is changed: that of the project in the current folder, or the user's
    #[arg(long, value_enum, default_value_t, value_name = "SCOPE")]
    pub scope: Whose,
    /// Show what would be changed, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Remove the hook
    #[arg(long)]
    pub uninstall: bool,
    /// The program that the agent runs. Default: this one
    #[arg(long, value_name = "FILE")]
    pub program: Option<PathBuf>,
    /// What the hook is told at each event.
    #[command(flatten)]
    pub decide: DecideArgs,
}

/// Whose configuration is changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
#[non_exhaustive]
pub enum Whose {
    /// The project's, in the current folder
    #[default]
    Project,
    /// The user's, for all projects
    User,
}

/// Why the command was not carried out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// The configuration is not changed.
    #[error(transparent)]
    Install(#[from] InstallError),
    /// With this hook every call would be denied.
    #[error("the hook is not installed, because every call would be denied: {0}")]
    Decide(Failure),
    /// A path cannot be used.
    #[error("`{}` cannot be used: {source}", path.display())]
    Path {
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What was done cannot be told.
    #[error("what was done cannot be told: {0}")]
    Output(io::Error),
}

impl CommandError {
    /// Whether the answer is no, rather than that there is none.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Decide(_) | Self::Install(InstallError::Refused { .. })
        )
    }
}

pub(super) fn install(args: &InstallArgs, output: &mut impl Write) -> Result<u8, CommandError> {
    let here = resolved(Path::new("."))?;
    let scope = match args.scope {
        Whose::Project => Scope::Project(here.clone()),
        Whose::User => Scope::User,
    };
    let mut notices = Vec::new();
    let action = if args.uninstall {
        Action::Uninstall
    } else {
        let mut decide = settled(&args.decide)?;
        if args.scope == Whose::Project && decide.workspace.is_none() {
            decide.workspace = Some(here.clone());
        }
        decide
            .hook(args.agent, None)
            .and_then(|hook| hook.check())
            .map_err(CommandError::Decide)?;
        warn(&decide, &here, &mut notices);
        let program = match &args.program {
            Some(program) => resolved(program)?,
            None => env::current_exe().map_err(|source| CommandError::Path {
                path: "hexgate".into(),
                source,
            })?,
        };
        Action::Install(CommandLine {
            program,
            arguments: words(&decide),
        })
    };
    let plan = plan(args.agent, &scope, &action, |name| env::var_os(name))?;
    if !args.dry_run {
        plan.apply()?;
    }
    let text = told(args, &plan, &notices);
    output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush())
        .map_err(CommandError::Output)?;
    Ok(0)
}

/// What was done, for people.
fn told(args: &InstallArgs, plan: &Plan, notices: &[String]) -> String {
    let mut text = String::new();
    // INVARIANT for all `let _` here: writing to a text does not fail.
    let path = plan.path.to_string_lossy().into_owned();
    let (would, file) = (if args.dry_run { "would be " } else { "" }, harmless(&path));
    let _ = match (plan.changes, &plan.content, args.uninstall) {
        (false, _, true) => writeln!(text, "{file}: there is no hook of hexgate in it"),
        (false, _, false) => writeln!(text, "{file}: the hook is installed already"),
        (true, None, _) => writeln!(text, "{file}: {would}removed"),
        (true, Some(_), true) => {
            writeln!(
                text,
                "{file}: {would}removed from {}",
                plan.events.join(", ")
            )
        }
        (true, Some(_), false) => {
            writeln!(
                text,
                "{file}: {would}installed for {}",
                plan.events.join(", ")
            )
        }
    };
    if args.dry_run
        && plan.changes
        && let Some(content) = &plan.content
    {
        let _ = writeln!(
            text,
            "---\n{}---",
            content.lines().fold(String::new(), |mut all, line| {
                all.push_str(&harmless(line));
                all.push('\n');
                all
            })
        );
    }
    if args.uninstall {
        return text;
    }
    for notice in notices {
        let _ = writeln!(text, "caution: {}", harmless(notice));
    }
    let _ = writeln!(text, "What {} cannot be kept from doing:", args.agent);
    for caution in cautions(args.agent) {
        let _ = writeln!(text, "- {caution}");
    }
    let _ = writeln!(
        text,
        "The hook decides about calls; it does not confine what runs. For that use a sandbox."
    );
    text
}

/// What lies where the agent can change it.
fn warn(decide: &DecideArgs, here: &Path, notices: &mut Vec<String>) {
    match &decide.policy {
        Some(policy) if policy.starts_with(here) => notices.push(format!(
            "`{}` is in this folder, where the agent may be able to change it; keep the policy elsewhere, or sign it",
            policy.display()
        )),
        Some(_) => {}
        None => notices.push(
            "no policy is named (`--policy`): the variables of hexgate must be in the environment of the agent, too".to_owned(),
        ),
    }
    if decide.pubkeys.is_empty() && env::var_os(PUBKEY).is_some() {
        notices.push(format!(
            "{PUBKEY} is set here, and settings of a project can set another one for the hook; name the key (`--pubkey`)"
        ));
    }
}

/// The options with paths that hold in every folder, and with what would come from the environment.
fn settled(decide: &DecideArgs) -> Result<DecideArgs, CommandError> {
    let existing = |path: &Option<PathBuf>| path.as_deref().map(resolved).transpose();
    // These may be missing yet.
    let to_be = |path: &Option<PathBuf>| {
        path.as_deref()
            .map(|path| {
                std::path::absolute(path).map_err(|source| CommandError::Path {
                    path: path.to_owned(),
                    source,
                })
            })
            .transpose()
    };
    let pubkeys: Result<_, _> = decide.pubkeys.iter().map(|path| resolved(path)).collect();
    // The settings of a project can set the variables from which these come.
    let state = match to_be(&decide.state)? {
        Some(state) => state,
        None => options::state().map_err(CommandError::Decide)?,
    };
    Ok(DecideArgs {
        policy: existing(&decide.policy)?,
        pubkeys: pubkeys?,
        caller: Some(decide.caller.clone().unwrap_or_else(options::user)),
        workspace: existing(&decide.workspace)?,
        approvers: existing(&decide.approvers)?,
        used_approvals: existing(&decide.used_approvals)?,
        state: Some(state),
        audit: to_be(&decide.audit)?,
        audit_key: to_be(&decide.audit_key)?,
        approvals: to_be(&decide.approvals)?,
        ..decide.clone()
    })
}

fn resolved(path: &Path) -> Result<PathBuf, CommandError> {
    path.canonicalize().map_err(|source| CommandError::Path {
        path: path.to_owned(),
        source,
    })
}

/// The options as arguments.
fn words(decide: &DecideArgs) -> Vec<String> {
    let mut words = Vec::new();
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            // In one word, so that a value that begins with a hyphen is none of the options.
            words.push(format!("{name}={value}"));
        }
    };
    let path = |path: &Option<PathBuf>| path.as_ref().map(|it| it.to_string_lossy().into_owned());
    add("--policy", path(&decide.policy));
    for key in &decide.pubkeys {
        add("--pubkey", path(&Some(key.clone())));
    }
    add("--name", decide.name.clone());
    add("--caller", decide.caller.clone());
    for role in &decide.roles {
        add("--role", Some(role.clone()));
    }
    add("--workspace", path(&decide.workspace));
    add("--state", path(&decide.state));
    add("--audit", path(&decide.audit));
    add("--audit-key", path(&decide.audit_key));
    add("--approvals", path(&decide.approvals));
    add("--approvers", path(&decide.approvers));
    add("--used-approvals", path(&decide.used_approvals));
    for role in &decide.approver_roles {
        add("--approver-role", Some(role.clone()));
    }
    add("--limit", decide.limit.map(|limit| limit.to_string()));
    if decide.trust_ask {
        words.push("--trust-ask".to_owned());
    }
    words
}
