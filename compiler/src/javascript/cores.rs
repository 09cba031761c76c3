//! The core modules within a policy's component, and how they belong together.

use std::{collections::BTreeSet, ops::Range};

use wasmparser::{
    CanonicalFunction, CanonicalOption, ComponentAlias, ComponentExternalKind, ComponentInstance,
    ExternalKind, Instance, Parser, Payload,
};

use hexgate_contract::names::FUNCTIONS;

use crate::http;

/// A policy cannot be an ES module.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JavaScriptError {
    /// Its component is not one of the contract's world.
    #[error(transparent)]
    World(#[from] http::ComposeError),
    /// Its component is more than one core module with the contract's exports, and not one of those that hexgate makes.
    #[error(
        "the component cannot be an ES module: {0}; make JavaScript of it with jco: `--emit component`, then `jco transpile`"
    )]
    Shape(&'static str),
    /// Its component cannot be read.
    #[error(
        "the component cannot be an ES module: {0}; make JavaScript of it with jco: `--emit component`, then `jco transpile`"
    )]
    Damaged(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The core modules, in the order in which they are instantiated.
#[derive(Debug)]
pub(super) struct Cores<'a> {
    pub(super) modules: Vec<&'a [u8]>,
    /// In JavaScript: for each module, which other's exports it imports by which name.
    pub(super) links: &'static str,
    /// Whether all of the code is the engine of hexgate.
    pub(super) is_known: bool,
}

/// As `hexgate_component::wrap` links: OPA's memory, OPA's module, and what speaks to both.
const LINKS_OF_OPA: &str = "[{}, { env: 0 }, { memory: 0, opa: 1 }]";

impl<'a> Cores<'a> {
    pub(super) fn of(component: &'a [u8]) -> Result<Self, JavaScriptError> {
        let shape = JavaScriptError::Shape;
        let outline =
            Outline::of(component).map_err(|error| JavaScriptError::Damaged(error.into()))?;
        let modules: Option<Vec<&[u8]>> = outline
            .modules
            .iter()
            .map(|range| component.get(range.clone()))
            .collect();
        let modules = modules.ok_or_else(|| shape("a module is cut off"))?;
        // Two kinds are known byte for byte, but for a plan and OPA's module.
        if hexgate_component::plan_of(component).is_some() && modules.len() == 1 {
            return Ok(Self {
                modules,
                links: "[{}]",
                is_known: true,
            });
        }
        if hexgate_component::opa_module_of(component).is_some() && modules.len() == 3 {
            return Ok(Self {
                modules,
                links: LINKS_OF_OPA,
                is_known: false,
            });
        }
        // Of any other the types are compared, and its functions have to be those of one module under their canonical names.
        http::compose(component)?;
        outline.is_one_module().map_err(shape)?;
        Ok(Self {
            modules,
            links: "[{}]",
            is_known: false,
        })
    }
}

/// What a component consists of, at its own level.
#[derive(Debug, Default)]
struct Outline {
    modules: Vec<Range<usize>>,
    /// One for each instance of the first module without imports, two for each of any other kind.
    linked: usize,
    /// What the core functions are called where they come from; none for those that the component itself makes.
    functions: Vec<Option<String>>,
    memories: Vec<String>,
    /// The names of the core functions that are lifted, and whether each is passed texts as the contract's glue passes them.
    lifted: Vec<(Option<String>, bool)>,
    /// What functions of the component are called where they are passed on, and their places among those that are lifted.
    passed_on: Vec<(String, usize)>,
    /// Whether functions have further numbers than those that they got when they were lifted.
    renumbers: bool,
    /// Whether modules stand in components within this one.
    nested: bool,
}

impl Outline {
    fn of(component: &[u8]) -> wasmparser::Result<Self> {
        let (mut outline, mut depth) = (Self::default(), 0_usize);
        for payload in Parser::new(0).parse_all(component) {
            match payload? {
                Payload::ModuleSection {
                    unchecked_range, ..
                } => {
                    outline.nested |= depth > 0;
                    outline.modules.push(unchecked_range);
                    depth += 1;
                }
                Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                _ if depth > 0 => {}
                Payload::InstanceSection(section) => {
                    for instance in section {
                        let plain = matches!(instance?, Instance::Instantiate { module_index: 0, args } if args.is_empty());
                        outline.linked += if plain { 1 } else { 2 };
                    }
                }
                Payload::ComponentAliasSection(section) => {
                    for alias in section {
                        match alias? {
                            ComponentAlias::CoreInstanceExport { kind, name, .. } => match kind {
                                ExternalKind::Func => outline.functions.push(Some(name.to_owned())),
                                ExternalKind::Memory => outline.memories.push(name.to_owned()),
                                _ => {}
                            },
                            ComponentAlias::InstanceExport { kind, .. } => {
                                outline.renumbers |= kind == ComponentExternalKind::Func;
                            }
                            ComponentAlias::Outer { .. } => {}
                        }
                    }
                }
                Payload::ComponentExportSection(section) => {
                    for export in section {
                        outline.renumbers |= export?.kind == ComponentExternalKind::Func;
                    }
                }
                Payload::ComponentInstanceSection(section) => {
                    for instance in section {
                        outline.pass_on(&instance?);
                    }
                }
                Payload::ComponentCanonicalSection(section) => {
                    for function in section {
                        outline.canonical(function?);
                    }
                }
                _ => {}
            }
        }
        Ok(outline)
    }

    fn pass_on(&mut self, instance: &ComponentInstance<'_>) {
        let functions: Vec<(&str, u32)> = match instance {
            ComponentInstance::Instantiate { args, .. } => args
                .iter()
                .filter(|it| it.kind == ComponentExternalKind::Func)
                .map(|it| (it.name, it.index))
                .collect(),
            ComponentInstance::FromExports(exports) => exports
                .iter()
                .filter(|it| it.kind == ComponentExternalKind::Func)
                .map(|it| (it.name.name, it.index))
                .collect(),
        };
        for (name, index) in functions {
            let index = usize::try_from(index).unwrap_or(usize::MAX);
            self.passed_on.push((name.to_owned(), index));
        }
    }

    fn canonical(&mut self, function: CanonicalFunction) {
        let CanonicalFunction::Lift {
            core_func_index,
            options,
            ..
        } = function
        else {
            // Every other function that the component makes has no name.
            self.functions.push(None);
            return;
        };
        let name = self.function(core_func_index);
        let plain = options.iter().all(|option| match option {
            CanonicalOption::UTF8 | CanonicalOption::PostReturn(_) => true,
            CanonicalOption::Memory(index) => {
                let found = usize::try_from(*index)
                    .ok()
                    .and_then(|at| self.memories.get(at));
                found.is_some_and(|name| name == "memory")
            }
            CanonicalOption::Realloc(index) => {
                self.function(*index).as_deref() == Some("cabi_realloc")
            }
            _ => false,
        });
        self.lifted.push((name, plain));
    }

    fn function(&self, index: u32) -> Option<String> {
        self.functions
            .get(usize::try_from(index).ok()?)
            .cloned()
            .flatten()
    }

    /// Whether the exports of the world are the functions of one module, each under its own name: once types are right, two that have the
    /// same parameters can still be exchanged.
    fn is_one_module(&self) -> Result<(), &'static str> {
        if self.modules.len() != 1 || self.linked != 1 || self.nested {
            return Err("it consists of several core modules");
        }
        let wanted = BTreeSet::from(FUNCTIONS.map(|function| function.core));
        let found: BTreeSet<&str> = self
            .lifted
            .iter()
            .filter_map(|(name, _)| name.as_deref())
            .collect();
        if found != wanted || self.lifted.len() != wanted.len() {
            return Err(
                "its functions are not those of its core module under their canonical names",
            );
        }
        // A name of an argument is that of the function, behind what says that it is one.
        let is_its_own = |(name, index): &(String, usize)| {
            let lifted = self
                .lifted
                .get(*index)
                .and_then(|(core, _)| core.as_deref());
            let core = lifted.and_then(|core| core.rsplit_once('#'));
            core.is_some_and(|(_, core)| {
                name == core
                    || name
                        .strip_suffix(core)
                        .is_some_and(|rest| rest.ends_with('-'))
            })
        };
        if self.renumbers || !self.passed_on.iter().all(is_its_own) {
            return Err("its functions are exported under names of others");
        }
        if self.lifted.iter().any(|(_, plain)| !plain) {
            return Err("its functions are not passed UTF-8 in `memory` by way of `cabi_realloc`");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Compiler;

    fn component() -> Vec<u8> {
        let outcome = Compiler::default().compile_str("p.yaml", "tools: {t: {mode: allow}}");
        outcome.policy.unwrap().component
    }

    #[test]
    fn the_known_engine_is_known_by_its_bytes() {
        let component = component();
        let cores = Cores::of(&component).unwrap();
        assert!(cores.is_known);
        let plan = hexgate_component::plan_of(&component).unwrap();
        assert_eq!(
            cores.modules,
            [hexgate_component::module_with_plan(plan).unwrap()]
        );
    }

    /// A custom section makes it another component, with the same exports.
    #[test]
    fn any_other_component_of_one_module_gets_fresh_instances() {
        let mut other = component();
        other.extend_from_slice(b"\0\x05\x04more");
        let cores = Cores::of(&other).unwrap();
        assert!(!cores.is_known);
        assert_eq!(cores.modules.len(), 1);
    }

    #[test]
    fn what_is_of_another_shape_is_refused_with_the_remedy() {
        let whole = http::compose(&component()).unwrap();
        for bytes in [b"\0asm\x0d\0\x01\0".as_slice(), &whole] {
            assert!(matches!(Cores::of(bytes), Err(JavaScriptError::World(_))));
        }
        let cut = Cores::of(b"\0asm\x0d\0\x01\0\x01").unwrap_err();
        assert!(cut.to_string().ends_with("then `jco transpile`"), "{cut}");
    }
}
