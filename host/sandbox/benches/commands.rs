//! What it costs to confine a command: the program `true`, started plainly, by the shell, and in each sandbox that this machine has.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a panic is how a benchmark fails"
)]

use std::process::Command;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use hexgate_sandbox::{Guarantee, Sandbox, Wanted, Workspace};

fn commands(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let mut group = criterion.benchmark_group("true");
    group
        .sample_size(50)
        .measurement_time(Duration::from_secs(8));
    group.bench_function("fork and exec", |bencher| {
        bencher.iter(|| Command::new("/bin/true").status().unwrap());
    });
    group.bench_function("bash -c", |bencher| {
        bencher.iter(|| {
            Command::new("/bin/bash")
                .args(["-c", "/bin/true"])
                .output()
                .unwrap()
        });
    });
    let any = Guarantee::ALL
        .into_iter()
        .fold(Wanted::default(), Wanted::dangerous_without);
    for (name, listed) in [
        ("landlock", false),
        ("landlock", true),
        ("landlock-alone", false),
        ("bwrap", false),
        ("srt", false),
    ] {
        let mut workspace = Workspace::builder(folder.path());
        if listed {
            workspace = workspace.allowed_commands(["true", "ls", "cat", "grep"]);
        }
        let sandbox = match Sandbox::backend(name, &workspace.build().unwrap(), &any) {
            Ok(sandbox) => sandbox,
            Err(unavailable) => {
                eprintln!("skipped: {unavailable}");
                continue;
            }
        };
        let title = if listed {
            "landlock, four commands allowed"
        } else {
            name
        };
        group.bench_function(title, |bencher| {
            bencher.iter(|| {
                let finished = runtime
                    .block_on(sandbox.run("/bin/true", Duration::from_secs(20)))
                    .unwrap();
                assert_eq!(finished.exit_code, 0, "{}", finished.stderr);
            });
        });
    }
}

criterion_group!(benches, commands);
criterion_main!(benches);
