//! The README and the guide do what they say: their commands run, their outputs are what they print, their program is the example's.
//!
//! Blocks that are marked `sh`, `sh opa` where OPA is set up, or `sh rust` where there is a compiler for WebAssembly, run one after the other, each in a shell of its own that stops at the first failure, all in one
//! fresh folder, with the built binaries in the path. A line `# exits N` in a block says how it ends; without one it is 0. A block
//! marked `text` right after is all that the commands print on stdout. A block marked `rust` stands in the example.

use std::{
    env,
    ffi::OsString,
    fs,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    engine::compile::Toolchain,
    setup::{fresh, opa},
    workspace,
};

/// What is checked, one after the other: the guide goes on where the README ends.
const DOCUMENTS: [&str; 2] = ["README.md", "docs/guide.md"];
/// Where the program in the README comes from.
const EXAMPLE: &str = "examples/embed/src/main.rs";

pub(crate) fn run() -> Result<()> {
    let mut documents = Vec::new();
    for name in DOCUMENTS {
        let path = workspace::root().join(name);
        let text = fs::read_to_string(&path)
            .with_context(|| format!("cannot read `{}`", path.display()))?;
        ensure!(
            text.contains("\n```sh\n"),
            "`{name}` has no `sh` block: nothing would be checked"
        );
        documents.push((name, text));
    }

    // All of it, as the README says: with fewer packages cargo would choose other features and compile the runtime twice.
    workspace::run(workspace::cargo().args(["build", "--workspace"]))?;
    let folder = workspace::target().join("readme");
    fresh(&folder)?;
    let opa = opa::binary(&workspace::tools())
        .map(fs::canonicalize)
        .transpose()?;
    let wasm = match Toolchain::find(None) {
        Ok(toolchain) => Some(guests(&folder, toolchain.environment()?)?),
        Err(_) => None,
    };
    let mut ran = 0;
    let mut programs = 0;
    for (name, text) in &documents {
        let blocks = blocks(text).with_context(|| format!("`{name}`"))?;
        for (index, block) in blocks.iter().enumerate() {
            let place = format!("`{name}`, line {}", block.line);
            match block.kind {
                "sh opa" if opa.is_none() => println!(
                    "readme: SKIPPED, {place}: OPA is not set up; run `cargo xtask setup opa`"
                ),
                "sh rust" if wasm.is_none() => println!(
                    "readme: SKIPPED, {place}: there is no compiler for WebAssembly; run `cargo xtask setup wasm`"
                ),
                "sh" | "sh opa" | "sh rust" => {
                    let output = blocks
                        .get(index + 1)
                        .filter(|next| next.kind == "text" && next.follows);
                    let mut environment = Vec::new();
                    if let Some(opa) = &opa {
                        environment.push(("HEXGATE_OPA_BIN", opa.clone().into_os_string()));
                    }
                    if block.kind == "sh rust" {
                        environment.extend(wasm.clone().unwrap_or_default());
                    }
                    check_commands(&folder, block, output, environment).context(place)?;
                    ran += 1;
                }
                "rust" => {
                    check_program(block).context(place)?;
                    programs += 1;
                }
                _ => {}
            }
        }
    }
    ensure!(
        programs > 0,
        "there is no `rust` block: the example was not compared"
    );
    println!("readme: {ran} blocks of commands do what they say");
    Ok(())
}

/// The environment for packages in Rust. Cargo takes the crate from here until it is in the registry.
fn guests(
    folder: &Path,
    mut environment: Vec<(&'static str, OsString)>,
) -> Result<Vec<(&'static str, OsString)>> {
    let sdk = workspace::root().join("guest/sdk");
    let patch = format!("[patch.crates-io]\nhexgate-guest = {{ path = {sdk:?} }}\n");
    fs::create_dir_all(folder.join(".cargo"))?;
    fs::write(folder.join(".cargo/config.toml"), patch)?;
    let target = workspace::root()
        .join(workspace::target())
        .join("readme-guests");
    environment.push(("CARGO_TARGET_DIR", target.into()));
    Ok(environment)
}

/// A block of the README.
#[derive(Debug, PartialEq, Eq)]
struct Block<'a> {
    kind: &'a str,
    text: String,
    /// Where it begins.
    line: usize,
    /// Whether nothing but empty lines stands between the block before and this one.
    follows: bool,
}

fn blocks(readme: &str) -> Result<Vec<Block<'_>>> {
    let mut blocks = Vec::new();
    let mut open: Option<Block<'_>> = None;
    let mut follows = false;
    for (index, line) in readme.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(kind)) => {
                open = Some(Block {
                    kind,
                    text: String::new(),
                    line: index + 1,
                    follows,
                })
            }
            (None, None) => follows = follows && line.trim().is_empty(),
            (Some(_), Some(_)) => {
                blocks.extend(open.take());
                follows = true;
            }
            (Some(block), None) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
        }
    }
    match open {
        Some(block) => bail!("the block in line {} is not closed", block.line),
        None => Ok(blocks),
    }
}

fn check_commands(
    folder: &Path,
    block: &Block<'_>,
    expected: Option<&Block<'_>>,
    environment: Vec<(&str, OsString)>,
) -> Result<()> {
    println!("{}", block.text.trim_end());
    let bin = workspace::binary("hexgate");
    let bin = bin
        .parent()
        .context("the folder of the binaries is not known")?;
    let path = env::join_paths(
        [bin.to_path_buf()]
            .into_iter()
            .chain(env::split_paths(&env::var_os("PATH").unwrap_or_default())),
    )?;
    let mut shell = Command::new("sh");
    let output = shell
        .envs(environment)
        .args(["-euc", &block.text])
        .current_dir(folder)
        .env("PATH", path)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run `sh`")?;
    let printed = String::from_utf8(output.stdout).context("the output is not UTF-8")?;
    print!("{printed}");
    let code = exit_code(&block.text)?;
    ensure!(
        output.status.code() == Some(code),
        "the commands ended with {}, expected exit code {code}",
        output.status
    );
    if let Some(expected) = expected {
        ensure!(
            printed == expected.text,
            "line {} says that the commands print\n{}",
            expected.line,
            expected.text
        );
    }
    Ok(())
}

/// What a block says about its end.
fn exit_code(text: &str) -> Result<i32> {
    let Some((_, rest)) = text.split_once("# exits ") else {
        return Ok(0);
    };
    let number = rest
        .split(|c: char| !c.is_ascii_digit())
        .next()
        .unwrap_or_default();
    number
        .parse()
        .with_context(|| format!("`# exits {number}` names no exit code"))
}

fn check_program(block: &Block<'_>) -> Result<()> {
    let path = workspace::root().join(EXAMPLE);
    let example =
        fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
    ensure!(
        contains_lines(&example, &block.text),
        "the program does not stand in `{EXAMPLE}`: copy it from there"
    );
    Ok(())
}

/// Whether the lines of `part` stand in `whole` one after the other, at whatever indentation.
fn contains_lines(whole: &str, part: &str) -> bool {
    let lines = |text: &str| {
        text.lines()
            .map(|line| line.trim().to_owned())
            .collect::<Vec<_>>()
    };
    let (whole, part) = (lines(whole), lines(part));
    !part.is_empty() && whole.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_with_what_stands_between_them() {
        let found = blocks("a\n```sh\nx\ny\n```\n\n```text\nz\n```\nb\n```text\n```\n").unwrap();
        let seen: Vec<_> = found
            .iter()
            .map(|block| (block.kind, block.text.as_str(), block.line, block.follows))
            .collect();
        assert_eq!(
            seen,
            [
                ("sh", "x\ny\n", 2, false),
                ("text", "z\n", 7, true),
                ("text", "", 11, false)
            ]
        );
        assert!(blocks("```sh\nx\n").is_err());
    }

    #[test]
    fn exit_codes_are_read() {
        assert_eq!(exit_code("true\n").unwrap(), 0);
        assert_eq!(exit_code("false   # exits 1\n").unwrap(), 1);
        assert!(exit_code("false # exits badly\n").is_err());
    }

    #[test]
    fn a_program_is_found_at_any_indentation() {
        assert!(contains_lines("fn f() {\n    a;\n    b;\n}\n", "a;\nb;\n"));
        assert!(!contains_lines(
            "fn f() {\n    a;\n    c;\n    b;\n}\n",
            "a;\nb;\n"
        ));
        assert!(!contains_lines("a;\n", ""));
    }
}
