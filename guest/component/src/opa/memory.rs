//! The module that owns the memory of OPA's module: everything that OPA's module imports, and single words of the memory for
//! `guest/opa`.

use wasm_encoder::{
    CodeSection, ExportKind, ExportSection, Function, FunctionSection, Instruction, MemArg,
    MemorySection, MemoryType, Module, TypeSection, ValType,
};

use super::inspect::IMPORTS;

/// How many pages more than it begins with a module gets: room for an ordinary decision, so that the memory need not grow.
const HEAP_PAGES: u64 = 16;

/// What differs from module to module.
#[derive(Debug, Clone, Copy)]
pub(super) struct Memory {
    /// The pages that OPA's module begins with.
    pub(super) pages: u64,
    /// The most that it lets itself have.
    pub(super) most: Option<u64>,
    /// Which of its entrypoints decides.
    pub(super) entrypoint: u32,
}

/// The module.
pub(super) fn module(memory: &Memory) -> Vec<u8> {
    let mut types = TypeSection::new();
    let mut functions = FunctionSection::new();
    let mut exports = ExportSection::new();
    let mut code = CodeSection::new();
    let mut add =
        |name: &str, parameters: &[ValType], result: Option<ValType>, body: &[Instruction<'_>]| {
            let (ty, function) = (types.len(), functions.len());
            types.ty().function(parameters.iter().copied(), result);
            functions.function(ty);
            exports.export(name, ExportKind::Func, function);
            let mut instructions = Function::new([]);
            for instruction in body {
                instructions.instruction(instruction);
            }
            instructions.instruction(&Instruction::End);
            code.function(&instructions);
        };

    // A call of a host's function by OPA's module ends the decision.
    for (name, parameters, results) in IMPORTS {
        let parameters = vec![ValType::I32; parameters];
        let result = (results > 0).then_some(ValType::I32);
        add(name, &parameters, result, &[Instruction::Unreachable]);
    }
    let word = MemArg {
        offset: 0,
        align: 0,
        memory_index: 0,
    };
    let load = [Instruction::LocalGet(0), Instruction::I64Load(word)];
    add("load", &[ValType::I32], Some(ValType::I64), &load);
    let store = [
        Instruction::LocalGet(0),
        Instruction::LocalGet(1),
        Instruction::I64Store(word),
    ];
    add("store", &[ValType::I32, ValType::I64], None, &store);
    let entrypoint = [Instruction::I32Const(memory.entrypoint.cast_signed())];
    add("entrypoint", &[], Some(ValType::I32), &entrypoint);

    let more = memory.pages.saturating_add(HEAP_PAGES);
    let mut memories = MemorySection::new();
    memories.memory(MemoryType {
        minimum: memory.most.map_or(more, |most| more.min(most)),
        maximum: memory.most,
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    exports.export("memory", ExportKind::Memory, 0);

    let mut module = Module::new();
    module
        .section(&types)
        .section(&functions)
        .section(&memories)
        .section(&exports)
        .section(&code);
    module.finish()
}
