//! Control groups: a bound on all processes of a command together, and a way to end every one of them.
//!
//! | module | content |
//! |---|---|
//! | `find` | where the groups of this program lie, by what the kernel says of its mounts |
//! | `own` | in version 2: a group of this program that may have children with limits |
//! | `one` | the group of one command: made, entered, ended, removed |
//!
//! A resource limit counts for one process, and for the superuser not at all. A group counts for everything that a command starts, whatever
//! it does to hide it. Not every machine lets this program make one; [`Groups::here`] says what there is, and why not more.

mod find;
mod one;
mod own;

use std::io;
use std::path::PathBuf;
use std::sync::OnceLock;

pub(crate) use self::one::{Group, Used};
use crate::limits::Limits;

/// How a group of one's own can be had, for who sets up a machine.
const REMEDY: &str = "start this program in a control group of its own, with `Delegate=yes` in its unit of systemd or by \
                      `systemd-run --user --scope -p Delegate=yes PROGRAM`; in a container, mount `/sys/fs/cgroup` writable";

/// What a group bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Controller {
    Memory,
    Processes,
}

impl Controller {
    const ALL: [Self; 2] = [Self::Memory, Self::Processes];

    /// As the kernel calls it.
    fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Processes => "pids",
        }
    }
}

/// The two interfaces of the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    /// A hierarchy for each controller.
    One,
    /// One hierarchy for all.
    Two,
}

/// A folder in which this program may make groups.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    version: Version,
    folder: PathBuf,
    controllers: Vec<Controller>,
}

/// Where this program can make groups, and for what.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    places: Vec<Place>,
    missing: Vec<String>,
}

impl Groups {
    /// Those of this program. The first call looks, makes a group to see that it can, and removes what an earlier program left.
    ///
    /// In version 2 it may move this program into a group beneath its own: a group with limits for its children has no processes itself.
    pub(crate) fn here() -> &'static Self {
        static HERE: OnceLock<Groups> = OnceLock::new();
        HERE.get_or_init(|| {
            let mut here = Self::default();
            for controller in Controller::ALL {
                if let Err(reason) = here.add(controller) {
                    here.missing
                        .push(format!("`{}`: {reason}: {REMEDY}", controller.name()));
                }
            }
            here
        })
    }

    fn add(&mut self, controller: Controller) -> Result<(), String> {
        let found = find::of_this_program(controller)?;
        let place = match found.version {
            Version::One => found,
            Version::Two => own::with_children(found, controller)?,
        };
        one::sweep(&place.folder);
        let trial = [place];
        Group::make(&trial, &Limits::default())
            .map_err(|error| format!("cannot make a control group: {error}"))?;
        let [place] = trial;
        match self
            .places
            .iter_mut()
            .find(|other| other.folder == place.folder)
        {
            Some(same) => same.controllers.extend(place.controllers),
            None => self.places.push(place),
        }
        Ok(())
    }

    /// A group for one command. None: there are none here.
    pub(crate) fn make(&self, limits: &Limits) -> io::Result<Option<Group>> {
        if self.places.is_empty() {
            return Ok(None);
        }
        Group::make(&self.places, limits).map(Some)
    }

    /// Whether a group bounds this.
    pub(crate) fn bound(&self, controller: Controller) -> bool {
        self.places
            .iter()
            .any(|place| place.controllers.contains(&controller))
    }

    /// Whether everything in a group can be ended for certain, also what makes new processes all the time.
    pub(crate) fn end_all(&self) -> bool {
        self.bound(Controller::Processes)
    }

    /// Where groups are made, for people.
    pub(crate) fn folders(&self) -> Vec<String> {
        self.places
            .iter()
            .map(|place| place.folder.display().to_string())
            .collect()
    }

    /// What cannot be bounded by a group, and why, each with the remedy.
    pub(crate) fn missing(&self) -> &[String] {
        &self.missing
    }
}
