//! Rules: of tools, one or several, of `default_policy`, and what is forbidden.

use super::{
    super::{
        ForbidDoc, MAX_APPROVER_ROLES, MAX_RULES, Name, RuleDoc, ToolDoc,
        names::{self, Of},
        words,
    },
    MODES, Reader,
};
use crate::{
    diagnostic::{Diagnostic, quoted},
    model::{Approval, Mode},
    source::{Entry, Node, NodeKind, Plain, Span},
};

use hexgate_contract::MAX_NAME;

pub(super) const RULE_KEYS: &[&str] = &[
    "mode",
    "constraints",
    "file_scope",
    "message",
    "description",
    "approval",
];
pub(super) const DEFAULT_KEYS: &[&str] =
    &["mode", "constraints", "message", "description", "approval"];
const FORBID_KEYS: &[&str] = &[
    "tools",
    "constraints",
    "file_scope",
    "message",
    "description",
];
const APPROVAL_KEYS: &[&str] = &["roles", "expires", "approvers", "reason"];

impl Reader<'_> {
    /// What a role says of a tool: a rule, or a list of rules.
    pub(super) fn tool(&mut self, entry: &Entry) -> Option<ToolDoc> {
        let name = Name {
            text: entry.key.name.clone(),
            span: entry.key.span,
        };
        let NodeKind::List(nodes) = &entry.value.kind else {
            let rule = self.rule(&name, &entry.value, RULE_KEYS, "the entry of a tool")?;
            return Some(ToolDoc {
                name,
                listed: false,
                rules: vec![rule],
            });
        };
        let wrong = match nodes.len() {
            0 => Some((
                "no rule stands in the list".to_owned(),
                "to deny every call write `{ mode: deny }`",
            )),
            1..=MAX_RULES => None,
            count => Some((
                format!("{count} rules stand in the list; a tool has at most {MAX_RULES}"),
                "join rules with the same mode by `or`",
            )),
        };
        if let Some((message, help)) = wrong {
            let place = self.place(&entry.value, entry.key.span);
            self.sink
                .push(Diagnostic::new("rule-list", message, place, "").with_help(help));
            return None;
        }
        let mut rules = Vec::with_capacity(nodes.len());
        let mut refused = false;
        for node in nodes.iter() {
            if self.sink.is_full() {
                return None;
            }
            let place = match &node.kind {
                NodeKind::Mapping(entries) => entries.first().map(|entry| entry.key.span),
                NodeKind::Scalar(_) | NodeKind::List(_) => None,
            };
            let name = Name {
                text: name.text.clone(),
                span: place.unwrap_or(self.place(node, entry.key.span)),
            };
            let Some(mut rule) = self.rule(&name, node, RULE_KEYS, "a rule of a tool") else {
                refused = true;
                continue;
            };
            rule.listed = true;
            if rule.mode.is_none() && !has_key(node, "mode") {
                self.sink.push(
                    Diagnostic::new(
                        "rule-list",
                        "a rule in a list says its mode",
                        name.span,
                        "has no `mode`",
                    )
                    .with_help("add `mode: allow`, `mode: approval_required` or, for an exception, `mode: deny`"),
                );
            }
            rules.push(rule);
        }
        (!refused).then_some(ToolDoc {
            name,
            listed: true,
            rules,
        })
    }

    /// The rule for tools that are not listed.
    pub(super) fn default_policy(&mut self, entry: &Entry) -> Option<ToolDoc> {
        let name = Name {
            text: entry.key.name.clone(),
            span: entry.key.span,
        };
        let rule = self.rule(&name, &entry.value, DEFAULT_KEYS, "`default_policy`")?;
        Some(ToolDoc {
            name,
            listed: false,
            rules: vec![rule],
        })
    }

    fn rule(&mut self, name: &Name, node: &Node, keys: &[&str], what: &str) -> Option<RuleDoc> {
        let entries = match &node.kind {
            NodeKind::Mapping(entries) => entries.as_slice(),
            _ if node.is_null() => &[],
            NodeKind::Scalar(_) | NodeKind::List(_) => {
                let help = words::rule_help(node, keys.contains(&"file_scope"));
                self.wrong_type(&format!("{what} is a mapping"), node, name.span, help);
                return None;
            }
        };
        let mut rule = RuleDoc {
            name: name.clone(),
            listed: false,
            mode: None,
            constraints: Vec::new(),
            scope: None,
            message: None,
            description: None,
            approval: None,
        };
        let mut approval = None;
        for entry in entries {
            match entry.key.name.as_str() {
                "mode" => rule.mode = self.mode(entry),
                "constraints" => rule.constraints = self.texts(entry, "a constraint"),
                "file_scope" if keys.contains(&"file_scope") => rule.scope = self.scope(entry),
                "file_scope" => self.sink.push(
                    Diagnostic::new(
                        "unknown-key",
                        "`default_policy` cannot have a file scope",
                        entry.key.span,
                        "no tool to take a path from",
                    )
                    .with_help("list the tools that take paths under `tools`, each with its scope"),
                ),
                "message" => rule.message = self.message(entry),
                "description" => rule.description = self.description(entry),
                "approval" => approval = Some(entry),
                _ => self.unknown(&entry.key, what, keys),
            }
        }
        if let Some(entry) = approval {
            rule.approval = self.approval(entry);
            let wrong = match rule.mode {
                Some((Mode::NeedsApproval, _)) => None,
                Some((mode, span)) => Some((span, format!("this is `{}`", mode.in_policy()))),
                // That the mode is none was reported.
                None if has_key(node, "mode") => None,
                None => Some((name.span, "has no `mode`".to_owned())),
            };
            if let Some((span, label)) = wrong {
                self.sink.push(
                    Diagnostic::new(
                        "bad-approval",
                        "only a rule with `mode: approval_required` says who approves",
                        entry.key.span,
                        "nobody is asked",
                    )
                    .with_label(span, label)
                    .with_help("write `mode: approval_required`, or remove `approval`"),
                );
            }
        }
        Some(rule)
    }

    fn mode(&mut self, entry: &Entry) -> Option<(Mode, Span)> {
        let text = match &entry.value.kind {
            // `no` and `off` are no modes either, even if some YAML readers take them for booleans.
            NodeKind::Scalar(scalar)
                if matches!(scalar.read(), Plain::Ambiguous { .. } | Plain::Bool(_)) =>
            {
                scalar.value.clone()
            }
            NodeKind::Scalar(_) | NodeKind::Mapping(_) | NodeKind::List(_) => {
                let help = "a rule has one mode: `allow`, `deny` or `approval_required`";
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

    /// What is forbidden.
    pub(super) fn forbids(&mut self, entry: &Entry) -> Vec<ForbidDoc> {
        if let NodeKind::Mapping(_) | NodeKind::Scalar(_) = &entry.value.kind
            && !entry.value.is_null()
        {
            let help = words::forbid_help(&entry.value);
            self.wrong_type(
                "`forbid` is a list of mappings",
                &entry.value,
                entry.key.span,
                Some(help),
            );
            return Vec::new();
        }
        let nodes = self.list(entry, "a list of mappings");
        let mut found = Vec::new();
        for node in nodes {
            if self.sink.is_full() {
                break;
            }
            found.extend(self.forbid(node, entry.key.span));
        }
        found
    }

    fn forbid(&mut self, node: &Node, key: Span) -> Option<ForbidDoc> {
        let NodeKind::Mapping(entries) = &node.kind else {
            let help = words::forbid_help(node);
            self.wrong_type("an entry of `forbid` is a mapping", node, key, Some(help));
            return None;
        };
        let mut forbid = ForbidDoc {
            span: entries.first().map_or(node.span, |entry| entry.key.span),
            tools: None,
            constraints: Vec::new(),
            scope: None,
            message: None,
            description: None,
        };
        let mut refused = false;
        for entry in entries.iter() {
            match entry.key.name.as_str() {
                "tools" => match self.forbidden_tools(entry) {
                    Some(tools) => forbid.tools = Some(tools),
                    None => refused = true,
                },
                "constraints" => forbid.constraints = self.texts(entry, "a constraint"),
                "file_scope" => forbid.scope = self.scope(entry),
                "message" => forbid.message = self.message(entry),
                "description" => forbid.description = self.description(entry),
                "mode" | "approval" => self.sink.push(
                    Diagnostic::new(
                        "unknown-key",
                        format!(
                            "what is forbidden has no `{}`: it is denied",
                            entry.key.name
                        ),
                        entry.key.span,
                        "not a key here",
                    )
                    .with_help(
                        "remove it; for calls that somebody has to approve write rules of the tool",
                    ),
                ),
                _ => self.unknown(&entry.key, "an entry of `forbid`", FORBID_KEYS),
            }
        }
        (!refused).then_some(forbid)
    }

    /// The tools that a forbid is about. None: they are refused, so that the forbid is not taken for one about all tools.
    fn forbidden_tools(&mut self, entry: &Entry) -> Option<Vec<Name>> {
        let place = self.place(&entry.value, entry.key.span);
        let nodes = match &entry.value.kind {
            NodeKind::List(nodes) => nodes.as_slice(),
            NodeKind::Scalar(_) | NodeKind::Mapping(_) => {
                if !entry.value.is_null() {
                    let help = words::forbidden_tools_help(&entry.value);
                    self.wrong_type(
                        "`tools` is a list of names here",
                        &entry.value,
                        entry.key.span,
                        Some(help),
                    );
                    return None;
                }
                &[]
            }
        };
        if nodes.is_empty() {
            self.sink.push(
                Diagnostic::new("bad-forbid", "no tool stands in the list, so nothing would be forbidden", place, "empty")
                    .with_help("name the tools, or leave `tools` out to forbid it for all whose names are not closed"),
            );
            return None;
        }
        let mut names = Vec::with_capacity(nodes.len());
        for node in nodes {
            let help = "name the tools one by one, each an entry of this list; what is forbidden of them is said by `constraints` beside `tools`";
            let text = self.string(node, "the name of a tool", entry.key.span, help)?;
            self.sink.extend(names::check(&text, Of::Tool, node.span));
            names.push(Name {
                text,
                span: node.span,
            });
        }
        Some(names)
    }

    /// Who has to agree. None: it is refused, or leaves everything to the host.
    fn approval(&mut self, entry: &Entry) -> Option<Approval> {
        if let NodeKind::List(_) | NodeKind::Scalar(_) = &entry.value.kind
            && !entry.value.is_null()
        {
            let help = "write `approval: { roles: [ROLE], expires: \"1h\", approvers: 1, reason: required }`, each member if it is meant";
            self.wrong_type(
                "`approval` is a mapping",
                &entry.value,
                entry.key.span,
                Some(help.to_owned()),
            );
            return None;
        }
        let mut approval = Approval::default();
        for entry in self.mapping(&entry.value, "`approval`", entry.key.span)? {
            match entry.key.name.as_str() {
                "roles" => approval.roles = self.approver_roles(entry),
                "expires" => approval.expires = self.expires(entry),
                "approvers" => approval.approvers = self.approvers(entry),
                "reason" => approval.reason_required = self.reason(entry),
                _ => self.unknown(&entry.key, "`approval`", APPROVAL_KEYS),
            }
        }
        (approval != Approval::default()).then_some(approval)
    }

    fn approver_roles(&mut self, entry: &Entry) -> Vec<String> {
        let place = self.place(&entry.value, entry.key.span);
        let nodes = self.list(entry, "a list of roles of approvers");
        let is_list = matches!(entry.value.kind, NodeKind::List(_)) || entry.value.is_null();
        if is_list && (nodes.is_empty() || nodes.len() > MAX_APPROVER_ROLES) {
            let (message, help) = if nodes.is_empty() {
                (
                    "no role stands in the list, so nobody could approve".to_owned(),
                    "name the roles of those who may approve, or leave `roles` out to leave that to the host",
                )
            } else {
                (
                    format!(
                        "{} roles stand in the list, and at most {MAX_APPROVER_ROLES} are carried",
                        nodes.len()
                    ),
                    "let those who approve share a role",
                )
            };
            self.bad_approval(message, place, help);
            return Vec::new();
        }
        let mut roles: Vec<String> = Vec::with_capacity(nodes.len());
        for node in nodes {
            let help = "name the roles one by one, each an entry of this list";
            let Some(role) = self.string(node, "the role of an approver", entry.key.span, help)
            else {
                continue;
            };
            let problem = if role.trim().is_empty() {
                Some("is empty".to_owned())
            } else if role.len() > MAX_NAME {
                Some(format!(
                    "has {} bytes, and at most {MAX_NAME} are carried",
                    role.len()
                ))
            } else if role.chars().any(char::is_control) {
                Some("contains a control character".to_owned())
            } else if roles.contains(&role) {
                Some("stands in the list twice".to_owned())
            } else {
                None
            };
            match problem {
                Some(problem) => self.bad_approval(
                    format!("the role {} of an approver {problem}", quoted(&role)),
                    node.span,
                    "write the role as those who approve have it, each once",
                ),
                None => roles.push(role),
            }
        }
        roles
    }

    /// A duration in seconds.
    fn expires(&mut self, entry: &Entry) -> Option<u32> {
        let help =
            "write a whole number and a unit, such as `expires: \"1h\"`: `s`, `m`, `h` or `d`";
        let place = self.place(&entry.value, entry.key.span);
        // `90` alone is a number to YAML, and no duration.
        let text = match &entry.value.kind {
            NodeKind::Scalar(scalar) if scalar.read() == Plain::Number => scalar.value.clone(),
            NodeKind::Scalar(_) | NodeKind::Mapping(_) | NodeKind::List(_) => self.string(
                &entry.value,
                "how long an approval is waited for",
                entry.key.span,
                help,
            )?,
        };
        let seconds = match text.char_indices().next_back() {
            Some((at, 's')) => Some((at, 1)),
            Some((at, 'm')) => Some((at, 60)),
            Some((at, 'h')) => Some((at, 60 * 60)),
            Some((at, 'd')) => Some((at, 24 * 60 * 60)),
            Some(_) | None => None,
        }
        .and_then(|(at, unit)| Some((text.get(..at)?, unit)))
        .filter(|(digits, _)| {
            !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
        })
        .map(|(digits, unit)| {
            digits
                .parse::<u32>()
                .ok()
                .and_then(|count| count.checked_mul(unit))
        });
        let (message, help) = match seconds {
            Some(Some(0)) => (
                "an approval that expires at once can never be given".to_owned(),
                "say how long it is waited for, such as `expires: \"1h\"`",
            ),
            Some(Some(seconds)) => return Some(seconds),
            Some(None) => (
                "the time is longer than can be counted".to_owned(),
                "write at most `49710d`",
            ),
            None => (
                format!(
                    "{} is not how long an approval is waited for",
                    quoted(&text)
                ),
                help,
            ),
        };
        self.bad_approval(message, place, help);
        None
    }

    fn approvers(&mut self, entry: &Entry) -> Option<u32> {
        let place = self.place(&entry.value, entry.key.span);
        if let NodeKind::Scalar(scalar) = &entry.value.kind
            && scalar.read() == Plain::Number
            && let Ok(count @ 1..=8) = scalar.value.parse::<u32>()
        {
            return Some(count);
        }
        let shown = match &entry.value.kind {
            NodeKind::Scalar(scalar) if !entry.value.is_null() => quoted(&scalar.value),
            NodeKind::Scalar(_) | NodeKind::Mapping(_) | NodeKind::List(_) => {
                entry.value.described().to_owned()
            }
        };
        let help = match &entry.value.kind {
            NodeKind::List(_) => {
                "write how many have to agree, such as `approvers: 2`; who they are is said by `roles`"
            }
            NodeKind::Scalar(scalar)
                if scalar.read() == Plain::String && scalar.value.parse::<u32>().is_err() =>
            {
                "write how many have to agree, such as `approvers: 2`; who they are is said by `roles`"
            }
            NodeKind::Scalar(scalar) if scalar.read() == Plain::String => {
                "write how many have to agree, without quotes, such as `approvers: 2`"
            }
            NodeKind::Scalar(_) | NodeKind::Mapping(_) => {
                "write how many have to agree, such as `approvers: 2`"
            }
        };
        self.bad_approval(
            format!("`approvers` is a whole number from 1 to 8, not {shown}"),
            place,
            help,
        );
        None
    }

    fn reason(&mut self, entry: &Entry) -> Option<bool> {
        let help = "write `reason: required` or `reason: optional`";
        let place = self.place(&entry.value, entry.key.span);
        let text = match &entry.value.kind {
            NodeKind::Scalar(scalar)
                if matches!(scalar.read(), Plain::Bool(_) | Plain::Ambiguous { .. }) =>
            {
                scalar.value.clone()
            }
            NodeKind::Scalar(_) | NodeKind::Mapping(_) | NodeKind::List(_) => self.string(
                &entry.value,
                "whether a reason is demanded",
                entry.key.span,
                help,
            )?,
        };
        match text.as_str() {
            "required" => Some(true),
            "optional" => Some(false),
            _ => {
                self.bad_approval(
                    format!(
                        "`reason` is `required` or `optional`, not {}",
                        quoted(&text)
                    ),
                    place,
                    help,
                );
                None
            }
        }
    }

    fn bad_approval(&mut self, message: String, span: Span, help: &str) {
        self.sink
            .push(Diagnostic::new("bad-approval", message, span, "").with_help(help));
    }
}

fn has_key(node: &Node, name: &str) -> bool {
    match &node.kind {
        NodeKind::Mapping(entries) => entries.iter().any(|entry| entry.key.name == name),
        NodeKind::Scalar(_) | NodeKind::List(_) => false,
    }
}
