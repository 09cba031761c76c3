//! Compiles the engine for each machine that hosts ship it for: `hexgate-precompile FOLDER`. `cargo xtask engine` runs it.

#[path = "../../../host/core/src/runtime/settings.rs"]
mod settings;

use std::{env, fs, path::PathBuf};

use wasmtime::{Engine, Result, error::Context as _};

/// What the artifact of a machine is called, and the machine as the compiler calls it.
const MACHINES: [(&str, &str); 2] = [
    ("x86_64-linux", "x86_64-unknown-linux-gnu"),
    ("aarch64-linux", "aarch64-unknown-linux-gnu"),
];

fn main() -> Result<()> {
    let folder = PathBuf::from(env::args_os().nth(1).context("name a folder")?);
    for (name, target) in MACHINES {
        let mut config = settings::settings();
        // A target that is named stands for every CPU of its kind: nothing is taken over from the CPU here.
        config.target(target)?;
        let code = Engine::new(&config)?.precompile_module(hexgate_component::engine_module())?;
        let file = folder.join(format!("engine.{name}.cwasm"));
        fs::write(&file, code).with_context(|| format!("cannot write `{}`", file.display()))?;
    }
    Ok(())
}
