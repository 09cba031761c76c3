//! Functions that are conditions.

use std::ops::Range;

use super::{
    check, codes, constant, doubt,
    finding::ConstraintError,
    lexer::Kind,
    operand::Side,
    parser::{Binds, Node, Parser},
    prefix, text, wildcard,
};
use crate::{
    budget::NoTable,
    diagnostic::quoted,
    expr::{
        Expr, ExprKind, Function, Literal, Operand, OperandKind, Path, Quantifier, Root, Test,
        TextCall, json,
    },
};

impl Parser<'_> {
    /// The condition that begins here with the name of a function.
    pub(super) fn call(&mut self, function: Function) -> Option<Node> {
        match function {
            Function::Every => self.quantifier(Quantifier::Every),
            Function::Any => self.quantifier(Quantifier::Any),
            Function::StartsWith => self.text_call(TextCall::StartsWith),
            Function::EndsWith => self.text_call(TextCall::EndsWith),
            Function::Contains => self.text_call(TextCall::Contains),
            Function::Matches => self.matches(),
            Function::Only => self.only(),
            Function::Present => self.present(),
            // A value: the condition is what it is compared with.
            Function::Count | Function::Lower | Function::Sum | Function::Type => self.comparison(),
            Function::EveryMember => self.quantifier(Quantifier::EveryMember),
            Function::AnyMember => self.quantifier(Quantifier::AnyMember),
            Function::Anywhere => self.quantifier(Quantifier::Anywhere),
            Function::Optional => self.quantifier(Quantifier::Optional),
        }
    }

    /// The opening parenthesis of a call. None: there are more arguments than the function takes, or fewer, and the call was passed over.
    pub(super) fn open_call(&mut self, function: Function) -> Option<Range<usize>> {
        let (name, wanted, open) = (function.name(), function.arity(), self.span());
        if let Some(found) = self.arguments_ahead()
            && !Self::takes(function, found)
        {
            self.skip_group();
            let plural = |n: usize| if n == 1 { "argument" } else { "arguments" };
            let (takes, or) = match function {
                Function::Count => ("1 argument or 2".to_owned(), " or `count(path, condition)`"),
                _ => (format!("{wanted} {}", plural(wanted)), ""),
            };
            self.findings.refuse(
                codes::ARGUMENTS,
                open.start..self.end_before(),
                format!("`{name}` takes {takes}, not {found}"),
                format!("write `{}`{or}", function.signature()),
            );
            return None;
        }
        self.advance();
        Some(open)
    }

    /// How many arguments stand in the parentheses that open here. None if they are never closed.
    fn arguments_ahead(&self) -> Option<usize> {
        self.arguments_from(0)
    }

    /// The same of parentheses that open some tokens ahead.
    pub(super) fn arguments_from(&self, open: usize) -> Option<usize> {
        let mut depth = 0usize;
        let mut commas = 0;
        let mut ahead = open;
        loop {
            match self.kind_after(ahead)? {
                Kind::Open | Kind::OpenList => depth += 1,
                Kind::Close | Kind::CloseList if depth == 1 => break,
                Kind::Close | Kind::CloseList => depth -= 1,
                Kind::Comma if depth == 1 => commas += 1,
                _ => {}
            }
            ahead += 1;
        }
        Some(if ahead == open + 1 { 0 } else { commas + 1 })
    }

    /// The path that a function looks at. None: something else, which was reported and passed over.
    pub(super) fn path_argument(&mut self, function: Function) -> Option<Path> {
        self.path_argument_of(function.name(), function.signature())
    }

    /// The same for what is called by that name and written like this.
    pub(super) fn path_argument_of(&mut self, name: &str, signature: &str) -> Option<Path> {
        if let (Some(Kind::Word(word)), Some(Kind::Open)) = (self.kind(), self.kind_after(1))
            && let Some(value) = Function::named(word).filter(|function| !function.is_condition())
        {
            // Passed over rather than read: a value in a value in a value would be read recursively.
            let start = self.span().start;
            self.advance();
            self.skip_group();
            let span = start..self.end_before();
            let help = match value {
                Function::Lower if name == Function::Matches.name() => {
                    "a pattern can leave letter case out of account: `matches(path, \"^(?i:text)$\")`"
                        .to_owned()
                }
                _ => format!("write a path such as `args.x`: `{signature}`"),
            };
            self.findings.refuse(
                codes::ARGUMENTS,
                span,
                format!("`{name}` looks at a path, and what `{value}` says is none"),
                help,
            );
            return None;
        }
        let Some(side) = self.operand("a path") else {
            self.sync();
            return None;
        };
        match side {
            Side::Poison(_) => None,
            Side::Good(operand) => match operand.kind {
                OperandKind::Path(path) => Some(path),
                kind => {
                    let swapped = matches!(kind, OperandKind::Literal(Literal::String(_)))
                        && matches!((self.kind(), self.kind_after(1)), (Some(Kind::Comma), Some(Kind::Word(root))) if Root::named(root).is_some());
                    let help = if swapped {
                        "the path comes first"
                    } else {
                        "write a path such as `args.x`"
                    };
                    let shown = quoted(self.slice(operand.span.clone()));
                    self.findings.refuse(
                        codes::ARGUMENTS,
                        operand.span,
                        format!("`{name}` looks at a path, and {shown} is none"),
                        format!("{help}: `{signature}`"),
                    );
                    if swapped {
                        // The second argument is wrong for the same reason.
                        self.advance();
                        self.sync();
                    }
                    None
                }
            },
        }
    }

    /// The comma between two arguments; only reported if what stands before it is sound.
    pub(super) fn comma(&mut self, sound: bool) -> Option<()> {
        if matches!(self.kind(), Some(Kind::Comma)) {
            self.advance();
            return Some(());
        }
        if sound && !matches!(self.kind(), Some(Kind::Bad)) {
            let error = self.expected("`,`");
            self.findings.error(error);
        }
        None
    }

    /// Everything of a call with one argument: the path, and the place of the call.
    pub(super) fn one_argument(&mut self, function: Function) -> Option<(Path, Range<usize>)> {
        let start = self.span().start;
        self.advance();
        let open = self.open_call(function)?;
        let path = self.path_argument(function);
        let end = self.close(&open, "`)`", path.is_some());
        Some((path?, start..end?))
    }

    /// Everything of a call with two arguments: what `first` and `second` read, and the place of the call. `wanted` is what can stand
    /// behind the second.
    pub(super) fn two_arguments<A, T>(
        &mut self,
        function: Function,
        wanted: &str,
        first: impl FnOnce(&mut Self, Function) -> Option<A>,
        second: impl FnOnce(&mut Self, Function) -> Option<T>,
    ) -> Option<(A, T, Range<usize>)> {
        let start = self.span().start;
        self.advance();
        let open = self.open_call(function)?;
        let subject = first(self, function);
        if self.comma(subject.is_some()).is_none() {
            self.skip_past_close();
            return None;
        }
        let value = second(self, function);
        let end = self.close(&open, wanted, subject.is_some() && value.is_some());
        Some((subject?, value?, start..end?))
    }

    fn text_call(&mut self, call: TextCall) -> Option<Node> {
        let (subject, sought, span) = self.two_arguments(
            call.function(),
            "`)`",
            Self::subject_argument,
            Self::sought_argument,
        )?;
        let always = self.judge_text(
            check::text_call(call, &subject, &sought),
            &span,
            subject.span.clone(),
            Some((&subject, call.function())),
        );
        if let OperandKind::Literal(Literal::String(text)) = &sought.kind {
            if let Some(error) = subject
                .path()
                .and_then(|path| wildcard::sought(call, path, text, sought.span.clone()))
            {
                self.findings.error(error);
            } else if !always {
                self.doubt_text(call, &subject, text, &sought.span);
            }
        } else if sought
            .path()
            .is_some_and(|path| path.root == Root::Element && path.steps.is_empty())
        {
            self.doubt_listed(call, &subject, &sought.span);
        }
        Some(Node {
            expr: Expr {
                kind: ExprKind::Text {
                    call,
                    subject,
                    sought,
                },
                span,
            },
            always,
        })
    }

    fn doubt_text(&mut self, call: TextCall, subject: &Operand, text: &str, span: &Range<usize>) {
        if text.is_empty() {
            let warning = doubt::empty_text(call, span.clone(), self.negative);
            return self.findings.warn(warning);
        }
        if let Some(advice) = prefix::open_text(call, subject, text, span.clone()) {
            self.advise(advice);
        }
        if let Some(warning) = prefix::path_prefix(call, subject, text, span.clone()) {
            self.findings.warn(warning);
        }
    }

    /// The texts of a list constant that `.` stands for: the first that is doubtful.
    fn doubt_listed(&mut self, call: TextCall, subject: &Operand, span: &Range<usize>) {
        let Some(Binds::Listed(list)) = self.scopes.last().map(|scope| &scope.binds) else {
            return;
        };
        let advice = list.iter().find_map(|literal| match literal {
            Literal::String(text) if !text.is_empty() => {
                prefix::open_text(call, subject, text, span.clone())
            }
            _ => None,
        });
        if let Some(advice) = advice {
            self.advise(advice);
        }
    }

    /// The text that a text function looks at: a path, or `lower` of one.
    fn subject_argument(&mut self, function: Function) -> Option<Operand> {
        let is_lower = matches!(
            (self.kind(), self.kind_after(1)),
            (Some(Kind::Word("lower")), Some(Kind::Open))
        );
        if !is_lower {
            let path = self.path_argument(function)?;
            return Some(Operand {
                span: path.span.clone(),
                kind: OperandKind::Path(path),
            });
        }
        let Side::Good(operand) = self.value_call(Function::Lower) else {
            return None;
        };
        if operand
            .terms()
            .any(|term| matches!(term.kind, OperandKind::Path(_)))
        {
            return Some(operand);
        }
        let shown = quoted(self.slice(operand.span.clone()));
        self.findings.refuse(
            codes::ARGUMENTS,
            operand.span,
            format!("`{function}` looks at a path, and {shown} is none"),
            format!(
                "write a path such as `args.x` in it: `{}`",
                function.signature()
            ),
        );
        None
    }

    fn matches(&mut self) -> Option<Node> {
        let (path, (pattern, pattern_span), span) = self.two_arguments(
            Function::Matches,
            "`)`",
            Self::path_argument,
            Self::pattern_argument,
        )?;
        let compiled = match self.sight.budget.regex(&pattern) {
            Ok(compiled) => compiled,
            Err(NoTable::Budget(exceeded)) => {
                self.exceeded(exceeded, pattern_span);
                return None;
            }
            Err(NoTable::Pattern(error)) => {
                let place = text::source_span(self.slice(pattern_span.clone()), &error.span);
                let place = pattern_span.start + place.start..pattern_span.start + place.end;
                // The help is about the pattern; in this text each of its backslashes is written twice.
                let help = error.help.map(|help| help.replace('\\', "\\\\"));
                self.findings.error(
                    ConstraintError::new(codes::PATTERN, place, error.message).help_if(help),
                );
                return None;
            }
        };
        let subject = Operand {
            span: path.span.clone(),
            kind: OperandKind::Path(path.clone()),
        };
        self.judge_text(
            check::on_text(&path),
            &span,
            path.span.clone(),
            Some((&subject, Function::Matches)),
        );
        if let Some(warning) = wildcard::repeated(&path, &pattern, pattern_span.clone()) {
            self.findings.warn(warning);
        }
        let missing = match (compiled.anchored_start, compiled.anchored_end) {
            (true, true) => None,
            (false, false) => Some("anywhere in the text"),
            (true, false) => Some("with anything behind it"),
            (false, true) => Some("with anything before it"),
        };
        if let Some(missing) = missing {
            let whole = Literal::String(anchored(&pattern));
            self.advise(
                ConstraintError::new(codes::UNANCHORED, pattern_span, format!("this pattern is also found {missing}"))
                    .help(format!("to match the whole text write {}; for a part of it `contains`, `startswith` or `endswith` say so", quoted(&whole.to_string()))),
            );
        } else if let Some(advice) = prefix::host_pattern(&pattern, &pattern_span) {
            self.advise(advice);
        }
        Some(Node {
            expr: Expr {
                kind: ExprKind::Test(
                    path,
                    Test::Matches {
                        pattern,
                        dfa: compiled.dfa,
                    },
                ),
                span,
            },
            always: false,
        })
    }

    /// The pattern of `matches`.
    fn pattern_argument(&mut self, function: Function) -> Option<(String, Range<usize>)> {
        let name = function.name();
        let from_constant = matches!(self.kind(), Some(Kind::Word("consts")));
        let Some(side) = self.operand("a text") else {
            self.sync();
            return None;
        };
        let Side::Good(operand) = side else {
            return None;
        };
        let shown = quoted(self.slice(operand.span.clone()));
        let error = match operand.kind {
            OperandKind::Literal(Literal::String(text)) if !from_constant => {
                return Some((text, operand.span));
            }
            OperandKind::Literal(_) if from_constant => ConstraintError::new(
                codes::CONSTANT_HERE,
                operand.span,
                format!("`{name}` takes its pattern literally, not from a constant"),
            )
            .help("write the text here, where the pattern and its anchors are read together"),
            OperandKind::Literal(literal) => self.no_text(function, &literal, &shown, operand.span),
            OperandKind::Path(_)
            | OperandKind::Count(_)
            | OperandKind::CountIf { .. }
            | OperandKind::Sum { .. }
            | OperandKind::Lower(_)
            | OperandKind::TypeOf(_)
            | OperandKind::Arithmetic { .. } => ConstraintError::new(
                codes::ARGUMENTS,
                operand.span,
                format!("the second argument of `{name}` is a literal text"),
            )
            .help("write the text here; a pattern is never taken from a call: `contains`, `startswith` and `endswith` seek one text in another"),
        };
        self.findings.error(error);
        None
    }

    /// What is sought in a text: any value that can be a text.
    fn sought_argument(&mut self, function: Function) -> Option<Operand> {
        let name = function.name();
        let from_constant = matches!(self.kind(), Some(Kind::Word("consts")));
        let Some(side) = self.value("a text") else {
            self.sync();
            return None;
        };
        let Side::Good(operand) = side else {
            return None;
        };
        let shown = quoted(self.slice(operand.span.clone()));
        let error = match operand.kind {
            OperandKind::Literal(Literal::String(_))
            | OperandKind::Path(_)
            | OperandKind::Lower(_)
            | OperandKind::TypeOf(_) => return Some(operand),
            OperandKind::Literal(Literal::List(_)) if from_constant => ConstraintError::new(
                codes::ARGUMENTS,
                operand.span,
                format!("the second argument of `{name}` is one text, and {shown} is a list"),
            )
            .help(format!(
                "ask for each of its texts: `any({}, {name}(path, .))`",
                shown.trim_matches('`')
            )),
            OperandKind::Literal(literal) => self.no_text(function, &literal, &shown, operand.span),
            OperandKind::Count(_)
            | OperandKind::CountIf { .. }
            | OperandKind::Sum { .. }
            | OperandKind::Arithmetic { .. } => ConstraintError::new(
                codes::ARGUMENTS,
                operand.span,
                format!("the second argument of `{name}` is a text, and {shown} is a number"),
            )
            .help("write a text, or a path that leads to one"),
        };
        self.findings.error(error);
        None
    }

    /// The error for a literal where a text is wanted.
    fn no_text(
        &self,
        function: Function,
        literal: &Literal,
        shown: &str,
        span: Range<usize>,
    ) -> ConstraintError {
        let (what, help) = match literal {
            Literal::List(_) => (
                format!("one text, and {shown} is a list"),
                if self.negative {
                    "write one call a text, joined with `or`, all of them in parentheses behind the `not`".to_owned()
                } else {
                    "write one call a text, joined with `or`".to_owned()
                },
            ),
            Literal::Null | Literal::Bool(_) | Literal::Number(_) | Literal::String(_) => (
                format!("a text, and {shown} is none"),
                format!("quote it: {}", quoted(&json(&literal.to_string()))),
            ),
        };
        ConstraintError::new(
            codes::ARGUMENTS,
            span,
            format!("the second argument of `{function}` is {what}"),
        )
        .help(help)
    }

    fn only(&mut self) -> Option<Node> {
        let (path, names, span) = self.two_arguments(
            Function::Only,
            "`)`",
            Self::path_argument,
            Self::names_argument,
        )?;
        self.judge(check::only(&path), &span, path.span.clone());
        Some(Node {
            expr: Expr {
                kind: ExprKind::Test(path, Test::Only(names)),
                span,
            },
            always: false,
        })
    }

    fn names_argument(&mut self, function: Function) -> Option<Vec<String>> {
        let name = function.name();
        if !matches!(self.kind(), Some(Kind::OpenList)) {
            let from_constant = matches!(self.kind(), Some(Kind::Word("consts")));
            let Some(side) = self.operand("a list of names") else {
                self.sync();
                return None;
            };
            let Side::Good(operand) = side else {
                return None;
            };
            let shown = quoted(self.slice(operand.span.clone()));
            self.findings.error(if from_constant {
                ConstraintError::new(
                    codes::CONSTANT_HERE,
                    operand.span,
                    format!("`{name}` takes its names literally, not from a constant"),
                )
                .help("write the list here")
            } else {
                ConstraintError::new(
                    codes::ARGUMENTS,
                    operand.span,
                    format!("the second argument of `{name}` is a list of names"),
                )
                .help(format!(
                    "write {}",
                    quoted(&format!("[{}]", shown.trim_matches('`')))
                ))
            });
            return None;
        }
        let list = self.list()?;
        let mut names = Vec::with_capacity(list.elements.len());
        let mut sound = true;
        for element in &list.elements {
            match &element.value {
                Literal::String(text) => names.push(text.clone()),
                other => {
                    sound = false;
                    self.findings.refuse(
                        codes::ARGUMENTS,
                        element.span.clone(),
                        format!(
                            "a member name is a text, and {} is none",
                            quoted(&other.to_string())
                        ),
                        format!("quote it: {}", quoted(&json(&other.to_string()))),
                    );
                }
            }
        }
        let keys = list
            .elements
            .iter()
            .map(|element| (constant::key(&element.value), element.span.clone()));
        for warning in doubt::duplicates(keys) {
            self.findings.warn(warning);
        }
        for (name, element) in names.iter().zip(&list.elements) {
            if let Some(warning) = wildcard::member(name, element.span.clone()) {
                self.findings.warn(warning);
            }
        }
        sound.then_some(names)
    }

    fn present(&mut self) -> Option<Node> {
        let (path, span) = self.one_argument(Function::Present)?;
        let bound = match self.scopes.last().map(|scope| &scope.binds) {
            Some(Binds::Argument) => None,
            bound => bound,
        };
        let always = self.judge(check::present(&path, bound), &span, span.clone());
        Some(Node {
            expr: Expr {
                kind: ExprKind::Test(path, Test::Present),
                span,
            },
            always,
        })
    }
}

/// The pattern between anchors.
fn anchored(pattern: &str) -> String {
    let body = pattern.strip_prefix('^').unwrap_or(pattern);
    let body = body
        .strip_suffix('$')
        .filter(|rest| !rest.ends_with('\\'))
        .unwrap_or(body);
    if body.contains('|') {
        format!("^(?:{body})$")
    } else {
        format!("^{body}$")
    }
}
