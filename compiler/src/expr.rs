//! Constraints as typed expressions. Constants are replaced by their values, patterns are compiled.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    ops::Range,
    sync::Arc,
};

use crate::automata::Dfa;

/// A condition: true, false or undefined.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands in the constraint's text, in bytes.
    pub span: Range<usize>,
}

impl Expr {
    /// How much there is to look at: conditions, elements of lists, and the steps of paths that are longer than any argument is deep, which
    /// take memory each.
    pub(crate) fn steps(&self) -> u64 {
        let path = |path: &Path| 1 + 4 * path.steps.len().saturating_sub(2) as u64;
        let operand = |operand: &Operand| match &operand.kind {
            OperandKind::Path(inner) | OperandKind::Count(inner) => path(inner),
            OperandKind::Literal(_) => 0,
        };
        match &self.kind {
            ExprKind::And(parts) | ExprKind::Or(parts) => parts.iter().map(Self::steps).sum(),
            ExprKind::Not(inner) => inner.steps(),
            ExprKind::Compare { left, right, .. } => operand(left) + operand(right),
            ExprKind::In { value, list, .. } => operand(value) + list.len() as u64 / 16,
            ExprKind::Only(inner, names) => path(inner) + names.len() as u64,
            ExprKind::Text { path: inner, .. }
            | ExprKind::Matches { path: inner, .. }
            | ExprKind::Present(inner) => path(inner),
            ExprKind::Quantifier {
                path: inner, body, ..
            } => path(inner) + body.steps(),
        }
    }

    /// Alike for conditions that mean the same. As printed a condition has the values of its constants in it.
    pub(crate) fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.to_string().hash(&mut hasher);
        hasher.finish()
    }
}

/// The kinds of condition.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// Kleene conjunction of two or more; chains are flat.
    And(Vec<Expr>),
    /// Kleene disjunction of two or more; chains are flat.
    Or(Vec<Expr>),
    /// Kleene negation.
    Not(Box<Expr>),
    /// Two operands compared.
    Compare {
        /// How.
        op: CompareOp,
        /// What stands left.
        left: Operand,
        /// What stands right.
        right: Operand,
    },
    /// Membership in a list.
    In {
        /// The value that is sought.
        value: Operand,
        /// The elements, never empty.
        list: Vec<Literal>,
        /// `not in`.
        negated: bool,
    },
    /// `startswith`, `endswith`, `contains`.
    Text {
        /// Which.
        call: TextCall,
        /// The string that is looked at.
        path: Path,
        /// The text that is sought.
        text: String,
    },
    /// `matches`.
    Matches {
        /// The string that is looked at.
        path: Path,
        /// The pattern as written.
        pattern: String,
        /// Accepts the strings that contain a match.
        dfa: Arc<Dfa>,
    },
    /// `present`: always true or false.
    Present(Path),
    /// `only`: an object without other members.
    Only(Path, Vec<String>),
    /// `every`, `any`. At most two deep.
    Quantifier {
        /// Which.
        quantifier: Quantifier,
        /// The list.
        path: Path,
        /// The condition on each element, which is the root [`Root::Element`] of paths in it.
        body: Box<Expr>,
    },
}

/// Comparison operators. `!=` is `not (==)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum CompareOp {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl CompareOp {
    /// The operator that is true where this one is false.
    pub fn negated(self) -> Self {
        match self {
            Self::Equal => Self::NotEqual,
            Self::NotEqual => Self::Equal,
            Self::Less => Self::GreaterOrEqual,
            Self::LessOrEqual => Self::Greater,
            Self::Greater => Self::LessOrEqual,
            Self::GreaterOrEqual => Self::Less,
        }
    }

    /// The operator with its sides exchanged.
    pub fn mirrored(self) -> Self {
        match self {
            Self::Equal | Self::NotEqual => self,
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
        }
    }
}

/// String calls with a literal text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum TextCall {
    StartsWith,
    EndsWith,
    Contains,
}

/// Quantifiers over lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Quantifier {
    Every,
    Any,
}

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Operand {
    /// What it is.
    pub kind: OperandKind,
    /// Where it stands in the constraint's text, in bytes.
    pub span: Range<usize>,
}

/// The kinds of operand.
#[derive(Debug, Clone, PartialEq)]
pub enum OperandKind {
    /// The value at a path.
    Path(Path),
    /// The size of the value at a path.
    Count(Path),
    /// A value.
    Literal(Literal),
}

/// Where a value is found.
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    /// Where to begin.
    pub root: Root,
    /// The member names to follow.
    pub steps: Vec<String>,
    /// Where it stands in the constraint's text, in bytes.
    pub span: Range<usize>,
}

/// Where a path begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Root {
    /// The call's arguments.
    Args,
    /// The member `ctx` of the facts.
    Ctx,
    /// The member `run` of the facts.
    Run,
    /// The member `user` of the facts.
    User,
    /// The name of the role that is being evaluated; without steps.
    Role,
    /// The name of the tool; without steps.
    Tool,
    /// The element of the innermost quantifier.
    Element,
}

/// A constant value.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A JSON number, as written: at most 100 digits, an exponent within ±1,000.
    Number(String),
    /// A string, unescaped.
    String(String),
    /// A list.
    List(Vec<Literal>),
}
