//! The end of a command: of itself, by its time, by whoever waits for it, by the end of the program that started it.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hexgate_sandbox::{Sandbox, Workspace};

use crate::{anything, backend, fixture, folder, wait};

/// What a command may leave behind: a process of its own session, whose parent has ended.
const DAEMONS: &str =
    "for i in 1 2 3; do setsid -f sleep 300; done; (trap '' TERM HUP INT; sleep 300 &) ; ";

fn marked(builder: hexgate_sandbox::WorkspaceBuilder, mark: &str) -> Workspace {
    builder.env("FIXTURE", mark).build().unwrap()
}

fn gone(mark: &str, most: Duration) -> bool {
    let until = Instant::now() + most;
    loop {
        if fixture::marked(mark).is_empty() {
            return true;
        }
        if Instant::now() >= until {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn nothing_is_left_when_a_command_has_ended() {
    for name in ["landlock", "landlock-alone", "bwrap"] {
        let (_folder, builder) = folder();
        let mark = format!("ended-{name}-{}", std::process::id());
        let workspace = marked(builder, &mark);
        let Some(sandbox) = backend(name, &workspace) else {
            continue;
        };
        let finished =
            wait(sandbox.run(&format!("{DAEMONS} echo done"), Duration::from_secs(10))).unwrap();
        assert_eq!(finished.stdout, "done\n", "{finished:?}");
        // Landlock waits for the namespace to be empty, bubblewrap does not.
        let most = if name.starts_with("landlock") {
            0
        } else {
            2000
        };
        assert!(gone(&mark, Duration::from_millis(most)), "{name}");
    }
}

#[test]
fn nothing_is_left_when_its_time_is_over() {
    for name in ["landlock", "landlock-alone", "bwrap"] {
        let (_folder, builder) = folder();
        let mark = format!("late-{name}-{}", std::process::id());
        let workspace = marked(builder, &mark);
        let Some(sandbox) = backend(name, &workspace) else {
            continue;
        };
        let begun = Instant::now();
        let script = format!("{DAEMONS} echo begun; trap '' TERM; sleep 300");
        let finished = wait(sandbox.run(&script, Duration::from_millis(500))).unwrap();
        assert!(
            finished.timed_out && finished.exit_code == 124,
            "{finished:?}"
        );
        assert_eq!(finished.stdout, "begun\n");
        assert!(begun.elapsed() < Duration::from_secs(5));
        assert!(gone(&mark, Duration::from_secs(2)), "{name}");
    }
}

#[test]
fn nothing_is_left_when_nobody_waits_any_more() {
    for name in ["landlock", "landlock-alone", "bwrap"] {
        let (_folder, builder) = folder();
        let mark = format!("dropped-{name}-{}", std::process::id());
        let workspace = marked(builder, &mark);
        let Some(sandbox) = backend(name, &workspace) else {
            continue;
        };
        // At every point of its life.
        for delay in [0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144] {
            wait(async {
                let script = format!("{DAEMONS} sleep 300");
                let run = sandbox.run(&script, Duration::from_secs(60));
                let _ = tokio::time::timeout(Duration::from_millis(delay), run).await;
            });
            assert!(
                gone(&mark, Duration::from_secs(3)),
                "{name} after {delay} ms"
            );
        }
    }
}

#[test]
fn a_process_that_has_used_up_its_processor_time_is_ended() {
    // In a process of its own each time: the limit is for each one alone, and the shell itself uses next to nothing.
    let script = "(while :; do :; done); echo $?; (trap '' XCPU; while :; do :; done); echo $?";
    for name in ["landlock", "landlock-alone", "bwrap"] {
        let run = |seconds, timeout| {
            let (_folder, builder) = folder();
            let mut limits = hexgate_sandbox::Limits::default();
            limits.cpu_seconds = seconds;
            let sandbox = backend(name, &builder.limits(limits).build().unwrap())?;
            Some(wait(sandbox.run(script, Duration::from_secs(timeout))).unwrap())
        };
        // The machine may be busy: one second of processor can take many of the clock.
        let Some(finished) = run(1, 120) else {
            continue;
        };
        let codes: Vec<_> = finished.stdout.lines().collect();
        assert!(
            codes.len() == 2 && codes.iter().all(|code| ["137", "152"].contains(code)),
            "{name}: {finished:?}"
        );
        assert_eq!((finished.exit_code, finished.timed_out), (0, false));
        // With more of it, it is the clock that ends it.
        let finished = run(60, 3).unwrap();
        assert!(finished.timed_out, "{name}: {finished:?}");
        assert_eq!(finished.stdout, "", "{name}");
    }
}

/// Not a test by itself: the program that is killed by the next one. It is this test binary, started again.
#[test]
fn program_that_is_killed() {
    let Some(name) = std::env::var_os("HEXGATE_TEST_KILLED") else {
        return;
    };
    let mark = std::env::var("HEXGATE_TEST_MARK").unwrap();
    let (_folder, builder) = folder();
    let workspace = marked(builder, &mark);
    let sandbox = Sandbox::backend(name.to_str().unwrap(), &workspace, &anything()).unwrap();
    let ready = std::env::var_os("HEXGATE_TEST_READY").unwrap();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(500));
        fs::write(ready, "").unwrap();
    });
    let _ = wait(sandbox.run(&format!("{DAEMONS} sleep 300"), Duration::from_secs(60)));
}

/// A program that runs a command in this sandbox, which has begun. The command's processes have the mark.
pub(crate) fn begun(name: &str, mark: &str, ready: &Path) -> Child {
    let program = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "ends::program_that_is_killed"])
        .env("HEXGATE_TEST_KILLED", name)
        .env("HEXGATE_TEST_MARK", mark)
        .env("HEXGATE_TEST_READY", ready)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    while !ready.exists() || fixture::marked(mark).len() < 4 {
        assert!(Instant::now() < until, "{name}: it has not begun");
        std::thread::sleep(Duration::from_millis(10));
    }
    program
}

#[test]
fn nothing_is_left_when_the_program_is_killed() {
    for name in ["landlock", "landlock-alone", "bwrap"] {
        let (folder, builder) = folder();
        if backend(name, &builder.build().unwrap()).is_none() {
            continue;
        }
        let mark = format!("killed-{name}-{}", std::process::id());
        let mut program = begun(name, &mark, &folder.path().join("ready"));
        program.kill().unwrap();
        program.wait().unwrap();
        assert!(
            gone(&mark, Duration::from_secs(3)),
            "{name}: {:?}",
            fixture::marked(&mark)
        );
    }
}

#[test]
fn commands_run_side_by_side() {
    let (folder, builder) = folder();
    let workspace = builder.build().unwrap();
    let Some(sandbox) = backend("landlock", &workspace) else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let runs: Vec<_> = (0..24)
            .map(|number| {
                let sandbox = sandbox.clone();
                tokio::spawn(async move {
                    let script = format!("echo {number} > f{number}; sleep 0.1; cat f{number}");
                    sandbox.run(&script, Duration::from_secs(30)).await.unwrap()
                })
            })
            .collect();
        for (number, run) in runs.into_iter().enumerate() {
            assert_eq!(run.await.unwrap().stdout, format!("{number}\n"));
        }
    });
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 24);
}

#[test]
fn a_disk_that_fills_up_ends_the_command() {
    // As much is to stay free as is free now: the first megabytes are too many.
    let (folder, builder) = folder();
    let found = rustix::fs::statvfs(folder.path()).unwrap();
    let mut limits = hexgate_sandbox::Limits::default();
    limits.free_disk = (found.f_bavail * found.f_frsize).saturating_sub(200 << 20);
    let workspace = builder.limits(limits).build().unwrap();
    let Some(sandbox) = backend("landlock", &workspace) else {
        return;
    };
    let script =
        "i=0; while :; do i=$((i+1)); dd if=/dev/zero of=f$i bs=1M count=100 2>/dev/null; done";
    let finished = wait(sandbox.run(script, Duration::from_secs(60))).unwrap();
    assert!(finished.refused.unwrap().contains("are free on the disk"));
    assert!(!finished.timed_out);
}

/// Not a test by itself: a program that makes every sandbox, runs something in it and ends. It is this test binary, started again.
#[test]
fn program_that_makes_sandboxes() {
    if std::env::var_os("HEXGATE_TEST_MAKES").is_none() {
        return;
    }
    let (_folder, builder) = folder();
    let workspace = builder.build().unwrap();
    for name in ["landlock", "landlock-alone", "bwrap", "srt"] {
        let Some(sandbox) = backend(name, &workspace) else {
            continue;
        };
        wait(sandbox.run("echo x > $TMPDIR/x", Duration::from_secs(20))).unwrap();
        wait(sandbox.run("sleep 60", Duration::from_millis(100))).unwrap();
    }
}

#[test]
fn no_file_of_a_sandbox_stays() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "ends::program_that_makes_sandboxes"])
        .env("HEXGATE_TEST_MAKES", "1")
        .env("TMPDIR", folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().flatten().collect();
    assert!(left.is_empty(), "{left:?}");
}
