//! The public API of each library, as a file that is reviewed.

use std::fs;

use anyhow::{Context, Result, bail, ensure};

use crate::workspace;

/// The file beside each manifest.
const FILE: &str = "api.txt";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Write the files instead of comparing them
    #[arg(long)]
    write: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    // The form that programs can read is not stable yet. The switch is for rustdoc alone: if cargo had it, build scripts would run again.
    let rustdoc = workspace::root().join("tests/xtask/rustdoc.sh");
    workspace::run(
        workspace::cargo()
            .args([
                "doc",
                "--workspace",
                "--no-deps",
                "--lib",
                "--quiet",
                "--locked",
            ])
            .env("RUSTDOC", rustdoc)
            .env("RUSTDOCFLAGS", "-Zunstable-options --output-format=json"),
    )?;
    let target = workspace::root().join(workspace::target());
    let mut changed = Vec::new();
    let mut looked_at = 0;
    for package in workspace::packages()? {
        let Some(library) = package.library().filter(|_| package.is_published()) else {
            continue;
        };
        let json = target.join("doc").join(format!("{library}.json"));
        let api = public_api::Builder::from_rustdoc_json(&json)
            .omit_blanket_impls(true)
            .omit_auto_trait_impls(true)
            .omit_auto_derived_impls(true)
            .build()
            .with_context(|| {
                format!(
                    "cannot read `{}`: this check needs the Rust of `rust-version`",
                    json.display()
                )
            })?
            .to_string();
        let file = package.manifest_path.with_file_name(FILE);
        if args.write {
            fs::write(&file, &api).with_context(|| format!("cannot write `{}`", file.display()))?;
        } else if fs::read_to_string(&file).unwrap_or_default() != api {
            changed.push(file.display().to_string());
        }
        looked_at += 1;
    }
    ensure!(looked_at > 0, "there is no library");
    if !changed.is_empty() {
        bail!(
            "the public API is not what these files say: look at it with `cargo xtask api --write` and `git diff`\n{}",
            changed.join("\n")
        );
    }
    println!("api: {looked_at} libraries export what their files say");
    Ok(())
}
