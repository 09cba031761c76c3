//! Running a component: the parts common to all ways.

pub(crate) mod config;
#[cfg(feature = "cranelift")]
pub(crate) mod foreign;
pub(crate) mod known;
mod limiter;
pub(crate) mod output;
mod settings;
pub(crate) mod shipped;
mod state;

use hexgate_contract::{
    ApprovalTerms, Exceeded, FileScope, Forbid, Request, Role, Rule, Summary, Verdict,
};

use crate::error::DecideError;
use crate::limits::Limits;

pub(crate) use state::State;

/// A compiled component, of which instances can be made.
pub(crate) trait Guest: Send + Sync {
    /// An instance, used by one thread at a time.
    type Instance: Instance;

    /// Makes an instance in its first state.
    fn instantiate(&self) -> Result<Self::Instance, DecideError>;
}

/// A running component.
pub(crate) trait Instance: Send {
    /// Decides one call. The answer is not yet checked against the request.
    fn decide(&mut self, request: &Request<'_>) -> Result<Verdict, DecideError>;

    /// The policy as a whole.
    fn about(&mut self) -> Result<Summary, DecideError>;

    /// Whether a scope covers a path.
    fn covers(&mut self, scope: u32, path: &str) -> Result<bool, DecideError>;

    /// At most `count` roles from `start` on.
    fn roles(&mut self, start: u32, count: u32) -> Result<Vec<Role>, DecideError>;

    /// At most `count` rules of a role from `start` on.
    fn rules(
        &mut self,
        role: &str,
        start: u32,
        count: u32,
    ) -> Result<Option<Vec<Rule>>, DecideError>;

    /// At most `count` forbids of a role from `start` on, or of those that no role can lift.
    fn forbids(
        &mut self,
        role: Option<&str>,
        start: u32,
        count: u32,
    ) -> Result<Option<Vec<Forbid>>, DecideError>;

    /// A file scope.
    fn scope(&mut self, id: u32) -> Result<Option<FileScope>, DecideError>;

    /// The terms of an approval.
    fn terms(&mut self, id: u32) -> Result<Option<ApprovalTerms>, DecideError>;

    /// Whether its memory is small enough to keep the instance.
    fn is_small(&self) -> bool;
}

/// Refuses requests that this host does not even copy into an instance. The policy itself counts every limit that can change a verdict.
pub(crate) fn admit(request: &Request<'_>, limits: &Limits) -> Result<(), DecideError> {
    let exceeded = |limit: &str, allowed: u32| {
        DecideError::Exceeded(Exceeded {
            limit: limit.into(),
            allowed: allowed.into(),
        })
    };
    let over =
        |length: usize, allowed: u32| u32::try_from(length).map_or(true, |length| length > allowed);
    if over(request.arguments.len(), limits.arguments_bytes) {
        return Err(exceeded("arguments-bytes", limits.arguments_bytes));
    }
    if request
        .facts
        .is_some_and(|facts| over(facts.len(), limits.facts_bytes))
    {
        return Err(exceeded("facts-bytes", limits.facts_bytes));
    }
    if over(request.roles.len(), limits.roles) {
        return Err(exceeded("roles", limits.roles));
    }
    if over(request_bytes(request), limits.memory_bytes) {
        return Err(exceeded("memory-bytes", limits.memory_bytes));
    }
    Ok(())
}

/// How much of an instance's memory a request takes.
fn request_bytes(request: &Request<'_>) -> usize {
    let roles = request
        .roles
        .iter()
        .fold(request.roles.len().saturating_mul(8), |sum, role| {
            sum.saturating_add(role.len())
        });
    let facts = request.facts.map_or(0, str::len);
    roles
        .saturating_add(request.tool.len())
        .saturating_add(request.arguments.len())
        .saturating_add(facts)
}
