//! `hexgate policy test`: one call, or a suite of them.

mod report;

use std::path::PathBuf;

use clap::ArgGroup;
use hexgate_compiler::RegoOptions;
use hexgate_host::{Effect, Exceeded, Field, Malformed};

use super::{
    arguments,
    coverage::Coverage,
    decide::{Call, Decider, EngineName, Failure},
    explain,
    subject::{Keys, Subject},
    suite,
};
use crate::{exit::Exit, making::Making, output};

/// Decide one call as an agent's host would, or run a suite of calls
///
/// Exit codes: 0 allowed or to be approved (or: all cases passed), 1 denied (or: a case failed), 2 misuse or environment.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("what").required(true).args(["tool", "suite"]))]
#[command(after_help = r#"Examples:
  hexgate policy test policy.yaml --role billing --tool refund_order \
    --args '{"amount": 200, "currency": "USD"}'
  hexgate policy test dist/policy --pubkey release.public \
    --roles support,billing --tool refund_order --args @call.json --explain
  hexgate policy test policy.yaml --suite policy.tests.yaml --coverage

A case of a suite (YAML, JSON or JSON lines):
  - name: small refunds pass
    role: billing            # or roles: [support, billing]; neither: the default role
    tool: refund_order
    args: {amount: 200, currency: USD}
    facts: {ctx: {env: prod}}
    expect: allow            # or deny, needs_approval
    violations: []           # of a denial, if they matter"#)]
pub(crate) struct Args {
    /// A policy (a file, a directory of roles, a file `*.rego`, or the `Cargo.toml` of a package in Rust), or the folder of a bundle
    policy: PathBuf,

    /// The caller's role; without one the policy's default role decides
    #[arg(long, value_name = "ROLE", conflicts_with = "suite")]
    role: Option<String>,

    /// The caller's roles, in the caller's order
    #[arg(long, value_name = "A,B", value_delimiter = ',', conflicts_with_all = ["role", "suite"])]
    roles: Vec<String>,

    /// The tool's name
    #[arg(long, value_name = "TOOL", conflicts_with = "suite")]
    tool: Option<String>,

    /// The arguments: a JSON object, `@FILE`, or `-` for the standard input [default: {}]
    #[arg(
        long,
        value_name = "JSON",
        conflicts_with = "suite",
        allow_hyphen_values = true
    )]
    args: Option<String>,

    /// Further facts: a JSON object with the members `ctx`, `run`, `user`; `@FILE`, or `-` for the standard input
    #[arg(
        long,
        value_name = "JSON",
        conflicts_with = "suite",
        allow_hyphen_values = true
    )]
    facts: Option<String>,

    /// Show whether each condition and its parts hold, and what would have made the call pass
    #[arg(long, conflicts_with = "suite")]
    explain: bool,

    /// A file with cases: YAML, JSON, or JSON lines
    #[arg(long, value_name = "FILE")]
    suite: Option<PathBuf>,

    /// List the rules and constraints that no case exercised
    #[arg(long, requires = "suite", conflicts_with = "tool")]
    coverage: bool,

    /// What decides
    #[arg(long, value_enum, value_name = "ENGINE", default_value = "native")]
    engine: EngineName,

    #[command(flatten)]
    rego: RegoOptions,

    /// Verify the bundle with this public key first; repeat it while keys rotate
    #[arg(long, value_name = "FILE")]
    pubkey: Vec<PathBuf>,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Args {
    fn open(&self) -> anyhow::Result<Option<Subject>> {
        let making = Making {
            engine: self.engine.made_for(),
            rego: self.rego.clone(),
        };
        let keys = Keys {
            files: &self.pubkey,
            option: "--pubkey",
        };
        Subject::open(&self.policy, &keys, &making)
    }
}

pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    match &args.suite {
        Some(path) => run_suite(args, path),
        None => run_call(args),
    }
}

fn run_call(args: &Args) -> anyhow::Result<Exit> {
    let Some(tool) = &args.tool else {
        anyhow::bail!("no tool was named; pass `--tool`")
    };
    anyhow::ensure!(
        !(args.args.as_deref() == Some("-") && args.facts.as_deref() == Some("-")),
        "`--args -` and `--facts -` both read the standard input; pass one of them as `@FILE`"
    );
    let arguments = args.args.as_deref().map_or(Ok("{}".to_owned()), |value| {
        arguments::read("--args", value)
    })?;
    let facts = args
        .facts
        .as_deref()
        .map(|value| arguments::read("--facts", value))
        .transpose()?;
    let roles: Vec<String> = args.role.iter().chain(&args.roles).cloned().collect();
    if let Some(name) = std::iter::once(tool)
        .chain(&roles)
        .find(|name| name.contains('*'))
    {
        output::note(&format!(
            "a `*` is not a wildcard: the decision is about a call with exactly the name {}",
            output::list([name.as_str()])
        ));
    }
    let call = Call {
        roles: &roles,
        tool,
        arguments: &arguments,
        facts: facts.as_deref(),
    };

    let Some(subject) = args.open()? else {
        return Ok(Exit::Failed);
    };
    let mut decider = Decider::new(&subject, args.engine)?;
    let answer = decider
        .decide(&call)
        .map_err(|failure| misuse(&failure, &call))?;
    if let Some(known) = decider.known_roles()? {
        note_unknown_roles(&roles, &known);
    }
    let explanation = match (args.explain, subject.plan.is_some()) {
        (false, _) => None,
        (true, true) => Some(explain::explain(&subject, &call)?),
        (true, false) => {
            output::note(&format!(
                "`--explain` needs a policy of the known engine, and the component in `{}` is of another one, which gives only a verdict",
                subject.name
            ));
            None
        }
    };
    if args.json {
        let scope = answer.scope.and_then(|id| report::scope(&subject, id));
        output::print_json(&report::json(
            &call,
            &answer,
            scope,
            args.engine,
            explanation.as_ref(),
        ))?;
    } else {
        let mut text = report::human(&call, &answer);
        if let Some(explanation) = &explanation {
            text.push_str(&explanation.human(answer.outcome));
        }
        output::print(&text)?;
    }
    Ok(if answer.outcome == Effect::Deny {
        Exit::Failed
    } else {
        Exit::Done
    })
}

fn run_suite(args: &Args, path: &std::path::Path) -> anyhow::Result<Exit> {
    let cases = suite::read(path)?;
    let Some(subject) = args.open()? else {
        return Ok(Exit::Failed);
    };
    let mut decider = Decider::new(&subject, args.engine)?;
    let mut coverage = if args.coverage {
        Some(Coverage::of(subject.known("`--coverage`")?)?)
    } else {
        None
    };
    let mut results = Vec::new();
    for case in &cases {
        let call = case.call();
        results.push(case.judge(decider.decide(&call))?);
        if let Some(coverage) = &mut coverage {
            coverage.see(&call)?;
        }
    }
    let failed = results.iter().filter(|result| !result.passed()).count();
    let coverage = coverage.as_ref().map(Coverage::report);
    if args.json {
        output::print_json(&suite::json(&cases, &results, coverage.as_ref()))?;
    } else {
        let mut text = coverage
            .as_ref()
            .map(|report| report.human())
            .unwrap_or_default();
        text.insert_str(0, &suite::human(&cases, &results));
        text.push_str(&format!(
            "{} passed, {failed} failed\n",
            cases.len() - failed
        ));
        output::print(&text)?;
    }
    Ok(if failed == 0 {
        Exit::Done
    } else {
        Exit::Failed
    })
}

/// The error for a call that no policy would decide.
pub(super) fn misuse(failure: &Failure, call: &Call<'_>) -> anyhow::Error {
    match failure {
        Failure::Malformed(Malformed {
            field: Field::Arguments,
            offset,
            reason,
        }) => {
            anyhow::anyhow!(arguments::malformed(
                "--args",
                call.arguments,
                *offset,
                reason
            ))
        }
        Failure::Malformed(Malformed {
            field: Field::Facts,
            offset,
            reason,
        }) => {
            anyhow::anyhow!(arguments::malformed(
                "--facts",
                call.facts.unwrap_or_default(),
                *offset,
                reason
            ))
        }
        Failure::Malformed(Malformed {
            field: Field::Roles,
            offset,
            reason,
        }) => {
            anyhow::anyhow!(
                "the roles are malformed at number {}: {reason}",
                offset.saturating_add(1)
            )
        }
        Failure::Malformed(Malformed {
            field: Field::Tool,
            reason,
            ..
        }) => anyhow::anyhow!("`--tool` is malformed: {reason}"),
        Failure::Exceeded(Exceeded { limit, allowed }) => {
            anyhow::anyhow!(
                "the call exceeds the limit `{limit}`, which is at most {allowed}; an agent's host denies such a call"
            )
        }
        Failure::Host(what) => anyhow::anyhow!("no verdict: {what}"),
    }
}

/// Notes how roles that the policy does not know are treated. The verdict comes from the runtime.
fn note_unknown_roles(roles: &[String], known: &[String]) {
    let unknown: Vec<&str> = roles
        .iter()
        .filter(|role| !known.contains(role))
        .map(String::as_str)
        .collect();
    if unknown.is_empty() {
        return;
    }
    let word = if unknown.len() == 1 { "role" } else { "roles" };
    let effect = if roles.iter().any(|role| known.contains(role)) {
        "the caller's other roles decide"
    } else if known.iter().any(|role| role == "default") {
        "the role `default` decides"
    } else {
        "it has no role `default`, so everything is denied"
    };
    let named = if known.is_empty() {
        "none".to_owned()
    } else {
        output::list(known.iter().map(String::as_str))
    };
    output::note(&format!(
        "the policy does not know the {word} {}: {effect} (known roles: {named})",
        output::list(unknown)
    ));
}
