//! The engine's code as this crate ships it: compiled by the maintainers, a part of the program like the host's own code.
//!
//! Nothing outside of the program has a say in it. A component is compared with the engine before this is asked for, and what is
//! loaded then does not depend on the component: not the bytes, not where they come from.
#![allow(
    unsafe_code,
    reason = "loading compiled code is trusting it; what makes the trust right stands at the call"
)]

mod artifact;

use hexgate_base::Digest;
use wasmtime::{Engine, Module};

/// Compiled code, and what it was compiled from.
#[derive(Debug, Clone, Copy)]
struct Artifact {
    /// What the runtime wrote when it compiled the engine.
    code: &'static [u8],
    /// SHA-256 of the code.
    digest: &'static str,
    /// The engine, as [`hexgate_component::DIGEST`].
    engine: &'static str,
}

/// The engine's code for this machine.
///
/// # Errors
///
/// Why there is none: nothing is shipped for this machine, this CPU lacks something, or the code is not of this engine, this runtime
/// and these settings.
pub(crate) fn engine(engine: &Engine) -> Result<Module, String> {
    let artifact = artifact::ARTIFACT.ok_or_else(|| {
        let (arch, os) = (std::env::consts::ARCH, std::env::consts::OS);
        format!("it is not shipped compiled for {arch} with {os}")
    })?;
    load(engine, artifact)
}

fn load(engine: &Engine, artifact: Artifact) -> Result<Module, String> {
    if artifact.engine != hexgate_component::DIGEST {
        return Err("what is shipped compiled is another engine".into());
    }
    if Digest::of(artifact.code).to_string() != artifact.digest {
        return Err("what is shipped compiled is damaged".into());
    }
    // SAFETY: the bytes must come from `Engine::precompile_module`. They are those that the maintainers' task wrote, for their
    // digest stands in the source that it wrote with them, and they are a part of this program, which nobody can change who could
    // not change the program's own code. The runtime checks its version, its settings and the CPU again.
    unsafe { Module::deserialize(engine, artifact.code) }
        .map_err(|error| format!("what is shipped compiled does not fit: {error:#}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;
    use crate::runtime::config;

    fn trusted() -> Engine {
        config::trusted(&Limits::default()).unwrap()
    }

    fn refused(artifact: Artifact) -> String {
        load(&trusted(), artifact).err().unwrap()
    }

    /// Leaked: what is shipped lives as long as the program.
    fn with_code(artifact: Artifact, change: impl FnOnce(&mut Vec<u8>)) -> Artifact {
        let mut code = artifact.code.to_vec();
        change(&mut code);
        Artifact {
            code: code.leak(),
            ..artifact
        }
    }

    /// As [`with_code`], with the digest of the changed code: what is left is what the runtime checks.
    fn made_with(artifact: Artifact, change: impl FnOnce(&mut Vec<u8>)) -> Artifact {
        let artifact = with_code(artifact, change);
        Artifact {
            digest: Digest::of(artifact.code).to_string().leak(),
            ..artifact
        }
    }

    #[test]
    fn what_is_shipped_is_loaded_whatever_the_limits() {
        if artifact::ARTIFACT.is_none() {
            return;
        }
        let other = Limits {
            memory_bytes: 1 << 20,
            stack_bytes: 64 << 10,
            instances: 3,
            ..Limits::default()
        };
        for limits in [Limits::default(), other] {
            engine(&config::trusted(&limits).unwrap()).unwrap();
        }
    }

    #[test]
    fn what_is_damaged_is_refused() {
        let Some(artifact) = artifact::ARTIFACT else {
            return;
        };
        for place in (0..artifact.code.len()).step_by(997) {
            let error = refused(with_code(artifact, |code| code[place] ^= 1));
            assert!(error.contains("damaged"), "{place}: {error}");
        }
        for length in [0, 1, 64, artifact.code.len() - 1] {
            assert!(refused(with_code(artifact, |code| code.truncate(length))).contains("damaged"));
        }
    }

    #[test]
    fn what_another_engine_or_runtime_made_is_refused() {
        let Some(artifact) = artifact::ARTIFACT else {
            return;
        };
        let engine = "0".repeat(64).leak();
        let error = refused(Artifact { engine, ..artifact });
        assert!(error.contains("another engine"), "{error}");
        // The runtime's version stands behind its own length, as text: "\x00\x02" and "48".
        let place = |code: &[u8]| {
            code.windows(4)
                .position(|found| found == b"\0\x0248")
                .unwrap()
        };
        let error = refused(made_with(artifact, |code| {
            let place = place(code);
            code[place + 2..place + 4].copy_from_slice(b"47");
        }));
        assert!(error.contains("version '47'"), "{error}");
        assert!(refused(made_with(artifact, Vec::clear)).contains("does not fit"));
    }

    #[test]
    fn other_settings_are_refused() {
        let Some(artifact) = artifact::ARTIFACT else {
            return;
        };
        let mut config = crate::runtime::settings::settings();
        config.memory_guard_size(0);
        let error = load(&Engine::new(&config).unwrap(), artifact)
            .err()
            .unwrap();
        assert!(error.contains("memory guard size"), "{error}");
    }

    /// `cargo xtask engine check` does the same for every machine.
    #[cfg(all(feature = "cranelift", target_os = "linux"))]
    #[test]
    fn the_engine_compiles_to_what_is_shipped() {
        let Some(artifact) = artifact::ARTIFACT else {
            return;
        };
        let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
        let mut config = crate::runtime::settings::settings();
        // What is shipped is loaded by runtimes that know no components, too.
        config.wasm_component_model(false).target(&target).unwrap();
        let code = Engine::new(&config)
            .unwrap()
            .precompile_module(hexgate_component::engine_module())
            .unwrap();
        assert!(
            code == artifact.code,
            "run `cargo xtask engine precompile` and commit the result"
        );
    }
}
