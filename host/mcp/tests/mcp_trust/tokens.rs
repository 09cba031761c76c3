//! Our own tokens through the gateway over HTTP.

use std::sync::Arc;

use biscuit_auth::{Algorithm, Biscuit, BlockBuilder, KeyPair, PrivateKey};
use hexgate_base::SystemClock;
use hexgate_enforce::host::Engine;
use hexgate_enforce::source::PolicyFile;
use hexgate_enforce::{Caller, CallerBuilder, Enforcer, LivePolicy};
use hexgate_mcp::Gateway;
use hexgate_mcp::front::Http;
use hexgate_mcp::identity::{Identity, IdentityConfig};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::upstream::Upstream;

const ROOT: [u8; 32] = [7; 32];
const POLICY: &str = "
roles:
  default: {}
  dev:
    tools:
      mcp-s-read: { mode: allow }
      mcp-s-write: { mode: allow }
";

/// A token of alice, narrowed by these blocks. Each has a signature of its own.
fn token(root: [u8; 32], blocks: &[&str]) -> String {
    let root = PrivateKey::from_bytes(&root, Algorithm::Ed25519).unwrap();
    let mut biscuit = Biscuit::builder()
        .code(r#"environment("live"); project("acme")"#)
        .unwrap()
        .build(&KeyPair::from(&root))
        .unwrap();
    for block in [&[r#"user("alice"); role("dev")"#], blocks].concat() {
        let block = BlockBuilder::new().code(block).unwrap();
        biscuit = biscuit.append(block).unwrap();
    }
    format!("fty_live_acme_{}", biscuit.to_base64().unwrap())
}

struct Served {
    upstream: Upstream,
    url: String,
    gateway: Gateway,
    _folder: tempfile::TempDir,
}

impl Served {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tool = |name: &str| json!({"name": name, "inputSchema": {"type": "object"}});
        let upstream = Upstream::start(vec![tool("read"), tool("write")]).await;
        let policy = folder.path().join("policy.yaml");
        std::fs::write(&policy, POLICY).unwrap();
        let engine = Engine::new().unwrap();
        let live = LivePolicy::open(&engine, PolicyFile::dangerous_unsigned(&policy)).unwrap();
        let key = folder.path().join("root.public");
        let public = hexgate_base::PrivateKey::from_bytes(&ROOT).public_key();
        std::fs::write(&key, public.to_text()).unwrap();
        let config = json!({"tokens": {"keys": [key], "environment": "live", "project": "acme"}});
        let config: IdentityConfig = serde_json::from_value(config).unwrap();
        let clock = Arc::new(SystemClock);
        let identity = Identity::from_config(&config, folder.path(), clock).unwrap();
        let gateway = Gateway::builder(upstream.config(), Enforcer::builder("gateway", &live))
            .caller_of(identity)
            .build()
            .unwrap();
        gateway.start().await.unwrap();
        let http = Http::new(&gateway);
        let listener = http.bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        tokio::spawn(async move { http.serve(listener).await });
        Self {
            upstream,
            url,
            gateway,
            _folder: folder,
        }
    }

    async fn post(&self, token: &str, session: Option<&str>, message: &Value) -> Answer {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut request = http
            .post(&self.url)
            .header("accept", "application/json, text/event-stream")
            .header("content-type", "application/json")
            .header("mcp-protocol-version", "2025-11-25")
            .bearer_auth(token)
            .body(message.to_string());
        if let Some(session) = session {
            request = request.header("mcp-session-id", session);
        }
        let response = request.send().await.unwrap();
        let session = response.headers().get("mcp-session-id");
        Answer {
            status: response.status().as_u16(),
            session: session.map(|it| it.to_str().unwrap().to_owned()),
            text: response.text().await.unwrap(),
        }
    }

    /// A session of this token. None: it has no caller.
    async fn open(&self, token: &str) -> Option<String> {
        let open = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25", "capabilities": {"elicitation": {}}, "clientInfo": {"name": "a", "version": "1"}}});
        let session = self.post(token, None, &open).await.session?;
        let began = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        let began = self.post(token, Some(&session), &began).await;
        assert_eq!(began.status, 202);
        Some(session)
    }
}

struct Answer {
    status: u16,
    session: Option<String>,
    text: String,
}

fn call(tool: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": {}}})
}

const READS: &str = r#"check if tool("mcp-s-read")"#;

#[test]
fn a_caller_is_told_apart_by_all_that_decides_about_it() {
    let alice = || Caller::builder("alice").role("support");
    let fingerprint = |builder: CallerBuilder| builder.build().unwrap().fingerprint();
    let plain = fingerprint(alice());
    assert_eq!(plain, fingerprint(alice()));
    // When it ends decides about nothing before.
    let end = std::time::SystemTime::now();
    assert_eq!(plain, fingerprint(alice().expires_at(end)));
    let described = |ctx: &str| {
        let raw = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
        alice().described(raw(r#"{"id":"alice"}"#), Some(raw(ctx)), "")
    };
    let others = [
        Caller::builder("bob").role("support"),
        Caller::builder("alice"),
        alice().role("lead"),
        Caller::builder("alice").role("lead").role("support"),
        alice().session("support"),
        alice().attribute("team", "red"),
        alice().attribute("team", "blue"),
        alice().attribute("team", true),
        described(r#"{"team":1}"#),
        described(r#"{"team":2}"#),
    ];
    let mut found: Vec<_> = others.into_iter().map(fingerprint).collect();
    found.push(plain);
    for (number, one) in found.iter().enumerate() {
        assert!(!found[number + 1..].contains(one), "{number}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_ours_calls_as_far_as_it_was_narrowed() {
    let served = Served::start().await;
    for (blocks, may_write) in [(&[][..], true), (&[READS], false)] {
        let token = token(ROOT, blocks);
        let session = served.open(&token).await.unwrap();
        let calls = [("s-read", true), ("s-write", may_write)];
        for (tool, may) in calls {
            let answer = served.post(&token, Some(&session), &call(tool)).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            let is_denied = answer.text.contains("[policy_denied]");
            assert_eq!(is_denied, !may, "{tool} {blocks:?}: {}", answer.text);
        }
    }
    let seen = served.upstream.seen();
    let sent = |tool: &str| {
        let named = format!("\"name\":\"{tool}\"");
        let calls = seen.iter().filter(|it| it.contains("tools/call"));
        calls.filter(|it| it.contains(&named)).count()
    };
    assert_eq!((sent("read"), sent("write")), (2, 1));
    assert!(seen.iter().all(|it| !it.contains("fty_live")), "{seen:?}");
    // Another root, another project, and a check that does not hold.
    let elsewhere = token(ROOT, &[]).replace("_acme_", "_other_");
    for bad in [
        token([8; 32], &[]),
        elsewhere,
        token(ROOT, &["check if time($now), $now < 2020-01-01T00:00:00Z"]),
    ] {
        assert_eq!(served.open(&bad).await, None);
    }
    served.gateway.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_of_no_token_that_is_narrowed_otherwise() {
    let served = Served::start().await;
    let (wide, again) = (token(ROOT, &[]), token(ROOT, &[]));
    let (narrow, other) = (token(ROOT, &[READS]), token(ROOT, &[READS]));
    let shorter = token(ROOT, &["check if time($now), $now < 2100-01-01T00:00:00Z"]);
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    // The answer to a question that is asked in the session.
    let yes = json!({"jsonrpc": "2.0", "id": 0, "result": {"action": "accept", "content": {"approve": true}}});
    for (owner, user, may) in [
        (&wide, &wide, true),
        // The token was renewed.
        (&wide, &again, true),
        (&wide, &shorter, true),
        (&wide, &narrow, false),
        (&narrow, &narrow, true),
        (&narrow, &wide, false),
        (&narrow, &other, false),
    ] {
        let session = served.open(owner).await.unwrap();
        let found = served.post(user, Some(&session), &list).await.status;
        assert_eq!(found, if may { 200 } else { 404 });
        let found = served.post(user, Some(&session), &yes).await.status;
        assert_eq!(found, if may { 202 } else { 404 });
    }
    served.gateway.stop();
}
