//! Taking secrets out of a JSON text by its tokens, so that everything that is written is looked at: members that come twice too.

use std::borrow::Cow;

use super::{Malformed, REDACTED, Redactor, Secrecy};

/// The text without its secrets; None if there are none in it. A model wrote the text, so it can be anything. `depth` counts the JSON texts
/// around it.
pub(super) fn redact(
    redactor: &Redactor,
    text: &str,
    depth: usize,
) -> Result<Option<String>, Malformed> {
    let mut walk = Walk {
        depth,
        redactor,
        rest: text,
        out: String::with_capacity(text.len()),
        open: Vec::new(),
        is_name: false,
        secrecy: Secrecy::None,
        following: Secrecy::None,
        changed: false,
    };
    while walk.step()? {}
    if walk.open.is_empty() && walk.secrecy == Secrecy::None {
        Ok(walk.changed.then_some(walk.out))
    } else {
        Err(Malformed)
    }
}

struct Walk<'a> {
    redactor: &'a Redactor,
    depth: usize,
    rest: &'a str,
    out: String,
    /// The brackets that are open.
    open: Vec<Open>,
    /// Whether a string would be the name of a member.
    is_name: bool,
    /// What the name tells to which the next value belongs.
    secrecy: Secrecy,
    /// What the next element of a list is, or the next value of a member that is named so: `["--password", …]`, `{"name": "PASSWORD", "value": …}`.
    following: Secrecy,
    changed: bool,
}

/// A bracket that is open.
struct Open {
    /// The byte that closes it.
    close: u8,
    /// What a member `value` of it is, as another member says.
    value: Secrecy,
    /// Whether the value that comes next is the name of something.
    is_naming: bool,
}

impl Walk<'_> {
    /// Takes one token. False at the end.
    fn step(&mut self) -> Result<bool, Malformed> {
        let Some(&first) = self.rest.as_bytes().first() else {
            return Ok(false);
        };
        match first {
            b' ' | b'\t' | b'\n' | b'\r' => self.copy(1)?,
            b'{' | b'[' if self.secrecy != Secrecy::None => {
                let length = self.nested()?;
                let nested = self.rest.get(..length).ok_or(Malformed)?;
                // What has no quote in it has no text in it, and no names.
                if self.secrecy == Secrecy::Any || nested.contains('"') {
                    self.withhold(length)?;
                } else {
                    self.secrecy = Secrecy::None;
                }
            }
            b'{' | b'[' => {
                self.following = Secrecy::None;
                self.is_name = first == b'{';
                self.open.push(Open {
                    // Two behind in ASCII, both.
                    close: first + 2,
                    value: Secrecy::None,
                    is_naming: false,
                });
                self.copy(1)?;
            }
            b'}' | b']' => {
                self.following = Secrecy::None;
                if self.open.pop().map(|it| it.close) != Some(first)
                    || self.secrecy != Secrecy::None
                {
                    return Err(Malformed);
                }
                self.is_name = false;
                self.copy(1)?;
            }
            b',' => {
                if self.secrecy != Secrecy::None {
                    return Err(Malformed);
                }
                self.secrecy = std::mem::replace(&mut self.following, Secrecy::None);
                self.is_name = self.open.last().is_some_and(|it| it.close == b'}');
                self.copy(1)?;
            }
            b':' => {
                self.is_name = false;
                self.copy(1)?;
            }
            b'"' => self.string()?,
            _ => self.scalar()?,
        }
        Ok(true)
    }

    fn string(&mut self) -> Result<(), Malformed> {
        let length = string_length(self.rest)?;
        if self.secrecy != Secrecy::None {
            return self.withhold(length);
        }
        let raw = self.rest.get(..length).ok_or(Malformed)?;
        let text: String = serde_json::from_str(raw).map_err(|_| Malformed)?;
        self.notice(&text);
        let clean = self.clean(&text);
        if clean == text {
            return self.copy(length);
        }
        let clean = serde_json::to_string(&clean).map_err(|_| Malformed)?;
        self.replace(length, &clean)
    }

    /// What a string tells about what comes behind it.
    fn notice(&mut self, text: &str) {
        let secrecy = || self.redactor.secrecy(text);
        let is_name = self.is_name;
        let Some(open) = self.open.last_mut() else {
            return;
        };
        if is_name {
            self.secrecy = secrecy();
            open.is_naming = is_one_of(text, &NAMING);
            if self.secrecy == Secrecy::None && is_one_of(text, &VALUES) {
                self.secrecy = open.value;
            }
        } else if open.close == b'}' {
            if std::mem::take(&mut open.is_naming) {
                open.value = secrecy();
            }
        } else if text.starts_with('-') && !text.contains(['=', ' ']) {
            self.following = secrecy();
        }
    }

    /// The content of a string without its secrets. JSON of its own is gone through as JSON.
    fn clean<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.depth < MAX_DEPTH
            && text.trim_start().starts_with(['{', '['])
            && self.redactor.may_have_secrets(text)
            && let Ok(clean) = redact(self.redactor, text, self.depth + 1)
        {
            return clean.map_or(Cow::Borrowed(text), Cow::Owned);
        }
        self.redactor.text(text)
    }

    /// A number or a word. Which ones there are is not asked.
    fn scalar(&mut self) -> Result<(), Malformed> {
        let length = self
            .rest
            .bytes()
            .take_while(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte))
            .count();
        if length == 0 {
            return Err(Malformed);
        }
        let text = self.rest.get(..length).ok_or(Malformed)?;
        let is_secret = match self.secrecy {
            Secrecy::Any => text != "null",
            // What is no value of JSON is not told from text.
            Secrecy::Text => !is_plain(text),
            Secrecy::None => false,
        };
        if is_secret || matches!(self.redactor.text(text), Cow::Owned(_)) {
            return self.withhold(length);
        }
        self.secrecy = Secrecy::None;
        self.copy(length)
    }

    /// The length of the object or list at the beginning.
    fn nested(&self) -> Result<usize, Malformed> {
        let mut open = Vec::new();
        let mut at = 0;
        loop {
            let rest = self.rest.get(at..).ok_or(Malformed)?;
            match rest.as_bytes().first().ok_or(Malformed)? {
                b'{' => open.push(b'}'),
                b'[' => open.push(b']'),
                b'"' => at += string_length(rest)? - 1,
                close @ (b'}' | b']') if open.pop() != Some(*close) => return Err(Malformed),
                _ => {}
            }
            at += 1;
            // Within a character of several bytes nothing begins.
            while !self.rest.is_char_boundary(at) {
                at += 1;
            }
            if open.is_empty() {
                return Ok(at);
            }
        }
    }

    fn copy(&mut self, length: usize) -> Result<(), Malformed> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Malformed)?;
        self.out.push_str(taken);
        self.rest = rest;
        Ok(())
    }

    fn withhold(&mut self, length: usize) -> Result<(), Malformed> {
        self.secrecy = Secrecy::None;
        self.replace(length, &format!("\"{REDACTED}\""))
    }

    fn replace(&mut self, length: usize, by: &str) -> Result<(), Malformed> {
        let (_, rest) = self.rest.split_at_checked(length).ok_or(Malformed)?;
        self.out.push_str(by);
        self.rest = rest;
        self.changed = true;
        Ok(())
    }
}

/// Members that name something, and those that say what it is.
const NAMING: [&str; 5] = ["name", "key", "header", "field", "variable"];
const VALUES: [&str; 2] = ["value", "val"];
/// JSON in JSON in JSON: deeper is looked at as text.
const MAX_DEPTH: usize = 8;

fn is_one_of(name: &str, names: &[&str]) -> bool {
    names.iter().any(|it| name.eq_ignore_ascii_case(it))
}

/// Whether it is `null`, `true`, `false` or looks like a number.
pub(super) fn is_plain(text: &str) -> bool {
    matches!(text, "null" | "true" | "false")
        || text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte))
}

/// The length of the string at the beginning, with its quotes.
fn string_length(text: &str) -> Result<usize, Malformed> {
    let mut bytes = text.bytes().enumerate().skip(1);
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => return Ok(at + 1),
            b'\\' => {
                bytes.next();
            }
            _ => {}
        }
    }
    Err(Malformed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Redaction, Redactor};

    fn redacted(text: &str) -> Option<String> {
        thread_local! {
            static REDACTOR: std::sync::Arc<Redactor> = Redactor::new(&Redaction::default()).unwrap();
        }
        REDACTOR.with(|redactor| {
            redactor
                .json(text)
                .unwrap_or_else(|_| Some("malformed".to_owned()))
        })
    }

    #[test]
    fn members_with_telling_names_lose_their_values() {
        for (text, expected) in [
            (r#"{"password": "x"}"#, r#"{"password": "[REDACTED]"}"#),
            (
                r#"{"API-Key":1e3,"n":1}"#,
                r#"{"API-Key":"[REDACTED]","n":1}"#,
            ),
            (
                r#"{"a":{"db_secret":{"x":["}",1,"ö"]}},"b":[1]}"#,
                r#"{"a":{"db_secret":"[REDACTED]"},"b":[1]}"#,
            ),
            (
                r#"{"tokens":[1,{"a":"]"}], "a":"b"}"#,
                r#"{"tokens":"[REDACTED]", "a":"b"}"#,
            ),
            // An escape hides nothing.
            (
                r#"{"pass\u0077ord":"x"}"#,
                r#"{"pass\u0077ord":"[REDACTED]"}"#,
            ),
            // A member that comes twice is looked at twice.
            (
                r#"{"token":"x","token":"y"}"#,
                r#"{"token":"[REDACTED]","token":"[REDACTED]"}"#,
            ),
            (
                r#"[{"token":true},{"token":null}]"#,
                r#"[{"token":"[REDACTED]"},{"token":null}]"#,
            ),
            (
                r#"{"q":"key AKIAIOSFODNN7EXAMPLE \"ok\""}"#,
                r#"{"q":"key [REDACTED:aws_access_key] \"ok\""}"#,
            ),
            (
                r#"{"q":"AKIA\u0049OSFODNN7EXAMPLE"}"#,
                r#"{"q":"[REDACTED:aws_access_key]"}"#,
            ),
            (
                r#"{"AKIAIOSFODNN7EXAMPLE":1}"#,
                r#"{"[REDACTED:aws_access_key]":1}"#,
            ),
        ] {
            assert_eq!(redacted(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_counts_tokens_is_no_secret_and_what_holds_them_is() {
        for text in [
            r#"{"max_tokens": 4096}"#,
            r#"{"maxTokens":1e3,"stream":true}"#,
            r#"{"usage":{"total_tokens":7,"token_count":-2.5}}"#,
            r#"{"token_ids":[1,2,[3]], "tokens": [], "has_tokens": true}"#,
            r#"{"tokenizer":"cl100k","tokenize":"yes","Tokenisation":"none"}"#,
            r#"{"max_tokens":{}}"#,
        ] {
            assert_eq!(redacted(text), None, "{text}");
        }
        for (text, expected) in [
            // In doubt it goes: a code that is sent as a number, a switch whose name ends so.
            (r#"{"token":123456}"#, r#"{"token":"[REDACTED]"}"#),
            (r#"{"otpToken":123456}"#, r#"{"otpToken":"[REDACTED]"}"#),
            (r#"{"use_token":true}"#, r#"{"use_token":"[REDACTED]"}"#),
            (r#"{"max_tokens":"4096"}"#, r#"{"max_tokens":"[REDACTED]"}"#),
            (r#"{"TOKENS":["a"]}"#, r#"{"TOKENS":"[REDACTED]"}"#),
            (r#"{"tokens":{"a":1}}"#, r#"{"tokens":"[REDACTED]"}"#),
            (
                r#"{"authtoken_v2":"x"}"#,
                r#"{"authtoken_v2":"[REDACTED]"}"#,
            ),
            (r#"{"tokenid":"x"}"#, r#"{"tokenid":"[REDACTED]"}"#),
            (r#"{"tokeni":"x"}"#, r#"{"tokeni":"[REDACTED]"}"#),
            (
                r#"{"tokenizer_token":"x","n_tokens":3}"#,
                r#"{"tokenizer_token":"[REDACTED]","n_tokens":3}"#,
            ),
            (
                r#"{"max_tok\u0065ns":"x"}"#,
                r#"{"max_tok\u0065ns":"[REDACTED]"}"#,
            ),
            // Nothing of a password stays, of any type.
            (r#"{"password":1234}"#, r#"{"password":"[REDACTED]"}"#),
            (r#"{"secret":false}"#, r#"{"secret":"[REDACTED]"}"#),
            (r#"{"tokens_x":x1}"#, r#"{"tokens_x":"[REDACTED]"}"#),
        ] {
            assert_eq!(redacted(text).as_deref(), Some(expected), "{text}");
        }
        // The platform's clients remove every member with the word in its name.
        let events = Redactor::new(&Redaction::of_events()).unwrap();
        let clean = events.json(r#"{"max_tokens":7,"tokenizer":"x","n":1}"#);
        assert_eq!(
            clean.unwrap().as_deref(),
            Some(r#"{"max_tokens":"[REDACTED]","tokenizer":"[REDACTED]","n":1}"#)
        );
    }

    #[test]
    fn a_pattern_is_found_in_numbers_too() {
        let redactor = Redactor::new(&Redaction {
            names: vec![],
            text_names: vec![],
            patterns: vec![("card".to_owned(), r"\b4[0-9]{15}\b".to_owned())],
        })
        .unwrap();
        let clean = redactor.json(r#"{"card": 4111111111111111, "n": 41}"#);
        assert_eq!(
            clean.unwrap().as_deref(),
            Some(r#"{"card": "[REDACTED]", "n": 41}"#)
        );
    }

    #[test]
    fn what_holds_no_secret_is_kept_to_the_letter() {
        for text in [
            "{}",
            r#"{ "amount" : 12.50 }"#,
            r#"{"q":"reset my password\n"}"#,
            r#"{"token": null}"#,
            "",
            r#""password""#,
        ] {
            assert_eq!(redacted(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_json_is_not_guessed_at() {
        for text in [
            r#"{"password": "x"#,
            r#"{"password": {"a": ]}"#,
            r#"{"password": "#,
            r#"{"password": }"#,
            r#"{"password":, "a": 1}"#,
            r#"{"password" "x"]"#,
            r#"{"q":"\x token"}"#,
            r#"{"q":"\ud800 token"}"#,
            r#"{"token": {"#,
            r#"{"token": ö}"#,
        ] {
            assert_eq!(redacted(text).as_deref(), Some("malformed"), "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn whatever_is_written_ends_without_the_secret(
            before in r"[\[\]{}:, aö]{0,12}",
            name in r"password|pass\\u0077ord|TOKEN|my_tokens",
            after in r#"[\[\]{}:," a\\"ö]{0,12}"#,
        ) {
            let text = format!("{before}{{\"{name}\":\"hunter2\"}}{after}");
            if let Some(out) = redacted(&text) {
                prop_assert!(!out.contains("hunter2"), "{} -> {}", text, out);
            } else {
                prop_assert!(false, "{}", text);
            }
        }
    }
}
