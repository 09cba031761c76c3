//! A policy as an ES module: the core modules within its component, and beside them what speaks to those from JavaScript.
//!
//! The glue that general tools generate for a component is several times slower and larger: it serves every signature. This one
//! serves the contract's, as the host in Rust does, and checks as much: see `javascript/module.js`.

mod cores;

use std::fmt::Write as _;

use hexgate_bundle::Stem;
use hexgate_contract::names::VERSION;
use sha2::{Digest, Sha256};

use crate::{Artifact, Compiled, RegoPolicy};
use cores::Cores;

pub use cores::JavaScriptError;

const MODULE: &str = include_str!("javascript/module.js");
const TYPES: &str = include_str!("javascript/module.d.ts");

/// A policy as an ES module. Its files belong beside each other.
#[derive(Debug, Clone)]
pub struct JavaScript {
    /// `{stem}.js`
    pub module_name: String,
    /// The module: `load` and `instantiate`.
    pub module: String,
    /// `{stem}.d.ts`
    pub types_name: String,
    /// The module's types.
    pub types: &'static str,
    /// `{stem}.core.wasm`, and `{stem}.core2.wasm` and so on if the policy consists of several core modules: their names and bytes.
    pub cores: Vec<(String, Vec<u8>)>,
}

impl JavaScript {
    /// The ES module of a policy's component, for Node, browsers and workerd. `source_digest` is what the component tells of itself;
    /// none: that is not known, and then compiled modules that are handed to the ES module are not asked for it.
    ///
    /// A component of the engine of hexgate keeps an instance between decisions; any other gets a fresh one for each.
    ///
    /// # Errors
    ///
    /// If it is not of the world `hexgate:policy/policy`, or consists of more than this can speak to.
    pub fn of_component(
        component: &[u8],
        source_digest: Option<&[u8; 32]>,
        stem: &Stem,
    ) -> Result<Self, JavaScriptError> {
        let found = Cores::of(component)?;
        let name = |at: usize| match at {
            0 => format!("{}.core.wasm", stem.as_str()),
            more => format!("{}.core{}.wasm", stem.as_str(), more + 1),
        };
        let cores: Vec<(String, Vec<u8>)> = found
            .modules
            .iter()
            .enumerate()
            .map(|(at, module)| (name(at), module.to_vec()))
            .collect();
        let listed: Vec<String> = cores
            .iter()
            .map(|(name, bytes)| {
                let digest = hex(&Sha256::digest(bytes));
                format!("  [new URL({}, import.meta.url), \"{digest}\"],", url(name))
            })
            .collect();
        let source =
            source_digest.map_or("null".to_owned(), |digest| format!("\"{}\"", hex(digest)));
        let module = MODULE
            .replace("{{SOURCE_SHA256}}", &source)
            .replace("{{CONTRACT}}", VERSION)
            .replace("{{LINKS}}", found.links)
            .replace(
                "{{KEEPS_INSTANCES}}",
                if found.is_known { "true" } else { "false" },
            )
            .replace("{{CORES}}", &listed.join("\n"));
        Ok(Self {
            module_name: format!("{}.js", stem.as_str()),
            module,
            types_name: format!("{}.d.ts", stem.as_str()),
            types: TYPES,
            cores,
        })
    }
}

impl Compiled {
    /// The policy as an ES module for Node, browsers and workerd.
    ///
    /// # Errors
    ///
    /// As for [`JavaScript::of_component`].
    pub fn javascript(&self, stem: &Stem) -> Result<JavaScript, JavaScriptError> {
        JavaScript::of_component(&self.component, Some(&self.model.source_digest), stem)
    }
}

impl Artifact {
    /// The policy as an ES module for Node, browsers and workerd, from any language.
    ///
    /// # Errors
    ///
    /// As for [`JavaScript::of_component`].
    pub fn javascript(&self, stem: &Stem) -> Result<JavaScript, JavaScriptError> {
        match self {
            Self::Policy(policy) => policy.javascript(stem),
            Self::Rego(policy) => {
                let RegoPolicy {
                    component, rego, ..
                } = policy.as_ref();
                JavaScript::of_component(component, Some(&Sha256::digest(rego).into()), stem)
            }
            Self::Rust(policy) => {
                JavaScript::of_component(&policy.component, Some(&policy.source_digest), stem)
            }
            Self::Built(policy) => JavaScript::of_component(&policy.component, None, stem),
        }
    }
}

/// A literal with the relative URL of a file: bundlers look for one. Bytes that mean something in a URL or a literal are escaped.
fn url(name: &str) -> String {
    let mut literal = "\"./".to_owned();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            literal.push(char::from(byte));
        } else {
            let _ = write!(literal, "%{byte:02X}");
        }
    }
    literal.push('"');
    literal
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Compiler;

    #[test]
    fn every_placeholder_is_filled() {
        let outcome = Compiler::default().compile_str("p.yaml", "tools: {t: {mode: allow}}");
        let stem: Stem = "a \"policy\"".parse().unwrap();
        let files = outcome.policy.unwrap().javascript(&stem).unwrap();
        assert!(!files.module.contains("{{"), "{}", files.module);
        let [(name, core)] = files.cores.as_slice() else {
            panic!("{:?}", files.cores.len());
        };
        assert_eq!(name, "a \"policy\".core.wasm");
        assert!(files.module.contains(&hex(&Sha256::digest(core))));
        assert!(
            files
                .module
                .contains("new URL(\"./a%20%22policy%22.core.wasm\", import.meta.url)")
        );
        assert!(files.module.contains("\"hexgate:policy/decision@0.2.0#\""));
    }

    /// The first line of each says what it is and that it is not to be edited; what a user must know stands in the types.
    #[test]
    fn all_that_is_exported_is_typed() {
        for name in [
            "function load(",
            "function instantiate(",
            "class PolicyError",
        ] {
            assert!(MODULE.contains(name) && TYPES.contains(name), "{name}");
        }
    }
}
