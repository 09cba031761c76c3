//! A database that the version before made, with one answer to a request.

use std::{fs, os::unix::fs::PermissionsExt};

use hexgate_approvals::{
    AnswerError, ApprovalStatus, Call, Decision, Entry, Refusal, RequestId, RequestStore,
    StoredAnswer, Terms,
};
use rusqlite::Connection;

use crate::fixture::*;

/// A folder with that database: requests about calls with these arguments, named for what became of them.
fn old() -> Fixture {
    let fixture = Fixture::new();
    fs::write(fixture.file(), include_bytes!("../data/version-1.db")).unwrap();
    fs::set_permissions(fixture.file(), fs::Permissions::from_mode(0o600)).unwrap();
    fixture.set(START + 10);
    fixture
}

fn about(account: &str) -> Call {
    let mut call = call();
    call.arguments = format!(r#"{{"account": "{account}"}}"#);
    call
}

fn version(fixture: &Fixture) -> i32 {
    let connection = Connection::open(fixture.file()).unwrap();
    connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap()
}

fn named(account: &str) -> RequestId {
    match account {
        "pending" => "0fa500d147f2e770b1d68e388b8e5bdd1c0a2e78ded4899f7ead08896ed19ee0",
        "approved" => "b5532f5186d628417212511c001de8fa98ce80104de1155f87a327c3f3cf46e0",
        "denied" => "278e0d45c2c4e0cc5f7dff8d7a24f00fbcbaa33d4a3768b14c00ba3d872ff852",
        "used" => "ce2336146d7304504da00c811a8c930f205ad421d7c9567b709b66da0a5904d5",
        "altered" => "225aee3522ba9d3c0a32c0bd8036a5b368c0be632318cd479bb92a413e3612a2",
        "forged" => "749462f6a282fa33a676a94f662dd7b3e47090fd321ae01f4a1b2ae0b68cf0dd",
        "own" => "b199456f8543455cf02d71d67f2879730dd0a433b84685debdd7987f3368eb94",
        other => panic!("{other}"),
    }
    .parse()
    .unwrap()
}

#[test]
fn what_was_asked_and_answered_before_holds() {
    let fixture = old();
    let service = fixture.service();
    assert_eq!(version(&fixture), 2);
    let settle = |account: &str| service.settle(&about(account), &terms());
    assert_eq!(pending(settle("pending")), named("pending"));
    let permit = approved(settle("approved"));
    assert_eq!(
        (permit.request(), permit.approver()),
        (named("approved"), "carol")
    );
    assert!(matches!(
        settle("denied"),
        Ok(ApprovalStatus::Denied { request, approver, .. }) if request == named("denied") && approver == "dan"
    ));
    for account in ["used", "altered"] {
        assert_ne!(pending(settle(account)), named(account));
    }
    assert!(matches!(refused(settle("forged")), Refusal::Forged { .. }));
    for (account, refusal) in [
        ("used", Refusal::Used(named("used"))),
        ("altered", Refusal::Altered(named("altered"))),
        ("approved", Refusal::Used(named("approved"))),
    ] {
        let redeemed = service.redeem(&named(account), &about(account), &terms());
        assert_eq!(refused(redeemed), refusal);
    }
    let mut own = about("own");
    own.caller.session = Some("s-1".to_owned());
    own.caller.attributes = Some("{}".to_owned());
    let allowed = terms().allow_own_calls();
    assert_eq!(pending(service.settle(&own, &allowed)), named("own"));
    // What one could allow is not what two have to.
    let two = |terms: Terms| terms.approvers(2).unwrap();
    for account in ["approved", "denied", "pending"] {
        assert_ne!(
            pending(service.settle(&about(account), &two(terms()))),
            named(account)
        );
    }
}

#[test]
fn approvers_leave_it_to_the_host_to_change_the_tables() {
    let fixture = old();
    let store = RequestStore::open(fixture.file()).unwrap();
    let states = |entries: Vec<Entry>| {
        let mut states: Vec<_> = entries
            .into_iter()
            .map(|entry| {
                let answer = match &entry.answers[..] {
                    [] => "",
                    [StoredAnswer::Readable(answer)] => &answer.approver.clone(),
                    other => panic!("{other:?}"),
                };
                (
                    entry.id,
                    entry.request.is_some(),
                    answer.to_owned(),
                    entry.used_at.is_some(),
                )
            })
            .collect();
        states.sort();
        states
    };
    let before = states(store.entries().unwrap());
    assert_eq!(before.len(), 7);
    fixture.approve(&named("pending"));
    // One that does not count is replaced, also by another approver's.
    let answered = fixture.answer(&named("forged"), "dan", Decision::Approve);
    assert!(answered.unwrap().replaced);
    assert!(matches!(
        fixture.answer(&named("denied"), "carol", Decision::Approve),
        Err(AnswerError::Answered { .. })
    ));
    assert_eq!(version(&fixture), 1);
    let before = (before.len(), states(store.entries().unwrap()));
    // A host changes them, and who has the database open goes on.
    let service = fixture.service();
    assert_eq!(version(&fixture), 2);
    let after = states(store.entries().unwrap());
    assert_eq!((after.len(), after), before);
    for account in ["pending", "forged", "approved"] {
        let permit = approved(service.settle(&about(account), &terms()));
        assert_eq!(permit.request(), named(account));
    }
    fixture
        .answer(&named("own"), "dan", Decision::Deny)
        .unwrap();
}

#[test]
fn a_host_that_has_it_open_as_approvers_do_changes_the_tables_when_it_asks() {
    let fixture = old();
    let store = RequestStore::open(fixture.file()).unwrap();
    let service =
        hexgate_approvals::ApprovalService::new(store, approvers()).with_clock(fixture.clock());
    drop(approved(service.settle(&about("approved"), &terms())));
    assert_eq!(version(&fixture), 2);
}

#[test]
fn tables_of_before_that_were_changed_stay_as_they_are() {
    for edit in [
        "CREATE TRIGGER t AFTER INSERT ON uses BEGIN DELETE FROM uses; END",
        "ALTER TABLE answers ADD COLUMN x TEXT",
        "CREATE TABLE requests_1 (id TEXT)",
        "DROP INDEX requests_by_subject",
    ] {
        let fixture = old();
        fixture.edit(edit);
        let error = RequestStore::open_or_create(fixture.file()).unwrap_err();
        assert!(
            error.to_string().contains("its tables were changed"),
            "{error}"
        );
        assert_eq!(version(&fixture), 1, "{edit}");
    }
    // Nor is a new one taken for an old one.
    let fixture = Fixture::new();
    fixture.service();
    let connection = Connection::open(fixture.file()).unwrap();
    connection.pragma_update(None, "user_version", 1).unwrap();
    assert!(RequestStore::open_or_create(fixture.file()).is_err());
}

#[test]
fn a_change_of_the_tables_that_fails_leaves_the_old_ones() {
    let fixture = old();
    // A row that cannot be copied.
    fixture.edit("UPDATE requests SET arguments = printf('%.*c', 9000000, 'x') WHERE arguments LIKE '%pending%'");
    let error = RequestStore::open_or_create(fixture.file()).unwrap_err();
    assert!(
        error.to_string().contains("larger than any host writes"),
        "{error}"
    );
    assert_eq!(version(&fixture), 1);
    fixture.edit("DELETE FROM requests WHERE length(arguments) > 1000");
    let service = fixture.service();
    drop(approved(service.settle(&about("approved"), &terms())));
}
