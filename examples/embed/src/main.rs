//! Gates three tool calls by a signed policy: `embed BUNDLE PUBLIC-KEY AGENT`.
#![forbid(unsafe_code)]

use std::time::SystemTime;

use anyhow::{Context as _, Result};
use hexgate_host::bundle::{Expectation, TrustedKeys, UnverifiedBundle};
use hexgate_host::{Engine, Policy, Request, Verdict};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [bundle, key, agent] = arguments.as_slice() else {
        anyhow::bail!(
            "expected three arguments: a bundle's folder, a public key's file, the agent's name"
        );
    };
    let keys = TrustedKeys::from_file(key)?;
    let bundle = UnverifiedBundle::read(bundle)?.verify(
        &keys,
        &Expectation::agent(agent),
        SystemTime::now(),
    )?;
    let policy = Policy::load(&Engine::new()?, &bundle)
        .context("the bundle was verified but does not load")?;

    for (tool, arguments) in [
        ("refund_order", r#"{"amount": 12, "currency": "USD"}"#),
        ("refund_order", r#"{"amount": 12000, "currency": "USD"}"#),
        ("delete_account", r#"{"id": 7}"#),
    ] {
        // The bytes that are decided are the bytes that run: an agent passes `arguments` on as it is.
        match policy.decide(&Request::new(tool, arguments).roles(&["support"])) {
            Ok(Verdict::Allow(_)) => println!("{tool}: run it"),
            Ok(Verdict::NeedsApproval(_)) => println!("{tool}: ask a human"),
            Ok(Verdict::Deny(denial)) => println!("{tool}: {}", denial.reason),
            Err(error) => println!("{tool}: {error}"),
        }
    }
    Ok(())
}
