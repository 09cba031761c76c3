//! The groups of this program, by what the kernel says of its mounts.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use super::{Controller, Place, Version};

/// The group of this program that has a controller.
pub(super) fn of_this_program(controller: Controller) -> Result<Place, String> {
    let read = |path: &str| {
        std::fs::read_to_string(path).map_err(|error| format!("cannot read `{path}`: {error}"))
    };
    let place = find(
        controller,
        &read("/proc/self/cgroup")?,
        &read("/proc/self/mountinfo")?,
    )?;
    // What the mounts say can be wrong where a container shows a part of them.
    let members = super::one::members(&place.folder);
    if !members.contains(&std::process::id().cast_signed()) && !members_of_host(&place) {
        return Err(format!(
            "`{}` is not the control group of this program",
            place.folder.display()
        ));
    }
    Ok(place)
}

/// Another thread may have moved this program a moment ago.
fn members_of_host(place: &Place) -> bool {
    super::one::members(&place.folder.join(super::own::HOST))
        .contains(&std::process::id().cast_signed())
}

/// The group that has a controller, by the files `cgroup` and `mountinfo` of a process.
fn find(controller: Controller, groups: &str, mounts: &str) -> Result<Place, String> {
    let name = controller.name();
    let mut unified = None;
    let mut separate = None;
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':');
        let (_, Some(controllers), Some(path)) = (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        if controllers.is_empty() {
            unified = Some(path);
        } else if controllers.split(',').any(|other| other == name) {
            separate = Some(path);
        }
    }
    // A controller is in one hierarchy: what version 1 has is missing in version 2.
    let (version, path) = match (separate, unified) {
        (Some(path), _) => (Version::One, path),
        (None, Some(path)) => (Version::Two, path),
        (None, None) => return Err("the kernel has no such controller".to_owned()),
    };
    let folder = mounts
        .lines()
        .filter_map(Mount::read)
        .filter(|mount| match version {
            Version::One => mount.kind == "cgroup" && mount.has(name),
            Version::Two => mount.kind == "cgroup2",
        })
        .find_map(|mount| mount.folder(Path::new(path)))
        .ok_or_else(|| format!("no mount shows the control group `{path}`"))?;
    Ok(Place {
        version,
        folder,
        controllers: vec![controller],
    })
}

struct Mount<'a> {
    root: PathBuf,
    at: PathBuf,
    kind: &'a str,
    options: &'a str,
}

impl<'a> Mount<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let (mount, system) = line.split_once(" - ")?;
        let mut mount = mount.split(' ').skip(3);
        let (root, at) = (mount.next()?, mount.next()?);
        let mut system = system.split(' ');
        Some(Self {
            root: unescaped(root),
            at: unescaped(at),
            kind: system.next()?,
            options: system.nth(1)?,
        })
    }

    fn has(&self, controller: &str) -> bool {
        self.options.split(',').any(|other| other == controller)
    }

    /// Where it shows a group. None: it shows another part.
    fn folder(&self, group: &Path) -> Option<PathBuf> {
        // `..` stands for what lies above the namespace of this program.
        let plain = |part: std::path::Component<'_>| part != std::path::Component::ParentDir;
        let within = group.strip_prefix(&self.root).ok()?;
        (within.components().all(plain)).then(|| self.at.join(within))
    }
}

/// A path as the kernel writes it: blanks and backslashes as three octal digits.
fn unescaped(text: &str) -> PathBuf {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let number = after
            .get(..3)
            .filter(|_| *first == b'\\')
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match number {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(3..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    PathBuf::from(OsString::from_vec(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(controller: Controller, groups: &str, mounts: &str) -> (Version, String) {
        let place = find(controller, groups, mounts).unwrap();
        (place.version, place.folder.display().to_string())
    }

    const SYSTEMD: &str = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/x.scope\n";
    const UNIFIED: &str =
        "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
    const HYBRID: &str = "8:pids:/\n4:memory:/a/b\n3:cpu,cpuacct:/\n0::/\n";
    const SEPARATE: &str = "31 30 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
                            32 30 0:28 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n\
                            33 30 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

    #[test]
    fn finds_the_group_of_version_2() {
        let (version, folder) = folder(Controller::Memory, SYSTEMD, UNIFIED);
        assert_eq!(version, Version::Two);
        assert!(folder.starts_with("/sys/fs/cgroup/user.slice/"), "{folder}");
        assert!(folder.ends_with("/x.scope"), "{folder}");
    }

    #[test]
    fn finds_a_group_for_each_controller_of_version_1() {
        assert_eq!(
            folder(Controller::Memory, HYBRID, SEPARATE),
            (Version::One, "/sys/fs/cgroup/memory/a/b".to_owned())
        );
        assert_eq!(
            folder(Controller::Processes, HYBRID, SEPARATE),
            (Version::One, "/sys/fs/cgroup/pids/".to_owned())
        );
    }

    #[test]
    fn finds_what_version_2_has_beside_version_1() {
        let groups = "4:memory:/a\n0::/c\n";
        assert_eq!(
            folder(Controller::Processes, groups, SEPARATE),
            (Version::Two, "/sys/fs/cgroup/unified/c".to_owned())
        );
    }

    #[test]
    fn finds_the_group_that_a_container_shows_as_its_root() {
        let mounts =
            "31 30 0:27 /docker/7 /sys/fs/cgroup/my\\040memory rw - cgroup cgroup rw,memory\n";
        assert_eq!(
            folder(Controller::Memory, "4:memory:/docker/7/sub\n", mounts),
            (Version::One, "/sys/fs/cgroup/my memory/sub".to_owned())
        );
    }

    #[test]
    fn refuses_what_no_mount_shows() {
        for (groups, mounts) in [
            ("0::/a\n", ""),
            ("", UNIFIED),
            ("0::/../other\n", UNIFIED),
            (
                "4:memory:/other\n",
                "31 30 0:27 /docker/7 /m rw - cgroup cgroup rw,memory\n",
            ),
        ] {
            assert!(
                find(Controller::Memory, groups, mounts).is_err(),
                "{groups}"
            );
        }
    }
}
