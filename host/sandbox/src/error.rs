//! What goes wrong before and while a command runs.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::guarantee::Guarantee;

/// Why a workspace is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkspaceError {
    /// The folder, or a path that it names, cannot be opened.
    #[error("cannot open `{}`: {_1}; name a folder that exists", .0.display())]
    Open(PathBuf, #[source] io::Error),
    /// It is a file.
    #[error("`{}` is not a folder", .0.display())]
    NotAFolder(PathBuf),
    /// It was replaced while it was opened.
    #[error("`{}` was replaced while it was opened", .0.display())]
    Changed(PathBuf),
    /// A folder of the system.
    #[error("`{}` is a folder of the system; name a folder of the project", .0.display())]
    System(PathBuf),
    /// The home folder, or what contains it.
    #[error("`{}` contains the home folder with its keys and settings; name a folder beneath it", .0.display())]
    HoldsHome(PathBuf),
    /// Commands could change the policy that decides about them.
    #[error("the policy `{}` lies in a folder that commands may write; work in a folder beneath that does not hold it (`workspace.root` of an agent.yaml), move the policy, or accept it with `dangerous_policy_in_workspace`", .0.display())]
    PolicyInside(PathBuf),
    /// A path to be protected that goes through `..` of what does not exist.
    #[error("`{}` goes through `..` of a folder that does not exist; write the path without `..`", .0.display())]
    Unsettled(PathBuf),
    /// Not one name.
    #[error("`{}` cannot be protected: a name has no slash and is not empty", .0.escape_debug())]
    Name(String),
    /// Not a variable of an environment.
    #[error("`{}` cannot be a variable of the environment", .0.escape_debug())]
    Variable(String),
    /// Not the name of a command.
    #[error("`{}` cannot be an allowed command: name it as it stands in the search path, without folders", .0.escape_debug())]
    Command(String),
    /// A command that runs any program that it can read.
    #[error(
        "`{0}` is an interpreter: it runs any program that it can read, so that the list of allowed commands says nothing; leave it out, or accept it with `allow_interpreters`"
    )]
    Interpreter(String),
}

/// No backend enforces what is wanted: commands do not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unavailable {
    /// Each backend that was tried with what it lacks.
    pub backends: Vec<Lacking>,
}

/// A backend that was not used.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lacking {
    /// Its name.
    pub backend: &'static str,
    /// Why it does not work at all, with the remedy.
    pub broken: Vec<String>,
    /// What of the wanted it does not enforce, with the reason.
    pub lacking: Vec<(Guarantee, String)>,
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no sandbox of this machine enforces what is wanted, so no command runs")?;
        for tried in &self.backends {
            write!(f, "; {}: ", tried.backend)?;
            let mut parts = tried.broken.clone();
            parts.extend(
                tried
                    .lacking
                    .iter()
                    .map(|(what, why)| format!("{what} is not enforced ({why})")),
            );
            f.write_str(&parts.join(", "))?;
        }
        f.write_str("; `hexgate doctor` says more")
    }
}

impl std::error::Error for Unavailable {}

/// Why a command did not run, or not to its end. Nothing of it is left.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// The sandbox could not be set up. The command was not started.
    #[error("cannot set up the sandbox ({step}): {source}")]
    Setup {
        /// What failed.
        step: &'static str,
        /// How.
        source: io::Error,
    },
    /// The backend has no network that only a proxy leaves. The command was not started.
    #[error(
        "the sandbox `{0}` cannot confine the network to a proxy; run the command without network"
    )]
    Network(&'static str),
    /// The command could not be watched any longer, and was ended.
    #[error("the command could not be watched any longer ({0}) and was ended")]
    Lost(#[source] io::Error),
}
