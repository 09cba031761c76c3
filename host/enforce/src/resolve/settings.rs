//! The settings in the environment. An unknown value is an error: a typing error must not turn a check off.

use std::collections::BTreeMap;
use std::env;
use std::fmt;
use std::path::PathBuf;

use hexgate_host::bundle::PublicKey;
#[cfg(feature = "platform")]
use hexgate_platform::{Address, DEFAULT_ADDRESS, Envelope};

pub(super) const PUBKEY_PATH: &str = "HEXGATE_BUNDLE_PUBKEY_PATH";
pub(super) const SEQUENCES_PATH: &str = "HEXGATE_BUNDLE_SEQUENCES_PATH";
pub(super) const SIGN_KEY_PATH: &str = "HEXGATE_BUNDLE_SIGN_KEY_PATH";
pub(super) const POLICY: &str = "HEXGATE_POLICY";
pub(super) const LOCAL_POLICY: &str = "HEXGATE_LOCAL_POLICY";
const LOCAL_MODE: &str = "HEXGATE_LOCAL_MODE";
const REQUIRE_SIGNATURE: &str = "HEXGATE_BUNDLE_REQUIRE_SIGNATURE";
const KEY: &str = "HEXGATE_KEY";
const API_KEY: &str = "HEXGATE_API_KEY";
const API_URL: &str = "HEXGATE_API_URL";
const PUBLIC_KEY: &str = "HEXGATE_PUBLIC_KEY";
const OPA_BIN: &str = "HEXGATE_OPA_BIN";

const NAMES: [&str; 12] = [
    POLICY,
    LOCAL_POLICY,
    LOCAL_MODE,
    PUBKEY_PATH,
    SEQUENCES_PATH,
    SIGN_KEY_PATH,
    REQUIRE_SIGNATURE,
    KEY,
    API_KEY,
    API_URL,
    PUBLIC_KEY,
    OPA_BIN,
];
/// Up to how many letters a misspelled name differs from the right one.
const NEAR: usize = 2;

/// The prefix of a bundle in a registry.
const OCI: &str = "oci://";

/// The variables of an environment, as they were at one moment.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Those of this process.
    ///
    /// # Errors
    ///
    /// A variable of hexgate is not UTF-8.
    pub fn from_env() -> Result<Self, SettingsError> {
        let mut variables = BTreeMap::new();
        for (name, value) in env::vars_os() {
            let Some(name) = name.to_str().filter(|name| name.starts_with("HEXGATE_")) else {
                continue;
            };
            let value = value.into_string().map_err(|_| SettingsError::Value {
                variable: name.to_owned(),
                reason: "it is not UTF-8".to_owned(),
            })?;
            variables.insert(name.to_owned(), value);
        }
        Ok(Self(variables))
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let variables = variables.into_iter();
        Self(
            variables
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values can be secrets.
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// The settings of an environment, parsed.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// `HEXGATE_LOCAL_POLICY`: a bundle's folder, a folder of roles, a policy.
    pub local_policy: Option<PathBuf>,
    /// `HEXGATE_POLICY`: a bundle in a registry, `REGISTRY/REPOSITORY:TAG` or with `@` and a digest; in the environment behind `oci://`.
    pub policy: Option<String>,
    /// `HEXGATE_LOCAL_MODE`: whether the platform is left out. Default: no.
    pub local_mode: bool,
    /// `HEXGATE_BUNDLE_PUBKEY_PATH`: files of the public keys that may sign local bundles, with `:` between them.
    pub pubkeys: Vec<PathBuf>,
    /// `HEXGATE_BUNDLE_SEQUENCES_PATH`: the file that remembers which bundles were admitted, so that no older one comes back.
    pub sequences: Option<PathBuf>,
    /// `HEXGATE_BUNDLE_REQUIRE_SIGNATURE`: whether a local policy must be signed. None: a bundle must.
    pub require_signature: Option<bool>,
    /// `HEXGATE_BUNDLE_SIGN_KEY_PATH`: the file of a private key to sign a local policy's source with.
    pub sign_key: Option<PathBuf>,
    /// `HEXGATE_API_KEY`, formerly `HEXGATE_KEY`: the project's token for the platform.
    #[cfg(feature = "platform")]
    pub key: Option<Envelope>,
    /// Whether the token is set.
    #[cfg(not(feature = "platform"))]
    has_key: bool,
    /// `HEXGATE_API_URL`: the platform. Default: `https://app.hexgate.ai`.
    #[cfg(feature = "platform")]
    pub url: Address,
    /// `HEXGATE_PUBLIC_KEY`: the public keys of the project, with commas between them.
    pub public_keys: Vec<PublicKey>,
    /// `HEXGATE_OPA_BIN`: the Open Policy Agent, for a local policy in Rego.
    pub opa: Option<PathBuf>,
}

/// Why the environment cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// A value is invalid.
    #[error("{variable}: {reason}")]
    Value {
        /// The variable.
        variable: String,
        /// What is wrong, and the remedy.
        reason: String,
    },
    /// Two variables say different things.
    #[error("{first} and {second} have different values; set one of them")]
    Contradiction {
        /// The one variable.
        first: &'static str,
        /// The other variable.
        second: &'static str,
    },
}

impl Settings {
    /// Reads an environment.
    ///
    /// # Errors
    ///
    /// The first variable that cannot be read.
    pub fn read(environment: &Environment) -> Result<Self, SettingsError> {
        let variables = Variables(environment);
        variables.check_names()?;
        let key = match (variables.text(API_KEY)?, variables.text(KEY)?) {
            (Some(new), Some(old)) if new != old => {
                return Err(SettingsError::Contradiction {
                    first: API_KEY,
                    second: KEY,
                });
            }
            (Some(new), _) => Some((API_KEY, new)),
            (None, old) => old.map(|old| (KEY, old)),
        };
        let policy = match variables.text(POLICY)? {
            None => None,
            Some(policy) => Some(policy.strip_prefix(OCI).ok_or_else(|| {
                wrong(POLICY, "it does not begin with `oci://`; write `oci://REGISTRY/REPOSITORY:TAG`, or name a path in HEXGATE_LOCAL_POLICY")
            })?),
        };
        let public_keys = variables.text(PUBLIC_KEY)?.map_or(Ok(Vec::new()), |keys| {
            keys.split(',')
                .map(|key| variables.read(PUBLIC_KEY, key, PublicKey::from_text))
                .collect()
        })?;
        let pubkeys = match variables.text(PUBKEY_PATH)? {
            None => Vec::new(),
            Some(paths) => {
                let paths: Vec<PathBuf> = env::split_paths(paths).collect();
                if paths.iter().any(|path| path.as_os_str().is_empty()) {
                    return Err(wrong(PUBKEY_PATH, "a path is empty; leave it out"));
                }
                paths
            }
        };
        let opa = variables.text(OPA_BIN)?.map(PathBuf::from);
        if let Some(opa) = &opa
            && !opa.is_file()
        {
            return Err(wrong(OPA_BIN, "it names no file; name the program `opa`"));
        }
        Ok(Self {
            local_policy: variables.text(LOCAL_POLICY)?.map(PathBuf::from),
            policy: policy.map(str::to_owned),
            local_mode: variables.flag(LOCAL_MODE)?.unwrap_or(false),
            pubkeys,
            sequences: variables.text(SEQUENCES_PATH)?.map(PathBuf::from),
            require_signature: variables.flag(REQUIRE_SIGNATURE)?,
            sign_key: variables.text(SIGN_KEY_PATH)?.map(PathBuf::from),
            #[cfg(feature = "platform")]
            key: key
                .map(|(variable, key)| variables.read(variable, key, Envelope::parse))
                .transpose()?,
            #[cfg(not(feature = "platform"))]
            has_key: key.is_some(),
            #[cfg(feature = "platform")]
            url: variables.read(
                API_URL,
                variables.text(API_URL)?.unwrap_or(DEFAULT_ADDRESS),
                Address::parse,
            )?,
            public_keys,
            opa,
        })
    }
}

impl Settings {
    /// Whether there is a token for the platform.
    pub(super) fn has_key(&self) -> bool {
        #[cfg(feature = "platform")]
        return self.key.is_some();
        #[cfg(not(feature = "platform"))]
        return self.has_key;
    }
}

struct Variables<'a>(&'a Environment);

impl<'a> Variables<'a> {
    /// Refuses names that differ in a few letters from a variable's: they are typing errors. Other names belong to other programs.
    fn check_names(&self) -> Result<(), SettingsError> {
        for name in self
            .0
            .0
            .keys()
            .filter(|name| !NAMES.contains(&name.as_str()))
        {
            let near = NAMES
                .into_iter()
                .map(|known| (strsim::damerau_levenshtein(name, known), known))
                .min()
                .filter(|(distance, _)| *distance <= NEAR);
            if let Some((_, known)) = near {
                return Err(wrong(
                    name,
                    &format!("there is no such variable; write `{known}`, or unset it"),
                ));
            }
        }
        Ok(())
    }

    /// A value. No variable may be empty: an empty one is probably a mistake.
    fn text(&self, variable: &'static str) -> Result<Option<&'a str>, SettingsError> {
        match self.0.0.get(variable).map(String::as_str) {
            Some(value) if value.trim().is_empty() => {
                Err(wrong(variable, "it is empty; unset it, or give it a value"))
            }
            value => Ok(value),
        }
    }

    fn flag(&self, variable: &'static str) -> Result<Option<bool>, SettingsError> {
        let Some(value) = self.text(variable)? else {
            return Ok(None);
        };
        match value.trim().to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Ok(Some(true)),
            "0" | "false" | "no" | "off" => Ok(Some(false)),
            _ => Err(wrong(
                variable,
                "it is neither yes nor no; use `true` or `false`",
            )),
        }
    }

    fn read<T, E: fmt::Display>(
        &self,
        variable: &'static str,
        value: &str,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, SettingsError> {
        read(value).map_err(|error| wrong(variable, &error.to_string()))
    }
}

fn wrong(variable: &str, reason: &str) -> SettingsError {
    SettingsError::Value {
        variable: variable.to_owned(),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        Settings::read(&variables.iter().copied().collect())
    }

    #[test]
    fn a_value_that_is_not_understood_is_an_error() {
        let key = PublicKey::from_bytes(&[
            0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64,
            0x07, 0x3a, 0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68,
            0xf7, 0x07, 0x51, 0x1a,
        ])
        .unwrap()
        .to_text();
        let standard = key.replace('-', "+").replace('_', "/");
        let padded = format!("{key}=");
        for (variable, value) in [
            (REQUIRE_SIGNATURE, "enabled"),
            (REQUIRE_SIGNATURE, "truee"),
            (REQUIRE_SIGNATURE, "2"),
            (REQUIRE_SIGNATURE, ""),
            (LOCAL_MODE, "maybe"),
            (LOCAL_POLICY, ""),
            (PUBKEY_PATH, "/a::/b"),
            (PUBKEY_PATH, ""),
            (SIGN_KEY_PATH, " "),
            (SEQUENCES_PATH, ""),
            (PUBLIC_KEY, ""),
            (KEY, "secret"),
            (API_KEY, "fty_live_p"),
            (API_URL, "app.hexgate.ai"),
            (API_URL, "http://app.hexgate.ai"),
            (API_URL, "http://localhost.evil.example"),
            (API_URL, "http://127.0.0.1.evil.example"),
            (API_URL, "ftp://app.hexgate.ai"),
            (API_URL, "https://me:secret@app.hexgate.ai"),
            (API_URL, "https://app.hexgate.ai/?x"),
            (
                PUBLIC_KEY,
                "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            ),
            (PUBLIC_KEY, padded.as_str()),
            (PUBLIC_KEY, "!!!!"),
            (PUBLIC_KEY, ","),
            (OPA_BIN, "/does/not/exist"),
        ] {
            let error = read(&[(variable, value)]).unwrap_err().to_string();
            assert!(error.starts_with(variable), "{variable}={value}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
        if standard != key {
            assert!(read(&[(PUBLIC_KEY, &standard)]).is_err());
        }
        assert!(
            matches!(
                read(&[(API_KEY, "fty_a_b_AA"), (KEY, "fty_a_b_AB")]),
                Err(SettingsError::Contradiction { .. })
            ),
            "one of two keys"
        );
        let good = read(&[(PUBLIC_KEY, &format!("{key},{key}")), (KEY, "fty_a_b_AA")]).unwrap();
        assert_eq!((good.public_keys.len(), good.key.is_some()), (2, true));
    }

    #[test]
    fn a_name_that_is_almost_one_is_an_error_and_others_are_not_ours() {
        for (name, meant) in [
            ("HEXGATE_BUNDLE_REQUIRE_SIGNATURES", REQUIRE_SIGNATURE),
            ("HEXGATE_BUNDLE_REQUIRE_SINGATURE", REQUIRE_SIGNATURE),
            ("HEXGATE_LOCALPOLICY", LOCAL_POLICY),
            ("HEXGATE_APIKEY", API_KEY),
            ("HEXGATE_PUBLIC_KEYS", PUBLIC_KEY),
            ("HEXGATE_KEYS", KEY),
            ("HEXGATE_BUNDLE_SEQUENCE_PATH", SEQUENCES_PATH),
        ] {
            let error = read(&[(name, "true")]).unwrap_err().to_string();
            assert!(error.starts_with(name) && error.contains(meant), "{error}");
        }
        for name in [
            "HEXGATE_LOG_MESSAGES",
            "HEXGATE_OPA_TIMEOUT",
            "HEXGATE_TOOLS",
        ] {
            read(&[(name, "true")]).unwrap();
        }
    }

    #[test]
    fn yes_and_no_have_several_spellings() {
        for (value, flag) in [
            ("1", true),
            ("true", true),
            ("YES", true),
            (" on ", true),
            ("0", false),
            ("False", false),
            ("no", false),
            ("OFF", false),
        ] {
            let settings = read(&[(REQUIRE_SIGNATURE, value), (LOCAL_MODE, value)]).unwrap();
            assert_eq!(settings.require_signature, Some(flag), "{value}");
            assert_eq!(settings.local_mode, flag, "{value}");
        }
        let nothing = read(&[]).unwrap();
        assert_eq!(
            (nothing.require_signature, nothing.local_mode),
            (None, false)
        );
        assert_eq!(nothing.url.to_string(), "https://app.hexgate.ai/");
    }
}
