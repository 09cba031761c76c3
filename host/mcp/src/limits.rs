//! Limits on size and time.

use std::time::Duration;

/// What a client and a server may take. What is over a limit is refused, and is never cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// One message of a client, in bytes. Default: 1 MiB.
    pub request_bytes: usize,
    /// One message of a server, in bytes. Default: 16 MiB.
    pub response_bytes: usize,
    /// The result of one call, in bytes of JSON. Default: 4 MiB.
    pub result_bytes: usize,
    /// One call at a server, from when it is sent. Default: 60 s.
    pub call_time: Duration,
    /// Starting a server and reading what it offers. Default: 30 s.
    pub start_time: Duration,
    /// After what time the lists of a server are read again that cannot say when they change. A call is not sent to one whose lists could not be
    /// read for twice as long. Default: 60 s.
    pub relist_time: Duration,
    /// How long a person is waited for while the client waits. Default: 50 s, because clients give up after a minute.
    pub approval_time: Duration,
    /// Calls at one server at a time. Default: 64.
    pub calls: usize,
    /// Tools, prompts, resources and templates of one server, of each. Default: 2000.
    pub items: usize,
    /// Sessions of one user over HTTP, in the versions of the protocol that have sessions. Default: 100.
    pub sessions: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_bytes: 1 << 20,
            response_bytes: 16 << 20,
            result_bytes: 4 << 20,
            call_time: Duration::from_secs(60),
            start_time: Duration::from_secs(30),
            relist_time: Duration::from_secs(60),
            approval_time: Duration::from_secs(50),
            calls: 64,
            items: 2000,
            sessions: 100,
        }
    }
}
