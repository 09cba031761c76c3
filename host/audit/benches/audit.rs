//! What a record costs, how many there are in a second, and how a spool of a million events drains.
//!
//! `cargo bench --bench audit [-- record|sync|read|spool]` prints one line for each measurement. A process of its own plays the platform.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a measurement fails by panicking"
)]

use std::{
    collections::HashSet,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant, SystemTime},
};

use hexgate_audit::{
    Anchors, AuditLog, By, Delivery, DeliveryOptions, DigestKey, Durability, KeptAs, Options,
    Outcome, Record, WhenFull, replay, verify,
};
use hexgate_bundle::{Digest, PrivateKey};
use hexgate_compiler::Compiler;
use hexgate_host::{Engine, Policy};

const BILLING: &str = include_str!("../../../examples/policies/billing.yaml");
const ARGUMENTS: &str = r#"{"amount": 42, "currency": "USD"}"#;
const FACTS: &str = r#"{"user":{"id":"ada@example.com","roles":["billing"]}}"#;
/// The argument that makes this program the platform.
const PLATFORM: &str = "--platform";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|it| it == PLATFORM) {
        return platform();
    }
    let wanted: Vec<&String> = arguments.iter().filter(|it| !it.starts_with('-')).collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|it| *it == name);
    for (name, run) in [
        ("record", record as fn()),
        ("sync", sync),
        ("read", read),
        ("spool", spool),
    ] {
        if is_wanted(name) {
            run();
        }
    }
}

fn options(sync: Durability) -> Options {
    let mut options = Options::new(DigestKey::from_bytes(&[9; 32]));
    options.durability = sync;
    options.checkpoint_key = Some(PrivateKey::from_bytes(&[7; 32]));
    options
}

fn open(folder: &Path, options: Options) -> AuditLog {
    AuditLog::open(folder, options, SystemTime::now()).unwrap()
}

fn allow() -> Outcome {
    Outcome::Allow {
        role: Some(0),
        scope: None,
    }
}

fn decision<'a>(outcome: &'a Outcome, arguments: &'a str, component: Digest) -> Record<'a> {
    Record {
        at: SystemTime::now(),
        id: Some("3f2504e0-4f89-81d3-9a0c-0305e82c3301"),
        agent: "support-bot",
        project: Some("shop"),
        user: Some("ada@example.com"),
        session: Some("session-0001"),
        roles: &["billing"],
        tool: "refund_order",
        arguments,
        facts: Some(FACTS),
        policy: Some(component),
        component: Some(component),
        outcome,
        took: Duration::from_nanos(558),
        shadow: None,
    }
}

/// The time of one record in the page cache, one thread.
fn record() {
    let deny = Outcome::Deny {
        reason: "Policy denied tool \"refund_order\": args.amount <= 50".to_owned(),
        violations: vec!["args.amount <= 50".to_owned()],
        hint: None,
        message: None,
    };
    let long = format!(r#"{{"amount": 42, "note": "{}"}}"#, "x ".repeat(500));
    for (what, mode, outcome, arguments) in [
        ("allow, redacted", KeptAs::Redacted, allow(), ARGUMENTS),
        ("allow, plain", KeptAs::Plain, allow(), ARGUMENTS),
        ("allow, digest only", KeptAs::DigestOnly, allow(), ARGUMENTS),
        ("deny, redacted", KeptAs::Redacted, deny, ARGUMENTS),
        (
            "allow, redacted, 1 KB of arguments",
            KeptAs::Redacted,
            allow(),
            &long,
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut options = options(Durability::Never);
        options.arguments = mode;
        let log = open(&folder.path().join("log"), options);
        let digest = Digest::of(b"component");
        let mut times = Vec::with_capacity(200_000);
        for round in 0..220_000 {
            let record = decision(&outcome, arguments, digest);
            let begin = Instant::now();
            let _ = log.record(&record).unwrap();
            if round >= 20_000 {
                times.push(begin.elapsed());
            }
        }
        times.sort();
        let at = |part: f64| times[(times.len() as f64 * part) as usize].as_nanos();
        println!(
            "record {what:40} p50 {:>6} ns   p90 {:>6} ns   p99 {:>6} ns",
            at(0.5),
            at(0.9),
            at(0.99)
        );
    }
    let mut file = tempfile::tempfile().unwrap();
    let line = [b'x'; 700];
    let mut times: Vec<Duration> = (0..200_000)
        .map(|_| {
            let begin = Instant::now();
            file.write_all(&line).unwrap();
            begin.elapsed()
        })
        .collect();
    times.sort();
    println!(
        "record {:40} p50 {:>6} ns",
        "floor: one write of 700 bytes",
        times[times.len() / 2].as_nanos()
    );
}

/// Records in a second.
fn sync() {
    for (what, sync, threads, each) in [
        ("no fsync", Durability::Never, 1, 300_000),
        ("no fsync", Durability::Never, 2, 200_000),
        ("no fsync", Durability::Never, 8, 50_000),
        ("no fsync", Durability::Never, 64, 6_000),
        (
            "fsync every 10 ms",
            Durability::Every(Duration::from_millis(10)),
            1,
            300_000,
        ),
        (
            "fsync every second",
            Durability::Every(Duration::from_secs(1)),
            1,
            300_000,
        ),
        (
            "fsync every second",
            Durability::Every(Duration::from_secs(1)),
            8,
            50_000,
        ),
        (
            "fsync every second",
            Durability::Every(Duration::from_secs(1)),
            64,
            6_000,
        ),
        ("fsync each", Durability::Each, 1, 1_000),
        ("fsync each, together", Durability::Each, 8, 1_000),
        ("fsync each, together", Durability::Each, 64, 300),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let log = open(&folder.path().join("log"), options(sync));
        let begin = Instant::now();
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    let (outcome, digest) = (allow(), Digest::of(b"component"));
                    for _ in 0..each {
                        let _ = log.record(&decision(&outcome, ARGUMENTS, digest)).unwrap();
                    }
                });
            }
        });
        let total = threads * each;
        println!(
            "sync   {:40} {:>9.0} records/s",
            format!("{what}, {threads} threads"),
            f64::from(total) / begin.elapsed().as_secs_f64()
        );
    }
}

/// Writes a log of so many decisions of the billing policy. Its policy, and the folder.
fn written(folder: &Path, decisions: u32) -> Policy {
    let engine = Engine::new().unwrap();
    let component = Compiler::default()
        .compile_str("billing.yaml", BILLING)
        .policy
        .unwrap()
        .component;
    let policy = Policy::dangerous_from_unverified_bytes(&engine, &component).unwrap();
    let log = open(folder, options(Durability::Never));
    let digest = log.keep_component(&component).unwrap();
    let outcome = Outcome::ask(
        &policy,
        &["billing"],
        "refund_order",
        ARGUMENTS,
        Some(FACTS),
    );
    for _ in 0..decisions {
        let _ = log.record(&decision(&outcome, ARGUMENTS, digest)).unwrap();
    }
    log.close(SystemTime::now()).unwrap();
    policy
}

/// Going over a log.
fn read() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let policy = written(&log, 1_000_000);
    let begin = Instant::now();
    let verified = verify(&log, &Anchors::default()).unwrap();
    assert!(verified.is_intact() && verified.decisions == 1_000_000);
    let rate = |begin: Instant| 1_000_000.0 / begin.elapsed().as_secs_f64();
    println!("read   {:40} {:>9.0} records/s", "verify", rate(begin));
    let begin = Instant::now();
    let mut find = |_: &Digest| Ok(Some(policy.clone()));
    let replayed = replay(&log, &Anchors::default(), By::Recorded(&mut find)).unwrap();
    assert!(replayed.differences.is_empty() && replayed.replayed == 1_000_000);
    println!("read   {:40} {:>9.0} decisions/s", "replay", rate(begin));
    let begin = Instant::now();
    let replayed = replay(&log, &Anchors::default(), By::Candidate(&policy)).unwrap();
    assert!(replayed.changes.same == 1_000_000);
    println!(
        "read   {:40} {:>9.0} decisions/s",
        "replay by another policy",
        rate(begin)
    );
    println!("read   {:40} {:>9} KB", "resident", resident());
}

/// A million events that wait, and are drained.
fn spool() {
    const EVENTS: u64 = 1_000_000;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    drop(written(&path, EVENTS as u32));
    let mut platform = Command::new(std::env::current_exe().unwrap())
        .arg(PLATFORM)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(platform.stdout.take().unwrap()).lines();
    let address = said.next().unwrap().unwrap();
    let log = open(&path, options(Durability::Never));
    let mut options = DeliveryOptions::new(
        format!("http://{address}").parse().unwrap(),
        "fty_test_shop_x".parse().unwrap(),
    );
    options.backlog = 2 * EVENTS;
    options.when_full = WhenFull::Deny;
    let before = resident();
    let begin = Instant::now();
    let delivery = Delivery::start(&log, options).unwrap();
    let mut most = 0;
    let mut quarter = 0;
    while delivery.status().delivered < EVENTS {
        thread::sleep(Duration::from_millis(50));
        let now = resident();
        most = most.max(now);
        if quarter == 0 && delivery.status().delivered > EVENTS / 4 {
            quarter = now;
        }
    }
    let rate = EVENTS as f64 / begin.elapsed().as_secs_f64();
    let done = delivery.stop(0, Duration::ZERO);
    drop(platform.stdin.take());
    let taken: u64 = said.next().unwrap().unwrap().parse().unwrap();
    assert_eq!((taken, done.refused, done.skipped), (EVENTS, 0, 0));
    platform.wait().unwrap();
    println!(
        "spool  {:40} {rate:>9.0} events/s",
        "drained, a million without loss"
    );
    println!("spool  {:40} {before:>9} KB", "resident before");
    println!("spool  {:40} {quarter:>9} KB", "resident after a quarter");
    println!("spool  {:40} {most:>9} KB", "resident, the most");
}

/// Resident memory of this process in KB, where the system tells it.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("VmRSS:"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok())
        .unwrap_or(0)
}

/// Takes events until its standard input ends, and says how many different ones came.
fn platform() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("{}", listener.local_addr().unwrap());
    std::io::stdout().flush().unwrap();
    let ids: Arc<Mutex<HashSet<[u8; 36]>>> = Arc::default();
    let taken = Arc::clone(&ids);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let ids = Arc::clone(&taken);
            thread::spawn(move || serve(stream, &ids));
        }
    });
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    println!("{}", ids.lock().unwrap().len());
}

fn serve(stream: TcpStream, ids: &Mutex<HashSet<[u8; 36]>>) {
    stream.set_nodelay(true).unwrap();
    let mut output = stream.try_clone().unwrap();
    let mut input = BufReader::new(stream);
    let (mut line, mut body) = (String::new(), Vec::new());
    loop {
        let mut length = 0;
        loop {
            line.clear();
            if input.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            let header = line.trim_end().to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        body.resize(length, 0);
        input.read_exact(&mut body).unwrap();
        let id = body.strip_prefix(b"{\"event_id\":\"").unwrap();
        ids.lock().unwrap().insert(*id.first_chunk().unwrap());
        output
            .write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n")
            .unwrap();
    }
}
