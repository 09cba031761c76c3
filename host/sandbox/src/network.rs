//! What of the network a command reaches.

use std::any::Any;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};

/// The port on which a proxy listens inside of a sandbox, at `127.0.0.1`. The sandbox has a network of its own, so it is always free.
pub const PROXY_PORT: u16 = 3128;
pub(crate) const ADDRESS: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::LOCALHOST, PROXY_PORT);
/// The names by which programs look for a proxy.
const NAMES: &[&str] = &[
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
];

/// Starts to serve what a sandbox connects to. What it returns is dropped when the command has ended, and ends the service.
pub type Serve = Box<dyn FnOnce(TcpListener) -> io::Result<Box<dyn Any + Send>> + Send>;

/// What of the network a command reaches.
#[derive(Default)]
#[non_exhaustive]
pub enum Network {
    /// Nothing.
    #[default]
    None,
    /// A listener alone, which stands inside of the sandbox at `127.0.0.1` and is served outside: a proxy that decides about each request.
    /// Programs find it by `HTTP_PROXY`, `HTTPS_PROXY` and `ALL_PROXY`; those that ignore these reach nothing.
    Through {
        /// What serves it.
        serve: Serve,
        /// The variables by which programs find it.
        environment: Vec<(String, String)>,
    },
}

impl Network {
    /// A listener that `serve` serves. It is called in a thread that may block.
    #[must_use]
    pub fn through(
        serve: impl FnOnce(TcpListener) -> io::Result<Box<dyn Any + Send>> + Send + 'static,
    ) -> Self {
        let url = format!("http://{ADDRESS}");
        Self::Through {
            serve: Box::new(serve),
            environment: NAMES
                .iter()
                .map(|name| ((*name).to_owned(), url.clone()))
                .collect(),
        }
    }

    /// The variables by which programs find the listener.
    pub(crate) fn environment(&self) -> &[(String, String)] {
        match self {
            Self::None => &[],
            Self::Through { environment, .. } => environment,
        }
    }

    pub(crate) fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Through { .. } => "Through",
        })
    }
}
