//! What a provider wants to see again with a call. It is marked with the provider: no other one can do anything with it.

use crate::model::name::Provider;

pub(in crate::model::genai) fn seal(provider: Provider, content: &str) -> String {
    format!("{}:{content}", provider.name())
}

pub(in crate::model::genai) fn open(provider: Provider, text: &str) -> Option<&str> {
    text.strip_prefix(provider.name())?.strip_prefix(':')
}
