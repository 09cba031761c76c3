//! Requests that are refused, and what the host adds: who is stopped, what is recorded, which policy decides.

use hexgate_authzen::Point;
use hexgate_enforce::{Enforcer, OnRecordFailure, RecordError, Recorder};
use serde_json::{Value, json};

use crate::world::{Served, World};

const POLICY: &str = r#"
roles:
  default: { tools: { "record:read": { mode: allow } } }
"#;

fn read() -> Value {
    json!({
        "subject": {"type": "user", "id": "ann"},
        "action": {"name": "read"},
        "resource": {"type": "record", "id": "r-1"},
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_evaluation_has_a_status_of_its_own() {
    let world = World::with(POLICY);
    let served = Served::start(world.point().build().unwrap()).await;
    let json = [("content-type", "application/json")];
    let large = format!("{}{}", read(), " ".repeat(2 << 20));
    for (method, path, headers, body, status) in [
        (
            "POST",
            "/access/v1/evaluation",
            &json[..],
            read().to_string(),
            200,
        ),
        (
            "POST",
            "/access/v1/evaluation?a=b",
            &json[..],
            read().to_string(),
            200,
        ),
        (
            "GET",
            "/access/v1/evaluation",
            &json[..],
            String::new(),
            405,
        ),
        (
            "POST",
            "/.well-known/authzen-configuration",
            &json[..],
            read().to_string(),
            405,
        ),
        (
            "POST",
            "/access/v1/evaluation/",
            &json[..],
            read().to_string(),
            404,
        ),
        (
            "POST",
            "/v1/data/hexgate/policy/decision",
            &json[..],
            r#"{"input":{"tool":"record:read"}}"#.to_owned(),
            404,
        ),
        // There is no database of approvals.
        (
            "POST",
            "/access/v1/requests",
            &json[..],
            read().to_string(),
            404,
        ),
        ("POST", "/access/v1/evaluation", &json[..], large, 413),
        (
            "POST",
            "/access/v1/evaluation",
            &[],
            read().to_string(),
            400,
        ),
        (
            "POST",
            "/access/v1/evaluation",
            &[
                ("content-type", "application/json"),
                ("content-encoding", "gzip"),
            ][..],
            read().to_string(),
            400,
        ),
    ] {
        let came = served.send(method, path, headers, body).await;
        assert_eq!(came.status, status, "{method} {path} {headers:?}: {came:?}");
        if status != 200 {
            assert_eq!(came.headers["content-type"], "application/problem+json");
            assert_eq!(came.json()["status"], status);
        }
        assert_eq!(came.headers.contains_key("allow"), status == 405);
    }
    assert_eq!(world.records.all().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subject_that_could_be_two_people_is_refused() {
    let world = World::with(POLICY);
    let served = Served::start(world.point().build().unwrap()).await;
    for id in ["", "jose\u{301}", "a\nb", &"x".repeat(257)] {
        let mut body = read();
        body["subject"]["id"] = json!(id);
        let came = served.post("/access/v1/evaluation", &body).await;
        assert_eq!(came.status, 400, "{id:?}: {came:?}");
    }
    assert!(world.records.all().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn stopped_users_are_denied_at_once_and_that_is_recorded() {
    let world = World::with(POLICY);
    let served = Served::start(world.point().build().unwrap()).await;
    assert_eq!(served.evaluate(&read()).await["decision"], true);
    world.enforcer.kill_switch().stop_user("ann", "gone");
    let answer = served.evaluate(&read()).await;
    assert_eq!(answer["decision"], false, "{answer}");
    assert_eq!(answer["context"]["outcome"], "deny");
    assert_eq!(
        world.records.all(),
        ["allow record:read policy", "deny record:read stopped"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_policy_decides_from_then_on() {
    let world = World::with(POLICY);
    let served = Served::start(world.point().build().unwrap()).await;
    assert_eq!(served.evaluate(&read()).await["decision"], true);
    std::fs::write(world.path("policy.yaml"), "roles: {default: {}}").unwrap();
    // The decision point looks for it by itself.
    let begin = std::time::Instant::now();
    while served.evaluate(&read()).await["decision"] == true {
        assert!(
            begin.elapsed().as_secs() < 20,
            "the old policy still decides"
        );
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

struct Full;

impl Recorder for Full {
    fn record(&self, _: &hexgate_enforce::Decision) -> Result<(), RecordError> {
        Err("the disk is full".into())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_recorded_is_no_allow() {
    let world = World::with(POLICY);
    let enforcer = Enforcer::builder("shop", world.enforcer.live())
        .recorder(Full, OnRecordFailure::Deny)
        .build()
        .unwrap();
    let served = Served::start(Point::builder(enforcer).build().unwrap()).await;
    let came = served.post("/access/v1/evaluation", read()).await;
    assert_eq!(came.status, 500, "{came:?}");
    let several = json!({"evaluations": [read(), read()]});
    let came = served.post("/access/v1/evaluations", several).await;
    assert_eq!(came.status, 500, "{came:?}");
}
