//! Texts within quotes.

use crate::{bounds::ITEM_BYTES, characters::is_clean};

/// The normal form of a quoted text: without the blanks around.
pub(crate) fn normal(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty() && text.len() <= ITEM_BYTES && is_clean(text)).then(|| text.to_owned())
}
