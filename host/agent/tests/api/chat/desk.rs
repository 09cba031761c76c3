//! A folder with the agent `clerk`, and the program that has its tools.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::{env, fs};

use tempfile::TempDir;

/// What the clerk may do.
pub(crate) const POLICY: &str = "roles:
  default: {}
  support:
    tools:
      look_up: { mode: allow }
      wait: { mode: allow }
      refund_order:
        - mode: allow
          constraints: [args.amount <= 50]
        - mode: approval_required
          constraints: [args.amount > 50, args.amount <= 500]
          message: Refunds above 50 need a second look.
";

pub(crate) struct Desk {
    folder: TempDir,
}

impl Desk {
    /// With a script of turns for the model.
    pub(crate) fn new(script: &str) -> Self {
        let desk = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        desk.write("clerk.yaml", POLICY);
        desk.write("turns.yaml", script);
        desk
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The program, in the folder, with nothing of this machine's settings.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.args(arguments).current_dir(self.path()).env_clear();
        for (name, value) in self.environment() {
            command.env(name, value);
        }
        command
    }

    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("PATH", env::var("PATH").unwrap_or_default()),
            ("HOME", self.path().display().to_string()),
            ("USER", "carol".to_owned()),
            ("LC_ALL", "C.UTF-8".to_owned()),
            ("HEXGATE_DEFAULT_MODEL", "script:turns.yaml".to_owned()),
        ]
    }

    /// Runs with a text on the standard input.
    pub(crate) fn piped(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A program that refuses before it reads closes the pipe.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }
}

/// The example that cargo built beside these tests.
pub(crate) fn program() -> PathBuf {
    let tests = env::current_exe().unwrap();
    let program = tests
        .parent()
        .unwrap()
        .parent()
        .unwrap()
        .join("examples/desk");
    assert!(
        program.is_file(),
        "`cargo test` builds the examples too, unless it is told which tests: `cargo build -p hexgate-agent --features chat --example desk`"
    );
    program
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
