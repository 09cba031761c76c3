//! `grep` and `glob` against ripgrep's own program, on a tree of 100,000 files.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a benchmark fails by panicking"
)]

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use hexgate_agent::tool::{Progress, Tool};
use hexgate_enforce::host::Engine;
use hexgate_enforce::source::PolicyFile;
use hexgate_enforce::{Call, Caller, Enforcer, LivePolicy};
use hexgate_sandbox::Workspace;
use hexgate_tools::files::Reach;
use hexgate_tools::search::{glob, grep};
use serde_json::{Value, json};

const FOLDERS: usize = 1000;
const FILES: usize = 100;

/// Every path that is found is held against this.
const POLICY: &str = "
tools:
  glob: { mode: allow, file_scope: { denied_paths: ['secrets/**', '.env*'] } }
  grep: { mode: allow, file_scope: { denied_paths: ['secrets/**', '.env*'] } }
";

/// 100,000 files of a few kilobytes in 1,000 folders; every hundredth has the word that is looked for, and one folder in ten is ignored.
fn tree() -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tree-of-100000");
    if root.join(".git/complete").exists() {
        return root;
    }
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(root.join(".git")).unwrap();
    fs::write(root.join(".gitignore"), "ignored\n*.tmp\n").unwrap();
    for folder in 0..FOLDERS {
        let kind = if folder % 10 == 9 { "ignored" } else { "kept" };
        let path = root.join(format!(
            "a{}/b{}/{kind}/c{folder}",
            folder / 100,
            folder / 10
        ));
        fs::create_dir_all(&path).unwrap();
        for file in 0..FILES {
            let mut text = String::new();
            for line in 0..40 {
                writeln!(
                    text,
                    "let value_{line} = compute({folder}, {file}, \"text {line}\");"
                )
                .unwrap();
            }
            if file == folder % FILES {
                text.push_str("the needle is here\n");
            }
            let ending = ["rs", "py", "md", "txt"][file % 4];
            fs::write(path.join(format!("file_{file}.{ending}")), text).unwrap();
        }
    }
    fs::write(root.join(".git/complete"), "").unwrap();
    root
}

fn enforcer() -> Enforcer {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.yaml");
    fs::write(&path, POLICY).unwrap();
    let source = PolicyFile::dangerous_unsigned(&path);
    let live = LivePolicy::open(&Engine::new().unwrap(), source).unwrap();
    Enforcer::builder("explorer", &live).build().unwrap()
}

fn compare(criterion: &mut Criterion) {
    let root = tree();
    let workspace = Workspace::builder(&root)
        .home("/nonexistent")
        .build()
        .unwrap();
    let reach = Arc::new(Reach::of(&workspace).unwrap());
    let enforcer = enforcer();
    let alice = Caller::builder("alice").build().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let call = |tool: &Arc<dyn Tool>, name: &str, arguments: &Value| {
        let arguments = arguments.to_string();
        let permit = enforcer
            .authorize(Call::of(&alice, name, arguments.as_str()))
            .unwrap();
        let answer = runtime.block_on(tool.call(permit, &Progress::default()));
        answer.unwrap().value
    };
    let ripgrep = |arguments: &[&str]| {
        let output = Command::new("rg")
            .args(arguments)
            .arg(".")
            .current_dir(&root)
            .output();
        let output = output.expect("the program `rg` is installed");
        String::from_utf8(output.stdout).unwrap()
    };
    let (grep, glob) = (grep(&reach), glob(&reach));

    let mut group = criterion.benchmark_group("100000 files");
    group
        .sample_size(20)
        .measurement_time(Duration::from_secs(10));
    for (name, arguments, theirs) in [
        (
            "grep files",
            json!({ "pattern": "needle", "head_limit": 1000 }),
            vec!["--count", "needle"],
        ),
        (
            "grep lines",
            json!({ "pattern": "the n[a-z]+ is", "output_mode": "content", "head_limit": 1000 }),
            vec!["--line-number", "the n[a-z]+ is"],
        ),
        (
            "grep nothing",
            json!({ "pattern": "no such text" }),
            vec!["no such text"],
        ),
        (
            "grep every file",
            json!({ "pattern": "value_39" }),
            vec!["--count", "value_39"],
        ),
    ] {
        // Both find the same.
        let answer = call(&grep, "grep", &arguments);
        assert_eq!(
            answer["num_files"],
            ripgrep(&theirs).lines().count(),
            "{name}"
        );
        group.bench_function(format!("{name}, tool"), |bench| {
            bench.iter(|| call(&grep, "grep", &arguments));
        });
        group.bench_function(format!("{name}, rg"), |bench| {
            bench.iter(|| ripgrep(&theirs))
        });
    }
    let arguments = json!({ "pattern": "**/*.rs", "limit": 1000 });
    let theirs = ["--files", "--glob", "*.rs"];
    assert_eq!(call(&glob, "glob", &arguments)["num_files"], 1000);
    group.bench_function("glob, tool", |bench| {
        bench.iter(|| call(&glob, "glob", &arguments));
    });
    group.bench_function("glob, rg", |bench| bench.iter(|| ripgrep(&theirs)));
    group.finish();
}

criterion_group!(benches, compare);
criterion_main!(benches);
