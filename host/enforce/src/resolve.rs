//! Where the policy of an agent comes from, as the environment says.
//!
//! `HEXGATE_LOCAL_POLICY` comes first, then the platform, then an error: without a policy there is no agent. What must be signed is
//! decided by one table, [`trust_of_bundle`] and [`trust_of_source`]; everything that would accept what nobody vouches for needs
//! `HEXGATE_BUNDLE_REQUIRE_SIGNATURE=false`, or is a policy's own source in a file that the operator named. Where a public key is set,
//! nothing of the kind decides.

mod matrix;
mod settings;

pub use matrix::{Refused, Trust, trust_of_bundle, trust_of_source};
pub use settings::{ApiUrl, Environment, Settings, SettingsError};

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hexgate::Engine;
use hexgate::bundle::{
    Expectation, KeyError, PrivateKey, SequenceStore, TrustedKeys, UnverifiedBundle, is_bundle,
    trace_of_bundle,
};
use hexgate_compiler::{Release, is_rego};

use crate::enforcer::{Enforcer, EnforcerBuilder};
use crate::kill::KillSwitch;
use crate::live::{LivePolicy, LivePolicyBuilder};
use crate::platform::Platform;
use crate::source::{BundleDir, LocalSigning, PolicyFile, SourceError};

/// Finds the policy of an agent.
#[derive(Debug)]
pub struct Resolver {
    agent: String,
    project: Option<String>,
    engine: Engine,
    sequences: Option<SequenceStore>,
    accept_unbound: bool,
    trust_on_first_use: bool,
    bans_max_age: Option<Duration>,
}

/// A policy that was found, and what the operator should know about it.
#[derive(Debug)]
pub struct Resolved {
    /// The agent that it was found for.
    pub agent: String,
    /// The policy that lives from what was found.
    pub live: LivePolicy,
    /// Stops whom the platform bans, if the policy comes from there, and whom the host stops.
    pub kill_switch: KillSwitch,
    /// Lines for the operator: what was chosen instead of the platform, and what is not verified.
    pub notices: Vec<String>,
}

/// Why there is no policy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// The environment is not understood.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The environment names no policy.
    #[error(
        "agent `{}` has no policy: set HEXGATE_LOCAL_POLICY to a policy or a bundle, or HEXGATE_API_KEY to take it from the platform{}",
        agent.escape_debug(), if *local { ", which HEXGATE_LOCAL_MODE forbids now" } else { "" }
    )]
    NoPolicy {
        /// The agent.
        agent: String,
        /// Whether the platform was left out on purpose.
        local: bool,
    },
    /// The path is neither a policy nor a bundle.
    #[error("HEXGATE_LOCAL_POLICY names `{}`, {reason}; name a bundle's folder, a folder of roles, or a file `.yaml`, `.yml` or `.rego`", path.display())]
    LocalPolicy {
        /// The path.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The policy is not vouched for as it must be.
    #[error("HEXGATE_LOCAL_POLICY names `{}`: {refused}", path.display())]
    Untrusted {
        /// The path.
        path: PathBuf,
        /// Why.
        refused: Refused,
    },
    /// It is a file of a bundle, or what is left of one, and would be taken for a policy's source.
    #[error(
        "HEXGATE_LOCAL_POLICY names `{}`, and `{}` says that it is part of a bundle, which counts as a whole where {} is set; put the whole bundle there and name its folder, or move the source elsewhere",
        path.display(), trace.display(), settings::PUBKEY_PATH
    )]
    PartOfBundle {
        /// The path.
        path: PathBuf,
        /// The file that tells.
        trace: PathBuf,
    },
    /// A key cannot be used.
    #[error("{variable}: {source}")]
    Key {
        /// The variable that names it.
        variable: &'static str,
        /// Why not.
        source: KeyError,
    },
    /// The platform needs a key to verify what it sends.
    #[error(
        "HEXGATE_PUBLIC_KEY is not set, so nothing that the platform sends can be verified; set it to the project's public key"
    )]
    NoPublicKey,
    /// The policy is refused.
    #[error(transparent)]
    Source(#[from] SourceError),
}

impl Resolver {
    /// For this agent, to run in this engine.
    #[must_use]
    pub fn new(agent: impl Into<String>, engine: &Engine) -> Self {
        Self {
            agent: agent.into(),
            project: None,
            engine: engine.clone(),
            sequences: None,
            accept_unbound: false,
            trust_on_first_use: false,
            bans_max_age: None,
        }
    }

    /// Expects local bundles to be bound to this project too. Default: to none. The platform's are expected to be bound to the
    /// project of the key.
    #[must_use]
    pub fn project(mut self, project: impl Into<String>) -> Self {
        self.project = Some(project.into());
        self
    }

    /// Remembers on disk which bundles were admitted, so that no older one comes back after a restart. Default: in the file that
    /// `HEXGATE_BUNDLE_SEQUENCES_PATH` names; without it only as long as the process runs, with a notice.
    #[must_use]
    pub fn sequences(mut self, store: SequenceStore) -> Self {
        self.sequences = Some(store);
        self
    }

    /// Accepts bundles that leave the agent or the project open, as all of the Python system do.
    ///
    /// CAUTION: such a bundle can be replayed for another agent, or be an old one.
    #[must_use]
    pub fn dangerous_accept_unbound(mut self) -> Self {
        self.accept_unbound = true;
        self
    }

    /// Without `HEXGATE_PUBLIC_KEY`, trusts the keys that the platform names first, for as long as this process runs.
    ///
    /// CAUTION: whoever answers in the platform's place at that moment decides what is permitted.
    #[must_use]
    pub fn dangerous_trust_on_first_use(mut self) -> Self {
        self.trust_on_first_use = true;
        self
    }

    /// Stops everybody once the platform's list of bans was not confirmed for this long, and finds no policy if there is no list. Default:
    /// the last list counts for ever, and a platform without a list is asked again and again, with a notice.
    #[must_use]
    pub fn bans_max_age(mut self, max_age: Duration) -> Self {
        self.bans_max_age = Some(max_age);
        self
    }

    /// Finds the policy, and waits for the platform's first answer if it comes from there: for some seconds at most.
    ///
    /// # Errors
    ///
    /// There is no policy, or none that may decide.
    pub fn resolve(&self, environment: &Environment) -> Result<Resolved, ResolveError> {
        let settings = Settings::read(environment)?;
        let sequences = self.store(&settings)?;
        if let Some(path) = &settings.local_policy {
            return self.local(path, &settings, sequences);
        }
        match &settings.key {
            Some(key) if !settings.local_mode => {
                if settings.public_keys.is_empty() && !self.trust_on_first_use {
                    return Err(ResolveError::NoPublicKey);
                }
                let mut platform = Platform::new(&self.agent, key.clone(), settings.url.clone());
                if settings.public_keys.is_empty() {
                    platform = platform.dangerous_trust_on_first_use();
                }
                for public in &settings.public_keys {
                    platform = platform.pin(public.clone());
                }
                if self.accept_unbound {
                    platform = platform.dangerous_accept_unbound();
                }
                if let Some(max_age) = self.bans_max_age {
                    platform = platform.bans_max_age(max_age);
                }
                let kill_switch = KillSwitch::new();
                // With an age that a list must not have, none is too old.
                let optional = self.bans_max_age.is_none();
                let missing = platform
                    .enforce_bans_unless_missing(&kill_switch, optional)
                    .map_err(SourceError::from)?;
                let is_remembered = sequences.is_some();
                let live = platform.open(self.builder(sequences))?;
                let mut notices: Vec<String> = missing
                    .map(|none| format!("[hexgate] warning: {none}; nobody is stopped by it"))
                    .into_iter()
                    .collect();
                notices.extend(rollback(&live, is_remembered));
                say(&notices);
                Ok(Resolved {
                    agent: self.agent.clone(),
                    live,
                    kill_switch,
                    notices,
                })
            }
            _ => Err(ResolveError::NoPolicy {
                agent: self.agent.clone(),
                local: settings.local_mode,
            }),
        }
    }

    fn local(
        &self,
        path: &Path,
        settings: &Settings,
        sequences: Option<SequenceStore>,
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
        let is_remembered = sequences.is_some();
        let builder = self.builder(sequences);
        let (live, kind, trust) = if metadata.is_dir() && is_bundle(path) {
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
            if !(metadata.is_dir() || matches!(ending, Some("yaml" | "yml")) || is_rego(path)) {
                return Err(wrong("which is neither a policy nor a bundle"));
            }
            // Whoever can write there could take the manifest away, and what is left is a source that nobody signed.
            if keys.is_some()
                && let Some(trace) = trace_of_bundle(path)
            {
                let path = path.to_owned();
                return Err(ResolveError::PartOfBundle { path, trace });
            }
            let signed = settings.sign_key.is_some();
            let trust = trust_of_source(signed, keys.is_some(), require).map_err(untrusted)?;
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
            let kind = if is_rego(path) { "rego" } else { "yaml" };
            (builder.open(source)?, kind, trust)
        };
        let mut notices = notices(path, kind, &live, trust);
        if kind == "bundle-dir" {
            notices.extend(rollback(&live, is_remembered));
        }
        say(&notices);
        Ok(Resolved {
            agent: self.agent.clone(),
            live,
            kill_switch: KillSwitch::new(),
            notices,
        })
    }

    fn signing(&self, file: &Path, trusted: TrustedKeys) -> Result<LocalSigning, ResolveError> {
        let loaded = PrivateKey::from_file(file).map_err(|source| ResolveError::Key {
            variable: settings::SIGN_KEY_PATH,
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

    fn trusted(&self, settings: &Settings) -> Result<Option<TrustedKeys>, ResolveError> {
        if settings.pubkeys.is_empty() {
            return Ok(None);
        }
        TrustedKeys::from_files(&settings.pubkeys)
            .map(Some)
            .map_err(|source| ResolveError::Key {
                variable: settings::PUBKEY_PATH,
                source,
            })
    }

    fn expectation(&self) -> Expectation {
        let mut expectation = Expectation::agent(&self.agent);
        if let Some(project) = &self.project {
            expectation = expectation.in_project(project);
        }
        if self.accept_unbound {
            expectation = expectation.dangerous_accept_unbound();
        }
        expectation
    }

    /// Where it is remembered which bundles were admitted, as the program or the environment says.
    fn store(&self, settings: &Settings) -> Result<Option<SequenceStore>, SettingsError> {
        match (&self.sequences, &settings.sequences) {
            (Some(store), Some(path)) if store.path() != path => Err(SettingsError::Value {
                variable: settings::SEQUENCES_PATH.to_owned(),
                reason: format!(
                    "this program remembers the bundles in `{}` already; unset it, or name that file",
                    store.path().display()
                ),
            }),
            (Some(store), _) => Ok(Some(store.clone())),
            (None, path) => Ok(path.as_ref().map(SequenceStore::at)),
        }
    }

    fn builder(&self, sequences: Option<SequenceStore>) -> LivePolicyBuilder {
        let builder = LivePolicy::builder(&self.engine);
        match sequences {
            Some(store) => builder.sequences(store),
            None => builder,
        }
    }
}

impl Resolved {
    /// Options for an enforcer of the agent's calls by this policy and this switch.
    #[must_use]
    pub fn enforcer(&self) -> EnforcerBuilder {
        Enforcer::builder(&self.agent, &self.live).kill_switch(&self.kill_switch)
    }
}

fn say(notices: &[String]) {
    for notice in notices {
        tracing::warn!("{notice}");
    }
}

/// What the operator should know where an older bundle could take the place of the one that decides.
fn rollback(live: &LivePolicy, is_remembered: bool) -> Option<String> {
    let id = live.id();
    let origin = &id.origin;
    // Where nobody vouches for the bundle, there is nothing to roll back to that could not be written anew.
    id.signer?;
    match (id.sequence, is_remembered) {
        (None, _) => Some(format!(
            "[hexgate] warning: `{origin}` has no sequence number, so any older bundle without one can take its place; build it with `--sequence N`"
        )),
        (Some(sequence), false) => Some(format!(
            "[hexgate] warning: that number {sequence} of `{origin}` was in use is forgotten when this process ends, and an older bundle is accepted then; set {} to a file that tools cannot write",
            settings::SEQUENCES_PATH
        )),
        (Some(_), true) => None,
    }
}

fn notices(path: &Path, kind: &str, live: &LivePolicy, trust: Trust) -> Vec<String> {
    let id = live.id();
    let digest = id.component.to_string();
    let word = match trust {
        Trust::Verified => "signed",
        Trust::DangerousUnverified => "not verified",
    };
    let mut notices = vec![format!(
        "[hexgate] HEXGATE_LOCAL_POLICY active ({kind}): {} (wasm_hash={}, {word})",
        path.display(),
        digest.get(..12).unwrap_or(&digest)
    )];
    if trust == Trust::DangerousUnverified {
        notices.push(format!(
            "[hexgate] warning: nobody vouches for this policy; whoever can write to `{}` decides what is permitted",
            path.display()
        ));
    }
    notices
}
