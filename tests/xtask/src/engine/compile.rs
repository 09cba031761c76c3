//! Compiling `guest/engine`, `guest/opa` and `guest/http` for wasm32.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::workspace;

const TARGET: &str = "wasm32-unknown-unknown";
const TARGET_LINKER: &str = "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER";

/// A compiler that knows the target.
#[derive(Debug)]
pub(crate) enum Toolchain {
    /// The toolchain of this workspace, with the target installed by rustup.
    Rustup,
    /// A rustc unpacked by `cargo xtask setup`, with the source of the standard library.
    Unpacked(PathBuf),
}

/// A crate that becomes an artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guest {
    /// The evaluator.
    Engine,
    /// What speaks for a module that OPA compiled.
    Opa,
    /// What serves a policy over HTTP.
    Http,
}

impl Guest {
    fn package(self) -> &'static str {
        match self {
            Self::Engine => "hexgate-engine",
            Self::Opa => "hexgate-opa",
            Self::Http => "hexgate-http",
        }
    }

    /// The shadow stack, in bytes. It lies first in memory, so that running over it traps instead of overwriting data.
    fn stack(self) -> u32 {
        match self {
            Self::Engine | Self::Opa => 16 << 10,
            Self::Http => 64 << 10,
        }
    }
}

/// Whether functions keep their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Names {
    /// For the artifact.
    Stripped,
    /// For measuring.
    Kept,
}

impl Toolchain {
    /// The compiler whose identity is `wanted`, or else whichever there is.
    pub(crate) fn find(wanted: Option<&str>) -> Result<Self> {
        let mut found = Vec::new();
        let unpacked = unpacked_rustc();
        if unpacked.is_file() {
            found.push(Self::Unpacked(unpacked));
        }
        if rustup_has_target() {
            found.push(Self::Rustup);
        }
        if let Some(wanted) = wanted
            && let Some(same) = found
                .iter()
                .position(|toolchain| toolchain.identity().is_ok_and(|it| it == wanted))
        {
            return Ok(found.swap_remove(same));
        }
        match found.into_iter().next() {
            Some(toolchain) => Ok(toolchain),
            None => bail!(
                "no compiler for {TARGET}: run `cargo xtask setup` or `rustup target add {TARGET}`"
            ),
        }
    }

    /// Everything that the bytes depend on beside the source: compiler, its backend, linker, standard library.
    pub(crate) fn identity(&self) -> Result<String> {
        let verbose = workspace::output(self.rustc().arg("-vV"))?;
        let field = |name: &str| {
            let line = verbose
                .lines()
                .find_map(|line| line.strip_prefix(name))
                .unwrap_or("unknown");
            line.trim().to_owned()
        };
        let linker =
            workspace::output(Command::new(linker()?).args(["-flavor", "wasm", "--version"]))?;
        let library = match self {
            Self::Rustup => "prebuilt",
            Self::Unpacked(_) => "from source",
        };
        Ok(format!(
            "rustc {} ({}), LLVM {}, {}, core {library}",
            field("release:"),
            field("commit-hash:"),
            field("LLVM version:"),
            linker.lines().next().unwrap_or("unknown linker").trim(),
        ))
    }

    /// The linked module.
    pub(crate) fn compile(&self, guest: Guest, names: Names) -> Result<Vec<u8>> {
        let target = workspace::target().join(match names {
            Names::Stripped => "engine",
            Names::Kept => "engine-names",
        });
        let mut flags = vec![
            format!("-Clink-arg=-zstack-size={}", guest.stack()),
            "-Clink-arg=--export=__heap_base".to_owned(),
            // What every engine has. Without these two, tables and calls get by with the oldest encoding.
            "-Ctarget-feature=-reference-types,-multivalue".to_owned(),
        ];
        let mut command = workspace::cargo();
        command
            .args([
                "rustc",
                "--quiet",
                "--release",
                "--locked",
                "--target",
                TARGET,
            ])
            .args(["-p", guest.package(), "--lib", "--crate-type", "cdylib"])
            .env("CARGO_TARGET_DIR", &target)
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", OPT_LEVEL)
            .env("CARGO_PROFILE_RELEASE_LTO", "fat")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1")
            .env("CARGO_PROFILE_RELEASE_PANIC", "abort")
            .env("CARGO_PROFILE_RELEASE_DEBUG", "false")
            .env(
                "CARGO_PROFILE_RELEASE_STRIP",
                if names == Names::Kept {
                    "none"
                } else {
                    "symbols"
                },
            )
            .env("CARGO_INCREMENTAL", "0")
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .env_remove("RUSTC_WRAPPER")
            .env_remove("RUSTC_WORKSPACE_WRAPPER");
        if let Self::Unpacked(rustc) = self {
            // The standard library is compiled along, without any of the code that words a panic.
            flags.extend([
                "-Zunstable-options".to_owned(),
                "-Cpanic=immediate-abort".to_owned(),
            ]);
            command
                .args([
                    "-Zbuild-std=core,alloc",
                    "-Zbuild-std-features=optimize_for_size",
                ])
                .envs(unpacked_environment(rustc)?);
        }
        command.env("RUSTFLAGS", flags.join(" "));
        workspace::run(&mut command)?;
        let file = format!("{}.wasm", guest.package().replace('-', "_"));
        let wasm = target.join(TARGET).join("release").join(file);
        fs::read(&wasm).with_context(|| format!("cannot read `{}`", wasm.display()))
    }

    /// What the environment of a user's cargo needs so that it builds for the target.
    pub(crate) fn environment(&self) -> Result<Vec<(&'static str, OsString)>> {
        let Self::Unpacked(rustc) = self else {
            return Ok(Vec::new());
        };
        let mut environment = unpacked_environment(rustc)?;
        environment.push(("CARGO_UNSTABLE_BUILD_STD", "core,alloc".into()));
        Ok(environment)
    }

    fn rustc(&self) -> Command {
        let mut command = match self {
            Self::Rustup => Command::new("rustc"),
            Self::Unpacked(rustc) => Command::new(rustc),
        };
        command.current_dir(workspace::root());
        command
    }
}

/// Chosen by measurement: `z` is a fifth smaller and decides at half the speed; loading hardly differs.
const OPT_LEVEL: &str = "s";

/// What cargo needs for a compiler that was unpacked and not installed.
fn unpacked_environment(rustc: &Path) -> Result<Vec<(&'static str, OsString)>> {
    Ok(vec![
        ("RUSTC", rustc.into()),
        ("RUSTC_BOOTSTRAP", "1".into()),
        (TARGET_LINKER, linker()?.into()),
    ])
}

/// The compiler that `cargo xtask setup` unpacks.
pub(crate) fn unpacked_rustc() -> PathBuf {
    workspace::tools().join("rust-web/rustc")
}

/// Whether rustup has installed the target for this workspace's toolchain.
pub(crate) fn rustup_has_target() -> bool {
    rustup_targets().is_some_and(|installed| installed.iter().any(|target| target == TARGET))
}

/// The targets that rustup has installed for this workspace's toolchain. None: there is no rustup.
pub(crate) fn rustup_targets() -> Option<Vec<String>> {
    let installed = workspace::output(
        Command::new("rustup")
            .args(["target", "list", "--installed"])
            .current_dir(workspace::root()),
    )
    .ok()?;
    Some(
        installed
            .lines()
            .map(|line| line.trim().to_owned())
            .collect(),
    )
}

/// The linker that comes with every Rust toolchain.
fn linker() -> Result<PathBuf> {
    let sysroot = workspace::output(
        Command::new("rustc")
            .args(["--print", "sysroot"])
            .current_dir(workspace::root()),
    )?;
    let host = workspace::host()?;
    let linker = PathBuf::from(sysroot.trim())
        .join("lib/rustlib")
        .join(host)
        .join("bin/rust-lld");
    if !linker.is_file() {
        bail!(
            "no linker at `{}`: install the Rust toolchain with rustup",
            linker.display()
        );
    }
    Ok(linker)
}
