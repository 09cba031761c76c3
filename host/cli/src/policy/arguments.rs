//! `--args` and `--facts`: text that reaches the engine byte for byte.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use anyhow::Context;
use hexgate_compiler::model::Limits;

/// One byte more than any policy accepts tells a text that is too long from the longest possible one.
const MOST: u64 = Limits::MAX_BYTES as u64 + 1;

/// The text that an option's value stands for: itself, `@FILE`, or `-` for the standard input.
pub(super) fn read(option: &str, value: &str) -> anyhow::Result<String> {
    let (bytes, origin) = if value == "-" {
        let bytes = take(io::stdin().lock())
            .with_context(|| format!("cannot read the standard input for `{option}`"))?;
        (bytes, "the standard input".to_owned())
    } else if let Some(path) = value.strip_prefix('@') {
        anyhow::ensure!(
            !path.is_empty(),
            "`{option} @` names no file; write its name right after the `@`"
        );
        let path = Path::new(path);
        let read = || take(File::open(path)?);
        let bytes =
            read().with_context(|| format!("cannot read `{}` for `{option}`", path.display()))?;
        (bytes, format!("`{}`", path.display()))
    } else {
        return Ok(value.to_owned());
    };
    anyhow::ensure!(
        (bytes.len() as u64) < MOST,
        "{origin} is too long for `{option}`: no policy accepts more than {} bytes",
        Limits::MAX_BYTES
    );
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        anyhow::anyhow!("{origin} is not UTF-8 at byte {at}; `{option}` takes JSON as UTF-8")
    })
}

/// What is wrong with a text that the engine did not accept, with the place shown.
pub(super) fn malformed(option: &str, text: &str, offset: u32, reason: &str) -> String {
    let mut offset = (offset as usize).min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let (before, after) = text.split_at(offset);
    let line = before.matches('\n').count() + 1;
    let column = before
        .chars()
        .rev()
        .take_while(|character| *character != '\n')
        .count()
        + 1;
    let near: String = after.chars().take(20).collect();
    let near = match near.trim() {
        "" => "the end".to_owned(),
        near => format!("`{near}`"),
    };
    let example = if option == "--facts" {
        r#"{"ctx": {"env": "prod"}}"#
    } else {
        r#"{"amount": 200}"#
    };
    format!(
        "`{option}` is malformed at line {line}, column {column}, before {near}: {reason}; pass one JSON object, such as `{example}`"
    )
}

fn take(source: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(MOST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_where_the_text_goes_wrong() {
        let message = malformed("--args", "{\n  \"ä\" 1}", 9, "expected `:`");
        assert!(
            message.starts_with(
                "`--args` is malformed at line 2, column 7, before `1}`: expected `:`;"
            ),
            "{message}"
        );
        let message = malformed("--facts", "{", 1, "expected a name");
        assert!(
            message.contains("line 1, column 2, before the end") && message.contains("ctx"),
            "{message}"
        );
        assert!(
            malformed("--args", "ä", 1, "x").contains("column 1"),
            "a place within a character is its beginning"
        );
        assert!(malformed("--args", "", 99, "x").contains("before the end"));
    }

    #[test]
    fn a_value_is_its_own_text_unless_it_names_a_file() {
        assert_eq!(read("--args", "{\"a\": 1.0}").unwrap(), "{\"a\": 1.0}");
        let error = read("--args", "@").unwrap_err();
        assert!(error.to_string().contains("names no file"), "{error}");
        let error = read("--args", "@/nonexistent/x.json").unwrap_err();
        assert!(
            format!("{error:#}").starts_with("cannot read `/nonexistent/x.json` for `--args`: "),
            "{error:#}"
        );
    }
}
