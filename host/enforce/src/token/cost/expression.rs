//! What evaluating an expression can cost: it is gone through as it would be evaluated, with sizes in the place of values.

use biscuit_auth::format::schema::{self, op, op_binary, op_unary};

use super::size::{self, Printed, Size};
use super::{READY, TokenError, Visible};

/// What goes for all expressions of a query.
pub(super) struct Expressions<'s> {
    pub(super) block: usize,
    pub(super) symbols: Visible<'s>,
    /// What it takes to find a text.
    pub(super) search: u64,
    /// How large the value of a variable can be, and what copying all variables takes.
    pub(super) largest: Size,
    pub(super) variables: u64,
    /// How many texts were made so far: each new one is looked for among them.
    pub(super) made: u64,
}

/// What an expression takes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Work {
    /// Each time that it is evaluated.
    pub(super) steps: u64,
    /// Once, to make it ready.
    pub(super) ready: u64,
    /// Once, if the check fails.
    pub(super) printed: Printed,
    /// How large it is as it is written.
    parts: u64,
    /// How large its value is.
    size: Size,
}

/// What lies on the stack.
#[derive(Debug, Clone, Copy, Default)]
struct Value {
    size: Size,
    printed: Printed,
    /// What evaluating it takes, if it is written to be evaluated later or not at all.
    later: u64,
}

impl Expressions<'_> {
    pub(super) fn work(&mut self, ops: &[schema::Op]) -> Result<Work, TokenError> {
        let mut stack: Vec<Value> = Vec::new();
        let mut work = Work::default();
        let mut printing = 0_u64;
        for op in ops {
            work.ready = work.ready.saturating_add(READY);
            work.parts = work.parts.saturating_add(1);
            let (steps, value) = match &op.content {
                // The library refuses it.
                None => (1, Value::default()),
                Some(op::Content::Value(term)) => {
                    let term = size::term(term, self.symbols, self.search)?;
                    work.ready = work.ready.saturating_add(term.ready);
                    work.parts = work.parts.saturating_add(term.size.parts);
                    let size = match term.variable {
                        Some(_) => self.largest,
                        None => term.size,
                    };
                    let value = Value {
                        size,
                        printed: term.printed,
                        later: 0,
                    };
                    (size.parts, value)
                }
                Some(op::Content::Unary(unary)) => {
                    let operand = stack.pop().unwrap_or_default();
                    self.unary(unary, operand)?
                }
                Some(op::Content::Binary(binary)) => {
                    let right = stack.pop().unwrap_or_default();
                    let left = stack.pop().unwrap_or_default();
                    self.binary(binary, left, right)?
                }
                // It is evaluated for each member of a collection, and can hold others.
                Some(op::Content::Closure(closure)) if !closure.params.is_empty() => {
                    return Err(self.unsupported("an `all` or `any` over a collection"));
                }
                Some(op::Content::Closure(closure)) => {
                    let inner = self.work(&closure.ops)?;
                    work.ready = work.ready.saturating_add(inner.ready);
                    work.parts = work.parts.saturating_add(inner.parts);
                    let value = Value {
                        size: inner.size,
                        printed: inner.printed,
                        // It is copied once more, and so are the variables.
                        later: inner
                            .steps
                            .saturating_add(inner.parts)
                            .saturating_add(self.variables),
                    };
                    (inner.parts, value)
                }
            };
            work.steps = work.steps.saturating_add(1).saturating_add(steps);
            printing = printing.saturating_add(value.printed.steps);
            stack.push(value);
        }
        let value = stack.pop().unwrap_or_default();
        work.size = value.size;
        work.printed = Printed {
            bytes: value.printed.bytes,
            steps: printing,
        };
        Ok(work)
    }

    fn unary(
        &mut self,
        unary: &schema::OpUnary,
        operand: Value,
    ) -> Result<(u64, Value), TokenError> {
        let (steps, size) = match op_unary::Kind::from_i32(unary.kind) {
            Some(op_unary::Kind::Parens) => (0, operand.size),
            Some(op_unary::Kind::TypeOf) => {
                let size = Size::text("integer".len() as u64);
                (self.make(size.text), size)
            }
            Some(op_unary::Kind::Ffi) => return Err(self.foreign()),
            Some(op_unary::Kind::Negate | op_unary::Kind::Length) | None => (0, Size::PLAIN),
        };
        let printed = Printed {
            bytes: operand.printed.bytes,
            steps: 0,
        };
        let value = Value {
            size,
            printed: printed.joined(12),
            later: 0,
        };
        Ok((steps, value))
    }

    fn binary(
        &mut self,
        binary: &schema::OpBinary,
        left: Value,
        right: Value,
    ) -> Result<(u64, Value), TokenError> {
        use op_binary::Kind;
        let both = left.size.both(right.size);
        let compared = both.parts;
        let text = left.size.text.saturating_add(right.size.text);
        let (steps, size) = match Kind::from_i32(binary.kind) {
            // It is compiled each time, may become an automaton a thousand times as large as it is written, and one that becomes too
            // large counts as one that matches nothing, so that its negation holds.
            Some(Kind::Regex) => return Err(self.unsupported("a regular expression")),
            Some(Kind::Ffi) => return Err(self.foreign()),
            Some(Kind::Add) => {
                let size = Size::text(text);
                (self.make(text), size)
            }
            // One is looked for in the other: in a text, in an array, or in a tree for each member of a set.
            Some(Kind::Contains | Kind::Prefix | Kind::Suffix) => {
                let steps = compared.saturating_mul(4).saturating_add(text / 16);
                (steps, Size::PLAIN)
            }
            // They are made member by member.
            Some(Kind::Intersection | Kind::Union) => (compared.saturating_mul(8), both),
            Some(Kind::Get) => (0, left.size),
            Some(Kind::LazyAnd | Kind::LazyOr | Kind::TryOr | Kind::All | Kind::Any) => {
                (0, left.size.either(right.size).either(Size::PLAIN))
            }
            Some(
                Kind::LessThan
                | Kind::GreaterThan
                | Kind::LessOrEqual
                | Kind::GreaterOrEqual
                | Kind::Equal
                | Kind::NotEqual
                | Kind::HeterogeneousEqual
                | Kind::HeterogeneousNotEqual
                | Kind::Sub
                | Kind::Mul
                | Kind::Div
                | Kind::And
                | Kind::Or
                | Kind::BitwiseAnd
                | Kind::BitwiseOr
                | Kind::BitwiseXor,
            )
            | None => (compared, Size::PLAIN),
        };
        // Whatever is written to be evaluated later is evaluated at most once.
        let steps = steps.saturating_add(left.later).saturating_add(right.later);
        let printed = Printed {
            bytes: left.printed.bytes.saturating_add(right.printed.bytes),
            steps: 0,
        };
        let value = Value {
            size,
            printed: printed.joined(24),
            later: 0,
        };
        Ok((steps, value))
    }

    /// The steps of making a text: it is written, looked for among all others, and kept.
    fn make(&mut self, bytes: u64) -> u64 {
        let among = self.made.saturating_mul(1 + bytes / 64) / 8;
        self.made = self.made.saturating_add(1);
        (bytes / 32)
            .saturating_add(self.search)
            .saturating_add(among)
    }

    fn unsupported(&self, what: &'static str) -> TokenError {
        TokenError::Unsupported {
            block: self.block,
            what,
        }
    }

    /// There is none here, so that it would fail when it is evaluated.
    fn foreign(&self) -> TokenError {
        self.unsupported("a call of a function of the host")
    }
}
