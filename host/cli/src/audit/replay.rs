//! `hexgate audit replay`

mod html;
mod text;

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::ValueEnum;
use hexgate_audit::{By, Components, Replayed, replay};
use hexgate_bundle::{Digest, UnverifiedBundle};
use hexgate_host::{Engine, Policy};
use serde_json::json;

use super::verify::{self, AnchorArgs};
use crate::{
    exit::{Exit, Refused},
    making::Making,
    output::{self, count},
    policy::subject::{Keys, Subject, any_bundle},
};

/// Decide every call in a log again
///
/// With the components that decided, which must give exactly the same answers; or with another policy (`--policy`), to see which calls it
/// would decide differently. Calls with a part that was withheld when they were recorded cannot be decided again: they are counted, and the
/// command fails unless that is allowed. Exit codes: 0 done and, without `--policy`, all agree; 1 not, or the log is not intact, or calls
/// were withheld; 2 misuse or environment.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hexgate audit replay audit
  hexgate audit replay audit --bundle billing.bundle
  hexgate audit replay audit --policy billing-next.yaml
  hexgate audit replay audit --policy billing-next.yaml --format html > report.html
  hexgate audit replay audit --shadow")]
pub(crate) struct Args {
    /// The folder of the log, or one file of it
    log: PathBuf,

    /// A bundle or component that decided; repeat it for several. Those kept beside the log need not be named
    #[arg(long, value_name = "PATH")]
    bundle: Vec<PathBuf>,

    /// Decide by this policy instead: a policy's source, a bundle or a component
    #[arg(long, value_name = "PATH", conflicts_with = "bundle")]
    policy: Option<PathBuf>,

    /// Verify the bundle that `--policy` names with this public key first; repeat it while keys rotate
    #[arg(long, value_name = "FILE", requires = "policy")]
    policy_pubkey: Vec<PathBuf>,

    /// Show the answers of the candidate beside the live policy
    #[arg(long, conflicts_with_all = ["bundle", "policy"])]
    shadow: bool,

    /// Do not fail because of calls that cannot be decided again, since a part was withheld
    #[arg(long)]
    allow_withheld: bool,

    /// Fail if the other policy changes anything
    #[arg(long)]
    fail_on_changes: bool,

    /// How the result is printed
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,

    #[command(flatten)]
    anchors: AnchorArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Human,
    /// One JSON object
    Json,
    /// A self-contained page
    Html,
}

/// What was asked.
pub(super) struct Question<'a> {
    log: &'a Path,
    /// What decided instead. None: the component that decided before.
    other: Option<String>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let anchors = args.anchors.read()?;
    let engine = Engine::new()?;
    let replayed = match &args.policy {
        _ if args.shadow => replay(&args.log, &anchors, By::Shadow)?,
        Some(path) => {
            let keys = Keys {
                files: &args.policy_pubkey,
                option: "--policy-pubkey",
            };
            let Some(subject) = Subject::open(path, &keys, &Making::default())? else {
                return Ok(Exit::Failed);
            };
            let policy = subject.load(&engine)?;
            replay(&args.log, &anchors, By::Candidate(&policy))?
        }
        None => {
            let mut find = find(args, engine)?;
            replay(&args.log, &anchors, By::Recorded(&mut find))?
        }
    };
    if !replayed.verification.is_intact() {
        return Err(verify::refused(&args.log, &replayed.verification));
    }
    let question = Question {
        log: &args.log,
        other: match &args.policy {
            _ if args.shadow => {
                Some("the candidate that was asked beside the live policy".to_owned())
            }
            Some(path) => Some(format!("`{}`", path.display())),
            None => None,
        },
    };
    match args.format {
        Format::Human => output::print(&text::render(&question, &replayed))?,
        Format::Json => output::print_json(&as_json(&question, &replayed))?,
        Format::Html => output::print(&html::render(&question, &replayed))?,
    }
    verify::warn(&replayed.verification);
    judge(args, &replayed)
}

/// Whether the user can rely on the result.
fn judge(args: &Args, replayed: &Replayed) -> anyhow::Result<Exit> {
    let calls = |number: u64| count(usize::try_from(number).unwrap_or(usize::MAX), "call");
    let skipped = &replayed.skipped;
    let mut exit = Exit::Done;
    let differences = replayed.differences.len() as u64 + replayed.more_differences;
    if differences > 0 {
        output::error(&format!(
            "{} decided differently by the same component: the record or the machine is not to be trusted",
            calls(differences)
        ));
        exit = Exit::Failed;
    }
    if skipped.missing_component() > 0 {
        output::error(&format!(
            "{} cannot be decided again without the component that decided; name its bundle (`--bundle PATH`)",
            calls(skipped.missing_component())
        ));
        exit = Exit::Failed;
    }
    if skipped.without_component > 0 {
        output::error(&format!(
            "{} decided by a policy that the record does not name: such a record is not to be trusted",
            match skipped.without_component {
                1 => "1 call was".to_owned(),
                more => format!("{more} calls were"),
            }
        ));
        exit = Exit::Failed;
    }
    if skipped.withheld() > 0 && !args.allow_withheld {
        output::error(&format!(
            "{} cannot be decided again, because a part was withheld when recorded; pass `--allow-withheld` to rely on the others",
            calls(skipped.withheld())
        ));
        exit = Exit::Failed;
    }
    if args.fail_on_changes && replayed.changes.looser + replayed.changes.stricter > 0 {
        exit = Exit::Failed;
    }
    Ok(exit)
}

/// Finds policies by the digests of their components: in what the user named, then beside the log.
fn find(
    args: &Args,
    engine: Engine,
) -> anyhow::Result<impl FnMut(&Digest) -> Result<Option<Policy>, String>> {
    let mut named: Vec<(Digest, Vec<u8>)> = Vec::new();
    for path in &args.bundle {
        let component = component(path)?;
        named.push((Digest::of(&component), component));
    }
    let folder = if args.log.is_dir() {
        args.log.clone()
    } else {
        args.log.parent().unwrap_or(Path::new(".")).to_owned()
    };
    let kept = Components::of_log(&folder);
    Ok(move |digest: &Digest| {
        let found = named.iter().find(|(found, _)| found == digest);
        let component = match found {
            Some((_, component)) => component.clone(),
            None => match kept.find(digest).map_err(|error| error.to_string())? {
                Some(component) => component,
                None => return Ok(None),
            },
        };
        // The chain binds its digest, so it is the one that decided.
        Policy::dangerous_from_unverified_bytes(&engine, &component)
            .map(Some)
            .map_err(|error| error.to_string())
    })
}

/// The component in a bundle, or a bare one.
fn component(path: &Path) -> anyhow::Result<Vec<u8>> {
    if !path.is_dir() {
        return crate::policy::subject::read_wasm(path);
    }
    let expectation = any_bundle().dangerous_ignore_validity();
    let bundle = UnverifiedBundle::read(path)?
        .dangerous_without_signature(&expectation, std::time::SystemTime::now())
        .map_err(Refused::error)?;
    let component = hexgate_host::component_of(bundle.contents())
        .with_context(|| format!("`{}` holds no component", path.display()))?;
    Ok(component.into_owned())
}

fn as_json(question: &Question<'_>, replayed: &Replayed) -> serde_json::Value {
    let by = match &question.other {
        Some(other) => other.trim_matches('`'),
        None => "the recorded components",
    };
    json!({
        "log": question.log.display().to_string(),
        "by": by,
        "decisions": replayed.decisions,
        "replayed": replayed.replayed,
        "skipped": replayed.skipped,
        "differences": replayed.differences,
        "more_differences": replayed.more_differences,
        "changes": question.other.as_ref().map(|_| &replayed.changes),
    })
}
