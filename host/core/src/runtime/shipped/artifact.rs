//! The engine compiled, for each machine. Written by `cargo xtask engine precompile`; do not edit.

use super::Artifact;

/// SHA-256 of the engine's component without a plan, of which all of these were compiled.
const ENGINE: &str = "86d5ae91142af1c902027617523d276b279c8f437369960add5d78538f14a98f";

#[cfg(all(target_arch = "aarch64", target_os = "linux"))]
pub(super) const ARTIFACT: Option<Artifact> = Some(Artifact {
    code: include_bytes!("../../../artifact/engine.aarch64-linux.cwasm"),
    digest: "c147393dd0b6fae147bc5c774dcf0e9bb59289e1e45a027d7f7466eb53f8daf8",
    engine: ENGINE,
});

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub(super) const ARTIFACT: Option<Artifact> = Some(Artifact {
    code: include_bytes!("../../../artifact/engine.x86_64-linux.cwasm"),
    digest: "651f839d4d0d0edeb757184df71367137fc39dca6b4557c5c23fc94f2144b895",
    engine: ENGINE,
});

#[cfg(not(any(
    all(target_arch = "aarch64", target_os = "linux"),
    all(target_arch = "x86_64", target_os = "linux"),
)))]
pub(super) const ARTIFACT: Option<Artifact> = None;
