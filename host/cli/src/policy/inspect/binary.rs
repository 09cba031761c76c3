//! Imports and exports of a binary, read without compiling or executing it.

use anyhow::Context;
use wasmparser::{
    Validator, WasmFeatures,
    component_types::{ComponentEntityType, ComponentInstanceTypeId, ComponentItem},
    types::TypesRef,
};

use crate::exit::Refused;

/// What a binary wants from its host and offers to it.
#[derive(Debug)]
pub(super) struct Binary {
    pub(super) kind: Kind,
    /// Interfaces with their functions, or the items of a core module.
    pub(super) imports: Vec<Item>,
    pub(super) exports: Vec<Item>,
}

/// The kinds of binary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Component,
    CoreModule,
}

/// An import or export.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(super) struct Item {
    pub(super) name: String,
    /// The functions of an interface.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) functions: Vec<String>,
}

/// Reads a binary. All of it is validated, so what is told is what a runtime would see.
pub(super) fn read(wasm: &[u8]) -> anyhow::Result<Binary> {
    let mut validator = Validator::new_with_features(WasmFeatures::default());
    let types = validator.validate_all(wasm).map_err(|error| {
        Refused::error(format!(
            "the component is not valid: {} at byte {}",
            error.message(),
            error.offset()
        ))
    })?;
    let types = types.as_ref();
    if wasmparser::Parser::is_component(wasm) {
        component(wasm, types)
    } else {
        Ok(core_module(types))
    }
}

fn component(wasm: &[u8], types: TypesRef<'_>) -> anyhow::Result<Binary> {
    let (mut imports, mut exports) = (Vec::new(), Vec::new());
    let mut depth = 0_usize;
    for payload in wasmparser::Parser::new(0).parse_all(wasm) {
        use wasmparser::Payload;
        // Only the outermost component speaks to the host.
        match payload.context("the component cannot be read")? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    let name = import.context("the component cannot be read")?.name.name;
                    imports.push(item(name, types.component_item_for_import(name), types));
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    let name = export.context("the component cannot be read")?.name.name;
                    exports.push(item(name, types.component_item_for_export(name), types));
                }
            }
            _ => {}
        }
    }
    Ok(Binary {
        kind: Kind::Component,
        imports,
        exports,
    })
}

fn core_module(types: TypesRef<'_>) -> Binary {
    let item = |name: String| Item {
        name,
        functions: Vec::new(),
    };
    let imports = types.core_imports().into_iter().flatten();
    let exports = types.core_exports().into_iter().flatten();
    Binary {
        kind: Kind::CoreModule,
        imports: imports
            .map(|(module, name, _)| item(format!("{module} {name}")))
            .collect(),
        exports: exports.map(|(name, _)| item(name.to_owned())).collect(),
    }
}

fn item(name: &str, found: Option<&ComponentItem>, types: TypesRef<'_>) -> Item {
    let functions = match found.map(|item| item.ty) {
        Some(ComponentEntityType::Instance(instance)) => functions(instance, types),
        _ => Vec::new(),
    };
    Item {
        name: name.to_owned(),
        functions,
    }
}

fn functions(instance: ComponentInstanceTypeId, types: TypesRef<'_>) -> Vec<String> {
    let Some(instance) = types.get(instance) else {
        return Vec::new();
    };
    let functions = instance
        .exports
        .iter()
        .filter(|(_, item)| matches!(item.ty, ComponentEntityType::Func(_)));
    functions.map(|(name, _)| name.clone()).collect()
}
