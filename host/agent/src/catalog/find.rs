//! What a name stands for.

use std::path::PathBuf;

use hexgate_compiler::diagnostic::nearest;

use super::built_in::{ALL, BuiltIn};
use super::local::{self, Local};
use super::{Catalog, LoadError, Registered};
use crate::definition::Definition;

/// The names of all agents.
pub(super) fn names(catalog: &Catalog, locals: &[Local]) -> Vec<String> {
    let mut names: Vec<String> = locals
        .iter()
        .map(|local| local.name.clone())
        .chain(catalog.registered.keys().cloned())
        .chain(ALL.iter().map(|built_in| built_in.name.to_owned()))
        .collect();
    names.sort();
    names.dedup();
    names
}

pub(super) fn texts(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}

/// What a name stands for.
pub(super) enum Found<'c> {
    Local(Box<Definition>),
    Registered(&'c Registered),
    BuiltIn(&'static BuiltIn, Box<Definition>),
}

pub(super) fn find<'c>(
    catalog: &'c Catalog,
    locals: &[Local],
    name: &str,
) -> Result<Found<'c>, LoadError> {
    let first = locals.iter().find(|local| local.name == name);
    if let Some(first) = first {
        let rivals = locals
            .iter()
            .filter(|other| other.name == name && other.place == first.place);
        let folders: Vec<PathBuf> = rivals.map(|local| local.folder.clone()).collect();
        if folders.len() > 1 {
            let name = name.to_owned();
            return Err(LoadError::Several { name, folders });
        }
        return match &first.read {
            Ok(definition) => Ok(Found::Local(Box::new(definition.clone()))),
            Err(refused) => Err(LoadError::Refused(refused.clone())),
        };
    }
    if let Some(registered) = catalog.registered.get(name) {
        return Ok(Found::Registered(registered));
    }
    if let Some(built_in) = ALL.iter().find(|built_in| built_in.name == name) {
        let definition = built_in.definition().map_err(LoadError::Refused)?;
        return Ok(Found::BuiltIn(built_in, Box::new(definition)));
    }
    let names = names(catalog, locals);
    let help = match nearest(name, names.iter().map(String::as_str)) {
        Some(meant) => format!("did you mean `{meant}`"),
        None => format!("there are `{}`", names.join("`, `")),
    };
    Err(LoadError::Unknown {
        name: name.to_owned(),
        help,
    })
}

pub(super) fn definition(catalog: &Catalog, name: &str) -> Result<Definition, LoadError> {
    let locals = local::all(&catalog.folder);
    match find(catalog, &locals, name)? {
        Found::Local(definition) | Found::BuiltIn(_, definition) => Ok(*definition),
        Found::Registered(_) => Err(LoadError::Unknown {
            name: name.to_owned(),
            help: "the program brings it along, so it has no files".to_owned(),
        }),
    }
}
