//! File scopes: patterns as regular expressions over the normalised path.

use super::{
    Refusal,
    condition::absent,
    helper::{Helper, Helpers},
    text::{listed, member, quoted, rule},
};
use crate::{
    automata::{PatternError, glob},
    model::{PathStyle, Pattern, Scope},
};

/// Prints a scope and its pattern lists.
///
/// `within_N` holds if all paths of the call are covered. Of a scope that says what is forbidden, which has no allowed patterns, it holds
/// if that is *false*: if it is known that none of the paths is denied.
pub(super) fn print(
    out: &mut String,
    id: usize,
    scope: &Scope,
    helpers: &mut Helpers,
) -> Result<(), Refusal> {
    print_patterns(out, id, scope);
    helpers.need(Helper::Paths);
    let places: Vec<String> = scope.arguments.iter().map(|name| argument(name)).collect();
    let covers = places.iter().map(|place| format!("covers_{id}({place})"));
    rule(out, &format!("within_{id}"), &covers.collect::<Vec<_>>());
    if let (true, [place]) = (scope.search, places.as_slice()) {
        let root = format!("covered_{id}(\".\")");
        rule(out, &format!("within_{id}"), &[absent(place), root]);
    }
    let lines = [
        "paths := paths_of(value)".to_owned(),
        format!("every path in paths {{\n\tcovered_{id}(path)\n}}"),
    ];
    rule(out, &format!("covers_{id}(value)"), &lines);
    Printer::new(id, scope, helpers).covered(out)
}

/// Where an argument of the call is.
fn argument(name: &str) -> String {
    let mut place = String::from("input.args");
    member(&mut place, name);
    place
}

/// What the hint of a denial says.
fn print_patterns(out: &mut String, id: usize, scope: &Scope) {
    let texts = |patterns: &[Pattern]| {
        let texts: Vec<String> = patterns.iter().map(|one| quoted(&one.source)).collect();
        listed(['[', ']'], &texts).replace('\n', "\n\t")
    };
    let except = match scope.except.as_slice() {
        [] => String::new(),
        except => format!("\t\"except\": {},\n", texts(except)),
    };
    let patterns = format!(
        "patterns_{id} := {{\n\t\"allowed\": {},\n\t\"denied\": {},\n{except}}}",
        texts(&scope.allowed),
        texts(&scope.denied)
    );
    rule(out, &patterns, &[]);
}

/// Prints whether one path is covered.
struct Printer<'a> {
    id: usize,
    scope: &'a Scope,
    helpers: &'a mut Helpers,
    /// The condition that a normalised path is absolute.
    absolute: &'static str,
}

impl<'a> Printer<'a> {
    fn new(id: usize, scope: &'a Scope, helpers: &'a mut Helpers) -> Self {
        Self {
            id,
            scope,
            helpers,
            absolute: match scope.style {
                PathStyle::Posix => "startswith(path, \"/\")",
                PathStyle::Windows => "regex.match(`^[A-Z]:/`, path)",
            },
        }
    }

    fn covered(mut self, out: &mut String) -> Result<(), Refusal> {
        let (id, scope) = (self.id, self.scope);
        let (normalised, distinct) = match scope.style {
            PathStyle::Posix => {
                self.helpers.need(Helper::Normalised);
                ("normalised(given)", "distinct(path)")
            }
            PathStyle::Windows => {
                self.helpers.need(Helper::NormalisedOnWindows);
                (
                    "normalised_on_windows(given)",
                    "distinct(below_drive(path))",
                )
            }
        };
        let head = format!("covered_{id}(given)");
        if scope.allowed.is_empty() && scope.denied.is_empty() {
            rule(out, &head, &[normalised.to_owned()]);
            return Ok(());
        }
        let mut lines = vec![format!("path := {normalised}")];
        if !scope.denied.is_empty() {
            self.helpers.need(Helper::Distinct);
            lines.push(distinct.to_owned());
        }
        let mut beside = String::new();
        for (index, pattern) in scope.denied.iter().enumerate() {
            lines.push(self.free(index, pattern, &mut beside)?);
        }
        match scope.allowed.as_slice() {
            // Relative patterns say nothing about an absolute path, so they cannot clear one.
            [] if scope.denied.iter().all(|pattern| !pattern.absolute) => {
                lines.push(format!("{} == false", self.absolute));
            }
            [] => {}
            [one] if !scope.search => lines.extend(self.matches(one, glob::allowed_regex)?),
            _ => {
                lines.push(format!("allowed_{id}(path)"));
                self.allowed(&mut beside)?;
            }
        }
        rule(out, &head, &lines);
        out.push_str(&beside);
        Ok(())
    }

    /// The line that holds if a denied pattern does not cover the path, or an except pattern lifts it.
    fn free(
        &mut self,
        index: usize,
        denied: &Pattern,
        beside: &mut String,
    ) -> Result<String, Refusal> {
        let covers = |path| covers(denied, self.scope.style, glob::denied_regex, path);
        let free = format!("{} == false", covers("path")?);
        let above = format!("{} == false", covers("folder")?);
        let lifts = |except: &&Pattern| except.has_slash || !denied.has_slash;
        let excepts: Vec<&Pattern> = self.scope.except.iter().filter(lifts).collect();
        if excepts.is_empty() {
            return Ok(free);
        }
        let head = format!("free_{}_{index}(path)", self.id);
        rule(beside, &head, &[free]);
        for except in excepts {
            let mut lines = self.matches(except, glob::allowed_regex)?;
            if !except.has_slash {
                // A name lifts a name, but nothing below a folder of that name.
                self.helpers.need(Helper::Folders);
                lines.push("folders_above := folders(path)".to_owned());
                lines.push(format!("every folder in folders_above {{\n\t{above}\n}}"));
            }
            rule(beside, &head, &lines);
        }
        Ok(head)
    }

    /// Prints what is allowed: for a search also the root, and the folder of a pattern that covers all below it.
    fn allowed(&self, out: &mut String) -> Result<(), Refusal> {
        let head = format!("allowed_{}(path)", self.id);
        if self.scope.search {
            rule(out, &head, &["path == \"\"".to_owned()]);
        }
        for pattern in &self.scope.allowed {
            rule(out, &head, &self.matches(pattern, glob::allowed_regex)?);
            if pattern.start.is_some() {
                rule(out, &head, &self.matches(pattern, start_regex)?);
            }
        }
        Ok(())
    }

    /// The lines that hold if a pattern accepts the path, which a relative one never does if it is absolute.
    fn matches(&self, pattern: &Pattern, regex: ToRegex) -> Result<Vec<String>, Refusal> {
        let mut lines = vec![covers(pattern, self.scope.style, regex, "path")?];
        // Of other paths the expression sees it.
        if self.scope.style == PathStyle::Windows && !pattern.absolute {
            lines.push(format!("{} == false", self.absolute));
        }
        Ok(lines)
    }
}

/// A pattern as a regular expression.
type ToRegex = fn(&str, PathStyle) -> Result<String, PatternError>;

fn start_regex(pattern: &str, style: PathStyle) -> Result<String, PatternError> {
    let regex = glob::start_regex(pattern, style)?;
    // Asked of patterns alone that have one; this one accepts nothing.
    Ok(regex.unwrap_or_else(|| "^[^\\s\\S]$".to_owned()))
}

fn covers(
    pattern: &Pattern,
    style: PathStyle,
    regex: ToRegex,
    path: &str,
) -> Result<String, Refusal> {
    let regex =
        regex(&pattern.source, style).map_err(|_| Refusal::Pattern(pattern.source.clone()))?;
    Ok(format!("regex.match({}, {path})", quoted(&regex)))
}
