//! What the document shows is read by what it is written for.

use hexgate_mcp::identity::IdentityConfig;

use crate::starter::Decider;

/// The blocks of the document behind this mark.
fn blocks(mark: &str) -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/mcp-identity.md");
    let text = std::fs::read_to_string(path).unwrap();
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
    let policies = blocks("yaml policy");
    assert!(!policies.is_empty());
    for policy in policies {
        Decider::new(&policy);
    }
}

#[test]
fn servers_that_want_tokens_are_read() {
    let mut parts = blocks("yaml");
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
    let mut parts = blocks("yaml");
    parts.retain(|part| part.starts_with("identity:"));
    assert_eq!(parts.len(), 3);
    for part in parts {
        let part: Part =
            serde_saphyr::from_str(&part).unwrap_or_else(|error| panic!("{error}\n{part}"));
        assert!(part.identity.tokens.is_some() || !part.identity.issuers.is_empty());
    }
}
