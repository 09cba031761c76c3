//! The C library of WASI, for the tests that build policies for `wasm32-wasip1` and `wasm32-wasip2`: with rustup's targets, or else
//! Debian's, put to where the unpacked compiler looks for it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use super::{debian, fresh};
use crate::{engine::compile, workspace};

const TARGETS: [&str; 2] = ["wasm32-wasip1", "wasm32-wasip2"];
const BY_HAND: &str =
    "install the targets by hand with `rustup target add wasm32-wasip1 wasm32-wasip2`";

const PACKAGE: &str = "wasi-libc";
const LIBRARY: &str = "usr/lib/wasm32-wasi/libc.a";

pub(super) fn install(tools: &Path) -> Result<()> {
    if is_installed() {
        println!("setup wasi: the targets {} are there", TARGETS.join(", "));
        return Ok(());
    }
    if compile::rustup_has_target() {
        println!("setup wasi: adding the targets {}", TARGETS.join(", "));
        return workspace::run(
            Command::new("rustup")
                .args(["target", "add"])
                .args(TARGETS)
                .current_dir(workspace::root()),
        )
        .context(BY_HAND);
    }
    debian::require(BY_HAND)?;
    debian::find(PACKAGE, BY_HAND)?;
    println!(
        "setup wasi: unpacking {PACKAGE} into `{}`",
        tools.join("rust-web").display()
    );
    let partial = tools.join("wasi.partial");
    fresh(&partial)?;
    debian::unpack(&[PACKAGE.to_owned()], &partial)?;
    for target in TARGETS {
        let place = unpacked(target);
        if let Some(folder) = place.parent() {
            fs::create_dir_all(folder)
                .with_context(|| format!("cannot create `{}`", folder.display()))?;
        }
        // Under its name it is whole.
        let beside = place.with_extension("partial");
        fs::copy(partial.join(LIBRARY), &beside)
            .and_then(|_| fs::rename(&beside, &place))
            .with_context(|| format!("cannot write `{}`", place.display()))?;
    }
    fs::remove_dir_all(&partial).with_context(|| format!("cannot remove `{}`", partial.display()))
}

/// Whether policies can be built for both targets.
pub(crate) fn is_installed() -> bool {
    let installed = compile::rustup_targets().unwrap_or_default();
    let has = |target: &&str| installed.iter().any(|it| it == target);
    if compile::rustup_has_target() {
        TARGETS.iter().all(has)
    } else {
        TARGETS.iter().all(|target| unpacked(target).is_file())
    }
}

/// Where the unpacked compiler looks for the C library of a target.
fn unpacked(target: &str) -> PathBuf {
    let sysroot = compile::unpacked_rustc().with_file_name("usr");
    sysroot
        .join("lib/rustlib")
        .join(target)
        .join("lib/self-contained/libc.a")
}
