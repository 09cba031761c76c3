//! What a host requires of a bundle beside a trusted signature.

use crate::Obligation;

/// The agent and project that a bundle must be for, and which checks are left out.
///
/// A bundle must name exactly this agent and this project; one that names more, less or another is refused. An expectation can be kept: the
/// time is passed to each check.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expectation {
    pub(crate) agent: Option<String>,
    pub(crate) project: Option<String>,
    pub(crate) min_sequence: Option<u64>,
    pub(crate) honoured: Vec<Obligation>,
    pub(crate) accept_unbound: bool,
    pub(crate) any_binding: bool,
    pub(crate) ignore_validity: bool,
}

impl Expectation {
    /// A bundle for the agent of this name, and for no particular project unless [`in_project`](Self::in_project) names one.
    pub fn agent(name: impl Into<String>) -> Self {
        Self {
            agent: Some(name.into()),
            ..Self::default()
        }
    }

    /// A bundle for all agents of a project.
    pub fn project(name: impl Into<String>) -> Self {
        Self {
            project: Some(name.into()),
            ..Self::default()
        }
    }

    /// Also names the project.
    #[must_use]
    pub fn in_project(mut self, name: impl Into<String>) -> Self {
        self.project = Some(name.into());
        self
    }

    /// Refuses a bundle with a lower sequence number, and one without; 0 refuses only the latter. Default: none; see [`SequenceStore`](crate::SequenceStore) for a host
    /// that remembers.
    #[must_use]
    pub fn min_sequence(mut self, sequence: u64) -> Self {
        self.min_sequence = Some(sequence);
        self
    }

    /// Says that the host does what this obligation of a version 1 bundle demands. Default: none.
    #[must_use]
    pub fn honours(mut self, obligation: Obligation) -> Self {
        self.honoured.push(obligation);
        self
    }

    /// Accepts a bundle that leaves the agent or the project open, as all of version 1 do.
    ///
    /// CAUTION: such a bundle can be replayed. An attacker who can replace the host's files can give this agent the policy of another one
    /// that the same key signed.
    #[must_use]
    pub fn dangerous_accept_unbound(mut self) -> Self {
        self.accept_unbound = true;
        self
    }

    /// Accepts a bundle for any agent and project.
    ///
    /// CAUTION: for tools that show bundles. A host that decides with this accepts every policy that a trusted key ever signed.
    pub fn dangerous_any_binding() -> Self {
        Self {
            any_binding: true,
            ..Self::default()
        }
    }

    /// Accepts a bundle before and after the time for which it was made.
    ///
    /// CAUTION: for tools that show bundles, and for replaying a decision of the past.
    #[must_use]
    pub fn dangerous_ignore_validity(mut self) -> Self {
        self.ignore_validity = true;
        self
    }
}
