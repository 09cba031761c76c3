//! The Authorization API 1.0 of OpenID AuthZEN: a tool call as subject, action, resource and context.
//!
//! | in the request | what it is to the policy |
//! |---|---|
//! | `subject.properties.roles` | the caller's roles; absent: none |
//! | `subject` | the fact `user`, whole |
//! | `action.name` | must be `call` or `tools/call`: a policy decides about nothing else |
//! | `resource.type` | must be `tool` or `mcp-tool` |
//! | `resource.id` | the tool |
//! | `resource.properties.arguments` | the arguments; absent: `{}` |
//! | `context` | the fact `ctx`, whole |

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use hexgate_contract::Effect;

use crate::{
    answer::{Answer, Call, Policy, ask, facts, file_scope, more, or_null, paths},
    body::Object,
    json,
    problem::Problem,
};

/// The most evaluations in one request: each may repeat defaults of the largest size.
pub(crate) const MAX_EVALUATIONS: usize = 256;

const ACTIONS: [&str; 2] = ["call", "tools/call"];
const RESOURCES: [&str; 2] = ["tool", "mcp-tool"];
const MEMBERS: [&str; 4] = ["subject", "action", "resource", "context"];

/// `POST /access/v1/evaluation`
pub(crate) fn evaluation(body: &Object<'_>, policy: &mut dyn Policy) -> Result<String, Problem> {
    body.only("", &MEMBERS)?;
    evaluate(&[*body], policy)
}

/// `POST /access/v1/evaluations`
pub(crate) fn evaluations(body: &Object<'_>, policy: &mut dyn Policy) -> Result<String, Problem> {
    let [subject, action, resource, context] = MEMBERS;
    body.only(
        "",
        &[subject, action, resource, context, "evaluations", "options"],
    )?;
    let semantic = Semantic::of(body)?;
    let all = body
        .objects("evaluations", "evaluations")?
        .unwrap_or_default();
    if all.is_empty() {
        return evaluate(&[*body], policy);
    }
    if all.len() > MAX_EVALUATIONS {
        return Err(Problem::new(
            413,
            format!("more than {MAX_EVALUATIONS} evaluations"),
        ));
    }
    let mut results = Vec::new();
    for one in &all {
        let result = one
            .only("an evaluation", &MEMBERS)
            .and_then(|()| call(&[*one, *body]))
            .and_then(|call| ask(policy, &call));
        // A policy that is damaged is no answer to anything.
        let allowed = match &result {
            Err(problem) if problem.status >= 500 => return Err(problem.clone()),
            Ok(answer) => answer.effect == Effect::Allow,
            Err(_) => false,
        };
        results.push(match result {
            Ok(answer) => decision(&answer),
            Err(problem) => refused(&problem),
        });
        if semantic.ends_with(allowed) {
            break;
        }
    }
    let mut response = json::Object::new();
    response.raw("evaluations", &json::list(results.into_iter()));
    Ok(response.finish())
}

/// When a batch ends early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Semantic {
    ExecuteAll,
    DenyOnFirstDeny,
    PermitOnFirstPermit,
}

impl Semantic {
    fn of(body: &Object<'_>) -> Result<Self, Problem> {
        const NAME: &str = "evaluations_semantic";
        let Some(options) = body.object("options", "options")? else {
            return Ok(Self::ExecuteAll);
        };
        options.only("`options`", &[NAME])?;
        match options
            .text(NAME, "options.evaluations_semantic")?
            .as_deref()
        {
            None | Some("execute_all") => Ok(Self::ExecuteAll),
            Some("deny_on_first_deny") => Ok(Self::DenyOnFirstDeny),
            Some("permit_on_first_permit") => Ok(Self::PermitOnFirstPermit),
            Some(_) => Err(Problem::wrong(
                "options.evaluations_semantic",
                "`execute_all`, `deny_on_first_deny` or `permit_on_first_permit`",
            )),
        }
    }

    fn ends_with(self, allowed: bool) -> bool {
        match self {
            Self::ExecuteAll => false,
            Self::DenyOnFirstDeny => !allowed,
            Self::PermitOnFirstPermit => allowed,
        }
    }
}

fn evaluate(layers: &[Object<'_>], policy: &mut dyn Policy) -> Result<String, Problem> {
    Ok(decision(&ask(policy, &call(layers)?)?))
}

/// The call that an evaluation is about. Each of its members stands in the first layer that has it, whole: defaults are not merged.
fn call<'a>(layers: &[Object<'a>]) -> Result<Call<'a>, Problem> {
    let [subject_name, action_name, resource_name, context_name] = MEMBERS;
    let layer = |name: &str| layers.iter().find(|layer| layer.has(name));
    let required = |name: &str| match layer(name) {
        Some(layer) => layer
            .object(name, name)?
            .ok_or_else(|| Problem::wrong(name, "an object")),
        None => Err(Problem::bad(format!("`{name}` is missing"))),
    };
    let subject = required(subject_name)?;
    text(&subject, "type", "subject.type")?;
    text(&subject, "id", "subject.id")?;
    let roles = match subject.object("properties", "subject.properties")? {
        Some(properties) => properties.texts("roles", "subject.properties.roles")?,
        None => None,
    };

    let action = required(action_name)?;
    action.only("`action`", &["name"])?;
    if !ACTIONS.contains(&text(&action, "name", "action.name")?.as_str()) {
        return Err(Problem::wrong("action.name", "`call` or `tools/call`"));
    }

    let resource = required(resource_name)?;
    resource.only("`resource`", &["type", "id", "properties"])?;
    if !RESOURCES.contains(&text(&resource, "type", "resource.type")?.as_str()) {
        return Err(Problem::wrong("resource.type", "`tool` or `mcp-tool`"));
    }
    let tool = text(&resource, "id", "resource.id")?;
    let arguments = match resource.object("properties", "resource.properties")? {
        Some(properties) => {
            properties.only("`resource.properties`", &["arguments"])?;
            properties.raw("arguments", "resource.properties.arguments")?
        }
        None => None,
    };

    let user = match layer(subject_name) {
        Some(layer) => layer.raw(subject_name, subject_name)?,
        None => None,
    };
    let context = match layer(context_name) {
        Some(layer) => layer.raw(context_name, context_name)?,
        None => None,
    };
    Ok(Call {
        roles: roles.unwrap_or_default(),
        tool,
        arguments: arguments.unwrap_or("{}"),
        facts: facts(&[("ctx", context), ("user", user)]),
    })
}

fn text(object: &Object<'_>, name: &str, path: &str) -> Result<String, Problem> {
    match object.text(name, path)? {
        Some(text) => Ok(text),
        None => Err(Problem::bad(format!("`{path}` is missing"))),
    }
}

fn decision(answer: &Answer) -> String {
    let mut context = json::Object::new();
    context.text("outcome", answer.effect.as_str());
    if answer.effect == Effect::Deny {
        context.text("reason", &answer.reason);
        context.texts("violations", &answer.violations);
        context.raw("hint", &or_null(answer.hint.as_ref().map(paths)));
    } else {
        if !answer.reason.is_empty() {
            context.text("reason", &answer.reason);
        }
        let role = answer.role.as_ref().map(|(_, name)| json::text(name));
        context.raw("role", &or_null(role));
        let scope = answer.scope.as_ref().map(|(_, scope)| file_scope(scope));
        context.raw("scope", &or_null(scope));
    }
    more(answer, &mut context);
    response(answer.effect == Effect::Allow, context)
}

/// One evaluation of several that is refused: the standard has errors of single evaluations in their context.
fn refused(problem: &Problem) -> String {
    let mut error = json::Object::new();
    error.raw("status", &problem.status.to_string());
    error.text("message", &problem.detail);
    let mut context = json::Object::new();
    context.raw("error", &error.finish());
    response(false, context)
}

fn response(allowed: bool, context: json::Object) -> String {
    let mut response = json::Object::new();
    response.flag("decision", allowed);
    response.raw("context", &context.finish());
    response.finish()
}
