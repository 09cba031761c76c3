//! What a caller may do, by the policy that decides now.

use hexgate_enforce::Caller;
use hexgate_enforce::host::{Coverage, Description, Mode, Role, Rule, Tools};

use super::screen::{Screen, Tone};

/// Shows the rules of the caller's roles.
pub(super) fn show(screen: &mut Screen, origin: &str, description: &Description, caller: &Caller) {
    let roles = caller.roles();
    let named = if roles.is_empty() {
        "no role".to_owned()
    } else {
        format!("[{}]", roles.join(", "))
    };
    screen.tell(
        Tone::Strong,
        &format!("{origin} · {} · {named}", caller.user_id()),
    );
    if description.about.coverage == Coverage::Opaque {
        return screen.plain("this policy does not tell what it permits; try a call, and `/why`");
    }
    let mut known: Vec<&Role> = description
        .roles
        .iter()
        .filter(|role| roles.contains(&role.name))
        .collect();
    if known.is_empty() {
        known.extend(
            description
                .roles
                .iter()
                .filter(|role| role.name == "default"),
        );
    }
    if known.is_empty() {
        return screen.tell(
            Tone::Bad,
            "the policy knows none of these roles and has no role `default`: every call is denied",
        );
    }
    if !description.forbids.is_empty() {
        screen.plain(&format!(
            "{} for all roles, whatever they grant",
            count(description.forbids.len(), "prohibition")
        ));
    }
    for role in known {
        screen.plain(&format!("role {}", role.name));
        if role.rules.is_empty() {
            screen.plain("  grants nothing");
        }
        for rule in &role.rules {
            let (tone, mark) = match rule.mode {
                Mode::Allow => (Tone::Good, "✓"),
                Mode::NeedsApproval => (Tone::Warn, "⏸"),
                _ => (Tone::Bad, "✗"),
            };
            let line = line(rule);
            screen.tell(tone, &format!("  {mark} {line}"));
        }
    }
}

fn line(rule: &Rule) -> String {
    let tools = match &rule.tools {
        Tools::Exact(name) => name.clone(),
        Tools::Pattern(pattern) => format!("{pattern} (pattern)"),
        Tools::Unlisted => "every other tool".to_owned(),
    };
    let mut parts = vec![tools];
    parts.extend(rule.constraints.iter().cloned());
    if rule.scope.is_some() {
        parts.push("within its file scope".to_owned());
    }
    parts.join(" · ")
}

fn count(number: usize, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}
