//! Asking a policy, and checking what comes back.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use hexgate_contract::{
    ApprovalTerms, Effect, Error, FileScope, Grant, NeededApproval, PathScope, PathStyle, Request,
    Verdict, approval, is_message,
};

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

    /// `hexgate:policy/description.terms`
    fn terms(&mut self, id: u32) -> Option<ApprovalTerms>;
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
    /// Who has to agree. None: nobody, or the policy does not say.
    pub(crate) terms: Option<ApprovalTerms>,
    /// What the policy's author wants the model to be told.
    pub(crate) message: Option<String>,
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
    })
}

fn patterns(paths: &PathScope) -> impl Iterator<Item = &String> {
    paths
        .allowed
        .iter()
        .chain(&paths.denied)
        .chain(&paths.except)
}

/// The pattern lists, as JSON.
pub(crate) fn paths(paths: &PathScope) -> String {
    lists(paths).finish()
}

fn lists(paths: &PathScope) -> json::Object {
    let mut object = json::Object::new();
    object.texts("allowed", &paths.allowed);
    object.texts("denied", &paths.denied);
    if !paths.except.is_empty() {
        object.texts("except", &paths.except);
    }
    object
}

/// What a tool that finds further paths has to apply to each, as JSON: what is not usual has members of its own.
pub(crate) fn file_scope(scope: &FileScope) -> String {
    let mut object = json::Object::new();
    match scope.arguments.as_slice() {
        [argument] => object.text("argument", argument),
        arguments => object.texts("arguments", arguments),
    }
    object.raw("paths", &paths(&scope.paths));
    if scope.search {
        object.flag("search", true);
    }
    style(&mut object, scope.style);
    if !scope.exclusions.is_empty() {
        let exclusions = scope.exclusions.iter().map(|exclusion| {
            let mut lists = lists(&exclusion.paths);
            style(&mut lists, exclusion.style);
            lists.finish()
        });
        object.raw("exclusions", &json::list(exclusions));
    }
    object.finish()
}

fn style(object: &mut json::Object, style: PathStyle) {
    match style {
        PathStyle::Posix => {}
        PathStyle::Windows => object.text("style", style.as_str()),
    }
}

/// Adds what an answer has to say beyond the verdict: `message`, and `approval`, in which what is not said is the host's.
pub(crate) fn more(answer: &Answer, object: &mut json::Object) {
    if let Some(message) = &answer.message {
        object.text("message", message);
    }
    let Some(terms) = &answer.terms else { return };
    let mut approval = json::Object::new();
    approval.texts("roles", &terms.roles);
    if let Some(seconds) = terms.expires {
        approval.raw("expires_seconds", &seconds.to_string());
    }
    if let Some(count) = terms.approvers {
        approval.raw("approvers", &count.to_string());
    }
    if let Some(required) = terms.reason_required {
        approval.flag("reason_required", required);
    }
    object.raw("approval", &approval.finish());
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
