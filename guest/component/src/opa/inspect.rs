//! What a module says about itself, without running it.

use wasmparser::{
    BinaryReaderError, DataKind, ExternalKind, FuncType, FunctionBody, Operator, Parser, Payload,
    TypeRef, ValType, Validator, WasmFeatures,
};

use super::{
    error::{ENTRYPOINT, WrapError},
    memory::{self, Memory},
};

/// The most pages of memory that a module may begin with: 48 MiB, which leaves room for a request where an instance may have 64.
const MAX_PAGES: u64 = 768;

/// What OPA's modules may import from `env` beside the memory, and how many 32-bit parameters each has.
pub(super) const IMPORTS: [(&str, usize, usize); 7] = [
    ("opa_abort", 1, 0),
    ("opa_println", 1, 0),
    ("opa_builtin0", 2, 1),
    ("opa_builtin1", 3, 1),
    ("opa_builtin2", 4, 1),
    ("opa_builtin3", 5, 1),
    ("opa_builtin4", 6, 1),
];

/// The functions that are called, and how many 32-bit parameters and results each has.
const EXPORTS: [(&str, usize, usize); 7] = [
    ("opa_malloc", 1, 1),
    ("opa_heap_ptr_get", 0, 1),
    ("opa_heap_ptr_set", 1, 0),
    ("opa_json_parse", 2, 1),
    ("opa_eval", 7, 1),
    ("builtins", 0, 1),
    ("entrypoints", 0, 1),
];

/// A module of OPA's that can be wrapped.
#[derive(Debug)]
pub(super) struct Inspected {
    memory: Memory,
}

impl Inspected {
    /// Looks through a module.
    pub(super) fn of(wasm: &[u8]) -> Result<Self, WrapError> {
        let parts = Parts::of(wasm)?;
        let memory = parts.memory()?;
        parts.check_abi()?;
        for (name, parameters, results) in EXPORTS {
            parts.function(name, parameters, results)?;
        }
        let needed = parts.listed("builtins")?;
        if !needed.is_empty() {
            return Err(WrapError::HostBuiltins {
                names: needed.into_iter().map(|(name, _)| name).collect(),
            });
        }
        let entrypoints = parts.listed("entrypoints")?;
        let entrypoint = match entrypoints.as_slice() {
            [(_, id)] => Some(*id),
            several => several
                .iter()
                .find(|(name, _)| name == ENTRYPOINT)
                .map(|(_, id)| *id),
        };
        match entrypoint {
            Some(entrypoint) => Ok(Self {
                memory: Memory {
                    entrypoint,
                    ..memory
                },
            }),
            None => Err(WrapError::Entrypoints {
                names: entrypoints.into_iter().map(|(name, _)| name).collect(),
            }),
        }
    }

    /// The module that owns this one's memory.
    pub(super) fn memory_module(&self) -> Vec<u8> {
        memory::module(&self.memory)
    }
}

/// Checks all of a module, code included.
pub(super) fn validate(wasm: &[u8]) -> Result<(), WrapError> {
    Validator::new_with_features(WasmFeatures::WASM2)
        .validate_all(wasm)
        .map(drop)
        .map_err(not_a_module)
}

/// The parts of a module that say what it is.
#[derive(Debug, Default)]
struct Parts<'a> {
    types: Vec<FuncType>,
    imports: Vec<wasmparser::Import<'a>>,
    /// The types of the functions, imported ones first.
    functions: Vec<u32>,
    globals: Vec<Option<i32>>,
    exports: Vec<wasmparser::Export<'a>>,
    bodies: Vec<FunctionBody<'a>>,
    data: Vec<(u32, &'a [u8])>,
}

impl<'a> Parts<'a> {
    fn of(wasm: &'a [u8]) -> Result<Self, WrapError> {
        if !wasm.starts_with(b"\0asm\x01\0\0\0") {
            return Err(WrapError::NotAModule {
                reason: "it does not begin as one".into(),
            });
        }
        Self::parse(wasm).map_err(not_a_module)
    }

    fn parse(wasm: &'a [u8]) -> Result<Self, BinaryReaderError> {
        let mut parts = Self::default();
        for payload in Parser::new(0).parse_all(wasm) {
            match payload? {
                Payload::TypeSection(section) => {
                    for ty in section.into_iter_err_on_gc_types() {
                        parts.types.push(ty?);
                    }
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let import = import?;
                        if let TypeRef::Func(ty) = import.ty {
                            parts.functions.push(ty);
                        }
                        if let TypeRef::Global(_) = import.ty {
                            parts.globals.push(None);
                        }
                        parts.imports.push(import);
                    }
                }
                Payload::FunctionSection(section) => {
                    for ty in section {
                        parts.functions.push(ty?);
                    }
                }
                Payload::GlobalSection(section) => {
                    for global in section {
                        let global = global?;
                        let fixed = !global.ty.mutable;
                        parts
                            .globals
                            .push(constant(&global.init_expr).filter(|_| fixed));
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        parts.exports.push(export?);
                    }
                }
                Payload::CodeSectionEntry(body) => parts.bodies.push(body),
                Payload::DataSection(section) => {
                    for segment in section {
                        let segment = segment?;
                        if let DataKind::Active {
                            memory_index: 0,
                            offset_expr,
                        } = segment.kind
                            && let Some(at) = constant(&offset_expr)
                        {
                            parts.data.push((at.cast_unsigned(), segment.data));
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(parts)
    }

    /// The memory that the module imports. All else that it imports is known.
    fn memory(&self) -> Result<Memory, WrapError> {
        let mut found = None;
        for import in &self.imports {
            let known = import.module == "env"
                && match import.ty {
                    TypeRef::Memory(memory) if import.name == "memory" => {
                        found = Some(memory);
                        !memory.memory64 && !memory.shared && memory.page_size_log2.is_none()
                    }
                    TypeRef::Func(ty) => IMPORTS.iter().any(|&(name, parameters, results)| {
                        name == import.name && self.is_of(ty, parameters, results)
                    }),
                    _ => false,
                };
            if !known {
                return Err(WrapError::UnknownImport {
                    module: import.module.into(),
                    name: import.name.into(),
                });
            }
        }
        let memory = found.ok_or_else(|| WrapError::NotAModule {
            reason: "it does not import its memory, as OPA's modules do".into(),
        })?;
        if memory.initial > MAX_PAGES {
            return Err(WrapError::MemoryTooLarge {
                pages: memory.initial,
                allowed: MAX_PAGES,
            });
        }
        Ok(Memory {
            pages: memory.initial,
            most: memory.maximum,
            entrypoint: 0,
        })
    }

    fn check_abi(&self) -> Result<(), WrapError> {
        let version = |name: &str| {
            let export = self.export(name, ExternalKind::Global)?;
            self.globals.get(index(export)).copied().flatten()
        };
        match version("opa_wasm_abi_version") {
            Some(1) if version("opa_wasm_abi_minor_version").is_some() => Ok(()),
            Some(1) | None => Err(WrapError::AbiVersion { found: None }),
            found => Err(WrapError::AbiVersion { found }),
        }
    }

    fn export(&self, name: &str, kind: ExternalKind) -> Option<u32> {
        self.exports
            .iter()
            .find(|export| export.name == name && export.kind == kind)
            .map(|export| export.index)
    }

    /// The exported function of that name and type.
    fn function(
        &self,
        name: &'static str,
        parameters: usize,
        results: usize,
    ) -> Result<u32, WrapError> {
        self.export(name, ExternalKind::Func)
            .filter(|function| {
                self.functions
                    .get(index(*function))
                    .is_some_and(|ty| self.is_of(*ty, parameters, results))
            })
            .ok_or(WrapError::MissingExport { name })
    }

    fn is_of(&self, ty: u32, parameters: usize, results: usize) -> bool {
        self.types.get(index(ty)).is_some_and(|ty| {
            let words = |types: &[ValType], count| {
                types.len() == count && types.iter().all(|ty| *ty == ValType::I32)
            };
            words(ty.params(), parameters) && words(ty.results(), results)
        })
    }

    /// What a function lists that does nothing but put names and numbers into an object, as OPA's compiler writes `builtins` and
    /// `entrypoints`: `object; (name, number, insert)*`.
    fn listed(&self, name: &'static str) -> Result<Vec<(String, u32)>, WrapError> {
        let unreadable = || WrapError::Unreadable { name };
        let function = self.function(name, 0, 1)?;
        let imported = self.functions.len().saturating_sub(self.bodies.len());
        let body = index(function)
            .checked_sub(imported)
            .and_then(|body| self.bodies.get(body))
            .ok_or_else(unreadable)?;
        let mut list = Vec::new();
        let mut text = None;
        let mut calls = 0_usize;
        for operator in body.get_operators_reader().map_err(not_a_module)? {
            match operator.map_err(not_a_module)? {
                Operator::I32Const { value } if text.is_none() => {
                    text = Some(self.text(value.cast_unsigned()).ok_or_else(unreadable)?);
                }
                Operator::I64Const { value } => {
                    let named = text.take().ok_or_else(unreadable)?;
                    list.push((named, u32::try_from(value).map_err(|_| unreadable())?));
                }
                Operator::Call { .. } => calls = calls.saturating_add(1),
                Operator::LocalGet { .. }
                | Operator::LocalSet { .. }
                | Operator::LocalTee { .. }
                | Operator::End => {}
                _ => return Err(unreadable()),
            }
        }
        // One for the object, and for each entry a string, a number, and putting them in.
        if text.is_some() || calls != list.len().saturating_mul(3).saturating_add(1) {
            return Err(unreadable());
        }
        Ok(list)
    }

    /// The text at an address, up to the zero at its end.
    fn text(&self, at: u32) -> Option<String> {
        self.data.iter().find_map(|&(start, bytes)| {
            let bytes = bytes.get(index(at.checked_sub(start)?)..)?;
            let end = bytes.iter().position(|byte| *byte == 0)?;
            String::from_utf8(bytes.get(..end)?.to_vec()).ok()
        })
    }
}

/// The value of a constant expression that is one.
fn constant(expression: &wasmparser::ConstExpr<'_>) -> Option<i32> {
    match expression.get_operators_reader().read().ok()? {
        Operator::I32Const { value } => Some(value),
        _ => None,
    }
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn not_a_module(error: BinaryReaderError) -> WrapError {
    WrapError::NotAModule {
        reason: error.to_string(),
    }
}
