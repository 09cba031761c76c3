//! Names that nothing in a sandbox writes, whether or not they exist: what makes somebody else's program do something later.
//!
//! A command that may write a workspace must not be able to write what the user's own programs run or obey when they look at it: the
//! hooks of a repository, the settings of an editor or of an agent, the policy that the agent stands under.

use super::spelling::{Name, begins, names};

/// Names that are protected wherever they stand in a workspace, with what reads them.
///
/// In every spelling that some file system takes for the same: letter case, composition, invisible characters, short names.
pub const PROTECTED_NAMES: &[(&str, &str)] = &[
    (".git", "git: hooks and settings that run programs"),
    (".gitmodules", "git: where submodules come from"),
    (".gitconfig", "git: settings that run programs"),
    (".hg", "mercurial: hooks and settings that run programs"),
    (".jj", "jujutsu: settings that run programs"),
    (".env", "programs of the project: secrets and settings"),
    (".envrc", "direnv: a script that runs on entry"),
    (".husky", "hooks of git, kept in the project"),
    (".ripgreprc", "ripgrep: options that run programs"),
    (".npmrc", "npm: registries and scripts"),
    (".mcp.json", "coding agents: servers that they start"),
    ("agent.yaml", "hexgate: what an agent is"),
    ("system.md", "hexgate: what an agent is told"),
    ("policy.yaml", "hexgate: what an agent may do"),
    (".vscode", "VS Code: tasks and settings that run programs"),
    (".idea", "JetBrains: run configurations"),
    (".zed", "Zed: tasks and settings"),
    (".fleet", "Fleet: run configurations"),
    (".devcontainer", "development containers: commands on start"),
    (
        ".devcontainer.json",
        "development containers: commands on start",
    ),
    (".claude", "Claude Code: settings, hooks, commands"),
    (".codex", "Codex: settings"),
    (".cursor", "Cursor: rules and servers"),
    (".cursorrules", "Cursor: rules"),
    (".gemini", "Gemini CLI: settings and commands"),
    (".goose", "goose: settings"),
    (".windsurf", "Windsurf: rules"),
    (".continue", "Continue: settings"),
    (".aider.conf.yml", "aider: settings"),
    (".opencode", "OpenCode: settings"),
    (".kilocode", "Kilo Code: settings"),
    (".roo", "Roo Code: settings"),
    (".bashrc", "shells: run when one starts"),
    (".bash_profile", "shells: run when one starts"),
    (".bash_login", "shells: run when one starts"),
    (".bash_logout", "shells: run when one ends"),
    (".profile", "shells: run when one starts"),
    (".zshrc", "shells: run when one starts"),
    (".zshenv", "shells: run when one starts"),
    (".zprofile", "shells: run when one starts"),
    (".zlogin", "shells: run when one starts"),
    (".inputrc", "readline: keys that run commands"),
];

/// Beginnings of names that are protected, with what reads them.
pub const PROTECTED_PREFIXES: &[(&str, &str)] = &[
    (".hexgate", "hexgate: settings, keys, policies"),
    (".env.", "programs of the project: secrets and settings"),
];

/// Names with a protected beginning that are not protected: examples, which hold no secrets and are there to be edited.
pub const NOT_PROTECTED: &[&str] = &[".env.dist", ".env.example", ".env.sample", ".env.template"];

/// Whether one name, a part of a path, is protected: for commands and for tools alike. Allocates nothing: it runs between `fork` and `exec`
/// too.
fn is_protected(written: &[u8], further: &[Vec<u8>]) -> bool {
    if written.is_empty() {
        return false;
    }
    let name = Name::new(written);
    let is_listed = || {
        PROTECTED_NAMES
            .iter()
            .any(|(other, _)| name.is_lower(other))
    };
    let begins = || {
        let mut prefixes = PROTECTED_PREFIXES.iter();
        // An example is one as it is written, so that no other name passes for one.
        prefixes.any(|(prefix, _)| name.begins(prefix))
            && !NOT_PROTECTED
                .iter()
                .any(|other| written.eq_ignore_ascii_case(other.as_bytes()))
    };
    name.is_ambiguous() || is_listed() || begins() || further.iter().any(|other| name.is(other))
}

/// What of a workspace may not be written, for paths as the kernel says them. Allocates nothing after it has been made.
#[derive(Debug, Clone)]
pub(crate) struct Shield {
    /// Folders that may be written, absolute and without a slash at the end. Names beneath them count, not the names above.
    pub(crate) roots: Vec<Vec<u8>>,
    /// Protected names beyond those that always are.
    pub(crate) names: Vec<Vec<u8>>,
    /// Files and folders that may not be written although they lie in a root: absolute, no slash at the end.
    pub(crate) denied: Vec<Vec<u8>>,
    /// The private folder for temporary files, in which all names are free.
    pub(crate) temporary: Vec<u8>,
}

impl Shield {
    /// Whether a path lies in something that may be written.
    pub(crate) fn reaches(&self, path: &[u8]) -> bool {
        self.roots
            .iter()
            .chain([&self.temporary])
            .any(|root| beneath(path, root))
    }

    /// Whether a folder is that for temporary files, or lies in it.
    pub(crate) fn is_temporary(&self, folder: &[u8]) -> bool {
        !self.temporary.is_empty() && beneath(folder, &self.temporary)
    }

    /// Whether `name` in the folder `folder` is shielded. An empty name asks for the folder itself.
    pub(crate) fn covers(&self, folder: &[u8], entry: &[u8]) -> bool {
        if self.is_temporary(folder) {
            return false;
        }
        let Some(root) = self.innermost(folder) else {
            // The parent of a root: the root itself must stay where it is. All else there is not writable anyway.
            return self
                .roots
                .iter()
                .chain(&self.denied)
                .any(|path| is_joined(path, folder, entry));
        };
        self.shields(root, folder, entry)
            || self
                .roots
                .iter()
                .any(|path| is_joined(path, folder, entry) && !entry.is_empty())
    }

    /// Whether a path may not be written: it lies in no root, or is shielded beneath the innermost. The roots themselves may be.
    pub(crate) fn closes(&self, path: &[u8]) -> bool {
        self.innermost(path)
            .is_none_or(|root| self.shields(root, path, b""))
    }

    fn innermost(&self, folder: &[u8]) -> Option<&Vec<u8>> {
        self.roots
            .iter()
            .filter(|root| beneath(folder, root))
            .max_by_key(|root| root.len())
    }

    /// Whether a name beneath a root is protected, or lies at a path that is denied.
    fn shields(&self, root: &[u8], folder: &[u8], entry: &[u8]) -> bool {
        let below = folder.get(root.len()..).unwrap_or_default();
        let mut parts = names(below).chain(names(entry));
        parts.any(|part| is_protected(part, &self.names))
            || self
                .denied
                .iter()
                .any(|path| begins(names(folder).chain(names(entry)), names(path), 0))
    }

    /// Whether something that is shielded lies beneath `entry` of `folder`, by its path: what is moved away is not shielded any more.
    /// Protected names keep their name when a folder above them moves.
    pub(crate) fn holds(&self, folder: &[u8], entry: &[u8]) -> bool {
        let mut all = self.denied.iter().chain(&self.roots);
        all.any(|path| begins(names(path), names(folder).chain(names(entry)), 1))
    }
}

/// Whether `path` is `above` or lies beneath it.
pub(crate) fn beneath(path: &[u8], above: &[u8]) -> bool {
    path.strip_prefix(above)
        .is_some_and(|rest| rest.is_empty() || rest.first() == Some(&b'/') || above == b"/")
}

/// Whether `path` is `entry` in `folder`, without joining them.
fn is_joined(path: &[u8], folder: &[u8], entry: &[u8]) -> bool {
    if entry.is_empty() {
        return path == folder;
    }
    path.strip_prefix(folder)
        .and_then(|rest| rest.strip_prefix(b"/").or((folder == b"/").then_some(rest)))
        .is_some_and(|rest| rest == entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shield() -> Shield {
        Shield {
            roots: vec![
                b"/home/a/.claude/work".to_vec(),
                b"/home/a/.claude/work/sub/.vscode".to_vec(),
            ],
            names: vec![b"secrets.txt".to_vec()],
            denied: vec![b"/home/a/.claude/work/src/keep".to_vec()],
            temporary: b"/tmp".to_vec(),
        }
    }

    #[test]
    fn covers_protected_names_at_any_depth_and_not_the_names_above_the_root() {
        let shield = shield();
        let root = b"/home/a/.claude/work".as_slice();
        for (folder, entry, covered) in [
            (root, ".git", true),
            (root, ".GIT", true),
            (root, ".g\u{131}t", true),
            (root, "GIT~1", true),
            (root, ".git. .", true),
            (root, "\u{ff0e}env", true),
            (root, ".env::$DATA", true),
            (root, ".env.examp\u{200b}le", true),
            (root, "SECRET\u{17f}.txt", true),
            (b"/home/a/.claude/work/SRC", "Keep", true),
            (
                "/home/a/.claude/work/x/.G\u{130}T".as_bytes(),
                "config",
                true,
            ),
            (root, ".env", true),
            (root, ".env.local", true),
            (root, ".env.example", false),
            (root, ".hexgate-anything", true),
            (root, ".gitignore", false),
            (root, "secrets.txt", true),
            (root, "a.txt", false),
            (b"/home/a/.claude/work/x/.git/hooks", "pre-commit", true),
            (b"/home/a/.claude/work/x/.git", "", true),
            (b"/home/a/.claude/work/src", "keep", true),
            (b"/home/a/.claude/work/src/keep", "x", true),
            (b"/home/a/.claude/work/src", "keeper", false),
            // A root of its own, named by who made the workspace.
            (b"/home/a/.claude/work/sub/.vscode", "settings.json", false),
            // The roots themselves cannot be moved or removed.
            (b"/home/a/.claude", "work", true),
        ] {
            assert_eq!(
                shield.covers(folder, entry.as_bytes()),
                covered,
                "{} {entry}",
                String::from_utf8_lossy(folder)
            );
        }
    }

    #[test]
    fn tools_are_refused_what_commands_are() {
        let shield = shield();
        let root = "/home/a/.claude/work";
        for path in [
            ".git",
            ".GIT/x",
            ".g\u{131}t",
            "a/GIT~1",
            "a/.env. .",
            "KEEP",
            "src/KEEP/x",
            "src/keeper",
            "a.txt",
            ".env.example",
            "Secrets.TXT",
            "a~b",
            "x/\u{17f}ystem.md/y",
        ] {
            let whole = format!("{root}/{path}");
            let (folder, entry) = whole.rsplit_once('/').unwrap();
            assert_eq!(
                shield.closes(whole.as_bytes()),
                shield.covers(folder.as_bytes(), entry.as_bytes()),
                "{path}"
            );
        }
        assert!(!shield.closes(root.as_bytes()) && shield.closes(b"/home/a"));
    }

    #[test]
    fn what_holds_a_denied_path_cannot_be_moved() {
        let shield = shield();
        assert!(shield.holds(b"/home/a/.claude/work", b"src"));
        assert!(shield.holds(b"/home/a/.claude/work", b"SRC"));
        assert!(!shield.holds(b"/home/a/.claude/work", b"sr"));
        assert!(!shield.holds(b"/home/a/.claude/work/src", b"keep"));
    }
}
