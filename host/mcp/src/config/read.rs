//! From the file to a configuration.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hexgate_base::disk::{FileError, open, read_all};
use hexgate_base::harmless;
use rmcp::model::ProtocolVersion;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::{
    ApprovalsConfig, AuthzenConfig, CallerConfig, Config, DurableConfig, Environment, MAX_FILE,
    Offer, Reach, ServerConfig, VERSIONS,
};
use crate::authorization::{AuthorizationConfig, Flow};
use crate::identity::IdentityConfig;
use crate::limits::Limits;
use crate::names;
use crate::pins::FirstUse;

/// How deep a file can be nested.
const MAX_DEPTH: usize = 16;

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The text is not a configuration.
    #[error("`{}`: {reason}", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// What is wrong, with its line where that is known.
        reason: String,
    },
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    agent: Option<String>,
    policy: Option<PathBuf>,
    listen: Option<SocketAddr>,
    #[serde(default)]
    hosts: Vec<String>,
    #[serde(default)]
    origins: Vec<String>,
    caller: Option<CallerConfig>,
    authzen: Option<AuthzenConfig>,
    identity: Option<IdentityConfig>,
    pins: Option<PathBuf>,
    #[serde(default)]
    first_use: FirstUse,
    servers: BTreeMap<String, Spanned<WrittenServer>>,
    #[serde(default)]
    names: Names,
    offer: Option<Offer>,
    limits: Option<Spanned<WrittenLimits>>,
    #[serde(default)]
    approvals: WrittenApprovals,
    audit: Option<PathBuf>,
    #[serde(default)]
    scrub_secrets: bool,
    #[serde(default)]
    visible_results: bool,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Names {
    #[default]
    Prefixed,
    Plain,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenServer {
    command: Option<String>,
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    env: Vec<String>,
    url: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    authorization: Option<AuthorizationConfig>,
    protocol: Option<String>,
    offer: Option<Offer>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct WrittenLimits {
    request_bytes: Option<usize>,
    response_bytes: Option<usize>,
    result_bytes: Option<usize>,
    call_seconds: Option<u64>,
    start_seconds: Option<u64>,
    relist_seconds: Option<u64>,
    approval_seconds: Option<u64>,
    calls: Option<usize>,
    items: Option<usize>,
    sessions: Option<usize>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct WrittenApprovals {
    ask_client: Option<bool>,
    database: Option<PathBuf>,
    approvers: Option<PathBuf>,
    used: Option<PathBuf>,
    roles: Vec<String>,
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or something in it is wrong.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let path = path.as_ref();
        let bytes = read_all(open(path)?, MAX_FILE)?;
        let refused = |reason: String| ConfigError::Refused {
            path: path.to_owned(),
            reason,
        };
        let text = String::from_utf8(bytes).map_err(|_| refused("it is not UTF-8".to_owned()))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Self::from_text(&text, folder).map_err(refused)
    }

    /// Reads a text. Relative paths in it are those from this folder.
    ///
    /// # Errors
    ///
    /// What is wrong, with its line where that is known.
    pub fn from_text(text: &str, folder: &Path) -> Result<Self, String> {
        let options = serde_saphyr::options! {
            budget: serde_saphyr::budget! {
                max_documents: 1,
                max_anchors: 0,
                max_aliases: 0,
                max_depth: MAX_DEPTH,
            },
            with_snippet: false,
        };
        let written: Written = serde_saphyr::from_str_with_options(text, options)
            .map_err(|error| harmless(&error.to_string()).into_owned())?;
        written.config(folder)
    }
}

impl Written {
    fn config(self, folder: &Path) -> Result<Config, String> {
        let beside = |path: PathBuf| folder.join(path);
        let mut servers = BTreeMap::new();
        for (name, server) in self.servers {
            let line = server.referenced.line();
            let read = server
                .value
                .server(&name, folder)
                .map_err(|why| format!("the server `{}` at line {line} {why}", harmless(&name)))?;
            servers.insert(name, read);
        }
        let mut config = Config::of(servers);
        if let Some(agent) = self.agent {
            config.agent = agent;
        }
        config.plain_names = self.names == Names::Plain;
        config.listen = self.listen;
        config.caller = self.caller;
        config.authzen = self.authzen.map(|mut authzen| {
            authzen.clients = authzen.clients.map(beside);
            authzen
        });
        config.identity = self.identity;
        if let Some(tokens) = config.identity.as_mut().and_then(|it| it.tokens.as_mut()) {
            tokens.keys = tokens.keys.iter().map(|key| folder.join(key)).collect();
        }
        config.pins = self.pins.map(beside);
        config.first_use = self.first_use;
        config.check()?;
        config.policy = self.policy.map(beside);
        config.hosts = self.hosts;
        config.origins = self.origins;
        if let Some(offer) = self.offer {
            config.offer = offer;
        }
        if let Some(limits) = self.limits {
            let line = limits.referenced.line();
            config.limits = limits
                .value
                .limits()
                .map_err(|why| format!("`limits` at line {line}: {why}"))?;
        }
        config.approvals = self.approvals.approvals(&beside)?;
        config.audit = self.audit.map(beside);
        config.scrub_secrets = self.scrub_secrets;
        config.visible_results = self.visible_results;
        Ok(config)
    }
}

impl WrittenServer {
    fn server(mut self, name: &str, folder: &Path) -> Result<ServerConfig, String> {
        let reach = match (self.command, self.url) {
            (Some(command), None) => {
                if !self.headers.is_empty() {
                    return Err("has `headers`, which a command does not have".to_owned());
                }
                if self.authorization.is_some() {
                    return Err("has `authorization`, which a command does not have".to_owned());
                }
                if command.is_empty() {
                    return Err("has an empty `command`".to_owned());
                }
                if let Some(bad) = self.env.iter().find(|name| !names::is_variable(name)) {
                    return Err(format!(
                        "has `{}` in `env`, which lists names of variables; their values come from the environment",
                        harmless(bad)
                    ));
                }
                Reach::Process {
                    command,
                    args: self.args,
                    environment: Environment::Named(self.env),
                }
            }
            (None, Some(url)) => {
                if !(self.args.is_empty() && self.env.is_empty()) {
                    return Err("has `args` or `env`, which a `url` does not have".to_owned());
                }
                let is_http = url::Url::parse(&url)
                    .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
                if !is_http {
                    return Err("has a `url` that is no address of HTTP".to_owned());
                }
                if let Some(bad) = self.headers.values().find(|name| !names::is_variable(name)) {
                    return Err(format!(
                        "has a header with `{}`, which is no name of a variable; values of headers come from the environment",
                        harmless(bad)
                    ));
                }
                if let Some(authorization) = &mut self.authorization {
                    if self
                        .headers
                        .keys()
                        .any(|name| name.eq_ignore_ascii_case("authorization"))
                    {
                        return Err("has a header `Authorization` and an `authorization`: its token would be said twice".to_owned());
                    }
                    if authorization.flow == Flow::Login {
                        let tokens = authorization.tokens.take();
                        let tokens = tokens.unwrap_or_else(|| format!("tokens/{name}.json").into());
                        authorization.tokens = Some(folder.join(tokens));
                    }
                    authorization
                        .check(&url)
                        .map_err(|why| format!("has an `authorization` that {why}"))?;
                }
                Reach::Http {
                    url,
                    headers: self.headers,
                }
            }
            _ => return Err("needs either a `command` or a `url`".to_owned()),
        };
        let protocol = match self.protocol {
            None => None,
            Some(named) => Some(version(&named)?),
        };
        Ok(ServerConfig {
            reach,
            protocol,
            offer: self.offer,
            authorization: self.authorization,
        })
    }
}

/// A version of the protocol that is spoken here.
fn version(named: &str) -> Result<ProtocolVersion, String> {
    let found = VERSIONS.iter().find(|version| version.as_str() == named);
    found.cloned().ok_or_else(|| {
        let known: Vec<&str> = VERSIONS.iter().map(|it| it.as_str()).collect();
        format!(
            "has the protocol `{}`; `{}` are spoken",
            harmless(named),
            known.join("`, `")
        )
    })
}

impl WrittenLimits {
    fn limits(self) -> Result<Limits, String> {
        let mut limits = Limits::default();
        let size = |name: &str, given: Option<usize>, into: &mut usize| match given {
            Some(0) => Err(format!("`{name}` must be 1 or more")),
            Some(given) => {
                *into = given;
                Ok(())
            }
            None => Ok(()),
        };
        size(
            "request_bytes",
            self.request_bytes,
            &mut limits.request_bytes,
        )?;
        size(
            "response_bytes",
            self.response_bytes,
            &mut limits.response_bytes,
        )?;
        size("result_bytes", self.result_bytes, &mut limits.result_bytes)?;
        size("calls", self.calls, &mut limits.calls)?;
        size("items", self.items, &mut limits.items)?;
        size("sessions", self.sessions, &mut limits.sessions)?;
        let time = |name: &str, given: Option<u64>, into: &mut Duration| match given {
            Some(0) => Err(format!("`{name}` must be 1 or more")),
            Some(given) if given > 86_400 => Err(format!("`{name}` must be at most 86400")),
            Some(given) => {
                *into = Duration::from_secs(given);
                Ok(())
            }
            None => Ok(()),
        };
        time("call_seconds", self.call_seconds, &mut limits.call_time)?;
        time("start_seconds", self.start_seconds, &mut limits.start_time)?;
        time(
            "relist_seconds",
            self.relist_seconds,
            &mut limits.relist_time,
        )?;
        time(
            "approval_seconds",
            self.approval_seconds,
            &mut limits.approval_time,
        )?;
        Ok(limits)
    }
}

impl WrittenApprovals {
    fn approvals(self, beside: &dyn Fn(PathBuf) -> PathBuf) -> Result<ApprovalsConfig, String> {
        let durable = match (self.database, self.approvers) {
            (None, None) if self.used.is_none() && self.roles.is_empty() => None,
            (Some(database), Some(approvers)) => {
                if self.roles.is_empty() {
                    return Err(
                        "`approvals` needs `roles`: who answers where the policy names nobody"
                            .to_owned(),
                    );
                }
                Some(DurableConfig {
                    database: beside(database),
                    approvers: beside(approvers),
                    used: self.used.map(beside),
                    roles: self.roles,
                })
            }
            _ => {
                return Err(
                    "`approvals` needs `database`, `approvers` and `roles` together".to_owned(),
                );
            }
        };
        Ok(ApprovalsConfig {
            ask_client: self.ask_client,
            durable,
        })
    }
}
