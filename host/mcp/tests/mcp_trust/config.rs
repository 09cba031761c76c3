//! What a gateway's file says of pins and callers.

use std::path::Path;
use std::sync::Arc;

use axum::http::HeaderMap;
use hexgate_mcp::identity::{AtStart, Bearer, Identity};
use hexgate_mcp::pins::FirstUse;
use hexgate_mcp::{CallerOf, Config, Incoming};
use proptest::prelude::*;
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

const CONFIGURATIONS: [&str; 6] = [
    include_str!("configurations/all"),
    include_str!("configurations/anchors"),
    include_str!("configurations/clash"),
    include_str!("configurations/identity"),
    include_str!("configurations/several"),
    include_str!("configurations/tokens"),
];

/// What is put into a configuration that somebody wrote.
const PIECES: &str = r#"(|\n|  |: |\{|\}|\[|\]|,|"|'|#|&a |\*a|!!x|pass|refuse|accept|servers:|offer:|authorization: \{\}|null|9223372036854775808|-1|\u{202e}|ö|x){1,3}"#;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn reading_ends_and_opens_nothing_that_the_text_does_not_name(
        which in 0..CONFIGURATIONS.len(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..12, PIECES), 0..6),
    ) {
        let mut text: Vec<char> = CONFIGURATIONS[which].chars().collect();
        for (at, gone, piece) in edits {
            let at = at.index(text.len() + 1);
            let end = (at + gone).min(text.len());
            text.splice(at..end, piece.chars());
        }
        let text: String = text.into_iter().collect();
        let folder = Path::new("/etc/hexgate");
        let read = Config::from_text(&text, folder);
        let again = Config::from_text(&text, folder);
        prop_assert_eq!(format!("{read:?}"), format!("{again:?}"));
        if let Ok(config) = read {
            prop_assert!(!config.servers.is_empty(), "a gateway for nothing");
            for server in config.servers.values() {
                let offered = format!("{:?}", config.offer_of(server));
                prop_assert!(!offered.contains("Pass") || text.contains("pass"), "{}", offered);
            }
            prop_assert!(config.first_use == FirstUse::Refuse || text.contains("accept"));
        }
    }
}
