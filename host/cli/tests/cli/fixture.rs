//! A folder with policies, and the binary run in it.

use std::{
    fs,
    io::Write,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

/// The policy of most tests.
pub(crate) const BILLING: &str = r#"version: 1
consts:
  cap: 500
roles:
  default:
    default_policy: { mode: deny }
  support:
    tools:
      view_orders: { mode: allow }
  billing:
    tools:
      refund_order:
        mode: allow
        constraints:
          - only(args, ["amount", "currency"])
          - args.amount > 0
          - args.amount <= consts.cap
          - args.currency in ["USD", "EUR"]
      wire_transfer:
        mode: approval_required
        constraints:
          - only(args, ["amount"])
          - args.amount > 0
          - args.amount <= 100000
      drop_table: { mode: deny }
      read_file:
        mode: allow
        constraints:
          - only(args, ["file_path"])
        file_scope:
          allowed_paths: ["src/**"]
          denied_paths: [".env"]
"#;

pub(crate) struct Fixture {
    folder: TempDir,
}

impl Fixture {
    /// An empty folder.
    pub(crate) fn empty() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// A folder with `policy.yaml`.
    pub(crate) fn new() -> Self {
        Self::empty().with("policy.yaml", BILLING)
    }

    /// Adds a file.
    pub(crate) fn with(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    /// Adds `release.private`, `release.public` and the signed bundle `dist`, made by the binary.
    pub(crate) fn with_bundle(self) -> Self {
        self.quiet("keygen --out release");
        self.quiet("build policy.yaml --out dist --sign-key release.private --agent support-bot --sequence 7");
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `hexgate policy` with arguments that are separated by blanks.
    pub(crate) fn command(&self, arguments: &str) -> Command {
        self.command_of(&arguments.split_whitespace().collect::<Vec<_>>())
    }

    /// `hexgate policy` with arguments.
    pub(crate) fn command_of(&self, arguments: &[&str]) -> Command {
        let mut command = self.hexgate();
        command.arg("policy").args(arguments);
        command
    }

    /// `hexgate`.
    pub(crate) fn hexgate(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hexgate"));
        command.current_dir(self.folder.path());
        command
            .env_remove("NO_COLOR")
            .env("COLUMNS", "120")
            .stdin(Stdio::null());
        command
    }

    /// Runs and shows everything that a user sees.
    pub(crate) fn run(&self, arguments: &str) -> String {
        self.shown(&self.command(arguments).output().unwrap())
    }

    /// Runs with arguments of which some have blanks.
    pub(crate) fn run_of(&self, arguments: &[&str]) -> String {
        self.shown(&self.command_of(arguments).output().unwrap())
    }

    /// Runs with a text on the standard input.
    pub(crate) fn run_with_input(&self, arguments: &str, input: &str) -> String {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        self.shown(&child.wait_with_output().unwrap())
    }

    /// `test policy.yaml --role billing --tool TOOL --args ARGS`.
    pub(crate) fn call(&self, tool: &str, args: &str) -> String {
        self.run_of(&[
            "test",
            "policy.yaml",
            "--role",
            "billing",
            "--tool",
            tool,
            "--args",
            args,
        ])
    }

    /// The same with `--explain`, without the verdict's own lines.
    pub(crate) fn explain(&self, tool: &str, args: &str) -> String {
        let shown = self.run_of(&[
            "test",
            "policy.yaml",
            "--role",
            "billing",
            "--tool",
            tool,
            "--args",
            args,
            "--explain",
        ]);
        shown.split_once("\n\n").unwrap().1.to_owned()
    }

    /// Runs something that must end with the exit code 0.
    pub(crate) fn quiet(&self, arguments: &str) -> Output {
        let output = self.command(arguments).output().unwrap();
        assert!(output.status.success(), "{}", self.shown(&output));
        output
    }

    /// Runs something that prints JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let output = self.command_of(arguments).output().unwrap();
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", self.shown(&output)))
    }

    /// Exit code, stdout and stderr, without what differs from run to run.
    pub(crate) fn shown(&self, output: &Output) -> String {
        let text = |bytes: &[u8]| self.filtered(std::str::from_utf8(bytes).unwrap());
        let mut shown = match output.status.code() {
            Some(code) => format!("exit {code}\n"),
            None => "killed\n".to_owned(),
        };
        shown.push_str(&text(&output.stdout));
        if !output.stderr.is_empty() {
            shown.push_str("--- stderr\n");
            shown.push_str(&text(&output.stderr));
        }
        shown
    }

    fn filtered(&self, text: &str) -> String {
        let text = text.replace(&self.folder.path().display().to_string(), "[DIR]");
        let mut out = String::new();
        let mut rest = text.as_str();
        // Runs of lower-case hexadecimal digits of the length of a digest or a key id.
        while let Some(start) = rest.find(is_hex) {
            let (before, from) = rest.split_at(start);
            let length = from.find(|c| !is_hex(c)).unwrap_or(from.len());
            let (run, after) = from.split_at(length);
            out.push_str(before);
            out.push_str(match length {
                64 => "[SHA256]",
                16 if run.contains(|c: char| c.is_ascii_digit()) => "[ID]",
                _ => run,
            });
            rest = after;
        }
        out.push_str(rest);
        out
    }
}

fn is_hex(character: char) -> bool {
    matches!(character, '0'..='9' | 'a'..='f')
}
