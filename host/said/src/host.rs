//! Hosts: names, and addresses of the internet protocol.

use std::{
    borrow::Cow,
    net::{Ipv4Addr, Ipv6Addr},
};

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

use crate::{
    characters::{is_clean, is_east_asian_letter, looks_like_ascii},
    path,
};

/// The normal form of a host: lower case, Punycode, no final dot, IPv6 without brackets.
pub(crate) fn normal(host: &str) -> Option<String> {
    if let Some(address) = ipv4(host) {
        return Some(address.to_string());
    }
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    if let Ok(address) = bare.parse::<Ipv6Addr>() {
        return Some(ipv6(address));
    }
    name(host.strip_suffix('.').unwrap_or(host))
}

/// An address of version 4, written as usual: four decimal numbers without leading zeros.
pub(crate) fn ipv4(host: &str) -> Option<Ipv4Addr> {
    host.parse().ok()
}

/// As browsers write it, which is RFC 5952 without the mixed form.
fn ipv6(address: Ipv6Addr) -> String {
    let host = ::url::Host::<&str>::Ipv6(address).to_string();
    host.trim_matches(['[', ']']).to_owned()
}

/// The normal form of a name of the domain name system.
pub(crate) fn name(name: &str) -> Option<String> {
    // Punycode takes the square of a label's length.
    let is_long = |label: &str| label.chars().count() > 63;
    if name.len() > 4 * 253 || name.split('.').any(is_long) || !is_clean(name) {
        return None;
    }
    let ascii = ascii(name)?;
    // What ends in a number is an address to browsers, in whatever notation.
    let starts_with_letter =
        |label: &str| label.starts_with(|first: char| first.is_ascii_lowercase());
    ascii
        .rsplit('.')
        .next()
        .is_some_and(starts_with_letter)
        .then(|| ascii.into_owned())
}

fn ascii(name: &str) -> Option<Cow<'_, str>> {
    let uts46 = Uts46::new();
    let ascii = uts46
        .to_ascii(
            name.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::CheckFirstLast,
            DnsLength::Verify,
        )
        .ok()?;
    if !name.is_ascii() {
        // Only letter case may change: `ｅｘａｍｐｌｅ` and `。` are other spellings of something else.
        let lower: String = name.chars().flat_map(char::to_lowercase).collect();
        let (unicode, valid) = uts46.to_unicode(
            ascii.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::CheckFirstLast,
        );
        // No top-level domain mixes them: it is a word that follows without a blank.
        let is_mixed = |label: &str| !label.is_ascii() && label.bytes().any(|byte| byte.is_ascii());
        if valid.is_err()
            || unicode != lower
            || lower.split('.').any(looks_like_ascii)
            || lower.rsplit('.').next().is_none_or(is_mixed)
        {
            return None;
        }
    }
    Some(ascii)
}

/// The host that a word of a sentence is, perhaps with a port, or with the rest of an address without a scheme.
pub(crate) fn found(word: &str) -> Option<String> {
    if word.bytes().any(|byte| byte.is_ascii_digit())
        && let Ok(address) = word.parse::<Ipv6Addr>()
    {
        return Some(ipv6(address));
    }
    let end = word.find(['/', '?', '#']).unwrap_or(word.len());
    let (authority, rest) = word.split_at_checked(end)?;
    let host = match authority.rsplit_once(':') {
        Some((host, port)) => {
            let is_port = !port.starts_with('+') && port.parse::<u16>().is_ok();
            is_port.then_some(host)?
        }
        None => authority,
    };
    if let Some(address) = ipv4(host) {
        // `10.0.0.0/8` is a network.
        let is_network = rest
            .strip_prefix('/')
            .is_some_and(|bits| bits.bytes().all(|byte| byte.is_ascii_digit()));
        return (!is_network).then(|| address.to_string());
    }
    if host.eq_ignore_ascii_case("localhost") {
        return Some("localhost".to_owned());
    }
    let host = without_particle(host);
    let (_, last) = host.rsplit_once('.')?;
    let is_top_level = !last.is_ascii()
        || last
            .get(..4)
            .is_some_and(|start| start.eq_ignore_ascii_case("xn--"))
        || (last.len() >= 2 && last.bytes().all(|byte| byte.is_ascii_alphabetic()));
    // `It is done.Then …`: a blank is missing.
    let upper = |text: &str| text.bytes().any(|byte| byte.is_ascii_uppercase());
    let lower = |text: &str| text.bytes().any(|byte| byte.is_ascii_lowercase());
    let is_sentence = upper(last) && lower(host);
    let is_file = path::is_ending(last)
        && !host
            .get(..4)
            .is_some_and(|start| start.eq_ignore_ascii_case("www."));
    if !is_top_level || is_sentence || is_file {
        return None;
    }
    name(host)
}

/// A word without what follows it in scripts that are written without blanks, such as a particle of Korean.
pub(crate) fn without_particle(word: &str) -> &str {
    let Some(start) = word.find(|character: char| !character.is_ascii()) else {
        return word;
    };
    match word.split_at_checked(start) {
        Some((name, particle))
            if name.ends_with(|last: char| last.is_ascii_alphanumeric())
                && particle.chars().all(is_east_asian_letter) =>
        {
            name
        }
        _ => word,
    }
}
