//! `+`, `-` and `*` between values: `*` before the others, from left to right, without parentheses.

use std::ops::Range;

use super::{
    check::{Known, describe, known, type_of},
    codes,
    finding::ConstraintError,
    lexer::Kind,
    operand::Side,
    parser::Parser,
};
use crate::{
    diagnostic::quoted,
    expr::{ArithmeticOp, Literal, Operand, OperandKind, Type},
};

/// How many operations stand in one value. It bounds the recursion of what walks one, as [`MAX_NESTING`](super::MAX_NESTING) does for
/// conditions.
pub const MAX_OPERATIONS: usize = 32;

impl Parser<'_> {
    /// A value, calculated or not. None as for [`operand`](Self::operand).
    pub(super) fn value(&mut self, wanted: &str) -> Option<Side> {
        let mut operations = 0;
        let mut left = self.product(wanted, &mut operations)?;
        while let Some(op @ (ArithmeticOp::Add | ArithmeticOp::Subtract)) = self.arithmetic_op() {
            self.advance();
            let right = self.product("a value", &mut operations)?;
            left = self.combined(op, left, right, &mut operations);
        }
        Some(left)
    }

    fn product(&mut self, wanted: &str, operations: &mut usize) -> Option<Side> {
        let mut left = self.operand(wanted)?;
        while let Some(op @ ArithmeticOp::Multiply) = self.arithmetic_op() {
            self.advance();
            let right = self.operand("a value")?;
            left = self.combined(op, left, right, operations);
        }
        Some(left)
    }

    fn arithmetic_op(&self) -> Option<ArithmeticOp> {
        match self.kind() {
            Some(Kind::Arithmetic(op)) => Some(*op),
            _ => None,
        }
    }

    fn combined(
        &mut self,
        op: ArithmeticOp,
        left: Side,
        right: Side,
        operations: &mut usize,
    ) -> Side {
        let span = left.span().start..right.span().end;
        *operations += 1;
        if *operations == MAX_OPERATIONS + 1 {
            self.findings.refuse(
                codes::TOO_DEEP,
                span.clone(),
                format!("this value has more than {MAX_OPERATIONS} operations"),
                "let the tool take the sum as an argument, or write `sum(path, .field)` for the elements of a list",
            );
        }
        let left = self.number(op, left);
        let right = self.number(op, right);
        match (left, right) {
            (Some(left), Some(right)) if *operations <= MAX_OPERATIONS => Side::Good(Operand {
                kind: OperandKind::Arithmetic {
                    op,
                    left: Box::new(left),
                    right: Box::new(right),
                },
                span,
            }),
            _ => Side::Poison(span),
        }
    }

    /// A side of an operation. None: it is no number, which was reported.
    fn number(&mut self, op: ArithmeticOp, side: Side) -> Option<Operand> {
        let Side::Good(operand) = side else {
            return None;
        };
        let known = known(&operand);
        let of = match known {
            Known::Value(literal) => Some(Type::of(literal)),
            _ => type_of(&known),
        };
        if of.is_none_or(|of| of == Type::Number) {
            return Some(operand);
        }
        let what = match known {
            Known::Value(_) => format!(
                "{} is {}",
                quoted(self.slice(operand.span.clone())),
                describe(&known)
            ),
            _ => format!("here stands {}", describe(&known)),
        };
        let help = match (of, known) {
            (_, Known::Value(Literal::String(text)))
                if super::number::looks_like_a_number(text) =>
            {
                format!("leave out the quotes: {}", quoted(text))
            }
            (Some(Type::Text), _) => {
                "texts are not joined: test the parts with `startswith`, `contains` and `endswith`"
                    .to_owned()
            }
            _ => "write a number, or a path that leads to one".to_owned(),
        };
        self.findings.refuse(
            codes::ARGUMENTS,
            operand.span,
            format!("`{op}` takes numbers, and {what}"),
            help,
        );
        None
    }

    /// Reports `+`, `-` or `*` where nothing is calculated.
    pub(super) fn refuse_arithmetic(&mut self, help: &str) {
        if !self.at_arithmetic() {
            return;
        }
        let shown = self.shown();
        let error = ConstraintError::new(
            codes::SYNTAX,
            self.span(),
            format!("{shown} stands between the values of a comparison only"),
        )
        .help(help);
        self.findings.error(error);
    }

    /// The help for a value in parentheses.
    pub(super) fn without_parentheses(&self, group: Range<usize>) -> String {
        let behind = self.kind();
        let inside = self.slice(group);
        let calculates = inside.contains(['+', '*']) || inside.contains("- ");
        if calculates || matches!(behind, Some(Kind::Arithmetic(_))) {
            "there are no parentheses around values: `*` comes before `+` and `-`, so write out each product, as in `args.a * 2 + args.b * 2`".to_owned()
        } else {
            "leave them out; a list stands in brackets".to_owned()
        }
    }
}
