//! `hexgate new`: a package with a policy in Rust that narrows a YAML policy.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;
use hexgate_base::disk::Folder;
use hexgate_bundle::Stem;
use hexgate_compiler::Compiler;

use crate::{
    exit::Exit,
    output::{self, Style, Tone},
};

/// Begin a policy in Rust: a package with a YAML policy, a check that narrows it, and tests of both
///
/// Exit codes: 0 written, 2 misuse or environment.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hexgate new refunds
  hexgate new refunds --guest-path ../hexgate/guest/sdk
  cd refunds
  cargo test
  hexgate policy test Cargo.toml --suite suite.yaml
  hexgate policy keygen --out release
  hexgate-compile Cargo.toml --sign-key release.private --agent support-bot --sequence 1")]
pub(crate) struct Args {
    /// The name of the policy, and of the folder that is made here
    name: String,

    /// Take the crate `hexgate-guest` from this folder, and not from the registry
    #[arg(long, value_name = "DIR")]
    guest_path: Option<PathBuf>,
}

/// What is written, and where. `{{name}}` and the like are filled in.
const FILES: [(&str, &str); 5] = [
    ("Cargo.toml", include_str!("new/Cargo.toml.txt")),
    ("src/lib.rs", include_str!("new/lib.rs.txt")),
    (POLICY, include_str!("new/policy.yaml")),
    ("suite.yaml", include_str!("new/suite.yaml")),
    // Private keys must not be committed with the sources.
    (".gitignore", "/target\n*.private\n"),
];
const POLICY: &str = "policy.yaml";
/// The YAML policy, compiled, so that `cargo test` needs nothing but cargo.
const PLAN: &str = "policy.plan";

pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    check(&args.name)?;
    let guest = match &args.guest_path {
        None => format!("\"{}\"", env!("CARGO_PKG_VERSION")),
        Some(path) => {
            let path = fs::canonicalize(path)
                .with_context(|| format!("cannot read `{}`", path.display()))?;
            let manifest = fs::read_to_string(path.join("Cargo.toml")).unwrap_or_default();
            anyhow::ensure!(
                manifest.contains("name = \"hexgate-guest\""),
                "`{}` is not the folder of the crate `hexgate-guest`, which is `guest/sdk` in the sources of hexgate",
                path.display()
            );
            format!("{{ path = {:?} }}", path.display().to_string())
        }
    };
    let component = args.name.replace('_', "-");
    let filled = |text: &str| {
        text.replace("{{name}}", &args.name)
            .replace("{{component}}", &component)
            .replace("{{guest}}", &guest)
    };
    let mut files: Vec<(&str, Vec<u8>)> = FILES
        .iter()
        .map(|(name, text)| (*name, filled(text).into_bytes()))
        .collect();
    files.push((PLAN, plan()?));

    match fs::create_dir(&args.name) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => anyhow::bail!(
            "`{}` exists already; choose another name, or remove it",
            args.name
        ),
        Err(error) => {
            return Err(error).with_context(|| format!("cannot make the folder `{}`", args.name));
        }
    }
    let mark = Style::stdout().paint(Tone::Good, "✓");
    let mut text = String::new();
    for (name, bytes) in files {
        let path = Path::new(&args.name).join(name);
        let write = || {
            let (folder, name) = Folder::provided_for(&path, 0o777)?;
            folder.create(name, 0o666)?.write_all(&bytes)
        };
        write().with_context(|| format!("cannot write `{}`", path.display()))?;
        text.push_str(&format!("{mark} Wrote {}\n", path.display()));
    }
    output::print(&text)?;
    output::note(&format!(
        "next: `cd {}`, `cargo test`, `hexgate policy test Cargo.toml --suite suite.yaml`",
        args.name
    ));
    Ok(Exit::Done)
}

/// The words that `cargo new` refuses or warns of, of those that look like names of ours, and the crate that the package depends on.
const TAKEN: [&str; 57] = [
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "const",
    "continue",
    "core",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "hexgate_guest",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "proc_macro",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "yield",
];

/// A name that a package, a bundle and a component can have.
fn check(name: &str) -> anyhow::Result<()> {
    let words = |separator: fn(char) -> bool| {
        name.split(separator).all(|word| {
            word.starts_with(|first: char| first.is_ascii_lowercase())
                && word
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        })
    };
    anyhow::ensure!(
        words(|c| c == '-') || words(|c| c == '_'),
        "`{}` cannot name a policy; take lower-case words of letters and digits, such as `refund-rules`",
        output::shortened(name, 64)
    );
    anyhow::ensure!(
        !TAKEN.contains(&name.replace('-', "_").as_str()),
        "a crate cannot be called `{name}`, which has a meaning in Rust; choose another name"
    );
    name.parse::<Stem>()?;
    Ok(())
}

/// The plan of the YAML policy.
fn plan() -> anyhow::Result<Vec<u8>> {
    let yaml = FILES.iter().find(|(name, _)| *name == POLICY);
    let yaml = yaml.map(|(_, text)| *text).unwrap_or_default();
    let outcome = Compiler::default().compile_str(POLICY, yaml);
    let compiled = outcome.policy.context("the template does not compile")?;
    Ok(compiled.plan)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_cargo_and_components_take() {
        for name in ["refunds", "refund-rules", "refund_rules", "r2-d2"] {
            assert!(check(name).is_ok(), "{name}");
        }
        for name in [
            "",
            "Refunds",
            "2fast",
            "a-",
            "-a",
            "a--b",
            "a-2",
            "a_b-c",
            "../a",
            "a/b",
            "a b",
            "größe",
            "fn",
            "yield",
            "std",
            "test",
            "proc-macro",
            "hexgate-guest",
        ] {
            assert!(check(name).is_err(), "{name}");
        }
    }
}
