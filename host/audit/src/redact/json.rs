//! Taking secrets out of a JSON text by its tokens, so that everything that is written is looked at: members that come twice too.

use super::{Malformed, REDACTED, Redactor};

/// The text without its secrets; None if there are none in it. The text is what a model wrote, so it can be anything.
pub(super) fn redact(redactor: &Redactor, text: &str) -> Result<Option<String>, Malformed> {
    let mut walk = Walk {
        redactor,
        rest: text,
        out: String::with_capacity(text.len()),
        open: Vec::new(),
        is_name: false,
        is_secret: false,
        changed: false,
    };
    while walk.step()? {}
    if walk.open.is_empty() && !walk.is_secret {
        Ok(walk.changed.then_some(walk.out))
    } else {
        Err(Malformed)
    }
}

struct Walk<'a> {
    redactor: &'a Redactor,
    rest: &'a str,
    out: String,
    /// The brackets that are open, as the bytes that close them.
    open: Vec<u8>,
    /// Whether a string would be the name of a member.
    is_name: bool,
    /// Whether the next value belongs to a name that tells of a secret.
    is_secret: bool,
    changed: bool,
}

impl Walk<'_> {
    /// Takes one token. False at the end.
    fn step(&mut self) -> Result<bool, Malformed> {
        let Some(&first) = self.rest.as_bytes().first() else {
            return Ok(false);
        };
        match first {
            b' ' | b'\t' | b'\n' | b'\r' => self.copy(1)?,
            b'{' | b'[' if self.is_secret => {
                let length = self.nested()?;
                self.withhold(length)?;
            }
            b'{' => {
                self.open.push(b'}');
                self.is_name = true;
                self.copy(1)?;
            }
            b'[' => {
                self.open.push(b']');
                self.is_name = false;
                self.copy(1)?;
            }
            b'}' | b']' => {
                if self.open.pop() != Some(first) || self.is_secret {
                    return Err(Malformed);
                }
                self.is_name = false;
                self.copy(1)?;
            }
            b',' => {
                if self.is_secret {
                    return Err(Malformed);
                }
                self.is_name = self.open.last() == Some(&b'}');
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
        if self.is_secret {
            return self.withhold(length);
        }
        let raw = self.rest.get(..length).ok_or(Malformed)?;
        let text: String = serde_json::from_str(raw).map_err(|_| Malformed)?;
        if self.is_name {
            self.is_secret = self.redactor.is_secret_name(&text);
        }
        let clean = self.redactor.text(&text);
        if clean == text {
            return self.copy(length);
        }
        let clean = serde_json::to_string(&clean).map_err(|_| Malformed)?;
        self.replace(length, &clean)
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
        if (self.is_secret && text != "null") || self.redactor.find(text).is_some() {
            return self.withhold(length);
        }
        self.is_secret = false;
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
        self.is_secret = false;
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
            static REDACTOR: Redactor = Redactor::new(&Redaction::default()).unwrap();
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
    fn a_pattern_is_found_in_numbers_too() {
        let redactor = Redactor::new(&Redaction {
            names: vec![],
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
            name in r"password|pass\\u0077ord|TOKEN",
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
