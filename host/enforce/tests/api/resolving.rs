//! Where the policy comes from, and every cell of what must be signed.

use std::fs;
use std::path::Path;

use hexgate_compiler::bundle::SequenceStore;
use hexgate_enforce::Enforcer;
use hexgate_enforce::resolve::{Environment, Refused, ResolveError, Resolved, Resolver};
use tempfile::TempDir;

use crate::fixture::*;

fn resolve(variables: &[(&str, &str)]) -> Result<Resolved, ResolveError> {
    let environment: Environment = variables.iter().copied().collect();
    Resolver::new(AGENT, &engine()).resolve(&environment)
}

/// A folder with all that the table needs: bundles, sources, keys.
fn house() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    write_bundle(&at("unsigned"), BILLING, &release(1), None);
    write_bundle(&at("signed"), BILLING, &release(1), Some(&key(1)));
    write_bundle(&at("by-another"), BILLING, &release(1), Some(&key(2)));
    fs::write(at("policy.yaml"), BILLING).unwrap();
    for number in [1, 2] {
        fs::write(
            at(&format!("{number}.public")),
            key(number).public_key().to_text() + "\n",
        )
        .unwrap();
        use base64::Engine as _;
        let text = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode([number; 32]);
        fs::write(at(&format!("{number}.private")), text + "\n").unwrap();
    }
    root
}

#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum Cell {
    Verified,
    Unverified,
    Refused(Refused),
    BadSignature,
}
use Cell::{BadSignature, Unverified, Verified};

const UNSIGNED: Cell = Cell::Refused(Refused::Unsigned);
const NO_KEY: Cell = Cell::Refused(Refused::NoKey);
const SOURCE: Cell = Cell::Refused(Refused::Source);
const SELF_SIGNED: Cell = Cell::Refused(Refused::SelfSigned);

/// What is named, whether key 1 may sign, with which key a source is signed here, and what comes of it where a signature is
/// required, not said to be, and said not to be.
#[rustfmt::skip]
const CELLS: [(&str, bool, Option<u8>, [Cell; 3]); 12] = [
    ("unsigned",    false, None,    [UNSIGNED,     UNSIGNED,     Unverified]),
    ("unsigned",    true,  None,    [UNSIGNED,     UNSIGNED,     UNSIGNED]),
    ("signed",      false, None,    [NO_KEY,       NO_KEY,       Unverified]),
    ("signed",      true,  None,    [Verified,     Verified,     Verified]),
    ("by-another",  false, None,    [NO_KEY,       NO_KEY,       Unverified]),
    ("by-another",  true,  None,    [BadSignature, BadSignature, BadSignature]),
    ("policy.yaml", false, None,    [SOURCE,       Unverified,   Unverified]),
    ("policy.yaml", true,  None,    [SOURCE,       SOURCE,       SOURCE]),
    ("policy.yaml", false, Some(1), [SELF_SIGNED,  Unverified,   Unverified]),
    ("policy.yaml", true,  Some(1), [Verified,     Verified,     Verified]),
    ("policy.yaml", false, Some(2), [SELF_SIGNED,  Unverified,   Unverified]),
    ("policy.yaml", true,  Some(2), [BadSignature, BadSignature, BadSignature]),
];

#[test]
fn every_cell_of_the_signature_matrix() {
    let root = house();
    let at = |name: &str| root.path().join(name).display().to_string();
    for (name, has_key, signer, cells) in CELLS {
        for (require, expected) in [Some("true"), None, Some("false")].into_iter().zip(cells) {
            let (path, public) = (at(name), at("1.public"));
            let private = signer.map(|signer| at(&format!("{signer}.private")));
            let mut variables = vec![("HEXGATE_LOCAL_POLICY", path.as_str())];
            if has_key {
                variables.push(("HEXGATE_BUNDLE_PUBKEY_PATH", &public));
            }
            if let Some(private) = &private {
                variables.push(("HEXGATE_BUNDLE_SIGN_KEY_PATH", private));
            }
            if let Some(require) = require {
                variables.push(("HEXGATE_BUNDLE_REQUIRE_SIGNATURE", require));
            }
            let (found, notices) = match resolve(&variables) {
                Ok(resolved) => {
                    let enforcer = Enforcer::builder(AGENT, &resolved.live).build().unwrap();
                    assert!(enforcer.decide(&alice(), "view_order", "{}").is_allowed());
                    let id = resolved.live.id();
                    let cell = if id.signer.is_some() {
                        Verified
                    } else {
                        Unverified
                    };
                    (cell, resolved.notices)
                }
                Err(ResolveError::Untrusted { refused, .. }) => (Cell::Refused(refused), vec![]),
                Err(error) => {
                    assert!(error.to_string().contains("trusted key"), "{error}");
                    (BadSignature, vec![])
                }
            };
            assert_eq!(
                found, expected,
                "{name} key={has_key} signer={signer:?} require={require:?}"
            );
            match found {
                // A bundle without a place to remember its number can be followed by an older one; a source has no number.
                Verified => assert!(
                    notices[0].ends_with("signed)")
                        && notices.len() == if signer.is_some() { 1 } else { 2 }
                        && notices[1..]
                            .iter()
                            .all(|notice| { notice.contains("HEXGATE_BUNDLE_SEQUENCES_PATH") }),
                    "{notices:?}"
                ),
                Unverified => assert!(
                    notices.len() == 2
                        && notices[1].contains("no signature of this policy is checked"),
                    "{notices:?}"
                ),
                _ => {}
            }
        }
    }
}

#[test]
fn what_is_left_of_a_bundle_is_no_source_where_a_key_says_who_signs() {
    let root = house();
    let at = |name: &str| root.path().join(name).display().to_string();
    let (public, private) = (at("1.public"), at("1.private"));
    let names = ["bundle.json", "bundle.json.sig", "wasm", "rego"];
    for left in names.map(Some).into_iter().chain([None]) {
        let folder = root.path().join("left");
        let _ = fs::remove_dir_all(&folder);
        write_bundle(&folder, BILLING, &release(1), Some(&key(1)));
        // Whoever can write there wrote a policy of their own, and took away whatever else would have to fit.
        fs::write(
            folder.join("policy.yaml"),
            "tools: {view_order: {mode: allow}}",
        )
        .unwrap();
        for name in names.into_iter().filter(|name| Some(*name) != left) {
            fs::remove_file(folder.join(format!("policy.{name}"))).unwrap();
        }
        for policy in [at("left"), at("left/policy.yaml")] {
            for require in [None, Some("true"), Some("false")] {
                for signs in [false, true] {
                    let mut variables = vec![
                        ("HEXGATE_LOCAL_POLICY", policy.as_str()),
                        ("HEXGATE_BUNDLE_PUBKEY_PATH", &public),
                    ];
                    if signs {
                        variables.push(("HEXGATE_BUNDLE_SIGN_KEY_PATH", &private));
                    }
                    if let Some(require) = require {
                        variables.push(("HEXGATE_BUNDLE_REQUIRE_SIGNATURE", require));
                    }
                    let found = resolve(&variables);
                    // Nothing tells a YAML file alone from a source; it does not count unsigned, and here that is what was asked for.
                    if left.is_none() && signs {
                        assert!(found.unwrap().live.id().signer.is_some());
                        continue;
                    }
                    let error = found.unwrap_err().to_string();
                    assert!(
                        error.starts_with("HEXGATE_LOCAL_POLICY") || error.contains("missing"),
                        "{left:?} {policy} {require:?} {signs}: {error}"
                    );
                    if let Some(left) = left.filter(|left| *left != "bundle.json") {
                        let trace = format!("policy.{left}");
                        assert!(error.contains(&trace), "{error}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_bundle_whose_signature_is_empty_is_not_verified_and_not_unsigned() {
    let root = house();
    let at = |name: &str| root.path().join(name).display().to_string();
    let (policy, public) = (at("signed"), at("1.public"));
    fs::write(root.path().join("signed/policy.bundle.json.sig"), "").unwrap();
    for require in ["true", "false"] {
        let error = resolve(&[
            ("HEXGATE_LOCAL_POLICY", &policy),
            ("HEXGATE_BUNDLE_PUBKEY_PATH", &public),
            ("HEXGATE_BUNDLE_REQUIRE_SIGNATURE", require),
        ]);
        let error = error.unwrap_err().to_string();
        assert!(error.contains("0 bytes"), "{error}");
    }
    let error = resolve(&[
        ("HEXGATE_LOCAL_POLICY", &policy),
        ("HEXGATE_BUNDLE_REQUIRE_SIGNATURE", "true"),
    ]);
    assert!(matches!(
        error,
        Err(ResolveError::Untrusted {
            refused: Refused::NoKey,
            ..
        })
    ));
}

#[test]
fn a_file_remembers_which_bundles_were_admitted() {
    let root = house();
    let at = |name: &str| root.path().join(name).display().to_string();
    let (policy, public, sequences) = (at("signed"), at("1.public"), at("sequences"));
    let variables = [
        ("HEXGATE_LOCAL_POLICY", policy.as_str()),
        ("HEXGATE_BUNDLE_PUBKEY_PATH", &public),
        ("HEXGATE_BUNDLE_SEQUENCES_PATH", &sequences),
    ];
    assert_eq!(resolve(&variables).unwrap().notices.len(), 1);
    write_bundle(Path::new(&policy), BILLING, &release(0), Some(&key(1)));
    let error = resolve(&variables).unwrap_err().to_string();
    assert!(error.contains("no sequence number"), "{error}");
    write_bundle(Path::new(&policy), BILLING, &release(2), Some(&key(1)));
    assert!(resolve(&variables).is_ok());
    // A file in a folder that is gone says nothing of what was admitted.
    let absent = at("absent/sequences");
    let error = resolve(&[variables[0], variables[1], (variables[2].0, &absent)]);
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("absent/sequences") && error.contains("a folder that exists"),
        "{error}"
    );
    // What the program says and what the environment says are one thing, or an error.
    let environment: Environment = variables.into_iter().collect();
    let engine = engine();
    let by = |path: &str| {
        Resolver::new(AGENT, &engine)
            .sequences(SequenceStore::at(path))
            .resolve(&environment)
    };
    assert!(by(&sequences).is_ok());
    let error = by(&at("other")).unwrap_err().to_string();
    assert!(
        error.starts_with("HEXGATE_BUNDLE_SEQUENCES_PATH") && error.contains("other"),
        "{error}"
    );
}

#[test]
fn a_bundle_without_a_number_is_admitted_with_a_notice() {
    let root = house();
    let at = |name: &str| root.path().join(name).display().to_string();
    let (policy, public) = (at("signed"), at("1.public"));
    write_bundle(Path::new(&policy), BILLING, &release(0), Some(&key(1)));
    let resolved = resolve(&[
        ("HEXGATE_LOCAL_POLICY", &policy),
        ("HEXGATE_BUNDLE_PUBKEY_PATH", &public),
    ]);
    let notices = resolved.unwrap().notices;
    assert!(
        notices.len() == 2 && notices[1].contains("no sequence number"),
        "{notices:?}"
    );
}

#[test]
fn a_local_policy_comes_before_the_platform_and_nothing_is_an_error() {
    let root = house();
    let path = root.path().join("policy.yaml").display().to_string();
    let key = "fty_live_acme_AAAA";
    let resolved = resolve(&[("HEXGATE_LOCAL_POLICY", &path), ("HEXGATE_API_KEY", key)]).unwrap();
    assert_eq!(resolved.live.id().origin, path);
    for variables in [
        vec![],
        vec![("HEXGATE_LOCAL_MODE", "1")],
        vec![("HEXGATE_LOCAL_MODE", "1"), ("HEXGATE_API_KEY", key)],
    ] {
        assert!(
            matches!(resolve(&variables), Err(ResolveError::NoPolicy { .. })),
            "{variables:?}"
        );
    }
    // Nothing that the platform sends could be verified.
    assert!(matches!(
        resolve(&[("HEXGATE_API_KEY", key)]),
        Err(ResolveError::NoPublicKey)
    ));
    assert!(matches!(
        resolve(&[
            ("HEXGATE_LOCAL_POLICY", &path),
            ("HEXGATE_BUNDLE_REQUIRE_SIGNATURE", "enabled")
        ]),
        Err(ResolveError::Settings(_))
    ));
}

#[test]
fn a_path_that_is_no_policy_is_an_error() {
    let root = house();
    let write = |name: &str, text: &str| {
        let path = root.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let refused = |path: &Path| {
        let path = path.display().to_string();
        resolve(&[
            ("HEXGATE_LOCAL_POLICY", &path),
            ("HEXGATE_BUNDLE_REQUIRE_SIGNATURE", "false"),
        ])
        .unwrap_err()
        .to_string()
    };
    assert!(refused(Path::new("/does/not/exist.yaml")).contains("cannot be read"));
    assert!(refused(&write("policy.txt", BILLING)).contains("neither a policy nor a bundle"));
    assert!(refused(&write("broken.yaml", "tools: [")).contains("is refused"));
    fs::create_dir(root.path().join("empty")).unwrap();
    assert!(refused(&root.path().join("empty")).contains("is refused"));
}

#[test]
fn a_key_that_cannot_be_used_is_named() {
    let root = house();
    let at = |name: &str| root.path().join(name).display().to_string();
    fs::write(root.path().join("hex.public"), "ab".repeat(32)).unwrap();
    fs::write(root.path().join("empty.public"), "").unwrap();
    for (variable, file) in [
        ("HEXGATE_BUNDLE_PUBKEY_PATH", "hex.public"),
        ("HEXGATE_BUNDLE_PUBKEY_PATH", "empty.public"),
        ("HEXGATE_BUNDLE_PUBKEY_PATH", "1.private"),
        ("HEXGATE_BUNDLE_PUBKEY_PATH", "missing.public"),
        ("HEXGATE_BUNDLE_SIGN_KEY_PATH", "1.public"),
    ] {
        let (policy, public, file) = (at("policy.yaml"), at("1.public"), at(file));
        let mut variables = vec![("HEXGATE_LOCAL_POLICY", policy.as_str()), (variable, &file)];
        if variable.ends_with("SIGN_KEY_PATH") {
            variables.push(("HEXGATE_BUNDLE_PUBKEY_PATH", &public));
        }
        let error = resolve(&variables).unwrap_err().to_string();
        assert!(error.starts_with(variable), "{error}");
    }
    // Two keys, of which one signed.
    let two = format!("{}:{}", at("2.public"), at("1.public"));
    let signed = at("signed");
    let resolved = resolve(&[
        ("HEXGATE_LOCAL_POLICY", &signed),
        ("HEXGATE_BUNDLE_PUBKEY_PATH", &two),
    ]);
    assert!(resolved.is_ok());
}
