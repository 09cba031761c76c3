//! Errors, as exceptions with a code and a remedy.

use std::error::Error;

use hexgate_base::sentence;
use hexgate_enforce::host::{DecideError, EngineError, LoadError};
use hexgate_enforce::resolve::ResolveError;
use hexgate_enforce::source::SourceError;
use hexgate_enforce::token::TokenError;
use hexgate_enforce::{ApprovalFilesError, CallerError, RandomError};
use pyo3::prelude::*;

/// What went wrong: the class of the exception, a stable code, what happened, and what to do.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    class: &'static str,
    code: &'static str,
    message: String,
    remedy: &'static str,
}

impl Fault {
    pub(crate) fn new(
        class: &'static str,
        code: &'static str,
        message: impl Into<String>,
        remedy: &'static str,
    ) -> Self {
        Self {
            class,
            code,
            message: message.into(),
            remedy,
        }
    }

    fn of(
        class: &'static str,
        code: &'static str,
        error: &(dyn Error + 'static),
        remedy: &'static str,
    ) -> Self {
        Self::new(class, code, sentence(error), remedy)
    }

    pub(crate) fn forked() -> Self {
        Self::new(
            "ForkError",
            "forked",
            "this object belongs to the process that made it, and this is a child that was forked from it",
            "make enforcers and policies in each worker, after the fork (`post_fork` of the server, or `os.register_at_fork`)",
        )
    }

    pub(crate) fn panicked(panic: &str) -> Self {
        Self::new(
            "HexgateError",
            "internal",
            format!("the host failed: {panic}"),
            "nothing was permitted; report this as a defect",
        )
    }

    pub(crate) fn used() -> Self {
        Self::new(
            "PermitError",
            "permit_used",
            "the permission is used up: it is for one call, once",
            "have each call decided by itself",
        )
    }

    pub(crate) fn key(error: &(dyn Error + 'static)) -> Self {
        Self::of(
            "PolicyError",
            "key",
            error,
            "give the public key of the signer: its text, its 32 bytes, or the path of its file",
        )
    }

    pub(crate) fn audit(error: &(dyn Error + 'static)) -> Self {
        Self::of(
            "AuditError",
            "audit_log",
            error,
            "name a folder that only this user can write and that no other process records in",
        )
    }
}

impl From<Fault> for PyErr {
    fn from(fault: Fault) -> Self {
        Python::attach(|py| {
            let Fault {
                class,
                code,
                message,
                remedy,
            } = fault;
            let raised = py
                .import("hexgate_host._errors")
                .and_then(|errors| errors.getattr(class)?.call1((message, code, remedy)));
            match raised {
                Ok(exception) => Self::from_value(exception),
                Err(error) => error,
            }
        })
    }
}

impl From<EngineError> for Fault {
    fn from(error: EngineError) -> Self {
        Self::of(
            "EngineError",
            "engine",
            &error,
            "check the limits that were given, and that the machine lets this process reserve memory",
        )
    }
}

impl From<RandomError> for Fault {
    fn from(error: RandomError) -> Self {
        Self::of(
            "EngineError",
            "random",
            &error,
            "let the process read random numbers of the system",
        )
    }
}

impl From<LoadError> for Fault {
    fn from(error: LoadError) -> Self {
        Self::of(
            "PolicyError",
            "policy_refused",
            &error,
            "build the policy again with this version of hexgate",
        )
    }
}

impl From<DecideError> for Fault {
    fn from(error: DecideError) -> Self {
        Self::of(
            "DecideError",
            "no_verdict",
            &error,
            "a call without a verdict is denied: do not run it",
        )
    }
}

impl From<CallerError> for Fault {
    fn from(error: CallerError) -> Self {
        Self::of(
            "CallerError",
            "caller",
            &error,
            "use the name that the provider of identities gives, and a handful of roles",
        )
    }
}

impl From<ApprovalFilesError> for Fault {
    fn from(error: ApprovalFilesError) -> Self {
        Self::of(
            "ApprovalError",
            "approval_desk",
            &error,
            "check the database, the list of approvers and their roles",
        )
    }
}

impl From<SourceError> for Fault {
    fn from(error: SourceError) -> Self {
        Self::from(&error)
    }
}

impl From<&SourceError> for Fault {
    fn from(error: &SourceError) -> Self {
        let (code, remedy) = match error {
            SourceError::Shared(error) => return Self::from(&**error),
            SourceError::Compile { .. } => (
                "policy_invalid",
                "correct what the diagnostics name; `python -m hexgate_host policy validate` shows them too",
            ),
            SourceError::Exposed { .. } => (
                "policy_exposed",
                "take the right to write from other users: who can write the policy decides what is permitted",
            ),
            SourceError::Io { .. } | SourceError::Nothing { .. } | SourceError::Make { .. } => (
                "policy_unreadable",
                "check the path and the rights of this process",
            ),
            SourceError::Verify(_)
            | SourceError::Read(_)
            | SourceError::Sequence(_)
            | SourceError::Stem(_) => (
                "bundle_refused",
                "deploy the bundle that the signer released for this agent, and trust the signer's key",
            ),
            SourceError::Key(_) | SourceError::Sign(_) => (
                "key",
                "check the key, and that no other user can read or change its file",
            ),
            SourceError::Load(_) => (
                "policy_refused",
                "build the policy again with this version of hexgate",
            ),
            _ => (
                "policy_source",
                "check what the source of the policy answers",
            ),
        };
        Self::of("PolicyError", code, error, remedy)
    }
}

impl From<ResolveError> for Fault {
    fn from(error: ResolveError) -> Self {
        let (code, remedy) = match &error {
            ResolveError::Source(source) => return Self::from(source),
            ResolveError::NoPolicy { .. } => (
                "no_policy",
                "set HEXGATE_LOCAL_POLICY, HEXGATE_POLICY or HEXGATE_API_KEY",
            ),
            ResolveError::Settings(_) => ("environment", "correct the variable that is named"),
            ResolveError::Untrusted { .. } => (
                "untrusted",
                "sign the policy and name the signer's key, or say explicitly that it need not be signed",
            ),
            ResolveError::NoPublicKey | ResolveError::NoBundleKey | ResolveError::Key { .. } => {
                ("key", "name the public key of the signer")
            }
            ResolveError::NotBuilt { .. } => (
                "not_built",
                "use the wheel that was published, or name another source",
            ),
            _ => ("policy_unreadable", "name a policy or a whole bundle"),
        };
        Self::of("ResolveError", code, &error, remedy)
    }
}

impl From<TokenError> for Fault {
    fn from(error: TokenError) -> Self {
        let (code, remedy) = match &error {
            TokenError::Expired { .. } => ("token_expired", "let the user sign in again"),
            TokenError::Signature => (
                "token_signature",
                "trust the key of the issuer, or refuse who sent the token",
            ),
            TokenError::NoUser => (
                "token_without_user",
                "attenuate the project's token for a user first",
            ),
            TokenError::Other { .. } => (
                "token_for_another",
                "use the token of this project and environment",
            ),
            TokenError::Attenuated { .. } | TokenError::SecondIdentity { .. } => (
                "token_attenuated",
                "begin with the project's token, which names no user",
            ),
            _ => ("token", "refuse who sent the token"),
        };
        Self::of("TokenError", code, &error, remedy)
    }
}
