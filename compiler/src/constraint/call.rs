//! Functions that are conditions.

use std::ops::Range;

use super::{
    check, codes, constant, doubt,
    finding::ConstraintError,
    lexer::Kind,
    operand::Side,
    parser::{AFTER_CONDITION, MAX_QUANTIFIERS, Node, Parser, Scope},
    text, wildcard,
};
use crate::{
    budget::NoTable,
    diagnostic::quoted,
    expr::{
        Expr, ExprKind, Function, Literal, Operand, OperandKind, Over, Path, Quantifier, Root,
        Test, TextCall, json,
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
            Function::EveryMember
            | Function::AnyMember
            | Function::Anywhere
            | Function::Optional => todo!(),
        }
    }

    /// The opening parenthesis of a call. None: there are more arguments than the function takes, or fewer, and the call was passed over.
    pub(super) fn open_call(&mut self, function: Function) -> Option<Range<usize>> {
        let (name, wanted, open) = (function.name(), function.arity(), self.span());
        if let Some(found) = self.arguments_ahead()
            && found != wanted
        {
            self.skip_group();
            let plural = |n: usize| if n == 1 { "argument" } else { "arguments" };
            self.findings.refuse(
                codes::ARGUMENTS,
                open.start..self.end_before(),
                format!("`{name}` takes {wanted} {}, not {found}", plural(wanted)),
                format!("write `{}`", function.signature()),
            );
            return None;
        }
        self.advance();
        Some(open)
    }

    /// How many arguments stand in the parentheses that open here. None if they are never closed.
    fn arguments_ahead(&self) -> Option<usize> {
        let mut depth = 0usize;
        let mut commas = 0;
        let mut ahead = 0;
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
        Some(if ahead == 1 { 0 } else { commas + 1 })
    }

    /// The path that a function looks at. None: something else, which was reported and passed over.
    pub(super) fn path_argument(&mut self, function: Function) -> Option<Path> {
        let (name, signature) = (function.name(), function.signature());
        if matches!(
            (self.kind(), self.kind_after(1)),
            (Some(Kind::Word("count")), Some(Kind::Open))
        ) {
            // Passed over rather than read: a value in a value in a value would be read recursively.
            let start = self.span().start;
            self.advance();
            self.skip_group();
            let span = start..self.end_before();
            self.findings.refuse(
                codes::ARGUMENTS,
                span,
                format!("`{name}` looks at a path, and a count is none"),
                format!("write a path such as `args.x`: `{signature}`"),
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
    fn comma(&mut self, sound: bool) -> Option<()> {
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

    /// Everything of a call with two arguments: the path, what `second` reads, and the place of the call. `wanted` is what can stand
    /// behind the second.
    fn two_arguments<T>(
        &mut self,
        function: Function,
        wanted: &str,
        second: impl FnOnce(&mut Self, Function) -> Option<T>,
    ) -> Option<(Path, T, Range<usize>)> {
        let start = self.span().start;
        self.advance();
        let open = self.open_call(function)?;
        let path = self.path_argument(function);
        if self.comma(path.is_some()).is_none() {
            self.skip_past_close();
            return None;
        }
        let value = second(self, function);
        let end = self.close(&open, wanted, path.is_some() && value.is_some());
        Some((path?, value?, start..end?))
    }

    fn text_call(&mut self, call: TextCall) -> Option<Node> {
        let (path, (text, text_span), span) =
            self.two_arguments(call.function(), "`)`", Self::text_argument)?;
        let always = self.judge(
            check::text_call(call, &path, &text),
            &span,
            path.span.clone(),
        );
        if let Some(error) = wildcard::sought(call, &path, &text, text_span.clone()) {
            self.findings.error(error);
        } else if !always
            && let Some(warning) =
                doubt::doubtful_text(call, &text, text_span.clone(), self.negative)
        {
            self.findings.warn(warning);
        }
        Some(Node {
            expr: Expr {
                kind: ExprKind::Text {
                    call,
                    subject: Operand {
                        span: path.span.clone(),
                        kind: OperandKind::Path(path),
                    },
                    sought: Operand {
                        kind: OperandKind::Literal(Literal::String(text)),
                        span: text_span,
                    },
                },
                span,
            },
            always,
        })
    }

    fn matches(&mut self) -> Option<Node> {
        let (path, (pattern, pattern_span), span) =
            self.two_arguments(Function::Matches, "`)`", Self::text_argument)?;
        let compiled = match self.budget.regex(&pattern) {
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
        self.judge(check::on_text(&path), &span, path.span.clone());
        if let Some(warning) = wildcard::repeated(&path, &pattern, pattern_span.clone()) {
            self.findings.warn(warning);
        }
        let missing = match (compiled.anchored_start, compiled.anchored_end) {
            // What is forbidden is rightly sought anywhere.
            _ if self.negative => None,
            (true, true) => None,
            (false, false) => Some("anywhere in the text"),
            (true, false) => Some("with anything behind it"),
            (false, true) => Some("with anything before it"),
        };
        if let Some(missing) = missing {
            let whole = Literal::String(anchored(&pattern));
            self.findings.warn(
                ConstraintError::new(codes::UNANCHORED, pattern_span, format!("this pattern is also found {missing}"))
                    .help(format!("to match the whole text write {}; for a part of it `contains`, `startswith` or `endswith` say so", quoted(&whole.to_string()))),
            );
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

    /// The literal text of a function.
    fn text_argument(&mut self, function: Function) -> Option<(String, Range<usize>)> {
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
                format!("`{name}` takes its text literally, not from a constant"),
            )
            .help("write the text here; constants stand in comparisons and right of `in`"),
            OperandKind::Literal(
                literal @ (Literal::Number(_) | Literal::Bool(_) | Literal::Null),
            ) => {
                let text = json(&literal.to_string());
                ConstraintError::new(
                    codes::ARGUMENTS,
                    operand.span,
                    format!("the second argument of `{name}` is a text, and {shown} is none"),
                )
                .help(format!("quote it: {}", quoted(&text)))
            }
            OperandKind::Literal(_) => ConstraintError::new(
                codes::ARGUMENTS,
                operand.span,
                format!("the second argument of `{name}` is one text, and {shown} is a list"),
            )
            .help(if self.negative {
                "write one call a text, joined with `or`, all of them in parentheses behind the `not`"
            } else {
                "write one call a text, joined with `or`"
            }),
            _ => ConstraintError::new(
                codes::ARGUMENTS,
                operand.span,
                format!("the second argument of `{name}` is a literal text"),
            )
            .help("write the text here; one value of the call cannot be sought in another"),
        };
        self.findings.error(error);
        None
    }

    fn only(&mut self) -> Option<Node> {
        let (path, names, span) =
            self.two_arguments(Function::Only, "`)`", Self::names_argument)?;
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
        let always = self.judge(check::present(&path), &span, span.clone());
        Some(Node {
            expr: Expr {
                kind: ExprKind::Test(path, Test::Present),
                span,
            },
            always,
        })
    }

    fn quantifier(&mut self, quantifier: Quantifier) -> Option<Node> {
        let name = self.span();
        if let Some(outer) = self.scopes.get(MAX_QUANTIFIERS - 1) {
            let outer = outer.name.clone();
            self.findings.error(
                ConstraintError::new(codes::QUANTIFIERS, name.clone(), format!("quantifiers stand in each other at most {MAX_QUANTIFIERS} deep"))
                    .label("one too many")
                    .second(outer, "already inside of another here")
                    .help("pass flatter arguments to the tool, or check the inner lists in the tool itself"),
            );
        }
        let (path, (body, used), span) =
            self.two_arguments(quantifier.function(), AFTER_CONDITION, |parser, _| {
                if !parser.enter(&name) {
                    return None;
                }
                parser.scopes.push(Scope {
                    name: name.clone(),
                    used: false,
                });
                let body = parser.condition();
                parser.leave();
                let scope = parser.scopes.pop()?;
                body.map(|body| (body, scope.used))
            })?;
        self.judge(check::quantifier(&path), &span, path.span.clone());
        if !used {
            self.findings.warn(
                ConstraintError::new(
                    codes::ELEMENT_UNUSED,
                    body.expr.span.clone(),
                    "this condition does not look at the element",
                )
                .second(name, "the list whose elements it is about")
                .help("write `.` for the element, `.name` for a member of it"),
            );
        }
        Some(Node {
            expr: Expr {
                kind: ExprKind::Quantifier {
                    quantifier,
                    over: Over::Path(path),
                    body: Box::new(body.expr),
                },
                span,
            },
            always: false,
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
