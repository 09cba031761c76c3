//! A strict JSON reader (RFC 8259) that keeps numbers as text.
//!
//! Slow and plain on purpose: it is what the engines' reader is compared with.

use std::fmt::Write as _;

/// A JSON value. Members keep their order.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number as written.
    Number(String),
    /// A string, unescaped.
    Text(String),
    /// An array.
    List(Vec<Json>),
    /// An object.
    Object(Vec<(String, Json)>),
}

/// Why a text was not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It is not what it has to be; what is wrong.
    Malformed(&'static str),
    /// It is larger than a limit; the limit's name.
    Exceeded(&'static str),
}

/// How many containers may be open at once.
pub const DEPTH: usize = 64;
/// How many digits a number may have.
pub const DIGITS: usize = 100;
/// How large an exponent may be, either way.
pub const EXPONENT: u32 = 1000;

/// Reads a whole text as one value.
pub fn parse(text: &str) -> Result<Json, Fault> {
    whole(Reader::new(text))
}

/// As [`parse`]; what other readers may read differently is malformed: names that differ in case alone, numbers that a double does not
/// hold.
pub fn parse_portable(text: &str) -> Result<Json, Fault> {
    whole(Reader {
        portable: true,
        ..Reader::new(text)
    })
}

fn whole(mut reader: Reader<'_>) -> Result<Json, Fault> {
    let value = reader.value()?;
    reader.space();
    if reader.rest().is_empty() {
        Ok(value)
    } else {
        Err(Fault::Malformed("text after the value"))
    }
}

impl Json {
    /// The member of an object.
    pub fn member(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// The text of a string.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The elements of an array.
    pub fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// The members of an object.
    pub fn as_object(&self) -> Option<&[(String, Self)]> {
        match self {
            Self::Object(members) => Some(members),
            _ => None,
        }
    }
}

impl std::fmt::Display for Json {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(text) => f.write_str(text),
            Self::Text(text) => f.write_str(&quoted(text)),
            Self::List(items) => {
                f.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if index == 0 { "" } else { ", " })?;
                }
                f.write_str("]")
            }
            Self::Object(members) => {
                f.write_str("{")?;
                for (index, (name, value)) in members.iter().enumerate() {
                    write!(
                        f,
                        "{}{}: {value}",
                        if index == 0 { "" } else { ", " },
                        quoted(name)
                    )?;
                }
                f.write_str("}")
            }
        }
    }
}

/// A JSON string that is a YAML string as well: what YAML does not print stands as an escape, the rest as it is.
pub fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\0'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{feff}'
            | '\u{fffe}'
            | '\u{ffff}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// Reads values out of a longer text.
#[derive(Debug)]
pub struct Reader<'a> {
    text: &'a str,
    /// Where it stands, in bytes.
    pub at: usize,
    depth: usize,
    portable: bool,
}

impl<'a> Reader<'a> {
    /// Starts at the beginning.
    pub fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            depth: 0,
            portable: false,
        }
    }

    /// What has not been read yet.
    pub fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Skips the four characters that JSON calls white space.
    pub fn space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
    }

    /// Skips `token`, if it comes next.
    pub fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    /// Reads one value and the white space before it.
    pub fn value(&mut self) -> Result<Json, Fault> {
        self.space();
        match self.rest().chars().next() {
            Some('{') => self.object(),
            Some('[') => self.list(),
            Some('"') => Ok(Json::Text(self.string()?)),
            Some('-' | '0'..='9') => self.number(),
            _ if self.eat("null") => Ok(Json::Null),
            _ if self.eat("true") => Ok(Json::Bool(true)),
            _ if self.eat("false") => Ok(Json::Bool(false)),
            _ => Err(Fault::Malformed("no value")),
        }
    }

    fn open(&mut self) -> Result<(), Fault> {
        self.at += 1;
        self.depth += 1;
        if self.depth > DEPTH {
            Err(Fault::Exceeded("depth"))
        } else {
            Ok(())
        }
    }

    fn object(&mut self) -> Result<Json, Fault> {
        self.open()?;
        let mut members: Vec<(String, Json)> = Vec::new();
        self.space();
        if !self.eat("}") {
            loop {
                self.space();
                let name = self.string()?;
                if members.iter().any(|(other, _)| *other == name) {
                    return Err(Fault::Malformed("duplicate member"));
                }
                self.space();
                if !self.eat(":") {
                    return Err(Fault::Malformed("no colon"));
                }
                members.push((name, self.value()?));
                self.space();
                if self.eat("}") {
                    break;
                }
                if !self.eat(",") {
                    return Err(Fault::Malformed("no comma"));
                }
            }
        }
        self.depth -= 1;
        if self.portable {
            let mut names: Vec<String> =
                members.iter().map(|(name, _)| without_case(name)).collect();
            names.sort();
            names.dedup();
            if names.len() < members.len() {
                return Err(Fault::Malformed("a member in another case"));
            }
        }
        Ok(Json::Object(members))
    }

    fn list(&mut self) -> Result<Json, Fault> {
        self.open()?;
        let mut items = Vec::new();
        self.space();
        if !self.eat("]") {
            loop {
                items.push(self.value()?);
                self.space();
                if self.eat("]") {
                    break;
                }
                if !self.eat(",") {
                    return Err(Fault::Malformed("no comma"));
                }
            }
        }
        self.depth -= 1;
        Ok(Json::List(items))
    }

    /// Reads one string.
    pub fn string(&mut self) -> Result<String, Fault> {
        if !self.eat("\"") {
            return Err(Fault::Malformed("no string"));
        }
        let mut out = String::new();
        loop {
            let Some(c) = self.rest().chars().next() else {
                return Err(Fault::Malformed("unclosed string"));
            };
            self.at += c.len_utf8();
            match c {
                '"' => return Ok(out),
                '\0'..='\u{1f}' => return Err(Fault::Malformed("control character")),
                '\\' => out.push(self.escape()?),
                other => out.push(other),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Fault> {
        for (written, meant) in [
            ("\"", '"'),
            ("\\", '\\'),
            ("/", '/'),
            ("b", '\u{8}'),
            ("f", '\u{c}'),
            ("n", '\n'),
            ("r", '\r'),
            ("t", '\t'),
        ] {
            if self.eat(written) {
                return Ok(meant);
            }
        }
        let first = self.unit()?;
        match first {
            0xd800..=0xdbff => {
                if !self.eat("\\") {
                    return Err(Fault::Malformed("unpaired surrogate"));
                }
                let second = self.unit()?;
                if !(0xdc00..=0xdfff).contains(&second) {
                    return Err(Fault::Malformed("unpaired surrogate"));
                }
                char::from_u32(0x10000 + (first - 0xd800) * 0x400 + (second - 0xdc00))
                    .ok_or(Fault::Malformed("no character"))
            }
            _ => char::from_u32(first).ok_or(Fault::Malformed("unpaired surrogate")),
        }
    }

    /// Reads `uXXXX`.
    fn unit(&mut self) -> Result<u32, Fault> {
        let fault = Fault::Malformed("unknown escape");
        if !self.eat("u") {
            return Err(fault);
        }
        let Some(digits) = self.rest().get(..4) else {
            return Err(fault);
        };
        if !digits.chars().all(|c| c.is_ascii_hexdigit()) {
            return Err(fault);
        }
        self.at += 4;
        u32::from_str_radix(digits, 16).map_err(|_| fault)
    }

    fn digits(&mut self) -> &'a str {
        let rest = self.rest();
        let length = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    fn number(&mut self) -> Result<Json, Fault> {
        let start = self.at;
        self.eat("-");
        let integer = self.digits();
        if integer.is_empty() || (integer.len() > 1 && integer.starts_with('0')) {
            return Err(Fault::Malformed("no number"));
        }
        let mut count = integer.len();
        if self.eat(".") {
            let fraction = self.digits();
            if fraction.is_empty() {
                return Err(Fault::Malformed("no digit after the point"));
            }
            count += fraction.len();
        }
        let mut exponent = "";
        if self.eat("e") || self.eat("E") {
            let _ = self.eat("+") || self.eat("-");
            exponent = self.digits();
            if exponent.is_empty() {
                return Err(Fault::Malformed("no digit in the exponent"));
            }
        }
        if count > DIGITS {
            return Err(Fault::Exceeded("number-digits"));
        }
        let exponent = exponent.trim_start_matches('0');
        if exponent.len() > 4 || exponent.parse::<u32>().unwrap_or(0) > EXPONENT {
            return Err(Fault::Exceeded("number-exponent"));
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        if self.portable && !fits_a_double(text) {
            return Err(Fault::Malformed("a number that a double does not hold"));
        }
        Ok(Json::Number(text.to_owned()))
    }
}

/// A name, one letter for all that differ in case alone.
fn without_case(name: &str) -> String {
    let alone = |mut letters: Box<dyn Iterator<Item = char>>, or: char| match (
        letters.next(),
        letters.next(),
    ) {
        (Some(letter), None) => letter,
        _ => or,
    };
    name.chars()
        .map(|c| {
            let upper = alone(Box::new(c.to_uppercase()), c);
            match alone(Box::new(upper.to_lowercase()), upper) {
                'İ' => 'i',
                lower => lower,
            }
        })
        .collect()
}

/// Whether a JSON number is zero, an integer up to 2^53, or has up to 15 digits that count and lies from 1e-300 to below 1e300.
fn fits_a_double(number: &str) -> bool {
    let number = number.trim_start_matches('-').to_lowercase();
    let (mantissa, exponent) = number.split_once('e').unwrap_or((&number, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let leading = digits.len() - digits.trim_start_matches('0').len();
    let significant = digits.trim_matches('0');
    if significant.is_empty() {
        return true;
    }
    // The power of ten of the first digit that counts.
    let exponent: i64 = exponent
        .trim_start_matches('+')
        .parse()
        .unwrap_or(i64::MAX / 2);
    let first = whole.len() as i64 - 1 - leading as i64 + exponent;
    if significant.len() <= 15 {
        return (-300..300).contains(&first);
    }
    // An integer of sixteen digits.
    first == 15 && significant.len() == 16 && significant <= "9007199254740992"
}
