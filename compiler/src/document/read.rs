//! Tree -> document: every key known, every value of its type, every name well-formed.

use super::{
    Const, Document, Layout, Name, RoleDoc, ScopeDoc, Text, ToolDoc, consts,
    names::{self, Of},
    words,
};
use crate::{
    diagnostic::{Diagnostic, Sink, quoted},
    model::Mode,
    source::{Entry, Key, Node, NodeKind, Plain, Span},
};

// What a call may carry as the name of a role or tool.
use hexgate_contract::MAX_NAME;

const DOCUMENT_KEYS: &[&str] = &["version", "arguments", "roles", "constraints", "consts"];
/// Of a policy without `roles`.
const FLAT_KEYS: &[&str] = &[
    "version",
    "arguments",
    "default_policy",
    "tools",
    "constraints",
    "consts",
];
const POLICY_KEYS: &[&str] = &[
    "version",
    "inherits",
    "is_mixin",
    "default_policy",
    "tools",
    "constraints",
    "consts",
];
const TOOL_KEYS: &[&str] = &["mode", "constraints", "file_scope"];
const DEFAULT_KEYS: &[&str] = &["mode", "constraints"];
const SCOPE_KEYS: &[&str] = &["allowed_paths", "denied_paths", "argument"];
pub(super) const MODES: &[(&str, Mode)] = &[
    (Mode::Allow.in_policy(), Mode::Allow),
    (Mode::Deny.in_policy(), Mode::Deny),
    (Mode::NeedsApproval.in_policy(), Mode::NeedsApproval),
];

/// Reads the document of a policy in one file: flat, or with `roles:`.
pub fn read_document(root: &Node, sink: &mut Sink) -> Option<Document> {
    let mut reader = Reader { sink };
    let entries = reader.mapping(root, "a policy", root.span)?;
    let Some(roles) = entries.iter().find(|entry| entry.key.name == "roles") else {
        let name = Name {
            text: "default".into(),
            span: Span {
                end: root.span.start,
                ..root.span
            },
        };
        let portable = entries
            .iter()
            .find(|entry| entry.key.name == "arguments")
            .is_some_and(|entry| reader.portable(entry));
        let role = reader.policy(name, entries, Place::Flat);
        return Some(Document {
            layout: Layout::Flat,
            portable,
            constraints: Vec::new(),
            consts: Vec::new(),
            roles: vec![role],
            refused_roles: Vec::new(),
        });
    };
    let mut document = Document {
        layout: Layout::Roles(roles.key.span),
        portable: false,
        constraints: Vec::new(),
        consts: Vec::new(),
        roles: Vec::new(),
        refused_roles: Vec::new(),
    };
    for entry in entries {
        match entry.key.name.as_str() {
            "version" => reader.version(&entry.value),
            "arguments" => document.portable = reader.portable(entry),
            "constraints" => document.constraints = reader.texts(entry, "a constraint"),
            "consts" => document.consts = reader.consts(entry),
            "roles" => {
                for entry in reader.mapping(&entry.value, "`roles`", entry.key.span).unwrap_or_default() {
                    let name = reader.name(&entry.key, Of::Role);
                    match reader.mapping(&entry.value, "a role", entry.key.span) {
                        Some(entries) => document.roles.push(reader.policy(name, entries, Place::Role)),
                        None => document.refused_roles.push(name.text),
                    }
                }
            }
            key if POLICY_KEYS.contains(&key) => reader.sink.push(
                Diagnostic::new("unknown-key", format!("`{key}` may not stand beside `roles`"), entry.key.span, "not part of any role")
                    .with_label(roles.key.span, "the roles stand here")
                    .with_help("move it into the role it is meant for; only `version`, `arguments`, `constraints` and `consts` may stand beside `roles`"),
            ),
            _ => reader.unknown(&entry.key, "a document with `roles`", DOCUMENT_KEYS),
        }
    }
    if document.roles.is_empty() && !reader.sink.has_errors() {
        reader.sink.push(
            Diagnostic::new(
                "no-roles",
                "no role stands below `roles`",
                roles.key.span,
                "empty",
            )
            .with_help("add a role, such as `default: {}`"),
        );
    }
    Some(document)
}

/// Reads the roles of a directory, each a policy of its own. `refused_roles` are those whose files could not be read.
pub fn read_roles(
    directory: Span,
    roots: &[(String, Node)],
    mut refused_roles: Vec<String>,
    sink: &mut Sink,
) -> Document {
    let mut reader = Reader { sink };
    let mut roles = Vec::new();
    for (stem, root) in roots {
        let span = Span::whole(root.span.file);
        reader.sink.extend(names::check(stem, Of::Role, span));
        match reader.mapping(root, "a role", root.span) {
            Some(entries) => {
                let name = Name {
                    text: stem.clone(),
                    span,
                };
                roles.push(reader.policy(name, entries, Place::File));
            }
            None => refused_roles.push(stem.clone()),
        }
    }
    Document {
        layout: Layout::Directory(directory),
        portable: false,
        constraints: Vec::new(),
        consts: Vec::new(),
        roles,
        refused_roles,
    }
}

/// Where a policy stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Alone in a file.
    Flat,
    /// Below `roles`.
    Role,
    /// In a file of a directory.
    File,
}

struct Reader<'s> {
    sink: &'s mut Sink,
}

impl Reader<'_> {
    fn policy(&mut self, name: Name, entries: &[Entry], place: Place) -> RoleDoc {
        let mut role = RoleDoc {
            name,
            inherits: Vec::new(),
            is_mixin: false,
            default_policy: None,
            tools: Vec::new(),
            constraints: Vec::new(),
            consts: Vec::new(),
        };
        for entry in entries {
            match entry.key.name.as_str() {
                "version" => self.version(&entry.value),
                // Read before.
                "arguments" if place == Place::Flat => {}
                "arguments" => self.sink.push(
                    Diagnostic::new("unknown-key", "`arguments` holds for the whole policy, not for a role", entry.key.span, "within a role").with_help(
                        if place == Place::File {
                            "a directory has no place for it: write the roles in one document, below `roles`, and `arguments` beside it"
                        } else {
                            "move it up, beside `roles`"
                        },
                    ),
                ),
                "inherits" | "is_mixin" if place == Place::Flat => self.sink.push(
                    Diagnostic::new("flat-inheritance", format!("`{}` has no meaning in a policy without roles", entry.key.name), entry.key.span, "no roles here")
                        .with_help("put this policy below `roles: { default: … }`, or into a directory of roles"),
                ),
                "inherits" => role.inherits = self.inherits(entry),
                "is_mixin" => role.is_mixin = self.boolean(entry),
                "default_policy" => role.default_policy = self.tool(entry, DEFAULT_KEYS, "`default_policy`"),
                "tools" if matches!(entry.value.kind, NodeKind::List(_)) => {
                    self.wrong_type("`tools` is a mapping", &entry.value, entry.key.span, words::tools_help(&entry.value));
                }
                "tools" => {
                    for entry in self.mapping(&entry.value, "`tools`", entry.key.span).unwrap_or_default() {
                        self.sink.extend(names::check(&entry.key.name, Of::Tool, entry.key.span));
                        role.tools.extend(self.tool(entry, TOOL_KEYS, "the entry of a tool"));
                    }
                }
                "constraints" => role.constraints = self.texts(entry, "a constraint"),
                "consts" => role.consts = self.consts(entry),
                "roles" => self.sink.push(
                    Diagnostic::new("unknown-key", "`roles` may not stand within a role", entry.key.span, "roles within a role").with_help(
                        if place == Place::File { "give each role a file of its own in this directory" } else { "move these roles up, beside this one" },
                    ),
                ),
                key if TOOL_KEYS.contains(&key) => self.sink.push(
                    Diagnostic::new("unknown-key", format!("`{key}` belongs to a tool, not to the policy"), entry.key.span, "not within a tool")
                        .with_help("move it below `tools: { NAME: … }`, or below `default_policy` for tools that are not listed"),
                ),
                "admission" | "agents" | "skills" => self.sink.push(
                    Diagnostic::new("unknown-key", format!("unknown key `{}` in a policy", entry.key.name), entry.key.span, "not a key of a policy")
                        .with_help("list the names that are asked for under `tools`: `agent.run`, `agent.tool:NAME`, `skill:NAME` and so on"),
                ),
                _ if place == Place::Flat => self.unknown(&entry.key, "a policy", FLAT_KEYS),
                _ => self.unknown(&entry.key, "a policy", POLICY_KEYS),
            }
        }
        role
    }

    fn tool(&mut self, entry: &Entry, keys: &[&str], what: &str) -> Option<ToolDoc> {
        let name = Name {
            text: entry.key.name.clone(),
            span: entry.key.span,
        };
        let entries = match &entry.value.kind {
            NodeKind::Mapping(entries) => entries.as_slice(),
            _ if entry.value.is_null() => &[],
            _ => {
                let help = words::rule_help(&entry.value);
                self.wrong_type(
                    &format!("{what} is a mapping"),
                    &entry.value,
                    entry.key.span,
                    help,
                );
                return None;
            }
        };
        let mut tool = ToolDoc {
            name,
            mode: None,
            constraints: Vec::new(),
            scope: None,
        };
        for entry in entries {
            match entry.key.name.as_str() {
                "mode" => tool.mode = self.mode(entry),
                "constraints" => tool.constraints = self.texts(entry, "a constraint"),
                "file_scope" if keys.contains(&"file_scope") => tool.scope = self.scope(entry),
                "file_scope" => self.sink.push(
                    Diagnostic::new(
                        "unknown-key",
                        "`default_policy` cannot have a file scope",
                        entry.key.span,
                        "no tool to take a path from",
                    )
                    .with_help("list the tools that take paths under `tools`, each with its scope"),
                ),
                _ => self.unknown(&entry.key, what, keys),
            }
        }
        Some(tool)
    }

    fn scope(&mut self, entry: &Entry) -> Option<ScopeDoc> {
        let mut scope = ScopeDoc {
            key: entry.key.span,
            argument: None,
            allowed: Vec::new(),
            allowed_key: None,
            denied: Vec::new(),
        };
        for entry in self.mapping(&entry.value, "`file_scope`", entry.key.span)? {
            match entry.key.name.as_str() {
                "allowed_paths" => {
                    scope.allowed = self.texts(entry, "a pattern");
                    scope.allowed_key = Some(entry.key.span);
                }
                "denied_paths" => scope.denied = self.texts(entry, "a pattern"),
                "argument" => {
                    let help = "a scope looks at one argument: name the one that holds the path";
                    let name = self.string(
                        &entry.value,
                        "the name of an argument",
                        entry.key.span,
                        help,
                    )?;
                    self.sink
                        .extend(names::check(&name, Of::Argument, entry.value.span));
                    scope.argument = Some(Name {
                        text: name,
                        span: entry.value.span,
                    });
                }
                _ => self.unknown(&entry.key, "`file_scope`", SCOPE_KEYS),
            }
        }
        Some(scope)
    }

    /// How arguments and facts are read.
    fn portable(&mut self, entry: &Entry) -> bool {
        let help = "write `arguments: portable`, or leave the key out";
        let place = entry.key.span;
        let Some(text) = self.string(&entry.value, "how arguments are read", place, help) else {
            return false;
        };
        if text == "portable" {
            return true;
        }
        self.sink.push(
            Diagnostic::new(
                "unknown-arguments",
                format!("unknown way to read arguments {}", quoted(&text)),
                entry.value.span,
                "not a way to read arguments",
            )
            .with_help("the only one that can be named is `portable`; without the key arguments are read as JSON, exactly"),
        );
        false
    }

    fn mode(&mut self, entry: &Entry) -> Option<(Mode, Span)> {
        let text = match &entry.value.kind {
            // `no` and `off` are no modes either, whatever readers of YAML take them for.
            NodeKind::Scalar(scalar)
                if matches!(scalar.read(), Plain::Ambiguous { .. } | Plain::Bool(_)) =>
            {
                scalar.value.clone()
            }
            _ => {
                let help = "a tool has one mode: `allow`, `deny` or `approval_required`";
                self.string(&entry.value, "a mode", entry.key.span, help)?
            }
        };
        if let Some((_, mode)) = MODES.iter().find(|(name, _)| *name == text) {
            return Some((*mode, entry.value.span));
        }
        self.sink.push(
            Diagnostic::new(
                "unknown-mode",
                format!("unknown mode {}", quoted(&text)),
                entry.value.span,
                "not a mode",
            )
            .with_help(words::mode_help(&text)),
        );
        None
    }

    fn inherits(&mut self, entry: &Entry) -> Vec<Name> {
        let nodes = self.list(entry, "a list of roles");
        nodes
            .iter()
            .filter_map(|node| {
                let help = "name the roles one by one, each an entry of this list";
                let text = self.string(node, "the name of a role", node.span, help)?;
                // That no role has such a name is said already where it can be, and so is why.
                if let Some(diagnostic) = names::wildcard(&text, Of::Role, node.span) {
                    self.sink.push(diagnostic);
                    return None;
                }
                Some(Name {
                    text,
                    span: node.span,
                })
            })
            .collect()
    }

    fn consts(&mut self, entry: &Entry) -> Vec<Const> {
        let mut found = Vec::new();
        for entry in self
            .mapping(&entry.value, "`consts`", entry.key.span)
            .unwrap_or_default()
        {
            let name = &entry.key.name;
            let is_name = name
                .starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
                && name.len() <= MAX_NAME;
            if !is_name {
                self.sink.push(
                    Diagnostic::new("bad-const", format!("{} cannot be written in a constraint", quoted(name)), entry.key.span, "not a name")
                        .with_help("the name of a constant consists of letters, digits and `_`, begins with no digit and has at most 256 characters"),
                );
                continue;
            }
            let value = match consts::literal(&entry.value) {
                Ok(value) => Some(value),
                Err(diagnostic) => {
                    self.sink.push(*diagnostic);
                    None
                }
            };
            found.push(Const {
                name: Name {
                    text: name.clone(),
                    span: entry.key.span,
                },
                value,
            });
        }
        found
    }

    fn version(&mut self, node: &Node) {
        if !matches!(&node.kind, NodeKind::Scalar(scalar) if scalar.read() == Plain::Number && scalar.value == "1")
        {
            let help = match &node.kind {
                NodeKind::Scalar(scalar) if scalar.value == "1" => {
                    "write `version: 1`, without quotes"
                }
                _ => "write `version: 1`, or leave it out",
            };
            self.sink.push(
                Diagnostic::new(
                    "unknown-version",
                    "the only version of policies is the number 1",
                    node.span,
                    "another version",
                )
                .with_help(help),
            );
        }
    }

    fn boolean(&mut self, entry: &Entry) -> bool {
        if let NodeKind::Scalar(scalar) = &entry.value.kind {
            match scalar.read() {
                Plain::Bool(value) => return value,
                Plain::Ambiguous { .. } => {
                    let message = format!(
                        "`{}` is `true` or `false`, not {}",
                        entry.key.name,
                        quoted(&scalar.value)
                    );
                    self.sink.push(Diagnostic::new(
                        "wrong-type",
                        message,
                        entry.value.span,
                        "not a boolean for all readers of YAML",
                    ));
                    return false;
                }
                _ => {}
            }
        }
        self.wrong_type(
            &format!("`{}` is `true` or `false`", entry.key.name),
            &entry.value,
            entry.key.span,
            None,
        );
        false
    }

    /// A list of texts in a language of their own.
    fn texts(&mut self, entry: &Entry, what: &str) -> Vec<Text> {
        let nodes = self.list(entry, &format!("a list, each entry {what}"));
        let mut texts = Vec::new();
        for node in nodes {
            let help = "a text that contains `: ` or begins with `[`, `{` or a quote needs quotes around all of it";
            if let Some(value) = self.string(node, what, node.span, help) {
                texts.push(Text {
                    value,
                    node: node.clone(),
                });
            }
        }
        texts
    }

    fn list<'n>(&mut self, entry: &'n Entry, what: &str) -> &'n [Node] {
        match &entry.value.kind {
            NodeKind::List(nodes) => nodes,
            _ if entry.value.is_null() => &[],
            kind => {
                let help = matches!(kind, NodeKind::Scalar(_)).then(|| {
                    "write it as an entry of a list: a line of its own that begins with `- `"
                        .to_owned()
                });
                self.wrong_type(
                    &format!("`{}` is {what}", entry.key.name),
                    &entry.value,
                    entry.key.span,
                    help,
                );
                &[]
            }
        }
    }

    fn mapping<'n>(&mut self, node: &'n Node, what: &str, key: Span) -> Option<&'n [Entry]> {
        match &node.kind {
            NodeKind::Mapping(entries) => Some(entries),
            _ if node.is_null() => Some(&[]),
            _ => {
                self.wrong_type(&format!("{what} is a mapping"), node, key, None);
                None
            }
        }
    }

    /// A string. `help` is for a mapping or list in its place.
    fn string(&mut self, node: &Node, what: &str, key: Span, help: &str) -> Option<String> {
        match &node.kind {
            NodeKind::Scalar(scalar) => match scalar.read() {
                Plain::String => return Some(scalar.value.clone()),
                Plain::Ambiguous { reading } => {
                    self.sink.push(consts::ambiguous(scalar, reading, node))
                }
                Plain::Null => self.wrong_type(&format!("{what} is a string"), node, key, None),
                Plain::Bool(_) | Plain::Number => {
                    let help = format!("quote it: {}", quoted(&format!("\"{}\"", scalar.value)));
                    self.wrong_type(&format!("{what} is a string"), node, key, Some(help));
                }
            },
            NodeKind::Mapping(_) | NodeKind::List(_) => {
                self.wrong_type(
                    &format!("{what} is a string"),
                    node,
                    key,
                    Some(help.to_owned()),
                );
            }
        }
        None
    }

    fn name(&mut self, key: &Key, of: Of) -> Name {
        self.sink.extend(names::check(&key.name, of, key.span));
        Name {
            text: key.name.clone(),
            span: key.span,
        }
    }

    fn unknown(&mut self, key: &Key, what: &str, valid: &[&str]) {
        self.sink.push(
            Diagnostic::new(
                "unknown-key",
                format!("unknown key {} in {what}", quoted(&key.name)),
                key.span,
                "not a key here",
            )
            .with_help(words::key_help(&key.name, valid)),
        );
    }

    fn wrong_type(&mut self, expected: &str, node: &Node, key: Span, help: Option<String>) {
        // A null has no place of its own.
        let span = if node.span.start == node.span.end {
            key
        } else {
            node.span
        };
        self.sink.push(
            Diagnostic::new(
                "wrong-type",
                format!("{expected}, not {}", node.described()),
                span,
                node.described(),
            )
            .with_help_if(help),
        );
    }
}
