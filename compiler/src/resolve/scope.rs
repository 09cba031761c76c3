//! File scopes: which argument holds the path, and patterns as automata.

use std::sync::Arc;

use crate::{
    automata::glob::Glob,
    budget::{Budget, NoTable},
    diagnostic::{Diagnostic, Sink, quoted},
    document::{ScopeDoc, Text, ToolDoc},
    model::{PathStyle, Pattern, Scope},
    source::Sources,
};

/// The path arguments of the tools that every agent framework names alike.
const PATH_ARGUMENTS: &[(&str, &str)] = &[
    ("read_file", "file_path"),
    ("write_file", "file_path"),
    ("edit_file", "file_path"),
    ("glob", "path"),
    ("grep", "path"),
];

/// Compiles the scope of a tool. `None` if it is refused; then an error stands in `sink`.
pub(super) fn compile(
    tool: &ToolDoc,
    scope: &ScopeDoc,
    budget: &Budget,
    sources: &Sources,
    sink: &mut Sink,
) -> Option<Arc<Scope>> {
    let argument = argument(tool, scope, sink);
    let mut patterns = |texts, compile: fn(&Budget, &str) -> Result<Glob, NoTable>| {
        patterns(texts, |text| compile(budget, text), sources, budget, sink)
    };
    let allowed = patterns(&scope.allowed, Budget::allowed);
    let denied = patterns(&scope.denied, Budget::denied);
    Some(Arc::new(Scope {
        arguments: vec![argument?],
        search: false,
        style: PathStyle::Posix,
        allowed: allowed?,
        denied: denied?,
        except: Vec::new(),
    }))
}

fn argument(tool: &ToolDoc, scope: &ScopeDoc, sink: &mut Sink) -> Option<String> {
    let known = PATH_ARGUMENTS
        .iter()
        .find(|(name, _)| *name == tool.name.text)
        .map(|(_, argument)| *argument);
    match (known, &scope.argument) {
        (Some(known), Some(given)) if given.text != known => {
            sink.push(
                Diagnostic::new(
                    "scope-argument",
                    format!(
                        "the path of {} is its argument `{known}`, not {}",
                        quoted(&tool.name.text),
                        quoted(&given.text)
                    ),
                    given.span,
                    "another argument",
                )
                .with_help("remove `argument`: for this tool it is known"),
            );
            None
        }
        (Some(known), _) => Some(known.to_owned()),
        (None, Some(given)) => Some(given.text.clone()),
        (None, None) => {
            sink.push(
                Diagnostic::new("scope-argument", format!("which argument of {} holds the path is not known", quoted(&tool.name.text)), scope.key, "a scope without a path")
                    .with_help("name it: `argument: NAME`; it is known for `read_file`, `write_file`, `edit_file`, `glob` and `grep`"),
            );
            None
        }
    }
}

fn patterns(
    texts: &[Text],
    compile: impl Fn(&str) -> Result<Glob, NoTable>,
    sources: &Sources,
    budget: &Budget,
    sink: &mut Sink,
) -> Option<Vec<Pattern>> {
    let mut patterns: Vec<Pattern> = Vec::with_capacity(texts.len());
    let mut refused = false;
    for text in texts {
        match compile(&text.value) {
            Ok(glob) => patterns.push(Pattern {
                source: text.value.clone(),
                absolute: glob.absolute,
                has_slash: text.value.contains('/'),
                dfa: glob.dfa,
                start: None,
            }),
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
    (!refused).then_some(patterns)
}
