//! Denials that are requested, and what becomes of them. Nothing of it is ever an allow but the one evaluation that was approved.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hexgate_authzen::Point;
use hexgate_base::{Clock, PrivateKey, Timestamp};
use hexgate_enforce::DurableApprovals;
use hexgate_enforce::approvals::{
    ApprovalService, Approver, Approvers, Decision, RequestStore, Terms,
};
use serde_json::{Value, json};

use crate::world::{Came, Served, World};

const POLICY: &str = r#"
roles:
  default: {}
  clerk:
    tools:
      "record:read": { mode: allow }
      "record:delete":
        - { mode: allow, constraints: [args.action.properties.soft == true] }
        - mode: approval_required
          constraints: ['ctx.place == "office"']
          approval: { roles: [lead], expires: "1h" }
      pay:
        mode: approval_required
        constraints: [args.amount <= 900]
        approval: { roles: [lead], approvers: 2, reason: required }
"#;

/// The policy with another mode where it asks for approval.
fn without_approval(mode: &str) -> String {
    let lines = POLICY.lines().filter(|line| !line.contains("approval: {"));
    let lines: Vec<&str> = lines.collect();
    let mode = format!("mode: {mode}");
    lines.join("\n").replace("mode: approval_required", &mode)
}

const EVALUATION: &str = "/access/v1/evaluation";
const REQUESTS: &str = "/access/v1/requests";

/// A clock that can be turned on. Cloning gives the same one.
#[derive(Debug, Clone, Default)]
struct Hands(Arc<std::sync::atomic::AtomicU64>);

impl Clock for Hands {
    fn now(&self) -> SystemTime {
        let more = self.0.load(std::sync::atomic::Ordering::Relaxed);
        SystemTime::now() + Duration::from_secs(more)
    }
}

struct Desk {
    world: World,
    served: Served,
    keys: Vec<PrivateKey>,
    approvers: Approvers,
    hands: Hands,
}

/// A decision point at a database of requests.
fn point(
    world: &World,
    approvers: &Approvers,
    hands: &Hands,
    tokens: Option<&[(&str, &str)]>,
) -> Point {
    let store = RequestStore::open_or_create(world.path("a.db")).unwrap();
    let service = ApprovalService::new(store, approvers.clone()).with_clock(hands.clone());
    let terms = Terms::new(["lead"]).unwrap();
    let durable = DurableApprovals::new(Arc::new(service), terms);
    let point = world.point().approvals(durable).clock(hands.clone());
    match tokens {
        None => point,
        Some(tokens) => point.clients(world.clients(tokens)),
    }
    .build()
    .unwrap()
}

impl Desk {
    async fn open() -> Self {
        Self::with(POLICY, None).await
    }

    async fn with(policy: &str, tokens: Option<&[(&str, &str)]>) -> Self {
        let world = World::with(policy);
        let keys: Vec<PrivateKey> = (1..=2).map(|n| PrivateKey::from_bytes(&[n; 32])).collect();
        let approver = |id: &str, key: &PrivateKey| Approver {
            id: id.to_owned(),
            keys: vec![key.public_key()],
            roles: vec!["lead".to_owned()],
            users: Vec::new(),
        };
        let approvers = vec![approver("carol", &keys[0]), approver("dave", &keys[1])];
        let approvers = Approvers::new(approvers).unwrap();
        let hands = Hands::default();
        let point = point(&world, &approvers, &hands, tokens);
        Self {
            served: Served::start(point).await,
            world,
            keys,
            approvers,
            hands,
        }
    }

    /// A decision point at the same database: as if it was started again.
    fn point(&self, tokens: Option<&[(&str, &str)]>) -> Point {
        point(&self.world, &self.approvers, &self.hands, tokens)
    }

    async fn evaluate(&self, body: &Value) -> Value {
        self.served.evaluate(body).await
    }

    async fn submit(&self, body: &Value) -> Came {
        self.served.post(REQUESTS, body).await
    }

    async fn task(&self, id: &str) -> Came {
        let path = format!("{REQUESTS}/{id}");
        self.served.send("GET", &path, &[], String::new()).await
    }

    /// Denies, submits, and gives the evaluation and the name of its task.
    async fn asked(&self) -> (Value, String) {
        let body = delete();
        let denied = self.evaluate(&body).await;
        let came = self.submit(&submission(&body, &denied)).await;
        assert_eq!(came.status, 202, "{came:?}");
        let task = came.json()["task"].clone();
        assert_eq!(task["status"], "pending");
        (body, task["id"].as_str().unwrap().to_owned())
    }

    /// As [`asked`](Self::asked), and an approver answers.
    async fn answered(&self, decision: Decision) -> (Value, String) {
        let (body, id) = self.asked().await;
        self.answer(&id, 0, decision);
        (body, id)
    }

    fn answer(&self, id: &str, who: usize, decision: Decision) {
        let now = Timestamp::from_system_time(self.hands.now()).unwrap();
        RequestStore::open(self.world.path("a.db"))
            .unwrap()
            .answer(
                &id.parse().unwrap(),
                &self.approvers,
                &self.keys[who],
                decision,
                "as agreed",
                now,
            )
            .unwrap();
    }

    fn pass(&self, seconds: u64) {
        self.hands
            .0
            .fetch_add(seconds, std::sync::atomic::Ordering::Relaxed);
    }

    fn requests(&self) -> usize {
        let store = RequestStore::open(self.world.path("a.db")).unwrap();
        store.entries().unwrap().len()
    }
}

fn delete() -> Value {
    json!({
        "subject": {"type": "user", "id": "ann", "properties": {"roles": ["clerk"], "level": 1}},
        "action": {"name": "delete", "properties": {"soft": false}},
        "resource": {"type": "record", "id": "r-1", "properties": {"owner": "bob"}},
        "context": {"place": "office", "time": "09:00"},
    })
}

/// What is submitted for a denial.
fn submission(body: &Value, denied: &Value) -> Value {
    let context = &denied["context"];
    let mut submission = body.clone();
    submission["denial"] = json!({
        "evaluation_id": context["evaluation_id"],
        "evaluated_at": context["evaluated_at"],
        "expires_at": context["access_request"]["expires_at"],
        "binding_token": context["access_request"]["binding_token"],
        "reason": context["reason"],
    });
    submission
}

/// The evaluation with an approval.
fn approved(body: &Value, id: &str) -> Value {
    let mut body = body.clone();
    body["context"]["approval"] = json!({"id": id, "approved_until": "2026-05-01T00:42:00Z"});
    body
}

fn kind(came: &Came) -> String {
    let kind = came.json()["type"].as_str().unwrap().to_owned();
    let end = kind.rsplit(':').next().unwrap();
    end.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_is_requested_approved_and_decided_again_once() {
    let desk = Desk::open().await;
    let body = delete();
    let denied = desk.evaluate(&body).await;
    let context = &denied["context"];
    assert_eq!(
        (&denied["decision"], &context["outcome"]),
        (&json!(false), &json!("needs_approval"))
    );
    assert_eq!(context["approval"]["roles"], json!(["lead"]));
    let base = format!("https://{}", desk.served.address);
    assert_eq!(
        context["access_request"]["endpoint"],
        format!("{base}{REQUESTS}")
    );
    for (member, of) in [
        ("evaluation_id", context),
        ("evaluated_at", context),
        ("expires_at", &context["access_request"]),
    ] {
        assert!(of[member].is_string(), "{member}: {denied}");
    }
    // Asking makes no request: only submitting does.
    assert_eq!(desk.requests(), 0);

    let came = desk.submit(&submission(&body, &denied)).await;
    assert_eq!(came.status, 202, "{came:?}");
    let task = came.json()["task"].clone();
    let id = task["id"].as_str().unwrap();
    assert_eq!(task["status_endpoint"], format!("{base}{REQUESTS}/{id}"));
    assert_eq!(desk.requests(), 1);
    // The same submission is the same task.
    let again = desk.submit(&submission(&body, &denied)).await;
    assert_eq!(
        (again.status, &again.json()["task"]["id"]),
        (202, &task["id"])
    );
    assert_eq!(desk.requests(), 1);

    // Nobody has answered: wait.
    let waiting = desk.evaluate(&approved(&body, id)).await;
    assert_eq!(
        (&waiting["decision"], &waiting["context"]["next_action"]),
        (&json!(false), &json!("retry"))
    );
    assert!(waiting["context"]["retry_after"].is_u64(), "{waiting}");
    assert_eq!(desk.task(id).await.json()["task"]["status"], "pending");

    desk.answer(id, 0, Decision::Approve);
    let done = desk.task(id).await.json();
    assert_eq!(done["task"]["status"], "approved");
    assert_eq!(
        (&done["result"]["mode"], &done["result"]["approval"]["id"]),
        (&json!("reevaluate"), &json!(id))
    );
    // Without the approval it is asked for as before.
    assert_eq!(
        desk.evaluate(&body).await["context"]["outcome"],
        "needs_approval"
    );
    // Submitting it again uses nothing up.
    let again = desk.submit(&submission(&body, &denied)).await;
    assert_eq!(
        (again.status, &again.json()["task"]["status"]),
        (201, &json!("approved"))
    );

    // At another time: the policy does not look at it.
    let mut later = approved(&body, id);
    later["context"]["time"] = json!("10:00");
    let allowed = desk.evaluate(&later).await;
    assert_eq!(allowed["decision"], true, "{allowed}");
    assert_eq!(allowed["context"]["approval"]["id"], id);
    assert_eq!(
        desk.world.records.last(),
        "allow record:delete approval by carol"
    );

    // Once.
    let twice = desk.evaluate(&later).await;
    assert_eq!(
        (&twice["decision"], &twice["context"]["next_action"]),
        (&json!(false), &json!("request"))
    );
    assert!(
        twice["context"]["access_request"]["binding_token"].is_string(),
        "{twice}"
    );
    assert_eq!(desk.task(id).await.json()["task"]["status"], "approved");
    // What comes with that denial makes a new request.
    let came = desk.submit(&submission(&body, &twice)).await;
    assert_eq!((came.status, desk.requests()), (202, 2), "{came:?}");
    assert_ne!(came.json()["task"]["id"], id);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_evaluations_use_an_approval_once() {
    let desk = Desk::open().await;
    let (body, id) = desk.answered(Decision::Approve).await;
    let one = approved(&body, &id);
    let came = desk
        .served
        .post(
            "/access/v1/evaluations",
            json!({"evaluations": [one, one, one]}),
        )
        .await;
    let answers = came.json()["evaluations"].clone();
    let decisions: Vec<bool> = (0..3)
        .map(|at| answers[at]["decision"].as_bool().unwrap())
        .collect();
    assert_eq!(decisions, [true, false, false], "{answers}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_race_for_an_approval_one_gets_it() {
    let desk = Desk::open().await;
    let (body, id) = desk.answered(Decision::Approve).await;
    let one = approved(&body, &id).to_string();
    let json = [("content-type", "application/json")];
    let url = format!("http://{}{EVALUATION}", desk.served.address);
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let (url, one) = (url.clone(), one.clone());
            tokio::spawn(async move {
                let request = reqwest::Client::new()
                    .post(url)
                    .header(json[0].0, json[0].1)
                    .body(one);
                let answer: Value =
                    serde_json::from_str(&request.send().await.unwrap().text().await.unwrap())
                        .unwrap();
                answer["decision"] == true
            })
        })
        .collect();
    let mut allowed = 0;
    for task in tasks {
        allowed += usize::from(task.await.unwrap());
    }
    assert_eq!(allowed, 1);
}

/// An approval counts for what was approved: every other call, subject and context is denied, and does not use it up.
#[tokio::test(flavor = "multi_thread")]
async fn an_approval_counts_for_nothing_else() {
    let desk = Desk::open().await;
    let (body, id) = desk.answered(Decision::Approve).await;
    let right = approved(&body, &id);
    for (pointer, value) in [
        ("/subject/id", json!("eve")),
        ("/subject/type", json!("service")),
        ("/subject/properties/level", json!(2)),
        ("/subject/properties/level", json!(1.0)),
        ("/subject/properties/roles", json!(["clerk", "clerk"])),
        ("/resource/id", json!("r-2")),
        ("/resource/properties/owner", json!("ann")),
        ("/resource/properties", json!({})),
        ("/action/properties/soft", json!(0)),
        ("/action/properties/soft", json!("false")),
        ("/action/name", json!("erase")),
        ("/resource/type", json!("ledger")),
        ("/context/place", json!("home")),
    ] {
        let mut other = right.clone();
        *other.pointer_mut(pointer).unwrap() = value.clone();
        let answer = desk.evaluate(&other).await;
        assert_eq!(answer["decision"], false, "{pointer} {value}: {answer}");
        assert_eq!(
            answer["context"]["next_action"], "none",
            "{pointer} {value}: {answer}"
        );
    }
    for name in ["", "x", &id[1..], &id.to_uppercase(), &"0".repeat(64)] {
        let answer = desk.evaluate(&approved(&body, name)).await;
        assert_eq!(
            (&answer["decision"], &answer["context"]["next_action"]),
            (&json!(false), &json!("none")),
            "{name}"
        );
    }
    for approval in [
        json!(id),
        json!([id]),
        json!({"id": [id]}),
        json!({}),
        json!(true),
    ] {
        let mut other = body.clone();
        other["context"]["approval"] = approval.clone();
        assert_eq!(desk.evaluate(&other).await["decision"], false, "{approval}");
    }
    // It was not used up by any of them.
    assert_eq!(desk.evaluate(&right).await["decision"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_policy_of_the_moment_decides() {
    // It denies now what was approved.
    let desk = Desk::open().await;
    let (body, id) = desk.answered(Decision::Approve).await;
    desk.world.policy(&without_approval("deny"));
    let answer = desk.evaluate(&approved(&body, &id)).await;
    assert_eq!(
        (&answer["decision"], &answer["context"]["next_action"]),
        (&json!(false), &json!("none")),
        "{answer}"
    );

    // It asks for approval still, but is another one: the approver agreed under the other.
    let desk = Desk::open().await;
    let (body, id) = desk.answered(Decision::Approve).await;
    desk.world.policy(&POLICY.replace("900", "800"));
    let answer = desk.evaluate(&approved(&body, &id)).await;
    assert_eq!(
        (&answer["decision"], &answer["context"]["next_action"]),
        (&json!(false), &json!("request")),
        "{answer}"
    );
    let came = desk.submit(&submission(&body, &answer)).await;
    assert_eq!(came.status, 202, "{came:?}");

    // It allows it by itself: the approval is not used up.
    let desk = Desk::open().await;
    let (body, id) = desk.answered(Decision::Approve).await;
    desk.world.policy(&without_approval("allow"));
    let answer = desk.evaluate(&approved(&body, &id)).await;
    assert_eq!(answer["decision"], true, "{answer}");
    assert!(answer["context"].get("approval").is_none(), "{answer}");
    assert_eq!(desk.world.records.last(), "allow record:delete policy");

    // The user was stopped.
    let desk = Desk::open().await;
    let (body, id) = desk.answered(Decision::Approve).await;
    desk.world.enforcer.kill_switch().stop_user("ann", "gone");
    assert_eq!(
        desk.evaluate(&approved(&body, &id)).await["decision"],
        false
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_and_an_end_are_told_and_allow_nothing() {
    let desk = Desk::open().await;
    let (body, id) = desk.answered(Decision::Deny).await;
    assert_eq!(desk.task(&id).await.json()["task"]["status"], "denied");
    let answer = desk.evaluate(&approved(&body, &id)).await;
    assert_eq!(
        (&answer["decision"], &answer["context"]["next_action"]),
        (&json!(false), &json!("none"))
    );
    // The denial stands: a further submission is the same task.
    let denied = desk.evaluate(&body).await;
    let came = desk.submit(&submission(&body, &denied)).await;
    assert_eq!(
        (came.status, &came.json()["task"]["status"]),
        (201, &json!("denied"))
    );

    let desk = Desk::open().await;
    let (body, id) = desk.asked().await;
    desk.pass(3601);
    assert_eq!(desk.task(&id).await.json()["task"]["status"], "expired");
    let answer = desk.evaluate(&approved(&body, &id)).await;
    assert_eq!(
        (&answer["decision"], &answer["context"]["next_action"]),
        (&json!(false), &json!("request"))
    );

    // Approved in time, and used too late.
    let desk = Desk::open().await;
    let (body, id) = desk.answered(Decision::Approve).await;
    desk.pass(3601);
    assert_eq!(
        desk.evaluate(&approved(&body, &id)).await["decision"],
        false
    );
    desk.world.policy(&format!("# 2\n{POLICY}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn several_approvers_have_to_agree() {
    let desk = Desk::open().await;
    let body = json!({
        "subject": {"type": "user", "id": "ann", "properties": {"roles": ["clerk"]}},
        "action": {"name": "call"},
        "resource": {"type": "tool", "id": "pay", "properties": {"arguments": {"amount": 700}}},
        "context": {},
    });
    let denied = desk.evaluate(&body).await;
    let came = desk.submit(&submission(&body, &denied)).await;
    let id = came.json()["task"]["id"].as_str().unwrap().to_owned();
    desk.answer(&id, 0, Decision::Approve);
    assert_eq!(desk.task(&id).await.json()["task"]["status"], "pending");
    assert_eq!(
        desk.evaluate(&approved(&body, &id)).await["context"]["next_action"],
        "retry"
    );
    desk.answer(&id, 1, Decision::Approve);
    assert_eq!(desk.task(&id).await.json()["task"]["status"], "approved");
    // Another amount that the policy would ask about as well.
    let mut other = approved(&body, &id);
    other["resource"]["properties"]["arguments"]["amount"] = json!(701);
    assert_eq!(desk.evaluate(&other).await["decision"], false);
    assert_eq!(desk.evaluate(&approved(&body, &id)).await["decision"], true);
    assert_eq!(
        desk.world.records.last(),
        "allow pay approval by carol, dave"
    );
}

/// A submission is for the denial that it was given for, and makes no request else.
#[tokio::test(flavor = "multi_thread")]
async fn a_submission_is_bound_to_its_denial() {
    let desk = Desk::open().await;
    let body = delete();
    let denied = desk.evaluate(&body).await;
    let right = submission(&body, &denied);
    let token = right["denial"]["binding_token"]
        .as_str()
        .unwrap()
        .to_owned();
    for (pointer, value) in [
        ("/subject/id", json!("eve")),
        ("/subject/properties/level", json!(2)),
        ("/resource/id", json!("r-2")),
        ("/resource/properties/owner", json!("ann")),
        ("/action/properties/soft", json!(0)),
        ("/context/place", json!("home")),
        ("/context", json!({})),
        ("/denial/binding_token", json!(format!("{token}A"))),
        ("/denial/binding_token", json!(token.replace('.', ""))),
        ("/denial/binding_token", json!("")),
        ("/denial/binding_token", json!("a".repeat(10_000))),
        ("/denial/binding_token", json!(null)),
        ("/denial/expires_at", json!("2999-01-01T00:00:00Z")),
        ("/denial/evaluation_id", json!("another")),
        ("/denial", json!({})),
    ] {
        let mut other = right.clone();
        *other.pointer_mut(pointer).unwrap() = value.clone();
        let came = desk.submit(&other).await;
        assert_eq!(
            (came.status, &*kind(&came)),
            (400, "invalid_denial_binding"),
            "{pointer} {value}: {came:?}"
        );
        assert_eq!(came.headers["content-type"], "application/problem+json");
    }
    let mut without = right.clone();
    without.as_object_mut().unwrap().remove("denial");
    assert_eq!(kind(&desk.submit(&without).await), "invalid_denial_binding");
    let mut items = right.clone();
    items["items"] = json!([]);
    assert_eq!(desk.submit(&items).await.status, 400);

    // The denial of another decision point, or of this one before it was started again.
    let other = Served::start(desk.point(None)).await;
    let foreign = other.evaluate(&body).await;
    let came = desk.submit(&submission(&body, &foreign)).await;
    assert_eq!(kind(&came), "invalid_denial_binding");

    // Too late, and changed beside: that it is foreign comes first.
    let late = Desk::open().await;
    let denied = late.evaluate(&body).await;
    let mut submitted = submission(&body, &denied);
    late.pass(600);
    let came = late.submit(&submitted).await;
    assert_eq!(
        (came.status, &*kind(&came)),
        (410, "expired_denial"),
        "{came:?}"
    );
    submitted["resource"]["id"] = json!("r-2");
    assert_eq!(
        kind(&late.submit(&submitted).await),
        "invalid_denial_binding"
    );

    // Another policy.
    desk.world.policy(&POLICY.replace("900", "800"));
    assert_eq!(kind(&desk.submit(&right).await), "invalid_denial_binding");
    // One that denies it, and one that allows it.
    let denied = desk.evaluate(&body).await;
    desk.world.policy("roles: {default: {}}");
    let came = desk.submit(&submission(&body, &denied)).await;
    assert_eq!(came.status, 400, "{came:?}");
    assert!(["invalid_denial_binding", "not_requestable"].contains(&&*kind(&came)));
    assert_eq!(desk.requests(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_never_denied_cannot_be_requested() {
    let desk = Desk::open().await;
    let mut body = delete();
    for (name, soft, outcome) in [
        ("read", false, "allow"),
        ("delete", true, "allow"),
        ("erase", false, "deny"),
    ] {
        body["action"] = json!({"name": name, "properties": {"soft": soft}});
        let answer = desk.evaluate(&body).await;
        assert_eq!(answer["context"]["outcome"], outcome, "{answer}");
        for member in ["access_request", "evaluation_id"] {
            assert!(answer["context"].get(member).is_none(), "{answer}");
        }
    }
    assert_eq!(desk.requests(), 0);
}

/// A task and an approval are the client's that made the request: others find neither.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_its_clients_own() {
    let desk = Desk::with(POLICY, Some(&[("shop", "s-1"), ("desk", "s-2")])).await;
    let body = delete();
    let send = async |token: &str, method: &str, path: &str, body: String| {
        let bearer = format!("Bearer {token}");
        let headers = [
            ("content-type", "application/json"),
            ("authorization", bearer.as_str()),
        ];
        desk.served.send(method, path, &headers, body).await
    };
    let denied = send("s-1", "POST", EVALUATION, body.to_string())
        .await
        .json();
    let submitted = submission(&body, &denied).to_string();
    // The other client cannot submit what was denied to the first.
    let came = send("s-2", "POST", REQUESTS, submitted.clone()).await;
    assert_eq!(kind(&came), "invalid_denial_binding");
    let came = send("s-1", "POST", REQUESTS, submitted).await;
    let id = came.json()["task"]["id"].as_str().unwrap().to_owned();
    let path = format!("{REQUESTS}/{id}");
    assert_eq!(send("s-1", "GET", &path, String::new()).await.status, 200);
    let came = send("s-2", "GET", &path, String::new()).await;
    assert_eq!((came.status, &*kind(&came)), (404, "unknown_task"));
    assert_eq!(send("s-3", "GET", &path, String::new()).await.status, 401);
    desk.answer(&id, 0, Decision::Approve);
    let again = approved(&body, &id).to_string();
    let came = send("s-2", "POST", EVALUATION, again.clone()).await.json();
    assert_eq!(came["decision"], false, "{came}");
    let came = send("s-1", "POST", EVALUATION, again).await.json();
    assert_eq!(came["decision"], true, "{came}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_that_are_not_there_are_unknown() {
    let desk = Desk::open().await;
    for id in ["x", &"0".repeat(64), &"g".repeat(64)] {
        let came = desk.task(id).await;
        assert_eq!((came.status, &*kind(&came)), (404, "unknown_task"), "{id}");
    }
    for (method, path, status) in [
        ("GET", REQUESTS.to_owned(), 405),
        ("POST", format!("{REQUESTS}/{}", "0".repeat(64)), 405),
        ("DELETE", format!("{REQUESTS}/{}", "0".repeat(64)), 405),
        ("GET", format!("{REQUESTS}/a/b"), 404),
        ("GET", format!("{REQUESTS}x"), 404),
    ] {
        let came = desk.served.send(method, &path, &[], String::new()).await;
        assert_eq!(came.status, status, "{method} {path}");
    }
}

/// Somebody who can write the database makes no allow.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_gone_or_changed_allows_nothing() {
    let desk = Desk::open().await;
    let (body, id) = desk.answered(Decision::Approve).await;
    fs::remove_file(desk.world.path("a.db")).unwrap();
    let other = Served::start(desk.point(None)).await;
    let answer = other.evaluate(&approved(&body, &id)).await;
    assert_eq!(answer["decision"], false, "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metadata_says_where_access_is_requested() {
    let desk = Desk::open().await;
    let came = desk
        .served
        .send(
            "GET",
            "/.well-known/authzen-configuration",
            &[],
            String::new(),
        )
        .await;
    let metadata = came.json();
    assert_eq!(
        metadata["access_request_endpoint"],
        format!("https://{}{REQUESTS}", desk.served.address)
    );
    assert_eq!(
        metadata["capabilities"],
        json!(["urn:openid:authzen:capability:access-request"])
    );
}
