//! The report for people.

use super::{
    binary::Item,
    permits::{Forbid, Paths, Permits, Rule, Scope, Terms},
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
        if let Some(about) = &self.description {
            rows.row("about", about);
        }
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
        if !self.facts.is_empty() {
            rows.row("facts", &self.facts.join(", "));
        }
        rows.row(
            "extent",
            &format!(
                "{}, {}",
                count(self.roles.len(), "role"),
                count(self.scopes.len(), "file scope")
            ),
        );
        if !self.forbids.is_empty() {
            text.push_str("\nno role can lift\n");
        }
        for forbid in &self.forbids {
            forbid.write(self, text);
        }
        for role in &self.roles {
            text.push_str(&format!("\nrole {}\n", harmless(&role.name)));
            if let Some(about) = &role.description {
                text.push_str(&format!("  {}\n", harmless(about)));
            }
            for forbid in &role.forbids {
                forbid.write(self, text);
            }
            let width = role.rules.iter().map(Rule::name_width).max().unwrap_or(0);
            for (index, rule) in role.rules.iter().enumerate() {
                let alike = |other: Option<&Rule>| other.is_some_and(|it| it.name() == rule.name());
                let several = alike(role.rules.get(index + 1))
                    || alike(
                        index
                            .checked_sub(1)
                            .and_then(|before| role.rules.get(before)),
                    );
                rule.write(self, several, width, text);
            }
        }
    }

    fn scope(&self, id: Option<u32>) -> Option<&Scope> {
        self.scopes.get(usize::try_from(id?).ok()?)
    }
}

impl Forbid {
    fn write(&self, permits: &Permits, text: &mut String) {
        let tools = if self.tools.is_empty() {
            "all tools".to_owned()
        } else {
            harmless(&self.tools.join(", ")).into_owned()
        };
        let forbidden = Style::stdout().paint(Tone::Bad, "forbidden");
        text.push_str(&format!("  {tools}  {forbidden}\n"));
        write_condition("unless false:", &self.constraints, text);
        if let Some(scope) = permits.scope(self.scope) {
            text.push_str(&format!(
                "    unless false: a path of {}\n",
                harmless(&scope.words())
            ));
        }
        write_words(&self.message, &self.description, text);
    }
}

fn write_condition(word: &str, constraints: &[String], text: &mut String) {
    for constraint in constraints {
        text.push_str(&format!("    {word} {}\n", harmless(constraint)));
    }
}

fn write_words(message: &Option<String>, description: &Option<String>, text: &mut String) {
    for (what, words) in [("tells", message), ("about", description)] {
        if let Some(words) = words {
            text.push_str(&format!("    {what} {}\n", harmless(words)));
        }
    }
}

impl Rule {
    fn name(&self) -> String {
        match (&self.tool, &self.pattern) {
            (Some(name), _) | (None, Some(name)) => harmless(name).into_owned(),
            (None, None) => "(unlisted tools)".to_owned(),
        }
    }

    fn name_width(&self) -> usize {
        self.name().chars().count()
    }

    /// `several`: there are other rules for the same tools.
    fn write(&self, permits: &Permits, several: bool, width: usize, text: &mut String) {
        let exception = several && self.mode == "deny";
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
        let word = if exception { "unless false:" } else { "if" };
        // A rule that denies and is no exception denies whatever it says.
        let asked = exception || self.mode != "deny";
        if asked {
            write_condition(word, &self.constraints, text);
        }
        if let Some(scope) = permits.scope(self.scope).filter(|_| asked) {
            let word = if exception {
                "unless false: a path of"
            } else {
                "within"
            };
            text.push_str(&format!("    {word} {}\n", harmless(&scope.words())));
        }
        let terms = self
            .terms
            .and_then(|id| permits.terms.get(usize::try_from(id).ok()?));
        if let Some(terms) = terms {
            text.push_str(&format!("    asks {}\n", harmless(&terms.words())));
        }
        write_words(&self.message, &self.description, text);
    }
}

impl Terms {
    /// Who has to agree, in words.
    pub(in crate::policy) fn words(&self) -> String {
        let mut words = match self.approvers {
            Some(number) => count(usize::try_from(number).unwrap_or_default(), "approver"),
            None => "an approver".to_owned(),
        };
        if !self.roles.is_empty() {
            words.push_str(&format!(" of {}", self.roles.join(" or ")));
        }
        if let Some(seconds) = self.expires_seconds {
            words.push_str(&format!(", within {seconds} s"));
        }
        match self.reason_required {
            Some(true) => words.push_str(", with a reason"),
            Some(false) => words.push_str(", with or without a reason"),
            None => {}
        }
        words
    }
}

impl Scope {
    fn words(&self) -> String {
        let arguments = self.argument.iter().chain(&self.arguments);
        let arguments: Vec<String> = arguments.map(|name| format!("args.{name}")).collect();
        let mut words = if arguments.is_empty() {
            "any path".to_owned()
        } else {
            arguments.join(" and ")
        };
        if self.search {
            words.push_str(", a search");
        }
        if self.style != "posix" {
            words.push_str(&format!(", {} paths", self.style));
        }
        self.paths.write(&mut words);
        for exclusion in &self.exclusions {
            words.push_str("; of what is found not");
            exclusion.write(&mut words);
        }
        words
    }
}

impl Paths {
    fn write(&self, words: &mut String) {
        for (what, patterns) in [
            ("allowed", &self.allowed_paths),
            ("denied", &self.denied_paths),
            ("except", &self.except_paths),
        ] {
            if !patterns.is_empty() {
                words.push_str(&format!(", {what} {}", patterns.join(" ")));
            }
        }
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
