//! A compiler for WebAssembly, for tests that build policies in Rust with the user's cargo.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

use crate::skipped;

/// The compiler that `cargo xtask setup` unpacks, if rustup has none for the target.
const RUSTC: &str = "HEXGATE_WASM_RUSTC";

/// What cargo's environment needs so that it builds for `wasm32-unknown-unknown`: nothing where rustup has the target. None: it cannot be
/// built for here, and that has been said.
///
/// # Panics
/// If it cannot be built for where all tools are required.
#[track_caller]
pub fn wasm_environment() -> Option<Vec<(&'static str, OsString)>> {
    let (target, unpacked) = (installed_target(), env::var_os(RUSTC));
    if target.is_some_and(|folder| folder.is_dir()) {
        return Some(Vec::new());
    }
    let (Some(rustc), Some(linker)) = (unpacked, linker()) else {
        skipped("there is no compiler for WebAssembly; run `cargo xtask setup wasm`");
        return None;
    };
    Some(vec![
        ("RUSTC", rustc),
        ("RUSTC_BOOTSTRAP", "1".into()),
        ("CARGO_UNSTABLE_BUILD_STD", "core,alloc".into()),
        (
            "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER",
            linker.into_os_string(),
        ),
    ])
}

/// Where the compiler at hand looks for the target's standard library.
fn installed_target() -> Option<PathBuf> {
    let folder = rustc(&[
        "--print",
        "target-libdir",
        "--target",
        "wasm32-unknown-unknown",
    ])?;
    Some(PathBuf::from(folder.trim()))
}

/// The linker that comes with every Rust toolchain.
fn linker() -> Option<PathBuf> {
    let sysroot = rustc(&["--print", "sysroot"])?;
    let about = rustc(&["-vV"])?;
    let host = about.lines().find_map(|line| line.strip_prefix("host: "))?;
    let linker = Path::new(sysroot.trim())
        .join("lib/rustlib")
        .join(host)
        .join("bin/rust-lld");
    linker.is_file().then_some(linker)
}

fn rustc(arguments: &[&str]) -> Option<String> {
    let output = Command::new("rustc").args(arguments).output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
