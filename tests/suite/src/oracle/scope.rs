//! File scopes: which paths a tool may touch.

use super::folded::{self, Folded, mistakable};
use crate::{case::Paths, json::Json};

/// A scope as the policy writes it.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    pub(super) argument: String,
    pub(super) paths: Paths,
}

/// The longest path, in bytes.
const BYTES: usize = 4096;
/// The most segments, counted after those that mean nothing are gone.
const SEGMENTS: usize = 256;

impl Scope {
    /// Whether the path argument is inside. Whatever cannot be understood is not.
    pub(super) fn holds(&self, args: &Json) -> bool {
        match args.member(&self.argument) {
            Some(Json::Text(path)) => inside(path, &self.paths),
            _ => false,
        }
    }
}

fn inside(path: &str, scope: &Paths) -> bool {
    let suspicious = |c: char| c == '\\' || c.is_control();
    if path.trim().is_empty() || path.len() > BYTES || path.contains(suspicious) {
        return false;
    }
    let absolute = path.starts_with('/');
    let segments: Vec<&str> = path
        .split('/')
        .filter(|segment| !segment.is_empty() && *segment != ".")
        .collect();
    if segments.len() > SEGMENTS || segments.contains(&"..") {
        return false;
    }
    if segments
        .first()
        .is_some_and(|first| first.starts_with('~') || first.contains(':'))
    {
        return false;
    }

    if !scope.denied.is_empty() && segments.iter().any(|name| mistakable(name)) {
        return false;
    }

    let mut folded: Vec<Vec<Vec<Folded>>> = segments.iter().map(|name| Folded::all(name)).collect();
    if folded.is_empty() {
        // The root has an empty name, which `*` matches: what denies every name denies the folder of them all.
        folded.push(Folded::all(""));
    }
    for pattern in &scope.denied {
        // Anchored at the relative root, it says nothing about an absolute path; a mere name does, and so does what begins anywhere.
        if absolute
            && pattern.contains('/')
            && !pattern.starts_with('/')
            && !pattern.starts_with("**/")
        {
            continue;
        }
        let pattern = Pattern::of(pattern);
        // A folder above that matches covers all that is below it.
        let covered = (1..=folded.len())
            .filter_map(|end| folded.get(..end))
            .any(|folder| {
                cross(&pattern.segments, folder, &|it, name| {
                    folded::matches(it, name)
                })
            });
        if covered {
            return false;
        }
    }

    let is_absolute = |pattern: &String| pattern.starts_with('/');
    if scope.allowed.is_empty() {
        // Relative patterns say nothing about an absolute path, so they cannot clear one.
        return !absolute || scope.denied.is_empty() || scope.denied.iter().any(is_absolute);
    }
    scope.allowed.iter().any(|pattern| {
        is_absolute(pattern) == absolute && Pattern::of(pattern).within_reach(&segments)
    })
}

/// A pattern, segment by segment.
struct Pattern {
    segments: Vec<String>,
    /// It is `**` and nothing else.
    everything: bool,
}

impl Pattern {
    fn of(text: &str) -> Self {
        let everything = text == "**";
        let mut text = text.to_owned();
        // Two stars alone cross everything, with or without a name at the end.
        if !text.contains('/') && !everything {
            text.insert_str(0, "**/");
        }
        if text.ends_with('/') {
            text.push_str("**");
        }
        Self {
            segments: text
                .split('/')
                .filter(|segment| !segment.is_empty())
                .map(str::to_owned)
                .collect(),
            everything,
        }
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
