//! Running the fuzz targets: with the compiler that builds everything else, whose backend knows how to count coverage.

use std::{fs, process::Command};

use anyhow::{Context, Result, bail};

use crate::workspace;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How long each target runs
    #[arg(long, default_value_t = 20, value_name = "N")]
    seconds: u32,
    /// Run only these targets
    targets: Vec<String>,
}

impl Args {
    /// Every target.
    pub(crate) fn all(seconds: u32) -> Self {
        Self {
            seconds,
            targets: Vec::new(),
        }
    }
}

/// What libFuzzer needs to be told by the program that it runs: which branches were taken and what was compared.
const FLAGS: [&str; 7] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
    "--cfg fuzzing",
];

pub(crate) fn run(args: &Args) -> Result<()> {
    let folder = workspace::root().join("tests/fuzz");
    let all = targets()?;
    if let Some(unknown) = args.targets.iter().find(|target| !all.contains(target)) {
        bail!(
            "there is no fuzz target `{unknown}`: there are {}",
            all.join(", ")
        );
    }
    if !["c++", "g++", "clang++"]
        .iter()
        .any(|it| workspace::output(Command::new(it).arg("--version")).is_ok())
    {
        println!("SKIPPED: fuzzing needs a C++ compiler (`c++`)");
        return Ok(());
    }
    let host = workspace::host()?;
    let target = workspace::target().join("fuzz");
    let mut build = workspace::cargo();
    build
        .args(["build", "--release", "--quiet", "--target", &host])
        .current_dir(&folder)
        .env("CARGO_TARGET_DIR", &target)
        .env("RUSTFLAGS", FLAGS.join(" "))
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    workspace::run(&mut build)?;
    for name in all
        .iter()
        .filter(|name| args.targets.is_empty() || args.targets.contains(name))
    {
        let found = target.join("corpus").join(name);
        let crashes = target.join("crashes").join(name);
        for place in [&found, &crashes] {
            fs::create_dir_all(place)
                .with_context(|| format!("cannot create `{}`", place.display()))?;
        }
        let output = Command::new(target.join(&host).join("release").join(name))
            .arg(format!("-max_total_time={}", args.seconds))
            .args(["-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1"])
            .arg(format!("-artifact_prefix={}/", crashes.display()))
            .arg(&found)
            .arg(folder.join("corpus").join(name))
            .output()
            .with_context(|| format!("cannot run the fuzz target `{name}`"))?;
        let said = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            let tail: Vec<&str> = said.lines().rev().take(60).collect();
            let tail: Vec<&str> = tail.into_iter().rev().collect();
            bail!(
                "the fuzz target `{name}` found something, see `{}`\n{}",
                crashes.display(),
                tail.join("\n")
            );
        }
        let runs = said
            .lines()
            .find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
        println!(
            "fuzz {name}: {} inputs in {} seconds, nothing found",
            runs.unwrap_or("?").trim(),
            args.seconds
        );
    }
    Ok(())
}

/// The names of the targets: there is a file for each.
fn targets() -> Result<Vec<String>> {
    let files = workspace::names(&workspace::root().join("tests/fuzz/fuzz_targets"))?;
    let names = files.iter().filter_map(|name| name.strip_suffix(".rs"));
    Ok(names.map(str::to_owned).collect())
}
