//! What a person sees: one place writes to the terminal, in its width and colours.

use std::env;
use std::io::{self, IsTerminal, Write};

use super::text::{shown, wrapped};

/// The meaning of a piece of text, which gives its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Warn,
    Bad,
    Dim,
    /// What a person writes or has to look at.
    Strong,
}

impl Tone {
    fn code(self) -> &'static str {
        match self {
            Self::Good => "1;32",
            Self::Warn => "1;33",
            Self::Bad => "1;31",
            Self::Dim => "2",
            Self::Strong => "1",
        }
    }
}

/// The standard output.
#[derive(Debug)]
pub(super) struct Screen {
    terminal: bool,
    colour: bool,
    /// Whether nobody reads any more.
    gone: bool,
    /// Whether the last thing that was written ended its line.
    line_begins: bool,
}

/// The width of what is no terminal, and of one that does not tell.
const WIDTH: usize = 80;

impl Screen {
    pub(super) fn open() -> Self {
        let terminal = io::stdout().is_terminal();
        Self {
            terminal,
            colour: terminal && is_colour_welcome(),
            gone: false,
            line_begins: true,
        }
    }

    /// Whether a person looks at it.
    pub(super) fn is_terminal(&self) -> bool {
        self.terminal
    }

    pub(super) fn has_colour(&self) -> bool {
        self.colour
    }

    /// Whether the reader has gone: nothing more needs to be done.
    pub(super) fn is_gone(&self) -> bool {
        self.gone
    }

    /// How many columns there are now. A line never fills the last one: some terminals break it then by themselves.
    pub(super) fn width(&self) -> usize {
        let columns = if self.terminal {
            crossterm::terminal::size().map(|(columns, _)| usize::from(columns))
        } else {
            return WIDTH;
        };
        columns
            .ok()
            .filter(|columns| *columns > 0)
            .map_or(WIDTH, |columns| columns.saturating_sub(1).max(8))
    }

    /// Writes text that is harmless already, as it is.
    pub(super) fn write(&mut self, text: &str) {
        if text.is_empty() || self.gone {
            return;
        }
        let mut out = io::stdout().lock();
        // A reader that went away is no error; the session ends.
        if out
            .write_all(text.as_bytes())
            .and_then(|()| out.flush())
            .is_err()
        {
            self.gone = true;
        }
        self.line_begins = text.ends_with('\n');
    }

    /// Writes a piece of text in a tone. The end of a line stands outside of it, so that the next piece begins without.
    pub(super) fn write_in(&mut self, tone: Tone, text: &str) {
        let body = text.trim_end_matches('\n');
        let painted = self.paint(tone, body);
        self.write(&painted);
        self.write(text.get(body.len()..).unwrap_or_default());
    }

    /// Writes what stands beside the answer: to the terminal, or where there is none, to the standard error.
    fn beside(&mut self, text: &str) {
        if self.terminal {
            self.write(text);
        } else {
            aside(text);
        }
    }

    /// Ends the line, if one is begun.
    pub(super) fn fresh_line(&mut self) {
        if !self.line_begins {
            self.write("\n");
        }
    }

    /// The user ended the line: what was typed was shown, with its end.
    pub(super) fn line_was_typed(&mut self) {
        self.line_begins = true;
    }

    /// Lines in a tone, broken to the width, beside the answer.
    pub(super) fn say(&mut self, tone: Tone, text: &str) {
        self.fresh_line();
        let out = self.painted(tone, text);
        self.beside(&out);
    }

    /// Lines in a tone, which the user asked for.
    pub(super) fn tell(&mut self, tone: Tone, text: &str) {
        self.fresh_line();
        let out = self.painted(tone, text);
        self.write(&out);
    }

    fn painted(&self, tone: Tone, text: &str) -> String {
        let mut out = String::new();
        for line in self.lines(&shown(text), 0) {
            out.push_str(&self.paint(tone, &line));
            out.push('\n');
        }
        out
    }

    /// Lines without a tone.
    pub(super) fn plain(&mut self, text: &str) {
        self.fresh_line();
        let text = shown(text);
        let mut out = String::new();
        for line in self.lines(&text, 0) {
            out.push_str(&line);
            out.push('\n');
        }
        self.write(&out);
    }

    /// A panel: a title and lines, with a bar at their left that holds them together in any width.
    pub(super) fn panel(&mut self, tone: Tone, title: &str, lines: &[(Option<Tone>, String)]) {
        self.fresh_line();
        let bar = self.paint(tone, "┃");
        let mut out = String::new();
        for line in self.lines(&shown(title), 2) {
            out.push_str(&format!("{bar} {}\n", self.paint(tone, &line)));
        }
        for (tone, text) in lines {
            for line in self.lines(&shown(text), 2) {
                let line = match tone {
                    Some(tone) => self.paint(*tone, &line),
                    None => line,
                };
                out.push_str(format!("{bar} {line}").trim_end());
                out.push('\n');
            }
        }
        self.beside(&out);
    }

    /// Text in the colour of its tone.
    pub(super) fn paint(&self, tone: Tone, text: &str) -> String {
        if !self.colour || text.is_empty() {
            return text.to_owned();
        }
        format!("\x1b[{}m{text}\x1b[0m", tone.code())
    }

    /// Lines that fit beside `taken` columns. What is no terminal gets them whole.
    fn lines(&self, text: &str, taken: usize) -> Vec<String> {
        let text = text.trim_end_matches('\n');
        if self.terminal {
            wrapped(text, self.width().saturating_sub(taken))
        } else {
            text.split('\n').map(str::to_owned).collect()
        }
    }
}

/// Writes to the standard error. If that is closed, there is no place to say so.
pub(crate) fn aside(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Whether colours are wanted: <https://no-color.org>, and terminals that know none.
fn is_colour_welcome() -> bool {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty());
    set("NO_COLOR").is_none() && !is_dumb()
}

/// Whether the terminal moves no cursor.
pub(super) fn is_dumb() -> bool {
    env::var_os("TERM").is_none_or(|terminal| terminal == "dumb" || terminal.is_empty())
}
