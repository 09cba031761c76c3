//! The server of `examples/edge`: outside of the workspace, because of what it needs of the runtime.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};

use crate::workspace;

/// Builds it. Where it is.
pub(crate) fn build() -> Result<PathBuf> {
    let target = workspace::root()
        .join(workspace::target())
        .join("edge-server");
    let mut build = workspace::cargo();
    build
        .args(["build", "--release", "--locked", "--quiet", "--bins"])
        .current_dir(workspace::root().join("examples/edge"))
        .env("CARGO_TARGET_DIR", &target);
    workspace::run(&mut build)?;
    Ok(target.join("release/edge"))
}

/// Runs `examples/edge/run` as its user does: twice, and wrongly.
pub(crate) fn check_example() -> Result<()> {
    for _ in 0..2 {
        let served = Served::start(&["--address", "127.0.0.1:0"])?;
        served.check()?;
        // Where somebody listens already.
        refused(
            &["--address", &served.address],
            1,
            "`--address` names another place",
        )?;
    }
    let bad = workspace::target().join("bad.yaml");
    let bad = workspace::root().join(bad);
    fs::write(&bad, "tools: {t: {mode: maybe}}\n")?;
    let bad = bad.display().to_string();
    refused(&[&bad], 1, "is refused: 1 error")?;
    refused(&["nowhere.yaml"], 2, "cannot read")?;
    refused(
        &["--deadline", "0"],
        2,
        "a number of seconds from 1 to 3600",
    )?;
    println!("edge: `examples/edge/run` serves, and says what is wrong");
    Ok(())
}

/// The example with some arguments, from a folder of its own: a policy is looked for where its user is.
fn example(arguments: &[&str]) -> Command {
    let mut command = Command::new(workspace::root().join("examples/edge/run"));
    command
        .args(arguments)
        .current_dir(workspace::root().join("examples/policies"))
        .stdin(Stdio::null());
    command
}

/// The example ends with a code, and says something.
fn refused(arguments: &[&str], code: i32, says: &str) -> Result<()> {
    let output = example(arguments).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.code() == Some(code) && said.contains(says),
        "`examples/edge/run {}` ended with {}, expected exit code {code} and `{says}`:\n{said}",
        arguments.join(" "),
        output.status
    );
    Ok(())
}

/// The example while it serves.
struct Served {
    child: Child,
    address: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Served {
    fn start(arguments: &[&str]) -> Result<Self> {
        let mut child = example(arguments).stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().context("no output")?;
        let mut line = String::new();
        let mut served = Self {
            child,
            address: String::new(),
        };
        BufReader::new(stdout).read_line(&mut line)?;
        match line.trim().strip_prefix("listening on http://") {
            Some(address) => served.address = address.to_owned(),
            None => bail!("`examples/edge/run` does not say where it listens: {line:?}"),
        }
        Ok(served)
    }

    /// The question of `docs/edge.md`, and its answer.
    fn check(&self) -> Result<()> {
        let question = r#"{"subject": {"type": "user", "id": "ann", "properties": {"roles": ["billing"]}},
            "action": {"name": "call"}, "resource": {"type": "tool", "id": "refund_order",
            "properties": {"arguments": {"amount": 200, "currency": "USD"}}}}"#;
        let expected =
            r#"{"decision":true,"context":{"outcome":"allow","role":"billing","scope":null}}"#;
        let mut stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        write!(
            stream,
            "POST /access/v1/evaluation HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{question}",
            self.address,
            question.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        ensure!(
            answer.starts_with("HTTP/1.1 200 ") && answer.ends_with(expected),
            "the decision point answers\n{answer}"
        );
        Ok(())
    }
}
