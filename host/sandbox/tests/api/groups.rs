//! Control groups: memory and processes of a command are bounded as a whole, nothing is left, and no group stays.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use hexgate_sandbox::{Guarantee, Limits, Status, probe};

use crate::ends::begun;
use crate::{backend, fixture, folder, run, wait};

const BACKENDS: &[&str] = &["landlock", "landlock-alone", "bwrap", "srt"];

/// Whether this machine has control groups for this. False with a notice.
fn have(controller: &str) -> bool {
    let machine = probe::machine();
    let named = format!("`{controller}`");
    let missing = machine
        .control_groups_missing
        .iter()
        .find(|reason| reason.starts_with(&named));
    match missing {
        None if !machine.control_groups.is_empty() => true,
        other => {
            // A matter of how this program was started, and of no tool.
            hexgate_test_support::announce(&format!("no control group for {named}: {other:?}"));
            false
        }
    }
}

/// The groups that a program has made and not removed.
fn groups_of(program: u32) -> Vec<PathBuf> {
    let prefix = format!("hexgate-command-{program}-");
    probe::machine()
        .control_groups
        .iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap().flatten())
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix))
        .map(|entry| entry.path())
        .collect()
}

#[test]
fn memory_of_all_processes_together_is_bounded() {
    if !have("memory") {
        return;
    }
    for name in BACKENDS {
        let (_folder, builder) = folder();
        let mut limits = Limits::default();
        limits.memory = 1 << 30;
        limits.total_memory = 256 << 20;
        let workspace = builder.limits(limits).build().unwrap();
        let Some(sandbox) = backend(name, &workspace) else {
            continue;
        };
        // Each one is far below what a process may have; all of them are twice what the command may have.
        let script = "for i in 1 2 3 4 5 6 7 8; do \
                        (x=$(head -c 64000000 /dev/zero | tr '\\0' x); sleep 2; echo held ${#x}) & \
                      done; wait; echo end";
        let finished = run(&sandbox, script);
        let held = finished.stdout.matches("held 64000000").count();
        assert!(held < 8, "{name}: all of 512 MB was held: {finished:?}");
        assert!(
            finished
                .stderr
                .contains("all together used more than 268435456 bytes"),
            "{name}: {finished:?}"
        );
        // The same command with room for it.
        limits.total_memory = 2 << 30;
        let (_folder, builder) = folder();
        let workspace = builder.limits(limits).build().unwrap();
        let finished = run(&backend(name, &workspace).unwrap(), script);
        let held = finished.stdout.matches("held 64000000").count();
        assert_eq!(
            (held, finished.stderr.as_str()),
            (8, ""),
            "{name}: {finished:?}"
        );
    }
}

#[test]
fn processes_of_a_command_are_bounded() {
    if !have("pids") {
        return;
    }
    for name in BACKENDS {
        let (_folder, builder) = folder();
        let mark = format!("many-{name}-{}", std::process::id());
        let mut limits = Limits::default();
        limits.processes = 40;
        let workspace = builder
            .limits(limits)
            .env("FIXTURE", &mark)
            .build()
            .unwrap();
        let Some(sandbox) = backend(name, &workspace) else {
            continue;
        };
        assert!(sandbox.enforces().holds(Guarantee::ProcessesBounded));
        let (most, finished) = std::thread::scope(|scope| {
            let (stop, stopped) = std::sync::mpsc::channel::<()>();
            let mark = &mark;
            let counting = scope.spawn(move || {
                let mut most = 0;
                while stopped.recv_timeout(Duration::from_millis(20)).is_err() {
                    most = most.max(fixture::marked(mark).len());
                }
                most
            });
            let bomb = ":(){ :|:& };: ; sleep 2; echo done";
            let finished = wait(sandbox.run(bomb, Duration::from_secs(4))).unwrap();
            stop.send(()).unwrap();
            (counting.join().unwrap(), finished)
        });
        // It came to the limit, and a few processes of the sandbox are beside it.
        assert!((20..=44).contains(&most), "{name}: {most} processes");
        // In a namespace of its own the numbers of processes are used up at the same time.
        let says = |text: &str| finished.stderr.contains(text);
        assert!(
            says("processes were not started") || name == &"landlock" && says("unavailable"),
            "{name}: {finished:?}"
        );
        let until = Instant::now() + Duration::from_secs(3);
        while !fixture::marked(&mark).is_empty() {
            assert!(Instant::now() < until, "{name}: processes are left");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

#[test]
fn no_group_stays_behind() {
    if !have("memory") && !have("pids") {
        return;
    }
    for name in BACKENDS {
        let (_folder, builder) = folder();
        let workspace = builder.build().unwrap();
        let Some(sandbox) = backend(name, &workspace) else {
            continue;
        };
        let scripts = [
            ("true", 10_000),
            ("exit 3", 10_000),
            ("sleep 300 & setsid -f sleep 300", 10_000),
            ("sleep 300", 50),
            ("kill -9 $$", 10_000),
        ];
        for (script, milliseconds) in scripts {
            wait(sandbox.run(script, Duration::from_millis(milliseconds))).unwrap();
        }
        wait(async {
            let run = sandbox.run("sleep 300", Duration::from_secs(60));
            let _ = tokio::time::timeout(Duration::from_millis(30), run).await;
        });
    }
    // Tests run side by side in this program; what is left of any of them stays longer than this.
    let until = Instant::now() + Duration::from_secs(60);
    while !groups_of(std::process::id()).is_empty() {
        assert!(
            Instant::now() < until,
            "{:?}",
            groups_of(std::process::id())
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn the_group_says_what_it_bounds() {
    let (_folder, builder) = folder();
    let workspace = builder.build().unwrap();
    let Some(sandbox) = backend("landlock-alone", &workspace) else {
        return;
    };
    let memory = sandbox
        .enforces()
        .iter()
        .find_map(|(what, status)| (what == Guarantee::MemoryBounded).then(|| status.clone()));
    let Some(Status::Enforced(how)) = memory else {
        panic!("{memory:?}");
    };
    let words = match have("memory") {
        true => "as a whole by a control group",
        false => "each process alone",
    };
    assert!(how.contains(words), "{how}");
}

/// Not a test by itself: a program that looks for control groups. It is this test binary, started again.
#[test]
fn program_that_looks() {
    if std::env::var_os("HEXGATE_TEST_LOOKS").is_some() {
        let _ = probe::machine();
    }
}

#[test]
fn a_group_of_a_program_that_was_killed_is_removed_by_the_next_one() {
    if !have("memory") && !have("pids") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mark = format!("swept-{}", std::process::id());
    let mut program = begun("landlock", &mark, &folder.path().join("ready"));
    let killed = program.id();
    assert!(!groups_of(killed).is_empty());
    let look = || {
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "groups::program_that_looks"])
            .env("HEXGATE_TEST_LOOKS", "1")
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success());
    };
    // Not while it runs.
    look();
    assert!(!groups_of(killed).is_empty());
    assert!(fixture::marked(&mark).len() >= 4);
    program.kill().unwrap();
    program.wait().unwrap();
    let until = Instant::now() + Duration::from_secs(10);
    while !groups_of(killed).is_empty() {
        assert!(Instant::now() < until, "{:?}", groups_of(killed));
        look();
    }
    assert!(fixture::marked(&mark).is_empty());
}
