//! Conditions with names, where they are used.

use super::{
    check::{self, Verdict},
    codes,
    expand::expand,
    finding::ConstraintError,
    lexer::Kind,
    parser::{Binds, MAX_NESTING, MAX_QUANTIFIERS, Node, Parser},
};
use crate::{
    budget::Account,
    diagnostic::quoted,
    expr::{Expr, ExprKind, Path, Root, Step},
};

impl Parser<'_> {
    /// The condition that begins here with `name`, which is known.
    pub(super) fn named(&mut self, name: &str) -> Option<Node> {
        let start = self.span();
        let Some(definition) = self.sight.definitions.find(name).flatten().cloned() else {
            // Why it was refused stands where it is defined.
            self.uses_refused = true;
            self.advance();
            self.skip_group();
            return None;
        };
        self.definitions_used.insert(name.to_owned());
        let wanted = usize::from(definition.asks);
        let ahead = self.arguments_ahead_of_call();
        self.advance();
        let open = self.span();
        if let Some(found) = ahead
            && found != wanted
        {
            self.skip_group();
            let (message, help) = if definition.asks {
                (
                    format!("`{name}` is asked of one value, not of {found}"),
                    format!("write a path such as `args.x`: `{name}(args.x)`"),
                )
            } else {
                (
                    format!("`{name}` looks at no value that it is given"),
                    format!("write `{name}()`, or `.` in its definition for the value"),
                )
            };
            self.findings.error(
                ConstraintError::new(codes::ARGUMENTS, open.start..self.end_before(), message)
                    .label(format!("it stands for {}", shortened(definition.text())))
                    .help(help),
            );
            return None;
        }
        self.advance();
        let argument = if definition.asks {
            Some(self.path_argument_of(name, &format!("{name}(path)")))
        } else {
            None
        };
        let sound = argument.as_ref().is_none_or(Option::is_some);
        let end = self.close(&open, "`)`", sound)?;
        let argument = match argument {
            Some(argument) => Some(argument?),
            None => None,
        };
        let span = start.start..end;
        let cost = &definition.cost;
        let quantifiers = self.quantifies(cost.quantifiers);
        if cost.quantifiers > 0 && quantifiers > MAX_QUANTIFIERS {
            self.findings.error(
                ConstraintError::new(
                    codes::QUANTIFIERS,
                    start.clone(),
                    format!("quantifiers stand in each other at most {MAX_QUANTIFIERS} deep, those of named conditions included"),
                )
                .label(format!("it stands for {}", shortened(definition.text())))
                .help("use it outside of the quantifiers that stand around it"),
            );
            return None;
        }
        if self.depth + 1 + cost.nesting > MAX_NESTING {
            self.findings.error(
                ConstraintError::new(
                    codes::TOO_DEEP,
                    start.clone(),
                    format!(
                        "with what it stands for this is nested more than {MAX_NESTING} levels deep"
                    ),
                )
                .help("let named conditions use each other less deeply"),
            );
            return None;
        }
        self.reaches(1 + cost.nesting);
        if cost.looks_into
            && let Some(argument) = &argument
            && self.is_text(argument)
        {
            let shown = quoted(&argument.to_string());
            self.findings.error(
                ConstraintError::new(
                    codes::PATH,
                    argument.span.clone(),
                    format!("{shown} is a text and has no members, and `{name}` looks at members"),
                )
                .label(format!("it stands for {}", shortened(definition.text())))
                .help("give it a value that has them"),
            );
            return None;
        }
        let price = cost.with(argument.as_ref());
        if let Err(exceeded) = self.sight.budget.spend(Account::Expanded, price) {
            self.exceeded(exceeded, span);
            return None;
        }
        for (negative, advice) in &definition.advice {
            let mut advice = advice.clone();
            advice.message = format!("in what `{name}` stands for: {}", advice.message);
            advice.span = span.clone();
            advice.second = None;
            advice.label = shortened(definition.text());
            self.advise_below(*negative, advice);
        }
        let body = expand(&definition.expr, argument.as_ref());
        // Of what is known what it is the definition may ask what never holds.
        let is_known = argument.as_ref().is_some_and(|path| {
            path.steps.is_empty() && (path.root.is_name() || path.root == Root::Args)
        });
        let never =
            body.walk()
                .filter(|_| is_known)
                .find_map(|part| match check::condition(part) {
                    Verdict::Never(why) => Some((part.to_string(), why)),
                    Verdict::Open | Verdict::Always(_) | Verdict::Itself { .. } => None,
                });
        if let Some((part, why)) = never {
            self.findings.error(
                ConstraintError::new(
                    codes::NEVER,
                    span.clone(),
                    format!(
                        "in what `{name}` stands for here {} can never hold",
                        quoted(&part)
                    ),
                )
                .label(why)
                .help(format!("give it a path to a value: `{name}(args.x)`")),
            );
            return None;
        }
        Some(Node {
            expr: Expr {
                kind: ExprKind::Named {
                    name: name.to_owned(),
                    body: Box::new(body),
                    argument,
                    definition: definition.text.clone(),
                },
                span,
            },
            always: definition.always,
        })
    }

    /// Gives advice about something that stands below so many negations more.
    fn advise_below(&mut self, negative: bool, advice: ConstraintError) {
        let around = self.negative;
        self.negative = around != negative;
        self.advise(advice);
        self.negative = around;
    }

    /// Whether a path leads to what is a text for sure.
    fn is_text(&self, path: &Path) -> bool {
        match path.root {
            Root::Role | Root::Tool => true,
            Root::Element => match self.scopes.last().map(|scope| &scope.binds) {
                Some(Binds::Text) => true,
                Some(Binds::Member) => path.steps == [Step::Member("name".to_owned())],
                Some(Binds::Element | Binds::Listed(_) | Binds::Value | Binds::Argument) | None => {
                    false
                }
            },
            Root::Args
            | Root::Ctx
            | Root::Run
            | Root::Said
            | Root::Usage
            | Root::User
            | Root::UserUsage => false,
        }
    }

    /// Whether a condition with this name is called here.
    pub(super) fn calls_named(&self, word: &str) -> bool {
        self.sight.definitions.find(word).is_some()
            && matches!(self.kind_after(1), Some(Kind::Open))
    }
}

/// A condition in a label, which is one line.
fn shortened(text: &str) -> String {
    const MOST: usize = 80;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut chars = line.chars();
    let short: String = chars.by_ref().take(MOST).collect();
    if chars.next().is_some() {
        quoted(&format!("{short}…"))
    } else {
        quoted(&short)
    }
}
