//! Reads scripts to say early and well why one will not run.
//!
//! This is advice and not the boundary: a script that passes here and runs something else is stopped by the kernel. What cannot be read, or
//! is longer or deeper than scripts are, is refused.

mod naming;
mod read;
mod walk;
pub mod words;

pub use naming::Named;

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
            names: None,
        };
        walk.script(&script, 0)
    })
}

/// Names everything that a script would run, and the files that its redirections open. A script that cannot be read, or of which that cannot
/// be told, is refused as a whole: there is no list with a part missing.
///
/// # Errors
///
/// It has more than `bytes` bytes, is not a script, or hides what it runs: a command whose name is a variable, functions, options that
/// programs such as `env` take, arguments of `find`, `git` and the like that are not written out, expressions and indices in which shells run
/// what a value says, and what shells read in different ways.
pub fn names(script: &str, bytes: usize) -> Result<Named, Refused> {
    // The same bounds as for a script that is checked.
    let rules = Rules {
        allowed: None,
        substitution: true,
        bytes,
    };
    check(script, &rules)?;
    let script = script.to_owned();
    read::apart(move || {
        let names = naming::Names::default();
        let walk = walk::Walk {
            allowed: &[],
            substitution: true,
            names: Some(&names),
        };
        walk.script(&script, 0)?;
        Ok(names.into_named())
    })
}
