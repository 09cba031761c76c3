//! What stands around a decision, in the place of an agent: `agent NAME APPROVERS < CALLS`.
//!
//! Reads proposed calls, one JSON object a line, and prints which tools would run and what the model would be told. The policy comes from
//! where the environment says. Requests for approval lie in `approvals.db`, and every decision in the log `audit`, both in this folder.

use std::io::stdin;
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Context as _, Result};
use hexgate_enforce::approvals::{Approvers, Desk, Mailbox, Terms};
use hexgate_enforce::audit::{AuditLog, DigestKey, Options};
use hexgate_enforce::hexgate::Engine;
use hexgate_enforce::resolve::{Environment, Resolver};
use hexgate_enforce::{
    Approvals, AuditRecorder, Call, Caller, DurableApprovals, Enforcer, OnRecordFailure, Permit,
};
use serde::Deserialize;
use serde_json::value::RawValue;

/// A call that a model proposes, and who asked for it. Only the host can say the latter.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Proposed {
    user: String,
    roles: Vec<String>,
    tool: String,
    arguments: Box<RawValue>,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [agent, approvers] = arguments.as_slice() else {
        anyhow::bail!(
            "expected two arguments: the agent's name, the file that lists the approvers"
        );
    };
    let enforcer = enforcer(agent, approvers)?;
    for line in stdin().lines() {
        let call: Proposed = serde_json::from_str(&line?).context("a call is not understood")?;
        // Once a turn: is there another policy?
        let _ = enforcer.begin_turn();
        let caller = Caller::builder(call.user).roles(call.roles).build()?;
        match enforcer.authorize(Call::of(&caller, &call.tool, call.arguments.get())) {
            Ok(permit) => run(&permit),
            Err(decision) => println!("{}", decision.model_message().unwrap_or_default()),
        }
    }
    Ok(())
}

/// In the place of a tool. The bytes that were decided are the bytes that run.
///
/// What is printed names the tool and not the arguments, which may be somebody's address or password: what a program prints ends in logs that
/// more people read. The audit log has them, as far as its options let them in.
fn run(permit: &Permit) {
    let _arguments = permit.arguments();
    println!("run {}", permit.tool());
}

fn enforcer(agent: &str, approvers: &str) -> Result<Enforcer> {
    let resolved = Resolver::new(agent, &Engine::new()?).resolve(&Environment::from_env()?)?;
    // What the operator should know: that nobody signed the policy, say.
    for notice in &resolved.notices {
        eprintln!("{notice}");
    }

    // What looks like a secret is withheld from the log. Calls without any can be decided again from it.
    let options = Options::new(DigestKey::open_or_create("digest.key")?);
    let log = AuditLog::open("audit", options, SystemTime::now())?;

    let desk = Desk::new(
        Mailbox::open_or_create("approvals.db")?,
        Approvers::from_file(approvers)?,
    );
    let ask = DurableApprovals::new(Arc::new(desk), Terms::new(["support-lead"])?);

    Ok(resolved
        .enforcer()
        .recorder(AuditRecorder::new(log), OnRecordFailure::Deny)
        .approvals(Approvals::handler(ask))
        .build()?)
}
