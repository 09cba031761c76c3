//! Values: paths, counts, constants and literals.

use std::ops::Range;

use super::{
    codes, constant, foreign,
    lexer::Kind,
    parser::{MAX_NESTING, Parser},
    suggest,
};
use crate::{
    budget::Account,
    diagnostic::quoted,
    expr::{CompareOp, Function, Literal, Operand, OperandKind, Root, is_name, json},
};

/// What is wanted at the beginning of a condition, for messages.
pub(super) const A_CONDITION: &str = "a condition";

/// What was read where a value was wanted.
#[derive(Debug)]
pub(super) enum Side {
    /// A value.
    Good(Operand),
    /// Something that was reported; reading goes on behind it.
    Poison(Range<usize>),
}

impl Side {
    pub(super) fn span(&self) -> Range<usize> {
        match self {
            Self::Good(operand) => operand.span.clone(),
            Self::Poison(span) => span.clone(),
        }
    }
}

impl<'a> Parser<'a> {
    /// A value. None: there is nothing like one here, which was reported, and nothing was read.
    pub(super) fn operand(&mut self, wanted: &str) -> Option<Side> {
        let span = self.span();
        let literal = |value| {
            Side::Good(Operand {
                kind: OperandKind::Literal(value),
                span: span.clone(),
            })
        };
        Some(match self.kind() {
            Some(Kind::Word(word)) => {
                let word = *word;
                return self.word_operand(word, wanted);
            }
            Some(Kind::Text(text)) => {
                let side = literal(Literal::String(text.clone()));
                self.advance();
                side
            }
            Some(Kind::Number(text)) => {
                let side = literal(Literal::Number((*text).to_owned()));
                self.advance();
                side
            }
            Some(Kind::Member(_) | Kind::Dot) => self.path_operand(Root::Element),
            Some(Kind::OpenList) => match self.list() {
                Some(list) => {
                    let values = list
                        .elements
                        .into_iter()
                        .map(|element| element.value)
                        .collect();
                    Side::Good(Operand {
                        kind: OperandKind::Literal(Literal::List(values)),
                        span: list.span,
                    })
                }
                None => Side::Poison(span.start..self.end_before()),
            },
            Some(Kind::Open) => {
                self.skip_group();
                let span = span.start..self.end_before();
                let help = self.without_parentheses(span.clone());
                self.findings.refuse(
                    codes::SYNTAX,
                    span.clone(),
                    "a value does not stand in parentheses",
                    help,
                );
                Side::Poison(span)
            }
            Some(Kind::Bad) => {
                self.advance();
                Side::Poison(span)
            }
            None
            | Some(
                Kind::Op(_) | Kind::Arithmetic(_) | Kind::Close | Kind::CloseList | Kind::Comma,
            ) => {
                let error = self.expected(wanted);
                self.findings.error(error);
                return None;
            }
        })
    }

    fn word_operand(&mut self, word: &'a str, wanted: &str) -> Option<Side> {
        let span = self.span();
        let value = match word {
            "true" => Some(Literal::Bool(true)),
            "false" => Some(Literal::Bool(false)),
            "null" => Some(Literal::Null),
            _ => None,
        };
        if let Some(value) = value {
            self.advance();
            return Some(Side::Good(Operand {
                kind: OperandKind::Literal(value),
                span,
            }));
        }
        if matches!(word, "and" | "or" | "in") {
            let error = self.expected(wanted);
            self.findings.error(error);
            return None;
        }
        if word == "not" {
            self.findings.refuse(
                codes::NOT,
                span.clone(),
                "`not` stands before a condition, not before a value",
                "write `!=`, or put the `not` before the whole comparison",
            );
            while matches!(self.kind(), Some(Kind::Word("not"))) {
                self.advance();
            }
            self.operand(wanted)?;
            return Some(Side::Poison(span.start..self.end_before()));
        }
        if let Some(Kind::Open) = self.kind_after(1) {
            return Some(self.call_operand(word));
        }
        if let Some(function) = Function::named(word) {
            self.advance();
            self.findings.refuse(
                codes::ARGUMENTS,
                span.clone(),
                format!("`{word}` is a function and wants parentheses"),
                format!("write `{}`", function.signature()),
            );
            return Some(Side::Poison(span));
        }
        if self.sight.definitions.find(word).is_some() {
            self.advance();
            self.findings.refuse(
                codes::ARGUMENTS,
                span.clone(),
                format!("`{word}` is a condition with a name and wants parentheses"),
                format!("write `{word}(path)`, or `{word}()` if it looks at no value"),
            );
            return Some(Side::Poison(span));
        }
        if word == "consts" {
            return Some(self.constant());
        }
        if let Some(root) = Root::named(word) {
            return Some(self.path_operand(root));
        }
        if matches!(
            self.kind_after(1),
            Some(Kind::Member(_) | Kind::Dot | Kind::OpenList)
        ) && self.joined_after(1)
        {
            return Some(self.unknown_root(word));
        }
        Some(self.bare_word(word, wanted))
    }

    /// A function where a value is wanted: `count`, or a slip.
    fn call_operand(&mut self, name: &str) -> Side {
        let start = self.span();
        let known = Function::named(name);
        if let Some(function) = known.filter(|function| !function.is_condition()) {
            return self.value_call(function);
        }
        let is_condition = known.is_some() || self.calls_named(name);
        self.advance();
        self.skip_group();
        let span = start.start..self.end_before();
        if is_condition {
            self.findings.refuse(
                codes::CONDITION,
                start,
                format!("`{name}` is a condition, not a value"),
                "conditions are joined with `and`, `or` and `not`, and not compared",
            );
        } else {
            let argument = self
                .slice(start.end..span.end)
                .trim_matches(['(', ')'])
                .trim();
            let (sought, negated) = match (self.kind(), self.kind_after(1)) {
                (Some(Kind::Op(op)), Some(Kind::Text(text))) => {
                    (Some(text.as_str()), *op == CompareOp::NotEqual)
                }
                (Some(Kind::Word("not")), Some(Kind::Word("in"))) => (None, true),
                (Some(Kind::Op(op)), _) => (None, *op == CompareOp::NotEqual),
                _ => (None, false),
            };
            let named = self
                .sight
                .budget
                .nearest(name, self.sight.definitions.names())
                .map(str::to_owned);
            let help = foreign::remedy(name, argument, sought, negated).unwrap_or_else(|| {
                match (suggest::function(name), named) {
                    // What is defined in the policy is rather meant than a function that is spelled a little like it.
                    (meant, Some(named)) if meant.is_none_or(|meant| !meant.is_called(name)) => {
                        format!("did you mean {}", quoted(&format!("{named}(…)")))
                    }
                    (Some(meant), _) => format!("did you mean `{}`", meant.signature()),
                    (None, _) => format!("functions are {}", Function::listed()),
                }
            });
            self.findings.refuse(
                codes::FUNCTION,
                start,
                format!("there is no function {}", quoted(name)),
                help,
            );
        }
        Side::Poison(span)
    }

    /// `consts.NAME`
    fn constant(&mut self) -> Side {
        let start = self.span();
        self.advance();
        let name = match self.kind() {
            Some(Kind::Member(name)) if self.joined_after(0) => *name,
            _ => {
                if matches!(self.kind(), Some(Kind::OpenList | Kind::Dot)) && self.joined_after(0) {
                    self.skip_steps();
                }
                let span = start.start..self.end_before();
                self.findings.refuse(
                    codes::PATH,
                    span.clone(),
                    "`consts` wants the name of a constant",
                    "write `consts.NAME`; only constants with plain names can be used",
                );
                return Side::Poison(span);
            }
        };
        self.advance();
        let span = start.start..self.end_before();
        let after = self.end_before();
        if self.skip_steps() {
            self.findings.refuse(
                codes::PATH,
                after..self.end_before(),
                "a constant has no members",
                format!(
                    "a constant is a literal or a list: {}",
                    quoted(self.slice(span.clone()))
                ),
            );
            return Side::Poison(start.start..self.end_before());
        }
        if !is_name(name) {
            return Side::Poison(span);
        }
        let Some(value) = self.sight.consts.get(name) else {
            let help = match self
                .sight
                .budget
                .nearest(name, self.sight.consts.keys().map(String::as_str))
            {
                Some(known) => format!("did you mean {}", quoted(&format!("consts.{known}"))),
                None if self.sight.consts.is_empty() => {
                    "define it under `consts:` in the policy".to_owned()
                }
                None => {
                    let names: Vec<String> = self
                        .sight
                        .consts
                        .keys()
                        .take(10)
                        .map(|name| quoted(name))
                        .collect();
                    let more = if self.sight.consts.len() > names.len() {
                        ", …"
                    } else {
                        ""
                    };
                    format!("constants are {}{more}", names.join(", "))
                }
            };
            self.findings.refuse(
                codes::CONSTANT,
                start.end + 1..span.end,
                format!("there is no constant {}", quoted(name)),
                help,
            );
            return Side::Poison(span);
        };
        self.consts_used.insert(name.to_owned());
        if constant::deeper_than(value, MAX_NESTING.saturating_sub(self.depth())) {
            self.findings.refuse(
                codes::TOO_DEEP,
                span.clone(),
                format!(
                    "the value of this constant is nested more than {MAX_NESTING} levels deep here"
                ),
                "flatten the lists of the constant",
            );
            return Side::Poison(span);
        }
        self.reaches(constant::depth(value));
        let paid = self
            .sight
            .budget
            .spend(Account::Constants, constant::weight(value));
        if let Err(exceeded) = paid {
            self.exceeded(exceeded, span.clone());
            return Side::Poison(span);
        }
        Side::Good(Operand {
            kind: OperandKind::Literal(value.clone()),
            span,
        })
    }

    fn unknown_root(&mut self, word: &str) -> Side {
        let span = self.span();
        self.advance();
        self.skip_steps();
        let whole = span.start..self.end_before();
        let rest = self.slice(span.end..whole.end).to_owned();
        let roots = Root::NAMED
            .map(|root| format!("`{}`", root.name()))
            .join(", ");
        let called = matches!(self.kind(), Some(Kind::Open)) && self.joined_after(0);
        let function = rest
            .rsplit('.')
            .next()
            .filter(|_| called)
            .and_then(Function::meant);
        let help = match (function, suggest::root(word)) {
            // `regex.match(…)`
            (Some(function), _) => format!(
                "functions belong to no package: write `{}`",
                function.signature()
            ),
            // `input.args.x`, as Rego has it.
            (None, Some("args"))
                if Root::NAMED
                    .iter()
                    .any(|root| rest.starts_with(&format!(".{}.", root.name()))) =>
            {
                format!("write {}", quoted(rest.trim_start_matches('.')))
            }
            (None, Some(root)) => format!("did you mean {}", quoted(&format!("{root}{rest}"))),
            (None, None) => format!("paths begin with {roots}; a text stands in double quotes"),
        };
        self.findings.refuse(
            codes::ROOT,
            span,
            format!("no path begins with {}", quoted(word)),
            help,
        );
        Side::Poison(whole)
    }

    fn bare_word(&mut self, word: &'a str, wanted: &str) -> Side {
        let start = self.span();
        self.advance();
        if suggest::is_odd_number(word) {
            self.findings.refuse(
                codes::NUMBER,
                start.clone(),
                format!("{} is not a number of JSON", quoted(word)),
                "no call can carry it; compare with a bound that you choose",
            );
            return Side::Poison(start);
        }
        if let Some(value) = suggest::value(word) {
            self.findings.refuse(
                codes::UNQUOTED,
                start.clone(),
                format!("{} is not a value", quoted(word)),
                format!(
                    "write `{value}`, or quote it if a text is meant: {}",
                    quoted(&format!("\"{word}\""))
                ),
            );
            return Side::Poison(start);
        }
        // `New York`: what follows belongs to the text that lacks its quotes.
        while let Some(Kind::Word(next)) = self.kind() {
            let plain = Root::named(next).is_none()
                && Function::named(next).is_none()
                && suggest::operator(next).is_none();
            if self.at_boundary()
                || matches!(*next, "in" | "not" | "consts")
                || !plain
                || matches!(self.kind_after(1), Some(Kind::Open))
            {
                break;
            }
            self.advance();
        }
        let span = start.start..self.end_before();
        let text = json(self.slice(span.clone()));
        let root = suggest::root(word).filter(|_| span == start);
        let help = match root {
            Some(root) => format!(
                "quote it if a text is meant: {}; a path begins with `{root}`",
                quoted(&text)
            ),
            // Left of an operator it is an argument rather than a text.
            None if wanted == A_CONDITION && is_name(word) && span == start => format!(
                "an argument is written {}, a text {}",
                quoted(&format!("args.{word}")),
                quoted(&text)
            ),
            None => format!("quote it: {}", quoted(&text)),
        };
        let shown = quoted(self.slice(span.clone()));
        self.findings.refuse(
            codes::UNQUOTED,
            span.clone(),
            format!("{shown} is not a value"),
            help,
        );
        Side::Poison(span)
    }
}
