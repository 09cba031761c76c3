//! What is known about a component or a bundle.

use std::path::Path;

use hexgate_bundle::Contents;
use hexgate_host::contract::names::{DECISION, DESCRIPTION, VERSION, WORLD};
use serde::Serialize;

use super::{
    binary::{self, Item, Kind},
    digest,
    permits::{self, Permits},
};
use crate::policy::subject::known_plan;

/// Everything that is shown.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bundle: Option<Bundle>,
    pub(super) component: Component,
    /// What was not checked.
    pub(super) not_verified: Vec<String>,
    /// Whether a signature was asked for that is not there.
    #[serde(skip)]
    unsigned_refused: bool,
}

/// What the manifest says.
#[derive(Debug, Serialize)]
pub(super) struct Bundle {
    pub(super) signature: Signature,
    pub(super) manifest_version: u64,
    pub(super) source: String,
    /// Whether the source in the bundle compiles to its component; none if that cannot be told.
    pub(super) source_compiles_to_component: Option<bool>,
    pub(super) source_sha256: String,
    pub(super) rego_sha256: String,
    pub(super) contract: Option<String>,
    pub(super) engine: Option<String>,
    pub(super) engine_digest: Option<String>,
    pub(super) compiler: Option<String>,
    pub(super) agent: Option<String>,
    pub(super) project: Option<String>,
    pub(super) sequence: Option<u64>,
    pub(super) not_before: Option<String>,
    pub(super) expires_at: Option<String>,
    /// Whether the time is within the validity: `valid`, `not_yet_valid`, `expired`.
    pub(super) validity: &'static str,
    pub(super) stateless: bool,
    #[serde(rename = "duties")]
    pub(super) obligations: Vec<&'static str>,
    /// The key that the manifest names.
    pub(super) claimed_key_id: Option<String>,
}

/// What is known about a signature.
#[derive(Debug, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(super) enum Signature {
    /// There is none.
    Unsigned,
    /// There is one, not checked.
    NotVerified,
    /// A given key made it.
    Verified {
        /// Which.
        key_id: String,
    },
    /// No given key made it, or the bundle breaks another rule.
    DoesNotVerify {
        /// Why.
        reason: String,
    },
}

/// What the binary says.
#[derive(Debug, Serialize)]
pub(super) struct Component {
    pub(super) kind: &'static str,
    pub(super) bytes: usize,
    pub(super) sha256: String,
    pub(super) imports: Vec<Item>,
    pub(super) exports: Vec<Item>,
    /// None: not of the world of policies.
    pub(super) world: Option<String>,
    pub(super) contract_version: Option<String>,
    pub(super) engine_known: bool,
    pub(super) engine_digest: Option<&'static str>,
    pub(super) plan_bytes: Option<usize>,
    /// What OPA compiled, if that decides.
    pub(super) opa_module_bytes: Option<usize>,
    pub(super) permits: Option<Permits>,
    /// Why it is not known what it permits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) undescribed: Option<String>,
}

impl Report {
    /// Puts together what is known.
    pub(super) fn new(
        path: &Path,
        bundle: Option<Bundle>,
        component: Component,
        unsigned_refused: bool,
    ) -> Self {
        let mut not_verified = Vec::new();
        let origin = match bundle.as_ref().map(|bundle| &bundle.signature) {
            None => Some("who made the component: it stands alone"),
            Some(Signature::Unsigned) => Some("who made the bundle: it is not signed"),
            Some(Signature::NotVerified) => Some("the signature: pass `--pubkey FILE`"),
            Some(Signature::DoesNotVerify { .. }) => {
                Some("who made the bundle: the signature does not verify")
            }
            Some(Signature::Verified { .. }) => None,
        };
        not_verified.extend(origin.map(str::to_owned));
        if let Some(bundle) = &bundle {
            if bundle.agent.is_some() || bundle.project.is_some() {
                not_verified.push(
                    "that agent and project are the expected ones: `hexgate policy verify` does"
                        .to_owned(),
                );
            }
            if bundle.source_compiles_to_component != Some(true) {
                not_verified
                    .push("that the component does what the source in the bundle says".to_owned());
            }
        }
        if component.permits.is_some() && !component.engine_known {
            not_verified
                .push("what the component says it permits: its engine is not known".to_owned());
        }
        Self {
            path: path.display().to_string(),
            bundle,
            component,
            not_verified,
            unsigned_refused,
        }
    }

    /// Whether a signature was asked for and is not good.
    pub(super) fn is_refused(&self) -> bool {
        let signature = self.bundle.as_ref().map(|bundle| &bundle.signature);
        self.unsigned_refused || matches!(signature, Some(Signature::DoesNotVerify { .. }))
    }
}

impl Bundle {
    /// What a manifest says.
    pub(super) fn new(
        contents: &Contents,
        signature: Signature,
        source_compiles_to_component: Option<bool>,
    ) -> Self {
        let manifest = contents.manifest();
        let now = hexgate_bundle::Timestamp::from_system_time(std::time::SystemTime::now());
        let validity = match (manifest.not_before(), manifest.expires_at(), now) {
            (None, None, _) => "valid",
            (_, _, None) => "unknown",
            (Some(from), _, Some(now)) if now < from => "not_yet_valid",
            (_, Some(until), Some(now)) if now >= until => "expired",
            _ => "valid",
        };
        Self {
            signature,
            manifest_version: manifest.version(),
            source: manifest.source().to_owned(),
            source_compiles_to_component,
            source_sha256: manifest.source_hash().to_string(),
            rego_sha256: manifest.rego_hash().to_string(),
            contract: manifest.contract().map(str::to_owned),
            engine: manifest.engine().map(str::to_owned),
            engine_digest: manifest.engine_digest().map(|digest| digest.to_string()),
            compiler: manifest.compiler().map(str::to_owned),
            agent: manifest.agent().map(str::to_owned),
            project: manifest.project().map(str::to_owned),
            sequence: manifest.sequence(),
            not_before: manifest.not_before().map(|time| time.to_string()),
            expires_at: manifest.expires_at().map(|time| time.to_string()),
            validity,
            stateless: manifest.stateless(),
            obligations: manifest
                .obligations()
                .iter()
                .map(|obligation| obligation.key())
                .collect(),
            claimed_key_id: manifest.key_id().map(|id| id.to_string()),
        }
    }
}

impl Component {
    /// Reads a binary, and asks it what it permits if its plan does not tell.
    pub(super) fn read(wasm: &[u8]) -> anyhow::Result<Self> {
        let binary = binary::read(wasm)?;
        let contract_version = match binary.kind {
            Kind::Component if binary.imports.is_empty() => version(&binary.exports),
            _ => None,
        };
        let plan = known_plan(wasm)?;
        let permits = match &plan {
            Some(plan) => permits::of_plan(plan),
            None => match (binary.kind, binary.imports.is_empty(), &contract_version) {
                (Kind::CoreModule, ..) => Err(anyhow::anyhow!(
                    "it is a core module, which another system executes"
                )),
                (_, false, _) => Err(anyhow::anyhow!("it has imports, and a policy has none")),
                (_, _, None) => Err(anyhow::anyhow!(
                    "it does not export the interfaces of a policy"
                )),
                _ => permits::of_component(wasm),
            },
        };
        let (permits, undescribed) = match permits {
            Ok(permits) => (Some(permits), None),
            Err(error) => (None, Some(format!("{error:#}"))),
        };
        Ok(Self {
            kind: if binary.kind == Kind::Component {
                "component"
            } else {
                "core module"
            },
            bytes: wasm.len(),
            sha256: digest(wasm),
            imports: binary.imports,
            exports: binary.exports,
            world: contract_version
                .as_ref()
                .map(|version| format!("{WORLD}@{version}")),
            contract_version,
            engine_known: plan.is_some(),
            engine_digest: plan.is_some().then_some(hexgate_component::DIGEST),
            plan_bytes: plan.as_ref().map(Vec::len),
            opa_module_bytes: hexgate_component::opa_module_of(wasm)
                .map(|(module, _)| module.len()),
            permits,
            undescribed,
        })
    }
}

/// The version of the contract, if all of its interfaces are there in one version.
fn version(exports: &[Item]) -> Option<String> {
    let of = |interface: &str| {
        let unversioned = interface.strip_suffix(VERSION)?;
        let mut names = exports.iter().map(|export| &export.name);
        names.find_map(|name| name.strip_prefix(unversioned))
    };
    let version = of(DECISION)?;
    (of(DESCRIPTION) == Some(version)).then(|| version.to_owned())
}
