//! Which local policy must be signed, and by whom: one table.

use std::fmt;

/// How far a policy is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// A trusted key has to have signed it.
    Verified,
    /// No signature is checked, and the operator accepts that.
    DangerousUnverified,
}

/// Why a policy is refused before it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// A bundle without a signature.
    Unsigned,
    /// A signature without a key to verify it.
    NoKey,
    /// A policy's own source where a signature is required.
    Source,
    /// A policy's own source that would be signed here, without a public key that says who may sign.
    SelfSigned,
}

/// The trust in a bundle's folder.
///
/// | signed | public key | `REQUIRE_SIGNATURE` | |
/// |---|---|---|---|
/// | no | no | unset, true | refused |
/// | no | no | false | accepted, unverified |
/// | no | yes | any | refused |
/// | yes | no | unset, true | refused: nothing to verify it with |
/// | yes | no | false | accepted, unverified |
/// | yes | yes | any | verified |
///
/// # Errors
///
/// It is refused.
pub fn trust_of_bundle(
    is_signed: bool,
    has_keys: bool,
    require: Option<bool>,
) -> Result<Trust, Refused> {
    match (is_signed, has_keys, require) {
        (true, true, _) => Ok(Trust::Verified),
        (false, true, _) | (false, false, None | Some(true)) => Err(Refused::Unsigned),
        (true, false, None | Some(true)) => Err(Refused::NoKey),
        (_, false, Some(false)) => Ok(Trust::DangerousUnverified),
    }
}

/// The trust in a policy's own source, which is unsigned; `can_sign`: a key to sign it here is named.
///
/// | signing key | public key | `REQUIRE_SIGNATURE` | |
/// |---|---|---|---|
/// | any | no | unset, false | accepted, unverified |
/// | no | no | true | refused |
/// | yes | no | true | refused: every user who can start the agent could sign |
/// | no | yes | any | refused |
/// | yes | yes | any | verified: signed here, and refused if the public key is another's |
///
/// # Errors
///
/// It is refused.
pub fn trust_of_source(
    can_sign: bool,
    has_keys: bool,
    require: Option<bool>,
) -> Result<Trust, Refused> {
    match (can_sign, has_keys, require) {
        (true, true, _) => Ok(Trust::Verified),
        (true, false, Some(true)) => Err(Refused::SelfSigned),
        (false, false, Some(true)) | (false, true, _) => Err(Refused::Source),
        (_, false, None | Some(false)) => Ok(Trust::DangerousUnverified),
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unsigned => {
                "the bundle is not signed; compile it with `--sign-key`, or, to try it out, set HEXGATE_BUNDLE_REQUIRE_SIGNATURE=false without a public key"
            }
            Self::NoKey => {
                "the bundle is signed and cannot be verified; set HEXGATE_BUNDLE_PUBKEY_PATH to the signer's public key"
            }
            Self::Source => {
                "a policy's own source carries no signature, and one is required; build a bundle from it with `--sign-key`, or, to try it out, unset HEXGATE_BUNDLE_PUBKEY_PATH and HEXGATE_BUNDLE_REQUIRE_SIGNATURE"
            }
            Self::SelfSigned => {
                "a signature that is made here proves nothing without HEXGATE_BUNDLE_PUBKEY_PATH; set it to the public key that is trusted"
            }
        })
    }
}
