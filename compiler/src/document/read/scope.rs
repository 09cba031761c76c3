//! File scopes.

use super::{
    super::{
        MAX_SCOPE_ARGUMENTS, Name, ScopeDoc,
        names::{self, Of},
    },
    Reader,
};
use crate::{
    diagnostic::{Diagnostic, quoted},
    model::PathStyle,
    source::{Entry, Node, NodeKind, Span},
};

const SCOPE_KEYS: &[&str] = &[
    "allowed_paths",
    "denied_paths",
    "except_paths",
    "argument",
    "arguments",
    "search",
    "style",
];

impl Reader<'_> {
    pub(super) fn scope(&mut self, entry: &Entry) -> Option<ScopeDoc> {
        let mut scope = ScopeDoc {
            key: entry.key.span,
            arguments: Vec::new(),
            several: false,
            search: None,
            style: PathStyle::default(),
            allowed: Vec::new(),
            allowed_key: None,
            denied: Vec::new(),
            except: Vec::new(),
            except_key: None,
        };
        let (mut argument, mut arguments, mut search) = (None, None, None);
        for entry in self.mapping(&entry.value, "`file_scope`", entry.key.span)? {
            match entry.key.name.as_str() {
                "allowed_paths" => {
                    scope.allowed = self.texts(entry, "a pattern");
                    scope.allowed_key = Some(entry.key.span);
                }
                "denied_paths" => scope.denied = self.texts(entry, "a pattern"),
                "except_paths" => {
                    scope.except = self.texts(entry, "a pattern");
                    scope.except_key = Some(entry.key.span);
                }
                "argument" => {
                    argument = Some(entry.key.span);
                    scope.arguments.push(self.argument(entry)?);
                }
                "arguments" => {
                    arguments = Some(entry.key.span);
                    scope.several = true;
                    scope.arguments.extend(self.arguments(entry)?);
                }
                "search" => {
                    search = Some(entry.key.span);
                    scope.search = Some(self.boolean(entry));
                }
                "style" => scope.style = self.style(entry)?,
                _ => self.unknown(&entry.key, "`file_scope`", SCOPE_KEYS),
            }
        }
        if let Some(arguments) = arguments {
            let help =
                "a tool with several paths names all of them: `arguments: [source, destination]`";
            let others = [
                argument.map(|span| (span, "argument", help)),
                search.map(|span| {
                    let help = "remove it: a search has one path, where it starts, and every one of several must be there";
                    (span, "search", help)
                }),
            ];
            for (span, key, help) in others.into_iter().flatten() {
                self.sink.push(
                    Diagnostic::new(
                        "scope-argument",
                        format!("`arguments` and `{key}` exclude each other"),
                        span,
                        "one of the two",
                    )
                    .with_label(arguments, "the other")
                    .with_help(help),
                );
            }
        }
        Some(scope)
    }

    fn argument(&mut self, entry: &Entry) -> Option<Name> {
        if let NodeKind::List(nodes) = &entry.value.kind {
            let names: Vec<&str> = nodes
                .iter()
                .filter_map(|node| match &node.kind {
                    NodeKind::Scalar(scalar) => Some(scalar.value.as_str()),
                    NodeKind::Mapping(_) | NodeKind::List(_) => None,
                })
                .collect();
            let help = match names.as_slice() {
                [only] if nodes.len() == 1 => {
                    format!("write {}", quoted(&format!("argument: {only}")))
                }
                names => format!(
                    "several paths are named by `arguments`: {}",
                    quoted(&format!("arguments: [{}]", names.join(", ")))
                ),
            };
            self.sink.push(
                Diagnostic::new(
                    "scope-argument",
                    "`argument` is the name of one argument, not a list",
                    entry.value.span,
                    "a list",
                )
                .with_help(help),
            );
            return None;
        }
        let help = "write the name of the argument that holds the path";
        self.argument_name(&entry.value, entry.key.span, help)
    }

    fn argument_name(&mut self, node: &Node, key: Span, help: &str) -> Option<Name> {
        let text = self.string(node, "the name of an argument", key, help)?;
        self.sink
            .extend(names::check(&text, Of::Argument, node.span));
        Some(Name {
            text,
            span: node.span,
        })
    }

    fn arguments(&mut self, entry: &Entry) -> Option<Vec<Name>> {
        let place = self.place(&entry.value, entry.key.span);
        if let NodeKind::Scalar(scalar) = &entry.value.kind
            && !entry.value.is_null()
        {
            let help = if scalar.value.contains(',') {
                let names: Vec<&str> = scalar
                    .value
                    .split(',')
                    .map(str::trim)
                    .filter(|name| !name.is_empty())
                    .collect();
                format!(
                    "write {}",
                    quoted(&format!("arguments: [{}]", names.join(", ")))
                )
            } else {
                format!("write {}", quoted(&format!("argument: {}", scalar.value)))
            };
            self.wrong_type(
                "`arguments` is a list of names",
                &entry.value,
                entry.key.span,
                Some(help),
            );
            return None;
        }
        let nodes = self.list(entry, "a list of names of arguments");
        let problem = match nodes.len() {
            0 if matches!(entry.value.kind, NodeKind::Mapping(_)) => return None,
            0 => Some((
                "no argument stands in the list".to_owned(),
                "name the arguments that hold paths",
            )),
            1..=MAX_SCOPE_ARGUMENTS => None,
            count => Some((
                format!(
                    "{count} arguments stand in the list, and at most {MAX_SCOPE_ARGUMENTS} are looked at"
                ),
                "name those that hold paths; one of them may be a list of paths",
            )),
        };
        if let Some((message, help)) = problem {
            self.sink
                .push(Diagnostic::new("scope-argument", message, place, "").with_help(help));
            return None;
        }
        let mut names: Vec<Name> = Vec::with_capacity(nodes.len());
        for node in nodes {
            let help = "name the arguments one by one, each an entry of this list";
            let name = self.argument_name(node, entry.key.span, help)?;
            match names.iter().find(|known| known.text == name.text) {
                Some(first) => self.sink.push(
                    Diagnostic::new(
                        "scope-argument",
                        format!(
                            "the argument {} stands in the list twice",
                            quoted(&name.text)
                        ),
                        name.span,
                        "again",
                    )
                    .with_label(first.span, "first here")
                    .with_help("remove it, or name the argument that was meant"),
                ),
                None => names.push(name),
            }
        }
        Some(names)
    }

    fn style(&mut self, entry: &Entry) -> Option<PathStyle> {
        let help = "write `style: windows` for a host on Windows, or leave the key out";
        let text = self.string(&entry.value, "how paths are written", entry.key.span, help)?;
        let known = PathStyle::ALL
            .into_iter()
            .find(|style| style.as_str() == text);
        if known.is_none() {
            self.sink.push(
                Diagnostic::new(
                    "unknown-style",
                    format!("unknown style of paths {}", quoted(&text)),
                    entry.value.span,
                    "not a style",
                )
                .with_help(
                    "the styles are `posix`, which is what counts without the key, and `windows`",
                ),
            );
        }
        known
    }
}
