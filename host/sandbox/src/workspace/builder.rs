//! Making a workspace: what is refused, and why.

use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{Mode, OFlags};

use super::place::Place;
use super::protected::{PROTECTED_NAMES, Shield, beneath};
use super::{Inner, Workspace};
use crate::command::words;
use crate::error::WorkspaceError;
use crate::executables;
use crate::limits::Limits;

/// Folders of the system. A workspace in one of the first, or that is one of the second, is refused.
const NEVER_IN: &[&str] = &["/proc", "/sys", "/dev"];
const NEVER: &[&str] = &[
    "/",
    "/bin",
    "/boot",
    "/etc",
    "/home",
    "/lib",
    "/lib64",
    "/opt",
    "/run",
    "/sbin",
    "/tmp",
    "/usr",
    "/var",
    "/Users",
    "/private/tmp",
];

/// What a workspace is to be. Nothing is granted that is not named.
#[derive(Debug)]
#[must_use]
pub struct WorkspaceBuilder {
    root: PathBuf,
    read: Vec<PathBuf>,
    write: Vec<PathBuf>,
    denied: Vec<PathBuf>,
    names: Vec<String>,
    sockets: Vec<PathBuf>,
    local_binding: bool,
    env: Vec<(OsString, OsString)>,
    commands: Option<Vec<String>>,
    interpreters: bool,
    substitution: bool,
    kernel_alone: bool,
    shell: Option<PathBuf>,
    policies: Vec<PathBuf>,
    policy_inside: bool,
    limits: Limits,
    home: Option<PathBuf>,
}

impl WorkspaceBuilder {
    pub(super) fn new(root: PathBuf) -> Self {
        Self {
            root,
            read: Vec::new(),
            write: Vec::new(),
            denied: Vec::new(),
            names: Vec::new(),
            sockets: Vec::new(),
            local_binding: false,
            env: Vec::new(),
            commands: None,
            interpreters: false,
            substitution: false,
            kernel_alone: false,
            shell: None,
            policies: Vec::new(),
            policy_inside: false,
            limits: Limits::default(),
            home: std::env::home_dir(),
        }
    }

    /// A folder or file beside the workspace that commands may read. It has to exist. Default: none.
    pub fn extra_read_path(mut self, path: impl Into<PathBuf>) -> Self {
        self.read.push(path.into());
        self
    }

    /// A folder beside the workspace that commands may read and write. It has to exist. Default: none.
    pub fn extra_write_path(mut self, path: impl Into<PathBuf>) -> Self {
        self.write.push(path.into());
        self
    }

    /// A file or folder in the workspace that commands may not write, whether or not it exists. Relative paths count from the root.
    /// Default: none beside the protected names.
    pub fn deny_write_path(mut self, path: impl Into<PathBuf>) -> Self {
        self.denied.push(path.into());
        self
    }

    /// A further name that is protected wherever it stands in the workspace, as [`PROTECTED_NAMES`](super::PROTECTED_NAMES) are.
    pub fn protect_name(mut self, name: impl Into<String>) -> Self {
        self.names.push(name.into());
        self
    }

    /// A socket of the machine that commands may connect to. Whoever listens there acts outside of the sandbox. Default: none.
    pub fn allow_unix_socket(mut self, path: impl Into<PathBuf>) -> Self {
        self.sockets.push(path.into());
        self
    }

    /// Commands may listen on `127.0.0.1` of the sandbox's own network, which nothing but the same command reaches. Default: no.
    pub fn allow_local_binding(mut self) -> Self {
        self.local_binding = true;
        self
    }

    /// A variable of the environment of commands. Default: `PATH`, `HOME`, `TMPDIR`, `TERM` and the language, nothing of the host's own.
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// The commands that may run, by the name that they have in the search path, and no others: the kernel refuses to run and to read any
    /// other program. Default: any that is installed.
    pub fn allowed_commands<I>(mut self, commands: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.commands = Some(commands.into_iter().map(Into::into).collect());
        self
    }

    /// Lets interpreters such as `python3` stand among the allowed commands. They run any program that they can read, so that the list of
    /// allowed commands no longer says what runs. Default: they are refused.
    pub fn allow_interpreters(mut self) -> Self {
        self.interpreters = true;
        self
    }

    /// Lets scripts use `$(..)` and backticks; what stands in them is held against the allowed commands too. Default: no.
    pub fn allow_command_substitution(mut self) -> Self {
        self.substitution = true;
        self
    }

    /// Leaves the allowed commands to the kernel, which decides about them anyway: scripts are not read before they run, so they may
    /// define functions and export variables. Without effect in a sandbox that does not enforce the allowed commands. Default: scripts are
    /// read, and refused with a reason.
    pub fn kernel_alone(mut self) -> Self {
        self.kernel_alone = true;
        self
    }

    /// The shell that runs scripts, absolute. Default: `/bin/bash`, else `/bin/sh`.
    pub fn shell(mut self, shell: impl Into<PathBuf>) -> Self {
        self.shell = Some(shell.into());
        self
    }

    /// Where the policy of the agent lies. It must not lie in a folder that commands may write: a command would decide what it may do.
    pub fn policy_path(mut self, path: impl Into<PathBuf>) -> Self {
        self.policies.push(path.into());
        self
    }

    /// Accepts a policy in a folder that commands may write. It is then protected as by [`deny_write_path`](Self::deny_write_path), and
    /// everything that writes to the workspace in another way can change it.
    pub fn dangerous_policy_in_workspace(mut self) -> Self {
        self.policy_inside = true;
        self
    }

    /// How much one command may use.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The home folder, which commands do not see. Default: that of the user who runs this program.
    pub fn home(mut self, home: impl Into<PathBuf>) -> Self {
        self.home = Some(home.into());
        self
    }

    /// Opens the workspace.
    ///
    /// # Errors
    ///
    /// See [`WorkspaceError`].
    pub fn build(self) -> Result<Workspace, WorkspaceError> {
        let home = self
            .home
            .as_deref()
            .and_then(|home| Place::find(home).ok())
            .map(|place| place.path);
        let (root, dir) = open(&self.root)?;
        writable(&root.path, home.as_deref())?;
        let write = self
            .write
            .iter()
            .map(|path| {
                let place = find(path)?;
                if !place.folder {
                    return Err(WorkspaceError::NotAFolder(path.clone()));
                }
                writable(&place.path, home.as_deref())?;
                Ok(place)
            })
            .collect::<Result<Vec<_>, _>>()?;
        let read = self
            .read
            .iter()
            .map(|path| {
                let place = find(path)?;
                match home.as_deref() {
                    Some(home) if home.starts_with(&place.path) => {
                        Err(WorkspaceError::HoldsHome(place.path))
                    }
                    _ if place.path == Path::new("/") => Err(WorkspaceError::System(place.path)),
                    _ => Ok(place),
                }
            })
            .collect::<Result<Vec<_>, _>>()?;

        let mut denied = Vec::new();
        for path in &self.denied {
            let settled = settled(&root.path.join(path))
                .ok_or_else(|| WorkspaceError::Unsettled(path.clone()))?;
            denied.push(bytes(&settled));
        }
        for policy in &self.policies {
            let absolute = std::path::absolute(policy).unwrap_or_else(|_| policy.clone());
            let policy =
                settled(&absolute).ok_or_else(|| WorkspaceError::Unsettled(policy.clone()))?;
            let inside = std::iter::once(&root)
                .chain(&write)
                .any(|place| policy.starts_with(&place.path));
            if inside && !self.policy_inside {
                return Err(WorkspaceError::PolicyInside(policy));
            }
            denied.push(bytes(&policy));
        }
        for place in std::iter::once(&root).chain(&write) {
            denied.extend(led_to(&place.path).iter().map(|path| bytes(path)));
        }
        for name in &self.names {
            if name.is_empty() || name.contains(['/', '\0']) || name == "." || name == ".." {
                return Err(WorkspaceError::Name(name.clone()));
            }
        }
        for (name, value) in &self.env {
            let bad = |text: &OsStr| text.as_bytes().contains(&0);
            if name.is_empty() || name.as_bytes().contains(&b'=') || bad(name) || bad(value) {
                return Err(WorkspaceError::Variable(
                    name.to_string_lossy().into_owned(),
                ));
            }
        }
        if let Some(commands) = &self.commands {
            allowed(commands, self.interpreters)?;
        }
        let roots = std::iter::once(&root)
            .chain(&write)
            .map(|place| bytes(&place.path))
            .collect();
        Ok(Workspace(Arc::new(Inner {
            shield: Shield {
                roots,
                names: self.names.into_iter().map(String::into_bytes).collect(),
                denied,
                temporary: Vec::new(),
            },
            root,
            dir,
            read,
            write,
            sockets: self.sockets,
            local_binding: self.local_binding,
            env: self.env,
            commands: self.commands,
            interpreters: self.interpreters,
            substitution: self.substitution,
            kernel_alone: self.kernel_alone,
            shell: self.shell,
            limits: self.limits,
            home,
        })))
    }
}

/// Opens the root and makes sure that what was opened is what stands at the path.
fn open(path: &Path) -> Result<(Place, OwnedFd), WorkspaceError> {
    let place = find(path)?;
    if !place.folder {
        return Err(WorkspaceError::NotAFolder(path.to_owned()));
    }
    let failed = |error: rustix::io::Errno| WorkspaceError::Open(path.to_owned(), error.into());
    let dir = rustix::fs::open(
        &place.path,
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC,
        Mode::empty(),
    )
    .map_err(failed)?;
    let opened = rustix::fs::fstat(&dir).map_err(failed)?;
    // The types of these fields differ between systems.
    #[allow(
        clippy::unnecessary_cast,
        clippy::cast_sign_loss,
        reason = "other systems have other widths"
    )]
    let same = place.is(opened.st_dev as u64, opened.st_ino as u64);
    if !same {
        return Err(WorkspaceError::Changed(path.to_owned()));
    }
    Ok((place, dir))
}

fn find(path: &Path) -> Result<Place, WorkspaceError> {
    Place::find(path).map_err(|error| WorkspaceError::Open(path.to_owned(), error))
}

/// Whether commands may be given a folder to write.
fn writable(path: &Path, home: Option<&Path>) -> Result<(), WorkspaceError> {
    let system = NEVER.iter().any(|never| path == Path::new(never))
        || NEVER_IN.iter().any(|never| path.starts_with(never));
    if system {
        return Err(WorkspaceError::System(path.to_owned()));
    }
    match home {
        Some(home) if home.starts_with(path) => Err(WorkspaceError::HoldsHome(path.to_owned())),
        _ => Ok(()),
    }
}

/// Names of commands, none of which runs what the list does not name.
fn allowed(commands: &[String], interpreters: bool) -> Result<(), WorkspaceError> {
    for name in commands {
        if name.is_empty() || name.contains(['\0', '/']) || name.starts_with('-') {
            return Err(WorkspaceError::Command(name.clone()));
        }
        if interpreters {
            continue;
        }
        // By its own name, by that of what it is a link to, and by what runs it if it is a script.
        let program = executables::find(name);
        let script = program.as_deref().and_then(executables::interpreter_of);
        let real = program.as_deref().and_then(Path::file_name);
        if words::is_interpreter(name)
            || real.is_some_and(|real| words::is_interpreter(&real.to_string_lossy()))
            || script.is_some()
        {
            return Err(WorkspaceError::Interpreter(name.clone()));
        }
    }
    Ok(())
}

/// Where protected names of a folder lead: a link, or a file that says where the repository is.
fn led_to(root: &Path) -> Vec<PathBuf> {
    let links = PROTECTED_NAMES.iter().filter_map(|(name, _)| {
        let path = root.join(name);
        path.is_symlink().then(|| settled(&path)).flatten()
    });
    let file = root.join(".git");
    // A pipe would be waited for.
    let short =
        std::fs::symlink_metadata(&file).is_ok_and(|found| found.is_file() && found.len() < 4096);
    let repository = short
        .then(|| std::fs::read_to_string(&file).ok())
        .flatten()
        .and_then(|text| settled(&root.join(text.strip_prefix("gitdir:")?.trim())));
    links
        .chain(repository)
        // Elsewhere nothing is written anyway; and it must not be the whole workspace that is denied.
        .filter(|path| path.starts_with(root) && path != root)
        .collect()
}

/// A path with the links of what of it exists followed. None: it goes through `..` of what does not exist, so that nobody knows where to,
/// and protecting it would protect nothing.
fn settled(path: &Path) -> Option<PathBuf> {
    let mut rest = Vec::new();
    let mut above = path;
    loop {
        if let Ok(found) = std::fs::canonicalize(above) {
            return Some(rest.iter().rev().fold(found, |path, part| path.join(part)));
        }
        rest.push(above.file_name()?);
        above = above.parent()?;
    }
}

fn bytes(path: &Path) -> Vec<u8> {
    debug_assert!(beneath(path.as_os_str().as_bytes(), b"/"));
    path.as_os_str().as_bytes().to_vec()
}
