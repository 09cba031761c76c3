//! The Authorization API 1.0 of OpenID AuthZEN: a tool call, or an action on a resource.
//!
//! | in the request | what it is to the policy |
//! |---|---|
//! | `subject.properties.roles` | the caller's roles; absent: none |
//! | `subject` | the fact `user`, whole |
//! | `context` | the fact `ctx`, whole |
//! | `resource` of the type `tool` or `mcp-tool`, `action.name` `call` or `tools/call` | `resource.id` is the tool, `resource.properties.arguments` are the arguments; absent: `{}` |
//! | any other | `TYPE:ACTION` is the tool; the arguments are `action` and `resource`, whole |
//!
//! Members that the standard does not know are ignored, as it demands. Those that it knows are refused where they do not belong.

use alloc::{
    borrow::Cow,
    format,
    string::{String, ToString},
    vec::Vec,
};

use hexgate_contract::Effect;

use crate::{
    answer::{Answer, Decider},
    body::Object,
    call::{Call, Entities, facts},
    json,
    problem::Problem,
    render::{file_scope, more, or_null, paths},
};

/// The most evaluations in one request: each may repeat defaults of the largest size.
pub(crate) const MAX_EVALUATIONS: usize = 256;

const ACTIONS: [&str; 2] = ["call", "tools/call"];
const RESOURCES: [&str; 2] = ["tool", "mcp-tool"];
const MEMBERS: [&str; 4] = ["subject", "action", "resource", "context"];
/// What only a request with several evaluations has.
const SEVERAL: [&str; 2] = ["evaluations", "options"];
/// Stands between type and action in the name of a tool. No type has it, so that no two pairs have one name.
const BETWEEN: char = ':';

/// `POST /access/v1/evaluation`
pub(crate) fn evaluation(body: &Object<'_>, decider: &mut dyn Decider) -> Result<String, Problem> {
    body.none_of("the body", &SEVERAL, "belongs to `/access/v1/evaluations`")?;
    evaluate(&[*body], decider)
}

/// `POST /access/v1/evaluations`
pub(crate) fn evaluations(body: &Object<'_>, decider: &mut dyn Decider) -> Result<String, Problem> {
    let semantic = Semantic::of(body)?;
    let all = body
        .objects("evaluations", "evaluations")?
        .unwrap_or_default();
    if all.is_empty() {
        return evaluate(&[*body], decider);
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
            .none_of("an evaluation", &SEVERAL, "belongs to the whole request")
            .and_then(|()| call(&[*one, *body]))
            .and_then(|call| decider.decide(&call));
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

fn evaluate(layers: &[Object<'_>], decider: &mut dyn Decider) -> Result<String, Problem> {
    Ok(decision(&decider.decide(&call(layers)?)?))
}

/// The call that an evaluation is about. Each of its members stands in the first layer that has it, whole: defaults are not merged.
pub(crate) fn call<'a>(layers: &[Object<'a>]) -> Result<Call<'a>, Problem> {
    let [subject_name, action_name, resource_name, context_name] = MEMBERS;
    let layer = |name: &str| layers.iter().find(|layer| layer.has(name));
    let required = |name: &str| match layer(name) {
        Some(layer) => Ok((
            layer
                .object(name, name)?
                .ok_or_else(|| Problem::wrong(name, "an object"))?,
            layer
                .raw(name, name)?
                .ok_or_else(|| Problem::wrong(name, "an object"))?,
        )),
        None => Err(Problem::bad(format!("`{name}` is missing"))),
    };
    let (subject, user) = required(subject_name)?;
    text(&subject, "type", "subject.type")?;
    let id = text(&subject, "id", "subject.id")?;
    let roles = match subject.object("properties", "subject.properties")? {
        Some(properties) => properties.texts("roles", "subject.properties.roles")?,
        None => None,
    };
    let action = required(action_name)?;
    let resource = required(resource_name)?;
    let (tool, arguments) = named(action, resource)?;
    let context = match layer(context_name) {
        Some(layer) => layer.raw(context_name, context_name)?,
        None => None,
    };
    Ok(Call {
        roles: roles.unwrap_or_default(),
        tool,
        arguments,
        facts: facts(&[("ctx", context), ("user", Some(user))]),
        entities: Some(Entities {
            id,
            subject: user,
            context,
        }),
    })
}

/// What a policy calls an action on a resource, and its arguments.
fn named<'a>(
    (action, action_text): (Object<'a>, &'a str),
    (resource, resource_text): (Object<'a>, &'a str),
) -> Result<(String, Cow<'a, str>), Problem> {
    let name = text(&action, "name", "action.name")?;
    let kind = text(&resource, "type", "resource.type")?;
    let id = text(&resource, "id", "resource.id")?;
    let of_action = action.object("properties", "action.properties")?;
    let of_resource = resource.object("properties", "resource.properties")?;
    if RESOURCES.contains(&kind.as_str()) {
        if !ACTIONS.contains(&name.as_str()) {
            return Err(Problem::wrong(
                "action.name",
                "`call` or `tools/call` for a tool",
            ));
        }
        // An argument in the wrong place must not be ignored.
        if of_action.is_some() {
            return Err(Problem::bad(
                "a tool has no `action.properties`: its arguments are `resource.properties.arguments`",
            ));
        }
        let arguments = match of_resource {
            Some(properties) => {
                properties.only("`resource.properties`", &["arguments"])?;
                properties.raw("arguments", "resource.properties.arguments")?
            }
            None => None,
        };
        return Ok((id, Cow::Borrowed(arguments.unwrap_or("{}"))));
    }
    if kind.is_empty() || kind.contains(BETWEEN) {
        return Err(Problem::wrong(
            "resource.type",
            "a text without `:`, and not empty",
        ));
    }
    if name.is_empty() {
        return Err(Problem::wrong("action.name", "a text that is not empty"));
    }
    let mut arguments = json::Object::new();
    arguments.raw("action", action_text);
    arguments.raw("resource", resource_text);
    Ok((
        format!("{kind}{BETWEEN}{name}"),
        Cow::Owned(arguments.finish()),
    ))
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
    for (name, value) in &answer.more {
        context.raw(name, value);
    }
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
