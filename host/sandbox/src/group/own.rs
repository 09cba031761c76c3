//! A group of version 2 whose children may have limits.
//!
//! The kernel gives controllers only to children of groups without processes. If this program is alone in its group it moves into a child
//! of it; what it does is undone if that does not help. The processes of others are not moved.

use std::fs;
use std::io;
use std::path::Path;

use super::one::{enter, members, set};
use super::{Controller, Place};

/// The group that this program moves into, beneath the one that it was started in.
pub(super) const HOST: &str = "hexgate-host";

/// The group of this program, ready for children with a controller.
pub(super) fn with_children(mut place: Place, controller: Controller) -> Result<Place, String> {
    // This program has moved already, or was started by one that has.
    if place.folder.ends_with(HOST)
        && let Some(above) = place.folder.parent()
    {
        place.folder = above.to_owned();
    }
    let name = controller.name();
    let folder = &place.folder;
    let has = |file: &str| {
        fs::read_to_string(folder.join(file))
            .map(|text| text.split_whitespace().any(|other| other == name))
            .map_err(|error| format!("cannot read `{}`: {error}", folder.join(file).display()))
    };
    if has("cgroup.subtree_control")? {
        return Ok(place);
    }
    if !has("cgroup.controllers")? {
        return Err(format!(
            "it is not given to the control group `{}` of this program",
            folder.display()
        ));
    }
    match give(folder, name) {
        Ok(()) => Ok(place),
        Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
            step_down(folder, name)?;
            Ok(place)
        }
        Err(error) => Err(format!(
            "the control group `{}` of this program cannot be changed: {error}",
            folder.display()
        )),
    }
}

fn give(folder: &Path, name: &str) -> io::Result<()> {
    set(&folder.join("cgroup.subtree_control"), &format!("+{name}"))
}

/// Moves this program out of the way.
fn step_down(folder: &Path, name: &str) -> Result<(), String> {
    let own = std::process::id().cast_signed();
    if members(folder).iter().any(|other| *other != own) {
        return Err(format!(
            "other processes are in the control group `{}` of this program",
            folder.display()
        ));
    }
    let failed = |error: io::Error| {
        format!(
            "the control group `{}` of this program cannot be changed: {error}",
            folder.display()
        )
    };
    let host = folder.join(HOST);
    let made = match fs::create_dir(&host) {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
        Err(error) => return Err(failed(error)),
    };
    let moved = enter(&host).and_then(|()| give(folder, name));
    if moved.is_err() {
        // Back to where it was. What fails here leaves this program in a group without limits, which harms nothing.
        let _ = enter(folder);
        if made {
            let _ = fs::remove_dir(&host);
        }
    }
    moved.map_err(failed)
}
