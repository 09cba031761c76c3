//! Writing what was compiled: each file whole or not at all, the bundle last.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;
use hexgate_compiler::{Compiled, bundle::PrivateKey, schema::POLICY_SCHEMA};

use crate::args::{Args, Emit};

/// Something that was written.
pub(crate) struct Written {
    pub(crate) path: PathBuf,
    pub(crate) is_bundle: bool,
}

/// Writes what the command line asks for.
pub(crate) fn write(
    args: &Args,
    compiled: &Compiled,
    key: Option<&PrivateKey>,
) -> anyhow::Result<Vec<Written>> {
    let draft = compiled
        .draft(&args.release)
        .context("the bundle takes its name from the policy: rename the policy")?;
    let stem = draft.stem.as_str().to_owned();
    let mut emit = args.emit.clone();
    emit.sort();
    emit.dedup();
    let (bundle, files): (Vec<Emit>, Vec<Emit>) =
        emit.into_iter().partition(|emit| *emit == Emit::Bundle);

    // Everything that can fail without touching the disk comes before the first byte is written.
    let sealed = if bundle.is_empty() {
        None
    } else {
        Some(draft.seal(key)?)
    };
    let mut contents = Vec::new();
    for kind in &files {
        contents.push(match kind {
            Emit::Bundle => continue,
            Emit::Component => (format!("{stem}.component.wasm"), compiled.component.clone()),
            Emit::Core => (format!("{stem}.core.wasm"), compiled.core()?),
            Emit::Plan => (format!("{stem}.plan"), compiled.plan.clone()),
            Emit::Rego => (
                format!("{stem}.rego"),
                compiled.rego()?.to_owned().into_bytes(),
            ),
            Emit::Source => (
                format!("{stem}.policy.yaml"),
                compiled.source.clone().into_bytes(),
            ),
            Emit::Schema => (
                "policy.schema.json".to_owned(),
                POLICY_SCHEMA.as_bytes().to_vec(),
            ),
        });
    }

    let mut written = Vec::new();
    let name = format!("{stem}.bundle");
    let bundle_folder = match &args.out {
        Some(out) if files.is_empty() => out.clone(),
        Some(out) => out.join(name),
        None => name.into(),
    };
    if !contents.is_empty() {
        let folder = args.out.clone().unwrap_or_else(|| PathBuf::from("."));
        for path in write_files(&folder, &contents)? {
            written.push(Written {
                path,
                is_bundle: false,
            });
        }
    }
    if let Some(sealed) = sealed {
        sealed.write(&bundle_folder)?;
        written.push(Written {
            path: bundle_folder,
            is_bundle: true,
        });
    }
    Ok(written)
}

/// Writes files by way of temporary ones beside them: under its name a file is whole.
fn write_files(folder: &Path, contents: &[(String, Vec<u8>)]) -> anyhow::Result<Vec<PathBuf>> {
    fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
    let mut finished = Vec::new();
    for (name, bytes) in contents {
        let path = folder.join(name);
        let failed = || format!("cannot write `{}`; nothing was changed", path.display());
        let mut file = tempfile::Builder::new()
            .prefix(".hexgate-")
            .make_in(folder, create)
            .with_context(failed)?;
        file.write_all(bytes).with_context(failed)?;
        file.as_file().sync_all().with_context(failed)?;
        finished.push((file, path));
    }
    let mut paths = Vec::new();
    for (file, path) in finished {
        file.persist(&path)
            .with_context(|| format!("cannot write `{}`", path.display()))?;
        paths.push(path);
    }
    Ok(paths)
}

/// Makes a file with the permissions of any other output, within the user's umask. Its errors do not name it: nobody knows the name.
fn create(path: &Path) -> io::Result<fs::File> {
    fs::File::options().write(true).create_new(true).open(path)
}
