//! The constraint language, read by recursive descent straight from its grammar.

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
        list: Vec<Json>,
        negated: bool,
    },
    Text {
        call: String,
        path: Path,
        text: String,
    },
    Present(Path),
    Only(Path, Vec<String>),
    Quantifier {
        every: bool,
        path: Path,
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
    Literal(Json),
}

/// `root` is one of the six names, or `.` for a quantifier's element.
#[derive(Debug, Clone)]
pub(super) struct Path {
    pub(super) root: String,
    pub(super) steps: Vec<String>,
}

/// Reads a constraint. `consts` are the constants that are visible where it is written.
pub(super) fn parse(text: &str, consts: &[(String, Json)]) -> Result<Expr, String> {
    let mut parser = Parser {
        reader: Reader::new(text),
        consts,
        quantifiers: 0,
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

struct Parser<'a> {
    reader: Reader<'a>,
    consts: &'a [(String, Json)],
    quantifiers: usize,
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
        for name in ["every", "any"] {
            if self.call(name) {
                return self.quantifier(name == "every");
            }
        }
        for name in ["startswith", "endswith", "contains", "matches"] {
            if self.call(name) {
                let path = self.path()?;
                self.need(",")?;
                let text = self.string()?;
                self.need(")")?;
                return Ok(Expr::Text {
                    call: name.to_owned(),
                    path,
                    text,
                });
            }
        }
        if self.call("present") {
            let path = self.path()?;
            self.need(")")?;
            return Ok(Expr::Present(path));
        }
        if self.call("only") {
            return self.only();
        }
        self.comparison()
    }

    fn quantifier(&mut self, every: bool) -> Result<Expr, String> {
        self.quantifiers += 1;
        if self.quantifiers > 2 {
            return Err("more than two quantifiers deep".to_owned());
        }
        // The list's own path may begin with the element of the quantifier outside.
        let path = self.path()?;
        self.need(",")?;
        let body = Box::new(self.or()?);
        self.need(")")?;
        self.quantifiers -= 1;
        Ok(Expr::Quantifier { every, path, body })
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
        let left = self.operand()?;
        let negated = self.word("not");
        if self.word("in") {
            return match self.operand()? {
                Operand::Literal(Json::List(list)) => Ok(Expr::In {
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
                return Ok(Expr::Compare(left, op, self.operand()?));
            }
        }
        Err("no operator".to_owned())
    }

    fn operand(&mut self) -> Result<Operand, String> {
        if self.call("count") {
            let path = self.path()?;
            self.need(")")?;
            return Ok(Operand::Count(path));
        }
        self.reader.space();
        if self.reader.rest().starts_with("consts.") {
            self.reader.at += "consts.".len();
            let name = self.name()?;
            let value = self.consts.iter().find(|(other, _)| *other == name);
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
            if self.quantifiers == 0 {
                return Err("an element outside a quantifier".to_owned());
            }
            if !self
                .reader
                .rest()
                .starts_with(|c: char| c == '_' || c.is_ascii_alphabetic())
            {
                return Ok(Path {
                    root: ".".to_owned(),
                    steps,
                });
            }
            steps.push(self.name()?);
            ".".to_owned()
        } else {
            self.reader.space();
            let root = self.name()?;
            if !["args", "ctx", "run", "user", "role", "tool"].contains(&root.as_str()) {
                return Err(format!("`{root}` is no root"));
            }
            root
        };
        loop {
            if self.reader.eat(".") {
                steps.push(self.name()?);
            } else if self.reader.eat("[") {
                self.reader.space();
                steps.push(self.string()?);
                self.need("]")?;
            } else {
                return Ok(Path { root, steps });
            }
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
