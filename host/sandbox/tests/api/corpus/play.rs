//! A case in a sandbox, and the look at what came of it, which is the same without one.

use std::time::Duration;

use hexgate_sandbox::{Guarantee, Sandbox};

use super::{Came, Case};
use crate::fixture::{self, Before, Fixture};
use crate::wait;

/// What a case did.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) stdout: String,
    pub(super) stderr: String,
    pub(super) code: i32,
    /// Whether `stdout` is only the beginning.
    pub(super) is_cut: bool,
    /// Processes that it had at one time, if somebody counted.
    pub(super) most: usize,
    /// Processes that it left.
    pub(super) left: usize,
}

/// What is wrong with it.
#[derive(Debug, Default)]
pub(super) struct Wrong {
    /// It got what its data says that it wants.
    pub(super) aimed: Vec<String>,
    /// It did something else that no command may do.
    pub(super) beside: Vec<String>,
}

pub(super) fn play(fixture: &mut Fixture, sandbox: &Sandbox, case: &Case) -> Came {
    let guarded = case.guard.as_ref().is_some_and(|guard| {
        Guarantee::ALL
            .into_iter()
            .find(|what| what.name() == guard)
            .map(|what| !sandbox.enforces().holds(what))
            .unwrap()
    });
    if guarded {
        return Came::NotRun;
    }
    let before = fixture.reset();
    let mark = fixture.mark().to_owned();
    let (most, finished) = std::thread::scope(|scope| {
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let counting = (case.limit.as_deref() == Some("processes")).then(|| {
            scope.spawn(move || {
                let mut most = 0;
                while stopped.recv_timeout(Duration::from_millis(50)).is_err() {
                    most = most.max(fixture::marked(&mark).len());
                }
                most
            })
        });
        let finished = wait(sandbox.run(&case.script, case.timeout())).unwrap();
        let _ = stop.send(());
        (
            counting.map_or(0, |counting| counting.join().unwrap()),
            finished,
        )
    });
    // Where a namespace ends them, they are gone at once.
    let grace = if sandbox.name() == "landlock" {
        0
    } else {
        1000
    };
    let ran = Ran {
        stdout: finished.stdout,
        stderr: finished.stderr,
        code: finished.exit_code,
        is_cut: finished.stdout_truncated,
        most,
        left: fixture.left(Duration::from_millis(grace)),
    };
    let wrong = judge(case, fixture, &before, &ran);
    if wrong.aimed.is_empty() && wrong.beside.is_empty() {
        Came::Held
    } else {
        Came::Escaped([wrong.aimed, wrong.beside].concat().join(", "))
    }
}

/// Looks at what a case did.
pub(super) fn judge(case: &Case, fixture: &Fixture, before: &Before, ran: &Ran) -> Wrong {
    let mut wrong = Wrong {
        aimed: Vec::new(),
        beside: fixture.damage(before),
    };
    if ran.left > 0 {
        wrong.beside.push(format!("{} processes left", ran.left));
    }
    let output = format!("{}{}", ran.stdout, ran.stderr);
    if let Some(escaped) = &case.escaped
        && output.contains(escaped)
    {
        wrong.aimed.push(format!("printed `{escaped}`"));
    }
    if let Some(makes) = &case.makes
        && fixture.root().join(makes).symlink_metadata().is_ok()
    {
        wrong.aimed.push(format!("made `{makes}`"));
    }
    match case.limit.as_deref() {
        None => {}
        Some("processes") => {
            if ran.most > 70 {
                wrong.aimed.push(format!("{} processes", ran.most));
            }
            assert!(ran.most > 10, "`{}` did not try: {ran:?}", case.id);
        }
        Some("output") => {
            let is_cut = ran.stdout.chars().count() == 20_000 && ran.is_cut;
            let told = (!is_cut).then(|| format!("{} bytes of output", ran.stdout.len()));
            wrong.aimed.extend(told);
        }
        Some("data") => {
            let is_kept = ran.stdout == "\u{1b}]0;x\u{7}\u{1b}[2J";
            wrong
                .aimed
                .extend((!is_kept).then(|| format!("{:?}", ran.stdout)));
        }
        Some(other) => panic!("no limit `{other}`"),
    }
    if let Some(prints) = &case.prints
        && (ran.stdout.trim() != prints || ran.code != case.code.unwrap_or(0))
    {
        wrong.aimed.push(format!("{ran:?}"));
    }
    wrong
}
