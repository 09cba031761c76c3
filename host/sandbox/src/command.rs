//! Reads scripts to say early and well why one will not run.
//!
//! This is advice and not the boundary: a script that passes here and runs something else is stopped by the kernel. What cannot be read, or
//! is longer or deeper than scripts are, is refused.

mod read;
mod walk;
pub mod words;

use std::fmt;

use hexgate_base::beginning;

/// What scripts may contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules<'a> {
    /// The names of the commands that may run. None: any; then only the length of a script and zero bytes matter.
    pub allowed: Option<&'a [String]>,
    /// Whether `$(..)` and backticks may stand in it.
    pub substitution: bool,
    /// The most bytes of a script.
    pub bytes: usize,
}

/// Why a script is refused. As text it is one line for whoever wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The part of the script that is meant.
    pub token: String,
    /// Why.
    pub reason: String,
}

impl Refused {
    fn new(token: impl Into<String>, reason: impl Into<String>) -> Self {
        let token: String = token.into();
        Self {
            token: match beginning(&token, 80) {
                Some(begin) => format!("{begin}…"),
                None => token,
            },
            reason: reason.into(),
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "hexgate: command not allowed: '{}' ({})",
            self.token.escape_debug(),
            self.reason
        )
    }
}

impl std::error::Error for Refused {}

/// Whether a script may run.
///
/// # Errors
///
/// It may not: the first part of it that is not allowed.
pub fn check(script: &str, rules: &Rules<'_>) -> Result<(), Refused> {
    if script.len() > rules.bytes {
        return Err(Refused::new(
            "script",
            format!(
                "it has {} bytes, at most {} are read",
                script.len(),
                rules.bytes
            ),
        ));
    }
    if script.contains('\0') {
        return Err(Refused::new("\0", "a script has no zero bytes"));
    }
    let Some(allowed) = rules.allowed else {
        return Ok(());
    };
    if script.trim().is_empty() {
        return Ok(());
    }
    let (allowed, substitution) = (allowed.to_vec(), rules.substitution);
    let script = script.to_owned();
    read::apart(move || {
        let walk = walk::Walk {
            allowed: &allowed,
            substitution,
        };
        walk.script(&script, 0)
    })
}
