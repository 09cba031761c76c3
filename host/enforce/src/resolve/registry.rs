//! A bundle in a registry. A trusted key has to have signed it, also if the environment requires no signature.

use hexgate_registry::{Access, Reference};

use super::{ResolveError, Resolved, Resolver, Settings, SettingsError, Trust, notices};
use crate::live::LivePolicyBuilder;
use crate::source::{RegistryBundle, SourceError};

impl Resolver {
    pub(super) fn registry(
        &self,
        reference: &str,
        settings: &Settings,
        builder: LivePolicyBuilder,
    ) -> Result<Resolved, ResolveError> {
        let keys = self.trusted(settings)?.ok_or(ResolveError::NoBundleKey)?;
        let from: Reference = reference.parse().map_err(|error| SettingsError::Value {
            variable: super::settings::POLICY.to_owned(),
            reason: format!("{error}"),
        })?;
        let access = Access::of(&from).map_err(SourceError::other)?;
        let source = RegistryBundle::new(from, access, keys, self.expectation());
        let live = builder.open(source)?;
        let notices = notices(
            "HEXGATE_POLICY",
            "registry",
            reference,
            &live,
            Trust::Verified,
        );
        Ok(self.resolved(live, notices))
    }
}
