//! Durable requests, where the client cannot ask its user or its user may not answer.

use std::cell::OnceCell;

use hexgate_adapter_testing::{Carol, Denied, Proposed, caller, enforcer, holds_durable_approvals};
use hexgate_enforce::Enforcer;
use hexgate_rmcp::{Asks, gate};
use rmcp::ClientHandler;
use rmcp::model::ElicitationAction;
use rmcp::service::ClientLifecycleMode;
use serde_json::{Value, json};

use super::{Files, User, connected, newer, older, params, read};

/// A client that shows no forms.
struct Mute;

impl ClientHandler for Mute {}

async fn proposed(
    user: impl ClientHandler,
    mode: ClientLifecycleMode,
    by: (&Enforcer, &Asks),
    caller: hexgate_enforce::Caller,
    arguments: &Value,
) -> Proposed {
    let files = Files::default();
    let server = gate(files.clone(), "files", by.0).unwrap();
    let server = server.caller(caller).asks(by.1);
    let client = connected(server, user, mode).await;
    // As clients do when they connect. It is when the server looks for another policy.
    client.list_all_tools().await.unwrap();
    let told = read(&client, params("pay", arguments)).await;
    Proposed {
        ran: files.ran().len(),
        told,
    }
}

#[tokio::test]
async fn a_durable_approval_is_for_one_call_and_counts_once() {
    for mode in [older, newer] {
        let asks = OnceCell::new();
        let asked = |durable| {
            let asks = asks.get_or_init(|| Asks::client_or(durable).unwrap());
            asks.approvals()
        };
        holds_durable_approvals(
            "mcp-files-pay",
            Denied::IsTold,
            asked,
            async |enforcer, caller, args| {
                let by = (enforcer, asks.get().unwrap());
                let arguments = serde_json::from_str(args).unwrap();
                proposed(Mute, mode(), by, caller, &arguments).await
            },
        )
        .await;
    }
}

/// The user at the client says yes to everything. Where the policy names a role that the caller does not have, nobody asks there.
#[tokio::test]
async fn a_durable_request_is_made_where_the_user_of_the_client_may_not_answer() {
    for (role, at_client) in [("user", true), ("desk", false)] {
        let (enforcing, _) = enforcer(&format!(
            "roles:\n  user:\n    tools:\n      mcp-files-pay: {{ mode: approval_required, approval: {{ roles: [{role}] }} }}\n"
        ));
        let carol = Carol::new();
        let asks = Asks::client_or(carol.approvals()).unwrap();
        let enforcer = enforcing.approvals(asks.approvals()).build().unwrap();
        let again = async || {
            let user = User(ElicitationAction::Accept);
            let by = (&enforcer, &asks);
            proposed(user, older(), by, caller("alice"), &json!({"n": 1})).await
        };
        let first = again().await;
        assert_eq!(first.ran == 1, at_client, "{first:?}");
        let requests = carol.requests();
        assert_eq!(requests.is_empty(), at_client);
        for request in requests {
            assert!(first.told.contains(&request), "{first:?}");
            carol.approve(&request);
            assert_eq!(again().await.ran, 1);
        }
    }
}
