//! Packages in Rust, and the binaries run on them.

use std::{
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use hexgate_host::{
    Engine, Policy,
    bundle::{Expectation, UnverifiedBundle},
};
use hexgate_test_support::{guest_package, wasm_environment};

/// Packages, and the binaries run on them with an environment in which cargo builds for WebAssembly.
pub(super) struct Packages {
    folder: tempfile::TempDir,
    environment: Vec<(&'static str, OsString)>,
}

pub(super) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

impl Packages {
    /// None: there is no compiler for WebAssembly here, which was said.
    pub(super) fn new() -> Option<Self> {
        Some(Self::in_environment(wasm_environment()?))
    }

    pub(super) fn in_environment(environment: Vec<(&'static str, OsString)>) -> Self {
        Self {
            environment,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// Puts the folder of a program into the path.
    pub(super) fn find_programs_beside(&mut self, program: &Path) {
        let known = self
            .environment
            .iter()
            .position(|(name, _)| *name == "PATH");
        let path = match known {
            Some(index) => self.environment.remove(index).1,
            None => std::env::var_os("PATH").unwrap_or_default(),
        };
        let folder = program.parent().unwrap().to_owned();
        let path = [folder].into_iter().chain(std::env::split_paths(&path));
        self.environment
            .push(("PATH", std::env::join_paths(path).unwrap()));
    }

    /// For packages that use the standard library, where that is compiled along.
    pub(super) fn with_std(mut self) -> Self {
        for (name, value) in &mut self.environment {
            if *name == "CARGO_UNSTABLE_BUILD_STD" {
                *value = "std,panic_abort".into();
            }
        }
        self
    }

    /// Where cargo builds.
    pub(super) fn target_folder() -> &'static Path {
        Path::new(concat!(env!("CARGO_TARGET_TMPDIR"), "/guests"))
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A package of one file of `tests/guests`.
    pub(super) fn guest(&self, name: &str, metadata: &str) -> String {
        guest_package(&self.path(name), name, metadata).unwrap();
        format!("{name}/Cargo.toml")
    }

    /// The versions that the workspace has: cargo drops what a package does not need.
    pub(super) fn lock(&self, package: &str) {
        let lock = workspace().join("Cargo.lock");
        fs::copy(lock, self.path(package).join("Cargo.lock")).unwrap();
    }

    pub(super) fn command(&self, program: impl AsRef<OsStr>, folder: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.path(folder))
            .env("CARGO_TARGET_DIR", Self::target_folder())
            .env("COLUMNS", "120")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    /// `hexgate` with arguments that are separated by blanks.
    pub(super) fn hexgate(&self, arguments: &str) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_hexgate"), "");
        command.args(arguments.split_whitespace());
        command
    }

    pub(super) fn run(&self, arguments: &str) -> String {
        shown(&self.hexgate(arguments).output().unwrap())
    }

    /// The bundle of a package, signed.
    pub(super) fn bundle(&self, manifest: &str) -> PathBuf {
        if !self.path("release.private").exists() {
            succeeds(&mut self.hexgate("policy keygen --out release"));
        }
        let out = format!("{}.bundle", manifest.replace('/', "-"));
        succeeds(&mut self.hexgate(&format!(
            "policy build {manifest} --out {out} --sign-key release.private --agent bot"
        )));
        self.path(&out)
    }

    /// A policy, verified and loaded as an agent's host does.
    pub(super) fn load(&self, engine: &Engine, bundle: &Path) -> Policy {
        let keys =
            hexgate_host::bundle::TrustedKeys::from_file(self.path("release.public")).unwrap();
        let bundle = UnverifiedBundle::read(bundle)
            .unwrap()
            .verify(
                &keys,
                &Expectation::agent("bot"),
                std::time::SystemTime::now(),
            )
            .unwrap();
        Policy::load(engine, &bundle).unwrap()
    }
}

pub(super) fn shown(output: &Output) -> String {
    let mut shown = format!("exit {}\n", output.status.code().unwrap());
    shown.push_str(std::str::from_utf8(&output.stdout).unwrap());
    shown.push_str(std::str::from_utf8(&output.stderr).unwrap());
    shown
}

pub(super) fn succeeds(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", shown(&output));
    output
}
