//! What policies call the things that servers offer, and what clients call them.
//!
//! | what | name in a policy | arguments |
//! |---|---|---|
//! | tool `read` of the server `fs` | `mcp-fs-read` | the call's |
//! | a prompt | `mcp-fs.prompt` | `name`, `arguments` |
//! | a resource | `mcp-fs.resource` | `uri` |
//! | a completion | `mcp-fs.completion` | `ref`, `argument`, `context` |
//! | a subscription | `mcp-fs.subscription` | `uri` |
//!
//! No two things have one name: of two servers neither may be called as the other's tools begin (`fs` and `fs-admin`), which
//! [`clashing`] finds, and of two tools of a server neither may differ from the other by letter case alone, which [`alike`] finds.

use std::collections::{BTreeMap, BTreeSet};

use hexgate_base::names::folded;

/// The longest name of a server.
pub const MAX_SERVER: usize = 32;
/// The longest name of a tool, as the protocol has it.
pub const MAX_TOOL: usize = 128;
/// The longest name of a tool in a policy.
pub const MAX_DECIDED: usize = "mcp-".len() + MAX_SERVER + "-".len() + MAX_TOOL;

/// What servers offer beside tools, as names in a policy end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Reading a prompt.
    Prompt,
    /// Reading a resource.
    Resource,
    /// Completing an argument.
    Completion,
    /// Hearing when a resource changes.
    Subscription,
}

impl Kind {
    /// The end of the name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prompt => "prompt",
            Self::Resource => "resource",
            Self::Completion => "completion",
            Self::Subscription => "subscription",
        }
    }
}

/// The name of a tool in a policy.
#[must_use]
pub fn tool(server: &str, tool: &str) -> String {
    format!("mcp-{server}-{tool}")
}

/// The name of something else in a policy.
#[must_use]
pub fn other(server: &str, kind: Kind) -> String {
    format!("mcp-{server}.{}", kind.as_str())
}

/// Whether a server may be called so: 1 to 32 lower-case letters, digits and `-`, with a letter or digit at both ends.
#[must_use]
pub fn is_server(name: &str) -> bool {
    (1..=MAX_SERVER).contains(&name.len())
        && name
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// Whether a tool of a server may be offered under this name: 1 to 128 of the characters that the protocol has for it. Others could look like
/// these.
#[must_use]
pub fn is_tool(name: &str) -> bool {
    (1..=MAX_TOOL).contains(&name.len())
        && name
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.' | b'/'))
}

/// Two servers of which a tool of the one could have the name of a tool of the other: `fs` and `fs-admin`.
#[must_use]
pub fn clashing<'a>(servers: impl IntoIterator<Item = &'a str>) -> Option<(&'a str, &'a str)> {
    let servers: BTreeSet<&str> = servers.into_iter().collect();
    servers.iter().find_map(|long| {
        let ends = long.match_indices('-').map(|(at, _)| at);
        ends.filter_map(|at| long.get(..at))
            .find_map(|short| servers.get(short))
            .map(|short| (*short, *long))
    })
}

/// The names of a server's tools that stand for more than one of them, when letter case is not looked at.
#[must_use]
pub fn alike<'a>(tools: impl IntoIterator<Item = &'a str>) -> BTreeSet<&'a str> {
    let mut seen: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for tool in tools {
        seen.entry(folded(tool).into_owned())
            .or_default()
            .push(tool);
    }
    seen.into_values()
        .filter(|same| same.len() > 1)
        .flatten()
        .collect()
}

/// Whether this can be the name of a variable of the environment.
pub(crate) fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 256
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// What a record calls a tool of which nobody knows whether it is one: a name that is too long for any tool is cut, and the mark of that is in no
/// tool's name.
#[must_use]
pub fn cut(name: String) -> String {
    match name.char_indices().nth(MAX_DECIDED) {
        Some((end, _)) => format!("{}\u{2026}", name.get(..end).unwrap_or_default()),
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_whose_tools_could_have_one_name_clash() {
        assert_eq!(
            clashing(["fs", "fs-admin", "git"]),
            Some(("fs", "fs-admin"))
        );
        assert_eq!(clashing(["a-b-c", "a"]), Some(("a", "a-b-c")));
        assert_eq!(clashing(["fs", "fsadmin", "admin-fs", "git"]), None);
        // What the rule is for.
        assert_eq!(tool("fs", "admin-read"), tool("fs-admin", "read"));
    }

    #[test]
    fn tools_that_differ_by_case_are_alike() {
        let found: Vec<&str> = alike(["get", "Get", "put", "GET"]).into_iter().collect();
        assert_eq!(found, ["GET", "Get", "get"]);
        assert!(!alike(["twice", "twice"]).is_empty());
        assert!(alike(["a", "b"]).is_empty());
    }

    #[test]
    fn names_have_few_characters() {
        for good in ["fs", "a", "fs-admin2"] {
            assert!(is_server(good), "{good}");
        }
        for bad in ["", "-fs", "fs-", "FS", "f.s", "f s", "fé", &"a".repeat(33)] {
            assert!(!is_server(bad), "{bad}");
        }
        assert!(is_tool("repos/get_v2.x-Y"));
        for bad in [
            "",
            "a b",
            "re\u{441}d",
            "a\u{200b}",
            "a:b",
            &"a".repeat(129),
        ] {
            assert!(!is_tool(bad), "{bad}");
        }
    }
}
