//! Version 2, which this crate writes.

use serde::{Deserialize, Serialize};

use super::ManifestError;
use crate::{Digest, KeyId, Timestamp, canonical, stem::plain_name};

/// What `version` says.
pub const VERSION: u64 = 2;

/// The largest sequence number, 2^53 - 1: the largest integer that every reader of JSON keeps exact.
pub const MAX_SEQUENCE: u64 = (1 << 53) - 1;

/// The longest agent, project, contract, engine or compiler name in bytes.
pub const MAX_NAME_BYTES: usize = 256;

/// A manifest of version 2. Keys that are absent are not written. The fields stand in the order of the keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Manifest {
    /// The agent that the bundle is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Name and version of the compiler, as in `hexgate-compiler 0.1.0`.
    pub compiler: String,
    /// The contract that the component keeps, as in `hexgate:policy@0.1.0`.
    pub contract: String,
    /// What evaluates the policy inside the component, as in `native`.
    pub engine: String,
    /// SHA-256 of the engine that was put into the component. Absent if there is no separate engine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine_digest: Option<Digest>,
    /// The first second in which the bundle may no longer be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// The key that signs. Absent in an unsigned bundle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_id: Option<KeyId>,
    /// The first second in which the bundle may be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// The project that the bundle is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// SHA-256 of the Rego text.
    pub rego_hash: Digest,
    /// A number that each newer bundle for the same agent and project raises, up to [`MAX_SEQUENCE`]. 0: the bundle has no number.
    pub sequence: u64,
    /// The policy's file name.
    pub source: String,
    /// SHA-256 of the policy's source.
    pub source_hash: Digest,
    /// The maker's claim that the component keeps nothing from one decision to the next. Written only if it is made.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stateless: bool,
    pub(crate) version: u64,
    /// SHA-256 of the component.
    pub wasm_hash: Digest,
}

impl Manifest {
    /// The canonical bytes: what is signed.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, ManifestError> {
        self.validate()?;
        Ok(canonical::to_bytes(self)?)
    }

    pub(super) fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        let manifest: Self = serde_json::from_slice(bytes)?;
        let canonical = manifest.to_bytes()?;
        if canonical != bytes {
            let same = canonical
                .iter()
                .zip(bytes)
                .take_while(|(a, b)| a == b)
                .count();
            return Err(ManifestError::NotCanonical { offset: same });
        }
        Ok(manifest)
    }

    fn validate(&self) -> Result<(), ManifestError> {
        let field = |field, rule: String| Err(ManifestError::Field { field, rule });
        if let Err(reason) = plain_name(&self.source, 255) {
            return field(
                "source",
                format!("must be a plain file name of 1 to 255 bytes: {reason}"),
            );
        }
        for (key, value) in [
            ("agent", self.agent.as_deref()),
            ("project", self.project.as_deref()),
            ("contract", Some(self.contract.as_str())),
            ("engine", Some(self.engine.as_str())),
            ("compiler", Some(self.compiler.as_str())),
        ] {
            if value.is_some_and(|value| {
                value.is_empty()
                    || value.len() > MAX_NAME_BYTES
                    || value.chars().any(char::is_control)
            }) {
                return field(
                    key,
                    format!("must be 1 to {MAX_NAME_BYTES} bytes without control characters"),
                );
            }
        }
        if self.sequence > MAX_SEQUENCE {
            return field("sequence", format!("must be at most {MAX_SEQUENCE}"));
        }
        if let (Some(from), Some(until)) = (self.not_before, self.expires_at)
            && from >= until
        {
            return field(
                "expires_at",
                format!("must be later than `not_before`, which is {from}"),
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Manifest {
        Manifest {
            agent: Some("support-bot".into()),
            compiler: "hexgate-compiler 0.1.0".into(),
            contract: "hexgate:policy@0.1.0".into(),
            engine: "native".into(),
            engine_digest: Some(Digest::of(b"engine")),
            expires_at: Some("2027-01-01T00:00:00Z".parse().unwrap()),
            key_id: Some("0123456789abcdef".parse().unwrap()),
            not_before: Some("2026-01-01T00:00:00Z".parse().unwrap()),
            project: Some("größe 😀".into()),
            rego_hash: Digest::of(b""),
            sequence: 7,
            source: "policy.yaml".into(),
            source_hash: Digest::of(b"source"),
            stateless: true,
            version: VERSION,
            wasm_hash: Digest::of(b"wasm"),
        }
    }

    #[test]
    fn the_bytes_of_the_format_do_not_change() {
        let expected = r#"{
  "agent": "support-bot",
  "compiler": "hexgate-compiler 0.1.0",
  "contract": "hexgate:policy@0.1.0",
  "engine": "native",
  "engine_digest": "ed9f6f25068608efd412958da4dfc19328ca3511251fa6d5f9c42baf230e32f8",
  "expires_at": "2027-01-01T00:00:00Z",
  "key_id": "0123456789abcdef",
  "not_before": "2026-01-01T00:00:00Z",
  "project": "gr\u00f6\u00dfe \ud83d\ude00",
  "rego_hash": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  "sequence": 7,
  "source": "policy.yaml",
  "source_hash": "41cf6794ba4200b839c53531555f0f3998df4cbb01a4d5cb0b94e3ca5e23947d",
  "stateless": true,
  "version": 2,
  "wasm_hash": "336154bf67f765f8f75d16a0accee61b5ee5f6a75b2a2905703df913bd550f3e"
}
"#;
        let bytes = sample().to_bytes().unwrap();
        assert_eq!(String::from_utf8(bytes.clone()).unwrap(), expected);
        assert_eq!(Manifest::parse(&bytes).unwrap(), sample());
    }

    #[test]
    fn keys_are_sorted_and_the_absent_ones_are_left_out() {
        for manifest in [
            sample(),
            Manifest {
                agent: None,
                engine_digest: None,
                expires_at: None,
                key_id: None,
                not_before: None,
                project: None,
                stateless: false,
                ..sample()
            },
        ] {
            let bytes = manifest.to_bytes().unwrap();
            let text = std::str::from_utf8(&bytes).unwrap();
            let keys: Vec<&str> = text
                .lines()
                .filter_map(|line| line.strip_prefix("  \"")?.split('"').next())
                .collect();
            assert!(
                keys.is_sorted() && (keys.len() == 16 || keys.len() == 9),
                "{keys:?}"
            );
            assert_eq!(Manifest::parse(&bytes).unwrap(), manifest);
        }
    }

    #[test]
    fn every_other_spelling_is_refused() {
        let text = String::from_utf8(sample().to_bytes().unwrap()).unwrap();
        let swapped = {
            let mut lines: Vec<&str> = text.lines().collect();
            lines.swap(1, 2);
            lines.join("\n") + "\n"
        };
        let doubled = text.replacen(
            "  \"sequence\": 7,\n",
            "  \"sequence\": 7,\n  \"sequence\": 7,\n",
            1,
        );
        for bad in [
            text.trim_end().to_owned(),
            format!("{text}\n"),
            text.replace('\n', "\r\n"),
            text.replace("  ", "    "),
            text.replace("\\u00f6", "ö"),
            text.replace("\\u00f6", "\\u00F6"),
            text.replace("native", "n\\u0061tive"),
            text.replace("\"sequence\": 7", "\"sequence\": 7.0"),
            text.replace("\"sequence\": 7", "\"sequence\": -7"),
            text.replace("\"sequence\": 7", "\"sequence\": \"7\""),
            text.replace("\"stateless\": true", "\"stateless\": false"),
            text.replace("\"agent\": \"support-bot\"", "\"agent\": null"),
            text.replace("\"engine\"", "\"motor\""),
            text.replacen("{\n", "{\n  \"aaa\": 1,\n", 1),
            format!("\u{feff}{text}"),
            swapped,
            doubled,
        ] {
            assert_ne!(bad, text);
            assert!(Manifest::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_rule_is_kept_on_both_sides() {
        let now = sample().not_before;
        for (field, bad) in [
            (
                "source",
                Manifest {
                    source: "a/policy.yaml".into(),
                    ..sample()
                },
            ),
            (
                "source",
                Manifest {
                    source: String::new(),
                    ..sample()
                },
            ),
            (
                "agent",
                Manifest {
                    agent: Some(String::new()),
                    ..sample()
                },
            ),
            (
                "agent",
                Manifest {
                    agent: Some("a\nb".into()),
                    ..sample()
                },
            ),
            (
                "project",
                Manifest {
                    project: Some("x".repeat(257)),
                    ..sample()
                },
            ),
            (
                "contract",
                Manifest {
                    contract: String::new(),
                    ..sample()
                },
            ),
            (
                "engine",
                Manifest {
                    engine: "\u{7f}".into(),
                    ..sample()
                },
            ),
            (
                "compiler",
                Manifest {
                    compiler: String::new(),
                    ..sample()
                },
            ),
            (
                "sequence",
                Manifest {
                    sequence: MAX_SEQUENCE + 1,
                    ..sample()
                },
            ),
            (
                "expires_at",
                Manifest {
                    expires_at: now,
                    ..sample()
                },
            ),
        ] {
            let error = bad.to_bytes().unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{field}` must")), "{error}");
            let bytes = canonical::to_bytes(&bad).unwrap();
            assert_eq!(Manifest::parse(&bytes).unwrap_err().to_string(), error);
        }
    }
}
