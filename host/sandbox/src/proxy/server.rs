//! The proxy and its options.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hexgate_enforce::{Call, Caller, Enforcer};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::address::{Host, Reach, Resolve, SystemResolver};
use crate::network::{ADDRESS, Network};
use crate::proxy::connection;
use crate::proxy::gate::{Decided, Gate, USER};
use crate::proxy::limits::Limits;

/// An HTTP proxy for one caller: an enforcer decides each request. Cloning is cheap and gives the same proxy.
///
/// ```no_run
/// use hexgate_enforce::{Caller, Enforcer};
/// use hexgate_sandbox::proxy::Proxy;
///
/// # async fn serve(enforcer: Enforcer, alice: Caller) -> Result<(), Box<dyn std::error::Error>> {
/// let proxy = Proxy::builder(enforcer, alice).secret()?.build();
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// for (name, value) in proxy.environment(listener.local_addr()?) {
///     println!("export {name}={value}");
/// }
/// proxy.serve(listener).await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Proxy {
    gate: Arc<Gate>,
    places: Arc<Semaphore>,
}

/// Collects the options of a [`Proxy`].
#[must_use = "a proxy is there once it is built"]
pub struct ProxyBuilder(Gate);

/// The system gave no random numbers for the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random numbers: {0}")]
pub struct SecretError(#[from] getrandom::Error);

impl Proxy {
    /// A proxy on behalf of a caller.
    pub fn builder(enforcer: Enforcer, caller: Caller) -> ProxyBuilder {
        ProxyBuilder(Gate {
            enforcer,
            caller,
            facts: None,
            reach: Reach::public(),
            resolver: Arc::new(SystemResolver),
            limits: Limits::default(),
            secret: None,
        })
    }

    /// Accepts clients of the proxy. Never ends by itself; when the future is dropped, all connections that it accepted end.
    pub async fn serve(&self, listener: TcpListener) -> Infallible {
        let serve = |gate: Arc<Gate>, client| async move { connection::serve(&gate, client).await };
        self.accept(listener, serve).await
    }

    /// Accepts connections that are forwarded to one host and port, each decided as `net.tcp_connect`: for protocols other than HTTP, whose
    /// clients know no proxy. Never ends by itself, as [`serve`](Self::serve).
    pub async fn forward(&self, listener: TcpListener, host: Host, port: u16) -> Infallible {
        let target = Arc::new((host, port));
        let serve = move |gate: Arc<Gate>, client| {
            let target = Arc::clone(&target);
            async move { connection::forward(&gate, client, &target).await }
        };
        self.accept(listener, serve).await
    }

    /// The network of a sandbox that reaches this proxy and nothing else. To be called within the runtime of tokio that is to run the proxy, which
    /// ends with the command.
    #[must_use]
    pub fn network(&self) -> Network {
        let runtime = Handle::try_current();
        let proxy = self.clone();
        let environment = self.environment(ADDRESS.into());
        Network::Through {
            serve: Box::new(move |listener| {
                let runtime = runtime.map_err(io::Error::other)?;
                listener.set_nonblocking(true)?;
                let _inside = runtime.enter();
                let listener = TcpListener::from_std(listener)?;
                let mut serving = JoinSet::new();
                serving.spawn(async move { proxy.serve(listener).await });
                Ok(Box::new(serving))
            }),
            environment: environment
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        }
    }

    /// The variables by which programs find the proxy at an address: `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` in both cases, `NO_PROXY` empty.
    /// The secret is in them.
    #[must_use]
    pub fn environment(&self, address: SocketAddr) -> Vec<(&'static str, String)> {
        let url = match &self.gate.secret {
            Some(secret) => format!("http://{USER}:{secret}@{address}"),
            None => format!("http://{address}"),
        };
        let names = [
            "HTTP_PROXY",
            "http_proxy",
            "HTTPS_PROXY",
            "https_proxy",
            "ALL_PROXY",
            "all_proxy",
        ];
        let mut variables: Vec<_> = names.into_iter().map(|name| (name, url.clone())).collect();
        variables.extend(["NO_PROXY", "no_proxy"].map(|name| (name, String::new())));
        // Node does not look at the others without it.
        variables.push(("NODE_USE_ENV_PROXY", "1".to_owned()));
        variables
    }

    async fn accept<F, S>(&self, listener: TcpListener, serve: F) -> Infallible
    where
        F: Fn(Arc<Gate>, TcpStream) -> S,
        S: Future<Output = ()> + Send + 'static,
    {
        /// Until a system that has no more descriptors or memory may have some again.
        const PAUSE: Duration = Duration::from_millis(100);
        let mut open = JoinSet::new();
        loop {
            while let Some(ended) = open.try_join_next() {
                if let Err(error) = ended {
                    tracing::error!(%error, "a connection of the proxy panicked");
                }
            }
            // The semaphore is never closed; were it, nobody would be served.
            let Ok(place) = Arc::clone(&self.places).acquire_owned().await else {
                return std::future::pending().await;
            };
            match listener.accept().await {
                Ok((client, _)) => {
                    // Small messages go back and forth.
                    let _ = client.set_nodelay(true);
                    let serving = serve(Arc::clone(&self.gate), client);
                    open.spawn(async move {
                        serving.await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "the proxy could not accept a connection");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

impl ProxyBuilder {
    /// Adds the host's facts (`run`, `said`, `usage`) to each call of a tool before it is decided, and hears what was decided. Calls are decided
    /// side by side: a host that counts them counts a call before it is decided, and takes it back if it is denied. A panic ends the
    /// connection.
    pub fn facts(
        mut self,
        add: impl Fn(Call, &str) -> (Call, Decided) + Send + Sync + 'static,
    ) -> Self {
        self.0.facts = Some(Arc::new(add));
        self
    }

    /// Who may be reached beside public addresses. Default: nobody.
    pub fn reach(mut self, reach: Reach) -> Self {
        self.0.reach = reach;
        self
    }

    /// Who finds the addresses of names. Default: [`SystemResolver`].
    pub fn resolver(mut self, resolver: impl Resolve + 'static) -> Self {
        self.0.resolver = Arc::new(resolver);
        self
    }

    /// How much clients may take.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.0.limits = limits;
        self
    }

    /// Makes a secret that clients must send, so that other programs on this machine cannot use the proxy in the caller's name. Wanted where the
    /// listener can be reached by others, as on loopback. It is in [`Proxy::environment`].
    ///
    /// # Errors
    ///
    /// The system gives no random numbers.
    pub fn secret(mut self) -> Result<Self, SecretError> {
        let mut bytes = [0; 24];
        getrandom::fill(&mut bytes)?;
        self.0.secret = Some(URL_SAFE_NO_PAD.encode(bytes));
        Ok(self)
    }

    /// The proxy.
    #[must_use]
    pub fn build(self) -> Proxy {
        Proxy {
            places: Arc::new(Semaphore::new(
                self.0.limits.connections.clamp(1, Semaphore::MAX_PERMITS),
            )),
            gate: Arc::new(self.0),
        }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("caller", &self.gate.caller)
            .field("reach", &self.gate.reach)
            .field("limits", &self.gate.limits)
            .field("has_secret", &self.gate.secret.is_some())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ProxyBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyBuilder")
            .field("caller", &self.0.caller)
            .field("reach", &self.0.reach)
            .field("limits", &self.0.limits)
            .field("has_secret", &self.0.secret.is_some())
            .finish_non_exhaustive()
    }
}
