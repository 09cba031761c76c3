//! Makes a tool of a Rust function: the attribute `tool`, which `hexgate-agent` exports.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod expand;
mod options;
mod parameters;

/// Makes a tool of a function.
///
/// The function becomes one of the same name without parameters, which makes the tool. What stood in it can be reached through the tool
/// alone: so it runs from a permit, as every tool does.
///
/// ```
/// use hexgate_agent::tool::{Tool, ToolError};
///
/// /// Refunds an order.
/// ///
/// /// Only orders of the last 30 days can be refunded.
/// #[hexgate_agent::tool]
/// async fn refund_order(
///     /// The number of the order.
///     order: String,
///     /// In the currency of the order.
///     amount: f64,
/// ) -> Result<String, ToolError> {
///     if amount <= 0.0 {
///         return Err(ToolError::new("amount", "The amount must be above 0."));
///     }
///     Ok(format!("{amount} of {order} were refunded"))
/// }
///
/// let tool = refund_order();
/// assert_eq!(tool.spec().name, "refund_order");
/// assert_eq!(tool.spec().input_schema["additionalProperties"], false);
/// assert_eq!(tool.spec().input_schema["required"], serde_json::json!(["order", "amount"]));
/// ```
///
/// | what | where it comes from |
/// |---|---|
/// | the name | the function's, or `name = "…"` |
/// | the description | the function's documentation; there must be some |
/// | the arguments | the parameters, each with its documentation; or one parameter `#[arguments] NAME: TYPE` with a type that derives `serde::Deserialize` and `schemars::JsonSchema` |
/// | the JSON schema | that of these types; arguments that it does not name are refused |
/// | the permit, for the caller and the file scope | a parameter of the type `&Permit` |
/// | a place to say how far it is | a parameter of the type `&Progress` |
/// | the answer | what the function returns, as JSON: any `serde::Serialize`, or a `ToolOutput`; perhaps in a `Result` whose error is `Into<ToolError>` |
///
/// Parameters may have attributes of `serde` and `schemars`: `#[serde(default)] limit: u32`.
///
/// | option | what it does |
/// |---|---|
/// | `name = "…"` | another name than the function's |
/// | `concurrent` | calls may run beside other calls of the same turn |
/// | `preview = FUNCTION` | a `fn(&serde_json::Value) -> Option<String>` that makes what a person sees who is asked for approval |
///
/// A function without `async` blocks the run for as long as it takes: have it do quick work only.
///
/// What cannot become a tool is an error at its place. So is a function without documentation:
///
/// ```compile_fail
/// #[hexgate_agent::tool]
/// fn add(a: u32, b: u32) -> u32 {
///     a + b
/// }
/// ```
///
/// And one whose arguments no JSON can hold, or whose error says nothing that a model can read:
///
/// ```compile_fail
/// /// Waits.
/// #[hexgate_agent::tool]
/// fn wait(until: std::time::Instant) {}
/// ```
///
/// ```compile_fail
/// /// Divides.
/// #[hexgate_agent::tool]
/// fn divide(a: u32, b: u32) -> Result<u32, ()> {
///     a.checked_div(b).ok_or(())
/// }
/// ```
#[proc_macro_attribute]
pub fn tool(
    options: proc_macro::TokenStream,
    function: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    expand::tool(options.into(), function.into())
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}
