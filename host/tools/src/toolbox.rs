//! The built-in tools by name.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use hexgate_agent::tool::Tool;
use hexgate_sandbox::{Sandbox, Unavailable, Workspace};

use crate::bash::Bash;
use crate::fetch::Fetch;
use crate::files::{Reach, ReachError, edit_file, read_file, write_file};
use crate::refund::refund_order;
use crate::search::{glob, grep};
use crate::web_search::WebSearch;

/// The names of all built-in tools.
pub const NAMES: [&str; 9] = [
    "bash",
    "edit_file",
    "fetch",
    "glob",
    "grep",
    "read_file",
    "refund_order",
    "web_search",
    "write_file",
];

/// The built-in tools that the agents of a program may be given, by name, as their files name them. One that cannot be had says why.
#[derive(Clone)]
pub struct Toolbox(BTreeMap<String, Result<Arc<dyn Tool>, String>>);

impl Toolbox {
    /// The tools of a workspace: those for files, and `refund_order`. What else there is, is added.
    ///
    /// # Errors
    ///
    /// A folder beside the workspace is gone.
    pub fn of(workspace: &Workspace) -> Result<Self, ReachError> {
        Ok(Self::reaching(&Arc::new(Reach::of(workspace)?)))
    }

    /// As [`Toolbox::of`], with options.
    #[must_use]
    pub fn reaching(reach: &Arc<Reach>) -> Self {
        let missing = |why: &str| Err(why.to_owned());
        let mut tools = Self(BTreeMap::from([
            ("bash".to_owned(), missing("there is no sandbox")),
            (
                "fetch".to_owned(),
                missing("this program has no client for the web"),
            ),
            ("web_search".to_owned(), missing("there is no provider")),
        ]));
        for tool in [
            read_file(reach),
            write_file(reach),
            edit_file(reach),
            glob(reach),
            grep(reach),
            refund_order(),
        ] {
            tools = tools.with(tool);
        }
        tools
    }

    /// Adds a tool, built in or not, in the place of one with its name.
    #[must_use]
    pub fn with(mut self, tool: Arc<dyn Tool>) -> Self {
        self.0.insert(tool.spec().name.clone(), Ok(tool));
        self
    }

    /// Adds `bash`, if there is a sandbox for it; else it says what is missing.
    #[must_use]
    pub fn sandbox(self, sandbox: Result<Sandbox, Unavailable>) -> Self {
        match sandbox {
            Ok(sandbox) => self.with(Arc::new(Bash::new(sandbox))),
            Err(unavailable) => self.without("bash", unavailable.to_string()),
        }
    }

    /// Adds `fetch`.
    #[must_use]
    pub fn fetch(self, fetch: Fetch) -> Self {
        self.with(Arc::new(fetch))
    }

    /// Adds `web_search`, if there is a provider; else it says what is missing.
    #[must_use]
    pub fn web_search<E: fmt::Display>(self, search: Result<WebSearch, E>) -> Self {
        match search {
            Ok(search) => self.with(Arc::new(search)),
            Err(error) => self.without("web_search", error.to_string()),
        }
    }

    /// Says why a tool cannot be had.
    #[must_use]
    pub fn without(mut self, name: impl Into<String>, why: impl Into<String>) -> Self {
        self.0.insert(name.into(), Err(why.into()));
        self
    }

    /// The tool of a name.
    ///
    /// # Errors
    ///
    /// There is none of that name, or it cannot be had.
    pub fn named(&self, name: &str) -> Result<Arc<dyn Tool>, NoSuchTool> {
        match self.0.get(name) {
            Some(Ok(tool)) => Ok(Arc::clone(tool)),
            Some(Err(why)) => Err(NoSuchTool::Missing {
                name: name.to_owned(),
                why: why.clone(),
            }),
            None => Err(NoSuchTool::Unknown {
                name: name.to_owned(),
                known: self.0.keys().cloned().collect(),
            }),
        }
    }

    /// All tools that can be had, in the order of their names.
    pub fn all(&self) -> impl Iterator<Item = Arc<dyn Tool>> {
        self.0
            .values()
            .filter_map(|tool| tool.as_ref().ok().cloned())
    }
}

impl fmt::Debug for Toolbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tools = self.0.iter();
        f.debug_map()
            .entries(tools.map(|(name, tool)| (name, tool.as_ref().map(|_| ()))))
            .finish()
    }
}

/// Why there is no tool of a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoSuchTool {
    /// No tool has it.
    #[error("there is no tool `{}`; there are {}", name.escape_debug(), known.join(", "))]
    Unknown {
        /// The name.
        name: String,
        /// The names that there are.
        known: Vec<String>,
    },
    /// The tool is known, and something that it needs is missing.
    #[error("the tool `{name}` cannot be had: {why}")]
    Missing {
        /// The name.
        name: String,
        /// What is missing.
        why: String,
    },
}
