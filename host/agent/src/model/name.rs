//! Reading the text that names a model.

use super::{ModelError, ModelErrorKind, Reasoning};

/// Who provides models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Provider {
    OpenAi,
    OpenAiResponses,
    Anthropic,
    Gemini,
    Ollama,
    Script,
}

/// The providers: the name in a model text, and what it is.
const PROVIDERS: [(&str, Provider, &str); 6] = [
    (
        "openai",
        Provider::OpenAi,
        "OpenAI, and whatever speaks its chat protocol",
    ),
    (
        "openai-responses",
        Provider::OpenAiResponses,
        "OpenAI's responses protocol",
    ),
    ("anthropic", Provider::Anthropic, "Anthropic"),
    ("gemini", Provider::Gemini, "Google Gemini"),
    ("ollama", Provider::Ollama, "models that Ollama runs"),
    (
        "script",
        Provider::Script,
        "a file of turns, for demos and tests",
    ),
];

/// Names that other programs have for a provider.
const ALIASES: [(&str, Provider); 3] = [
    ("google", Provider::Gemini),
    ("google_genai", Provider::Gemini),
    ("openai_responses", Provider::OpenAiResponses),
];

/// How names of models begin that need no provider before them.
const PLAIN: [(&str, Provider); 7] = [
    ("gpt-", Provider::OpenAi),
    ("chatgpt-", Provider::OpenAi),
    ("o1", Provider::OpenAi),
    ("o3", Provider::OpenAi),
    ("o4", Provider::OpenAi),
    ("claude-", Provider::Anthropic),
    ("gemini-", Provider::Gemini),
];

/// The longest text that is read.
const MAX_TEXT: usize = 2048;

/// The names of the providers and what they are, for help texts.
pub fn providers() -> impl Iterator<Item = (&'static str, &'static str)> {
    PROVIDERS.into_iter().map(|(name, _, about)| (name, about))
}

impl Provider {
    pub(super) fn name(self) -> &'static str {
        PROVIDERS
            .iter()
            .find(|(_, provider, _)| *provider == self)
            .map_or("", |(name, _, _)| name)
    }
}

/// A model text: `PROVIDER:NAME`, `PROVIDER:NAME?OPTION=VALUE&…`, `PROVIDER:NAME@ADDRESS`, `script:FILE`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ModelName {
    pub(super) provider: Provider,
    pub(super) name: String,
    /// What stands behind `@`.
    pub(super) address: Option<String>,
    pub(super) reasoning: Option<Reasoning>,
    pub(super) max_output_tokens: Option<u32>,
}

impl ModelName {
    pub(super) fn parse(text: &str) -> Result<Self, ModelError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(wrong(format!("no model is named; {}", write_it())));
        }
        if text.len() > MAX_TEXT {
            return Err(wrong(format!(
                "the name of the model is longer than {MAX_TEXT} bytes"
            )));
        }
        let (provider, rest) = match text.split_once(':') {
            Some((provider, rest)) if is_word(provider) => (named(provider)?, rest),
            _ => (plain(text)?, text),
        };
        if provider == Provider::Script {
            if rest.is_empty() {
                return Err(wrong(
                    "`script:` names no file; write `script:FILE`".to_owned(),
                ));
            }
            return Ok(Self {
                provider,
                name: rest.to_owned(),
                address: None,
                reasoning: None,
                max_output_tokens: None,
            });
        }
        let (rest, address) = match rest.find("@http") {
            Some(at) => {
                let (name, address) = rest.split_at(at);
                (name, address.strip_prefix('@').map(str::to_owned))
            }
            None => (rest, None),
        };
        let (name, options) = match rest.split_once('?') {
            Some((name, options)) => (name, options),
            None => (rest, ""),
        };
        let mut parsed = Self {
            provider,
            name: checked(provider, name)?,
            address,
            reasoning: None,
            max_output_tokens: None,
        };
        for option in options.split('&').filter(|option| !option.is_empty()) {
            parsed.option(option)?;
        }
        Ok(parsed)
    }

    fn option(&mut self, option: &str) -> Result<(), ModelError> {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        match name {
            "reasoning" => {
                self.reasoning = Some(value.parse().map_err(|()| {
                    wrong(format!(
                        "`reasoning` is one of {}, not `{}`",
                        list(Reasoning::NAMES),
                        shown(value)
                    ))
                })?);
            }
            "max_output_tokens" => {
                self.max_output_tokens = Some(
                    value
                        .parse()
                        .ok()
                        .filter(|tokens| *tokens > 0)
                        .ok_or_else(|| {
                            wrong(format!(
                                "`max_output_tokens` is a whole number from 1 on, not `{}`",
                                shown(value)
                            ))
                        })?,
                );
            }
            _ => {
                return Err(wrong(format!(
                    "a model has no option `{}`; there are `reasoning` and `max_output_tokens`",
                    shown(name)
                )));
            }
        }
        Ok(())
    }
}

fn named(text: &str) -> Result<Provider, ModelError> {
    let known = PROVIDERS
        .iter()
        .map(|(name, provider, _)| (*name, *provider))
        .chain(ALIASES);
    if let Some((_, provider)) = known.clone().find(|(name, _)| *name == text) {
        return Ok(provider);
    }
    let lower = text.to_ascii_lowercase();
    let nearest = known
        .map(|(name, _)| (strsim::damerau_levenshtein(&lower, name), name))
        .min()
        .filter(|(distance, name)| *distance <= (name.len() / 3).max(1));
    Err(wrong(match nearest {
        Some((_, name)) => format!(
            "no provider is named `{}`; did you mean `{name}`?",
            shown(text)
        ),
        None => format!("no provider is named `{}`; {}", shown(text), write_it()),
    }))
}

fn plain(text: &str) -> Result<Provider, ModelError> {
    PLAIN
        .iter()
        .find(|(start, _)| text.starts_with(start))
        .map(|(_, provider)| *provider)
        .ok_or_else(|| {
            wrong(format!(
                "`{}` does not say who provides the model; {}",
                shown(text),
                write_it()
            ))
        })
}

/// Names become parts of addresses and of requests: only what names of models consist of.
fn checked(provider: Provider, name: &str) -> Result<String, ModelError> {
    if name.is_empty() {
        return Err(wrong(format!(
            "`{0}:` names no model; write `{0}:NAME`",
            provider.name()
        )));
    }
    let unusual = name.chars().find(|c| {
        !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ':' | '/' | '@' | '+'))
    });
    if let Some(unusual) = unusual {
        return Err(wrong(format!(
            "the name of the model has {unusual:?} in it; letters, digits and `. _ - : / @ +` are allowed"
        )));
    }
    if name.contains("::") || name.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(wrong(format!(
            "`{}` is not the name of a model: `::`, empty parts and dots for parts are not allowed",
            shown(name)
        )));
    }
    Ok(name.to_owned())
}

fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}

fn write_it() -> String {
    format!(
        "write `PROVIDER:NAME`, as in `openai:gpt-5`, with {}",
        list(PROVIDERS.map(|(name, _, _)| name))
    )
}

fn list<const N: usize>(names: [&str; N]) -> String {
    let mut text = String::new();
    for (at, name) in names.iter().enumerate() {
        text.push_str(match at {
            0 => "",
            _ if at + 1 == N => " or ",
            _ => ", ",
        });
        text.push('`');
        text.push_str(name);
        text.push('`');
    }
    text
}

/// The beginning of a text, on one line.
fn shown(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .take(60)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.chars().nth(60).is_some() {
        shown.push('…');
    }
    shown
}

fn wrong(message: String) -> ModelError {
    ModelError::new(ModelErrorKind::Configuration, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_names_a_provider_and_a_model() {
        for (text, provider, name, address) in [
            ("openai:gpt-5", Provider::OpenAi, "gpt-5", None),
            (
                "openai-responses:gpt-5",
                Provider::OpenAiResponses,
                "gpt-5",
                None,
            ),
            (
                "google_genai:gemini-3-pro",
                Provider::Gemini,
                "gemini-3-pro",
                None,
            ),
            ("ollama:qwen3:8b", Provider::Ollama, "qwen3:8b", None),
            ("gpt-4o-mini", Provider::OpenAi, "gpt-4o-mini", None),
            ("o3-mini", Provider::OpenAi, "o3-mini", None),
            (
                " claude-opus-4-5 ",
                Provider::Anthropic,
                "claude-opus-4-5",
                None,
            ),
            ("gemini-3-flash", Provider::Gemini, "gemini-3-flash", None),
            (
                "openai:org/model@v2@https://host:1/v1",
                Provider::OpenAi,
                "org/model@v2",
                Some("https://host:1/v1"),
            ),
            (
                "script:a dir/t.yaml",
                Provider::Script,
                "a dir/t.yaml",
                None,
            ),
        ] {
            let parsed = ModelName::parse(text).unwrap();
            assert_eq!(
                (
                    parsed.provider,
                    parsed.name.as_str(),
                    parsed.address.as_deref()
                ),
                (provider, name, address),
                "{text}"
            );
        }
    }

    #[test]
    fn options_stand_behind_a_question_mark() {
        let parsed =
            ModelName::parse("openai:gpt-5?reasoning=high&max_output_tokens=100@https://h/v1")
                .unwrap();
        assert_eq!(parsed.reasoning, Some(Reasoning::High));
        assert_eq!(parsed.max_output_tokens, Some(100));
        assert_eq!(parsed.address.as_deref(), Some("https://h/v1"));
    }

    #[test]
    fn a_wrong_text_is_refused_with_what_to_write() {
        for (text, says) in [
            ("", "no model is named"),
            ("openia:gpt-5", "did you mean `openai`?"),
            ("OpenAI:gpt-5", "did you mean `openai`?"),
            ("antropic:x", "did you mean `anthropic`?"),
            ("olama:x", "did you mean `ollama`?"),
            ("wxyz:x", "write `PROVIDER:NAME`"),
            ("llama3", "does not say who provides"),
            ("openai:", "names no model"),
            ("script:", "names no file"),
            ("gemini:a/../b", "not the name of a model"),
            ("gemini:x?alt=sse", "no option `alt`"),
            ("gemini:x y", "' '"),
            ("openai:anthropic::x", "not the name of a model"),
            (
                "openai:x?reasoning=much",
                "`none`, `low`, `medium` or `high`",
            ),
            ("openai:x?max_output_tokens=0", "whole number from 1"),
        ] {
            let error = ModelName::parse(text).unwrap_err();
            assert_eq!(error.kind, ModelErrorKind::Configuration, "{text}");
            assert!(error.message.contains(says), "{text}: {error}");
        }
    }
}
