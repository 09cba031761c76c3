//! A bundle that was verified gets its folder.

use std::path::Path;

use hexgate_bundle::{SealedBundle, VerifiedBundle};

use super::trust::Arrival;
use crate::{
    exit::Exit,
    output::{self, Style, Tone, harmless},
};

/// Writes a bundle that came from elsewhere, and tells. `pinned` is its name in a registry.
pub(super) fn written(
    bundle: &VerifiedBundle,
    arrival: &Arrival,
    out: &Path,
    pinned: Option<&str>,
) -> anyhow::Result<Exit> {
    let sealed = SealedBundle::of_verified(bundle)?;
    arrival.admit(bundle)?;
    sealed.write(out)?;
    let mark = Style::stdout().paint(Tone::Good, "✓");
    let mut text = String::new();
    for (name, _) in sealed.files() {
        let path = out.join(name).display().to_string();
        text.push_str(&format!("{mark} Wrote {}\n", harmless(&path)));
    }
    text.push_str(&format!("  signature  by key {}\n", bundle.key_id()));
    if let Some(pinned) = pinned {
        text.push_str(&format!("  pinned     {}\n", harmless(pinned)));
    }
    output::print(&text)?;
    Ok(Exit::Done)
}
