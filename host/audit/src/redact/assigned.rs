//! Secrets in the middle of a text, told by the name before them: `password=…`, `"token": "…"`, `export API_KEY=…`, `Authorization: …`,
//! `--password …`, `<secret>…`, and the password of an address.
//!
//! It reads the text once. An attacker may have written the text, so each look back or ahead is bounded or skips what it read.

use std::{cell::Cell, ops::Range};

use super::{REDACTED, Redactor, Secrecy, find::TooMuch};

/// The places of the secrets, in their order.
///
/// # Errors
///
/// If the text would take more than some steps for each of its bytes.
pub(super) fn find(redactor: &Redactor, text: &str) -> Result<Vec<Range<usize>>, TooMuch> {
    let mut scan = Scan {
        steps: Cell::new(0),
        redactor,
        text,
        bytes: text.as_bytes(),
        found: Vec::new(),
    };
    let mut at = 0;
    while let Some(byte) = scan.byte(at) {
        let behind = match byte {
            b':' if scan.follows(at, b"://") => scan.address(at),
            b'=' | b':' => scan.assignment(at),
            b'>' => scan.element(at),
            b'-' if scan.follows(at, b"--") => scan.option(at),
            _ => None,
        };
        // INVARIANT: never back.
        at = behind.unwrap_or(0).max(at + 1);
        if scan.steps.get() > STEPS_A_BYTE * text.len() + STEPS {
            return Err(TooMuch);
        }
    }
    Ok(scan.found)
}

struct Scan<'a> {
    redactor: &'a Redactor,
    text: &'a str,
    bytes: &'a [u8],
    found: Vec<Range<usize>>,
    /// How many bytes were looked at, beside the single pass.
    steps: Cell<usize>,
}

/// How a value follows its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    /// `NAME=value`, in an environment, an address, an option.
    Tight,
    /// `name: value`, `name = value`: in a file, in code, in prose.
    Loose,
}

/// A value under examination.
struct Value {
    range: Range<usize>,
    is_quoted: bool,
}

impl Scan<'_> {
    fn byte(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    fn follows(&self, at: usize, what: &[u8]) -> bool {
        self.bytes.get(at..).is_some_and(|it| it.starts_with(what))
    }

    /// Records a secret. Returns where to continue.
    fn take(&mut self, range: Range<usize>) -> Option<usize> {
        let end = range.end;
        self.found.push(range);
        Some(end)
    }

    /// `NAME = value` and the like, with the sign at `at`.
    fn assignment(&mut self, at: usize) -> Option<usize> {
        let sign = self.byte(at)?;
        let before = at.checked_sub(1).and_then(|it| self.byte(it));
        // A comparison, a path of names, the second half of something.
        if matches!(before, Some(b'=' | b'!' | b'<' | b'>' | b':')) {
            return None;
        }
        let mut from = at + 1;
        match self.byte(from) {
            Some(b'>') if sign == b'=' => from += 1,
            Some(b'=') if sign == b':' => from += 1,
            Some(b'=' | b':') => return None,
            _ => {}
        }
        let (name, is_spaced) = self.name_before(at)?;
        let secrecy = self.secrecy(&name)?;
        let name_text = self.text.get(name.clone())?;
        if is_header(name_text)
            && let Some(range) = self.header(name_text, from)
        {
            return self.take(range);
        }
        let is_member = self
            .byte(name.end)
            .is_some_and(|it| b"\"'`\\".contains(&it));
        let value = self.value(from, is_member)?;
        let style = if sign == b'=' && !is_spaced && value.range.start == from {
            Style::Tight
        } else {
            Style::Loose
        };
        let is_line = style == Style::Tight && self.begins_line(name.start);
        self.judge(&name, secrecy, value, style, is_line)
    }

    /// `--name value`.
    fn option(&mut self, at: usize) -> Option<usize> {
        let before = at.checked_sub(1).and_then(|it| self.byte(it));
        if before.is_some_and(|it| !it.is_ascii_whitespace() && !b"\"'`([".contains(&it)) {
            return None;
        }
        let start = at + 2;
        let length = self.run(start, NAME_BYTES, is_name_byte);
        let name = start..start + length;
        if length == 0 || !matches!(self.byte(name.end), Some(b' ' | b'\t')) {
            return None;
        }
        let secrecy = self.secrecy(&name)?;
        let value = self.value(name.end, false)?;
        let text = self.text.get(value.range.clone())?;
        // Prose about an option, not its use.
        let is_word = text.len() < 8 && text.bytes().all(|it| it.is_ascii_lowercase());
        if text.starts_with('-') || !value.is_quoted && is_word {
            return None;
        }
        self.judge(&name, secrecy, value, Style::Tight, true)
    }

    /// `<name>value<`, with the `>` at `at`.
    fn element(&mut self, at: usize) -> Option<usize> {
        let length = self.run_back(at, NAME_BYTES, |it| is_name_byte(it) || it == b':');
        let name = at - length..at;
        let before = name.start.checked_sub(1).and_then(|it| self.byte(it));
        if length == 0 || before != Some(b'<') {
            return None;
        }
        self.secrecy(&name)?;
        let start = at + 1;
        let rest = self.bytes.get(start..)?;
        let length = rest.iter().position(|it| *it == b'<')?;
        // A type of a program has one more bracket, and no end.
        if rest.get(length + 1) != Some(&b'/') {
            return None;
        }
        let range = start..start + length;
        let text = self.text.get(range.clone())?;
        if length == 0 || text.trim().is_empty() || stands_for_something_else(text) {
            // The range holds no other sign that matters.
            return None;
        }
        self.take(range)
    }

    /// `scheme://user:password@host`, with the colon at `at`.
    fn address(&mut self, at: usize) -> Option<usize> {
        let start = at + 3;
        if !at
            .checked_sub(1)
            .and_then(|it| self.byte(it))
            .is_some_and(|it| it.is_ascii_alphanumeric())
        {
            return Some(start);
        }
        let user = self.run(start, USER_BYTES, |it| {
            !it.is_ascii_whitespace() && !b":/?#@\"'`<>\\[".contains(&it)
        });
        let colon = start + user;
        match self.byte(colon) {
            Some(b':') => {}
            // A name alone, unless it looks like a key.
            Some(b'@') if user >= 20 => {
                let text = self.text.get(start..colon)?;
                let is_key = text.bytes().any(|it| it.is_ascii_digit())
                    && text
                        .bytes()
                        .all(|it| it.is_ascii_alphanumeric() || b"_-.=".contains(&it));
                return if is_key {
                    self.take(start..colon)
                } else {
                    Some(start)
                };
            }
            _ => return Some(start),
        }
        let begin = colon + 1;
        let length = self.run(begin, SECRET_BYTES, |it| {
            !it.is_ascii_whitespace() && !b"\"'`<>\\".contains(&it)
        });
        let rest = self.bytes.get(begin..begin + length)?;
        // The first one before the host begins; a password can have a slash in it, and a port is none.
        let Some(end) = rest.iter().position(|it| *it == b'@') else {
            return Some(start);
        };
        let authority = rest.get(..end)?;
        let digits = authority
            .iter()
            .take_while(|it| it.is_ascii_digit())
            .count();
        let is_port =
            digits > 0 && digits <= 5 && matches!(authority.get(digits), Some(b'/' | b'?' | b'#'));
        let last = rest
            .get(end..)?
            .iter()
            .take_while(|it| !b"/?#".contains(it))
            .enumerate()
            .filter(|(_, it)| **it == b'@')
            .last()
            .map_or(end, |(more, _)| end + more);
        let range = begin..begin + last;
        let text = self.text.get(range.clone())?;
        // Where the password went before, as behind one that goes now: the user is no secret of its own.
        if text == REDACTED {
            return Some(range.end);
        }
        if is_port || text.is_empty() || stands_for_something_else(text) {
            return Some(start);
        }
        self.take(range)
    }

    /// The value of `Authorization` and `Cookie` ends with the line, or with the quoted text around it.
    fn header(&self, name: &str, from: usize) -> Option<Range<usize>> {
        let start = from + self.run(from, 8, |it| it == b' ' || it == b'\t');
        let length = self.run(start, SECRET_BYTES, |it| {
            !matches!(it, b'\n' | b'\r' | b'"' | b'\'' | b'`' | b'\\' | b'<')
        });
        // It is looked at more than once.
        self.count(length * 3);
        let text = self.text.get(start..start + length)?;
        let is_cookie = name.to_ascii_lowercase().ends_with("cookie");
        let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
        let is_meant = if is_cookie {
            first.contains('=')
        } else {
            SCHEMES.iter().any(|it| first.eq_ignore_ascii_case(it))
                && !rest.trim().is_empty()
                && !stands_for_something_else(rest.trim())
                // Prose about the header.
                && (!rest.trim().contains(' ') || rest.contains('='))
        };
        if !is_meant {
            return None;
        }
        let kept = if is_cookie { 0 } else { first.len() + 1 };
        Some(start + kept..start + text.trim_end().len())
    }

    /// Whether a value is a secret; if so, it is recorded.
    fn judge(
        &mut self,
        name: &Range<usize>,
        secrecy: Secrecy,
        value: Value,
        style: Style,
        is_line: bool,
    ) -> Option<usize> {
        let mut range = value.range;
        let text = self.text.get(range.clone())?;
        let name = self.text.get(name.clone())?;
        if text.is_empty() || stands_for_something_else(text) {
            return None;
        }
        if value.is_quoted {
            return if self.is_label(name, text) {
                None
            } else {
                self.take(range)
            };
        }
        if is_line {
            // A line of a shell or of an environment: up to the next space.
            let more = self.run(range.end, SECRET_BYTES, |it| {
                !it.is_ascii_whitespace() && !b"\"'`".contains(&it)
            });
            if name.bytes().any(|it| it.is_ascii_uppercase())
                && !name.bytes().any(|it| it.is_ascii_lowercase())
            {
                range.end += more;
            }
        }
        let text = self.text.get(range.clone())?;
        let next = self.byte(range.end);
        let is_secret = !is_word_of_code(text)
            && (secrecy == Secrecy::Any || !is_plain(text))
            && match style {
                Style::Tight => self.is_tight_secret(name, text, next),
                Style::Loose => self.is_loose_secret(name, text, range.end),
            };
        if is_secret { self.take(range) } else { None }
    }

    /// Whether a quoted text says something about the secret, or is put together with one: `"password": "Enter your password"`.
    fn is_label(&self, name: &str, text: &str) -> bool {
        let is_about = text.contains(' ') || text.eq_ignore_ascii_case(name);
        let is_prose = text
            .bytes()
            .all(|it| it.is_ascii_alphabetic() || b" ,.:?!'".contains(&it));
        if is_about && is_prose && self.redactor.secrecy(text) != Secrecy::None {
            return true;
        }
        let (scheme, rest) = text.split_once(' ').unwrap_or((text, "-"));
        SCHEMES.iter().any(|it| scheme.eq_ignore_ascii_case(it))
            && (rest.trim().is_empty() || stands_for_something_else(rest))
    }

    fn is_tight_secret(&self, name: &str, text: &str, next: Option<u8>) -> bool {
        let is_loud = !name.bytes().any(|it| it.is_ascii_lowercase());
        let is_number = text.bytes().all(|it| it.is_ascii_digit());
        // `password=password`, `token=self.token`, `key=load(…)`: code that passes a variable on.
        let is_code = matches!(next, Some(b'(' | b'[' | b'{'))
            || !is_loud && is_path(text) && self.redactor.secrecy(text) != Secrecy::None;
        let is_place = name.eq_ignore_ascii_case("pwd") && text.starts_with(['/', '.', '~']);
        !is_code && !is_place && text.len() >= if is_number { 4 } else { 3 }
    }

    fn is_loose_secret(&self, name: &str, text: &str, end: usize) -> bool {
        let next = self.byte(end);
        if matches!(next, Some(b'(' | b'[' | b'{' | b'<' | b'!')) || text.len() < 4 {
            return false;
        }
        if is_path(text) && self.redactor.secrecy(text) != Secrecy::None {
            return false;
        }
        let after = end + self.run(end, 8, |it| it == b' ' || it == b'\t');
        let is_last = matches!(self.byte(after), None | Some(b'\n' | b'\r' | b'#'));
        let has_digit = text.bytes().any(|it| it.is_ascii_digit());
        let has_letter = text.bytes().any(|it| it.is_ascii_alphabetic());
        let has_sign = text
            .bytes()
            .any(|it| it.is_ascii_punctuation() && !b"._-:".contains(&it));
        let is_number = has_digit && !has_letter;
        // What a program does with a token, and what a list says of it, is a word; a secret seldom is.
        let is_mixed = has_digit && has_letter && text.len() >= 6 || has_sign && text.len() >= 6;
        let is_word = !has_digit && !has_sign;
        let is_named = is_word
            && is_last
            && text.len() >= 6
            && name.to_ascii_lowercase().contains("pass")
            && text.bytes().all(|it| it.is_ascii_lowercase());
        is_mixed
            || is_number
                && (is_last || text.len() >= 6 || matches!(next, Some(b',' | b'.' | b';' | b'}')))
            || is_named
    }

    /// The name before the sign at `at`, and whether there is a space between them.
    fn name_before(&self, at: usize) -> Option<(Range<usize>, bool)> {
        let spaces = self.run_back(at, 8, |it| it == b' ' || it == b'\t');
        let mut end = at - spaces;
        end -= self.run_back(end, 24, |it| b"\"'`\\])".contains(&it));
        let length = self.run_back(end, NAME_BYTES, is_name_byte);
        (length > 0).then_some((end - length..end, spaces > 0))
    }

    /// What the name tells; None: nothing. Of a name of two words the second alone says nothing: `api key`.
    fn secrecy(&self, name: &Range<usize>) -> Option<Secrecy> {
        let whole = self.text.get(name.clone())?;
        let secrecy = self.redactor.secrecy(whole);
        if secrecy != Secrecy::None {
            let about = whole
                .rsplit_once(['_', '-', '.'])
                .filter(|(_, last)| ABOUT.iter().any(|it| last.eq_ignore_ascii_case(it)));
            let is_about = about.is_some_and(|(it, _)| self.redactor.secrecy(it) != Secrecy::None);
            return (!is_about).then_some(secrecy);
        }
        let space = name.start.checked_sub(1)?;
        if self.byte(space) != Some(b' ') {
            return None;
        }
        let first = self.run_back(space, 24, is_name_byte);
        let first = space - first..space;
        if self.redactor.secrecy(self.text.get(first.clone())?) != Secrecy::None {
            return None;
        }
        let both = self.redactor.secrecy(self.text.get(first.start..name.end)?);
        (both != Secrecy::None).then_some(both)
    }

    /// The value that begins at `from` or behind spaces.
    fn value(&self, from: usize, is_member: bool) -> Option<Value> {
        let start = from
            + self.run(from, 64, |it| {
                it == b' ' || it == b'\t' || is_member && (it == b'\n' || it == b'\r')
            });
        let mut quote = start;
        // `b"…"`, `r'…'`, `$'…'`.
        if self
            .byte(quote)
            .is_some_and(|it| b"bBfFrRuU$@".contains(&it))
            && self.byte(quote + 1).is_some_and(|it| b"\"'`".contains(&it))
        {
            quote += 1;
        }
        let escapes = self.run(quote, 15, |it| it == b'\\');
        if let Some(mark @ (b'"' | b'\'' | b'`')) = self.byte(quote + escapes) {
            let begin = quote + escapes + 1;
            let end = self.closing(begin, mark, escapes);
            self.count(end - begin);
            return Some(Value {
                range: begin..end,
                is_quoted: true,
            });
        }
        let length = self.run(start, SECRET_BYTES, |it| {
            !it.is_ascii_whitespace()
                && !it.is_ascii_control()
                && !b"\"'`,;&|<>(){}[]\\".contains(&it)
        });
        let end = start + length;
        // The end of a sentence is not part of it.
        let text = self.text.get(start..end)?;
        let text = text.trim_end_matches(['.', ':', '!', '?']);
        Some(Value {
            range: start..start + text.len(),
            is_quoted: false,
        })
    }

    /// Where a text that began with so many backslashes and this mark ends; without an end, where its line does.
    fn closing(&self, begin: usize, mark: u8, escapes: usize) -> usize {
        let mut slashes = 0;
        let mut at = begin;
        while let Some(byte) = self.byte(at) {
            match byte {
                b'\\' => slashes += 1,
                _ if byte == mark
                    && (escapes == 0 && slashes % 2 == 0 || escapes > 0 && slashes == escapes) =>
                {
                    return at - slashes.min(escapes);
                }
                b'\n' => return at,
                _ => slashes = 0,
            }
            if byte == mark {
                slashes = 0;
            }
            at += 1;
        }
        at
    }

    /// Whether a name begins a line, or stands behind what sets a variable in one.
    fn begins_line(&self, at: usize) -> bool {
        let before = self.bytes.get(..at).unwrap_or_default();
        let before = before.strip_suffix(b" ").unwrap_or(before);
        before.is_empty()
            || before.ends_with(b"\n")
            || [&b"export"[..], b"set", b"ENV", b"env", b"-e", b"setenv"]
                .iter()
                .any(|it| before.ends_with(it))
    }

    fn run(&self, from: usize, most: usize, is_in: impl Fn(u8) -> bool) -> usize {
        let bytes = self.bytes.get(from..).unwrap_or_default();
        self.count(bytes.iter().take(most).take_while(|it| is_in(**it)).count())
    }

    fn run_back(&self, to: usize, most: usize, is_in: impl Fn(u8) -> bool) -> usize {
        let bytes = self.bytes.get(..to).unwrap_or_default();
        self.count(
            bytes
                .iter()
                .rev()
                .take(most)
                .take_while(|it| is_in(**it))
                .count(),
        )
    }

    fn count(&self, steps: usize) -> usize {
        self.steps.set(self.steps.get() + steps);
        steps
    }
}

fn is_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.ends_with("authorization") || name.ends_with("cookie")
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-.".contains(&byte)
}

/// A name that stands for a value: letters, digits, dots.
fn is_path(text: &str) -> bool {
    text.bytes()
        .all(|it| it.is_ascii_alphanumeric() || b"_.:?&*".contains(&it))
        && text
            .starts_with(|it: char| it.is_ascii_alphabetic() || it == '_' || it == '&' || it == '*')
        && (!text.bytes().any(|it| it.is_ascii_digit()) || text.contains('.'))
}

fn is_plain(text: &str) -> bool {
    super::json::is_plain(text)
}

/// What has a value elsewhere, or has none: variables, templates, stars.
fn stands_for_something_else(text: &str) -> bool {
    let text = text.trim();
    let is_whole = |open: &str, close: &str| {
        text.strip_prefix(open)
            .is_some_and(|it| it.strip_suffix(close).is_some_and(|it| !it.contains(close)))
    };
    is_whole("${", "}")
        || is_whole("$(", ")")
        || is_whole("{{", "}}")
        || is_whole("{", "}")
        || is_whole("<", ">")
        || is_whole("%", "%")
        || text.starts_with("[REDACTED")
        || text.len() >= 2
            && text.strip_prefix('$').is_some_and(|it| {
                it.bytes()
                    .all(|it| it.is_ascii_uppercase() || it.is_ascii_digit() || it == b'_')
            })
        || matches!(text, "%s" | "%v" | "%d" | "?" | "-" | "...")
        || text.bytes().all(|it| b"*x.X".contains(&it)) && text.len() > 2
        || text.chars().all(|it| it == '•' || it == '…')
}

/// Words of programs and of schemas.
fn is_word_of_code(text: &str) -> bool {
    let text = text.trim_start_matches('&');
    WORDS_OF_CODE.iter().any(|it| text.eq_ignore_ascii_case(it))
}

const WORDS_OF_CODE: [&str; 33] = [
    "null",
    "none",
    "nil",
    "true",
    "false",
    "undefined",
    "yes",
    "no",
    "on",
    "off",
    "str",
    "string",
    "bool",
    "boolean",
    "number",
    "int",
    "integer",
    "float",
    "bytes",
    "any",
    "object",
    "self",
    "this",
    "required",
    "optional",
    "option",
    "text",
    "required.",
    "hidden",
    "await",
    "new",
    "static",
    "enabled",
];

/// What a name ends with that names something about a secret: `--password-file`, `secret_name`, `token_type`.
const ABOUT: [&str; 28] = [
    "age", "arn", "column", "count", "dir", "expires", "expiry", "field", "file", "folder", "id",
    "label", "len", "length", "limit", "max", "min", "name", "path", "pattern", "policy", "prompt",
    "regex", "required", "size", "ttl", "type", "uri",
];

/// The schemes of `Authorization` that carry a secret.
const SCHEMES: [&str; 12] = [
    "basic",
    "bearer",
    "digest",
    "token",
    "apikey",
    "api-key",
    "key",
    "negotiate",
    "ntlm",
    "hmac",
    "aws4-hmac-sha256",
    "sso-key",
];

/// The longest name of a value, and of a user in an address.
const NAME_BYTES: usize = 64;
const USER_BYTES: usize = 256;
/// The longest value without quotes.
const SECRET_BYTES: usize = 8192;
/// How many bytes may be looked at for each byte of a text, and in addition. Ordinary texts take two.
const STEPS_A_BYTE: usize = 16;
const STEPS: usize = 16_384;

#[cfg(test)]
mod tests;
