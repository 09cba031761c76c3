//! File scopes: which paths a tool may touch.

use super::folded::{self, Folded, mistakable};
use crate::{
    case::{Bounds, Exclusion, Paths},
    json::Json,
};

/// A scope as the policy writes it.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    pub(super) arguments: Vec<String>,
    /// Whether the tool searches below the path.
    pub(super) search: bool,
    pub(super) windows: bool,
    pub(super) paths: Paths,
}

/// The longest path, in bytes.
const BYTES: usize = 4096;
/// The most segments, counted after those that mean nothing are gone.
const SEGMENTS: usize = 256;

impl Scope {
    /// Whether all path arguments are inside. Whatever cannot be understood is not.
    pub(super) fn holds(&self, args: &Json) -> bool {
        self.arguments.iter().all(|argument| {
            let texts = match args.member(argument) {
                None if self.search => vec!["."],
                value => texts(value),
            };
            !texts.is_empty() && texts.iter().all(|text| self.admits(text))
        })
    }

    fn admits(&self, text: &str) -> bool {
        let Some(path) = Path::of(text, self.windows) else {
            return false;
        };
        if self.search && path.is_root() {
            return !is_denied(&path, &self.paths);
        }
        is_inside(&path, &self.paths, self.search)
    }

    /// As a condition of what is forbidden: whether one of the paths is meant.
    pub(super) fn is_meant(&self, args: &Json) -> Option<bool> {
        if self.paths.denied.is_empty() {
            return Some(true);
        }
        let mut values = Vec::new();
        for argument in &self.arguments {
            let texts = match args.member(argument) {
                None if self.search => vec!["."],
                value => texts(value),
            };
            if texts.is_empty() {
                values.push(None);
            }
            values.extend(
                texts
                    .iter()
                    .map(|text| speaks_of(&self.paths, self.windows, text)),
            );
        }
        if values.contains(&Some(true)) {
            Some(true)
        } else if values.contains(&None) {
            None
        } else {
            Some(false)
        }
    }
}

/// The paths of an argument: one text, or a list of texts. None, if it is anything else.
fn texts(value: Option<&Json>) -> Vec<&str> {
    match value {
        Some(Json::Text(text)) => vec![text],
        Some(Json::List(items)) => {
            let texts: Option<Vec<&str>> = items.iter().map(Json::as_text).collect();
            texts.unwrap_or_default()
        }
        _ => Vec::new(),
    }
}

/// Whether what is excluded is about a path.
pub(super) fn speaks_of(paths: &Paths, windows: bool, text: &str) -> Option<bool> {
    if paths.denied.is_empty() {
        return Some(true);
    }
    let path = Path::of(text, windows)?;
    if is_denied(&path, paths) {
        return Some(true);
    }
    let is_absolute = |pattern: &String| Pattern::of(pattern, windows).absolute;
    if path.absolute && !paths.denied.iter().any(is_absolute) {
        return None;
    }
    Some(false)
}

/// Whether a scope covers a path that a tool has found.
pub(super) fn covers(bounds: &Bounds, text: &str) -> bool {
    let inside = bounds.arguments.is_empty()
        || Path::of(text, bounds.windows)
            .is_some_and(|path| is_inside(&path, &bounds.paths, false));
    let excluded = |one: &Exclusion| speaks_of(&one.paths, one.windows, text) != Some(false);
    inside && !bounds.exclusions.iter().any(excluded)
}

/// A path that means one place.
struct Path {
    absolute: bool,
    windows: bool,
    segments: Vec<String>,
}

impl Path {
    fn of(text: &str, windows: bool) -> Option<Self> {
        if text.trim().is_empty() || text.len() > BYTES || text.contains(char::is_control) {
            return None;
        }
        let text = if windows {
            text.replace('\\', "/")
        } else {
            text.to_owned()
        };
        if text.contains('\\') {
            return None;
        }
        let mut absolute = text.starts_with('/');
        let mut segments: Vec<String> = text
            .split('/')
            .filter(|segment| !segment.is_empty() && *segment != ".")
            .map(str::to_owned)
            .collect();
        if windows {
            // What begins with a slash is on whatever drive is the current one, or on another host.
            if absolute {
                return None;
            }
            // Without a slash behind it a drive stands for its working folder, which is not known.
            if let Some(drive) = text.split_once('/').and_then(|(first, _)| drive(first)) {
                absolute = true;
                if let Some(first) = segments.first_mut() {
                    *first = drive;
                }
            }
            let stray = |name: &String| name.ends_with(|c: char| c == '.' || c.is_whitespace());
            if segments.iter().any(stray) {
                return None;
            }
        }
        if segments.len() - usize::from(windows && absolute) > SEGMENTS
            || segments.iter().any(|segment| segment == "..")
        {
            return None;
        }
        let first = segments.get(usize::from(windows && absolute));
        if first.is_some_and(|first| first.starts_with('~') || first.contains(':')) {
            return None;
        }
        Some(Self {
            absolute,
            windows,
            segments,
        })
    }

    /// Whether it is the folder that relative paths start from.
    fn is_root(&self) -> bool {
        self.segments.is_empty() && !self.absolute
    }

    fn names(&self) -> Vec<&str> {
        self.segments.iter().map(String::as_str).collect()
    }
}

/// A drive, its letter in upper case.
fn drive(segment: &str) -> Option<String> {
    let letter = segment.strip_suffix(':')?;
    let is_letter = letter.len() == 1 && letter.chars().all(|c| c.is_ascii_alphabetic());
    is_letter.then(|| segment.to_ascii_uppercase())
}

/// Whether a path is denied, and that is not lifted.
fn is_denied(path: &Path, paths: &Paths) -> bool {
    let mut names = path.names();
    if path.windows && path.absolute {
        names.remove(0);
    }
    if !paths.denied.is_empty() && names.iter().any(|name| mistakable(name)) {
        return true;
    }
    paths.denied.iter().any(|denied| {
        let covers = |names: &[String]| Pattern::of(denied, path.windows).covers(path, names);
        // A root has no name that a pattern could match.
        let above = path.segments.split_last().map(|(_, above)| above);
        let above = above.filter(|above| !above.is_empty());
        let lifts = |except: &String| {
            let pattern = Pattern::of(except, path.windows);
            pattern.absolute == path.absolute
                && pattern.within_reach(&path.names())
                && (except.contains('/') || !denied.contains('/') && !above.is_some_and(covers))
        };
        covers(&path.segments) && !paths.except.iter().any(lifts)
    })
}

fn is_inside(path: &Path, scope: &Paths, starts: bool) -> bool {
    if is_denied(path, scope) {
        return false;
    }
    let is_absolute = |pattern: &String| Pattern::of(pattern, path.windows).absolute;
    if scope.allowed.is_empty() {
        // Relative patterns say nothing about an absolute path, so they cannot clear one.
        return !path.absolute || scope.denied.is_empty() || scope.denied.iter().any(is_absolute);
    }
    scope.allowed.iter().any(|pattern| {
        let pattern = Pattern::of(pattern, path.windows);
        pattern.absolute == path.absolute
            && (pattern.within_reach(&path.names()) || starts && pattern.begins_at(&path.names()))
    })
}

/// A pattern, segment by segment.
struct Pattern {
    /// Whether it is about absolute paths alone, if it is not a denied one.
    absolute: bool,
    /// Whether it begins with a drive.
    drive: bool,
    /// Whether it begins at no certain place.
    anywhere: bool,
    segments: Vec<String>,
    /// It is `**` and nothing else.
    everything: bool,
}

impl Pattern {
    fn of(text: &str, windows: bool) -> Self {
        let everything = text == "**";
        let mut text = text.to_owned();
        let drive = text.split('/').next().and_then(drive).filter(|_| windows);
        let anywhere = !text.contains('/') || text.starts_with("**/");
        // Two stars alone cross everything, with or without a name at the end.
        if !text.contains('/') && !everything {
            text.insert_str(0, "**/");
        }
        if text.ends_with('/') {
            text.push_str("**");
        }
        if let Some(drive) = &drive {
            text.replace_range(..drive.len(), drive);
        }
        Self {
            absolute: text.starts_with('/') || drive.is_some(),
            drive: drive.is_some(),
            anywhere,
            segments: text
                .split('/')
                .filter(|segment| !segment.is_empty())
                .map(str::to_owned)
                .collect(),
            everything,
        }
    }

    /// As a denied pattern: whether it matches a path or a folder above it. `names` are those of the path, or of a folder above.
    fn covers(&self, path: &Path, names: &[String]) -> bool {
        // Anchored at the relative root, it says nothing about an absolute path; a mere name does, and so does what begins anywhere.
        // What is about every name is about every path, wherever it begins.
        // Where a segment is left open, a drive may be what it is open to.
        if path.absolute && !self.absolute && !self.anywhere && !path.windows {
            let names: Vec<&String> = self.segments.iter().filter(|one| *one != "**").collect();
            return names.is_empty() || names == ["*"];
        }
        let mut folded: Vec<Vec<Vec<Folded>>> =
            names.iter().map(|name| Folded::all(name)).collect();
        if folded.len() == usize::from(path.windows && path.absolute) {
            // The root has an empty name, on a drive too, which `*` matches: what denies every name denies the folder of them all.
            folded.push(Folded::all(""));
        }
        // A leading `/` also covers the same segments below the root, and so does a drive: that may be where relative paths start from.
        let below = match self.segments.split_first() {
            Some((_, rest)) if self.drive && !path.absolute => rest,
            _ => &self.segments,
        };
        (1..=folded.len())
            .filter_map(|end| folded.get(..end))
            .any(|folder| cross(below, folder, &|it, name| folded::matches(it, name)))
    }

    /// Whether it allows these very segments. What ends in `/**` allows what lies below, not the folder itself.
    fn within_reach(&self, path: &[&str]) -> bool {
        match self.segments.split_last() {
            Some((last, folder)) if last == "**" && !self.everything => (0..path.len())
                .filter_map(|end| path.get(..end))
                .any(|above| cross(folder, above, &matches)),
            _ => cross(&self.segments, path, &matches),
        }
    }

    /// Whether a search may begin there: in the folder that it allows all of.
    fn begins_at(&self, path: &[&str]) -> bool {
        match self.segments.split_last() {
            Some((last, folder)) if last == "**" => cross(folder, path, &matches),
            _ => false,
        }
    }
}

/// Tries every way in which `**` can cross segments.
fn cross<N>(pattern: &[String], path: &[N], matches: &impl Fn(&str, &N) -> bool) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, None) => true,
        (None, Some(_)) => false,
        (Some((first, rest)), _) if first == "**" => (0..=path.len())
            .filter_map(|skip| path.get(skip..))
            .any(|tail| cross(rest, tail, matches)),
        (Some(_), None) => false,
        (Some((first, rest)), Some((name, tail))) => {
            matches(first, name) && cross(rest, tail, matches)
        }
    }
}

fn matches(segment: &str, name: &&str) -> bool {
    let (segment, name): (Vec<char>, Vec<char>) =
        (segment.chars().collect(), name.chars().collect());
    within(&segment, &name)
}

/// Matches one segment, by backtracking.
fn within(pattern: &[char], name: &[char]) -> bool {
    let Some((first, rest)) = pattern.split_first() else {
        return name.is_empty();
    };
    if *first == '*' {
        return (0..=name.len())
            .filter_map(|skip| name.get(skip..))
            .any(|tail| within(rest, tail));
    }
    let Some((c, tail)) = name.split_first() else {
        return false;
    };
    match first {
        '?' => within(rest, tail),
        '[' => {
            let Some(end) = rest.iter().position(|c| *c == ']') else {
                return false;
            };
            let (class, after) = rest.split_at(end);
            in_class(class, *c) && within(after.get(1..).unwrap_or_default(), tail)
        }
        literal => literal == c && within(rest, tail),
    }
}

pub(super) fn in_class(class: &[char], c: char) -> bool {
    match class {
        [low, '-', high, rest @ ..] => (*low..=*high).contains(&c) || in_class(rest, c),
        [one, rest @ ..] => *one == c || in_class(rest, c),
        [] => false,
    }
}
