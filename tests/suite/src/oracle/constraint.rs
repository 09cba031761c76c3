//! The constraint language, read by recursive descent straight from its grammar.

use std::sync::Arc;

use crate::json::{Fault, Json, Reader};

/// A condition.
#[derive(Debug, Clone)]
pub(super) enum Expr {
    Or(Vec<Expr>),
    And(Vec<Expr>),
    Not(Box<Expr>),
    Compare(Operand, Op, Operand),
    In {
        value: Operand,
        list: Operand,
        negated: bool,
    },
    /// `startswith`, `endswith`, `contains`.
    Text {
        call: String,
        subject: Operand,
        sought: Operand,
    },
    Matches(Path, String),
    Present(Path),
    Only(Path, Vec<String>),
    /// What binds `.`: `every`, `any`, `every_member`, `any_member`, `anywhere`, `optional`.
    Bound {
        call: String,
        over: Operand,
        body: Box<Expr>,
    },
    /// A condition with a name: `.` in it is the value of the argument, absent if that is.
    Named {
        argument: Path,
        body: Box<Expr>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Op {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Debug, Clone)]
pub(super) enum Operand {
    Path(Path),
    Count(Path),
    CountIf(Path, Box<Expr>),
    /// The numbers at a path of each element.
    Sum(Path, Path),
    Lower(Box<Operand>),
    Type(Path),
    /// `+`, `-` or `*`.
    Arithmetic(Box<Operand>, char, Box<Operand>),
    Literal(Json),
}

/// `root` is one of the names, or `.` for what a call around binds.
#[derive(Debug, Clone)]
pub(super) struct Path {
    pub(super) root: String,
    pub(super) steps: Vec<Step>,
}

#[derive(Debug, Clone)]
pub(super) enum Step {
    Member(String),
    Element(usize),
}

/// The constants and named conditions that are visible where a constraint is written.
#[derive(Debug, Clone, Default)]
pub(super) struct Sight {
    pub(super) consts: Vec<(String, Json)>,
    pub(super) definitions: Vec<(String, Definition)>,
}

/// What a named condition stands for.
#[derive(Debug, Clone)]
pub(super) struct Definition {
    pub(super) text: String,
    /// What could be seen where it was written; absent only while that is put together, and for its neighbours: what can be seen here.
    pub(super) home: Option<Arc<Sight>>,
}

const ROOTS: [&str; 9] = [
    "args",
    "ctx",
    "run",
    "user",
    "usage",
    "user_usage",
    "said",
    "role",
    "tool",
];

/// How deep what goes over several values may stand.
const DEEP: usize = 2;
/// How far a named condition may be of others. More than there can be without a cycle.
const NAMES: usize = 64;

/// Reads a constraint.
pub(super) fn parse(text: &str, sight: &Sight) -> Result<Expr, String> {
    read(text, sight, 0, 0, 0)
}

/// Reads a named condition as if it were used.
pub(super) fn check(name: &str, sight: &Sight) -> Result<(), String> {
    let found = sight.definitions.iter().find(|(other, _)| other == name);
    let (_, definition) = found.ok_or("no such condition")?;
    read(&definition.text, sight, 0, 1, 0).map(|_| ())
}

fn read(
    text: &str,
    sight: &Sight,
    deep: usize,
    bound: usize,
    names: usize,
) -> Result<Expr, String> {
    if names > NAMES {
        return Err(format!("`{text}` is of itself"));
    }
    let mut parser = Parser {
        reader: Reader::new(text),
        sight,
        deep,
        bound,
        names,
    };
    let expr = parser
        .or()
        .map_err(|error| format!("constraint `{text}`, byte {}: {error}", parser.reader.at))?;
    parser.reader.space();
    if parser.reader.rest().is_empty() {
        Ok(expr)
    } else {
        Err(format!(
            "constraint `{text}`: `{}` is left over",
            parser.reader.rest()
        ))
    }
}

impl Expr {
    /// Whether a path in it begins at a root.
    pub(super) fn asks(&self, root: &str) -> bool {
        match self {
            Self::Or(parts) | Self::And(parts) => parts.iter().any(|part| part.asks(root)),
            Self::Not(inner) => inner.asks(root),
            Self::Compare(left, _, right) => left.asks(root) || right.asks(root),
            Self::In { value, list, .. } => value.asks(root) || list.asks(root),
            Self::Text {
                subject, sought, ..
            } => subject.asks(root) || sought.asks(root),
            Self::Matches(path, _) | Self::Present(path) | Self::Only(path, _) => path.root == root,
            Self::Bound { over, body, .. } => over.asks(root) || body.asks(root),
            Self::Named { argument, body } => argument.root == root || body.asks(root),
        }
    }
}

impl Operand {
    fn asks(&self, root: &str) -> bool {
        match self {
            Self::Path(path) | Self::Count(path) | Self::Type(path) | Self::Sum(path, _) => {
                path.root == root
            }
            Self::CountIf(path, body) => path.root == root || body.asks(root),
            Self::Lower(inner) => inner.asks(root),
            Self::Arithmetic(left, _, right) => left.asks(root) || right.asks(root),
            Self::Literal(_) => false,
        }
    }
}

struct Parser<'a> {
    reader: Reader<'a>,
    sight: &'a Sight,
    /// How many calls around go over several values.
    deep: usize,
    /// How many calls around bind `.`.
    bound: usize,
    /// How many named conditions are around.
    names: usize,
}

impl Parser<'_> {
    fn or(&mut self) -> Result<Expr, String> {
        let mut parts = vec![self.and()?];
        while self.word("or") {
            parts.push(self.and()?);
        }
        Ok(Expr::Or(parts))
    }

    fn and(&mut self) -> Result<Expr, String> {
        let mut parts = vec![self.not()?];
        while self.word("and") {
            parts.push(self.not()?);
        }
        Ok(Expr::And(parts))
    }

    fn not(&mut self) -> Result<Expr, String> {
        if self.word("not") {
            Ok(Expr::Not(Box::new(self.not()?)))
        } else {
            self.primary()
        }
    }

    fn primary(&mut self) -> Result<Expr, String> {
        if self.sign("(") {
            let inner = self.or()?;
            self.need(")")?;
            return Ok(inner);
        }
        for name in [
            "every",
            "any",
            "every_member",
            "any_member",
            "anywhere",
            "optional",
        ] {
            if self.call(name) {
                return self.bound(name);
            }
        }
        for name in ["startswith", "endswith", "contains"] {
            if self.call(name) {
                let subject = self.operand()?;
                if !matches!(&subject, Operand::Path(_))
                    && !matches!(&subject, Operand::Lower(of) if matches!(**of, Operand::Path(_)))
                {
                    return Err("a text is sought in a path, or in `lower` of one".to_owned());
                }
                self.need(",")?;
                let sought = self.operand()?;
                self.need(")")?;
                return Ok(Expr::Text {
                    call: name.to_owned(),
                    subject,
                    sought,
                });
            }
        }
        if self.call("matches") {
            let path = self.path()?;
            self.need(",")?;
            let pattern = self.string()?;
            self.need(")")?;
            return Ok(Expr::Matches(path, pattern));
        }
        if self.call("present") {
            let path = self.path()?;
            self.need(")")?;
            return Ok(Expr::Present(path));
        }
        if self.call("only") {
            return self.only();
        }
        if let Some(named) = self.named()? {
            return Ok(named);
        }
        self.comparison()
    }

    fn bound(&mut self, call: &str) -> Result<Expr, String> {
        // The path may begin with what a call around binds.
        let over = self.operand()?;
        match &over {
            Operand::Path(_) => {}
            Operand::Literal(Json::List(_)) if call == "every" || call == "any" => {}
            _ => return Err(format!("`{call}` is of a path")),
        }
        self.need(",")?;
        let body = Box::new(self.body(call != "optional")?);
        self.need(")")?;
        Ok(Expr::Bound {
            call: call.to_owned(),
            over,
            body,
        })
    }

    /// A condition in which `.` is bound.
    fn body(&mut self, several: bool) -> Result<Expr, String> {
        self.deep += usize::from(several);
        self.bound += 1;
        if self.deep > DEEP {
            return Err(format!("more than {DEEP} deep"));
        }
        let body = self.or()?;
        self.deep -= usize::from(several);
        self.bound -= 1;
        Ok(body)
    }

    fn named(&mut self) -> Result<Option<Expr>, String> {
        let sight = self.sight;
        for (name, definition) in &sight.definitions {
            if self.call(name) {
                let argument = self.path()?;
                self.need(")")?;
                let home = definition.home.as_deref().unwrap_or(sight);
                let body = read(&definition.text, home, self.deep, 1, self.names + 1)?;
                return Ok(Some(Expr::Named {
                    argument,
                    body: Box::new(body),
                }));
            }
        }
        Ok(None)
    }

    fn only(&mut self) -> Result<Expr, String> {
        let path = self.path()?;
        self.need(",")?;
        self.need("[")?;
        let mut names = Vec::new();
        if !self.sign("]") {
            loop {
                names.push(self.string()?);
                if self.sign("]") {
                    break;
                }
                self.need(",")?;
            }
        }
        self.need(")")?;
        Ok(Expr::Only(path, names))
    }

    fn comparison(&mut self) -> Result<Expr, String> {
        let left = self.terms()?;
        let negated = self.word("not");
        if self.word("in") {
            let list = self.operand()?;
            return match &list {
                Operand::Literal(Json::List(_)) | Operand::Path(_) => Ok(Expr::In {
                    value: left,
                    list,
                    negated,
                }),
                _ => Err("no list".to_owned()),
            };
        }
        if negated {
            return Err("`not` without `in`".to_owned());
        }
        for (sign, op) in [
            ("==", Op::Equal),
            ("!=", Op::NotEqual),
            ("<=", Op::LessOrEqual),
            (">=", Op::GreaterOrEqual),
            ("<", Op::Less),
            (">", Op::Greater),
        ] {
            if self.sign(sign) {
                return Ok(Expr::Compare(left, op, self.terms()?));
            }
        }
        Err("no operator".to_owned())
    }

    /// Products, added and subtracted from left to right.
    fn terms(&mut self) -> Result<Operand, String> {
        let mut left = self.product()?;
        loop {
            let op = if self.sign("+") {
                '+'
            } else if self.sign("-") {
                '-'
            } else {
                return Ok(left);
            };
            left = Operand::Arithmetic(Box::new(left), op, Box::new(self.product()?));
        }
    }

    fn product(&mut self) -> Result<Operand, String> {
        let mut left = self.operand()?;
        while self.sign("*") {
            left = Operand::Arithmetic(Box::new(left), '*', Box::new(self.operand()?));
        }
        Ok(left)
    }

    fn operand(&mut self) -> Result<Operand, String> {
        if self.call("count") {
            let path = self.path()?;
            let operand = if self.sign(",") {
                Operand::CountIf(path, Box::new(self.body(true)?))
            } else {
                Operand::Count(path)
            };
            self.need(")")?;
            return Ok(operand);
        }
        if self.call("sum") {
            let path = self.path()?;
            self.need(",")?;
            self.bound += 1;
            let of = self.path()?;
            self.bound -= 1;
            if of.root != "." {
                return Err("`sum` is of something of each element".to_owned());
            }
            self.need(")")?;
            return Ok(Operand::Sum(path, of));
        }
        if self.call("lower") {
            let inner = self.operand()?;
            self.need(")")?;
            return Ok(Operand::Lower(Box::new(inner)));
        }
        if self.call("type") {
            let path = self.path()?;
            self.need(")")?;
            return Ok(Operand::Type(path));
        }
        self.reader.space();
        if self.reader.rest().starts_with("consts.") {
            self.reader.at += "consts.".len();
            let name = self.name()?;
            let value = self.sight.consts.iter().find(|(other, _)| *other == name);
            return value
                .map(|(_, value)| Operand::Literal(value.clone()))
                .ok_or_else(|| format!("no constant `{name}`"));
        }
        if self.reader.rest().starts_with([
            '"', '-', '[', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9',
        ]) {
            return Ok(Operand::Literal(self.literal()?));
        }
        for (word, value) in [
            ("null", Json::Null),
            ("true", Json::Bool(true)),
            ("false", Json::Bool(false)),
        ] {
            if self.word(word) {
                return Ok(Operand::Literal(value));
            }
        }
        Ok(Operand::Path(self.path()?))
    }

    fn path(&mut self) -> Result<Path, String> {
        let mut steps = Vec::new();
        let root = if self.sign(".") {
            if self.bound == 0 {
                return Err("`.` where nothing binds it".to_owned());
            }
            if self
                .reader
                .rest()
                .starts_with(|c: char| c == '_' || c.is_ascii_alphabetic())
            {
                steps.push(Step::Member(self.name()?));
            }
            ".".to_owned()
        } else {
            self.reader.space();
            let root = self.name()?;
            if !ROOTS.contains(&root.as_str()) {
                return Err(format!("`{root}` is no root"));
            }
            root
        };
        loop {
            if self.reader.eat(".") {
                steps.push(Step::Member(self.name()?));
            } else if self.reader.eat("[") {
                self.reader.space();
                steps.push(if self.reader.rest().starts_with('"') {
                    Step::Member(self.string()?)
                } else {
                    Step::Element(self.index()?)
                });
                self.need("]")?;
            } else {
                return Ok(Path { root, steps });
            }
        }
    }

    fn index(&mut self) -> Result<usize, String> {
        match self.literal()? {
            Json::Number(digits) => digits.parse().map_err(|_| "no index".to_owned()),
            _ => Err("no index".to_owned()),
        }
    }

    fn name(&mut self) -> Result<String, String> {
        let rest = self.reader.rest();
        let length = rest.len()
            - rest
                .trim_start_matches(|c: char| c == '_' || c.is_ascii_alphanumeric())
                .len();
        let name = rest.get(..length).unwrap_or_default();
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            return Err("no name".to_owned());
        }
        self.reader.at += length;
        Ok(name.to_owned())
    }

    fn literal(&mut self) -> Result<Json, String> {
        self.reader.value().map_err(said)
    }

    fn string(&mut self) -> Result<String, String> {
        self.reader.space();
        self.reader.string().map_err(said)
    }

    /// Skips a word, if it comes next and ends there.
    fn word(&mut self, word: &str) -> bool {
        self.reader.space();
        let after = self.reader.rest().strip_prefix(word);
        let found = after
            .is_some_and(|rest| !rest.starts_with(|c: char| c == '_' || c.is_ascii_alphanumeric()));
        if found {
            self.reader.at += word.len();
        }
        found
    }

    /// Skips a name and the parenthesis after it, if both come next.
    fn call(&mut self, name: &str) -> bool {
        let start = self.reader.at;
        let found = self.word(name) && self.sign("(");
        if !found {
            self.reader.at = start;
        }
        found
    }

    fn sign(&mut self, sign: &str) -> bool {
        self.reader.space();
        self.reader.eat(sign)
    }

    fn need(&mut self, sign: &str) -> Result<(), String> {
        if self.sign(sign) {
            Ok(())
        } else {
            Err(format!("no `{sign}`"))
        }
    }
}

fn said(fault: Fault) -> String {
    match fault {
        Fault::Malformed(what) => what.to_owned(),
        Fault::Exceeded(limit) => format!("limit `{limit}`"),
    }
}
