//! Paths of files.

use crate::{bounds::ITEM_BYTES, characters::is_clean};

/// The endings of names of files that people write without a folder. A name with another ending is one of a host if it can be one; one with
/// these is not, for anybody can register `report.zip`.
const ENDINGS: &[&str] = &[
    "7z",
    "aac",
    "adoc",
    "ads",
    "apk",
    "asm",
    "avi",
    "awk",
    "bak",
    "bash",
    "bat",
    "bib",
    "bin",
    "bmp",
    "bz2",
    "c",
    "cc",
    "cer",
    "cfg",
    "class",
    "clj",
    "cmake",
    "cmd",
    "conf",
    "cpp",
    "crt",
    "cs",
    "csh",
    "css",
    "csv",
    "cxx",
    "dart",
    "dat",
    "db",
    "deb",
    "diff",
    "dll",
    "dmg",
    "doc",
    "docx",
    "dot",
    "env",
    "eot",
    "eps",
    "epub",
    "erl",
    "ex",
    "exe",
    "exs",
    "fish",
    "flac",
    "fs",
    "gif",
    "go",
    "gradle",
    "graphql",
    "gz",
    "h",
    "hcl",
    "heic",
    "hpp",
    "hs",
    "htm",
    "html",
    "ico",
    "ics",
    "iml",
    "ini",
    "ipynb",
    "iso",
    "jar",
    "java",
    "jl",
    "jpeg",
    "jpg",
    "js",
    "json",
    "json5",
    "jsonl",
    "jsx",
    "key",
    "kt",
    "kts",
    "less",
    "lib",
    "lisp",
    "lock",
    "log",
    "lua",
    "m4a",
    "markdown",
    "md",
    "mdx",
    "mjs",
    "mkv",
    "ml",
    "mov",
    "mp3",
    "mp4",
    "mpg",
    "nix",
    "odp",
    "ods",
    "odt",
    "ogg",
    "old",
    "orig",
    "otf",
    "out",
    "parquet",
    "patch",
    "pdf",
    "pem",
    "php",
    "pkl",
    "pl",
    "plist",
    "pm",
    "png",
    "ppt",
    "pptx",
    "properties",
    "proto",
    "ps",
    "ps1",
    "psd",
    "pub",
    "pxd",
    "py",
    "pyc",
    "pyi",
    "pyx",
    "qml",
    "rar",
    "raw",
    "rb",
    "rego",
    "rlib",
    "rpm",
    "rs",
    "rst",
    "rtf",
    "sass",
    "scala",
    "scss",
    "sh",
    "sql",
    "sqlite",
    "srt",
    "svelte",
    "svg",
    "swift",
    "swp",
    "tar",
    "tex",
    "tf",
    "tfvars",
    "tgz",
    "thrift",
    "tif",
    "tiff",
    "tmp",
    "toml",
    "ts",
    "tsv",
    "tsx",
    "ttf",
    "txt",
    "vb",
    "vim",
    "vtt",
    "vue",
    "war",
    "wasm",
    "wat",
    "wav",
    "webm",
    "webp",
    "wit",
    "woff",
    "woff2",
    "xhtml",
    "xls",
    "xlsx",
    "xml",
    "xsd",
    "xsl",
    "xz",
    "yaml",
    "yml",
    "zig",
    "zip",
    "zsh",
    "zst",
];

/// Names of files that have no ending.
const NAMES: &[&str] = &[
    "Brewfile",
    "Containerfile",
    "Dockerfile",
    "Gemfile",
    "Jenkinsfile",
    "Justfile",
    "LICENSE",
    "Makefile",
    "Procfile",
    "Rakefile",
    "README",
    "Vagrantfile",
    "makefile",
];

/// Whether a word behind the last point is an ending of names of files.
pub(crate) fn is_ending(word: &str) -> bool {
    ENDINGS.contains(&word.to_ascii_lowercase().as_str())
}

/// The normal form of a path: without `.` and empty segments, without a final `/`. None with `..`: where it leads depends on links.
pub(crate) fn normal(path: &str) -> Option<String> {
    if path.len() > ITEM_BYTES || path.starts_with("//") || path.contains('\\') || !is_clean(path) {
        return None;
    }
    let mut normal = String::with_capacity(path.len());
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => return None,
            segment => {
                if !normal.is_empty() || path.starts_with('/') {
                    normal.push('/');
                }
                normal.push_str(segment);
            }
        }
    }
    if normal.is_empty() && path.starts_with('/') {
        normal.push('/');
    }
    (!normal.is_empty()).then_some(normal)
}

/// The path that a word of a sentence is.
pub(crate) fn found(word: &str) -> Option<String> {
    let word = without_line(word);
    let home = word.strip_prefix("~/");
    let is_plain = |character: char| {
        character.is_alphanumeric() || matches!(character, '.' | '_' | '-' | '+' | '@' | '%' | '/')
    };
    if !home.unwrap_or(word).chars().all(is_plain) {
        return None;
    }
    let has_letter = word.chars().any(char::is_alphabetic);
    let is_path = match word.rsplit_once('/') {
        // Fractions and days.
        Some(_) => has_letter,
        None => is_file(word),
    };
    is_path.then(|| normal(word))?
}

/// A name of a file without a folder: with a known ending, a known name, or hidden.
fn is_file(word: &str) -> bool {
    if let Some(hidden) = word.strip_prefix('.') {
        return hidden.len() >= 2
            && hidden.starts_with(|first: char| first.is_ascii_lowercase())
            && !hidden.contains("..");
    }
    NAMES.contains(&word)
        || word.rsplit_once('.').is_some_and(|(name, ending)| {
            !name.is_empty() && !word.contains("..") && is_ending(ending)
        })
}

/// A path as compilers print it, without `:LINE` and `:LINE:COLUMN`.
fn without_line(word: &str) -> &str {
    let strip = |word: &'_ str| -> Option<usize> {
        let (path, line) = word.rsplit_once(':')?;
        let is_line =
            (1..=7).contains(&line.len()) && line.bytes().all(|byte| byte.is_ascii_digit());
        is_line.then_some(path.len())
    };
    let mut word = word;
    for _ in 0..2 {
        word = strip(word).and_then(|end| word.get(..end)).unwrap_or(word);
    }
    word
}
