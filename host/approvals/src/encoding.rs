//! The bytes under digests and signatures: fields with their lengths, so that different lists of fields have different bytes.

use hexgate_bundle::Digest;

/// Fields one after the other. Every number has 8 bytes, big-endian; every text stands after its length in bytes; what may be absent, after
/// 0 or 1; a list, after the number of its texts. The purpose fixes which fields follow.
#[derive(Debug, Default)]
pub(crate) struct Fields(Vec<u8>);

impl Fields {
    /// No field yet. `purpose` keeps digests of different things apart.
    pub(crate) fn of(purpose: &str) -> Self {
        Self::default().text(purpose)
    }

    pub(crate) fn number(mut self, number: u64) -> Self {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    pub(crate) fn bytes(self, bytes: &[u8]) -> Self {
        let mut with = self.number(bytes.len() as u64);
        with.0.extend_from_slice(bytes);
        with
    }

    pub(crate) fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    pub(crate) fn flag(mut self, flag: bool) -> Self {
        self.0.push(u8::from(flag));
        self
    }

    pub(crate) fn optional(self, text: Option<&str>) -> Self {
        let with = self.flag(text.is_some());
        match text {
            Some(text) => with.text(text),
            None => with,
        }
    }

    pub(crate) fn list(self, texts: &[String]) -> Self {
        texts
            .iter()
            .fold(self.number(texts.len() as u64), |fields, text| {
                fields.text(text)
            })
    }

    pub(crate) fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_that_read_alike_side_by_side_differ() {
        let texts = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
        let all = [
            Fields::of("a").text("bc"),
            Fields::of("ab").text("c"),
            Fields::of("a").text("b").text("c"),
            Fields::of("a").list(&texts(&["b", "c"])),
            Fields::of("a").list(&texts(&["bc"])),
            Fields::of("a").list(&texts(&["b"])).text("c"),
            Fields::of("a").list(&[]).text("bc"),
            Fields::of("a").optional(Some("bc")),
            Fields::of("a").optional(None).text("bc"),
            Fields::of("a").optional(Some("")).text("bc"),
            Fields::of("a").flag(false).number(2),
        ];
        for (index, one) in all.iter().enumerate() {
            for other in &all[..index] {
                assert_ne!(one.digest(), other.digest(), "{one:?} {other:?}");
            }
        }
        assert_eq!(
            Fields::of("p").text("ä").number(1).into_bytes(),
            [
                0, 0, 0, 0, 0, 0, 0, 1, b'p', 0, 0, 0, 0, 0, 0, 0, 2, 0xc3, 0xa4, 0, 0, 0, 0, 0, 0,
                0, 1
            ]
        );
    }
}
