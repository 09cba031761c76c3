//! Makes landlock ready for a workspace: what of it works here, what it grants, what it then enforces.

use std::io;
use std::path::{Path, PathBuf};

use landlock::ABI;

use super::super::{memory_bounded, processes_bounded};
use super::rules::{self, Right, Rules};
use super::view::{Show, View};
use super::{Guarantee, Guarantees, Landlock, Prepared, attempt, sys};
use crate::executables;
use crate::group::Groups;
use crate::workspace::{Inner, Workspace};

/// Tries what every command needs: a shell, a file that is made, a folder that is listed. Says how many processes there may be.
const TRIAL: &str = r#": > "$TMPDIR/.hexgate-trial" && { read -r most < /proc/sys/kernel/pid_max; echo "works $most"; }"#;

/// Landlock for a workspace, with namespaces or alone.
pub(crate) fn prepare(workspace: &Workspace, namespaces: bool) -> Prepared {
    let abi = match sys::landlock_abi() {
        0 => {
            return Err(vec![
                "the kernel has no landlock: use Linux 5.13 or later, with `landlock` in its `lsm=` option".to_owned(),
            ]);
        }
        1 => ABI::V1,
        2 => ABI::V2,
        3 => ABI::V3,
        4 => ABI::V4,
        5 => ABI::V5,
        6 => ABI::V6,
        _ => ABI::V7,
    };
    let built = build(workspace, abi, namespaces)
        .map_err(|error| vec![format!("cannot prepare: {error}")])?;
    match trial(&built) {
        Ok(processes) => Ok(Box::new(enforcing(built, processes))),
        Err(reason) => {
            let mut all = vec![reason];
            if namespaces {
                all.extend(crate::machine::namespace_hints());
            }
            Err(all)
        }
    }
}

/// Runs the trial. The highest number of a process in the sandbox.
fn trial(landlock: &Landlock) -> Result<Option<u32>, String> {
    let finished = attempt(landlock, &landlock.workspace, TRIAL)?;
    match finished.stdout.trim().strip_prefix("works") {
        Some(most) if finished.exit_code == 0 => Ok(most.trim().parse().ok()),
        _ => Err(format!(
            "a command does not work in it: exit code {}, {}",
            finished.exit_code,
            finished.stderr.trim().escape_debug()
        )),
    }
}

fn build(workspace: &Workspace, abi: ABI, namespaces: bool) -> io::Result<Landlock> {
    let inner = &workspace.0;
    let folder = tempfile::Builder::new().prefix("hexgate-").tempdir()?;
    let own = folder.path().canonicalize()?;
    let writable = inner.write.iter().chain([&inner.root]);
    // At `/tmp`, unless that would hide what the workspace has there.
    let shared = writable
        .chain(&inner.read)
        .any(|place| place.path.starts_with("/tmp"));
    let temporary = if namespaces && !shared {
        PathBuf::from("/tmp")
    } else {
        own.clone()
    };
    let shell = shell(inner)?;
    let rules = grants(inner, &own, &shell)?;
    let plan = if namespaces {
        let listed = inner.commands.is_some();
        let view = view(inner, &rules, &own, &temporary)?;
        Some(view.plan(64 << 20, listed).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::NotFound,
                "there is no folder to put a root together in",
            )
        })?)
    } else {
        None
    };
    let mut shield = inner.shield.clone();
    shield.temporary = std::os::unix::ffi::OsStrExt::as_bytes(temporary.as_os_str()).to_vec();
    Ok(Landlock {
        workspace: workspace.clone(),
        abi,
        rules,
        plan,
        shell,
        shield,
        temporary,
        _folder: folder,
        guarantees: Guarantees::default(),
    })
}

/// The shell of a workspace.
pub(crate) fn shell(inner: &Inner) -> io::Result<PathBuf> {
    match &inner.shell {
        Some(shell) => shell.canonicalize(),
        None => executables::find("bash")
            .or_else(|| executables::find("sh"))
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "there is no `bash` or `sh`")),
    }
}

/// What of the system every command sees: a path and, for a link, where it leads.
pub(crate) fn system() -> Vec<(PathBuf, Option<PathBuf>)> {
    let mut all: Vec<(PathBuf, Option<PathBuf>)> = Vec::new();
    for path in rules::PROGRAMS.iter().chain(rules::SETTINGS) {
        let path = Path::new(path);
        if all
            .iter()
            .any(|(above, link)| link.is_none() && path.starts_with(above))
        {
            continue;
        }
        match std::fs::read_link(path) {
            // A link in `/etc` leads to what is shown, or is not shown.
            Ok(to) if path.parent() == Some(Path::new("/")) => {
                all.push((path.to_owned(), Some(to)))
            }
            Ok(_) | Err(_) if path.exists() => all.push((path.to_owned(), None)),
            _ => {}
        }
    }
    all
}

/// What commands may do where.
fn grants(inner: &Inner, temporary: &Path, shell: &Path) -> io::Result<Rules> {
    let mut rules = Rules::default();
    let write = if inner.commands.is_some() {
        Right::Write
    } else {
        Right::WriteAndRun
    };
    // The folder that was opened, whatever stands at its path by now.
    rules.give_open(inner.dir.try_clone()?, &inner.root.path, write)?;
    for place in &inner.write {
        rules.give(&place.path, write)?;
    }
    rules.give(temporary, write)?;
    let read = match inner.commands {
        Some(_) if !inner.interpreters => Right::Look,
        _ => Right::Read,
    };
    for place in &inner.read {
        rules.give(&place.path, read)?;
    }
    for device in rules::DEVICES {
        rules.give(Path::new(device), Right::Device)?;
    }
    for settings in rules::SETTINGS {
        rules.give(Path::new(settings), Right::Read)?;
    }
    match &inner.commands {
        None => {
            for programs in rules::PROGRAMS {
                rules.give(Path::new(programs), Right::Run)?;
            }
            if !rules::PROGRAMS
                .iter()
                .any(|programs| shell.starts_with(programs))
            {
                rules.give(shell, Right::Run)?;
            }
        }
        Some(commands) => listed(inner, commands, shell, &mut rules)?,
    }
    Ok(rules)
}

/// The allowed commands, what loads them and their libraries, and nothing else that could be run.
fn listed(inner: &Inner, commands: &[String], shell: &Path, rules: &mut Rules) -> io::Result<()> {
    let mut programs = vec![shell.to_owned()];
    for name in commands {
        // What is not installed cannot run.
        let Some(program) = executables::find(name) else {
            continue;
        };
        if let Some((interpreter, by_name)) = executables::interpreter_of(&program) {
            programs.extend(interpreter.canonicalize().ok());
            programs.extend(by_name.as_deref().and_then(executables::find));
        }
        programs.push(program);
    }
    programs.sort();
    programs.dedup();
    let mut libraries = Vec::new();
    for program in &programs {
        rules.give(program, Right::Run)?;
        if executables::interpreter_of(program).is_some() {
            continue;
        }
        let needs = executables::needs(program)?;
        if let Some(loader) = needs.loader {
            rules.give(&loader, Right::Run)?;
        }
        libraries.extend(needs.libraries);
    }
    libraries.sort();
    libraries.dedup();
    for library in &libraries {
        rules.give(library, Right::Read)?;
    }
    for folder in libraries.iter().filter_map(|library| {
        let name = library.file_name()?.to_string_lossy().into_owned();
        name.starts_with("libc.").then(|| library.parent())?
    }) {
        for later in rules::LOADED_LATER {
            rules.give(&folder.join(later), Right::Read)?;
        }
    }
    if inner.interpreters {
        for folder in rules::LIBRARIES {
            rules.give(Path::new(folder), Right::Read)?;
        }
    }
    Ok(())
}

/// What commands see: the folders of what they may use, without what lies beside it.
fn view(inner: &Inner, rules: &Rules, own: &Path, temporary: &Path) -> io::Result<View> {
    let mut view = View::default();
    for programs in rules::PROGRAMS.iter().copied().chain(["/etc"]) {
        let path = Path::new(programs);
        match std::fs::read_link(path) {
            Ok(to) => view.link(path, &to),
            Err(_) if path.is_dir() => view.show(path, path, Show::Read)?,
            Err(_) => {}
        }
    }
    let write = if inner.commands.is_some() {
        Show::WriteOnly
    } else {
        Show::WriteAndRun
    };
    // What may not be run comes first: a program or a library in it is shown once more, by itself.
    let (first, second): (Vec<_>, Vec<_>) = rules
        .paths()
        .iter()
        .partition(|(_, right)| *right == Right::Look);
    for (path, right) in first.into_iter().chain(second) {
        let show = match right {
            Right::Look => Show::ReadOnly,
            Right::Read | Right::Run => Show::Read,
            Right::Write | Right::WriteAndRun => write,
            Right::Device => Show::Device,
        };
        let (from, at) = if path == own {
            (own, temporary)
        } else {
            (path.as_path(), path.as_path())
        };
        let is_shown = view.shown(at).is_some_and(|above| above != Show::ReadOnly);
        if show != Show::Read || !is_shown {
            // What is a link in the system has been shown by what it leads to.
            let from = from.canonicalize()?;
            if from == at || at == temporary {
                view.show(&from, at, show)?;
            }
        }
    }
    for socket in &inner.sockets {
        view.show(socket, socket, Show::Device)?;
    }
    Ok(view)
}

fn enforcing(mut landlock: Landlock, processes: Option<u32>) -> Landlock {
    let mut all = Guarantees::default();
    let whole = landlock.plan.is_some();
    let reason = |what: &str| format!("{what}; with namespaces it is");
    let abi = landlock.abi;
    if whole {
        all.enforced(Guarantee::WritesConfined, "landlock, read-only mounts");
        all.enforced(
            Guarantee::ReadsConfined,
            "landlock, a root without the rest",
        );
    } else if abi >= ABI::V3 {
        all.enforced(Guarantee::WritesConfined, "landlock, supervised calls");
        all.enforced(Guarantee::ReadsConfined, "landlock");
    } else {
        let old = "landlock of this kernel does not know truncation: use Linux 6.2";
        all.missing(Guarantee::WritesConfined, reason(old));
        all.enforced(Guarantee::ReadsConfined, "landlock");
    }
    all.enforced(Guarantee::NamesProtected, "supervised calls");
    if whole {
        all.enforced(Guarantee::NetworkConfined, "a network of its own");
    } else {
        all.enforced(Guarantee::NetworkConfined, "no sockets: no proxy either");
    }
    let sockets = !landlock.workspace.0.sockets.is_empty();
    if whole || !sockets {
        all.enforced(Guarantee::SocketsHidden, "no such sockets but those named");
    } else {
        all.missing(
            Guarantee::SocketsHidden,
            reason("sockets of the workspace cannot be told from others"),
        );
    }
    match (&landlock.workspace.0.commands, whole) {
        (None, _) => all.missing(
            Guarantee::CommandsEnforced,
            "the workspace names no commands",
        ),
        (Some(_), true) => all.enforced(
            Guarantee::CommandsEnforced,
            "landlock on each program, nothing run from what is writable",
        ),
        (Some(_), false) => all.missing(
            Guarantee::CommandsEnforced,
            reason("an allowed program can be made to load a library from the workspace"),
        ),
    }
    all.enforced(Guarantee::PrivilegesDropped, "seccomp, no capabilities");
    if whole {
        all.enforced(Guarantee::ProcessesEnded, "a PID namespace");
    } else if abi >= ABI::V6 {
        all.enforced(
            Guarantee::ProcessesEnded,
            "init ends all of its landlock domain",
        );
    } else if Groups::here().end_all() {
        all.enforced(
            Guarantee::ProcessesEnded,
            "all of a control group are ended",
        );
    } else {
        all.missing(
            Guarantee::ProcessesEnded,
            reason("landlock of this kernel does not keep signals: use Linux 6.12"),
        );
    }
    let most = landlock.processes();
    if whole && processes == Some(most) {
        all.enforced(Guarantee::ProcessesBounded, "pid_max of the namespace");
    } else {
        processes_bounded(&mut all);
    }
    memory_bounded(&mut all);
    all.enforced(
        Guarantee::ResourcesBounded,
        "resource limits, a clock, a look at the disk",
    );
    all.enforced(Guarantee::EnvironmentClean, "made anew");
    landlock.guarantees = all;
    landlock
}
