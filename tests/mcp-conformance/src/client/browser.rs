//! A browser of which only this is left: it opens an address, and goes where it is sent.

use anyhow::{Context as _, Result};
use reqwest::header::LOCATION;

/// Opens an address, and follows redirections.
///
/// # Errors
///
/// Somebody does not answer.
pub async fn visit(url: &str) -> Result<()> {
    reqwest::get(url).await?;
    Ok(())
}

/// Where an address redirects.
pub(super) async fn sent(url: &str) -> Result<String> {
    let http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()?;
    let answer = http.get(url).send().await?;
    let location = answer.headers().get(LOCATION);
    let location = location.context("the authorization server redirects nowhere")?;
    Ok(location.to_str()?.to_owned())
}
