//! Output for people: marks, colours, and foreign text made harmless.

use std::{
    borrow::Cow,
    io::{self, IsTerminal, Write},
};

use anyhow::Context;
use hexgate_base::is_printable;
pub(crate) use hexgate_base::{harmless, shortened};

/// What is said of a bundle that is signed and has no number.
pub(crate) const NO_SEQUENCE: &str = "the bundle has no sequence number, so hosts cannot tell it from an older one: pass `--sequence N`, a higher one for each release";

/// Whether and how text is coloured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    colour: bool,
}

/// The meaning of a piece of text, which gives its colour.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Tone {
    /// Success.
    Good,
    /// Needs attention.
    Warn,
    /// Failure.
    Bad,
    /// Less important than the rest.
    Dim,
}

impl Style {
    /// Colours if the standard output is a terminal, unless they are turned off.
    pub(crate) fn stdout() -> Self {
        Self {
            colour: io::stdout().is_terminal() && is_colour_welcome(),
        }
    }

    /// Colours if the standard error is a terminal, unless they are turned off.
    pub(crate) fn stderr() -> Self {
        Self {
            colour: io::stderr().is_terminal() && is_colour_welcome(),
        }
    }

    /// Whether there are colours.
    pub(crate) fn has_colour(self) -> bool {
        self.colour
    }

    /// Text in the colour of its tone.
    pub(crate) fn paint(self, tone: Tone, text: &str) -> String {
        if !self.colour {
            return text.to_owned();
        }
        let code = match tone {
            Tone::Good => "1;32",
            Tone::Warn => "1;33",
            Tone::Bad => "1;31",
            Tone::Dim => "2",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

/// Whether a reader is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    There,
    Gone,
}

/// Writes to stdout. A closed pipe is not an error; a full disk is.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    tell(text).map(drop)
}

/// Writes to stdout, and returns whether the reader is still there, for output without end.
pub(crate) fn tell(text: &str) -> anyhow::Result<Reader> {
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Ok(()) => Ok(Reader::There),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Reader::Gone),
        Err(error) => Err(error).context("cannot write to the standard output"),
    }
}

/// Writes a value as JSON to stdout.
pub(crate) fn print_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    let mut text =
        serde_json::to_string_pretty(value).context("the result cannot be written as JSON")?;
    text.push('\n');
    print(&harmless_json(&text))
}

/// The same JSON without characters that a terminal acts upon. Outside of strings there are only line breaks.
pub(crate) fn harmless_json(json: &str) -> Cow<'_, str> {
    let is_fine = |character| character == '\n' || is_printable(character);
    if json.chars().all(is_fine) {
        return json.into();
    }
    let mut out = String::with_capacity(json.len());
    let mut units = [0; 2];
    for character in json.chars() {
        if is_fine(character) {
            out.push(character);
        } else {
            for unit in character.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out.into()
}

/// Prints to stderr what the user should know beside the result.
pub(crate) fn note(text: &str) {
    say(&Style::stderr().paint(Tone::Dim, "note:"), text);
}

/// Prints to stderr what the user should act on.
pub(crate) fn warn(text: &str) {
    say(&Style::stderr().paint(Tone::Warn, "warning:"), text);
}

/// Prints to stderr what went wrong.
pub(crate) fn error(text: &str) {
    say(&Style::stderr().paint(Tone::Bad, "error:"), text);
}

/// A foreign name: unchanged if it has only letters, digits and usual joiners; else as a JSON string, so that it cannot be taken for
/// several names, or for words around it.
pub(crate) fn name(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.:/@+".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    harmless_json(&serde_json::Value::from(text).to_string()).into_owned()
}

/// Names in backticks, with commas between.
pub(crate) fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names
        .into_iter()
        .map(|name| format!("`{}`", shortened(name, 256)))
        .collect();
    names.join(", ")
}

/// A word of a command line, quoted for a shell.
pub(crate) fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:,@%".contains(c);
    let text = harmless(text);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.into_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// `1 role`, `2 roles`.
pub(crate) fn count(number: usize, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}

fn say(label: &str, text: &str) {
    // If stderr is closed, there is no place to report that.
    let _ = writeln!(io::stderr(), "{label} {}", lines(text));
}

/// Messages quote paths and names, which can contain anything. Line breaks of our own stay.
fn lines(text: &str) -> String {
    text.split('\n')
        .map(harmless)
        .collect::<Vec<_>>()
        .join("\n")
}

fn is_colour_welcome() -> bool {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    set("NO_COLOR").is_none() && set("TERM").is_none_or(|terminal| terminal != "dumb")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_shells_are_quoted_where_they_have_to_be() {
        for (text, word) in [
            ("keys/release.private", "keys/release.private"),
            ("my keys/a", "'my keys/a'"),
            ("it's", r"'it'\''s'"),
            ("$(id)", "'$(id)'"),
            ("", "''"),
            ("a\nb", r"'a\u{a}b'"),
        ] {
            assert_eq!(shell_word(text), word);
        }
    }

    #[test]
    fn json_says_the_same_without_what_a_terminal_acts_upon() {
        let json = serde_json::to_string("a\u{9b}\u{202e}\u{7f}\u{e0041}é\u{1b}").unwrap();
        let shown = harmless_json(&json);
        assert_eq!(shown, "\"a\\u009b\\u202e\\u007f\\udb40\\udc41é\\u001b\"");
        assert_eq!(
            serde_json::from_str::<String>(&shown).unwrap(),
            serde_json::from_str::<String>(&json).unwrap()
        );
    }

    #[test]
    fn a_name_is_one_name() {
        for plain in ["alice", "carol@example.com", "agent.run:x/y-z_1"] {
            assert_eq!(name(plain), plain);
        }
        assert_eq!(name(""), "\"\"");
        assert_eq!(name("alice, as `admin`"), "\"alice, as `admin`\"");
        assert_eq!(name("a\" b\u{202e}"), "\"a\\\" b\\u202e\"");
        assert_eq!(name("größe"), "\"größe\"");
    }

    #[test]
    fn counts_read_well() {
        assert_eq!(count(1, "role"), "1 role");
        assert_eq!(count(0, "role"), "0 roles");
        assert_eq!(list(["a", "b"]), "`a`, `b`");
    }
}
