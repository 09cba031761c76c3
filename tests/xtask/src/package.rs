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
        if !package.is_published() {
            command.args(["--exclude", &package.name]);
        }
    }
    workspace::run(&mut command)
}
