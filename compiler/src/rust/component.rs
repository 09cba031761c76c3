//! From the module that cargo built to a component of the world `hexgate:policy/policy`.

use wasmparser::{Parser, Payload};
use wit_component::ComponentEncoder;

use crate::diagnostic::{in_one_line, quoted};

/// What a policy exports, and nothing else, in the order of the bytes.
const EXPORTS: [&str; 2] = [
    "hexgate:policy/decision@0.1.0",
    "hexgate:policy/description@0.1.0",
];

/// Why a module is no policy.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) help: String,
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
    let imports = imports(module).map_err(|error| unusable(error.to_string()))?;
    if !imports.is_empty() {
        return Err(Fault {
            code: "rust-imports",
            message: format!("the policy imports {}", listed(&imports)),
            help: "a policy imports nothing: leave out what needs a clock, randomness, files or the network, and pass what it has to know in the facts of the request".into(),
        });
    }
    let component = ComponentEncoder::default()
        .validate(true)
        .module(module)
        .and_then(|mut encoder| encoder.encode())
        .map_err(|error| unusable(format!("{error:#}")))?;
    let mut exports = exports(&component).map_err(|error| unusable(error.to_string()))?;
    exports.sort();
    if exports == EXPORTS {
        return Ok(component);
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

/// What a component exports. What lies within it is not asked.
fn exports(component: &[u8]) -> wasmparser::Result<Vec<String>> {
    let (mut names, mut depth) = (Vec::new(), 0_usize);
    for payload in Parser::new(0).parse_all(component) {
        match payload? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    names.push(export?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(names)
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
