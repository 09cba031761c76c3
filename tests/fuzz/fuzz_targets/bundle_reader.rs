//! The parts of a bundle: nothing is verified that was not signed, whatever was sent.
#![no_main]

use std::{sync::LazyLock, time::SystemTime};

use hexgate_bundle::{
    Claims, Draft, Expectation, Manifest, Parts, PrivateKey, PublicKey, TrustedKeys,
    UnverifiedBundle,
};
use libfuzzer_sys::fuzz_target;

const WASM: &[u8] = b"\0asm\x0d\0\x01\0";
const SOURCE: &[u8] = b"version: 1\n";

static KEY: LazyLock<PrivateKey> = LazyLock::new(|| PrivateKey::from_bytes(&[7; 32]));
static SIGNED: LazyLock<Parts> = LazyLock::new(|| {
    let claims = Claims {
        agent: Some("a".to_owned()),
        ..Claims::new(
            "policy.yaml",
            "hexgate:policy@0.1.0",
            "native",
            "hexgate-compiler 0.1.0",
        )
    };
    let draft = Draft {
        stem: "policy".parse().expect("a stem"),
        source: SOURCE,
        rego: "",
        wasm: WASM,
        claims,
    };
    draft.seal(Some(&KEY)).expect("it seals").into_parts("fuzz")
});

fuzz_target!(|bytes: &[u8]| {
    let Some((&choice, rest)) = bytes.split_first() else {
        return;
    };
    if let Ok(text) = std::str::from_utf8(rest) {
        let _ = PublicKey::from_text(text);
    }
    let _ = Manifest::parse(rest);
    // One part of a signed bundle is replaced by what was sent.
    let mut parts = SIGNED.clone();
    let same = match choice % 5 {
        0 => std::mem::replace(&mut parts.manifest, rest.to_vec()) == rest,
        1 => std::mem::replace(&mut parts.wasm, rest.to_vec()) == rest,
        2 => parts
            .signature
            .replace(rest.to_vec())
            .is_some_and(|old| old == rest),
        3 => parts
            .source
            .replace(rest.to_vec())
            .is_some_and(|old| old == rest),
        _ => parts
            .rego
            .replace(rest.to_vec())
            .is_some_and(|old| old == rest),
    };
    let Ok(bundle) = UnverifiedBundle::from_parts(parts) else {
        return;
    };
    let keys: TrustedKeys = [KEY.public_key()].into_iter().collect();
    let verified = bundle
        .verify(&keys, &Expectation::agent("a"), SystemTime::UNIX_EPOCH)
        .is_ok();
    assert!(
        !verified || same,
        "a bundle was verified that was not signed"
    );
});
