//! Sources that are made to cost more than they are long: each ends by what is counted, see `hexgate_compiler::budget`.
//!
//! How long they take and how much memory, at 16 MiB:
//!
//! ```text
//! cargo build --release -p hexgate-cli --bin hexgate-compile
//! HEXGATE_HOSTILE=16777216 HEXGATE_COMPILE=target/release/hexgate-compile cargo test -p hexgate-compiler --test hostile -- --ignored --nocapture
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod hostile {
    pub(crate) mod families;
}

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use hexgate_compiler::{
    Compiler, Outcome,
    budget::{Account, Allowance},
    diagnostic::render::{Format, render},
};
use hostile::families::{FAMILIES, Family, Source};

/// How long the sources are that the tests compile.
const SMALL: usize = 12 << 10;

/// What the tests allow: less of what is slow without optimisation, and of what a short source does not reach.
fn allowance() -> Allowance {
    Allowance::default()
        .with(Account::Patterns, 4 << 20)
        .with(Account::Lints, 100_000)
        .with(Account::Hints, 1_000)
        .with(Account::Overlaps, 400_000)
        .with(Account::Repeated, 20_000)
}

/// Puts a source into `folder`, and says where it stands.
fn write(folder: &Path, source: Source) -> PathBuf {
    let file = folder.join("policy.yaml");
    match source {
        Source::Text(text) => fs::write(&file, text).unwrap(),
        Source::Bytes(bytes) => fs::write(&file, bytes).unwrap(),
        Source::Roles(files) => {
            let roles = folder.join("roles");
            fs::create_dir(&roles).unwrap();
            for (name, text) in files {
                fs::write(roles.join(name), text).unwrap();
            }
            return roles;
        }
    }
    file
}

fn compile(family: &Family, size: usize, compiler: &Compiler) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), (family.make)(size));
    compiler.compile_path(&path).unwrap()
}

fn family(name: &str) -> &'static Family {
    let found = FAMILIES.iter().find(|family| family.name == name);
    found.unwrap_or_else(|| panic!("no family `{name}`"))
}

/// The codes of what was said, each once, by name.
fn codes(outcome: &Outcome) -> Vec<&'static str> {
    let mut codes: Vec<&str> = outcome
        .diagnostics
        .iter()
        .map(|diagnostic| diagnostic.code)
        .collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

#[test]
fn each_family_is_compiled_or_refused_for_what_it_is() {
    let mut wrong = String::new();
    for family in FAMILIES {
        let started = Instant::now();
        let compiler = Compiler::default().with_allowance(allowance());
        let outcome = compile(family, SMALL, &compiler);
        let mut expected = family.codes.to_vec();
        expected.sort_unstable();
        if codes(&outcome) != expected {
            wrong.push_str(&format!("{}: {:?}\n", family.name, codes(&outcome)));
        }
        println!("{:>8.1?} {}", started.elapsed(), family.name);
        let refused = outcome.diagnostics.iter().any(|found| found.is_error());
        assert_eq!(outcome.policy.is_none(), refused, "{}", family.name);
        for (_, format) in Format::ALL {
            let text = render(&outcome.diagnostics, &outcome.sources, *format, false);
            let most = 4_000 * outcome.diagnostics.len() + 100_000;
            assert!(text.len() < most, "{}: {} bytes", family.name, text.len());
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// What a source costs beyond its length is counted: with less of an account the same source is refused, and the account is named.
#[test]
fn what_multiplies_is_paid_from_a_named_account() {
    for (name, account, too_little) in PAID {
        let allowance = allowance().with(*account, *too_little);
        let compiler = Compiler::default().with_allowance(allowance);
        let outcome = compile(family(name), SMALL, &compiler);
        assert!(outcome.policy.is_none(), "{name}");
        let told: Vec<_> = outcome
            .diagnostics
            .iter()
            .filter(|found| found.code == "policy-too-large")
            .collect();
        let [told] = told.as_slice() else {
            panic!("{name}: {told:?}")
        };
        assert!(told.help.is_some(), "{name}");
        let limit = format!("this policy needs more than {too_little} ");
        assert!(told.message.starts_with(&limit), "{}", told.message);
        let label = format!("the budget `{}` ends here", account.name());
        assert_eq!(told.primary.text, label, "{name}");
    }
}

/// Families, the account that they draw on beyond their length, and what is not enough of it.
const PAID: &[(&str, Account, u64)] = &[
    ("tiny lists", Account::Values, 2_000),
    (
        "a chain of roles with a tool each",
        Account::Flattened,
        10_000,
    ),
    (
        "a chain of roles with a constraint each",
        Account::Flattened,
        10_000,
    ),
    (
        "a chain of roles with a constant each",
        Account::Flattened,
        40_000,
    ),
    ("mixins times roles", Account::Flattened, 10_000),
    (
        "constraints of the policy times tools",
        Account::Applied,
        20_000,
    ),
    (
        "constraints of the policy times tools",
        Account::Lints,
        20_000,
    ),
    ("two mixins that disagree", Account::Lints, 2_000),
    ("many parents and many replacements", Account::Lints, 2_000),
    (
        "a long constant in many constraints",
        Account::Constants,
        20_000,
    ),
    ("a long text in many constraints", Account::Constants, 5_000),
    (
        "a named condition in many constraints",
        Account::Expanded,
        2_000,
    ),
    ("definitions that double", Account::Expanded, 5_000),
    ("small patterns", Account::Patterns, 200_000),
    ("patterns just small enough", Account::Patterns, 1 << 20),
    ("small patterns", Account::Tables, 20_000),
    (
        "patterns of names that others cover",
        Account::Overlaps,
        20_000,
    ),
    ("forbids with scopes times tools", Account::Overlaps, 10_000),
    ("forbids that roles inherit", Account::Flattened, 10_000),
    ("lists of rules", Account::Lints, 5_000),
];

#[test]
fn a_name_is_suggested_for_the_first_unknown_ones() {
    let suggested = |outcome: &Outcome| {
        let helps = outcome
            .diagnostics
            .iter()
            .filter_map(|found| found.help.as_ref());
        helps
            .filter(|help| help.starts_with("did you mean"))
            .count()
    };
    let family = family("unknown parents of one role");
    let compiler =
        |limit| Compiler::default().with_allowance(allowance().with(Account::Hints, limit));
    let all = compile(family, SMALL, &compiler(20_000));
    let few = compile(family, SMALL, &compiler(1_000));
    assert_eq!(codes(&all), codes(&few));
    assert_eq!(all.diagnostics.len(), few.diagnostics.len());
    assert!(suggested(&all) > 50);
    assert_eq!(suggested(&few), 3, "of some 300 names each");
}

/// Long lines and places far apart are not rendered at length.
#[test]
fn excerpts_of_long_lines_are_short_and_name_the_place() {
    let outcome = compile(
        family("errors on one line of wide characters"),
        1 << 20,
        &Compiler::default(),
    );
    let text = render(&outcome.diagnostics, &outcome.sources, Format::Human, false);
    assert!(text.len() < 100_000, "{} bytes", text.len());
    let last = outcome.diagnostics.last().unwrap().primary.span;
    let (line, column) = outcome.sources.position(last.file, last.start);
    let before = outcome
        .sources
        .text(last.file)
        .split_at(last.start as usize)
        .0;
    assert_eq!((line, column), (1, before.chars().count() + 1));
    let outcome = compile(
        family("second places far away"),
        1 << 20,
        &Compiler::default(),
    );
    let text = render(&outcome.diagnostics, &outcome.sources, Format::Human, false);
    assert!(text.len() < 200_000, "{} bytes", text.len());
    assert!(
        text.contains("policy.yaml:2:3") && text.contains("first here"),
        "{text}"
    );
}

/// See the top of this file.
#[test]
#[ignore = "a measurement, for an optimised build"]
fn measures_every_family() {
    let size = env::var("HEXGATE_HOSTILE").map_or(SMALL, |size| size.parse().unwrap());
    let program = env::var_os("HEXGATE_COMPILE").unwrap();
    let only = env::var("HEXGATE_FAMILY").unwrap_or_default();
    let wanted =
        |family: &&Family| only.is_empty() || only.split(',').any(|name| name == family.name);
    for family in FAMILIES.iter().filter(wanted) {
        let folder = tempfile::tempdir().unwrap();
        let path = write(folder.path(), (family.make)(size));
        for format in env::var("HEXGATE_FORMAT")
            .as_deref()
            .unwrap_or("human,sarif")
            .split(',')
        {
            let mut command = Command::new(&program);
            command.arg(&path).args(["--quiet", "--format", format]);
            command.args(["--emit", "bundle", "--emit", "rego", "--emit", "source"]);
            command.arg("--out").arg(folder.path().join(format));
            command.stdout(Stdio::null()).stderr(Stdio::null());
            let (took, peak, code) = measured(command);
            println!(
                "{:>8.2} s {:>6} MiB  exit {code:?}  {format:<5}  {}",
                took.as_secs_f64(),
                peak >> 10,
                family.name
            );
        }
    }
}

/// How long a program computes, the most memory that it had in KiB, and how it ended; of Linux only.
fn measured(mut command: Command) -> (Duration, u64, Option<i32>) {
    let mut child = command.spawn().unwrap();
    let process = format!("/proc/{}", child.id());
    let (status, stat) = (format!("{process}/status"), format!("{process}/stat"));
    let (mut peak, mut took) = (0, Duration::ZERO);
    loop {
        if let Ok(stat) = fs::read_to_string(&stat) {
            // Behind the name of the program: its state, and further on the hundredths of seconds in the program and for it.
            let fields = stat
                .rsplit(')')
                .next()
                .unwrap_or_default()
                .split_whitespace();
            let ticks: u64 = fields
                .skip(11)
                .take(2)
                .filter_map(|field| field.parse::<u64>().ok())
                .sum();
            took = took.max(Duration::from_millis(ticks * 10));
        }
        if let Ok(status) = fs::read_to_string(&status) {
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kib = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
            peak = peak.max(kib.unwrap_or(0));
        }
        if let Some(ended) = child.try_wait().unwrap() {
            return (took, peak, ended.code());
        }
        thread::sleep(Duration::from_millis(5));
    }
}
