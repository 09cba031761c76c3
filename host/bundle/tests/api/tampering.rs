//! No byte of a signed bundle can be changed, added or removed.

use std::fs;

use hexgate_bundle::{Manifest, Parts, UnverifiedBundle};

use crate::{fixture::*, reading::resign};

/// Bits that separate a letter from its other case, a digit from its neighbour, a space from nothing, and ASCII from the rest.
const FLIPS: [u8; 5] = [0x01, 0x02, 0x20, 0x80, 0xff];

fn verify(parts: Parts) -> bool {
    UnverifiedBundle::from_parts(parts)
        .unwrap()
        .verify(&trusted(), &expectation(), now())
        .is_ok()
}

fn sealed() -> Parts {
    draft().seal(Some(&key())).unwrap().into_parts("test")
}

/// The files as the parts that hold them.
fn each_part() -> [fn(&mut Parts) -> &mut Vec<u8>; 5] {
    [
        |parts| &mut parts.manifest,
        |parts| parts.signature.as_mut().unwrap(),
        |parts| &mut parts.wasm,
        |parts| parts.source.as_mut().unwrap(),
        |parts| parts.rego.as_mut().unwrap(),
    ]
}

#[test]
fn every_single_byte_change_is_refused() {
    assert!(verify(sealed()));
    let mut tried = 0;
    for part in each_part() {
        for at in 0..part(&mut sealed()).len() {
            for flip in FLIPS {
                let mut parts = sealed();
                part(&mut parts)[at] ^= flip;
                assert!(!verify(parts), "byte {at} ^ {flip:#x}");
                tried += 1;
            }
        }
    }
    assert!(tried > 2500, "{tried}");
}

#[test]
fn every_single_byte_change_on_the_disk_is_refused() {
    let fixture = Fixture::new();
    for ending in ["bundle.json", "bundle.json.sig", "wasm", "yaml"] {
        let file = fixture.file(ending);
        let good = fs::read(&file).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            fs::write(&file, &bad).unwrap();
            let refusal = fixture.refusal();
            assert!(
                refusal.contains(&format!("policy.{ending}")),
                "{ending} at {at}: {refusal}"
            );
        }
        fs::write(&file, &good).unwrap();
    }
    load(&fixture.dir).unwrap();
}

#[test]
fn every_truncation_and_every_addition_is_refused() {
    for part in each_part() {
        let whole = part(&mut sealed()).clone();
        for length in 0..whole.len() {
            let mut parts = sealed();
            part(&mut parts).truncate(length);
            assert!(!verify(parts), "{length} bytes");
        }
        for byte in [0, b'\n', b' ', 0xff] {
            let mut parts = sealed();
            part(&mut parts).push(byte);
            assert!(!verify(parts), "{byte}");
            let mut parts = sealed();
            part(&mut parts).insert(0, byte);
            assert!(!verify(parts), "{byte}");
        }
    }
}

#[test]
fn says_how_long_a_signature_is_and_should_be() {
    for length in [0, 1, 63, 65, 86, 128] {
        let fixture = Fixture::new();
        fs::write(fixture.file("bundle.json.sig"), vec![7; length]).unwrap();
        says(
            &fixture.refusal(),
            &[
                "policy.bundle.json.sig",
                &format!("has {length} bytes"),
                "exactly 64",
            ],
        );
    }
}

#[test]
fn a_second_encoding_of_a_signature_is_refused() {
    // The group's order, added to the scalar half: the equation still holds, and a lax verifier accepts.
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut parts = sealed();
    let mut carry = 0;
    for (byte, add) in parts.signature.as_mut().unwrap()[32..]
        .iter_mut()
        .zip(ORDER)
    {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        (*byte, carry) = (sum as u8, sum >> 8);
    }
    assert_eq!(carry, 0);
    assert!(!verify(parts));
}

#[test]
fn nothing_is_parsed_before_the_signature_holds() {
    // A manifest that no reader takes: the message is about the signature, unless the signature is good.
    for manifest in [&b"{"[..], b"", b"\xff\xfe", b"[[[[[[[["] {
        let parts = Parts {
            manifest: manifest.to_vec(),
            ..sealed()
        };
        let error = UnverifiedBundle::from_parts(parts)
            .unwrap()
            .verify(&trusted(), &expectation(), now())
            .unwrap_err();
        says(&error.to_string(), &["is not a signature"]);
        let parts = Parts {
            manifest: manifest.to_vec(),
            signature: Some(resign(manifest, [7; 32])),
            ..sealed()
        };
        let error = UnverifiedBundle::from_parts(parts)
            .unwrap()
            .verify(&trusted(), &expectation(), now())
            .unwrap_err();
        says(&error.to_string(), &["is not a manifest"]);
    }
}

#[test]
fn a_signed_manifest_in_another_spelling_or_version_is_refused() {
    let good = String::from_utf8(sealed().manifest).unwrap();
    for (manifest, reason) in [
        (good.replace("  \"", "\""), "canonical spelling at byte 2"),
        (
            good.replace("\"version\": 2", "\"version\": 3"),
            "versions 1 and 2 are",
        ),
        (
            good.replace("\"version\": 2", "\"version\": 2,\n  \"version\": 2"),
            "duplicate",
        ),
        (good.replace("\"engine\"", "\"Engine\""), "unknown field"),
        (good.replace("native", "n\\u0061tive"), "canonical"),
    ] {
        assert_ne!(manifest, good);
        let signature = Some(resign(manifest.as_bytes(), [7; 32]));
        let parts = Parts {
            manifest: manifest.into_bytes(),
            signature,
            ..sealed()
        };
        let error = UnverifiedBundle::from_parts(parts)
            .unwrap()
            .verify(&trusted(), &expectation(), now())
            .unwrap_err();
        says(
            &error.to_string(),
            &["the manifest of `test` is not a manifest", reason],
        );
    }
}

#[test]
fn unsigned_bundles_need_the_dangerous_name_and_intact_files() {
    let parts = || draft().seal(None).unwrap().into_parts("test");
    assert!(!verify(parts()));
    let bundle = UnverifiedBundle::from_parts(parts()).unwrap();
    assert!(!bundle.is_signed());
    let bundle = bundle
        .dangerous_without_signature(&expectation(), now())
        .unwrap();
    assert_eq!(bundle.contents().wasm(), WASM);
    for part in [0, 2, 3].map(|at| each_part()[at]) {
        for at in 0..part(&mut parts()).len() {
            let mut parts = parts();
            part(&mut parts)[at] ^= 0xff;
            let manifest = parts.manifest.clone();
            let bundle = UnverifiedBundle::from_parts(parts)
                .unwrap()
                .dangerous_without_signature(&expectation(), now());
            assert!(
                bundle.is_err(),
                "byte {at}: {:?}",
                Manifest::parse(&manifest)
            );
        }
    }
}
