//! The engine compiled, for each machine. Written by `cargo xtask engine precompile`; do not edit.

use super::Artifact;

/// SHA-256 of the engine's component without a plan, of which all of these were compiled.
const ENGINE: &str = "1d4fc59479a412adc0001a9a97b87dea3f3c8e4fa56b3b410146eead7dcabc45";

#[cfg(all(target_arch = "aarch64", target_os = "linux"))]
pub(super) const ARTIFACT: Option<Artifact> = Some(Artifact {
    code: include_bytes!("../../../artifact/engine.aarch64-linux.cwasm"),
    digest: "5647c0ad57ecd76085725ab9d99de69dcaed9993db2bbcfe7938b9ad7cc16b4c",
    engine: ENGINE,
});

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub(super) const ARTIFACT: Option<Artifact> = Some(Artifact {
    code: include_bytes!("../../../artifact/engine.x86_64-linux.cwasm"),
    digest: "668f5de656f54c12b27b8648024928cd55d3535fecf50cfa0c348d0898059d6b",
    engine: ENGINE,
});

#[cfg(not(any(
    all(target_arch = "aarch64", target_os = "linux"),
    all(target_arch = "x86_64", target_os = "linux"),
)))]
pub(super) const ARTIFACT: Option<Artifact> = None;
