//! The errors, one enum for each operation.

use std::time::SystemTime;

use hexgate_contract::{Denial, Error, Exceeded, Malformed, names::WORLD};

/// Who has to act on an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request cannot be understood: the caller has to send another.
    Malformed,
    /// The request is larger than is accepted: the caller has to send a smaller one.
    Exceeded,
    /// The policy misbehaved: the maker of the component has to act.
    Guest,
    /// The policy is outside of its validity: the signer has to act.
    Validity,
    /// The machine or its configuration failed: the operator has to act.
    Host,
}

/// How a guest's execution ended without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum TrapKind {
    /// It used more instructions than `fuel` allows.
    #[error("it ran out of fuel")]
    Fuel,
    /// It wanted more memory than `memory-bytes` allows, or than its slot holds.
    #[error("it ran out of memory")]
    Memory,
    /// It nested deeper than `stack-bytes` allows.
    #[error("it ran out of stack")]
    Stack,
    /// It gave up.
    #[error("it executed `unreachable`")]
    Unreachable,
    /// It touched memory or a table that it does not have.
    #[error("it accessed memory out of bounds")]
    OutOfBounds,
    /// It divided by zero, or a number did not fit.
    #[error("it failed in arithmetic")]
    Arithmetic,
    /// It called a function that is not there, or is of another type.
    #[error("it called a function that is not there")]
    BadCall,
    /// Something else that the runtime forbids.
    #[error("it did what the runtime forbids")]
    Other,
}

/// Why there is no verdict. Every one of these is a denial.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecideError {
    /// The request cannot be understood.
    #[error(transparent)]
    Malformed(Malformed),
    /// The request is larger than the policy or this host accepts.
    #[error(transparent)]
    Exceeded(Exceeded),
    /// The policy says that it is damaged.
    #[error("{}; compile and sign it again", Error::Internal(reason.as_str()))]
    Internal {
        /// What the policy says about it.
        reason: String,
    },
    /// The policy ended without an answer.
    #[error("the policy was stopped: {kind}")]
    Trap {
        /// How it ended.
        kind: TrapKind,
    },
    /// The answer breaks the contract.
    #[error("the policy gave an answer that the contract does not allow: {what}")]
    BadOutput {
        /// What is wrong with it.
        what: String,
    },
    /// The policy is of a version of the contract that has no answer to the question.
    #[error(
        "the policy is of version {version} of the contract, which cannot say whether a scope covers a path; compile it again"
    )]
    EarlierContract {
        /// Its version.
        version: String,
    },
    /// The policy is past its validity.
    #[error("the policy has expired; load one that is still valid")]
    Expired {
        /// Since when.
        at: SystemTime,
    },
    /// The policy's validity has not begun, or the clock went back.
    #[error("the policy is not valid yet; check the clock")]
    NotYetValid {
        /// From when on it is.
        from: SystemTime,
    },
    /// All instances are in use.
    #[error("all {instances} instances are in use; raise `instances` or decide on fewer threads")]
    Busy {
        /// How many there are.
        instances: u32,
    },
    /// The machine or the runtime failed.
    #[error("the host failed: {what}")]
    Host {
        /// What failed.
        what: String,
    },
}

impl DecideError {
    /// Who has to act.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Malformed(_) => ErrorKind::Malformed,
            Self::Exceeded(_) => ErrorKind::Exceeded,
            Self::Internal { .. }
            | Self::Trap { .. }
            | Self::BadOutput { .. }
            | Self::EarlierContract { .. } => ErrorKind::Guest,
            Self::Expired { .. } | Self::NotYetValid { .. } => ErrorKind::Validity,
            Self::Busy { .. } | Self::Host { .. } => ErrorKind::Host,
        }
    }

    /// This error as a denial, for hosts that report errors and denials in one place.
    #[must_use]
    pub fn to_denial(&self) -> Denial {
        Denial::because(self.to_string())
    }

    /// Whether the instance can be used again: it answered, and only the request is at fault.
    pub(crate) fn is_answer(&self) -> bool {
        matches!(self, Self::Malformed(_) | Self::Exceeded(_))
    }
}

impl From<Error> for DecideError {
    fn from(error: Error) -> Self {
        match error {
            Error::Malformed(malformed) => Self::Malformed(malformed),
            Error::Exceeded(exceeded) => Self::Exceeded(exceeded),
            Error::Internal(reason) => Self::Internal { reason },
        }
    }
}

/// Why a policy cannot be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The bytes are not a WebAssembly component.
    #[error("not a WebAssembly component: {reason}")]
    NotAComponent {
        /// What it is, or where reading failed.
        reason: String,
    },
    /// The component is larger than is loaded or compiled.
    #[error("the component has {bytes} bytes, limit `{limit}` allows {allowed}")]
    TooLarge {
        /// Its size.
        bytes: u64,
        /// The limit's name.
        limit: &'static str,
        /// The limit.
        allowed: u64,
    },
    /// The component wants something from its host. A policy is self-contained.
    #[error("the component imports `{}`; a policy imports nothing", names.join("`, `"))]
    Imports {
        /// What it wants.
        names: Vec<String>,
    },
    /// The component does not export what every policy exports.
    #[error("the component does not export `{name}`; it is not of the world `{WORLD}`")]
    MissingExport {
        /// What is missing.
        name: String,
    },
    /// The component speaks another version of the contract.
    #[error(
        "the component exports `{found}`, this host speaks `{wanted}` and takes version 0.1.0; compile the policy again for this version"
    )]
    OtherVersion {
        /// What it exports.
        found: String,
        /// What was looked for.
        wanted: String,
    },
    /// An export has another type than the contract says.
    #[error("the component's `{name}` has another type than the contract says: {reason}")]
    OtherType {
        /// The export.
        name: String,
        /// The difference.
        reason: String,
    },
    /// The component cannot be compiled.
    #[error("the component cannot be compiled: {reason}")]
    Compile {
        /// Why.
        reason: String,
    },
    /// The component has to be compiled, and this host is built without a compiler.
    #[error(
        "{reason}, and this host is built without a compiler; build `hexgate-host` with its feature `cranelift`"
    )]
    NoCompiler {
        /// Why it has to be compiled.
        reason: String,
    },
    /// The component is of the known engine, and its plan does not hold together.
    #[error("the component's plan is damaged: {reason}; compile the policy again")]
    DamagedPlan {
        /// What is wrong with it.
        reason: String,
    },
    /// The bundle holds a module of OPA's that cannot be made a component.
    #[error("the bundle's module cannot be used: {reason}")]
    Wrap {
        /// Why.
        reason: String,
    },
    /// The Rego in it does not answer with a decision.
    #[error(
        "{reason}; a policy in Rego decides `{{\"allow\": bool, \"requires_approval\": bool, \"violations\": [string]}}`for every call"
    )]
    Answer {
        /// What is wrong with its answer.
        reason: String,
    },
    /// The component could not be started, or did not describe itself.
    #[error("the component does not start: {0}")]
    Start(#[source] DecideError),
    /// The machine or the runtime failed.
    #[error("the host failed: {what}")]
    Host {
        /// What failed.
        what: String,
    },
}

impl LoadError {
    /// Who has to act.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Start(error) => error.kind(),
            Self::NoCompiler { .. } | Self::Host { .. } => ErrorKind::Host,
            _ => ErrorKind::Guest,
        }
    }
}

/// Why an engine cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// A limit has a value that it does not accept.
    #[error(transparent)]
    Option(#[from] OptionError),
    /// The compile cache cannot be used as asked.
    #[cfg(feature = "cranelift")]
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// The runtime does not start here.
    #[error("the runtime does not start: {reason}; if address space is short, lower `instances`")]
    Runtime {
        /// Why.
        reason: String,
    },
}

/// Why an option was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OptionError {
    /// There is no such option.
    #[error("unknown limit `{name}`, expected one of `{valid}`")]
    Unknown {
        /// The name that was given.
        name: String,
        /// The names that there are.
        valid: String,
    },
    /// The value is not accepted.
    #[error("limit `{name}` cannot be `{value}`, expected a whole number from {least} to {most}")]
    Value {
        /// The option.
        name: &'static str,
        /// The value that was given.
        value: String,
        /// The least that is accepted.
        least: u64,
        /// The most that is accepted.
        most: u64,
    },
}

/// Why a compile cache cannot be opened. Entries that cannot be trusted are not errors: they are removed and compiled anew.
#[cfg(feature = "cranelift")]
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// Other users can access the folder or the key, or own it.
    #[error("`{}` cannot be trusted: {reason}", path.display())]
    Untrusted {
        /// The folder or file.
        path: std::path::PathBuf,
        /// What is wrong with it, and the remedy.
        reason: String,
    },
    /// The folder or the key cannot be read or made.
    #[error("`{}` cannot be used", path.display())]
    Io {
        /// The folder or file.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

#[cfg(test)]
mod tests {
    use hexgate_contract::Field;

    use super::*;

    #[test]
    fn every_error_says_who_has_to_act() {
        let trap = DecideError::Trap {
            kind: TrapKind::Fuel,
        };
        assert_eq!(trap.kind(), ErrorKind::Guest);
        assert_eq!(LoadError::Start(trap.clone()).kind(), ErrorKind::Guest);
        assert_eq!(
            LoadError::Start(DecideError::Busy { instances: 1 }).kind(),
            ErrorKind::Host
        );
        assert_eq!(
            DecideError::Expired {
                at: SystemTime::UNIX_EPOCH
            }
            .kind(),
            ErrorKind::Validity
        );
        assert_eq!(
            trap.to_denial().reason,
            "the policy was stopped: it ran out of fuel"
        );
    }

    #[test]
    fn only_answers_about_the_request_leave_an_instance_good() {
        let malformed = DecideError::Malformed(Malformed {
            field: Field::Tool,
            offset: 0,
            reason: String::new(),
        });
        assert!(malformed.is_answer());
        assert!(
            !DecideError::Internal {
                reason: String::new()
            }
            .is_answer()
        );
        assert!(
            !DecideError::BadOutput {
                what: String::new()
            }
            .is_answer()
        );
    }
}
