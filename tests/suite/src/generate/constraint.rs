//! Conditions, as text, and what would make them true.

use super::{Random, Wish};
use crate::json::{Json, quoted};

/// Patterns that every reading agrees about, each with texts that match.
const PATTERNS: [(&str, [&str; 2]); 15] = [
    ("^inv_[0-9]+$", ["inv_1", "inv_042"]),
    ("[0-9]", ["a1", "7"]),
    (r"^\d{2,3}$", ["12", "123"]),
    (r"^\w+$", ["a_9", "Z"]),
    ("^(a|bc)*$", ["abc", ""]),
    ("^[^a]", ["b", "é"]),
    ("^.$", ["é", "😀"]),
    (r"\bcat\b", ["a cat", "cat"]),
    ("(?i)^key$", ["KeY", "\u{212a}ey"]),
    ("a|b.c", ["xa", "béc"]),
    ("[[:alpha:]]+[^0-9]$", ["ab", "日x!"]),
    (r"\x{e9}|\.", ["é", "."]),
    ("^(?s:a.b)$", ["a\nb", "axb"]),
    (r"\s", [" ", "a\tb"]),
    (r"^[\-\]x]{1,3}$", ["-]x", "x"]),
];

/// Where conditions are written.
pub(super) struct Writer<'a> {
    pub(super) random: &'a mut Random,
    /// The constants that are visible.
    pub(super) consts: Vec<(String, Json)>,
    /// What would make the conditions true.
    pub(super) wishes: Vec<Wish>,
    depth: usize,
}

impl<'a> Writer<'a> {
    pub(super) fn new(random: &'a mut Random, consts: Vec<(String, Json)>) -> Self {
        Self {
            random,
            consts,
            wishes: Vec::new(),
            depth: 0,
        }
    }

    /// A whole constraint.
    pub(super) fn constraint(&mut self) -> String {
        self.chain(2)
    }

    /// Conditions joined by `and` and `or`, with and without parentheses.
    fn chain(&mut self, nested: usize) -> String {
        let mut out = self.part(nested);
        let more = if self.random.chance(70) {
            0
        } else {
            1 + self.random.below(2)
        };
        for _ in 0..more {
            let word = self.random.text(&[" and ", " or "]);
            out = format!("{out}{word}{}", self.part(nested));
        }
        out
    }

    fn part(&mut self, nested: usize) -> String {
        let not = if self.random.chance(18) { "not " } else { "" };
        if nested > 0 && self.random.chance(15) {
            return format!("{not}({})", self.chain(nested - 1));
        }
        format!("{not}{}", self.leaf())
    }

    fn leaf(&mut self) -> String {
        match self.random.below(20) {
            0..=3 => self.equality(),
            4..=7 => self.order(),
            8..=9 => self.paths(),
            10..=11 => self.membership(),
            12 => self.count(),
            13..=14 => self.text(),
            15 => self.pattern(),
            16 => self.presence(),
            17 => self.name(),
            _ if self.depth < 2 => self.quantifier(),
            _ => self.equality(),
        }
    }

    fn equality(&mut self) -> String {
        let (path, at) = self.path();
        let (text, value) = self.literal();
        let op = self.random.text(&["==", "==", "!="]);
        self.wish(at, value);
        if self.random.chance(15) {
            format!("{text} {op} {path}")
        } else {
            format!("{path} {op} {text}")
        }
    }

    fn order(&mut self) -> String {
        let (path, at) = self.path();
        let ordered: Vec<(String, Json)> = self
            .consts
            .iter()
            .filter(|(_, value)| matches!(value, Json::Number(_) | Json::Text(_)))
            .cloned()
            .collect();
        let (text, value) = if !ordered.is_empty() && self.random.chance(25) {
            let (name, value) = self.random.pick(&ordered).clone();
            (format!("consts.{name}"), value)
        } else {
            let value = if self.random.chance(80) {
                number(self.random)
            } else {
                Json::Text(word(self.random))
            };
            (value.to_string(), value)
        };
        let op = self.random.text(&["<", "<=", ">", ">="]);
        self.wish(at, value);
        if self.random.chance(15) {
            format!("{text} {op} {path}")
        } else {
            format!("{path} {op} {text}")
        }
    }

    fn paths(&mut self) -> String {
        let (left, left_at) = self.path();
        let (right, right_at) = self.path();
        let value = self.literal().1;
        self.wish(left_at, value.clone());
        self.wish(right_at, value);
        // What says of one place that it differs from itself is refused.
        let op = if left == right {
            self.random.text(&["==", "<=", ">="])
        } else {
            self.random.text(&["==", "!=", "<", "<=", ">", ">="])
        };
        format!("{left} {op} {right}")
    }

    fn membership(&mut self) -> String {
        let (path, at) = self.path();
        let lists: Vec<(String, Json)> = self
            .consts
            .iter()
            .filter(|(_, value)| value.as_list().is_some_and(|list| !list.is_empty()))
            .cloned()
            .collect();
        let (text, list) = if !lists.is_empty() && self.random.chance(30) {
            let (name, value) = self.random.pick(&lists).clone();
            (format!("consts.{name}"), value)
        } else {
            let count = 1 + self.random.below(3);
            let list = Json::List((0..count).map(|_| literal(self.random, 1)).collect());
            (list.to_string(), list)
        };
        let one = self.random.pick(list.as_list().unwrap_or_default()).clone();
        let op = self.random.text(&["in", "in", "not in"]);
        self.wish(at, one);
        format!("{path} {op} {text}")
    }

    fn count(&mut self) -> String {
        let (path, at) = self.path();
        let size = 1 + self.random.below(3);
        let value = match self.random.below(3) {
            0 => Json::List(vec![Json::Null; size]),
            1 => Json::Text("é".repeat(size)),
            _ => Json::Object(
                (0..size)
                    .map(|index| (format!("k{index}"), Json::Null))
                    .collect(),
            ),
        };
        self.wish(at, value);
        let op = self.random.text(&["==", "!=", "<=", ">=", ">"]);
        match self.random.below(6) {
            0 => {
                let (other, other_at) = self.path();
                self.wish(other_at, Json::Text("x".repeat(size)));
                format!("count({path}) {op} count({other})")
            }
            1 => {
                let (other, other_at) = self.path();
                self.wish(other_at, Json::Number(format!("{size}.0")));
                format!("{other} {op} count({path})")
            }
            2 => format!("count({path}) in [{size}, 7]"),
            _ => format!("count({path}) {op} {size}"),
        }
    }

    fn text(&mut self) -> String {
        let (path, at) = self.path();
        let text = word(self.random);
        let call = self.random.text(&["startswith", "endswith", "contains"]);
        let around = if self.random.chance(50) {
            format!("{text}{text}")
        } else {
            text.clone()
        };
        self.wish(at, Json::Text(around));
        format!("{call}({path}, {})", quoted(&text))
    }

    fn pattern(&mut self) -> String {
        let (path, at) = self.path();
        let (pattern, samples) = *self.random.pick(&PATTERNS);
        let sample = self.random.text(&samples);
        self.wish(at, Json::Text(sample));
        format!("matches({path}, {})", quoted(pattern))
    }

    fn presence(&mut self) -> String {
        let (path, at) = self.path();
        if self.random.chance(50) {
            let value = literal(self.random, 1);
            self.wish(at, value);
            return format!("present({path})");
        }
        self.wish(at, Json::Object(vec![("a".to_owned(), Json::Null)]));
        let whole = self.random.chance(40);
        let path = if whole { "args".to_owned() } else { path };
        format!("only({path}, [\"a\", \"b\", \"n\", \"list\", \"x y\"])")
    }

    fn name(&mut self) -> String {
        match self.random.below(9) {
            0 => format!("role == \"{}\"", self.random.text(&["default", "r0", "r1"])),
            1 => "role in [\"default\", \"r0\", null]".to_owned(),
            2 => format!("tool != \"{}\"", self.random.text(&["t", "u", "agent.run"])),
            3 => "startswith(tool, \"t\")".to_owned(),
            4 => format!("role {} tool", self.random.text(&["==", "!=", "<", ">="])),
            5 => format!(
                "matches({}, \"^[a-s]\")",
                self.random.text(&["role", "tool"])
            ),
            6 => "count(tool) <= count(role)".to_owned(),
            _ => {
                let (path, at) = self.path();
                let name = self.random.text(&["role", "tool"]);
                let value = self.random.text(&["default", "r1", "t", "u"]);
                self.wish(at, Json::Text(value));
                let op = self.random.text(&["==", "!=", "<=", ">"]);
                format!("{path} {op} {name}")
            }
        }
    }

    fn quantifier(&mut self) -> String {
        let (path, at) = self.path();
        self.depth += 1;
        let outside = std::mem::take(&mut self.wishes);
        let body = self.chain(1);
        let inside = std::mem::replace(&mut self.wishes, outside);
        self.depth -= 1;
        // Elements are made of what the body asks of them; what it asks of other places stays a wish of its own.
        let (about_elements, elsewhere): (Vec<Wish>, Vec<Wish>) =
            inside.into_iter().partition(|wish| wish.root == ".");
        self.wishes.extend(elsewhere);
        let mut element = Json::Null;
        for wish in &about_elements {
            put(&mut element, &wish.steps, wish.value.clone());
        }
        let count = self.random.below(3);
        self.wish(at, Json::List(vec![element; count]));
        format!("{}({path}, {body})", self.random.text(&["every", "any"]))
    }

    /// A path, as text and as a place. Inside a quantifier mostly its element.
    fn path(&mut self) -> (String, (&'static str, Vec<String>)) {
        if self.depth > 0 && self.random.chance(70) {
            let first = self.random.text(&["", "", "a", "n"]);
            return if first.is_empty() {
                (".".to_owned(), (".", Vec::new()))
            } else {
                (format!(".{first}"), (".", vec![first]))
            };
        }
        let root = *self.random.pick(&[
            "args", "args", "args", "args", "args", "args", "ctx", "run", "user",
        ]);
        let most = if self.random.chance(25) { 3 } else { 1 };
        let count = 1 + self.random.below(most);
        let steps: Vec<String> = (0..count).map(|_| name(self.random)).collect();
        let mut text = root.to_owned();
        for step in &steps {
            if step.is_empty() || step.contains(|c: char| !c.is_ascii_alphanumeric()) {
                text = format!("{text}[{}]", quoted(step));
            } else {
                text = format!("{text}.{step}");
            }
        }
        (text, (root, steps))
    }

    fn literal(&mut self) -> (String, Json) {
        if !self.consts.is_empty() && self.random.chance(20) {
            let (name, value) = self.random.pick(&self.consts).clone();
            return (format!("consts.{name}"), value);
        }
        let value = literal(self.random, 2);
        (value.to_string(), value)
    }

    fn wish(&mut self, (root, steps): (&'static str, Vec<String>), value: Json) {
        self.wishes.push(Wish { root, steps, value });
    }
}

/// Puts a value at a place, making objects on the way.
pub(super) fn put(target: &mut Json, steps: &[String], value: Json) {
    let Some((first, rest)) = steps.split_first() else {
        *target = value;
        return;
    };
    if target.as_object().is_none() {
        *target = Json::Object(Vec::new());
    }
    if let Json::Object(members) = target {
        if !members.iter().any(|(name, _)| name == first) {
            members.push((first.clone(), Json::Null));
        }
        if let Some((_, inner)) = members.iter_mut().find(|(name, _)| name == first) {
            put(inner, rest, value);
        }
    }
}

/// A name of a member.
fn name(random: &mut Random) -> String {
    random.text(&[
        "a", "a", "a", "b", "b", "n", "n", "n", "list", "list", "x y", "é", "", "default", "in",
        "a\"b\\",
    ])
}

/// A value that a policy may contain.
pub(super) fn literal(random: &mut Random, nested: usize) -> Json {
    match random.below(if nested > 0 { 10 } else { 9 }) {
        0 => Json::Null,
        1 => Json::Bool(random.chance(50)),
        2..=5 => number(random),
        6..=8 => Json::Text(word(random)),
        _ => {
            let count = random.below(3);
            Json::List((0..count).map(|_| literal(random, nested - 1)).collect())
        }
    }
}

/// A number at one of the edges.
pub(super) fn number(random: &mut Random) -> Json {
    Json::Number(random.text(&[
        "0",
        "1",
        "-1",
        "5",
        "5",
        "500",
        "-500",
        "0.1",
        "2.50",
        "-0.5",
        "9007199254740993",
        "9007199254740992",
        "18446744073709551616",
        "-9223372036854775809",
        "123456789012345678901234567890.123456789",
        "0.000000000000000000000000000001",
    ]))
}

/// A text at one of the edges.
pub(super) fn word(random: &mut Random) -> String {
    random.text(&[
        "", "a", "a", "A", "abc", "/tmp/", "é", "e\u{301}", "😀", "\u{ffff}", "a\"b\\c", "\u{0}",
        "5", "x\ny", "true", "日本",
    ])
}
