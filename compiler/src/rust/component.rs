//! From the module that cargo built to a component of the world `hexgate:policy/policy`.

use hexgate_component::{OpaquePlan, embed_plan, opaque_plan};
use hexgate_contract::names::{DECISION, DESCRIPTION};
use wasmparser::{Parser, Payload, Validator};
use wit_component::{ComponentEncoder, DecodedWasm, decode, targets};

use crate::{
    diagnostic::{in_one_line, quoted},
    plan::COMPILER,
};

/// What a policy exports, and nothing else, in the order of the bytes.
const EXPORTS: [&str; 2] = [DECISION, DESCRIPTION];

/// Why a module is no policy.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) help: String,
}

/// The component of a policy: what is one stays as it is, and one is put around a module.
pub(crate) fn of_policy(binary: &[u8]) -> Result<Vec<u8>, Fault> {
    if !Parser::is_component(binary) {
        return encode(binary);
    }
    let unusable = |error: wasmparser::BinaryReaderError| Fault {
        code: "rust-module",
        message: format!(
            "the component is not valid: {}",
            in_one_line(&error.to_string())
        ),
        help:
            "build it again, with a version of its tools that belongs to WebAssembly as it is today"
                .into(),
    };
    Validator::new().validate_all(binary).map_err(unusable)?;
    let outside = Outside::of(binary).map_err(unusable)?;
    no_imports(&outside.imports)?;
    of_our_world(outside.exports)?;
    of_our_types(binary)?;
    Ok(binary.to_vec())
}

/// The component around a module.
pub(super) fn encode(module: &[u8]) -> Result<Vec<u8>, Fault> {
    let unusable = |reason: String| Fault {
        code: "rust-module",
        message: format!(
            "the module cannot be made a component: {}",
            in_one_line(&reason)
        ),
        help:
            "a policy is exported by `hexgate_guest::export!`, once, and exports nothing of its own"
                .into(),
    };
    no_imports(&imports(module).map_err(|error| unusable(error.to_string()))?)?;
    let component = ComponentEncoder::default()
        .validate(true)
        .module(module)
        .and_then(|mut encoder| encoder.encode())
        .map_err(|error| unusable(format!("{error:#}")))?;
    let outside = Outside::of(&component).map_err(|error| unusable(error.to_string()))?;
    no_imports(&outside.imports)?;
    of_our_world(outside.exports)?;
    of_our_types(&component)?;
    Ok(component)
}

fn no_imports(imports: &[String]) -> Result<(), Fault> {
    if imports.is_empty() {
        return Ok(());
    }
    // The standard library imports these even if the policy uses none.
    let of_wasi = imports.iter().any(|name| name.starts_with("wasi"));
    Err(Fault {
        code: "rust-imports",
        message: format!("the policy imports {}", listed(imports)),
        help: if of_wasi {
            "on the targets of WASI the standard library imports these: build the policy with `#![no_std]` and `hexgate-guest` without its feature `std`, or for wasm32-unknown-unknown"
        } else {
            "a policy imports nothing: leave out what needs a clock, randomness, files or the network, and pass what it has to know in the facts of the request"
        }
        .into(),
    })
}

fn of_our_world(mut exports: Vec<String>) -> Result<(), Fault> {
    exports.sort();
    if exports == EXPORTS {
        return Ok(());
    }
    let found = if exports.is_empty() {
        "nothing".to_owned()
    } else {
        listed(&exports)
    };
    Err(Fault {
        code: "rust-world",
        message: format!("the policy is of another world: it exports {found}"),
        help: format!(
            "a policy exports `{}`, as `hexgate_guest::export!` does; use the version of `hexgate-guest` that belongs to this compiler",
            EXPORTS.join("` and `")
        ),
    })
}

/// Whether the exports have the types of the contract: those that the known engine has, since it is a component of it.
fn of_our_types(component: &[u8]) -> Result<(), Fault> {
    let other = |reason: String| Fault {
        code: "rust-world",
        message: format!("the policy is of another world: {}", in_one_line(&reason)),
        help: "export what the contract says, with the types that it says: `wit/policy/policy.wit`"
            .into(),
    };
    let known = embed_plan(&opaque_plan(&OpaquePlan::new([0; 32], COMPILER)))
        .map_err(|error| other(error.to_string()))?;
    match decode(&known).map_err(|error| other(error.to_string()))? {
        DecodedWasm::Component(resolve, world) => targets(&resolve, world, component)
            .map_err(|error| other(error.root_cause().to_string())),
        DecodedWasm::WitPackage(..) => Err(other("the contract is not known".into())),
    }
}

fn listed(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
    names.join(", ")
}

/// What a module imports, each as `module name`.
fn imports(module: &[u8]) -> wasmparser::Result<Vec<String>> {
    let mut names = Vec::new();
    for payload in Parser::new(0).parse_all(module) {
        if let Payload::ImportSection(section) = payload? {
            for import in section.into_imports() {
                let import = import?;
                names.push(format!("{} {}", import.module, import.name));
            }
        }
    }
    Ok(names)
}

/// What a component imports and exports. What lies within it is not asked.
struct Outside {
    imports: Vec<String>,
    exports: Vec<String>,
}

impl Outside {
    fn of(component: &[u8]) -> wasmparser::Result<Self> {
        let (mut outside, mut depth) = (
            Self {
                imports: Vec::new(),
                exports: Vec::new(),
            },
            0_usize,
        );
        for payload in Parser::new(0).parse_all(component) {
            match payload? {
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::ComponentImportSection(section) if depth == 0 => {
                    for import in section {
                        outside.imports.push(import?.name.name.to_owned());
                    }
                }
                Payload::ComponentExportSection(section) if depth == 0 => {
                    for export in section {
                        outside.exports.push(export?.name.name.to_owned());
                    }
                }
                _ => {}
            }
        }
        Ok(outside)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_module_or_no_policy_is_refused() {
        let code = |module: &[u8]| encode(module).unwrap_err().code;
        assert_eq!(code(b""), "rust-module");
        assert_eq!(code(b"\0asm\x01\0\0"), "rust-module");
        assert_eq!(code(b"version: 1\n"), "rust-module");
        assert_eq!(code(b"\0asm\x01\0\0\0"), "rust-world");
    }
}
