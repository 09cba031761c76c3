//! From a request to a verdict, the same way in the component and in tests.

use hexgate_contract::{Grant, NeededApproval, Request, Verdict};
use hexgate_eval::{
    Error, Plan, Workspace,
    plan::{OpaquePlan, opaque_plan},
    read,
};

use crate::{Call, Check, Granted, Narrowed, Policy, Terms, denial::told, policy::Permit};

/// What calls itself the compiler of a policy that decides alone.
const COMPILER: &str = concat!("hexgate-guest ", env!("CARGO_PKG_VERSION"));

/// A policy that [`export!`](crate::export) exports.
pub trait Exported {
    /// SHA-256 of the policy's sources, if the builder gave it; else zeros.
    const SOURCE_DIGEST: [u8; 32];
    /// The compiled YAML policy that is narrowed. None: the policy decides alone.
    const PLAN: Option<&'static [u8]>;
    /// The terms on which people can agree, behind those of the plan.
    const TERMS: &'static [Terms];

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
            terms,
            message,
        }) => {
            let grant = Grant {
                role: role.map(|role| role.index),
                scope: None,
            };
            if needs_approval {
                Verdict::NeedsApproval(NeededApproval {
                    grant,
                    terms: number(0, <P as Policy>::TERMS, terms)?,
                    message: message.map(told),
                })
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
    let (needed, needs_approval) = match &verdict {
        Verdict::Allow(grant) => (NeededApproval::from(*grant), false),
        Verdict::NeedsApproval(needed) => (needed.clone(), true),
        Verdict::Deny(_) => return Ok(verdict),
    };
    let mut scratch = workspace.scratch(&plan, request)?;
    let (arguments, facts) = read(&plan, request, &mut scratch)?;
    let granted = Granted {
        needs_approval,
        role: needed
            .grant
            .role
            .and_then(|index| request.roles.get(index as usize))
            .map_or("default", |role| role),
    };
    Ok(
        match C::check(&Call::new(request, arguments, facts), &granted) {
            Ok(Narrowed::Keep) => verdict,
            Ok(Narrowed::NeedsApproval) => Verdict::NeedsApproval(needed),
            Ok(Narrowed::NeedsApprovalWith { terms, message }) => {
                let own = number(plan.about()?.terms, C::TERMS, terms)?;
                Verdict::NeedsApproval(NeededApproval {
                    grant: needed.grant,
                    terms: needed.terms.or(own),
                    message: needed.message.or(message.map(told)),
                })
            }
            Err(denial) => Verdict::Deny(denial.worded(request.tool)),
        },
    )
}

/// The number of terms, which stand behind those of a plan. Terms that are not listed could not be looked up.
fn number(before: u32, listed: &[Terms], terms: Option<&Terms>) -> Result<Option<u32>, Error> {
    let Some(terms) = terms else { return Ok(None) };
    let index = (before..).zip(listed).find(|(_, it)| *it == terms);
    match index {
        Some((index, _)) => Ok(Some(index)),
        None => Err(Error::Internal(
            "approval on terms that are not among `TERMS`",
        )),
    }
}

/// The opaque plan's own part of a description.
pub(crate) fn compiler() -> &'static str {
    COMPILER
}
