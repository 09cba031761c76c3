//! What the file of pins holds. Each version is a module; the newest one is written.

use serde::Deserialize;

use super::Catalogues;

/// Reads a file of any version. The error is a reason for a message.
pub(super) fn read(bytes: &[u8]) -> Result<Catalogues, String> {
    #[derive(Deserialize)]
    struct Any {
        version: u64,
    }
    let any: Any = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    match any.version {
        v1::VERSION => v1::read(bytes),
        other => Err(format!(
            "version {other} is not known, and version {} is",
            v1::VERSION
        )),
    }
}

/// The bytes of a file of the newest version.
pub(super) fn write(catalogues: &Catalogues) -> Result<Vec<u8>, serde_json::Error> {
    v1::write(catalogues)
}

/// The text of each tool, and its digest.
mod v1 {
    use std::collections::BTreeMap;

    use hexgate_base::Digest;
    use serde::{Deserialize, Serialize};

    use super::super::{Catalogues, MAX_SERVERS, MAX_TOOLS, PinnedTool};

    pub(super) const VERSION: u64 = 1;

    #[derive(Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Content {
        servers: Vec<Server>,
        version: u64,
    }

    #[derive(Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Server {
        name: String,
        tools: Vec<Tool>,
    }

    #[derive(Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Tool {
        digest: Digest,
        text: String,
    }

    pub(super) fn read(bytes: &[u8]) -> Result<Catalogues, String> {
        let content: Content = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if content.servers.len() > MAX_SERVERS {
            return Err(format!("it has more than {MAX_SERVERS} servers"));
        }
        let mut catalogues = Catalogues::new();
        for server in content.servers {
            if server.tools.len() > MAX_TOOLS {
                return Err(format!("a server has more than {MAX_TOOLS} tools"));
            }
            let mut tools = BTreeMap::new();
            for stored in server.tools {
                let tool = PinnedTool::read(&stored.text)?;
                // A digest that was edited to fit the server's new tool would show no difference.
                if tool.digest() != stored.digest {
                    return Err("the text of a tool does not have its digest".to_owned());
                }
                if tools.insert(tool.name().to_owned(), tool).is_some() {
                    return Err("a tool stands twice".to_owned());
                }
            }
            if catalogues.insert(server.name, tools).is_some() {
                return Err("a server stands twice".to_owned());
            }
        }
        Ok(catalogues)
    }

    pub(super) fn write(catalogues: &Catalogues) -> Result<Vec<u8>, serde_json::Error> {
        let servers = catalogues.iter().map(|(name, tools)| Server {
            name: name.clone(),
            tools: tools
                .values()
                .map(|tool| Tool {
                    digest: tool.digest(),
                    text: tool.text().to_owned(),
                })
                .collect(),
        });
        let mut bytes = serde_json::to_vec_pretty(&Content {
            servers: servers.collect(),
            version: VERSION,
        })?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}
