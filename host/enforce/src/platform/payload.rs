//! What the platform says about an agent.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hexgate::bundle::Parts;
use serde::Deserialize;

use super::PlatformError;

/// The answer to `GET /v1/agents/{name}`. It has more members, which are not for deciding.
#[derive(Deserialize)]
struct Payload {
    bundle_wasm_b64: Option<String>,
    bundle_manifest: Option<String>,
    bundle_signature_b64: Option<String>,
}

/// The parts of the bundle in an answer. All of them have to be there: a bundle without a signature is not taken for a policy that
/// was not meant to have one.
pub(super) fn bundle(body: &[u8], origin: String) -> Result<Parts, PlatformError> {
    let payload: Payload =
        serde_json::from_slice(body).map_err(|error| PlatformError::Unreadable {
            reason: error.to_string(),
        })?;
    let given = |part: Option<String>| part.filter(|part| !part.is_empty());
    let (wasm, manifest, signature) = (
        given(payload.bundle_wasm_b64),
        given(payload.bundle_manifest),
        given(payload.bundle_signature_b64),
    );
    if wasm.is_none() && manifest.is_none() && signature.is_none() {
        return Err(PlatformError::NoBundle);
    }
    let missing = |part| PlatformError::Incomplete { part };
    let wasm = decode("component", &wasm.ok_or_else(|| missing("component"))?)?;
    let manifest = manifest.ok_or_else(|| missing("manifest"))?;
    let signature = decode("signature", &signature.ok_or_else(|| missing("signature"))?)?;
    Ok(Parts {
        origin,
        manifest: manifest.into_bytes(),
        signature: Some(signature),
        wasm,
        source: None,
        rego: None,
    })
}

fn decode(part: &str, text: &str) -> Result<Vec<u8>, PlatformError> {
    STANDARD
        .decode(text)
        .map_err(|error| PlatformError::Unreadable {
            reason: format!("the {part} is not base64: {error}"),
        })
}
