//! Several approvers, and a reason that is required.

use std::time::Duration;

use hexgate_approvals::{
    AnswerError, ApprovalService, ApprovalStatus, Approver, Approvers, Decision, Refusal,
    RequestId, RequestStore, Terms,
};

use crate::fixture::*;

/// Carol and Dan of finance, Erin of support, Fay and Gus of both. Fay has two keys, and Gus has a second entry that only a user shows.
fn people() -> Approvers {
    let approver = |id: &str, keys: &[&str], roles: &[&str], users: &[&str]| Approver {
        id: id.to_owned(),
        keys: keys.iter().map(|of| key(of).public_key()).collect(),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        users: users.iter().map(|user| (*user).to_owned()).collect(),
    };
    Approvers::new(vec![
        approver("carol", &["carol"], &["finance"], &["carol@example.com"]),
        approver("dan", &["dan"], &["finance"], &[]),
        approver("erin", &["erin"], &["support"], &[]),
        approver("fay", &["fay", "fay's other"], &["finance", "support"], &[]),
        approver("gus", &["gus"], &["finance"], &["Gus@example.com"]),
        approver(
            "gustav",
            &["gus's other"],
            &["finance"],
            &["x", "gus@EXAMPLE.com "],
        ),
    ])
    .unwrap()
}

fn without(id: &str) -> Approvers {
    let keys = ["carol", "dan", "fay"].map(|of| key(of).public_key());
    let kept = keys.iter().filter_map(|key| people().owner(key).cloned());
    Approvers::new(kept.filter(|approver| approver.id != id).collect()).unwrap()
}

fn service(fixture: &Fixture) -> ApprovalService {
    ApprovalService::new(
        RequestStore::open_or_create(fixture.file()).unwrap(),
        people(),
    )
    .with_clock(fixture.clock())
}

fn of(approvers: u8) -> Terms {
    terms().approvers(approvers).unwrap()
}

fn waiting(request: RequestId, given: u8, needed: u8) -> ApprovalStatus {
    ApprovalStatus::Pending {
        request,
        given,
        needed,
    }
}

fn approve(fixture: &Fixture, request: &RequestId, by: &str) -> Result<u8, AnswerError> {
    fixture
        .answer_as(request, &people(), by, Decision::Approve, by)
        .map(|answered| answered.given)
}

fn refused_answer<T: std::fmt::Debug>(answer: Result<T, AnswerError>) -> Refusal {
    match answer {
        Err(AnswerError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_call_runs_once_when_as_many_have_approved_as_it_needs() {
    for (needed, by) in [(2, &["carol", "dan"][..]), (3, &["dan", "fay", "gus"])] {
        let fixture = Fixture::new();
        let service = service(&fixture);
        let terms = of(needed);
        let request = pending(service.settle(&call(), &terms));
        for (given, by) in (0..).zip(by) {
            assert_eq!(
                service.settle(&call(), &terms).unwrap(),
                waiting(request, given, needed)
            );
            let refusal = refused(service.redeem(&request, &call(), &terms));
            match given {
                0 => assert_eq!(refusal, Refusal::Unanswered(request)),
                _ => assert_eq!(
                    refusal,
                    Refusal::TooFew {
                        id: request,
                        given,
                        needed
                    }
                ),
            }
            fixture.pass(5);
            assert_eq!(approve(&fixture, &request, by).unwrap(), given + 1);
        }
        // It needs no more, and nobody can take it back.
        for decision in [Decision::Approve, Decision::Deny] {
            let error = fixture
                .answer_as(&request, &people(), "gus's other", decision, "x")
                .unwrap_err();
            assert!(
                matches!(&error, AnswerError::Answered { by: said, .. }
                    if said.starts_with("approved by `") && by.iter().all(|by| said.contains(by))),
                "{error}"
            );
        }
        let permit = approved(service.settle(&call(), &terms));
        let given: Vec<_> = permit
            .approvals()
            .map(|one| (one.approver.as_str(), one.answered_at.unix_seconds()))
            .collect();
        let times = (1..).map(|n| START + 5 * n);
        let expected: Vec<_> = by.iter().copied().zip(times).collect();
        assert_eq!(given, expected);
        assert_eq!((permit.approver(), permit.reason()), (by[0], by[0]));
        assert_eq!(
            refused(service.redeem(&request, &call(), &terms)),
            Refusal::Used(request)
        );
        assert_ne!(pending(service.settle(&call(), &terms)), request);
    }
}

#[test]
fn one_person_counts_once() {
    for (first, second, before, again) in [
        ("carol", "carol", "carol", "carol"),
        // Two keys of one entry.
        ("fay", "fay's other", "fay", "fay"),
        // Two entries with one user.
        ("gus", "gus's other", "gus", "gustav"),
        ("gus's other", "gus", "gustav", "gus"),
    ] {
        let fixture = Fixture::new();
        let service = service(&fixture);
        let request = pending(service.settle(&call(), &of(2)));
        approve(&fixture, &request, first).unwrap();
        for decision in [Decision::Approve, Decision::Deny] {
            let answer = fixture.answer_as(&request, &people(), second, decision, "x");
            assert_eq!(
                refused_answer(answer),
                Refusal::SamePerson {
                    id: request,
                    approver: again.to_owned(),
                    before: before.to_owned(),
                }
            );
        }
        assert_eq!(
            service.settle(&call(), &of(2)).unwrap(),
            waiting(request, 1, 2)
        );
        approve(&fixture, &request, "dan").unwrap();
        drop(approved(service.settle(&call(), &of(2))));
    }
}

#[test]
fn answers_of_one_person_who_had_two_entries_count_once_when_they_are_used() {
    let fixture = Fixture::new();
    let service = service(&fixture);
    let request = pending(service.settle(&call(), &of(2)));
    // The list of then did not tell that they are one.
    let apart = |id: &str, of: &str| Approver {
        id: id.to_owned(),
        keys: vec![key(of).public_key()],
        roles: vec!["finance".to_owned()],
        users: vec![],
    };
    let apart = Approvers::new(vec![apart("gus", "gus"), apart("gustav", "gus's other")]).unwrap();
    for by in ["gus", "gus's other"] {
        fixture
            .answer_as(&request, &apart, by, Decision::Approve, "")
            .unwrap();
    }
    assert_eq!(
        refused(service.settle(&call(), &of(2))),
        Refusal::SamePerson {
            id: request,
            approver: "gustav".to_owned(),
            before: "gus".to_owned(),
        }
    );
    approve(&fixture, &request, "dan").unwrap();
    drop(approved(service.settle(&call(), &of(2))));
}

#[test]
fn none_of_several_is_the_caller() {
    let fixture = Fixture::new();
    let service = service(&fixture);
    for terms in [of(2), of(2).allow_own_calls()] {
        for user in ["carol", "CAROL@example.com", "ｃａｒｏｌ"] {
            let mut own = call();
            own.caller.user = user.to_owned();
            let request = pending(service.settle(&own, &terms));
            assert_eq!(
                refused_answer(approve(&fixture, &request, "carol")),
                Refusal::OwnCall {
                    id: request,
                    approver: "carol".to_owned()
                }
            );
            approve(&fixture, &request, "dan").unwrap();
            assert_eq!(
                service.settle(&own, &terms).unwrap(),
                waiting(request, 1, 2)
            );
            approve(&fixture, &request, "fay").unwrap();
            drop(approved(service.settle(&own, &terms)));
        }
    }
}

#[test]
fn one_denial_denies() {
    let fixture = Fixture::new();
    let service = service(&fixture);
    let request = pending(service.settle(&call(), &of(3)));
    approve(&fixture, &request, "carol").unwrap();
    approve(&fixture, &request, "dan").unwrap();
    fixture
        .answer_as(&request, &people(), "fay", Decision::Deny, "no")
        .unwrap();
    let error = approve(&fixture, &request, "gus").unwrap_err();
    assert!(
        matches!(&error, AnswerError::Answered { by, .. } if by.starts_with("denied by `fay`")),
        "{error}"
    );
    assert_eq!(
        service.settle(&call(), &of(3)).unwrap(),
        ApprovalStatus::Denied {
            request,
            approver: "fay".to_owned(),
            reason: "no".to_owned()
        }
    );
    // Also where enough approvals come to stand beside it.
    let others = Approvers::new(
        ["gus"]
            .map(|of| people().owner(&key(of).public_key()).unwrap().clone())
            .to_vec(),
    );
    fixture
        .answer_as(&request, &others.unwrap(), "gus", Decision::Approve, "")
        .unwrap();
    assert!(matches!(
        service.settle(&call(), &of(3)),
        Ok(ApprovalStatus::Denied { .. })
    ));
}

#[test]
fn who_is_taken_from_the_list_in_between_counts_no_more() {
    let fixture = Fixture::new();
    let service = service(&fixture);
    let request = pending(service.settle(&call(), &of(2)));
    approve(&fixture, &request, "carol").unwrap();
    approve(&fixture, &request, "dan").unwrap();
    service.set_approvers(without("carol"));
    for refusal in [
        refused(service.settle(&call(), &of(2))),
        refused(service.redeem(&request, &call(), &of(2))),
    ] {
        assert!(matches!(refusal, Refusal::UnknownKey { .. }), "{refusal}");
    }
    // Another one can take the place.
    let answered = fixture.answer_as(&request, &without("carol"), "fay", Decision::Approve, "now");
    let answered = answered.unwrap();
    assert_eq!((answered.given, answered.replaced), (2, false));
    let permit = approved(service.settle(&call(), &of(2)));
    let by: Vec<_> = permit.approvals().map(|one| &one.approver[..]).collect();
    assert_eq!(by, ["dan", "fay"]);
}

#[test]
fn a_role_is_asked_of_each() {
    let fixture = Fixture::new();
    let service = service(&fixture);
    let request = pending(service.settle(&call(), &of(2)));
    approve(&fixture, &request, "carol").unwrap();
    assert!(matches!(
        refused_answer(approve(&fixture, &request, "erin")),
        Refusal::WrongRole { approver, .. } if approver == "erin"
    ));
    // Any of the roles suffices.
    let any = of(2).roles(["support", "finance"]).unwrap();
    let request = pending(service.settle(&call(), &any));
    approve(&fixture, &request, "carol").unwrap();
    approve(&fixture, &request, "erin").unwrap();
    drop(approved(service.settle(&call(), &any)));
}

#[test]
fn the_number_and_the_rule_on_reasons_are_part_of_what_is_asked() {
    let fixture = Fixture::new();
    let service = service(&fixture);
    let all = [
        terms(),
        of(2),
        of(3),
        terms().reason_required(true),
        of(2).reason_required(true),
    ];
    let requests: Vec<_> = all
        .iter()
        .map(|terms| pending(service.settle(&call(), terms)))
        .collect();
    approve(&fixture, &requests[0], "carol").unwrap();
    for (index, (terms, request)) in all.iter().zip(&requests).enumerate() {
        // What one could allow does not count where two have to, nor the reverse.
        for (other, name) in all
            .iter()
            .zip(&requests)
            .filter(|(_, name)| *name != request)
        {
            assert_eq!(
                refused(service.redeem(name, &call(), terms)),
                Refusal::OtherTerms(*name),
                "{other:?}"
            );
        }
        let status = service.settle(&call(), terms).unwrap();
        assert_eq!(matches!(status, ApprovalStatus::Approved(_)), index == 0);
    }
}

#[test]
fn nothing_of_several_counts_after_its_time() {
    let fixture = Fixture::new();
    let service = service(&fixture);
    let terms = of(2).lifetime(Duration::from_secs(60)).unwrap();
    let request = pending(service.settle(&call(), &terms));
    fixture.pass(30);
    approve(&fixture, &request, "carol").unwrap();
    fixture.pass(30);
    assert!(matches!(
        refused_answer(approve(&fixture, &request, "dan")),
        Refusal::Expired { .. }
    ));
    // What was given is gone with it.
    let next = pending(service.settle(&call(), &terms));
    assert_ne!(next, request);
    approve(&fixture, &next, "dan").unwrap();
    assert_eq!(
        service.settle(&call(), &terms).unwrap(),
        waiting(next, 1, 2)
    );
}

#[test]
fn a_required_reason_is_given() {
    let fixture = Fixture::new();
    let service = service(&fixture);
    let terms = terms().reason_required(true);
    let request = pending(service.settle(&call(), &terms));
    for blank in ["", " ", "\t\n\u{a0}", "\u{200b}\u{2060}", "\u{3164}"] {
        for decision in [Decision::Approve, Decision::Deny] {
            let answer = fixture.answer_as(&request, &people(), "carol", decision, blank);
            assert_eq!(refused_answer(answer), Refusal::NoReason(request));
        }
    }
    assert_eq!(
        service.settle(&call(), &terms).unwrap(),
        waiting(request, 0, 1)
    );
    fixture
        .answer_as(&request, &people(), "carol", Decision::Approve, "ticket 1")
        .unwrap();
    assert_eq!(
        approved(service.settle(&call(), &terms)).reason(),
        "ticket 1"
    );
}

#[test]
fn a_role_that_too_few_approvers_have_is_said_at_once() {
    let fixture = Fixture::new();
    let service = service(&fixture);
    for (terms, needed, able) in [
        (Terms::new(["legal"]).unwrap(), 1, 0),
        (of(3).roles(["support"]).unwrap(), 3, 2),
        // Gus and Gustav are one.
        (of(5), 5, 4),
    ] {
        let refusal = refused(service.settle(&call(), &terms));
        assert!(
            matches!(&refusal, Refusal::TooFewApprovers { needed: n, able: a, .. } if (*n, *a) == (needed, able)),
            "{refusal}"
        );
        let message = refusal.to_string();
        assert!(
            message.contains("would wait forever")
                && message.contains(&terms.conditions().approver_roles[0]),
            "{message}"
        );
    }
    assert_eq!(service.store().entries().unwrap(), [], "no request is made");
    // A list that came to be too short.
    let request = pending(service.settle(&call(), &of(2)));
    approve(&fixture, &request, "carol").unwrap();
    service.set_approvers(
        Approvers::new(vec![
            people().owner(&key("carol").public_key()).unwrap().clone(),
        ])
        .unwrap(),
    );
    assert!(matches!(
        refused(service.settle(&call(), &of(2))),
        Refusal::TooFewApprovers { able: 1, .. }
    ));
}

// What whoever can write the database can do.

/// A request for two approvals that Carol has approved.
fn half(fixture: &Fixture) -> (ApprovalService, RequestId) {
    let service = service(fixture);
    let request = pending(service.settle(&call(), &of(2)));
    approve(fixture, &request, "carol").unwrap();
    (service, request)
}

#[test]
fn a_copy_of_an_answer_is_not_a_second_one() {
    for columns in [
        // In another's name, in another spelling of the same name, with another's key.
        "id, decision, 'dan', key, answered_at, reason, signature",
        "id, decision, 'Carol', key, answered_at, reason, signature",
        "id, decision, 'carol ', key, answered_at, reason, signature",
        "id, decision, '', key, answered_at, reason, signature",
        "id, decision, 'dan', '{dan}', answered_at, reason, signature",
        "id, 'deny', 'dan', '{dan}', answered_at, reason, zeroblob(64)",
    ] {
        let fixture = Fixture::new();
        let (service, request) = half(&fixture);
        let columns = columns.replace("{dan}", &key("dan").public_key().id().to_string());
        fixture.edit(&format!(
            "INSERT INTO answers SELECT {columns} FROM answers"
        ));
        let refusal = refused(service.settle(&call(), &of(2)));
        assert!(
            matches!(
                refusal,
                Refusal::OtherApprover { .. } | Refusal::Forged { .. }
            ),
            "{columns}: {refusal}"
        );
        assert_eq!(
            refused(service.redeem(&request, &call(), &of(2))),
            refusal,
            "{columns}"
        );
        // It does not keep others from answering.
        approve(&fixture, &request, "dan").unwrap();
        drop(approved(service.settle(&call(), &of(2))));
    }
    // The table itself holds one of each name.
    let fixture = Fixture::new();
    half(&fixture);
    let connection = rusqlite::Connection::open(fixture.file()).unwrap();
    assert!(
        connection
            .execute("INSERT INTO answers SELECT * FROM answers", ())
            .is_err()
    );
}

#[test]
fn an_answer_that_was_moved_from_another_request_does_not_count() {
    let fixture = Fixture::new();
    let (service, request) = half(&fixture);
    let mut small = call();
    small.arguments = "{}".to_owned();
    let other = pending(service.settle(&small, &of(2)));
    approve(&fixture, &other, "dan").unwrap();
    fixture.edit(&format!(
        "UPDATE answers SET id = '{request}' WHERE id = '{other}'"
    ));
    assert!(matches!(
        refused(service.settle(&call(), &of(2))),
        Refusal::Forged { id, approver, .. } if id == request && approver == "dan"
    ));
    // Nor one for the same call where one approver suffices.
    let fixture = Fixture::new();
    let (service, request) = half(&fixture);
    let alone = pending(service.settle(&call(), &terms()));
    approve(&fixture, &alone, "dan").unwrap();
    fixture.edit(&format!(
        "UPDATE answers SET id = '{request}' WHERE id = '{alone}'"
    ));
    assert!(matches!(
        refused(service.settle(&call(), &of(2))),
        Refusal::Forged { .. }
    ));
}

#[test]
fn a_number_that_was_lowered_in_a_row_is_not_what_was_asked() {
    let fixture = Fixture::new();
    let service = service(&fixture);
    let strict = of(2).reason_required(true);
    for edit in [
        "approvers = 1",
        "approvers = 0",
        "approvers = 1, reason_required = 0",
        "reason_required = 0",
        "approvers = 258",
        "approvers = -1",
    ] {
        let request = pending(service.settle(&call(), &strict));
        approve(&fixture, &request, "carol").unwrap();
        fixture.edit(&format!(
            "UPDATE requests SET {edit} WHERE id = '{request}'"
        ));
        assert_eq!(
            refused(service.redeem(&request, &call(), &strict)),
            Refusal::Altered(request),
            "{edit}"
        );
        for terms in [&strict, &terms(), &of(2)] {
            assert_ne!(pending(service.settle(&call(), terms)), request, "{edit}");
        }
        assert!(matches!(
            approve(&fixture, &request, "dan"),
            Err(AnswerError::Refused(Refusal::Altered(_)))
        ));
    }
    // A whole request that asks for less is made on other terms, also if it is put in the place of the host's.
    let request = pending(service.settle(&call(), &strict));
    let weak = pending(service.settle(&call(), &terms()));
    approve(&fixture, &weak, "carol").unwrap();
    fixture.edit(&format!(
        "UPDATE requests SET subject = (SELECT subject FROM requests WHERE id = '{request}') WHERE id = '{weak}'"
    ));
    assert_eq!(
        service.settle(&call(), &strict).unwrap(),
        waiting(request, 0, 2)
    );
    assert_eq!(
        refused(service.redeem(&weak, &call(), &strict)),
        Refusal::OtherTerms(weak)
    );
}

/// An answer that an approver signed with a program of their own, as the page on approvals says.
fn sign_by_hand(fixture: &Fixture, request: &RequestId, decision: &str, reason: &str) {
    let mut message = vec![];
    for field in [
        &b"hexgate approval answer 1"[..],
        request.digest().as_bytes(),
    ] {
        message.extend((field.len() as u64).to_be_bytes());
        message.extend(field);
    }
    message.push(u8::from(decision == "approve"));
    message.extend(5_u64.to_be_bytes());
    message.extend(b"carol");
    message.extend(START.to_be_bytes());
    message.extend((reason.len() as u64).to_be_bytes());
    message.extend(reason.as_bytes());
    let connection = rusqlite::Connection::open(fixture.file()).unwrap();
    let key = key("carol");
    connection
        .execute(
            "INSERT OR REPLACE INTO answers VALUES (?1, ?2, 'carol', ?3, ?4, ?5, ?6)",
            (
                request.to_string(),
                decision,
                key.public_key().id().to_string(),
                START.cast_signed(),
                reason,
                key.sign_for("approval answer", &message),
            ),
        )
        .unwrap();
}

#[test]
fn an_approval_without_the_required_reason_does_not_count_and_a_denial_does() {
    let fixture = Fixture::new();
    let service = service(&fixture);
    let strict = terms().reason_required(true);
    let request = pending(service.settle(&call(), &strict));
    for blank in ["", " \u{200b}"] {
        sign_by_hand(&fixture, &request, "approve", blank);
        assert_eq!(
            refused(service.settle(&call(), &strict)),
            Refusal::NoReason(request)
        );
    }
    sign_by_hand(&fixture, &request, "deny", "");
    assert!(matches!(
        service.settle(&call(), &strict),
        Ok(ApprovalStatus::Denied { .. })
    ));
    sign_by_hand(&fixture, &request, "approve", "ticket 1");
    drop(approved(service.settle(&call(), &strict)));
}

#[test]
fn more_answers_than_approvers_give_count_for_nothing() {
    let fixture = Fixture::new();
    let (service, request) = half(&fixture);
    approve(&fixture, &request, "dan").unwrap();
    let add = |number: u32| {
        fixture.edit(&format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {number}) \
             INSERT OR IGNORE INTO answers SELECT id, decision, 'x' || i, key, answered_at, reason, signature FROM answers, n \
             WHERE approver = 'carol'"
        ))
    };
    add(31);
    assert_eq!(
        refused(service.settle(&call(), &of(2))),
        Refusal::TooManyAnswers(request)
    );
    assert!(matches!(
        refused_answer(approve(&fixture, &request, "fay")),
        Refusal::TooManyAnswers(_)
    ));
    add(200_000);
    assert_eq!(
        refused(service.redeem(&request, &call(), &of(2))),
        Refusal::TooManyAnswers(request)
    );
    fixture.edit("DELETE FROM answers WHERE approver LIKE 'x%'");
    // Nor do large ones fill memory.
    fixture.edit("INSERT INTO answers SELECT id, decision, printf('%.*c', 8000000, 'x'), key, answered_at, reason, signature FROM answers WHERE approver = 'carol'");
    fixture.edit("INSERT INTO answers SELECT id, decision, printf('%.*c', 8000000, 'y'), key, answered_at, reason, signature FROM answers WHERE approver = 'carol'");
    let error = service.settle(&call(), &of(2)).unwrap_err().to_string();
    assert!(error.contains("larger than any host writes"), "{error}");
    fixture.edit("DELETE FROM answers WHERE approver LIKE 'xx%' OR approver LIKE 'yy%'");
    drop(approved(service.settle(&call(), &of(2))));
}
