//! Whether a component is of the world `policy`: no imports, both interfaces, the types of the contract.

use std::sync::Arc;

use hexgate_contract::names::{DECISION, DESCRIPTION};
use wasmtime::Engine;
use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::{Component, ComponentExportIndex, ComponentNamedList, Lift, Lower};

use super::{abi, earlier};
use crate::error::LoadError;

/// Where the functions of a component are, indexed by the constants of this module.
pub(super) type Exports = Arc<[ComponentExportIndex]>;

pub(super) const DECIDE: usize = 0;
pub(super) const COVERS: usize = 1;
pub(super) const ABOUT: usize = 2;
pub(super) const ROLES: usize = 3;
pub(super) const RULES: usize = 4;
pub(super) const FORBIDS: usize = 5;
pub(super) const SCOPE: usize = 6;
pub(super) const TERMS: usize = 7;

/// Which version of the contract a component speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    /// That of this host.
    Current,
    /// 0.1.0
    Earlier,
}

pub(super) fn exports(
    engine: &Engine,
    component: &Component,
) -> Result<(Version, Exports), LoadError> {
    let ty = component.component_type();
    let names: Vec<String> = ty
        .imports(engine)
        .map(|(name, _)| name.to_owned())
        .collect();
    if !names.is_empty() {
        return Err(LoadError::Imports { names });
    }
    let names: Vec<&str> = ty.exports(engine).map(|(name, _)| name).collect();
    let finder = Finder { component, names };
    if !finder.names.contains(&DECISION) && finder.names.contains(&earlier::DECISION) {
        return Ok((Version::Earlier, earlier::exports(&finder)?));
    }
    Ok((Version::Current, current(&finder)?))
}

fn current(finder: &Finder<'_>) -> Result<Exports, LoadError> {
    let decision = finder.interface(DECISION)?;
    let description = finder.interface(DESCRIPTION)?;
    let exports = [
        finder.function::<(abi::Request<'_>,), (Result<abi::Verdict, abi::Error>,)>(
            &decision, DECISION, "decide",
        )?,
        finder.function::<(u32, &str), (bool,)>(&decision, DECISION, "covers")?,
        finder.function::<(), (abi::Summary,)>(&description, DESCRIPTION, "about")?,
        finder.function::<(u32, u32), (Vec<abi::Role>,)>(&description, DESCRIPTION, "roles")?,
        finder.function::<(&str, u32, u32), (Option<Vec<abi::Rule>>,)>(
            &description,
            DESCRIPTION,
            "rules",
        )?,
        finder.function::<(Option<&str>, u32, u32), (Option<Vec<abi::Forbid>>,)>(
            &description,
            DESCRIPTION,
            "forbids",
        )?,
        finder.function::<(u32,), (Option<abi::FileScope>,)>(&description, DESCRIPTION, "scope")?,
        finder.function::<(u32,), (Option<abi::ApprovalTerms>,)>(
            &description,
            DESCRIPTION,
            "terms",
        )?,
    ];
    Ok(exports.into())
}

pub(super) struct Finder<'a> {
    component: &'a Component,
    names: Vec<&'a str>,
}

impl Finder<'_> {
    /// Finds an interface by its exact name. The runtime itself would take a compatible version for it.
    pub(super) fn interface(&self, wanted: &str) -> Result<ComponentExportIndex, LoadError> {
        if !self.names.contains(&wanted) {
            let (base, _) = wanted.split_once('@').unwrap_or((wanted, ""));
            let other = self
                .names
                .iter()
                .find(|name| name.split('@').next() == Some(base));
            return Err(match other {
                Some(found) => LoadError::OtherVersion {
                    found: (*found).into(),
                    wanted: wanted.into(),
                },
                None => LoadError::MissingExport {
                    name: wanted.into(),
                },
            });
        }
        match self.component.get_export(None, wanted) {
            Some((ComponentItem::ComponentInstance(_), index)) => Ok(index),
            _ => Err(LoadError::OtherType {
                name: wanted.into(),
                reason: "expected an interface".into(),
            }),
        }
    }

    pub(super) fn function<P, R>(
        &self,
        interface: &ComponentExportIndex,
        of: &str,
        wanted: &str,
    ) -> Result<ComponentExportIndex, LoadError>
    where
        P: ComponentNamedList + Lower,
        R: ComponentNamedList + Lift,
    {
        let full = || format!("{of}#{wanted}");
        match self.component.get_export(Some(interface), wanted) {
            Some((ComponentItem::ComponentFunc(ty), index)) => {
                self.same_type::<P, R>(&ty)
                    .map_err(|reason| LoadError::OtherType {
                        name: full(),
                        reason,
                    })?;
                Ok(index)
            }
            Some(_) => Err(LoadError::OtherType {
                name: full(),
                reason: "expected a function".into(),
            }),
            None => Err(LoadError::MissingExport { name: full() }),
        }
    }

    fn same_type<P, R>(&self, ty: &ComponentFunc) -> Result<(), String>
    where
        P: ComponentNamedList + Lower,
        R: ComponentNamedList + Lift,
    {
        if ty.async_() {
            return Err("expected a synchronous function".into());
        }
        let component = self.component.component_type();
        ty.typecheck::<P, R>(&component.instance_type())
            .map_err(|error| format!("{error:#}"))
    }
}
