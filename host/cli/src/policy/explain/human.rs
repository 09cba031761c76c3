//! An explanation for people: trees of conditions, then what would have made the call pass.

use super::{Condition, Explanation, FileScope, Operand, Role, RuleKind, need::Need};
use crate::output::{Style, Tone, harmless};
use hexgate_host::Effect;

impl Explanation {
    /// The explanation of a decision that came out like this.
    pub(in crate::policy) fn human(&self, outcome: Effect) -> String {
        let mut text = String::new();
        if let Some(note) = &self.note {
            text.push_str(&format!("\n{}\n", harmless(note)));
        }
        for role in &self.roles {
            role.write(outcome, &mut text);
        }
        text
    }
}

impl Role {
    fn write(&self, outcome: Effect, text: &mut String) {
        let rule = match self.rule {
            RuleKind::Listed => "the tool is listed",
            RuleKind::Unlisted => "the tool is not listed, the rule for unlisted tools applies",
            RuleKind::Closed => "the tool is not listed, and its name is closed",
        };
        text.push_str(&format!(
            "\nrole `{}`: {rule}, mode {}\n",
            harmless(&self.role),
            self.mode
        ));
        for constraint in &self.constraints {
            constraint.write(1, text);
        }
        if let Some(scope) = &self.file_scope {
            scope.write(text);
        }
        if self.needs.is_empty() {
            return;
        }
        let passing = if self.mode == "approval_required" {
            "to reach approval"
        } else {
            "to pass"
        };
        let also = if outcome == Effect::Deny {
            String::new()
        } else {
            format!(" as `{}`", harmless(&self.role))
        };
        text.push_str(&format!("  {passing}{also}:\n"));
        for need in &self.needs {
            write_need(need, 2, text);
        }
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
        let indent = "  ".repeat(depth);
        let value = self.value.as_deref().unwrap_or("absent");
        let line = format!("{} = {}", harmless(&self.path), harmless(value));
        text.push_str(&format!(
            "{indent}             {}\n",
            Style::stdout().paint(Tone::Dim, &line)
        ));
    }
}

impl FileScope {
    fn write(&self, text: &mut String) {
        let held = if self.holds { "true" } else { "false" };
        text.push_str(&format!(
            "  {}  file scope on `{}`\n",
            value(held),
            harmless(&self.argument)
        ));
        Operand {
            path: format!("args.{}", self.argument),
            value: self.value.clone(),
        }
        .write(1, text);
        for (what, patterns) in [
            ("allowed", &self.allowed_paths),
            ("denied", &self.denied_paths),
        ] {
            if !patterns.is_empty() {
                text.push_str(&format!(
                    "               {what}: {}\n",
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
