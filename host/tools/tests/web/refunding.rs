//! The demo's tool.

use hexgate_tools::refund::refund_order;
use serde_json::json;

use crate::fixture::call;

#[tokio::test]
async fn a_refund_answers_as_the_python_tool_does() {
    let tool = refund_order();
    let value = call(&*tool, json!({"customer_id": "c1", "amount": 12}))
        .await
        .unwrap();
    let mut keys: Vec<&String> = value.as_object().unwrap().keys().collect();
    keys.sort();
    assert_eq!(
        keys,
        [
            "amount",
            "currency",
            "customer_id",
            "note",
            "ok",
            "reason",
            "refund_id"
        ]
    );
    assert_eq!(
        (
            &value["ok"],
            &value["amount"],
            &value["currency"],
            &value["reason"]
        ),
        (&json!(true), &json!(12), &json!("USD"), &json!(null))
    );
    let other = call(
        &*tool,
        json!({"customer_id": "c1", "amount": 12, "currency": "EUR", "reason": "late"}),
    )
    .await
    .unwrap();
    assert_eq!(
        (&other["currency"], &other["reason"]),
        (&json!("EUR"), &json!("late"))
    );
    assert_ne!(value["refund_id"], other["refund_id"]);
    for arguments in [
        json!({"amount": 12}),
        json!({"customer_id": "c1", "amount": 1.5}),
        json!({"customer_id": "c1", "amount": 1, "x": 1}),
    ] {
        assert_eq!(
            call(&*tool, arguments).await.unwrap_err().kind,
            "invalid_arguments"
        );
    }
    let preview = tool.spec().preview.unwrap();
    assert_eq!(
        preview(&json!({"customer_id": "c1", "amount": 12})).as_deref(),
        Some("refund 12 USD to c1")
    );
    assert_eq!(preview(&json!({"customer_id": 1})), None);
}
