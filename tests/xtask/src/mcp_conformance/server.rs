//! The suite as a client: of a server with all that the scenarios ask for, and of the gateway in front of it.

use std::{fs, process::Command};

use anyhow::Result;

use super::{
    REVISIONS, Side,
    page::{Section, Table},
    program::Program,
    suite::Suite,
};
use crate::{setup, workspace};

/// The server.
pub(super) const FIXTURE: &str = "mcp-conformance-server";

pub(super) fn run(suite: &Suite) -> Result<Section> {
    let mut section = Section::default();
    for revision in REVISIONS {
        let requirements = suite.requirements(revision)?;
        let all = requirements.all(Side::Server);
        let server = Program::start(&mut Command::new(workspace::binary(FIXTURE)))?;
        let direct = suite.run(
            Side::Server,
            revision,
            &all,
            &["--url", &server.url],
            "server-direct",
        )?;
        // What the first run left behind must not be there in the second one.
        let server = Program::start(&mut Command::new(workspace::binary(FIXTURE)))?;
        let gateway = gateway(revision, &server.url)?;
        let through = suite.run(
            Side::Server,
            revision,
            &all,
            &["--url", &gateway.url],
            "server-gateway",
        )?;
        section.tables.push(Table::of(
            revision,
            format!("Server, {revision}"),
            requirements.required(Side::Server).len(),
            &all,
            [&direct, &through],
        ));
    }
    Ok(section)
}

/// The gateway in front of a server, as its command starts it, with the policy and the configuration of `tests/mcp-conformance`.
fn gateway(revision: &str, server: &str) -> Result<Program> {
    let source = workspace::root().join("tests/mcp-conformance");
    let folder = workspace::root()
        .join(workspace::target())
        .join("mcp-conformance/gateway");
    setup::fresh(&folder)?;
    fs::copy(source.join("policy.yaml"), folder.join("policy.yaml"))?;
    let config = fs::read_to_string(source.join("gateway.yaml"))?
        .replace("$SERVER", server)
        .replace("$REVISION", revision);
    let path = folder.join("gateway.yaml");
    fs::write(&path, config)?;
    let mut command = Command::new(workspace::binary("hexgate"));
    command
        .args(["mcp", "run", "--config"])
        .arg(&path)
        .args(["--listen", "127.0.0.1:0"]);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("HEXGATE_") {
            command.env_remove(name);
        }
    }
    Program::start(&mut command)
}
