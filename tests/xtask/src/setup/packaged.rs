//! Programs as Debian packages them: the system's, or else unpacked beside everything else and not installed.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use super::{debian, fresh, replace};
use crate::workspace;

/// A program, and the package that holds it.
pub(crate) struct Packaged {
    package: &'static str,
    program: &'static str,
    by_hand: &'static str,
}

/// A registry for OCI artifacts, for the tests that push and pull.
pub(crate) const REGISTRY: Packaged = Packaged {
    package: "docker-registry",
    program: "docker-registry",
    by_hand: "install the registry of the CNCF's project `distribution` by hand, as `docker-registry` in the path",
};

/// What makes namespaces, for the tests of the sandbox.
pub(crate) const BUBBLEWRAP: Packaged = Packaged {
    package: "bubblewrap",
    program: "bwrap",
    by_hand: "install bubblewrap by hand, as `bwrap` in the path",
};

/// A terminal that a program drives, for the tests of the chat.
pub(crate) const TMUX: Packaged = Packaged {
    package: "tmux",
    program: "tmux",
    by_hand: "install tmux by hand, as `tmux` in the path",
};

/// What searching is compared with.
pub(crate) const RIPGREP: Packaged = Packaged {
    package: "ripgrep",
    program: "rg",
    by_hand: "install ripgrep by hand, as `rg` in the path",
};

/// All of them.
pub(crate) const ALL: [Packaged; 4] = [REGISTRY, BUBBLEWRAP, TMUX, RIPGREP];

impl Packaged {
    pub(super) fn install(&self, tools: &Path) -> Result<()> {
        let Self {
            package,
            program,
            by_hand,
        } = self;
        if let Some(there) = self.binary(tools) {
            println!("setup {program}: `{}` is there", there.display());
            return Ok(());
        }
        debian::require(by_hand)?;
        debian::find(package, by_hand)?;
        let packages = debian::missing(package)?;
        let place = tools.join(package);
        println!(
            "setup {program}: unpacking {} into `{}`",
            packages.join(", "),
            place.display()
        );
        let partial = tools.join(format!("{package}.partial"));
        fresh(&partial)?;
        debian::unpack(&packages, &partial)?;
        self.link(&partial)?;
        replace(&partial, &place)?;
        ensure!(
            self.binary(tools).is_some(),
            "the package `{package}` holds no `{program}`: {by_hand}"
        );
        Ok(())
    }

    /// The program that was unpacked, or else the one in the path. None: there is none.
    pub(crate) fn binary(&self, tools: &Path) -> Option<PathBuf> {
        let in_path = env::var_os("PATH").unwrap_or_default();
        [self.folder(tools)]
            .into_iter()
            .chain(env::split_paths(&in_path))
            .map(|folder| folder.join(self.program))
            .find(|candidate| candidate.is_file())
    }

    /// Where the unpacked program is, under its own name and nothing else.
    fn folder(&self, tools: &Path) -> PathBuf {
        tools.join(self.package).join("bin")
    }

    /// The program under its own name. One whose libraries were unpacked too finds them only if told so.
    fn link(&self, unpacked: &Path) -> Result<()> {
        let from = unpacked.join("usr/bin").join(self.program);
        let place = unpacked.join("bin").join(self.program);
        fs::create_dir_all(unpacked.join("bin"))?;
        let Some(libraries) = libraries(unpacked)? else {
            // A hard link, for the folder is moved into its place.
            fs::hard_link(&from, &place)
                .with_context(|| format!("cannot link `{}`", from.display()))?;
            return Ok(());
        };
        let script = format!(
            "#!/bin/sh\nhere=$(dirname \"$(dirname \"$(readlink -f \"$0\")\")\")\n\
             LD_LIBRARY_PATH=\"$here/usr/lib/{libraries}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}\" exec \"$here/usr/bin/{}\" \"$@\"\n",
            self.program
        );
        fs::write(&place, script)?;
        workspace::run(Command::new("chmod").arg("755").arg(&place))
    }
}

/// The path with every unpacked program in front.
pub(crate) fn path(tools: &Path) -> Result<OsString> {
    let unpacked = ALL.iter().map(|program| program.folder(tools));
    let in_path = env::var_os("PATH").unwrap_or_default();
    env::join_paths(
        unpacked
            .filter(|folder| folder.is_dir())
            .chain(env::split_paths(&in_path)),
    )
    .context("a path contains `:`")
}

/// The folder of the libraries that were unpacked, below `usr/lib`.
pub(super) fn libraries(unpacked: &Path) -> Result<Option<String>> {
    let folder = unpacked.join("usr/lib");
    if !folder.is_dir() {
        return Ok(None);
    }
    Ok(fs::read_dir(folder)?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .find(|name| name.contains("-linux-")))
}
