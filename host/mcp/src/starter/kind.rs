//! What a tool does, as far as its name and its server say.

/// What a server says of a tool's effects. A server that is not trusted can say anything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hints {
    /// Whether it changes nothing.
    pub read_only: Option<bool>,
    /// Whether it destroys or overwrites.
    pub destructive: Option<bool>,
    /// Whether it reaches others than the server's own world: the web, say.
    pub open_world: Option<bool>,
}

/// What a tool does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It reads, by its server's word and by its name.
    Reads,
    /// It does anything else, or nobody says.
    Acts,
    /// Its name says that it destroys.
    Destroys,
}

/// First words of names of tools that read.
const READING: [&str; 24] = [
    "get",
    "list",
    "read",
    "search",
    "find",
    "show",
    "view",
    "describe",
    "count",
    "lookup",
    "look",
    "status",
    "stat",
    "info",
    "check",
    "compare",
    "diff",
    "explain",
    "peek",
    "preview",
    "tree",
    "directory",
    "ping",
    "is",
];
/// Words that no name of a tool that only reads has.
const ACTING: [&str; 44] = [
    "add", "append", "apply", "approve", "assign", "call", "cancel", "close", "commit", "copy",
    "create", "deploy", "edit", "eval", "exec", "execute", "grant", "insert", "install", "invoke",
    "merge", "modify", "move", "patch", "pay", "post", "publish", "push", "put", "refund",
    "rename", "restart", "run", "save", "send", "set", "start", "stop", "submit", "transfer",
    "update", "upload", "upsert", "write",
];
/// Words of names of tools whose results nobody should have by the way.
const SECRET: [&str; 12] = [
    "auth",
    "credential",
    "credentials",
    "env",
    "environment",
    "key",
    "keys",
    "password",
    "secret",
    "secrets",
    "token",
    "tokens",
];
/// Words of names of tools that destroy.
const DESTROYING: [&str; 20] = [
    "ban",
    "clear",
    "delete",
    "destroy",
    "disable",
    "discard",
    "drop",
    "erase",
    "format",
    "kill",
    "prune",
    "purge",
    "remove",
    "reset",
    "revoke",
    "shutdown",
    "terminate",
    "truncate",
    "uninstall",
    "wipe",
];

/// What a tool does, and why it is taken for that.
pub(super) fn of(name: &str, hints: Hints) -> (Kind, &'static str) {
    let words = words(name);
    let any = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    if any(&DESTROYING) {
        return (
            Kind::Destroys,
            "denied: its name says that it destroys. With `approval_required` a person is asked",
        );
    }
    let reads_by_name = words
        .first()
        .is_some_and(|word| READING.contains(&word.as_str()))
        && !any(&ACTING);
    match (hints.read_only, reads_by_name) {
        _ if hints.destructive == Some(true) && hints.read_only != Some(true) => (
            Kind::Acts,
            "asks: the server says that it destroys or overwrites",
        ),
        (Some(true), true) if hints.destructive == Some(true) => (
            Kind::Acts,
            "asks: the server says that it only reads, and that it destroys",
        ),
        (Some(true), true) if hints.open_world == Some(true) => (
            Kind::Acts,
            "asks: it reads, and reaches beyond the server; a request can carry data away",
        ),
        (Some(true), true) if any(&SECRET) => (
            Kind::Acts,
            "asks: it reads, and its name says that it reads secrets",
        ),
        (Some(true), true) => (
            Kind::Reads,
            "allowed: the server says that it only reads, and its name says so too",
        ),
        (Some(true), false) => (
            Kind::Acts,
            "asks: the server says that it only reads, and its name does not",
        ),
        (_, true) => (
            Kind::Acts,
            "asks: by its name it reads, and the server does not say so",
        ),
        (_, false) => (Kind::Acts, "asks"),
    }
}

/// The words of a name in lower case: `getOrder`, `get_order`, `GET-order` are the same.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut was_lower = false;
    for character in name.chars() {
        if !character.is_alphanumeric() || (character.is_uppercase() && was_lower) {
            words.push(std::mem::take(&mut word));
        }
        was_lower = character.is_lowercase() || character.is_numeric();
        if character.is_alphanumeric() {
            word.extend(character.to_lowercase());
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}
