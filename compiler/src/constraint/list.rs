//! Lists of literals.

use std::ops::Range;

use super::{codes, finding::ConstraintError, lexer::Kind, operand::Side, parser::Parser};
use crate::expr::{Literal, OperandKind};

/// One element of a list.
#[derive(Debug)]
pub(super) struct Element {
    pub(super) value: Literal,
    pub(super) span: Range<usize>,
}

/// A list literal.
#[derive(Debug)]
pub(super) struct List {
    pub(super) elements: Vec<Element>,
    pub(super) span: Range<usize>,
}

impl Parser<'_> {
    /// A list of literals. None if something in it was reported; reading goes on behind it.
    pub(super) fn list(&mut self) -> Option<List> {
        self.list_for(false)
    }

    /// The same; `excluding` says that it is the list of a `not in`.
    pub(super) fn list_for(&mut self, excluding: bool) -> Option<List> {
        let open = self.span();
        self.advance();
        if !self.enter(&open) {
            return None;
        }
        let mut elements = Vec::new();
        let mut sound = true;
        loop {
            match self.kind() {
                Some(Kind::CloseList) => {
                    if let Some(comma) = self.trailing_comma() {
                        sound = false;
                        self.findings.refuse(
                            codes::SYNTAX,
                            comma,
                            "a list does not end with a comma",
                            "remove the comma",
                        );
                    }
                    break self.advance();
                }
                None => {
                    self.unclosed_list(&open, sound);
                    sound = false;
                    break;
                }
                Some(_) => match self.element(excluding) {
                    Some(element) => elements.push(element),
                    None => sound = false,
                },
            }
            if !self.between_elements(&open, &mut sound) {
                break;
            }
        }
        self.leave();
        sound.then(|| List {
            elements,
            span: open.start..self.end_before(),
        })
    }

    /// Behind an element: whether the list goes on.
    fn between_elements(&mut self, open: &Range<usize>, sound: &mut bool) -> bool {
        match self.kind() {
            Some(Kind::Comma) => {
                self.advance();
                true
            }
            Some(Kind::CloseList) | None => true,
            Some(kind) => {
                let reported = !*sound || *kind == Kind::Bad;
                let closes = *kind == Kind::Close;
                if !reported {
                    let error = self
                        .expected("`,` or `]`")
                        .second(open.clone(), "the list that is open here");
                    self.findings.error(error);
                }
                *sound = false;
                if closes {
                    return false;
                }
                self.skip_element();
                true
            }
        }
    }

    fn unclosed_list(&mut self, open: &Range<usize>, sound: bool) {
        if sound && self.cut_off.is_none() {
            let error =
                ConstraintError::new(codes::SYNTAX, open.clone(), "this `[` is never closed")
                    .label("opened here");
            self.findings.error(error);
        }
    }

    /// Goes on to the next `,` or `]` of this list.
    fn skip_element(&mut self) {
        let mut depth = 0usize;
        while let Some(kind) = self.kind() {
            match kind {
                Kind::Open | Kind::OpenList => depth += 1,
                Kind::Comma | Kind::CloseList | Kind::Close if depth == 0 => break,
                Kind::Close | Kind::CloseList => depth -= 1,
                _ => {}
            }
            self.advance();
        }
        if matches!(self.kind(), Some(Kind::Comma)) {
            self.advance();
        }
    }

    fn trailing_comma(&self) -> Option<Range<usize>> {
        let before = self.end_before();
        let start = before.checked_sub(1)?;
        (self.slice(start..before) == ",").then_some(start..before)
    }

    fn element(&mut self, excluding: bool) -> Option<Element> {
        let from_constant = matches!(self.kind(), Some(Kind::Word("consts")));
        let Side::Good(operand) = self.operand("a literal")? else {
            return None;
        };
        match operand.kind {
            OperandKind::Literal(value) if !from_constant => Some(Element {
                value,
                span: operand.span,
            }),
            _ => {
                let help = match (from_constant, excluding) {
                    (true, false) => "make the whole list a constant: `args.x in consts.NAME`",
                    (true, true) => "make the whole list a constant: `args.x not in consts.NAME`",
                    (false, false) => "compare with `==` and join with `or`",
                    (false, true) => "compare with `!=` and join with `and`",
                };
                self.findings.refuse(
                    codes::LIST_ELEMENT,
                    operand.span,
                    "a list in a constraint holds literals only",
                    help,
                );
                None
            }
        }
    }
}
