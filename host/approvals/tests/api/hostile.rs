//! What whoever can write the database, or has some key, can do: lose and delay, and never approve.

use hexgate_approvals::{
    AnswerError, ApprovalService, ApprovalStatus, Approver, Approvers, Decision, Refusal,
    RequestStore,
};

use crate::fixture::*;

/// A request that Carol approved.
fn answered(fixture: &Fixture) -> hexgate_approvals::RequestId {
    let request = pending(fixture.service().settle(&call(), &terms()));
    fixture.approve(&request);
    request
}

#[test]
fn a_forged_answer_is_none() {
    let fixture = Fixture::new();
    let service = fixture.service();
    let request = pending(service.settle(&call(), &terms()));
    let carol = key("carol").public_key().id();
    for signature in ["zeroblob(64)", "randomblob(64)"] {
        fixture.edit(&format!(
            "INSERT OR REPLACE INTO answers VALUES ('{request}', 'approve', 'carol', '{carol}', {START}, 'because', {signature})"
        ));
        let forged = Refusal::Forged {
            id: request,
            approver: "carol".to_owned(),
            key: carol,
        };
        assert_eq!(refused(service.settle(&call(), &terms())), forged);
        assert_eq!(refused(service.redeem(&request, &call(), &terms())), forged);
    }
    // Not even the form of one.
    for (column, value) in [
        ("signature", "zeroblob(63)"),
        ("decision", "'Approve'"),
        ("key", "'carol'"),
        ("answered_at", "-1"),
    ] {
        fixture.edit(&format!("UPDATE answers SET {column} = {value}"));
        assert_eq!(
            refused(service.settle(&call(), &terms())),
            Refusal::Unreadable(request)
        );
    }
    // It does not keep an approver from answering.
    assert!(
        fixture
            .answer(&request, "carol", Decision::Approve)
            .unwrap()
            .replaced
    );
    assert_eq!(
        approved(service.settle(&call(), &terms())).request(),
        request
    );
}

#[test]
fn an_answer_is_for_its_own_request() {
    let fixture = Fixture::new();
    let service = fixture.service();
    let mut small = call();
    small.arguments = r#"{"account": 1}"#.to_owned();
    let (one, other) = (
        pending(service.settle(&small, &terms())),
        pending(service.settle(&call(), &terms())),
    );
    fixture.approve(&one);
    fixture.edit(&format!("UPDATE answers SET id = '{other}'"));
    assert!(
        matches!(refused(service.settle(&call(), &terms())), Refusal::Forged { id, .. } if id == other)
    );
    // Not even for the next request about the same call.
    fixture.edit(&format!("UPDATE answers SET id = '{one}'"));
    drop(approved(service.settle(&small, &terms())));
    let next = pending(service.settle(&small, &terms()));
    fixture.edit(&format!("UPDATE answers SET id = '{next}'"));
    assert!(
        matches!(refused(service.settle(&small, &terms())), Refusal::Forged { id, .. } if id == next)
    );
}

#[test]
fn an_edited_answer_is_none() {
    for (edit, by_name) in [
        ("reason = 'whatever'", "forged, edited, or copied"),
        ("reason = reason || char(0)", "forged, edited, or copied"),
        ("answered_at = answered_at + 1", "forged, edited, or copied"),
        ("approver = 'dan'", "belongs to `carol`"),
        ("approver = 'Carol'", "belongs to `carol`"),
        ("decision = 'deny'", "forged, edited, or copied"),
    ] {
        let fixture = Fixture::new();
        answered(&fixture);
        assert_eq!(fixture.edit(&format!("UPDATE answers SET {edit}")), 1);
        let message = refused(fixture.service().settle(&call(), &terms())).to_string();
        assert!(message.contains(by_name), "{edit}: {message}");
    }
    // A denial does not become an approval.
    let fixture = Fixture::new();
    let request = pending(fixture.service().settle(&call(), &terms()));
    fixture.answer(&request, "carol", Decision::Deny).unwrap();
    fixture.edit("UPDATE answers SET decision = 'approve'");
    assert!(matches!(
        refused(fixture.service().settle(&call(), &terms())),
        Refusal::Forged { .. }
    ));
    // An answer in another's name with one's own key.
    let fixture = Fixture::new();
    answered(&fixture);
    let dan = key("dan").public_key().id();
    fixture.edit(&format!(
        "UPDATE answers SET key = '{dan}', approver = 'dan'"
    ));
    assert!(matches!(
        refused(fixture.service().settle(&call(), &terms())),
        Refusal::Forged { .. }
    ));
}

#[test]
fn only_keys_of_approvers_with_a_role_count() {
    let fixture = Fixture::new();
    let service = fixture.service();
    let request = pending(service.settle(&call(), &terms()));
    let error = fixture
        .answer(&request, "mallory", Decision::Approve)
        .unwrap_err();
    assert!(
        matches!(error, AnswerError::Refused(Refusal::UnknownKey { .. })),
        "{error}"
    );
    let error = fixture
        .answer(&request, "erin", Decision::Approve)
        .unwrap_err();
    assert!(
        matches!(&error, AnswerError::Refused(Refusal::WrongRole { approver, .. }) if approver == "erin"),
        "{error}"
    );
    // Nor is a denial theirs to give.
    assert!(fixture.answer(&request, "erin", Decision::Deny).is_err());

    // Who makes a list of approvers of their own gets a signature, and the host does not take it.
    let mine = |id: &str, key_of: &str| {
        Approvers::new(vec![Approver {
            id: id.to_owned(),
            keys: vec![key(key_of).public_key()],
            roles: vec!["finance".to_owned()],
            users: vec![],
        }])
        .unwrap()
    };
    for (id, key_of, by_name) in [
        ("mallory", "mallory", "belongs to no approver"),
        ("carol", "mallory", "belongs to no approver"),
        ("erin", "erin", "needs an approver with the role `finance`"),
        ("carol", "erin", "belongs to `erin`"),
    ] {
        fixture.edit("DELETE FROM answers");
        let store = RequestStore::open(fixture.file()).unwrap();
        store
            .answer(
                &request,
                &mine(id, key_of),
                &key(key_of),
                Decision::Approve,
                "",
                fixture.now(),
            )
            .unwrap();
        let message = refused(service.settle(&call(), &terms())).to_string();
        assert!(message.contains(by_name), "{id} {key_of}: {message}");
    }
}

#[test]
fn nobody_approves_their_own_call() {
    let fixture = Fixture::new();
    let service = fixture.service();
    for user in ["carol", "Carol ", "CAROL@example.com"] {
        let mut own = call();
        own.caller.user = user.to_owned();
        let request = pending(service.settle(&own, &terms()));
        let error = fixture
            .answer(&request, "carol", Decision::Approve)
            .unwrap_err();
        assert!(
            matches!(&error, AnswerError::Refused(Refusal::OwnCall { approver, .. }) if approver == "carol"),
            "{error}"
        );
        fixture.answer(&request, "dan", Decision::Approve).unwrap();
        drop(approved(service.settle(&own, &terms())));

        let allowed = terms().allow_own_calls();
        let request = pending(service.settle(&own, &allowed));
        fixture.approve(&request);
        drop(approved(service.settle(&own, &allowed)));
    }
    for nobody in [" ", "\u{a0}", "\u{200b}"] {
        let mut nobodys = call();
        nobodys.caller.user = nobody.to_owned();
        let request = pending(service.settle(&nobodys, &terms()));
        let error = fixture
            .answer(&request, "carol", Decision::Approve)
            .unwrap_err();
        assert!(
            matches!(error, AnswerError::Refused(Refusal::Nobody(_))),
            "{error}"
        );
    }
}

#[test]
fn a_row_that_no_host_writes_fills_no_memory() {
    let fixture = Fixture::new();
    let service = fixture.service();
    let request = pending(service.settle(&call(), &terms()));
    // Of one request there is one row; as many as can be open are looked at.
    fixture.edit(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) \
         INSERT INTO requests SELECT printf('%064x', i), subject, agent, user, roles, session, attributes, tool, arguments, policy, \
         approver_roles, own_calls, created_at + 1, expires_at, nonce, approvers, reason_required FROM requests, n",
    );
    assert_eq!(pending(service.settle(&call(), &terms())), request);
    fixture.edit("DELETE FROM requests WHERE id LIKE '00000000%'");
    fixture.edit("UPDATE requests SET arguments = printf('%.*c', 9000000, 'x')");
    for error in [
        service.settle(&call(), &terms()).unwrap_err().to_string(),
        service.store().entries().unwrap_err().to_string(),
        service.store().entry(&request).unwrap_err().to_string(),
    ] {
        assert!(error.contains("larger than any host writes"), "{error}");
    }
}

#[test]
fn another_spelling_of_a_name_is_not_another_person() {
    let fixture = Fixture::new();
    let approvers = Approvers::new(vec![Approver {
        id: "josé".to_owned(),
        keys: vec![key("carol").public_key()],
        roles: vec!["finance".to_owned()],
        users: vec!["strauß@example.com".to_owned()],
    }])
    .unwrap();
    let service = ApprovalService::new(
        RequestStore::open_or_create(fixture.file()).unwrap(),
        approvers.clone(),
    )
    .with_clock(fixture.clock());
    for user in [
        "jose\u{301}",
        "JOSE\u{301}",
        "ｊｏｓé",
        "jo\u{200d}sé\u{a0}",
        "STRAUSS@EXAMPLE.COM",
        "strauß@ｅｘａｍｐｌｅ．com",
    ] {
        let mut own = call();
        own.caller.user = user.to_owned();
        let request = pending(service.settle(&own, &terms()));
        let answered = RequestStore::open(fixture.file()).unwrap().answer(
            &request,
            &approvers,
            &key("carol"),
            Decision::Approve,
            "because",
            fixture.now(),
        );
        assert!(
            matches!(answered, Err(AnswerError::Refused(Refusal::OwnCall { .. }))),
            "{}",
            user.escape_unicode()
        );
    }
}

#[test]
fn an_edited_request_is_none() {
    for edit in [
        "agent = 'other'",
        "user = 'bob'",
        "roles = '[]'",
        "roles = '[1]'",
        "session = 'x'",
        "attributes = '{}'",
        "tool = 'x'",
        "arguments = '{\"account\": 18}'",
        "policy = substr(policy, 2) || '0'",
        "approver_roles = '[\"support\"]'",
        "own_calls = 1",
        "created_at = created_at - 1",
        "expires_at = expires_at + 1",
        "nonce = zeroblob(16)",
        "nonce = zeroblob(15)",
        "approvers = 2",
        "approvers = 0",
        "approvers = 9",
        "approvers = 257",
        "reason_required = 1",
    ] {
        let fixture = Fixture::new();
        let request = answered(&fixture);
        assert_eq!(fixture.edit(&format!("UPDATE requests SET {edit}")), 1);
        let service = fixture.service();
        assert_eq!(
            refused(service.redeem(&request, &call(), &terms())),
            Refusal::Altered(request),
            "{edit}"
        );
        let error = fixture.answer(&request, "dan", Decision::Deny).unwrap_err();
        assert!(
            matches!(error, AnswerError::Refused(Refusal::Altered(_))),
            "{edit}: {error}"
        );
        assert_ne!(
            pending(service.settle(&call(), &terms())),
            request,
            "{edit}"
        );
    }
}

#[test]
fn a_request_that_another_made_gives_no_more_than_the_host_would_ask_for() {
    // Somebody else's host, with the same database, terms of its own and a clock of its own.
    let theirs = Fixture::new();
    let ours = Fixture::new();
    theirs.set(START + 1000);
    let long = terms()
        .lifetime(std::time::Duration::from_secs(86_400))
        .unwrap();
    for terms_of_theirs in [long, terms()] {
        let request = pending(theirs.service().settle(&call(), &terms_of_theirs));
        theirs.approve(&request);
        std::fs::copy(theirs.file(), ours.file()).unwrap();
        // What was written last may lie beside the database.
        let wal = |f: &Fixture| f.folder().join("approvals.db-wal");
        if wal(&theirs).exists() {
            std::fs::copy(wal(&theirs), wal(&ours)).unwrap();
        }
        assert_eq!(
            refused(ours.service().redeem(&request, &call(), &terms())),
            Refusal::OtherTime(request)
        );
        std::fs::remove_file(ours.file()).unwrap();
    }
}

#[test]
fn a_used_approval_stays_used_in_the_process_that_used_it() {
    let fixture = Fixture::new();
    let service = fixture.service();
    let request = pending(service.settle(&call(), &terms()));
    fixture.approve(&request);
    drop(approved(service.settle(&call(), &terms())));
    assert_eq!(fixture.edit("DELETE FROM uses"), 1);
    assert_eq!(
        refused(service.redeem(&request, &call(), &terms())),
        Refusal::Used(request)
    );
    assert_ne!(pending(service.settle(&call(), &terms())), request);
}

#[test]
fn a_used_approval_stays_used_after_a_restart_where_it_is_recorded() {
    let fixture = Fixture::new();
    let request = answered(&fixture);
    drop(approved(
        fixture
            .service_with_used_approvals()
            .settle(&call(), &terms()),
    ));
    assert_eq!(fixture.edit("DELETE FROM uses"), 1);
    let service = fixture.service_with_used_approvals();
    assert_eq!(
        refused(service.redeem(&request, &call(), &terms())),
        Refusal::Used(request)
    );
    // Without one, the database is all that a new process knows. The documents say so.
    fixture.edit("DELETE FROM uses");
    drop(approved(fixture.service().settle(&call(), &terms())));
}

#[test]
fn a_record_of_used_approvals_that_is_gone_lets_nothing_pass() {
    let fixture = Fixture::new();
    answered(&fixture);
    let service = fixture.service_with_used_approvals();
    std::fs::remove_file(fixture.folder().join("used")).unwrap();
    let error = service.settle(&call(), &terms()).unwrap_err().to_string();
    assert!(
        error.contains("cannot use the file of used approvals")
            && error.contains("no approval can be used"),
        "{error}"
    );
    // It was not used up.
    drop(approved(
        fixture
            .service_with_used_approvals()
            .settle(&call(), &terms()),
    ));
}

#[test]
fn what_can_be_deleted_is_lost_and_asked_anew() {
    let fixture = Fixture::new();
    let service = fixture.service();
    let request = pending(service.settle(&call(), &terms()));
    fixture.approve(&request);
    fixture.edit("DELETE FROM answers");
    assert_eq!(pending(service.settle(&call(), &terms())), request);
    fixture.edit("DELETE FROM requests");
    assert_eq!(
        refused(service.redeem(&request, &call(), &terms())),
        Refusal::Unknown(request)
    );
    assert_ne!(pending(service.settle(&call(), &terms())), request);
    // A denial goes the same way; asking again is no permission.
    let request = pending(service.settle(&call(), &terms()));
    fixture.answer(&request, "carol", Decision::Deny).unwrap();
    assert!(matches!(
        service.settle(&call(), &terms()),
        Ok(ApprovalStatus::Denied { .. })
    ));
    fixture.edit("DELETE FROM answers");
    pending(service.settle(&call(), &terms()));
}

#[test]
fn a_denial_wins_over_an_approval() {
    let fixture = Fixture::new();
    let service = fixture.service();
    let denied = pending(service.settle(&call(), &terms()));
    fixture.answer(&denied, "carol", Decision::Deny).unwrap();
    // Hidden, so that somebody else is asked, and brought back.
    fixture.edit("UPDATE requests SET subject = 'x' || subject");
    let request = pending(service.settle(&call(), &terms()));
    fixture.answer(&request, "dan", Decision::Approve).unwrap();
    fixture.edit("UPDATE requests SET subject = substr(subject, 2) WHERE subject LIKE 'x%'");
    assert!(matches!(
        service.settle(&call(), &terms()),
        Ok(ApprovalStatus::Denied { request, .. }) if request == denied
    ));
}
