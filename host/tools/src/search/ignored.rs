//! What a search passes over: files that ignore rules name, and hidden ones. The rules are those of ripgrep and git.

use std::sync::Arc;

use hexgate_base::disk::{Folder, read_all};
use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// The files with rules, the strongest first, and the one of a repository's own.
const FILES: [&str; 3] = [".rgignore", ".ignore", ".gitignore"];
const REPOSITORY: &str = ".git";
const EXCLUDE: &str = "info/exclude";
/// Where the rules of git begin among the files.
const GITS: usize = 2;
/// The largest file of rules, in bytes: a larger one is passed over, so that a hostile one does not cost the memory of the host.
const MAX_RULES: u64 = 256 * 1024;

/// The rules of a folder and those above it.
#[derive(Debug)]
pub(super) struct Rules {
    above: Option<Arc<Rules>>,
    /// How long the folder's path is, with the slash behind it.
    base: usize,
    /// By file; the repository's own last.
    files: [Option<Gitignore>; FILES.len() + 1],
    /// The folder is a repository: git's rules above it do not count.
    is_repository: bool,
}

impl Rules {
    /// The rules in a folder, of whose entries `has` tells whether they are there. `base`: how long its path is, with the slash behind it.
    pub(super) fn of(
        folder: &Folder,
        base: usize,
        above: Option<&Arc<Self>>,
        has: impl Fn(&str) -> bool,
    ) -> Option<Arc<Self>> {
        let is_repository = has(REPOSITORY);
        if !is_repository && !FILES.iter().any(|name| has(name)) {
            return above.map(Arc::clone);
        }
        let mut files = FILES.map(|name| has(name).then(|| read(folder, name)).flatten());
        let exclude = || {
            let (in_git, name) = EXCLUDE.split_once('/')?;
            read(
                &folder.beneath(REPOSITORY).ok()?.beneath(in_git).ok()?,
                name,
            )
        };
        let exclude = is_repository.then(exclude).flatten();
        let [strongest, middle, git] = &mut files;
        Some(Arc::new(Self {
            above: above.map(Arc::clone),
            base,
            files: [strongest.take(), middle.take(), git.take(), exclude],
            is_repository,
        }))
    }

    /// Whether a path is passed over by the rules.
    pub(super) fn is_ignored(rules: Option<&Arc<Self>>, path: &str, is_folder: bool) -> Said {
        let Some(rules) = rules else {
            return Said::Nothing;
        };
        for kind in 0..=FILES.len() {
            let mut level = Some(rules);
            while let Some(rules) = level {
                match rules.match_one(kind, path, is_folder) {
                    Match::None => {}
                    Match::Ignore(()) => return Said::Ignored,
                    Match::Whitelist(()) => return Said::Kept,
                }
                if kind >= GITS && rules.is_repository {
                    break;
                }
                level = rules.above.as_ref();
            }
        }
        Said::Nothing
    }

    fn match_one(&self, kind: usize, path: &str, is_folder: bool) -> Match<()> {
        match (self.files.get(kind), path.get(self.base..)) {
            (Some(Some(rules)), Some(below)) => rules.matched(below, is_folder).map(|_| ()),
            _ => Match::None,
        }
    }
}

/// What rules say of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    Nothing,
    Ignored,
    Kept,
}

fn read(folder: &Folder, name: &str) -> Option<Gitignore> {
    let bytes = read_all(folder.read(name).ok()?, MAX_RULES).ok()?;
    // Paths are matched from the folder on, and are given so.
    let mut builder = GitignoreBuilder::new(".");
    for line in String::from_utf8_lossy(&bytes).lines() {
        // One bad line is passed over, as git does.
        let _ = builder.add_line(None, line);
    }
    let rules = builder.build().ok()?;
    (!rules.is_empty()).then_some(rules)
}
