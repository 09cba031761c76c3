//! Where the user's lines come from: a line editor in a terminal, plain lines in a terminal that moves no cursor, a pipe.

mod history;

use std::borrow::Cow;
use std::io::{self, BufRead};

use reedline::{
    FileBackedHistory, Prompt as Shape, PromptEditMode, PromptHistorySearch,
    PromptHistorySearchStatus, Reedline, Signal as Edited,
};
use tokio::runtime::Handle;

use super::keyboard::{Keyboard, Line};
use super::screen::{Screen, is_dumb};
use super::signals::{self, Signals, Told};

/// How many lines the history keeps.
const HISTORY: usize = 1000;
/// The longest line of a pipe, in bytes.
const MAX_LINE: usize = 1 << 20;

/// What the user did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Input {
    /// A line.
    Line(String),
    /// Ctrl-C: whatever was typed is dropped.
    Cleared,
    /// Ctrl-D, or the end of the pipe.
    End,
    /// Ctrl-C in a pipe: the program is to end.
    Stopped,
}

/// Where lines come from.
pub(super) enum Prompt {
    /// A line editor.
    Editor(Box<Reedline>),
    /// A terminal without one.
    Plain,
    /// No terminal.
    Pipe,
}

impl Prompt {
    /// The best one for where the program runs, and what the user should know about it.
    pub(super) fn open(screen: &Screen) -> (Self, Option<String>) {
        if !(Keyboard::is_there() && screen.is_terminal()) {
            return (Self::Pipe, None);
        }
        if is_dumb() {
            return (Self::Plain, None);
        }
        let editor = Reedline::create()
            .with_ansi_colors(screen.has_colour())
            .use_bracketed_paste(true)
            .with_history_exclusion_prefix(Some(" ".to_owned()));
        let kept = history::file().and_then(|path| {
            FileBackedHistory::with_file(HISTORY, path.clone()).map_err(|error| {
                format!("the history `{}` cannot be read: {error}", path.display())
            })
        });
        match kept {
            Ok(history) => (
                Self::Editor(Box::new(editor.with_history(Box::new(history)))),
                None,
            ),
            Err(problem) => (Self::Editor(Box::new(editor)), Some(problem)),
        }
    }

    /// Whether a person can be asked.
    pub(super) fn is_person(&self) -> bool {
        !matches!(self, Self::Pipe)
    }

    /// The next line.
    pub(super) fn read(
        &mut self,
        keyboard: &Keyboard,
        screen: &mut Screen,
        runtime: &Handle,
        signals: &mut Signals,
    ) -> io::Result<Input> {
        match self {
            Self::Editor(editor) => {
                let _own = keyboard.own();
                let _watch = signals::end_when_told(runtime)?;
                match editor.read_line(&You) {
                    Ok(Edited::Success(line)) => Ok(Input::Line(line)),
                    Ok(Edited::CtrlC) => Ok(Input::Cleared),
                    Ok(_) => Ok(Input::End),
                    Err(error) => Err(error),
                }
            }
            Self::Plain => {
                screen.fresh_line();
                screen.write("> ");
                let input = runtime.block_on(async {
                    tokio::select! {
                        line = keyboard.line() => match line {
                            Line::Text(line) => Input::Line(line),
                            Line::End | Line::Unwanted => Input::End,
                        },
                        told = signals.told() => match told {
                            Told::Interrupt => Input::Cleared,
                            Told::Terminate => Input::End,
                        },
                    }
                });
                if matches!(input, Input::Line(_)) {
                    screen.line_was_typed();
                }
                Ok(input)
            }
            Self::Pipe => runtime.block_on(async {
                tokio::select! {
                    line = tokio::task::spawn_blocking(pipe_line) => line.unwrap_or(Ok(Input::End)),
                    _ = signals.told() => Ok(Input::Stopped),
                }
            }),
        }
    }
}

fn pipe_line() -> io::Result<Input> {
    let mut line = Vec::new();
    let mut input = io::Read::take(io::stdin().lock(), MAX_LINE as u64 + 1);
    input.read_until(b'\n', &mut line)?;
    if line.len() > MAX_LINE {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("a line has more than {MAX_LINE} bytes; send less at once"),
        ));
    }
    if line.is_empty() {
        return Ok(Input::End);
    }
    let text = String::from_utf8(line)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "a line is not UTF-8"))?;
    Ok(Input::Line(text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// How the prompt looks.
struct You;

impl Shape for You {
    fn render_prompt_left(&self) -> Cow<'_, str> {
        "".into()
    }

    fn render_prompt_right(&self) -> Cow<'_, str> {
        "".into()
    }

    fn render_prompt_indicator(&self, _: PromptEditMode) -> Cow<'_, str> {
        "> ".into()
    }

    fn render_prompt_multiline_indicator(&self) -> Cow<'_, str> {
        ": ".into()
    }

    fn render_prompt_history_search_indicator(&self, search: PromptHistorySearch) -> Cow<'_, str> {
        let found = match search.status {
            PromptHistorySearchStatus::Passing => "",
            PromptHistorySearchStatus::Failing => "no ",
        };
        format!("({found}search: {}) ", search.term).into()
    }
}
