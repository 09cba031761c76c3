//! What came of the scenarios in a host, as a file.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::driver::{Driver, Uncovered, Ungated};

/// What came of the scenarios in a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coverage {
    /// The name of the file, without its ending.
    pub host: String,
    /// What people call the host.
    pub title: String,
    /// Whether tools get the very bytes that the model wrote.
    pub keeps_bytes: bool,
    /// By scenario.
    pub scenarios: BTreeMap<String, Result>,
    /// What the host can do without asking.
    pub ungated: Vec<Ungated>,
}

/// What came of a scenario.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Result {
    /// It holds.
    Passes,
    /// It does not, for a reason that the driver gives.
    #[serde(untagged)]
    Uncovered(Uncovered),
}

impl Coverage {
    /// Of a driver's host, without scenarios yet.
    #[must_use]
    pub fn of(driver: &dyn Driver) -> Self {
        Self {
            host: driver.host().to_owned(),
            title: driver.title().to_owned(),
            keeps_bytes: driver.keeps_bytes(),
            scenarios: BTreeMap::new(),
            ungated: driver.ungated(),
        }
    }

    /// Compares with the file of the host, or writes it with `HEXGATE_BLESS`.
    pub(crate) fn agree(&self, folder: &Path) -> std::result::Result<(), String> {
        let path = folder.join(format!("{}.json", self.host));
        let text = serde_json::to_string_pretty(self).map_err(|error| error.to_string())? + "\n";
        if std::env::var_os("HEXGATE_BLESS").is_some() {
            return fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()));
        }
        match fs::read_to_string(&path) {
            Ok(known) if known == text => Ok(()),
            _ => Err(format!(
                "{} says otherwise; HEXGATE_BLESS=1 writes it",
                path.display()
            )),
        }
    }

    /// All files of a folder, by name.
    ///
    /// # Errors
    ///
    /// A file cannot be read.
    pub fn read_all(folder: &Path) -> std::result::Result<Vec<Self>, String> {
        let failed =
            |path: &Path, why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
        let mut all = Vec::new();
        for entry in fs::read_dir(folder).map_err(|error| failed(folder, &error))? {
            let path = entry.map_err(|error| failed(folder, &error))?.path();
            if path.extension().is_some_and(|ending| ending == "json") {
                let text = fs::read_to_string(&path).map_err(|error| failed(&path, &error))?;
                all.push(
                    serde_json::from_str::<Self>(&text).map_err(|error| failed(&path, &error))?,
                );
            }
        }
        all.sort_by(|one, other| one.host.cmp(&other.host));
        Ok(all)
    }
}
