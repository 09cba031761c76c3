//! A policy as an ES module: the core module within its component, and beside it what speaks to that core from JavaScript.
//!
//! The glue that general tools generate for a component is several times slower and larger: it serves every signature. This one
//! serves the contract's, as the host in Rust does, and checks as much: see `javascript/module.js`.

use std::fmt::Write as _;

use hexgate_bundle::Stem;
use hexgate_component::WeaveError;
use sha2::{Digest, Sha256};

use crate::{Compiled, release::CONTRACT};

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
    /// `{stem}.core.wasm`
    pub core_name: String,
    /// The core module.
    pub core: Vec<u8>,
}

impl Compiled {
    /// The policy as an ES module for Node, browsers and workerd. It is of the engine of hexgate, whatever evaluates the policy
    /// in [`Compiled::component`].
    ///
    /// # Errors
    /// As for [`Compiled::core`].
    pub fn javascript(&self, stem: &Stem) -> Result<JavaScript, WeaveError> {
        let core = self.core()?;
        let core_name = format!("{}.core.wasm", stem.as_str());
        let module = MODULE
            .replace("{{SOURCE_SHA256}}", &hex(&self.model.source_digest))
            .replace("{{CORE_SHA256}}", &hex(&Sha256::digest(&core)))
            .replace("{{CONTRACT}}", version(CONTRACT))
            .replace("\"./{{CORE}}\"", &url(&core_name));
        Ok(JavaScript {
            module_name: format!("{}.js", stem.as_str()),
            module,
            types_name: format!("{}.d.ts", stem.as_str()),
            types: TYPES,
            core_name,
            core,
        })
    }
}

/// The version in `package@version`.
fn version(contract: &str) -> &str {
    contract
        .rsplit_once('@')
        .map_or(contract, |(_, version)| version)
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
        assert!(files.module.contains(&hex(&Sha256::digest(&files.core))));
        assert!(
            files
                .module
                .contains("new URL(\"./a%20%22policy%22.core.wasm\", import.meta.url)")
        );
        assert!(files.module.contains("\"hexgate:policy/decision@0.1.0#\""));
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
