//! The group of one command.
//!
//! It is two: the outer one has the limits, the command is in the inner one. A command that could make a namespace of control groups would
//! see the inner one as the top, and has no way to the limits.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, Mode, OFlags};

use super::{Controller, Place, Version};
use crate::limits::Limits;

/// How the names of groups of commands begin.
const PREFIX: &str = "hexgate-command-";
const INNER: &str = "inside";
/// Processes of the sandbox itself: those that wait for and supervise a command.
const OF_SANDBOX: u64 = 4;
/// How long the end of what was killed is waited for.
const GRACE: Duration = Duration::from_secs(2);
/// How many groups of one command are looked into.
const MOST_FOLDERS: usize = 4096;

/// The group of one command. Everything in it is ended and the group removed when this is dropped.
#[derive(Debug)]
pub(crate) struct Group {
    folders: Vec<Folder>,
    gone: bool,
}

/// What came of the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Used {
    /// Processes were ended since memory ran out.
    pub(crate) memory_ran_out: bool,
    /// Processes were not started since there were too many.
    pub(crate) too_many_processes: bool,
}

/// A group in one hierarchy.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
    version: Version,
    controllers: Vec<Controller>,
    /// Where a process enters it.
    entrance: File,
    /// Says that a program still needs it, until that has ended in whatever way.
    _lock: OwnedFd,
}

impl Group {
    pub(super) fn make(places: &[Place], limits: &Limits) -> io::Result<Self> {
        let mut group = Self {
            folders: Vec::new(),
            gone: false,
        };
        for place in places {
            group.folders.push(Folder::make(place, limits)?);
        }
        Ok(group)
    }

    /// Where a process that has just been forked writes `0` to enter. Open as long as this is.
    pub(crate) fn entrances(&self) -> Vec<RawFd> {
        self.folders
            .iter()
            .map(|folder| folder.entrance.as_raw_fd())
            .collect()
    }

    /// Ends everything in it. False: something is left.
    pub(crate) fn kill(&self) -> bool {
        let until = Instant::now() + GRACE;
        let at_once = self
            .folders
            .iter()
            .find(|folder| folder.version == Version::Two)
            .is_some_and(|folder| set(&folder.path.join("cgroup.kill"), "1").is_ok());
        if !at_once {
            // From now on nothing new comes up.
            for folder in &self.folders {
                if folder.controllers.contains(&Controller::Processes) {
                    let _ = set(&folder.path.join("pids.max"), "0");
                }
            }
        }
        loop {
            let left: Vec<_> = self
                .folders
                .iter()
                .flat_map(|folder| tree(&folder.path))
                .collect();
            if left.iter().all(|folder| members(folder).is_empty()) {
                return true;
            }
            if Instant::now() >= until {
                return false;
            }
            if !at_once {
                left.iter().for_each(|folder| kill_members(folder));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Ends everything in it and removes it. Says what came of its limits.
    pub(crate) fn finish(mut self) -> Used {
        self.end()
    }

    fn end(&mut self) -> Used {
        if self.gone {
            return Used::default();
        }
        self.gone = true;
        let mut used = Used::default();
        for folder in &self.folders {
            let counted = |file: &str, name: &str| {
                tree(&folder.path)
                    .iter()
                    .any(|path| count(&path.join(file), name) > 0)
            };
            if folder.controllers.contains(&Controller::Memory) {
                used.memory_ran_out |= counted("memory.events", "oom_kill")
                    || counted("memory.oom_control", "oom_kill");
            }
            if folder.controllers.contains(&Controller::Processes) {
                used.too_many_processes |= counted("pids.events", "max");
            }
        }
        // Not before: ending it also keeps it from new processes.
        self.kill();
        for folder in &self.folders {
            remove(&folder.path);
        }
        used
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.end();
    }
}

impl Folder {
    fn make(place: &Place, limits: &Limits) -> io::Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let mut tried = 0;
        loop {
            let name = format!(
                "{PREFIX}{}-{}",
                std::process::id(),
                COUNT.fetch_add(1, Ordering::Relaxed)
            );
            match Self::make_at(place.folder.join(name), place, limits) {
                Ok(folder) => return Ok(folder),
                // Another program took it for one that was left, in the moment before it was locked; or one of another namespace of
                // processes has the same name.
                Err(error)
                    if tried < 8
                        && matches!(
                            error.kind(),
                            io::ErrorKind::AlreadyExists
                                | io::ErrorKind::NotFound
                                | io::ErrorKind::WouldBlock
                        ) =>
                {
                    tried += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn make_at(path: PathBuf, place: &Place, limits: &Limits) -> io::Result<Self> {
        fs::create_dir(&path)?;
        let made = Self::fill(path.clone(), place, limits);
        // Not one that another program has: it removes it.
        if made
            .as_ref()
            .is_err_and(|error| error.kind() != io::ErrorKind::WouldBlock)
        {
            remove(&path);
        }
        made
    }

    fn fill(path: PathBuf, place: &Place, limits: &Limits) -> io::Result<Self> {
        let lock = lock(&path)?;
        for controller in &place.controllers {
            match (controller, place.version) {
                (Controller::Memory, version) => memory(&path, version, limits.total_memory)?,
                (Controller::Processes, _) => {
                    let most = u64::from(limits.processes).saturating_add(OF_SANDBOX);
                    set(&path.join("pids.max"), &most.to_string())?;
                }
            }
        }
        let inner = path.join(INNER);
        fs::create_dir(&inner)?;
        let entrance = File::options()
            .write(true)
            .open(inner.join("cgroup.procs"))?;
        Ok(Self {
            path,
            version: place.version,
            controllers: place.controllers.clone(),
            entrance,
            _lock: lock,
        })
    }
}

/// Bounds memory, with what is swapped out.
fn memory(folder: &Path, version: Version, most: u64) -> io::Result<()> {
    // Kernels that do not count swap have no such file.
    let swap = |file: &str, most: &str| match set(&folder.join(file), most) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    };
    match version {
        Version::One => {
            // Before Linux 5.11 groups do not count what is beneath them unless they are told to.
            let deep = folder.join("memory.use_hierarchy");
            if fs::read_to_string(&deep).is_ok_and(|text| text.trim() == "0") {
                set(&deep, "1")?;
            }
            let most = most.to_string();
            set(&folder.join("memory.limit_in_bytes"), &most)?;
            swap("memory.memsw.limit_in_bytes", &most)
        }
        Version::Two => {
            set(&folder.join("memory.max"), &most.to_string())?;
            swap("memory.swap.max", "0")
        }
    }
}

/// Holds a group for as long as this program runs.
fn lock(folder: &Path) -> io::Result<OwnedFd> {
    let held = rustix::fs::open(
        folder,
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    rustix::fs::flock(&held, FlockOperation::NonBlockingLockExclusive)?;
    Ok(held)
}

/// Removes groups of programs that have ended without doing it.
pub(super) fn sweep(place: &Path) {
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        if !entry.file_name().as_bytes().starts_with(PREFIX.as_bytes()) {
            continue;
        }
        let path = entry.path();
        if let Ok(_held) = lock(&path) {
            let until = Instant::now() + GRACE;
            let _ = set(&path.join("pids.max"), "0");
            let _ = set(&path.join("cgroup.kill"), "1");
            while Instant::now() < until {
                let all = tree(&path);
                if all.iter().all(|folder| members(folder).is_empty()) {
                    break;
                }
                all.iter().for_each(|folder| kill_members(folder));
                std::thread::sleep(Duration::from_millis(1));
            }
            remove(&path);
        }
    }
}

/// Removes a group and those beneath it, as soon as the kernel lets go of them. One that stays is removed by the next program.
fn remove(path: &Path) {
    let until = Instant::now() + GRACE;
    loop {
        for folder in tree(path).iter().rev() {
            let _ = fs::remove_dir(folder);
        }
        if !path.exists() || Instant::now() >= until {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A group and those beneath it, from above.
fn tree(path: &Path) -> Vec<PathBuf> {
    let mut all = vec![path.to_owned()];
    let mut next = 0;
    while let Some(folder) = all.get(next).cloned() {
        next += 1;
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            if all.len() < MOST_FOLDERS && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                all.push(entry.path());
            }
        }
    }
    all
}

/// Writes one of the files of a group. They cannot be made, and one that is absent is not found.
pub(super) fn set(file: &Path, text: &str) -> io::Result<()> {
    File::options()
        .write(true)
        .open(file)?
        .write_all(text.as_bytes())
}

/// The processes of a group. None if it does not exist.
pub(super) fn members(folder: &Path) -> Vec<i32> {
    fs::read_to_string(folder.join("cgroup.procs"))
        .unwrap_or_default()
        .lines()
        .filter_map(|line| line.parse().ok())
        .collect()
}

/// Moves this program into a group.
pub(super) fn enter(folder: &Path) -> io::Result<()> {
    set(&folder.join("cgroup.procs"), "0")
}

/// Ends the processes of a group, and no other that got the number of one of them meanwhile.
#[cfg(target_os = "linux")]
fn kill_members(folder: &Path) {
    use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
    let held: Vec<_> = members(folder)
        .into_iter()
        .filter_map(|number| {
            let pid = Pid::from_raw(number)?;
            Some((number, pidfd_open(pid, PidfdFlags::empty()).ok()?))
        })
        .collect();
    // What is still in the group is what was opened.
    let still = members(folder);
    for (number, process) in held {
        if still.contains(&number) {
            let _ = pidfd_send_signal(process, Signal::KILL);
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn kill_members(_: &Path) {}

/// A number of a file of names and numbers. 0 if there is none.
fn count(file: &Path, name: &str) -> u64 {
    fs::read_to_string(file)
        .unwrap_or_default()
        .lines()
        .find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
        .unwrap_or(0)
}
