//! The control of a case: the same script in the same places without a sandbox. A case that does nothing there is held by anything.

use std::fs::File;
use std::io::{Read, Seek};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::Case;
use super::play::{Ran, judge};
use crate::fixture::Fixture;

/// What came of a case without a sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Control {
    /// It does what it is there for.
    Works,
    /// This machine does not have what it attacks, or attacks by.
    Absent(String),
    /// It does nothing, and its data knows no reason: what it printed.
    Nothing(String),
    /// It would harm the machine, or reach beyond it.
    Unsafe,
}

/// The folders in which commands of a sandbox find programs.
const SEARCH_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

fn installed(name: &str) -> bool {
    SEARCH_PATH
        .split(':')
        .any(|folder| Path::new(folder).join(name).exists())
}

/// Runs a case without a sandbox, if that is safe.
pub(super) fn try_out(fixture: &mut Fixture, case: &Case) -> Control {
    assert!(
        case.guard.is_none() || case.r#unsafe.is_some(),
        "{}: what would harm the machine is not tried without a sandbox",
        case.name()
    );
    let absent = |names: &[String]| {
        let absent: Vec<_> = names.iter().filter(|name| !installed(name)).collect();
        (!absent.is_empty()).then(|| format!("there is no {absent:?}"))
    };
    if let Some(reason) = absent(&case.needs) {
        hexgate_test_support::skipped(&format!("{}: {reason}", case.name()));
        return Control::Absent(reason);
    }
    if let Some(reason) = absent(&case.if_installed) {
        return Control::Absent(reason);
    }
    if let Some(machine) = &case.machine
        && machine != std::env::consts::ARCH
    {
        return Control::Absent(format!("this is no {machine}"));
    }
    if case.r#unsafe.is_some() {
        return Control::Unsafe;
    }
    let before = fixture.reset();
    let ran = run(fixture, case);
    let wrong = judge(case, fixture, &before, &ran);
    let aims = case.escaped.is_some() || case.makes.is_some() || case.limit.is_some();
    let works = if case.has_to_work() {
        wrong.aimed.is_empty()
    } else if aims {
        !wrong.aimed.is_empty()
    } else {
        !wrong.beside.is_empty()
    };
    if works {
        Control::Works
    } else if let Some(reason) = &case.depends {
        Control::Absent(reason.clone())
    } else {
        let shown = |text: &str| text.chars().take(300).collect::<String>();
        Control::Nothing(format!("{:?} {:?}", shown(&ran.stdout), shown(&ran.stderr)))
    }
}

fn run(fixture: &Fixture, case: &Case) -> Ran {
    let (out, err) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
    let mut command = Command::new(if case.terminal { "bash" } else { "setsid" });
    if !case.terminal {
        command.args(["--wait", "bash"]);
    }
    // Everything of this program's environment, which a sandbox takes away.
    command
        .args(["-c", &case.script])
        .envs(fixture.variables())
        .env("PATH", SEARCH_PATH)
        .env("HOME", fixture.root())
        .env("PWD", fixture.root())
        .env("TMPDIR", fixture.temporary())
        .env("TERM", "dumb")
        .current_dir(fixture.root())
        .stdin(Stdio::null())
        // Files: what is left behind would keep a pipe open.
        .stdout(out.try_clone().unwrap())
        .stderr(err.try_clone().unwrap());
    let mut child = command.spawn().unwrap();
    let until = Instant::now() + case.timeout();
    let mut status = child.try_wait().unwrap();
    while status.is_none() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(5));
        status = child.try_wait().unwrap();
    }
    // It may stay, so it needs no time to go.
    let left = fixture.left(Duration::ZERO);
    let status = status.unwrap_or_else(|| child.wait().unwrap());
    Ran {
        stdout: text(out),
        stderr: text(err),
        code: status
            .code()
            .unwrap_or_else(|| 128 + status.signal().unwrap()),
        is_cut: false,
        most: 0,
        left,
    }
}

/// The beginning of a file: more than any case prints that does not flood.
fn text(mut file: File) -> String {
    file.rewind().unwrap();
    let mut text = Vec::new();
    file.take(1 << 20).read_to_end(&mut text).unwrap();
    String::from_utf8_lossy(&text).into_owned()
}
