//! Makes a tool of a Rust function: the attribute `tool`, which `hexgate-agent` exports.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod expand;
mod options;
mod parameters;

/// Makes a tool of a function. `hexgate-agent` exports it, and documents it there.
#[proc_macro_attribute]
pub fn tool(
    options: proc_macro::TokenStream,
    function: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    expand::tool(options.into(), function.into())
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}
