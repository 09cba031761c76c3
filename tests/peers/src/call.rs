//! The calls, and what every engine must say to them.

/// What comes of a call. An engine that gives an error gives a denial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Allow,
    NeedsApproval,
    Deny,
}

/// One call of a tool.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call {
    pub(crate) role: &'static str,
    pub(crate) tool: &'static str,
    /// JSON text: what a model produces.
    pub(crate) arguments: &'static str,
}

/// The calls that are timed: one that is allowed, and one that is denied with two violated constraints to name.
pub(crate) const ALLOWED: Call = call(
    "billing",
    "refund_order",
    r#"{"amount": 200, "currency": "USD"}"#,
);
pub(crate) const DENIED: Call = call(
    "billing",
    "refund_order",
    r#"{"amount": 1200, "currency": "EUR"}"#,
);

/// What all engines are asked before one is timed. Integers only: Cedar has no numbers that are both integers and fractions.
pub(crate) const AGREED: &[(Call, Outcome)] = {
    use Outcome::{Allow, Deny, NeedsApproval};
    &[
        (ALLOWED, Allow),
        (DENIED, Deny),
        (
            refund("billing", r#"{"amount": 500, "currency": "USD"}"#),
            Allow,
        ),
        (
            refund("billing", r#"{"amount": 501, "currency": "USD"}"#),
            Deny,
        ),
        (
            refund("billing", r#"{"amount": 1, "currency": "USD"}"#),
            Allow,
        ),
        (
            refund("billing", r#"{"amount": 0, "currency": "USD"}"#),
            Deny,
        ),
        (
            refund("billing", r#"{"amount": -5, "currency": "USD"}"#),
            Deny,
        ),
        (
            refund("billing", r#"{"amount": 200, "currency": "usd"}"#),
            Deny,
        ),
        (
            refund("billing", r#"{"amount": "200", "currency": "USD"}"#),
            Deny,
        ),
        (
            refund("billing", r#"{"amount": true, "currency": "USD"}"#),
            Deny,
        ),
        (
            refund("billing", r#"{"amount": null, "currency": "USD"}"#),
            Deny,
        ),
        (
            refund("billing", r#"{"amount": [200], "currency": "USD"}"#),
            Deny,
        ),
        (refund("billing", r#"{"amount": 200, "currency": 7}"#), Deny),
        (refund("billing", r#"{"amount": 200}"#), Deny),
        (refund("billing", r#"{"currency": "USD"}"#), Deny),
        (refund("billing", "{}"), Deny),
        (
            refund(
                "billing",
                r#"{"amount": 200, "currency": "USD", "note": "now"}"#,
            ),
            Deny,
        ),
        (refund("billing", "[]"), Deny),
        (refund("billing", r#"{"amount": 200"#), Deny),
        (
            refund("support", r#"{"amount": 50, "currency": "USD"}"#),
            Allow,
        ),
        (
            refund("support", r#"{"amount": 51, "currency": "USD"}"#),
            Deny,
        ),
        (
            refund("default", r#"{"amount": 50, "currency": "USD"}"#),
            Deny,
        ),
        (
            refund("nobody", r#"{"amount": 50, "currency": "USD"}"#),
            Deny,
        ),
        (
            call(
                "billing",
                "wire_transfer",
                r#"{"amount": 90000, "recipient": "ACME"}"#,
            ),
            NeedsApproval,
        ),
        (
            call(
                "billing",
                "wire_transfer",
                r#"{"amount": 100001, "recipient": "ACME"}"#,
            ),
            Deny,
        ),
        (
            call(
                "support",
                "wire_transfer",
                r#"{"amount": 90000, "recipient": "ACME"}"#,
            ),
            Deny,
        ),
        (call("billing", "view_orders", "{}"), Allow),
        (call("support", "list_tickets", "{}"), Allow),
        (call("default", "view_orders", "{}"), Deny),
        (call("billing", "delete_account", "{}"), Deny),
        (
            call(
                "billing",
                "Refund_order",
                r#"{"amount": 200, "currency": "USD"}"#,
            ),
            Deny,
        ),
    ]
};

const fn call(role: &'static str, tool: &'static str, arguments: &'static str) -> Call {
    Call {
        role,
        tool,
        arguments,
    }
}

const fn refund(role: &'static str, arguments: &'static str) -> Call {
    call(role, "refund_order", arguments)
}

impl Call {
    /// The document that Rego is asked with. The arguments go in as they are, as they do in the wrapper of `guest/opa`.
    pub(crate) fn input(&self) -> String {
        format!(
            r#"{{"roles":["{}"],"tool":"{}","args":{}}}"#,
            self.role, self.tool, self.arguments
        )
    }
}
