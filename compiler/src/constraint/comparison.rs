//! Comparisons: two values and what stands between them.

use std::ops::Range;

use super::{
    check::{self, Verdict},
    codes, constant, doubt,
    finding::ConstraintError,
    lexer::Kind,
    list::Element,
    operand::{A_CONDITION, Side},
    parser::{Node, Parser},
    suggest, wildcard,
};
use crate::{
    diagnostic::quoted,
    expr::{
        CompareOp, Expr, ExprKind, Function, Literal, Members as ExprMembers, Operand, OperandKind,
        Path, Root, Type, json,
    },
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Compare(CompareOp),
    In { negated: bool },
}

/// What stands right of `in`.
enum Members {
    Listed(Listed),
    Path(Path),
}

impl Members {
    fn span(&self) -> Range<usize> {
        match self {
            Self::Listed(listed) => listed.span.clone(),
            Self::Path(path) => path.span.clone(),
        }
    }
}

/// Literals right of `in`.
struct Listed {
    elements: Vec<Element>,
    span: Range<usize>,
    /// Whether the elements stand in the text, and not in a constant.
    written: bool,
}

impl Parser<'_> {
    pub(super) fn comparison(&mut self) -> Option<Node> {
        let node = self.try_comparison();
        if node.is_none() {
            self.sync();
        }
        node
    }

    fn try_comparison(&mut self) -> Option<Node> {
        let left = self.value(A_CONDITION)?;
        let operator = self.comparison_operator(&left)?;
        let operator_end = self.end_before();
        match operator {
            Operator::Compare(op) => {
                let right = self.value("a value")?;
                self.refuse_chain(&left, &right.span())?;
                let (Side::Good(left), Side::Good(right)) = (left, right) else {
                    return None;
                };
                self.compare(op, left, right)
            }
            Operator::In { negated } => {
                let members = self.members(&left, operator_end, negated);
                let right = members.as_ref().map_or_else(|| self.span(), Members::span);
                self.refuse_chain(&left, &right)?;
                if members.is_some() && self.at_arithmetic() {
                    self.refuse_arithmetic(
                        "left of `in` values are calculated, right of it stands the list",
                    );
                    return None;
                }
                let (Side::Good(value), Some(members)) = (left, members) else {
                    return None;
                };
                match members {
                    Members::Listed(listed) => self.membership(value, listed, negated),
                    Members::Path(path) => Some(self.membership_in(value, path, negated)),
                }
            }
        }
    }

    fn comparison_operator(&mut self, left: &Side) -> Option<Operator> {
        match self.kind() {
            Some(Kind::Op(op)) => {
                let op = *op;
                self.advance();
                Some(Operator::Compare(op))
            }
            Some(Kind::Bad) => None,
            Some(Kind::Word(word)) if !self.at_boundary() => {
                let word = *word;
                self.word_operator(word, left)
            }
            _ => {
                self.missing_operator(left);
                None
            }
        }
    }

    fn word_operator(&mut self, word: &str, left: &Side) -> Option<Operator> {
        let span = self.span();
        let value = self.slice(left.span()).to_owned();
        if word.eq_ignore_ascii_case("in") {
            self.accept_word("in");
            return Some(Operator::In { negated: false });
        }
        if word.eq_ignore_ascii_case("not") {
            return self.not_operator(&value);
        }
        if matches!(left, Side::Poison(_)) {
            return None;
        }
        if ["not_in", "notin", "nin"].contains(&word.to_ascii_lowercase().as_str()) {
            self.advance();
            self.findings.refuse(
                codes::OPERATOR,
                span,
                format!("{} is not an operator", quoted(word)),
                "write `not in`",
            );
            return Some(Operator::In { negated: true });
        }
        if let Some(meant) = suggest::operator(word) {
            self.advance();
            let negated = meant == "==" && matches!(self.kind(), Some(Kind::Word("not")));
            let meant = if negated { "!=" } else { meant };
            let end = if negated { self.span().end } else { span.end };
            if negated {
                self.advance();
            }
            let span = span.start..end;
            let shown = quoted(self.slice(span.clone()));
            self.findings.refuse(
                codes::OPERATOR,
                span,
                format!("{shown} is not an operator"),
                format!("write `{meant}`"),
            );
            return Some(Operator::Compare(operator_named(meant)?));
        }
        if let Some(function) = Function::meant(word) {
            let help = match self.kind_after(1) {
                // Its patterns are written otherwise than those of any function here.
                _ if word.eq_ignore_ascii_case("like") => {
                    "`startswith`, `endswith`, `contains` or `matches`".to_owned()
                }
                Some(Kind::Text(text)) => quoted(&format!(
                    "{function}({value}, {})",
                    Literal::String(text.clone())
                )),
                _ => format!("`{}`", function.signature()),
            };
            self.findings.refuse(
                codes::OPERATOR,
                span,
                format!("{} is not an operator", quoted(word)),
                format!("write {help}"),
            );
            return None;
        }
        self.missing_operator(left);
        None
    }

    /// `not` behind a value: `not in`, or a slip.
    fn not_operator(&mut self, value: &str) -> Option<Operator> {
        let span = self.span();
        match self.kind_after(1) {
            Some(Kind::Word(next)) if next.eq_ignore_ascii_case("in") => {
                self.accept_word("not");
                self.accept_word("in");
                Some(Operator::In { negated: true })
            }
            Some(Kind::Op(op)) => {
                let op = *op;
                self.findings.refuse(
                    codes::NOT,
                    span,
                    format!("`not` cannot stand before `{op}`"),
                    format!(
                        "write `{}`, or put the `not` before the whole comparison",
                        op.negated()
                    ),
                );
                self.advance();
                self.advance();
                Some(Operator::Compare(op))
            }
            Some(Kind::Word(next)) if let Some(function) = Function::meant(next) => {
                // The patterns of `like` are written otherwise than those of any function here.
                let functions = if next.eq_ignore_ascii_case("like") {
                    format!(
                        "`startswith`, `endswith`, `contains` or `matches`, as in {}",
                        quoted(&format!("not contains({value}, …)"))
                    )
                } else {
                    quoted(&format!("not {function}({value}, …)"))
                };
                self.findings.refuse(
                    codes::NOT,
                    span.start
                        ..self
                            .tokens
                            .get(self.at + 1)
                            .map_or(span.end, |next| next.span.end),
                    "this is not an operator",
                    format!("write {functions}"),
                );
                None
            }
            _ => {
                self.findings.refuse(
                    codes::NOT,
                    span,
                    "`not` stands before a condition, or in `not in`",
                    format!(
                        "write {} or {}",
                        quoted(&format!("{value} != …")),
                        quoted(&format!("{value} not in […]"))
                    ),
                );
                None
            }
        }
    }

    fn missing_operator(&mut self, left: &Side) {
        let Side::Good(operand) = left else { return };
        let value = quoted(self.slice(operand.span.clone()));
        if !self.at_boundary() {
            let error = self
                .expected("a comparison operator")
                .help("operators are `==`, `!=`, `<`, `<=`, `>`, `>=`, `in` and `not in`");
            return self.findings.error(error);
        }
        let bare = self.slice(operand.span.clone());
        // Whether the value stands alone in parentheses, and is no argument of a function.
        let mut before = self
            .tokens
            .iter()
            .rev()
            .skip_while(|token| token.span.end > operand.span.start);
        let opened = matches!(before.next().map(|token| &token.kind), Some(Kind::Open));
        let called = matches!(before.next().map(|token| &token.kind), Some(Kind::Word(word)) if !matches!(*word, "and" | "or" | "not"));
        let closes = opened && !called && matches!(self.kind(), Some(Kind::Close));
        let calculates = matches!(operand.kind, OperandKind::Arithmetic { .. });
        let help = match (&operand.kind, self.kind_after(1)) {
            (_, Some(Kind::Arithmetic(_))) if closes => {
                "there are no parentheses around values: `*` comes before `+` and `-`, so write out each product, as in `args.a * 2 + args.b * 2`".to_owned()
            }
            (_, Some(Kind::Op(_))) if closes && calculates => {
                "leave out the parentheses: what is calculated comes before comparisons".to_owned()
            }
            (_, Some(Kind::Op(_))) if closes => {
                "parentheses hold conditions: leave them out around a value".to_owned()
            }
            (OperandKind::Path(path), _) if path.root == Root::Element && path.steps.is_empty() => {
                "compare the element: `. == …`".to_owned()
            }
            (OperandKind::Path(_), _) => format!(
                "write {} for a flag that is set, {} for something that must be there",
                quoted(&format!("{bare} == true")),
                quoted(&format!("present({bare})"))
            ),
            (OperandKind::Literal(_), _) => {
                "compare it with something from the call: `args.x == …`".to_owned()
            }
            (OperandKind::TypeOf(_), _) => {
                format!("compare it: {}", quoted(&format!("{bare} == \"text\"")))
            }
            (OperandKind::Lower(_), _) => {
                format!("compare it: {}", quoted(&format!("{bare} == \"…\"")))
            }
            (
                OperandKind::Count(_)
                | OperandKind::CountIf { .. }
                | OperandKind::Sum { .. }
                | OperandKind::Arithmetic { .. },
                _,
            ) => {
                format!("compare it: {}", quoted(&format!("{bare} > 0")))
            }
        };
        let message = format!("{value} is a value, not a condition");
        self.findings
            .refuse(codes::CONDITION, operand.span.clone(), message, help);
    }

    /// `a < b < c`
    fn refuse_chain(&mut self, left: &Side, right: &Range<usize>) -> Option<()> {
        if !self.at_operator() {
            return Some(());
        }
        let first = self.slice(left.span().start..right.end);
        let middle = self.slice(right.clone());
        let help = match self.kind() {
            Some(Kind::Op(op)) if !middle.starts_with('[') => {
                format!(
                    "write two: {}",
                    quoted(&format!("{first} and {middle} {op} …"))
                )
            }
            _ => "write each comparison on its own and join them with `and`".to_owned(),
        };
        let error =
            ConstraintError::new(codes::CHAINED, self.span(), "comparisons cannot be chained")
                .label("a second operator")
                .second(
                    left.span().start..right.end,
                    "this is one comparison already",
                )
                .help(help);
        self.findings.error(error);
        None
    }

    fn members(&mut self, left: &Side, operator_end: usize, negated: bool) -> Option<Members> {
        if matches!(self.kind(), Some(Kind::Word("not"))) {
            let error = ConstraintError::new(codes::NOT, self.span(), "`not` stands before `in`")
                .help("write `not in`");
            self.findings.error(error);
            self.advance();
        }
        if matches!(self.kind(), Some(Kind::OpenList)) {
            let list = self.list_for(negated)?;
            return Some(Members::Listed(Listed {
                elements: list.elements,
                span: list.span,
                written: true,
            }));
        }
        if matches!(self.kind(), Some(Kind::Open)) {
            let open = self.span();
            self.skip_group();
            let inner = self
                .slice(open.end..self.end_before().saturating_sub(1).max(open.end))
                .trim()
                .to_owned();
            self.findings.refuse(
                codes::LIST,
                open.start..self.end_before(),
                "the right side of `in` is a list in brackets",
                format!("write {}", quoted(&format!("[{inner}]"))),
            );
            return None;
        }
        let side = self.operand("a list")?;
        let Side::Good(operand) = side else {
            return None;
        };
        let span = operand.span;
        match operand.kind {
            OperandKind::Literal(Literal::List(elements)) => {
                let elements = elements
                    .into_iter()
                    .map(|value| Element {
                        value,
                        span: span.clone(),
                    })
                    .collect();
                Some(Members::Listed(Listed {
                    elements,
                    span,
                    written: false,
                }))
            }
            OperandKind::Path(path) => Some(Members::Path(path)),
            kind => {
                let help = self.list_help(left, &kind, &span, negated);
                let what = match &kind {
                    OperandKind::Count(_) | OperandKind::CountIf { .. } => "a count",
                    OperandKind::Sum { .. } | OperandKind::Arithmetic { .. } => "a number",
                    OperandKind::Path(_) | OperandKind::Lower(_) | OperandKind::TypeOf(_) => {
                        "a text"
                    }
                    OperandKind::Literal(literal) => Type::of(literal).described(),
                };
                self.findings.error(
                    ConstraintError::new(codes::LIST, span, format!("the right side of `in` is a list, a list constant or a path to a list, not {what}"))
                        .second(operator_end.saturating_sub(2)..operator_end, "wants a list")
                        .help_if(help),
                );
                None
            }
        }
    }

    /// What to write instead. `negated`: it stands right of `not in`, and so does not say what is sought but what must not be found.
    fn list_help(
        &self,
        left: &Side,
        right: &OperandKind,
        span: &Range<usize>,
        negated: bool,
    ) -> Option<String> {
        let Side::Good(left) = left else { return None };
        let not = if negated { "not " } else { "" };
        let equal = if negated { "!=" } else { "==" };
        let value = self.slice(left.span.clone());
        let list = self.slice(span.clone());
        let constant = list.starts_with("consts.");
        Some(match (&left.kind, right) {
            (_, OperandKind::Literal(_)) if constant => {
                format!("compare with `{equal}`, or make the constant a list")
            }
            (OperandKind::Path(_), OperandKind::Literal(Literal::String(_))) => format!(
                "write {} for equality, {} for a part of a text",
                quoted(&format!("[{list}]")),
                quoted(&format!("{not}contains({value}, {list})"))
            ),
            (_, OperandKind::Literal(_)) => format!("write {}", quoted(&format!("[{list}]"))),
            _ => format!("compare with `{equal}`"),
        })
    }

    fn compare(&mut self, op: CompareOp, left: Operand, right: Operand) -> Option<Node> {
        let span = left.span.start..right.span.end;
        let culprit = match (&left.kind, &right.kind) {
            (OperandKind::Literal(_), OperandKind::Literal(_)) => span.clone(),
            (OperandKind::Literal(_), _) => left.span.clone(),
            (_, OperandKind::Literal(_)) => right.span.clone(),
            _ => span.clone(),
        };
        self.type_name(&left, &right)?;
        let always = self.judge(check::compare(op, &left, &right), &span, culprit);
        let how = wildcard::Compared {
            negated: op == CompareOp::NotEqual,
            listed: false,
        };
        for (name, value) in [(&left, &right), (&right, &left)] {
            if let OperandKind::Literal(Literal::String(text)) = &value.kind
                && !op.is_order()
            {
                let error = wildcard::compared(&check::known(name), text, value.span.clone(), how);
                self.findings.errors.extend(error);
            }
        }
        if let Some(warning) = doubt::number_texts(&left, &right) {
            self.findings.warn(warning);
        }
        Some(Node {
            expr: Expr {
                kind: ExprKind::Compare { op, left, right },
                span,
            },
            always,
        })
    }

    /// Reports a text that is compared with the name of a type, and is none.
    fn type_name(&mut self, left: &Operand, right: &Operand) -> Option<()> {
        let text = match (&left.kind, &right.kind) {
            (OperandKind::TypeOf(_), OperandKind::Literal(Literal::String(text))) => {
                Some((text, right))
            }
            (OperandKind::Literal(Literal::String(text)), OperandKind::TypeOf(_)) => {
                Some((text, left))
            }
            _ => None,
        };
        let Some((text, operand)) = text else {
            return Some(());
        };
        match self.unknown_type(text, operand.span.clone()) {
            Some(error) => {
                self.findings.error(error);
                None
            }
            None => Some(()),
        }
    }

    fn unknown_type(&self, text: &str, span: Range<usize>) -> Option<ConstraintError> {
        let names = Type::ALL.map(Type::name);
        if names.contains(&text) {
            return None;
        }
        let meant = suggest::type_name(text);
        let help = match meant.or_else(|| self.sight.budget.nearest(text, names)) {
            Some(meant) => format!("did you mean {}", quoted(&json(meant))),
            None => format!("types are `{}`", names.map(json).join("`, `")),
        };
        let shown = quoted(&json(text));
        Some(ConstraintError::new(codes::TYPE, span, format!("{shown} is no type")).help(help))
    }

    fn membership_in(&mut self, value: Operand, path: Path, negated: bool) -> Node {
        let span = value.span.start..path.span.end;
        self.judge(check::membership_in(&path), &span, path.span.clone());
        Node {
            expr: Expr {
                kind: ExprKind::In {
                    value,
                    list: ExprMembers::Path(path),
                    negated,
                },
                span,
            },
            always: false,
        }
    }

    fn membership(&mut self, value: Operand, members: Listed, negated: bool) -> Option<Node> {
        let span = value.span.start..members.span.end;
        if members.elements.is_empty() {
            let outcome = if negated {
                "everything passes `not in`"
            } else {
                "nothing is `in`"
            };
            self.findings.refuse(
                codes::EMPTY_LIST,
                members.span,
                format!("{outcome} an empty list"),
                "list the values, or remove the constraint",
            );
            return None;
        }
        if members.written {
            let texts = members
                .elements
                .iter()
                .map(|element| (constant::key(&element.value), element.span.clone()));
            let doubled = doubt::duplicates(texts);
            for warning in doubled {
                self.findings.warn(warning);
            }
        }
        if let OperandKind::TypeOf(_) = &value.kind {
            let unknown = members
                .elements
                .iter()
                .find_map(|element| match &element.value {
                    Literal::String(text) => self.unknown_type(text, element.span.clone()),
                    _ => None,
                });
            if let Some(error) = unknown {
                self.findings.error(error);
                return None;
            }
        }
        let how = wildcard::Compared {
            negated,
            listed: members.elements.len() > 1,
        };
        let wild = members
            .elements
            .iter()
            .find_map(|element| match &element.value {
                Literal::String(text) => {
                    wildcard::compared(&check::known(&value), text, element.span.clone(), how)
                }
                _ => None,
            });
        self.findings.errors.extend(wild);
        let list: Vec<Literal> = members
            .elements
            .iter()
            .map(|element| element.value.clone())
            .collect();
        let verdict = check::membership(&value, &list, negated);
        let open = verdict == Verdict::Open;
        let always = self.judge(verdict, &span, members.span.clone());
        if open && members.written {
            for warning in doubt::dead_elements(&value, &members.elements) {
                self.findings.warn(warning);
            }
        }
        Some(Node {
            expr: Expr {
                kind: ExprKind::In {
                    value,
                    list: ExprMembers::Listed(list),
                    negated,
                },
                span,
            },
            always,
        })
    }

    /// Reports what a check found. Whether the condition always holds.
    pub(super) fn judge(
        &mut self,
        verdict: Verdict,
        span: &Range<usize>,
        culprit: Range<usize>,
    ) -> bool {
        self.judge_text(verdict, span, culprit, None)
    }

    /// The same of a function that looks at the text `on`.
    pub(super) fn judge_text(
        &mut self,
        verdict: Verdict,
        span: &Range<usize>,
        culprit: Range<usize>,
        on: Option<(&Operand, Function)>,
    ) -> bool {
        let shown = quoted(self.slice(span.clone()));
        match verdict {
            Verdict::Open => false,
            Verdict::Never(why) => {
                let on_object = on.filter(|(subject, _)| {
                    matches!(check::known(subject), check::Known::Arguments)
                });
                let help = match on_object {
                    Some((_, function)) => format!(
                        "name the argument; for all texts in the arguments, at any depth, write `anywhere(args, {function}(., …))`"
                    ),
                    None if self.negative => {
                        "correct it: what is negated must be able to hold".to_owned()
                    }
                    None => {
                        "correct it, or remove it; to forbid a tool write `mode: deny`".to_owned()
                    }
                };
                self.findings.error(
                    ConstraintError::new(codes::NEVER, culprit, format!("{shown} can never hold"))
                        .label(why)
                        .help(help),
                );
                false
            }
            Verdict::Always(why) => {
                self.findings.warn(
                    ConstraintError::new(
                        codes::ALWAYS,
                        span.clone(),
                        format!("{shown} always holds"),
                    )
                    .label(why)
                    .help("it restricts nothing: remove it, or look at a value of the call"),
                );
                true
            }
            Verdict::Itself { ordered } => {
                // `present` is true of more than an order is, and negated it lets pass what is absent.
                let help = if self.negative {
                    "compare it with another value: negated, this holds for no call"
                } else if ordered {
                    "compare it with another value"
                } else {
                    "to demand that a value is there write `present(…)`"
                };
                self.findings.warn(
                    ConstraintError::new(
                        codes::ITSELF,
                        span.clone(),
                        format!("{shown} compares a value with itself"),
                    )
                    .help(help),
                );
                false
            }
        }
    }
}

fn operator_named(spelling: &str) -> Option<CompareOp> {
    [
        CompareOp::Equal,
        CompareOp::NotEqual,
        CompareOp::Less,
        CompareOp::LessOrEqual,
        CompareOp::Greater,
        CompareOp::GreaterOrEqual,
    ]
    .into_iter()
    .find(|op| op.to_string() == spelling)
}
