//! File scopes: which paths a tool may touch.

use crate::{
    dfa::Dfa,
    json::{Document, Node, Text, kind, kind_of},
    plan::{
        Plan, Ref, Shape, View,
        layout::{self, size},
    },
    value::Truth,
};

/// The longest accepted path, in bytes.
pub const MAX_PATH: usize = 4096;
/// The most segments of an accepted path.
const MAX_SEGMENTS: usize = 256;

/// Characters that file systems, or what stands before them, leave out of a name or put others in the place of: first and last of each
/// range. They are those that Unicode says to ignore by default, with U+FFF9 to U+FFFB, and U+F000 to U+F0FF, which network shares put
/// for characters that Windows does not have in names.
pub const IGNORED_IN_NAMES: [(u32, u32); 18] = [
    (0xAD, 0xAD),
    (0x34F, 0x34F),
    (0x61C, 0x61C),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x202A, 0x202E),
    (0x2060, 0x206F),
    (0x3164, 0x3164),
    (0xF000, 0xF0FF),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFFB),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
];

/// Whether a scope of a plan covers a path that a call did not name: a result of a search, say. False: it does not, or there is no such
/// scope. `buffer` has at least [`MAX_PATH`] bytes; what is written into them has no zero in it.
#[must_use]
pub fn covers(plan: &Plan<'_>, scope: u32, path: &str, buffer: &mut [u8]) -> bool {
    let path = Given::Text(Text::plain(path.as_bytes()));
    let covers = plan.checked(|plan| {
        plan.scope_of(scope)
            .is_some_and(|bounds| satisfies(plan, bounds, path, buffer))
    });
    covers == Ok(true)
}

/// Whether a path satisfies a scope, or bounds.
fn satisfies(plan: View<'_>, at: Ref, path: Given<'_>, buffer: &mut [u8]) -> bool {
    if plan.word(at, 0) & layout::scope::BOUNDS == 0 {
        return covers_path(plan, &Shape::of(plan, at), path, false, buffer);
    }
    if let Some(scope) = plan.bounded_scope(at)
        && !covers_path(plan, &Shape::of(plan, scope), path, false, buffer)
    {
        return false;
    }
    plan.references_behind(at, 2)
        .all(|scope| excludes_path(plan, &Shape::of(plan, scope), path, buffer) == Truth::False)
}

/// Whether a scope covers all paths of a call. `buffer` has at least [`MAX_PATH`] bytes.
#[inline(never)]
pub(crate) fn covers_call<'a>(
    plan: View<'a>,
    scope: Ref,
    arguments: &'a Document<'a>,
    buffer: &mut [u8],
) -> bool {
    let scope = Shape::of(plan, scope);
    for index in 0..scope.argument_count() {
        let argument = argument(plan, &scope, index, arguments);
        let mut nth = 0;
        while let Some(path) = given(arguments, argument, scope.search, nth) {
            if !covers_path(plan, &scope, path, scope.search, buffer) {
                return false;
            }
            nth += 1;
        }
    }
    true
}

/// Whether one of the paths of a call is among those that the scope of an exception or forbid is about. `buffer` has at least
/// [`MAX_PATH`] bytes.
#[inline(never)]
pub(crate) fn excludes_call<'a>(
    plan: View<'a>,
    scope: Ref,
    arguments: &'a Document<'a>,
    buffer: &mut [u8],
) -> Truth {
    let scope = Shape::of(plan, scope);
    let mut truth = Truth::False;
    for index in 0..scope.argument_count() {
        let argument = argument(plan, &scope, index, arguments);
        let mut nth = 0;
        while let Some(path) = given(arguments, argument, scope.search, nth) {
            truth = truth | excludes_path(plan, &scope, path, buffer);
            if truth == Truth::True {
                return truth;
            }
            nth += 1;
        }
    }
    truth
}

/// What a call says for an argument that holds paths.
fn argument<'a>(
    plan: View<'a>,
    scope: &Shape,
    index: usize,
    arguments: &'a Document<'a>,
) -> Option<&'a Node> {
    let name = plan.text(scope.argument(index), 0);
    arguments.member(arguments.node(0), name)
}

/// What stands for a path.
#[derive(Debug, Clone, Copy)]
enum Given<'a> {
    /// A text, not yet normalised.
    Text(Text<'a>),
    /// Nothing, where a search starts at the root.
    Root,
    /// Nothing that could be a path.
    Nothing,
}

/// The path of that index that an argument gives: a text, or the texts of a list. There is always a first one.
#[inline]
fn given<'a>(
    arguments: &'a Document<'a>,
    argument: Option<&'a Node>,
    search: bool,
    nth: usize,
) -> Option<Given<'a>> {
    let node = match argument {
        Some(list) if kind_of(list) == kind::LIST => {
            let elements = arguments.children(list);
            match elements.get(nth) {
                None if elements.is_empty() && nth == 0 => return Some(Given::Nothing),
                element => element?,
            }
        }
        _ if nth > 0 => return None,
        None if search => return Some(Given::Root),
        None => return Some(Given::Nothing),
        Some(node) => node,
    };
    Some(match kind_of(node) {
        kind::STRING => Given::Text(Text::plain(arguments.raw(node))),
        kind::ESCAPED => Given::Text(Text::json(arguments.raw(node), true)),
        _ => Given::Nothing,
    })
}

/// Whether a scope covers a path. `starts`: or a search may start there.
#[inline(never)]
fn covers_path(
    plan: View<'_>,
    scope: &Shape,
    path: Given<'_>,
    starts: bool,
    buffer: &mut [u8],
) -> bool {
    let Some(path) = Path::of(path, scope.windows, buffer) else {
        return false;
    };
    let denied = is_denied(plan, scope, &path);
    if denied == Truth::True {
        return false;
    }
    if scope.allowed().is_empty() {
        return denied == Truth::False;
    }
    if starts && path.text.is_empty() {
        return true;
    }
    let covers = |table: Ref, pattern: Ref| {
        has(plan, pattern, layout::scope::ABSOLUTE) == path.is_absolute()
            && accepts(plan, table, path.text)
    };
    let (starting, count) = scope.start_table();
    for (index, pattern) in scope.allowed().step_by(size::PATTERN).enumerate() {
        if covers(plan.reference(pattern, 2), pattern) {
            return true;
        }
        if starts && index < count {
            let table = plan.reference(starting, index);
            if table != 0 && covers(table, pattern) {
                return true;
            }
        }
    }
    false
}

/// Whether a path is among those that the scope of an exception or forbid is about.
fn excludes_path(plan: View<'_>, scope: &Shape, path: Given<'_>, buffer: &mut [u8]) -> Truth {
    if scope.denied().is_empty() {
        return Truth::True;
    }
    match Path::of(path, scope.windows, buffer) {
        Some(path) => is_denied(plan, scope, &path),
        None => Truth::Undefined,
    }
}

/// Whether denied patterns cover a path. Undefined: it is absolute, and they are all relative.
#[inline]
fn is_denied(plan: View<'_>, scope: &Shape, path: &Path<'_>) -> Truth {
    if scope.denied().is_empty() {
        return Truth::False;
    }
    if is_mistakable(path.below_drive()) {
        return Truth::True;
    }
    let mut only_relative = true;
    for pattern in scope.denied().step_by(size::PATTERN) {
        let [_, _, table, bits] = plan.record(pattern);
        if accepts(plan, table as usize, path.text) && !is_lifted(plan, scope, pattern, path) {
            return Truth::True;
        }
        only_relative &= bits & layout::scope::ABSOLUTE == 0;
    }
    if path.is_absolute() && only_relative {
        Truth::Undefined
    } else {
        Truth::False
    }
}

/// Whether a path that a denied pattern covers is excepted. A name without a slash lifts names only, and only where they match the path
/// itself and no folder above it.
fn is_lifted(plan: View<'_>, scope: &Shape, denied: Ref, path: &Path<'_>) -> bool {
    let is_name = || {
        let above = || accepts(plan, plan.reference(denied, 2), path.parent()?).then_some(());
        !has(plan, denied, layout::scope::HAS_SLASH) && above().is_none()
    };
    scope.except().step_by(size::PATTERN).any(|pattern| {
        has(plan, pattern, layout::scope::ABSOLUTE) == path.is_absolute()
            && accepts(plan, plan.reference(pattern, 2), path.text)
            && (has(plan, pattern, layout::scope::HAS_SLASH) || is_name())
    })
}

fn has(plan: View<'_>, pattern: Ref, bit: u32) -> bool {
    plan.word(pattern, 3) & bit != 0
}

fn accepts(plan: View<'_>, dfa: Ref, path: &[u8]) -> bool {
    Dfa::at(plan, dfa).accepts(path.iter().copied())
}

/// A path without `.` and empty segments.
#[derive(Debug)]
struct Path<'b> {
    text: &'b [u8],
    /// How long its root is: 0 of a relative one, 1 for `/`, 3 for a drive.
    root: usize,
}

impl<'b> Path<'b> {
    fn of(path: Given<'_>, windows: bool, buffer: &'b mut [u8]) -> Option<Self> {
        match path {
            Given::Text(text) => normalise(text, windows, buffer),
            Given::Root => Some(Self { text: b"", root: 0 }),
            Given::Nothing => None,
        }
    }

    fn is_absolute(&self) -> bool {
        self.root > 0
    }

    /// The folder that it is in. None: it is a root, which has no name, or lies in one.
    fn parent(&self) -> Option<&'b [u8]> {
        let below = self.text.get(self.root..)?;
        let slash = below.iter().rposition(|byte| *byte == b'/')?;
        self.text.get(..self.root + slash)
    }

    /// What follows the letter and the colon of a drive; all of any other path.
    fn below_drive(&self) -> &'b [u8] {
        self.text
            .get(self.root.saturating_sub(1)..)
            .unwrap_or_default()
    }
}

/// The path without `.` and empty segments, in `buffer`; nothing if the path must not be used.
#[inline]
fn normalise<'b>(path: Text<'_>, windows: bool, buffer: &'b mut [u8]) -> Option<Path<'b>> {
    let mut len = 0;
    let mut take = |byte| {
        // No zero gets into the buffer: wiping it stops at the first one.
        if len == MAX_PATH || byte == 0 {
            return None;
        }
        *buffer.get_mut(len)? = byte;
        len += 1;
        Some(())
    };
    if path.is_raw() {
        for byte in path.raw {
            take(*byte)?;
        }
    } else {
        let mut bytes = path.bytes();
        while let Some(byte) = bytes.step() {
            take(byte)?;
        }
    }
    if windows {
        let separators = buffer.get_mut(..len)?.iter_mut();
        for separator in separators.filter(|byte| **byte == b'\\') {
            *separator = b'/';
        }
    }
    let raw = buffer.get(..len)?;
    if is_blank(raw) || has_control(raw) || raw.contains(&b'\\') {
        return None;
    }
    let root = match raw {
        // There is a root on each drive, and a server behind two slashes.
        [b'/', ..] if windows => return None,
        [b'/', ..] => 1,
        [letter, b':', b'/', ..] if windows && letter.is_ascii_alphabetic() => 3,
        _ => 0,
    };
    if let (3, Some(letter)) = (root, buffer.first_mut()) {
        letter.make_ascii_uppercase();
    }
    // Segments move to the front of the buffer they are read from: what is written never overtakes what is read.
    let mut written = root;
    let mut segments = 0;
    let mut start = root;
    while start < len {
        let rest = buffer.get(start..len)?;
        let end = start
            + rest
                .iter()
                .position(|byte| *byte == b'/')
                .unwrap_or(rest.len());
        let segment = buffer.get(start..end)?;
        if !matches!(segment, b"" | b".") {
            let first = segments == 0;
            if segment == b".."
                || first && (segment.starts_with(b"~") || segment.contains(&b':'))
                || windows && drops_end(segment)
            {
                return None;
            }
            segments += 1;
            if segments > MAX_SEGMENTS {
                return None;
            }
            if !first {
                *buffer.get_mut(written)? = b'/';
                written += 1;
            }
            buffer.copy_within(start..end, written);
            written += end - start;
        }
        start = end + 1;
    }
    Some(Path {
        text: buffer.get(..written)?,
        root,
    })
}

/// Whether Windows drops the end of a name: dots and blanks.
fn drops_end(segment: &[u8]) -> bool {
    let mut rest = segment;
    let mut last = 0;
    while let Some((code, after)) = next(rest) {
        last = code;
        rest = after;
    }
    last == u32::from(b'.') || is_space(last)
}

/// Whether there is nothing but white space (Unicode's).
fn is_blank(path: &[u8]) -> bool {
    let mut rest = path;
    while let Some((code, after)) = next(rest) {
        if !is_space(code) {
            return false;
        }
        rest = after;
    }
    true
}

/// Whether a file system may take a normalised path for another one by its form, so that patterns of denied paths cannot tell what it
/// leads to: a segment ends in a dot or in white space (Windows drops both), has a `:` (a stream of a file) or a `~` before a digit
/// (a short name), or has characters that are left out. Case and composition are looked after by the patterns' tables.
fn is_mistakable(path: &[u8]) -> bool {
    let mut before = 0;
    for byte in path {
        let mistakable = match byte {
            b'/' => before == b'.' || is_space(before.into()),
            b'0'..=b'9' => before == b'~',
            b':' => true,
            0..0x80 => false,
            0x80.. => return is_mistakable_beyond_ascii(path),
        };
        if mistakable {
            return true;
        }
        before = *byte;
    }
    before == b'.' || is_space(before.into())
}

#[inline(never)]
fn is_mistakable_beyond_ascii(path: &[u8]) -> bool {
    let mut rest = path;
    let mut before = 0;
    loop {
        let (code, after) = next(rest).unwrap_or((SLASH, rest));
        let is_end = code == SLASH;
        let drops = is_end && (before == u32::from(b'.') || is_space(before));
        let short = before == u32::from(b'~') && matches!(code, 0x30..=0x39);
        if drops || short || code == u32::from(b':') || is_ignored(code) {
            return true;
        }
        if rest.is_empty() {
            return false;
        }
        before = code;
        rest = after;
    }
}

const SLASH: u32 = b'/' as u32;

fn is_ignored(code: u32) -> bool {
    let [(first, _), ..] = IGNORED_IN_NAMES;
    code >= first
        && IGNORED_IN_NAMES
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&code))
}

/// White space by Unicode.
fn is_space(code: u32) -> bool {
    matches!(
        code,
        0x09..=0x0d | 0x20 | 0x85 | 0xa0 | 0x1680 | 0x2000..=0x200a | 0x2028 | 0x2029 | 0x202f | 0x205f | 0x3000
    )
}

/// The first code point, and what follows it. The text is UTF-8.
fn next(text: &[u8]) -> Option<(u32, &[u8])> {
    let (first, mut rest) = text.split_first()?;
    let mut code = u32::from(*first);
    if code < 0x80 {
        return Some((code, rest));
    }
    // What leads a code point of several bytes tells how many by its ones, which fall out on the left.
    let more = first.leading_ones().saturating_sub(1);
    code &= 0x3f >> more;
    for _ in 0..more {
        let (byte, after) = rest.split_first()?;
        code = code << 6 | u32::from(byte & 0x3f);
        rest = after;
    }
    Some((code, rest))
}

/// Whether there is a control character: U+0000 to U+001F, U+007F to U+009F.
pub(crate) fn has_control(text: &[u8]) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let (words, rest) = text.as_chunks::<8>();
    let mut suspicious = false;
    for word in words {
        let word = u64::from_le_bytes(*word);
        // Set for bytes below 0x20, for 0x7f and for all from 0x80 on.
        let low = word.wrapping_sub(ONES * 0x20);
        let high = (word & (ONES * 0x7f)).wrapping_add(ONES);
        suspicious |= (low | high | word) & (ONES << 7) != 0;
    }
    for byte in rest {
        suspicious |= !matches!(byte, 0x20..0x7f);
    }
    suspicious && has_control_bytewise(text)
}

#[cold]
fn has_control_bytewise(text: &[u8]) -> bool {
    let mut before = 0;
    for byte in text {
        if matches!(byte, 0..0x20 | 0x7f) || before == 0xc2 && matches!(byte, 0x80..0xa0) {
            return true;
        }
        before = *byte;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{string::String, vec};

    fn normalised(path: &str) -> Option<String> {
        let mut buffer = vec![0; MAX_PATH];
        normalise(Text::plain(path.as_bytes()), false, &mut buffer)
            .map(|path| String::from_utf8(path.text.to_vec()).unwrap())
    }

    #[test]
    fn dots_and_empty_segments_vanish() {
        for (path, expected) in [
            ("a", "a"),
            ("./a//b/./c/", "a/b/c"),
            ("/", "/"),
            ("//etc//passwd", "/etc/passwd"),
            ("/./.", "/"),
            (".", ""),
            ("./", ""),
            (".env", ".env"),
            ("...", "..."),
            ("a/~b/c:d", "a/~b/c:d"),
            ("a b", "a b"),
            ("é/ü", "é/ü"),
        ] {
            assert_eq!(normalised(path).as_deref(), Some(expected), "{path}");
        }
    }

    #[test]
    fn paths_that_mean_something_else_elsewhere_are_refused() {
        for path in [
            "",
            " ",
            "\u{a0}",
            "\u{3000} ",
            "..",
            "a/..",
            "../a",
            "a/../b",
            "a\\b",
            "a\nb",
            "a\u{7f}",
            "a\u{85}b",
            "\u{9f}",
            "~",
            "~root/x",
            "./~x",
            "/~x",
            "C:/x",
            "file:///etc",
            "./a:b/c",
            "a\u{0}",
        ] {
            assert_eq!(normalised(path), None, "{path:?}");
        }
    }

    #[test]
    fn paths_that_file_systems_take_for_others_are_told() {
        for path in [
            ".env.",
            ".env ",
            "a/.git./config",
            "a/.git /config",
            "...",
            "a\u{a0}/b",
            "a\u{3000}",
            "x/.env::$DATA",
            "GIT~1",
            "a/x~9.txt/b",
            ".e\u{200b}nv",
            ".git\u{feff}",
            "a\u{ad}",
            "x/\u{e0001}y",
            "\u{f022}",
            "\u{1d173}",
        ] {
            assert!(is_mistakable(path.as_bytes()), "{path:?}");
            assert!(is_mistakable_beyond_ascii(path.as_bytes()), "{path:?}");
        }
        for path in [
            "",
            "/",
            "/a/b",
            ".env",
            "a.b/c d",
            "café/menu.txt",
            " a",
            "~",
            "a~",
            "a~b",
            "~a/b",
            "日本語/ファイル.txt",
            "😀/x",
            "a\u{e000}b",
            "\u{1d172}",
            "\u{10ffff}",
        ] {
            assert!(!is_mistakable(path.as_bytes()), "{path:?}");
            assert!(!is_mistakable_beyond_ascii(path.as_bytes()), "{path:?}");
        }
    }

    #[test]
    fn code_points_are_read_one_by_one() {
        for c in (0..=u32::from(char::MAX)).filter_map(char::from_u32) {
            let text = String::from(c) + "x";
            let (code, rest) = next(text.as_bytes()).unwrap();
            assert_eq!((code, rest), (u32::from(c), b"x".as_slice()));
            assert_eq!(is_space(code), c.is_whitespace(), "{c:?}");
        }
    }

    #[test]
    fn what_is_written_of_a_path_has_no_zero_in_it() {
        for path in ["a/b\\u0000secret", "\\u0000secret", "a\\u0000\\u0000b/../c"] {
            let text = Text::json(path.as_bytes(), true);
            let mut buffer = vec![0; MAX_PATH];
            assert!(normalise(text, false, &mut buffer).is_none());
            let used = buffer.iter().position(|byte| *byte == 0).unwrap();
            assert!(buffer[used..].iter().all(|byte| *byte == 0), "{path}");
        }
    }

    #[test]
    fn long_paths_are_refused() {
        assert!(normalised(&"a".repeat(4096)).is_some());
        assert!(normalised(&"a".repeat(4097)).is_none());
        assert!(normalised(&["a"; 256].join("/")).is_some());
        assert!(normalised(&["a"; 257].join("/")).is_none());
        assert!(normalised(&("/".to_owned_string() + &["a"; 256].join("/./"))).is_some());
    }

    trait ToOwnedString {
        fn to_owned_string(&self) -> String;
    }

    impl ToOwnedString for str {
        fn to_owned_string(&self) -> String {
            self.into()
        }
    }

    #[test]
    fn control_characters_are_found_wherever_they_stand() {
        for code in (0..0x300)
            .chain([0x2028, 0xfeff, 0x1f600])
            .filter_map(char::from_u32)
        {
            for before in 0..10 {
                let text = "x".repeat(before) + &String::from(code) + "yyyyyyyyy";
                assert_eq!(
                    has_control(text.as_bytes()),
                    code.is_control(),
                    "{code:?} after {before}"
                );
            }
        }
    }
}
