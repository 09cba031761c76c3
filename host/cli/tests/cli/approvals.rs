//! `hexgate approvals`

use std::{
    fs,
    io::{BufRead, BufReader},
    process::Stdio,
};

use hexgate_approvals::{
    ApprovalService, ApprovalStatus, Approvers, Call, Caller, RequestStore, Terms,
};
use hexgate_bundle::Digest;
use insta::assert_snapshot;
use serde_json::Value;

use crate::fixture::Fixture;

/// A database, keys, approvers, and an agent's host that asks.
struct Office {
    fixture: Fixture,
}

impl Office {
    fn new() -> Self {
        let fixture = Fixture::empty();
        for name in ["carol", "dan", "erin", "mallory"] {
            fixture.quiet(&format!("keygen --out {name}"));
        }
        let entry = |id: &str, role: &str| {
            let key = fs::read_to_string(fixture.path(&format!("{id}.public"))).unwrap();
            format!(
                r#"{{"id": "{id}", "keys": ["{}"], "roles": ["{role}"]}}"#,
                key.trim()
            )
        };
        let list = [
            entry("carol", "finance"),
            entry("dan", "finance"),
            entry("erin", "support"),
        ];
        let text = format!(r#"{{"version": 1, "approvers": [{}]}}"#, list.join(", "));
        let office = Self {
            fixture: fixture.with("approvers.json", text),
        };
        office.service();
        office
    }

    fn service(&self) -> ApprovalService {
        ApprovalService::new(
            RequestStore::open_or_create(self.fixture.path("approvals.db")).unwrap(),
            Approvers::from_file(self.fixture.path("approvers.json")).unwrap(),
        )
    }

    fn settle(&self, call: &Call) -> ApprovalStatus {
        self.settle_on(call, &Terms::new(["finance"]).unwrap())
    }

    fn settle_on(&self, call: &Call, terms: &Terms) -> ApprovalStatus {
        self.service().settle(call, terms).unwrap()
    }

    /// Makes a call that waits, and tells the request's name.
    fn ask(&self, call: &Call) -> String {
        self.ask_on(call, &Terms::new(["finance"]).unwrap())
    }

    fn ask_on(&self, call: &Call, terms: &Terms) -> String {
        match self.settle_on(call, terms) {
            ApprovalStatus::Pending { request, .. } => request.to_string(),
            other => panic!("{other:?}"),
        }
    }

    /// Runs `hexgate approvals` with arguments that are separated by blanks, and shows all that a user sees.
    fn run(&self, arguments: &str) -> String {
        let output = self.command(arguments).output().unwrap();
        without_times(&self.fixture.shown(&output))
    }

    fn json(&self, arguments: &str) -> Value {
        let output = self.command(arguments).output().unwrap();
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", self.fixture.shown(&output)))
    }

    fn command(&self, arguments: &str) -> std::process::Command {
        let mut command = self.fixture.hexgate();
        command.arg("approvals").args(arguments.split_whitespace());
        command
    }
}

fn call() -> Call {
    Call {
        agent: "support-bot".to_owned(),
        caller: Caller {
            user: "alice".to_owned(),
            roles: vec!["support".to_owned()],
            session: None,
            attributes: None,
        },
        tool: "close_account".to_owned(),
        arguments: r#"{"account": 17, "amount": 12.50}"#.to_owned(),
        policy: Digest::of(b"policy"),
    }
}

/// The times of this run.
fn without_times(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(found) = rest.find("T").filter(|_| !rest.is_empty()) {
        let start = found.checked_sub(10);
        let time = start.and_then(|start| rest.get(start..start + 20));
        match (start, time) {
            (Some(start), Some(time)) if time.parse::<hexgate_bundle::Timestamp>().is_ok() => {
                out.push_str(&rest[..start]);
                out.push_str("[TIME]");
                rest = &rest[start + 20..];
            }
            _ => {
                out.push_str(&rest[..=found]);
                rest = &rest[found + 1..];
            }
        }
    }
    // All requests here are open for an hour.
    (out + rest)
        .replace("59 minutes", "[LEFT]")
        .replace("60 minutes", "[LEFT]")
}

const ANSWER: &str = "--db approvals.db --approvers approvers.json --key";

#[test]
fn a_request_is_listed_shown_approved_and_used_once() {
    let office = Office::new();
    assert_snapshot!(office.run("list --db approvals.db"), @r"
    exit 0
    no requests
    ");
    let id = office.ask(&call());
    assert_snapshot!(office.run("list --db approvals.db"), @r"
    exit 0
    ID                STATE         EXPIRES               LEFT        NEEDS    AGENT        CALLER  TOOL
    [ID]  pending       [TIME]  [LEFT]  finance  support-bot  alice   close_account
    1 request to be answered; show one with `hexgate approvals show ID`
    ");
    assert_snapshot!(office.run(&format!("show {} --db approvals.db", &id[..8])), @r#"
    exit 0
    request [SHA256]
      state      pending
      agent      support-bot
      caller     alice
      roles      support
      policy     sha256 [SHA256]
      approvers  with role finance, not the caller
      open       from [TIME] until [TIME], [LEFT] left
      tool       close_account
      arguments  {"account": 17, "amount": 12.50}
                 • account: 17
                 • amount: 12.50
    to answer exactly this, name it in full:
      hexgate approvals approve [SHA256] --db FILE --approvers FILE --key FILE
      hexgate approvals deny [SHA256] --db FILE --approvers FILE --key FILE --reason TEXT
    "#);
    assert_snapshot!(office.run(&format!("approve {id} {ANSWER} carol.private --reason agreed")), @r#"
    exit 0
    ✓ Approved as carol: close_account({"account": 17, "amount": 12.50}) by support-bot for alice
    "#);
    assert_snapshot!(office.run(&format!("show {id} --db approvals.db")), @r#"
    exit 0
    request [SHA256]
      state      answered
      agent      support-bot
      caller     alice
      roles      support
      policy     sha256 [SHA256]
      approvers  with role finance, not the caller
      open       from [TIME] until [TIME], [LEFT] left
      tool       close_account
      arguments  {"account": 17, "amount": 12.50}
                 • account: 17
                 • amount: 12.50
      answer     approved by carol at [TIME], key [ID]; not checked, pass `--approvers`
      reason     agreed
    "#);
    let shown = office.run(&format!(
        "show {id} --db approvals.db --approvers approvers.json"
    ));
    assert!(
        shown.contains("state      approved\n")
            && shown.contains("; the signature holds\n  reason     agreed\n"),
        "{shown}"
    );
    assert_snapshot!(office.run(&format!("deny {id} {ANSWER} dan.private --reason no")), @r"
    exit 1
    --- stderr
    error: request `[SHA256]` was answered before: approved by `carol` at [TIME]; an answer cannot be changed
    ");
    assert!(
        matches!(office.settle(&call()), ApprovalStatus::Approved(permit) if permit.approver() == "carol")
    );
    assert!(matches!(
        office.settle(&call()),
        ApprovalStatus::Pending { .. }
    ));
    assert_snapshot!(office.run(&format!("approve {id} {ANSWER} dan.private")), @r"
    exit 1
    --- stderr
    error: the approval of request `[SHA256]` was used already, and counts once; make the call again to ask anew
    ");
    let all = office.json("list --db approvals.db --approvers approvers.json --all --json");
    let states: Vec<_> = all["requests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|request| request["state"].as_str().unwrap())
        .collect();
    assert_eq!(states.len(), 2);
    assert!(states.contains(&"used") && states.contains(&"pending"));
}

#[test]
fn several_approvers_answer_each_with_a_reason() {
    let office = Office::new();
    let terms = Terms::new(["finance", "support"]).unwrap();
    let terms = terms.approvers(2).unwrap().reason_required(true);
    let id = office.ask_on(&call(), &terms);
    let checked = "--db approvals.db --approvers approvers.json";
    assert_snapshot!(office.run(&format!("list {checked}")), @r"
    exit 0
    ID                STATE             EXPIRES               LEFT        NEEDS                           AGENT        CALLER  TOOL
    [ID]  pending (0 of 2)  [TIME]  [LEFT]  2 x finance or support, reason  support-bot  alice   close_account
    1 request to be answered; show one with `hexgate approvals show ID`
    ");
    for answer in ["approve", "deny"] {
        let mut command = office.command(&format!("{answer} {id} {ANSWER} carol.private"));
        let output = command.args(["--reason", " "]).output().unwrap();
        let shown = office.fixture.shown(&output);
        assert!(
            shown.starts_with("exit 1\n")
                && shown.contains("needs a reason, and this one has none, or a blank one; give one with `--reason`"),
            "{shown}"
        );
    }
    assert_snapshot!(office.run(&format!("approve {id} {ANSWER} carol.private --reason ticket-1")), @r#"
    exit 0
    ✓ Approved as carol (1 of 2): close_account({"account": 17, "amount": 12.50}) by support-bot for alice
    "#);
    assert_snapshot!(office.run(&format!("approve {id} {ANSWER} carol.private --reason again")), @r"
    exit 1
    --- stderr
    error: `carol` may not answer request `[SHA256]`, since the same person has as `carol`; each approval has to be by another person
    ");
    assert_snapshot!(office.run(&format!("show {id} {checked}")), @r#"
    exit 0
    request [SHA256]
      state      pending (1 of 2)
      agent      support-bot
      caller     alice
      roles      support
      policy     sha256 [SHA256]
      approvers  2 different ones with role finance or support, not the caller
                 each has to give a reason
      open       from [TIME] until [TIME], [LEFT] left
      tool       close_account
      arguments  {"account": 17, "amount": 12.50}
                 • account: 17
                 • amount: 12.50
      answer     approved by carol at [TIME], key [ID]; the signature holds
      reason     ticket-1
      needed     1 more approval
    to answer exactly this, name it in full:
      hexgate approvals approve [SHA256] --db FILE --approvers FILE --key FILE --reason TEXT
      hexgate approvals deny [SHA256] --db FILE --approvers FILE --key FILE --reason TEXT
    "#);
    assert!(
        office
            .run(&format!("show {id} --db approvals.db"))
            .contains("state      answered (1 of 2)\n")
    );
    let shown = office.json(&format!("show {id} {checked} --json"));
    assert_eq!(shown["state"], "pending");
    assert_eq!(
        (
            &shown["given"],
            &shown["approvers"],
            &shown["reason_required"]
        ),
        (&1.into(), &2.into(), &true.into())
    );
    assert_eq!(
        shown["approver_roles"],
        serde_json::json!(["finance", "support"])
    );
    assert!((3_500..=3_600).contains(&shown["seconds_left"].as_u64().unwrap()));
    assert_eq!(shown["answers"].as_array().unwrap().len(), 1);
    assert_eq!(shown["answers"][0]["approver"], "carol");
    assert_eq!(shown["answers"][0]["counts"], true);
    assert!(matches!(
        office.settle_on(&call(), &terms),
        ApprovalStatus::Pending {
            given: 1,
            needed: 2,
            ..
        }
    ));

    let done = office.json(&format!(
        "approve {id} {ANSWER} erin.private --reason ticket-2 --json"
    ));
    assert_eq!(
        (&done["state"], &done["given"]),
        (&"approved".into(), &2.into())
    );
    assert_eq!(done["answers"][1]["reason"], "ticket-2");
    assert_snapshot!(office.run(&format!("deny {id} {ANSWER} dan.private --reason no")), @r"
    exit 1
    --- stderr
    error: request `[SHA256]` was answered before: approved by `carol` at [TIME], by `erin` at [TIME]; an answer cannot be changed
    ");
    assert!(matches!(
        office.settle_on(&call(), &terms),
        ApprovalStatus::Approved(permit) if permit.approvals().count() == 2
    ));
}

#[test]
fn one_of_several_denies() {
    let office = Office::new();
    let terms = Terms::new(["finance"]).unwrap().approvers(2).unwrap();
    let id = office.ask_on(&call(), &terms);
    office.run(&format!("approve {id} {ANSWER} carol.private"));
    let denied = office.json(&format!(
        "deny {id} {ANSWER} dan.private --reason no --json"
    ));
    assert_eq!(
        (&denied["state"], &denied["given"]),
        (&"denied".into(), &1.into())
    );
    assert_eq!(denied["answer"]["approver"], "dan");
    assert_eq!(denied["answers"].as_array().unwrap().len(), 2);
    assert!(matches!(
        office.settle_on(&call(), &terms),
        ApprovalStatus::Denied { approver, .. } if approver == "dan"
    ));
}

/// Gives a database the tables of version 1, as the version before made them.
fn make_version_1(path: &std::path::Path) {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection
        .execute_batch(
            "BEGIN; DROP INDEX requests_by_subject; \
             ALTER TABLE answers RENAME TO a; ALTER TABLE requests RENAME TO r; \
             CREATE TABLE answers (id TEXT PRIMARY KEY, decision TEXT NOT NULL, approver TEXT NOT NULL, key TEXT NOT NULL, \
             answered_at INTEGER NOT NULL, reason TEXT NOT NULL, signature BLOB NOT NULL) STRICT, WITHOUT ROWID; \
             CREATE TABLE requests (id TEXT PRIMARY KEY, subject TEXT NOT NULL, agent TEXT NOT NULL, user TEXT NOT NULL, roles TEXT NOT NULL, \
             session TEXT, attributes TEXT, tool TEXT NOT NULL, arguments TEXT NOT NULL, policy TEXT NOT NULL, approver_roles TEXT NOT NULL, \
             own_calls INTEGER NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, nonce BLOB NOT NULL) STRICT; \
             CREATE INDEX requests_by_subject ON requests (subject, expires_at); \
             INSERT INTO answers SELECT * FROM a; \
             INSERT INTO requests SELECT id, subject, agent, user, roles, session, attributes, tool, arguments, policy, approver_roles, \
             own_calls, created_at, expires_at, nonce FROM r; \
             DROP TABLE a; DROP TABLE r; PRAGMA user_version = 1; COMMIT",
        )
        .unwrap();
}

#[test]
fn a_database_of_the_version_before_is_used_as_it_is() {
    let office = Office::new();
    let id = office.ask(&call());
    let path = office.fixture.path("approvals.db");
    make_version_1(&path);
    let version = || {
        let connection = rusqlite::Connection::open(&path).unwrap();
        let version =
            connection.pragma_query_value(None, "user_version", |row| row.get::<_, i32>(0));
        version.unwrap()
    };
    let listed = office.json("list --db approvals.db --approvers approvers.json --json");
    assert_eq!(listed["requests"][0]["state"], "pending");
    let approved = office.json(&format!("approve {id} {ANSWER} carol.private --json"));
    assert_eq!(approved["state"], "approved");
    assert_eq!(version(), 1, "its host may be of the version before");
    // This version's host takes the answer.
    assert!(matches!(
        office.settle(&call()),
        ApprovalStatus::Approved(permit) if permit.approver() == "carol"
    ));
    assert_eq!(version(), 2);
}

#[test]
fn a_request_is_denied_with_the_reason() {
    let office = Office::new();
    let id = office.ask(&call());
    let denied = office.json(&format!(
        "deny {id} {ANSWER} dan.private --reason ticket-4711 --json"
    ));
    assert_eq!(denied["id"], id.as_str());
    assert_eq!(denied["state"], "denied");
    assert_eq!(denied["arguments"], call().arguments.as_str());
    assert_eq!(denied["answer"]["decision"], "deny");
    assert_eq!(denied["answer"]["approver"], "dan");
    assert_eq!(denied["answer"]["counts"], true);
    match office.settle(&call()) {
        ApprovalStatus::Denied {
            approver, reason, ..
        } => {
            assert_eq!((approver.as_str(), reason.as_str()), ("dan", "ticket-4711"))
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn who_may_not_answer_is_told_why() {
    let office = Office::new();
    let id = office.ask(&call());
    assert_snapshot!(office.run(&format!("approve {id} {ANSWER} mallory.private")), @r"
    exit 1
    --- stderr
    error: the answer to request `[SHA256]` is by the key `[ID]`, which belongs to no approver; only keys in the approvers' file count
    ");
    assert_snapshot!(office.run(&format!("approve {id} {ANSWER} erin.private")), @r"
    exit 1
    --- stderr
    error: `erin` may not answer request `[SHA256]`: it needs an approver with the role `finance`, and `erin` has `support`
    ");
    assert_snapshot!(office.run(&format!("approve {id} {ANSWER} carol.public")), @r"
    exit 2
    --- stderr
    error: `carol.public` is a public key by its name where a private key is needed; pass `carol.private`
    ");
    let mut own = call();
    own.caller.user = "carol".to_owned();
    let own = office.ask(&own);
    assert_snapshot!(office.run(&format!("approve {own} {ANSWER} carol.private")), @r"
    exit 1
    --- stderr
    error: `carol` may not answer request `[SHA256]`, since the call is their own; another approver has to
    ");
    let pending = office.json("list --db approvals.db --json");
    for request in pending["requests"].as_array().unwrap() {
        assert_eq!(request["state"], "pending");
    }
}

#[test]
fn names_that_name_nothing() {
    let office = Office::new();
    let id = office.ask(&call());
    assert_snapshot!(office.run("show abc --db approvals.db"), @r"
    exit 2
    --- stderr
    error: `abc` does not name a request; pass at least 4 of its lower-case hexadecimal digits, as `hexgate approvals list` prints them
    ");
    assert_snapshot!(office.run("show ABCDEF --db approvals.db"), @r"
    exit 2
    --- stderr
    error: `ABCDEF` does not name a request; pass at least 4 of its lower-case hexadecimal digits, as `hexgate approvals list` prints them
    ");
    assert_snapshot!(office.run(&format!("show {} --db approvals.db", "0".repeat(64))), @r"
    exit 1
    --- stderr
    error: there is no request `[SHA256]` in this database; list what there is with `hexgate approvals list --all`
    ");
    assert_snapshot!(office.run(&format!("approve {} {ANSWER} carol.private", "0".repeat(64))), @r"
    exit 1
    --- stderr
    error: there is no request `[SHA256]` in this database; list what there is with `hexgate approvals list`
    ");
    // A part of a name could name something else by the time it is answered.
    let short = office.run(&format!("approve {} {ANSWER} carol.private", &id[..20]));
    assert!(
        short.starts_with("exit 2\n") && short.contains("all of its 64 hexadecimal digits"),
        "{short}"
    );
    assert!(
        office
            .run("deny x --db a --approvers b --key c")
            .contains("--reason <TEXT>")
    );
}

#[test]
fn files_that_are_not_what_they_should_be() {
    let office = Office::new();
    let id = office.ask(&call());
    assert_snapshot!(office.run("list --db missing.db"), @r"
    exit 2
    --- stderr
    error: `missing.db` does not exist; name the file that the agent's host keeps its requests in
    ");
    assert_snapshot!(office.run("list --db ."), @r"
    exit 2
    --- stderr
    error: `.` is not a regular file; name the database's own file
    ");
    assert_snapshot!(office.run("list --db approvers.json"), @r"
    exit 2
    --- stderr
    error: `approvers.json` has mode 0644: other users could read requests or put files there; run `chmod o-rwx` on it, or name a database in a folder for this user or its group alone
    ");
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(office.fixture.path("approvers.json"), private).unwrap();
    assert_snapshot!(office.run("list --db approvers.json"), @r"
    exit 2
    --- stderr
    error: cannot use the database `approvers.json`: it is not a database, or its beginning is damaged; name the right file, or move it aside together with `-wal` and `-shm`
    ");
    assert_snapshot!(office.run("list --db approvals.db --approvers missing.json"), @r"
    exit 2
    --- stderr
    error: cannot read the approvers' file `missing.json`: No such file or directory (os error 2); check the path
    ");
    assert_snapshot!(office.run(&format!("approve {id} --db approvals.db --approvers carol.public --key carol.private")), @r#"
    exit 2
    --- stderr
    error: `carol.public` does not list approvers: it is not a JSON object; it looks like `{"version": 1, "approvers": [{"id": "carol", "keys": ["the text in carol.public"], "roles": ["finance"]}]}`
    "#);
    assert_snapshot!(office.run("watch --db missing.db"), @r"
    exit 2
    --- stderr
    error: `missing.db` does not exist; name the file that the agent's host keeps its requests in
    ");
    assert_snapshot!(office.run("watch --db approvals.db --interval 0"), @r"
    exit 2
    --- stderr
    error: invalid value '0' for '--interval <SECONDS>': 0 is not in 1..=3600

    For more information, try '--help'.
    ");
}

#[test]
fn what_is_in_a_call_cannot_paint_the_terminal() {
    let office = Office::new();
    let hostile = "\u{1b}[2J\u{1b}]0;x\u{7}\u{9b}31m\r\n\u{202e}\u{e0041}\u{200b}";
    let mut call = call();
    call.agent = hostile.to_owned();
    call.caller = Caller {
        user: hostile.to_owned(),
        roles: vec![hostile.to_owned()],
        session: Some(hostile.to_owned()),
        attributes: Some(hostile.to_owned()),
    };
    call.tool = hostile.to_owned();
    call.arguments = format!("{{\"a\": \"{hostile}\", \"b\": \"\u{9b}\"}}");
    let id = office.ask(&call);
    let reason = "x\u{202e}y";
    let approve = format!("approve {id} {ANSWER} carol.private");
    let mut approve = office.command(&approve);
    approve.args(["--reason", reason]);
    let mut outputs = vec![approve.output().unwrap()];
    for arguments in [
        "list --db approvals.db".to_owned(),
        format!("show {id} --db approvals.db"),
        "list --db approvals.db --json".to_owned(),
        format!("show {id} --db approvals.db --json"),
    ] {
        outputs.push(office.command(&arguments).output().unwrap());
    }
    for output in &outputs {
        let text = String::from_utf8([&output.stdout[..], &output.stderr[..]].concat()).unwrap();
        assert!(output.status.success(), "{text}");
        let wild: Vec<char> = text
            .chars()
            .filter(|c| {
                (c.is_control() && *c != '\n') || ['\u{202e}', '\u{e0041}', '\u{200b}'].contains(c)
            })
            .collect();
        assert!(wild.is_empty(), "{wild:?}: {text}");
    }
    let json: Value = serde_json::from_slice(&outputs[4].stdout).unwrap();
    assert_eq!(json["arguments"], call.arguments.as_str());
    assert_eq!(json["answer"]["reason"], reason);
}

#[test]
fn what_was_changed_in_the_database_is_said_and_not_shown() {
    let office = Office::new();
    let id = office.ask(&call());
    let connection = rusqlite::Connection::open(office.fixture.path("approvals.db")).unwrap();
    let carol = fs::read_to_string(office.fixture.path("carol.public")).unwrap();
    let carol = hexgate_bundle::PublicKey::from_text(&carol).unwrap().id();
    connection
        .execute(
            &format!("INSERT INTO answers VALUES ('{id}', 'approve', 'carol', '{carol}', (SELECT created_at FROM requests), '', zeroblob(64))"),
            (),
        )
        .unwrap();
    let unchecked = office.json(&format!("show {id} --db approvals.db --json"));
    assert_eq!(unchecked["state"], "answered");
    assert_eq!(unchecked["answer"]["counts"], Value::Null);
    assert_snapshot!(office.run("list --db approvals.db --approvers approvers.json"), @r"
    exit 0
    ID                STATE         EXPIRES               LEFT        NEEDS    AGENT        CALLER  TOOL
    [ID]  not_answered  [TIME]  [LEFT]  finance  support-bot  alice   close_account
    1 request to be answered; show one with `hexgate approvals show ID`
    ");
    let shown = office.run(&format!(
        "show {id} --db approvals.db --approvers approvers.json"
    ));
    assert!(
        shown.contains("state      not_answered")
            && shown.contains("forged, edited, or copied from another request")
            && shown.contains("which does not count"),
        "{shown}"
    );
    assert_snapshot!(office.run(&format!("approve {id} {ANSWER} carol.private")), @r#"
    exit 0
    ✓ Approved as carol: close_account({"account": 17, "amount": 12.50}) by support-bot for alice
    --- stderr
    warning: a stored answer that no approver had signed was replaced; find out who can write the database
    "#);

    connection
        .execute("UPDATE requests SET arguments = '{\"account\": 1}'", ())
        .unwrap();
    assert_snapshot!(office.run(&format!("show {id} --db approvals.db")), @r"
    exit 1
    request [SHA256]
      state      altered
      problem    it was changed in the database, so its content is not shown; find out who can write the database
    ");
    assert_snapshot!(office.run(&format!("approve {id} {ANSWER} carol.private")), @r"
    exit 1
    --- stderr
    error: request `[SHA256]` was changed in the database: what it says now has another digest; do not answer it, and find out who can write the database
    ");
    connection.pragma_update(None, "user_version", 7).unwrap();
    assert_snapshot!(office.run("list --db approvals.db"), @r"
    exit 2
    --- stderr
    error: cannot use the database `approvals.db`: it has version 7, and this hexgate knows at most version 2; use a newer one
    ");
}

#[test]
fn requests_are_watched_as_they_come_and_go() {
    for json in [false, true] {
        let office = Office::new();
        let first = office.ask(&call());
        let flag = if json { " --json" } else { "" };
        let mut child = office
            .command(&format!(
                "watch --db approvals.db --approvers approvers.json{flag}"
            ))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut next = |id: &str, state: &str| {
            let line = lines.next().unwrap().unwrap();
            if json {
                let line: Value = serde_json::from_str(&line).unwrap();
                assert_eq!((&line["id"], &line["state"]), (&id.into(), &state.into()));
            } else {
                assert!(
                    line.starts_with(&format!("{}  {state}  ", &id[..16])),
                    "{line}"
                );
            }
        };
        next(&first, "pending");
        let mut second = call();
        second.arguments = format!(r#"{{"json": {json}}}"#);
        let id = office.ask(&second);
        next(&id, "pending");
        office.run(&format!("deny {id} {ANSWER} dan.private --reason no"));
        next(&id, "denied");
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

#[test]
fn each_approval_is_news() {
    let office = Office::new();
    let terms = Terms::new(["finance"]).unwrap().approvers(2).unwrap();
    let id = office.ask_on(&call(), &terms);
    let mut child = office
        .command("watch --db approvals.db --approvers approvers.json")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = |state: &str| {
        let line = lines.next().unwrap().unwrap();
        assert!(
            line.starts_with(&format!("{}  {state}  ", &id[..16])),
            "{line}"
        );
    };
    next("pending (0 of 2)");
    office.run(&format!("approve {id} {ANSWER} carol.private"));
    next("pending (1 of 2)");
    office.run(&format!("approve {id} {ANSWER} dan.private"));
    next("approved    ");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_watcher_ends_with_its_reader() {
    let office = Office::new();
    office.ask(&call());
    let mut child = office
        .command("watch --db approvals.db")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    // Whether or not the first line was written before: there is nobody to tell of this one.
    let mut second = call();
    second.arguments = r#"{"account": 18}"#.to_owned();
    office.ask(&second);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
fn every_subcommand_has_examples() {
    let office = Office::new();
    for subcommand in ["list", "show", "approve", "deny", "watch"] {
        let output = office
            .command(&format!("{subcommand} --help"))
            .output()
            .unwrap();
        let help = String::from_utf8(output.stdout).unwrap();
        assert!(
            help.contains("Examples:\n  hexgate approvals ") && help.contains("Exit codes:"),
            "{subcommand}: {help}"
        );
    }
}
