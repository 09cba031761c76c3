//! The gateway at servers that want tokens: whom it believes, whom it gives what, and what it says where it has none.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use hexgate_enforce::host::Engine;
use hexgate_enforce::source::PolicyFile;
use hexgate_enforce::{Caller, Enforcer, LivePolicy};
use hexgate_mcp::caller::Always;
use hexgate_mcp::front::Http;
use hexgate_mcp::login::Login;
use hexgate_mcp::{Config, Gateway, Limits};
use rmcp::model::CallToolRequestParams;
use rmcp::service::RunningService;
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{RoleClient, ServiceExt};
use serde_json::{Value, json};

use crate::authority::{Authority, Refresh, visit};

const POLICY: &str = "roles: {default: {tools: {mcp-s-read: {mode: allow}}}}";

/// A gateway before the server, with a client.
struct World {
    authority: Authority,
    folder: tempfile::TempDir,
    config: Config,
}

impl World {
    async fn new(more: Value) -> Self {
        let (authority, folder) = (Authority::start().await, tempfile::tempdir().unwrap());
        std::fs::write(folder.path().join("policy.yaml"), POLICY).unwrap();
        let config = authority.config(folder.path(), more);
        Self {
            authority,
            folder,
            config,
        }
    }

    async fn logged_in() -> Self {
        let world = Self::new(json!({})).await;
        world.log_in().await.unwrap();
        world
    }

    async fn log_in(&self) -> Result<Vec<String>, String> {
        let done = self.authority.log_in(&self.config).await;
        done.map(|it| it.scopes).map_err(|error| error.to_string())
    }

    async fn gateway(&self) -> (Gateway, RunningService<RoleClient, ()>) {
        let policy = PolicyFile::dangerous_unsigned(self.folder.path().join("policy.yaml"));
        let live = LivePolicy::open(&Engine::new().unwrap(), policy).unwrap();
        let gateway = Gateway::builder(self.config.clone(), Enforcer::builder("gateway", &live))
            .caller_of(Always(Caller::builder("alice").build().unwrap()))
            .build()
            .unwrap();
        gateway.start().await.unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        let http = Http::new(&gateway);
        tokio::spawn(async move { http.serve(listener).await });
        let config =
            StreamableHttpClientTransportConfig::with_uri(url).auth_header("token-of-the-client");
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let client =
            ().serve(StreamableHttpClientTransport::with_client(http, config))
                .await
                .unwrap();
        (gateway, client)
    }

    fn tokens(&self) -> std::path::PathBuf {
        self.folder.path().join("s.json")
    }

    fn stored(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.tokens()).unwrap()).unwrap()
    }

    fn store(&self, member: &str, value: Value) {
        let mut stored = self.stored();
        stored[member] = value;
        std::fs::write(self.tokens(), stored.to_string()).unwrap();
    }
}

/// What a call comes to.
async fn call(client: &RunningService<RoleClient, ()>) -> String {
    let result = client
        .call_tool(CallToolRequestParams::new("s-read"))
        .await
        .unwrap();
    serde_json::to_value(&result.content).unwrap()[0]["text"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_gives_the_server_its_token_and_nobody_else() {
    let world = World::logged_in().await;
    let (_gateway, client) = world.gateway().await;
    assert_eq!(call(&client).await, "done");
    let seen = world.authority.seen();
    let after = seen.iter().rposition(|it| it.ends_with(' ')).unwrap();
    assert!(
        seen[after + 1..]
            .iter()
            .filter(|it| !it.starts_with("ran"))
            .all(|it| it.ends_with(" token-1")),
        "{seen:?}"
    );
    assert!(!seen.concat().contains("token-of-the-client"), "{seen:?}");
    let asked = world.authority.asked().join("\n");
    for part in [
        "code_challenge_method=S256",
        "code_verifier=",
        "grant_type=authorization_code",
        "by Basic ",
    ] {
        assert!(asked.contains(part), "{part}: {asked}");
    }
    // Both requests name the one server that the token is for.
    let resource = format!(
        "resource={}",
        url::form_urlencoded::byte_serialize(world.authority.server.as_bytes()).collect::<String>()
    );
    assert_eq!(asked.matches(&resource).count(), 2, "{asked}");
    let mode = std::fs::metadata(world.tokens()).unwrap().permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
    assert_eq!(world.stored()["server"], world.authority.server);
    let shown = format!("{:?}", world.config);
    assert!(!shown.contains("token-1"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_login_nothing_is_sent_and_a_login_is_noticed() {
    let world = World::new(json!({})).await;
    let (gateway, client) = world.gateway().await;
    let down = gateway.down();
    assert!(
        down[0]
            .1
            .contains("nobody has logged in; run `hexgate mcp login s`"),
        "{down:?}"
    );
    assert_eq!(world.authority.seen().len(), 0);
    world.log_in().await.unwrap();
    let begin = std::time::Instant::now();
    while !gateway.down().is_empty() {
        assert!(begin.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(call(&client).await, "done");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_refreshed_when_it_is_over_or_refused() {
    let world = World::logged_in().await;
    let (_gateway, client) = world.gateway().await;
    world.store("use_until", json!(1));
    let both = tokio::join!(call(&client), call(&client));
    assert_eq!(both, ("done".to_owned(), "done".to_owned()));
    let refreshes = |world: &World| {
        let asked = world.authority.asked();
        let refreshes = asked
            .iter()
            .filter(|it| it.contains("grant_type=refresh_token"));
        refreshes.cloned().collect::<Vec<_>>()
    };
    let found = refreshes(&world);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].contains("refresh_token=refresh-1") && found[0].contains("resource="),
        "{found:?}"
    );
    // The one that it was given with.
    assert_eq!(world.stored()["refresh_token"], "refresh-2");
    // Two gateways that share the file take turns.
    let (_other, other) = world.gateway().await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    world.store("use_until", json!(1));
    let both = tokio::join!(call(&client), call(&other));
    assert_eq!(both, ("done".to_owned(), "done".to_owned()));
    assert_eq!(refreshes(&world).len(), 2);
    // A while later, the server takes no token that there is.
    tokio::time::sleep(Duration::from_secs(5)).await;
    world.authority.forget();
    assert_eq!(call(&client).await, "done");
    assert_eq!(refreshes(&world).len(), 3);
    assert_eq!(world.authority.calls(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_cannot_be_refreshed_denies_by_name() {
    for (turn, said) in [
        (
            Refresh::Refused,
            "its token is not refreshed any more; run `hexgate mcp login s`",
        ),
        (Refresh::Fails, "the token cannot be refreshed"),
    ] {
        let world = World::logged_in().await;
        let (_gateway, client) = world.gateway().await;
        world.authority.turn(|knobs| knobs.refresh = turn);
        world.store("use_until", json!(1));
        for _ in 0..3 {
            let text = call(&client).await;
            assert!(
                text.starts_with("[unauthorized]") && text.contains(said),
                "{text}"
            );
        }
        // However many want a token, one asks.
        let asked = world.authority.asked();
        let asked = asked
            .iter()
            .filter(|it| it.contains("grant_type=refresh_token"));
        assert_eq!(asked.count(), 1);
        assert_eq!(world.authority.calls(), 0);
    }
    // Without anything to refresh it by.
    let world = World::logged_in().await;
    let (_gateway, client) = world.gateway().await;
    world.store("use_until", json!(1));
    world.store("refresh_token", Value::Null);
    let text = call(&client).await;
    assert!(text.contains("the login is over"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_authorization_server_denies_by_name() {
    let world = World::logged_in().await;
    let (_gateway, client) = world.gateway().await;
    world.store("use_until", json!(1));
    // A port at which nobody listens any more.
    let gone = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    world
        .authority
        .turn(|knobs| knobs.resource = json!({"authorization_servers": [gone]}));
    let text = call(&client).await;
    assert!(
        text.starts_with("[unauthorized]") && text.contains("does not answer"),
        "{text}"
    );
    assert_eq!(world.authority.calls(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_authorization_server_is_shown_no_token_of_the_first() {
    let world = World::logged_in().await;
    let (_gateway, client) = world.gateway().await;
    let other = Authority::start().await;
    let issuer = other.issuer.clone();
    world
        .authority
        .turn(|knobs| knobs.resource = json!({"authorization_servers": [issuer]}));
    world.authority.forget();
    let text = call(&client).await;
    assert!(
        text.contains("the login was at") && text.contains("hexgate mcp login s"),
        "{text}"
    );
    assert_eq!(other.asked(), Vec::<String>::new());
    // A new login registers there, with nothing of the old one.
    world.log_in().await.unwrap();
    assert!(other.asked()[0].starts_with("register"));
    assert_eq!(world.stored()["issuer"], other.issuer);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_ends_with_the_remedy() {
    let world = World::logged_in().await;
    let (_gateway, client) = world.gateway().await;
    world.authority.turn(|knobs| knobs.distrusts = true);
    let text = call(&client).await;
    assert!(
        text.starts_with(
            "[unauthorized] the server refuses the token of the login; run `hexgate mcp login s`"
        ),
        "{text}"
    );
    assert_eq!(world.authority.calls(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_is_asked_for_by_the_next_login_and_not_without_end() {
    let world = World::logged_in().await;
    let (_gateway, client) = world.gateway().await;
    world
        .authority
        .turn(|knobs| knobs.wanted = Some("write".to_owned()));
    let text = call(&client).await;
    assert!(
        text.contains("the scopes `write`; run `hexgate mcp login s`, which asks for them"),
        "{text}"
    );
    assert_eq!(world.log_in().await.unwrap(), ["read", "write"]);
    assert_eq!(call(&client).await, "done");
    // One that wants what the token has.
    world
        .authority
        .turn(|knobs| knobs.wanted = Some("admin".to_owned()));
    let text = call(&client).await;
    assert!(text.contains("`admin`"), "{text}");
    world.store("scopes", json!(["admin"]));
    let text = call(&client).await;
    assert!(text.contains("another login would not help"), "{text}");
    // Where the scopes are configured, the server does not choose.
    let world = World::new(json!({"scopes": ["read"]})).await;
    world.log_in().await.unwrap();
    let (_gateway, client) = world.gateway().await;
    world
        .authority
        .turn(|knobs| knobs.wanted = Some("write".to_owned()));
    let text = call(&client).await;
    assert!(text.contains("name them in its `scopes`"), "{text}");
    assert_eq!(world.log_in().await.unwrap(), ["read"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authorization_server_that_is_not_believed_gets_nobody() {
    type Turn = fn(&Authority) -> (Value, Value, bool, Option<String>);
    let turns: [(Turn, &str); 9] = [
        (
            |_| {
                (
                    json!({"issuer": "https://login.example"}),
                    json!({}),
                    false,
                    None,
                )
            },
            "issuer mismatch",
        ),
        (
            |_| {
                (
                    json!({"token_endpoint": "http://login.example/token"}),
                    json!({}),
                    false,
                    None,
                )
            },
            "`http://login.example/token` is not an `https` address",
        ),
        (
            |_| {
                (
                    json!({"authorization_endpoint": "http://login.example/authorize"}),
                    json!({}),
                    false,
                    None,
                )
            },
            "is not an `https` address",
        ),
        (
            |_| {
                (
                    json!({"registration_endpoint": "http://10.0.0.1/register"}),
                    json!({}),
                    false,
                    None,
                )
            },
            "is not an `https` address",
        ),
        (
            |_| {
                (
                    json!({"code_challenge_methods_supported": null}),
                    json!({}),
                    false,
                    None,
                )
            },
            "does not say that it takes PKCE",
        ),
        (
            |_| {
                (
                    json!({}),
                    json!({"resource": "https://other.example/mcp"}),
                    false,
                    None,
                )
            },
            "is unusable",
        ),
        (
            |_| {
                (
                    json!({}),
                    json!({"authorization_servers": ["https://10.0.0.1", "https://169.254.169.254"]}),
                    false,
                    None,
                )
            },
            "none published usable metadata",
        ),
        (
            |_| (json!({}), json!({}), true, None),
            "has more than 262144 bytes",
        ),
        (
            |it| (json!({}), json!({}), false, Some(it.server.clone())),
            "redirect to non-same-origin",
        ),
    ];
    for (turn, said) in turns {
        let world = World::new(json!({})).await;
        let (metadata, resource, is_endless, moved) = turn(&world.authority);
        world.authority.turn(|knobs| {
            knobs.metadata = metadata;
            knobs.resource = resource;
            knobs.is_endless = is_endless;
            knobs.moved = moved;
        });
        let error = world.log_in().await.unwrap_err();
        assert!(
            error.starts_with("the login at `s` cannot begin: ") && error.contains(said),
            "{said}: {error}"
        );
        assert_eq!(world.authority.asked(), Vec::<String>::new(), "{said}");
        assert!(!world.tokens().exists());
    }
    // The one that is configured, and no other.
    let world = World::new(json!({"issuer": "http://127.0.0.1:1"})).await;
    let error = world.log_in().await.unwrap_err();
    assert!(
        error.contains("and the configuration `http://127.0.0.1:1`"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_not_of_this_login_counts_for_nothing() {
    let world = World::new(json!({})).await;
    let begin = || async { Login::begin("s", &world.config.servers["s"], Limits::default()).await };
    let login = begin().await.unwrap();
    let address = url::Url::parse(login.address()).unwrap();
    let find = |wanted: &str| {
        let mut pairs = address.query_pairs();
        pairs
            .find(|(name, _)| name == wanted)
            .unwrap()
            .1
            .into_owned()
    };
    let (redirect, state) = (find("redirect_uri"), find("state"));
    assert!(redirect.starts_with("http://127.0.0.1:"), "{redirect}");
    let finish = tokio::spawn(login.finish(Duration::from_secs(10)));
    for query in [
        "code=stolen&state=another".to_owned(),
        "code=stolen".to_owned(),
        format!("code=stolen&state={state}&state={state}"),
        format!("state={state}"),
        format!("state={state}&code=x&pad={}", "x".repeat(20_000)),
    ] {
        let shown = visit(&format!("{redirect}?{query}")).await;
        assert!(shown.contains("no answer to the login"), "{query}: {shown}");
    }
    // It went on waiting.
    assert!(visit(address.as_str()).await.contains("has arrived"));
    let done = finish.await.unwrap().unwrap();
    assert_eq!(
        (done.scopes, done.issuer),
        (vec!["read".to_owned()], world.authority.issuer.clone())
    );
    let asked = world.authority.asked().join("\n");
    assert!(!asked.contains("stolen"), "{asked}");

    // Somebody else says to have sent it (RFC 9207).
    world
        .authority
        .turn(|knobs| knobs.redirect = "&iss=https%3A%2F%2Fevil.example".to_owned());
    let before = world.authority.asked().len();
    let error = world.log_in().await.unwrap_err();
    assert!(error.contains("issuer mismatch"), "{error}");
    let after = world.authority.asked();
    assert!(
        after[before..].iter().all(|it| !it.starts_with("token")),
        "{after:?}"
    );

    // The person refuses, or does not come.
    world.authority.turn(|knobs| {
        knobs.redirect.clear();
        knobs.refuses = true;
    });
    let error = world.log_in().await.unwrap_err();
    assert!(
        error.contains("the authorization server refuses: access_denied no"),
        "{error}"
    );
    let login = begin().await.unwrap();
    let error = login.finish(Duration::from_millis(100)).await.unwrap_err();
    assert!(error.to_string().contains("nobody came back"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_none_is_not_kept() {
    for (token, said) in [
        (json!({"token_type": "DPoP"}), "of a kind that is not known"),
        (json!({"access_token": ""}), "empty"),
        (
            json!({"access_token": "a b"}),
            "characters that tokens cannot have",
        ),
        (
            json!({"access_token": "x".repeat(20_000)}),
            "longer than 16384 bytes",
        ),
        (json!({"access_token": null}), "token exchange failed"),
    ] {
        let world = World::new(json!({})).await;
        world.authority.turn(|knobs| knobs.token = token);
        let error = world.log_in().await.unwrap_err();
        assert!(error.contains(said), "{said}: {error}");
        assert!(!error.contains("xxxxxxxx"), "{error}");
        assert!(!world.tokens().exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_another_server_and_those_that_others_can_read_are_not_used() {
    let world = World::logged_in().await;
    let other = Authority::start().await;
    let moved = World {
        config: other_config(&world, &other.server),
        authority: other,
        folder: tempfile::tempdir().unwrap(),
    };
    std::fs::write(moved.folder.path().join("policy.yaml"), POLICY).unwrap();
    let (gateway, _client) = moved.gateway().await;
    let why = gateway.down()[0].1.clone();
    assert!(why.contains("they are given to no other one"), "{why}");
    assert_eq!(moved.authority.seen(), Vec::<String>::new());

    let open = std::fs::Permissions::from_mode(0o640);
    std::fs::set_permissions(world.tokens(), open).unwrap();
    let before = world.authority.seen().len();
    let (gateway, _client) = world.gateway().await;
    let why = gateway.down()[0].1.clone();
    assert!(why.contains("so others may read it"), "{why}");
    assert_eq!(world.authority.seen().len(), before);
    std::fs::set_permissions(world.tokens(), std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(
        world.tokens(),
        "{\"version\": 1, \"access_token\": \"token-1\"}",
    )
    .unwrap();
    let (gateway, _client) = world.gateway().await;
    let why = gateway.down()[0].1.clone();
    assert!(
        why.contains("is damaged") && !why.contains("token-1"),
        "{why}"
    );
}

fn other_config(world: &World, address: &str) -> Config {
    let authorization = world.config.servers["s"].authorization.clone().unwrap();
    let server = hexgate_mcp::config::ServerConfig::new(hexgate_mcp::config::Reach::Http {
        url: address.to_owned(),
        headers: Default::default(),
    });
    Config::of([("s".to_owned(), server.authorization(authorization))].into())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_shows_its_own_credentials() {
    // A variable that cargo sets: tests cannot set one.
    let secret = std::env::var("CARGO_PKG_NAME").unwrap();
    let own = json!({"flow": "client_credentials", "client_id": "gateway", "client_secret_from": "CARGO_PKG_NAME", "tokens": null});
    let world = World::new(own.clone()).await;
    let (_gateway, client) = world.gateway().await;
    assert_eq!(call(&client).await, "done");
    let asked = world.authority.asked();
    assert_eq!(asked.len(), 1, "{asked:?}");
    let basic = {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(format!("gateway:{secret}"))
    };
    assert!(
        asked[0].contains("grant_type=client_credentials")
            && asked[0].contains("scope=read")
            && asked[0].contains("resource=")
            && asked[0].contains(&basic),
        "{asked:?}"
    );
    // One that the server forgot is asked for again, a while later.
    world.authority.forget();
    let text = call(&client).await;
    assert!(text.contains("the token that was just granted"), "{text}");
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(call(&client).await, "done");

    let world = World::new(own).await;
    world
        .authority
        .turn(|knobs| knobs.metadata = json!({"token_endpoint": "http://login.example/token"}));
    let (gateway, _client) = world.gateway().await;
    let why = gateway.down()[0].1.clone();
    assert!(
        why.contains("no token was granted to the gateway")
            && why.contains("is not an `https` address"),
        "{why}"
    );
    assert!(!why.contains(&secret), "{why}");
    let error = world.log_in().await.unwrap_err();
    assert!(
        error.contains("no server that a person logs in at"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_wants_a_token_says_what_is_missing() {
    let mut world = World::new(json!({})).await;
    world.config.servers.get_mut("s").unwrap().authorization = None;
    let (gateway, _client) = world.gateway().await;
    let why = gateway.down()[0].1.clone();
    assert!(
        why.contains("its configuration has no `authorization`"),
        "{why}"
    );
}

#[test]
fn a_file_says_how_tokens_are_got_and_no_secret() {
    let read = |authorization: &str, url: &str| {
        let text = format!("servers: {{s: {{url: \"{url}\", authorization: {authorization}}}}}");
        Config::from_text(&text, Path::new("/etc/hexgate"))
    };
    let config = read("{}", "https://a.example/mcp").unwrap();
    let authorization = config.servers["s"].authorization.clone().unwrap();
    assert_eq!(
        authorization.tokens.as_deref(),
        Some(Path::new("/etc/hexgate/tokens/s.json"))
    );
    for (authorization, url, said) in [
        ("{}", "http://a.example/mcp", "`https` address"),
        ("{secret: x}", "https://a.example/mcp", "unknown field"),
        (
            "{flow: implicit}",
            "https://a.example/mcp",
            "unknown variant",
        ),
        (
            "{client_secret_from: X}",
            "https://a.example/mcp",
            "without `client_id`",
        ),
        (
            "{client_id: a, client_secret_from: 'se cret'}",
            "https://a.example/mcp",
            "no name of a variable",
        ),
        (
            "{client_id: a, client_metadata: 'https://a.example/c'}",
            "https://a.example/mcp",
            "said twice",
        ),
        (
            "{client_metadata: 'http://a.example/c'}",
            "https://a.example/mcp",
            "`https` address with a path",
        ),
        (
            "{redirect: 'http://a.example/callback'}",
            "https://a.example/mcp",
            "not on this machine",
        ),
        (
            "{scopes: ['a b']}",
            "https://a.example/mcp",
            "which is none",
        ),
        (
            "{issuer: 'http://a.example'}",
            "https://a.example/mcp",
            "no `https` address",
        ),
        (
            "{flow: client_credentials}",
            "https://a.example/mcp",
            "needs a `client_id`",
        ),
        (
            "{flow: client_credentials, client_id: a}",
            "https://a.example/mcp",
            "either `client_secret_from` or `private_key_from`",
        ),
        (
            "{flow: client_credentials, client_id: a, private_key_from: X}",
            "https://a.example/mcp",
            "together",
        ),
        (
            "{flow: client_credentials, client_id: a, client_secret_from: X, tokens: t}",
            "https://a.example/mcp",
            "`flow: login` takes",
        ),
        (
            "{flow: client_credentials, client_id: a, client_secret_from: X}",
            "https://a.example/mcp",
            "without the `issuer`",
        ),
        (
            "{client_id: a, client_secret_from: X}",
            "https://a.example/mcp",
            "without the `issuer`",
        ),
    ] {
        let error = read(authorization, url).unwrap_err();
        assert!(error.contains(said), "{authorization}: {error}");
    }
    for (text, said) in [
        (
            "servers: {s: {command: x, authorization: {}}}",
            "which a command does not have",
        ),
        (
            "servers: {s: {url: 'https://a.example', headers: {authorization: X}, authorization: {}}}",
            "said twice",
        ),
        (
            "servers: {s: {url: 'https://a.example', authorization: {client_id: a, client_secret_from: X, issuer: 'https://b.example'}}, t: {command: x, env: [X]}}",
            "the server `t` would get the variable `X`",
        ),
    ] {
        let error = Config::from_text(text, Path::new("/")).unwrap_err();
        assert!(error.contains(said), "{text}: {error}");
    }
}
