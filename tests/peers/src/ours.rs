//! Our components in our host.

use anyhow::Result;
use hexgate_host::{Engine, Isolation, Limits, Policy, Request, Verdict};

use crate::{
    call::{Call, Outcome},
    peer::Peer,
};

/// A component.
pub(crate) struct Component {
    name: &'static str,
    policy: Policy,
}

/// How a component is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Run {
    /// As the host runs it for its users.
    AsUsersGetIt,
    /// A fresh instance a decision, without counting instructions.
    FreshUnmetered,
    /// One instance for all decisions, without counting instructions.
    Kept,
}

impl Component {
    pub(crate) fn load(name: &'static str, component: &[u8], run: Run) -> Result<Self> {
        let mut limits = Limits::default();
        if run == Run::FreshUnmetered {
            limits.warm_instances = 0;
        }
        let isolation = match run {
            Run::AsUsersGetIt => Isolation::AsKnown,
            Run::FreshUnmetered | Run::Kept => Isolation::DangerousNone,
        };
        let engine = Engine::builder().limits(limits).build()?;
        let policy = Policy::dangerous_from_unverified_bytes_with(&engine, component, isolation)?;
        Ok(Self { name, policy })
    }
}

impl Peer for Component {
    fn name(&self) -> String {
        self.name.to_owned()
    }

    fn decide(&mut self, call: &Call) -> Outcome {
        match self
            .policy
            .decide(&Request::new(call.tool, call.arguments).roles(&[call.role]))
        {
            Ok(Verdict::Allow(_)) => Outcome::Allow,
            Ok(Verdict::NeedsApproval(_)) => Outcome::NeedsApproval,
            Ok(Verdict::Deny(_)) | Err(_) => Outcome::Deny,
        }
    }
}
