//! Which agent and project a release is for, and when it is valid.

use hexgate_bundle::{Claims, Draft, Stem, Timestamp};

/// The contract that compiled policies keep.
pub use hexgate_contract::names::PACKAGE as CONTRACT;

/// Which agent and project a release is for, its number, and when it is valid.
///
/// With the feature `clap` these are the options of command lines that make bundles; what is documented here is their help.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "clap", derive(clap::Args))]
pub struct Release {
    /// Bind the bundle to this agent: others refuse it
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME"))]
    pub agent: Option<String>,

    /// Bind the bundle to this project: others refuse it
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME"))]
    pub project: Option<String>,

    /// The number of this release, from 1 on: hosts refuse a lower one than they have seen, and another bundle with the same one. 0: no
    /// number, so an older bundle can come back
    #[cfg_attr(feature = "clap", arg(
        long,
        value_name = "N",
        default_value_t = 0,
        value_parser = clap::value_parser!(u64).range(0..=hexgate_bundle::v2::MAX_SEQUENCE)
    ))]
    pub sequence: u64,

    /// The first second of validity, such as `2026-03-01T12:00:00Z`
    #[cfg_attr(feature = "clap", arg(long, value_name = "TIME"))]
    pub not_before: Option<Timestamp>,

    /// The first second after validity: from then on the policy denies everything
    #[cfg_attr(feature = "clap", arg(long, value_name = "TIME"))]
    pub expires_at: Option<Timestamp>,
}

impl Release {
    /// These claims, for this release.
    #[must_use]
    pub fn claims(&self, claims: Claims) -> Claims {
        Claims {
            agent: self.agent.clone(),
            project: self.project.clone(),
            sequence: self.sequence,
            not_before: self.not_before,
            expires_at: self.expires_at,
            ..claims
        }
    }

    /// What becomes the bundle of a policy: its source in our language (or one that denies everything), the policy as Rego, its component.
    pub(crate) fn draft<'a>(
        &self,
        stem: Stem,
        source: &'a str,
        rego: &'a str,
        component: &'a [u8],
        claims: Claims,
    ) -> Draft<'a> {
        Draft {
            stem,
            source: source.as_bytes(),
            rego,
            wasm: component,
            claims: self.claims(claims),
        }
    }
}
