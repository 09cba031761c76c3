//! `refund_order`, for demos: it refunds nothing.

use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use hexgate_agent::tool::{Progress, Tool, ToolError, ToolOutput, ToolSpec, arguments, schema};
use hexgate_enforce::Permit;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::reply::ok;

/// The tool `refund_order`. It moves no money: it answers as a shop's would, for demos of policies about amounts.
#[must_use]
pub fn refund_order() -> Arc<dyn Tool> {
    Arc::new(RefundOrder)
}

struct RefundOrder;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// Whose order is refunded.
    customer_id: String,
    /// How much, in whole units of the currency.
    amount: i64,
    /// The currency's code.
    #[serde(default = "usd")]
    currency: String,
    /// Why.
    reason: Option<String>,
}

#[derive(Serialize)]
struct Answer {
    refund_id: String,
    customer_id: String,
    amount: i64,
    currency: String,
    reason: Option<String>,
    note: &'static str,
}

fn usd() -> String {
    "USD".to_owned()
}

static SPEC: LazyLock<Arc<ToolSpec>> = LazyLock::new(|| {
    let description = "Refund a customer's order. A demonstration: no money moves.";
    Arc::new(ToolSpec::new("refund_order", description, schema::<Arguments>()).preview(preview))
});

/// What an approver reads.
fn preview(arguments: &Value) -> Option<String> {
    let amount = arguments.get("amount")?.as_i64()?;
    let currency = arguments
        .get("currency")
        .map_or(Some("USD"), Value::as_str)?;
    let customer = arguments.get("customer_id")?.as_str()?;
    Some(format!("refund {amount} {currency} to {customer}"))
}

#[async_trait]
impl Tool for RefundOrder {
    fn spec(&self) -> &Arc<ToolSpec> {
        &SPEC
    }

    async fn call(&self, permit: Permit, _: &Progress) -> Result<ToolOutput, ToolError> {
        let Arguments {
            customer_id,
            amount,
            currency,
            reason,
        } = arguments(&permit)?;
        let summary = format!("refunded {amount} {currency} to {customer_id}");
        // The decision's own name: another for each call, and found again in the record.
        let refund_id = format!("rf_{}", permit.decision().id());
        let answer = Answer {
            refund_id,
            customer_id,
            amount,
            currency,
            reason,
            note: "a demonstration: no money moved",
        };
        Ok(ok(answer)?.summary(summary))
    }
}
