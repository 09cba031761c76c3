//! Markdown while it comes: a line is styled from its first characters on and a word is written as soon as it is complete.
//!
//! Libraries that render Markdown for terminals take whole blocks, so a paragraph would appear at its end only, or be drawn over. This one
//! never goes back: what is written stays as it is, in a terminal of any width and in one that knows no cursor.

mod block;

use super::text::{show, width_of};
use block::{Block, Kind};

const RESET: &str = "\x1b[0m";

/// Renders Markdown, piece by piece.
#[derive(Debug)]
pub(super) struct Markdown {
    /// Whether there are styles. Without them marks stay as they are written.
    styled: bool,
    width: usize,
    at: At,
    /// The beginning of a line, as long as it does not tell what the line is.
    head: String,
    /// The word that is not complete, with its styles, and its columns.
    word: String,
    word_columns: usize,
    /// Blanks before it.
    blanks: usize,
    columns: usize,
    /// What begins each further line of a block.
    hanging: String,
    /// Marks whose meaning the next character decides: which, and how many.
    run: Option<(char, usize)>,
    /// The character before the marks.
    before: char,
    inline: Inline,
    escaped: bool,
}

/// Where the text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// At the beginning of a line.
    Start,
    /// In a line whose text is styled.
    Text,
    /// In a line that is written as it is.
    Verbatim,
    /// At the beginning of a line of a block of code, or in one.
    CodeStart,
    Code,
}

/// The styles of a part of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Inline {
    bold: bool,
    italic: bool,
    /// The number of marks that ends the code.
    code: Option<usize>,
    heading: bool,
}

impl Inline {
    fn codes(self) -> String {
        let mut codes = String::from(RESET);
        for (is_set, code) in [
            (self.bold || self.heading, "\x1b[1m"),
            (self.italic, "\x1b[3m"),
            (self.heading, "\x1b[4m"),
            (self.code.is_some(), "\x1b[36m"),
        ] {
            if is_set {
                codes.push_str(code);
            }
        }
        codes
    }
}

impl Markdown {
    pub(super) fn new(styled: bool, width: usize) -> Self {
        Self {
            styled,
            width: width.max(8),
            at: At::Start,
            head: String::new(),
            word: String::new(),
            word_columns: 0,
            blanks: 0,
            columns: 0,
            hanging: String::new(),
            run: None,
            before: ' ',
            inline: Inline::default(),
            escaped: false,
        }
    }

    /// The terminal has another width from now on.
    pub(super) fn resize(&mut self, width: usize) {
        self.width = width.max(8);
    }

    /// More text; what can be written of it by now.
    pub(super) fn push(&mut self, text: &str) -> String {
        let mut out = String::new();
        let mut plain = String::new();
        for character in text.chars() {
            // What one character becomes is shown as it is: an escape is no Markdown.
            plain.clear();
            show(character, &mut plain);
            for character in plain.chars() {
                self.character(character, &mut out);
            }
        }
        out
    }

    /// The rest, with a line break if the last line has none.
    pub(super) fn end(&mut self) -> String {
        let mut out = String::new();
        let is_open = !matches!(self.at, At::Start | At::CodeStart) || !self.head.is_empty();
        if is_open {
            self.character('\n', &mut out);
        }
        self.at = At::Start;
        out
    }

    fn character(&mut self, character: char, out: &mut String) {
        match (self.at, character) {
            (At::Start | At::CodeStart, _) => self.begin(character, out),
            (At::Verbatim | At::Code, '\n') => {
                self.style(RESET, out);
                out.push('\n');
                self.at = if self.at == At::Code {
                    At::CodeStart
                } else {
                    At::Start
                };
            }
            (At::Verbatim | At::Code, other) => out.push(other),
            (At::Text, '\n') => {
                self.settle(' ');
                self.word_done(out);
                if self.inline != Inline::default() {
                    self.style(RESET, out);
                }
                out.push('\n');
                self.inline = Inline::default();
                self.blanks = 0;
                self.at = At::Start;
            }
            (At::Text, other) => self.inline(other, out),
        }
    }

    /// The beginning of a line: waits until it tells what the line is.
    fn begin(&mut self, character: char, out: &mut String) {
        let is_code = self.at == At::CodeStart;
        let line_ends = character == '\n';
        if !line_ends {
            self.head.push(character);
        }
        let Some(block) = block::of(&self.head, line_ends, is_code) else {
            return;
        };
        let head = std::mem::take(&mut self.head);
        self.open(&block, &head, out);
        if line_ends {
            self.character('\n', out);
        }
    }

    fn open(&mut self, block: &Block, head: &str, out: &mut String) {
        let rest = head.get(block.taken..).unwrap_or_default();
        self.hanging.clear();
        self.columns = 0;
        self.before = ' ';
        match block.kind {
            Kind::Fence => {
                let inside = self.at == At::CodeStart;
                self.style("\x1b[2m", out);
                out.push_str(head);
                self.style(RESET, out);
                // The line break comes as the next character.
                self.at = if inside { At::Verbatim } else { At::Code };
            }
            Kind::Code => {
                self.style("\x1b[36m", out);
                out.push_str(head);
                self.at = At::Code;
            }
            Kind::Verbatim => {
                out.push_str(head);
                self.at = At::Verbatim;
            }
            Kind::Heading => {
                self.at = At::Text;
                self.inline.heading = self.styled;
                let text = if self.styled { rest } else { head };
                self.word_style();
                self.text(text, out);
            }
            Kind::Item => {
                let mark = head.get(..block.taken).unwrap_or_default();
                let mark = if self.styled {
                    mark.replacen(['-', '*', '+'], "•", 1)
                } else {
                    mark.to_owned()
                };
                self.columns = mark.chars().map(width_of).sum();
                self.hanging = " ".repeat(self.columns);
                out.push_str(&mark);
                self.at = At::Text;
                self.text(rest, out);
            }
            Kind::Quote => {
                let mark = if self.styled { "│ " } else { "> " };
                self.columns = 2;
                self.hanging = mark.to_owned();
                self.style("\x1b[2m", out);
                out.push_str(mark);
                self.style(RESET, out);
                self.at = At::Text;
                self.text(rest, out);
            }
            Kind::Paragraph => {
                self.at = At::Text;
                self.text(head, out);
            }
        }
    }

    fn text(&mut self, text: &str, out: &mut String) {
        for character in text.chars() {
            self.inline(character, out);
        }
    }

    fn inline(&mut self, character: char, out: &mut String) {
        if !self.styled {
            return self.letter(character, out);
        }
        if std::mem::take(&mut self.escaped) {
            if !character.is_ascii_punctuation() {
                self.letter('\\', out);
            }
            return self.letter(character, out);
        }
        if let Some((mark, count)) = self.run {
            if character == mark {
                self.run = Some((mark, count + 1));
                return;
            }
            self.settle(character);
        }
        match character {
            '\\' if self.inline.code.is_none() => self.escaped = true,
            '`' => self.run = Some((character, 1)),
            '*' | '_' if self.inline.code.is_none() => self.run = Some((character, 1)),
            other => self.letter(other, out),
        }
    }

    /// Marks are complete: the characters around them tell what they mean.
    fn settle(&mut self, after: char) {
        if std::mem::take(&mut self.escaped) {
            self.word.push('\\');
            self.word_columns += 1;
        }
        let Some((mark, count)) = self.run.take() else {
            return;
        };
        let before = self.before;
        let opens = !after.is_whitespace();
        let closes = !before.is_whitespace();
        // `snake_case` has no marks in it.
        let inside = mark == '_' && before.is_alphanumeric() && after.is_alphanumeric();
        let inline = &mut self.inline;
        let understood = match (mark, inline.code) {
            ('`', Some(open)) if open == count => {
                inline.code = None;
                true
            }
            (_, Some(_)) => false,
            ('`', None) => {
                inline.code = Some(count);
                true
            }
            _ if inside || count > 3 => false,
            _ => {
                let strong = count >= 2;
                let light = count != 2;
                let fits = |is_on: bool| if is_on { closes } else { opens };
                let (bold, italic) = (inline.bold, inline.italic);
                if (strong && !fits(bold)) || (light && !fits(italic)) {
                    false
                } else {
                    inline.bold ^= strong;
                    inline.italic ^= light;
                    true
                }
            }
        };
        if understood {
            self.word_style();
        } else {
            for _ in 0..count {
                self.word.push(mark);
            }
            self.word_columns += count;
            self.before = mark;
        }
    }

    fn letter(&mut self, character: char, out: &mut String) {
        self.before = character;
        if character == ' ' {
            self.word_done(out);
            self.blanks += 1;
            return;
        }
        let wide = width_of(character);
        // A word that is longer than a line is broken where the line ends.
        if self.word_columns + wide > self.width.saturating_sub(self.hanging.chars().count()) {
            self.word_done(out);
        }
        self.word.push(character);
        self.word_columns += wide;
    }

    /// Writes the word, on the next line if this one has no room.
    fn word_done(&mut self, out: &mut String) {
        if self.word_columns == 0 {
            out.push_str(&std::mem::take(&mut self.word));
            return;
        }
        let hanging = self.hanging.chars().map(width_of).sum::<usize>();
        if self.columns > hanging && self.columns + self.blanks + self.word_columns > self.width {
            if self.styled {
                out.push_str(RESET);
            }
            out.push('\n');
            out.push_str(&self.hanging);
            if self.styled && self.inline != Inline::default() && !self.word.starts_with('\x1b') {
                out.push_str(&self.inline.codes());
            }
            self.columns = hanging;
        } else {
            out.extend(std::iter::repeat_n(' ', self.blanks));
            self.columns += self.blanks;
        }
        self.columns += self.word_columns;
        self.blanks = 0;
        self.word_columns = 0;
        out.push_str(&std::mem::take(&mut self.word));
    }

    /// Another style from here on, within the word.
    fn word_style(&mut self) {
        if self.styled {
            let codes = if self.inline == Inline::default() {
                RESET.to_owned()
            } else {
                self.inline.codes()
            };
            self.word.push_str(&codes);
        }
    }

    fn style(&self, code: &str, out: &mut String) {
        if self.styled {
            out.push_str(code);
        }
    }
}

#[cfg(test)]
mod tests;
