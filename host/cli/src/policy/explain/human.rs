//! An explanation for people: trees of conditions, then what would have made the call pass.

use super::{Condition, Entry, Explanation, FileScope, Forbid, Operand, Role, Rule, need::Need};
use crate::output::{Style, Tone, harmless};
use hexgate_host::Effect;

impl Explanation {
    /// The explanation of a decision that came out like this.
    pub(in crate::policy) fn human(&self, outcome: Effect) -> String {
        let mut text = String::new();
        for forbid in &self.forbids {
            text.push_str("\nforbidden for all roles, unless the condition is false\n");
            forbid.write(1, &mut text);
        }
        if let Some(note) = &self.note {
            text.push_str(&format!("\n{}\n", harmless(note)));
        }
        // Below a forbid that denies no role is asked.
        if self.forbids.iter().any(|forbid| forbid.forbids) {
            return text;
        }
        for role in &self.roles {
            role.write(outcome, &mut text);
        }
        text
    }
}

impl Role {
    fn write(&self, outcome: Effect, text: &mut String) {
        let rule = match (self.rule, &self.pattern) {
            (_, Some(pattern)) => format!("the tool matches `{}`", harmless(pattern)),
            ("listed", None) => "the tool is listed".to_owned(),
            ("closed", None) => "the tool is not listed, and its name is closed".to_owned(),
            _ => "the tool is not listed, the rule for unlisted tools applies".to_owned(),
        };
        let modes = match &self.entry {
            Entry::One(rule) => format!("mode {}", rule.mode),
            Entry::Several { rules, .. } => format!("{} rules", rules.len()),
        };
        text.push_str(&format!(
            "\nrole `{}`: {rule}, {modes}\n",
            harmless(&self.role)
        ));
        for forbid in &self.forbids {
            text.push_str("  forbidden, unless the condition is false\n");
            forbid.write(2, text);
        }
        let (needs, approval) = match &self.entry {
            Entry::One(rule) => {
                rule.write(1, text);
                (&rule.needs, rule.mode == "approval_required")
            }
            Entry::Several { rules, needs } => {
                for (index, rule) in rules.iter().enumerate() {
                    let what = if rule.exception {
                        "exception: denies unless the condition is false".to_owned()
                    } else {
                        format!("mode {}", rule.mode)
                    };
                    text.push_str(&format!("  rule {}, {what}\n", index + 1));
                    rule.write(2, text);
                }
                let mut others = rules.iter().filter(|rule| !rule.exception);
                (needs, others.all(|rule| rule.mode == "approval_required"))
            }
        };
        let passing = if approval {
            "to reach approval"
        } else {
            "to pass"
        };
        let also = if outcome == Effect::Deny {
            String::new()
        } else {
            format!(" as `{}`", harmless(&self.role))
        };
        write_needs(&format!("{passing}{also}"), needs, 1, text);
    }
}

impl Rule {
    fn write(&self, depth: usize, text: &mut String) {
        for constraint in &self.constraints {
            constraint.write(depth, text);
        }
        if let Some(scope) = &self.file_scope {
            scope.write(depth, text);
        }
    }
}

impl Forbid {
    fn write(&self, depth: usize, text: &mut String) {
        for constraint in &self.constraints {
            constraint.write(depth, text);
        }
        if let Some(scope) = &self.file_scope {
            scope.write(depth, text);
        }
        write_needs("not to be forbidden", &self.needs, depth, text);
    }
}

impl Condition {
    fn write(&self, depth: usize, text: &mut String) {
        let indent = "  ".repeat(depth);
        text.push_str(&format!(
            "{indent}{}  {}\n",
            value(self.value),
            harmless(&self.source)
        ));
        // Where the condition looks at the element itself, that says it.
        let shown = self.operands.iter().any(|operand| operand.path == ".");
        if let Some(element) = self.element.as_ref().filter(|_| !shown) {
            dim(&format!(". = {element}"), depth, text);
        }
        for operand in &self.operands {
            operand.write(depth, text);
        }
        for part in &self.parts {
            part.write(depth + 1, text);
        }
    }
}

impl Operand {
    fn write(&self, depth: usize, text: &mut String) {
        let value = self.value.as_deref().unwrap_or("absent");
        dim(&format!("{} = {value}", self.path), depth, text);
        for part in &self.parts {
            part.write(depth + 1, text);
        }
    }
}

/// A line below a condition.
fn dim(line: &str, depth: usize, text: &mut String) {
    let indent = "  ".repeat(depth);
    let line = Style::stdout().paint(Tone::Dim, &harmless(line));
    text.push_str(&format!("{indent}             {line}\n"));
}

impl FileScope {
    fn write(&self, depth: usize, text: &mut String) {
        let indent = "  ".repeat(depth);
        let first = (&self.argument, &self.value);
        let further = self.further.iter().map(|one| (&one.path, &one.value));
        let arguments: Vec<_> = std::iter::once(first).chain(further).collect();
        let names: Vec<String> = arguments
            .iter()
            .map(|(name, _)| format!("`{}`", harmless(name)))
            .collect();
        let style = self
            .style
            .map_or_else(String::new, |style| format!(", {style} paths"));
        text.push_str(&format!(
            "{indent}{}  file scope on {}{style}\n",
            value(self.truth),
            names.join(", ")
        ));
        for (argument, value) in arguments {
            let value = match (value, self.search) {
                (Some(value), _) => value,
                (None, true) => "absent: the root",
                (None, false) => "absent",
            };
            dim(&format!("args.{argument} = {value}"), depth, text);
        }
        for (what, patterns) in [
            ("allowed", &self.allowed_paths),
            ("denied", &self.denied_paths),
            ("except", &self.except_paths),
        ] {
            if !patterns.is_empty() {
                text.push_str(&format!(
                    "{indent}             {what}: {}\n",
                    harmless(&patterns.join(", "))
                ));
            }
        }
    }
}

/// A truth value with its mark, in a column of its own.
fn value(name: &str) -> String {
    let (tone, mark) = match name {
        "true" => (Tone::Good, "✓"),
        "false" => (Tone::Bad, "✗"),
        _ => (Tone::Warn, "?"),
    };
    Style::stdout().paint(tone, &format!("{mark} {name:<9}"))
}

fn write_needs(title: &str, needs: &[Need], depth: usize, text: &mut String) {
    if needs.is_empty() {
        return;
    }
    text.push_str(&format!("{}{title}:\n", "  ".repeat(depth)));
    for need in needs {
        write_need(need, depth + 1, text);
    }
}

fn write_need(need: &Need, depth: usize, text: &mut String) {
    let indent = "  ".repeat(depth);
    let (head, parts): (&str, &[Need]) = match need {
        Need::Do(what) => (what, &[]),
        Need::All(parts) => ("all of:", parts),
        Need::OneOf(parts) => ("one of:", parts),
        Need::Each { rule, lacking } => (rule, lacking),
    };
    text.push_str(&format!("{indent}• {}\n", harmless(head)));
    for part in parts {
        write_need(part, depth + 1, text);
    }
}
