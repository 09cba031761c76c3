//! Tokens of ours in the Python packages, and theirs here.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hexgate_compiler::bundle::{PrivateKey, PublicKey};
use hexgate_enforce::token::{
    Attenuation, Envelope, RootKey, TokenError, TokenVerifier, attenuate, mint,
};
use hexgate_test_support::python::{self, interpreters};
use serde_json::{Value, json};

/// Runs the script; what it printed, or what it failed with.
fn run(python: &Path, arguments: &[&str], input: &str) -> Result<String, String> {
    let output = python::run(python, "python_token.py", arguments, input.as_bytes());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(text(&output.stderr))
    }
}

fn now() -> SystemTime {
    SystemTime::now()
}

#[test]
fn tokens_that_python_makes_say_here_who_calls() {
    for python in interpreters() {
        let minted = run(&python, &["mint", "live", "acme"], "").unwrap();
        let (public, project) = minted.split_once('\n').unwrap();
        let issuer =
            TokenVerifier::new([PublicKey::from_text(public).unwrap()], "live", "acme").unwrap();
        let narrow = |user: &str, role: &str, ttl: &str| {
            run(&python, &["attenuate", public, user, role, ttl], project).unwrap()
        };
        let verify = |text: &str, at| issuer.verify(&Envelope::parse(text).unwrap(), at);

        assert_eq!(
            verify(project, now()).unwrap_err(),
            TokenError::NoUser,
            "a project's token names nobody"
        );
        for (user, role) in [
            ("alice", "support"),
            ("größe 😀", ""),
            ("a\"); role(\"admin", "sup\\port"),
        ] {
            let token = verify(&narrow(user, role, ""), now()).unwrap();
            let roles: Vec<&str> = [role].into_iter().filter(|role| !role.is_empty()).collect();
            assert_eq!((token.user(), token.roles().len()), (user, roles.len()));
            assert!(token.roles().iter().eq(&roles));
        }
        // What that package pastes into a program becomes facts of its own. Here they are seen for what they are.
        let injected = narrow("x\");\nrole(\"admin\");\nnote(\"y", "support", "");
        let token = verify(&injected, now()).unwrap();
        assert_eq!(token.roles(), ["support"]);
        assert!(token.caller(None, BTreeMap::new()).is_err());

        let short = narrow("alice", "support", "3600");
        assert!(verify(&short, now()).is_ok());
        assert!(matches!(
            verify(&short, now() + Duration::from_secs(3601)),
            Err(TokenError::Expired { .. })
        ));
        let appended = |datalog: &str| run(&python, &["append", public, datalog], &short).unwrap();
        for datalog in ["role(\"admin\")", "user(\"root\")", "role($u) <- user($u)"] {
            assert!(
                matches!(
                    verify(&appended(datalog), now()),
                    Err(TokenError::SecondIdentity { block: 2, .. })
                ),
                "{datalog}"
            );
        }
        assert!(
            verify(
                &appended("check if time($t), $t < 2020-01-01T00:00:00Z"),
                now()
            )
            .is_err()
        );
        assert!(verify(&appended("check if true"), now()).is_ok());
        // We narrow what they made.
        let attenuation = Attenuation {
            user: "bob".into(),
            roles: vec!["support".into()],
            expires_at: None,
        };
        let ours = attenuate(&Envelope::parse(project).unwrap(), &issuer, &attenuation).unwrap();
        assert_eq!(verify(ours.expose(), now()).unwrap().user(), "bob");
        let other =
            TokenVerifier::new([PublicKey::from_text(public).unwrap()], "test", "acme").unwrap();
        assert!(matches!(
            other.verify(&ours, now()),
            Err(TokenError::Other { .. })
        ));
    }
}

#[test]
fn tokens_of_ours_are_verified_by_python() {
    let root = [21; 32];
    let public = PrivateKey::from_bytes(&root).public_key();
    let issuer = TokenVerifier::new([public.clone()], "live", "acme").unwrap();
    let project = mint(&RootKey::from_bytes(&root).unwrap(), "live", "acme").unwrap();
    let end = 1_900_000_000;
    let attenuation = Attenuation {
        user: "alice".into(),
        roles: vec!["support".into(), "größe".into()],
        expires_at: Some(UNIX_EPOCH + Duration::from_secs(end)),
    };
    let ours = attenuate(&project, &issuer, &attenuation).unwrap();
    let (key, other) = (
        public.to_text(),
        PrivateKey::from_bytes(&[22; 32]).public_key().to_text(),
    );
    for python in interpreters() {
        let facts = run(&python, &["facts", &key], ours.expose()).unwrap();
        let facts: Value = serde_json::from_str(&facts).unwrap();
        assert_eq!(
            facts,
            json!({
                "envelope": ["live", "acme"],
                "facts": {
                    "environment": ["live"], "project": ["acme"],
                    "user": ["alice"], "role": ["support", "größe"],
                },
            })
        );
        let authorize = |second: u64| {
            run(
                &python,
                &["authorize", &key, &second.to_string()],
                ours.expose(),
            )
        };
        assert_eq!(authorize(end - 1).unwrap(), "holds");
        assert!(authorize(end).unwrap_err().contains("check if time"));
        let forged = run(&python, &["facts", &other], ours.expose()).unwrap_err();
        assert!(forged.contains("TokenSignatureError"), "{forged}");
        // Ours are sealed, there too.
        let appended = run(&python, &["append", &key, "role(\"admin\")"], ours.expose());
        assert!(appended.unwrap_err().contains("sealed"));
        // Theirs narrows what we made for the project.
        let theirs = run(
            &python,
            &["attenuate", &key, "bob", "support", "60"],
            project.expose(),
        );
        let theirs = Envelope::parse(&theirs.unwrap()).unwrap();
        assert_eq!(issuer.verify(&theirs, now()).unwrap().user(), "bob");
    }
}
