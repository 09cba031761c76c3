//! The egress proxy: what leaves the sandbox is decided by the policy, request by request.
//!
//! An HTTP proxy for one caller. It accepts on any listener: one on loopback, or one that was made inside of a sandbox's own network, from
//! which nothing else leads out. Programs find it by the variables `HTTP_PROXY` and so on ([`Proxy::environment`]).
//!
//! | a client asks for | the call that is decided | its arguments |
//! |---|---|---|
//! | `GET http://host/path?query` | `net.http_request` | `method scheme host port url path query` |
//! | `CONNECT host:port`, then TLS | `net.http_request` | `method` (`CONNECT`), `scheme` (`https`), `host port url` |
//! | `CONNECT host:port`, then anything else | also `net.tcp_connect` | `host port protocol` (`tcp`) |
//! | a connection that is [forwarded](Proxy::forward) | `net.tcp_connect` | `host port protocol` |
//!
//! - Arguments have one normal form ([`crate::address::Host`]; paths without dot segments and needless codes), and the request that is sent
//!   is made of the permitted arguments.
//! - A connection carries one request, so none slips in behind another. A redirection is the client's next request.
//! - Names are resolved here, once, and only if the policy allows the call: a name that is denied is told to nobody. An address that is not
//!   public is refused unless [`Reach`](crate::address::Reach) names it.
//! - The header `Host`, the request's own host and the name in the client's TLS hello (both hellos, if the server asks twice) must agree. What
//!   is inside of TLS is not looked at; a hello that hides its name is refused.
//! - What two readers could take for different requests is refused: two lengths, a length and chunks, folded lines, bare line feeds.
//!
//! | answer | why |
//! |---|---|
//! | 400 | the request is malformed |
//! | 403 | the policy denies it, nobody approved it, or the address is not public |
//! | 407 | the secret of the proxy is missing |
//! | 408, 431 | the head takes too long, is too long |
//! | 501 | an upgrade to another protocol |
//! | 502 | the server is not found, not reached, or answers nonsense |
//!
//! The body is `{"error": {"type", "message"}}`, with the words that a model may read; the operator finds the rest in the record.

mod answer;
mod connection;
mod ending;
mod gate;
mod head;
mod hello;
mod limits;
mod plain;
mod relay;
mod server;
mod target;
mod tunnel;

pub use gate::Decided;
pub use limits::Limits;
pub use server::{Proxy, ProxyBuilder, SecretError};
