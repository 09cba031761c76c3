//! Expressions as text in one canonical form, which reads as the same expression again.

use std::fmt::{self, Display, Formatter, Write};

use super::spelling::is_name;
use crate::expr::{
    CompareOp, Expr, ExprKind, Literal, Operand, OperandKind, Path, Quantifier, Root, TextCall,
};

/// How tightly what surrounds an expression binds: what binds less stands in parentheses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Binding {
    Or,
    And,
    Not,
}

/// The canonical text: one space around operators, plain names behind dots, constants replaced by their values. It can be longer
/// than the text that was read, and so exceed [`MAX_BYTES`](super::MAX_BYTES).
impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write_expr(f, self, Binding::Or)
    }
}

impl Display for Operand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            OperandKind::Path(path) => path.fmt(f),
            OperandKind::Count(path) => write!(f, "count({path})"),
            OperandKind::Literal(literal) => literal.fmt(f),
        }
    }
}

impl Display for Path {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.root.name())?;
        for (index, step) in self.steps.iter().enumerate() {
            if !is_name(step) {
                f.write_char('[')?;
                write_text(f, step)?;
                f.write_char(']')?;
            } else if self.root == Root::Element && index == 0 {
                f.write_str(step)?;
            } else {
                write!(f, ".{step}")?;
            }
        }
        Ok(())
    }
}

/// JSON text.
impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => value.fmt(f),
            Self::Number(text) => f.write_str(text),
            Self::String(text) => write_text(f, text),
            Self::List(elements) => write_list(f, elements, Display::fmt),
        }
    }
}

impl Display for CompareOp {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        })
    }
}

impl Root {
    /// How it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Args => "args",
            Self::Ctx => "ctx",
            Self::Run => "run",
            Self::User => "user",
            Self::Role => "role",
            Self::Tool => "tool",
            Self::Element => ".",
        }
    }
}

impl TextCall {
    /// How it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::StartsWith => "startswith",
            Self::EndsWith => "endswith",
            Self::Contains => "contains",
        }
    }
}

impl Quantifier {
    /// How it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Every => "every",
            Self::Any => "any",
        }
    }
}

fn write_expr(f: &mut Formatter<'_>, expr: &Expr, around: Binding) -> fmt::Result {
    match &expr.kind {
        ExprKind::Or(parts) => write_chain(f, parts, " or ", Binding::Or, around),
        ExprKind::And(parts) => write_chain(f, parts, " and ", Binding::And, around),
        ExprKind::Not(body) => {
            f.write_str("not ")?;
            write_expr(f, body, Binding::Not)
        }
        ExprKind::Compare { op, left, right } => write!(f, "{left} {op} {right}"),
        ExprKind::In {
            value,
            list,
            negated,
        } => {
            write!(f, "{value} {} ", if *negated { "not in" } else { "in" })?;
            write_list(f, list, Display::fmt)
        }
        ExprKind::Text { call, path, text } => {
            write!(f, "{}({path}, ", call.name())?;
            write_text(f, text)?;
            f.write_char(')')
        }
        ExprKind::Matches { path, pattern, .. } => {
            write!(f, "matches({path}, ")?;
            write_text(f, pattern)?;
            f.write_char(')')
        }
        ExprKind::Present(path) => write!(f, "present({path})"),
        ExprKind::Only(path, names) => {
            write!(f, "only({path}, ")?;
            write_list(f, names, |name, f| write_text(f, name))?;
            f.write_char(')')
        }
        ExprKind::Quantifier {
            quantifier,
            path,
            body,
        } => {
            write!(f, "{}({path}, ", quantifier.name())?;
            write_expr(f, body, Binding::Or)?;
            f.write_char(')')
        }
    }
}

fn write_chain(
    f: &mut Formatter<'_>,
    parts: &[Expr],
    between: &str,
    own: Binding,
    around: Binding,
) -> fmt::Result {
    let grouped = own < around;
    if grouped {
        f.write_char('(')?;
    }
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            f.write_str(between)?;
        }
        write_expr(f, part, own)?;
    }
    if grouped {
        f.write_char(')')?;
    }
    Ok(())
}

fn write_list<T>(
    f: &mut Formatter<'_>,
    elements: &[T],
    write: impl Fn(&T, &mut Formatter<'_>) -> fmt::Result,
) -> fmt::Result {
    f.write_char('[')?;
    for (index, element) in elements.iter().enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        write(element, f)?;
    }
    f.write_char(']')
}

fn write_text(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            c if c.is_control() => write!(f, "\\u{:04x}", u32::from(c))?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('"')
}
