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
    /// The conditions that it is made of, those in its operands included; none for one that looks at values alone.
    #[must_use]
    pub fn parts(&self) -> Vec<&Self> {
        match &self.kind {
            ExprKind::And(parts) | ExprKind::Or(parts) => parts.iter().collect(),
            ExprKind::Not(part)
            | ExprKind::Quantifier { body: part, .. }
            | ExprKind::Named { body: part, .. } => vec![part],
            ExprKind::Compare { .. }
            | ExprKind::In { .. }
            | ExprKind::Text { .. }
            | ExprKind::Test(..) => self.operands().filter_map(Operand::body).collect(),
        }
    }

    /// The operands that it looks at itself and what they are made of, from left to right; not those of its parts.
    pub fn operands(&self) -> impl Iterator<Item = &Operand> {
        let sides = match &self.kind {
            ExprKind::Compare { left, right, .. } => [Some(left), Some(right)],
            ExprKind::Text {
                subject, sought, ..
            } => [Some(subject), Some(sought)],
            ExprKind::In { value, .. } => [Some(value), None],
            ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::Not(_)
            | ExprKind::Test(..)
            | ExprKind::Quantifier { .. }
            | ExprKind::Named { .. } => [None, None],
        };
        sides.into_iter().flatten().flat_map(Operand::terms)
    }

    /// The paths that it looks at itself, from left to right; not those of its parts.
    pub fn own_paths(&self) -> impl Iterator<Item = &Path> {
        let further = match &self.kind {
            ExprKind::In {
                list: Members::Path(path),
                ..
            }
            | ExprKind::Test(path, _)
            | ExprKind::Quantifier {
                over: Over::Path(path),
                ..
            } => Some(path),
            ExprKind::In {
                list: Members::Listed(_),
                ..
            }
            | ExprKind::Quantifier {
                over: Over::Listed(_),
                ..
            }
            | ExprKind::Compare { .. }
            | ExprKind::Text { .. }
            | ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::Not(_)
            | ExprKind::Named { .. } => None,
        };
        self.operands().filter_map(Operand::path).chain(further)
    }

    /// The condition and all that it is made of, in the order in which they are written. It does not recurse.
    pub fn walk(&self) -> impl Iterator<Item = &Self> {
        self.walk_into(|_| true)
    }

    /// The same without what stands in quantifiers, so that `.` is the same element in all of it.
    pub fn walk_outside_quantifiers(&self) -> impl Iterator<Item = &Self> {
        self.walk_into(|expr| match expr.kind {
            ExprKind::And(_) | ExprKind::Or(_) | ExprKind::Not(_) | ExprKind::Named { .. } => true,
            // What else has parts binds `.` in them.
            ExprKind::Compare { .. }
            | ExprKind::In { .. }
            | ExprKind::Text { .. }
            | ExprKind::Test(..)
            | ExprKind::Quantifier { .. } => false,
        })
    }

    fn walk_into(&self, enters: fn(&Self) -> bool) -> impl Iterator<Item = &Self> {
        let mut ahead = vec![self];
        std::iter::from_fn(move || {
            let next = ahead.pop()?;
            if enters(next) {
                ahead.extend(next.parts().into_iter().rev());
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
                ExprKind::In {
                    list: Members::Listed(list),
                    ..
                }
                | ExprKind::Quantifier {
                    over: Over::Listed(list),
                    ..
                } => list.len() / 16,
                ExprKind::Test(_, Test::Only(names)) => names.len(),
                ExprKind::Test(_, Test::Matches { .. } | Test::Present)
                | ExprKind::And(_)
                | ExprKind::Or(_)
                | ExprKind::Not(_)
                | ExprKind::Compare { .. }
                | ExprKind::In { .. }
                | ExprKind::Text { .. }
                | ExprKind::Named { .. }
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
        /// Where it is sought.
        list: Members,
        /// `not in`.
        negated: bool,
    },
    /// `startswith`, `endswith`, `contains`: a text, and the text that is sought in it.
    Text {
        /// Which.
        call: TextCall,
        /// The text: a path, or `lower` of one.
        subject: Operand,
        /// What is sought. A literal `""` is found in every text; an empty text from elsewhere makes the condition undefined.
        sought: Operand,
    },
    /// A function that looks at one value.
    Test(Path, Test),
    /// A condition on what a path leads to, in which [`Root::Element`] is what is looked at. All but [`Quantifier::Optional`] stand at most
    /// two deep, [`OperandKind::CountIf`] included.
    Quantifier {
        /// Which.
        quantifier: Quantifier,
        /// What it goes over.
        over: Over,
        /// The condition.
        body: Box<Expr>,
    },
    /// A condition with a name, where it is used. Means its body.
    Named {
        /// The name.
        name: String,
        /// What it is asked of. None: it asks of nothing.
        argument: Option<Path>,
        /// The condition that the name stands for, as written.
        definition: Arc<str>,
        /// What it means here: the definition with the argument in place of `.`. Spans in it are ranges of the definition.
        body: Box<Expr>,
    },
}

/// The right of `in`.
#[derive(Debug, Clone, PartialEq)]
pub enum Members {
    /// Literals, never none.
    Listed(Vec<Literal>),
    /// A list of the call or of the facts.
    Path(Path),
}

/// What a quantifier goes over.
#[derive(Debug, Clone, PartialEq)]
pub enum Over {
    /// What a path leads to.
    Path(Path),
    /// The elements of a list constant, for [`Quantifier::Every`] and [`Quantifier::Any`] alone.
    Listed(Vec<Literal>),
}

/// What is asked of one value.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
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

/// What binds `.` in a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantifier {
    /// Kleene's conjunction over the elements of a list.
    Every,
    /// Kleene's disjunction over the elements of a list.
    Any,
    /// Kleene's conjunction over the members of an object: `.name` and `.value`.
    EveryMember,
    /// Kleene's disjunction over the members of an object: `.name` and `.value`.
    AnyMember,
    /// Kleene's disjunction over the texts at and below a value, at any depth, names of members included.
    Anywhere,
    /// True where nothing or `null` is there, else the condition on the value.
    Optional,
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
    /// The path that it looks at itself.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match &self.kind {
            OperandKind::Path(path)
            | OperandKind::Count(path)
            | OperandKind::CountIf { path, .. }
            | OperandKind::Sum { path, .. }
            | OperandKind::TypeOf(path) => Some(path),
            OperandKind::Literal(_) | OperandKind::Lower(_) | OperandKind::Arithmetic { .. } => {
                None
            }
        }
    }

    /// The path whose value it is, and nothing else.
    #[must_use]
    pub fn as_path(&self) -> Option<&Path> {
        match &self.kind {
            OperandKind::Path(path) => Some(path),
            OperandKind::Count(_)
            | OperandKind::CountIf { .. }
            | OperandKind::Sum { .. }
            | OperandKind::Lower(_)
            | OperandKind::TypeOf(_)
            | OperandKind::Arithmetic { .. }
            | OperandKind::Literal(_) => None,
        }
    }

    /// The condition in it.
    #[must_use]
    pub fn body(&self) -> Option<&Expr> {
        match &self.kind {
            OperandKind::CountIf { body, .. } => Some(body),
            OperandKind::Path(_)
            | OperandKind::Count(_)
            | OperandKind::Sum { .. }
            | OperandKind::TypeOf(_)
            | OperandKind::Literal(_)
            | OperandKind::Lower(_)
            | OperandKind::Arithmetic { .. } => None,
        }
    }

    /// The operand and all that it is made of, in the order in which they are written. It does not recurse.
    pub fn terms(&self) -> impl Iterator<Item = &Self> {
        let mut ahead = vec![self];
        std::iter::from_fn(move || {
            let next = ahead.pop()?;
            match &next.kind {
                OperandKind::Lower(of) => ahead.push(of),
                OperandKind::Arithmetic { left, right, .. } => ahead.extend([&**right, &**left]),
                OperandKind::Path(_)
                | OperandKind::Count(_)
                | OperandKind::CountIf { .. }
                | OperandKind::Sum { .. }
                | OperandKind::TypeOf(_)
                | OperandKind::Literal(_) => {}
            }
            Some(next)
        })
    }
}

/// The kinds of operand.
#[derive(Debug, Clone, PartialEq)]
pub enum OperandKind {
    /// The value at a path.
    Path(Path),
    /// The size of the value at a path.
    Count(Path),
    /// How many elements of the list at a path make a condition true; undefined if the condition is for any.
    CountIf {
        /// The list.
        path: Path,
        /// The condition on each element.
        body: Box<Expr>,
    },
    /// The sum of numbers in the elements of the list at a path. Without elements it is 0.
    Sum {
        /// The list.
        path: Path,
        /// Where the number of an element is, from the element on.
        of: Vec<Step>,
    },
    /// A text with its ASCII letters in lower case.
    Lower(Box<Operand>),
    /// The name of the type of the value at a path, see [`Type::name`].
    TypeOf(Path),
    /// Two numbers, exactly.
    Arithmetic {
        /// How.
        op: ArithmeticOp,
        /// What stands left.
        left: Box<Operand>,
        /// What stands right.
        right: Box<Operand>,
    },
    /// A value.
    Literal(Literal),
}

/// Operations on numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum ArithmeticOp {
    Add,
    Subtract,
    Multiply,
}

/// Where a value is found.
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    /// Where to begin.
    pub root: Root,
    /// What to follow from there.
    pub steps: Vec<Step>,
    /// Where it stands in the constraint's text, in bytes.
    pub span: Range<usize>,
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// The member of an object.
    Member(String),
    /// The element of a list, from 0.
    Element(u32),
}

impl Step {
    /// The name of the member that it leads to.
    #[must_use]
    pub fn member(&self) -> Option<&str> {
        match self {
            Self::Member(name) => Some(name),
            Self::Element(_) => None,
        }
    }
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
    /// The member `said` of the facts.
    Said,
    /// The member `usage` of the facts.
    Usage,
    /// The member `user` of the facts.
    User,
    /// The member `user_usage` of the facts.
    UserUsage,
    /// The name of the role that is being evaluated; without steps.
    Role,
    /// The name of the tool; without steps.
    Tool,
    /// What the innermost quantifier looks at.
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
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Null,
        Self::Bool,
        Self::Number,
        Self::Text,
        Self::List,
        Self::Object,
    ];

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

    /// How `type` names it in a policy.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "boolean",
            Self::Number => "number",
            Self::Text => "text",
            Self::List => "list",
            Self::Object => "object",
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
