//! Tokens: reading ends, nobody else is named than who was signed, and what is accepted is evaluated at once.
#![no_main]

use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use biscuit_auth::{Algorithm, Biscuit, BlockBuilder, KeyPair, PrivateKey};
use enforce::{caller, token};
use hexgate_compiler::bundle;
use libfuzzer_sys::fuzz_target;
use token::{Envelope, TokenVerifier};

/// The reader alone. Its package brings the runtime of policies and HTTP along, which take minutes to build and find nothing here.
#[path = "../../../host/enforce/src"]
#[allow(dead_code, unused_imports, reason = "the host around it is missing")]
mod enforce {
    pub mod caller;
    pub mod token;
}

static ROOT: LazyLock<KeyPair> = LazyLock::new(|| pair(1));
static ISSUER: LazyLock<TokenVerifier> = LazyLock::new(|| {
    let key = bundle::PrivateKey::from_bytes(&[1; 32]).public_key();
    TokenVerifier::new([key], "live", "acme").expect("an issuer")
});
/// The token of a project, and one for Alice that is not sealed.
static PROJECT: LazyLock<Biscuit> = LazyLock::new(|| {
    Biscuit::builder()
        .build_with_key_pair(&ROOT, Default::default(), &pair(2))
        .expect("it builds")
});
static ALICE: LazyLock<Biscuit> = LazyLock::new(|| {
    let block = BlockBuilder::new()
        .code("user(\"alice\"); role(\"support\")")
        .expect("it parses");
    PROJECT
        .append_with_keypair(&pair(3), block)
        .expect("it appends")
});

fn pair(byte: u8) -> KeyPair {
    KeyPair::from(&PrivateKey::from_bytes(&[byte; 32], Algorithm::Ed25519).expect("a key"))
}

/// What anybody appends who holds a token.
fn appended(token: &Biscuit, block: &[u8]) -> Vec<u8> {
    let token = token
        .container()
        .append_serialized(&pair(4), block.to_vec(), None);
    token.expect("it appends").to_vec().expect("it encodes")
}

fuzz_target!(|bytes: &[u8]| {
    let Some((&choice, rest)) = bytes.split_first() else {
        return;
    };
    let enveloped = |bytes: &[u8]| format!("fty_live_acme_{}", URL_SAFE_NO_PAD.encode(bytes));
    let text = match choice % 4 {
        0 => String::from_utf8_lossy(rest).into_owned(),
        1 => enveloped(rest),
        2 => enveloped(&appended(&ALICE, rest)),
        _ => enveloped(&appended(&PROJECT, rest)),
    };
    let Ok(envelope) = Envelope::parse(&text) else {
        return;
    };
    let begin = Instant::now();
    let verified = ISSUER.verify(&envelope, SystemTime::UNIX_EPOCH);
    let took = begin.elapsed();
    // Some milliseconds, and this machine does other things as well.
    assert!(took < Duration::from_secs(2), "it took {took:?}");
    if let Ok(token) = verified {
        assert!(token.steps() <= 50_000);
        // Whoever holds a project's token can name whom he likes, and nobody else can.
        if choice % 4 != 3 {
            assert_eq!(
                (token.user(), token.roles()),
                ("alice", &["support".to_owned()][..])
            );
        }
        let _ = token.caller(None, Default::default());
    }
});
