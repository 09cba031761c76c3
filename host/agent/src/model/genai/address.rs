//! Where a model is asked, and which key goes there.

use std::net::IpAddr;

use reqwest::Url;

use crate::model::key::Key;
use crate::model::name::{ModelName, Provider};
use crate::model::{ModelError, ModelErrorKind};

/// How variables begin that hold the key for the host of an address in a model text.
const KEY_FOR: &str = "HEXGATE_MODEL_KEY_";

/// Where a model is asked.
pub(super) struct Address {
    /// It ends with `/`.
    pub(super) url: Url,
    pub(super) key: Option<Key>,
    /// The variable that holds the key, or would.
    pub(super) variable: Option<String>,
}

/// What a provider's variables are called, and where it is without them.
struct Places {
    key: Option<&'static str>,
    address: &'static str,
    default: &'static str,
}

fn places(provider: Provider) -> Places {
    match provider {
        Provider::OpenAi | Provider::OpenAiResponses | Provider::Script => Places {
            key: Some("OPENAI_API_KEY"),
            address: "OPENAI_BASE_URL",
            default: "https://api.openai.com/v1/",
        },
        Provider::Anthropic => Places {
            key: Some("ANTHROPIC_API_KEY"),
            address: "ANTHROPIC_BASE_URL",
            default: "https://api.anthropic.com/v1/",
        },
        Provider::Gemini => Places {
            key: Some("GEMINI_API_KEY"),
            address: "GEMINI_BASE_URL",
            default: "https://generativelanguage.googleapis.com/v1beta/",
        },
        Provider::Ollama => Places {
            key: None,
            address: "OLLAMA_HOST",
            default: "http://localhost:11434/",
        },
    }
}

impl Address {
    /// The address in the model text, else that of the environment, else the provider's own.
    ///
    /// The provider's key goes to the provider and to what the environment names, and nowhere else: whoever writes a model text, perhaps in
    /// an agent's file from somewhere, does not choose who gets the key. An address in the text has a key of its own.
    pub(super) fn of(
        name: &ModelName,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ModelError> {
        let places = places(name.provider);
        let trusted = match variable(places.address) {
            Some(text) => parse(name.provider, &text, &format!("`{}`", places.address))?,
            None => Url::parse(places.default)
                .map_err(|_| wrong("the provider's address is unreadable".to_owned()))?,
        };
        let (url, key_variable) = match &name.address {
            None => (trusted, places.key.map(str::to_owned)),
            Some(text) => {
                let url = parse(name.provider, text, "the address in the model's name")?;
                let own = url.origin() == trusted.origin();
                let key = match places.key {
                    Some(key) if own => Some(key.to_owned()),
                    _ => variable_for(&url),
                };
                (url, key)
            }
        };
        let mut address = Self {
            url,
            key: None,
            variable: key_variable,
        };
        let Some(key_variable) = address.variable.as_deref() else {
            return Ok(address);
        };
        match variable(key_variable) {
            Some(text) => {
                let key = Key::new(&text).ok_or_else(|| {
                    wrong(format!(
                        "`{key_variable}` has characters that no key can have; set it again"
                    ))
                })?;
                if address.url.scheme() != "https" && !address.is_local() {
                    return Err(wrong(format!(
                        "without TLS the key in `{key_variable}` would be sent in the clear; use `https:`, or `http:` on this machine"
                    )));
                }
                address.key = Some(key);
            }
            // A server of one's own may ask for none.
            None if places.key == Some(key_variable) && !address.is_local() => {
                return Err(wrong(format!(
                    "`{}` needs a key; set `{key_variable}`, or use a model that needs none, as in `ollama:NAME` or `script:FILE`",
                    name.provider.name()
                )));
            }
            None => {}
        }
        Ok(address)
    }

    /// Whether it is on this machine.
    pub(super) fn is_local(&self) -> bool {
        self.url.host_str().is_some_and(|host| {
            let host = host.trim_start_matches('[').trim_end_matches(']');
            host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
        })
    }
}

/// Reads an address. No message shows it: it can hold a password.
fn parse(provider: Provider, text: &str, place: &str) -> Result<Url, ModelError> {
    let text = match provider {
        // Ollama's own variable may leave out the scheme.
        Provider::Ollama if !text.contains("://") => format!("http://{text}"),
        _ => text.to_owned(),
    };
    let unreadable = || {
        wrong(format!(
            "{place} is no address; write `https://` and a host"
        ))
    };
    let mut url = Url::parse(&text).map_err(|_| unreadable())?;
    if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none() {
        return Err(unreadable());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong(format!(
            "{place} has a user or a password, which logs could show; leave them out, the key has a variable"
        )));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong(format!(
            "{place} has more than a host and a path; leave out the part from `?` or `#` on"
        )));
    }
    if provider == Provider::Ollama && url.port().is_none() && url.scheme() == "http" {
        // As Ollama's own programs read it.
        let _ = url.set_port(Some(11434));
    }
    let mut path = url.path().trim_end_matches('/').to_owned();
    // Anthropic's own programs leave the version out of the variable.
    if provider == Provider::Anthropic && path.is_empty() {
        path.push_str("/v1");
    }
    path.push('/');
    url.set_path(&path);
    Ok(url)
}

/// The variable with the key for a host: `llm.my-firm.example` has `HEXGATE_MODEL_KEY_LLM_MY__FIRM_EXAMPLE`. Two hosts never share one.
fn variable_for(url: &Url) -> Option<String> {
    let mut variable = KEY_FOR.to_owned();
    for c in url.host_str()?.chars() {
        match c {
            'a'..='z' | '0'..='9' => variable.push(c.to_ascii_uppercase()),
            '.' => variable.push('_'),
            '-' => variable.push_str("__"),
            _ => return None,
        }
    }
    Some(variable)
}

fn wrong(message: String) -> ModelError {
    ModelError::new(ModelErrorKind::Configuration, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "sk-canary-0123456789";

    fn of(text: &str, variables: &[(&str, &str)]) -> Result<Address, ModelError> {
        Address::of(&ModelName::parse(text).unwrap(), &|name| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_key_goes_to_its_provider_and_to_what_the_environment_names() {
        for (text, variables, url, key) in [
            (
                "openai:m",
                &[("OPENAI_API_KEY", KEY)][..],
                "https://api.openai.com/v1/",
                true,
            ),
            (
                "openai:m",
                &[
                    ("OPENAI_API_KEY", KEY),
                    ("OPENAI_BASE_URL", "https://proxy.example/v1"),
                ],
                "https://proxy.example/v1/",
                true,
            ),
            (
                "openai:m@https://api.openai.com/v2",
                &[("OPENAI_API_KEY", KEY)],
                "https://api.openai.com/v2/",
                true,
            ),
            (
                "openai:m@https://elsewhere.example/v1",
                &[("OPENAI_API_KEY", KEY)],
                "https://elsewhere.example/v1/",
                false,
            ),
            (
                "openai:m@https://api.openai.com:444/v1",
                &[("OPENAI_API_KEY", KEY)],
                "https://api.openai.com:444/v1/",
                false,
            ),
            (
                "openai:m@https://llm.my-firm.example/v1",
                &[("HEXGATE_MODEL_KEY_LLM_MY__FIRM_EXAMPLE", KEY)],
                "https://llm.my-firm.example/v1/",
                true,
            ),
            (
                "anthropic:m",
                &[
                    ("ANTHROPIC_API_KEY", KEY),
                    ("ANTHROPIC_BASE_URL", "http://127.0.0.1:9"),
                ],
                "http://127.0.0.1:9/v1/",
                true,
            ),
            (
                "openai:m",
                &[("OPENAI_BASE_URL", "http://localhost:8000/v1/")],
                "http://localhost:8000/v1/",
                false,
            ),
            (
                "ollama:m",
                &[("OPENAI_API_KEY", KEY)],
                "http://localhost:11434/",
                false,
            ),
            (
                "ollama:m",
                &[("OLLAMA_HOST", "10.0.0.7")],
                "http://10.0.0.7:11434/",
                false,
            ),
            (
                "ollama:m",
                &[("OLLAMA_HOST", "box:1234")],
                "http://box:1234/",
                false,
            ),
        ] {
            let address = of(text, variables).unwrap();
            assert_eq!(address.url.as_str(), url, "{text}");
            assert_eq!(address.key.is_some(), key, "{text}");
        }
    }

    #[test]
    fn an_address_that_would_tell_the_key_is_refused_without_showing_it() {
        for (text, variables, says) in [
            ("openai:m", &[][..], "set `OPENAI_API_KEY`"),
            ("anthropic:m", &[], "set `ANTHROPIC_API_KEY`"),
            ("gemini:m", &[], "set `GEMINI_API_KEY`"),
            (
                "openai:m",
                &[("OPENAI_API_KEY", "sk-canary\n0123456789")],
                "characters",
            ),
            (
                "openai:m",
                &[
                    ("OPENAI_API_KEY", KEY),
                    ("OPENAI_BASE_URL", "http://proxy.example/v1"),
                ],
                "in the clear",
            ),
            (
                "openai:m",
                &[
                    ("OPENAI_API_KEY", KEY),
                    ("OPENAI_BASE_URL", "https://me:sk-canary@proxy.example/v1"),
                ],
                "a user or a password",
            ),
            (
                "openai:m@https://h.example/v1?key=sk-canary",
                &[("OPENAI_API_KEY", KEY)],
                "more than a host",
            ),
            (
                "openai:m",
                &[("OPENAI_API_KEY", KEY), ("OPENAI_BASE_URL", "sk-canary")],
                "no address",
            ),
            (
                "openai:m",
                &[("OPENAI_API_KEY", KEY), ("OPENAI_BASE_URL", "ftp://h/")],
                "no address",
            ),
        ] {
            let error = of(text, variables).err().unwrap();
            assert_eq!(error.kind, ModelErrorKind::Configuration);
            assert!(error.message.contains(says), "{text}: {error}");
            assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
        }
    }
}
