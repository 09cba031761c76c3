//! Compiling and asking.

use hexgate_compiler::{
    Compiled, Compiler,
    diagnostic::render::{Format, render},
};
use hexgate_eval::{
    Denial, Plan, Request, Verdict, Workspace,
    contract::{NeededApproval, PathScope},
};

pub(crate) fn compiled(yaml: &str) -> Compiled {
    let outcome = Compiler::default().compile_str("policy.yaml", yaml);
    outcome.policy.unwrap_or_else(|| {
        panic!(
            "{}",
            render(&outcome.diagnostics, &outcome.sources, Format::Human, false)
        )
    })
}

/// A compiled policy.
pub(crate) struct Policy(pub(crate) Vec<u8>);

impl Policy {
    pub(crate) fn of(yaml: &str) -> Self {
        let policy = Self(compiled(yaml).plan);
        policy.plan().validate().unwrap();
        policy
    }

    pub(crate) fn plan(&self) -> Plan<'_> {
        Plan::open(&self.0).unwrap()
    }

    pub(crate) fn decide_as(
        &self,
        roles: &[&str],
        tool: &str,
        args: &str,
        facts: Option<&str>,
    ) -> Verdict {
        let request = Request::new(tool, args).roles(roles).optional_facts(facts);
        Workspace::new().decide(&self.plan(), &request).unwrap()
    }

    pub(crate) fn decide(&self, tool: &str, args: &str) -> Verdict {
        self.decide_as(&[], tool, args, None)
    }

    /// `allow`, `ask`, or the reason of the denial.
    pub(crate) fn says(&self, tool: &str, args: &str) -> String {
        said(self.decide(tool, args))
    }

    pub(crate) fn says_to(&self, roles: &[&str], tool: &str, args: &str) -> String {
        said(self.decide_as(roles, tool, args, None))
    }

    pub(crate) fn denial(&self, tool: &str, args: &str) -> Denial {
        match self.decide(tool, args) {
            Verdict::Deny(denial) => denial,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn approval(&self, tool: &str, args: &str) -> NeededApproval {
        match self.decide(tool, args) {
            Verdict::NeedsApproval(needed) => needed,
            other => panic!("{other:?}"),
        }
    }

    /// The number of the scope of a call that is allowed.
    pub(crate) fn scope(&self, tool: &str, args: &str) -> Option<u32> {
        match self.decide(tool, args) {
            Verdict::Allow(grant) => grant.scope,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn covers(&self, scope: u32, path: &str) -> bool {
        Workspace::new().covers(&self.plan(), scope, path)
    }
}

pub(crate) fn said(verdict: Verdict) -> String {
    match verdict {
        Verdict::Allow(_) => "allow".to_owned(),
        Verdict::NeedsApproval(_) => "ask".to_owned(),
        Verdict::Deny(denial) => denial.reason,
    }
}

pub(crate) fn paths(allowed: &[&str], denied: &[&str], except: &[&str]) -> PathScope {
    let list = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    PathScope {
        allowed: list(allowed),
        denied: list(denied),
        except: list(except),
    }
}
