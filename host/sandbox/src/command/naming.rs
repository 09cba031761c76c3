//! Naming what a script runs, instead of checking it.

use std::cell::RefCell;

/// What a script names, in the order of the script, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// The programs and builtins that it runs, also within `$(..)` and behind `xargs`, `env`, `timeout` and the like. Where the
    /// script has a path, or capital letters, the plain name in small letters follows. Three more kinds of entries stand for what a list of programs does not tell, and equal no program:
    /// `PATH=` for a variable that programs obey, `find -exec` for an option by which a program runs others or writes files, and `printf -v`.
    pub programs: Vec<String>,
    /// The files that redirections open, for reading or writing, as they are written: one with a variable in it is `"$LOG"`.
    pub redirects: Vec<String>,
}

/// What was named so far.
#[derive(Default)]
pub(super) struct Names(RefCell<Named>);

impl Names {
    pub(super) fn program(&self, name: &str) {
        add(&mut self.0.borrow_mut().programs, name);
    }

    pub(super) fn redirect(&self, file: &str) {
        add(&mut self.0.borrow_mut().redirects, file);
    }

    pub(super) fn into_named(self) -> Named {
        self.0.into_inner()
    }
}

fn add(list: &mut Vec<String>, name: &str) {
    if !list.iter().any(|known| known == name) {
        list.push(name.to_owned());
    }
}

/// Whether what follows `>&` or `<&` is a descriptor: a number, perhaps to be moved, or `-`.
pub(super) fn is_descriptor(word: &str) -> bool {
    let number = word.strip_suffix('-').unwrap_or(word);
    number.bytes().all(|byte| byte.is_ascii_digit()) && !word.is_empty()
}

/// What the first of a wrapper's arguments is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Options and their values, so many words.
    Skip(usize),
    /// It sets this variable.
    Variable(String),
    /// The program that it runs.
    Program,
    /// That cannot be told.
    Unclear,
}

/// Options of a wrapper that take no value, options that take a number, and whether a duration stands before the program.
struct Usage {
    flags: &'static [&'static str],
    numbers: &'static [&'static str],
    duration: bool,
}

fn usage(wrapper: &str) -> Option<Usage> {
    let usage = |flags, numbers| Usage {
        flags,
        numbers,
        duration: false,
    };
    Some(match wrapper {
        "env" | "nohup" | "unbuffer" => usage(&[], &[]),
        "command" => usage(&["-v", "-V"], &[]),
        "setsid" => usage(&["-c", "-f", "-w"], &[]),
        "time" => usage(&["-p"], &[]),
        "nice" => usage(&[], &["-n"]),
        "xargs" => usage(
            &[
                "-0",
                "-r",
                "-t",
                "-0r",
                "-r0",
                "--null",
                "--no-run-if-empty",
            ],
            &["-n", "-L", "-P"],
        ),
        "timeout" => Usage {
            flags: &["-v", "--foreground", "--preserve-status"],
            numbers: &["-k"],
            duration: true,
        },
        // Their options are read in too many ways.
        _ => return None,
    })
}

/// What the first of these arguments is; `None` in the list is one that is not written out.
pub(super) fn step(wrapper: &str, arguments: &[Option<String>], duration_read: &mut bool) -> Step {
    let text = |at: usize| arguments.get(at).and_then(Option::as_deref);
    let (Some(usage), Some(first)) = (usage(wrapper), text(0)) else {
        return Step::Unclear;
    };
    if usage.flags.contains(&first) {
        return Step::Skip(1);
    }
    if usage.numbers.contains(&first) {
        return match text(1) {
            Some(value) if is_number(value) => Step::Skip(2),
            _ => Step::Unclear,
        };
    }
    let joined = |option: &&str| first.strip_prefix(*option).is_some_and(is_number);
    if usage.numbers.iter().any(joined) {
        return Step::Skip(1);
    }
    if first.starts_with('-') {
        return Step::Unclear;
    }
    if usage.duration && !*duration_read {
        *duration_read = true;
        // `inf` and `0x10` are durations too; what follows one that is not read would be taken for an argument.
        return if is_number(first) {
            Step::Skip(1)
        } else {
            Step::Unclear
        };
    }
    if wrapper == "env"
        && let Some((name, _)) = first.split_once('=')
    {
        return Step::Variable(name.to_owned());
    }
    Step::Program
}

/// A number as options have it, perhaps with a unit of time.
fn is_number(text: &str) -> bool {
    let digits = text.strip_suffix(['s', 'm', 'h', 'd']).unwrap_or(text);
    let digits = digits.strip_prefix('-').unwrap_or(digits);
    !digits.is_empty()
        && digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
}

#[cfg(test)]
mod tests {
    use crate::command::names;

    fn programs(script: &str) -> Option<Vec<String>> {
        names(script, 10_000).ok().map(|named| named.programs)
    }

    #[test]
    fn everything_that_runs_is_named_once() {
        for (script, expected) in [
            ("git status", "git"),
            (
                "cd a && make -j4 || echo no; ls | sort > out",
                "cd make echo ls sort",
            ),
            ("echo $(whoami) `id`", "whoami id echo"),
            ("diff <(sort a) <(uniq b)", "sort uniq diff"),
            ("for f in *.rs; do wc -l \"$f\"; done", "wc"),
            ("if test -f a; then cat a; else rm a; fi", "test cat rm"),
            (
                "X=1 /usr/bin/env A=b ./run.sh",
                "/usr/bin/env env ./run.sh run.sh",
            ),
            (
                "timeout -k 5 10s nice -n 5 xargs -0 -n 1 rm -rf",
                "timeout nice xargs rm",
            ),
            ("eval \"$x\"; . ./a; export A=1", "eval . export"),
            ("PATH=/tmp:$PATH ls", "PATH= ls"),
            ("find . -name x -exec rm {} +", "find find -exec"),
            ("git -c core.pager=sh log", "git git -c"),
            ("python3 - <<'X'\nimport os\nX", "python3"),
            ("cat <<X\n$(id)\nX", "id cat"),
            ("bash -c 'rm -rf /'", "bash"),
            ("g\"i\"t status; 'rm' a", "git rm"),
            ("", ""),
            ("> file", ""),
            ("/bin/rm a; RM b", "/bin/rm rm RM"),
            ("printf '-v' a b", "printf printf -v"),
            ("path=evil cat x", "path= cat"),
            ("path=(evil); RANDOM=a", "path= RANDOM="),
            ("echo $((1 + 2)) ${x%.rs} ${x:-a b} ${x:1:2}", "echo"),
            ("[ -f \"$x\" ] && [ \"$x\" = a ]; [ $? -eq 0 ]", "["),
            ("git commit -m \"$(cat a)\"", "cat git"),
            ("find \"src/$x\" -name '*.rs'", "find"),
            ("git diff HEAD~1..HEAD; git show HEAD@{1}", "git"),
            ("exec 3>&1; exit 1; wait $!", "exec exit wait"),
            ("[[ -n $x && $x == a ]]; ls", "ls"),
            ("printf '%s' $X", "printf"),
            ("echo \"a; b (c) $x\" 'a|b' a\\;b", "echo"),
        ] {
            assert_eq!(programs(script).unwrap().join(" "), expected, "{script}");
        }
    }

    #[test]
    fn a_script_that_hides_what_it_runs_has_no_list() {
        for script in [
            "$X a",
            "\"$(echo rm)\" a",
            "ls; r${x}m -rf /",
            "ls() { rm -rf /; }; ls",
            "coproc rm a",
            "ls; echo ${x:=$(rm a)}",
            "env -S 'rm a'",
            "env -i rm a",
            "timeout inf rm a",
            "timeout -s KILL 5 rm a",
            "xargs -I % rm %",
            "xargs -a file rm",
            "nice --adjustment 5 rm",
            "stdbuf -o L rm a",
            "taskset 0x3 rm a",
            "ls; if",
            "ls 'a",
            "ls \0 rm",
            "{rm,-rf,/}",
            "r* a",
            // Quotes that shells see elsewhere.
            r"echo \$'a\'; rm x; echo \$'b\'",
            r"echo $$'a\'; rm x; echo $$'b\'",
            "!(rm x)",
            "echo *(e:'rm x':)",
            // Values that shells take for expressions, names or text to expand.
            "a='b[$(touch p)]'; echo $((a))",
            "ls; ((a))",
            "ls; for ((i=a; i; i)); do ls; done",
            "echo $[a]",
            "[[ 'b[$(x)]' -eq 0 ]] && ls",
            "[[ -v 'b[$(x)]' ]] && ls",
            "[[ -R x ]] && ls",
            "test -v 'b[$(x)]'",
            "[ $o \"$a\" ]",
            "[ \"$o\" 'b[1]' ]",
            "[ a -eq 0 ]",
            "echo ${x@P}",
            "echo \"${x@P}\"",
            "echo ${!a}",
            "echo ${HOME[a]}",
            "echo $HOME[a]",
            "echo ${HOME:a}",
            "echo ${HOME:1:a}",
            "echo ${x:-${y[a]}}",
            "x[a]=1 ls",
            "x=([a]=1); ls",
            "wait -p 'a[b]' 1",
            "exit a",
            "printf $X a",
            "ls {a[b]}>f",
            "cat <<X\n$((a)) ${x@P}\nX",
            // Options that are not written out.
            "find . $'-exec' rm {} +",
            "find . {-delete,}",
            "find . $X",
            "find . \"$@\"",
            "rg $'--pre=x' a",
            "sort *",
            "dd \"of$x\"",
            "tar \"x$X\" rm a",
            "[ \"$a\" -gt 3 ]",
            "git log -m \"$X\"",
            "echo --pre=x | xargs rg a",
            "echo -- rm | xargs env",
            // Commands that run others.
            "exec rm a",
            "builtin eval ls",
            "time -- rm a",
            "noglob rm a",
            "- rm a",
            "=rm a",
            "echo \"${ rm a; }\"",
            "echo ${|rm a;}",
            "echo \"${(e)x}\"",
            "cat <<X\n${ rm a; }\nX",
        ] {
            assert_eq!(programs(script), None, "{script}");
        }
        assert_eq!(names("ls aaaaaaa", 5).ok(), None);
    }

    #[test]
    fn files_of_redirections_are_named() {
        let files = |script: &str| names(script, 10_000).unwrap().redirects.join(" ");
        assert_eq!(
            files("a 2>&1 >/dev/null <in 3>&- >>~/.bashrc"),
            "/dev/null in ~/.bashrc"
        );
        assert_eq!(
            files("a &>both; b >&file; c >|\"$LOG\""),
            "both file \"$LOG\""
        );
        assert_eq!(
            files("exec 3<>/dev/tcp/a.example/80"),
            "/dev/tcp/a.example/80"
        );
        assert_eq!(files("{ a; } > 'x y'"), "x y");
        assert_eq!(files("a <<< word"), "");
    }
}
