//! `examples/node`, as its user types it.

use std::{env, fs, path::Path, process::Command};

use crate::{binary, fresh, printed, programs};

#[test]
fn the_example_for_node_runs_and_measures() {
    let Some(programs) = programs() else { return };
    let folder = fresh("example");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    for file in [
        "node/package.json",
        "node/main.js",
        "node/measure.js",
        "policies/billing.yaml",
    ] {
        let to = folder.join(file);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(source.join(file), to).unwrap();
    }
    // What `npm install` installs.
    let packages = programs.join("node_modules");
    std::os::unix::fs::symlink(&packages, folder.join("node/node_modules")).unwrap();
    let npm = |arguments: &[&str], with_compiler: bool| {
        let compiler = binary("hexgate-compile");
        let first = compiler.parent().filter(|_| with_compiler);
        let path = env::var_os("PATH").unwrap();
        let folders = first.map(Path::to_owned).into_iter();
        let path = env::join_paths(folders.chain(env::split_paths(&path))).unwrap();
        let mut npm = Command::new("npm");
        npm.args(arguments)
            .current_dir(folder.join("node"))
            .env("PATH", path);
        npm
    };
    let expected: String = [
        r#"refund_order {"amount": 200, "currency": "USD"}: run it"#,
        r#"refund_order {"amount": 9007199254740993, "currency": "USD"}: Policy denied tool "refund_order": args.amount <= 500"#,
        r#"wire_transfer {"amount": 900, "currency": "USD", "recipient": "ACME"}: ask a human"#,
        r#"delete_account {"id": 7}: Policy denied tool "delete_account" (no allow rule matched for role "billing")"#,
    ]
    .iter()
    .flat_map(|line| ["own", "jco"].map(|glue| format!("{glue}: {line}\n")))
    .collect();
    for _ in 0..2 {
        assert_eq!(printed(&mut npm(&["start", "--silent"], true)), expected);
    }
    // Few calls: that it runs, not how fast.
    let measured = printed(&mut npm(
        &["run", "measure", "--silent", "--", "1", "50"],
        true,
    ));
    assert_eq!(measured.lines().count(), 6, "{measured}");
    assert!(
        measured.lines().all(|line| line.ends_with(" µs")),
        "{measured}"
    );

    if hexgate_compiler::opa::Opa::find().is_ok() {
        let measured = printed(&mut npm(&["run", "measure:opa", "--silent"], true));
        assert_eq!(measured.lines().count(), 3, "{measured}");
    }

    // What goes wrong is said, and nothing is run.
    let refused = |what: &str, with_compiler: bool| {
        let output = npm(&["start"], with_compiler).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(what), "{said}");
    };
    if !env::split_paths(&env::var_os("PATH").unwrap())
        .any(|it| it.join("hexgate-compile").exists())
    {
        refused("hexgate-compile", false);
    }
    fs::write(
        folder.join("policies/billing.yaml"),
        "tools: {t: {mode: maybe}}\n",
    )
    .unwrap();
    refused("is refused", true);
}
