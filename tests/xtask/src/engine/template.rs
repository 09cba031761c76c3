//! Binaries that lack only a plan, and a record of what a plan changes in them.

use std::ops::Range;

use anyhow::{Context, Result, bail, ensure};
use wasm_encoder::{
    Component, ComponentImportSection, ComponentSection, ComponentTypeRef, CoreTypeSection,
    DataCountSection, Encode, EntityType, Function, FunctionSection, ImportSection,
    InstanceSection, MemoryType, ModuleArg, ModuleType, Section, StartSection, TypeSection,
    ValType,
};
use wasmparser::{BinaryReader, ExternalKind, Parser, Payload, Validator, WasmFeatures};
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

    fn append(&mut self, section: &impl Section) {
        section.append_to(&mut self.bytes);
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

/// The same component, but with the engine imported, and the plan in a module of its own that writes it into the engine's memory.
pub(crate) fn thin(component: &Template, module: &Module) -> Result<Template> {
    let mut template = Template {
        bytes: slice(&component.bytes, 0..8)?.to_vec(),
        ..Template::default()
    };
    let mut types = CoreTypeSection::new();
    types.ty().module(&module_type(slice(
        &component.bytes,
        component.core.clone(),
    )?)?);
    types.append_to_component(&mut template.bytes);
    let mut imports = ComponentImportSection::new();
    imports.import("engine", ComponentTypeRef::Module(0));
    imports.append_to_component(&mut template.bytes);
    for (id, contents) in sections(&component.bytes)? {
        if id != COMPONENT_MODULE {
            template.section(id, contents)?;
        }
    }
    template.bytes.push(COMPONENT_MODULE);
    template.enclose(|template| write_plan_module(template, module.heap_base))?;
    // Module 0 and instance 0 are the engine; nobody calls it before all of the component is instantiated.
    let mut instances = InstanceSection::new();
    instances.instantiate(1, [("engine", ModuleArg::Instance(0))]);
    instances.append_to_component(&mut template.bytes);
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

/// Writes a module that puts the plan into the memory that it imports, which it lets grow for that. Fails to instantiate if the
/// memory cannot grow.
fn write_plan_module(template: &mut Template, heap_base: u32) -> Result<()> {
    template
        .bytes
        .extend_from_slice(&wasm_encoder::Module::HEADER);
    let mut types = TypeSection::new();
    types.ty().function([], []);
    template.append(&types);
    let mut imports = ImportSection::new();
    let memory = MemoryType {
        minimum: 1,
        maximum: None,
        memory64: false,
        shared: false,
        page_size_log2: None,
    };
    imports.import("engine", "memory", EntityType::Memory(memory));
    template.append(&imports);
    let mut functions = FunctionSection::new();
    functions.function(0);
    template.append(&functions);
    template.append(&StartSection { function_index: 0 });
    template.append(&DataCountSection { count: 1 });
    write_plan_code(template, heap_base)?;
    template.bytes.push(CORE_DATA);
    template.enclose(|template| {
        // One segment, passive.
        template.bytes.extend_from_slice(&[1, 1]);
        template.plan();
        Ok(())
    })
}

/// `memory.grow(pages - memory.size); memory.init(heap_base, 0, plan)`. Written around two numbers that depend on the plan, which
/// as constants are signed; padded to five bytes, a number below 2^31 reads the same either way.
fn write_plan_code(template: &mut Template, heap_base: u32) -> Result<()> {
    const I32_CONST: u8 = 0x41;
    let parts = |build: &dyn Fn(&mut wasm_encoder::InstructionSink<'_>)| {
        let mut function = Function::new([]);
        build(&mut function.instructions());
        // Without the empty list of locals.
        function
            .into_raw_body()
            .get(1..)
            .map(<[u8]>::to_vec)
            .unwrap_or_default()
    };
    let grow = parts(&|code| {
        code.memory_size(0)
            .i32_sub()
            .memory_grow(0)
            .drop()
            .i32_const(heap_base.cast_signed())
            .i32_const(0);
    });
    let init = parts(&|code| {
        code.memory_init(0, 0).end();
    });
    // Locals, both constants, and what stands between and behind them.
    let body = u32::try_from(1 + 6 + grow.len() + 6 + init.len())?;
    let mut body_len = Vec::new();
    body.encode(&mut body_len);
    template.bytes.push(10);
    template.leb(u32::try_from(1 + body_len.len())? + body);
    template.leb(1);
    template.bytes.extend_from_slice(&body_len);
    template.bytes.extend_from_slice(&[0, I32_CONST]);
    template.number(Number::Pages(heap_base + 15 + ARENA));
    template.bytes.extend_from_slice(&grow);
    template.bytes.push(I32_CONST);
    template.number(Number::Length(0));
    template.bytes.extend_from_slice(&init);
    Ok(())
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

/// What a module exports, as a type.
fn module_type(wasm: &[u8]) -> Result<ModuleType> {
    let mut types = Vec::new();
    let mut functions = Vec::new();
    let mut exported = ModuleType::new();
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::TypeSection(section) => {
                types = section
                    .into_iter_err_on_gc_types()
                    .collect::<Result<_, _>>()?;
            }
            Payload::FunctionSection(section) => {
                functions = section.into_iter().collect::<Result<Vec<_>, _>>()?
            }
            Payload::ExportSection(section) => {
                for (index, export) in section.into_iter().enumerate() {
                    let export = export?;
                    let entity = match export.kind {
                        ExternalKind::Memory => EntityType::Memory(MemoryType {
                            minimum: 1,
                            maximum: None,
                            memory64: false,
                            shared: false,
                            page_size_log2: None,
                        }),
                        ExternalKind::Func => {
                            let function = functions
                                .get(export.index as usize)
                                .context("an exported function")?;
                            let ty: &wasmparser::FuncType =
                                types.get(*function as usize).context("its type")?;
                            exported
                                .ty()
                                .function(values(ty.params())?, values(ty.results())?);
                            EntityType::Function(exported.type_count() - 1)
                        }
                        other => bail!("export {index} is a {other:?}"),
                    };
                    exported.export(export.name, entity);
                }
            }
            _ => {}
        }
    }
    Ok(exported)
}

fn values(types: &[wasmparser::ValType]) -> Result<Vec<ValType>> {
    types
        .iter()
        .map(|ty| match ty {
            wasmparser::ValType::I32 => Ok(ValType::I32),
            wasmparser::ValType::I64 => Ok(ValType::I64),
            other => bail!("an exported function has a parameter of type {other}"),
        })
        .collect()
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
