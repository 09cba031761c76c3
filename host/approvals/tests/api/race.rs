//! Several processes at one database.

use std::{
    env, fs,
    process::{Child, Stdio},
    thread,
    time::{Duration, SystemTime},
};

use hexgate_approvals::{ApprovalService, Decision, Refusal, RequestStore};
use hexgate_bundle::Timestamp;

use crate::{child::command, fixture::*};

const PROCESSES: usize = 6;

/// A request of now, since children go by the system's clock, approved by some.
fn asked_now(fixture: &Fixture, needed: u8, by: &[&str]) -> hexgate_approvals::RequestId {
    let service = ApprovalService::new(
        RequestStore::open_or_create(fixture.file()).unwrap(),
        approvers(),
    );
    let request = pending(service.settle(&call(), &terms().approvers(needed).unwrap()));
    let now = Timestamp::from_system_time(SystemTime::now()).unwrap();
    for by in by {
        service
            .store()
            .answer(&request, &approvers(), &key(by), Decision::Approve, "", now)
            .unwrap();
    }
    request
}

/// A request that Carol approved.
fn approved_now(fixture: &Fixture) -> hexgate_approvals::RequestId {
    asked_now(fixture, 1, &["carol"])
}

fn children(fixture: &Fixture, task: &str, number: usize) -> Vec<Child> {
    (0..number)
        .map(|_| {
            command(&env::current_exe().unwrap(), task, fixture.folder())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect()
}

fn outcomes(children: Vec<Child>) -> Vec<String> {
    children
        .into_iter()
        .map(|child| {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success());
            let text = String::from_utf8(output.stdout).unwrap();
            let line = text.lines().find_map(|line| line.split_once("outcome: "));
            line.unwrap().1.to_owned()
        })
        .collect()
}

#[test]
fn of_processes_that_race_for_one_approval_one_wins() {
    for task in ["race", "race-with-record", "race-for-two"] {
        let fixture = Fixture::new();
        fixture.make_used_approvals();
        let request = if task == "race-for-two" {
            asked_now(&fixture, 2, &["carol", "dan"])
        } else {
            approved_now(&fixture)
        };
        let children = children(&fixture, task, PROCESSES);
        fs::write(fixture.folder().join("go"), "").unwrap();
        let outcomes = outcomes(children);
        let winners: Vec<_> = outcomes
            .iter()
            .filter(|o| o.starts_with("approved"))
            .collect();
        assert_eq!(winners, [&format!("approved {request}")], "{outcomes:?}");
        // All others ask anew, and the same.
        let mut waiting: Vec<_> = outcomes
            .iter()
            .filter(|o| o.starts_with("pending"))
            .collect();
        assert_eq!(waiting.len(), PROCESSES - 1, "{outcomes:?}");
        waiting.dedup();
        assert_eq!(waiting.len(), 1, "{outcomes:?}");
    }
}

#[test]
fn of_people_who_answer_at_once_each_counts_once() {
    for (needed, tasks, given, refused) in [
        (
            2,
            ["carol", "carol", "carol", "carol"],
            &["1"][..],
            "the same person has",
        ),
        (
            2,
            ["carol", "dan", "carol", "dan"],
            &["1", "2"],
            "was answered before",
        ),
        (
            1,
            ["carol", "dan", "carol", "dan"],
            &["1"],
            "was answered before",
        ),
    ] {
        let fixture = Fixture::new();
        asked_now(&fixture, needed, &[]);
        let children: Vec<_> = tasks
            .iter()
            .flat_map(|by| children(&fixture, &format!("answer-as-{by}"), 1))
            .collect();
        fs::write(fixture.folder().join("go"), "").unwrap();
        let outcomes = outcomes(children);
        let mut counted: Vec<_> = outcomes
            .iter()
            .filter_map(|outcome| outcome.strip_suffix(" of the approvals"))
            .collect();
        counted.sort_unstable();
        assert_eq!(counted, given, "{outcomes:?}");
        assert!(
            outcomes.iter().any(|outcome| outcome.contains(refused)),
            "{outcomes:?}"
        );
    }
}

#[test]
fn of_processes_that_make_the_database_at_once_all_have_it() {
    let fixture = Fixture::new();
    let children = children(&fixture, "race", PROCESSES);
    fs::write(fixture.folder().join("go"), "").unwrap();
    let mut outcomes = outcomes(children);
    outcomes.dedup();
    assert_eq!(outcomes.len(), 1, "one request for one call: {outcomes:?}");
}

#[test]
fn an_approval_that_a_killed_process_took_is_gone() {
    let fixture = Fixture::new();
    let request = approved_now(&fixture);
    let mut child = command(
        &env::current_exe().unwrap(),
        "use-and-hang",
        fixture.folder(),
    )
    .stdout(Stdio::null())
    .spawn()
    .unwrap();
    while !fixture.folder().join("used-up").exists() {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let service = ApprovalService::new(RequestStore::open(fixture.file()).unwrap(), approvers());
    assert_eq!(
        refused(service.redeem(&request, &call(), &terms())),
        Refusal::Used(request)
    );
}
