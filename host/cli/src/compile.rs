//! `hexgate-compile`: compiles an authorization policy for AI agents into a signed WebAssembly component.

mod args;
mod emit;
mod explain;

use std::io::{self, Write};

use hexgate_compiler::{Options, schema::POLICY_SCHEMA};

use crate::{exit::Exit, key, making, output, stop};

pub(crate) use args::Args;

pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    stop::on_signals()?;
    if let Some(code) = &args.explain {
        output::print(&explain::explain(code)?)?;
        return Ok(Exit::Done);
    }
    if args.schema {
        output::print(POLICY_SCHEMA)?;
        return Ok(Exit::Done);
    }
    let Some(policy) = &args.policy else {
        anyhow::bail!("no policy was named; see `hexgate-compile --help`")
    };
    // What is wrong on the command line is said before the work, not after it.
    let key = args.sign_key.as_deref().map(key::load).transpose()?;
    let options = Options::default()
        .with_limits(args.limits())
        .with_denied_warnings(args.deny_warnings);
    let outcome = making::make(policy, &args.making, options)?;
    making::report(policy, &outcome, args.format, making::Accepted::Told)?;
    let Some(artifact) = &outcome.policy else {
        return Ok(Exit::Failed);
    };
    if args.check {
        return Ok(Exit::Done);
    }
    let written = emit::write(args, artifact, key.as_ref())?;
    if !args.quiet {
        let signed = match &key {
            Some(key) => format!("signed with {}", key.public_key().id()),
            None => "not signed".to_owned(),
        };
        let has_bundle = written.iter().any(|output| output.is_bundle);
        for output in written {
            let about = if output.is_bundle {
                format!(" ({signed})")
            } else {
                String::new()
            };
            let path = output.path.display().to_string();
            // Without stderr there is nowhere to report to.
            let _ = writeln!(io::stderr(), "wrote `{}`{about}", output::harmless(&path));
        }
        if has_bundle && key.is_some() && args.release.sequence == 0 {
            output::note(output::NO_SEQUENCE);
        }
    }
    Ok(Exit::Done)
}
