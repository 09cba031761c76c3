//! Tree -> document: every key known, every value of its type, every name well-formed.

mod rule;
mod scope;
mod value;

use super::{
    Const, Define, Document, Layout, Name, RoleDoc, Text, consts,
    names::{self, Of},
    words,
};
use crate::{
    diagnostic::{Diagnostic, Sink, quoted},
    model::Mode,
    source::{Entry, Node, NodeKind, Span},
};
use rule::RULE_KEYS;

// What a call may carry as the name of a role or tool.
use hexgate_contract::MAX_NAME;

const DOCUMENT_KEYS: &[&str] = &[
    "version",
    "description",
    "arguments",
    "roles",
    "constraints",
    "forbid",
    "consts",
    "define",
];
/// Of a policy without `roles`.
const FLAT_KEYS: &[&str] = &[
    "version",
    "description",
    "arguments",
    "default_policy",
    "tools",
    "constraints",
    "forbid",
    "consts",
    "define",
];
const POLICY_KEYS: &[&str] = &[
    "version",
    "description",
    "inherits",
    "is_mixin",
    "default_policy",
    "tools",
    "constraints",
    "forbid",
    "consts",
    "define",
];
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
        let mut role = reader.policy(name, entries, Place::Flat);
        return Some(Document {
            portable,
            // It is the whole policy that is described.
            description: role.description.take(),
            roles: vec![role],
            ..Document::new(Layout::Flat)
        });
    };
    let mut document = Document::new(Layout::Roles(roles.key.span));
    for entry in entries {
        match entry.key.name.as_str() {
            "version" => reader.version(&entry.value),
            "arguments" => document.portable = reader.portable(entry),
            "constraints" => document.constraints = reader.texts(entry, "a constraint"),
            "description" => document.description = reader.description(entry),
            "forbid" => document.forbids = reader.forbids(entry),
            "consts" => document.consts = reader.consts(entry),
            "define" => document.defines = reader.defines(entry),
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
                    .with_help("move it into the role it is meant for; what may stand beside `roles` is `version`, `description`, `arguments`, `constraints`, `forbid`, `consts` and `define`"),
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
        roles,
        refused_roles,
        ..Document::new(Layout::Directory(directory))
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

/// Reads the values of a document, and reports those that are not of the type that their key demands.
#[derive(Debug)]
pub struct Reader<'s> {
    /// Where it reports.
    pub sink: &'s mut Sink,
}

impl Reader<'_> {
    fn policy(&mut self, name: Name, entries: &[Entry], place: Place) -> RoleDoc {
        let mut role = RoleDoc {
            name,
            description: None,
            inherits: Vec::new(),
            is_mixin: false,
            default_policy: None,
            tools: Vec::new(),
            constraints: Vec::new(),
            consts: Vec::new(),
            defines: Vec::new(),
            forbids: Vec::new(),
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
                "description" => role.description = self.description(entry),
                "default_policy" => role.default_policy = self.default_policy(entry),
                "tools" if matches!(entry.value.kind, NodeKind::List(_)) => {
                    self.wrong_type("`tools` is a mapping", &entry.value, entry.key.span, words::tools_help(&entry.value));
                }
                "tools" => {
                    for entry in self.mapping(&entry.value, "`tools`", entry.key.span).unwrap_or_default() {
                        self.sink.extend(names::check(&entry.key.name, Of::Tool, entry.key.span));
                        role.tools.extend(self.tool(entry));
                    }
                }
                "constraints" => role.constraints = self.texts(entry, "a constraint"),
                "forbid" => role.forbids = self.forbids(entry),
                "consts" => role.consts = self.consts(entry),
                "define" => role.defines = self.defines(entry),
                "roles" => self.sink.push(
                    Diagnostic::new("unknown-key", "`roles` may not stand within a role", entry.key.span, "roles within a role").with_help(
                        if place == Place::File { "give each role a file of its own in this directory" } else { "move these roles up, beside this one" },
                    ),
                ),
                key if RULE_KEYS.contains(&key) => self.sink.push(
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

    fn inherits(&mut self, entry: &Entry) -> Vec<Name> {
        let nodes = self.list(entry, "a list of roles");
        nodes
            .iter()
            .filter_map(|node| {
                let help = "name the roles one by one, each an entry of this list";
                let text = self.string(node, "the name of a role", node.span, help)?;
                // That no role has such a name is said already where it can be, and so is why.
                if let Some(diagnostic) = names::wildcard(&text, node.span) {
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
            if !is_word(name) {
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

    fn defines(&mut self, entry: &Entry) -> Vec<Define> {
        let mut found = Vec::new();
        for entry in self
            .mapping(&entry.value, "`define`", entry.key.span)
            .unwrap_or_default()
        {
            let name = &entry.key.name;
            if !is_word(name) {
                self.sink.push(
                    Diagnostic::new("bad-define", format!("{} cannot be written in a constraint", quoted(name)), entry.key.span, "not a name")
                        .with_help("the name of a condition consists of letters, digits and `_`, begins with no digit and has at most 256 characters"),
                );
                continue;
            }
            let help = "a condition that contains `: ` or begins with `[`, `{` or a quote needs quotes around all of it; conditions are joined by `and`";
            let text = self.string(&entry.value, "a named condition", entry.key.span, help);
            found.push(Define {
                name: Name {
                    text: name.clone(),
                    span: entry.key.span,
                },
                text: text.map(|value| Text {
                    value,
                    node: entry.value.clone(),
                }),
            });
        }
        found
    }
}

/// Whether a name can be written in a constraint.
fn is_word(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && name.len() <= MAX_NAME
}
