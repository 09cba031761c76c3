//! Why a module cannot be wrapped.

use core::fmt;

use crate::embed::EmbedError;

/// Why a module cannot be wrapped.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WrapError {
    /// The bytes are not a WebAssembly module, or not a valid one.
    NotAModule {
        /// What is wrong with them.
        reason: String,
    },
    /// The module does not say that it speaks OPA's ABI, or speaks another version of it.
    AbiVersion {
        /// The version that it says; none if it says none.
        found: Option<i32>,
    },
    /// The module does not export a function of OPA's ABI, or exports something else by its name.
    MissingExport {
        /// The function.
        name: &'static str,
    },
    /// The module imports something that is not part of OPA's ABI.
    UnknownImport {
        /// From where.
        module: String,
        /// What.
        name: String,
    },
    /// The module needs more memory from its start than a policy may have.
    MemoryTooLarge {
        /// In pages of 64 KiB.
        pages: u64,
        /// The most that is possible.
        allowed: u64,
    },
    /// The policy calls builtins of OPA that a host would have to provide.
    HostBuiltins {
        /// Their names.
        names: Vec<String>,
    },
    /// A list of the module cannot be read: OPA did not write it.
    Unreadable {
        /// The function that returns the list.
        name: &'static str,
    },
    /// The module has several entrypoints and none is the usual one.
    Entrypoints {
        /// Those that it has.
        names: Vec<String>,
    },
    /// The plan cannot be put in.
    Plan(EmbedError),
}

/// The entrypoint that decides if a module has several.
pub(super) const ENTRYPOINT: &str = "hexgate/policy/decision";

impl fmt::Display for WrapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAModule { reason } => write!(f, "not a WebAssembly module: {reason}"),
            Self::AbiVersion { found: None } => f.write_str(
                "the module does not export `opa_wasm_abi_version`: build it with `opa build -t wasm`",
            ),
            Self::AbiVersion { found: Some(found) } => write!(
                f,
                "the module speaks version {found} of OPA's ABI, only version 1 is known: build it with OPA 1"
            ),
            Self::MissingExport { name } => write!(
                f,
                "the module does not export the function `{name}` of OPA's ABI: build it with OPA 0.60 or later"
            ),
            Self::UnknownImport { module, name } => write!(
                f,
                "the module imports `{name}` from `{module}`, which is not part of OPA's ABI"
            ),
            Self::MemoryTooLarge { pages, allowed } => write!(
                f,
                "the module begins with {pages} pages of memory, at most {allowed} are possible"
            ),
            Self::HostBuiltins { names } => write!(
                f,
                "the policy calls `{}`, which a host would have to provide; a policy depends on its request alone",
                names.join("`, `")
            ),
            Self::Unreadable { name } => write!(
                f,
                "what the module's `{name}` returns cannot be read: build it with `opa build -t wasm`"
            ),
            Self::Entrypoints { names } if names.is_empty() => {
                f.write_str("the module has no entrypoint: build it with `-e hexgate/policy/decision`")
            }
            Self::Entrypoints { names } => write!(
                f,
                "the module has the entrypoints `{}`: build it with one, or name one `{ENTRYPOINT}`",
                names.join("`, `")
            ),
            Self::Plan(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for WrapError {}

impl From<EmbedError> for WrapError {
    fn from(error: EmbedError) -> Self {
        Self::Plan(error)
    }
}
