//! The engine compiled, for each machine. Written by `cargo xtask engine precompile`; do not edit.

use super::Artifact;

/// SHA-256 of the engine's component without a plan, of which all of these were compiled.
const ENGINE: &str = "fbb7e46b07ce5290caec6f74d5ec204851610479f18bd2c9d05f248ad9d9b15d";

#[cfg(all(target_arch = "aarch64", target_os = "linux"))]
pub(super) const ARTIFACT: Option<Artifact> = Some(Artifact {
    code: include_bytes!("../../../artifact/engine.aarch64-linux.cwasm"),
    digest: "c3f3b6d725d9127841c80e85ae813bb669c7aa7fce32e83b8ae9b65f8957c2d6",
    engine: ENGINE,
});

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub(super) const ARTIFACT: Option<Artifact> = Some(Artifact {
    code: include_bytes!("../../../artifact/engine.x86_64-linux.cwasm"),
    digest: "f7c0464f91d29e76f2abbd4a6ffe4f51346d76f86c13b8d3b14423bba89031fa",
    engine: ENGINE,
});

#[cfg(not(any(
    all(target_arch = "aarch64", target_os = "linux"),
    all(target_arch = "x86_64", target_os = "linux"),
)))]
pub(super) const ARTIFACT: Option<Artifact> = None;
