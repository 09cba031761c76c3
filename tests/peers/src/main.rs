//! `cargo xtask bench-peers` runs this: one policy and the same calls in several engines.
//!
//! | module | what happens there |
//! |---|---|
//! | `call` | the calls, and what every engine must say to them |
//! | `peer` | an engine that holds the policy |
//! | `ours`, `module`, `opa`, `regorus`, `cedar` | the engines |
//! | `measure` | timing in turns |
//! | `table` | the numbers as Markdown |
//!
//! An engine is timed only after it has said the same as all others to all calls.
#![forbid(unsafe_code)]

mod call;
mod cedar;
mod measure;
mod module;
mod opa;
mod ours;
mod peer;
mod regorus;
mod table;

use std::{env, fs, path::Path};

use anyhow::{Context, Result, bail};
use hexgate_compiler::{Compiler, opa::Opa};

use call::{ALLOWED, DENIED};
use measure::Samples;
use ours::{Component, Run};
use peer::Peer;
use table::Row;

/// How often each engine has its turn. `opa bench` takes a second and a half each.
const ROUNDS: u32 = 15;
const ROUNDS_OF_OPA: u32 = 5;

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [policy, out] = arguments.as_slice() else {
        bail!("usage: hexgate-peers POLICY OUT");
    };
    let out = Path::new(out);
    let opa = Opa::find()?;
    let outcome = Compiler::default().compile_path(Path::new(policy))?;
    let policy = outcome.policy.context("the policy is refused")?;
    let wrapped = policy.rego_component(&opa)?;
    let (module, _) = hexgate_component::opa_module_of(&wrapped)
        .context("there is no module in the component")?;
    let folder = out.join("opa");
    fs::create_dir_all(&folder)?;
    let binary = opa::Binary::load(opa.path(), &folder, policy.rego()?)?;
    let mut alone = bare(module)?;

    let peers: Vec<(Box<dyn Peer>, &str)> = vec![
        (
            Box::new(Component::load(
                "hexgate, native component",
                &policy.component,
                Run::AsUsersGetIt,
            )?),
            "text to verdict, in a sandbox, the instance kept",
        ),
        (
            Box::new(Component::load(
                "hexgate, Rego component",
                &wrapped,
                Run::AsUsersGetIt,
            )?),
            "text to verdict, in a sandbox, a fresh instance each, instructions counted",
        ),
        (
            Box::new(Component::load(
                "the same, instance kept",
                &wrapped,
                Run::Kept,
            )?),
            "text to verdict, in a sandbox, nothing counted: for comparison only",
        ),
        (
            Box::new(bare(module)?),
            "text to answer by OPA's ABI in wasmtime, the instance kept, no limits",
        ),
        (
            Box::new(regorus::Interpreter::load(policy.rego()?)?),
            "text to answer, in the process, no sandbox",
        ),
        (
            Box::new(regorus::Machine::load(policy.rego()?)?),
            "text to answer, in the process, no sandbox",
        ),
        (
            Box::new(cedar::Cedar::load(
                &Path::new(env!("CARGO_MANIFEST_DIR")).join("policy"),
            )?),
            "text to decision with the schema checked, in the process, no sandbox; policy written by hand, no reasons",
        ),
    ];
    let mut rows: Vec<Row> = peers
        .into_iter()
        .map(|(peer, what)| Row::of(peer, what))
        .collect();
    for row in &mut rows {
        peer::check(row.peer.as_mut())?;
        eprintln!(
            "{}: agrees on {} calls",
            row.peer.name(),
            call::AGREED.len()
        );
    }
    let mut unmetered = Component::load("fresh, nothing counted", &wrapped, Run::FreshUnmetered)?;
    peer::check(&mut unmetered)?;

    let (mut by_opa, mut fresh, mut parts) = (
        [Samples::default(), Samples::default()],
        Samples::default(),
        module::Parts::default(),
    );
    for round in 0..ROUNDS {
        eprintln!("round {} of {ROUNDS}", round + 1);
        for row in &mut rows {
            row.turn();
        }
        fresh.turn(|| unmetered.decide(&ALLOWED));
        alone.parts(&ALLOWED, &mut parts).map_err(failed)?;
        if round % (ROUNDS / ROUNDS_OF_OPA) == 0 {
            binary.bench(&ALLOWED, &mut by_opa[0])?;
            binary.bench(&DENIED, &mut by_opa[1])?;
        }
    }
    let peers = table::peers(&rows, &opa.version().to_string(), &by_opa)?;
    let shares = table::shares(&rows, &fresh, &parts)?;
    println!("{peers}\n{shares}");
    fs::write(out.join("peers.md"), peers)?;
    fs::write(out.join("shares.md"), shares)?;
    Ok(())
}

fn bare(module: &[u8]) -> Result<module::Bare> {
    module::Bare::load(module).map_err(failed)
}

/// The runtime's errors are not the standard library's.
fn failed(error: wasmtime::Error) -> anyhow::Error {
    anyhow::anyhow!("{error:?}")
}
