//! Reading scripts: what is refused, with which words, and that nothing makes it take long.

use std::time::{Duration, Instant};

use hexgate_sandbox::command::{Rules, check};
use proptest::prelude::*;

use crate::{backend, folder, run};

fn allowed(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn read(script: &str, names: &[&str], substitution: bool) -> Result<(), String> {
    let allowed = allowed(names);
    let rules = Rules {
        allowed: Some(&allowed),
        substitution,
        bytes: 1 << 16,
    };
    check(script, &rules).map_err(|refused| refused.to_string())
}

/// The command cases of the Python system, by what they are about.
#[test]
fn what_the_python_system_decides_is_decided() {
    let names = ["ls", "cat", "grep", "git", "wc", "env", "find"];
    let passes = [
        "",
        "   ",
        "\n",
        "ls",
        "ls -la",
        "ls | wc -l",
        "ls && cat a",
        "ls; cat a",
        "ls || true",
        "cat a > b",
        "cat < a",
        "cd sub && ls",
        "echo 'a; rm b'",
        "echo \"rm -rf /\"",
        "if true; then ls; fi",
        "for f in a b; do cat $f; done",
        "while false; do ls; done",
        "(ls)",
        "{ ls; }",
        "/usr/bin/ls",
        "/bin/cat a",
        "env ls",
        "command ls",
        "X=1 ls",
        "X=1",
        "ls # rm",
        "cat <<EOF\nrm\nEOF",
        "ls &",
        "! grep a b",
        "case a in b) ls;; esac",
        "echo $HOME",
        "echo ${HOME}",
        "echo $((1+2))",
        "[[ a == b ]]",
        "git log --oneline",
    ];
    for script in passes {
        assert_eq!(read(script, &names, false), Ok(()), "{script}");
    }
    let refused = [
        ("rm a", "rm"),
        ("ls; rm a", "rm"),
        ("ls && rm a", "rm"),
        ("ls | rm a", "rm"),
        ("(rm a)", "rm"),
        ("if rm a; then ls; fi", "rm"),
        ("eval ls", "eval"),
        ("source a", "source"),
        (". a", "."),
        ("exec ls", "exec"),
        ("env rm a", "rm"),
        ("command rm a", "rm"),
        ("$X", "$X"),
        ("ls $(rm a)", "$(rm a)"),
        ("ls `rm a`", "`rm a`"),
        ("cat <(ls)", "( ls )"),
        ("ls &&& ls", "ls &&& ls"),
        ("export A=b", "export"),
        ("trap ls EXIT", "trap"),
        ("alias a=ls", "alias"),
        ("set -x", "set"),
        ("read x", "read"),
        ("/tmp/ls", "/tmp/ls"),
        ("./ls", "./ls"),
        ("f() { ls; }", "f"),
        ("PATH=. ls", "PATH"),
        ("LD_PRELOAD=a ls", "LD_PRELOAD"),
        ("find . -exec rm {} +", "find -exec"),
        ("git -c a=b log", "git -c"),
        ("printf -v x y", "printf -v"),
    ];
    for (script, token) in refused {
        let said = read(script, &names, false).expect_err(script);
        assert!(
            said.starts_with(&format!("hexgate: command not allowed: '{token}' (")),
            "{script}: {said}"
        );
    }
}

#[test]
fn substitutions_are_looked_into_where_they_are_allowed() {
    for script in [
        "echo $(ls)",
        "echo `ls`",
        "echo \"$(ls)\"",
        "x=$(ls)",
        "echo $(ls $(ls))",
        "cat <<EOF\n$(ls)\nEOF",
    ] {
        assert_eq!(read(script, &["ls", "cat"], true), Ok(()), "{script}");
        assert!(read(script, &["ls", "cat"], false).is_err(), "{script}");
    }
    for script in [
        "echo $(rm a)",
        "echo `rm a`",
        "echo \"$(ls; rm a)\"",
        "x=$(rm a)",
        "echo $(ls $(rm a))",
        "cat <<EOF\n$(rm a)\nEOF",
        "echo ${x:-$(ls)}",
    ] {
        assert!(read(script, &["ls", "cat"], true).is_err(), "{script}");
    }
    assert_eq!(read("cat <<'EOF'\n$(rm a)\nEOF", &["cat"], false), Ok(()));
}

#[test]
fn a_refused_script_does_not_run_and_says_why() {
    let (outer, builder) = folder();
    let workspace = builder.allowed_commands(["cat"]).build().unwrap();
    let Some(sandbox) = backend("landlock", &workspace) else {
        return;
    };
    let finished = run(&sandbox, "echo x > here; ls");
    assert_eq!(finished.exit_code, 126);
    assert_eq!(
        finished.stderr,
        "hexgate: command not allowed: 'ls' (allowed are cat)"
    );
    assert_eq!(finished.refused.as_deref(), Some(finished.stderr.as_str()));
    assert!(!outer.path().join("here").exists());
    for script in ["echo a\0b".to_owned(), "x".repeat(70_000)] {
        assert_eq!(run(&sandbox, &script).exit_code, 126);
    }
    // Without a list too.
    let (_outer, builder) = folder();
    let Some(any) = backend("landlock", &builder.build().unwrap()) else {
        return;
    };
    assert_eq!(run(&any, "echo a\0b").exit_code, 126);
    assert_eq!(run(&any, &"x".repeat(70_000)).exit_code, 126);
}

#[test]
fn the_kernel_alone_runs_what_reading_refuses_and_still_not_what_is_not_allowed() {
    let (_outer, builder) = folder();
    let workspace = builder
        .allowed_commands(["cat"])
        .kernel_alone()
        .build()
        .unwrap();
    let Some(sandbox) = backend("landlock", &workspace) else {
        return;
    };
    let finished = run(&sandbox, "f() { echo f; }; export A=1; f; ls");
    assert_eq!(finished.stdout, "f\n");
    assert!(
        finished.stderr.contains("ls: Permission denied"),
        "{}",
        finished.stderr
    );
}

#[test]
fn an_interpreter_that_was_allowed_runs() {
    let (_outer, builder) = folder();
    let workspace = builder
        .allowed_commands(["python3"])
        .allow_interpreters()
        .build()
        .unwrap();
    let Some(sandbox) = backend("landlock", &workspace) else {
        return;
    };
    let finished = run(
        &sandbox,
        "python3 -c 'import json, subprocess; print(json.dumps([1])); subprocess.run([\"ls\"])'",
    );
    if finished.stderr.contains("No such file") {
        hexgate_test_support::skipped("there is no `python3`");
        return;
    }
    assert!(finished.stdout.starts_with("[1]"), "{finished:?}");
    assert!(
        finished.stderr.contains("Permission denied: 'ls'"),
        "{finished:?}"
    );
}

#[test]
fn nothing_makes_reading_take_long() {
    let many = [
        "(",
        "((",
        "( ",
        "(( ",
        "{ ",
        "if ",
        "$(",
        "$((",
        "${a:-",
        "`",
        "\"$(",
        "<(",
        "case a in (",
        "[[ ( ",
        "@(",
        "a=(",
        "f() { ",
        "! ",
        "a | ",
        "a && ",
        "a; ",
        "a\n",
        "<<A\n",
        "'",
        "\"",
        "\\",
        "$'",
        "#",
        "&",
        "<<<",
        ">",
        "{a,",
        "while ",
        "for i in ",
        "case a in a) (( ",
    ];
    for part in many {
        for count in [10, 100, 1000, 20_000] {
            let script: String = part.repeat(count).chars().take(65_000).collect();
            let begun = Instant::now();
            let _ = read(&script, &["a"], true);
            // Generous: debug builds on a busy machine. What is refused for its depth takes none of it.
            assert!(
                begun.elapsed() < Duration::from_secs(10),
                "{part:?} {count}: {:?}",
                begun.elapsed()
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Any text is answered, and nothing that is not allowed passes as the name of a command.
    #[test]
    fn any_text_is_answered(text in "\\PC{0,200}") {
        let _ = read(&text, &["ls"], true);
    }

    #[test]
    fn shell_like_text_is_answered(parts in proptest::collection::vec(
        prop::sample::select(vec!["ls", "rm", " ", ";", "|", "&", "(", ")", "{", "}", "$(", "`", "\"", "'", "\\", "\n", "<", ">", "<<E\n", "E\n",
            "if ", "then ", "fi", "for x in ", "do ", "done", "case ", " in ", ";;", "esac", "[[ ", " ]]", "=", "$x", "${", "#", "!", "*", "\0"]), 0..40))
    {
        let script = parts.concat();
        let _ = read(&script, &["ls"], true);
    }
}
