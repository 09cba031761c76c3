//! The caller that the claims of a token name.

use serde_json::{Map, Value};

use super::config::{ClaimPath, RolesClaim, UserClaim};

/// The user. The error is a reason for a message.
pub(super) fn user(claims: &Map<String, Value>, of: &UserClaim) -> Result<String, String> {
    let names = shown(&of.claim);
    let user = match find(claims, &of.claim) {
        Some(Value::String(user)) => user.as_str(),
        Some(_) => return Err(format!("the claim {names} is not a text")),
        None => return Err(format!("it has no claim {names}")),
    };
    let user = match &of.strip {
        Some(strip) => user
            .strip_prefix(strip.as_str())
            .ok_or_else(|| format!("the claim {names} does not begin with `{strip}`"))?,
        None => user,
    };
    if user.is_empty() {
        return Err(format!("the claim {names} is empty"));
    }
    Ok(format!(
        "{}{user}",
        of.before.as_deref().unwrap_or_default()
    ))
}

/// The roles, in the order of the token, each once. The error is a reason for a message.
pub(super) fn roles(claims: &Map<String, Value>, of: &RolesClaim) -> Result<Vec<String>, String> {
    let names = shown(&of.claim);
    let listed: Vec<&str> = match find(claims, &of.claim) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::String(text)) => match &of.separator {
            Some(separator) => text
                .split(separator.as_str())
                .filter(|role| !role.is_empty())
                .collect(),
            None => vec![text],
        },
        Some(Value::Array(items)) => items
            .iter()
            .map(Value::as_str)
            .collect::<Option<_>>()
            .ok_or_else(|| format!("the claim {names} has a role that is not a text"))?,
        Some(_) => return Err(format!("the claim {names} is neither a list nor a text")),
    };
    let mut roles: Vec<String> = Vec::new();
    for role in listed {
        let stripped = match &of.strip {
            Some(strip) => role.strip_prefix(strip.as_str()),
            None => Some(role),
        };
        let called = match (&of.map, stripped) {
            (Some(map), Some(role)) => map.get(role).map(String::as_str),
            (None, role) => role,
            (_, None) => None,
        };
        if let Some(role) = called
            && !roles.iter().any(|other| other == role)
        {
            roles.push(role.to_owned());
            // More than a caller can have: it is refused, however many there are.
            if roles.len() > hexgate_enforce::MAX_ROLES {
                return Err(format!(
                    "it has more than {} roles",
                    hexgate_enforce::MAX_ROLES
                ));
            }
        }
    }
    Ok(roles)
}

fn find<'a>(claims: &'a Map<String, Value>, path: &ClaimPath) -> Option<&'a Value> {
    let (first, rest) = path.names().split_first()?;
    rest.iter().try_fold(claims.get(first)?, |value, name| {
        value.as_object()?.get(name)
    })
}

/// The names of a configuration.
fn shown(path: &ClaimPath) -> String {
    format!("`{}`", path.names().join("` > `"))
}
