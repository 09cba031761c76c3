//! From a request to a verdict, the same way in the component and in tests.

use hexgate_contract::{Grant, Request, Verdict};
use hexgate_eval::{
    Error, Plan, Workspace,
    plan::{OpaquePlan, opaque_plan},
    read,
};

use crate::{Call, Check, Granted, Narrowed, Policy, policy::Permit};

/// What calls itself the compiler of a policy that decides alone.
const COMPILER: &str = concat!("hexgate-guest ", env!("CARGO_PKG_VERSION"));

/// A policy that [`export!`](crate::export) exports.
pub trait Exported {
    /// SHA-256 of the policy's sources, if whoever built it said so; else zeros.
    const SOURCE_DIGEST: [u8; 32];
    /// The compiled YAML policy that is narrowed. None: the policy decides alone.
    const PLAN: Option<&'static [u8]>;

    /// Decides a request.
    ///
    /// # Errors
    /// It cannot be understood, is too large, or the plan is damaged.
    fn answer(request: &Request<'_>) -> Result<Verdict, Error>;
}

/// Decides by a policy alone.
///
/// # Errors
/// See [`Exported::answer`].
pub fn alone<P: Policy + Exported>(request: &Request<'_>) -> Result<Verdict, Error> {
    let plan = opaque_plan(&OpaquePlan::new(P::SOURCE_DIGEST, COMPILER));
    let plan = Plan::open(&plan)?;
    let mut workspace = Workspace::new();
    let mut scratch = workspace.scratch(&plan, request)?;
    let (arguments, facts) = read(&plan, request, &mut scratch)?;
    Ok(match P::decide(&Call::new(request, arguments, facts)) {
        Ok(Permit {
            needs_approval,
            role,
        }) => {
            let grant = Grant {
                role: role.map(|role| role.index),
                scope: None,
            };
            if needs_approval {
                Verdict::NeedsApproval(grant)
            } else {
                Verdict::Allow(grant)
            }
        }
        Err(denial) => Verdict::Deny(denial.worded(request.tool)),
    })
}

/// Decides by a plan first, and then by a check that can only narrow.
///
/// # Errors
/// See [`Exported::answer`].
pub fn narrowed<C: Check>(plan: &[u8], request: &Request<'_>) -> Result<Verdict, Error> {
    let plan = Plan::open(plan)?;
    let mut workspace = Workspace::new();
    let verdict = workspace.decide(&plan, request)?;
    let (grant, needs_approval) = match &verdict {
        Verdict::Allow(grant) => (*grant, false),
        Verdict::NeedsApproval(grant) => (*grant, true),
        Verdict::Deny(_) => return Ok(verdict),
    };
    let mut scratch = workspace.scratch(&plan, request)?;
    let (arguments, facts) = read(&plan, request, &mut scratch)?;
    let granted = Granted {
        needs_approval,
        role: grant
            .role
            .and_then(|index| request.roles.get(index as usize))
            .map_or("default", |role| role),
    };
    Ok(
        match C::check(&Call::new(request, arguments, facts), &granted) {
            Ok(Narrowed::Keep) => verdict,
            Ok(Narrowed::NeedsApproval) => Verdict::NeedsApproval(grant),
            Err(denial) => Verdict::Deny(denial.worded(request.tool)),
        },
    )
}

/// The opaque plan's own part of a description.
pub(crate) fn compiler() -> &'static str {
    COMPILER
}
