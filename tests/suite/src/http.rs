//! Calls as requests to a decision point over HTTP, and what it must answer: what the host in this process says, in the shape of the
//! interface that is asked.
//!
//! Arguments and facts go into a body as they are, so what is no JSON spoils the body, and is refused there.

use hexgate_host::{
    DecideError, Exceeded, FileScope, Grant, Malformed, PathScope, PathStyle, Policy, Request,
    Verdict,
};
use serde_json::{Value, json};

use crate::{
    case::Call,
    json::{self, Json, quoted},
};

/// `POST`, one call.
pub const EVALUATION: &str = "/access/v1/evaluation";
/// `POST`, several calls.
pub const EVALUATIONS: &str = "/access/v1/evaluations";
/// `POST`, one call as OPA is asked.
pub const REST: &str = "/v1/data/hexgate/policy/decision";

/// The most evaluations in one request.
const MOST: usize = 256;

/// A request, and its answer.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// Where it is sent.
    pub path: &'static str,
    /// What is sent, as `application/json`.
    pub body: String,
    /// The status that must come.
    pub status: u16,
    /// What must come with it. None: a problem document, whatever it says.
    pub answer: Option<Value>,
}

impl Exchange {
    /// Says what is wrong with an answer, if anything.
    ///
    /// # Errors
    /// It is not the one that must come.
    pub fn check(&self, status: u16, body: &str) -> Result<(), String> {
        let wrong = |what: &str| {
            Err(format!(
                "{what}: {} {}: expected {} {:?}, got {status} {body}",
                self.path, self.body, self.status, self.answer
            ))
        };
        let Ok(answer) = serde_json::from_str::<Value>(body) else {
            return wrong("no JSON");
        };
        if status != self.status {
            return wrong("status");
        }
        match &self.answer {
            Some(expected) if answer != *expected => wrong("answer"),
            None if answer.get("status") != Some(&json!(status))
                || answer.get("detail").is_none() =>
            {
                wrong("no problem document")
            }
            _ => Ok(()),
        }
    }
}

/// A call as OPA is asked. None: its facts are no object, and cannot be taken apart.
#[must_use]
pub fn rest(policy: &Policy, call: &Call) -> Option<Exchange> {
    let facts = match call.facts.as_deref().map(trimmed) {
        None => String::new(),
        Some(text) => match trimmed(text.strip_prefix('{')?.strip_suffix('}')?) {
            "" => String::new(),
            members => format!(", {members}"),
        },
    };
    let body = format!(
        r#"{{"input": {{"roles": {}, "tool": {}, "args": {}{facts}}}}}"#,
        texts(&call.roles),
        quoted(&call.tool),
        call.args
    );
    let native = Call {
        args: trimmed(&call.args).to_owned(),
        ..call.clone()
    };
    Some(exchange(
        REST,
        body,
        policy,
        &native,
        |verdict| json!({"result": result(policy, &native, verdict)}),
    ))
}

/// A call as the Authorization API of AuthZEN is asked. The facts always have a `user` then: the subject. None: the facts have what
/// that API cannot say.
#[must_use]
pub fn evaluation(policy: &Policy, call: &Call) -> Option<Exchange> {
    let (body, native) = subject_and_call(call)?;
    Some(exchange(EVALUATION, body, policy, &native, |verdict| {
        decision(policy, &native, verdict)
    }))
}

/// Several calls of one policy at once, each with all that it needs. None: none of them can stand in such a body.
#[must_use]
pub fn evaluations(policy: &Policy, calls: &[Call]) -> Option<Exchange> {
    let (mut bodies, mut answers) = (Vec::new(), Vec::new());
    for (body, native) in calls.iter().filter_map(subject_and_call) {
        let object = matches!(json::parse(&native.args), Ok(Json::Object(_)));
        if !object || json::parse(&several(&[body.as_str()])).is_err() {
            continue;
        }
        answers.push(match ask(policy, &native) {
            Ok(verdict) => decision(policy, &native, &verdict),
            Err(error) => json!({
                "decision": false,
                "context": {"error": {"status": status(&error), "message": detail(&error)}},
            }),
        });
        bodies.push(body);
        if bodies.len() == MOST {
            break;
        }
    }
    let bodies: Vec<&str> = bodies.iter().map(String::as_str).collect();
    (!bodies.is_empty()).then(|| Exchange {
        path: EVALUATIONS,
        body: several(&bodies),
        status: 200,
        answer: Some(json!({ "evaluations": answers })),
    })
}

fn several(bodies: &[&str]) -> String {
    format!(r#"{{"evaluations": [{}]}}"#, bodies.join(", "))
}

/// The body of an evaluation, and the call that the policy is to see.
fn subject_and_call(call: &Call) -> Option<(String, Call)> {
    let facts = match call.facts.as_deref().map(json::parse) {
        None => Vec::new(),
        Some(Ok(Json::Object(members))) => members,
        Some(_) => return None,
    };
    let (mut context, mut user) = (None, Vec::new());
    for (name, value) in facts {
        match (name.as_str(), value) {
            ("ctx", value @ Json::Object(_)) => context = Some(value.to_string()),
            ("user", Json::Object(members)) => user = members,
            _ => return None,
        }
    }
    let roles = Json::List(call.roles.iter().cloned().map(Json::Text).collect());
    let mut properties = vec![("roles".to_owned(), roles)];
    let mut subject = vec![("type".to_owned(), Json::Text("user".to_owned()))];
    for (name, value) in user {
        // The standard asks for a text there.
        if name == "id" && !matches!(value, Json::Text(_)) {
            return None;
        }
        match (name.as_str(), value) {
            ("type", _) => return None,
            ("properties", Json::Object(more)) => properties.extend(more),
            (_, value) => subject.push((name, value)),
        }
    }
    if !subject.iter().any(|(name, _)| name == "id") {
        subject.push(("id".to_owned(), Json::Text("ann".to_owned())));
    }
    subject.push(("properties".to_owned(), Json::Object(properties)));
    let subject = Json::Object(subject).to_string();
    let (in_body, in_facts) = match &context {
        None => (String::new(), String::new()),
        Some(text) => (
            format!(r#", "context": {text}"#),
            format!(r#""ctx":{text},"#),
        ),
    };
    let body = format!(
        r#"{{"subject": {subject}, "action": {{"name": "call"}}, "resource": {{"type": "tool", "id": {}, "properties": {{"arguments": {}}}}}{in_body}}}"#,
        quoted(&call.tool),
        call.args
    );
    let native = Call {
        args: trimmed(&call.args).to_owned(),
        facts: Some(format!(r#"{{{in_facts}"user":{subject}}}"#)),
        ..call.clone()
    };
    Some((body, native))
}

fn exchange(
    path: &'static str,
    body: String,
    policy: &Policy,
    native: &Call,
    shape: impl Fn(&Verdict) -> Value,
) -> Exchange {
    let object = matches!(json::parse(&native.args), Ok(Json::Object(_)));
    let (status, answer) = match ask(policy, native) {
        _ if !is_understood(&body) => (400, None),
        Ok(verdict) => (200, Some(shape(&verdict))),
        // The facts are put together anew, so only their offsets differ.
        Err(error) if object && path == EVALUATION => {
            let answer = json!({
                "type": "about:blank",
                "title": "Bad Request",
                "status": status(&error),
                "detail": detail(&error),
            });
            (status(&error), Some(answer))
        }
        Err(error) => (status(&error), None),
    };
    Exchange {
        path,
        body,
        status,
        answer,
    }
}

/// Whether a body can be read, its own levels included, and its facts are objects, which here they have to be.
fn is_understood(body: &str) -> bool {
    let Ok(body) = json::parse(body) else {
        return false;
    };
    let facts = hexgate_host::contract::FACTS.map(|name| body.member("input")?.member(name));
    let mut facts = facts.iter().flatten();
    facts.all(|fact| matches!(fact, Json::Object(_)))
}

fn ask(policy: &Policy, call: &Call) -> Result<Verdict, DecideError> {
    let roles: Vec<&str> = call.roles.iter().map(String::as_str).collect();
    let mut request = Request::new(&call.tool, &call.args).roles(&roles);
    if let Some(facts) = &call.facts {
        request = request.facts(facts);
    }
    policy.decide(&request)
}

fn status(error: &DecideError) -> u16 {
    match error {
        DecideError::Malformed { .. } | DecideError::Exceeded { .. } => 400,
        _ => 500,
    }
}

fn detail(error: &DecideError) -> String {
    match error {
        DecideError::Malformed(Malformed {
            field,
            offset,
            reason,
        }) => format!("malformed {field} at {offset}: {reason}"),
        DecideError::Exceeded(Exceeded { limit, allowed }) => {
            format!("limit `{limit}` exceeded, at most {allowed}")
        }
        other => other.to_string(),
    }
}

/// As policies in Rego answer.
fn result(policy: &Policy, call: &Call, verdict: &Verdict) -> Value {
    let answer = |allow, approval, violations: &[String], reason: &str, grant: Option<&Grant>| {
        json!({
            "allow": allow,
            "requires_approval": approval,
            "violations": violations,
            "reason": reason,
            "role": grant.and_then(|grant| grant.role),
            "scope": grant.and_then(|grant| grant.scope),
            "hint": hint(verdict),
        })
    };
    let result = match verdict {
        Verdict::Allow(grant) => answer(true, false, &[], "", Some(grant)),
        Verdict::NeedsApproval(needed) => {
            answer(false, true, &[], &approval(call), Some(&needed.grant))
        }
        Verdict::Deny(denial) => answer(false, false, &denial.violations, &denial.reason, None),
    };
    with_more(result, policy, verdict)
}

/// As AuthZEN has it.
fn decision(policy: &Policy, call: &Call, verdict: &Verdict) -> Value {
    let granted = |grant: &Grant| {
        let role = grant
            .role
            .and_then(|role| call.roles.get(usize::try_from(role).ok()?));
        let scope = grant
            .scope
            .and_then(|id| policy.scope(id).ok().flatten())
            .map(file_scope);
        (role.cloned(), scope)
    };
    let (allowed, context) = match verdict {
        Verdict::Allow(grant) => {
            let (role, scope) = granted(grant);
            (
                true,
                json!({"outcome": "allow", "role": role, "scope": scope}),
            )
        }
        Verdict::NeedsApproval(needed) => {
            let (role, scope) = granted(&needed.grant);
            let context = json!({
                "outcome": "needs_approval", "reason": approval(call), "role": role, "scope": scope,
            });
            (false, context)
        }
        Verdict::Deny(denial) => {
            let context = json!({
                "outcome": "deny",
                "reason": denial.reason,
                "violations": denial.violations,
                "hint": hint(verdict),
            });
            (false, context)
        }
    };
    json!({"decision": allowed, "context": with_more(context, policy, verdict)})
}

/// An answer with the message and the terms of the verdict, where it has any.
fn with_more(mut answer: Value, policy: &Policy, verdict: &Verdict) -> Value {
    let (message, terms) = match verdict {
        Verdict::Allow(_) => (None, None),
        Verdict::NeedsApproval(needed) => (needed.message.as_ref(), needed.terms),
        Verdict::Deny(denial) => (denial.message.as_ref(), None),
    };
    if let Some(message) = message {
        set(&mut answer, "message", json!(message));
    }
    if let Some(terms) = terms.and_then(|id| policy.terms(id).ok().flatten()) {
        let mut approval = json!({"roles": terms.roles});
        let said = [
            ("expires_seconds", terms.expires.map(|it| json!(it))),
            ("approvers", terms.approvers.map(|it| json!(it))),
            ("reason_required", terms.reason_required.map(|it| json!(it))),
        ];
        for (name, value) in said {
            if let Some(value) = value {
                set(&mut approval, name, value);
            }
        }
        set(&mut answer, "approval", approval);
    }
    answer
}

/// Adds a member to an object.
fn set(object: &mut Value, name: &str, value: Value) {
    if let Value::Object(members) = object {
        members.insert(name.to_owned(), value);
    }
}

fn file_scope(scope: FileScope) -> Value {
    let styled = |mut value: Value, style| {
        if style == PathStyle::Windows {
            set(&mut value, "style", json!("windows"));
        }
        value
    };
    let mut value = styled(json!({"paths": paths(&scope.paths)}), scope.style);
    match scope.arguments.as_slice() {
        [argument] => set(&mut value, "argument", json!(argument)),
        arguments => set(&mut value, "arguments", json!(arguments)),
    }
    if scope.search {
        set(&mut value, "search", json!(true));
    }
    if !scope.exclusions.is_empty() {
        let exclusions = scope.exclusions.iter();
        let exclusions = exclusions.map(|it| styled(paths(&it.paths), it.style));
        set(&mut value, "exclusions", exclusions.collect());
    }
    value
}

fn hint(verdict: &Verdict) -> Option<Value> {
    match verdict {
        Verdict::Deny(denial) => denial.hint.as_ref().map(paths),
        _ => None,
    }
}

fn approval(call: &Call) -> String {
    format!("Policy requires approval for tool {}", quoted(&call.tool))
}

fn paths(paths: &PathScope) -> Value {
    let mut lists = json!({"allowed": paths.allowed, "denied": paths.denied});
    if !paths.except.is_empty() {
        set(&mut lists, "except", json!(paths.except));
    }
    lists
}

fn texts(texts: &[String]) -> String {
    Json::List(texts.iter().cloned().map(Json::Text).collect()).to_string()
}

/// Without what JSON calls whitespace: a value is cut out of a body without it.
fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\r', '\n'])
}
