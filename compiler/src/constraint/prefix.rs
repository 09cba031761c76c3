//! Texts and patterns that admit more than they seem to: prefixes of paths and of URLs, parts of hosts.
//!
//! What closes them makes a condition true of fewer calls, so that what is said here is advice for where that is no loss.

use std::ops::Range;

use super::{codes, finding::ConstraintError};
use crate::{
    diagnostic::quoted,
    expr::{Operand, Path, Root, Step, TextCall, json},
};

/// Endings by which a text is taken for the name of a host even where nothing around it says so.
const ENDINGS: [&str; 19] = [
    "ai", "app", "biz", "cloud", "co", "com", "dev", "edu", "eu", "example", "gov", "info", "int",
    "internal", "io", "mil", "net", "org", "uk",
];

/// Arguments that name a host, or begin with one.
const HOSTS: [&str; 16] = [
    "address",
    "addr",
    "bcc",
    "cc",
    "domain",
    "email",
    "endpoint",
    "from",
    "host",
    "hostname",
    "href",
    "link",
    "origin",
    "recipient",
    "uri",
    "url",
];

/// Arguments that begin with a `/` and lead to no file.
const NO_FILES: [&str; 12] = [
    "cmd", "command", "endpoint", "href", "link", "query", "route", "script", "topic", "uri",
    "url", "xpath",
];

/// A text that is sought where it says less of a host than it seems to.
pub(super) fn open_text(
    call: TextCall,
    subject: &Operand,
    text: &str,
    span: Range<usize>,
) -> Option<ConstraintError> {
    match call {
        TextCall::StartsWith => open_url(text, span),
        TextCall::Contains => {
            let host = match text.split_once("://") {
                Some((scheme, host)) if !scheme.is_empty() && !host.is_empty() => host,
                Some(_) => return None,
                None => text,
            };
            let host = host.split(['/', '?', '#', ':']).next().unwrap_or("");
            let host = host.trim_start_matches(['.', '@']);
            let is_url = text.contains("://");
            (is_url && is_dotted(host) || is_host(host, subject)).then(|| {
                ConstraintError::new(
                    codes::HOST_PART,
                    span,
                    "a part of a text does not say which host it names",
                )
                .label(format!(
                    "also within {}",
                    quoted(&format!("https://evil.example/?{text}"))
                ))
                .help(if is_url {
                    format!("the URL begins so: `startswith(…, {})`", json(text))
                } else {
                    format!(
                        "compare the host itself, `== {}`, or the beginning of the URL, `startswith(…, {})`",
                        json(host),
                        json(&format!("https://{host}/"))
                    )
                })
            })
        }
        TextCall::EndsWith => {
            let is_open = text.starts_with(|c: char| c.is_ascii_alphanumeric());
            let host = text.split(['/', ':']).next().unwrap_or("");
            (is_open && is_host(host, subject)).then(|| {
                let (separator, also) = if names_an_address(subject) {
                    ('@', format!("somebody@evil{text}"))
                } else {
                    ('.', format!("evil{text}"))
                };
                ConstraintError::new(
                    codes::HOST_END,
                    span,
                    "this ending does not begin where a name begins",
                )
                .label(format!("also ends {}", quoted(&also)))
                .help(format!(
                    "put the separator before it, {}, and compare the name itself with `==`",
                    quoted(&json(&format!("{separator}{text}")))
                ))
            })
        }
    }
}

fn open_url(text: &str, span: Range<usize>) -> Option<ConstraintError> {
    let (scheme, host) = text.split_once("://")?;
    let open = !scheme.is_empty() && !host.is_empty() && !host.contains(['/', '?', '#']);
    open.then(|| {
        ConstraintError::new(
            codes::URL_PREFIX,
            span,
            "this prefix does not end the host of the URL",
        )
        .label(format!(
            "also begins {}",
            quoted(&format!("{text}.evil.example"))
        ))
        .help(format!(
            "end it with a slash: {}",
            quoted(&json(&format!("{text}/")))
        ))
    })
}

/// The beginning of a path, which `..` leaves. A scope is stricter wherever it is meant, so that this is also said of what is forbidden.
pub(super) fn path_prefix(
    call: TextCall,
    subject: &Operand,
    text: &str,
    span: Range<usize>,
) -> Option<ConstraintError> {
    let bytes = text.as_bytes();
    let has_drive = bytes.first().is_some_and(u8::is_ascii_alphabetic)
        && bytes.get(1) == Some(&b':')
        && matches!(bytes.get(2), Some(b'/' | b'\\'));
    let is_path = text.len() > 1
        && !text.starts_with("//")
        && (["/", "./", "../", "~/"]
            .iter()
            .any(|start| text.starts_with(start))
            || has_drive);
    let path = subject
        .path()
        .filter(|_| call == TextCall::StartsWith && is_path)?;
    let about_a_file = match path.root {
        Root::Args | Root::Element => {
            last_name(path).is_none_or(|name| !NO_FILES.contains(&name.as_str()))
        }
        Root::Ctx
        | Root::Run
        | Root::Said
        | Root::Usage
        | Root::User
        | Root::UserUsage
        | Root::Role
        | Root::Tool => false,
    };
    about_a_file.then(|| {
        let folder = text.trim_end_matches('/');
        ConstraintError::new(
            codes::PATH_PREFIX,
            span,
            "a prefix keeps no path in a folder: `..` leads out of it; a `file_scope` does",
        )
        .label(format!(
            "also begins {}",
            quoted(&format!("{folder}/../../etc/passwd"))
        ))
        .help("write `file_scope: { argument: …, allowed_paths: [\"…/**\"] }` on the tool; what is forbidden stands in its `denied_paths`")
    })
}

/// A pattern in which the host is not what it seems to be. Its ends are anchored.
pub(super) fn host_pattern(pattern: &str, span: &Range<usize>) -> Option<ConstraintError> {
    let (in_url, start) = match (pattern.find("://"), pattern.rfind('@')) {
        (Some(at), _) => (true, at + 3),
        (None, Some(at)) => (false, at + 1),
        (None, None) => return None,
    };
    let mut rest = pattern.get(start..)?;
    // The labels of the host, and whether a dot between two of them stands for any character.
    let (mut labels, mut any) = (0, false);
    loop {
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
            .unwrap_or(rest.len());
        if end == 0 {
            break;
        }
        labels += 1;
        let (_, behind) = rest.split_at(end);
        let dot = if behind.starts_with("\\.") {
            2
        } else if behind.starts_with('.') && is_label(behind.get(1..).unwrap_or("")) {
            any = true;
            1
        } else {
            rest = behind;
            break;
        };
        rest = behind.get(dot..).unwrap_or("");
    }
    if labels < 2 {
        return None;
    }
    if any {
        return Some(
            ConstraintError::new(
                codes::HOST_DOT,
                span.clone(),
                "a `.` in the host of this pattern stands for any character",
            )
            .label("also matches other domains")
            .help("write `\\\\.` for a dot between the names of a host"),
        );
    }
    let is_open =
        in_url && (rest.starts_with(".*") || rest.starts_with(".+") || rest.starts_with("[^"));
    is_open.then(|| {
        ConstraintError::new(
            codes::URL_PREFIX,
            span.clone(),
            "this pattern does not end the host of the URL",
        )
        .label("also matches hosts that begin alike")
        .help("write a `/` behind the host: `…\\\\.com/.*$`")
    })
}

/// Whether a pattern goes on with a letter or digit that is not repeated on its own.
fn is_label(rest: &str) -> bool {
    rest.starts_with(|c: char| c.is_ascii_alphanumeric())
}

/// Whether a text is the name of a host, by its ending or by what is looked at.
fn is_host(text: &str, subject: &Operand) -> bool {
    let ending = text.rsplit('.').next().unwrap_or("");
    let by_name = subject
        .path()
        .or_else(|| subject.terms().find_map(Operand::path))
        .and_then(last_name)
        .is_some_and(|name| HOSTS.iter().any(|host| is_part(&name, host)));
    is_dotted(text) && (by_name || ENDINGS.contains(&ending))
}

/// Whether a text is made as the names of hosts are: labels with dots between them, the last one of letters.
fn is_dotted(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let ending = text.rsplit('.').next().unwrap_or("");
    text.contains('.')
        && text.split('.').all(label)
        && ending.len() >= 2
        && ending.bytes().all(|b| b.is_ascii_lowercase())
}

fn names_an_address(subject: &Operand) -> bool {
    const ADDRESSES: [&str; 8] = [
        "address",
        "bcc",
        "cc",
        "email",
        "from",
        "mail",
        "recipient",
        "to",
    ];
    subject
        .terms()
        .find_map(Operand::path)
        .and_then(last_name)
        .is_some_and(|name| ADDRESSES.iter().any(|address| is_part(&name, address)))
}

/// Whether `part` is one of the words of a name, also in the plural.
fn is_part(name: &str, part: &str) -> bool {
    name.split('_').any(|word| {
        word == part
            || word.strip_suffix('s') == Some(part)
            || word.strip_suffix("es") == Some(part)
    })
}

fn last_name(path: &Path) -> Option<String> {
    let name = path.steps.iter().rev().find_map(Step::member)?;
    Some(name.to_ascii_lowercase())
}
