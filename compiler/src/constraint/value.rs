//! Functions that are values: `count`, `lower`, `sum`, `type`.

use std::ops::Range;

use super::{
    codes,
    lexer::Kind,
    operand::Side,
    parser::{AFTER_CONDITION, Binds, Node, Parser, Scope},
};
use crate::{
    diagnostic::quoted,
    expr::{Expr, Function, Literal, Operand, OperandKind, Path, Root, Step},
};

impl Parser<'_> {
    /// The value that begins here with the name of a function.
    pub(super) fn value_call(&mut self, function: Function) -> Side {
        let start = self.span().start;
        let kind = match function {
            Function::Count => self.count(),
            Function::Lower => self.lower(),
            Function::Sum => self.sum(),
            Function::Type => self
                .one_argument(Function::Type)
                .map(|(path, span)| (OperandKind::TypeOf(path), span)),
            Function::Any
            | Function::AnyMember
            | Function::Anywhere
            | Function::Contains
            | Function::EndsWith
            | Function::Every
            | Function::EveryMember
            | Function::Matches
            | Function::Only
            | Function::Optional
            | Function::Present
            | Function::StartsWith => None,
        };
        match kind {
            Some((kind, span)) => Side::Good(Operand { kind, span }),
            None => Side::Poison(start..self.end_before()),
        }
    }

    /// `count(path)`, `count(path, condition)`
    fn count(&mut self) -> Option<(OperandKind, Range<usize>)> {
        if self.arguments_ahead_of_call() != Some(2) {
            let (path, span) = self.one_argument(Function::Count)?;
            return Some((OperandKind::Count(path), span));
        }
        let name = self.span();
        self.refuse_third_quantifier(&name);
        // How often a condition is true says nothing of what is better: neither more nor less of it is stricter.
        let counted = std::mem::replace(&mut self.counted, true);
        let read = self.two_arguments(
            Function::Count,
            AFTER_CONDITION,
            |parser, function| parser.path_argument(function),
            |parser, _| parser.body(&name, Binds::Element),
        );
        self.counted = counted;
        let (path, (body, used, _), span): (Path, (Node, bool, Binds), _) = read?;
        self.judge(
            super::check::quantifier(crate::expr::Quantifier::Any, &path),
            &span,
            path.span.clone(),
        );
        self.unused_element(used, &body.expr, &name, &Binds::Element);
        let body: Box<Expr> = Box::new(body.expr);
        Some((OperandKind::CountIf { path, body }, span))
    }

    /// `sum(path, .field)`
    fn sum(&mut self) -> Option<(OperandKind, Range<usize>)> {
        let name = self.span();
        let (path, of, span) = self.two_arguments(
            Function::Sum,
            "`)`",
            |parser, function| parser.path_argument(function),
            |parser, _| parser.field(&name),
        )?;
        self.judge(
            super::check::quantifier(crate::expr::Quantifier::Any, &path),
            &span,
            path.span.clone(),
        );
        Some((OperandKind::Sum { path, of }, span))
    }

    /// Where the number of an element is: `.field`, `.`
    fn field(&mut self, name: &Range<usize>) -> Option<Vec<Step>> {
        if !matches!(self.kind(), Some(Kind::Member(_) | Kind::Dot)) {
            let start = self.span().start;
            self.sync();
            self.findings.refuse(
                codes::ARGUMENTS,
                start..self.end_before().max(start),
                "the second argument of `sum` says where the number of an element is",
                "write `.field` for a member of the element, `.` for the element itself",
            );
            return None;
        }
        self.scopes.push(Scope {
            name: name.clone(),
            used: false,
            binds: Binds::Element,
        });
        let side = self.path_operand(Root::Element);
        self.scopes.pop();
        match side {
            Side::Good(Operand {
                kind: OperandKind::Path(path),
                ..
            }) => {
                self.refuse_arithmetic("a sum adds what stands in the elements: calculate with the sum itself, as in `2 * sum(path, .field)`");
                (!self.at_arithmetic()).then_some(path.steps)
            }
            Side::Good(_) | Side::Poison(_) => None,
        }
    }

    /// `lower(text)`
    fn lower(&mut self) -> Option<(OperandKind, Range<usize>)> {
        let start = self.span().start;
        self.advance();
        let open = self.open_call(Function::Lower)?;
        let deep = self.enter(&open);
        let side = deep.then(|| self.operand("a text")).flatten();
        if deep {
            self.leave();
        }
        let sound = matches!(side, Some(Side::Good(_)));
        let calculates = sound && self.at_arithmetic();
        if calculates {
            self.refuse_arithmetic("`lower` takes a text, and a number has no letters");
        }
        let end = self.close(&open, "`)`", sound && !calculates);
        let Some(Side::Good(operand)) = side else {
            return None;
        };
        let is_text = match &operand.kind {
            OperandKind::Path(path) => {
                let verdict = super::check::on_text(path);
                self.judge(verdict, &(start..end?), path.span.clone());
                true
            }
            OperandKind::Literal(Literal::String(_))
            | OperandKind::Lower(_)
            | OperandKind::TypeOf(_) => true,
            OperandKind::Literal(_)
            | OperandKind::Count(_)
            | OperandKind::CountIf { .. }
            | OperandKind::Sum { .. }
            | OperandKind::Arithmetic { .. } => false,
        };
        if !is_text {
            let shown = quoted(self.slice(operand.span.clone()));
            self.findings.refuse(
                codes::ARGUMENTS,
                operand.span,
                format!("`lower` takes a text, and {shown} is none"),
                "write a path such as `args.x`: `lower(args.x) == \"usd\"`",
            );
            return None;
        }
        Some((OperandKind::Lower(Box::new(operand)), start..end?))
    }
}
