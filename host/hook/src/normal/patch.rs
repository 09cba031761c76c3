//! The patches of Codex: one text that changes several files.

use crate::failure::Failure;
use crate::json::{Object, raw};

const BEGIN: &str = "*** Begin Patch";
const END: &str = "*** End Patch";
/// Lines that name a file.
const NAMING: &[&str] = &[
    "*** Add File: ",
    "*** Update File: ",
    "*** Delete File: ",
    "*** Move to: ",
];
/// Lines with stars that name none.
const OTHERS: &[&str] = &["*** End of File", "*** Environment ID: "];

/// Puts the patch into `patch`, and the files that it touches into `file_path`: a text if it is one, a list if it is several. A patch that
/// cannot be read has none, so that no scope covers it.
pub(super) fn unfold(input: &mut Object) -> Result<(), Failure> {
    let Some((name, patch)) = ["command", "input", "patch"]
        .into_iter()
        .find_map(|name| Some((name, input.text(name).ok()??)))
    else {
        return Ok(());
    };
    input.take(name);
    // What the agent says itself of the files counts for nothing.
    if ["file_path", "path"].iter().any(|name| input.has(name)) {
        return Err(Failure::malformed("a patch names its files itself"));
    }
    let files = files(&patch);
    if let Some(patch) = raw(&patch) {
        input.set("patch", patch);
    }
    let value = match files.as_deref() {
        None | Some([]) => None,
        Some([one]) => raw(one),
        Some(several) => raw(several),
    };
    if let Some(value) = value {
        input.set("file_path", value);
    }
    Ok(())
}

/// The files that a patch touches, each once. None: it is not read in full.
fn files(patch: &str) -> Option<Vec<String>> {
    let mut lines = patch.trim().lines().map(str::trim_end);
    if lines.next()? != BEGIN {
        return None;
    }
    let mut files: Vec<String> = Vec::new();
    let mut ended = false;
    for line in lines {
        if ended {
            return None;
        }
        // Codex reads these lines with blanks before them, too.
        let begin = line.trim_start();
        if !begin.starts_with("***") {
            continue;
        }
        if begin == END {
            ended = true;
        } else if let Some(file) = NAMING.iter().find_map(|name| begin.strip_prefix(name)) {
            let file = file.trim();
            if file.is_empty() {
                return None;
            }
            if !files.iter().any(|known| known == file) {
                files.push(file.to_owned());
            }
        } else if !OTHERS.iter().any(|other| begin.starts_with(other)) {
            return None;
        }
    }
    ended.then_some(files)
}

#[cfg(test)]
mod tests {
    use super::files;

    #[test]
    fn the_files_of_a_patch_are_named() {
        let patch = "*** Begin Patch\n*** Add File: a/b.txt\n+x\n*** Update File: c.rs\n*** Move to: d.rs\n@@\n-*** no\n+y\n*** Delete File: e\n*** End Patch\n";
        assert_eq!(files(patch).unwrap(), ["a/b.txt", "c.rs", "d.rs", "e"]);
    }

    #[test]
    fn a_patch_that_is_not_read_in_full_names_none() {
        for patch in [
            "",
            "x",
            "*** Begin Patch\n*** Add File: a",
            "*** Begin Patch\n*** Add File:\n*** End Patch",
            "*** Begin Patch\n*** Rename File: a\n*** End Patch",
            "*** Begin Patch\n*** Add File: a\n*** End Patch\n*** Add File: b",
        ] {
            assert_eq!(files(patch), None, "{patch}");
        }
        assert_eq!(files("*** Begin Patch\n*** End Patch"), Some(vec![]));
    }
}
