//! Binaries that lack only a plan, and a record of what a plan changes in them.

use std::ops::Range;

use anyhow::{Context, Result, ensure};
use wasm_encoder::{
    Component, ComponentAliasSection, ComponentSection, ComponentSectionId, Encode,
    InstanceSection, ModuleArg,
    reencode::{Reencode, ReencodeComponent},
};
use wasmparser::{BinaryReader, ComponentAliasSectionReader, Validator, WasmFeatures};
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
const CORE_EXPORTS: u8 = 7;
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

    /// Writes the module that the plan goes into, as a section of a component.
    fn module(&mut self, module: &Module) -> Result<()> {
        ensure!(
            self.core.is_empty(),
            "the component contains more than one module"
        );
        self.bytes.push(COMPONENT_MODULE);
        self.enclose(|template| {
            let start = template.bytes.len();
            write_module(template, module)?;
            template.core = start..template.bytes.len();
            Ok(())
        })
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
            COMPONENT_MODULE => template.module(module)?,
            id => template.section(id, contents)?,
        }
    }
    validate(&template.bytes)?;
    Ok(template)
}

/// The modules that `guest/opa` imports from: see [`wrapper`].
pub(crate) const OPA_IMPORTS: [&str; 2] = ["memory", "opa"];

/// What a component around a module of OPA's consists of behind its first two modules, which differ from policy to policy: the one
/// that owns OPA's memory, and OPA's. Behind them come `guest/opa`, the instances of the three, and the exports of the world.
///
/// `engine` exports what `guest/opa` does but imports nothing, so wit-component can encode it; all but the instances is the same.
pub(crate) fn wrapper(engine: &Module, opa: &Module) -> Result<Template> {
    let mut core = Template::default();
    write_module(&mut core, opa)?;
    validate(&core.bytes)?;
    ensure!(
        exports(opa) == exports(engine),
        "`guest/opa` exports something else than `guest/engine`"
    );
    let mut core = Template::default();
    write_module(&mut core, engine)?;
    let encoded = encode(&core.bytes)?;

    let mut template = Template::default();
    for (id, contents) in sections(&encoded)? {
        match id {
            0 => {}
            COMPONENT_MODULE => template.module(opa)?,
            id if id == ComponentSectionId::CoreInstance as u8 => {
                let mut instances = InstanceSection::new();
                let [memory, opa] = OPA_IMPORTS;
                let no_arguments: [(&str, ModuleArg); 0] = [];
                instances.instantiate(0, no_arguments);
                instances.instantiate(1, [("env", ModuleArg::Instance(0))]);
                instances.instantiate(
                    2,
                    [
                        (memory, ModuleArg::Instance(0)),
                        (opa, ModuleArg::Instance(1)),
                    ],
                );
                instances.append_to_component(&mut template.bytes);
            }
            id if id == ComponentSectionId::Alias as u8 => {
                let reader = ComponentAliasSectionReader::new(BinaryReader::new(contents, 0))?;
                let mut aliases = ComponentAliasSection::new();
                for alias in reader {
                    aliases.alias(BehindTwo.component_alias(alias?)?);
                }
                aliases.append_to_component(&mut template.bytes);
            }
            id => template.section(id, contents)?,
        }
    }
    Ok(template)
}

/// Encodes again what stood in a component of one core instance and now stands behind two more.
struct BehindTwo;

impl Reencode for BehindTwo {
    type Error = std::convert::Infallible;
}

impl ReencodeComponent for BehindTwo {
    fn instance_index(&mut self, instance: u32) -> u32 {
        instance + 2
    }
}

fn exports(module: &Module) -> Vec<&[u8]> {
    let contents = module.sections.iter().filter(|(id, _)| *id == CORE_EXPORTS);
    let mut names = Vec::new();
    for (_, contents) in contents {
        let reader = wasmparser::ExportSectionReader::new(BinaryReader::new(contents, 0));
        for export in reader.into_iter().flatten().flatten() {
            names.push(export.name.as_bytes());
        }
    }
    names.sort_unstable();
    names
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
    let package = resolve.push_dir(workspace::root().join("wit/policy"))?.0;
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
