//! Compiled policy -> what a bundle is made of.

use hexgate_bundle::{Claims, Draft, Stem, StemError, Timestamp};

use crate::{Compiled, plan::COMPILER};

/// The contract that compiled policies keep.
pub use hexgate_contract::names::PACKAGE as CONTRACT;

/// For whom and for when a policy is released.
///
/// With the feature `cli` these are the options of command lines that make bundles; what is documented here is their help.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "cli", derive(clap::Args))]
pub struct Release {
    /// Bind the bundle to this agent: others refuse it
    #[cfg_attr(feature = "cli", arg(long, value_name = "NAME"))]
    pub agent: Option<String>,

    /// Bind the bundle to this project: others refuse it
    #[cfg_attr(feature = "cli", arg(long, value_name = "NAME"))]
    pub project: Option<String>,

    /// The number of this release, from 1 on: hosts refuse a lower one than they have seen, and another bundle with the same one. 0: no
    /// number, so an older bundle can come back
    #[cfg_attr(feature = "cli", arg(
        long,
        value_name = "N",
        default_value_t = 0,
        value_parser = clap::value_parser!(u64).range(0..=hexgate_bundle::v2::MAX_SEQUENCE)
    ))]
    pub sequence: u64,

    /// The first second of validity, such as `2026-03-01T12:00:00Z`
    #[cfg_attr(feature = "cli", arg(long, value_name = "TIME"))]
    pub not_before: Option<Timestamp>,

    /// The first second after validity: from then on the policy denies everything
    #[cfg_attr(feature = "cli", arg(long, value_name = "TIME"))]
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
}

impl Compiled {
    /// What becomes the bundle of this policy: [`hexgate_bundle::write`] makes it. The Rego is empty if the policy is not printed
    /// ([`Compiled::rego`] says why): the component does not depend on it.
    ///
    /// # Errors
    /// If the policy's file name cannot name the files of a bundle.
    pub fn draft(&self, release: &Release) -> Result<Draft<'_>, StemError> {
        let stem = Stem::from_path(&self.file_name)?;
        let claims = release.claims(Claims {
            engine_digest: match self.opa_module() {
                None => hexgate_component::DIGEST.parse().ok(),
                Some(_) => None,
            },
            // The engine wipes its memory after each decision, and what OPA's module leaves in its own is given up before each.
            stateless: true,
            ..Claims::new(stem.source(), CONTRACT, self.engine(), COMPILER)
        });
        Ok(Draft {
            stem,
            source: self.source.as_bytes(),
            rego: self.rego().unwrap_or_default(),
            wasm: &self.component,
            claims,
        })
    }
}
