//! A policy on this machine: a bundle's folder, or a policy's own source.

use std::fs;
use std::path::Path;

#[cfg(feature = "compile")]
use hexgate_compiler::Release;
#[cfg(feature = "compile")]
use hexgate_host::bundle::{PrivateKey, TrustedKeys};
use hexgate_host::bundle::{UnverifiedBundle, trace_of_bundle};

use super::{
    Refused, ResolveError, Resolved, Resolver, Settings, Trust, is_bundle_folder, notices,
    trust_of_bundle, trust_of_source,
};
use crate::live::LivePolicyBuilder;
use crate::source::{BundleDir, SourceError};
#[cfg(feature = "compile")]
use crate::source::{LocalSigning, PolicyFile};

impl Resolver {
    pub(super) fn local(
        &self,
        path: &Path,
        settings: &Settings,
        builder: LivePolicyBuilder,
    ) -> Result<Resolved, ResolveError> {
        let wrong = |reason: &str| ResolveError::LocalPolicy {
            path: path.to_owned(),
            reason: reason.to_owned(),
        };
        let metadata =
            fs::metadata(path).map_err(|error| wrong(&format!("which cannot be read: {error}")))?;
        let keys = self.trusted(settings)?;
        let require = settings.require_signature;
        let untrusted = |refused| ResolveError::Untrusted {
            path: path.to_owned(),
            refused,
        };
        let (live, kind, trust) = if is_bundle_folder(path) {
            let signed = UnverifiedBundle::read(path)
                .map_err(SourceError::from)?
                .is_signed();
            let trust = trust_of_bundle(signed, keys.is_some(), require).map_err(untrusted)?;
            let source = match (trust, keys) {
                (Trust::Verified, Some(keys)) => BundleDir::new(path, keys, self.expectation()),
                (Trust::Verified, None) => return Err(untrusted(Refused::NoKey)),
                (Trust::DangerousUnverified, _) => {
                    BundleDir::dangerous_without_signature(path, self.expectation())
                }
            };
            (builder.open(source)?, "bundle-dir", trust)
        } else {
            let ending = path.extension().and_then(|ending| ending.to_str());
            let kind = match ending {
                _ if metadata.is_dir() => "yaml",
                Some("yaml" | "yml") => "yaml",
                Some("rego") => "rego",
                _ => return Err(wrong("which is neither a policy nor a bundle")),
            };
            // Who can write there could take the manifest away, and what is left is a source that nobody signed.
            if keys.is_some()
                && let Some(trace) = trace_of_bundle(path)
            {
                let path = path.to_owned();
                return Err(ResolveError::PartOfBundle { path, trace });
            }
            let signed = settings.sign_key.is_some();
            let trust = trust_of_source(signed, keys.is_some(), require).map_err(untrusted)?;
            #[cfg(not(feature = "compile"))]
            return Err(ResolveError::NotBuilt {
                asks: format!(
                    "HEXGATE_LOCAL_POLICY names `{}`, which has to be compiled ({kind}, {trust:?})",
                    path.display()
                ),
                feature: "compile",
            });
            #[cfg(feature = "compile")]
            {
                let mut source = match (trust, keys, &settings.sign_key) {
                    (Trust::Verified, Some(trusted), Some(file)) => {
                        PolicyFile::signed_here(path, self.signing(file, trusted)?)
                    }
                    (Trust::Verified, _, _) => return Err(untrusted(Refused::NoKey)),
                    (Trust::DangerousUnverified, _, _) => PolicyFile::dangerous_unsigned(path),
                };
                if let Some(opa) = &settings.opa {
                    source = source.opa(opa);
                }
                (builder.open(source)?, kind, trust)
            }
        };
        let origin = path.display().to_string();
        let notices = notices("HEXGATE_LOCAL_POLICY", kind, &origin, &live, trust);
        Ok(self.resolved(live, notices))
    }

    #[cfg(feature = "compile")]
    fn signing(&self, file: &Path, trusted: TrustedKeys) -> Result<LocalSigning, ResolveError> {
        let loaded = PrivateKey::from_file(file).map_err(|source| ResolveError::Key {
            variable: super::settings::SIGN_KEY_PATH,
            source,
        })?;
        if let Some(exposed) = &loaded.warning {
            tracing::warn!("{exposed}");
        }
        Ok(LocalSigning {
            key: loaded.key,
            release: Release {
                agent: Some(self.agent.clone()),
                project: self.project.clone(),
                ..Release::default()
            },
            trusted,
            expectation: self.expectation(),
        })
    }
}
