//! Every feature of a library by itself, none, and all: each combination compiles, and enforcement without any refuses what it must.

use std::process::Command;

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
        if name == "hexgate-enforce" {
            workspace::run(&mut command("test", name, &[], &["--test", "least"]))?;
        }
        checked += 1;
    }
    ensure!(checked > 0, "no such package has features");
    Ok(())
}

fn check(package: &str, features: &[&str]) -> Result<()> {
    println!("features: {package} with {features:?}");
    workspace::run(&mut command("check", package, features, &[]))
}

/// A folder of its own: other features than those of the whole would compile the runtime again.
fn command(what: &str, package: &str, features: &[&str], more: &[&str]) -> Command {
    let target = workspace::root().join(workspace::target()).join("features");
    let mut command = workspace::cargo();
    command
        .args([what, "--quiet", "--locked", "--no-default-features"])
        .args(["--package", package, "--features", &features.join(",")])
        .args(more)
        .env("CARGO_TARGET_DIR", target);
    command
}
