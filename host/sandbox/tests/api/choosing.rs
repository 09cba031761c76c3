//! Which backend is chosen, what it says of itself, and that none is chosen rather than a weaker one.

use std::time::Duration;

use hexgate_sandbox::{Guarantee, Limits, Sandbox, Status, Wanted, probe};

use crate::{backend, folder, run, wait};

#[test]
fn the_strongest_is_chosen_and_says_what_it_enforces() {
    let (_folder, builder) = folder();
    let workspace = builder.allowed_commands(["cat"]).build().unwrap();
    let sandbox = Sandbox::choose(&workspace, &Wanted::default()).unwrap();
    assert_eq!(sandbox.name(), "landlock");
    for what in Guarantee::ALL {
        assert!(sandbox.enforces().holds(what), "{what}");
    }
    assert!(sandbox.enforces().lacking(&Wanted::everything()).is_empty());
}

#[test]
fn a_weaker_one_is_refused_with_what_it_lacks() {
    let (_folder, builder) = folder();
    let workspace = builder.build().unwrap();
    for name in ["bwrap", "srt"] {
        let unavailable = Sandbox::backend(name, &workspace, &Wanted::default()).unwrap_err();
        let text = unavailable.to_string();
        assert_eq!(unavailable.backends[0].backend, name);
        assert!(
            text.contains("names-protected is not enforced") || text.contains("not installed"),
            "{text}"
        );
        assert!(text.contains("no command runs"), "{text}");
    }
}

#[test]
fn an_unknown_backend_is_an_error_that_names_the_known() {
    let (_folder, builder) = folder();
    let text = Sandbox::backend("docker", &builder.build().unwrap(), &Wanted::default())
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("landlock, landlock-alone, bwrap, srt"),
        "{text}"
    );
}

#[test]
fn what_is_not_asked_for_may_be_missing() {
    let (_folder, builder) = folder();
    let workspace = builder.build().unwrap();
    let wanted = Wanted::default();
    assert_eq!(wanted.iter().count(), Guarantee::ALL.len());
    // The workspace lists no commands, so nothing is asked of that.
    assert!(Sandbox::choose(&workspace, &wanted).is_ok());
    assert_eq!(
        wanted
            .dangerous_without(Guarantee::NamesProtected)
            .iter()
            .count(),
        11
    );
}

#[test]
fn every_backend_is_probed() {
    let probes = probe::probe();
    let names: Vec<_> = probes.iter().map(|probe| probe.backend).collect();
    assert_eq!(names, ["landlock", "landlock-alone", "bwrap", "srt"]);
    for probe in &probes {
        match &probe.enforces {
            Some(all) => {
                assert_eq!(all.iter().count(), Guarantee::ALL.len());
                for (what, status) in all.iter() {
                    if let Status::NotEnforced(reason) = status {
                        assert!(reason.len() > 10, "{what}: {reason}");
                    }
                }
            }
            // What to do about it.
            None => assert!(
                probe.missing.iter().any(|text| text.contains(": ")),
                "{probe:?}"
            ),
        }
    }
    let machine = probe::machine();
    assert!(machine.kernel.starts_with("Linux "), "{machine:?}");
    assert_eq!(machine.landlock > 0, probes[0].enforces.is_some());
}

#[test]
fn a_root_that_was_replaced_is_noticed() {
    let (folder, _) = folder();
    let root = folder.path().join("work");
    std::fs::create_dir(&root).unwrap();
    let workspace = hexgate_sandbox::Workspace::builder(&root).build().unwrap();
    let sandbox = Sandbox::choose(&workspace, &Wanted::default()).unwrap();
    assert_eq!(run(&sandbox, "echo here > x; cat x").stdout, "here\n");
    std::fs::rename(&root, folder.path().join("moved")).unwrap();
    std::fs::create_dir(&root).unwrap();
    let error = wait(sandbox.run("echo x > y", Duration::from_secs(5))).unwrap_err();
    assert!(
        error.to_string().contains("show a part of the file system"),
        "{error}"
    );
    assert_eq!(std::fs::read_dir(&root).unwrap().count(), 0);
}

#[test]
fn a_program_with_more_open_files_than_a_command_may_have_runs_commands() {
    for name in ["landlock", "landlock-alone", "bwrap"] {
        let (_folder, builder) = folder();
        let mut limits = Limits::default();
        limits.open_files = 64;
        let workspace = builder.limits(limits).build().unwrap();
        let Some(sandbox) = backend(name, &workspace) else {
            continue;
        };
        let open: Vec<_> = (0..200)
            .map(|_| std::fs::File::open("/dev/null").unwrap())
            .collect();
        let finished = run(&sandbox, "ulimit -n");
        assert_eq!(finished.stdout.trim(), "64", "{name}: {finished:?}");
        drop(open);
    }
}

#[test]
fn a_program_that_has_reserved_more_memory_than_a_command_may_have_runs_commands() {
    // As a runtime does that keeps room for many instances.
    let reserved = Vec::<u8>::with_capacity(2 << 30);
    for name in ["landlock", "landlock-alone", "bwrap"] {
        let (_folder, builder) = folder();
        let mut limits = Limits::default();
        limits.memory = 1 << 30;
        let workspace = builder.limits(limits).build().unwrap();
        let Some(sandbox) = backend(name, &workspace) else {
            continue;
        };
        let finished = run(&sandbox, "echo there; ulimit -v");
        assert_eq!(finished.stdout, "there\n1048576\n", "{name}: {finished:?}");
    }
    assert!(reserved.is_empty());
}
