//! Names of accounts.

/// How long a name may be, as the longest of the usual services.
const HANDLE_BYTES: usize = 64;

/// The normal form of a handle: `@name` in lower case, ASCII letters, digits, `_`, and `.` and `-` within.
pub(crate) fn normal(handle: &str) -> Option<String> {
    let name = handle.strip_prefix('@')?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let is_handle = handle.len() <= HANDLE_BYTES
        && name
            .bytes()
            .all(|byte| is_plain(byte) || matches!(byte, b'.' | b'-'))
        && name.bytes().next().is_some_and(is_plain)
        && name.bytes().next_back().is_some_and(is_plain);
    is_handle.then(|| handle.to_ascii_lowercase())
}
