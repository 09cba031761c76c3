//! One policy in several engines: do they agree, and how long do they take? The other engines are built for this alone, by a
//! workspace of their own.

use std::{fs, path::Path};

use anyhow::{Context, Result};

use crate::{setup::opa, workspace};

/// The policy, from the root of the workspace. `tests/peers/policy` holds it in the language of an engine that cannot be given ours.
const POLICY: &str = "examples/policies/billing.yaml";

/// The tables that come of a run, and the documents that show them, between two comments.
const TABLES: [(&str, &str); 2] = [("peers", "docs/performance.md"), ("shares", "docs/rego.md")];

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Put the tables into the documents that show them
    #[arg(long)]
    write: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let target = workspace::root().join(workspace::target()).join("peers");
    let out = target.join("tables");
    fs::create_dir_all(&out).with_context(|| format!("cannot create `{}`", out.display()))?;
    let mut command = workspace::cargo();
    command
        .args(["run", "--release", "--quiet", "--"])
        .arg(workspace::root().join(POLICY))
        .arg(&out)
        .current_dir(workspace::root().join("tests/peers"))
        .env("CARGO_TARGET_DIR", &target);
    // Without one that was set up, the user's own is found.
    if let Some(opa) = opa::binary(&workspace::tools()) {
        command.env("HEXGATE_OPA_BIN", opa);
    }
    workspace::run(&mut command)?;
    if args.write {
        for (name, document) in TABLES {
            let table = fs::read_to_string(out.join(format!("{name}.md")))?;
            put(&workspace::root().join(document), name, &table)?;
        }
    }
    Ok(())
}

/// Replaces what stands between the comments of a table.
fn put(document: &Path, name: &str, table: &str) -> Result<()> {
    let text = fs::read_to_string(document)
        .with_context(|| format!("cannot read `{}`", document.display()))?;
    let text = replaced(&text, name, table).with_context(|| {
        format!(
            "`{}` has no place for the table `{name}`",
            document.display()
        )
    })?;
    fs::write(document, text).with_context(|| format!("cannot write `{}`", document.display()))
}

fn replaced(text: &str, name: &str, table: &str) -> Option<String> {
    let (begin, end) = (
        format!("<!-- bench-peers: {name} -->\n"),
        format!("<!-- end of {name} -->"),
    );
    let (before, rest) = text.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}\n{table}\n{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_replaces_what_stands_between_its_comments() {
        let text = "a\n<!-- bench-peers: x -->\nold\n<!-- end of x -->\nb\n";
        let new = replaced(text, "x", "| new |\n").unwrap();
        assert_eq!(
            new,
            "a\n<!-- bench-peers: x -->\n\n| new |\n\n<!-- end of x -->\nb\n"
        );
        assert_eq!(replaced(&new, "x", "| new |\n").unwrap(), new);
        assert!(replaced(text, "y", "").is_none());
    }
}
