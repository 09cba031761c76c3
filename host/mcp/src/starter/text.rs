//! Texts of a server within a policy: keys, constraints and comments that end where they should.

/// A text as a key of YAML, in double quotes, with ASCII and letters alone.
pub(super) fn yaml_key(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => {
                out.push('\\');
                out.push(character);
            }
            plain if is_plain(plain) => out.push(plain),
            other => out.push_str(&format!("\\U{:08x}", u32::from(other))),
        }
    }
    out.push('"');
    out
}

/// A text of one line as a value of YAML, in single quotes.
pub(super) fn yaml_text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A text within a constraint: a JSON string with ASCII and letters alone.
pub(super) fn literal(text: &str) -> String {
    let mut out = String::from("\"");
    let mut units = [0; 2];
    for character in text.chars() {
        match character {
            '"' | '\\' => {
                out.push('\\');
                out.push(character);
            }
            plain if is_plain(plain) => out.push(plain),
            other => {
                for unit in other.encode_utf16(&mut units) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    out.push('"');
    out
}

/// A name of a server's within a comment: in one line, in quotes, at most so many characters.
pub(super) fn comment(text: &str, most: usize) -> String {
    let mut short: String = text.chars().take(most).collect();
    if short.len() < text.len() {
        short.push_str("...");
    }
    literal(&short)
}

/// A description as lines of a comment: at most six of some 110 characters.
pub(super) fn comment_lines(text: &str) -> Vec<String> {
    const LINES: usize = 6;
    const WIDTH: usize = 110;
    let mut lines = Vec::new();
    let mut line = String::new();
    // No more of a long text is looked at than is shown.
    let mut words = text
        .get(..text.floor_char_boundary(LINES * WIDTH * 4))
        .unwrap_or_default()
        .split_whitespace();
    let mut is_cut = false;
    for word in words.by_ref() {
        let word = literal(&word.chars().take(WIDTH).collect::<String>());
        // Without the quotes, and with its own quotes as they are.
        let word = word
            .trim_matches('"')
            .replace("\\\"", "\"")
            .replace("\\\\", "\\");
        if !line.is_empty() && line.len() + word.len() > WIDTH {
            lines.push(std::mem::take(&mut line));
            if lines.len() == LINES {
                is_cut = true;
                break;
            }
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    if is_cut && let Some(last) = lines.last_mut() {
        last.push_str(" ...");
    }
    lines
}

/// What every reader of YAML and of constraints takes for itself, and a person sees.
fn is_plain(character: char) -> bool {
    matches!(character, ' '..='~')
        || (character.is_alphanumeric() && hexgate_base::is_printable(character))
}
