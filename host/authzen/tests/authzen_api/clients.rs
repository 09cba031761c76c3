//! Who may ask, and how it is known.

use async_trait::async_trait;
use hexgate_authzen::{Authenticate, Clients, ServeError, Unauthenticated};
use serde_json::json;

use crate::world::{Served, World};

const POLICY: &str = r#"
roles:
  default: { tools: { "record:read": { mode: allow } } }
"#;

fn read() -> String {
    json!({
        "subject": {"type": "user", "id": "ann"},
        "action": {"name": "read"},
        "resource": {"type": "record", "id": "r-1"},
    })
    .to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_it_listens_at_loopback_alone() {
    let world = World::with(POLICY);
    for address in ["0.0.0.0:0", "[::]:0"] {
        let address = address.parse().unwrap();
        let open = world.point().build().unwrap().bind(address).await;
        assert!(matches!(open, Err(ServeError::Open(_))), "{open:?}");
    }
    let clients = world.clients(&[("shop", "secret")]);
    let known = world.point().clients(clients).build().unwrap();
    assert!(known.bind("0.0.0.0:0".parse().unwrap()).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_shows_its_token() {
    let world = World::with(POLICY);
    let clients = world.clients(&[("shop", "secret-1"), ("desk", "secret-2")]);
    let served = Served::start(world.point().clients(clients).build().unwrap()).await;
    let json = ("content-type", "application/json");
    let path = "/access/v1/evaluation";
    for token in ["Bearer secret-1", "bearer secret-2"] {
        let headers = [json, ("authorization", token)];
        let came = served.send("POST", path, &headers, read()).await;
        assert_eq!(came.status, 200, "{token}: {came:?}");
    }
    for headers in [
        vec![],
        vec![("authorization", "Bearer secret-3")],
        vec![("authorization", "Bearer secret-1 x")],
        vec![("authorization", "Bearer ")],
        vec![("authorization", "secret-1")],
        vec![("authorization", "Basic c2VjcmV0LTE=")],
        vec![
            ("authorization", "Bearer secret-1"),
            ("authorization", "Bearer secret-1"),
        ],
    ] {
        let all: Vec<_> = headers
            .iter()
            .copied()
            .chain([json, ("x-request-id", "7")])
            .collect();
        let came = served.send("POST", path, &all, read()).await;
        assert_eq!(came.status, 401, "{headers:?}: {came:?}");
        assert_eq!(came.headers["www-authenticate"], "Bearer");
        assert_eq!(came.headers["x-request-id"], "7");
        assert!(!came.text.contains("decision\":"), "{came:?}");
    }
    assert_eq!(world.records.all().len(), 2);
    // What clients read before they have a token.
    let metadata = "/.well-known/authzen-configuration";
    assert_eq!(
        served
            .send("GET", metadata, &[], String::new())
            .await
            .status,
        200
    );
}

/// A web page that gave this machine a name of its own is told apart by the name.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_another_host_is_refused() {
    let world = World::with(POLICY);
    let point = world.point().hosts(["pdp.internal"]).build().unwrap();
    let served = Served::start(point).await;
    for (host, status) in [
        ("evil.example.com", 403),
        ("localhost.evil.example.com", 403),
        ("127.0.0.1.evil.example.com:8180", 403),
        ("localhost", 200),
        ("LOCALHOST:1", 200),
        ("pdp.internal:8180", 200),
        ("[::1]:8180", 200),
    ] {
        let headers = [("content-type", "application/json"), ("host", host)];
        let came = served
            .send("POST", "/access/v1/evaluation", &headers, read())
            .await;
        assert_eq!(came.status, status, "{host}: {came:?}");
        let metadata = "/.well-known/authzen-configuration";
        let came = served
            .send("GET", metadata, &[("host", host)], String::new())
            .await;
        assert_eq!(came.status, status, "{host}: {came:?}");
        if status == 200 {
            assert_eq!(
                came.json()["policy_decision_point"],
                format!("https://{host}")
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metadata_names_the_address_that_is_configured() {
    let world = World::with(POLICY);
    let point = world
        .point()
        .url("https://pdp.example.com:8443/")
        .build()
        .unwrap();
    let served = Served::start(point).await;
    let metadata = "/.well-known/authzen-configuration";
    let came = served.send("GET", metadata, &[], String::new()).await;
    assert_eq!(
        came.json(),
        json!({
            "policy_decision_point": "https://pdp.example.com:8443",
            "access_evaluation_endpoint": "https://pdp.example.com:8443/access/v1/evaluation",
            "access_evaluations_endpoint": "https://pdp.example.com:8443/access/v1/evaluations",
        })
    );
    for bad in [
        "",
        "pdp.example.com",
        "http://pdp.example.com",
        "https://pdp.example.com/tenant",
        "https://pdp.example.com/?a",
        "https://pdp.example.com/#a",
        "https://a:b@pdp.example.com",
        "ftp://pdp.example.com",
    ] {
        assert!(world.point().url(bad).build().is_err(), "{bad}");
    }
    for good in ["http://127.0.0.1:8180", "http://localhost:1", "https://pdp"] {
        assert!(world.point().url(good).build().is_ok(), "{good}");
    }
}

#[test]
fn a_list_of_clients_that_others_can_change_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::with(POLICY);
    world.clients(&[("shop", "secret")]);
    let path = world.path("clients.json");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
    let error = Clients::from_file(&path).unwrap_err().to_string();
    assert!(error.contains("other users can change it"), "{error}");
    assert!(Clients::from_file(world.path("missing.json")).is_err());
}

/// Clients that a proxy in front has told apart.
struct Proxied;

#[async_trait]
impl Authenticate for Proxied {
    async fn client(
        &self,
        headers: &reqwest::header::HeaderMap,
    ) -> Result<String, Unauthenticated> {
        match headers.get("x-client").map(|name| name.to_str()) {
            Some(Ok(name)) => Ok(name.to_owned()),
            _ => Err(Unauthenticated::new("the proxy names nobody")),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_tells_clients_apart_by_its_own_means() {
    let world = World::with(POLICY);
    let point = world.point().clients(Clients::by(Proxied)).build().unwrap();
    let served = Served::start(point).await;
    let json = ("content-type", "application/json");
    for (headers, status) in [(vec![json, ("x-client", "shop")], 200), (vec![json], 401)] {
        let came = served
            .send("POST", "/access/v1/evaluation", &headers, read())
            .await;
        assert_eq!(came.status, status, "{came:?}");
        // Why is not for the client.
        assert!(!came.text.contains("proxy"), "{came:?}");
    }
}
