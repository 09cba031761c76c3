//! What can be a workspace, and what commands see of it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hexgate_sandbox::{Workspace, WorkspaceError};

use crate::{backend, folder, run};

fn refused(root: impl AsRef<Path>) -> String {
    Workspace::builder(root.as_ref())
        .build()
        .unwrap_err()
        .to_string()
}

#[test]
fn folders_that_cannot_be_workspaces_are_refused_with_the_remedy() {
    for root in [
        "/",
        "/etc",
        "/usr",
        "/proc",
        "/proc/self",
        "/sys",
        "/dev",
        "/tmp",
        "/home",
        "/var",
    ] {
        let said = refused(root);
        assert!(said.contains("name a folder"), "{root}: {said}");
    }
    assert!(refused("/no/such/folder").contains("name a folder that exists"));
    let (folder, _) = folder();
    fs::write(folder.path().join("file"), "").unwrap();
    assert!(refused(folder.path().join("file")).contains("is not a folder"));
    // Links do not hide where they lead.
    symlink("/", folder.path().join("link")).unwrap();
    assert!(refused(folder.path().join("link")).contains("a folder of the system"));
    assert!(refused(folder.path().join("link/etc")).contains("a folder of the system"));
}

#[test]
fn what_is_to_be_protected_has_a_place() {
    let (folder, _) = folder();
    let root = folder.path().join("work");
    fs::create_dir_all(root.join("here")).unwrap();
    let deny = |path: &str| Workspace::builder(&root).deny_write_path(path).build();
    let policy = |path: &str| {
        Workspace::builder(&root)
            .policy_path(root.join(path))
            .dangerous_policy_in_workspace()
            .build()
    };
    for (path, protected) in [("here/../kept", "kept"), ("later/kept", "later/kept")] {
        for built in [deny(path), policy(path)] {
            assert!(built.unwrap().is_protected(protected), "{path}");
        }
    }
    for path in ["later/../kept", "later/.."] {
        for built in [deny(path), policy(path)] {
            assert!(matches!(built, Err(WorkspaceError::Unsettled(_))), "{path}");
        }
    }
}

#[test]
fn the_home_folder_and_what_contains_it_are_refused() {
    let (folder, _) = folder();
    let home = folder.path().join("people/alice");
    fs::create_dir_all(home.join("project")).unwrap();
    let build = |root: &Path| Workspace::builder(root).home(&home).build();
    for root in [home.clone(), folder.path().join("people")] {
        let said = build(&root).unwrap_err().to_string();
        assert!(said.contains("contains the home folder"), "{said}");
    }
    assert!(build(&home.join("project")).is_ok());
    let read = |path: &Path| {
        Workspace::builder(home.join("project"))
            .home(&home)
            .extra_read_path(path)
            .build()
    };
    assert!(matches!(read(&home), Err(WorkspaceError::HoldsHome(_))));
    assert!(matches!(
        read(Path::new("/")),
        Err(WorkspaceError::HoldsHome(_) | WorkspaceError::System(_))
    ));
    assert!(read(&home.join("project")).is_ok());
    let write = Workspace::builder(home.join("project"))
        .home(&home)
        .extra_write_path(&home)
        .build();
    assert!(matches!(write, Err(WorkspaceError::HoldsHome(_))));
}

#[test]
fn a_policy_in_the_workspace_is_refused_unless_asked_for_by_name() {
    let (folder, _) = folder();
    let root = folder.path().join("work");
    fs::create_dir_all(root.join("deep")).unwrap();
    let build = |policy: &Path| Workspace::builder(&root).policy_path(policy).build();
    // Whether or not it exists, and through links.
    symlink(&root, folder.path().join("alias")).unwrap();
    for policy in [
        root.join("rules.yaml"),
        root.join("deep/rules.yaml"),
        folder.path().join("alias/rules.yaml"),
        folder.path().join("alias/new/rules.yaml"),
    ] {
        let said = build(&policy).unwrap_err().to_string();
        assert!(said.contains("dangerous_policy_in_workspace"), "{said}");
    }
    assert!(build(&folder.path().join("rules.yaml")).is_ok());
    let other = folder.path().join("other");
    fs::create_dir(&other).unwrap();
    let beside = Workspace::builder(&root)
        .extra_write_path(&other)
        .policy_path(other.join("rules.yaml"))
        .build();
    assert!(matches!(beside, Err(WorkspaceError::PolicyInside(_))));
    let accepted = Workspace::builder(&root)
        .policy_path(root.join("rules.yaml"))
        .dangerous_policy_in_workspace()
        .build()
        .unwrap();
    assert!(accepted.is_protected("rules.yaml"));
    let Some(sandbox) = backend("landlock", &accepted) else {
        return;
    };
    assert_ne!(run(&sandbox, "echo x > rules.yaml").exit_code, 0);
    assert!(!root.join("rules.yaml").exists());
}

#[test]
fn names_variables_and_commands_are_checked() {
    let (_folder, _) = folder();
    let build = |change: &dyn Fn(
        hexgate_sandbox::WorkspaceBuilder,
    ) -> hexgate_sandbox::WorkspaceBuilder| {
        let (_folder, builder) = folder();
        change(builder).build().map(drop)
    };
    for name in ["", "a/b", "..", ".", "a\0b"] {
        assert!(
            matches!(
                build(&|b| b.protect_name(name)),
                Err(WorkspaceError::Name(_))
            ),
            "{name:?}"
        );
    }
    for name in ["", "A=B", "A\0"] {
        assert!(
            matches!(
                build(&|b| b.env(name, "x")),
                Err(WorkspaceError::Variable(_))
            ),
            "{name:?}"
        );
    }
    assert!(matches!(
        build(&|b| b.env("A", "x\0y")),
        Err(WorkspaceError::Variable(_))
    ));
    for name in ["", "/bin/ls", "a/b", "-x", "a\0"] {
        assert!(
            matches!(
                build(&|b| b.allowed_commands([name])),
                Err(WorkspaceError::Command(_))
            ),
            "{name:?}"
        );
    }
    for name in [
        "python3", "bash", "perl", "node", "awk", "make", "vim", "busybox",
    ] {
        let said = build(&|b| b.allowed_commands(["ls", name]))
            .unwrap_err()
            .to_string();
        assert!(said.contains("allow_interpreters"), "{name}: {said}");
        assert!(build(&|b| b.allowed_commands(["ls", name]).allow_interpreters()).is_ok());
    }
}

#[test]
fn a_command_that_is_a_link_to_an_interpreter_is_one() {
    // `awk`, `editor` and the like are links to whatever is installed.
    let Ok(real) = fs::canonicalize("/usr/bin/pager") else {
        hexgate_test_support::skipped("there is no `pager`");
        return;
    };
    let (_folder, builder) = folder();
    let built = builder.allowed_commands(["pager"]).build();
    assert!(
        matches!(built, Err(WorkspaceError::Interpreter(_))),
        "{}",
        real.display()
    );
}

#[test]
fn extra_paths_are_what_they_are_called() {
    let (outer, _) = folder();
    let path = |name: &str| outer.path().join(name);
    for name in ["work", "read", "write", "other"] {
        fs::create_dir(path(name)).unwrap();
        fs::write(path(name).join("f"), format!("{name}\n")).unwrap();
    }
    let workspace = Workspace::builder(path("work"))
        .extra_read_path(path("read"))
        .extra_read_path(path("other/f"))
        .extra_write_path(path("write"))
        .env("O", outer.path())
        .build()
        .unwrap();
    assert_eq!(workspace.extra_read_paths().count(), 2);
    for name in ["landlock", "landlock-alone", "bwrap"] {
        let Some(sandbox) = backend(name, &workspace) else {
            continue;
        };
        let finished = run(
            &sandbox,
            "cat $O/read/f $O/write/f $O/other/f; echo x > $O/read/f; echo y > $O/read/new; ls $O/other; echo z > $O/write/new; cat $O/write/new",
        );
        assert!(
            finished.stdout.starts_with("read\nwrite\nother\n"),
            "{name} {finished:?}"
        );
        assert!(finished.stdout.ends_with("z\n"), "{name} {finished:?}");
        assert_eq!(fs::read_to_string(path("read/f")).unwrap(), "read\n");
        assert!(!path("read/new").exists());
        fs::remove_file(path("write/new")).unwrap();
    }
}

#[test]
fn the_environment_is_made_anew() {
    let (outer, builder) = folder();
    let workspace = builder.env("MINE", "1").build().unwrap();
    let Some(sandbox) = backend("landlock", &workspace) else {
        return;
    };
    let finished = run(
        &sandbox,
        "env | cut -d= -f1 | sort | tr '\\n' ' '; echo; echo $HOME; echo $TERM",
    );
    let mut lines = finished.stdout.lines();
    for name in lines
        .next()
        .unwrap()
        .split(' ')
        .filter(|name| !name.is_empty())
    {
        let known = [
            "_", "HOME", "MINE", "PATH", "PWD", "SHLVL", "TERM", "TMPDIR", "OLDPWD",
        ];
        assert!(
            known.contains(&name) || name.starts_with("LC_") || name == "LANG",
            "{name}"
        );
    }
    assert_eq!(
        lines.next().unwrap(),
        outer.path().canonicalize().unwrap().to_str().unwrap()
    );
    assert_eq!(lines.next().unwrap(), "dumb");
}

#[test]
fn temporary_files_are_private_and_kept_between_commands() {
    let (_folder, builder) = folder();
    let workspace = builder.build().unwrap();
    let Some(sandbox) = backend("landlock", &workspace) else {
        return;
    };
    assert_eq!(
        run(&sandbox, "echo kept > $TMPDIR/x; echo $TMPDIR").exit_code,
        0
    );
    assert_eq!(run(&sandbox, "cat $TMPDIR/x").stdout, "kept\n");
    let other = backend("landlock", &workspace).unwrap();
    assert_ne!(run(&other, "cat $TMPDIR/x").exit_code, 0);
}

#[test]
fn output_is_cut_where_characters_end() {
    let (_folder, builder) = folder();
    let mut limits = hexgate_sandbox::Limits::default();
    limits.output_chars = 10;
    let workspace = builder.limits(limits).build().unwrap();
    let Some(sandbox) = backend("landlock", &workspace) else {
        return;
    };
    let finished = run(
        &sandbox,
        "printf 'äöüäöüäöüäöüäöü'; printf '\\377\\376' >&2",
    );
    assert_eq!(finished.stdout, "äöüäöüäöüä");
    assert!(finished.stdout_truncated && !finished.stderr_truncated);
    assert_eq!(finished.stderr, "\u{fffd}\u{fffd}");
    let exact = run(&sandbox, "printf 1234567890");
    assert!(!exact.stdout_truncated, "{exact:?}");
}

#[test]
fn a_workspace_is_opened_as_what_it_was_found_as() {
    // One thread swaps the folder for a link to another one while it is opened.
    let (outer, _) = folder();
    let (good, bad, path) = (
        outer.path().join("good"),
        outer.path().join("bad"),
        outer.path().join("work"),
    );
    fs::create_dir(&good).unwrap();
    fs::create_dir(&bad).unwrap();
    fs::write(bad.join("secret"), "").unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let swapping = {
        let (stop, good, bad, path) = (Arc::clone(&stop), good.clone(), bad.clone(), path.clone());
        std::thread::spawn(move || {
            let link = path.with_extension("link");
            while !stop.load(Ordering::Relaxed) {
                for target in [&good, &bad] {
                    let _ = symlink(target, &link);
                    let _ = fs::rename(&link, &path);
                }
            }
        })
    };
    let (mut opened, mut rounds) = (0, 0);
    while rounds < 5000 {
        rounds += 1;
        if let Ok(workspace) = Workspace::builder(&path).build() {
            opened += 1;
            // The folder that is open is the folder that it says.
            let inside = rustix::fs::Dir::read_from(workspace.dir())
                .unwrap()
                .flatten()
                .any(|entry| entry.file_name().to_bytes() == b"secret");
            assert_eq!(inside, workspace.root().ends_with("bad"));
        }
    }
    stop.store(true, Ordering::Relaxed);
    swapping.join().unwrap();
    assert!(opened > 100, "{opened} of {rounds}");
}

#[test]
fn is_protected_knows_names_and_paths() {
    let (_folder, builder) = folder();
    let workspace = builder
        .deny_write_path("kept/here")
        .protect_name("Mine")
        .build()
        .unwrap();
    for path in [
        ".git",
        "a/.git/config",
        ".GIT",
        ".env",
        ".env.production",
        "x/agent.yaml",
        "kept/here",
        "kept/here/x",
        "mine",
        ".hexgate/x",
        ".Claude/settings.json",
    ] {
        assert!(workspace.is_protected(path), "{path}");
    }
    for path in [
        "a.txt",
        ".gitignore",
        ".env.example",
        "kept",
        "kept/hereafter",
        "git",
        "policy.yml",
        "src/system.mdx",
    ] {
        assert!(!workspace.is_protected(path), "{path}");
    }
}

#[test]
fn where_protected_names_lead_is_protected_too() {
    let (outer, _) = folder();
    let root = outer.path().join("work");
    fs::create_dir_all(root.join("store.git/hooks")).unwrap();
    fs::create_dir_all(root.join("editor")).unwrap();
    fs::write(root.join(".git"), "gitdir: store.git\n").unwrap();
    symlink("editor", root.join(".vscode")).unwrap();
    let workspace = Workspace::builder(&root).build().unwrap();
    assert!(workspace.is_protected("store.git/hooks/pre-commit"));
    assert!(workspace.is_protected("editor/tasks.json"));
    for name in ["landlock", "landlock-alone"] {
        let Some(sandbox) = backend(name, &workspace) else {
            continue;
        };
        let finished = run(
            &sandbox,
            "echo x > store.git/hooks/pre-commit; echo x > .vscode/tasks.json; echo x > editor/t; mv store.git s; rm -r editor; echo x > free",
        );
        assert_eq!(
            fs::read_dir(root.join("store.git/hooks")).unwrap().count(),
            0,
            "{finished:?}"
        );
        assert_eq!(
            fs::read_dir(root.join("editor")).unwrap().count(),
            0,
            "{finished:?}"
        );
        assert!(root.join("free").exists());
        fs::remove_file(root.join("free")).unwrap();
    }
}

#[test]
fn only_named_sockets_of_the_machine_are_reached() {
    use std::os::unix::net::UnixListener;
    let (outer, _) = folder();
    let root = outer.path().join("work");
    fs::create_dir(&root).unwrap();
    fs::create_dir(outer.path().join("run")).unwrap();
    let path = |name: &str| outer.path().join("run").join(name);
    let _named = UnixListener::bind(path("named")).unwrap();
    let _other = UnixListener::bind(path("other")).unwrap();
    let workspace = Workspace::builder(&root)
        .allow_unix_socket(path("named"))
        .env("RUN", outer.path().join("run"))
        .build()
        .unwrap();
    let Some(sandbox) = backend("landlock", &workspace) else {
        return;
    };
    let script = "for i in named other; do python3 -c \"
import os,socket,sys
s=socket.socket(socket.AF_UNIX)
try: s.connect(os.environ['RUN']+'/$i'); print('reached')
except OSError: print('nothing')\"; done";
    let finished = run(&sandbox, script);
    if finished.stderr.contains("python3: command not found") {
        hexgate_test_support::skipped("there is no `python3`");
        return;
    }
    assert_eq!(finished.stdout, "reached\nnothing\n", "{}", finished.stderr);
    // Without namespaces they cannot be told apart, which is said.
    let alone = hexgate_sandbox::Sandbox::backend(
        "landlock-alone",
        &workspace,
        &hexgate_sandbox::Wanted::default(),
    );
    assert!(
        alone
            .unwrap_err()
            .to_string()
            .contains("sockets-hidden is not enforced")
    );
}
