//! File scopes: which paths a tool may touch.

use crate::{
    dfa::Dfa,
    json::Text,
    plan::{Ref, View, layout::size},
};

/// The longest accepted path, in bytes.
pub const MAX_PATH: usize = 4096;
/// The most segments of an accepted path.
const MAX_SEGMENTS: usize = 256;

/// Whether a scope covers a path. `buffer` has at least [`MAX_PATH`] bytes.
pub(crate) fn covers(plan: View<'_>, scope: Ref, path: Text<'_>, buffer: &mut [u8]) -> bool {
    let Some(path) = normalise(path, buffer) else {
        return false;
    };
    let absolute = path.first() == Some(&b'/');
    let (allowed, denied) = (plan.count(scope, 3), plan.count(scope, 4));
    let mut only_relative = true;
    for index in allowed..allowed + denied {
        let pattern = pattern(scope, index);
        if accepts(plan, pattern, path) {
            return false;
        }
        only_relative &= plan.word(pattern, 3) == 0;
    }
    if allowed == 0 {
        return !(absolute && denied > 0 && only_relative);
    }
    (0..allowed).any(|index| {
        let pattern = pattern(scope, index);
        (plan.word(pattern, 3) != 0) == absolute && accepts(plan, pattern, path)
    })
}

/// The record of a scope's pattern: the allowed ones first, then the denied ones.
pub(crate) fn pattern(scope: Ref, index: usize) -> Ref {
    scope
        .wrapping_add(20)
        .wrapping_add(index.wrapping_mul(size::PATTERN))
}

fn accepts(plan: View<'_>, pattern: Ref, path: &[u8]) -> bool {
    Dfa::at(plan, plan.reference(pattern, 2)).accepts(path.iter().copied())
}

/// The path without `.` and empty segments, in `buffer`; nothing if the path must not be used.
fn normalise<'b>(path: Text<'_>, buffer: &'b mut [u8]) -> Option<&'b [u8]> {
    let mut len = 0;
    for byte in path.bytes() {
        if len == MAX_PATH {
            return None;
        }
        *buffer.get_mut(len)? = byte;
        len += 1;
    }
    let raw = buffer.get(..len)?;
    if is_blank(raw) || has_control(raw) || raw.contains(&b'\\') {
        return None;
    }
    let absolute = raw.first() == Some(&b'/');
    // Segments move to the front of the buffer they are read from: what is written never overtakes what is read.
    let mut written = usize::from(absolute);
    let mut segments = 0;
    let mut start = 0;
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
            if segment == b".." || first && (segment.starts_with(b"~") || segment.contains(&b':')) {
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
    buffer.get(..written)
}

/// Whether there is nothing but white space (Unicode's).
fn is_blank(path: &[u8]) -> bool {
    let mut rest = path;
    loop {
        rest = match rest {
            [] => return true,
            [b' ' | 0x09..=0x0d, rest @ ..] => rest,
            [0xc2, 0x85 | 0xa0, rest @ ..] => rest,
            [0xe1, 0x9a, 0x80, rest @ ..] => rest,
            [0xe2, 0x80, 0x80..=0x8a | 0xa8 | 0xa9 | 0xaf, rest @ ..] => rest,
            [0xe2, 0x81, 0x9f, rest @ ..] => rest,
            [0xe3, 0x80, 0x80, rest @ ..] => rest,
            _ => return false,
        };
    }
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
        normalise(Text::plain(path.as_bytes()), &mut buffer)
            .map(|path| String::from_utf8(path.to_vec()).unwrap())
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
