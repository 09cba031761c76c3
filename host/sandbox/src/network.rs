//! What of the network a command reaches.

use std::any::Any;
use std::fmt;
use std::io;
use std::net::TcpListener;

/// The port on which a proxy listens inside of a sandbox, at `127.0.0.1`. The sandbox has a network of its own, so it is always free.
pub const PROXY_PORT: u16 = 3128;

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
    Through(Serve),
}

impl Network {
    /// A listener that `serve` serves.
    #[must_use]
    pub fn through(
        serve: impl FnOnce(TcpListener) -> io::Result<Box<dyn Any + Send>> + Send + 'static,
    ) -> Self {
        Self::Through(Box::new(serve))
    }

    pub(crate) fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Through(_) => "Through(..)",
        })
    }
}
