//! The names that were taken, within bounds.

use std::collections::BTreeSet;

use serde::ser::{Error, Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

use crate::{
    bounds::{ITEM_BYTES, KIND_BYTES, KIND_ITEMS},
    kind::Kind,
};

/// The names by kind, each a set, so that the order of the turns does not matter unless a bound is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    kinds: [Names; Kind::ALL.len()],
    pub(crate) is_cut: bool,
    /// How many bytes were looked at, so that a test can tell how the work grows with the text.
    pub(crate) steps: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Names {
    names: BTreeSet<String>,
    bytes: usize,
}

impl Taken {
    pub(crate) fn take(&mut self, kind: Kind, name: String) {
        self.step(name.len());
        let Some(names) = self.kinds.get_mut(kind as usize) else {
            return;
        };
        if names.names.contains(&name) {
            return;
        }
        if name.len() > ITEM_BYTES
            || names.names.len() >= KIND_ITEMS
            || names.bytes + name.len() > KIND_BYTES
        {
            self.is_cut = true;
            return;
        }
        names.bytes += name.len();
        names.names.insert(name);
    }

    /// Whether a text is short enough to be a name. What is not was left because of a bound.
    pub(crate) fn fits(&mut self, text: &str) -> bool {
        let fits = text.len() <= ITEM_BYTES;
        self.is_cut |= !fits;
        fits
    }

    pub(crate) fn step(&mut self, bytes: usize) {
        self.steps += bytes as u64;
    }

    pub(crate) fn of(&self, kind: Kind) -> &BTreeSet<String> {
        static NONE: BTreeSet<String> = BTreeSet::new();
        self.kinds
            .get(kind as usize)
            .map_or(&NONE, |names| &names.names)
    }
}

impl Serialize for Taken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(Kind::ALL.len()))?;
        for kind in Kind::ALL {
            let names = self.of(kind);
            if kind == Kind::Numbers {
                let numbers = names
                    .iter()
                    .map(|number| RawValue::from_string(number.clone()))
                    .collect::<Result<Vec<_>, _>>()
                    .map_err(S::Error::custom)?;
                map.serialize_entry(kind.name(), &numbers)?;
            } else {
                map.serialize_entry(kind.name(), names)?;
            }
        }
        map.end()
    }
}
