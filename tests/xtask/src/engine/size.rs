//! What the engine's bytes are spent on.

use std::collections::BTreeMap;

use anyhow::Result;
use wasmparser::{KnownCustom, Name, Parser, Payload};

use super::compile::{Guest, Names, Toolchain};

/// How many functions are listed.
const LISTED: usize = 40;

/// Prints the sizes of the sections and of the largest functions.
pub(crate) fn print(toolchain: &Toolchain) -> Result<()> {
    let wasm = toolchain.compile(Guest::Engine, Names::Kept)?;
    let mut sizes = Vec::new();
    let mut names = BTreeMap::new();
    for payload in Parser::new(0).parse_all(&wasm) {
        let payload = payload?;
        match &payload {
            Payload::CodeSectionEntry(body) => sizes.push(body.range().len()),
            Payload::CustomSection(section) => {
                if let KnownCustom::Name(reader) = section.as_known() {
                    for name in reader {
                        if let Name::Function(map) = name? {
                            for naming in map {
                                let naming = naming?;
                                names.insert(naming.index as usize, naming.name);
                            }
                        }
                    }
                }
                continue;
            }
            _ => {}
        }
        if let Some((id, range)) = payload.as_section() {
            println!("{:>7}  section {id}", range.len());
        }
    }
    let mut functions: Vec<_> = sizes.into_iter().enumerate().collect();
    functions.sort_by_key(|(index, size)| (std::cmp::Reverse(*size), *index));
    for (index, size) in functions.into_iter().take(LISTED) {
        println!("{size:>7}  {}", names.get(&index).copied().unwrap_or("?"));
    }
    Ok(())
}
