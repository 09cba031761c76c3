//! Every code that the compiler knows.

pub(crate) mod constraint;
mod document;
pub(crate) mod lint;
mod rego;
mod resolve;
mod rust;
mod source;

use super::CodeDoc;

/// All codes, area by area.
pub fn all_codes() -> impl Iterator<Item = &'static CodeDoc> {
    source::CODES
        .iter()
        .chain(document::CODES)
        .chain(resolve::CODES)
        .chain(constraint::CODES)
        .chain(rego::CODES)
        .chain(rust::CODES)
        .chain(lint::CODES)
}

/// The documentation of `code`.
pub fn find_code(code: &str) -> Option<&'static CodeDoc> {
    all_codes().find(|doc| doc.code == code)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_code_is_unique_and_documented() {
        let mut seen = BTreeSet::new();
        for doc in all_codes() {
            assert!(seen.insert(doc.code), "`{}` stands here twice", doc.code);
            assert!(
                doc.code
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'),
                "{}",
                doc.code
            );
            assert!(
                !doc.title.is_empty() && !doc.title.ends_with('.') && !doc.title.contains('\n'),
                "{}",
                doc.code
            );
            assert!(
                doc.explanation.trim().len() > 80,
                "`{}` explains too little",
                doc.code
            );
        }
    }
}
