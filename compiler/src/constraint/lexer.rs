//! Text to tokens. What is not of this language is reported here; where its meaning is plain, the token that was meant follows.

use std::ops::Range;

use super::{
    codes,
    finding::{ConstraintError, Findings},
    number,
    spelling::{self, Meaning, OPERATORS, is_word},
    text,
};
use crate::{
    diagnostic::quoted,
    expr::{ArithmeticOp, CompareOp, Function, Root, is_name, json},
};

/// What stands at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    /// A word, keyword or not.
    Word(&'a str),
    /// `.name`, without a space between.
    Member(&'a str),
    /// A `.` that no name follows.
    Dot,
    /// A string, unescaped.
    Text(String),
    /// A number as written.
    Number(&'a str),
    /// A comparison operator.
    Op(CompareOp),
    /// `+`, `-` or `*` behind a value.
    Arithmetic(ArithmeticOp),
    /// `(`
    Open,
    /// `)`
    Close,
    /// `[`
    OpenList,
    /// `]`
    CloseList,
    /// `,`
    Comma,
    /// Something that was reported and cannot be read as anything.
    Bad,
}

/// One token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind<'a>,
    pub(super) span: Range<usize>,
    /// Whether no space stands before it.
    pub(super) joined: bool,
}

/// The tokens of a text.
pub(super) fn tokens<'a>(text: &'a str, findings: &mut Findings) -> Vec<Token<'a>> {
    let mut lexer = Lexer {
        text,
        at: 0,
        tokens: Vec::new(),
        findings,
    };
    lexer.run();
    lexer.tokens
}

struct Lexer<'a, 'f> {
    text: &'a str,
    at: usize,
    tokens: Vec<Token<'a>>,
    findings: &'f mut Findings,
}

impl<'a> Lexer<'a, '_> {
    fn run(&mut self) {
        loop {
            self.skip(|c| matches!(c, ' ' | '\t' | '\n' | '\r'));
            let start = self.at;
            let Some(c) = self.peek() else { break };
            match c {
                '"' => self.string(start),
                '\'' | '`' | '“' | '”' | '‘' | '’' | '«' | '»' => {
                    self.foreign_string(start, c)
                }
                '0'..='9' => self.number(start),
                '-' if self.digit_after(1) && !self.after_operand() => self.number(start),
                '+' if self.digit_after(1) && !self.after_operand() => self.signed(start),
                '.' => self.dot(start),
                '(' => self.single(Kind::Open),
                ')' => self.single(Kind::Close),
                '[' => self.single(Kind::OpenList),
                ']' => self.single(Kind::CloseList),
                ',' => self.single(Kind::Comma),
                '{' => self.object(start),
                '-' if self.joins_a_name(start) && !self.subtracts() => self.hyphen(),
                '+' | '-' | '*' | '/' | '%' => self.arithmetic(start, c),
                '#' => self.comment(start),
                _ if is_word(c) => self.word(start),
                _ => self.operator(start, c),
            }
        }
    }

    fn string(&mut self, start: usize) {
        self.at += 1;
        let mut value = String::new();
        let mut sound = true;
        loop {
            let Some(unit) = text::unit(self.rest()) else {
                self.at = self.text.len();
                if sound {
                    self.findings.error(
                        ConstraintError::new(
                            codes::UNCLOSED,
                            start..start + 1,
                            "this text is never closed",
                        )
                        .label("opened here")
                        .help("end it with `\"`; a quote within a text is written `\\\"`"),
                    );
                }
                break;
            };
            let unit_start = self.at;
            self.at += unit.length;
            match unit.value {
                Ok('"') if unit.length == 1 => break,
                Ok(c) => value.push(c),
                Err(fault) if sound => {
                    // One finding a text: a quote that went missing makes everything behind it look wrong.
                    sound = false;
                    let error = spelling::text_fault(fault, unit_start..self.at);
                    self.findings.error(error);
                }
                Err(_) => {}
            }
        }
        self.push(Kind::Text(value), start);
    }

    fn foreign_string(&mut self, start: usize, quote: char) {
        let close = match quote {
            '“' | '”' => '”',
            '‘' | '’' => '’',
            '«' => '»',
            other => other,
        };
        self.at += quote.len_utf8();
        let body_start = self.at;
        let Some(length) = self.rest().find(close) else {
            self.findings.refuse(
                codes::QUOTES,
                start..body_start,
                "this character does not quote a text",
                "texts stand in double quotes: `\"text\"`",
            );
            return self.push(Kind::Bad, start);
        };
        let body = self
            .text
            .get(body_start..body_start + length)
            .unwrap_or("")
            .to_owned();
        self.at = body_start + length + close.len_utf8();
        let written = json(&body);
        self.findings.refuse(
            codes::QUOTES,
            start..self.at,
            "texts stand in double quotes",
            format!("write {}", quoted(&written)),
        );
        self.push(Kind::Text(body), start);
    }

    fn number(&mut self, start: usize) {
        self.at += 1;
        loop {
            let previous = self
                .text
                .get(..self.at)
                .and_then(|before| before.chars().next_back());
            let exponent = matches!(previous, Some('e' | 'E'));
            let dated = self
                .text
                .get(start..)
                .is_some_and(number::looks_like_a_date);
            match self.peek() {
                Some(c) if is_word(c) || c == '.' => self.at += c.len_utf8(),
                Some('+' | '-') if exponent && self.digit_after(1) => self.at += 1,
                Some('-' | ':' | '+') if dated && self.digit_after(1) => self.at += 1,
                _ => break,
            }
        }
        let written = self.text.get(start..self.at).unwrap_or("");
        if let Err(fault) = number::check(written) {
            self.findings
                .error(spelling::number_fault(fault, written, start..self.at));
        }
        self.push(Kind::Number(written), start);
    }

    /// `+5`
    fn signed(&mut self, start: usize) {
        self.at += 1;
        let digits = self.at;
        self.number(digits);
        let end = self.at;
        let written = self.text.get(digits..end).unwrap_or("");
        self.findings.refuse(
            codes::NUMBER,
            start..end,
            format!("{} is not a number", quoted(&format!("+{written}"))),
            format!("write {}", quoted(written)),
        );
        if let Some(token) = self.tokens.last_mut() {
            token.span.start = start;
        }
    }

    fn dot(&mut self, start: usize) {
        self.at += 1;
        let follows_path =
            self.joins_a_name(start) || self.follows_joined(start, |kind| *kind == Kind::CloseList);
        match self.peek() {
            Some(c) if c.is_ascii_digit() && !follows_path => {
                self.skip(|c| is_word(c) || c == '.');
                let written = self.text.get(start..self.at).unwrap_or("");
                let meant = format!("0{written}");
                let help = number::check(&meant)
                    .is_ok()
                    .then(|| format!("write {}", quoted(&meant)));
                self.findings.error(
                    ConstraintError::new(
                        codes::NUMBER,
                        start..self.at,
                        format!("{} is not a number", quoted(written)),
                    )
                    .help("a number begins with a digit: `0.5`")
                    .help_if(help),
                );
                // The digits alone: which number it is does not matter any more.
                self.push(
                    Kind::Number(self.text.get(start + 1..self.at).unwrap_or("0")),
                    start,
                );
            }
            Some(c) if is_word(c) => {
                self.skip(is_word);
                let name = self.text.get(start + 1..self.at).unwrap_or("");
                if !is_name(name) {
                    self.odd_name(name, start, start + 1);
                }
                self.push(Kind::Member(name), start);
            }
            _ => self.push(Kind::Dot, start),
        }
    }

    /// Whether a hyphen that joins a name subtracts: `args.x-5`, `args.x-args.y`. In `args.user-id` and `eu-west-1` it does not.
    fn subtracts(&self) -> bool {
        let is_path = self.tokens.last().is_some_and(|last| match last.kind {
            Kind::Word(word) => Root::named(word).is_some(),
            _ => true,
        });
        let rest = self.rest().get(1..).unwrap_or("");
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let (word, behind) = rest.split_at(end);
        let is_value = (Root::named(word).is_some() || word == "consts")
            && behind.starts_with(['.', '['])
            || Function::named(word).is_some() && behind.starts_with('(');
        is_path && (word.is_empty() || number::check(word).is_ok() || is_value)
    }

    /// `args.user-id`: the rest of the name, from its hyphen on.
    fn hyphen(&mut self) {
        self.skip(|c| is_word(c) || c == '-');
        let Some(token) = self.tokens.last_mut() else {
            return;
        };
        token.span.end = self.at;
        let span = token.span.clone();
        match token.kind {
            Kind::Member(_) => {
                let name = self.text.get(span.start + 1..span.end).unwrap_or("");
                token.kind = Kind::Member(name);
                self.odd_name(name, span.start, span.start + 1);
            }
            // A bare word with hyphens: the parser says that it wants quotes.
            _ => token.kind = Kind::Word(self.text.get(span).unwrap_or("")),
        }
    }

    fn odd_name(&mut self, name: &str, start: usize, name_start: usize) {
        let written = json(name);
        let before = self.text.get(..start).unwrap_or("");
        let path_start = before
            .rfind(|c: char| !(is_word(c) || c == '.'))
            .map_or(0, |at| at + 1);
        let path = before.get(path_start..).unwrap_or("");
        let help = if path.is_empty() {
            "after a `.` a name has letters, digits and `_` only, and does not begin with a digit"
                .to_owned()
        } else {
            format!("write {}", quoted(&format!("{path}[{written}]")))
        };
        self.findings.refuse(
            codes::PATH,
            name_start..self.at,
            format!("{} cannot follow a `.`", quoted(name)),
            help,
        );
    }

    fn object(&mut self, start: usize) {
        // To the brace that closes it, so that its inside is not reported as well.
        let mut depth = 0usize;
        let mut quoted = false;
        let mut escaped = false;
        for (offset, c) in self.rest().char_indices() {
            match c {
                _ if escaped => escaped = false,
                '\\' if quoted => escaped = true,
                '"' => quoted = !quoted,
                '{' if !quoted => depth += 1,
                '}' if !quoted => depth -= 1,
                _ => {}
            }
            self.at = start + offset + c.len_utf8();
            if depth == 0 {
                break;
            }
        }
        self.findings.refuse(
            codes::OBJECT,
            start..self.at,
            "an object cannot be written in a constraint",
            "compare its members one by one: `args.point.x == 1 and only(args.point, [\"x\"])`",
        );
        self.push(Kind::Bad, start);
    }

    fn arithmetic(&mut self, start: usize, c: char) {
        if self.rest().starts_with("//") || self.rest().starts_with("/*") {
            return self.comment(start);
        }
        let op = match c {
            '+' => Some(ArithmeticOp::Add),
            '-' => Some(ArithmeticOp::Subtract),
            '*' => Some(ArithmeticOp::Multiply),
            _ => None,
        };
        self.at += 1;
        let after_operand = self.after_operand();
        if let Some(op) = op.filter(|_| after_operand) {
            return self.push(Kind::Arithmetic(op), start);
        }
        let help = match c {
            '/' | '%' if after_operand => {
                "there is no division: multiply the other side, or let the tool take what has to be divided".to_owned()
            }
            '-' => "a number begins with a digit or with `-` and a digit; of a value write `0 - args.x`".to_owned(),
            _ => "a number begins with a digit or with `-` and a digit".to_owned(),
        };
        self.findings.refuse(
            codes::CHARACTER,
            start..self.at,
            format!("`{c}` is not an operator here"),
            help,
        );
        self.push(Kind::Bad, start);
    }

    fn comment(&mut self, start: usize) {
        self.at = self.text.len();
        self.findings.refuse(
            codes::CHARACTER,
            start..self.at,
            "a constraint has no comments",
            "put the comment into the YAML, behind the constraint or on a line of its own: ` # …`",
        );
        self.push(Kind::Bad, start);
    }

    fn word(&mut self, start: usize) {
        self.skip(is_word);
        self.push(
            Kind::Word(self.text.get(start..self.at).unwrap_or("")),
            start,
        );
    }

    fn operator(&mut self, start: usize, c: char) {
        let rest = self.rest();
        let Some((spelling, meaning, right)) = OPERATORS
            .iter()
            .find(|(spelling, ..)| rest.starts_with(spelling))
        else {
            self.at += c.len_utf8();
            let shown = quoted(c.encode_utf8(&mut [0; 4]));
            self.findings.error(
                ConstraintError::new(
                    codes::CHARACTER,
                    start..self.at,
                    format!("{shown} has no meaning in a constraint"),
                )
                .help_if(spelling::foreign_character(c).map(str::to_owned)),
            );
            return self.push(Kind::Bad, start);
        };
        self.at += spelling.len();
        let span = start..self.at;
        let (kind, fix) = match meaning {
            Meaning::Op(op) => (Kind::Op(*op), format!("write `{op}`")),
            Meaning::Word(word) => (Kind::Word(word), format!("write `{word}`")),
            Meaning::Match => {
                let not = if spelling.starts_with('!') {
                    "not "
                } else {
                    ""
                };
                (
                    Kind::Bad,
                    format!("write `{not}matches(path, \"pattern\")`"),
                )
            }
        };
        if !right {
            self.findings.refuse(
                codes::OPERATOR,
                span,
                format!("`{spelling}` is not an operator"),
                fix,
            );
        }
        self.push(kind, start);
    }

    fn single(&mut self, kind: Kind<'a>) {
        let start = self.at;
        self.at += 1;
        self.push(kind, start);
    }

    fn push(&mut self, kind: Kind<'a>, start: usize) {
        let joined = self
            .tokens
            .last()
            .is_some_and(|last| last.span.end == start);
        self.tokens.push(Token {
            kind,
            span: start..self.at,
            joined,
        });
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn skip(&mut self, wanted: impl Fn(char) -> bool) {
        let rest = self.rest();
        self.at += rest.find(|c| !wanted(c)).unwrap_or(rest.len());
    }

    fn digit_after(&self, offset: usize) -> bool {
        self.rest()
            .as_bytes()
            .get(offset)
            .is_some_and(u8::is_ascii_digit)
    }

    /// Whether the last token ends a value, so that a sign would be arithmetic.
    fn after_operand(&self) -> bool {
        self.tokens.last().is_some_and(|last| match &last.kind {
            Kind::Word(word) => !["in", "and", "or", "not"].contains(word),
            Kind::Member(_)
            | Kind::Dot
            | Kind::Text(_)
            | Kind::Number(_)
            | Kind::Close
            | Kind::CloseList => true,
            Kind::Op(_)
            | Kind::Arithmetic(_)
            | Kind::Open
            | Kind::OpenList
            | Kind::Comma
            | Kind::Bad => false,
        })
    }

    fn joins_a_name(&self, start: usize) -> bool {
        self.follows_joined(start, |kind| {
            matches!(kind, Kind::Member(_) | Kind::Word(_))
        })
    }

    fn follows_joined(&self, start: usize, wanted: impl Fn(&Kind<'a>) -> bool) -> bool {
        self.tokens
            .last()
            .is_some_and(|last| last.span.end == start && wanted(&last.kind))
    }
}
