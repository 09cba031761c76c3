//! The REST API of the Open Policy Agent, for `hexgate/policy/decision`: what comes in is the `input` that policies in Rego see, and
//! what goes out is what they answer.

use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

use hexgate_contract::{Effect, FACTS};

use crate::{
    answer::Decider,
    body::Object,
    call::{Call, facts},
    json,
    problem::Problem,
    render::{more, or_null, paths},
};

/// `POST /v1/data/hexgate/policy/decision`
pub(crate) fn decision(body: &Object<'_>, decider: &mut dyn Decider) -> Result<String, Problem> {
    body.only("", &["input"])?;
    let Some(input) = body.object("input", "input")? else {
        return Err(Problem::bad("`input` is missing"));
    };
    let answer = decider.decide(&call(&input)?)?;
    let mut result = json::Object::new();
    result.flag("allow", answer.effect == Effect::Allow);
    result.flag("requires_approval", answer.effect == Effect::NeedsApproval);
    result.texts("violations", &answer.violations);
    result.text("reason", &answer.reason);
    let role = answer.role.as_ref().map(|(index, _)| index.to_string());
    result.raw("role", &or_null(role));
    let scope = answer.scope.as_ref().map(|(id, _)| id.to_string());
    result.raw("scope", &or_null(scope));
    result.raw("hint", &or_null(answer.hint.as_ref().map(paths)));
    more(&answer, &mut result);
    let mut response = json::Object::new();
    response.raw("result", &result.finish());
    Ok(response.finish())
}

fn call<'a>(input: &Object<'a>) -> Result<Call<'a>, Problem> {
    let known = ["roles", "role", "tool", "args"].into_iter().chain(FACTS);
    input.only("`input`", &known.collect::<Vec<_>>())?;
    let roles = input.texts("roles", "input.roles")?;
    let role = if input.is_null("role") {
        None
    } else {
        input.text("role", "input.role")?
    };
    let roles = match (roles, role) {
        (Some(_), Some(_)) => {
            return Err(Problem::bad(
                "`input` has both `roles` and `role`: leave one out",
            ));
        }
        (Some(roles), None) => roles,
        (None, Some(role)) => vec![role],
        (None, None) => vec![],
    };
    let Some(tool) = input.text("tool", "input.tool")? else {
        return Err(Problem::bad("`input.tool` is missing"));
    };
    let mut members = Vec::new();
    for name in FACTS {
        members.push((name, input.raw(name, &format!("input.{name}"))?));
    }
    Ok(Call {
        roles,
        tool,
        arguments: input.raw("args", "input.args")?.unwrap_or("{}").into(),
        facts: facts(&members),
        entities: None,
    })
}
