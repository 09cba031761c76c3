//! Writing what was compiled: each file whole or not at all, the bundle last.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::Context;
use hexgate_base::disk::Folder;
use hexgate_compiler::{
    Artifact, Compiled,
    bundle::{PrivateKey, Stem},
    http,
    schema::POLICY_SCHEMA,
};

use super::args::{Args, Emit, Target};

/// Something that was written.
pub(crate) struct Written {
    pub(crate) path: PathBuf,
    pub(crate) is_bundle: bool,
}

/// Writes what the command line asks for.
pub(crate) fn write(
    args: &Args,
    artifact: &Artifact,
    key: Option<&PrivateKey>,
) -> anyhow::Result<Vec<Written>> {
    const RENAME: &str = "the bundle takes its name from the policy: rename the policy";
    let draft = artifact.draft(&args.release).context(RENAME)?;
    let stem = draft.stem.as_str().to_owned();
    let mut emit = match args.target {
        None => args.emit.clone(),
        Some(Target::Http) => Vec::new(),
    };
    emit.sort();
    emit.dedup();

    // Everything that can fail without touching the disk comes before the first byte is written.
    let (mut bundles, mut files) = (Vec::new(), Vec::new());
    if args.target == Some(Target::Http) {
        files.push((
            format!("{stem}.http.wasm"),
            http::compose(artifact.component())?,
        ));
    }
    for kind in &emit {
        match kind {
            Emit::Bundle => bundles.push((format!("{stem}.bundle"), draft.seal(key)?)),
            Emit::OpaCore => {
                let core = artifact.opa_core()?;
                let sealed = core.draft().context(RENAME)?.seal(key)?;
                bundles.push((format!("{stem}.opa-core"), sealed));
            }
            Emit::Js => files.extend(javascript(&draft.stem, artifact)?),
            _ => files.push(file(*kind, &stem, artifact)?),
        }
    }
    // The core module comes with the ES module too.
    files.sort();
    files.dedup();

    let mut written = Vec::new();
    let alone = files.is_empty() && bundles.len() == 1;
    if !files.is_empty() {
        let folder = args.out.clone().unwrap_or_else(|| PathBuf::from("."));
        for path in write_files(&folder, &files)? {
            written.push(Written {
                path,
                is_bundle: false,
            });
        }
    }
    for (name, sealed) in bundles {
        let folder = match &args.out {
            Some(out) if alone => out.clone(),
            Some(out) => out.join(name),
            None => name.into(),
        };
        sealed.write(&folder)?;
        written.push(Written {
            path: folder,
            is_bundle: true,
        });
    }
    Ok(written)
}

/// The name and content of an output that is one file.
fn file(kind: Emit, stem: &str, artifact: &Artifact) -> anyhow::Result<(String, Vec<u8>)> {
    let policy = || in_yaml(kind, artifact);
    Ok(match kind {
        Emit::Bundle | Emit::OpaCore | Emit::Js => anyhow::bail!("that is not one file"),
        Emit::Component => (
            format!("{stem}.component.wasm"),
            artifact.component().to_vec(),
        ),
        Emit::Core => {
            let policy = of_one_module(kind, artifact)?;
            (format!("{stem}.core.wasm"), policy.core()?)
        }
        Emit::Plan => (format!("{stem}.plan"), policy()?.plan.clone()),
        Emit::Source => (
            format!("{stem}.policy.yaml"),
            policy()?.source.clone().into_bytes(),
        ),
        Emit::Rego => (
            format!("{stem}.rego"),
            artifact.rego()?.to_owned().into_bytes(),
        ),
        Emit::Schema => (
            "policy.schema.json".to_owned(),
            POLICY_SCHEMA.as_bytes().to_vec(),
        ),
    })
}

/// The policy, if it is one in our language.
fn in_yaml(kind: Emit, artifact: &Artifact) -> anyhow::Result<&Compiled> {
    artifact.policy().with_context(|| {
        format!(
            "`--emit {}` is for policies in YAML, and this one is not: leave it out",
            kind.name()
        )
    })
}

/// The policy, if its component has one core module.
fn of_one_module(kind: Emit, artifact: &Artifact) -> anyhow::Result<&Compiled> {
    let policy = in_yaml(kind, artifact)?;
    anyhow::ensure!(
        policy.opa_module().is_none(),
        "`--emit {}` is for the engine `native`: a component with OPA's module consists of several; `--emit opa-core` writes OPA's own",
        kind.name()
    );
    Ok(policy)
}

/// The files of the ES module.
fn javascript(stem: &Stem, artifact: &Artifact) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let files = artifact.javascript(stem)?;
    let mut all = vec![
        (files.module_name, files.module.into_bytes()),
        (files.types_name, files.types.as_bytes().to_vec()),
    ];
    all.extend(files.cores);
    Ok(all)
}

/// Writes files by way of passing ones beside them: under its name a file is whole.
fn write_files(path: &Path, contents: &[(String, Vec<u8>)]) -> anyhow::Result<Vec<PathBuf>> {
    let opened = Folder::provide(path, 0o777).and_then(|()| Folder::open(path));
    let folder = opened.with_context(|| format!("cannot make the folder `{}`", path.display()))?;
    let mut finished = Vec::new();
    for (name, bytes) in contents {
        let path = path.join(name);
        let failed = || format!("cannot write `{}`; nothing was changed", path.display());
        // The permissions of any other output, within the user's umask.
        let mut file = folder.passing(0o666).with_context(failed)?;
        file.write_all(bytes).with_context(failed)?;
        file.sync_all().with_context(failed)?;
        finished.push((file, name, path));
    }
    let mut paths = Vec::new();
    for (file, name, path) in finished {
        file.persist(name)
            .with_context(|| format!("cannot write `{}`", path.display()))?;
        paths.push(path);
    }
    Ok(paths)
}
