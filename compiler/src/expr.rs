//! Constraints as typed expressions. Constants are replaced by their values, patterns are compiled.

pub(crate) mod function;
mod print;

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    ops::Range,
    sync::Arc,
};

use crate::automata::Dfa;

pub use function::Function;
pub(crate) use hexgate_eval::written::is_name;
pub(crate) use print::json;

/// A condition: true, false or undefined.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands in the constraint's text, in bytes.
    pub span: Range<usize>,
}

impl Expr {
    /// The conditions that it is made of; none for one that looks at values itself.
    #[must_use]
    pub fn parts(&self) -> &[Self] {
        match &self.kind {
            ExprKind::And(parts) | ExprKind::Or(parts) => parts,
            ExprKind::Not(part) | ExprKind::Quantifier { body: part, .. } => {
                std::slice::from_ref(part)
            }
            ExprKind::Compare { .. } | ExprKind::In { .. } | ExprKind::Test(..) => &[],
        }
    }

    /// The paths that it looks at itself, from left to right; not those of its parts.
    pub fn own_paths(&self) -> impl Iterator<Item = &Path> {
        let paths = match &self.kind {
            ExprKind::Compare { left, right, .. } => [left.path(), right.path()],
            ExprKind::In { value, .. } => [value.path(), None],
            ExprKind::Test(path, _) | ExprKind::Quantifier { path, .. } => [Some(path), None],
            ExprKind::And(_) | ExprKind::Or(_) | ExprKind::Not(_) => [None, None],
        };
        paths.into_iter().flatten()
    }

    /// The condition and all that it is made of, in the order in which they are written. It does not recurse.
    pub fn walk(&self) -> impl Iterator<Item = &Self> {
        self.walk_into(|_| true)
    }

    /// The same without what stands in quantifiers, so that `.` is the same element in all of it.
    pub fn walk_outside_quantifiers(&self) -> impl Iterator<Item = &Self> {
        self.walk_into(|expr| !matches!(expr.kind, ExprKind::Quantifier { .. }))
    }

    fn walk_into(&self, enters: fn(&Self) -> bool) -> impl Iterator<Item = &Self> {
        let mut ahead = vec![self];
        std::iter::from_fn(move || {
            let next = ahead.pop()?;
            if enters(next) {
                ahead.extend(next.parts().iter().rev());
            }
            Some(next)
        })
    }

    /// All paths in it, also those within quantifiers.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.walk().flat_map(Self::own_paths)
    }

    /// What must all be true for it to be true. Chains are flat, so none of them is a conjunction.
    #[must_use]
    pub fn conjuncts(&self) -> &[Self] {
        if let ExprKind::And(parts) = &self.kind {
            parts
        } else {
            std::slice::from_ref(self)
        }
    }

    /// How much there is to look at: conditions, elements of lists, and the steps of paths that are longer than any argument is deep, which
    /// take memory each.
    pub(crate) fn steps(&self) -> u64 {
        let path = |path: &Path| 1 + 4 * path.steps.len().saturating_sub(2) as u64;
        let steps = |expr: &Self| {
            let listed = match &expr.kind {
                ExprKind::In { list, .. } => list.len() / 16,
                ExprKind::Test(_, Test::Only(names)) => names.len(),
                ExprKind::Test(_, Test::Text(..) | Test::Matches { .. } | Test::Present)
                | ExprKind::And(_)
                | ExprKind::Or(_)
                | ExprKind::Not(_)
                | ExprKind::Compare { .. }
                | ExprKind::Quantifier { .. } => 0,
            };
            expr.own_paths().map(path).sum::<u64>() + listed as u64
        };
        self.walk().map(steps).sum()
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
    /// A function that looks at one value.
    Test(Path, Test),
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

/// What is asked of one value.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// `startswith`, `endswith`, `contains`: a string, and the text that is sought in it.
    Text(TextCall, String),
    /// `matches`: a string.
    Matches {
        /// The pattern as written.
        pattern: String,
        /// Accepts the strings that contain a match.
        dfa: Arc<Dfa>,
    },
    /// `present`: always true or false.
    Present,
    /// `only`: an object without other members.
    Only(Vec<String>),
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
    #[must_use]
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

    /// Whether it orders its sides, and does not only tell whether they are equal.
    #[must_use]
    pub fn is_order(self) -> bool {
        match self {
            Self::Equal | Self::NotEqual => false,
            Self::Less | Self::LessOrEqual | Self::Greater | Self::GreaterOrEqual => true,
        }
    }

    /// The operator with its sides exchanged.
    #[must_use]
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

impl Operand {
    /// The path that it looks at.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match &self.kind {
            OperandKind::Path(path) | OperandKind::Count(path) => Some(path),
            OperandKind::Literal(_) => None,
        }
    }
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

/// The types of JSON values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Type {
    Null,
    Bool,
    Number,
    Text,
    List,
    Object,
}

impl Type {
    /// The type of a constant.
    pub fn of(literal: &Literal) -> Self {
        match literal {
            Literal::Null => Self::Null,
            Literal::Bool(_) => Self::Bool,
            Literal::Number(_) => Self::Number,
            Literal::String(_) => Self::Text,
            Literal::List(_) => Self::List,
        }
    }

    /// Its name with its article, for messages.
    #[must_use]
    pub fn described(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "a boolean",
            Self::Number => "a number",
            Self::Text => "a text",
            Self::List => "a list",
            Self::Object => "an object",
        }
    }

    /// Its name without its article.
    #[must_use]
    pub fn noun(self) -> &'static str {
        self.described()
            .trim_start_matches("a ")
            .trim_start_matches("an ")
    }

    /// Whether `<` and the like order its values.
    #[must_use]
    pub fn has_order(self) -> bool {
        match self {
            Self::Number | Self::Text => true,
            Self::Null | Self::Bool | Self::List | Self::Object => false,
        }
    }
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

#[cfg(test)]
mod tests {
    use crate::constraint::parse;

    #[test]
    fn a_walk_meets_everything_in_its_order() {
        let text = "not any(args.a, .b == count(args.c)) and (present(run.x) or 1 in [1])";
        let expr = parse(text, &Default::default()).unwrap().expr;
        let paths: Vec<String> = expr.paths().map(ToString::to_string).collect();
        assert_eq!(paths, ["args.a", ".b", "args.c", "run.x"]);
        let outside = expr.walk_outside_quantifiers();
        let paths: Vec<String> = outside
            .flat_map(|expr| expr.own_paths())
            .map(ToString::to_string)
            .collect();
        assert_eq!(paths, ["args.a", "run.x"]);
        assert_eq!((expr.walk().count(), expr.conjuncts().len()), (7, 2));
    }
}
