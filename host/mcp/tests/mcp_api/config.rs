//! `gateway.yaml`.

use std::path::Path;

use hexgate_mcp::Config;
use hexgate_mcp::config::{Environment, Reach};

fn read(text: &str) -> Result<Config, String> {
    Config::from_text(text, Path::new("/etc/gateway"))
}

#[test]
fn a_whole_file_is_read() {
    let config = read(
        r#"
agent: tools
policy: policy.yaml
listen: 127.0.0.1:8900
hosts: [gateway.example.com]
origins: ["https://app.example.com:443"]
caller: { user: alice, roles: [dev] }
servers:
  files: { command: npx, args: [-y, server], env: [NODE_PATH], protocol: "2025-06-18" }
  tickets:
    url: https://tickets.example.com/mcp
    headers: { Authorization: TICKETS }
offer: { prompts: pass, resources: pass, completions: pass }
limits: { request_bytes: 1000, call_seconds: 5 }
approvals: { database: approvals.db, approvers: approvers.json, roles: [lead], ask_client: false }
audit: audit
authzen: { listen: 127.0.0.1:8901, clients: clients.json, url: "https://pdp.example.com" }
scrub_secrets: true
"#,
    )
    .unwrap();
    assert_eq!(
        config.policy.as_deref(),
        Some(Path::new("/etc/gateway/policy.yaml"))
    );
    assert_eq!(config.listen.unwrap().port(), 8900);
    let authzen = config.authzen.unwrap();
    assert_eq!(authzen.listen.port(), 8901);
    assert_eq!(
        authzen.clients.as_deref(),
        Some(Path::new("/etc/gateway/clients.json"))
    );
    assert_eq!(
        (
            config.limits.request_bytes,
            config.limits.call_time.as_secs()
        ),
        (1000, 5)
    );
    assert!(config.offer.prompts.is_pass() && !config.offer.sampling.is_pass());
    assert_eq!(config.approvals.ask_client, Some(false));
    let files = &config.servers["files"];
    assert_eq!(files.protocol.as_ref().unwrap().as_str(), "2025-06-18");
    let Reach::Process { environment, .. } = &files.reach else {
        panic!()
    };
    assert_eq!(
        *environment,
        Environment::Named(vec!["NODE_PATH".to_owned()])
    );
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    let server = "servers:\n  fs: { command: cat }\n";
    for (text, parts) in [
        (format!("{server}polcy: x\n"), &["polcy", "line 3"][..]),
        (
            format!("{server}authzen: {{ listen: 127.0.0.1:1, token: x }}\n"),
            &["token", "line 3"],
        ),
        (format!("{server}{server}"), &["servers", "line 3"]),
        (
            "servers:\n  fs: { command: cat }\n  fs: { command: cat }\n".to_owned(),
            &["fs", "line 3"],
        ),
        (
            "servers:\n  fs:\n    command: cat\n    comand: dog\n".to_owned(),
            &["comand", "line 4"],
        ),
        (
            "servers:\n  fs: { command: cat, url: http://a }\n".to_owned(),
            &["`fs`", "line 2", "either"],
        ),
        ("servers:\n  fs: {}\n".to_owned(), &["line 2", "either"]),
        (
            "servers:\n  fs: { url: ftp://a }\n".to_owned(),
            &["line 2", "HTTP"],
        ),
        (
            "servers:\n  fs: { command: cat, env: [\"A=b\"] }\n".to_owned(),
            &["line 2", "names of variables"],
        ),
        (
            "servers:\n  fs: { url: http://a, headers: { X: \"Bearer abc\" } }\n".to_owned(),
            &["line 2", "environment"],
        ),
        (
            "servers:\n  fs: { command: cat, protocol: \"2024-11-05\" }\n".to_owned(),
            &["line 2", "2025-06-18"],
        ),
        ("servers:\n  FS: { command: cat }\n".to_owned(), &["`FS`"]),
        ("servers: {}\n".to_owned(), &["no server"]),
        (
            "servers:\n  fs: { command: cat }\n  fs-x: { command: cat }\n".to_owned(),
            &["`fs`", "`fs-x`"],
        ),
        (
            format!("{server}  other: {{ command: cat }}\nnames: plain\n"),
            &["plain"],
        ),
        (
            format!("{server}offer: {{ sampling: maybe }}\n"),
            &["line 3", "maybe"],
        ),
        (
            format!("{server}  other: {{ command: cat, offer: {{ tools: pass }} }}\n"),
            &["line 3", "tools"],
        ),
        (
            format!("{server}offer: {{ tools: pass }}\n"),
            &["line 3", "tools"],
        ),
        (
            format!("{server}limits: {{ call_seconds: 0 }}\n"),
            &["line 3", "call_seconds"],
        ),
        (
            format!("{server}approvals: {{ database: a.db }}\n"),
            &["approvers"],
        ),
        (format!("{server}listen: here\n"), &["line 3"]),
        (format!("{server}audit: &a b\n"), &["line"]),
        ("- servers\n".to_owned(), &["line 1"]),
    ] {
        let error = read(&text).err().unwrap_or_else(|| panic!("{text}"));
        for part in parts {
            assert!(error.contains(part), "{text}\n{part}: {error}");
        }
    }
}
