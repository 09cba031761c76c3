//! Moving through the tokens, and out of what cannot be read.

use std::ops::Range;

use super::{
    codes,
    finding::ConstraintError,
    lexer::{Kind, Token},
    parser::{MAX_NESTING, Parser},
};
use crate::diagnostic::quoted;

impl<'a> Parser<'a> {
    /// Whether a comparison operator stands here.
    pub(super) fn at_operator(&self) -> bool {
        match (self.kind(), self.kind_after(1)) {
            (Some(Kind::Op(_)), _) | (Some(Kind::Word("in")), _) => true,
            (Some(Kind::Word("not")), Some(Kind::Word(next))) => *next == "in",
            _ => false,
        }
    }

    /// Whether `+`, `-` or `*` stands here.
    pub(super) fn at_arithmetic(&self) -> bool {
        matches!(self.kind(), Some(Kind::Arithmetic(_)))
    }

    /// Whether a condition ends here.
    pub(super) fn at_boundary(&self) -> bool {
        match self.kind() {
            None | Some(Kind::Close | Kind::CloseList | Kind::Comma) => true,
            Some(Kind::Word(word)) => {
                word.eq_ignore_ascii_case("and") || word.eq_ignore_ascii_case("or")
            }
            Some(_) => false,
        }
    }

    /// Goes on to the next place where a condition ends.
    pub(super) fn sync(&mut self) {
        let mut depth = 0usize;
        while let Some(kind) = self.kind() {
            match kind {
                Kind::Open | Kind::OpenList => depth += 1,
                _ if depth == 0 && self.at_boundary() => return,
                Kind::Close | Kind::CloseList => depth = depth.saturating_sub(1),
                _ => {}
            }
            self.advance();
        }
    }

    /// Goes past the parenthesis that closes the one that is open here.
    pub(super) fn skip_past_close(&mut self) {
        let mut depth = 0usize;
        while let Some(kind) = self.kind() {
            match kind {
                Kind::Open => depth += 1,
                Kind::Close if depth == 0 => return self.advance(),
                Kind::Close => depth -= 1,
                _ => {}
            }
            self.advance();
        }
    }

    /// One level deeper; false if that is too deep, and then nothing more is read.
    pub(super) fn enter(&mut self, at: &Range<usize>) -> bool {
        if self.depth >= MAX_NESTING {
            self.findings.refuse(codes::TOO_DEEP, at.clone(), format!("this is nested more than {MAX_NESTING} levels deep"), "leave out parentheses that change nothing, or split the constraint at its top-level `and`");
            self.at = self.tokens.len();
            return false;
        }
        self.depth += 1;
        self.reaches(0);
        true
    }

    /// Notes that something stands here that is so many levels deep itself.
    pub(super) fn reaches(&mut self, levels: usize) {
        self.deepest = self.deepest.max(self.depth + levels);
    }

    pub(super) fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    pub(super) fn peek(&self) -> Option<&Token<'a>> {
        self.tokens.get(self.at)
    }

    pub(super) fn kind(&self) -> Option<&Kind<'a>> {
        self.peek().map(|token| &token.kind)
    }

    pub(super) fn kind_after(&self, ahead: usize) -> Option<&Kind<'a>> {
        self.tokens.get(self.at + ahead).map(|token| &token.kind)
    }

    /// Whether the token that is `ahead` of the current one has no space before it.
    pub(super) fn joined_after(&self, ahead: usize) -> bool {
        self.tokens
            .get(self.at + ahead)
            .is_some_and(|token| token.joined)
    }

    /// Where the current token stands; the empty place behind the text at the end.
    pub(super) fn span(&self) -> Range<usize> {
        self.peek()
            .map_or(self.text.len()..self.text.len(), |token| token.span.clone())
    }

    /// Where the token before the current one ends.
    pub(super) fn end_before(&self) -> usize {
        self.at
            .checked_sub(1)
            .and_then(|before| self.tokens.get(before))
            .map_or(0, |token| token.span.end)
    }

    pub(super) fn advance(&mut self) {
        self.at = (self.at + 1).min(self.tokens.len());
    }

    pub(super) fn slice(&self, span: Range<usize>) -> &'a str {
        self.text.get(span).unwrap_or("")
    }

    /// The current token, for a message.
    pub(super) fn shown(&self) -> String {
        match self.peek() {
            None => "the end".to_owned(),
            Some(token) => quoted(self.slice(token.span.clone())),
        }
    }

    pub(super) fn expected(&self, what: &str) -> ConstraintError {
        let shown = self.shown();
        ConstraintError::new(
            codes::SYNTAX,
            self.span(),
            format!("expected {what}, found {shown}"),
        )
    }

    /// At an opening parenthesis: goes past all that it holds.
    pub(super) fn skip_group(&mut self) {
        self.advance();
        self.skip_past_close();
    }
}
