//! A compiler for wasm32: rustup's, or else Debian's, unpacked beside everything else and not installed (it would conflict).

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result};

use super::{debian, fresh, replace};
use crate::{engine::compile, workspace};

const BY_HAND: &str = "install the target by hand with `rustup target add wasm32-unknown-unknown`";

/// Which packages to unpack, given what they depend on. Their names carry versions that move on, so they are looked up.
const COMPILER: &str = "rustc-web";
const SOURCE: &str = "rust-web-src";
const LIBRARY: &str = "libstd-rust-web-dev";

pub(super) fn install(tools: &Path) -> Result<()> {
    if compile::rustup_has_target() {
        println!("setup wasm: rustup has installed the target wasm32-unknown-unknown");
        return Ok(());
    }
    if compile::unpacked_rustc().is_file() {
        println!(
            "setup wasm: `{}` is there",
            compile::unpacked_rustc().display()
        );
        return Ok(());
    }
    debian::require(BY_HAND)?;
    let packages = packages()?;
    println!(
        "setup wasm: unpacking {} into `{}`",
        packages.join(", "),
        tools.join("rust-web").display()
    );
    let partial = tools.join("rust-web.partial");
    fresh(&partial)?;
    debian::unpack(&packages, &partial)?;
    write_wrapper(&partial)?;
    replace(&partial, &tools.join("rust-web"))?;
    let version = workspace::output(Command::new(compile::unpacked_rustc()).arg("--version"))?;
    println!("setup wasm: {}", version.trim());
    Ok(())
}

/// The packages with the compiler, its libraries and the standard library's source.
fn packages() -> Result<Vec<String>> {
    debian::find(COMPILER, BY_HAND)?;
    let runtime = debian::dependency(LIBRARY, "libstd-rust-web-")?;
    let llvm = debian::dependency(&runtime, "libllvm")?;
    Ok(vec![
        COMPILER.to_owned(),
        SOURCE.to_owned(),
        LIBRARY.to_owned(),
        runtime,
        llvm,
    ])
}

/// The compiler finds its libraries beside it only if told so.
fn write_wrapper(folder: &Path) -> Result<()> {
    let libraries = fs::read_dir(folder.join("usr/lib"))?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .find(|name| name.contains("-linux-"))
        .context("the packages contain no libraries")?;
    let wrapper = folder.join("rustc");
    let script = format!(
        "#!/bin/sh\nhere=$(dirname \"$(readlink -f \"$0\")\")\n\
         export LD_LIBRARY_PATH=\"$here/usr/lib/{libraries}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}\"\n\
         exec \"$here/usr/bin/rustc\" \"$@\"\n"
    );
    fs::write(&wrapper, script)?;
    workspace::run(Command::new("chmod").arg("755").arg(&wrapper))
}
