//! What a user sees when a bundle is not as it should be, and the round trip.

use std::{fs, os::unix::fs::symlink, process::Command};

use hexgate_bundle::{
    Contents, Digest, Draft, MAX_MANIFEST_BYTES, MAX_WASM_BYTES, Parts, PrivateKey, TrustedKeys,
    UnverifiedBundle, VerifyError, write,
};

use crate::fixture::*;

#[test]
fn reads_back_what_was_written() {
    let fixture = Fixture::new();
    assert_eq!(
        names(&fixture.dir),
        [
            "policy.bundle.json",
            "policy.bundle.json.sig",
            "policy.rego",
            "policy.wasm",
            "policy.yaml"
        ]
    );
    let bundle = load(&fixture.dir).unwrap();
    let contents: &Contents = bundle.contents();
    assert_eq!(
        (contents.wasm(), contents.source(), contents.rego()),
        (WASM, Some(SOURCE), Some(&b""[..]))
    );
    assert_eq!(
        contents.manifest_bytes(),
        fs::read(fixture.file("bundle.json")).unwrap()
    );
    assert_eq!(
        bundle.signature().to_vec(),
        fs::read(fixture.file("bundle.json.sig")).unwrap()
    );
    assert_eq!(contents.wasm_hash(), Digest::of(WASM));
    let manifest = contents.manifest();
    assert_eq!(
        (
            manifest.version(),
            manifest.agent(),
            manifest.project(),
            manifest.sequence()
        ),
        (2, Some(AGENT), None, Some(7))
    );
    assert_eq!(
        (manifest.contract(), manifest.engine()),
        (Some("hexgate:policy@0.1.0"), Some("native"))
    );
    assert_eq!(
        (manifest.key_id(), bundle.key_id()),
        (Some(key().public_key().id()), key().public_key().id())
    );
}

#[test]
fn the_same_draft_gives_the_same_bytes() {
    let (first, second) = (
        draft().seal(Some(&key())).unwrap(),
        draft().seal(Some(&key())).unwrap(),
    );
    assert_eq!(first.files(), second.files());
}

#[test]
fn a_bundle_travels_as_parts() {
    let parts = draft()
        .seal(Some(&key()))
        .unwrap()
        .into_parts("https://policies.example/support-bot");
    let short = Parts {
        source: None,
        rego: None,
        ..parts.clone()
    };
    for parts in [parts.clone(), short] {
        let bundle = UnverifiedBundle::from_parts(parts)
            .unwrap()
            .verify(&trusted(), &expectation(), now())
            .unwrap();
        assert_eq!(bundle.contents().wasm(), WASM);
    }
    let changed = Parts {
        source: Some(b"other".to_vec()),
        ..parts.clone()
    };
    let error = UnverifiedBundle::from_parts(changed)
        .unwrap()
        .verify(&trusted(), &expectation(), now())
        .unwrap_err();
    says(
        &error.to_string(),
        &["the source of `https://policies.example/support-bot` was changed"],
    );
    let large = Parts {
        manifest: vec![b' '; MAX_MANIFEST_BYTES as usize + 1],
        ..parts
    };
    says(
        &UnverifiedBundle::from_parts(large).unwrap_err().to_string(),
        &["the manifest", "65536"],
    );
}

#[test]
fn the_folder_can_be_a_link_and_a_file_cannot() {
    let fixture = Fixture::new();
    let link = fixture.root.path().join("current");
    symlink(&fixture.dir, &link).unwrap();
    load(&link).unwrap();
    for ending in ["yaml", "rego", "wasm", "bundle.json", "bundle.json.sig"] {
        let fixture = Fixture::new();
        let (file, elsewhere) = (fixture.file(ending), fixture.root.path().join("elsewhere"));
        fs::rename(&file, &elsewhere).unwrap();
        symlink(&elsewhere, &file).unwrap();
        says(
            &fixture.refusal(),
            &[
                &format!("policy.{ending}` is a symbolic link"),
                "copy the file",
            ],
        );
    }
}

#[test]
fn says_which_file_is_missing() {
    for ending in ["yaml", "rego", "wasm"] {
        let fixture = Fixture::new();
        fs::remove_file(fixture.file(ending)).unwrap();
        says(
            &fixture.refusal(),
            &[&format!("policy.{ending}` is missing"), "again"],
        );
    }
    let fixture = Fixture::new();
    fs::remove_file(fixture.file("bundle.json.sig")).unwrap();
    says(&fixture.refusal(), &["is not signed"]);
    fs::remove_file(fixture.file("bundle.json")).unwrap();
    says(&fixture.refusal(), &["holds no `*.bundle.json`"]);
}

#[test]
fn says_what_was_named_instead_of_a_folder() {
    let fixture = Fixture::new();
    says(
        &load(&fixture.file("wasm")).unwrap_err(),
        &["is not a folder"],
    );
    says(
        &load(&fixture.root.path().join("no")).unwrap_err(),
        &["does not exist"],
    );
}

#[test]
fn refuses_a_second_manifest_whatever_it_is_called() {
    for name in ["other.bundle.json", ".bundle.json", ".hidden.bundle.json"] {
        let fixture = Fixture::new();
        fs::copy(fixture.file("bundle.json"), fixture.dir.join(name)).unwrap();
        says(
            &fixture.refusal(),
            &["several manifests", name, "`policy.bundle.json`"],
        );
        fs::remove_file(fixture.file("bundle.json")).unwrap();
        let refusal = fixture.refusal();
        says(
            &refusal,
            if name.starts_with('.') {
                &["bad name"]
            } else {
                &["is missing"]
            },
        );
    }
}

#[test]
fn a_file_that_is_no_part_of_the_bundle_is_never_read() {
    let fixture = Fixture::new();
    for name in [
        "README.md",
        "other.wasm",
        "other.bundle.json.sig",
        "policy.wasm.bak",
    ] {
        fs::write(fixture.dir.join(name), "x").unwrap();
    }
    assert_eq!(load(&fixture.dir).unwrap().contents().wasm(), WASM);
}

#[test]
fn a_pipe_or_a_folder_in_place_of_a_file_is_refused_at_once() {
    for ending in ["yaml", "wasm", "bundle.json", "bundle.json.sig"] {
        let fixture = Fixture::new();
        let file = fixture.file(ending);
        fs::remove_file(&file).unwrap();
        fs::create_dir(&file).unwrap();
        says(&fixture.refusal(), &["is not a regular file"]);
        fs::remove_dir(&file).unwrap();
        assert!(
            Command::new("mkfifo")
                .arg(&file)
                .status()
                .unwrap()
                .success()
        );
        says(&fixture.refusal(), &["is not a regular file"]);
    }
}

#[test]
fn each_file_has_a_largest_size() {
    for (ending, limit) in [
        ("bundle.json", MAX_MANIFEST_BYTES),
        ("wasm", MAX_WASM_BYTES),
        ("yaml", 16 << 20),
        ("rego", 16 << 20),
    ] {
        let fixture = Fixture::new();
        // Sparse: it takes no space.
        fs::OpenOptions::new()
            .write(true)
            .open(fixture.file(ending))
            .unwrap()
            .set_len(limit + 1)
            .unwrap();
        says(
            &fixture.refusal(),
            &[&format!("policy.{ending}` is larger than {limit} bytes")],
        );
    }
    let large = vec![0; MAX_WASM_BYTES as usize + 1];
    let error = Draft {
        wasm: &large,
        ..draft()
    }
    .seal(None)
    .unwrap_err();
    says(&error.to_string(), &["component", "67108864"]);
}

#[test]
fn the_wrong_key_is_named_with_the_remedy() {
    let fixture = Fixture::new();
    let other = PrivateKey::from_bytes(&[8; 32]).public_key();
    let read = || UnverifiedBundle::read(&fixture.dir).unwrap();
    let error = read()
        .verify(&other.clone().into(), &expectation(), now())
        .unwrap_err();
    says(
        &error.to_string(),
        &[
            "policy.bundle.json.sig",
            &other.id().to_string(),
            "trust the signer's public key",
        ],
    );
    let error = read()
        .verify(&TrustedKeys::new(), &expectation(), now())
        .unwrap_err();
    says(
        &error.to_string(),
        &["no key is trusted", "pass the public key"],
    );
    let both: TrustedKeys = [other.clone(), key().public_key(), other]
        .into_iter()
        .collect();
    assert_eq!(both.len(), 2);
    assert_eq!(
        read()
            .verify(&both, &expectation(), now())
            .unwrap()
            .key_id(),
        key().public_key().id()
    );
}

#[test]
fn a_manifest_that_names_another_key_than_its_signer_is_refused() {
    let other = PrivateKey::from_bytes(&[8; 32]);
    let fixture = Fixture::new();
    let parts = |private: &PrivateKey| draft().seal(Some(private)).unwrap().into_parts("x");
    // Signed again by a trusted key, byte for byte the manifest of the other one.
    let manifest = parts(&key()).manifest;
    let signature = {
        let dir = fixture.root.path().join("other");
        write(&dir, &draft(), Some(&other)).unwrap();
        resign(&manifest, [8; 32])
    };
    let forged = Parts {
        manifest,
        signature: Some(signature),
        ..parts(&other)
    };
    let both: TrustedKeys = [key().public_key(), other.public_key()]
        .into_iter()
        .collect();
    let error = UnverifiedBundle::from_parts(forged)
        .unwrap()
        .verify(&both, &expectation(), now())
        .unwrap_err();
    assert!(matches!(error, VerifyError::KeyId { .. }), "{error}");
}

/// A signature over any bytes, as a key holder with other software would make it.
pub(crate) fn resign(manifest: &[u8], seed: [u8; 32]) -> Vec<u8> {
    use ed25519_dalek::Signer;
    ed25519_dalek::SigningKey::from_bytes(&seed)
        .sign(manifest)
        .to_vec()
}
