//! What has been said so far.

use serde::ser::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::{bounds::TURN_BYTES, kind::Kind, reader, taken::Taken};

/// What the turns of a user name, by kind.
#[derive(Debug, Clone, Default)]
pub struct Said {
    taken: Taken,
}

impl Said {
    /// Nothing has been said yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What these turns name.
    pub fn of<'a>(turns: impl IntoIterator<Item = &'a str>) -> Self {
        let mut said = Self::new();
        for turn in turns {
            said.hear(turn);
        }
        said
    }

    /// Takes what one more turn of the user names. Give it the user's own words alone.
    pub fn hear(&mut self, turn: &str) {
        let mut turn = turn;
        if turn.len() > TURN_BYTES {
            self.taken.is_cut = true;
            // A line is read whole or not at all: what stands behind a name can mean that it is none.
            let end = turn
                .char_indices()
                .take_while(|(at, _)| *at < TURN_BYTES)
                .filter(|(_, character)| reader::ends_line(*character))
                .last()
                .map_or(0, |(at, _)| at);
            turn = turn.get(..end).unwrap_or_default();
        }
        reader::read(turn, &mut self.taken);
    }

    /// The names of a kind, in the order of their bytes.
    pub fn items(&self, kind: Kind) -> impl ExactSizeIterator<Item = &str> {
        self.taken.of(kind).iter().map(String::as_str)
    }

    /// Whether a name was said, given in its [normal form](Kind::normal_form).
    #[must_use]
    pub fn names(&self, kind: Kind, name: &str) -> bool {
        self.taken.of(kind).contains(name)
    }

    /// Whether something was left because a bound was reached: [`TURN_BYTES`](crate::TURN_BYTES), [`KIND_ITEMS`](crate::KIND_ITEMS), [`KIND_BYTES`](crate::KIND_BYTES)
    /// or [`ITEM_BYTES`](crate::ITEM_BYTES).
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.taken.is_cut
    }

    /// The facts for `hexgate_enforce::Call::said`: an object with all kinds, each a list. Numbers are JSON numbers, written out exactly.
    #[must_use]
    pub fn to_json(&self) -> Box<RawValue> {
        // INVARIANT: texts and the numbers of `number::normal` are JSON, and writing to memory does not fail. Nothing said is the answer
        // that allows least.
        serde_json::value::to_raw_value(self).unwrap_or_else(|_| RawValue::NULL.to_owned())
    }
}

/// As [`Said::to_json`]. Numbers keep their digits where the serializer is one of `serde_json`.
impl Serialize for Said {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.taken.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts that cost a naive reader the square of their length: everything opens and nothing closes, everything begins and nothing ends.
    const HOSTILE: &[&str] = &[
        "a",
        "a ",
        "\"",
        "“",
        "“a”",
        "`a",
        "'a ",
        "((",
        "a@b.com,",
        "@a",
        "https://",
        "https://a.b/(",
        "1 ",
        "1,",
        "1\u{a0}",
        "DE89 ",
        "4 March ",
        "a/",
        "../",
        "a.",
        "xn--",
        "ä.",
        "e\u{301}",
        "\u{200b}",
        "\u{202e}",
        "字",
        "<a@b.co",
        "a=",
        "::",
        "*",
        "|a",
        "'",
        "#1:",
    ];

    #[test]
    fn the_work_grows_with_the_text() {
        for piece in HOSTILE {
            let steps = |count: usize| {
                let mut said = Said::new();
                said.hear(&piece.repeat(count));
                said.taken.steps
            };
            let (half, whole) = (steps(5_000 / piece.len()), steps(10_000 / piece.len()));
            assert!(whole > 0, "{piece:?} is not counted");
            assert!(
                whole <= half * 21 / 10 + 1000,
                "{piece:?}: {half} steps, twice the text {whole}"
            );
            assert!(whole <= 10_000 * 60, "{piece:?}: {whole} steps");
        }
    }
}
