//! From a server's configuration to a connection.
use std::collections::HashMap;
use std::pin::Pin;
use std::process::Stdio;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue};
use hexgate_base::{harmless, sentence};
use rmcp::RoleClient;
use rmcp::model::ProtocolVersion;
use rmcp::service::{
    ClientCacheConfig, ClientInitializeError, ClientLifecycleMode, ClientServiceExt as _,
    RunningService,
};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};

use super::bearing::{Bearing, challenge_of, refusal_of};
use super::stale::{Hearing, Stale};
use super::upstream::{Towards, Upstream};
use crate::authorization::Authorizer;
use crate::config::{Environment, Reach, ServerConfig, VERSIONS};
use crate::limits::Limits;
use crate::wire::{Ended, Lines, Peer};

/// What programs need of an environment to start.
const BASICS: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TMPDIR",
    "SHELL",
    "TERM",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
];
/// How long a process has to end by itself once its input is closed.
const GRACE: Duration = Duration::from_secs(2);
/// The longest line of a server's log that is shown, in bytes.
const LOG_LINE: u64 = 4096;

/// How the first words are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opening {
    /// By what the server answers to `server/discover`.
    Ask,
    /// As before 2026-07-28: some servers end when they are asked anything else first.
    Initialize,
}

/// A connection, and what ends with it.
pub(super) struct Connected {
    pub(super) running: RunningService<RoleClient, Upstream>,
    pub(super) ended: Ended,
    pub(super) stale: Arc<Stale>,
}

/// Starts or reaches a server, and agrees on a version of the protocol.
pub(super) async fn connect(
    name: &str,
    config: &ServerConfig,
    limits: &Limits,
    towards: &Towards,
    opening: Opening,
    authorizer: Option<Arc<Authorizer>>,
) -> Result<Connected, String> {
    let upstream = Upstream::new(config, towards);
    let stale = Arc::clone(&towards.stale);
    let mode = mode(config, opening);
    let (running, ended) = match &config.reach {
        Reach::Process {
            command,
            args,
            environment,
        } => {
            let lines = process(name, command, args, environment, limits)?;
            let ended = lines.ended();
            let lines = Hearing {
                transport: lines,
                stale: Arc::clone(&stale),
                ended: None,
            };
            let running = upstream.serve_with_lifecycle(lines, mode).await;
            let running = running.map_err(|error| match ended.why() {
                Some(why) => format!("{why}: {error}"),
                None => error.to_string(),
            })?;
            (running, ended)
        }
        Reach::Http { url, headers, .. } => {
            let ended = Ended::default();
            let transport = Hearing {
                transport: http(url, headers, limits, authorizer.clone(), &ended, &stale)?,
                stale: Arc::clone(&stale),
                ended: Some(ended.clone()),
            };
            let running = upstream.serve_with_lifecycle(transport, mode).await;
            let running = running.map_err(|error| not_opened(&error, authorizer.as_deref()))?;
            (running, ended)
        }
    };
    // A list is what the server says now: a cached one would hide that it refuses or is gone.
    let no_cache = ClientCacheConfig::disabled();
    running.peer().set_response_cache_config(no_cache).await;
    let spoken = running
        .peer()
        .peer_info()
        .map(|info| info.protocol_version.clone());
    match spoken {
        Some(version)
            if VERSIONS.contains(&version)
                && config
                    .protocol
                    .as_ref()
                    .is_none_or(|wanted| *wanted == version) =>
        {
            // Between requests a process speaks where it answers them. Newer ones are asked to, and can refuse.
            if matches!(config.reach, Reach::Process { .. }) && version.has_initialize() {
                stale.heard();
            }
            Ok(Connected {
                running,
                ended,
                stale,
            })
        }
        Some(version) => Err(format!(
            "it speaks version `{}` of the protocol, which is not the one that is wanted here",
            harmless(version.as_str())
        )),
        None => Err("it names no version of the protocol".to_owned()),
    }
}

fn mode(config: &ServerConfig, opening: Opening) -> ClientLifecycleMode {
    let newest = || vec![ProtocolVersion::V_2026_07_28];
    match (&config.protocol, opening) {
        (Some(version), _) if !version.has_initialize() => ClientLifecycleMode::Discover {
            preferred_versions: newest(),
        },
        (Some(_), _) | (None, Opening::Initialize) => ClientLifecycleMode::Initialize,
        (None, Opening::Ask) => ClientLifecycleMode::Auto {
            preferred_versions: newest(),
            legacy_version: Some(ProtocolVersion::LATEST_WITH_INITIALIZE),
        },
    }
}

/// What a server over HTTP answers to somebody without a token: the value of its `WWW-Authenticate`. None: it wants none.
pub(crate) async fn challenge(
    config: &ServerConfig,
    limits: &Limits,
) -> Result<Option<String>, String> {
    let Reach::Http { url, headers, .. } = &config.reach else {
        return Ok(None);
    };
    let upstream = Upstream::new(config, &Towards::default());
    let (ended, stale) = (Ended::default(), Arc::default());
    let transport = http(url, headers, limits, None, &ended, &stale)?;
    let opening = upstream.serve_with_lifecycle(transport, mode(config, Opening::Ask));
    let limit = limits.start_time;
    match tokio::time::timeout(limit, opening).await {
        Err(_) => Err(format!(
            "it does not answer within {} seconds",
            limit.as_secs()
        )),
        Ok(Ok(running)) => {
            let _ = running.cancel().await;
            Ok(None)
        }
        Ok(Err(error)) => match challenge_of(&error) {
            Some(challenge) => Ok(Some(challenge.to_owned())),
            None => Err(sentence(&error)),
        },
    }
}

/// Why nothing was opened.
fn not_opened(error: &ClientInitializeError, authorizer: Option<&Authorizer>) -> String {
    let of_transport = match error {
        ClientInitializeError::TransportError { error, .. } => refusal_of(&*error.error),
        _ => None,
    };
    let refusal = of_transport.or_else(|| authorizer.and_then(Authorizer::refusal));
    if let Some(why) = refusal {
        return why;
    }
    if challenge_of(error).is_some() {
        return "it wants a token; its configuration has no `authorization` to get one".to_owned();
    }
    error.to_string()
}

fn http(
    url: &str,
    headers: &std::collections::BTreeMap<String, String>,
    limits: &Limits,
    authorizer: Option<Arc<Authorizer>>,
    ended: &Ended,
    stale: &Arc<Stale>,
) -> Result<StreamableHttpClientTransport<Bearing>, String> {
    let mut sent = HashMap::new();
    for (name, variable) in headers {
        let value = std::env::var(variable)
            .map_err(|_| format!("the variable `{variable}` for its header `{name}` is not set"))?;
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| format!("`{}` is no name of a header", harmless(name)))?;
        let mut value = HeaderValue::from_str(&value)
            .map_err(|_| format!("the variable `{variable}` holds no value of a header"))?;
        value.set_sensitive(true);
        sent.insert(name, value);
    }
    let client = reqwest::Client::builder()
        // Another place must not see the headers.
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(limits.start_time)
        .build()
        .map_err(|error| format!("there is no HTTP: {error}"))?;
    let config = StreamableHttpClientTransportConfig::with_uri(url.to_owned())
        .custom_headers(sent)
        .max_concurrent_requests(limits.calls.saturating_add(1))
        .max_sse_event_size(limits.response_bytes)
        .max_json_response_size(limits.response_bytes)
        // Who does not know the session may have other tools: they are looked at first, and nothing is sent twice.
        .reinit_on_expired_session(false);
    let client = Bearing::new(client, authorizer, ended, stale);
    Ok(StreamableHttpClientTransport::with_client(client, config))
}

fn process(
    name: &str,
    command: &str,
    args: &[String],
    environment: &Environment,
    limits: &Limits,
) -> Result<Lines<RoleClient>, String> {
    let mut program = Command::new(command);
    program.args(args).env_clear();
    match environment {
        Environment::Named(names) => {
            for variable in BASICS {
                if let Some(value) = std::env::var_os(variable) {
                    program.env(variable, value);
                }
            }
            for variable in names {
                let value = std::env::var_os(variable).ok_or_else(|| {
                    format!("the variable `{variable}`, which it is to get, is not set")
                })?;
                program.env(variable, value);
            }
        }
        Environment::Inherited => {
            let all = std::env::vars_os()
                .filter(|(name, _)| !name.to_string_lossy().starts_with("HEXGATE_"));
            program.envs(all);
        }
    }
    let mut child = program
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        // A signal from the terminal is for the gateway, which then ends its servers.
        .process_group(0)
        .spawn()
        .map_err(|error| format!("`{}` cannot be started: {error}", harmless(command)))?;
    let (Some(input), Some(output), Some(log)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err("its standard streams are missing".to_owned());
    };
    tokio::spawn(shown(name.to_owned(), log));
    let lines = Lines::new(
        Peer::Server,
        Owned::new(output, child),
        input,
        limits.response_bytes,
    );
    Ok(lines.with_calls(limits.calls))
}

/// The output of a process, with the process: what drops the one ends the other, and the output ends soon after the process, whoever else
/// holds it.
struct Owned<R> {
    output: R,
    exit: Option<Exit>,
}

/// Ends a while after a process. It is ended by force when this is dropped.
type Exit = Pin<Box<dyn Future<Output = ()> + Send>>;

impl<R> Owned<R> {
    fn new(output: R, mut child: Child) -> Self {
        let exit = async move {
            let _ = child.wait().await;
            // What it wrote before can still be read.
            tokio::time::sleep(GRACE).await;
        };
        Self {
            output,
            exit: Some(Box::pin(exit)),
        }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Owned<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut tokio::io::ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        if let Poll::Ready(read) = Pin::new(&mut self.output).poll_read(context, buffer) {
            return Poll::Ready(read);
        }
        let is_over = match &mut self.exit {
            Some(exit) => exit.as_mut().poll(context).is_ready(),
            None => true,
        };
        if is_over {
            // Nothing is read, which is the end.
            self.exit = None;
            return Poll::Ready(Ok(()));
        }
        Poll::Pending
    }
}

impl<R> Drop for Owned<R> {
    fn drop(&mut self) {
        // Its input is closed by now or soon: a server ends by itself then.
        if let (Some(exit), Ok(runtime)) = (self.exit.take(), tokio::runtime::Handle::try_current())
        {
            runtime.spawn(tokio::time::timeout(GRACE, exit));
        }
    }
}

/// Shows a server's log on the gateway's standard error, harmless and line by line.
async fn shown(server: String, log: impl AsyncRead + Unpin) {
    let mut log = BufReader::new(log);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut log).take(LOG_LINE).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {
                let text = String::from_utf8_lossy(&line);
                let text = text.trim_end_matches(['\r', '\n']);
                eprintln!("[{server}] {}", harmless(text));
            }
        }
    }
}
