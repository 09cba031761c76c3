//! The engine compiled, for each machine. Written by `cargo xtask engine precompile`; do not edit.

use super::Artifact;

/// SHA-256 of the engine's component without a plan, of which all of these were compiled.
const ENGINE: &str = "76ebadc92ada2fb01deb64e1bb3ecd377ff3858a296bd26d51b1022184d18f62";

#[cfg(all(target_arch = "aarch64", target_os = "linux"))]
pub(super) const ARTIFACT: Option<Artifact> = Some(Artifact {
    code: include_bytes!("../../../artifact/engine.aarch64-linux.cwasm"),
    digest: "62f29f279dcd4a5206c48af216b59b75917a54078a34c0516f87f73620b4eb08",
    engine: ENGINE,
});

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub(super) const ARTIFACT: Option<Artifact> = Some(Artifact {
    code: include_bytes!("../../../artifact/engine.x86_64-linux.cwasm"),
    digest: "9ff8f09afe0694131d0fe75bf44e033b444ed3db537d714ce4c82f2762e6778e",
    engine: ENGINE,
});

#[cfg(not(any(
    all(target_arch = "aarch64", target_os = "linux"),
    all(target_arch = "x86_64", target_os = "linux"),
)))]
pub(super) const ARTIFACT: Option<Artifact> = None;
