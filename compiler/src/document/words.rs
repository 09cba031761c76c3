//! Words that other products use for the keys and modes of a policy, and what they are called here.

use super::read::MODES;
use crate::{
    diagnostic::{nearest, quoted},
    source::{Node, NodeKind},
};

/// Keys by other names. Where a word has several meanings, the one that is a key of the place counts.
const KEYS: &[(&str, &[&str])] = &[
    (
        "inherits",
        &[
            "extends", "extend", "inherit", "parent", "parents", "base", "includes",
        ],
    ),
    ("is_mixin", &["mixin", "abstract", "template"]),
    (
        "default_policy",
        &[
            "default",
            "default_action",
            "default_mode",
            "default_effect",
            "fallback",
        ],
    ),
    (
        "tools",
        &[
            "rules",
            "permissions",
            "grants",
            "policies",
            "capabilities",
            "functions",
            "actions",
        ],
    ),
    ("consts", &["constants", "variables", "vars", "values"]),
    (
        "define",
        &[
            "defines",
            "definitions",
            "macros",
            "predicates",
            "helpers",
            "named_conditions",
        ],
    ),
    (
        "forbid",
        &[
            "forbids",
            "forbidden",
            "prohibit",
            "prohibited",
            "never",
            "ceiling",
            "guardrails",
            "guardrail",
            "blocklist",
            "denylist",
            "global_deny",
            "blocked",
        ],
    ),
    (
        "message",
        &[
            "messages",
            "msg",
            "denial_message",
            "deny_message",
            "error_message",
            "reason",
            "explanation",
            "on_deny",
            "feedback",
        ],
    ),
    (
        "description",
        &[
            "comment",
            "note",
            "notes",
            "doc",
            "docs",
            "summary",
            "title",
            "purpose",
            "rationale",
        ],
    ),
    (
        "approval",
        &[
            "approve_by",
            "approved_by",
            "approval_policy",
            "approval_terms",
            "escalation",
            "approvers",
        ],
    ),
    (
        "approvers",
        &[
            "count",
            "quorum",
            "min_approvers",
            "minimum",
            "number",
            "approvals",
            "required_approvers",
        ],
    ),
    (
        "expires",
        &[
            "expires_in",
            "expiry",
            "expiration",
            "timeout",
            "ttl",
            "within",
            "deadline",
        ],
    ),
    (
        "roles",
        &[
            "role",
            "by",
            "from",
            "groups",
            "group",
            "users",
            "teams",
            "team",
            "approver_roles",
        ],
    ),
    (
        "reason",
        &[
            "reason_required",
            "require_reason",
            "justification",
            "comment",
        ],
    ),
    (
        "mode",
        &[
            "effect",
            "action",
            "decision",
            "permission",
            "outcome",
            "verdict",
        ],
    ),
    (
        "constraints",
        &[
            "when",
            "if",
            "where",
            "conditions",
            "condition",
            "requires",
            "restrictions",
        ],
    ),
    (
        "file_scope",
        &[
            "scope",
            "path_scope",
            "paths",
            "files",
            "allowed_paths",
            "denied_paths",
        ],
    ),
    (
        "allowed_paths",
        &[
            "allow",
            "allowed",
            "include",
            "paths",
            "allow_paths",
            "patterns",
        ],
    ),
    (
        "denied_paths",
        &[
            "deny",
            "denied",
            "exclude",
            "ignore",
            "deny_paths",
            "blocked_paths",
            "excluded_paths",
        ],
    ),
    (
        "except_paths",
        &[
            "except",
            "exceptions",
            "exempt",
            "exempt_paths",
            "unless",
            "excepted_paths",
            "exception_paths",
            "allow_except",
            "but",
        ],
    ),
    (
        "argument",
        &["arg", "param", "parameter", "field", "path_argument", "key"],
    ),
    (
        "arguments",
        &["args", "params", "parameters", "fields", "path_arguments"],
    ),
    ("search", &["recursive", "is_search", "searches"]),
    ("style", &["path_style", "platform", "os", "paths_style"]),
];

/// Modes by other names.
#[rustfmt::skip]
const OTHER_MODES: &[(&str, &[&str])] = &[
    ("approval_required", &[
        "approve", "approval", "ask", "ask_user", "needs_approval", "require_approval", "requires_approval", "confirm",
        "confirmation", "human", "escalate", "prompt", "review", "manual",
    ]),
    ("allow", &["permit", "grant", "allowed", "accept", "yes", "on", "true", "allowlist", "whitelist"]),
    ("deny", &[
        "block", "forbid", "reject", "denied", "disallow", "none", "no", "off", "false", "denylist", "blocklist", "blacklist",
    ]),
];

/// A word as it is compared: in small letters, its parts joined by `_`.
fn folded(word: &str) -> String {
    word.to_ascii_lowercase().replace('-', "_")
}

fn among(table: &[(&'static str, &[&str])], word: &str) -> impl Iterator<Item = &'static str> {
    let word = folded(word);
    table
        .iter()
        .filter(move |(_, words)| words.contains(&word.as_str()))
        .map(|(known, _)| *known)
        .collect::<Vec<_>>()
        .into_iter()
}

/// The mode that a word surely means: its own, or what other products call it.
fn mode(word: &str) -> Option<&'static str> {
    let own = MODES.iter().map(|(name, _)| *name);
    own.clone()
        .find(|name| *name == folded(word))
        .or_else(|| among(OTHER_MODES, word).next())
}

/// What to write for a mode that is none.
pub(super) fn mode_help(word: &str) -> String {
    let modes = MODES.iter().map(|(name, _)| *name);
    match mode(word).or_else(|| nearest(word, modes)) {
        Some(meant) => format!("did you mean `{meant}`"),
        None => "the modes are `allow`, `deny` and `approval_required`".to_owned(),
    }
}

/// What to write for a key that is none of the `valid` ones.
pub(super) fn key_help(word: &str, valid: &[&str]) -> String {
    if valid.contains(&"file_scope") && valid.contains(&"mode") && folded(word) == "rules" {
        return "write the rules as the list itself: `NAME: [{ mode: allow, … }, { mode: deny, … }]`".to_owned();
    }
    let is_rule = valid.contains(&"mode") || valid.contains(&"default_policy");
    if let Some(meant) =
        mode(word).filter(|_| is_rule && among(KEYS, word).all(|key| !valid.contains(&key)))
    {
        if valid.contains(&"tools") {
            return format!(
                "list the tools by name below `tools`, each with its mode: `tools: {{ NAME: {{ mode: {meant} }} }}`"
            );
        }
        if valid.contains(&"mode") {
            return format!(
                "write `mode: {meant}`; which calls it is for is said by `constraints`"
            );
        }
    }
    let meant = among(KEYS, word)
        .find(|meant| valid.contains(meant))
        .or_else(|| nearest(word, valid.iter().copied()));
    match meant {
        Some("file_scope") if folded(word).ends_with("ed_paths") => {
            format!("it belongs into the scope: `file_scope: {{ {word}: […] }}`")
        }
        Some(meant) => format!("did you mean `{meant}`"),
        None => {
            let list: Vec<String> = valid.iter().map(|key| format!("`{key}`")).collect();
            format!("the keys here are {}", list.join(", "))
        }
    }
}

/// What to write for a rule that is no mapping. `listed`: a list of rules may stand for one.
pub(super) fn rule_help(node: &Node, listed: bool) -> Option<String> {
    match &node.kind {
        NodeKind::Scalar(scalar) => Some(match mode(&scalar.value) {
            Some(meant) => format!("write `{{ mode: {meant} }}`"),
            None => "write the rule as a mapping, such as `{ mode: allow }`; the modes are `allow`, `deny` and `approval_required`".to_owned(),
        }),
        NodeKind::List(_) if listed => {
            Some("write each rule as a mapping with its mode, such as `- { mode: allow }`".to_owned())
        }
        NodeKind::List(rules) if rules.len() == 1 => {
            Some("write the rule as a mapping, without `- ` in front".to_owned())
        }
        NodeKind::List(_) => Some(
            "tools that are not listed have one rule: join conditions with `or`, or list the tools, or patterns of their names, under `tools` with several rules".to_owned(),
        ),
        NodeKind::Mapping(_) => None,
    }
}

/// What to write for what is forbidden and is no mapping, or no list of them.
pub(super) fn forbid_help(node: &Node) -> String {
    match &node.kind {
        NodeKind::Mapping(_) => {
            "write it as an entry of a list: a line that begins with `- `".to_owned()
        }
        NodeKind::List(_) => {
            "write each part as a mapping: `- { tools: [NAME], constraints: [CONDITION] }`"
                .to_owned()
        }
        NodeKind::Scalar(scalar) if scalar.value.contains(['(', ' ', '.']) => {
            format!(
                "a condition of calls that are forbidden is written {}",
                quoted(&format!("- constraints: ['{}']", scalar.value))
            )
        }
        NodeKind::Scalar(scalar) => {
            let name = if node.is_null() {
                "NAME"
            } else {
                &scalar.value
            };
            format!(
                "a tool that is forbidden is written {}",
                quoted(&format!("- tools: [{name}]"))
            )
        }
    }
}

/// What to write for the tools of a forbid that are no list.
pub(super) fn forbidden_tools_help(node: &Node) -> String {
    match &node.kind {
        NodeKind::Scalar(scalar) => format!("write {}", quoted(&format!("tools: [{}]", scalar.value))),
        NodeKind::Mapping(_) | NodeKind::List(_) => {
            "name the tools in a list, and what is forbidden of them beside it: `- { tools: [NAME], constraints: [CONDITION] }`".to_owned()
        }
    }
}

/// What to write for tools that are no mapping.
pub(super) fn tools_help(node: &Node) -> Option<String> {
    let NodeKind::List(nodes) = &node.kind else {
        return None;
    };
    let name = match nodes.first().map(|node| &node.kind) {
        Some(NodeKind::Scalar(scalar)) => quoted(&format!("{}: {{ mode: allow }}", scalar.value)),
        _ => "`NAME: { mode: allow }`".to_owned(),
    };
    Some(format!(
        "write each tool as a key with its rule, without `- ` in front: {name}"
    ))
}
