//! Binaries that lack only a plan, and a record of what a plan changes in them.

use std::ops::Range;

use anyhow::{Context, Result, ensure};
use wasm_encoder::{Component, Encode};
use wasmparser::{BinaryReader, Validator, WasmFeatures};
use wit_component::{ComponentEncoder, StringEncoding};
use wit_parser::Resolve;

use super::module::{Module, slice};
use crate::workspace;

/// What an instance has for requests before its memory has to grow: enough for arguments of a kilobyte, and so little that a
/// small policy fits into one page with it.
const ARENA: u32 = 16 << 10;

/// What a module section of a component begins with, and a data section of a module.
const COMPONENT_MODULE: u8 = 1;
const CORE_MEMORY: u8 = 5;
const CORE_DATA: u8 = 11;
/// The sections of a module that stand before its memory.
const BEFORE_MEMORY: [u8; 4] = [1, 2, 3, 4];

/// A binary under construction.
#[derive(Debug, Default)]
pub(crate) struct Template {
    pub(crate) bytes: Vec<u8>,
    /// Where a plan goes.
    pub(crate) plan_at: usize,
    /// What a plan changes, in the order of the bytes.
    pub(crate) numbers: Vec<(usize, Number)>,
    /// Where the core module stands.
    pub(crate) core: Range<usize>,
}

/// A number that depends on the plan's length, with its value (or the bytes it counts) for a plan of no bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Number {
    Length(u32),
    Pages(u32),
}

impl Template {
    /// Writes a number that does not depend on the plan.
    fn leb(&mut self, number: u32) {
        number.encode(&mut self.bytes);
    }

    /// Writes a number that does.
    fn number(&mut self, number: Number) {
        let value = match number {
            Number::Length(empty) => empty,
            Number::Pages(bytes) => bytes.div_ceil(65_536),
        };
        self.numbers.push((self.bytes.len(), number));
        self.bytes.extend_from_slice(&padded(value));
    }

    /// Writes something whose length depends on the plan, behind that length.
    fn enclose(&mut self, write: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let (at, index) = (self.bytes.len(), self.numbers.len());
        self.number(Number::Length(0));
        let start = self.bytes.len();
        write(self)?;
        let len = u32::try_from(self.bytes.len().saturating_sub(start))?;
        self.bytes
            .get_mut(at..start)
            .context("the length was just written")?
            .copy_from_slice(&padded(len));
        *self
            .numbers
            .get_mut(index)
            .context("the length was just noted")? = (at, Number::Length(len));
        Ok(())
    }

    fn section(&mut self, id: u8, contents: &[u8]) -> Result<()> {
        self.bytes.push(id);
        self.leb(u32::try_from(contents.len())?);
        self.bytes.extend_from_slice(contents);
        Ok(())
    }

    /// Marks where the plan goes.
    fn plan(&mut self) {
        self.number(Number::Length(0));
        self.plan_at = self.bytes.len();
    }
}

fn padded(number: u32) -> [u8; 5] {
    let group = |shift: u32| (number >> shift & 0x7f) as u8;
    [
        group(0) | 0x80,
        group(7) | 0x80,
        group(14) | 0x80,
        group(21) | 0x80,
        group(28),
    ]
}

/// The component of the world `policy` around `module`.
pub(crate) fn component(module: &Module) -> Result<Template> {
    let mut core = Template::default();
    write_module(&mut core, module)?;
    let encoded = encode(&core.bytes)?;

    let mut template = Template {
        bytes: slice(&encoded, 0..8)?.to_vec(),
        ..Template::default()
    };
    for (id, contents) in sections(&encoded)? {
        match id {
            0 => {}
            COMPONENT_MODULE => {
                ensure!(
                    template.core.is_empty(),
                    "the component contains more than one module"
                );
                template.bytes.push(id);
                template.enclose(|template| {
                    let start = template.bytes.len();
                    write_module(template, module)?;
                    template.core = start..template.bytes.len();
                    Ok(())
                })?;
            }
            id => template.section(id, contents)?,
        }
    }
    validate(&template.bytes)?;
    Ok(template)
}

/// Writes the engine with a place for a plan as its last data segment.
fn write_module(template: &mut Template, module: &Module) -> Result<()> {
    template
        .bytes
        .extend_from_slice(&wasm_encoder::Module::HEADER);
    let (before, after): (Vec<_>, Vec<_>) = module
        .sections
        .iter()
        .partition(|(id, _)| BEFORE_MEMORY.contains(id));
    for (id, contents) in before {
        template.section(*id, contents)?;
    }
    template.bytes.extend_from_slice(&[CORE_MEMORY, 7, 1, 0]);
    // What the arena begins with is aligned: at most 15 bytes more.
    template.number(Number::Pages(module.heap_base + 15 + ARENA));
    for (id, contents) in after {
        template.section(*id, contents)?;
    }
    template.bytes.push(CORE_DATA);
    template.enclose(|template| {
        template.leb(u32::try_from(module.data.len() + 1)?);
        for (at, data) in &module.data {
            write_segment_start(template, *at);
            template.leb(u32::try_from(data.len())?);
            template.bytes.extend_from_slice(data);
        }
        write_segment_start(template, module.heap_base);
        template.plan();
        Ok(())
    })
}

/// Active, in memory 0, at a constant.
fn write_segment_start(template: &mut Template, at: u32) {
    template.bytes.push(0);
    wasm_encoder::ConstExpr::i32_const(at.cast_signed()).encode(&mut template.bytes);
}

/// A component around a module, by wit-component.
fn encode(core: &[u8]) -> Result<Vec<u8>> {
    let mut resolve = Resolve::default();
    let package = resolve.push_dir(workspace::root().join("wit"))?.0;
    let world = resolve.select_world(&[package], Some("policy"))?;
    let mut module = core.to_vec();
    wit_component::embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
    ComponentEncoder::default()
        .validate(true)
        .module(&module)?
        .encode()
}

/// The outermost sections of a component: number and contents.
fn sections(component: &[u8]) -> Result<Vec<(u8, &[u8])>> {
    ensure!(
        component.get(..8) == Some(&Component::HEADER),
        "not a component"
    );
    let mut reader = BinaryReader::new(slice(component, 8..component.len())?, 8);
    let mut sections = Vec::new();
    while !reader.eof() {
        let id = reader.read_u8()?;
        let len = reader.read_var_u32()? as usize;
        sections.push((id, reader.read_bytes(len)?));
    }
    Ok(sections)
}

fn validate(wasm: &[u8]) -> Result<()> {
    // Nothing newer than what every engine has had for years, so that a policy runs on all of them.
    let features = WasmFeatures::MUTABLE_GLOBAL
        | WasmFeatures::SIGN_EXTENSION
        | WasmFeatures::BULK_MEMORY
        | WasmFeatures::GC_TYPES
        | WasmFeatures::COMPONENT_MODEL;
    Validator::new_with_features(features)
        .validate_all(wasm)
        .context("the engine is not valid")?;
    Ok(())
}
