//! What a sandbox enforces, by name.

use std::fmt;

/// One thing that a sandbox may enforce.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Guarantee {
    /// Nothing outside of the workspace and a private folder for temporary files is written, created, moved, removed, or given other modes.
    WritesConfined,
    /// Only the workspace and what programs need is read: no home folder, no keys, no files of other users.
    ReadsConfined,
    /// Protected names are not written, whether or not they exist.
    NamesProtected,
    /// No network, or through the proxy alone.
    NetworkConfined,
    /// Sockets of the machine (docker, ssh-agent, D-Bus) cannot be reached.
    SocketsHidden,
    /// The kernel runs the allowed commands and nothing else.
    CommandsEnforced,
    /// No privileges: no capabilities, no set-user-ID programs, no namespaces, no tracing, no dangerous system calls.
    PrivilegesDropped,
    /// Nothing that a command started is left when it has ended, however it ended.
    ProcessesEnded,
    /// The number of processes is limited.
    ProcessesBounded,
    /// Memory is limited: that of all processes together where the status names a control group, otherwise that of each process alone.
    MemoryBounded,
    /// Processor time, wall time, the size of files, free disk and output are limited.
    ResourcesBounded,
    /// A clean environment and no inherited files.
    EnvironmentClean,
}

impl Guarantee {
    /// All of them, in the order of tables.
    pub const ALL: [Self; 12] = [
        Self::WritesConfined,
        Self::ReadsConfined,
        Self::NamesProtected,
        Self::NetworkConfined,
        Self::SocketsHidden,
        Self::CommandsEnforced,
        Self::PrivilegesDropped,
        Self::ProcessesEnded,
        Self::ProcessesBounded,
        Self::MemoryBounded,
        Self::ResourcesBounded,
        Self::EnvironmentClean,
    ];

    /// A short stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::WritesConfined => "writes-confined",
            Self::ReadsConfined => "reads-confined",
            Self::NamesProtected => "names-protected",
            Self::NetworkConfined => "network-confined",
            Self::SocketsHidden => "sockets-hidden",
            Self::CommandsEnforced => "commands-enforced",
            Self::PrivilegesDropped => "privileges-dropped",
            Self::ProcessesEnded => "processes-ended",
            Self::ProcessesBounded => "processes-bounded",
            Self::MemoryBounded => "memory-bounded",
            Self::ResourcesBounded => "resources-bounded",
            Self::EnvironmentClean => "environment-clean",
        }
    }
}

impl fmt::Display for Guarantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether something is enforced.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// It is, by this.
    Enforced(&'static str),
    /// It is not, for this reason.
    NotEnforced(String),
}

/// What a sandbox enforces and what it does not, with how and why.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Guarantees(Vec<(Guarantee, Status)>);

impl Guarantees {
    pub(crate) fn enforced(&mut self, what: Guarantee, how: &'static str) {
        self.0.push((what, Status::Enforced(how)));
    }

    pub(crate) fn missing(&mut self, what: Guarantee, reason: impl Into<String>) {
        self.0.push((what, Status::NotEnforced(reason.into())));
    }

    /// Each with its status, in the order of tables.
    pub fn iter(&self) -> impl Iterator<Item = (Guarantee, &Status)> {
        self.0.iter().map(|(what, status)| (*what, status))
    }

    /// Whether this is enforced.
    #[must_use]
    pub fn holds(&self, what: Guarantee) -> bool {
        self.0
            .iter()
            .any(|(other, status)| *other == what && matches!(status, Status::Enforced(_)))
    }

    /// What of `wanted` is not enforced, with the reason.
    #[must_use]
    pub fn lacking(&self, wanted: &Wanted) -> Vec<(Guarantee, String)> {
        wanted
            .0
            .iter()
            .filter(|what| !self.holds(**what))
            .map(|what| {
                let reason = self.0.iter().find_map(|(other, status)| match status {
                    Status::NotEnforced(reason) if other == what => Some(reason.clone()),
                    _ => None,
                });
                (*what, reason.unwrap_or_else(|| "not enforced".to_owned()))
            })
            .collect()
    }
}

/// What a sandbox must enforce. A backend that does not enforce all of it is not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted(Vec<Guarantee>);

impl Wanted {
    /// Everything. [`Guarantee::CommandsEnforced`] counts only for a workspace that lists its commands.
    #[must_use]
    pub fn everything() -> Self {
        Self(Guarantee::ALL.to_vec())
    }

    /// All but this one. Commands then also run where it is not enforced.
    #[must_use]
    pub fn dangerous_without(mut self, what: Guarantee) -> Self {
        self.0.retain(|other| *other != what);
        self
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = Guarantee> {
        self.0.iter().copied()
    }
}

impl Default for Wanted {
    fn default() -> Self {
        Self::everything()
    }
}
