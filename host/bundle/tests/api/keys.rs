//! Key files.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
};

use hexgate_bundle::{GenerateError, PrivateKey, PublicKey, TrustedKeys, generate};

use crate::{child, fixture::*};

#[test]
fn makes_a_pair_that_fits() {
    let root = tempfile::tempdir().unwrap();
    let pair = generate(root.path().join("release"), false).unwrap();
    assert_eq!(names(root.path()), ["release.private", "release.public"]);
    let loaded = PrivateKey::from_file(&pair.private).unwrap();
    let public = PublicKey::from_file(&pair.public).unwrap();
    assert_eq!(
        (loaded.warning, loaded.key.public_key(), public.id()),
        (None, public.clone(), pair.id)
    );
    let text = fs::read_to_string(&pair.public).unwrap();
    assert_eq!(
        (text.len(), text.as_str()),
        (44, format!("{}\n", public.to_text()).as_str())
    );
    assert_eq!(fs::metadata(&pair.private).unwrap().mode() & 0o7777, 0o600);
}

#[test]
fn no_umask_opens_a_private_key() {
    for (umask, public_mode) in [("000", 0o644), ("022", 0o644), ("077", 0o600)] {
        let root = tempfile::tempdir().unwrap();
        for round in ["new", "forced"] {
            let output = child::with_shell(&format!("umask {umask}"), "generate", root.path())
                .output()
                .unwrap();
            assert!(output.status.success(), "{round}: {output:?}");
            let mode = |name: &str| fs::metadata(root.path().join(name)).unwrap().mode() & 0o7777;
            assert_eq!(
                (mode("key.private"), mode("key.public")),
                (0o600, public_mode),
                "{umask} {round}"
            );
        }
    }
}

#[test]
fn an_existing_key_is_replaced_only_by_force_and_then_both_are() {
    let root = tempfile::tempdir().unwrap();
    let prefix = root.path().join("k");
    let first = generate(&prefix, false).unwrap();
    let before = (
        fs::read(&first.private).unwrap(),
        fs::read(&first.public).unwrap(),
    );
    let error = generate(&prefix, false).unwrap_err();
    assert!(matches!(error, GenerateError::Exists { .. }));
    says(&error.to_string(), &["k.private` exists", "force"]);
    assert_eq!(
        (
            fs::read(&first.private).unwrap(),
            fs::read(&first.public).unwrap()
        ),
        before
    );
    // One half is enough to refuse, and the other half is not made.
    fs::remove_file(&first.private).unwrap();
    says(
        &generate(&prefix, false).unwrap_err().to_string(),
        &["k.public` exists"],
    );
    assert_eq!(names(root.path()), ["k.public"]);

    // An old file with open permissions does not hand them on.
    fs::write(&first.private, "old").unwrap();
    fs::set_permissions(&first.private, fs::Permissions::from_mode(0o666)).unwrap();
    let second = generate(&prefix, true).unwrap();
    assert_ne!(second.id, first.id);
    let loaded = PrivateKey::from_file(&second.private).unwrap();
    assert_eq!(
        (loaded.key.public_key().id(), loaded.warning),
        (second.id, None)
    );
    assert_eq!(
        PublicKey::from_file(&second.public).unwrap().id(),
        second.id
    );
    assert_eq!(names(root.path()), ["k.private", "k.public"]);
}

#[test]
fn force_replaces_a_link_and_not_what_it_points_to() {
    let root = tempfile::tempdir().unwrap();
    let victim = root.path().join("victim");
    fs::write(&victim, "untouched").unwrap();
    symlink(&victim, root.path().join("k.private")).unwrap();
    says(
        &generate(root.path().join("k"), false)
            .unwrap_err()
            .to_string(),
        &["k.private` exists"],
    );
    generate(root.path().join("k"), true).unwrap();
    assert_eq!(fs::read_to_string(&victim).unwrap(), "untouched");
    assert!(
        fs::symlink_metadata(root.path().join("k.private"))
            .unwrap()
            .is_file()
    );
}

#[test]
fn both_or_neither() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("k.public")).unwrap();
    for force in [false, true] {
        says(
            &generate(root.path().join("k"), force)
                .unwrap_err()
                .to_string(),
            &["k.public` is a directory"],
        );
        assert_eq!(names(root.path()), ["k.public"]);
    }
    fs::write(root.path().join("file"), "").unwrap();
    says(
        &generate(root.path().join("file/k"), false)
            .unwrap_err()
            .to_string(),
        &["no key was made"],
    );
    for prefix in ["/", "..", "keys/"] {
        says(
            &generate(prefix, false).unwrap_err().to_string(),
            &["pass a prefix such as"],
        );
    }
}

#[test]
fn a_private_key_that_others_can_read_is_used_with_a_warning() {
    let root = tempfile::tempdir().unwrap();
    let pair = generate(root.path().join("k"), false).unwrap();
    for (mode, warns) in [
        (0o600, false),
        (0o400, false),
        (0o640, true),
        (0o604, true),
        (0o620, true),
    ] {
        fs::set_permissions(&pair.private, fs::Permissions::from_mode(mode)).unwrap();
        let warning = PrivateKey::from_file(&pair.private).unwrap().warning;
        assert_eq!(warning.is_some(), warns, "{mode:o}");
        if let Some(warning) = warning {
            says(
                &warning.to_string(),
                &["k.private", &format!("mode {mode:04o}"), "chmod 600"],
            );
        }
    }
}

#[test]
fn says_what_is_wrong_with_a_key_file() {
    let root = tempfile::tempdir().unwrap();
    let pair = generate(root.path().join("k"), false).unwrap();
    let good = fs::read_to_string(&pair.public).unwrap();
    let file = root.path().join("file");
    for (content, reason) in [
        (String::new(), "it is empty"),
        ("\n".to_owned(), "it is empty"),
        ("!!!!".to_owned(), "too short"),
        (format!("{}=\n", good.trim_end()), "padding"),
        (format!(" {good}"), "white space"),
        (format!("{good}\n"), "white space"),
        (
            format!("!{}", &good[1..]),
            "a character that base64url does not have",
        ),
        (good.repeat(2), "white space"),
        ("-----BEGIN PUBLIC KEY-----\n".to_owned(), "PEM"),
        ("A".repeat(5000), "far too long"),
    ] {
        fs::write(&file, &content).unwrap();
        for message in [
            PublicKey::from_file(&file).unwrap_err().to_string(),
            PrivateKey::from_file(&file).unwrap_err().to_string(),
        ] {
            says(&message, &[&file.display().to_string(), reason, "keygen"]);
            assert!(
                content.trim().len() < 4 || !message.contains(content.trim()),
                "{message}"
            );
        }
    }
    for accepted in [good.trim_end().to_owned(), good.replace('\n', "\r\n")] {
        fs::write(&file, accepted).unwrap();
        assert_eq!(PublicKey::from_file(&file).unwrap().id(), pair.id);
    }
    fs::write(&file, "A".repeat(43)).unwrap();
    says(
        &TrustedKeys::from_file(&file).unwrap_err().to_string(),
        &["small order"],
    );
    says(
        &TrustedKeys::from_file(root.path()).unwrap_err().to_string(),
        &["is a directory"],
    );
    says(
        &TrustedKeys::from_file(root.path().join("no"))
            .unwrap_err()
            .to_string(),
        &["cannot read the key file"],
    );
}

#[test]
fn the_two_kinds_are_not_mistaken_for_each_other() {
    let root = tempfile::tempdir().unwrap();
    let pair = generate(root.path().join("k"), false).unwrap();
    says(
        &PrivateKey::from_file(&pair.public).unwrap_err().to_string(),
        &["is a public key by its name", "pass `", "k.private`"],
    );
    says(
        &PublicKey::from_file(&pair.private).unwrap_err().to_string(),
        &["is a private key by its name", "k.public`"],
    );
}

#[test]
fn a_set_with_one_bad_key_is_not_made() {
    let root = tempfile::tempdir().unwrap();
    let pair = generate(root.path().join("k"), false).unwrap();
    let bad = root.path().join("bad");
    fs::write(&bad, "x").unwrap();
    assert!(TrustedKeys::from_files([&pair.public, &bad]).is_err());
    assert_eq!(
        TrustedKeys::from_files([&pair.public, &pair.public])
            .unwrap()
            .ids()
            .collect::<Vec<_>>(),
        [pair.id]
    );
}

#[test]
fn a_key_that_cannot_be_written_is_called_by_its_own_name() {
    if !std::path::Path::new("/proc/self").exists() {
        return;
    }
    assert_eq!(
        generate("/proc/self/k", false).unwrap_err().to_string(),
        "cannot write `/proc/self/k.private`: No such file or directory (os error 2); no key was made"
    );
}
