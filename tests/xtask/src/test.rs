//! All tests: those of the workspace, and those that need tools.

use anyhow::Result;

use crate::{engine::compile::Toolchain, workspace};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Arguments for `cargo test`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let python = workspace::tools().join("python/bin/python");
    let has_tools = Toolchain::find(None).is_ok() && python.is_file();
    if has_tools {
        println!("test: all tools are set up, so no test may be skipped for want of one");
    } else {
        println!(
            "test: tools are missing, so tests that need them will be skipped: run `cargo xtask setup` to have all"
        );
    }

    let mut command = workspace::cargo();
    command
        .args(["test", "--workspace"])
        .args(&args.arguments)
        .env("HEXGATE_TOOLS", workspace::tools());
    if has_tools {
        command.env("HEXGATE_REQUIRE_TOOLS", "1");
    }
    workspace::run(&mut command)
}
