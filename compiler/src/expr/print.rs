//! Expressions as text in one canonical form, which reads as the same expression again.

use std::fmt::{self, Display, Formatter, Write};

use hexgate_eval::written::{self, write_path, write_text};

use super::{
    ArithmeticOp, CompareOp, Expr, ExprKind, Function, Literal, Members, Operand, OperandKind,
    Over, Path, Quantifier, Root, Step, Test, TextCall,
};

/// How tightly what surrounds an expression binds: what binds less stands in parentheses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Binding {
    Or,
    And,
    Not,
}

/// The canonical text: one space around operators, plain names behind dots, constants replaced by their values. It can be longer
/// than the text that was read, and so exceed what a constraint may have.
impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write_expr(f, self, Binding::Or)
    }
}

impl Display for Operand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            OperandKind::Path(path) => path.fmt(f),
            OperandKind::Count(path) => write!(f, "{}({path})", Function::Count),
            OperandKind::CountIf { path, body } => write_call(f, Function::Count, path, |f| {
                write_expr(f, body, Binding::Or)
            }),
            OperandKind::Sum { path, of } => write_call(f, Function::Sum, path, |f| {
                write_steps(f, Root::Element, of)
            }),
            OperandKind::Lower(operand) => write!(f, "{}({operand})", Function::Lower),
            OperandKind::TypeOf(path) => write!(f, "{}({path})", Function::Type),
            // There are no parentheses: what binds less tightly never stands in what binds more tightly, nor on the right.
            OperandKind::Arithmetic { op, left, right } => write!(f, "{left} {op} {right}"),
            OperandKind::Literal(literal) => literal.fmt(f),
        }
    }
}

impl Display for ArithmeticOp {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_char(match self {
            Self::Add => '+',
            Self::Subtract => '-',
            Self::Multiply => '*',
        })
    }
}

impl Display for Path {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write_steps(f, self.root, &self.steps)
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
    /// Those that have a name; the element of a quantifier has none.
    pub const NAMED: [Self; 9] = [
        Self::Args,
        Self::Ctx,
        Self::Role,
        Self::Run,
        Self::Said,
        Self::Tool,
        Self::Usage,
        Self::User,
        Self::UserUsage,
    ];

    /// Whether it is the name of the role or of the tool: a text that is always there, and has no members.
    #[must_use]
    pub fn is_name(self) -> bool {
        match self {
            Self::Role | Self::Tool => true,
            Self::Args
            | Self::Ctx
            | Self::Run
            | Self::Said
            | Self::Usage
            | Self::User
            | Self::UserUsage
            | Self::Element => false,
        }
    }

    /// The root of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMED.into_iter().find(|root| root.name() == name)
    }

    /// How it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Args => "args",
            Self::Ctx => "ctx",
            Self::Run => "run",
            Self::Said => "said",
            Self::Usage => "usage",
            Self::User => "user",
            Self::UserUsage => "user_usage",
            Self::Role => "role",
            Self::Tool => "tool",
            Self::Element => ".",
        }
    }
}

impl TextCall {
    /// The function that it is written as.
    #[must_use]
    pub fn function(self) -> Function {
        match self {
            Self::StartsWith => Function::StartsWith,
            Self::EndsWith => Function::EndsWith,
            Self::Contains => Function::Contains,
        }
    }
}

impl Quantifier {
    /// The function that it is written as.
    #[must_use]
    pub fn function(self) -> Function {
        match self {
            Self::Every => Function::Every,
            Self::Any => Function::Any,
            Self::EveryMember => Function::EveryMember,
            Self::AnyMember => Function::AnyMember,
            Self::Anywhere => Function::Anywhere,
            Self::Optional => Function::Optional,
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
            match list {
                Members::Listed(elements) => write_list(f, elements, Display::fmt),
                Members::Path(path) => path.fmt(f),
            }
        }
        ExprKind::Text {
            call,
            subject,
            sought,
        } => write_call(f, call.function(), subject, |f| sought.fmt(f)),
        ExprKind::Test(path, Test::Present) => write!(f, "{}({path})", Function::Present),
        ExprKind::Test(path, Test::Matches { pattern, .. }) => {
            write_call(f, Function::Matches, path, |f| write_text(f, pattern))
        }
        ExprKind::Test(path, Test::Only(names)) => write_call(f, Function::Only, path, |f| {
            write_list(f, names, |name, f| write_text(f, name))
        }),
        ExprKind::Quantifier {
            quantifier,
            over,
            body,
        } => {
            let body = |f: &mut Formatter<'_>| write_expr(f, body, Binding::Or);
            match over {
                Over::Path(path) => write_call(f, quantifier.function(), path, body),
                Over::Listed(elements) => {
                    write!(f, "{}(", quantifier.function())?;
                    write_list(f, elements, Display::fmt)?;
                    f.write_str(", ")?;
                    body(f)?;
                    f.write_char(')')
                }
            }
        }
        // What it stands for says what it means.
        ExprKind::Named { body, .. } => write_expr(f, body, around),
    }
}

fn write_steps(f: &mut Formatter<'_>, root: Root, steps: &[Step]) -> fmt::Result {
    write_path(
        f,
        root.name(),
        steps.iter().map(|step| match step {
            Step::Member(name) => written::Step::Member(name),
            Step::Element(index) => written::Step::Element(*index),
        }),
    )
}

fn write_call(
    f: &mut Formatter<'_>,
    function: Function,
    first: impl Display,
    second: impl FnOnce(&mut Formatter<'_>) -> fmt::Result,
) -> fmt::Result {
    write!(f, "{function}({first}, ")?;
    second(f)?;
    f.write_char(')')
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

/// A text as a JSON string.
pub(crate) fn json(text: &str) -> String {
    let mut out = String::new();
    // Writing into a string does not fail.
    let _ = write_text(&mut out, text);
    out
}
