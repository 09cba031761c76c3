//! How much a client may take.

use std::time::Duration;

/// How much a client may take of the proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The most connections at a time. Further ones wait. Default: 256.
    pub connections: usize,
    /// The longest head of a request or an answer, in bytes; at least 8 KiB. Default: 64 KiB.
    pub head_bytes: usize,
    /// How long the head of a request may take. Default: 30 seconds.
    pub head: Duration,
    /// How long the first message of TLS may take, once a tunnel is open. Default: 10 seconds.
    pub hello: Duration,
    /// How long it may take to find and to reach a server. Default: 10 seconds.
    pub connect: Duration,
    /// How long a server may take to begin its answer, after it has the whole request. Default: 5 minutes.
    pub answer: Duration,
    /// How long a body or a tunnel may stand still. Default: 5 minutes.
    pub idle: Duration,
    /// How long a connection may take in all, without the time that an approver takes. Default: 6 hours.
    pub longest: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 256,
            head_bytes: 64 * 1024,
            head: Duration::from_secs(30),
            hello: Duration::from_secs(10),
            connect: Duration::from_secs(10),
            answer: Duration::from_secs(300),
            idle: Duration::from_secs(300),
            longest: Duration::from_secs(6 * 3600),
        }
    }
}
