//! Every link of the Markdown files leads somewhere: to a file of the repository, and to a heading in it.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

#[test]
fn links_lead_to_files_and_headings() {
    let files = documents();
    assert!(
        files.len() > 15,
        "only {} documents were found",
        files.len()
    );
    let mut broken = Vec::new();
    let mut checked = 0;
    for file in &files {
        let text = fs::read_to_string(file).unwrap();
        for (line, target) in links(&text) {
            checked += 1;
            if let Err(reason) = follow(file, target) {
                let name = file.strip_prefix(root()).unwrap().display();
                broken.push(format!("{name}:{line}: `{target}` {reason}"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert!(checked > 200, "only {checked} links were found");
}

#[test]
fn links_and_headings_are_found_as_a_reader_sees_them() {
    let text = "# One `two`, and [three](a.md)\n\n## A—b (c_d)\n\n## A—b (c_d)\n\n```sh\n# no [link](x)\n```\n\
                `[code](y)` [a\nb](c.md#d \"title\") ![image](i.png)\n\n[name]: e.md\n";
    let targets: Vec<_> = links(text).into_iter().map(|(_, target)| target).collect();
    assert_eq!(targets, ["a.md", "c.md#d", "i.png", "e.md"]);
    let expected = ["one-two-and-three", "ab-c_d", "ab-c_d-1"];
    assert_eq!(anchors(text), expected.map(str::to_owned).into());
    let readme = root().join("README.md");
    for (target, reason) in [
        ("docs/none.md", "does not exist"),
        ("docs/security.md#none", "names no heading"),
        ("#none", "names no heading"),
        ("..", "leads out of the repository"),
    ] {
        assert_eq!(follow(&readme, target), Err(reason), "{target}");
    }
    assert_eq!(follow(&readme, "docs/security.md#keys"), Ok(()));
}

/// Follows a link in `file`. Links to other sites are not followed.
fn follow(file: &Path, target: &str) -> Result<(), &'static str> {
    if target.contains("://") || target.starts_with("mailto:") {
        return Ok(());
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let file = if path.is_empty() {
        file.to_owned()
    } else {
        file.parent().unwrap().join(path)
    };
    let file = file.canonicalize().map_err(|_| "does not exist")?;
    if !file.starts_with(root()) {
        return Err("leads out of the repository");
    }
    // Anchors into source files are line numbers, which the site makes.
    let is_document = file.extension().is_some_and(|extension| extension == "md");
    if anchor.is_empty() || !is_document {
        return Ok(());
    }
    let text = fs::read_to_string(&file).map_err(|_| "cannot be read")?;
    if anchors(&text).contains(anchor) {
        Ok(())
    } else {
        Err("names no heading")
    }
}

/// The targets of a document's links, with their lines.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for (line, prose) in prose(text) {
        if let Some((_, target)) = prose
            .strip_prefix('[')
            .and_then(|rest| rest.split_once("]: "))
        {
            found.push((line, target.trim()));
        }
        // Outside of code spans. A link's text may hold code, so only its end is looked for.
        let mut rest = prose;
        while let Some(at) = rest.find(['`', ']']) {
            let (before, from) = rest.split_at(at);
            if let Some(code) = from.strip_prefix('`') {
                rest = code.split_once('`').map_or("", |(_, behind)| behind);
            } else if let Some((target, behind)) = from
                .strip_prefix("](")
                .and_then(|from| from.split_once(')'))
            {
                let target = target.split_whitespace().next().unwrap_or(before);
                found.push((line, target));
                rest = behind;
            } else {
                rest = from.strip_prefix(']').unwrap_or_default();
            }
        }
    }
    found
}

/// The anchors that GitHub gives to a document's headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    for (_, line) in prose(text) {
        let Some(heading) = line.trim_start_matches('#').strip_prefix(' ') else {
            continue;
        };
        if !line.starts_with('#') {
            continue;
        }
        let mut shown = String::new();
        let mut rest = heading.trim();
        // Of a link its text is shown.
        while let Some((before, target)) = rest.split_once("](") {
            shown.push_str(before);
            rest = target.split_once(')').map_or("", |(_, behind)| behind);
        }
        shown.push_str(rest);
        let anchor: String = shown
            .to_lowercase()
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | ' '))
            .map(|c| if c == ' ' { '-' } else { c })
            .collect();
        let mut numbered = anchor.clone();
        for number in 1.. {
            if anchors.insert(numbered) {
                break;
            }
            numbered = format!("{anchor}-{number}");
        }
    }
    anchors
}

/// The lines outside of fenced blocks, with their numbers.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut is_code = false;
    text.lines().zip(1..).filter_map(move |(line, number)| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        (!is_code && !is_fence).then_some((number, line))
    })
}

/// The Markdown files of the repository.
fn documents() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && !path.is_symlink() {
                if !name.starts_with('.')
                    && !matches!(name.as_str(), "golden" | "node_modules" | "target")
                {
                    folders.push(path);
                }
            } else if name.ends_with(".md") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}
