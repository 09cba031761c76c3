//! The report for people.

use super::{
    binary::Item,
    permits::{Permits, Rule, Scope},
    report::{Bundle, Component, Report, Signature},
};
use crate::output::{Style, Tone, count, harmless};

impl Report {
    /// The report as text.
    pub(super) fn human(&self) -> String {
        let mut text = format!("{}\n", harmless(&self.path));
        if let Some(bundle) = &self.bundle {
            bundle.write(&mut text);
        }
        self.component.write(&mut text);
        if !self.not_verified.is_empty() {
            text.push_str("\nnot verified\n");
        }
        for what in &self.not_verified {
            text.push_str(&format!("  • {}\n", harmless(what)));
        }
        text
    }
}

impl Bundle {
    fn write(&self, text: &mut String) {
        let style = Style::stdout();
        let signature = match &self.signature {
            Signature::Unsigned => style.paint(Tone::Warn, "unsigned"),
            Signature::NotVerified => style.paint(Tone::Warn, "signed, not verified"),
            Signature::Verified { key_id } => {
                style.paint(Tone::Good, &format!("verified with key {key_id}"))
            }
            Signature::DoesNotVerify { reason } => {
                format!(
                    "{}: {}",
                    style.paint(Tone::Bad, "does not verify"),
                    harmless(reason)
                )
            }
        };
        let mut rows = Rows { text };
        rows.head("bundle");
        rows.raw("signature", &signature);
        if let Some(id) = &self.claimed_key_id {
            rows.row("key", &format!("{id}, says the manifest"));
        }
        rows.row("manifest", &format!("version {}", self.manifest_version));
        let compiles = match self.source_compiles_to_component {
            Some(true) => ", compiles to this component",
            Some(false) => ", does not compile to this component here",
            None => "",
        };
        rows.row("source", &format!("{}{compiles}", self.source));
        rows.row("source sha256", &self.source_sha256);
        rows.row("rego sha256", &self.rego_sha256);
        rows.row("contract", self.contract.as_deref().unwrap_or("none"));
        let engine = match (&self.engine, &self.engine_digest) {
            (Some(engine), Some(digest)) => format!("{engine} {digest}"),
            (Some(engine), None) => engine.clone(),
            (None, _) => "none".to_owned(),
        };
        rows.row("engine", &engine);
        rows.row("compiler", self.compiler.as_deref().unwrap_or("none"));
        rows.row("agent", self.agent.as_deref().unwrap_or("bound to none"));
        rows.row(
            "project",
            self.project.as_deref().unwrap_or("bound to none"),
        );
        rows.row(
            "sequence",
            &self
                .sequence
                .map_or_else(|| "none".to_owned(), |sequence| sequence.to_string()),
        );
        rows.row("validity", &self.validity());
        if self.stateless {
            rows.row("claims", "to be stateless");
        }
        if !self.obligations.is_empty() {
            rows.row("demands", &self.obligations.join(", "));
        }
    }

    fn validity(&self) -> String {
        let window = match (&self.not_before, &self.expires_at) {
            (None, None) => return "not limited".to_owned(),
            (Some(from), None) => format!("from {from} on"),
            (None, Some(until)) => format!("until {until}"),
            (Some(from), Some(until)) => format!("from {from} until {until}"),
        };
        match self.validity {
            "valid" => window,
            "expired" => format!("{window}: EXPIRED"),
            _ => format!("{window}: NOT YET VALID"),
        }
    }
}

impl Component {
    fn write(&self, text: &mut String) {
        let mut rows = Rows { text };
        rows.head(self.kind);
        rows.row("size", &format!("{} bytes", self.bytes));
        rows.row("sha256", &self.sha256);
        rows.row(
            "world",
            self.world.as_deref().unwrap_or("not that of a policy"),
        );
        rows.items("imports", &self.imports);
        rows.items("exports", &self.exports);
        let engine = match (self.engine_digest, self.plan_bytes, self.opa_module_bytes) {
            (Some(digest), Some(bytes), _) => {
                format!("known, {digest}, with a plan of {bytes} bytes")
            }
            (_, _, Some(bytes)) => {
                format!("a module of OPA, {bytes} bytes: metered, a fresh instance a decision")
            }
            _ => "not known to this host: metered, a fresh instance a decision".to_owned(),
        };
        rows.row("engine", &engine);
        match (&self.permits, &self.undescribed) {
            (Some(permits), _) => permits.write(text),
            (None, reason) => rows.row(
                "permits",
                &format!(
                    "not known: {}",
                    reason.as_deref().unwrap_or("it does not say")
                ),
            ),
        }
    }
}

impl Permits {
    fn write(&self, text: &mut String) {
        let mut rows = Rows { text };
        rows.head("policy");
        let coverage = if self.coverage == "complete" {
            "complete: what is not listed is denied"
        } else {
            "opaque: it may permit more than it tells"
        };
        rows.row("description", coverage);
        rows.row("compiler", &self.compiler);
        rows.row("source sha256", &self.source_digest);
        rows.row(
            "limits",
            &format!(
                "{} bytes of arguments, {} bytes of facts",
                self.arguments_bytes, self.facts_bytes
            ),
        );
        if self.portable {
            rows.row(
                "arguments",
                "portable: no names that differ in case alone, no numbers that a double does not hold",
            );
        }
        rows.row(
            "extent",
            &format!(
                "{}, {}",
                count(self.roles.len(), "role"),
                count(self.scopes.len(), "file scope")
            ),
        );
        for role in &self.roles {
            text.push_str(&format!("\nrole {}\n", harmless(&role.name)));
            let width = role.rules.iter().map(Rule::name_width).max().unwrap_or(0);
            for rule in &role.rules {
                rule.write(&self.scopes, width, text);
            }
        }
    }
}

impl Rule {
    fn name(&self) -> String {
        self.tool.as_deref().map_or_else(
            || "(unlisted tools)".to_owned(),
            |tool| harmless(tool).into_owned(),
        )
    }

    fn name_width(&self) -> usize {
        self.name().chars().count()
    }

    fn write(&self, scopes: &[Scope], width: usize, text: &mut String) {
        let tone = match self.mode.as_str() {
            "allow" => Tone::Good,
            "deny" => Tone::Bad,
            _ => Tone::Warn,
        };
        text.push_str(&format!(
            "  {:<width$}  {}\n",
            self.name(),
            Style::stdout().paint(tone, &self.mode)
        ));
        for constraint in &self.constraints {
            text.push_str(&format!("    if {}\n", harmless(constraint)));
        }
        let scope = self
            .scope
            .and_then(|id| scopes.get(usize::try_from(id).ok()?));
        if let Some(scope) = scope {
            text.push_str(&format!("    within {}\n", harmless(&scope.words())));
        }
    }
}

impl Scope {
    fn words(&self) -> String {
        let mut words = format!("args.{}", self.argument);
        if !self.allowed_paths.is_empty() {
            words.push_str(&format!(", allowed {}", self.allowed_paths.join(" ")));
        }
        if !self.denied_paths.is_empty() {
            words.push_str(&format!(", denied {}", self.denied_paths.join(" ")));
        }
        words
    }
}

/// Names and values in two columns.
struct Rows<'t> {
    text: &'t mut String,
}

impl Rows<'_> {
    fn head(&mut self, title: &str) {
        self.text.push_str(&format!("\n{title}\n"));
    }

    fn row(&mut self, name: &str, value: &str) {
        self.raw(name, &harmless(value));
    }

    /// A value that brings its own colours.
    fn raw(&mut self, name: &str, value: &str) {
        self.text.push_str(&format!("  {name:<14} {value}\n"));
    }

    fn items(&mut self, name: &str, items: &[Item]) {
        if items.is_empty() {
            self.row(name, "none");
        }
        for (index, item) in items.iter().enumerate() {
            let functions = if item.functions.is_empty() {
                String::new()
            } else {
                format!(" ({})", item.functions.join(", "))
            };
            self.row(
                if index == 0 { name } else { "" },
                &format!("{}{functions}", item.name),
            );
        }
    }
}
