//! Writes a verified bundle to its folder.

use std::path::Path;

use hexgate_bundle::{SealedBundle, VerifiedBundle};

use super::{
    facts,
    trust::{Arrival, Trust},
};
use crate::{
    exit::Exit,
    output::{self, Style, Tone, harmless},
};

/// Writes a bundle from a registry or archive, and reports it. `pinned` is its name in a registry.
pub(super) fn written(
    bundle: &VerifiedBundle,
    trust: &Trust,
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
    text.push_str(&facts::lines(bundle, trust, None));
    if let Some(pinned) = pinned {
        text.push_str(&facts::line("pinned", pinned));
    }
    output::print(&text)?;
    if bundle.contents().manifest().sequence().is_none() {
        output::note(
            "the bundle has no sequence number, so an older one can replace it: build it with `--sequence N`",
        );
    } else if arrival.sequences.is_none() && trust.min_sequence.is_none() {
        output::note(
            "this bundle is not remembered, so an older one can replace it: pass `--sequences FILE`",
        );
    }
    Ok(Exit::Done)
}
