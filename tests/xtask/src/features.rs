//! Every feature of a library by itself, none, and all: each combination compiles.

use anyhow::{Result, ensure};

use crate::workspace;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Look at this package only [default: every one that has features]
    #[arg(long, value_name = "NAME")]
    package: Option<String>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let mut checked = 0;
    for package in workspace::packages()? {
        let name = package.name.as_str();
        let features: Vec<&str> = package
            .features
            .keys()
            .map(String::as_str)
            .filter(|feature| *feature != "default")
            .collect();
        let is_wanted = args.package.as_deref().is_none_or(|wanted| wanted == name);
        if !package.is_published() || !is_wanted || features.is_empty() {
            continue;
        }
        check(name, &[])?;
        for feature in &features {
            check(name, &[feature])?;
        }
        check(name, &features)?;
        checked += 1;
    }
    ensure!(checked > 0, "no such package has features");
    Ok(())
}

/// A folder of its own: other features than those of the whole would compile the runtime again.
fn check(package: &str, features: &[&str]) -> Result<()> {
    println!("features: {package} with {features:?}");
    let target = workspace::root().join(workspace::target()).join("features");
    workspace::run(
        workspace::cargo()
            .args(["check", "--quiet", "--locked", "--no-default-features"])
            .args(["--package", package, "--features", &features.join(",")])
            .env("CARGO_TARGET_DIR", target),
    )
}
