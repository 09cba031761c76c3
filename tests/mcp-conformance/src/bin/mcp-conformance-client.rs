//! The client of the suite: `mcp-conformance-client direct URL`, or `gateway URL`. As the browser of a login it gets the address alone.
#![forbid(unsafe_code)]

use anyhow::{Context as _, Result, bail};
use hexgate_mcp_conformance::client::{self, Kind};

#[tokio::main]
async fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [url] if client::is_browser() => client::visit(url).await,
        ["direct", url] => client::run(Kind::Direct, url).await,
        ["gateway", url] => client::run(Kind::Gateway, url).await,
        _ => bail!("say `direct` or `gateway`, and an address"),
    }
    .context("the scenario failed")
}
