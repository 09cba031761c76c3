//! Codes of policies in Rust.

use crate::diagnostic::CodeDoc;

pub(super) const CODES: &[CodeDoc] = &[
    CodeDoc::error(
        "rust-error",
        "a policy in Rust does not compile",
        "rustc refuses the code. The message is rustc's own, at the place that rustc names.

`cargo build --target wasm32-unknown-unknown` in the package's folder shows the same at greater length, and `cargo test` does natively.",
    ),
    CodeDoc::warning(
        "rust-warning",
        "rustc warns about a policy",
        "rustc accepts the code and doubts it. The message is rustc's own, at the place that rustc names. Warnings about the packages that the policy depends on are not shown.",
    ),
    CodeDoc::error(
        "rust-imports",
        "a policy in Rust, or a component that is one, imports something",
        "A policy component imports nothing: no clock, no network, no randomness, no files. So a decision depends on its request alone, and any host can run it. The code, or a package that it depends on, wants something of its host.

What begins with `wasi` is wanted by the standard library, on the targets `wasm32-wasip1` and `wasm32-wasip2`, whatever the policy does. Build it there with `#![no_std]` and without the feature `std` of `hexgate-guest`, or for `wasm32-unknown-unknown`.

Else leave that out, and pass what the policy has to know in the facts of the request (`call.ctx()`, `call.run()`, `call.user()`). Packages often have a feature without it, such as `default-features = false`.",
    ),
    CodeDoc::error(
        "rust-world",
        "a policy in Rust, or a component that is one, is of another world",
        "The component exports something else than `hexgate:policy/decision` and `hexgate:policy/description` of the version that this compiler knows, or nothing at all.

Export the policy with `hexgate_guest::export!(NAME)`, once in the package, and with the version of `hexgate-guest` that belongs to the compiler.",
    ),
    CodeDoc::error(
        "rust-module",
        "what was built cannot be made a component, or is not valid as one",
        "The module does not hold together as a component: it lacks a function that the world needs, or one has another type. The message says which.

Export the policy with `hexgate_guest::export!(NAME)`, and make no exports of your own. A component that other tools have built is read as WebAssembly is today; build it again with newer ones.",
    ),
    CodeDoc::error(
        "rust-policy-unused",
        "the YAML policy of a package is not in its component",
        "`policy = \"policy.yaml\"` in `[package.metadata.hexgate]` says that the code narrows a YAML policy, but the component does not hold that policy: nothing would enforce it.

Export the check as `export!(NAME narrows \"policy\")`. If the code is to decide alone, leave `policy` out of the metadata.",
    ),
];
