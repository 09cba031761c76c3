//! Deciding by Rego that an author wrote, or another system printed.
//!
//! Such Rego knows one role, `input.role`. So it is asked for each role of the caller, and the best outcome wins, as it does in
//! policies of ours. A caller without a role has the role `default`.

use alloc::{string::String, vec::Vec};

use hexgate_contract::{Effect, Grant, Request, Verdict, Wording};
use hexgate_eval::{Error, Plan};

use crate::{answer::Reader, input::Input, opa};

/// Who has no role.
const DEFAULT: &str = "default";

/// What the policy says, over all roles.
#[derive(Debug)]
pub(crate) enum Judgement {
    Allow(Grant),
    NeedsApproval(Grant),
    /// What each role violates.
    Deny(Vec<Vec<String>>),
}

/// Asks OPA, role by role.
pub(crate) fn judge(plan: &Plan<'_>, request: &Request<'_>) -> Result<Judgement, Error> {
    let mut input = Input::new(request);
    let mut refusals = Vec::new();
    let mut approval = None;
    for (role, index) in roles(request) {
        let text = opa::eval(plan, input.for_role(role))?;
        let mut reader = Reader::of(&text);
        let answer = reader.read(&text)?;
        let (says, violations) = (answer.says()?, answer.violations()?);
        let grant = Grant {
            role: index,
            scope: None,
        };
        match says {
            Effect::Allow => return Ok(Judgement::Allow(grant)),
            Effect::NeedsApproval => approval = approval.or(Some(grant)),
            Effect::Deny => refusals.push(violations),
        }
    }
    Ok(match approval {
        Some(grant) => Judgement::NeedsApproval(grant),
        None => Judgement::Deny(refusals),
    })
}

impl Judgement {
    /// The verdict. Its texts are copies: what they are copied from is wiped.
    pub(crate) fn verdict(&self, request: &Request<'_>) -> Verdict {
        let refusals = match self {
            Self::Allow(grant) => return Verdict::Allow(*grant),
            Self::NeedsApproval(grant) => return Verdict::NeedsApproval((*grant).into()),
            Self::Deny(refusals) => refusals,
        };
        let names: Vec<&str> = roles(request).map(|(role, _)| role).collect();
        let mut wording = Wording::new(request.tool, names.iter().copied());
        for (role, violations) in names.iter().zip(refusals) {
            wording.role(role);
            if violations.is_empty() {
                wording.unlisted(role);
            } else {
                wording.denied();
            }
            for violation in violations {
                wording.violation(violation);
            }
        }
        Verdict::Deny(wording.finish())
    }
}

/// The roles that decide, each once, and their indices in the request. The empty name is no role.
fn roles<'r>(request: &Request<'r>) -> impl Iterator<Item = (&'r str, Option<u32>)> {
    let all = request.roles;
    let named = all.iter().enumerate().filter(move |(index, role)| {
        let before = all.get(..*index).unwrap_or_default();
        !role.is_empty() && !before.contains(role)
    });
    let nobody = all.iter().all(|role| role.is_empty());
    named
        .map(|(index, role)| (*role, Some(index as u32)))
        .chain(nobody.then_some((DEFAULT, None)))
}
