//! Who calls by the command line and by our own tokens, and what configurations are refused.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hexgate_base::PrivateKey;
use hexgate_enforce::host::Engine;
use hexgate_enforce::source::PolicyFile;
use hexgate_enforce::token::{Attenuation, Envelope, RootKey, TokenVerifier, attenuate, mint};
use hexgate_enforce::{Caller, Cause, Effect, Enforcer, KillSwitch, LivePolicy};
use hexgate_mcp::identity::{Identity, IdentityError};
use serde_json::{Value, json};

use crate::issuer::{Hands, IssuerServer, NOW, SigningKey, claims, identity, token as jwt};

const ROOT: [u8; 32] = [7; 32];

struct Ours {
    _folder: tempfile::TempDir,
    config: Value,
}

fn ours() -> Ours {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("root.public");
    std::fs::write(&path, PrivateKey::from_bytes(&ROOT).public_key().to_text()).unwrap();
    let config = json!({"tokens": {"keys": [path], "environment": "live", "project": "acme"}});
    Ours {
        _folder: folder,
        config,
    }
}

fn token(root: [u8; 32], expires_at: u64) -> Envelope {
    let project = mint(&RootKey::from_bytes(&root).unwrap(), "live", "acme").unwrap();
    let keys = [PrivateKey::from_bytes(&root).public_key()];
    let issuer = TokenVerifier::new(keys, "live", "acme").unwrap();
    let attenuation = Attenuation {
        user: "alice".into(),
        roles: vec!["support".into()],
        expires_at: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(expires_at)),
    };
    attenuate(&project, &issuer, &attenuation).unwrap()
}

#[tokio::test]
async fn a_token_of_ours_names_its_caller() {
    let ours = ours();
    let clock = Hands::new();
    let identity = identity(ours.config.clone(), &clock).unwrap();
    let good = token(ROOT, NOW + 60);
    let caller = identity.caller(Some(good.expose())).await.unwrap();
    assert_eq!(
        (caller.user_id(), caller.roles()),
        ("alice", &["support".to_owned()][..])
    );
    assert!(caller.token().is_some());

    let project = mint(&RootKey::from_bytes(&ROOT).unwrap(), "live", "acme").unwrap();
    let foreign = token([8; 32], NOW + 60);
    let mut bytes = good.biscuit().unwrap().to_vec();
    let last = bytes.len() - 10;
    bytes[last] ^= 1;
    let damaged = Envelope::of_biscuit("live", "acme", &bytes).unwrap();
    let elsewhere = Envelope::of_biscuit("test", "acme", &good.biscuit().unwrap()).unwrap();
    let cut = good.expose()[..good.expose().len() - 40].to_owned();
    for bad in [
        project.expose(),
        foreign.expose(),
        damaged.expose(),
        elsewhere.expose(),
        &cut,
        "fty_live_acme_AAAA",
        "fty_live_acme_",
    ] {
        let error = identity.caller(Some(bad)).await.unwrap_err();
        assert!(matches!(error, IdentityError::Token(_)), "{error}");
        assert!(!error.to_string().contains(bad), "{error}");
    }
    assert_eq!(
        identity.caller(None).await.unwrap_err(),
        IdentityError::Missing
    );
    clock.pass(61);
    assert!(matches!(
        identity.caller(Some(good.expose())).await,
        Err(IdentityError::Token(_))
    ));
}

#[tokio::test]
async fn who_is_stopped_decides_nothing() {
    let ours = ours();
    let key = SigningKey::es256("e");
    let issuer = IssuerServer::start(&[&key]).await;
    let mut config = ours.config.clone();
    let later = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs()
        + 600;
    config["issuers"] = json!([issuer.config(json!({"user": {"before": "idp:"}}))]);
    // Decisions go by the system's clock, so the identity does here too.
    let config = serde_json::from_value(config).unwrap();
    let clock = Arc::new(hexgate_base::SystemClock);
    let identity = Identity::from_config(&config, std::path::Path::new("."), clock).unwrap();
    let by_ours = identity
        .caller(Some(token(ROOT, later).expose()))
        .await
        .unwrap();
    let by_jwt = identity
        .caller(Some(&jwt(&key, &claims(json!({"exp": later})))))
        .await
        .unwrap();
    assert_eq!(by_jwt.user_id(), "idp:alice");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.yaml");
    std::fs::write(&path, "tools: {read: {mode: allow}}").unwrap();
    let live = LivePolicy::open(
        &Engine::new().unwrap(),
        PolicyFile::dangerous_unsigned(&path),
    )
    .unwrap();
    let switch = KillSwitch::new();
    let enforcer = Enforcer::builder("gateway", &live)
        .kill_switch(&switch)
        .build()
        .unwrap();
    let decide = |caller: &Caller| {
        let decision = enforcer.decide(caller, "read", "{}");
        (decision.outcome(), decision.cause())
    };
    assert_eq!(decide(&by_ours).0, Effect::Allow);
    assert_eq!(decide(&by_jwt).0, Effect::Allow);
    // A token of ours is revoked by its own number, the user of an issuer by name.
    let id = by_ours
        .token()
        .unwrap()
        .revocation_ids()
        .last()
        .unwrap()
        .clone();
    switch.revoke_token(id, "lost");
    assert_eq!(decide(&by_ours), (Effect::Deny, Cause::Stopped));
    assert_eq!(decide(&by_jwt).0, Effect::Allow);
    switch.stop_user("IDP:Alice", "left");
    assert_eq!(decide(&by_jwt), (Effect::Deny, Cause::Stopped));
}

#[tokio::test]
async fn a_fixed_caller_is_whoever_connects_and_checks_no_token() {
    let named = |user: &str, roles: &[&str]| {
        let roles: Vec<String> = roles.iter().map(|role| (*role).to_owned()).collect();
        Identity::named(user, &roles, Arc::new(Hands::new()))
    };
    let identity = named("alice", &["dev"]).unwrap();
    let caller = identity.caller(None).await.unwrap();
    assert_eq!(
        (caller.user_id(), caller.roles()),
        ("alice", &["dev".to_owned()][..])
    );
    assert!(!identity.asks_for_a_token());
    let bearer = token(ROOT, NOW + 60);
    assert_eq!(
        identity.caller(Some(bearer.expose())).await.unwrap_err(),
        IdentityError::Unexpected
    );
    for user in ["", "a\nb", "jose\u{301}", &"x".repeat(257)] {
        assert!(named(user, &[]).is_err(), "{user:?}");
    }
    assert!(named("alice", &["r"; 33]).is_err());
}

#[tokio::test]
async fn a_token_is_only_of_who_is_configured() {
    let ours = ours();
    let key = SigningKey::es256("e");
    let issuer = IssuerServer::start(&[&key]).await;
    let clock = Hands::new();
    let only_ours = identity(ours.config.clone(), &clock).unwrap();
    let only_theirs = issuer.identity(json!({}), &clock);
    let theirs = jwt(&key, &claims(json!({})));
    let good = token(ROOT, NOW + 60);
    assert!(matches!(
        only_ours.caller(Some(&theirs)).await,
        Err(IdentityError::UnknownIssuer { .. })
    ));
    assert!(matches!(
        only_theirs.caller(Some(good.expose())).await,
        Err(IdentityError::UnknownIssuer { .. })
    ));
    assert_eq!(issuer.asked(), 0);
}

#[tokio::test]
async fn tokens_of_ours_and_an_issuer_have_no_user_in_common() {
    let ours = ours();
    let key = SigningKey::es256("k");
    let issuer = IssuerServer::start(&[&key]).await;
    let with = |before: Value| {
        let mut config = ours.config.clone();
        config["issuers"] = json!([issuer.config(json!({"user": {"before": before}}))]);
        identity(config, &Hands::new())
    };
    for before in [json!(null), json!("")] {
        let error = with(before).unwrap_err();
        assert!(error.contains("user.before"), "{error}");
    }
    let good = token(ROOT, NOW + 60);
    let apart = with(json!("idp:")).unwrap();
    assert_eq!(
        apart.caller(Some(good.expose())).await.unwrap().user_id(),
        "alice"
    );
    // The token's `alice` is called as a user `ice` of this issuer would be.
    let same = with(json!("al")).unwrap();
    assert!(matches!(
        same.caller(Some(good.expose())).await,
        Err(IdentityError::OfIssuer { .. })
    ));
}

#[tokio::test]
async fn two_issuers_have_no_user_in_common() {
    let (one, two) = (SigningKey::es256("k"), SigningKey::es256("k"));
    let (first, second) = (
        IssuerServer::start(&[&one]).await,
        IssuerServer::start(&[&two]).await,
    );
    let config = |before: Value, other: Value| {
        json!({"issuers": [
            first.config(json!({"user": {"before": before}})),
            second.config(json!({"issuer": "https://other.example", "user": {"before": other}})),
        ]})
    };
    for (before, other) in [
        (json!(null), json!(null)),
        (json!("a:"), json!(null)),
        (json!("a:"), json!("a:")),
        // One of them could name `b:alice`, or `a:b:alice`, of the other.
        (json!(""), json!("b:")),
        (json!("b:"), json!("")),
        (json!("a:"), json!("a:b:")),
        (json!("a:b:"), json!("a:")),
    ] {
        let error = identity(config(before, other), &Hands::new()).unwrap_err();
        assert!(error.contains("user.before"), "{error}");
    }
    let identity = identity(config(json!("a:"), json!("b:")), &Hands::new()).unwrap();
    let of_other = claims(json!({"iss": "https://other.example"}));
    let caller = |text: String| {
        let identity = &identity;
        async move {
            identity
                .caller(Some(&text))
                .await
                .map(|caller| caller.user_id().to_owned())
        }
    };
    assert_eq!(
        caller(jwt(&one, &claims(json!({})))).await.unwrap(),
        "a:alice"
    );
    assert_eq!(caller(jwt(&two, &of_other)).await.unwrap(), "b:alice");
    // The key of one issuer, the name of the other: the same `kid` makes no difference.
    assert!(caller(jwt(&two, &claims(json!({})))).await.is_err());
    assert!(caller(jwt(&one, &of_other)).await.is_err());
}

#[tokio::test]
async fn configurations_that_would_weaken_something_are_refused() {
    let issuer = IssuerServer::start(&[]).await;
    let base = issuer.config(json!({}));
    let with = |name: &str, value: Value| {
        let mut issuer = base.clone();
        if value.is_null() {
            issuer.as_object_mut().unwrap().remove(name);
        } else {
            issuer[name] = value;
        }
        json!({"issuers": [issuer]})
    };
    assert!(identity(json!({"issuers": [base]}), &Hands::new()).is_ok());
    for (config, said) in [
        (json!({}), "nobody vouches"),
        (with("dangerous_http_on_loopback", json!(false)), "`https`"),
        (with("jwks", json!("http://login.example/keys")), "`https`"),
        (
            with("jwks", json!("http://127.0.0.1.evil.example/keys")),
            "`https`",
        ),
        (with("jwks", json!("file:///etc/keys")), "`https`"),
        (
            with("jwks", json!("https://user:secret@login.example/keys")),
            "a user or a password",
        ),
        (with("jwks", json!("keys")), "no address"),
        (with("jwks", Value::Null), "missing field"),
        (with("algorithms", json!([])), "is empty"),
        (with("algorithms", Value::Null), "missing field"),
        (with("audiences", Value::Null), "audiences"),
        (with("audiences", json!([""])), "audiences"),
        (with("issuer", json!("")), "is empty"),
        (with("leeway_seconds", json!(301)), "more than 300"),
        (with("refresh_seconds", json!(29)), "less than 30"),
        (with("keep_seconds", json!(86_401)), "a day"),
        (with("keep_seconds", json!(299)), "`refresh_seconds`"),
        (with("rolls", json!({})), "unknown field"),
        (with("roles", json!({"claim": []})), "empty path"),
        (
            with("roles", json!({"claim": "r", "separator": ""})),
            "is empty",
        ),
        (json!({"issuers": [base, base]}), "stands twice"),
        (
            json!({"tokens": {"keys": [], "environment": "live", "project": "acme"}}),
            "is empty",
        ),
        (
            json!({"tokens": {"keys": ["/nowhere"], "environment": "live", "project": "acme"}}),
            "cannot be used",
        ),
        (
            json!({"resource": "http://gateway.example/mcp", "issuers": [base]}),
            "`resource`",
        ),
        (
            json!({"resource": "https://gateway.example/mcp?x", "issuers": [base]}),
            "`resource`",
        ),
        (
            json!({"resource": "https://gateway.example/{*a}", "issuers": [base]}),
            "`resource`",
        ),
        (json!({"resource": "mcp", "issuers": [base]}), "no address"),
    ] {
        let error = identity(config.clone(), &Hands::new()).expect_err(said);
        assert!(error.contains(said), "{error}\n{config}");
    }
}
