//! Registries that would like to know credentials, or to have them read on the way.

use super::liar::{Answer, Liar, MANIFEST, fixture, honest, pull, pull_as, wasm};
use super::run;

const USER: [(&str, &str); 2] = [
    ("HEXGATE_REGISTRY_USERNAME", "ci"),
    ("HEXGATE_REGISTRY_PASSWORD", "hunter2"),
];
/// `ci:hunter2`.
const BASIC: &str = "Basic Y2k6aHVudGVyMg==";

fn challenge(realm: &str) -> Answer {
    let value = format!("Bearer realm=\"{realm}\",service=\"r\"");
    Answer::With(401, "WWW-Authenticate", value)
}

fn token(text: &str) -> Answer {
    Answer::Bytes(format!("{{\"token\": \"{text}\"}}").into_bytes())
}

#[test]
fn credentials_go_to_no_other_place_without_tls() {
    let fixture = fixture();
    let (liar, _) = honest(&fixture);
    let other = Liar::start();
    other.put("/token", token("t"));
    let elsewhere = format!("http://{}/token", other.address);
    for (realm, said) in [
        (elsewhere.as_str(), "without TLS"),
        (
            &elsewhere.replace("http://", "http://ci:x@"),
            "a password in it",
        ),
        ("http://127.0.0.1:1/token", "without TLS"),
        ("ftp://127.0.0.1/token", "not on the web"),
        ("/token", "no address"),
        ("", "no address"),
    ] {
        liar.put("/v2/", challenge(realm));
        for command in ["pull", "push"] {
            let shown = match command {
                "pull" => pull_as(&fixture, &liar, ":7", "", &USER),
                _ => {
                    let to = format!("{}/policies/support:7", liar.address);
                    let push = format!("push dist {to} --pubkey release.public --plain-http");
                    run(&fixture, &push, &USER)
                }
            };
            assert!(
                shown.starts_with("exit 2\n") && shown.contains(said) && shown.contains(realm),
                "{command} {realm}: {shown}"
            );
            assert!(!shown.contains("hunter2"), "{shown}");
        }
        // The way there is asked for without credentials, and nothing else is.
        for (request, authorization) in liar.seen() {
            assert_eq!((request.as_str(), authorization.as_str()), ("GET /v2/", ""));
        }
    }
    assert_eq!(other.seen(), []);
    // Who has no credentials has none to lose.
    liar.put("/v2/", challenge(&elsewhere));
    assert!(pull(&fixture, &liar, ":7", "").starts_with("exit 0\n"));
    let asked = other.seen();
    assert!(
        asked.len() == 1 && asked[0].0.contains("scope=repository") && asked[0].1.is_empty(),
        "{asked:?}"
    );
}

#[test]
fn a_token_is_got_from_the_registry_itself_and_shown_to_it_alone() {
    let fixture = fixture();
    let (liar, manifest) = honest(&fixture);
    let other = Liar::start();
    liar.put("/v2/", challenge(&format!("http://{}/token", liar.address)));
    liar.put("/token", token("t-1"));
    let shown = pull_as(&fixture, &liar, ":7", "", &USER);
    assert!(shown.starts_with("exit 0\n"), "{shown}");
    let seen = liar.seen();
    for (request, authorization) in &seen {
        let expected = match request.as_str() {
            "GET /v2/" => "",
            _ if request.starts_with("GET /token?") => BASIC,
            _ => "Bearer t-1",
        };
        assert_eq!(authorization, expected, "{request}");
    }
    assert!(seen.len() > 5, "{seen:?}");

    // Whoever is sent elsewhere goes without credentials: for a token, a manifest, a file.
    let elsewhere = |path: &str| Answer::Redirect(format!("http://{}{path}", other.address));
    other.put("/token", token("t-2"));
    liar.put("/token", elsewhere("/token"));
    other.put(MANIFEST, Answer::Bytes(manifest.to_string().into_bytes()));
    liar.put(MANIFEST, elsewhere(MANIFEST));
    let component = std::fs::read(fixture.path("dist/policy.wasm")).unwrap();
    other.put("/file", Answer::Bytes(component));
    liar.put_blob(&wasm(&manifest), elsewhere("/file"));
    let shown = pull_as(&fixture, &liar, ":7", "", &USER);
    assert!(shown.starts_with("exit 0\n"), "{shown}");
    let asked = other.seen();
    assert_eq!(asked.len(), 3, "{asked:?}");
    for (request, authorization) in asked {
        assert_eq!(authorization, "", "{request}");
    }
}

#[test]
fn other_ways_of_asking_lead_to_the_registry_itself() {
    let fixture = fixture();
    let (liar, _) = honest(&fixture);
    for scheme in [
        "Basic realm=\"r\"",
        "Negotiate",
        "Bearer service=\"r\"",
        "=",
    ] {
        liar.put(
            "/v2/",
            Answer::With(401, "WWW-Authenticate", scheme.to_owned()),
        );
        assert!(pull_as(&fixture, &liar, ":7", "", &USER).starts_with("exit 0\n"));
        for (request, authorization) in liar.seen() {
            let expected = if request == "GET /v2/" { "" } else { BASIC };
            assert_eq!(authorization, expected, "{scheme}: {request}");
        }
    }
    // A token of the registry's is shown to it as it is, and nobody is asked for another.
    let variables = [("HEXGATE_REGISTRY_TOKEN", "t-3")];
    liar.put("/v2/", challenge("http://127.0.0.1:1/token"));
    assert!(pull_as(&fixture, &liar, ":7", "", &variables).starts_with("exit 0\n"));
    for (request, authorization) in liar.seen() {
        assert_eq!(authorization, "Bearer t-3", "{request}");
    }
}

#[test]
fn files_are_pushed_elsewhere_without_credentials() {
    let fixture = fixture();
    let (liar, other) = (Liar::start(), Liar::start());
    liar.put(
        "/v2/policies/support/blobs/uploads/",
        Answer::With(
            202,
            "Location",
            format!("http://{}/upload?state=x", other.address),
        ),
    );
    other.put("/upload", Answer::Status(201));
    let to = format!("{}/policies/support:7", liar.address);
    let push = format!("push dist {to} --pubkey release.public --plain-http");
    let shown = run(&fixture, &push, &USER);
    // There is no place for the manifest.
    assert!(
        shown.starts_with("exit 2\n") && shown.contains("does not exist"),
        "{shown}"
    );
    let asked = other.seen();
    assert!(!asked.is_empty());
    for (request, authorization) in asked {
        assert!(
            request.starts_with("PUT /upload?state=x&digest=sha256%3A"),
            "{request}"
        );
        assert_eq!(authorization, "");
    }
    assert!(
        liar.seen()
            .iter()
            .all(|(request, authorization)| request == "GET /v2/" || authorization == BASIC)
    );
}

#[test]
fn a_registry_on_this_machine_is_not_reached_through_a_proxy() {
    let fixture = fixture();
    let (liar, _) = honest(&fixture);
    let proxy = Liar::start();
    let address = format!("http://{}", proxy.address);
    let mut variables = USER.to_vec();
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        variables.push((name, &address));
    }
    let shown = pull_as(&fixture, &liar, ":7", "", &variables);
    assert!(shown.starts_with("exit 0\n"), "{shown}");
    assert_eq!(proxy.seen(), []);
}

#[test]
fn what_a_registry_says_is_bounded_and_not_repeated() {
    let fixture = fixture();
    let (liar, _) = honest(&fixture);
    liar.put("/v2/", challenge(&format!("http://{}/token", liar.address)));
    let echo = format!(
        "{{\"errors\": [{{\"code\": \"DENIED\"}}, {{\"code\": \"{BASIC}\"}}], \"details\": \"{BASIC}\"}}"
    );
    for (answer, said) in [
        (Answer::Endless, "more than 65536 bytes"),
        (Answer::Bytes(b"{}".to_vec()), "has none"),
        (Answer::Bytes(b"<html>".to_vec()), "has none"),
        (token("two\\nlines"), "failed"),
        (Answer::Status(500), "no token: status 500"),
        (
            Answer::Failing(403, echo.clone().into_bytes()),
            "status 403 DENIED)",
        ),
    ] {
        liar.put("/token", answer);
        let shown = pull_as(&fixture, &liar, ":7", "--timeout 20", &USER);
        assert!(
            shown.starts_with("exit 2\n") && shown.contains(said),
            "{said}: {shown}"
        );
        assert!(!shown.contains("Y2k6"), "{shown}");
    }
    liar.put("/token", token("t"));
    for (answer, said) in [
        (Answer::Failing(500, echo.into_bytes()), "status 500 DENIED"),
        (Answer::Failing(500, vec![b' '; 1 << 20]), "status 500"),
    ] {
        liar.put(MANIFEST, answer);
        let shown = pull_as(&fixture, &liar, ":7", "--timeout 20", &USER);
        assert!(
            shown.starts_with("exit 2\n") && shown.contains(said),
            "{said}: {shown}"
        );
        assert!(!shown.contains("Y2k6"), "{shown}");
    }
}
