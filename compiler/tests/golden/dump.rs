//! The resolved policy as text: what an accepted case means.

use std::{fmt::Write, sync::Arc};

use hexgate_compiler::model::{
    Constraint, Entry, Forbid, Pattern, Policy, Rule, Scope, ToolName, Tools,
};

/// Writes roles, rules, forbids, constraints and scopes.
pub(crate) fn dump(policy: &Policy, text: &mut String) {
    words("", None, policy.description.as_deref(), text);
    for one in &policy.forbids {
        forbid("forbid", one, text);
    }
    for (name, role) in &policy.roles {
        writeln!(text, "role {name:?}").unwrap();
        words("  ", None, role.description.as_deref(), text);
        for one in &role.forbids {
            forbid("  forbid", one, text);
        }
        rule("(not listed)", &role.default_rule, text);
        for (name, tool) in &role.tools {
            entry(&format!("{name:?}"), tool, text);
        }
        for (pattern, tool) in &role.patterns {
            entry(&format!("pattern {:?}", pattern.as_str()), tool, text);
        }
    }
}

fn entry(name: &str, entry: &Entry, text: &mut String) {
    match entry {
        Entry::Rule(one) => rule(name, one, text),
        Entry::Rules(rules) => {
            for (at, one) in rules.iter().enumerate() {
                rule(&format!("{name} [{at}]"), one, text);
            }
        }
    }
}

fn forbid(name: &str, forbid: &Forbid, text: &mut String) {
    let tools = match &forbid.tools {
        Tools::Open => "all that are not closed".to_owned(),
        Tools::Named(names) => {
            let names = names.iter().map(|name| match name {
                ToolName::Exact(name) => format!("{name:?}"),
                ToolName::Pattern(pattern) => format!("pattern {:?}", pattern.as_str()),
            });
            names.collect::<Vec<_>>().join(", ")
        }
    };
    writeln!(text, "{name} {tools}").unwrap();
    constraints(&forbid.constraints, text);
    scope(forbid.scope.as_deref(), text);
    words(
        "    ",
        forbid.message.as_deref(),
        forbid.description.as_deref(),
        text,
    );
}

fn rule(name: &str, rule: &Rule, text: &mut String) {
    writeln!(text, "  {name}: {:?}", rule.mode).unwrap();
    constraints(&rule.constraints, text);
    scope(rule.scope.as_deref(), text);
    if let Some(approval) = &rule.approval {
        writeln!(
            text,
            "    approved by {:?}, {:?} of them, within {:?} s, reason required {:?}",
            approval.roles, approval.approvers, approval.expires, approval.reason_required
        )
        .unwrap();
    }
    words(
        "    ",
        rule.message.as_deref(),
        rule.description.as_deref(),
        text,
    );
}

fn words(indent: &str, message: Option<&str>, description: Option<&str>, text: &mut String) {
    for (word, said) in [("message", message), ("description", description)] {
        if let Some(said) = said {
            writeln!(text, "{indent}{word} {said:?}").unwrap();
        }
    }
}

fn constraints(constraints: &[Arc<Constraint>], text: &mut String) {
    for constraint in constraints {
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
}

fn scope(scope: Option<&Scope>, text: &mut String) {
    let Some(scope) = scope else { return };
    let names: Vec<String> = scope
        .arguments
        .iter()
        .map(|name| format!("{name:?}"))
        .collect();
    let search = if scope.search { ", searched below" } else { "" };
    let style = match scope.style.as_str() {
        "posix" => String::new(),
        style => format!(", {style}"),
    };
    writeln!(text, "    path {}{search}{style}", names.join(" and ")).unwrap();
    let lists = [
        ("allowed", &scope.allowed),
        ("denied", &scope.denied),
        ("except", &scope.except),
    ];
    for (word, patterns) in lists {
        for Pattern {
            source,
            absolute,
            start,
            ..
        } in patterns
        {
            writeln!(
                text,
                "      {word} {source:?}{}{}",
                if *absolute { " (absolute)" } else { "" },
                if start.is_some() {
                    " (and where it begins)"
                } else {
                    ""
                }
            )
            .unwrap();
        }
    }
}
