//! Approval by each road.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hexgate_base::{PrivateKey, Timestamp};
use hexgate_enforce::approvals::{
    ApprovalService, Approver, Approvers, Decision, RequestStore, Terms,
};
use hexgate_enforce::{Approvals, Call, Caller, DurableApprovals, Enforcer};
use hexgate_mcp::Gateway;
use hexgate_mcp::ask::{Asking, Given, Handler, QUESTION, Road, Roads};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, ErrorCode, InputRequest, InputRequiredResult,
};
use rmcp::service::ServiceError;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::client::{Over, Running, User, call, connect, listen, params, text, transport};
use crate::server::{self, Mode};
use crate::world::{POLICY, V1, V2, V3, World};

async fn world() -> (World, Gateway) {
    let world = World::new();
    let server = server::process(&world.server("fs"), &V3, Mode::Good);
    let gateway = world.gateway(world.config(&[("fs", server)])).await;
    (world, gateway)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_at_an_older_client_is_asked_while_the_call_waits() {
    let (world, gateway) = world().await;
    for version in [V1, V2] {
        for over in [Over::Streams, Over::Http] {
            let before = world.calls("fs").len();
            let client = connect(&gateway, over, &version, User::Agrees).await;
            let sent = json!({"amount": 12, "to": "b\u{202e}ob"});
            assert_eq!(
                call(&client, "fs-pay", sent.clone()).await,
                (false, sent.to_string())
            );
            assert_eq!(world.calls("fs")[before..], [format!("pay {sent}")]);
            // The whole call is shown, and nothing in it can be read differently from what it says.
            let asked = client.service().asked.lock().unwrap().clone();
            assert_eq!(asked.len(), 1);
            for part in [
                "mcp-fs-pay",
                "alice [dev]",
                "\"amount\": 12",
                "b\\u{202e}ob",
                "Payments need a second look.",
            ] {
                assert!(asked[0].contains(part), "{part}: {}", asked[0]);
            }
            let records = world.records.all();
            assert!(
                records.contains(&"allow mcp-fs-pay approval by alice (at the client)".to_owned()),
                "{records:?}"
            );

            let client = connect(&gateway, over, &version, User::Declines).await;
            let (is_error, text) = call(&client, "fs-pay", sent).await;
            assert!(is_error && text.starts_with("[policy_denied]"), "{text}");
            assert_eq!(world.calls("fs").len(), before + 1);
        }
    }
}

/// The question about a call.
pub(crate) async fn question(client: &Running, arguments: Value) -> InputRequiredResult {
    match client
        .peer()
        .call_tool_once(params("fs-pay", arguments))
        .await
        .unwrap()
    {
        CallToolResponse::InputRequired(question) => question,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn answered(
    arguments: Value,
    state: Option<String>,
    response: Value,
) -> CallToolRequestParams {
    let mut params = params("fs-pay", arguments)
        .with_input_responses([("approval".to_owned(), response)].into());
    params.request_state = state;
    params
}

pub(crate) async fn again(client: &Running, params: CallToolRequestParams) -> (bool, String) {
    match client.peer().call_tool_once(params).await {
        Ok(CallToolResponse::Complete(result)) => (result.is_error == Some(true), text(&result)),
        Err(ServiceError::McpError(error)) => (true, error.message.to_string()),
        other => panic!("{other:?}"),
    }
}

/// Makes a call again with a state that counts for nothing. That is an error of the protocol, and says nothing of the reason.
pub(crate) async fn refused(what: &str, client: &Running, params: CallToolRequestParams) {
    match client.peer().call_tool_once(params).await {
        Err(ServiceError::McpError(error)) => {
            assert_eq!(error.code, ErrorCode::INVALID_PARAMS, "{what}: {error}");
            let said = "[unknown_state] the state that came with the call was not given for it, is too old or was used; make the call again without it";
            assert_eq!(error.message, said, "{what}");
        }
        other => panic!("{what}: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_client_asks_and_calls_again_once() {
    let (world, gateway) = world().await;
    let url = listen(&gateway).await;
    let yes = || json!({"action": "accept", "content": {"approve": true}});
    for over in [Over::Streams, Over::Http] {
        let before = world.calls("fs").len();
        let client = connect(&gateway, over, &V3, User::Agrees).await;
        let sent = json!({"amount": 12});
        let asked = question(&client, sent.clone()).await;
        let InputRequest::Elicitation(form) = &asked.input_requests.as_ref().unwrap()["approval"]
        else {
            panic!("{asked:?}");
        };
        assert!(serde_json::to_string(form).unwrap().contains("mcp-fs-pay"));
        let state = asked.request_state.clone();
        assert!(state.is_some());

        // For other arguments, under another state, without one that was given, or without a plain yes it does not count.
        let tampered = state.clone().map(|state| match state.strip_suffix('A') {
            Some(rest) => format!("{rest}B"),
            None => format!("{}A", &state[..state.len() - 1]),
        });
        for (what, params) in [
            (
                "other arguments",
                answered(json!({"amount": 13}), state.clone(), yes()),
            ),
            ("tampered", answered(sent.clone(), tampered, yes())),
            (
                "made up",
                answered(sent.clone(), Some("rs1.e30.x".to_owned()), yes()),
            ),
        ] {
            refused(what, &client, params).await;
            assert_eq!(world.records.last(), "deny mcp-fs-pay approval", "{what}");
        }
        // Another caller's answer does not count either.
        let bob = rmcp::service::ClientServiceExt::serve_with_lifecycle(
            client.service().clone(),
            transport(&url, "bob"),
            rmcp::service::ClientLifecycleMode::Discover {
                preferred_versions: vec![V3],
            },
        )
        .await
        .unwrap();
        refused(
            "another caller",
            &bob,
            answered(sent.clone(), state.clone(), yes()),
        )
        .await;
        assert_eq!(world.calls("fs").len(), before);

        // Nor does it open another tool, whatever the policy says of that.
        let mut other = answered(sent.clone(), state.clone(), yes());
        other.name = "fs-echo".into();
        refused("another tool", &client, other).await;
        assert_eq!(world.calls("fs").len(), before);

        // It counts once.
        let params = answered(sent.clone(), state.clone(), yes());
        assert_eq!(
            again(&client, params.clone()).await,
            (false, sent.to_string())
        );
        refused("used", &client, params).await;
        assert_eq!(world.calls("fs").len(), before + 1);
        let raw = world.raw("fs").concat();
        assert!(
            !raw.contains(state.as_deref().unwrap()),
            "the state is the gateway's own"
        );

        for no in [
            json!({"action": "decline"}),
            json!({"action": "accept", "content": {"approve": false}}),
            json!({"action": "accept", "content": {"approve": "true"}}),
            json!({"action": "accept"}),
            json!(true),
        ] {
            let asked = question(&client, sent.clone()).await;
            let (is_error, text) = again(
                &client,
                answered(sent.clone(), asked.request_state.clone(), no),
            )
            .await;
            assert!(is_error && text.starts_with("[policy_denied]"), "{text}");
            // A no uses the question up.
            let again = answered(sent.clone(), asked.request_state, yes());
            refused("said no", &client, again).await;
        }
        assert_eq!(world.calls("fs").len(), before + 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_does_not_count_under_another_policy() {
    let (world, gateway) = world().await;
    let client = connect(&gateway, Over::Streams, &V3, User::Agrees).await;
    let asked = question(&client, json!({"amount": 1})).await;
    std::fs::write(world.policy(), POLICY.replace("second look", "third look")).unwrap();
    let id = world.live.id();
    crate::world::until("the policy changes", async || {
        world.live.id().component != id.component
    })
    .await;
    let yes = json!({"action": "accept", "content": {"approve": true}});
    let params = answered(json!({"amount": 1}), asked.request_state, yes);
    refused("another policy", &client, params).await;
    assert_eq!(world.calls("fs"), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_person_at_the_client_a_request_waits_for_others() {
    let world = World::new();
    let key = PrivateKey::from_bytes(&[7; 32]);
    let approvers = || {
        Approvers::new(vec![Approver {
            id: "carol".to_owned(),
            keys: vec![PrivateKey::from_bytes(&[7; 32]).public_key()],
            roles: vec!["lead".to_owned()],
            users: vec![],
        }])
        .unwrap()
    };
    let database = world.folder.path().join("approvals.db");
    let service = ApprovalService::new(
        RequestStore::open_or_create(&database).unwrap(),
        approvers(),
    );
    let durable = DurableApprovals::new(Arc::new(service), Terms::new(["lead"]).unwrap());
    let server = server::process(&world.server("fs"), &V2, Mode::Good);
    let gateway = world
        .builder(world.config(&[("fs", server)]))
        .durable(durable)
        .build()
        .unwrap();
    gateway.start().await.unwrap();
    for (number, version) in [V1, V2, V3].into_iter().enumerate() {
        // Where approvers are named, the caller is not asked instead of them.
        let client = connect(&gateway, Over::Streams, &version, User::Agrees).await;
        let sent = json!({"amount": number});
        let result = client
            .peer()
            .call_tool_once(params("fs-pay", sent.clone()))
            .await
            .unwrap();
        let CallToolResponse::Complete(result) = result else {
            panic!("{result:?}")
        };
        assert!(
            text(&result).starts_with("[approval_required]"),
            "{}",
            text(&result)
        );
        let request = result.meta.as_ref().unwrap()["hexgate/approvalRequest"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(text(&result).contains(&request));
        // Asking again does not help.
        assert!(call(&client, "fs-pay", sent.clone()).await.0);
        RequestStore::open(&database)
            .unwrap()
            .answer(
                &request.parse().unwrap(),
                &approvers(),
                &key,
                Decision::Approve,
                "",
                Timestamp::from_system_time(SystemTime::now()).unwrap(),
            )
            .unwrap();
        // The next identical call uses it, no other does, and none a second time.
        assert!(call(&client, "fs-pay", json!({"amount": 99})).await.0);
        assert_eq!(
            call(&client, "fs-pay", sent.clone()).await,
            (false, sent.to_string())
        );
        assert!(call(&client, "fs-pay", sent.clone()).await.0);
        assert_eq!(world.calls("fs").len(), number + 1);
        assert!(client.service().asked.lock().unwrap().is_empty());
    }
}

const ACCEPTED: &str =
    r#"{"which":{"action":"accept","content":{"approve":true}}} state of the server"#;

fn input(state: Option<String>, key: &str, arguments: Value) -> CallToolRequestParams {
    let yes = json!({"action": "accept", "content": {"approve": true}});
    let mut params =
        params("fs-input", arguments).with_input_responses([(key.to_owned(), yes)].into());
    params.request_state = state;
    params
}

async fn asked(client: &Running, params: CallToolRequestParams, key: &str) -> Option<String> {
    match client.peer().call_tool_once(params).await.unwrap() {
        CallToolResponse::InputRequired(asked) => {
            assert!(asked.input_requests.unwrap().contains_key(key));
            asked.request_state
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_asks_the_user_where_that_is_passed_on() {
    for needs_approval in [false, true] {
        let world = if needs_approval {
            World::with(&POLICY.replace("mcp-fs-pay: {", "mcp-fs-input: {"))
        } else {
            World::new()
        };
        let server = server::process(&world.server("fs"), &V3, Mode::Good);
        let mut config = world.config(&[("fs", server)]);
        config.offer.elicitation = hexgate_mcp::config::Passing::Pass;
        let gateway = world.gateway(config).await;
        for version in [V1, V2] {
            let client = connect(&gateway, Over::Streams, &version, User::Agrees).await;
            let answer = call(&client, "fs-input", json!({})).await;
            assert_eq!(answer, (false, ACCEPTED.to_owned()));
        }
        assert_eq!(world.calls("fs").len(), 4);

        let client = connect(&gateway, Over::Streams, &V3, User::Agrees).await;
        let mut begin = params("fs-input", json!({}));
        if needs_approval {
            let state = asked(&client, begin, "approval").await;
            begin = input(state, "approval", json!({}));
        }
        let state = asked(&client, begin, "which").await;
        assert_ne!(state.as_deref(), Some("state of the server"));
        assert_eq!(world.calls("fs").len(), 5);
        for bad in [
            input(state.clone(), "which", json!({"other": 1})),
            input(Some("state of the server".to_owned()), "which", json!({})),
        ] {
            refused("of the server", &client, bad).await;
        }
        let good = input(state, "which", json!({}));
        assert_eq!(
            again(&client, good.clone()).await,
            (false, ACCEPTED.to_owned())
        );
        // Who approved the call before the server asked is who approved it.
        let allowed = world.records.all();
        let allowed = allowed.iter().rfind(|line| line.starts_with("allow"));
        let expected = if needs_approval {
            "allow mcp-fs-input approval by alice (at the client)"
        } else {
            "allow mcp-fs-input policy"
        };
        assert_eq!(allowed.unwrap(), expected);
        refused("used", &client, good).await;
        assert_eq!(world.calls("fs").len(), 6);

        let client = connect(&gateway, Over::Streams, &V2, User::Absent).await;
        let (is_error, text) = call(&client, "fs-input", json!({})).await;
        let marker = if needs_approval {
            "[approval_required]"
        } else {
            "[refused]"
        };
        assert!(is_error && text.starts_with(marker), "{text}");
    }
}

/// A call of the same tool by the same caller, the `n`th of its run.
fn nth(n: u32) -> Call {
    let facts = RawValue::from_string(json!({ "tool_calls": n }).to_string()).unwrap();
    let caller = Caller::builder("alice").role("dev").build().unwrap();
    Call::of(&caller, "send", "{}").run(facts)
}

/// An enforcer whose approvals are asked for at the client.
fn asking_enforcer(world: &World) -> (Arc<Roads>, Enforcer) {
    let roads = Arc::new(Roads::new(true, None, Duration::from_secs(1)).unwrap());
    let enforcer = Enforcer::builder("mcp", &world.live)
        .approvals(Approvals::handler(Handler(Arc::clone(&roads))))
        .build()
        .unwrap();
    (roads, enforcer)
}

fn agrees() -> Value {
    json!({"action": "accept", "content": {"approve": true}})
}

#[tokio::test]
async fn what_was_allowed_before_the_server_asked_is_not_approved_by_that() {
    let world = World::with(
        "roles:
  dev:
    tools:
      send:
        - { mode: allow, constraints: [run.tool_calls == 0] }
        - { mode: approval_required }
",
    );
    let (roads, enforcer) = asking_enforcer(&world);
    let asking = Asking::new(Road::Again, None);
    let allowed = enforcer.authorize_async(nth(0)).await.unwrap();
    let keys = vec!["which".to_owned()];
    let state = roads.seal(&asking, allowed.decision(), None, keys).unwrap();

    let given = Given {
        state,
        responses: [("which".to_owned(), json!({"action": "accept"}))].into(),
    };
    let asking = Asking::new(Road::Again, Some(given));
    let denied = asking.during(enforcer.authorize_async(nth(1))).await;
    let denied = denied.unwrap_err();
    assert_eq!(denied.approved_by(), None);
    let why = denied.reason();
    assert!(why.contains("needed no approval before"), "{why}");
}

#[tokio::test]
async fn who_agreed_before_the_server_asked_does_not_agree_for_others() {
    let world = World::with(
        "roles:
  dev:
    tools:
      send:
        - { mode: approval_required, constraints: [run.tool_calls == 0] }
        - { mode: approval_required, approval: { roles: [dev] } }
",
    );
    let (roads, enforcer) = asking_enforcer(&world);
    let asking = Asking::new(Road::Again, None);
    let asked = Arc::clone(&asking).during(enforcer.authorize_async(nth(0)));
    assert!(asked.await.unwrap_err().pending_request().is_some());
    let given = Given {
        state: asking.issued().unwrap().request_state.unwrap(),
        responses: [(QUESTION.to_owned(), agrees())].into(),
    };
    let asking = Asking::new(Road::Again, Some(given));
    let deciding = Arc::clone(&asking).during(enforcer.authorize_async(nth(0)));
    let permit = deciding.await.unwrap();
    let state = roads.seal(&asking, permit.decision(), None, vec![]);

    let given = Given {
        state: state.unwrap(),
        responses: [].into(),
    };
    let asking = Asking::new(Road::Again, Some(given));
    let denied = asking.during(enforcer.authorize_async(nth(1))).await;
    let denied = denied.unwrap_err();
    let why = denied.reason();
    assert!(why.contains("others have to agree now"), "{why}");
}

#[tokio::test]
async fn questions_of_a_server_do_not_prolong_an_approval() {
    let world = World::with(
        "roles:
  dev:
    tools:
      send: { mode: approval_required, approval: { expires: 2s } }
",
    );
    let (roads, enforcer) = asking_enforcer(&world);
    let asking = Asking::new(Road::Again, None);
    let asked = Arc::clone(&asking).during(enforcer.authorize_async(nth(0)));
    assert!(asked.await.unwrap_err().pending_request().is_some());
    let mut state = asking.issued().unwrap().request_state.unwrap();
    let mut responses = [(QUESTION.to_owned(), agrees())].into();
    let began = std::time::Instant::now();
    // The server asks again and again, each time in time.
    let why = loop {
        assert!(began.elapsed() < Duration::from_secs(10));
        let asking = Asking::new(Road::Again, Some(Given { state, responses }));
        let deciding = Arc::clone(&asking).during(enforcer.authorize_async(nth(0)));
        let permit = match deciding.await {
            Ok(permit) => permit,
            Err(denied) => break denied.reason().to_owned(),
        };
        let by = permit.decision().approved_by();
        assert_eq!(by, Some("alice (at the client)"));
        state = roads
            .seal(&asking, permit.decision(), None, vec![])
            .unwrap();
        responses = [].into();
        tokio::time::sleep(Duration::from_millis(300)).await;
    };
    assert!(began.elapsed() >= Duration::from_secs(1), "{why}");
    assert!(
        why.contains("its time is over") || why.contains("no longer open"),
        "{why}"
    );
}
