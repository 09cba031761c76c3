//! File scopes: which arguments hold paths, and patterns as automata.

use std::sync::Arc;

use crate::{
    automata::glob::Glob,
    budget::{Budget, NoTable},
    diagnostic::{Diagnostic, Sink, quoted},
    document::{ForbidDoc, Name, ScopeDoc, Text},
    model::{NamePattern, Pattern, Scope, ToolName, Tools},
    source::{Sources, Span},
};

/// The path arguments of the tools that every agent framework names alike, and whether they search below them.
const PATH_ARGUMENTS: &[(&str, &str, bool)] = &[
    ("read_file", "file_path", false),
    ("write_file", "file_path", false),
    ("edit_file", "file_path", false),
    ("glob", "path", true),
    ("grep", "path", true),
];

/// What a scope belongs to.
#[derive(Clone, Copy)]
pub(super) enum Subject<'a> {
    /// A rule of a tool, or of a pattern of tools.
    Tool(&'a str),
    /// An exception of one.
    Exception(&'a str),
}

/// A part of what a forbid is about.
type Part = (Tools, Option<Arc<Scope>>);

/// Compiles the scope of a tool. `None` if it is refused; then an error stands in `sink`.
pub(super) fn compile(
    subject: Subject<'_>,
    scope: &ScopeDoc,
    budget: &Budget,
    sources: &Sources,
    sink: &mut Sink,
) -> Option<Arc<Scope>> {
    let tool = match subject {
        Subject::Tool(tool) => tool,
        Subject::Exception(tool) => {
            check_excluded(scope, "an exception", sink)?;
            tool
        }
    };
    let paths = paths(Some(tool), scope.key, scope, sink);
    let search = paths.as_ref().is_some_and(|paths| paths.search);
    let patterns = Patterns::compile(scope, search, budget, sources, sink);
    Some(Arc::new(patterns?.scope(paths?, scope)))
}

/// The tools of a forbid with its scope: several parts if tools that are known have different path arguments. `None` if it is refused; then
/// an error stands in `sink`.
pub(super) fn parts(
    forbid: &ForbidDoc,
    budget: &Budget,
    sources: &Sources,
    sink: &mut Sink,
) -> Option<Vec<Part>> {
    let tools = |names: &[&Name]| Tools::Named(names.iter().map(|name| tool_name(name)).collect());
    let Some(scope) = &forbid.scope else {
        let all = match &forbid.tools {
            Some(names) => tools(&distinct(names)),
            None => Tools::Open,
        };
        return Some(vec![(all, None)]);
    };
    check_excluded(scope, "a forbid", sink)?;
    // By what holds the paths, in the order in which the tools are named.
    let mut groups: Vec<(Paths, Vec<&Name>)> = Vec::new();
    let mut refused = false;
    match &forbid.tools {
        None => groups.extend(paths(None, scope.key, scope, sink).map(|paths| (paths, Vec::new()))),
        Some(names) => {
            for name in distinct(names) {
                let Some(paths) = paths(Some(&name.text), name.span, scope, sink) else {
                    refused = true;
                    continue;
                };
                match groups.iter_mut().find(|(known, _)| *known == paths) {
                    Some((_, names)) => names.push(name),
                    None => groups.push((paths, vec![name])),
                }
            }
        }
    }
    // Without allowed patterns there is none where a search may start.
    let patterns = Patterns::compile(scope, false, budget, sources, sink)?;
    let part = |(paths, names): (Paths, Vec<&Name>)| {
        let about = if names.is_empty() {
            Tools::Open
        } else {
            tools(&names)
        };
        (about, Some(Arc::new(patterns.scope(paths, scope))))
    };
    (!refused && !groups.is_empty()).then(|| groups.into_iter().map(part).collect())
}

/// The names, each once.
fn distinct(names: &[Name]) -> Vec<&Name> {
    let mut seen = std::collections::BTreeSet::new();
    names
        .iter()
        .filter(|name| seen.insert(&name.text))
        .collect()
}

fn tool_name(name: &Name) -> ToolName {
    match NamePattern::new(&name.text) {
        Some(pattern) => ToolName::Pattern(pattern),
        None => ToolName::Exact(name.text.clone()),
    }
}

/// A scope of what is denied has no allowed patterns.
fn check_excluded(scope: &ScopeDoc, what: &str, sink: &mut Sink) -> Option<()> {
    let Some(key) = scope.allowed_key else {
        return Some(());
    };
    sink.push(
        Diagnostic::new(
            "bad-forbid",
            format!("the scope of {what} says what is denied, and has no `allowed_paths`"),
            key,
            "would be read as denied",
        )
        .with_help("list the paths under `denied_paths`, and what is lifted from them under `except_paths`; which paths are allowed is said by a rule that allows"),
    );
    None
}

/// What holds the paths of a call.
#[derive(PartialEq)]
struct Paths {
    arguments: Vec<String>,
    search: bool,
}

/// `place` is where to say that it is not known. `tool` is none for all tools.
fn paths(tool: Option<&str>, place: Span, scope: &ScopeDoc, sink: &mut Sink) -> Option<Paths> {
    let known = PATH_ARGUMENTS.iter().find(|(name, ..)| tool == Some(*name));
    let search = scope
        .search
        .unwrap_or(!scope.several && known.is_some_and(|(_, _, search)| *search));
    let given = scope.arguments.iter().map(|name| name.text.clone());
    let mut arguments: Vec<String> = given.collect();
    if arguments.is_empty() && !scope.several {
        arguments.extend(known.map(|(_, argument, _)| (*argument).to_owned()));
    }
    if arguments.is_empty() {
        let whose = match tool {
            Some(tool) if NamePattern::new(tool).is_some() => {
                format!("the tools that match {}", quoted(tool))
            }
            Some(tool) => quoted(tool),
            None => "all tools".to_owned(),
        };
        sink.push(
            Diagnostic::new("scope-argument", format!("which argument of {whose} holds the path is not known"), place, "a scope without a path")
                .with_help("name it: `argument: NAME`, or `arguments: [NAME, NAME]` for several; it is known for `read_file`, `write_file`, `edit_file`, `glob` and `grep`"),
        );
        return None;
    }
    Some(Paths { arguments, search })
}

/// The patterns of a scope.
struct Patterns {
    allowed: Vec<Pattern>,
    denied: Vec<Pattern>,
    except: Vec<Pattern>,
    /// By the allowed patterns, where a search may start as well.
    starts: Vec<Option<Glob>>,
}

impl Patterns {
    fn compile(
        scope: &ScopeDoc,
        search: bool,
        budget: &Budget,
        sources: &Sources,
        sink: &mut Sink,
    ) -> Option<Self> {
        let mut patterns = |texts: &[Text], table: &dyn Fn(&str) -> Result<Glob, NoTable>| {
            compile_all(texts, table, sources, budget, sink)
        };
        let allowed = patterns(&scope.allowed, &|text| budget.allowed(text, scope.style));
        let denied = patterns(&scope.denied, &|text| budget.denied(text, scope.style));
        let except = patterns(&scope.except, &|text| budget.allowed(text, scope.style));
        let allowed = allowed?;
        let searched = if search {
            scope.allowed.as_slice()
        } else {
            &[]
        };
        let start = |text: &str| budget.start(text, scope.style);
        let starts = compile_all(searched, &start, sources, budget, sink)?;
        Some(Self {
            allowed,
            denied: denied?,
            except: except?,
            starts,
        })
    }

    fn scope(&self, paths: Paths, scope: &ScopeDoc) -> Scope {
        let mut allowed = self.allowed.clone();
        for (pattern, start) in allowed.iter_mut().zip(&self.starts) {
            pattern.start = start.as_ref().map(|start| Arc::clone(&start.dfa));
        }
        Scope {
            arguments: paths.arguments,
            search: paths.search,
            style: scope.style,
            allowed,
            denied: self.denied.clone(),
            except: self.except.clone(),
        }
    }
}

/// What becomes of a pattern.
trait Compiled {
    type Made;
    fn made(self, text: &Text) -> Self::Made;
}

impl Compiled for Glob {
    type Made = Pattern;

    fn made(self, text: &Text) -> Pattern {
        Pattern {
            source: text.value.clone(),
            absolute: self.absolute,
            has_slash: text.value.contains('/'),
            dfa: self.dfa,
            start: None,
        }
    }
}

impl Compiled for Option<Glob> {
    type Made = Self;

    fn made(self, _: &Text) -> Self {
        self
    }
}

fn compile_all<T: Compiled>(
    texts: &[Text],
    compile: &dyn Fn(&str) -> Result<T, NoTable>,
    sources: &Sources,
    budget: &Budget,
    sink: &mut Sink,
) -> Option<Vec<T::Made>> {
    let mut made = Vec::with_capacity(texts.len());
    let mut refused = false;
    for text in texts {
        match compile(&text.value) {
            Ok(table) => made.push(table.made(text)),
            Err(NoTable::Pattern(error)) => {
                refused = true;
                sink.push(
                    Diagnostic::new(
                        "bad-pattern",
                        error.message,
                        text.node.locate(sources, error.span),
                        "",
                    )
                    .with_help_if(error.help),
                );
            }
            Err(NoTable::Budget(exceeded)) => {
                if budget.is_news() {
                    sink.push(exceeded.at(text.node.span));
                }
                return None;
            }
        }
        if sink.is_full() {
            return None;
        }
    }
    (!refused).then_some(made)
}
