//! Asking, answering, using.

use hexgate_approvals::{AnswerError, ApprovalStatus, Decision, Refusal, ServiceError, Terms};
use hexgate_bundle::Digest;

use crate::fixture::*;

#[test]
fn a_call_is_asked_about_once_and_runs_once() {
    let fixture = Fixture::new();
    let service = fixture.service();
    let request = pending(service.settle(&call(), &terms()));
    assert_eq!(pending(service.settle(&call(), &terms())), request);
    assert_eq!(
        refused(service.redeem(&request, &call(), &terms())),
        Refusal::Unanswered(request)
    );
    fixture.pass(5);
    fixture.approve(&request);
    fixture.pass(5);
    let permit = approved(service.settle(&call(), &terms()));
    assert_eq!(permit.request(), request);
    assert_eq!((permit.approver(), permit.reason()), ("carol", "because"));
    assert_eq!(permit.answered_at().unix_seconds(), START + 5);
    assert_eq!(permit.used_at().unix_seconds(), START + 10);
    assert_eq!(
        refused(service.redeem(&request, &call(), &terms())),
        Refusal::Used(request)
    );
    assert_ne!(pending(service.settle(&call(), &terms())), request);
}

#[test]
fn an_answer_survives_the_end_of_the_process_that_asked() {
    let fixture = Fixture::new();
    let request = pending(fixture.service().settle(&call(), &terms()));
    assert_eq!(
        pending(fixture.service().settle(&call(), &terms())),
        request
    );
    fixture.approve(&request);
    assert_eq!(
        approved(fixture.service().settle(&call(), &terms())).request(),
        request
    );
    assert_eq!(
        refused(fixture.service().redeem(&request, &call(), &terms())),
        Refusal::Used(request)
    );
}

#[test]
fn a_denial_stands_until_the_request_expires() {
    let fixture = Fixture::new();
    let service = fixture.service();
    let request = pending(service.settle(&call(), &terms()));
    fixture.answer(&request, "dan", Decision::Deny).unwrap();
    for _ in 0..2 {
        assert_eq!(
            service.settle(&call(), &terms()).unwrap(),
            ApprovalStatus::Denied {
                request,
                approver: "dan".to_owned(),
                reason: "because".to_owned()
            }
        );
    }
    assert!(
        matches!(refused(service.redeem(&request, &call(), &terms())), Refusal::Denied { approver, .. } if approver == "dan")
    );
    fixture.pass(3600);
    assert_ne!(pending(service.settle(&call(), &terms())), request);
}

#[test]
fn a_request_is_answered_once() {
    let fixture = Fixture::new();
    let service = fixture.service();
    let request = pending(service.settle(&call(), &terms()));
    fixture.answer(&request, "carol", Decision::Deny).unwrap();
    for (by, decision) in [
        ("carol", Decision::Approve),
        ("dan", Decision::Approve),
        ("dan", Decision::Deny),
    ] {
        let error = fixture.answer(&request, by, decision).unwrap_err();
        assert!(
            matches!(&error, AnswerError::Answered { by, .. } if by.starts_with("denied by `carol` at 2027")),
            "{error}"
        );
    }
    assert!(matches!(
        service.settle(&call(), &terms()),
        Ok(ApprovalStatus::Denied { .. })
    ));
}

#[test]
fn nothing_counts_after_its_time() {
    let fixture = Fixture::new();
    let service = fixture.service();
    let terms = terms()
        .lifetime(std::time::Duration::from_secs(60))
        .unwrap();
    let request = pending(service.settle(&call(), &terms));
    fixture.pass(59);
    fixture.approve(&request);
    fixture.pass(1);
    assert!(
        matches!(refused(service.redeem(&request, &call(), &terms)), Refusal::Expired { id, .. } if id == request)
    );
    let next = pending(service.settle(&call(), &terms));
    assert_ne!(next, request);
    fixture.pass(60);
    let late = fixture
        .answer(&next, "carol", Decision::Approve)
        .unwrap_err();
    assert!(
        matches!(&late, AnswerError::Refused(Refusal::Expired { id, .. }) if *id == next),
        "{late}"
    );
    let unknown = Digest::of(b"").to_string().parse().unwrap();
    assert!(matches!(
        fixture.answer(&unknown, "carol", Decision::Approve),
        Err(AnswerError::Refused(Refusal::Unknown(_)))
    ));
}

#[test]
fn an_approval_is_for_one_call_alone() {
    let fixture = Fixture::new();
    let service = fixture.service();
    let request = pending(service.settle(&call(), &terms()));
    fixture.approve(&request);
    let mut others = vec![("arguments", call()); 9];
    others[0].1.arguments = r#"{"account": 18}"#.to_owned();
    // The same value in another spelling is another text.
    others[1].1.arguments = r#"{"account":17}"#.to_owned();
    others[2] = ("agent", call());
    others[2].1.agent = "other-bot".to_owned();
    others[3] = ("user", call());
    others[3].1.caller.user = "bob".to_owned();
    others[4] = ("roles", call());
    others[4].1.caller.roles.push("admin".to_owned());
    others[5] = ("roles", call());
    others[5].1.caller.roles = vec![];
    others[6] = ("tool", call());
    others[6].1.tool = "close_accounts".to_owned();
    others[7] = ("session", call());
    others[7].1.caller.session = Some(String::new());
    others[8] = ("attributes", call());
    others[8].1.caller.attributes = Some("{}".to_owned());
    for (field, other) in others {
        assert_eq!(
            refused(service.redeem(&request, &other, &terms())),
            Refusal::OtherCall { id: request, field }
        );
        assert_ne!(pending(service.settle(&other, &terms())), request);
    }
    let mut other = call();
    other.policy = Digest::of(b"policy 2");
    assert_eq!(
        refused(service.redeem(&request, &other, &terms())),
        Refusal::OtherPolicy(request)
    );
    assert_ne!(pending(service.settle(&other, &terms())), request);
    for other in [
        Terms::new(["support"]).unwrap(),
        Terms::new(["finance", "support"]).unwrap(),
        terms().allow_own_calls(),
    ] {
        assert_eq!(
            refused(service.redeem(&request, &call(), &other)),
            Refusal::OtherTerms(request)
        );
        assert_ne!(pending(service.settle(&call(), &other)), request);
    }
    // After all these it is still there for the call that it is for.
    assert_eq!(
        approved(service.settle(&call(), &terms())).request(),
        request
    );
}

#[test]
fn a_host_that_wants_to_wait_for_less_does_not_take_older_answers() {
    let fixture = Fixture::new();
    let service = fixture.service();
    let request = pending(service.settle(&call(), &terms()));
    fixture.approve(&request);
    let shorter = terms()
        .lifetime(std::time::Duration::from_secs(60))
        .unwrap();
    assert_eq!(
        refused(service.redeem(&request, &call(), &shorter)),
        Refusal::OtherTime(request)
    );
    assert_ne!(pending(service.settle(&call(), &shorter)), request);
}

#[test]
fn the_clock_of_the_host_is_held_against_the_request() {
    let fixture = Fixture::new();
    let service = fixture.service();
    let request = pending(service.settle(&call(), &terms()));
    fixture.approve(&request);
    // It went back before the request: then it is not this host's.
    fixture.set(START - 1);
    assert_eq!(
        refused(service.redeem(&request, &call(), &terms())),
        Refusal::OtherTime(request)
    );
    // The last second that can be written has no lifetime after it.
    fixture.set(hexgate_bundle::Timestamp::MAX.unix_seconds());
    assert!(matches!(
        service.settle(&call(), &terms()),
        Err(ServiceError::Clock)
    ));
    fixture.set(hexgate_bundle::Timestamp::MAX.unix_seconds() + 1);
    assert!(matches!(
        service.settle(&call(), &terms()),
        Err(ServiceError::Clock)
    ));
}

#[test]
fn an_agent_cannot_ask_without_end() {
    let fixture = Fixture::new();
    let service = fixture.service();
    let mut call = call();
    // Making a thousand requests one by one would wait for the disk a thousand times.
    pending(service.settle(&call, &terms()));
    fixture.edit(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 999) \
         INSERT INTO requests SELECT printf('%064x', i), subject || i, agent, user, roles, session, attributes, tool, arguments, policy, \
         approver_roles, own_calls, created_at, expires_at, nonce, approvers, reason_required FROM requests, n",
    );
    call.arguments = "{}".to_owned();
    assert!(matches!(
        service.settle(&call, &terms()),
        Err(ServiceError::TooMany)
    ));
    // Old ones make room. Those that nobody answered go at once, the others after a while.
    let entries = || service.store().entries().unwrap().len();
    fixture.pass(3600);
    fixture.approve(&pending(service.settle(&call, &terms())));
    assert_eq!(entries(), 1);
    fixture.pass(3600);
    call.arguments = r#"{"another": 1}"#.to_owned();
    pending(service.settle(&call, &terms()));
    assert_eq!(entries(), 2);
    fixture.pass(31 * 24 * 3600);
    pending(service.settle(&call, &terms()));
    assert_eq!(entries(), 1);
    // A few that are large are too many as well.
    fixture.edit(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 67) \
         INSERT INTO requests SELECT printf('%064x', i), subject || i, agent, user, roles, session, attributes, tool, \
         printf('%.*c', 1000000, 'x'), policy, approver_roles, own_calls, created_at, expires_at, nonce, approvers, reason_required FROM requests, n",
    );
    call.arguments = format!(r#"{{"more": "{}"}}"#, "y".repeat(200_000));
    assert!(matches!(
        service.settle(&call, &terms()),
        Err(ServiceError::TooMany)
    ));
    call.arguments = " ".repeat(1 << 20);
    assert!(matches!(
        service.settle(&call, &terms()),
        Err(ServiceError::TooLarge { .. })
    ));
}

#[test]
fn odd_texts_are_kept_as_they_are() {
    let fixture = Fixture::new();
    let service = fixture.service();
    let mut call = call();
    call.tool = "a\0b\u{202e}'\"; DROP TABLE requests; --".to_owned();
    call.arguments = "\u{feff}{\"a\": \"\\u0000\0\n\r\u{1b}[2J😀\"}".to_owned();
    call.caller.roles = vec!["[\"x\", null]".to_owned(), "\0".to_owned()];
    call.caller.session = Some("\0".to_owned());
    let request = pending(service.settle(&call, &terms()));
    let entry = service.store().entry(&request).unwrap().unwrap();
    assert_eq!(entry.request.unwrap().call, call);
    fixture.approve(&request);
    assert_eq!(approved(service.settle(&call, &terms())).request(), request);
}

#[test]
fn an_approver_who_is_taken_from_the_list_has_approved_nothing() {
    let fixture = Fixture::new();
    let service = fixture.service();
    let request = pending(service.settle(&call(), &terms()));
    fixture.approve(&request);
    service.set_approvers(hexgate_approvals::Approvers::default());
    assert!(matches!(
        refused(service.settle(&call(), &terms())),
        Refusal::UnknownKey { .. }
    ));
    service.set_approvers(approvers());
    assert_eq!(
        approved(service.settle(&call(), &terms())).request(),
        request
    );
}
