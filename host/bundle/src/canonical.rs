//! How this crate writes JSON files: indented by two, ASCII only, one newline at the end. Keys come in the order of the struct's fields, so
//! these are declared sorted.

use std::io;

use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};

/// Serialises `value` in the canonical form.
pub(crate) fn to_bytes<T: Serialize>(value: &T) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = Vec::with_capacity(1024);
    value.serialize(&mut Serializer::with_formatter(
        &mut bytes,
        Ascii(PrettyFormatter::new()),
    ))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// The pretty format of `serde_json` with everything outside of printable ASCII escaped, as Python's `json.dumps` does it.
struct Ascii(PrettyFormatter<'static>);

impl Formatter for Ascii {
    fn begin_array<W: ?Sized + io::Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.0.begin_array(w)
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.0.end_array(w)
    }

    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        w: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_array_value(w, first)
    }

    fn end_array_value<W: ?Sized + io::Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.0.end_array_value(w)
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.0.begin_object(w)
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.0.end_object(w)
    }

    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        w: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_object_key(w, first)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.0.begin_object_value(w)
    }

    fn end_object_value<W: ?Sized + io::Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.0.end_object_value(w)
    }

    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        w: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut units = [0; 2];
        for c in fragment.chars() {
            if matches!(c, ' '..='~') {
                w.write_all(&[c as u8])?;
            } else {
                for unit in c.encode_utf16(&mut units) {
                    write!(w, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Sample {
        empty: Vec<u8>,
        list: Vec<u8>,
        text: &'static str,
    }

    #[test]
    fn writes_what_python_writes() {
        // json.dumps({...}, indent=2, sort_keys=True) + "\n" of CPython 3.13.
        let sample = Sample {
            empty: vec![],
            list: vec![1, 2],
            text: "a\"\\/\u{8}\u{c}\n\r\t\u{1}\u{7f}é\u{2028}😀",
        };
        let expected = "{\n  \"empty\": [],\n  \"list\": [\n    1,\n    2\n  ],\n  \"text\": \
                        \"a\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u007f\\u00e9\\u2028\\ud83d\\ude00\"\n}\n";
        assert_eq!(
            String::from_utf8(to_bytes(&sample).unwrap()).unwrap(),
            expected
        );
    }
}
