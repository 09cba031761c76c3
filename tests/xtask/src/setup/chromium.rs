//! Chromium: the system's, or else Debian's packages, unpacked beside everything else and not installed.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use super::{debian, fresh, packaged, replace};
use crate::workspace;

const PACKAGE: &str = "chromium";
const BY_HAND: &str = "install Chromium by hand, as `chromium` in the path";

pub(super) fn install(tools: &Path) -> Result<()> {
    if let Some(chromium) = binary(tools) {
        println!("setup chromium: `{}` is there", chromium.display());
        return Ok(());
    }
    debian::require(BY_HAND)?;
    debian::find(PACKAGE, BY_HAND)?;
    let packages = debian::missing(PACKAGE)?;
    println!(
        "setup chromium: unpacking {} packages into `{}`",
        packages.len(),
        tools.join("chromium").display()
    );
    let partial = tools.join("chromium.partial");
    fresh(&partial)?;
    debian::unpack(&packages, &partial)?;
    write_wrapper(&partial)?;
    let version = workspace::output(Command::new(partial.join(PACKAGE)).arg("--version"))
        .with_context(|| format!("what was unpacked does not run; {BY_HAND}"))?;
    replace(&partial, &tools.join("chromium"))?;
    println!("setup chromium: {}", version.trim());
    Ok(())
}

/// The browser that was unpacked, or else the one in the path. None: there is none.
pub(crate) fn binary(tools: &Path) -> Option<PathBuf> {
    let unpacked = tools.join("chromium").join(PACKAGE);
    let in_path = env::var_os("PATH").unwrap_or_default();
    [unpacked]
        .into_iter()
        .chain(env::split_paths(&in_path).map(|folder| folder.join(PACKAGE)))
        .find(|candidate| candidate.is_file())
}

/// The browser finds its libraries beside it only if told so.
fn write_wrapper(folder: &Path) -> Result<()> {
    let Some(libraries) = packaged::libraries(folder)? else {
        bail!("the packages contain no libraries");
    };
    let wrapper = folder.join(PACKAGE);
    let script = format!(
        "#!/bin/sh\nhere=$(dirname \"$(readlink -f \"$0\")\")\nlibraries=\"$here/usr/lib/{libraries}\"\n\
         export LD_LIBRARY_PATH=\"$libraries:$libraries/pulseaudio${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}\"\n\
         exec \"$here/usr/lib/chromium/chromium\" \"$@\"\n"
    );
    fs::write(&wrapper, script)?;
    workspace::run(Command::new("chmod").arg("755").arg(&wrapper))
}
