//! From what the linker wrote to the module that is shipped.

use std::ops::Range;

use anyhow::{Context, Result, bail, ensure};
use wasm_encoder::{ExportKind, ExportSection, GlobalSection, Section, SectionId};
use wasmparser::{ExternalKind, Operator, Parser, Payload};

/// The exports of the linker that nobody needs at run time.
const LINKER_EXPORTS: [&str; 2] = ["__heap_base", "__data_end"];

/// What the plan starts at a multiple of: a cache line, so that where the linker ends does not change how fast the plan is read.
const PLAN_ALIGN: u32 = 16;

/// A module in parts, without anything that does not run.
#[derive(Debug)]
pub(crate) struct Module {
    /// The sections in their order: number and contents. `memory` and `data` are not among them.
    pub(crate) sections: Vec<(u8, Vec<u8>)>,
    /// The data segments: where they go, and their bytes.
    pub(crate) data: Vec<(u32, Vec<u8>)>,
    /// Where stack and data end, and a plan begins.
    pub(crate) heap_base: u32,
}

/// Takes a linked module apart and leaves out names, debug information and what only the linker exports. It may import from the
/// modules that are listed.
pub(crate) fn strip(wasm: &[u8], imports: &[&str]) -> Result<Module> {
    let mut sections = Vec::new();
    let mut data = Vec::new();
    let mut globals: Vec<wasmparser::Global<'_>> = Vec::new();
    let mut exports: Vec<wasmparser::Export<'_>> = Vec::new();
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::ImportSection(section) => {
                let range = section.range();
                for import in section.into_imports() {
                    let import = import?;
                    ensure!(
                        imports.contains(&import.module),
                        "`{}` is imported from `{}`",
                        import.name,
                        import.module
                    );
                }
                sections.push((SectionId::Import as u8, slice(wasm, range)?.to_vec()));
            }
            Payload::MemorySection(memories) => {
                ensure!(memories.count() == 1, "the engine has more than one memory")
            }
            Payload::GlobalSection(section) => {
                globals = section.into_iter().collect::<Result<_, _>>()?;
                sections.push((SectionId::Global as u8, Vec::new()));
            }
            Payload::ExportSection(section) => {
                exports = section.into_iter().collect::<Result<_, _>>()?;
                sections.push((SectionId::Export as u8, Vec::new()));
            }
            Payload::DataSection(section) => {
                for segment in section {
                    let segment = segment?;
                    let wasmparser::DataKind::Active {
                        memory_index: 0,
                        offset_expr,
                    } = segment.kind
                    else {
                        bail!("the engine has a passive data segment");
                    };
                    data.push((constant(&offset_expr)?, segment.data.to_vec()));
                }
            }
            Payload::CustomSection(_) | Payload::DataCountSection { .. } => {}
            other => {
                if let Some((id, range)) = other.as_section() {
                    sections.push((id, slice(wasm, range)?.to_vec()));
                }
            }
        }
    }

    // The linker's globals stand behind those that code uses, so leaving them out moves no other.
    let is_linkers = |export: &wasmparser::Export<'_>| LINKER_EXPORTS.contains(&export.name);
    let heap_base = exports
        .iter()
        .find(|export| export.name == "__heap_base")
        .context("`__heap_base` is not exported")?;
    let heap_base = globals
        .get(heap_base.index as usize)
        .context("`__heap_base` is not a global")?;
    let heap_base = constant(&heap_base.init_expr)?;
    ensure!(heap_base % PLAN_ALIGN == 0, "`__heap_base` is not aligned");
    let kept = exports
        .iter()
        .filter(|export| is_linkers(export))
        .map(|export| export.index as usize)
        .min();
    globals.truncate(kept.unwrap_or(globals.len()));
    exports.retain(|export| !is_linkers(export));
    for (id, contents) in &mut sections {
        match *id {
            id if id == SectionId::Global as u8 => *contents = encode_globals(&globals)?,
            id if id == SectionId::Export as u8 => *contents = encode_exports(&exports)?,
            _ => {}
        }
    }
    Ok(Module {
        sections,
        data,
        heap_base,
    })
}

/// What is the value of a constant expression?
fn constant(expr: &wasmparser::ConstExpr<'_>) -> Result<u32> {
    match expr.get_operators_reader().read()? {
        Operator::I32Const { value } => Ok(value.cast_unsigned()),
        other => bail!("expected a constant, found {other:?}"),
    }
}

fn encode_globals(globals: &[wasmparser::Global<'_>]) -> Result<Vec<u8>> {
    let mut section = GlobalSection::new();
    for global in globals {
        let value = constant(&global.init_expr)?;
        let kind = wasm_encoder::GlobalType {
            val_type: wasm_encoder::ValType::I32,
            mutable: global.ty.mutable,
            shared: false,
        };
        section.global(
            kind,
            &wasm_encoder::ConstExpr::i32_const(value.cast_signed()),
        );
    }
    contents(&section)
}

fn encode_exports(exports: &[wasmparser::Export<'_>]) -> Result<Vec<u8>> {
    let mut section = ExportSection::new();
    for export in exports {
        let kind = match export.kind {
            ExternalKind::Func => ExportKind::Func,
            ExternalKind::Memory => ExportKind::Memory,
            other => bail!("the engine exports `{}`, a {other:?}", export.name),
        };
        section.export(export.name, kind, export.index);
    }
    contents(&section)
}

/// The contents of a section, without its number and size.
fn contents(section: &impl Section) -> Result<Vec<u8>> {
    let mut encoded = Vec::new();
    section.encode(&mut encoded);
    let mut reader = wasmparser::BinaryReader::new(&encoded, 0);
    let size = reader.read_var_u32()? as usize;
    let rest = reader.read_bytes(size)?;
    Ok(rest.to_vec())
}

pub(crate) fn slice(bytes: &[u8], range: Range<usize>) -> Result<&[u8]> {
    bytes
        .get(range)
        .context("a section lies outside of the binary")
}
