//! `hexgate audit deliver`, with a platform on loopback.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant, UNIX_EPOCH},
};

use hexgate_audit::{AuditLog, DigestKey, Durability, Options, Outcome, Record};
use serde_json::Value;

use crate::fixture::Fixture;

const KEY: &str = "fty_live_shop_AAAA";
const PATIENCE: Duration = Duration::from_secs(120);

/// How the platform answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Status(u16),
    /// 202 until so many events were taken, 503 then.
    Until(usize),
    /// 413, unless there are no arguments in it.
    TooLarge,
    Silence,
    /// 202, and an answer without end.
    Endless,
    /// This status for one amount, and 202 for the others.
    But(u64, u16),
}

#[derive(Clone)]
struct Platform {
    url: String,
    answer: Arc<Mutex<Answer>>,
    /// What was taken, by the event's id, and how often.
    taken: Arc<Mutex<BTreeMap<String, (Value, u64)>>>,
}

impl Platform {
    fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let platform = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            answer: Arc::new(Mutex::new(answer)),
            taken: Arc::default(),
        };
        let serving = platform.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let platform = serving.clone();
                // Whoever hangs up is no failure.
                thread::spawn(move || platform.serve(stream));
            }
        });
        platform
    }

    fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut output = stream.try_clone()?;
        let mut input = BufReader::new(stream);
        loop {
            let (mut line, mut length, mut is_right) = (String::new(), 0, false);
            if input.read_line(&mut line)? == 0 {
                return Ok(());
            }
            assert_eq!(line.trim_end(), "POST /v1/audit/decisions HTTP/1.1");
            while line.trim_end() != "" {
                line.clear();
                input.read_line(&mut line)?;
                let (name, value) = line.split_once(": ").unwrap_or_default();
                match name.to_ascii_lowercase().as_str() {
                    "content-length" => length = value.trim_end().parse().unwrap(),
                    "authorization" => is_right = value.trim_end() == format!("Bearer {KEY}"),
                    _ => {}
                }
            }
            let mut body = vec![0; length];
            input.read_exact(&mut body)?;
            let event: Value = serde_json::from_slice(&body).unwrap();
            // Not in the match: it would be held while somebody is kept waiting.
            let answer = *self.answer.lock().unwrap();
            let status = match answer {
                _ if !is_right => 401,
                Answer::Status(status) => status,
                Answer::Endless => 202,
                Answer::But(amount, status) if event["arguments"]["amount"] == amount => status,
                Answer::But(..) => 202,
                Answer::Until(most) if self.taken() < most => 202,
                Answer::Until(_) => 503,
                Answer::TooLarge if event["arguments"]["_truncated"] == true => 202,
                Answer::TooLarge => 413,
                Answer::Silence => {
                    thread::sleep(Duration::from_secs(3600));
                    500
                }
            };
            if status == 202 {
                let id = event["event_id"].as_str().unwrap().to_owned();
                let mut taken = self.taken.lock().unwrap();
                taken.entry(id).or_insert((event, 0)).1 += 1;
            }
            if answer == Answer::Endless {
                write!(output, "HTTP/1.1 202 X\r\n\r\n")?;
                loop {
                    output.write_all(&[b'x'; 4096])?;
                }
            }
            write!(output, "HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n")?;
        }
    }

    fn answers(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    fn taken(&self) -> usize {
        self.taken.lock().unwrap().len()
    }

    /// The amounts of the events that were taken.
    fn amounts(&self) -> Vec<u64> {
        let taken = self.taken.lock().unwrap();
        let amounts = taken
            .values()
            .filter_map(|(event, _)| event["arguments"]["amount"].as_u64());
        let mut amounts: Vec<u64> = amounts.collect();
        amounts.sort_unstable();
        amounts
    }
}

/// Adds decisions about these amounts to the log `audit`.
fn decided(fixture: &Fixture, amounts: std::ops::Range<u64>) {
    let mut options = Options::new(DigestKey::from_bytes(&[9; 32]));
    options.durability = Durability::Never;
    let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let log = AuditLog::open(fixture.path("audit"), options, now).unwrap();
    for amount in amounts {
        let arguments = format!(r#"{{"amount": {amount}, "max_tokens": 7}}"#);
        let record = Record {
            at: now,
            id: None,
            agent: "support-bot",
            project: None,
            user: Some("ada"),
            session: None,
            roles: &["billing"],
            tool: "refund_order",
            arguments: &arguments,
            facts: None,
            policy: None,
            component: None,
            outcome: &Outcome::Allow {
                role: Some(0),
                scope: None,
            },
            took: Duration::from_nanos(600),
            shadow: None,
        };
        let _ = log.record(&record).unwrap();
    }
    log.close(now).unwrap();
}

fn command(fixture: &Fixture, platform: &Platform, arguments: &str) -> Command {
    let mut command = fixture.hexgate();
    for name in ["HEXGATE_KEY", "HEXGATE_LOCAL_MODE"] {
        command.env_remove(name);
    }
    command
        .args(["audit", "deliver", "audit"])
        .args(arguments.split_whitespace())
        .env("HEXGATE_API_KEY", KEY)
        .env("HEXGATE_API_URL", &platform.url)
        // Not for this machine.
        .env("http_proxy", "http://127.0.0.1:9");
    command
}

/// What a user sees, with the platform's port out of it.
fn shown(fixture: &Fixture, platform: &Platform, command: &mut Command) -> String {
    let shown = fixture.shown(&command.output().unwrap());
    shown.replace(&platform.url, "http://PLATFORM")
}

fn deliver(fixture: &Fixture, platform: &Platform, arguments: &str) -> String {
    shown(
        fixture,
        platform,
        &mut command(fixture, platform, arguments),
    )
}

fn until(what: impl Fn() -> bool) {
    let begin = Instant::now();
    while !what() {
        assert!(begin.elapsed() < PATIENCE);
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_log_is_delivered_once() {
    let fixture = Fixture::empty();
    decided(&fixture, 0..40);
    let platform = Platform::start(Answer::Status(202));
    insta::assert_snapshot!(deliver(&fixture, &platform, ""), @r"
    exit 0
    ✓ 40 events delivered to http://PLATFORM/
    ");
    decided(&fixture, 40..41);
    insta::assert_snapshot!(deliver(&fixture, &platform, "--timeout 1"), @r"
    exit 0
    ✓ 1 event delivered to http://PLATFORM/
    ");
    assert_eq!(platform.amounts(), (0..41).collect::<Vec<_>>());
    let taken = platform.taken.lock().unwrap();
    for (event, times) in taken.values() {
        assert_eq!(*times, 1);
        // As the platform's own clients send it.
        assert_eq!(event["arguments"]["max_tokens"], "[REDACTED]");
        assert_eq!(event["agent_name"], "support-bot");
    }
}

#[test]
fn what_is_wrong_with_a_platform_is_said_and_nothing_is_lost() {
    let fixture = Fixture::empty();
    decided(&fixture, 0..3);
    let platform = Platform::start(Answer::Status(404));
    insta::assert_snapshot!(deliver(&fixture, &platform, ""), @r"
    exit 1
    ! 0 events delivered to http://PLATFORM/
    --- stderr
    error: `http://PLATFORM/`: it answers 404 Not Found; it is no platform, or not at this address: see `--url` and HEXGATE_API_URL; the rest is delivered the next time
    ");
    platform.answers(Answer::Status(500));
    insta::assert_snapshot!(deliver(&fixture, &platform, "--patience 1"), @r"
    exit 1
    ! 0 events delivered to http://PLATFORM/
    --- stderr
    warning: `http://PLATFORM/`: it answers 500 Internal Server Error
    error: `http://PLATFORM/`: it answers 500 Internal Server Error; the rest is delivered the next time
    ");
    platform.answers(Answer::Silence);
    insta::assert_snapshot!(deliver(&fixture, &platform, "--patience 2 --timeout 1"), @r"
    exit 1
    ! 0 events delivered to http://PLATFORM/
    --- stderr
    warning: `http://PLATFORM/`: it does not answer in time
    error: `http://PLATFORM/`: it does not answer in time; the rest is delivered the next time
    ");
    platform.answers(Answer::Status(202));
    let mut another = command(&fixture, &platform, "");
    another.env("HEXGATE_API_KEY", "fty_live_shop_BBBB");
    insta::assert_snapshot!(shown(&fixture, &platform, &mut another), @r"
    exit 1
    ! 0 events delivered to http://PLATFORM/
    --- stderr
    error: `http://PLATFORM/`: it answers 401 Unauthorized; HEXGATE_API_KEY has to be a token of the project that it knows; the rest is delivered the next time
    ");
    assert_eq!(platform.taken(), 0);
    platform.answers(Answer::TooLarge);
    insta::assert_snapshot!(deliver(&fixture, &platform, ""), @r"
    exit 0
    ✓ 3 events delivered to http://PLATFORM/
    ");
    assert_eq!(platform.taken(), 3);

    // What says so to everything says nothing about an event.
    decided(&fixture, 3..5);
    platform.answers(Answer::Status(422));
    insta::assert_snapshot!(deliver(&fixture, &platform, ""), @r"
    exit 1
    ! 0 events delivered to http://PLATFORM/
    --- stderr
    error: `http://PLATFORM/`: it answers 422 Unprocessable Entity to every event; a proxy or firewall may not pass them on: see `--url` and HEXGATE_API_URL; the rest is delivered the next time
    ");
    platform.answers(Answer::But(3, 422));
    insta::assert_snapshot!(deliver(&fixture, &platform, ""), @r"
    exit 1
    ! 1 event delivered to http://PLATFORM/
    --- stderr
    error: the platform refused 1 event; they stay in the log and are not sent again
    ");
    // They are not sent again; what comes next is.
    platform.answers(Answer::Status(202));
    decided(&fixture, 5..6);
    insta::assert_snapshot!(deliver(&fixture, &platform, ""), @r"
    exit 0
    ✓ 1 event delivered to http://PLATFORM/
    ");
    assert_eq!(platform.amounts(), [4, 5]);
    platform.answers(Answer::Endless);
    decided(&fixture, 6..7);
    let done = deliver(&fixture, &platform, "--timeout 600");
    assert!(done.starts_with("exit 0\n"), "{done}");
    assert_eq!(platform.amounts(), [4, 5, 6]);
}

#[test]
fn an_event_that_something_before_the_platform_blocks_is_named_and_the_others_pass() {
    let fixture = Fixture::empty();
    decided(&fixture, 0..60);
    let platform = Platform::start(Answer::But(7, 403));
    insta::assert_snapshot!(deliver(&fixture, &platform, ""), @r"
    exit 1
    ! 59 events delivered to http://PLATFORM/
    --- stderr
    warning: record 9 (segment 0) is set aside; about its event `http://PLATFORM/`: it answers 403 Forbidden
    error: 1 event is set aside, because the platform takes others and not this one; they stay in the log and are tried again the next time
    ");
    insta::assert_snapshot!(deliver(&fixture, &platform, ""), @r"
    exit 1
    ! 0 events delivered to http://PLATFORM/
    --- stderr
    warning: record 9 (segment 0) is set aside; about its event `http://PLATFORM/`: it answers 403 Forbidden; tried once since
    error: 1 event is set aside, because the platform takes others and not this one; they stay in the log and are tried again the next time
    ");
    platform.answers(Answer::Status(202));
    insta::assert_snapshot!(deliver(&fixture, &platform, ""), @r"
    exit 0
    ✓ 1 event delivered to http://PLATFORM/
    ");
    assert_eq!(platform.taken(), 60);
}

#[test]
fn what_cannot_be_delivered_is_misuse() {
    let fixture = Fixture::empty();
    decided(&fixture, 0..1);
    let platform = Platform::start(Answer::Status(202));
    let mut keyless = command(&fixture, &platform, "");
    keyless.env_remove("HEXGATE_API_KEY");
    insta::assert_snapshot!(shown(&fixture, &platform, &mut keyless), @r"
    exit 2
    --- stderr
    error: there is no token for the platform; set HEXGATE_API_KEY to the project's
    ");
    let mut local = command(&fixture, &platform, "");
    local.env("HEXGATE_LOCAL_MODE", "1");
    insta::assert_snapshot!(shown(&fixture, &platform, &mut local), @r"
    exit 2
    --- stderr
    error: HEXGATE_LOCAL_MODE leaves the platform out; unset it to deliver to the platform
    ");
    let open = deliver(&fixture, &platform, "--url http://platform.example.com");
    insta::assert_snapshot!(open, @r"
    exit 2
    --- stderr
    error: `--url` is not the address of a platform: without TLS the token would be sent in the clear; use `https:`, or `http:` on this machine
    ");
    let one = deliver(&fixture, &platform, "--follow --patience 1");
    assert!(one.starts_with("exit 2\n"), "{one}");
    fs::remove_dir_all(fixture.path("audit")).unwrap();
    insta::assert_snapshot!(deliver(&fixture, &platform, ""), @r"
    exit 2
    --- stderr
    error: `audit` is no folder; name the folder of a log
    ");
    assert_eq!(platform.taken(), 0);
}

fn follow(fixture: &Fixture, platform: &Platform) -> Child {
    let mut command = command(fixture, platform, "--follow");
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

#[test]
fn whoever_is_killed_twice_in_the_middle_has_lost_nothing() {
    const EVENTS: u64 = 3000;
    let fixture = Fixture::empty();
    decided(&fixture, 0..EVENTS);
    let platform = Platform::start(Answer::Status(503));
    for enough in [500, 1500] {
        platform.answers(Answer::Until(enough));
        let mut child = follow(&fixture, &platform);
        until(|| platform.taken() >= enough);
        child.kill().unwrap();
        child.wait().unwrap();
        // As many more as were on their way.
        assert!(platform.taken() < enough + 100);
    }
    platform.answers(Answer::Status(202));
    let mut child = follow(&fixture, &platform);
    until(|| platform.taken() == EVENTS as usize);
    // It goes on with what is written next, and with a platform that was away.
    platform.answers(Answer::Status(503));
    decided(&fixture, EVENTS..EVENTS + 10);
    thread::sleep(Duration::from_millis(300));
    platform.answers(Answer::Status(202));
    until(|| platform.taken() == EVENTS as usize + 10);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(platform.amounts(), (0..EVENTS + 10).collect::<Vec<_>>());
    let done = deliver(&fixture, &platform, "");
    assert!(done.starts_with("exit 0\n"), "{done}");
    assert_eq!(platform.taken(), EVENTS as usize + 10);
}
