//! What a command may do with which part of the file system.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, NetPort, PathBeneath, Ruleset,
    RulesetAttr, RulesetCreatedAttr, Scope,
};
use rustix::fs::{Mode, OFlags};

use crate::network::PROXY_PORT;

/// What may be done with a file, or with all that is beneath a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Right {
    /// To read, and not to be run or loaded as a library.
    Look,
    /// To read, and to be loaded as a library.
    Read,
    /// To read and to run.
    Run,
    /// To read, write, make and remove.
    Write,
    /// To read, write, make, remove and run.
    WriteAndRun,
    /// To read and write a device.
    Device,
}

/// Files of the machine that most programs read. Those that do not exist are left out.
pub(super) const SETTINGS: &[&str] = &[
    "/etc/alternatives",
    "/etc/bash.bashrc",
    "/etc/ca-certificates",
    "/etc/ca-certificates.conf",
    "/etc/default/locale",
    "/etc/gai.conf",
    "/etc/gitconfig",
    "/etc/group",
    "/etc/host.conf",
    "/etc/inputrc",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/locale.alias",
    "/etc/locale.conf",
    "/etc/localtime",
    "/etc/magic",
    "/etc/mime.types",
    "/etc/nsswitch.conf",
    "/etc/os-release",
    "/etc/passwd",
    "/etc/pki/ca-trust",
    "/etc/pki/tls/certs",
    "/etc/protocols",
    "/etc/services",
    "/etc/ssl/cert.pem",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/terminfo",
    "/etc/timezone",
    "/lib/terminfo",
    "/usr/lib/locale",
    "/usr/lib/os-release",
    "/usr/lib/ssl",
    "/usr/share",
];

/// Where programs and libraries lie.
pub(super) const PROGRAMS: &[&str] = &[
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/opt",
    "/nix/store",
    "/gnu/store",
];

/// Where libraries of interpreters lie.
pub(super) const LIBRARIES: &[&str] = &[
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/local/lib64",
    "/lib",
    "/lib32",
    "/lib64",
];

/// Libraries that programs load when they need them, beside their C library.
pub(super) const LOADED_LATER: &[&str] = &[
    "gconv",
    "libgcc_s.so.1",
    "libnss_compat.so.2",
    "libnss_dns.so.2",
    "libnss_files.so.2",
    "libresolv.so.2",
];

/// Devices that harm nobody.
pub(super) const DEVICES: &[&str] = &[
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
];

/// What a command may do where.
#[derive(Debug, Default)]
pub(super) struct Rules {
    rules: Vec<(OwnedFd, bool, Right)>,
    paths: Vec<(PathBuf, Right)>,
}

impl Rules {
    /// Gives a right. What does not exist is left out.
    pub(super) fn give(&mut self, path: &Path, right: Right) -> io::Result<()> {
        let opened = rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
        match opened {
            Ok(place) => self.give_open(place, path, right),
            Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives a right to what is open.
    pub(super) fn give_open(
        &mut self,
        place: OwnedFd,
        path: &Path,
        right: Right,
    ) -> io::Result<()> {
        let found = rustix::fs::fstat(&place)?;
        let folder =
            rustix::fs::FileType::from_raw_mode(found.st_mode) == rustix::fs::FileType::Directory;
        self.rules.push((place, folder, right));
        self.paths.push((path.to_owned(), right));
        Ok(())
    }

    /// All that was given.
    pub(super) fn paths(&self) -> &[(PathBuf, Right)] {
        &self.paths
    }

    /// The rules as the kernel takes them. `network`: whether the proxy may be reached; None: landlock does not care. `processes`: whether
    /// `/proc` may be read too.
    pub(super) fn create(
        &self,
        abi: ABI,
        network: Option<bool>,
        processes: bool,
    ) -> io::Result<OwnedFd> {
        let failed = |error: landlock::RulesetError| io::Error::other(error.to_string());
        let mut rules = Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(AccessFs::from_all(abi))
            .map_err(failed)?;
        if abi >= ABI::V4 && network.is_some() {
            rules = rules
                .handle_access(AccessNet::from_all(abi))
                .map_err(failed)?;
        }
        if abi >= ABI::V6 {
            rules = rules.scope(Scope::from_all(abi)).map_err(failed)?;
        }
        let mut rules = rules.create().map_err(failed)?;
        if abi >= ABI::V4 && network == Some(true) {
            rules = rules
                .add_rule(NetPort::new(PROXY_PORT, AccessNet::ConnectTcp))
                .map_err(failed)?;
        }
        for (place, folder, right) in &self.rules {
            let mut access = right.access(abi);
            if !folder {
                access &= AccessFs::from_file(abi);
            }
            rules = rules
                .add_rule(PathBeneath::new(place.as_fd(), access))
                .map_err(failed)?;
        }
        if processes {
            let place = landlock::PathFd::new("/proc")
                .map_err(|error| io::Error::other(error.to_string()))?;
            rules = rules
                .add_rule(PathBeneath::new(place, Right::Read.access(abi)))
                .map_err(failed)?;
        }
        Option::<OwnedFd>::from(rules)
            .ok_or_else(|| io::Error::new(io::ErrorKind::Unsupported, "no landlock"))
    }
}

impl Right {
    fn access(self, abi: ABI) -> landlock::BitFlags<AccessFs> {
        let read = AccessFs::ReadFile | AccessFs::ReadDir;
        let write = AccessFs::from_all(abi)
            & (AccessFs::WriteFile
                | AccessFs::RemoveDir
                | AccessFs::RemoveFile
                | AccessFs::MakeDir
                | AccessFs::MakeReg
                | AccessFs::MakeFifo
                | AccessFs::MakeSym
                | AccessFs::Refer
                | AccessFs::Truncate);
        match self {
            Self::Look | Self::Read => read,
            Self::Run => read | AccessFs::Execute,
            Self::Write => read | write,
            Self::WriteAndRun => read | write | AccessFs::Execute,
            Self::Device => read | AccessFs::WriteFile,
        }
    }
}
