//! `hexgate policy bench`
//!
//! A machine's speed changes during a measurement. So things are compared in alternating rounds of one run, and each number stands beside
//! that of the floor: a component with the same signature that answers a constant.

mod floor;
mod load;
mod measure;
mod threads;

use std::path::PathBuf;

use anyhow::Context;
use hexgate_host::{Engine, Isolation, Limits, Policy, Request};
use serde::Serialize;

use super::{
    arguments,
    decide::{Answer, Call, Decider, EngineName},
    subject::{Keys, Subject},
    test::misuse,
};
use crate::{
    exit::Exit,
    making::Making,
    output::{self, harmless},
};

/// Measure decisions and loading, beside a floor: a component that answers a constant
///
/// Takes about seven seconds.
/// Exit codes: 0 measured, 1 the policy is refused, 2 misuse or environment.
#[derive(Debug, clap::Args)]
#[command(after_help = r#"Examples:
  hexgate policy bench policy.yaml --role billing --tool refund_order \
    --args '{"amount": 200, "currency": "USD"}'
  hexgate policy bench dist/policy --role billing --tool refund_order \
    --args @call.json --json"#)]
pub(crate) struct Args {
    /// A policy (a file, a directory of roles, a file `*.rego`, or the `Cargo.toml` of a package in Rust), or the folder of a bundle
    policy: PathBuf,

    /// The caller's role; without one the policy's default role decides
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,

    /// The tool's name
    #[arg(long, value_name = "TOOL")]
    tool: String,

    /// The arguments: a JSON object, `@FILE`, or `-` for the standard input
    #[arg(
        long,
        value_name = "JSON",
        default_value = "{}",
        allow_hyphen_values = true
    )]
    args: String,

    /// Further facts: a JSON object with the members `ctx`, `run`, `user`; `@FILE`, or `-` for the standard input
    #[arg(long, value_name = "JSON", allow_hyphen_values = true)]
    facts: Option<String>,

    #[command(flatten)]
    making: Making,

    /// Verify the bundle with this public key first; repeat it while keys rotate
    #[arg(long, value_name = "FILE")]
    pubkey: Vec<PathBuf>,

    /// Keep instances between decisions if the bundle claims that its component is stateless, as a host may that accepts such claims
    #[arg(long)]
    accept_stateless: bool,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The numbers.
#[derive(Debug, Serialize)]
struct Numbers {
    floor_ns: f64,
    warm_p50_ns: f64,
    warm_p99_ns: f64,
    ratio_to_floor: f64,
    fresh_p50_ns: f64,
    load_cold_ms: f64,
    load_changed_ms: f64,
    load_cached_ms: f64,
    two_thread_scaling: f64,
    two_thread_sharing: f64,
    component_bytes: usize,
    floor_p99_ns: f64,
    fresh_floor_ns: f64,
    engine_start_ms: f64,
    control_two_thread_gain: f64,
    outcome: &'static str,
    known_engine: bool,
    keeps_instances: bool,
    debug_build: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    anyhow::ensure!(
        !(args.args == "-" && args.facts.as_deref() == Some("-")),
        "`--args -` and `--facts -` both read the standard input; pass one of them as `@FILE`"
    );
    let arguments = arguments::read("--args", &args.args)?;
    let facts = args
        .facts
        .as_deref()
        .map(|value| arguments::read("--facts", value))
        .transpose()?;
    if cfg!(debug_assertions) {
        output::warn("this is a debug build, whose numbers say nothing; build with `--release`");
    }
    let keys = Keys {
        files: &args.pubkey,
        option: "--pubkey",
    };
    let Some(subject) = Subject::open(&args.policy, &keys, &args.making)? else {
        return Ok(Exit::Failed);
    };
    let roles: Vec<String> = args.role.iter().cloned().collect();
    let call = Call {
        roles: &roles,
        tool: &args.tool,
        arguments: &arguments,
        facts: facts.as_deref(),
    };
    let answer = Decider::new(&subject, EngineName::Native)?
        .decide(&call)
        .map_err(|failure| misuse(&failure, &call))?;

    let numbers = measure(&subject, &call, &answer, args.accept_stateless)?;
    if args.json {
        output::print_json(&numbers)?;
    } else {
        output::print(&numbers.human(&call))?;
    }
    Ok(Exit::Done)
}

fn measure(
    subject: &Subject,
    call: &Call<'_>,
    answer: &Answer,
    accept_stateless: bool,
) -> anyhow::Result<Numbers> {
    let names: Vec<&str> = call.roles.iter().map(String::as_str).collect();
    let request = Request::new(call.tool, call.arguments).roles(&names);
    let request = call.facts.map_or(request, |facts| request.facts(facts));
    let floor = floor::component(answer)?;

    let warm = {
        let pair = Pair::load(subject, &floor, Limits::default(), accept_stateless)?;
        measure::warm(&pair.policy, &pair.floor, &request)?
    };
    let fresh = {
        let pair = Pair::load(subject, &floor, no_warm_instances(), accept_stateless)?;
        measure::fresh(&pair.policy, &pair.floor, &request)?
    };
    let load = load::measure(&subject.component, &request)?;
    let threads = {
        let load = || Pair::load(subject, &floor, Limits::default(), accept_stateless);
        let (pair, other) = (load()?, load()?);
        threads::measure([&pair.policy, &other.policy], &request)?
    };
    Ok(Numbers {
        floor_ns: rounded(warm.floor_p50),
        warm_p50_ns: rounded(warm.p50),
        warm_p99_ns: rounded(warm.p99),
        ratio_to_floor: (warm.p50 / warm.floor_p50 * 1000.0).round() / 1000.0,
        fresh_p50_ns: rounded(fresh.p50),
        load_cold_ms: load.cold,
        load_changed_ms: load.changed,
        load_cached_ms: load.cached,
        two_thread_scaling: threads.scaling,
        two_thread_sharing: threads.sharing,
        component_bytes: subject.component.len(),
        floor_p99_ns: rounded(warm.floor_p99),
        fresh_floor_ns: rounded(fresh.floor_p50),
        engine_start_ms: load.engine_start,
        control_two_thread_gain: threads.control_gain,
        outcome: answer.outcome.as_str(),
        known_engine: hexgate_component::plan_of(&subject.component).is_some(),
        keeps_instances: accept_stateless && subject.claims_stateless(),
        debug_build: cfg!(debug_assertions),
    })
}

/// The policy and the floor, in one engine.
struct Pair {
    policy: Policy,
    floor: Policy,
}

impl Pair {
    fn load(
        subject: &Subject,
        floor: &[u8],
        limits: Limits,
        accept_stateless: bool,
    ) -> anyhow::Result<Self> {
        let engine = Engine::builder()
            .limits(limits)
            .accept_stateless_claims(accept_stateless)
            .build()
            .context("cannot start the runtime")?;
        let policy = subject.load(&engine)?;
        let floor =
            Policy::dangerous_from_unverified_bytes_with(&engine, floor, Isolation::DangerousNone)
                .context("the floor does not load")?;
        Ok(Self { policy, floor })
    }
}

impl Numbers {
    fn human(&self, call: &Call<'_>) -> String {
        let engine = match (self.known_engine, self.keeps_instances) {
            (true, _) => "",
            (false, true) => {
                " (not of the known engine: metered, its claim to be stateless accepted)"
            }
            (false, false) => " (not of the known engine: metered, a fresh instance a decision)",
        };
        format!(
            "{} → {}: {}{engine}\n\
             \x20 warm decision   p50 {} ns, p99 {} ns: {} x floor (p50 {} ns, p99 {} ns)\n\
             \x20 fresh instance  p50 {} ns; floor {} ns\n\
             \x20 load            cold {} ms, another policy of a known engine {} ms, from the disk cache {} ms; engine start {} ms\n\
             \x20 two threads     {} of what a pure-CPU loop gains, {} of what two policies gain that share nothing; the loop gains {} x\n\
             \x20 component       {} bytes\n",
            call.roles
                .first()
                .map_or("default".into(), |role| harmless(role)),
            harmless(call.tool),
            self.outcome,
            self.warm_p50_ns,
            self.warm_p99_ns,
            self.ratio_to_floor,
            self.floor_ns,
            self.floor_p99_ns,
            self.fresh_p50_ns,
            self.fresh_floor_ns,
            self.load_cold_ms,
            self.load_changed_ms,
            self.load_cached_ms,
            self.engine_start_ms,
            self.two_thread_scaling,
            self.two_thread_sharing,
            self.control_two_thread_gain,
            self.component_bytes,
        )
    }
}

/// The clock is not more precise than a tenth of a nanosecond.
fn rounded(nanoseconds: f64) -> f64 {
    (nanoseconds * 10.0).round() / 10.0
}

#[allow(
    clippy::field_reassign_with_default,
    reason = "the struct may get further fields, so it cannot be built here"
)]
fn no_warm_instances() -> Limits {
    let mut limits = Limits::default();
    limits.warm_instances = 0;
    limits
}
