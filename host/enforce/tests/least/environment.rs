//! What the environment asks for and this program was built without is refused, by the name of the feature.

use hexgate_enforce::resolve::{Environment, ResolveError, Resolver};

use crate::*;

fn resolve(variables: &[(&str, &str)]) -> Result<bool, ResolveError> {
    let environment: Environment = variables.iter().copied().collect();
    let resolved = Resolver::new(AGENT, &engine()).resolve(&environment)?;
    Ok(may_view(&resolved.live))
}

#[test]
fn a_signed_folder_is_found() {
    let root = tempfile::tempdir().unwrap();
    let (folder, public) = (root.path().join("bundle"), root.path().join("key.public"));
    write_bundle(&folder, OPEN, 1, Some(&key()));
    std::fs::write(&public, key().public_key().to_text()).unwrap();
    let (folder, public) = (folder.display().to_string(), public.display().to_string());
    let variables = [
        ("HEXGATE_LOCAL_POLICY", &*folder),
        ("HEXGATE_BUNDLE_PUBKEY_PATH", &public),
        // It comes first, whatever else is named.
        ("HEXGATE_POLICY", "oci://127.0.0.1:9/policies/support:1"),
        ("HEXGATE_API_KEY", "fty_live_acme_AA"),
    ];
    assert!(resolve(&variables).unwrap());
    let unsigned = resolve(&variables[..1]).unwrap_err().to_string();
    assert!(unsigned.contains("cannot be verified"), "{unsigned}");
}

#[test]
fn what_was_not_built_is_refused_by_name() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("policy.yaml");
    std::fs::write(&file, OPEN).unwrap();
    let file = file.display().to_string();
    for (feature, is_built, variable, value) in [
        (
            "compile",
            cfg!(feature = "compile"),
            "HEXGATE_LOCAL_POLICY",
            &*file,
        ),
        (
            "registry",
            cfg!(feature = "registry"),
            "HEXGATE_POLICY",
            "oci://registry.example.com/policies/support:1",
        ),
        (
            "platform",
            cfg!(feature = "platform"),
            "HEXGATE_API_KEY",
            "fty_live_acme_AA",
        ),
    ] {
        match (resolve(&[(variable, value)]), is_built) {
            (Err(error @ ResolveError::NotBuilt { .. }), false) => {
                let error = error.to_string();
                assert!(
                    error.contains(variable) && error.contains(&format!("`{feature}`")),
                    "{error}"
                );
            }
            (Err(ResolveError::NotBuilt { feature, .. }), true) => panic!("{feature} is there"),
            (Ok(_), true) => assert_eq!(feature, "compile"),
            (Err(error), true) => assert!(
                matches!(error, ResolveError::NoPublicKey | ResolveError::NoBundleKey),
                "{error}"
            ),
            (other, false) => panic!("{feature} is missing: {other:?}"),
        }
    }
    let error = resolve(&[("HEXGATE_POLICY", "policy.yaml")]).unwrap_err();
    assert!(error.to_string().contains("oci://"), "{error}");
}
