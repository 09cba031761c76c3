//! Addresses of mail.

use crate::host;

/// The normal form of an address: all in lower case, the domain as a host.
///
/// Before the `@` case counts by RFC 5321, and to no provider that people use. An address in lower case is what a policy can compare
/// with `lower(args.to)`.
pub(crate) fn normal(address: &str) -> Option<String> {
    // RFC 5321, 4.5.3.1.3: a path has 256 octets with its angle brackets.
    if address.len() > 4 * 254 {
        return None;
    }
    let (local, domain) = address.split_once('@')?;
    if !is_local(local) || !domain.contains('.') {
        return None;
    }
    let normal = format!("{}@{}", local.to_ascii_lowercase(), host::name(domain)?);
    (normal.len() <= 254).then_some(normal)
}

/// The forms that people have. The others of RFC 5322 (`a/b`, `a=b`, `"a b"`) are more often something else that stands before an address.
fn is_local(local: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'+' | b'%');
    let is_inner = |byte: u8| matches!(byte, b'.' | b'-' | b'\'');
    local.len() <= 64
        && local.bytes().all(|byte| is_plain(byte) || is_inner(byte))
        && !local.contains("..")
        && local.bytes().next().is_some_and(is_plain)
        && local
            .bytes()
            .next_back()
            .is_some_and(|byte| is_plain(byte) || byte == b'-')
}
