//! Signatures over something other than a bundle's manifest, kept apart by what they are for.

use super::{KeyId, PrivateKey, PublicKey, TrustedKeys};

impl PrivateKey {
    /// Signs a message that is not a manifest, deterministically. `purpose` names its kind, such as `audit checkpoint`: a signature for one
    /// purpose does not hold for another, nor for a bundle. It has no control characters.
    #[must_use]
    pub fn sign_for(&self, purpose: &str, message: &[u8]) -> [u8; 64] {
        self.sign_manifest(&framed(purpose, message))
    }
}

impl PublicKey {
    /// Whether `signature` is this key's over `message` for `purpose`, by the strict rules.
    #[must_use]
    pub fn signed_for(&self, purpose: &str, message: &[u8], signature: &[u8; 64]) -> bool {
        self.signed_manifest(&framed(purpose, message), signature)
    }
}

impl TrustedKeys {
    /// The trusted key that made `signature` over `message` for `purpose`.
    #[must_use]
    pub fn signer_for(&self, purpose: &str, message: &[u8], signature: &[u8; 64]) -> Option<KeyId> {
        self.signer_of_manifest(&framed(purpose, message), signature)
            .map(PublicKey::id)
    }
}

/// What is signed. A manifest begins with `{`, so none can be read as this or the other way round, and the zero byte ends the purpose.
fn framed(purpose: &str, message: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(9 + purpose.len() + message.len());
    bytes.extend_from_slice(b"hexgate ");
    bytes.extend_from_slice(purpose.as_bytes());
    bytes.push(0);
    bytes.extend_from_slice(message);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_for_its_purpose_alone() {
        let key = PrivateKey::from_bytes(&[7; 32]);
        let (public, message) = (key.public_key(), b"message");
        let signature = key.sign_for("a", message);
        assert!(public.signed_for("a", message, &signature));
        assert!(!public.signed_for("b", message, &signature));
        assert!(!public.signed_for("a", b"another", &signature));
        assert!(!public.signed_manifest(message, &signature));
        assert!(!public.signed_for("a", message, &key.sign_manifest(message)));

        let other = PrivateKey::from_bytes(&[8; 32]).public_key();
        let keys = TrustedKeys::from_iter([other.clone(), public.clone()]);
        assert_eq!(keys.signer_for("a", message, &signature), Some(public.id()));
        assert_eq!(
            TrustedKeys::from(other).signer_for("a", message, &signature),
            None
        );
    }
}
