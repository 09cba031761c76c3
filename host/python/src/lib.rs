//! The host as a Python extension: `hexgate_host._native`. It translates and decides nothing itself; what users see is Python on top of it.
//!
//! | module | what happens there |
//! |---|---|
//! | `fault` | errors, as exceptions with a code and a remedy |
//! | `here` | what must not be used after a fork |
//! | `json` | arguments of Python as the text that is decided |
//! | `engine`, `policy` | policies, compiled and asked |
//! | `identity`, `tokens` | callers |
//! | `decision`, `permit` | what was decided, and the permission to run |
//! | `asking` | a decision in steps, so that Python can wait for people and for other calls |
//! | `enforcer`, `options`, `kill` | from a call to a decision |
//! | `said` | what the user's own words name |
//! | `notices` | what the host tells the operator, for `logging` |
//! | `command` | the command line |
//!
//! While Rust works the interpreter is released, and no Rust code that holds a lock calls Python: two threads cannot wait for each other.
#![deny(missing_docs)]

mod asking;
mod command;
mod decision;
mod enforcer;
mod engine;
mod fault;
mod here;
mod identity;
mod json;
mod kill;
mod notices;
mod options;
mod permit;
mod policy;
mod said;
mod tokens;

use pyo3::prelude::*;

/// The native part of `hexgate_host`.
#[pymodule(gil_used = false)]
mod _native {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::asking::{Authorization, Run};
    #[pymodule_export]
    use crate::command::{command_line, version};
    #[pymodule_export]
    use crate::decision::Decision;
    #[pymodule_export]
    use crate::enforcer::Enforcer;
    #[pymodule_export]
    use crate::engine::Engine;
    #[pymodule_export]
    use crate::identity::Identity;
    #[pymodule_export]
    use crate::json::encode;
    #[pymodule_export]
    use crate::kill::KillSwitch;
    #[pymodule_export]
    use crate::notices::{notices, notices_lost};
    #[pymodule_export]
    use crate::options::DurableApprovals;
    #[pymodule_export]
    use crate::permit::Permit;
    #[pymodule_export]
    use crate::policy::{Policy, Verdict};
    #[pymodule_export]
    use crate::said::said;
    #[pymodule_export]
    use crate::tokens::{Token, TokenVerifier, attenuate, mint};

    #[pymodule_init]
    fn init(_module: &Bound<'_, PyModule>) -> PyResult<()> {
        crate::notices::listen();
        Ok(())
    }
}
