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

/// Writes a path: the name of its root, which is `.` for the element of a quantifier, and the members that it follows from there.
///
/// # Errors
/// If `out` has one.
pub fn write_path<'s>(
    out: &mut impl Write,
    root: &str,
    steps: impl IntoIterator<Item = &'s str>,
) -> Result {
    out.write_str(root)?;
    let mut joined = root == ".";
    for step in steps {
        if !is_name(step) {
            out.write_char('[')?;
            write_text(out, step)?;
            out.write_char(']')?;
        } else if joined {
            out.write_str(step)?;
        } else {
            write!(out, ".{step}")?;
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
