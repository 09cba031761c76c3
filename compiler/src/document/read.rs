//! Tree -> document: every key known, every value of its type, every name well-formed.

use super::{Const, Document, Layout, Name, RoleDoc, ScopeDoc, Text, ToolDoc, consts};
use crate::{
    diagnostic::{Diagnostic, Sink, nearest, quoted},
    model::Mode,
    source::{Entry, Key, Node, NodeKind, Plain, Span},
};

// What a call may carry as the name of a role or tool.
use hexgate_eval::MAX_NAME;

const DOCUMENT_KEYS: &[&str] = &["version", "roles", "constraints", "consts"];
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
const MODES: &[(&str, Mode)] = &[
    ("allow", Mode::Allow),
    ("deny", Mode::Deny),
    ("approval_required", Mode::NeedsApproval),
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
        let role = reader.policy(name, entries, Place::Flat);
        return Some(Document {
            layout: Layout::Flat,
            constraints: Vec::new(),
            consts: Vec::new(),
            roles: vec![role],
        });
    };
    let mut document = Document {
        layout: Layout::Roles(roles.key.span),
        constraints: Vec::new(),
        consts: Vec::new(),
        roles: Vec::new(),
    };
    for entry in entries {
        match entry.key.name.as_str() {
            "version" => reader.version(&entry.value),
            "constraints" => document.constraints = reader.texts(entry, "a constraint"),
            "consts" => document.consts = reader.consts(entry),
            "roles" => {
                for entry in reader.mapping(&entry.value, "`roles`", entry.key.span).unwrap_or_default() {
                    let name = reader.name(&entry.key, "a role");
                    let Some(entries) = reader.mapping(&entry.value, "a role", entry.key.span) else { continue };
                    document.roles.push(reader.policy(name, entries, Place::Role));
                }
            }
            key if POLICY_KEYS.contains(&key) => reader.sink.push(
                Diagnostic::new("unknown-key", format!("`{key}` may not stand beside `roles`"), entry.key.span, "not part of any role")
                    .with_label(roles.key.span, "the roles stand here")
                    .with_help("move it into the role it is meant for; only `version`, `constraints` and `consts` may stand beside `roles`"),
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

/// Reads the roles of a directory, each a policy of its own.
pub fn read_roles(directory: Span, roots: &[(String, Node)], sink: &mut Sink) -> Document {
    let mut reader = Reader { sink };
    let mut roles = Vec::new();
    for (stem, root) in roots {
        let span = Span::whole(root.span.file);
        reader.check_name(stem, "a role", span);
        if let Some(entries) = reader.mapping(root, "a role", root.span) {
            roles.push(reader.policy(
                Name {
                    text: stem.clone(),
                    span,
                },
                entries,
                Place::File,
            ));
        }
    }
    Document {
        layout: Layout::Directory(directory),
        constraints: Vec::new(),
        consts: Vec::new(),
        roles,
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
                "inherits" | "is_mixin" if place == Place::Flat => self.sink.push(
                    Diagnostic::new("flat-inheritance", format!("`{}` has no meaning in a policy without roles", entry.key.name), entry.key.span, "no roles here")
                        .with_help("put this policy below `roles: { default: … }`, or into a directory of roles"),
                ),
                "inherits" => role.inherits = self.inherits(entry),
                "is_mixin" => role.is_mixin = self.boolean(entry),
                "default_policy" => role.default_policy = self.tool(entry, DEFAULT_KEYS, "`default_policy`"),
                "tools" => {
                    for entry in self.mapping(&entry.value, "`tools`", entry.key.span).unwrap_or_default() {
                        self.check_name(&entry.key.name, "a tool", entry.key.span);
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
            NodeKind::Scalar(scalar) if MODES.iter().any(|(mode, _)| *mode == scalar.value) => {
                self.sink.push(
                    Diagnostic::new(
                        "wrong-type",
                        format!("{what} is a mapping, not {}", entry.value.described()),
                        entry.value.span,
                        "a mode alone",
                    )
                    .with_help(format!("write `{{ mode: {} }}`", scalar.value)),
                );
                return None;
            }
            _ => self.mapping(&entry.value, what, entry.key.span)?,
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
                    let name =
                        self.string(&entry.value, "the name of an argument", entry.key.span)?;
                    self.check_name(&name, "an argument", entry.value.span);
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

    fn mode(&mut self, entry: &Entry) -> Option<(Mode, Span)> {
        let text = match &entry.value.kind {
            // `no` and `off` are no modes either, whatever readers of YAML take them for.
            NodeKind::Scalar(scalar)
                if matches!(scalar.read(), Plain::Ambiguous { .. } | Plain::Bool(_)) =>
            {
                scalar.value.clone()
            }
            _ => self.string(&entry.value, "a mode", entry.key.span)?,
        };
        if let Some((_, mode)) = MODES.iter().find(|(name, _)| *name == text) {
            return Some((*mode, entry.value.span));
        }
        let meant = match text.as_str() {
            "approve" | "approval" | "ask" | "needs_approval" | "confirm" | "human" => {
                Some("approval_required")
            }
            "permit" | "grant" | "allowed" | "yes" | "on" | "true" => Some("allow"),
            "block" | "forbid" | "reject" | "denied" | "none" | "no" | "off" | "false" => {
                Some("deny")
            }
            other => nearest(other, MODES.iter().map(|(name, _)| *name)),
        };
        let help = meant.map_or_else(
            || "the modes are `allow`, `deny` and `approval_required`".to_owned(),
            |meant| format!("did you mean `{meant}`"),
        );
        self.sink.push(
            Diagnostic::new(
                "unknown-mode",
                format!("unknown mode {}", quoted(&text)),
                entry.value.span,
                "not a mode",
            )
            .with_help(help),
        );
        None
    }

    fn inherits(&mut self, entry: &Entry) -> Vec<Name> {
        let nodes = self.list(entry, "a list of roles");
        nodes
            .iter()
            .filter_map(|node| {
                self.string(node, "the name of a role", node.span)
                    .map(|text| Name {
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
            match consts::literal(&entry.value) {
                Ok(value) => found.push(Const {
                    name: Name {
                        text: name.clone(),
                        span: entry.key.span,
                    },
                    value,
                }),
                Err(diagnostic) => self.sink.push(*diagnostic),
            }
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
            if let Some(value) = self.string(node, what, node.span) {
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

    fn string(&mut self, node: &Node, what: &str, key: Span) -> Option<String> {
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
                let help = "a text that contains `: ` or begins with `[`, `{` or a quote needs quotes around all of it".to_owned();
                self.wrong_type(&format!("{what} is a string"), node, key, Some(help));
            }
        }
        None
    }

    fn name(&mut self, key: &Key, what: &str) -> Name {
        self.check_name(&key.name, what, key.span);
        Name {
            text: key.name.clone(),
            span: key.span,
        }
    }

    fn check_name(&mut self, name: &str, what: &str, span: Span) {
        let problem = if name.is_empty() {
            "is empty".to_owned()
        } else if name.len() > MAX_NAME {
            format!(
                "has {} bytes, and at most {MAX_NAME} are accepted in a call",
                name.len()
            )
        } else if name.chars().any(char::is_control) {
            "contains a control character".to_owned()
        } else {
            return;
        };
        self.sink.push(
            Diagnostic::new("bad-name", format!("the name of {what} {problem}"), span, "not a name")
                .with_help("a call with such a name is refused before any rule is looked at: use the name that callers send"),
        );
    }

    fn unknown(&mut self, key: &Key, what: &str, valid: &[&str]) {
        let help = nearest(&key.name, valid.iter().copied()).map_or_else(
            || {
                let list: Vec<String> = valid.iter().map(|key| format!("`{key}`")).collect();
                format!("the keys here are {}", list.join(", "))
            },
            |meant| format!("did you mean `{meant}`"),
        );
        self.sink.push(
            Diagnostic::new(
                "unknown-key",
                format!("unknown key {} in {what}", quoted(&key.name)),
                key.span,
                "not a key here",
            )
            .with_help(help),
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
