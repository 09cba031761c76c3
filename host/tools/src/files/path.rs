//! Paths as calls write them.

use hexgate_agent::tool::ToolError;

/// The longest path, in bytes, and the most segments: those of a file scope.
const MAX_PATH: usize = 4096;
const MAX_SEGMENTS: usize = 256;

/// A path as a call wrote it, in the normal form of file scopes: without `.`, `..` and empty segments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) is_absolute: bool,
    pub(crate) segments: Vec<String>,
}

impl Written {
    /// Reads a path. What a file scope would refuse to read is refused here too, also if the policy has no scope: tools and policies never
    /// differ about what a path means.
    pub(crate) fn parse(path: &str) -> Result<Self, ToolError> {
        let refuse = |why: &str| Err(ToolError::new("invalid_path", why));
        if path.trim().is_empty() {
            return refuse("the path is empty");
        }
        if path.len() > MAX_PATH {
            return refuse("the path is longer than 4096 bytes");
        }
        if path.contains('\0') {
            return refuse("the path contains a zero");
        }
        let segments: Vec<String> = path
            .split('/')
            .filter(|segment| !matches!(*segment, "" | "."))
            .map(str::to_owned)
            .collect();
        if segments.iter().any(|segment| segment == "..") {
            return refuse(
                "`..` is not followed; write the path without it, from the workspace on",
            );
        }
        if segments.first().is_some_and(|first| first.starts_with('~')) {
            return refuse("`~` is not a folder here; write the path from the workspace on");
        }
        if segments.len() > MAX_SEGMENTS {
            return refuse("the path has more than 256 segments");
        }
        Ok(Self {
            is_absolute: path.starts_with('/'),
            segments,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_the_normal_form_of_file_scopes() {
        for (path, absolute, segments) in [
            ("a", false, vec!["a"]),
            ("./a//b/./c/", false, vec!["a", "b", "c"]),
            (".", false, vec![]),
            ("/", true, vec![]),
            ("//etc/./passwd", true, vec!["etc", "passwd"]),
            (".env", false, vec![".env"]),
            (" a b ", false, vec![" a b "]),
            ("a\nb", false, vec!["a\nb"]),
            ("a\\b", false, vec!["a\\b"]),
            ("a/~b", false, vec!["a", "~b"]),
            ("...", false, vec!["..."]),
        ] {
            let written = Written::parse(path).unwrap();
            assert_eq!(written.is_absolute, absolute, "{path}");
            assert_eq!(written.segments, segments, "{path}");
        }
        let long = "a/".repeat(257);
        for path in [
            "", " ", "..", "a/../b", "a/..", "~", "~me/x", "./~", "a\0b", &long,
        ] {
            let error = Written::parse(path).unwrap_err();
            assert_eq!(error.kind, "invalid_path", "{path}");
        }
    }
}
