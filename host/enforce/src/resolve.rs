//! Where the policy of an agent comes from, as the environment says.
//!
//! `HEXGATE_LOCAL_POLICY` comes first, then `HEXGATE_POLICY`, then the platform, then an error: without a policy there is no agent. What
//! the environment asks for and this program was built without is an error too, which names the [feature](crate#features). What must be
//! signed is decided by one table, [`trust_of_bundle`] and [`trust_of_source`]; a policy without a verified signature is accepted only with
//! `HEXGATE_BUNDLE_REQUIRE_SIGNATURE=false`, or as a policy's own source in a file that the operator named. Where a public key is set, no
//! such policy decides.

mod local;
mod matrix;
#[cfg(feature = "platform")]
mod platform;
#[cfg(feature = "registry")]
mod registry;
mod settings;

pub use matrix::{Refused, Trust, trust_of_bundle, trust_of_source};
use settings::LOCAL_POLICY;
pub use settings::{Environment, Settings, SettingsError};

use std::path::{Path, PathBuf};
use std::time::Duration;

use hexgate_host::Engine;
use hexgate_host::bundle::{Expectation, KeyError, SequenceStore, TrustedKeys, is_bundle};

use crate::enforcer::{Enforcer, EnforcerBuilder};
use crate::kill::KillSwitch;
use crate::live::LivePolicy;
#[cfg(not(all(feature = "platform", feature = "registry")))]
use crate::live::LivePolicyBuilder;
use crate::source::SourceError;

/// Finds the policy of an agent.
#[derive(Debug)]
#[must_use = "it finds nothing before `resolve`"]
pub struct Resolver {
    agent: String,
    project: Option<String>,
    engine: Engine,
    sequences: Option<SequenceStore>,
    accept_unbound: bool,
    trust_on_first_use: bool,
    bans_max_age: Option<Duration>,
    local_mode: bool,
    otherwise: Option<Otherwise>,
}

/// The policy of an agent for which the environment names none.
#[derive(Debug, Clone)]
enum Otherwise {
    /// At this path.
    Path(PathBuf),
    /// This text, which is part of the program.
    #[cfg(feature = "compile")]
    Text {
        name: &'static str,
        text: &'static str,
    },
}

/// A policy that was found, with notices for the operator.
#[derive(Debug)]
#[non_exhaustive]
pub struct Resolved {
    /// The agent that it was found for.
    pub agent: String,
    /// The live policy.
    pub live: LivePolicy,
    /// Stops what the host stops and, if the policy comes from the platform, what the platform bans.
    pub kill_switch: KillSwitch,
    /// Lines for the operator: the source that was chosen instead of the platform, and what is not verified.
    pub notices: Vec<String>,
}

/// Why there is no policy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// The environment has a value that cannot be read.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The environment names no policy.
    #[error(
        "agent `{}` has no policy: set HEXGATE_LOCAL_POLICY to a policy or a bundle, HEXGATE_POLICY to a bundle in a registry, or HEXGATE_API_KEY to take it from the platform{}",
        agent.escape_debug(), if *local { ", which HEXGATE_LOCAL_MODE forbids now" } else { "" }
    )]
    NoPolicy {
        /// The agent.
        agent: String,
        /// Whether HEXGATE_LOCAL_MODE excludes the platform.
        local: bool,
    },
    /// The path is neither a policy nor a bundle.
    #[error("{named_by} names `{}`, {reason}; name a bundle's folder, a folder of roles, or a file `.yaml`, `.yml` or `.rego`", path.display())]
    LocalPolicy {
        /// What names it: `HEXGATE_LOCAL_POLICY`, or the agent.
        named_by: &'static str,
        /// The path.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The policy is not signed as required.
    #[error("{named_by} names `{}`: {refused}", path.display())]
    Untrusted {
        /// What names it.
        named_by: &'static str,
        /// The path.
        path: PathBuf,
        /// Why.
        refused: Refused,
    },
    /// The file belongs to a bundle, perhaps an incomplete one, and would be taken for a policy's source.
    #[error(
        "{named_by} names `{}`, and `{}` shows that it is part of a bundle, which must be complete where {} is set; put the whole bundle there and name its folder, or move the source elsewhere",
        path.display(), trace.display(), settings::PUBKEY_PATH
    )]
    PartOfBundle {
        /// What names it.
        named_by: &'static str,
        /// The path.
        path: PathBuf,
        /// The file that shows it.
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
    /// A bundle in a registry needs a key to be verified with.
    #[error(
        "HEXGATE_POLICY names a bundle in a registry, and {} is not set, so nothing that the registry sends can be verified; set it to the signer's public key",
        settings::PUBKEY_PATH
    )]
    NoBundleKey,
    /// This program was built without what the environment asks for.
    #[error(
        "{asks}, and this program was built without the feature `{feature}` of hexgate-enforce; build it with that feature, or name another source of the policy"
    )]
    NotBuilt {
        /// What the environment asks for.
        asks: String,
        /// The feature.
        feature: &'static str,
    },
    /// The policy is refused.
    #[error(transparent)]
    Source(#[from] SourceError),
}

impl Resolver {
    /// For this agent, to run in this engine.
    pub fn new(agent: impl Into<String>, engine: &Engine) -> Self {
        Self {
            agent: agent.into(),
            project: None,
            engine: engine.clone(),
            sequences: None,
            accept_unbound: false,
            trust_on_first_use: false,
            bans_max_age: None,
            local_mode: false,
            otherwise: None,
        }
    }

    /// Leaves the platform out, as `HEXGATE_LOCAL_MODE` does.
    pub fn local_mode(mut self) -> Self {
        self.local_mode = true;
        self
    }

    /// Takes the policy or the bundle at this path if the environment names no policy: what the agent's own files name. What must be signed
    /// is the same as for `HEXGATE_LOCAL_POLICY`.
    pub fn otherwise(mut self, path: impl Into<PathBuf>) -> Self {
        self.otherwise = Some(Otherwise::Path(path.into()));
        self
    }

    /// Takes this policy, a text that is part of the program, if the environment names none. What must be signed is the same as for
    /// `HEXGATE_LOCAL_POLICY`: where a signature is required, this one is refused.
    #[cfg(feature = "compile")]
    pub fn otherwise_built_in(mut self, name: &'static str, text: &'static str) -> Self {
        self.otherwise = Some(Otherwise::Text { name, text });
        self
    }

    /// Expects local bundles to be bound to this project too. Default: to none. The platform's are expected to be bound to the
    /// project of the key.
    pub fn project(mut self, project: impl Into<String>) -> Self {
        self.project = Some(project.into());
        self
    }

    /// Remembers on disk which bundles were admitted, so that no older one comes back after a restart. Default: in the file that
    /// `HEXGATE_BUNDLE_SEQUENCES_PATH` names; without it only as long as the process runs, with a notice.
    pub fn sequences(mut self, store: SequenceStore) -> Self {
        self.sequences = Some(store);
        self
    }

    /// Accepts bundles that are bound to no agent or no project, as all bundles of the Python system are.
    ///
    /// CAUTION: such a bundle can be replayed for another agent, or be an old one.
    pub fn dangerous_accept_unbound(mut self) -> Self {
        self.accept_unbound = true;
        self
    }

    /// Without `HEXGATE_PUBLIC_KEY`, trusts the keys that the platform names first, for as long as this process runs.
    ///
    /// CAUTION: an attacker who answers in the platform's place at that moment decides what is permitted.
    pub fn dangerous_trust_on_first_use(mut self) -> Self {
        self.trust_on_first_use = true;
        self
    }

    /// Stops every call once the platform's list of bans was not confirmed for this long, and finds no policy if there is no list. Default:
    /// the last list does not expire; a platform without a list is asked again and again, with a notice.
    pub fn bans_max_age(mut self, max_age: Duration) -> Self {
        self.bans_max_age = Some(max_age);
        self
    }

    /// Finds the policy. Waits for the first answer of its source: some seconds at most for the platform, some minutes for a registry.
    ///
    /// # Errors
    ///
    /// There is no policy, or none that may decide.
    pub fn resolve(&self, environment: &Environment) -> Result<Resolved, ResolveError> {
        let settings = Settings::read(environment)?;
        let store = self.store(&settings)?;
        let remembers = store.is_some();
        let builder = match store {
            Some(store) => LivePolicy::builder(&self.engine).sequences(store),
            None => LivePolicy::builder(&self.engine),
        };
        let mut is_bundle = true;
        // The first setting wins, and its failure is an error: an attacker who breaks one source must not get another one.
        let mut resolved = if let Some(path) = &settings.local_policy {
            is_bundle = is_bundle_folder(path);
            self.local(LOCAL_POLICY, path, &settings, builder)?
        } else if let Some(reference) = &settings.policy {
            self.registry(reference, &settings, builder)?
        } else if settings.has_key() && !self.is_local(&settings) {
            self.platform(&settings, builder)?
        } else {
            match &self.otherwise {
                Some(Otherwise::Path(path)) => {
                    is_bundle = is_bundle_folder(path);
                    self.local(AGENT, path, &settings, builder)?
                }
                #[cfg(feature = "compile")]
                Some(Otherwise::Text { name, text }) => {
                    is_bundle = false;
                    self.built_in(name, text, &settings, builder)?
                }
                None => {
                    return Err(ResolveError::NoPolicy {
                        agent: self.agent.clone(),
                        local: self.is_local(&settings),
                    });
                }
            }
        };
        if is_bundle {
            let rollback = rollback(&resolved.live, remembers);
            resolved.notices.extend(rollback);
        }
        for notice in &resolved.notices {
            tracing::warn!("{notice}");
        }
        Ok(resolved)
    }

    #[cfg(not(feature = "registry"))]
    fn registry(
        &self,
        reference: &str,
        _: &Settings,
        _: LivePolicyBuilder,
    ) -> Result<Resolved, ResolveError> {
        Err(ResolveError::NotBuilt {
            asks: format!("HEXGATE_POLICY names `{}`", reference.escape_debug()),
            feature: "registry",
        })
    }

    #[cfg(not(feature = "platform"))]
    fn platform(&self, _: &Settings, _: LivePolicyBuilder) -> Result<Resolved, ResolveError> {
        Err(ResolveError::NotBuilt {
            asks: "HEXGATE_API_KEY asks for the platform's policy".to_owned(),
            feature: "platform",
        })
    }

    fn resolved(&self, live: LivePolicy, notices: Vec<String>) -> Resolved {
        Resolved {
            agent: self.agent.clone(),
            live,
            kill_switch: KillSwitch::new(),
            notices,
        }
    }

    /// Whether the platform is left out.
    fn is_local(&self, settings: &Settings) -> bool {
        self.local_mode || settings.local_mode
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

    /// The store of the bundles that were admitted, as the program or the environment names it.
    fn store(&self, settings: &Settings) -> Result<Option<SequenceStore>, SettingsError> {
        match (&self.sequences, &settings.sequences) {
            (Some(store), Some(path)) if store.path() != path => Err(SettingsError::Value {
                variable: settings::SEQUENCES_PATH.to_owned(),
                reason: format!(
                    "this program records admitted bundles in `{}` already; unset the variable, or name that file",
                    store.path().display()
                ),
            }),
            (Some(store), _) => Ok(Some(store.clone())),
            (None, path) => Ok(path.as_ref().map(SequenceStore::at)),
        }
    }
}

impl Resolved {
    /// Options for an enforcer of the agent's calls by this policy and this switch.
    pub fn enforcer(&self) -> EnforcerBuilder {
        Enforcer::builder(&self.agent, &self.live).kill_switch(&self.kill_switch)
    }
}

/// What names the policy that an agent brings along, for messages.
const AGENT: &str = "the agent";

/// Whether the path names a bundle, not a policy's own source.
fn is_bundle_folder(path: &Path) -> bool {
    path.is_dir() && is_bundle(path)
}

/// The notice for the operator if an older bundle could replace the one that decides.
fn rollback(live: &LivePolicy, is_remembered: bool) -> Option<String> {
    let id = live.id();
    let origin = &id.origin;
    // Without a signature to check, an attacker who could roll back could as well write a new policy.
    id.signer?;
    match (id.sequence, is_remembered) {
        (None, _) => Some(format!(
            "[hexgate] warning: `{origin}` has no sequence number, so any older bundle without one can replace it; build it with `--sequence N`"
        )),
        (Some(sequence), false) => Some(format!(
            "[hexgate] warning: this process forgets number {sequence} of `{origin}` when it ends, and the next one accepts an older bundle; set {} to a file that tools cannot write",
            settings::SEQUENCES_PATH
        )),
        (Some(_), true) => None,
    }
}

/// The notices for the operator about a policy that was chosen instead of the platform's.
fn notices(
    variable: &str,
    kind: &str,
    origin: &str,
    live: &LivePolicy,
    trust: Trust,
) -> Vec<String> {
    let id = live.id();
    let digest = id.component.to_string();
    let word = match trust {
        Trust::Verified => "signed",
        Trust::DangerousUnverified => "not verified",
    };
    let mut notices = vec![format!(
        "[hexgate] {variable} active ({kind}): {origin} (wasm_hash={}, {word})",
        digest.get(..12).unwrap_or(&digest)
    )];
    if trust == Trust::DangerousUnverified {
        notices.push(format!(
            "[hexgate] warning: no signature of this policy is checked; every user who can write to `{origin}` decides what is permitted"
        ));
    }
    notices
}
