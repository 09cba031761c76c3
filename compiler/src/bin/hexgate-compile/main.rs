//! Compiles an authorization policy for AI agents into a signed WebAssembly component.
//!
//! Exit codes: 0 done, 1 the policy is refused, 2 misuse or environment.
#![forbid(unsafe_code)]

mod args;
mod explain;
mod output;

use std::{
    io::{self, IsTerminal, Write},
    path::Path,
    process::ExitCode,
};

use anyhow::Context;
use clap::Parser;
use hexgate_base::harmless;
use hexgate_compiler::{
    Compiler, Options, Outcome, Product,
    bundle::PrivateKey,
    diagnostic::render::{Format, render, summary, worst},
    schema::POLICY_SCHEMA,
    sentence,
};

use args::Args;

const REFUSED: u8 = 1;
const MISUSE: u8 = 2;

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(code) => code,
        Err(error) => {
            // Where stderr is gone as well there is nobody to tell.
            let _ = writeln!(io::stderr(), "error: {}", lines(&sentence(error.chain())));
            ExitCode::from(MISUSE)
        }
    }
}

/// Messages quote paths, which can contain anything. Line breaks of our own stay.
fn lines(text: &str) -> String {
    text.split('\n')
        .map(harmless)
        .collect::<Vec<_>>()
        .join("\n")
}

fn run(args: &Args) -> anyhow::Result<ExitCode> {
    hexgate_compiler::on_signals().context("cannot listen for signals")?;
    if let Some(code) = &args.explain {
        print(&explain::explain(code)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    if args.schema {
        print(POLICY_SCHEMA)?;
        return Ok(ExitCode::SUCCESS);
    }
    let Some(policy) = &args.policy else {
        anyhow::bail!("no policy was named; see `hexgate-compile --help`")
    };
    // What is wrong on the command line is said before the work, not after it.
    let key = args.sign_key.as_deref().map(load_key).transpose()?;
    let options = Options {
        limits: args.limits(),
        deny_warnings: args.deny_warnings,
    };
    let outcome = Compiler::new(options).make(policy, args.engine, &args.rego)?;
    report(args, policy, &outcome)?;
    let Some(product) = &outcome.policy else {
        return Ok(ExitCode::from(REFUSED));
    };
    if args.check {
        return Ok(ExitCode::SUCCESS);
    }
    let written = output::write(args, product, key.as_ref())?;
    if !args.quiet {
        let signed = match &key {
            Some(key) => format!("signed with {}", key.public_key().id()),
            None => "not signed".to_owned(),
        };
        let mut stderr = io::stderr();
        let has_bundle = written.iter().any(|output| output.is_bundle);
        for output in written {
            let about = if output.is_bundle {
                format!(" ({signed})")
            } else {
                String::new()
            };
            let path = output.path.display().to_string();
            let _ = writeln!(stderr, "wrote `{}`{about}", harmless(&path));
        }
        if has_bundle && key.is_some() && args.release.sequence == 0 {
            let _ = writeln!(
                stderr,
                "note: the bundle has no sequence number, so hosts cannot tell it from an older one: pass `--sequence N`, a higher one for each release"
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Diagnostics go where they are read: those for people to stderr, those for programs to stdout.
fn report(args: &Args, policy: &Path, outcome: &Outcome<Product>) -> anyhow::Result<()> {
    let format = args.format();
    if format != Format::Human {
        return print(&render(
            &outcome.diagnostics,
            &outcome.sources,
            format,
            false,
        ));
    }
    let mut stderr = io::stderr();
    let colour =
        stderr.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let mut text = render(&outcome.diagnostics, &outcome.sources, format, colour);
    let summary = summary(&outcome.diagnostics);
    let path = policy.display().to_string();
    let path = harmless(&path);
    if outcome.policy.is_none() {
        text.push_str(&format!("`{path}` is refused: {summary}\n"));
    } else if !summary.is_empty() {
        text.push_str(&format!("`{path}` is accepted: {summary}\n"));
    }
    if let Some(first) = worst(&outcome.diagnostics).filter(|_| !summary.is_empty()) {
        text.push_str(&format!(
            "for more about a code run `hexgate-compile --explain {}`\n",
            first.code
        ));
    }
    let _ = stderr.write_all(text.as_bytes());
    Ok(())
}

fn load_key(path: &Path) -> anyhow::Result<PrivateKey> {
    let loaded = PrivateKey::from_file(path)?;
    if let Some(warning) = loaded.warning {
        let _ = writeln!(io::stderr(), "warning: {}", harmless(&warning.to_string()));
    }
    Ok(loaded.key)
}

/// Writes to stdout. A reader that has seen enough is no error; a full disk behind a redirection is.
fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("cannot write to the standard output"),
    }
}
