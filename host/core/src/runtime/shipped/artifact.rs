//! The engine compiled, for each machine. Written by `cargo xtask engine precompile`; do not edit.

use super::Artifact;

/// SHA-256 of the engine's component without a plan, of which all of these were compiled.
const ENGINE: &str = "967d2818be899901281f07c22a24edf0276596a96ca891b8beece18bf2ebf6c8";

#[cfg(all(target_arch = "aarch64", target_os = "linux"))]
pub(super) const ARTIFACT: Option<Artifact> = Some(Artifact {
    code: include_bytes!("../../../artifact/engine.aarch64-linux.cwasm"),
    digest: "693e6950c1628b63e972e3d2eb1abd478030ff9e53c6fa87e2e0581073f4f1c7",
    engine: ENGINE,
});

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub(super) const ARTIFACT: Option<Artifact> = Some(Artifact {
    code: include_bytes!("../../../artifact/engine.x86_64-linux.cwasm"),
    digest: "a0855d709141d8929c18c356a0f1d82a2cc84b7580a7be736a045f2efa14fbaf",
    engine: ENGINE,
});

#[cfg(not(any(
    all(target_arch = "aarch64", target_os = "linux"),
    all(target_arch = "x86_64", target_os = "linux"),
)))]
pub(super) const ARTIFACT: Option<Artifact> = None;
