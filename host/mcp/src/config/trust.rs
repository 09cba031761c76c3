//! What in a configuration contradicts itself about who calls and what is passed on.

use super::{Config, Environment, Reach};

/// Why a server would get a secret of the authorization at another one.
pub(super) fn leak(config: &Config) -> Option<String> {
    let secrets: Vec<&str> = config
        .servers
        .values()
        .filter_map(|server| server.authorization.as_ref())
        .flat_map(|authorization| authorization.variables())
        .collect();
    config.servers.iter().find_map(|(name, server)| {
        let got = secrets
            .iter()
            .find(|variable| would_get(&server.reach, variable))?;
        Some(format!(
            "the server `{name}` would get the variable `{got}`, which holds a secret of the gateway's own `authorization`"
        ))
    })
}

/// Whether a server gets a variable of the environment.
fn would_get(reach: &Reach, variable: &str) -> bool {
    match reach {
        Reach::Process { environment, .. } => match environment {
            Environment::Named(names) => names.iter().any(|name| name == variable),
            Environment::Inherited => !variable.starts_with("HEXGATE_"),
        },
        Reach::Http { headers, .. } => headers.values().any(|name| name == variable),
    }
}

/// Why a configuration says two things about the caller, or would pass a client's token on.
pub(super) fn contradiction(config: &Config) -> Option<String> {
    let identity = config.identity.as_ref()?;
    if config.caller.is_some() {
        return Some(
            "there is a `caller` and an `identity`: who calls would be said twice".to_owned(),
        );
    }
    let variable = identity.token_from.as_ref()?;
    if config.listen.is_some() {
        return Some(
            "`token_from` is for the client at the standard streams, and this gateway listens"
                .to_owned(),
        );
    }
    let passed = config
        .servers
        .iter()
        .find(|(_, server)| would_get(&server.reach, variable));
    passed.map(|(name, _)| {
        format!("the server `{name}` would get the variable `{variable}`, which holds the token of the client")
    })
}
