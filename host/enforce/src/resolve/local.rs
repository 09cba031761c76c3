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
#[cfg(feature = "compile")]
use crate::source::{BuiltIn, LocalSigning, PolicyFile};
use crate::source::{BundleDir, SourceError};

/// What decides, for the notice that says so.
fn active(named_by: &'static str) -> &'static str {
    if named_by == super::AGENT {
        "the agent's own policy is"
    } else {
        named_by
    }
}

impl Resolver {
    pub(super) fn local(
        &self,
        named_by: &'static str,
        path: &Path,
        settings: &Settings,
        builder: LivePolicyBuilder,
    ) -> Result<Resolved, ResolveError> {
        let wrong = |reason: &str| ResolveError::LocalPolicy {
            named_by,
            path: path.to_owned(),
            reason: reason.to_owned(),
        };
        let metadata =
            fs::metadata(path).map_err(|error| wrong(&format!("which cannot be read: {error}")))?;
        let keys = self.trusted(settings)?;
        let require = settings.require_signature;
        let untrusted = |refused| ResolveError::Untrusted {
            named_by,
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
            // An attacker who can write there could remove the manifest, which would leave an unsigned source.
            if keys.is_some()
                && let Some(trace) = trace_of_bundle(path)
            {
                let path = path.to_owned();
                return Err(ResolveError::PartOfBundle {
                    named_by,
                    path,
                    trace,
                });
            }
            let signed = settings.sign_key.is_some();
            let trust = trust_of_source(signed, keys.is_some(), require).map_err(untrusted)?;
            #[cfg(not(feature = "compile"))]
            return Err(ResolveError::NotBuilt {
                asks: format!(
                    "{named_by} names `{}`, which has to be compiled ({kind}, {trust:?})",
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
        let notices = notices(active(named_by), kind, &origin, &live, trust);
        Ok(self.resolved(live, notices))
    }

    /// A policy that is part of the program.
    #[cfg(feature = "compile")]
    pub(super) fn built_in(
        &self,
        name: &'static str,
        text: &'static str,
        settings: &Settings,
        builder: LivePolicyBuilder,
    ) -> Result<Resolved, ResolveError> {
        let has_keys = self.trusted(settings)?.is_some();
        trust_of_source(false, has_keys, settings.require_signature).map_err(|refused| {
            ResolveError::Untrusted {
                named_by: super::AGENT,
                path: name.into(),
                refused,
            }
        })?;
        let live = builder.open(BuiltIn::new(name, text))?;
        Ok(self.resolved(live, Vec::new()))
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
