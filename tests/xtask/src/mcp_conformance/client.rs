//! The suite as a server: of a client of its own, and of the gateway.

use anyhow::Result;

use super::{page::Section, suite::Suite};

pub(super) fn run(_: &Suite) -> Result<Section> {
    Ok(Section::default())
}
