//! Another process that writes: this program again, asked for one test that does nothing unless it is told to.

use std::{
    io::Write,
    path::Path,
    process::{ChildStdout, Command, Stdio},
};

use hexgate_audit::{AuditLog, Receipt, Record, WhenUnwritable};

use crate::fixture::{ALLOW, decision, now, options};

const TASK: &str = "HEXGATE_AUDIT_TEST_TASK";
const LOG: &str = "HEXGATE_AUDIT_TEST_LOG";
const COUNT: &str = "HEXGATE_AUDIT_TEST_COUNT";

#[derive(Debug, Clone)]
pub(crate) enum Task {
    /// Records decisions and says the number of each once it is recorded.
    Write,
    /// Delivers the log to the platform at this address.
    Deliver(String),
}

pub(crate) struct Child(std::process::Child);

impl Child {
    pub(crate) fn start(task: Task, log: &Path, when_unwritable: WhenUnwritable) -> Self {
        Self::spawn("exec \"$0\" \"$@\"", task, log, when_unwritable)
    }

    /// With files of at most 16 blocks of 512 bytes (or 1,024 where the shell counts so): writing more fails, as on a full disk.
    pub(crate) fn limited(task: Task, log: &Path, when_unwritable: WhenUnwritable) -> Self {
        Self::spawn(
            "trap '' XFSZ; ulimit -f 16; exec \"$0\" \"$@\"",
            task,
            log,
            when_unwritable,
        )
    }

    fn spawn(script: &str, task: Task, log: &Path, when_unwritable: WhenUnwritable) -> Self {
        let child = Command::new("sh")
            .args(["-c", script])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "child::as_a_child", "--nocapture", "--quiet"])
            .env(
                TASK,
                match task {
                    Task::Write => "write".to_owned(),
                    Task::Deliver(url) => url,
                },
            )
            .env(LOG, log)
            .env(
                COUNT,
                format!("{}", when_unwritable == WhenUnwritable::Count),
            )
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self(child)
    }

    /// What it says, one line each, after what the test program says by itself.
    pub(crate) fn stdout(&mut self) -> impl std::io::Read + use<> {
        skip_to_begin(self.0.stdout.take().unwrap())
    }

    pub(crate) fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Waits for its end. All that it said.
    pub(crate) fn output(self) -> String {
        let output = self.0.wait_with_output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr)
    }
}

fn skip_to_begin(mut stdout: ChildStdout) -> ChildStdout {
    use std::io::Read;
    let mut said = Vec::new();
    while !said.ends_with(b"begin\n") {
        let mut byte = [0];
        stdout.read_exact(&mut byte).unwrap();
        said.push(byte[0]);
    }
    stdout
}

#[test]
fn as_a_child() {
    let Ok(task) = std::env::var(TASK) else {
        return;
    };
    if task != "write" {
        let log = std::env::var_os(LOG).unwrap();
        println!("begin");
        crate::delivery::deliver_to(&task, log.as_ref());
        return;
    }
    let mut options = options();
    if std::env::var(COUNT).unwrap() == "true" {
        options.when_unwritable = WhenUnwritable::Count;
    }
    let mut out = std::io::stdout();
    let log = match AuditLog::open(std::env::var_os(LOG).unwrap(), options, now()) {
        Ok(log) => log,
        Err(error) => {
            writeln!(out, "begin\n{error}").unwrap();
            return;
        }
    };
    writeln!(out, "begin").unwrap();
    let padding = format!(r#"{{"q": "{}"}}"#, "x".repeat(300));
    loop {
        let record = Record {
            arguments: &padding,
            ..decision(&ALLOW)
        };
        match log.record(&record) {
            Ok(Receipt::Written(head)) => writeln!(out, "{}", head.n).unwrap(),
            Ok(Receipt::Lost(lost)) => {
                writeln!(out, "lost {lost}").unwrap();
                if lost == 100 {
                    return;
                }
            }
            Err(error) => {
                writeln!(out, "{error}").unwrap();
                return;
            }
        }
    }
}
