//! Enforcement in full, with a list of calls in place of an agent: `agent NAME APPROVERS < CALLS`.
//!
//! Reads proposed calls, one JSON object a line, and prints which tools would run and the messages for the model. The environment names the
//! policy. Requests for approval are in `approvals.db`, and every decision in the log `audit`, both in this folder.
#![forbid(unsafe_code)]

use std::io::stdin;
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Context as _, Result};
use hexgate_enforce::approvals::{ApprovalService, Approvers, RequestStore, Terms};
use hexgate_enforce::audit::{AuditLog, DigestKey, Options};
use hexgate_enforce::host::Engine;
use hexgate_enforce::resolve::{Environment, Resolver};
use hexgate_enforce::{
    Approvals, AuditRecorder, Call, Caller, DurableApprovals, Enforcer, OnRecordFailure, Permit,
};
use serde::Deserialize;
use serde_json::value::RawValue;

/// A call that a model proposes, and the user who asked for it. Only the host knows the latter.
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
        // Once a turn: look for a new policy.
        let _ = enforcer.begin_turn();
        let caller = Caller::builder(call.user).roles(call.roles).build()?;
        match enforcer.authorize(Call::of(&caller, &call.tool, call.arguments.get())) {
            Ok(permit) => run(&permit),
            Err(decision) => println!("{}", decision.model_message().unwrap_or_default()),
        }
    }
    Ok(())
}

/// In place of a tool. The bytes that were decided are the bytes that run.
///
/// Prints the tool and not the arguments, which may hold an address or password: a program's output ends in logs that more people read. The
/// audit log has the arguments, as far as its options keep them.
fn run(permit: &Permit) {
    let _arguments = permit.arguments();
    println!("run {}", permit.tool());
}

fn enforcer(agent: &str, approvers: &str) -> Result<Enforcer> {
    let resolved = Resolver::new(agent, &Engine::new()?).resolve(&Environment::from_env()?)?;
    // Notices for the operator, for example that the policy is not signed.
    for notice in &resolved.notices {
        eprintln!("{notice}");
    }

    // What looks like a secret is withheld from the log. Calls without any can be decided again from it.
    let options = Options::new(DigestKey::open_or_create("digest.key")?);
    let log = AuditLog::open("audit", options, SystemTime::now())?;

    let service = ApprovalService::new(
        RequestStore::open_or_create("approvals.db")?,
        Approvers::from_file(approvers)?,
    );
    let ask = DurableApprovals::new(Arc::new(service), Terms::new(["support-lead"])?);

    Ok(resolved
        .enforcer()
        .recorder(AuditRecorder::new(log), OnRecordFailure::Deny)
        .approvals(Approvals::handler(ask))
        .build()?)
}
