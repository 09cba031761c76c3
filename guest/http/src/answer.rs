//! Asking a policy, and checking what comes back.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use hexgate_contract::{Effect, Error, FileScope, Grant, PathScope, Request, Verdict, approval};

use crate::{json, problem::Problem};

/// The policy that is asked.
pub trait Policy {
    /// `hexgate:policy/decision.decide`
    ///
    /// # Errors
    /// There is no verdict.
    fn decide(&mut self, request: &Request<'_>) -> Result<Verdict, Error>;

    /// `hexgate:policy/description.scope`
    fn scope(&mut self, id: u32) -> Option<FileScope>;
}

/// What a policy is asked: owned, because it is cut out of a body.
#[derive(Debug, Clone)]
pub(crate) struct Call<'a> {
    pub(crate) roles: Vec<String>,
    pub(crate) tool: String,
    pub(crate) arguments: &'a str,
    pub(crate) facts: Option<String>,
}

/// What came of a call.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) effect: Effect,
    /// Why it is not allowed.
    pub(crate) reason: String,
    pub(crate) violations: Vec<String>,
    pub(crate) hint: Option<PathScope>,
    /// The place of the deciding role in the call's, and its name. None: the default role decided, or nothing was granted.
    pub(crate) role: Option<(u32, String)>,
    pub(crate) scope: Option<(u32, FileScope)>,
}

/// The most text that one answer of a policy may carry, in bytes: what a host in Rust accepts by default.
const MAX_OUTPUT: usize = 1 << 20;

/// Refuses what is more than that, or no text. The types promise UTF-8, and a policy beside this handler may break the promise: not
/// every runtime looks at the bytes that it hands from one module to the other.
pub(crate) fn accepted<'t>(texts: impl IntoIterator<Item = &'t str>) -> Result<(), Problem> {
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
pub(crate) fn ask(policy: &mut dyn Policy, call: &Call<'_>) -> Result<Answer, Problem> {
    let roles: Vec<&str> = call.roles.iter().map(String::as_str).collect();
    let request = Request::new(&call.tool, call.arguments)
        .roles(&roles)
        .optional_facts(call.facts.as_deref());
    let verdict = policy.decide(&request).map_err(refused)?;
    match verdict {
        Verdict::Deny(denial) => {
            let hint = denial.hint.iter().flat_map(patterns);
            let texts = denial.violations.iter().chain([&denial.reason]);
            accepted(texts.chain(hint).map(String::as_str))?;
            Ok(Answer {
                effect: Effect::Deny,
                reason: denial.reason,
                violations: denial.violations,
                hint: denial.hint,
                role: None,
                scope: None,
            })
        }
        Verdict::NeedsApproval(grant) => {
            let reason = approval(&call.tool);
            granted(policy, call, Effect::NeedsApproval, reason, grant)
        }
        Verdict::Allow(grant) => granted(policy, call, Effect::Allow, String::new(), grant),
    }
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
    reason: String,
    grant: Grant,
) -> Result<Answer, Problem> {
    let outside = |what| {
        Problem::new(
            500,
            format!("the policy granted by a {what} that is not there"),
        )
    };
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
            let texts = [&scope.argument].into_iter().chain(patterns(&scope.paths));
            accepted(texts.map(String::as_str))?;
            Some((id, scope))
        }
    };
    Ok(Answer {
        effect,
        reason,
        violations: Vec::new(),
        hint: None,
        role,
        scope,
    })
}

fn patterns(paths: &PathScope) -> impl Iterator<Item = &String> {
    paths.allowed.iter().chain(&paths.denied)
}

/// The pattern lists, as JSON.
pub(crate) fn paths(paths: &PathScope) -> String {
    let mut object = json::Object::new();
    object.texts("allowed", &paths.allowed);
    object.texts("denied", &paths.denied);
    object.finish()
}

/// Facts of the members that were sent, byte for byte. None: none was.
pub(crate) fn facts(members: &[(&str, Option<&str>)]) -> Option<String> {
    let mut object = json::Object::new();
    let mut any = false;
    for (name, text) in members {
        if let Some(text) = text {
            object.raw(name, text);
            any = true;
        }
    }
    any.then(|| object.finish())
}

/// `null`, or what there is as JSON.
pub(crate) fn or_null(value: Option<String>) -> String {
    value.unwrap_or_else(|| "null".to_string())
}
