//! Errors as one sentence.

use std::error::Error;

/// An error with its causes, separated by colons. Some messages name their cause themselves: nothing is said twice.
pub fn sentence(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Level(&'static str, #[source] Option<Box<Level>>);

    fn said(messages: [&'static str; 3]) -> String {
        let error = messages
            .into_iter()
            .rev()
            .fold(None, |cause, text| Some(Box::new(Level(text, cause))));
        sentence(&*error.unwrap())
    }

    #[test]
    fn each_cause_is_said_once() {
        assert_eq!(said(["a", "b", "c"]), "a: b: c");
        assert_eq!(
            said(["cannot open: denied", "denied", "x"]),
            "cannot open: denied: x"
        );
    }
}
