//! Names that some file system takes for other names.

use hexgate_base::names::{folded, is_ignorable};

/// A name in the spelling that stands for all that a file system may take for the same: letter case, composition of characters, invisible
/// characters, and the ends of names that Windows and its network shares leave out.
pub(super) fn plain(name: &[u8]) -> String {
    let name = String::from_utf8_lossy(name);
    let visible: String = name.chars().filter(|it| !is_left_out(*it)).collect();
    // What follows a colon is a stream of the file before it.
    let file = visible.split(':').next().unwrap_or_default();
    // Without the dot, if the case of a letter took one with it.
    folded(&file.replace(['ı', 'İ'], "i"))
        .trim_end_matches(|it: char| it == '.' || it.is_whitespace())
        .to_owned()
}

/// Whether two names may be one.
pub(super) fn is_same(name: &[u8], other: &[u8]) -> bool {
    name == other || plain(name) == plain(other)
}

/// Whether `path` may be `other` or lie beneath it. Both are absolute.
pub(super) fn is_at(path: &[u8], other: &[u8]) -> bool {
    let mut names = path.split(|byte| *byte == b'/');
    other
        .split(|byte| *byte == b'/')
        .all(|other| names.next().is_some_and(|name| is_same(name, other)))
}

/// Whether a name may be a short name of another one, which cannot be told: `GIT~1` is `.git`.
pub(super) fn is_ambiguous(name: &[u8]) -> bool {
    name.windows(2)
        .any(|pair| matches!(pair, [b'~', b'0'..=b'9']))
}

fn is_left_out(character: char) -> bool {
    is_ignorable(character)
        || matches!(character, '\u{f000}'..='\u{f0ff}' | '\u{fff9}'..='\u{fffb}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_name_are_one() {
        for (name, other) in [
            (".GIT", ".git"),
            (".g\u{131}t", ".git"),
            (".g\u{130}t", ".git"),
            (".git. .", ".git"),
            (".env::$DATA", ".env"),
            (".e\u{200b}nv\u{feff}", ".env"),
            ("\u{ff0e}env", ".env"),
            (".en\u{f022}v", ".env"),
            ("to\u{212a}en", "token"),
            ("\u{17f}ystem.md", "system.md"),
            ("caf\u{e9}", "cafe\u{301}"),
            ("Straße", "STRASSE"),
        ] {
            assert!(
                is_same(name.as_bytes(), other.as_bytes()),
                "{}",
                name.escape_unicode()
            );
        }
        for (name, other) in [(".git", ".gitignore"), ("a", "b"), (".env", "env")] {
            assert!(!is_same(name.as_bytes(), other.as_bytes()), "{name}");
        }
        assert!(is_ambiguous(b"GIT~1") && !is_ambiguous(b"a~b") && !is_ambiguous(b"~"));
    }

    #[test]
    fn a_path_is_at_another_or_beneath_it() {
        for (path, other, is) in [
            ("/w/keep", "/w/keep", true),
            ("/w/KEEP/x/y", "/w/keep", true),
            ("/w/keeper", "/w/keep", false),
            ("/w", "/w/keep", false),
            ("/w/a/STRASSE.TXT", "/w/a/Straße.txt", true),
        ] {
            assert_eq!(is_at(path.as_bytes(), other.as_bytes()), is, "{path}");
        }
    }
}
