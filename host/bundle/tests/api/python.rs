//! Bundles of ours in the Python package, and its bundles here.

use std::{fs, path::Path};

use hexgate_bundle::{Digest, Draft, TrustedKeys, UnverifiedBundle, generate, write};
use hexgate_test_support::python::{self, interpreters};

use crate::fixture::*;

/// Runs the script; returns whether it succeeded, and what it said.
fn run(python: &Path, arguments: &[&Path], input: &[u8]) -> (bool, String) {
    let output = python::run(python, "python_bundle.py", arguments, input);
    (
        output.status.success(),
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned(),
    )
}

#[test]
fn python_verifies_our_bundles_and_refuses_them_changed() {
    for python in interpreters() {
        let root = tempfile::tempdir().unwrap();
        let pair = generate(root.path().join("k"), false).unwrap();
        let private = hexgate_bundle::PrivateKey::from_file(&pair.private)
            .unwrap()
            .key;
        for (name, rego) in [("with", "package policy\n# größe\n"), ("without", "")] {
            let dir = root.path().join(name);
            write(&dir, &Draft { rego, ..draft() }, Some(&private)).unwrap();
            let verify = || run(&python, &[Path::new("verify"), &dir, &pair.public], b"");
            let (verified, text) = verify();
            assert!(verified && text.trim() == "verified", "{text}");
            for ending in ["wasm", "bundle.json", "bundle.json.sig", "yaml"] {
                let file = dir.join(format!("{STEM}.{ending}"));
                let good = fs::read(&file).unwrap();
                let mut bad = good.clone();
                bad[4] ^= 1;
                fs::write(&file, bad).unwrap();
                assert!(!verify().0, "{ending}");
                fs::write(&file, good).unwrap();
            }
        }
        let other = generate(root.path().join("other"), false).unwrap();
        let (verified, text) = run(
            &python,
            &[
                Path::new("verify"),
                &root.path().join("with"),
                &other.public,
            ],
            b"",
        );
        assert!(!verified && text.contains("BundleSignatureError"), "{text}");
    }
}

#[test]
fn we_verify_the_bundles_of_python() {
    for python in interpreters() {
        let root = tempfile::tempdir().unwrap();
        let (dir, prefix, wasm) = (
            root.path().join("bundle"),
            root.path().join("k"),
            root.path().join("module.wasm"),
        );
        fs::write(&wasm, WASM).unwrap();
        let (built, text) = run(&python, &[Path::new("build"), &dir, &prefix, &wasm], SOURCE);
        assert!(built, "{text}");
        let keys = TrustedKeys::from_file(root.path().join("k.public")).unwrap();
        let open = expectation().dangerous_accept_unbound();
        let bundle = UnverifiedBundle::read(&dir)
            .unwrap()
            .verify(&keys, &open, now())
            .unwrap();
        let contents = bundle.contents();
        assert_eq!(
            (
                contents.manifest().version(),
                contents.wasm(),
                contents.source()
            ),
            (1, WASM, Some(SOURCE))
        );
        assert!(!contents.rego().unwrap().is_empty());
        assert_eq!(
            contents.manifest().rego_hash(),
            Digest::of(contents.rego().unwrap())
        );
        // The private key that Python wrote signs here.
        let loaded = hexgate_bundle::PrivateKey::from_file(root.path().join("k.private")).unwrap();
        assert_eq!(
            keys.ids().collect::<Vec<_>>(),
            [loaded.key.public_key().id()]
        );

        assert!(
            UnverifiedBundle::read(&dir)
                .unwrap()
                .verify(&keys, &expectation(), now())
                .is_err()
        );
        let manifest = dir.join("policy.bundle.json");
        let text = fs::read_to_string(&manifest).unwrap();
        fs::write(&manifest, text.replace("\"version\": 1", "\"version\":  1")).unwrap();
        assert!(
            UnverifiedBundle::read(&dir)
                .unwrap()
                .verify(&keys, &open, now())
                .is_err()
        );
    }
}
