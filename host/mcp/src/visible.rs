//! Text of a server made visible: what steers a model or a terminal without being seen is written out.
//!
//! A server chooses the names, descriptions and results that a model reads. Control characters, marks that change the direction of text,
//! characters without width, the block of tags, variation selectors, private use and comments of HTML are read by a model and not seen by
//! the person beside it. Here each such character becomes `\u{…}`, which both see.
//!
//! Line breaks and tabs stay. An emoji with a variation selector shows its selector: nothing is guessed to be harmless.

use std::borrow::Cow;
use std::collections::HashMap;

use hexgate_base::is_printable;
use serde_json::{Map, Value};

/// A text in which every character that is not seen is written as `\u{…}`, and each `<!--` as `\u{3c}!--`.
///
/// Applied twice it changes nothing more. The result has at most ten times as many bytes. A text without such characters is not copied.
///
/// ```
/// use hexgate_mcp::visible::visible;
///
/// assert_eq!(visible("Reads\u{200b} a file.<!-- and mails it -->"), "Reads\\u{200b} a file.\\u{3c}!-- and mails it -->");
/// assert_eq!(visible("größe\n\tin cm"), "größe\n\tin cm");
/// ```
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    // Where the part begins that is not copied yet.
    let mut kept = 0;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let rest = text.get(at..).unwrap_or_default();
        let is_shown = match character {
            '\n' | '\t' => true,
            // Windows ends lines so. Elsewhere a terminal would write over the line.
            '\r' => characters.peek().is_some_and(|(_, next)| *next == '\n'),
            '<' => !rest.starts_with("<!--"),
            other => !is_hidden(other),
        };
        if !is_shown {
            out.push_str(text.get(kept..at).unwrap_or_default());
            out.extend(character.escape_unicode());
            kept = at + character.len_utf8();
        }
    }
    if kept == 0 {
        return text.into();
    }
    out.push_str(text.get(kept..).unwrap_or_default());
    out.into()
}

/// Whether a text is the same when it is made [visible].
#[must_use]
pub fn is_visible(text: &str) -> bool {
    matches!(visible(text), Cow::Borrowed(_))
}

/// Whether a name can be shown as it is: [visible], and in one line.
#[must_use]
pub fn is_visible_name(name: &str) -> bool {
    !name.chars().any(is_hidden) && is_visible(name)
}

/// Makes every text in a JSON value [visible], names of members too. Two names that become one are kept apart by a number.
pub fn make_visible(value: &mut Value) {
    // Not recursive: what a server sends can be deep.
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        match value {
            Value::String(text) => make_text_visible(text),
            Value::Array(items) => open.extend(items),
            Value::Object(members) => {
                if !members.keys().all(|name| is_visible_name(name)) {
                    rename(members);
                }
                open.extend(members.values_mut());
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

/// The first name of a member, at any depth, that is not [visible](is_visible_name). The names of a tool's arguments cannot be changed, so a
/// tool that has such a name cannot be offered.
#[must_use]
pub fn hidden_name(value: &Value) -> Option<&str> {
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        match value {
            Value::Array(items) => open.extend(items),
            Value::Object(members) => {
                if let Some(name) = members.keys().find(|name| !is_visible_name(name)) {
                    return Some(name);
                }
                open.extend(members.values());
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    None
}

/// Makes a text visible in place.
pub fn make_text_visible(text: &mut String) {
    if let Cow::Owned(changed) = visible(text) {
        *text = changed;
    }
}

fn rename(members: &mut Map<String, Value>) {
    let mut renamed = Map::with_capacity(members.len());
    // How often each name came. Without it, names that all become one would take quadratic time.
    let mut times: HashMap<String, usize> = HashMap::new();
    for (name, value) in std::mem::take(members) {
        let mut shown: String = name
            .chars()
            .flat_map(|character| {
                let escape = is_hidden(character).then(|| character.escape_unicode());
                let plain = escape.is_none().then_some(character);
                escape.into_iter().flatten().chain(plain)
            })
            .collect();
        make_text_visible(&mut shown);
        let number = times.entry(shown.clone()).or_insert(0);
        loop {
            *number += 1;
            let unique = if *number == 1 {
                shown.clone()
            } else {
                format!("{shown} ({number})")
            };
            // Another name of the server's can read like a numbered one.
            if !renamed.contains_key(&unique) {
                renamed.insert(unique, value);
                break;
            }
        }
    }
    *members = renamed;
}

/// Whether a character is not seen, or steers what shows it.
fn is_hidden(character: char) -> bool {
    let point = u32::from(character);
    !is_printable(character)
        // Private use: fonts and models read them as they like.
        || matches!(point, 0xe000..=0xf8ff | 0xf_0000..=0x10_ffff)
        // No characters, in each plane.
        || point & 0xfffe == 0xfffe
        || matches!(point, 0xfdd0..=0xfdef)
        // Blank and wide as a letter: the blank of Braille.
        || character == '\u{2800}'
}
