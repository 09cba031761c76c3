//! Whom the platform bans.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use axum::http::StatusCode;
use hexgate_enforce::platform::PlatformError;
use hexgate_enforce::resolve::{Environment, Resolver};
use hexgate_enforce::{Caller, Cause, Enforcer, KillSwitch, Stop};
use serde_json::{Value, json};

use crate::fixture::*;
use crate::server::*;

fn agent(name: &str) -> Value {
    json!({"ban_id": "a", "ban_type": "agent", "target_agent_name": name, "target_user_id": null, "reason": "it loops"})
}

fn user(id: &str) -> Value {
    json!({"ban_id": "u", "ban_type": "user", "target_agent_name": null, "target_user_id": id, "reason": "taken over"})
}

fn bans(server: &Server, bans: Value) {
    server.change(|answers| {
        answers.bans_mode = Mode::Honest;
        answers.bans = Some(bans);
    });
}

/// Waits until what was changed before was looked at, and counts.
fn looked_at(server: &Server) {
    let before = server.bans_requests.load(Ordering::SeqCst);
    wait(|| server.bans_requests.load(Ordering::SeqCst) >= before + 3);
}

fn stops(switch: &KillSwitch, user: &str) -> Option<String> {
    switch.stops(AGENT, Some(user)).map(|stop| stop.to_string())
}

#[test]
fn who_is_banned_is_stopped_and_who_is_released_is_not() {
    let server = Server::start();
    bans(&server, json!([user("alice")]));
    let live = server.open();
    let switch = KillSwitch::new();
    let enforcer = Enforcer::builder(AGENT, &live)
        .kill_switch(&switch)
        .build()
        .unwrap();
    let bob = Caller::builder("bob").role("support").build().unwrap();
    let allowed =
        || [alice(), bob.clone()].map(|who| enforcer.decide(&who, "view_order", "{}").is_allowed());
    assert_eq!(allowed(), [true, true]);
    // From the first moment on.
    server.platform().enforce_bans(&switch).unwrap();
    assert_eq!(allowed(), [false, true]);
    let decision = enforcer.decide(&alice(), "view_order", "{}");
    assert_eq!(
        (decision.cause(), decision.reason()),
        (Cause::Stopped, "the user is stopped: taken over")
    );
    bans(&server, json!([user("bob")]));
    wait(|| allowed() == [true, false]);
    bans(&server, json!([agent("other-bot"), user("bob")]));
    looked_at(&server);
    assert_eq!(allowed(), [true, false]);
    bans(&server, json!([agent(AGENT)]));
    wait(|| allowed() == [false, false]);
    // What the host stopped, the platform does not release, nor the other way round.
    switch.stop_user("bob", "by hand");
    switch.release_agent(AGENT);
    assert_eq!(allowed(), [false, false]);
    bans(&server, json!([]));
    wait(|| allowed() == [true, false]);
    switch.stop_everything("fire");
    assert_eq!(allowed(), [false, false]);
    assert_eq!(
        switch.stops("any", None),
        Some(Stop::Everything {
            reason: "fire".into()
        })
    );
    switch.release_everything();
    assert_eq!(allowed(), [true, false]);
    // The work ends with the switch.
    drop((enforcer, switch));
    thread::sleep(Duration::from_millis(100));
    let after = server.bans_requests.load(Ordering::SeqCst);
    thread::sleep(Duration::from_millis(200));
    assert_eq!(server.bans_requests.load(Ordering::SeqCst), after);
}

#[test]
fn a_list_that_cannot_be_had_releases_nobody() {
    let server = Server::start();
    bans(&server, json!([user("alice")]));
    let switch = KillSwitch::new();
    server.platform().enforce_bans(&switch).unwrap();
    assert!(switch.failure().is_none());
    for (mode, why) in [
        (
            Mode::Status(StatusCode::INTERNAL_SERVER_ERROR),
            "status 500",
        ),
        (Mode::Status(StatusCode::UNAUTHORIZED), "refuses the token"),
        (
            Mode::Redirect(format!("{}/elsewhere", server.url)),
            "status 302",
        ),
        (Mode::Hang, "did not answer in time"),
        (Mode::Half, "cannot be reached"),
        (Mode::Text("<html>".into()), "list of bans"),
        (Mode::Text("{}".into()), "list of bans"),
        (Mode::Text(String::new()), "list of bans"),
    ] {
        server.change(|answers| {
            answers.bans_mode = mode;
            answers.bans = Some(json!([]));
        });
        let said = |why: &str| {
            switch
                .failure()
                .is_some_and(|error| error.to_string().contains(why))
        };
        wait(|| said(why));
        assert!(stops(&switch, "alice").is_some(), "{why}");
        let begun = server.platform().enforce_bans(&KillSwitch::new());
        assert!(begun.unwrap_err().to_string().contains(why), "{why}");
    }
    server.change(|answers| answers.bans = None);
    wait(|| {
        switch
            .failure()
            .is_some_and(|error| error.downcast_ref() == Some(&PlatformError::NoBans))
    });
    assert!(stops(&switch, "alice").is_some());
    // A ban of a kind that is not known: the others count, and nobody is released before all are understood.
    bans(
        &server,
        json!([user("bob"), {"ban_type": "planet", "reason": "x"}]),
    );
    // The list counts a moment before its failure is told.
    let planet = || {
        let failure = switch.failure();
        failure.is_some_and(|error| error.to_string().contains("`planet`"))
    };
    wait(|| stops(&switch, "bob").is_some() && planet());
    assert!(stops(&switch, "alice").is_some());
    bans(&server, json!([user("bob")]));
    wait(|| stops(&switch, "alice").is_none() && switch.failure().is_none());
    assert!(stops(&switch, "bob").is_some());
    // What was understood of such a list counts until the platform says that the one before it is the list.
    bans(&server, json!([user("carol"), {"ban_type": "planet"}]));
    wait(|| stops(&switch, "carol").is_some() && planet());
    server.change(|answers| answers.bans_mode = Mode::NothingChanged);
    wait(|| switch.failure().is_none() && stops(&switch, "carol").is_none());
    assert!(stops(&switch, "bob").is_some());
}

#[test]
fn a_list_that_is_too_old_stops_everybody_if_asked_for() {
    let server = Server::start();
    let switch = KillSwitch::new();
    let platform = server.platform().bans_max_age(Duration::from_millis(400));
    platform.enforce_bans(&switch).unwrap();
    // Each answer makes it young again, also one that says that nothing changed.
    thread::sleep(Duration::from_millis(600));
    wait(|| stops(&switch, "alice").is_none());
    server.change(|answers| answers.bans_mode = Mode::Hang);
    wait(|| stops(&switch, "alice").is_some_and(|why| why.starts_with("everything is stopped")));
    bans(&server, json!([]));
    wait(|| stops(&switch, "alice").is_none());
}

#[test]
fn lists_of_several_platforms_count_beside_each_other() {
    let (live, test) = (Server::start(), Server::start());
    bans(&live, json!([user("alice")]));
    let switch = KillSwitch::new();
    live.platform().enforce_bans(&switch).unwrap();
    test.platform().enforce_bans(&switch).unwrap();
    looked_at(&test);
    assert!(stops(&switch, "alice").is_some());
    // Each says for itself why it could not be had.
    test.change(|answers| answers.bans_mode = Mode::Status(StatusCode::BAD_GATEWAY));
    wait(|| switch.failure().is_some());
    looked_at(&live);
    assert!(switch.failure().is_some());
    bans(&test, json!([]));
    wait(|| switch.failure().is_none());
    bans(&live, json!([]));
    wait(|| stops(&switch, "alice").is_none());
}

#[test]
fn names_are_compared_without_regard_to_case_and_spelling() {
    let server = Server::start();
    bans(
        &server,
        json!([user("Alice@Example.org"), agent("Support-Bot")]),
    );
    let switch = KillSwitch::new();
    server.platform().enforce_bans(&switch).unwrap();
    for (agent, user) in [
        ("x", "alice@example.org"),
        ("x", "ALICE@example.org "),
        ("support-bot", "bob"),
    ] {
        assert!(switch.stops(agent, Some(user)).is_some(), "{agent} {user}");
    }
    assert!(switch.stops("x", Some("alice@example.com")).is_none());
    switch.stop_user("ÄNNE", "by hand");
    assert!(switch.stops("x", Some("änne")).is_some());
    for spelling in ["a\u{308}nne", "A\u{308}NNE", "änｎｅ", "än\u{ad}ne\u{a0}"] {
        assert!(switch.stops("x", Some(spelling)).is_some(), "{spelling}");
    }
    switch.release_user("Änne");
    assert!(switch.stops("x", Some("änne")).is_none());
    switch.stop_agent("Ku\u{308}che", "by hand");
    assert!(switch.stops("küche", Some("x")).is_some());
}

#[test]
fn the_token_is_shown_to_nobody_who_does_not_name_a_pinned_key() {
    let server = Server::start();
    let error = server
        .platform_of(&token(2))
        .enforce_bans(&KillSwitch::new());
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("not signed by a trusted key")
    );
    server.change(|answers| answers.keys = Some(list(&[2])));
    let error = server.platform().enforce_bans(&KillSwitch::new());
    assert_eq!(error, Err(PlatformError::Withdrawn));
    assert_eq!(server.bans_requests.load(Ordering::SeqCst), 0);
}

#[test]
fn the_environment_leads_to_the_bans() {
    let server = Server::start();
    bans(&server, json!([user("alice")]));
    let token = token(1);
    let public = key(1).public_key().to_text();
    let environment: Environment = [
        ("HEXGATE_API_KEY", token.expose()),
        ("HEXGATE_API_URL", &server.url),
        ("HEXGATE_PUBLIC_KEY", &public),
    ]
    .into_iter()
    .collect();
    let resolve = || Resolver::new(AGENT, &engine()).resolve(&environment);
    let enforcer = resolve().unwrap().enforcer().build().unwrap();
    let decision = enforcer.decide(&alice(), "view_order", "{}");
    assert_eq!(decision.cause(), Cause::Stopped);
    // A platform without a list is told of; one whose list cannot be had is not relied on.
    server.change(|answers| answers.bans = None);
    let resolved = resolve().unwrap();
    assert!(
        resolved
            .notices
            .iter()
            .any(|notice| notice.contains("no list of bans"))
    );
    let enforcer = resolved.enforcer().build().unwrap();
    assert!(enforcer.decide(&alice(), "view_order", "{}").is_allowed());
    // It is asked again: there may be a list one day. Where the list must not be old, there has to be one.
    let aged = Resolver::new(AGENT, &engine())
        .bans_max_age(Duration::from_secs(60))
        .resolve(&environment);
    assert!(aged.unwrap_err().to_string().contains("no list of bans"));
    server.change(|answers| {
        answers.bans = Some(json!([]));
        answers.bans_mode = Mode::Status(StatusCode::INTERNAL_SERVER_ERROR);
    });
    assert!(resolve().unwrap_err().to_string().contains("status 500"));
}
