//! What a gateway's file says of pins and callers.

use std::path::Path;
use std::sync::Arc;

use axum::http::HeaderMap;
use hexgate_mcp::identity::{AtStart, Bearer, Identity};
use hexgate_mcp::pins::FirstUse;
use hexgate_mcp::{CallerOf, Config, Incoming};
use serde_json::json;

use crate::issuer::{Hands, IssuerServer, SigningKey, claims, token};

const SERVER: &str = "servers: {s: {command: x}}\n";

fn read(text: &str) -> Result<Config, String> {
    Config::from_text(&format!("{SERVER}{text}"), Path::new("/etc/hexgate"))
}

#[test]
fn pins_and_keys_lie_beside_the_file() {
    let config = read(
        "pins: pins.json\nfirst_use: accept\nidentity: {tokens: {keys: [root.public, /keys/b], environment: live, project: acme}}",
    )
    .unwrap();
    assert_eq!(
        config.pins.as_deref(),
        Some(Path::new("/etc/hexgate/pins.json"))
    );
    assert_eq!(config.first_use, FirstUse::Accept);
    let keys = config.identity.unwrap().tokens.unwrap().keys;
    assert_eq!(
        keys,
        [Path::new("/etc/hexgate/root.public"), Path::new("/keys/b")]
    );
    let config = read("").unwrap();
    assert_eq!((config.pins, config.first_use), (None, FirstUse::Refuse));
    assert!(config.identity.is_none());
}

#[test]
fn a_file_does_not_say_twice_who_calls_and_passes_no_token_on() {
    let tokens = "tokens: {keys: [k], environment: live, project: acme}";
    for (text, said) in [
        (
            format!("caller: {{user: alice}}\nidentity: {{{tokens}}}"),
            "said twice",
        ),
        (
            format!("listen: 127.0.0.1:1\nidentity: {{token_from: T, {tokens}}}"),
            "standard streams",
        ),
        ("first_use: always".to_owned(), "unknown variant"),
        ("identity: {token: x}".to_owned(), "unknown field"),
        (
            "identity: {issuers: [{issuer: a, jwks: b, algorithms: [HS256]}]}".to_owned(),
            "unknown variant",
        ),
    ] {
        let error = read(&text).unwrap_err();
        assert!(error.contains(said), "{error}");
    }
    for server in [
        "{command: x, env: [T]}",
        "{url: 'https://x.example', headers: {Authorization: T}}",
    ] {
        let text = format!("servers: {{s: {server}}}\nidentity: {{token_from: T, {tokens}}}");
        let error = Config::from_text(&text, Path::new("")).unwrap_err();
        assert!(error.contains("would get the variable `T`"), "{error}");
    }
    assert!(read(&format!("identity: {{token_from: T, {tokens}}}")).is_ok());
}

#[tokio::test]
async fn the_token_of_the_start_is_checked_at_each_request_and_is_of_one_client() {
    let key = SigningKey::es256("e");
    let issuer = IssuerServer::start(&[&key]).await;
    let clock = Hands::new();
    let identity = |clock| issuer.identity(json!({}), clock);
    let client = AtStart::new(
        identity(&clock),
        Bearer::given(token(&key, &claims(json!({})))),
    );
    assert_eq!(
        client.caller_of(Incoming::stdio()).await.unwrap().user_id(),
        "alice"
    );
    assert!(
        client
            .caller_of(Incoming::http(&HeaderMap::new()))
            .await
            .is_err()
    );
    clock.pass(91);
    let error = client.caller_of(Incoming::stdio()).await.unwrap_err();
    assert!(error.to_string().contains("expired"), "{error}");
    assert!(!format!("{client:?}").contains("eyJ"));
    // Without a token nobody is at the standard streams, and a fixed caller is.
    assert!(identity(&clock).caller_of(Incoming::stdio()).await.is_err());
    let fixed = Identity::named("bob", &[], Arc::new(clock)).unwrap();
    assert_eq!(
        fixed.caller_of(Incoming::stdio()).await.unwrap().user_id(),
        "bob"
    );
}
