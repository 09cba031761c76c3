//! Tokens to expressions: the boolean structure. Values are read in `operand`, functions in `call`.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use super::{
    codes,
    definition::{Definition, Definitions},
    expand,
    finding::{ConstraintError, Findings},
    lexer::{self, Kind, Token},
    operand::Side,
};
use crate::{
    budget::{Budget, Exceeded},
    diagnostic::quoted,
    expr::{CompareOp, Expr, ExprKind, Function, Literal, Root},
};

/// The longest constraint, in bytes. Long enough for a list of two hundred names, short enough to be read in a denial.
pub const MAX_BYTES: usize = 4_096;
/// How deep parentheses, `not`, lists and quantifiers may stand in each other. It bounds the recursion of everything that walks an
/// expression, the evaluator included.
pub const MAX_NESTING: usize = 32;
/// How deep quantifiers may stand in each other: each level multiplies the work of a decision by the length of a list.
pub const MAX_QUANTIFIERS: usize = 2;

/// How many errors, and how many warnings, are reported for one constraint.
pub const MAX_FINDINGS: usize = 20;

/// What can stand behind a condition that is in parentheses.
pub(super) const AFTER_CONDITION: &str = "`and`, `or` or `)`";

/// A constraint that is sound.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// What it means.
    pub expr: Expr,
    /// What is doubtful about it, by position: at most [`MAX_FINDINGS`].
    pub warnings: Vec<ConstraintError>,
    /// The names of the constants in it, without those of named conditions.
    pub consts_used: BTreeSet<String>,
    /// The names of the conditions that it uses itself.
    pub definitions_used: BTreeSet<String>,
}

/// What a constraint is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// It must be true for a rule to hold.
    Requirement,
    /// It says what is forbidden, in `forbid` or in an exception: what makes it true of fewer calls lets more of them pass.
    Prohibition,
}

/// What a constraint can refer to, and what it pays from.
#[derive(Clone, Copy)]
pub(super) struct Sight<'a> {
    pub(super) consts: &'a BTreeMap<String, Literal>,
    pub(super) definitions: &'a Definitions,
    pub(super) budget: &'a Budget,
}

/// Reads one constraint that stands alone, see [`parse_within`].
///
/// # Errors
///
/// What is wrong with it, by position: at least one error, at most [`MAX_FINDINGS`].
pub fn parse(
    text: &str,
    consts: &BTreeMap<String, Literal>,
) -> Result<Parsed, Vec<ConstraintError>> {
    let (definitions, budget) = (Definitions::none(), Budget::default());
    parse_within(text, consts, &definitions, &budget, Purpose::Requirement)
}

/// Reads one of the constraints that share a budget. Constants are replaced by their values, named conditions expanded.
///
/// # Errors
///
/// What is wrong with it, by position: at most [`MAX_FINDINGS`], and at least one unless it uses a condition that was refused where it is
/// defined, see [`Definitions::refuse`].
pub fn parse_within(
    text: &str,
    consts: &BTreeMap<String, Literal>,
    definitions: &Definitions,
    budget: &Budget,
    purpose: Purpose,
) -> Result<Parsed, Vec<ConstraintError>> {
    let sight = Sight {
        consts,
        definitions,
        budget,
    };
    let mut parser = Parser::new(text, &sight)?;
    parser.negative = purpose == Purpose::Prohibition;
    let node = parser.read()?;
    Ok(Parsed {
        expr: node.expr,
        warnings: parser.warnings(),
        consts_used: parser.consts_used,
        definitions_used: parser.definitions_used,
    })
}

/// Reads a literal: JSON text without objects, with the limits of numbers and nesting that constraints have.
///
/// # Errors
///
/// What is wrong with it, by position: at least one error, at most [`MAX_FINDINGS`].
pub fn literal_from_json_text(text: &str) -> Result<Literal, Vec<ConstraintError>> {
    let (consts, definitions, budget) = (BTreeMap::new(), Definitions::none(), Budget::default());
    let sight = Sight {
        consts: &consts,
        definitions: &definitions,
        budget: &budget,
    };
    let mut parser = Parser::new(text, &sight)?;
    let side = parser.operand("a value");
    let literal = match side {
        Some(Side::Good(operand)) => match operand.kind {
            crate::expr::OperandKind::Literal(literal) => Some(literal),
            _ => {
                parser.findings.error(
                    ConstraintError::new(
                        codes::LIST_ELEMENT,
                        operand.span,
                        "a constant is a literal",
                    )
                    .help("write a text, a number, `true`, `false`, `null` or a list of those"),
                );
                None
            }
        },
        _ => None,
    };
    if literal.is_some() && parser.peek().is_some() {
        let error = parser.expected("the end");
        parser.findings.error(error);
    }
    parser.outcome(literal)
}

/// Something that was read.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) expr: Expr,
    /// Whether it is true of every call.
    pub(super) always: bool,
}

/// Something that binds `.`, and whose condition is being read.
pub(super) struct Scope {
    pub(super) name: Range<usize>,
    /// Whether the condition looks at the element.
    pub(super) used: bool,
    pub(super) binds: Binds,
}

/// What `.` is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Binds {
    /// The element of a list.
    Element,
    /// One of these.
    Listed(Vec<Literal>),
    /// The member of an object: `.name` and `.value`.
    Member,
    /// A text.
    Text,
    /// Something that is there and not null.
    Value,
    /// What a named condition is asked of, if it is there.
    Argument,
}

impl Binds {
    /// Whether it multiplies the work of a decision.
    pub(super) fn counts(&self) -> bool {
        match self {
            Self::Element | Self::Listed(_) | Self::Member | Self::Text => true,
            Self::Value | Self::Argument => false,
        }
    }
}

pub(super) struct Parser<'a> {
    pub(super) text: &'a str,
    pub(super) tokens: Vec<Token<'a>>,
    pub(super) at: usize,
    pub(super) depth: usize,
    /// The most that [`Self::depth`] was, with what was expanded and written out there.
    pub(super) deepest: usize,
    /// The most quantifiers that stood in each other, with what was expanded there.
    pub(super) most_quantifiers: usize,
    /// Where a text begins that is never closed: everything behind it is part of it.
    pub(super) cut_off: Option<usize>,
    /// Whether what is being read says what is forbidden: below an odd number of `not`, or of an even one in a prohibition. There what
    /// makes a condition true of fewer calls lets more of them pass. No advice may do that.
    pub(super) negative: bool,
    /// Whether it is not known which: how often a condition is true is compared.
    pub(super) counted: bool,
    pub(super) scopes: Vec<Scope>,
    pub(super) sight: Sight<'a>,
    pub(super) consts_used: BTreeSet<String>,
    pub(super) definitions_used: BTreeSet<String>,
    pub(super) findings: Findings,
    /// In a definition what is advised, and whether it stands below an odd number of `not`.
    pub(super) advice: Option<Vec<(bool, ConstraintError)>>,
    /// Whether a condition is used that was refused.
    pub(super) uses_refused: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Joiner {
    And,
    Or,
}

impl<'a> Parser<'a> {
    /// See [`parse_definition`](super::parse_definition).
    pub(super) fn definition(
        text: &'a str,
        sight: &Sight<'a>,
    ) -> Result<Definition, Vec<ConstraintError>> {
        let mut parser = Self::new(text, sight)?;
        parser.advice = Some(Vec::new());
        parser.scopes.push(Scope {
            name: 0..0,
            used: false,
            binds: Binds::Argument,
        });
        let Node { mut expr, always } = parser.read()?;
        let cost = expand::Cost::of(&mut expr, parser.deepest, parser.most_quantifiers);
        Ok(Definition {
            text: text.into(),
            asks: parser.scopes.first().is_some_and(|scope| scope.used),
            always,
            warnings: parser.warnings(),
            consts_used: parser.consts_used,
            definitions_used: parser.definitions_used,
            advice: parser.advice.unwrap_or_default(),
            cost,
            expr,
        })
    }

    /// The whole text as a condition.
    fn read(&mut self) -> Result<Node, Vec<ConstraintError>> {
        if self.tokens.is_empty() && self.findings.errors.is_empty() {
            return Err(vec![
                ConstraintError::new(codes::EMPTY, 0..self.text.len(), "this constraint is empty")
                    .help("write a condition such as `args.amount <= 500`, or remove the entry"),
            ]);
        }
        let node = self.whole();
        self.outcome(node)
    }

    fn warnings(&mut self) -> Vec<ConstraintError> {
        let mut warnings = std::mem::take(&mut self.findings.warnings);
        warnings.sort_by_key(|warning| warning.span.start);
        warnings.truncate(MAX_FINDINGS);
        warnings
    }

    /// A warning whose advice makes the condition true of fewer calls. It is given only where that lets fewer calls pass.
    pub(super) fn advise(&mut self, warning: ConstraintError) {
        match &mut self.advice {
            _ if self.counted => {}
            Some(advice) if advice.len() < MAX_FINDINGS => advice.push((self.negative, warning)),
            Some(_) => {}
            None if self.negative => {}
            None => self.findings.warn(warning),
        }
    }

    fn new(text: &'a str, sight: &Sight<'a>) -> Result<Self, Vec<ConstraintError>> {
        if text.len() > MAX_BYTES {
            let boundary = (0..=MAX_BYTES)
                .rev()
                .find(|at| text.is_char_boundary(*at))
                .unwrap_or(0);
            let message = format!(
                "this constraint is {} bytes long, at most {MAX_BYTES} are allowed",
                text.len()
            );
            return Err(vec![
                ConstraintError::new(codes::TOO_LONG, boundary..text.len(), message)
                    .help("split it at its top-level `and` into several constraints, or move a long list into `consts`"),
            ]);
        }
        let mut findings = Findings::default();
        let tokens = lexer::tokens(text, &mut findings);
        let cut_off = findings
            .errors
            .iter()
            .find(|error| error.code == codes::UNCLOSED)
            .map(|error| error.span.start);
        Ok(Self {
            text,
            tokens,
            at: 0,
            depth: 0,
            deepest: 0,
            most_quantifiers: 0,
            cut_off,
            negative: false,
            counted: false,
            scopes: Vec::new(),
            sight: *sight,
            consts_used: BTreeSet::new(),
            definitions_used: BTreeSet::new(),
            findings,
            advice: None,
            uses_refused: false,
        })
    }

    /// Reports that the budget of the policy is used up, unless that was reported.
    pub(super) fn exceeded(&mut self, exceeded: Exceeded, span: Range<usize>) {
        if self.sight.budget.is_news() {
            self.findings
                .error(ConstraintError::exceeded(exceeded, span));
        }
    }

    /// The errors if there are any. Without a result there is always one at least.
    fn outcome<T>(&mut self, result: Option<T>) -> Result<T, Vec<ConstraintError>> {
        let mut errors = std::mem::take(&mut self.findings.errors);
        if let Some(start) = self.cut_off {
            errors.retain(|error| error.span.start < start || error.code == codes::UNCLOSED);
        }
        match result {
            Some(result) if errors.is_empty() => Ok(result),
            _ => {
                if errors.is_empty() && !self.uses_refused {
                    errors.push(ConstraintError::new(
                        codes::SYNTAX,
                        0..self.text.len(),
                        "this cannot be read",
                    ));
                }
                errors.sort_by_key(|error| (error.span.start, error.span.end));
                errors.dedup();
                errors.truncate(MAX_FINDINGS);
                Err(errors)
            }
        }
    }

    /// The whole text. What stands behind a condition is reported once, and further conditions are still read for their errors.
    fn whole(&mut self) -> Option<Node> {
        let mut result = self.condition();
        let mut silent = result.is_none();
        while let Some(token) = self.peek() {
            if !silent && token.kind != Kind::Bad {
                let error = match token.kind {
                    Kind::Close | Kind::CloseList => {
                        let shown = self.shown();
                        ConstraintError::new(
                            codes::SYNTAX,
                            token.span.clone(),
                            format!("this {shown} closes nothing"),
                        )
                    }
                    _ => self
                        .expected("`and`, `or` or the end")
                        .help_if(self.trailing_help()),
                };
                self.findings.error(error);
            }
            silent = true;
            result = None;
            self.sync();
            let joined = self.accept_joiner(Joiner::And) || self.accept_joiner(Joiner::Or);
            if joined {
                self.condition();
            } else {
                self.advance();
            }
        }
        result
    }

    fn trailing_help(&self) -> Option<String> {
        let starts_condition = match self.kind() {
            Some(Kind::Word(word)) => {
                Root::named(word).is_some() || Function::named(word).is_some()
            }
            Some(Kind::Open) => true,
            _ => false,
        };
        match self.kind() {
            Some(Kind::Comma) => Some(
                "a constraint is one condition; in a YAML list write `- ` before each".to_owned(),
            ),
            _ if starts_condition => Some("join two conditions with `and` or `or`".to_owned()),
            _ => None,
        }
    }

    /// `or` and all that binds tighter.
    pub(super) fn condition(&mut self) -> Option<Node> {
        self.chain(Joiner::Or)
    }

    fn chain(&mut self, joiner: Joiner) -> Option<Node> {
        let mut items = Vec::new();
        loop {
            items.push(match joiner {
                Joiner::Or => self.chain(Joiner::And),
                Joiner::And => self.negation(),
            });
            if !self.accept_joiner(joiner) {
                break;
            }
        }
        let mut items = items.into_iter().collect::<Option<Vec<Node>>>()?;
        if items.len() == 1 {
            return items.pop();
        }
        let span = items.first()?.expr.span.start..items.last()?.expr.span.end;
        let always = match joiner {
            Joiner::And => items.iter().all(|item| item.always),
            Joiner::Or => items.iter().any(|item| item.always),
        };
        let mut parts = Vec::with_capacity(items.len());
        for item in items {
            match (joiner, item.expr.kind) {
                // Both are associative in three values, so a chain in parentheses is the same chain.
                (Joiner::And, ExprKind::And(inner)) | (Joiner::Or, ExprKind::Or(inner)) => {
                    parts.extend(inner)
                }
                (_, kind) => parts.push(Expr {
                    kind,
                    span: item.expr.span,
                }),
            }
        }
        let kind = match joiner {
            Joiner::And => ExprKind::And(parts),
            Joiner::Or => ExprKind::Or(parts),
        };
        Some(Node {
            expr: Expr { kind, span },
            always,
        })
    }

    fn accept_joiner(&mut self, joiner: Joiner) -> bool {
        let name = match joiner {
            Joiner::And => "and",
            Joiner::Or => "or",
        };
        self.accept_word(name)
    }

    /// Accepts a keyword where nothing but an operator can stand; in another letter case it is reported.
    pub(super) fn accept_word(&mut self, name: &str) -> bool {
        let Some(Kind::Word(word)) = self.kind() else {
            return false;
        };
        let word = *word;
        if !word.eq_ignore_ascii_case(name) {
            return false;
        }
        if word != name {
            let error = ConstraintError::new(
                codes::OPERATOR,
                self.span(),
                format!("{} is not an operator", quoted(word)),
            )
            .help(format!("write `{name}`"));
            self.findings.error(error);
        }
        self.advance();
        true
    }

    fn negation(&mut self) -> Option<Node> {
        if !self.at_not() {
            return self.primary();
        }
        let not = self.span();
        self.accept_word("not");
        if !self.enter(&not) {
            return None;
        }
        self.negative = !self.negative;
        let body = self.negation();
        self.negative = !self.negative;
        self.leave();
        let body = body?;
        let span = not.start..body.expr.span.end;
        let doubled = match &body.expr.kind {
            ExprKind::Not(_) => Some("two negations cancel each other: leave out both"),
            ExprKind::Compare {
                op: CompareOp::NotEqual,
                ..
            } => Some("write `==` without the `not`"),
            ExprKind::In { negated: true, .. } => Some("write `in` without the `not`"),
            ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::Compare { .. }
            | ExprKind::In { .. }
            | ExprKind::Text { .. }
            | ExprKind::Named { .. }
            | ExprKind::Test(..)
            | ExprKind::Quantifier { .. } => None,
        };
        if let Some(help) = doubled {
            self.findings.warn(
                ConstraintError::new(
                    codes::DOUBLE_NEGATION,
                    span.clone(),
                    "this condition is negated twice",
                )
                .help(help),
            );
        }
        if body.always {
            self.findings.error(
                ConstraintError::new(codes::NEVER, span.clone(), "this condition can never hold")
                    .label("what is negated here always holds")
                    .help("remove it, or look at a value of the call"),
            );
            return None;
        }
        Some(Node {
            expr: Expr {
                kind: ExprKind::Not(Box::new(body.expr)),
                span,
            },
            always: false,
        })
    }

    fn at_not(&self) -> bool {
        match (self.kind(), self.kind_after(1)) {
            (Some(Kind::Word("not")), _) => true,
            // In another letter case it may as well be a text that lacks its quotes.
            (Some(Kind::Word(word)), Some(Kind::Word(next))) => {
                word.eq_ignore_ascii_case("not") && !next.eq_ignore_ascii_case("in")
            }
            (Some(Kind::Word(word)), Some(Kind::Open)) => word.eq_ignore_ascii_case("not"),
            _ => false,
        }
    }

    fn primary(&mut self) -> Option<Node> {
        let start = self.span().start;
        let node = match (self.kind(), self.kind_after(1)) {
            (Some(Kind::Open), _) => self.group(),
            (Some(Kind::Word(word)), Some(Kind::Open)) => {
                let word = *word;
                match Function::named(word) {
                    Some(function) if function.is_condition() => self.call(function),
                    None if self.sight.definitions.find(word).is_some() => self.named(word),
                    Some(_) | None => return self.comparison(),
                }
            }
            _ => return self.comparison(),
        };
        if self.at_operator() || self.at_arithmetic() {
            if node.is_some() {
                let condition = quoted(self.slice(start..self.end_before()));
                let error = ConstraintError::new(
                    codes::CONDITION,
                    self.span(),
                    format!("{condition} is a condition, and conditions are not compared"),
                )
                .help("leave out `== true`; for `== false` write `not` before the condition");
                self.findings.error(error);
            }
            self.sync();
            return None;
        }
        node
    }

    fn group(&mut self) -> Option<Node> {
        let open = self.span();
        self.advance();
        if !self.enter(&open) {
            return None;
        }
        let node = self.condition();
        self.leave();
        let end = self.close(&open, AFTER_CONDITION, node.is_some());
        let mut node = node?;
        node.expr.span = open.start..end?;
        Some(node)
    }

    /// The closing parenthesis of what `open` opened: where it ends. Nothing more is reported if something in it was.
    pub(super) fn close(
        &mut self,
        open: &Range<usize>,
        wanted: &str,
        sound: bool,
    ) -> Option<usize> {
        match self.kind() {
            Some(Kind::Close) => {
                let end = self.span().end;
                self.advance();
                return Some(end);
            }
            None if sound && self.cut_off.is_none() => {
                let error =
                    ConstraintError::new(codes::SYNTAX, open.clone(), "this `(` is never closed")
                        .label("opened here");
                self.findings.error(error);
            }
            Some(kind) if sound && *kind != Kind::Bad => {
                let error = self
                    .expected(wanted)
                    .second(open.clone(), "the parenthesis that is open here")
                    .help_if(self.trailing_help().filter(|_| wanted == AFTER_CONDITION));
                self.findings.error(error);
            }
            _ => {}
        }
        self.skip_past_close();
        None
    }
}
