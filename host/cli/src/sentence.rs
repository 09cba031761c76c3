//! Errors as command lines tell them.

use std::{error::Error, io};

/// An error with its causes, in one sentence. Some messages name their cause themselves: nothing is said twice. What only the system has
/// something to say about gets a remedy, unless the message has one: that stands after a semicolon.
pub(crate) fn sentence<'e>(chain: impl IntoIterator<Item = &'e (dyn Error + 'static)>) -> String {
    let mut text = String::new();
    let mut remedy = None;
    for error in chain {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            remedy = remedy_of(error.kind());
        }
        let cause = error.to_string();
        if text.contains(&cause) {
            continue;
        }
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&cause);
    }
    if let Some(remedy) = remedy
        && !text.contains("; ")
    {
        text.push_str("; ");
        text.push_str(remedy);
    }
    text
}

fn remedy_of(kind: io::ErrorKind) -> Option<&'static str> {
    match kind {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Some("check the path"),
        io::ErrorKind::PermissionDenied => Some("check who may read and write there"),
        io::ErrorKind::IsADirectory => Some("name a file"),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Some("make room"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct About(&'static str, #[source] io::Error);

    fn said(text: &'static str, cause: io::Error) -> String {
        let error = About(text, cause);
        let causes: [&(dyn Error + 'static); 2] = [&error, &error.1];
        sentence(causes)
    }

    #[test]
    fn causes_are_said_once_and_the_remedy_of_the_message_is_the_only_one() {
        let absent = || io::Error::from(io::ErrorKind::NotFound);
        assert_eq!(
            said("cannot read `x`", absent()),
            "cannot read `x`: entity not found; check the path"
        );
        assert_eq!(
            said("cannot read `x`: entity not found", absent()),
            "cannot read `x`: entity not found; check the path"
        );
        assert_eq!(
            said("cannot run `x`; install it", absent()),
            "cannot run `x`; install it: entity not found"
        );
        assert_eq!(
            said("cannot read `x`", io::Error::other("it is odd")),
            "cannot read `x`: it is odd"
        );
    }
}
