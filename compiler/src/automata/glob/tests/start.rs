//! Where searches may start, and paths of Windows.

use super::PathStyle::{self, Posix, Windows};
use crate::automata::glob::{allowed, allowed_regex, denied, denied_regex, start, start_regex};

fn accepts(regex: &str, path: &str) -> bool {
    regex::Regex::new(regex).unwrap().is_match(path)
}

#[test]
fn a_search_may_start_where_a_tree_begins() {
    for (pattern, style, covered, not_covered) in [
        (
            "src/**",
            Posix,
            &["src"][..],
            &["", "src/a", "a/src", "Src", "/src"][..],
        ),
        ("src/", Posix, &["src"], &["", "src/a"]),
        ("a/*/**", Posix, &["a/b"], &["a", "a/b/c"]),
        ("**/docs/**", Posix, &["docs", "a/docs"], &["a", ""]),
        ("/**", Posix, &["/"], &["", "a"]),
        ("/srv/**", Posix, &["/srv"], &["srv", "/"]),
        ("C:/**", Windows, &["C:/"], &["D:/", "", "/"]),
        (
            "c:/Users/**",
            Windows,
            &["C:/Users"],
            &["c:/Users", "C:/users", "C:/"],
        ),
    ] {
        let glob = start(pattern, style).unwrap().unwrap();
        let regex = start_regex(pattern, style).unwrap().unwrap();
        for (paths, expected) in [(covered, true), (not_covered, false)] {
            for path in paths {
                assert_eq!(glob.dfa.accepts(path), expected, "{pattern} {path}");
                assert_eq!(accepts(&regex, path), expected, "{pattern} {path}");
            }
        }
    }
    for pattern in ["**", "src", "src/*", "*.rs", "/"] {
        let found = start(pattern, Posix).unwrap();
        assert!(found.is_none() || pattern == "/", "{pattern}");
    }
}

#[test]
fn patterns_of_windows_begin_with_a_drive() {
    for (pattern, as_allowed, as_denied, neither) in [
        (
            "c:/Users/*",
            &["C:/Users/x"][..],
            &["C:/Users/x", "C:/USERS/X/y", "Users/x"][..],
            &["D:/Users/x", "C:/Users", "C:"][..],
        ),
        (
            "docs/**",
            &["docs/a"],
            &["docs", "DOCS/a"],
            &["C:/docs/a", "C:/"],
        ),
        (
            ".env",
            &[".env", "a/.env"],
            &["C:/a/.env", "C:/.ENV"],
            &["C:/env"],
        ),
        ("**/x", &["x", "a/x"], &["C:/x", "C:/a/X/b"], &["C:/y"]),
        (
            "C:/**",
            &["C:/a"],
            &["C:/", "C:/a", "a", "ab/c"],
            &["D:/", "D:/a", "d:/a"],
        ),
        (
            "C:/**/x",
            &["C:/x", "C:/a/b/x"],
            &["C:/X", "C:/a/X/b", "x", "a/x", "ab/c/x"],
            &["D:/x", "D:/a/x", "C:/y"],
        ),
    ] {
        let (allow, deny) = (
            allowed(pattern, Windows).unwrap(),
            denied(pattern, Windows).unwrap(),
        );
        let (allow_regex, deny_regex) = (
            allowed_regex(pattern, Windows).unwrap(),
            denied_regex(pattern, Windows).unwrap(),
        );
        let absolute = pattern.contains(':');
        assert_eq!(
            (allow.absolute, deny.absolute),
            (absolute, absolute),
            "{pattern}"
        );
        for path in as_allowed {
            assert!(
                allow.dfa.accepts(path) && accepts(&allow_regex, path),
                "{pattern} {path}"
            );
        }
        for path in as_denied {
            assert!(
                deny.dfa.accepts(path) && accepts(&deny_regex, path),
                "{pattern} {path}"
            );
        }
        for path in neither {
            assert!(
                !allow.dfa.accepts(path) && !accepts(&allow_regex, path),
                "{pattern} {path}"
            );
            assert!(
                !deny.dfa.accepts(path) && !accepts(&deny_regex, path),
                "{pattern} {path}"
            );
        }
    }
}

#[test]
fn patterns_that_no_path_of_windows_matches_are_refused() {
    let refused = |pattern: &str, style: PathStyle, word: &str| {
        for outcome in [allowed(pattern, style), denied(pattern, style)] {
            let error = outcome.unwrap_err();
            let said = format!("{} {}", error.message, error.help.unwrap_or_default());
            assert!(said.contains(word), "{pattern}: {said}");
        }
    };
    refused("/etc/**", Windows, "drive");
    refused("//server/share", Windows, "drive");
    refused("C:x", Windows, "root of the drive");
    refused("C:", Windows, "root of the drive");
    refused("CD:/x", Windows, "drive");
    refused("[CD]:/x", Windows, "one pattern for each drive");
    refused("a./b", Windows, "dot");
    refused("a/b .", Windows, "dot");
    refused("C:\\Users\\**", Windows, "C:/Users/**");
    refused("C:/Users/**", Posix, "style: windows");
    refused("c:\\x", Posix, "style: windows");
    refused("https://x", Posix, "drive or scheme");
    refused("!.env.example", Posix, "except_paths");
}
