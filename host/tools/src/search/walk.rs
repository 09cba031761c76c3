//! Going through the folders below one, on several threads.

use std::ffi::CStr;
use std::num::NonZero;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use hexgate_base::disk::Folder;
use rustix::fs::{Dir, FileType};

use super::ignored::{Rules, Said};
use super::start::below;
use crate::blocking::Cancelled;

/// How long a search may take. What was found until then is answered.
pub const MAX_TIME: Duration = Duration::from_secs(30);
/// How many entries of folders a search looks at.
pub const MAX_ENTRIES: usize = 5_000_000;
/// How many bytes of names and paths a search holds at one time: of folders that are being read, and of what is still to be looked at.
pub const MAX_HELD: usize = 128 << 20;
/// What an entry of a folder takes beside its name.
const ENTRY: usize = 48;
/// More threads than that wait for one another.
const MAX_THREADS: usize = 12;
/// How many files of one folder a thread takes at once.
const CHUNK: usize = 128;
/// A path that is longer is not opened by systems.
const MAX_PATH: usize = 4096;

/// What a search looks at.
pub(super) struct Walk<'a> {
    pub(super) root: &'a Folder,
    /// The folder to start in, below the root.
    pub(super) start: &'a str,
    /// Folders that are not entered, by their path below the root.
    pub(super) without: &'a [String],
    /// Look at hidden entries too, but for `.git`.
    pub(super) hidden: bool,
    /// Whether a file or folder is asked for, whatever the rules say, or is not. None: the rules decide.
    pub(super) wants: &'a (dyn Fn(&str, bool) -> Option<bool> + Sync),
    pub(super) cancelled: &'a Cancelled,
}

/// Looks at the files that a search comes by. Each thread has one.
pub(super) trait Visit: Send {
    /// A regular file, by the type that its folder says. `name`: its last segment.
    fn file(&mut self, folder: &Folder, path: &str, name: &str, stop: &Stop<'_>);
}

/// When a search ends before it is complete.
pub(super) struct Stop<'a> {
    cancelled: &'a Cancelled,
    ends: Instant,
    stopped: AtomicBool,
    entries: AtomicUsize,
    held: AtomicUsize,
    max_held: usize,
}

impl<'a> Stop<'a> {
    fn new(cancelled: &'a Cancelled) -> Self {
        Self {
            cancelled,
            ends: Instant::now() + MAX_TIME,
            stopped: AtomicBool::new(false),
            entries: AtomicUsize::new(0),
            held: AtomicUsize::new(0),
            max_held: MAX_HELD,
        }
    }

    /// Whether the search is to end.
    pub(super) fn is_set(&self) -> bool {
        if self.stopped.load(Ordering::Relaxed) {
            return true;
        }
        let stop = self.cancelled.is_set() || Instant::now() >= self.ends;
        if stop {
            self.stopped.store(true, Ordering::Relaxed);
        }
        stop
    }

    /// Looks at one more entry of a folder. False: those were too many, or the search is to end for another reason.
    fn seen(&self) -> bool {
        let seen = self.entries.fetch_add(1, Ordering::Relaxed);
        if seen >= MAX_ENTRIES {
            self.stopped.store(true, Ordering::Relaxed);
        }
        // The clock is not asked for each of them.
        !if seen.is_multiple_of(1024) {
            self.is_set()
        } else {
            self.stopped.load(Ordering::Relaxed)
        }
    }

    /// Counts what is held. False: it is too much.
    fn hold(&self, text: &str) -> bool {
        let more = text.len() + ENTRY;
        let held = self.held.fetch_add(more, Ordering::Relaxed) + more;
        if held > self.max_held {
            self.stopped.store(true, Ordering::Relaxed);
        }
        held <= self.max_held
    }

    fn release<'t>(&self, texts: impl IntoIterator<Item = &'t str>) {
        let less: usize = texts.into_iter().map(|text| text.len() + ENTRY).sum();
        self.held.fetch_sub(less, Ordering::Relaxed);
    }
}

/// Goes through all files. Returns whether it saw them all.
pub(super) fn walk<V: Visit>(walk: &Walk<'_>, visitor: impl Fn() -> V) -> bool {
    walk_until(walk, &Stop::new(walk.cancelled), visitor)
}

fn walk_until<V: Visit>(walk: &Walk<'_>, stop: &Stop<'_>, visitor: impl Fn() -> V) -> bool {
    stop.hold(walk.start);
    let first = Work::Folder {
        path: walk.start.to_owned(),
        rules: rules_above(walk),
    };
    let queue = Queue {
        state: Mutex::new(State {
            waiting: vec![first],
            working: 0,
        }),
        changed: Condvar::new(),
    };
    thread::scope(|scope| {
        for helper in std::iter::from_fn(Helper::take).take(MAX_THREADS - 1) {
            let (queue, visitor) = (&queue, visitor());
            // Without this thread the others do its part.
            let _ = thread::Builder::new()
                .name("hexgate-search".to_owned())
                .spawn_scoped(scope, move || {
                    queue.work(walk, visitor, stop);
                    drop(helper);
                });
        }
        queue.work(walk, visitor(), stop);
    });
    !stop.stopped.load(Ordering::Relaxed)
}

/// A thread that helps with a search. However many searches there are, no more threads help than there are processors, less one.
struct Helper;

static HELPERS: AtomicUsize = AtomicUsize::new(0);

impl Helper {
    fn take() -> Option<Self> {
        let most = thread::available_parallelism().map_or(1, NonZero::get) - 1;
        let more = |helpers| (helpers < most).then_some(helpers + 1);
        let taken = HELPERS.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        taken.ok().map(|_| Self)
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        HELPERS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Looks at one file, whose folder is given by its path. Returns whether it saw it all.
pub(super) fn once(
    root: &Folder,
    path: &str,
    name: &str,
    cancelled: &Cancelled,
    mut visitor: impl Visit,
) -> bool {
    let stop = Stop::new(cancelled);
    if let Ok(folder) = root.beneath(path) {
        visitor.file(&folder, &below(path, name), name, &stop);
    }
    !stop.stopped.load(Ordering::Relaxed)
}

/// The rules in the folders above the start.
fn rules_above(walk: &Walk<'_>) -> Option<Arc<Rules>> {
    let mut rules = None;
    let slashes = walk.start.match_indices('/').map(|(at, _)| at);
    let ends = (!walk.start.is_empty()).then_some(0).into_iter();
    for end in ends.chain(slashes) {
        let path = walk.start.get(..end)?;
        let folder = walk.root.beneath(path).ok()?;
        let base = if end == 0 { 0 } else { end + 1 };
        rules = Rules::of(&folder, base, rules.as_ref(), |name| {
            folder.stat(name).is_ok()
        });
    }
    rules
}

enum Work {
    Folder {
        path: String,
        rules: Option<Arc<Rules>>,
    },
    Files {
        folder: Arc<Folder>,
        paths: Vec<String>,
    },
}

struct State {
    waiting: Vec<Work>,
    working: usize,
}

struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

impl Queue {
    fn work(&self, walk: &Walk<'_>, mut visitor: impl Visit, stop: &Stop<'_>) {
        while let Some(work) = self.next() {
            let _done = Done(self);
            if stop.is_set() {
                continue;
            }
            match work {
                Work::Folder { path, rules } => {
                    stop.release([path.as_str()]);
                    // One that was removed or replaced by a link meanwhile has nothing to be found in it; nor has one that is not ours to read.
                    if let Ok(folder) = walk.root.beneath(&path) {
                        self.folder(walk, folder, &path, rules, &mut visitor, stop);
                    }
                }
                Work::Files { folder, paths } => {
                    files(&folder, &paths, &mut visitor, stop);
                    stop.release(paths.iter().map(String::as_str));
                }
            }
        }
    }

    fn folder(
        &self,
        walk: &Walk<'_>,
        folder: Folder,
        path: &str,
        rules: Option<Arc<Rules>>,
        visitor: &mut impl Visit,
        stop: &Stop<'_>,
    ) {
        let entries = entries(&folder, stop);
        let base = if path.is_empty() { 0 } else { path.len() + 1 };
        let has = |name: &str| entries.iter().any(|(entry, _)| entry == name);
        let rules = Rules::of(&folder, base, rules.as_ref(), has);
        let mut found = Vec::new();
        let mut folders = Vec::new();
        for (name, is_folder) in entries {
            stop.release([name.as_str()]);
            let entry = below(path, &name);
            if entry.len() > MAX_PATH || !is_wanted(walk, rules.as_ref(), &entry, base, is_folder) {
                continue;
            }
            if !stop.hold(&entry) {
                break;
            }
            if !is_folder {
                found.push(entry);
            } else if !walk.without.contains(&entry) {
                folders.push(Work::Folder {
                    path: entry,
                    rules: rules.clone(),
                });
            }
        }
        if found.len() <= CHUNK {
            self.add(folders);
            files(&folder, &found, visitor, stop);
            return stop.release(found.iter().map(String::as_str));
        }
        // Files come after the folders, so that they are taken first: few folders are open at a time.
        let folder = Arc::new(folder);
        let mut found = found.into_iter();
        loop {
            let paths: Vec<String> = found.by_ref().take(CHUNK).collect();
            if paths.is_empty() {
                break;
            }
            let folder = Arc::clone(&folder);
            folders.push(Work::Files { folder, paths });
        }
        self.add(folders);
    }

    fn add(&self, work: Vec<Work>) {
        if work.is_empty() {
            return;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.waiting.extend(work);
        drop(state);
        self.changed.notify_all();
    }

    /// The next piece of work. None: there is none, and nobody makes more.
    fn next(&self) -> Option<Work> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(work) = state.waiting.pop() {
                state.working += 1;
                return Some(work);
            }
            if state.working == 0 {
                return None;
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// A piece of work is done, also if the thread panicked over it.
struct Done<'a>(&'a Queue);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.working -= 1;
        if state.working == 0 && state.waiting.is_empty() {
            drop(state);
            self.0.changed.notify_all();
        }
    }
}

fn files(folder: &Folder, paths: &[String], visitor: &mut impl Visit, stop: &Stop<'_>) {
    for path in paths {
        if stop.is_set() {
            return;
        }
        let name = path
            .rsplit_once('/')
            .map_or(path.as_str(), |(_, name)| name);
        visitor.file(folder, path, name, stop);
    }
}

fn is_wanted(
    walk: &Walk<'_>,
    rules: Option<&Arc<Rules>>,
    path: &str,
    base: usize,
    is_folder: bool,
) -> bool {
    let name = path.get(base..).unwrap_or(path);
    if let Some(wanted) = (walk.wants)(path, is_folder) {
        return wanted;
    }
    match Rules::is_ignored(rules, path, is_folder) {
        Said::Ignored => false,
        Said::Kept => true,
        Said::Nothing if name == ".git" => false,
        Said::Nothing => walk.hidden || !name.starts_with('.'),
    }
}

/// The files and folders in a folder, as many as the search may see and hold. A name that is not UTF-8 cannot be written in a call or held
/// against a policy, and is left out.
fn entries(folder: &Folder, stop: &Stop<'_>) -> Vec<(String, bool)> {
    let Ok(dir) = Dir::read_from(folder) else {
        return Vec::new();
    };
    let mut entries = Vec::new();
    for entry in dir.map_while(Result::ok) {
        if !stop.seen() {
            break;
        }
        let Some(name) = entry.file_name().to_str().ok().filter(|it| !is_dots(it)) else {
            continue;
        };
        let is_folder = match entry.file_type() {
            FileType::RegularFile => false,
            FileType::Directory => true,
            // Some file systems do not say.
            FileType::Unknown => match kind(folder, entry.file_name()) {
                Some(FileType::RegularFile) => false,
                Some(FileType::Directory) => true,
                _ => continue,
            },
            _ => continue,
        };
        if !stop.hold(name) {
            break;
        }
        entries.push((name.to_owned(), is_folder));
    }
    entries
}

fn kind(folder: &Folder, name: &CStr) -> Option<FileType> {
    let stat = folder.stat(name.to_str().ok()?).ok()?;
    Some(FileType::from_raw_mode(stat.st_mode))
}

fn is_dots(name: &str) -> bool {
    matches!(name, "." | "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting<'a>(&'a AtomicUsize);

    impl Visit for Counting<'_> {
        fn file(&mut self, _: &Folder, _: &str, _: &str, stop: &Stop<'_>) {
            assert!(stop.held.load(Ordering::Relaxed) <= stop.max_held + MAX_PATH);
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many files were seen, and whether that is all.
    fn seen(root: &std::path::Path, max_held: usize) -> (usize, bool) {
        let cancelled = Cancelled::default();
        let mut stop = Stop::new(&cancelled);
        stop.max_held = max_held;
        let walk = Walk {
            root: &Folder::open(root).unwrap(),
            start: "",
            without: &[],
            hidden: true,
            wants: &|_, _| None,
            cancelled: &cancelled,
        };
        let count = AtomicUsize::new(0);
        let is_complete = walk_until(&walk, &stop, || Counting(&count));
        let count = count.load(Ordering::Relaxed);
        if is_complete {
            assert_eq!(
                stop.held.load(Ordering::Relaxed),
                0,
                "something is counted for ever"
            );
        }
        (count, is_complete)
    }

    #[test]
    fn a_search_holds_so_many_names_and_says_that_it_did_not_see_all() {
        let folder = tempfile::tempdir().unwrap();
        for at in 0..30 {
            let below = folder.path().join(format!("folder-{at}"));
            std::fs::create_dir(&below).unwrap();
            for file in 0..200 {
                std::fs::write(below.join(format!("{file:0>200}")), "").unwrap();
            }
        }
        assert_eq!(seen(folder.path(), MAX_HELD), (6000, true));
        let (count, is_complete) = seen(folder.path(), 30 * (200 + ENTRY));
        assert!(!is_complete && count < 6000, "{count}");
    }
}
