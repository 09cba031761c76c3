//! This test program, started again as a process of its own that races with others, is killed, or has fewer rights.

use std::{
    env, fs,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, SystemTime},
};

use hexgate_approvals::{ApprovalService, ApprovalStatus, Decision, RequestStore, UsedApprovals};
use hexgate_bundle::{SystemClock, Timestamp};

use crate::fixture::*;

const TASK: &str = "HEXGATE_APPROVALS_CHILD";
const FOLDER: &str = "HEXGATE_APPROVALS_CHILD_FOLDER";

/// A child that does `task` in `folder`.
pub(crate) fn command(program: &Path, task: &str, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .args(["--ignored", "--exact", "child::entry", "--nocapture"])
        .env(TASK, task)
        .env(FOLDER, folder);
    command
}

/// What a child says that may read the fixture's folder and not write it.
pub(crate) fn without_rights(fixture: &Fixture, task: &str) -> String {
    let mode = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    // Root may do everything, so then the child is somebody else. The program may lie where that user cannot go.
    let elsewhere = tempfile::tempdir().unwrap();
    let program = elsewhere.path().join("child");
    fs::copy(env::current_exe().unwrap(), &program).unwrap();
    mode(elsewhere.path(), 0o755);
    for entry in fs::read_dir(fixture.folder()).unwrap() {
        let file = entry.unwrap().path();
        mode(&file, 0o440);
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(&file, None, Some(65_534)).unwrap();
        }
    }
    mode(fixture.folder(), 0o555);
    let mut command = command(&program, task, fixture.folder());
    if rustix::process::geteuid().is_root() {
        command.uid(65_534).gid(65_534);
    }
    let output = command.current_dir("/").output().unwrap();
    mode(fixture.folder(), 0o755);
    String::from_utf8(output.stdout).unwrap()
}

fn wait_for_start(folder: &Path) {
    while !folder.join("go").exists() {
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
#[ignore = "the other tests start it as a process of its own"]
fn entry() {
    let task = env::var(TASK).unwrap();
    let folder = PathBuf::from(env::var_os(FOLDER).unwrap());
    let file = folder.join("approvals.db");
    match task.as_str() {
        "open" => println!("outcome: {}", RequestStore::open(file).unwrap_err()),
        "create" => println!(
            "outcome: {}",
            RequestStore::open_or_create(folder.join("new.db")).unwrap_err()
        ),
        // Waits for the starting signal, and takes what there is.
        "race" | "race-with-record" | "race-for-two" => {
            wait_for_start(&folder);
            let store = RequestStore::open_or_create(file).unwrap();
            let mut service = ApprovalService::new(store, approvers()).with_clock(SystemClock);
            if task == "race-with-record" {
                service =
                    service.with_used_approvals(UsedApprovals::open(folder.join("used")).unwrap());
            }
            let needed = if task == "race-for-two" { 2 } else { 1 };
            match service
                .settle(&call(), &terms().approvers(needed).unwrap())
                .unwrap()
            {
                ApprovalStatus::Approved(permit) => {
                    println!("outcome: approved {}", permit.request())
                }
                ApprovalStatus::Pending { request, .. } => println!("outcome: pending {request}"),
                ApprovalStatus::Denied { .. } => println!("outcome: denied"),
            }
        }
        // Waits for the starting signal, and answers the only request.
        "answer-as-carol" | "answer-as-dan" => {
            wait_for_start(&folder);
            let store = RequestStore::open(file).unwrap();
            let request = store.entries().unwrap()[0].id;
            let key = key(task.trim_start_matches("answer-as-"));
            let now = Timestamp::from_system_time(SystemTime::now()).unwrap();
            match store.answer(&request, &approvers(), &key, Decision::Approve, "", now) {
                Ok(answered) => println!("outcome: {} of the approvals", answered.given),
                Err(error) => println!("outcome: {error}"),
            }
        }
        // Uses the approval, says so, and waits to be killed before it could run anything.
        "use-and-hang" => {
            let service = ApprovalService::new(RequestStore::open(file).unwrap(), approvers());
            if let Ok(ApprovalStatus::Approved(_)) = service.settle(&call(), &terms()) {
                fs::write(folder.join("used-up"), "").unwrap();
            }
            thread::sleep(Duration::from_secs(600));
        }
        other => panic!("{other}"),
    }
}
