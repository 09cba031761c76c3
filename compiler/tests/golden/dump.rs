//! The resolved policy as text: what an accepted case means.

use std::fmt::Write;

use hexgate_compiler::model::{Policy, Rule};

/// Writes roles, rules, constraints and scopes.
pub(crate) fn dump(policy: &Policy, text: &mut String) {
    for (name, role) in &policy.roles {
        writeln!(text, "role {name:?}").unwrap();
        rule("(not listed)", &role.default_rule, text);
        for (name, tool) in &role.tools {
            rule(&format!("{name:?}"), tool, text);
        }
    }
}

fn rule(name: &str, rule: &Rule, text: &mut String) {
    writeln!(text, "  {name}: {:?}", rule.mode).unwrap();
    for constraint in &rule.constraints {
        let meaning = constraint.expr.to_string();
        let meaning = if meaning == constraint.source {
            String::new()
        } else {
            format!("   means {meaning}")
        };
        writeln!(
            text,
            "    - {}{meaning}",
            constraint.source.replace('\n', "\\n")
        )
        .unwrap();
    }
    if let Some(scope) = &rule.scope {
        writeln!(text, "    path {:?}", scope.argument).unwrap();
        for (word, patterns) in [("allowed", &scope.allowed), ("denied", &scope.denied)] {
            for pattern in patterns {
                writeln!(
                    text,
                    "      {word} {:?}{}",
                    pattern.source,
                    if pattern.absolute { " (absolute)" } else { "" }
                )
                .unwrap();
            }
        }
    }
}
