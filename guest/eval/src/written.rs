//! Paths and texts as policies write them.

use core::fmt::{Result, Write};

/// Whether a text can follow a `.` in a path.
pub fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes
        .next()
        .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// One step of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'s> {
    /// The member of an object.
    Member(&'s str),
    /// The element of a list.
    Element(u32),
}

/// Writes a path: the name of its root, which is `.` for what a quantifier looks at, and what it follows from there.
///
/// # Errors
/// If `out` has one.
pub fn write_path<'s>(
    out: &mut impl Write,
    root: &str,
    steps: impl IntoIterator<Item = Step<'s>>,
) -> Result {
    out.write_str(root)?;
    let mut joined = root == ".";
    for step in steps {
        match step {
            Step::Element(index) => write!(out, "[{index}]")?,
            Step::Member(name) if !is_name(name) => {
                out.write_char('[')?;
                write_text(out, name)?;
                out.write_char(']')?;
            }
            Step::Member(name) if joined => out.write_str(name)?,
            Step::Member(name) => write!(out, ".{name}")?,
        }
        joined = false;
    }
    Ok(())
}

/// Writes a text as a JSON string.
///
/// # Errors
/// If `out` has one.
pub fn write_text(out: &mut impl Write, text: &str) -> Result {
    out.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' => out.write_str("\\\"")?,
            '\\' => out.write_str("\\\\")?,
            '\n' => out.write_str("\\n")?,
            '\r' => out.write_str("\\r")?,
            '\t' => out.write_str("\\t")?,
            c if c.is_control() => write!(out, "\\u{:04x}", u32::from(c))?,
            c => out.write_char(c)?,
        }
    }
    out.write_char('"')
}
