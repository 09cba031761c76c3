//! Every package that users get can be packaged: nothing in it leads out of its folder, and no package needs itself.

use anyhow::Result;

use crate::workspace;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Build each package from what was packed, as cargo does before it publishes one: minutes
    #[arg(long)]
    verify: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let mut command = workspace::cargo();
    command.args([
        "package",
        "--workspace",
        "--allow-dirty",
        "--locked",
        "--quiet",
    ]);
    if !args.verify {
        command.arg("--no-verify");
    }
    for package in workspace::packages()? {
        if !package["publish"].is_null() {
            command.args(["--exclude", package["name"].as_str().unwrap_or_default()]);
        }
    }
    workspace::run(&mut command)
}
