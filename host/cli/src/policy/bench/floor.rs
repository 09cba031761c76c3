//! The floor: a component with the signature of a policy that answers a constant, of the same kind as the measured answer.
//!
//! What it costs is the runtime's own call, with the request carried in and an answer of the same size carried out.

use anyhow::Context;
use hexgate_host::Effect;

use crate::policy::decide::Answer;

/// The component, with places for the answer.
const TEXT: &str = include_str!("floor.wat");
/// Where the answer lies in memory.
const ANSWER: u32 = 16;
/// Where the texts of the answer lie, and where they must end.
const TEXTS: u32 = 1024;
const TEXTS_END: u32 = 65_536;

/// The floor for an answer.
pub(super) fn component(answer: &Answer) -> anyhow::Result<Vec<u8>> {
    let (record, texts) = encode(answer)?;
    let text = TEXT
        .replace("$ANSWER", &escaped(&record))
        .replace("$TEXTS", &escaped(&texts));
    wat::parse_str(text).context("the floor cannot be encoded")
}

/// The answer as the canonical ABI lays it out: `result<verdict, error>`, and the texts that it points to.
fn encode(answer: &Answer) -> anyhow::Result<(Vec<u8>, Vec<u8>)> {
    let mut texts = Texts(Vec::new());
    // The result is good; what follows is aligned to eight because an error holds a 64-bit number.
    let mut words: Vec<u32> = vec![0, 0];
    match answer.outcome {
        // Role and scope: the deciding role is the request's first, or the default; a floor has no scopes.
        Effect::Allow => words.extend([2, 0, 0, 0, 0]),
        Effect::NeedsApproval => words.extend([1, 0, 0, 0, 0]),
        Effect::Deny => {
            words.push(0);
            words.extend(texts.text(&answer.reason)?);
            words.extend(texts.list(&answer.violations)?);
            match &answer.hint {
                None => words.extend([0; 7]),
                Some(hint) => {
                    words.push(1);
                    words.extend(texts.list(&hint.allowed)?);
                    words.extend(texts.list(&hint.denied)?);
                    words.extend(texts.list(&hint.except)?);
                }
            }
        }
    }
    let record: Vec<u8> = words.into_iter().flat_map(u32::to_le_bytes).collect();
    anyhow::ensure!(
        record.len() < 100 - ANSWER as usize,
        "the answer is too large for the floor"
    );
    Ok((record, texts.0))
}

/// Texts one after the other, from a fixed address on.
struct Texts(Vec<u8>);

impl Texts {
    /// Address and length of a text.
    fn text(&mut self, text: &str) -> anyhow::Result<[u32; 2]> {
        let at = self.next()?;
        self.0.extend_from_slice(text.as_bytes());
        self.next()?;
        Ok([at, u32::try_from(text.len())?])
    }

    /// Address and length of a list of texts.
    fn list(&mut self, list: &[String]) -> anyhow::Result<[u32; 2]> {
        let mut entries = Vec::new();
        for text in list {
            entries.extend(self.text(text)?);
        }
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        let at = self.next()?;
        self.0
            .extend(entries.into_iter().flat_map(u32::to_le_bytes));
        self.next()?;
        Ok([at, u32::try_from(list.len())?])
    }

    fn next(&self) -> anyhow::Result<u32> {
        let at = TEXTS.saturating_add(u32::try_from(self.0.len())?);
        anyhow::ensure!(
            at <= TEXTS_END,
            "the answer is too large for the floor, whose texts have {} bytes",
            TEXTS_END - TEXTS
        );
        Ok(at)
    }
}

/// Bytes as the text format writes them.
fn escaped(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use hexgate_host::{Engine, Isolation, PathScope, Policy, Request, Verdict};

    use super::*;

    fn decided(answer: &Answer) -> Verdict {
        let engine = Engine::new().unwrap();
        let component = component(answer).unwrap();
        let policy = Policy::dangerous_from_unverified_bytes_with(
            &engine,
            &component,
            Isolation::DangerousNone,
        )
        .unwrap();
        policy
            .decide(&Request::new("t", "{}").roles(&["r"]))
            .unwrap()
    }

    #[test]
    fn the_floor_gives_an_answer_of_the_same_kind() {
        let mut answer = Answer {
            outcome: Effect::Allow,
            role: Some("r".into()),
            reason: String::new(),
            violations: Vec::new(),
            hint: None,
            scope: None,
            message: None,
            terms: None,
        };
        assert!(decided(&answer).is_allowed());
        answer.outcome = Effect::NeedsApproval;
        assert!(decided(&answer).needs_approval());
        answer.outcome = Effect::Deny;
        answer.reason = "größe".repeat(500);
        answer.violations = vec!["a".into(), String::new(), "bc".into()];
        answer.hint = Some(PathScope {
            allowed: vec!["src/**".into()],
            denied: Vec::new(),
            except: vec!["b".into()],
        });
        let Verdict::Deny(denial) = decided(&answer) else {
            panic!("not a denial")
        };
        assert_eq!(
            (&denial.reason, &denial.violations, &denial.hint),
            (&answer.reason, &answer.violations, &answer.hint)
        );
        answer.hint = None;
        let Verdict::Deny(denial) = decided(&answer) else {
            panic!("not a denial")
        };
        assert_eq!(denial.hint, None);
    }
}
