//! Attacks by tokens of an issuer, and by the issuer's absence.

use std::time::Duration;

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hexgate_base::Clock;
use hexgate_mcp::identity::{Identity, IdentityError};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use crate::issuer::{Hands, IssuerServer, NOW, SigningKey, claims, identity, set, signed, token};

async fn refused(identity: &Identity, token: &str, why: &str) {
    let error = identity.caller(Some(token)).await.expect_err(why);
    let said = error.to_string();
    assert!(said.contains(why), "`{said}` does not say `{why}`");
    for part in token.split('.').filter(|part| part.len() > 8) {
        assert!(!said.contains(part), "the error shows the token: {said}");
    }
}

async fn passes(identity: &Identity, token: &str) -> String {
    let caller = identity.caller(Some(token)).await.unwrap();
    format!("{} {:?}", caller.user_id(), caller.roles())
}

#[tokio::test]
async fn tokens_of_each_kind_of_key_name_their_caller() {
    let keys = [
        SigningKey::es256("e"),
        SigningKey::rs256("r"),
        SigningKey::ed25519("d"),
    ];
    let issuer = IssuerServer::start(&keys.each_ref()).await;
    let clock = Hands::new();
    let identity = issuer.identity(json!({"roles": {"claim": "roles"}}), &clock);
    for key in &keys {
        let token = token(
            key,
            &claims(json!({"roles": ["support", "admin", "support"]})),
        );
        assert_eq!(
            passes(&identity, &token).await,
            r#"alice ["support", "admin"]"#
        );
        let caller = identity.caller(Some(&token)).await.unwrap();
        // The token and the leeway.
        let end = caller
            .expires_at()
            .unwrap()
            .duration_since(clock.now())
            .unwrap();
        assert_eq!(end, Duration::from_secs(90));
    }
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test]
async fn an_algorithm_is_the_configurations_choice() {
    let (ec, rsa) = (SigningKey::es256("e"), SigningKey::rs256("r"));
    let issuer = IssuerServer::start(&[&ec, &rsa]).await;
    let identity = issuer.identity(json!({"algorithms": ["ES256"]}), &Hands::new());
    let good = claims(json!({}));
    passes(&identity, &token(&ec, &good)).await;
    // One that the issuer uses, and this gateway was not told of.
    refused(&identity, &token(&rsa, &good), "algorithm").await;

    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    for name in [
        "none", "None", "NONE", "nOnE", "HS256", "HS384", "HS512", "", "es256",
    ] {
        for signature in ["", "AAAA", "none"] {
            let token = format!(
                "{}.{}.{signature}",
                part(&json!({"alg": name, "kid": "e"})),
                part(&good)
            );
            refused(&identity, &token, "algorithm").await;
        }
    }
    for header in [
        json!({"kid": "e"}),
        json!({"alg": null}),
        json!({"alg": ["ES256"]}),
        json!({"alg": 1}),
    ] {
        let token = format!("{}.{}.AAAA", part(&header), part(&good));
        refused(&identity, &token, "algorithm").await;
    }
    // The public key as a secret, in each form that it is published in.
    let jwk = rsa.jwk["n"].as_str().unwrap();
    for secret in [
        jwk.as_bytes().to_vec(),
        URL_SAFE_NO_PAD.decode(jwk).unwrap(),
        rsa.jwk.to_string().into_bytes(),
    ] {
        let forged = SigningKey {
            key: EncodingKey::from_secret(&secret).unwrap(),
            algorithm: Algorithm::HS256,
            jwk: json!({"kid": "r"}),
        };
        for identity in [&identity, &issuer.identity(json!({}), &Hands::new())] {
            refused(identity, &token(&forged, &good), "algorithm").await;
        }
    }
    // A header that says one algorithm, and a signature of another key's.
    let confused = signed(&json!({"alg": "ES256", "kid": "r"}), &good.to_string(), &ec);
    refused(&identity, &confused, "no key of its `kid`").await;
}

#[tokio::test]
async fn no_algorithm_with_a_secret_can_be_configured() {
    let issuer = IssuerServer::start(&[]).await;
    for name in ["HS256", "none", "HS512", "RSA1_5"] {
        let error = identity(
            json!({"issuers": [issuer.config(json!({"algorithms": [name]}))]}),
            &Hands::new(),
        )
        .unwrap_err();
        assert!(error.contains("unknown variant"), "{error}");
    }
    // Nor is a published secret a key.
    let secret = json!({"keys": [{"kty": "oct", "k": "AAAA", "kid": "s"}]}).to_string();
    issuer.answer(StatusCode::OK, secret);
    let identity = issuer.identity(json!({}), &Hands::new());
    refused(
        &identity,
        &token(&SigningKey::es256("s"), &claims(json!({}))),
        "no key of its `kid`",
    )
    .await;
}

#[tokio::test]
async fn issuer_audience_and_times_hold() {
    let key = SigningKey::es256("e");
    let issuer = IssuerServer::start(&[&key]).await;
    let identity = issuer.identity(json!({}), &Hands::new());
    for more in [
        json!({"aud": ["other", "gateway"]}),
        json!({"exp": NOW - 29}),
        json!({"exp": NOW as f64 + 0.5}),
        json!({"nbf": NOW + 30, "iat": NOW + 30}),
        json!({"nbf": 0}),
    ] {
        assert_eq!(
            passes(&identity, &token(&key, &claims(more))).await,
            "alice []"
        );
    }
    for (more, why) in [
        (
            json!({"iss": "https://login.example/"}),
            "no issuer that this gateway knows",
        ),
        (
            json!({"iss": "https://LOGIN.example"}),
            "no issuer that this gateway knows",
        ),
        (
            json!({"iss": ["https://login.example"]}),
            "no issuer that this gateway knows",
        ),
        (json!({"iss": null}), "no issuer that this gateway knows"),
        (json!({"aud": "Gateway"}), "another audience"),
        (json!({"aud": "gateway.evil"}), "another audience"),
        (json!({"aud": ["other"]}), "another audience"),
        (json!({"aud": []}), "another audience"),
        (json!({"aud": null}), "lacks"),
        (json!({"aud": 5}), "lacks"),
        (json!({"aud": {"gateway": 1}}), "lacks"),
        (json!({"exp": null}), "lacks"),
        (json!({"exp": NOW - 30}), "expired"),
        (json!({"exp": 0}), "expired"),
        (json!({"exp": "1900000000"}), "lacks"),
        (json!({"exp": -5}), "lacks"),
        (json!({"exp": 1e300}), "lacks"),
        (json!({"nbf": NOW + 31}), "`nbf` is in the future"),
        (json!({"iat": NOW + 31}), "`iat` is in the future"),
        (json!({"nbf": "0"}), "`nbf` is not a time"),
        (json!({"sub": null}), "no claim `sub`"),
        (json!({"sub": 7}), "not a text"),
        (json!({"sub": ""}), "is empty"),
        (json!({"sub": "jose\u{301}"}), "NFKC"),
        (json!({"sub": "a\nb"}), "control character"),
        (json!({"sub": "x".repeat(257)}), "too long"),
    ] {
        refused(&identity, &token(&key, &claims(more)), why).await;
    }
}

#[tokio::test]
async fn a_signature_covers_every_byte() {
    let (key, other) = (SigningKey::es256("e"), SigningKey::es256("e"));
    let issuer = IssuerServer::start(&[&key]).await;
    let identity = issuer.identity(json!({}), &Hands::new());
    let good = token(&key, &claims(json!({})));
    passes(&identity, &good).await;
    refused(&identity, &token(&other, &claims(json!({}))), "signature").await;
    let (message, signature) = good.rsplit_once('.').unwrap();
    let (header, _) = message.split_once('.').unwrap();
    let bob = URL_SAFE_NO_PAD.encode(claims(json!({"sub": "bob"})).to_string());
    refused(
        &identity,
        &format!("{header}.{bob}.{signature}"),
        "signature",
    )
    .await;
    refused(&identity, &format!("{message}."), "signature").await;
    let mut flipped = URL_SAFE_NO_PAD.decode(signature).unwrap();
    flipped[5] ^= 1;
    refused(
        &identity,
        &format!("{message}.{}", URL_SAFE_NO_PAD.encode(flipped)),
        "signature",
    )
    .await;
    for broken in [
        "",
        "x",
        "a.b",
        "a.b.c",
        "....",
        &format!("{good}.x"),
        &format!(" {good}"),
        &good.replace('.', ".."),
        "fty_x",
    ] {
        assert!(identity.caller(Some(broken)).await.is_err(), "{broken}");
    }
}

#[tokio::test]
async fn claims_and_headers_have_one_reading() {
    let key = SigningKey::es256("e");
    let issuer = IssuerServer::start(&[&key]).await;
    let identity = issuer.identity(json!({}), &Hands::new());
    let header = json!({"alg": "ES256", "kid": "e"});
    for double in [
        r#""sub": "admin", "sub": "alice""#,
        r#""sub": "alice", "\u0073ub": "admin""#,
        r#""sub": "alice", "x": {"a": 1, "a": 2}"#,
        r#""sub": "alice", "x": [[{"a": 1, "b": [], "a": 2}]]"#,
        &format!(
            r#""sub": "alice", "x": {}{}"#,
            "[".repeat(2_000),
            "]".repeat(2_000)
        ),
    ] {
        let text = format!(
            r#"{{"iss": "https://login.example", "aud": "gateway", "exp": {}, {double}}}"#,
            NOW + 60
        );
        refused(&identity, &signed(&header, &text, &key), "no issuer").await;
    }
    let text = claims(json!({})).to_string();
    let twice = URL_SAFE_NO_PAD.encode(r#"{"alg": "none", "alg": "ES256", "kid": "e"}"#);
    refused(
        &identity,
        &format!("{twice}.{}.AAAA", URL_SAFE_NO_PAD.encode(&text)),
        "no issuer",
    )
    .await;
    for (more, why) in [
        (json!({"crit": ["exp"]}), "crit"),
        (json!({"crit": []}), "crit"),
        (json!({"typ": "logout+jwt"}), "typ"),
        (json!({"typ": "dpop+jwt"}), "typ"),
        (json!({"typ": 5}), "typ"),
        (json!({"kid": 5}), "kid"),
        (json!({"kid": null}), "kid"),
    ] {
        let mut header = header.clone();
        for (name, value) in more.as_object().unwrap() {
            header[name] = value.clone();
        }
        refused(&identity, &signed(&header, &text, &key), why).await;
    }
    for kind in ["JWT", "at+jwt", "application/at+JWT"] {
        let mut header = header.clone();
        header["typ"] = json!(kind);
        passes(&identity, &signed(&header, &text, &key)).await;
    }
}

#[tokio::test]
async fn a_token_does_not_bring_its_own_key() {
    let (key, own) = (SigningKey::es256("e"), SigningKey::es256("mine"));
    let issuer = IssuerServer::start(&[&key]).await;
    let attacker = IssuerServer::start(&[&own]).await;
    let clock = Hands::new();
    let identity = issuer.identity(json!({}), &clock);
    let text = claims(json!({})).to_string();
    let url = format!("{}/keys", attacker.address);
    for (kid, why) in [("mine", "no key of its `kid`"), ("e", "signature")] {
        for more in [
            json!({"jku": url}),
            json!({"x5u": url}),
            json!({"jwk": own.jwk}),
            json!({"x5c": ["AAAA"]}),
        ] {
            let mut header = json!({"alg": "ES256", "kid": kid});
            for (name, value) in more.as_object().unwrap() {
                header[name] = value.clone();
            }
            refused(&identity, &signed(&header, &text, &own), why).await;
            clock.pass(1);
        }
    }
    assert_eq!(attacker.asked(), 0);
    // They are ignored where the key is the issuer's.
    let header = json!({"alg": "ES256", "kid": "e", "jku": url, "x5u": url});
    passes(&identity, &signed(&header, &text, &key)).await;
    assert_eq!(attacker.asked(), 0);
}

#[tokio::test]
async fn a_key_is_named_where_there_are_several() {
    let (one, two) = (SigningKey::es256("1"), SigningKey::es256("2"));
    let issuer = IssuerServer::start(&[&one]).await;
    let clock = Hands::new();
    let identity = issuer.identity(json!({}), &clock);
    let text = claims(json!({"exp": NOW + 10_000})).to_string();
    let nameless = signed(&json!({"alg": "ES256"}), &text, &one);
    passes(&identity, &nameless).await;
    issuer.publish(&[&one, &two]);
    clock.pass(300);
    refused(&identity, &nameless, "names no key").await;
    passes(
        &identity,
        &signed(&json!({"alg": "ES256", "kid": "1"}), &text, &one),
    )
    .await;
    // The name of one key and the signature of the other.
    refused(
        &identity,
        &signed(&json!({"alg": "ES256", "kid": "1"}), &text, &two),
        "signature",
    )
    .await;
    refused(
        &identity,
        &signed(&json!({"alg": "ES256", "kid": "2"}), &text, &one),
        "signature",
    )
    .await;
    // Two keys of one name.
    issuer.publish(&[&one, &SigningKey::es256("1")]);
    clock.pass(300);
    refused(
        &identity,
        &signed(&json!({"alg": "ES256", "kid": "1"}), &text, &one),
        "two keys",
    )
    .await;
    // The same name for a key of another kind is another key.
    let ed = SigningKey::ed25519("1");
    issuer.publish(&[&one, &ed]);
    clock.pass(300);
    passes(
        &identity,
        &signed(&json!({"alg": "ES256", "kid": "1"}), &text, &one),
    )
    .await;
    passes(
        &identity,
        &signed(&json!({"alg": "EdDSA", "kid": "1"}), &text, &ed),
    )
    .await;
}

#[tokio::test]
async fn keys_for_something_else_check_nothing() {
    let key = SigningKey::es256("e");
    for (name, value) in [
        ("use", json!("enc")),
        ("key_ops", json!(["encrypt"])),
        ("alg", json!("ES384")),
        ("alg", json!(5)),
        ("crv", json!("P-384")),
        ("crv", json!("P-521")),
        ("x", json!("AAAA")),
        ("kty", json!("oct")),
        ("kid", json!("other")),
    ] {
        let mut changed = key.clone();
        changed.jwk[name] = value;
        let issuer = IssuerServer::start(&[&changed]).await;
        let identity = issuer.identity(json!({}), &Hands::new());
        let error = identity
            .caller(Some(&token(&key, &claims(json!({})))))
            .await
            .expect_err(name);
        assert!(
            matches!(error, IdentityError::Refused { .. }),
            "{name}: {error}"
        );
    }
    // A short key of RSA.
    let mut short = SigningKey::rs256("r");
    short.jwk["n"] = json!(URL_SAFE_NO_PAD.encode([0xff; 128]));
    let issuer = IssuerServer::start(&[&short]).await;
    let identity = issuer.identity(json!({}), &Hands::new());
    refused(
        &identity,
        &token(&SigningKey::rs256("r"), &claims(json!({}))),
        "no key of its `kid`",
    )
    .await;
}

#[tokio::test]
async fn a_huge_token_is_not_read() {
    let key = SigningKey::es256("e");
    let issuer = IssuerServer::start(&[&key]).await;
    let identity = issuer.identity(json!({}), &Hands::new());
    let huge = token(&key, &claims(json!({"x": "y".repeat(16 << 10)})));
    refused(&identity, &huge, "at most 16384 are read").await;
    refused(&identity, &"a".repeat(50 << 20), "at most 16384 are read").await;
    assert_eq!(issuer.asked(), 0);
}

#[tokio::test]
async fn claims_become_user_and_roles_as_configured() {
    let key = SigningKey::es256("e");
    let issuer = IssuerServer::start(&[&key]).await;
    let token = token(
        &key,
        &claims(json!({
            "sub": "auth0|alice",
            "realm": {"access": {"roles": ["hg-dev", "hg-ops", "other", "hg-"]}},
            "https://acme.example/roles": ["x.y"],
            "scope": "read  write",
            "one": "solo",
            "bad": ["a", 1],
            "worse": 5,
            "many": (0..33).map(|n| format!("r{n}")).collect::<Vec<_>>(),
            "odd": ["jose\u{301}"],
        })),
    );
    let with = |more| issuer.identity(more, &Hands::new());
    for (more, caller) in [
        (json!({}), "auth0|alice []"),
        (json!({"user": {"strip": "auth0|"}}), "alice []"),
        (
            json!({"user": {"strip": "auth0|", "before": "acme:"}}),
            "acme:alice []",
        ),
        (json!({"user": {"claim": "one"}}), "solo []"),
        (
            json!({"roles": {"claim": ["realm", "access", "roles"], "strip": "hg-", "map": {"dev": "developer", "other": "x"}}}),
            r#"auth0|alice ["developer"]"#,
        ),
        (
            json!({"roles": {"claim": ["https://acme.example/roles"]}}),
            r#"auth0|alice ["x.y"]"#,
        ),
        (
            json!({"roles": {"claim": "https://acme.example/roles"}}),
            r#"auth0|alice ["x.y"]"#,
        ),
        (
            json!({"roles": {"claim": "scope", "separator": " "}}),
            r#"auth0|alice ["read", "write"]"#,
        ),
        (
            json!({"roles": {"claim": "one"}}),
            r#"auth0|alice ["solo"]"#,
        ),
        (
            json!({"roles": {"claim": "realm.access.roles"}}),
            "auth0|alice []",
        ),
    ] {
        assert_eq!(passes(&with(more), &token).await, caller);
    }
    for (more, why) in [
        (json!({"user": {"strip": "okta|"}}), "does not begin"),
        (
            json!({"user": {"claim": ["realm", "access"]}}),
            "not a text",
        ),
        (
            json!({"roles": {"claim": "bad"}}),
            "a role that is not a text",
        ),
        (
            json!({"roles": {"claim": "worse"}}),
            "neither a list nor a text",
        ),
        (json!({"roles": {"claim": "many"}}), "more than 32"),
        (json!({"roles": {"claim": "odd"}}), "NFKC"),
        // What is left of a role is no name.
        (
            json!({"roles": {"claim": ["realm", "access", "roles"], "strip": "hg-"}}),
            "is empty",
        ),
    ] {
        refused(&with(more), &token, why).await;
    }
}

#[tokio::test]
async fn a_new_key_is_fetched_and_an_invented_one_costs_one_request_per_interval() {
    let (old, new) = (SigningKey::es256("old"), SigningKey::es256("new"));
    let issuer = IssuerServer::start(&[&old]).await;
    let clock = Hands::new();
    let identity = issuer.identity(json!({}), &clock);
    let claims = claims(json!({"exp": NOW + 10_000}));
    passes(&identity, &token(&old, &claims)).await;
    assert_eq!(issuer.asked(), 1);
    // Within the interval, names that nobody has cost nothing.
    for n in 0..50 {
        refused(
            &identity,
            &token(
                &SigningKey {
                    jwk: json!({"kid": format!("x{n}")}),
                    ..new.clone()
                },
                &claims,
            ),
            "no key",
        )
        .await;
    }
    assert_eq!(issuer.asked(), 1);
    issuer.publish(&[&old, &new]);
    clock.pass(30);
    // Many at once: one asks, the others wait for its answer.
    let text = token(&new, &claims);
    let all = futures_util::future::join_all((0..20).map(|_| identity.caller(Some(&text)))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(issuer.asked(), 2);
    // A key that the issuer withdraws counts until the next refresh.
    issuer.publish(&[&new]);
    passes(&identity, &token(&old, &claims)).await;
    clock.pass(300);
    refused(&identity, &token(&old, &claims), "no key").await;
    passes(&identity, &text).await;
    assert_eq!(issuer.asked(), 3);
}

#[tokio::test]
async fn a_lost_issuer_keeps_its_keys_for_an_hour() {
    let key = SigningKey::es256("e");
    let issuer = IssuerServer::start(&[&key]).await;
    let clock = Hands::new();
    let identity = issuer.identity(json!({}), &clock);
    let token = token(&key, &claims(json!({"exp": NOW + 100_000})));
    passes(&identity, &token).await;
    for (status, body) in [
        (StatusCode::INTERNAL_SERVER_ERROR, set(&[&key])),
        (StatusCode::FOUND, set(&[&key])),
        (StatusCode::OK, "no JSON".to_owned()),
        (StatusCode::OK, "{}".to_owned()),
        (
            StatusCode::OK,
            format!(r#"{{"keys": [], "keys": [{}]}}"#, key.jwk),
        ),
        (
            StatusCode::OK,
            format!("{}{}", " ".repeat(300 << 10), set(&[&key])),
        ),
        (
            StatusCode::OK,
            json!({"keys": vec![&key.jwk; 101]}).to_string(),
        ),
    ] {
        issuer.answer(status, body);
        clock.pass(400);
        let asked = issuer.asked();
        passes(&identity, &token).await;
        assert_eq!(issuer.asked(), asked + 1);
    }
    clock.pass(800);
    // 3,600 seconds after the last answer that counted.
    let error = identity.caller(Some(&token)).await.unwrap_err();
    assert!(matches!(error, IdentityError::Issuer { .. }), "{error}");
    assert!(!error.is_of_the_token());
    issuer.publish(&[&key]);
    refused(&identity, &token, "more than 100 keys").await;
    clock.pass(30);
    passes(&identity, &token).await;
}

#[tokio::test]
async fn an_issuer_that_never_answers_gives_nobody_a_caller() {
    let key = SigningKey::es256("e");
    let issuer = IssuerServer::start(&[&key]).await;
    issuer.wait(Duration::from_secs(60));
    let clock = Hands::new();
    let identity = issuer.identity(json!({}), &clock);
    let token = token(&key, &claims(json!({})));
    let begin = std::time::Instant::now();
    let (one, two) = tokio::join!(identity.caller(Some(&token)), identity.caller(Some(&token)));
    assert!(one.is_err() && two.is_err());
    // One waits for the issuer, the other for the one: not one after the other.
    assert!(
        begin.elapsed() < Duration::from_secs(9),
        "{:?}",
        begin.elapsed()
    );
    assert_eq!(issuer.asked(), 1);
    let gone = identity_of("http://127.0.0.1:1/keys", &clock);
    assert!(matches!(
        gone.caller(Some(&token)).await,
        Err(IdentityError::Issuer { .. })
    ));
}

fn identity_of(jwks: &str, clock: &Hands) -> Identity {
    identity(
        json!({"issuers": [{
            "issuer": "https://login.example", "jwks": jwks, "audiences": ["gateway"], "algorithms": ["ES256"], "dangerous_http_on_loopback": true,
        }]}),
        clock,
    )
    .unwrap()
}
