//! One form for the calls of all agents: the names of tools and arguments that hexgate's own tools have.

mod arguments;
mod patch;
mod paths;
mod tools;

use std::path::Path;

use crate::agent::Agent;
use crate::event::Proposed;
use crate::failure::Failure;

/// A call in the form that policies decide.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Normal {
    pub(crate) tool: String,
    /// The arguments: one JSON object.
    pub(crate) arguments: String,
}

/// Where paths of a call lead.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    /// Paths below it are relative to it, in the form that policies see.
    pub(crate) workspace: &'a Path,
    /// Relative paths of the agent begin here.
    pub(crate) cwd: &'a Path,
    /// Commands run here if they do not say where. None: nobody knows.
    pub(crate) commands_in: Option<&'a Path>,
}

/// The normal form of a call.
pub(crate) fn normal(
    agent: Agent,
    proposed: Proposed,
    place: Place<'_>,
) -> Result<Normal, Failure> {
    let tool = tools::name(agent, &proposed)?;
    let is_patch = proposed.tool == "apply_patch" && tool == "edit_file";
    let mut input = proposed.input;
    if is_patch {
        patch::unfold(&mut input)?;
    }
    arguments::rename(&tool, &mut input)?;
    arguments::place(&tool, &mut input, place)?;
    arguments::programs(&tool, &mut input)?;
    Ok(Normal {
        arguments: input.to_text(),
        tool,
    })
}
