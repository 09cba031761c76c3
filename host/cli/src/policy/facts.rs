//! The verified facts of a bundle, for people.

use hexgate_bundle::{Digest, VerifiedBundle};

use super::trust::Trust;
use crate::output::harmless;

/// Lines with the facts of a bundle, and whether they were expected; `component` describes the component, if it was examined.
pub(super) fn lines(bundle: &VerifiedBundle, trust: &Trust, component: Option<String>) -> String {
    facts(bundle, trust, component)
        .iter()
        .map(|(what, found)| line(what, found))
        .collect()
}

/// One fact as a line.
pub(super) fn line(what: &str, found: &str) -> String {
    format!("  {what:<10} {}\n", harmless(found))
}

/// What was checked, and with what result.
fn facts(
    bundle: &VerifiedBundle,
    trust: &Trust,
    component: Option<String>,
) -> Vec<(&'static str, String)> {
    let contents = bundle.contents();
    let manifest = contents.manifest();
    let mut facts = vec![
        ("signature", format!("by key {}", bundle.key_id())),
        (
            "manifest",
            format!("sha256 {}", Digest::of(contents.manifest_bytes())),
        ),
        (
            "files",
            format!(
                "as the manifest states (sha256 of the component {})",
                contents.wasm_hash()
            ),
        ),
    ];
    facts.extend(component.map(|component| ("component", component)));
    for (what, bound, expected) in [
        ("agent", manifest.agent(), &trust.agent),
        ("project", manifest.project(), &trust.project),
    ] {
        facts.push((
            what,
            match (bound, expected) {
                (Some(bound), Some(_)) => format!("{bound}, as expected"),
                (Some(bound), None) => format!("{bound}; not checked, pass `--{what}`"),
                (None, _) => "bound to none".to_owned(),
            },
        ));
    }
    facts.push((
        "sequence",
        manifest.sequence().map_or_else(
            || "none, so an older bundle cannot be told from this one".to_owned(),
            |sequence| sequence.to_string(),
        ),
    ));
    facts.push(("validity", validity(bundle)));
    facts
}

fn validity(bundle: &VerifiedBundle) -> String {
    let manifest = bundle.contents().manifest();
    match (manifest.not_before(), manifest.expires_at()) {
        (None, None) => "not limited".to_owned(),
        (Some(from), None) => format!("from {from} on"),
        (None, Some(until)) => format!("until {until}"),
        (Some(from), Some(until)) => format!("from {from} until {until}"),
    }
}
