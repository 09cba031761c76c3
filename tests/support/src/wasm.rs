//! A compiler for WebAssembly, for tests that build policies in Rust with the user's cargo.

use std::{
    env,
    ffi::OsString,
    fs, io,
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
    let unpacked = env::var_os(RUSTC);
    if has_target(Path::new("rustc"), "wasm32-unknown-unknown") {
        return Some(Vec::new());
    }
    let (Some(rustc), Some(tools)) = (unpacked, toolchain_programs()) else {
        skipped("there is no compiler for WebAssembly; run `cargo xtask setup wasm`");
        return None;
    };
    Some(vec![
        ("RUSTC", rustc),
        ("RUSTC_BOOTSTRAP", "1".into()),
        ("CARGO_UNSTABLE_BUILD_STD", "core,alloc".into()),
        (
            "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER",
            tools.join("rust-lld").into_os_string(),
        ),
    ])
}

/// The same, so that it builds for `wasm32-wasip1` and `wasm32-wasip2` as well.
///
/// # Panics
/// If it cannot be built for where all tools are required.
#[track_caller]
pub fn wasi_environment() -> Option<Vec<(&'static str, OsString)>> {
    let mut environment = wasm_environment()?;
    let rustc = environment
        .iter()
        .find(|(name, _)| *name == "RUSTC")
        .map_or_else(|| PathBuf::from("rustc"), |(_, rustc)| rustc.into());
    if !["wasm32-wasip1", "wasm32-wasip2"]
        .iter()
        .all(|target| has_target(&rustc, target))
    {
        skipped("there is no C library for WASI; run `cargo xtask setup wasi`");
        return None;
    }
    if environment.is_empty() {
        return Some(environment);
    }
    let tools = toolchain_programs()?;
    // The linkers of a toolchain find each other in the path, and cargo-component asks the `rustc` there which targets it has.
    let mut path: Vec<PathBuf> = vec![tools.clone(), tools.join("gcc-ld")];
    path.extend(rustc.parent().map(Path::to_owned));
    path.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    environment.extend([
        (
            "CARGO_TARGET_WASM32_WASIP1_LINKER",
            tools.join("rust-lld").into_os_string(),
        ),
        (
            "CARGO_TARGET_WASM32_WASIP2_LINKER",
            tools.join("wasm-component-ld").into_os_string(),
        ),
        ("PATH", env::join_paths(path).ok()?),
    ]);
    Some(environment)
}

/// Writes a package of one file of `tests/guests` into a folder, with the versions of the workspace. Its manifest.
///
/// # Errors
/// What cannot be written.
pub fn guest_package(folder: &Path, guest: &str, metadata: &str) -> io::Result<PathBuf> {
    let workspace = fs::canonicalize(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))?;
    fs::create_dir_all(folder.join("src"))?;
    let source = workspace.join("tests/guests").join(format!("{guest}.rs"));
    fs::copy(source, folder.join("src/lib.rs"))?;
    let sdk = workspace.join("guest/sdk");
    let manifest = format!(
        "[package]\nname = \"{}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[lib]\ncrate-type = [\"cdylib\"]\n\
         [dependencies]\nhexgate-guest = {{ path = {sdk:?} }}\n\
         wit-bindgen = {{ version = \"=0.60.0\", default-features = false, features = [\"macros\", \"realloc\"] }}\n\
         [package.metadata.hexgate]\n{metadata}\n[profile.release]\npanic = \"abort\"\n[workspace]\n",
        guest.replace('_', "-"),
    );
    let path = folder.join("Cargo.toml");
    fs::write(&path, manifest)?;
    // Cargo drops what a package does not need.
    fs::copy(workspace.join("Cargo.lock"), folder.join("Cargo.lock"))?;
    Ok(path)
}

/// Whether a compiler has what it needs of a target beside itself.
fn has_target(rustc: &Path, target: &str) -> bool {
    run(rustc, &["--print", "target-libdir", "--target", target])
        .is_some_and(|folder| Path::new(folder.trim()).is_dir())
}

/// The folder of the linkers that come with every Rust toolchain.
fn toolchain_programs() -> Option<PathBuf> {
    let rustc = Path::new("rustc");
    let sysroot = run(rustc, &["--print", "sysroot"])?;
    let about = run(rustc, &["-vV"])?;
    let host = about.lines().find_map(|line| line.strip_prefix("host: "))?;
    let programs = Path::new(sysroot.trim())
        .join("lib/rustlib")
        .join(host)
        .join("bin");
    programs.join("rust-lld").is_file().then_some(programs)
}

fn run(rustc: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new(rustc).args(arguments).output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
