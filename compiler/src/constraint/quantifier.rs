//! Conditions on what a path leads to: `every`, `any` and their kin.

use std::ops::Range;

use super::{
    check, codes,
    finding::ConstraintError,
    lexer::Kind,
    operand::Side,
    parser::{AFTER_CONDITION, Binds, MAX_QUANTIFIERS, Node, Parser, Scope},
};
use crate::{
    diagnostic::quoted,
    expr::{Expr, ExprKind, Function, Literal, OperandKind, Over, Quantifier},
};

impl Parser<'_> {
    pub(super) fn quantifier(&mut self, quantifier: Quantifier) -> Option<Node> {
        let (name, function) = (self.span(), quantifier.function());
        if quantifier != Quantifier::Optional {
            self.refuse_third_quantifier(&name);
        }
        self.advance();
        let open = self.open_call(function)?;
        let over = self.over(quantifier);
        if self.comma(over.is_some()).is_none() {
            self.skip_past_close();
            return None;
        }
        let (path, binds) = match over {
            Some(Over::Listed(list)) => (None, Binds::Listed(list)),
            Some(Over::Path(path)) => (Some(path), binds(quantifier)),
            None => (None, binds(quantifier)),
        };
        let body = self.body(&name, binds);
        let sound = path.is_some() || matches!(body, Some((_, _, Binds::Listed(_))));
        let end = self.close(&open, AFTER_CONDITION, sound && body.is_some());
        let (body, used, binds) = body?;
        let span = name.start..end?;
        if let Some(path) = &path {
            self.judge(
                check::quantifier(quantifier, path),
                &span,
                path.span.clone(),
            );
        }
        self.unused_element(used, &body.expr, &name, &binds);
        let over = match (path, binds) {
            (Some(path), _) => Over::Path(path),
            (None, Binds::Listed(list)) => Over::Listed(list),
            (None, _) => return None,
        };
        Some(Node {
            expr: Expr {
                kind: ExprKind::Quantifier {
                    quantifier,
                    over,
                    body: Box::new(body.expr),
                },
                span,
            },
            always: false,
        })
    }

    /// What a quantifier goes over.
    fn over(&mut self, quantifier: Quantifier) -> Option<Over> {
        let is_list = matches!(self.kind(), Some(Kind::OpenList))
            || matches!(self.kind(), Some(Kind::Word("consts")));
        let takes_lists = matches!(quantifier, Quantifier::Every | Quantifier::Any);
        if !is_list || !takes_lists {
            return self.path_argument(quantifier.function()).map(Over::Path);
        }
        let Some(Side::Good(operand)) = self.operand("a path") else {
            return None;
        };
        match operand.kind {
            OperandKind::Literal(Literal::List(list)) if list.is_empty() => {
                let outcome = match quantifier {
                    Quantifier::Every => "everything is true of every element of",
                    _ => "nothing is true of an element of",
                };
                self.findings.refuse(
                    codes::EMPTY_LIST,
                    operand.span,
                    format!("{outcome} an empty list"),
                    "list the values, or remove the condition",
                );
                None
            }
            OperandKind::Literal(Literal::List(list)) => Some(Over::Listed(list)),
            _ => {
                let shown = quoted(self.slice(operand.span.clone()));
                let name = quantifier.function();
                self.findings.refuse(
                    codes::ARGUMENTS,
                    operand.span,
                    format!("`{name}` goes over a list, and {shown} is none"),
                    "make the constant a list, or compare with the constant itself",
                );
                None
            }
        }
    }

    /// The condition of something that binds `.`, whether it looks at `.`, and what was bound.
    pub(super) fn body(
        &mut self,
        name: &Range<usize>,
        binds: Binds,
    ) -> Option<(Node, bool, Binds)> {
        if !self.enter(name) {
            return None;
        }
        self.scopes.push(Scope {
            name: name.clone(),
            used: false,
            binds,
        });
        self.quantifies(0);
        let body = self.condition();
        self.leave();
        let scope = self.scopes.pop()?;
        body.map(|body| (body, scope.used, scope.binds))
    }

    /// Notes that so many quantifiers stand in each other here, besides those around.
    pub(super) fn quantifies(&mut self, more: usize) -> usize {
        let around = self.scopes.iter().filter(|scope| scope.binds.counts());
        let all = around.count() + more;
        self.most_quantifiers = self.most_quantifiers.max(all);
        all
    }

    /// Reports a quantifier, at `name`, that stands in too many others.
    pub(super) fn refuse_third_quantifier(&mut self, name: &Range<usize>) {
        let mut around = self.scopes.iter().filter(|scope| scope.binds.counts());
        if let Some(outer) = around.nth(MAX_QUANTIFIERS - 1) {
            let outer = outer.name.clone();
            self.findings.error(
                ConstraintError::new(codes::QUANTIFIERS, name.clone(), format!("quantifiers stand in each other at most {MAX_QUANTIFIERS} deep"))
                    .label("one too many")
                    .second(outer, "already inside of another here")
                    .help("pass flatter arguments to the tool, or check the inner lists in the tool itself"),
            );
        }
    }

    pub(super) fn unused_element(
        &mut self,
        used: bool,
        body: &Expr,
        name: &Range<usize>,
        binds: &Binds,
    ) {
        if used {
            return;
        }
        let (what, whose, help) = match binds {
            Binds::Element | Binds::Listed(_) => (
                "the element",
                "the list whose elements it is about",
                "write `.` for the element, `.name` for a member of it",
            ),
            Binds::Member => (
                "the member",
                "the object whose members it is about",
                "write `.name` for the name of the member, `.value` for its value",
            ),
            Binds::Text => (
                "the text",
                "the value whose texts it is about",
                "write `.` for the text",
            ),
            Binds::Value | Binds::Argument => (
                "the value",
                "the value that it is about",
                "write `.` for the value, `.name` for a member of it",
            ),
        };
        self.findings.warn(
            ConstraintError::new(
                codes::ELEMENT_UNUSED,
                body.span.clone(),
                format!("this condition does not look at {what}"),
            )
            .second(name.clone(), whose)
            .help(help),
        );
    }

    /// How many arguments stand in the call that begins here with its name.
    pub(super) fn arguments_ahead_of_call(&self) -> Option<usize> {
        self.arguments_from(1)
    }

    /// Whether an argument of the function that is called here can be had, for the name of a function that was read.
    pub(super) fn takes(function: Function, arguments: usize) -> bool {
        function.arity() == arguments || (function == Function::Count && arguments == 2)
    }
}

fn binds(quantifier: Quantifier) -> Binds {
    match quantifier {
        Quantifier::Every | Quantifier::Any => Binds::Element,
        Quantifier::EveryMember | Quantifier::AnyMember => Binds::Member,
        Quantifier::Anywhere => Binds::Text,
        Quantifier::Optional => Binds::Value,
    }
}
