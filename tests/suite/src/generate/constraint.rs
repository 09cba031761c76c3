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
    sight: Sight,
    /// What would make the conditions true.
    pub(super) wishes: Vec<Wish>,
    /// What binds `.`, innermost last.
    around: Vec<Around>,
    /// How many of these go over several values, and the most there were at once.
    deep: usize,
    deepest: usize,
    /// Whether something looked at what is bound outermost.
    looked: bool,
    /// Whether nothing may look at the role.
    pub(super) for_all_roles: bool,
}

/// The constants and named conditions that are visible where a condition is written.
#[derive(Debug, Clone, Default)]
pub(super) struct Sight {
    pub(super) consts: Vec<(String, Json)>,
    pub(super) definitions: Vec<Definition>,
}

impl Sight {
    /// What a parent sees, where it is not seen already.
    pub(super) fn inherit(&mut self, parent: &Self) {
        for (name, value) in &parent.consts {
            if self.consts.iter().all(|(other, _)| other != name) {
                self.consts.push((name.clone(), value.clone()));
            }
        }
        for definition in &parent.definitions {
            if self
                .definitions
                .iter()
                .all(|other| other.name != definition.name)
            {
                self.definitions.push(definition.clone());
            }
        }
    }
}

/// A named condition.
#[derive(Debug, Clone)]
pub(super) struct Definition {
    pub(super) name: String,
    pub(super) text: String,
    /// How deep what goes over several values stands in it.
    deep: usize,
    wishes: Vec<Wish>,
}

/// What `.` is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Around {
    /// Any value: an element, or what is optional, or the argument of a named condition.
    Value,
    /// A member, with its name and its value.
    Member,
    /// A text.
    Text,
}

/// How deep what goes over several values may stand.
const DEEP: usize = 2;

/// Facts that are numbers, and the member that they stand in.
const COUNTS: [(&str, &str); 8] = [
    ("run", "tool_calls"),
    ("run", "calls_of_this_tool"),
    ("run", "elapsed_seconds"),
    ("usage", "tool_calls_24h"),
    ("usage", "denials_5m"),
    ("usage", "tokens_30d"),
    ("user_usage", "invocations_1h"),
    ("user_usage", "llm_calls_7d"),
];

/// Facts that are lists of texts.
const HEARD: [&str; 6] = ["emails", "urls", "hosts", "paths", "handles", "quoted"];

impl<'a> Writer<'a> {
    pub(super) fn new(random: &'a mut Random, sight: Sight) -> Self {
        Self {
            random,
            sight,
            wishes: Vec::new(),
            around: Vec::new(),
            deep: 0,
            deepest: 0,
            looked: false,
            for_all_roles: false,
        }
    }

    /// A named condition.
    pub(super) fn definition(mut self, name: String) -> Definition {
        self.around.push(Around::Value);
        let mut text = self.chain(1);
        // What looks at nothing that it is given is refused.
        if !self.looked {
            text = format!("present(.) and ({text})");
        }
        Definition {
            name,
            text,
            deep: self.deepest,
            wishes: self.wishes,
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
        if self.around.last() == Some(&Around::Text) && self.random.chance(75) {
            return match self.random.below(4) {
                0 => self.pattern(),
                1 => self.lower(),
                _ => self.text(),
            };
        }
        match self.random.below(34) {
            0..=3 => self.equality(),
            4..=7 => self.order(),
            8..=9 => self.paths(),
            10..=11 => self.membership(),
            12 => self.count(),
            13..=14 => self.text(),
            15 => self.pattern(),
            16 => self.presence(),
            17 => self.name(),
            18..=19 => self.calculation(),
            20..=21 => self.member_of_a_list(),
            22 => self.lower(),
            23 => self.type_of(),
            24 => self.fact(),
            25 => self.sum(),
            26 => self.over_a_constant(),
            27 => self.named(),
            28 => self.optional(),
            _ if self.deep < DEEP => match self.random.below(9) {
                0 => self.count_of_some(),
                1..=2 => self.members(),
                3 => self.anywhere(),
                _ => self.quantifier(),
            },
            _ => self.equality(),
        }
    }

    /// An exact result of some numbers.
    fn calculation(&mut self) -> String {
        let (path, at) = self.path();
        let mut text = path;
        let number = ugly(self.random);
        self.wish(at, number);
        for _ in 0..1 + self.random.below(2) {
            let op = self.random.text(&["+", "+", "-", "*"]);
            let blank = self.random.text(&[" ", " ", ""]);
            let right = match self.random.below(5) {
                0 => {
                    let (path, at) = self.path();
                    let number = ugly(self.random);
                    self.wish(at, number);
                    path
                }
                1 => {
                    let (path, at) = self.path();
                    self.wish(at, Json::Text("abc".to_owned()));
                    format!("count({path})")
                }
                _ => ugly(self.random).to_string(),
            };
            // Before a sign a blank, or two signs would stand side by side.
            text = format!("{text} {op}{blank}{right}");
        }
        if self.random.chance(20) {
            let list: Vec<String> = (0..2).map(|_| ugly(self.random).to_string()).collect();
            let op = self.random.text(&["in", "not in"]);
            return format!("{text} {op} [{}]", list.join(", "));
        }
        let op = self.random.text(&["==", "!=", "<", "<=", ">", ">="]);
        let other = match self.random.below(3) {
            0 => {
                let (path, at) = self.path();
                let number = ugly(self.random);
                self.wish(at, number);
                format!("{path} * {}", ugly(self.random))
            }
            _ => ugly(self.random).to_string(),
        };
        if self.random.chance(15) {
            format!("{other} {op} {text}")
        } else {
            format!("{text} {op} {other}")
        }
    }

    /// Whether something is among what the call or the facts list.
    fn member_of_a_list(&mut self) -> String {
        let op = self.random.text(&["in", "in", "not in"]);
        let several: Vec<Json> = (0..self.random.below(4))
            .map(|_| literal(self.random, 1))
            .collect();
        let heard = self.random.text(&HEARD);
        let (list, at) = if self.random.chance(40) {
            let at = ("said", vec![heard.clone()]);
            (format!("said.{heard}"), at)
        } else {
            self.path()
        };
        let of_texts = at.0 == "said";
        let several: Vec<Json> = several
            .into_iter()
            .map(|value| {
                if of_texts {
                    Json::Text(word(self.random))
                } else {
                    value
                }
            })
            .collect();
        let one = match several.first() {
            Some(one) => one.clone(),
            None => literal(self.random, 0),
        };
        self.wish(at, Json::List(several));
        if self.deep < DEEP && self.random.chance(30) {
            let (path, at) = self.path();
            let count = self.random.below(3);
            self.wish(at, Json::List(vec![one; count]));
            // `.` would be another one there.
            if !list.starts_with('.') {
                self.deepest = self.deepest.max(self.deep + 1);
                let call = self.random.text(&["every", "every", "any"]);
                return format!("{call}({path}, . {op} {list})");
            }
            return format!("{path} {op} {list}");
        }
        if self.random.chance(10) {
            let text = word(self.random);
            return format!("{} {op} {list}", quoted(&text));
        }
        let (path, at) = self.path();
        self.wish(at, one);
        format!("{path} {op} {list}")
    }

    fn lower(&mut self) -> String {
        let (path, at) = self.path();
        let text = word(self.random);
        self.wish(at, Json::Text(text.to_uppercase()));
        let small = quoted(&text.to_ascii_lowercase());
        match self.random.below(5) {
            0 => format!("lower({path}) in [{small}, \"x\"]"),
            1 => {
                let call = self.random.text(&["startswith", "endswith", "contains"]);
                format!("{call}(lower({path}), {small})")
            }
            2 => {
                let (other, at) = self.path();
                self.wish(at, Json::Text(text));
                format!("lower({path}) == lower({other})")
            }
            _ => format!(
                "lower({path}) {} {small}",
                self.random.text(&["==", "!=", "<="])
            ),
        }
    }

    fn type_of(&mut self) -> String {
        let (path, at) = self.path();
        let value = literal(self.random, 1);
        let name = match value {
            Json::Null => "null",
            Json::Bool(_) => "boolean",
            Json::Number(_) => "number",
            Json::Text(_) => "text",
            Json::List(_) => "list",
            Json::Object(_) => "object",
        };
        self.wish(at, value);
        match self.random.below(4) {
            0 => format!("type({path}) in [\"{name}\", \"object\"]"),
            1 => format!("type({path}) != \"{name}\""),
            _ => format!("type({path}) == \"{name}\""),
        }
    }

    fn fact(&mut self) -> String {
        if self.random.chance(30) {
            let heard = self.random.text(&HEARD);
            let count = self.random.below(3);
            let list = vec![Json::Text(word(self.random)); count];
            self.wish(("said", vec![heard.clone()]), Json::List(list));
            let op = self.random.text(&["==", ">=", "<="]);
            return format!("count(said.{heard}) {op} {count}");
        }
        let (root, name) = *self.random.pick(&COUNTS);
        let count = self.random.below(6);
        self.wish(
            (root, vec![name.to_owned()]),
            Json::Number(count.to_string()),
        );
        let op = self.random.text(&["<", "<=", "==", ">="]);
        format!("{root}.{name} {op} {}", count + self.random.below(2))
    }

    fn sum(&mut self) -> String {
        let (path, at) = self.path();
        let count = self.random.below(4);
        let name = self.random.text(&["", "a", "n"]);
        let element = |random: &mut Random| {
            let mut element = Json::Null;
            let steps: Vec<String> = [&name]
                .into_iter()
                .filter(|name| !name.is_empty())
                .cloned()
                .collect();
            put(&mut element, &steps, ugly(random));
            element
        };
        let list = (0..count).map(|_| element(self.random)).collect();
        self.wish(at, Json::List(list));
        let op = self.random.text(&["==", "<=", ">", "<"]);
        let factor = self.random.text(&["", "", " * 0.1", " + 1"]);
        format!("sum({path}, .{name}){factor} {op} {}", ugly(self.random))
    }

    fn over_a_constant(&mut self) -> String {
        let of_one_type = |value: &Json| {
            let list = value.as_list().unwrap_or_default();
            !list.is_empty()
                && (list.iter().all(|one| matches!(one, Json::Text(_)))
                    || list.iter().all(|one| matches!(one, Json::Number(_))))
        };
        let lists: Vec<(String, Json)> = self
            .sight
            .consts
            .iter()
            .filter(|(_, value)| of_one_type(value))
            .cloned()
            .collect();
        if lists.is_empty() || self.deep >= DEEP {
            return self.text();
        }
        let (name, list) = self.random.pick(&lists).clone();
        let one = self.random.pick(list.as_list().unwrap_or_default()).clone();
        let (mut path, at) = self.path();
        if path.starts_with('.') {
            path = "args.a".to_owned();
        } else {
            self.wish(at, one.clone());
        }
        self.deepest = self.deepest.max(self.deep + 1);
        let call = self.random.text(&["any", "any", "every"]);
        let body = match one {
            Json::Text(_) => match self.random.below(5) {
                0 => format!("{path} == ."),
                1 => format!("contains({path}, .) or {path} == \"a\""),
                2 => format!("startswith(lower({path}), .)"),
                3 => format!("not startswith({path}, .)"),
                _ => format!("endswith({path}, .)"),
            },
            _ => format!("{path} {} .", self.random.text(&["==", "!=", "<=", ">"])),
        };
        format!("{call}(consts.{name}, {body})")
    }

    fn named(&mut self) -> String {
        let fitting: Vec<Definition> = self
            .sight
            .definitions
            .iter()
            .filter(|definition| self.deep + definition.deep <= DEEP)
            .cloned()
            .collect();
        if fitting.is_empty() || self.for_all_roles {
            return self.equality();
        }
        let definition = self.random.pick(&fitting).clone();
        self.deepest = self.deepest.max(self.deep + definition.deep);
        let (path, at) = self.path();
        let (about, elsewhere) = apart(definition.wishes);
        self.wishes.extend(elsewhere);
        self.wish(at, made(&about));
        format!("{}({path})", definition.name)
    }

    fn optional(&mut self) -> String {
        let (path, at) = self.path();
        let (body, about) = self.within(Around::Value, false);
        if self.random.chance(60) {
            self.wish(at, made(&about));
        }
        format!("optional({path}, {body})")
    }

    fn count_of_some(&mut self) -> String {
        let (path, at) = self.path();
        let (body, about) = self.within(Around::Value, true);
        let count = self.random.below(3);
        self.wish(at, Json::List(vec![made(&about); count]));
        let op = self.random.text(&["==", "<=", ">=", ">"]);
        format!("count({path}, {body}) {op} {count}")
    }

    fn members(&mut self) -> String {
        let (path, at) = self.path();
        let (body, about) = self.within(Around::Member, true);
        let member = made(&about);
        let value = member.member("value").cloned().unwrap_or(Json::Null);
        let name = match member.member("name") {
            Some(Json::Text(name)) => name.clone(),
            _ => "k".to_owned(),
        };
        let mut members = vec![(name, value)];
        if self.random.chance(25) {
            members.push(("other member".to_owned(), literal(self.random, 1)));
        }
        members.truncate(self.random.below(3));
        self.wish(at, Json::Object(members));
        let call = self.random.text(&["every_member", "any_member"]);
        format!("{call}({path}, {body})")
    }

    fn anywhere(&mut self) -> String {
        let (path, at) = if self.random.chance(40) {
            ("args".to_owned(), ("args", vec!["list".to_owned()]))
        } else {
            self.path()
        };
        let (body, about) = self.within(Around::Text, true);
        let text = made(&about);
        let value = match (self.random.below(4), text) {
            (0, Json::Text(text)) => Json::Object(vec![(text, Json::Null)]),
            (1, text) => Json::List(vec![Json::Number("1".to_owned()), Json::List(vec![text])]),
            (2, _) => Json::List(vec![Json::Null, Json::Object(Vec::new())]),
            (_, text) => text,
        };
        self.wish(at, value);
        let not = self.random.text(&["", "not "]);
        format!("{not}anywhere({path}, {body})")
    }

    /// A condition in which `.` is that, and what it asks of it.
    fn within(&mut self, around: Around, several: bool) -> (String, Vec<Wish>) {
        self.around.push(around);
        self.deep += usize::from(several);
        self.deepest = self.deepest.max(self.deep);
        let outside = std::mem::take(&mut self.wishes);
        let body = self.chain(1);
        let inside = std::mem::replace(&mut self.wishes, outside);
        self.deep -= usize::from(several);
        self.around.pop();
        // What is asked of other places stays a wish of its own.
        let (about, elsewhere) = apart(inside);
        self.wishes.extend(elsewhere);
        (body, about)
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
            .sight
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
            .sight
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
        let sought = match self.random.below(6) {
            0 => {
                let (path, at) = self.path();
                self.wish(at, Json::Text(text));
                path
            }
            1 => {
                let (path, at) = self.path();
                self.wish(at, Json::Text(text.to_uppercase()));
                format!("lower({path})")
            }
            2 if !self.for_all_roles => self.random.text(&["role", "tool"]),
            _ => quoted(&text),
        };
        format!("{call}({path}, {sought})")
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
        if self.for_all_roles {
            return "tool != \"t\"".to_owned();
        }
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
        let (body, about) = self.within(Around::Value, true);
        let count = self.random.below(3);
        self.wish(at, Json::List(vec![made(&about); count]));
        format!("{}({path}, {body})", self.random.text(&["every", "any"]))
    }

    /// A path, as text and as a place. Where `.` is bound mostly that.
    fn path(&mut self) -> (String, (&'static str, Vec<String>)) {
        if let Some(around) = self.around.last()
            && self.random.chance(70)
        {
            self.looked |= self.around.len() == 1;
            let first = match around {
                Around::Value => self.random.text(&["", "", "", "a", "n", "[0]"]),
                Around::Member => self.random.text(&["name", "value", "value"]),
                Around::Text => String::new(),
            };
            return match first.as_str() {
                "" | "[0]" => (format!(".{first}"), (".", index(&first))),
                _ => (format!(".{first}"), (".", vec![first])),
            };
        }
        let root = *self.random.pick(&[
            "args", "args", "args", "args", "args", "args", "args", "ctx", "user",
        ]);
        let most = if self.random.chance(25) { 3 } else { 1 };
        let count = 1 + self.random.below(most);
        let mut steps: Vec<String> = (0..count).map(|_| name(self.random)).collect();
        let mut text = root.to_owned();
        for step in &steps {
            if step.is_empty() || step.contains(|c: char| !c.is_ascii_alphanumeric()) {
                text = format!("{text}[{}]", quoted(step));
            } else {
                text = format!("{text}.{step}");
            }
        }
        if self.random.chance(10) {
            text.push_str("[0]");
            steps.extend(index("[0]"));
        }
        (text, (root, steps))
    }

    fn literal(&mut self) -> (String, Json) {
        if !self.sight.consts.is_empty() && self.random.chance(20) {
            let (name, value) = self.random.pick(&self.sight.consts).clone();
            return (format!("consts.{name}"), value);
        }
        let value = literal(self.random, 2);
        (value.to_string(), value)
    }

    fn wish(&mut self, (root, steps): (&'static str, Vec<String>), value: Json) {
        self.wishes.push(Wish { root, steps, value });
    }
}

/// What is asked of `.`, and of other places.
fn apart(wishes: Vec<Wish>) -> (Vec<Wish>, Vec<Wish>) {
    wishes.into_iter().partition(|wish| wish.root == ".")
}

/// A value that is as it is asked for.
fn made(about: &[Wish]) -> Json {
    let mut value = Json::Null;
    for wish in about {
        put(&mut value, &wish.steps, wish.value.clone());
    }
    value
}

/// The step to the first element, which no member has as its name here.
const FIRST: &str = "\u{0}first";

fn index(step: &str) -> Vec<String> {
    if step.is_empty() {
        Vec::new()
    } else {
        vec![FIRST.to_owned()]
    }
}

/// Puts a value at a place, making objects and lists on the way.
pub(super) fn put(target: &mut Json, steps: &[String], value: Json) {
    let Some((first, rest)) = steps.split_first() else {
        *target = value;
        return;
    };
    if first == FIRST {
        let mut element = match target {
            Json::List(items) if !items.is_empty() => items.remove(0),
            _ => Json::Null,
        };
        put(&mut element, rest, value);
        match target {
            Json::List(items) => items.insert(0, element),
            _ => *target = Json::List(vec![element]),
        }
        return;
    }
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

/// A number that is no double, and whose sums and products are none.
fn ugly(random: &mut Random) -> Json {
    let long = "7".repeat(99);
    Json::Number(random.text(&[
        "0",
        "1",
        "-1",
        "2",
        "0.1",
        "0.2",
        "0.3",
        "-0.1",
        "1.005",
        "19.99",
        "100",
        "1e-7",
        "-2.5E+3",
        "0.30000000000000004",
        "9007199254740993",
        "123456789012345678901234567890.123456789",
        &long,
        "1e199",
        "1e1000",
        "1e-1000",
    ]))
}

/// A text at one of the edges.
pub(super) fn word(random: &mut Random) -> String {
    random.text(&[
        "", "a", "a", "A", "abc", "/tmp/", "é", "e\u{301}", "😀", "\u{ffff}", "a\"b\\c", "\u{0}",
        "5", "x\ny", "true", "日本",
    ])
}
