//! Errors of verification.

use crate::{Digest, KeyId, ManifestError, Obligation, Timestamp};

/// A bundle must not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// There is no signature.
    #[error("`{origin}` is not signed; compile the policy with a signing key")]
    Unsigned {
        /// The bundle.
        origin: String,
    },
    /// The signature has the wrong size.
    #[error(
        "{file} has {found} bytes, and a signature has exactly 64; fetch the bundle again, or sign it again"
    )]
    SignatureLength {
        /// The signature's file.
        file: String,
        /// Its size in bytes, at most 4096.
        found: usize,
    },
    /// The set of trusted keys is empty.
    #[error(
        "no key is trusted, so `{origin}` cannot be verified; pass the public key of the signer"
    )]
    NoTrustedKeys {
        /// The bundle.
        origin: String,
    },
    /// No trusted key made the signature.
    #[error("{file} is not a signature over {manifest} by a trusted key ({}); a file was changed, or another key signed: fetch the bundle again, or trust the signer's public key", ids(.trusted))]
    Signature {
        /// The signature's file.
        file: String,
        /// The manifest's file.
        manifest: String,
        /// The keys that are trusted.
        trusted: Vec<KeyId>,
    },
    /// The manifest names another key than the one that signed it.
    #[error(
        "{file} names the key `{claimed}` as its signer, but the key `{signer}` signed it; compile the policy again with the right key"
    )]
    KeyId {
        /// The manifest's file.
        file: String,
        /// The key that the manifest names.
        claimed: KeyId,
        /// The key that signed.
        signer: KeyId,
    },
    /// The manifest cannot be read.
    #[error("{file} is not a manifest: {source}")]
    Manifest {
        /// The manifest's file.
        file: String,
        /// What is wrong with it.
        source: ManifestError,
    },
    /// The bundle was built without a module.
    #[error(
        "{file} has no `wasm_hash`: the bundle was built without a component and decides nothing; compile the policy again"
    )]
    NoComponent {
        /// The manifest's file.
        file: String,
    },
    /// A file is not the one that the manifest names.
    #[error(
        "{file} was changed after it was built: the manifest states the digest {stated}, and it has {found}; compile the policy again instead of editing a bundle"
    )]
    Digest {
        /// The file.
        file: String,
        /// The digest in the manifest.
        stated: Digest,
        /// The digest of the file.
        found: Digest,
    },
    /// The bundle is for another agent or project.
    #[error("`{origin}` is bound to the {what} `{}`, and {}; use the bundle that was made for it", .bound.escape_debug(), expected_text(.what, .expected.as_deref()))]
    Bound {
        /// The bundle.
        origin: String,
        /// `agent` or `project`.
        what: &'static str,
        /// What the bundle names.
        bound: String,
        /// What was expected, if anything.
        expected: Option<String>,
    },
    /// The bundle does not name the agent or project that was expected.
    /// [`Expectation::dangerous_accept_unbound`](crate::Expectation::dangerous_accept_unbound) accepts it all the same.
    #[error("`{origin}` is not bound to any {what}, and one for `{}` is expected; compile the policy for it (`--{what}`)", .expected.escape_debug())]
    Unbound {
        /// The bundle.
        origin: String,
        /// `agent` or `project`.
        what: &'static str,
        /// What was expected.
        expected: String,
    },
    /// The bundle is bound to nothing at all, and nothing was expected.
    /// [`Expectation::dangerous_accept_unbound`](crate::Expectation::dangerous_accept_unbound) accepts it all the same.
    #[error(
        "`{origin}` is bound to no agent and no project, so any agent could be given it; compile the policy for one (`--agent`, `--project`)"
    )]
    BoundToNothing {
        /// The bundle.
        origin: String,
    },
    /// The bundle demands something that the host does not do.
    #[error("`{origin}` demands `{}` of its host, which this one does not honour; remove that section from the policy, or use a host that honours it", .obligation.key())]
    Obligation {
        /// The bundle.
        origin: String,
        /// What it demands.
        obligation: Obligation,
    },
    /// The bundle is older than one that was seen.
    #[error("`{origin}` has {}, and at least {minimum} is required: it is older than a bundle that was already in use; deploy the newest one, or compile the policy with a higher sequence number", sequence_text(.found))]
    Sequence {
        /// The bundle.
        origin: String,
        /// Its number. None: it has none.
        found: Option<u64>,
        /// The lowest accepted number.
        minimum: u64,
    },
    /// The bundle is not valid yet.
    #[error("`{origin}` is valid from {not_before} on, and it is {now}; wait, or check the clock")]
    NotYetValid {
        /// The bundle.
        origin: String,
        /// The first second in which it may be used.
        not_before: Timestamp,
        /// The time of the check.
        now: Timestamp,
    },
    /// The bundle has expired.
    #[error(
        "`{origin}` expired at {expires_at}, and it is {now}; compile and sign the policy again"
    )]
    Expired {
        /// The bundle.
        origin: String,
        /// The first second in which it may no longer be used.
        expires_at: Timestamp,
        /// The time of the check.
        now: Timestamp,
    },
    /// The clock is out of range.
    #[error(
        "the clock is before 1970 or after 9999, so the validity of `{origin}` cannot be checked; set the clock"
    )]
    Clock {
        /// The bundle.
        origin: String,
    },
}

fn ids(ids: &[KeyId]) -> String {
    ids.iter()
        .map(|id| format!("`{id}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

fn expected_text(what: &str, expected: Option<&str>) -> String {
    match expected {
        Some(expected) => format!("`{}` is expected", expected.escape_debug()),
        None => format!("no {what} is expected"),
    }
}

pub(crate) fn sequence_text(found: &Option<u64>) -> String {
    found.map_or_else(
        || "no sequence number".to_owned(),
        |found| format!("the sequence number {found}"),
    )
}
