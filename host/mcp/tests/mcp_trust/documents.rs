//! What the document shows is read by what it is written for.

use hexgate_mcp::identity::IdentityConfig;
use serde_json::Value;

use crate::starter::Decider;

/// The blocks of a document behind this mark.
fn blocks(document: &str, mark: &str) -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs");
    let text = std::fs::read_to_string(format!("{folder}/{document}")).unwrap();
    let mut blocks = Vec::new();
    let mut open: Option<String> = None;
    for line in text.lines() {
        match &mut open {
            None if line == format!("```{mark}") => open = Some(String::new()),
            None => {}
            Some(_) if line == "```" => blocks.extend(open.take()),
            Some(block) => {
                block.push_str(line);
                block.push('\n');
            }
        }
    }
    blocks
}

#[test]
fn policies_compile() {
    for document in ["mcp.md", "mcp-identity.md"] {
        let policies = blocks(document, "yaml policy");
        assert!(!policies.is_empty());
        for policy in policies {
            Decider::new(&policy);
        }
    }
}

#[test]
fn gateways_are_read() {
    let parts = blocks("mcp.md", "yaml");
    let folder = std::path::Path::new("/");
    let read = |text: &str| {
        hexgate_mcp::Config::from_text(text, folder)
            .unwrap_or_else(|error| panic!("{error}\n{text}"))
    };
    let mut found = [0; 3];
    for part in &parts {
        if part.starts_with("policy:") {
            let config = read(part);
            assert!(config.check().is_ok());
            assert_eq!(config.servers.len(), 2);
            found[0] += 1;
        } else if part.starts_with("servers:") {
            let config = read(part);
            assert!(config.servers.values().all(|server| server.offer.is_some()));
            found[1] += 1;
        } else if part.starts_with("approvals:") {
            let config = read(&format!("{part}servers: {{ files: {{ command: x }} }}\n"));
            assert!(config.approvals.durable.is_some());
            found[2] += 1;
        } else {
            // That of a client.
            assert!(part.starts_with("extensions:"), "{part}");
        }
    }
    assert_eq!(found, [1, 1, 1]);
}

#[test]
fn clients_start_a_gateway_that_stands_before_a_server() {
    let mut starts = Vec::new();
    for json in blocks("mcp.md", "json") {
        let client: Value = serde_json::from_str(&json).unwrap();
        let servers = client.as_object().unwrap().values().next().unwrap();
        starts.push((
            servers["files"]["command"].clone(),
            servers["files"]["args"].clone(),
        ));
    }
    for toml in blocks("mcp.md", "toml") {
        // Texts and lists of them read alike in JSON.
        let rest = toml
            .strip_prefix("[mcp_servers.files]\ncommand = ")
            .unwrap();
        let (command, args) = rest.split_once("\nargs = ").unwrap();
        let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        starts.push((value(command), value(args)));
    }
    for yaml in blocks("mcp.md", "yaml") {
        if yaml.starts_with("extensions:") {
            let client: Value = serde_saphyr::from_str(&yaml).unwrap();
            let files = &client["extensions"]["files"];
            starts.push((files["cmd"].clone(), files["args"].clone()));
        }
    }
    assert_eq!(starts.len(), 5);
    let all = "mcp wrap --policy /etc/hexgate/policy.yaml --name files --role developer -- npx -y @modelcontextprotocol/server-filesystem /work";
    for (command, args) in starts {
        assert_eq!(command, "hexgate");
        let args: Vec<&str> = args
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        assert_eq!(args, all.split(' ').collect::<Vec<_>>());
    }
}

#[test]
fn servers_that_want_tokens_are_read() {
    let mut parts = blocks("mcp-identity.md", "yaml");
    parts.retain(|part| part.starts_with("servers:"));
    assert_eq!(parts.len(), 1);
    let config = hexgate_mcp::Config::from_text(&parts[0], std::path::Path::new("/")).unwrap();
    let mut servers = config.servers.values();
    assert!(servers.all(|server| server.authorization.is_some()));
}

#[test]
fn identities_are_read() {
    #[derive(serde::Deserialize)]
    struct Part {
        identity: IdentityConfig,
    }
    let mut parts = blocks("mcp-identity.md", "yaml");
    parts.retain(|part| part.starts_with("identity:"));
    assert_eq!(parts.len(), 3);
    for part in parts {
        let part: Part =
            serde_saphyr::from_str(&part).unwrap_or_else(|error| panic!("{error}\n{part}"));
        assert!(part.identity.tokens.is_some() || !part.identity.issuers.is_empty());
    }
}
