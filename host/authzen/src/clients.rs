//! Who may ask.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use hexgate_base::Digest;
use hexgate_base::disk::{self, Access, FileError, read_all};
use serde::Deserialize;

/// The name of whoever asks where nobody is asked for a token.
pub(crate) const LOCAL: &str = "local";
/// Enough for thousands of clients.
const MAX_BYTES: u64 = 1 << 20;
/// The longest token, in bytes.
const MAX_TOKEN: usize = 8 << 10;

/// Who may ask a decision point: enforcement points. They say on whose behalf they ask, and are believed.
#[derive(Clone)]
pub struct Clients(Who);

#[derive(Clone)]
enum Who {
    Anyone,
    Tokens(Arc<BTreeMap<Digest, String>>),
    By(Arc<dyn Authenticate>),
}

/// Tells enforcement points apart.
#[async_trait]
pub trait Authenticate: Send + Sync {
    /// The name of the enforcement point that sent a request with these headers.
    ///
    /// # Errors
    ///
    /// It is none. The answer is 401.
    async fn client(&self, headers: &HeaderMap) -> Result<String, Unauthenticated>;
}

/// A request does not come from an enforcement point that is known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
#[non_exhaustive]
pub struct Unauthenticated {
    /// For the operator; whoever asked does not see it.
    pub reason: String,
}

impl Unauthenticated {
    /// For this reason.
    pub fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
        }
    }
}

/// The header `Authorization` of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bearer<'a> {
    /// There is none.
    Missing,
    /// There are several, or it has another form.
    Malformed,
    /// The token.
    Token(&'a str),
}

/// The bearer token of a request with these headers.
#[must_use]
pub fn bearer(headers: &HeaderMap) -> Bearer<'_> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    match (values.next(), values.next()) {
        (None, _) => Bearer::Missing,
        (Some(value), None) => value
            .to_str()
            .ok()
            .and_then(|text| text.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim_matches(' '))
            .filter(|token| !token.is_empty() && !token.contains([' ', ',']))
            .map_or(Bearer::Malformed, Bearer::Token),
        // Which of them would count is not known.
        (Some(_), Some(_)) => Bearer::Malformed,
    }
}

impl Clients {
    /// Whoever reaches the decision point. It listens at loopback alone then.
    #[must_use]
    pub fn anyone() -> Self {
        Self(Who::Anyone)
    }

    /// Whom something else knows.
    pub fn by(authenticate: impl Authenticate + 'static) -> Self {
        Self(Who::By(Arc::new(authenticate)))
    }

    /// Who has one of the tokens of a JSON file that its owner alone, this user or root, can change:
    ///
    /// ```json
    /// {"version": 1, "clients": [{"name": "shop", "tokens": ["SHA-256 of the token, 64 hexadecimal digits"]}]}
    /// ```
    ///
    /// Tokens are random: whoever reads the file could guess others. A client can have two while they rotate.
    ///
    /// # Errors
    ///
    /// The file cannot be read, others can change it, or it is not such a list.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, ClientsError> {
        let path = path.as_ref();
        let error = |reason: String| ClientsError {
            path: path.to_owned(),
            reason,
        };
        let of_file = |why: FileError| error(why.to_string());
        let file = disk::open(path).map_err(of_file)?;
        let access = Access::of(&file).map_err(|why| error(why.to_string()))?;
        if !access.is_guarded() {
            return Err(error(format!(
                "other users can change it; {}",
                access.remedy()
            )));
        }
        let bytes = read_all(file, MAX_BYTES).map_err(of_file)?;
        read(&bytes).map_err(error)
    }

    /// Whether clients show who they are.
    #[must_use]
    pub fn are_known(&self) -> bool {
        !matches!(self.0, Who::Anyone)
    }

    pub(crate) async fn client(&self, headers: &HeaderMap) -> Result<String, Unauthenticated> {
        match &self.0 {
            Who::Anyone => Ok(LOCAL.to_owned()),
            Who::By(authenticate) => authenticate.client(headers).await,
            Who::Tokens(tokens) => match bearer(headers) {
                Bearer::Missing => Err(Unauthenticated::new("it has no token")),
                Bearer::Malformed => Err(Unauthenticated::new(
                    "its `Authorization` is not one bearer token",
                )),
                Bearer::Token(token) if token.len() > MAX_TOKEN => {
                    Err(Unauthenticated::new("its token is too long"))
                }
                // The digest is compared, of which nobody learns a part by the time it takes.
                Bearer::Token(token) => tokens
                    .get(&Digest::of(token.as_bytes()))
                    .cloned()
                    .ok_or_else(|| Unauthenticated::new("its token is no client's")),
            },
        }
    }
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Who::Anyone => "Clients::Anyone",
            Who::Tokens(_) => "Clients::Tokens",
            Who::By(_) => "Clients::By",
        })
    }
}

/// A list of clients cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the list of clients `{}` cannot be used: {reason}", path.display())]
#[non_exhaustive]
pub struct ClientsError {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u64,
    clients: Vec<Client>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Client {
    name: String,
    tokens: Vec<Digest>,
}

fn read(bytes: &[u8]) -> Result<Clients, String> {
    // Another kind of file, perhaps with a secret: an error of the parser could quote it.
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return Err("it is not a JSON object".to_owned());
    }
    let document: Document = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if document.version != 1 {
        return Err(format!(
            "version {} is not known, and version 1 is",
            document.version
        ));
    }
    let mut tokens = BTreeMap::new();
    for client in document.clients {
        let name = client.name;
        if name.is_empty() || name.len() > 256 || name.chars().any(char::is_control) {
            return Err(
                "a client has a name of 1 to 256 bytes without control characters".to_owned(),
            );
        }
        if name == LOCAL {
            return Err(format!(
                "`{LOCAL}` is who asks where there are no tokens; name the client otherwise"
            ));
        }
        if client.tokens.is_empty() {
            return Err(format!("the client `{}` has no token", name.escape_debug()));
        }
        for token in client.tokens {
            if token == Digest::of(b"") {
                return Err(format!(
                    "a token of `{}` is the digest of nothing",
                    name.escape_debug()
                ));
            }
            if tokens.insert(token, name.clone()).is_some() {
                return Err("a token stands twice".to_owned());
            }
        }
    }
    if tokens.is_empty() {
        return Err("it names no client".to_owned());
    }
    Ok(Clients(Who::Tokens(Arc::new(tokens))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_says_what_is_wrong_with_it() {
        let one = Digest::of(b"one");
        for (text, why) in [
            ("secret".to_owned(), "not a JSON object"),
            (r#"{"version":2,"clients":[]}"#.to_owned(), "version 2"),
            (
                r#"{"version":1,"clients":[]}"#.to_owned(),
                "names no client",
            ),
            (
                r#"{"version":1,"clients":[{"name":"a","tokens":[]}]}"#.to_owned(),
                "no token",
            ),
            (
                r#"{"version":1,"clients":[{"name":"a","tokens":["abc"]}]}"#.to_owned(),
                "hexadecimal",
            ),
            (
                format!(r#"{{"version":1,"clients":[{{"name":"","tokens":["{one}"]}}]}}"#),
                "a name of",
            ),
            (
                format!(r#"{{"version":1,"clients":[{{"name":"local","tokens":["{one}"]}}]}}"#),
                "`local`",
            ),
            (
                format!(r#"{{"version":1,"clients":[{{"name":"a","tokens":["{one}","{one}"]}}]}}"#),
                "twice",
            ),
            (
                format!(
                    r#"{{"version":1,"clients":[{{"name":"a","tokens":["{}"]}}]}}"#,
                    Digest::of(b"")
                ),
                "of nothing",
            ),
            (
                format!(r#"{{"version":1,"clients":[{{"name":"a","token":["{one}"]}}]}}"#),
                "unknown field",
            ),
        ] {
            let error = read(text.as_bytes()).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
