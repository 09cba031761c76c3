//! Asking a policy, and checking what comes back.

use alloc::{
    format,
    string::{String, ToString as _},
    vec::Vec,
};

use hexgate_contract::{
    ApprovalTerms, Effect, Error, FileScope, Grant, NeededApproval, PathScope, Request, Verdict,
    approval, is_message,
};

use crate::{call::Call, problem::Problem};

/// The policy that is asked.
pub trait Policy {
    /// `hexgate:policy/decision.decide`
    ///
    /// # Errors
    /// There is no verdict.
    fn decide(&mut self, request: &Request<'_>) -> Result<Verdict, Error>;

    /// `hexgate:policy/description.scope`
    fn scope(&mut self, id: u32) -> Option<FileScope>;

    /// `hexgate:policy/description.terms`
    fn terms(&mut self, id: u32) -> Option<ApprovalTerms>;
}

/// What answers calls.
pub trait Decider {
    /// Decides a call.
    ///
    /// # Errors
    /// The request cannot be understood (status 400), or there is no verdict (500).
    fn decide(&mut self, call: &Call<'_>) -> Result<Answer, Problem>;
}

/// Asks a policy.
pub(crate) struct Asking<'p>(pub(crate) &'p mut dyn Policy);

impl Decider for Asking<'_> {
    fn decide(&mut self, call: &Call<'_>) -> Result<Answer, Problem> {
        ask(self.0, call)
    }
}

/// What came of a call.
#[derive(Debug)]
pub struct Answer {
    /// Whether it is allowed.
    pub effect: Effect,
    /// Why it is not allowed.
    pub reason: String,
    /// The constraints that were not true, as written in the policy.
    pub violations: Vec<String>,
    /// Where the call could have gone instead.
    pub hint: Option<PathScope>,
    /// The place of the deciding role in the call's, and its name. None: the default role decided, or nothing was granted.
    pub role: Option<(u32, String)>,
    /// The file scope that the tool has to stay in, with its number in the policy.
    pub scope: Option<(u32, FileScope)>,
    /// Who has to agree. None: nobody, or the policy does not say.
    pub terms: Option<ApprovalTerms>,
    /// What the policy's author wants the model to be told.
    pub message: Option<String>,
    /// What a host adds to the context of a decision: names, and values that are JSON already.
    pub more: Vec<(&'static str, String)>,
}

/// The most text that one answer of a policy may carry, in bytes: what a host in Rust accepts by default.
const MAX_OUTPUT: usize = 1 << 20;

/// Refuses what is more than that, or no text. The types promise UTF-8, and a policy beside this handler may break the promise: not
/// every runtime looks at the bytes that it hands from one module to the other.
fn accepted<'t>(texts: impl IntoIterator<Item = &'t str>) -> Result<(), Problem> {
    let mut left = MAX_OUTPUT;
    for text in texts {
        left = left.checked_sub(text.len()).ok_or_else(|| {
            Problem::new(
                500,
                format!("the policy answered with more than {MAX_OUTPUT} bytes of text"),
            )
        })?;
        if core::str::from_utf8(text.as_bytes()).is_err() {
            return Err(Problem::new(500, "the policy answered with invalid text"));
        }
    }
    Ok(())
}

/// Asks the policy. Status 400: the request is at fault; 500: the policy is.
fn ask(policy: &mut dyn Policy, call: &Call<'_>) -> Result<Answer, Problem> {
    let roles: Vec<&str> = call.roles.iter().map(String::as_str).collect();
    let request = Request::new(&call.tool, &call.arguments)
        .roles(&roles)
        .optional_facts(call.facts.as_deref());
    let verdict = policy.decide(&request).map_err(refused)?;
    match verdict {
        Verdict::Deny(denial) => {
            let hint = denial.hint.iter().flat_map(patterns);
            let texts = denial.violations.iter().chain([&denial.reason]);
            accepted(texts.chain(hint).chain(&denial.message).map(String::as_str))?;
            Ok(Answer {
                effect: Effect::Deny,
                reason: denial.reason,
                violations: denial.violations,
                hint: denial.hint,
                role: None,
                scope: None,
                terms: None,
                message: told(denial.message)?,
                more: Vec::new(),
            })
        }
        Verdict::NeedsApproval(NeededApproval {
            grant,
            terms,
            message,
        }) => {
            accepted(message.as_deref())?;
            let asked = granted(policy, call, Effect::NeedsApproval, grant)?;
            Ok(Answer {
                reason: approval(&call.tool),
                terms: match terms {
                    Some(id) => Some(needed(policy, id)?),
                    None => None,
                },
                message: told(message)?,
                ..asked
            })
        }
        Verdict::Allow(grant) => granted(policy, call, Effect::Allow, grant),
    }
}

/// What a model is told is short and of one line.
fn told(message: Option<String>) -> Result<Option<String>, Problem> {
    if message.as_deref().is_none_or(is_message) {
        Ok(message)
    } else {
        Err(Problem::new(
            500,
            "the policy answered with a message that is too long, or has control characters",
        ))
    }
}

fn needed(policy: &mut dyn Policy, id: u32) -> Result<ApprovalTerms, Problem> {
    let terms = policy.terms(id).ok_or_else(|| outside("terms"))?;
    accepted(terms.roles.iter().map(String::as_str))?;
    if terms.are_possible() {
        Ok(terms)
    } else {
        Err(Problem::new(
            500,
            "the policy asks for an approval that nobody can give",
        ))
    }
}

/// A grant by something that does not exist.
fn outside(what: &str) -> Problem {
    Problem::new(
        500,
        format!("the policy granted by a {what} that is not there"),
    )
}

/// What the policy says about itself is its own fault, what it says about the request is the caller's; words that are none are too.
fn refused(error: Error) -> Problem {
    let said = match &error {
        Error::Malformed(it) => &it.reason,
        Error::Exceeded(it) => &it.limit,
        Error::Internal(what) => what,
    };
    match (accepted([said.as_str()]), &error) {
        (Err(problem), _) => {
            Problem::new(500, format!("the policy is damaged: {}", problem.detail))
        }
        (Ok(()), Error::Internal(_)) => Problem::new(500, error.to_string()),
        (Ok(()), _) => Problem::bad(error.to_string()),
    }
}

/// A grant is only as good as what it points at.
fn granted(
    policy: &mut dyn Policy,
    call: &Call<'_>,
    effect: Effect,
    grant: Grant,
) -> Result<Answer, Problem> {
    let role = match grant.role {
        None => None,
        Some(index) => {
            let name = usize::try_from(index)
                .ok()
                .and_then(|at| call.roles.get(at));
            Some((index, name.ok_or_else(|| outside("role"))?.clone()))
        }
    };
    let scope = match grant.scope {
        None => None,
        Some(id) => {
            let scope = policy.scope(id).ok_or_else(|| outside("scope"))?;
            let excluded = scope.exclusions.iter().flat_map(|it| patterns(&it.paths));
            let texts = scope.arguments.iter().chain(patterns(&scope.paths));
            accepted(texts.chain(excluded).map(String::as_str))?;
            Some((id, scope))
        }
    };
    Ok(Answer {
        effect,
        reason: String::new(),
        violations: Vec::new(),
        hint: None,
        role,
        scope,
        terms: None,
        message: None,
        more: Vec::new(),
    })
}

fn patterns(paths: &PathScope) -> impl Iterator<Item = &String> {
    paths
        .allowed
        .iter()
        .chain(&paths.denied)
        .chain(&paths.except)
}
