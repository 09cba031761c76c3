//! A policy as a decision point over HTTP: the `wasi:http` handler with the policy's component before it, one component in the end.

use std::collections::BTreeSet;

use hexgate_component::HTTP_HANDLER;
use wac_graph::{CompositionGraph, EncodeOptions, PackageId, types::Package};

use crate::release::CONTRACT;

/// A policy cannot be composed with the handler.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ComposeError {
    /// Its component cannot be read.
    #[error("the policy is not a component that can be composed: {0}")]
    Policy(String),
    /// It lacks what every policy exports, or exports something else by that name.
    #[error("the policy does not export `{0}` as the handler expects it")]
    Export(String),
    /// A policy is self-contained: what it imported would become an import of the whole.
    #[error("the policy imports `{0}`; a policy imports nothing")]
    Import(String),
    /// The two cannot be put together.
    #[error("the policy cannot be composed with the handler: {0}")]
    Compose(String),
}

/// The component that any runtime of `wasi:http` serves, deciding by a policy's component. The same bytes for the same component.
///
/// # Errors
///
/// If `policy` is not the component of a policy.
pub fn compose(policy: &[u8]) -> Result<Vec<u8>, ComposeError> {
    let mut graph = CompositionGraph::new();
    let (policy, imports) =
        register(&mut graph, "hexgate:composed-policy", policy).map_err(ComposeError::Policy)?;
    if let Some(import) = imports.into_iter().next() {
        return Err(ComposeError::Import(import));
    }
    let (handler, expected) =
        register(&mut graph, "hexgate:http", HTTP_HANDLER).map_err(ComposeError::Compose)?;
    wac_graph::plug(&mut graph, vec![policy], handler)
        .map_err(|error| ComposeError::Compose(causes(&error)))?;
    let composed = graph
        .encode(EncodeOptions::default())
        .map_err(|error| ComposeError::Compose(causes(&error)))?;

    // What does not fit is left an import, without a word.
    let mut whole = CompositionGraph::new();
    let (_, left) =
        register(&mut whole, "hexgate:whole", &composed).map_err(ComposeError::Compose)?;
    let package = CONTRACT.split('@').next().unwrap_or(CONTRACT);
    let wanted = expected
        .iter()
        .filter(|name| name.starts_with(package))
        .count();
    match left.into_iter().find(|name| name.starts_with(package)) {
        Some(name) => Err(ComposeError::Export(name)),
        None if wanted == 0 => Err(ComposeError::Compose(
            "the handler asks no policy".to_owned(),
        )),
        None => Ok(composed),
    }
}

/// Adds a component to the graph. Its imports.
fn register(
    graph: &mut CompositionGraph,
    name: &str,
    bytes: &[u8],
) -> Result<(PackageId, BTreeSet<String>), String> {
    let package = Package::from_bytes(name, None, bytes.to_vec(), graph.types_mut())
        .map_err(|error| format!("{error:#}"))?;
    let world = package.ty();
    let imports = graph.types()[world].imports.keys().cloned().collect();
    let id = graph
        .register_package(package)
        .map_err(|error| causes(&error))?;
    Ok((id, imports))
}

fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Compiler;

    fn component() -> Vec<u8> {
        let outcome = Compiler::default().compile_str("p.yaml", "tools: {t: {mode: allow}}");
        outcome.policy.unwrap().component
    }

    fn imports(component: &[u8]) -> Vec<String> {
        let mut graph = CompositionGraph::new();
        let (_, imports) = register(&mut graph, "test:it", component).unwrap();
        imports.into_iter().collect()
    }

    #[test]
    fn the_whole_imports_nothing_but_what_serving_needs() {
        let whole = compose(&component()).unwrap();
        assert_eq!(
            imports(&whole),
            [
                "wasi:http/types@0.2.0",
                "wasi:io/error@0.2.0",
                "wasi:io/streams@0.2.0"
            ]
        );
        assert_eq!(whole, compose(&component()).unwrap());
    }

    #[test]
    fn what_is_not_a_policy_is_refused() {
        for (bytes, said) in [
            (b"\0asm".to_vec(), "is not a component that can be composed"),
            (
                b"(component)".to_vec(),
                "is not a component that can be composed",
            ),
            // One that asks for a policy itself.
            (
                HTTP_HANDLER.to_vec(),
                "the policy imports `hexgate:policy/decision@0.2.0`",
            ),
        ] {
            let error = compose(&bytes).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
        let empty = b"\0asm\x0d\0\x01\0";
        assert!(matches!(compose(empty), Err(ComposeError::Compose(_))));
    }
}
