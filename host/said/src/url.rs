//! Addresses of the web.

use crate::{boundary, bounds::ITEM_BYTES, characters, host};

/// Those that every reader of addresses reads alike. With others the host is a text that nothing checks.
const SCHEMES: [&str; 5] = ["http", "https", "ws", "wss", "ftp"];

/// The normal form of an address, that of WHATWG, and its host in its own normal form.
pub(crate) fn normal(address: &str) -> Option<(String, String)> {
    // `。` and its like end a sentence to a person and a label to a browser; `\` is `/` to a browser and to nobody else.
    let is_odd = |character| matches!(character, '\\' | '。' | '．' | '｡') || is_blank(character);
    if address.len() > ITEM_BYTES || address.contains(is_odd) || !characters::is_clean(address) {
        return None;
    }
    let (scheme, rest) = address.split_once("://")?;
    if !SCHEMES.contains(&scheme.to_ascii_lowercase().as_str()) {
        return None;
    }
    let authority = rest.split(['/', '?', '#']).next()?;
    // `https://bank.example@evil.example/`: what stands before the `@` hides the host.
    if authority.contains('@') {
        return None;
    }
    let written = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => host,
        _ => authority,
    };
    let host = host::normal(written)?;
    let url = ::url::Url::parse(address).ok()?;
    // Browsers read more as a host than people write: `0x7f.1`, `%65xample.com`, `example.com.`.
    let read = url.host_str()?;
    (read.trim_matches(['[', ']']) == host).then(|| (url.into(), host))
}

fn is_blank(character: char) -> bool {
    character.is_whitespace()
}

/// Where an address ends that begins a text, and whether it is clear that it ends there.
pub(crate) fn end(text: &str) -> (usize, bool) {
    let (mut round, mut square) = (0_u32, 0_u32);
    for (at, character) in text.char_indices() {
        match character {
            '(' => round += 1,
            '[' => square += 1,
            ')' if round > 0 => round -= 1,
            ']' if square > 0 => square -= 1,
            '，' | '、' | '；' | '：' | '！' | '？' | '"' | '`' | '|' => return (at, true),
            '\\' | '^' => return (at, false),
            _ if boundary::closes(character) => return (at, true),
            _ if boundary::opens(character) => return (at, false),
            _ => {}
        }
    }
    (text.len(), true)
}
