//! Version 1, of the Python system. Written only for hosts that know no other.

use serde::{Deserialize, Serialize};

use super::{ManifestError, Obligation};
use crate::{Digest, canonical, stem::plain_name};

/// What `version` says.
pub const VERSION: u64 = 1;

/// A manifest of version 1. It is bound to no agent, project, time or sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Manifest {
    /// The policy's file name.
    pub source: String,
    /// SHA-256 of the policy's source.
    pub source_hash: Digest,
    /// SHA-256 of the Rego text.
    pub rego_hash: Digest,
    /// SHA-256 of the module; None if the bundle was built without one.
    pub wasm_hash: Option<Digest>,
    /// What the later releases of that system demand of a host.
    pub obligations: Vec<Obligation>,
}

impl Manifest {
    /// The bytes that are signed, spelled as that system spells them. Obligations are not written: this crate makes no policies that have
    /// them.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, ManifestError> {
        /// The fields stand in the order of the keys.
        #[derive(Serialize)]
        struct Written<'a> {
            rego_hash: Digest,
            source: &'a str,
            source_hash: Digest,
            version: u64,
            wasm_hash: Option<Digest>,
        }
        Ok(canonical::to_bytes(&Written {
            rego_hash: self.rego_hash,
            source: &self.source,
            source_hash: self.source_hash,
            version: VERSION,
            wasm_hash: self.wasm_hash,
        })?)
    }

    /// Reads a manifest of this version. Its spelling need not be canonical: the format never promised that.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        let wire: Wire = serde_json::from_slice(bytes)?;
        let Wire {
            _version: _,
            source,
            source_hash,
            rego_hash,
            wasm_hash,
            agent_gating,
            guards,
            agent_usage,
            user_usage,
            usage,
        } = wire;
        plain_name(&source, 255).map_err(|reason| ManifestError::Field {
            field: "source",
            rule: format!("must be a plain file name of 1 to 255 bytes: {reason}"),
        })?;
        let obligations = [
            (
                agent_gating.is_some_and(Gating::demands),
                Obligation::AgentGating,
            ),
            (guards.is_some(), Obligation::Guards),
            (agent_usage.is_some(), Obligation::AgentUsage),
            (user_usage.is_some(), Obligation::UserUsage),
            (usage.is_some(), Obligation::Usage),
        ];
        let obligations = obligations
            .into_iter()
            .filter_map(|(demanded, obligation)| demanded.then_some(obligation))
            .collect();
        Ok(Self {
            source,
            source_hash,
            rego_hash,
            wasm_hash,
            obligations,
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    // The caller has read it; here it must only be a known key.
    #[serde(rename = "version")]
    _version: u64,
    source: String,
    source_hash: Digest,
    rego_hash: Digest,
    // Present and null means: built without a module. Absent is an error like any other missing key.
    #[serde(deserialize_with = "Option::deserialize")]
    wasm_hash: Option<Digest>,
    agent_gating: Option<Gating>,
    // Present in any form, it is an obligation; the host that honours it reads the details.
    #[serde(default, deserialize_with = "present")]
    guards: Option<serde::de::IgnoredAny>,
    #[serde(default, deserialize_with = "present")]
    agent_usage: Option<serde::de::IgnoredAny>,
    #[serde(default, deserialize_with = "present")]
    user_usage: Option<serde::de::IgnoredAny>,
    #[serde(default, deserialize_with = "present")]
    usage: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Gating {
    #[serde(default)]
    admission: bool,
    #[serde(default)]
    reach: bool,
    #[serde(default)]
    reach_tool: bool,
    #[serde(default)]
    skills: bool,
}

impl Gating {
    fn demands(self) -> bool {
        self.admission || self.reach || self.reach_tool || self.skills
    }
}

/// A key that stands there counts, even as null.
fn present<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<serde::de::IgnoredAny>, D::Error> {
    serde::de::IgnoredAny::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use crate::{Digest, Manifest, Obligation};

    fn text(extra: &str) -> String {
        let hash = Digest::of(b"x");
        format!(
            "{{\n  \"rego_hash\": \"{hash}\",\n  \"source\": \"policy.yaml\",\n  \"source_hash\": \"{hash}\",\n  \"version\": 1,\n  \"wasm_hash\": \"{hash}\"{extra}\n}}\n"
        )
    }

    fn obligations(extra: &str) -> Vec<Obligation> {
        Manifest::parse(text(extra).as_bytes())
            .unwrap()
            .obligations()
            .to_vec()
    }

    #[test]
    fn writes_what_the_python_system_writes() {
        let text = text("");
        let Manifest::V1(manifest) = Manifest::parse(text.as_bytes()).unwrap() else {
            panic!("version 1")
        };
        assert_eq!(
            String::from_utf8(manifest.to_bytes().unwrap()).unwrap(),
            text
        );
    }

    #[test]
    fn reads_both_releases() {
        let manifest = Manifest::parse(text("").as_bytes()).unwrap();
        assert_eq!(
            (manifest.version(), manifest.source(), manifest.sequence()),
            (1, "policy.yaml", None)
        );
        assert_eq!(manifest.wasm_hash(), Some(Digest::of(b"x")));
        assert!(manifest.obligations().is_empty());
        assert!(obligations(r#", "agent_gating": {"admission": false, "reach": false, "reach_tool": false, "skills": false}"#).is_empty());
    }

    #[test]
    fn names_every_demand() {
        assert_eq!(
            obligations(r#", "agent_gating": {"skills": true}"#),
            [Obligation::AgentGating]
        );
        assert_eq!(
            obligations(
                r#", "guards": null, "agent_usage": [], "user_usage": ["a"], "usage": {"on_unavailable": "deny"}"#
            ),
            [
                Obligation::Guards,
                Obligation::AgentUsage,
                Obligation::UserUsage,
                Obligation::Usage
            ]
        );
    }

    #[test]
    fn refuses_what_it_does_not_understand() {
        for extra in [
            r#", "quota": 1"#,
            r#", "version": 1"#,
            r#", "source": "policy.yaml""#,
            r#", "agent_gating": {"admission": false, "admission": false}"#,
            r#", "agent_gating": {"tools": true}"#,
        ] {
            assert!(Manifest::parse(text(extra).as_bytes()).is_err(), "{extra}");
        }
        for (from, to) in [
            ("policy.yaml", "../policy.yaml"),
            ("\"version\": 1", "\"version\": 1.0"),
            ("\"version\": 1", "\"version\": true"),
            ("wasm_hash", "wasm"),
        ] {
            assert!(
                Manifest::parse(text("").replace(from, to).as_bytes()).is_err(),
                "{to}"
            );
        }
    }

    #[test]
    fn a_module_can_be_absent_only_in_so_many_words() {
        let hash = format!("\"wasm_hash\": \"{}\"", Digest::of(b"x"));
        let manifest =
            Manifest::parse(text("").replace(&hash, "\"wasm_hash\": null").as_bytes()).unwrap();
        assert_eq!(manifest.wasm_hash(), None);
    }
}
