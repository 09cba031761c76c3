//! Every vector over HTTP, by each interface of a decision point and several at once, served by runtimes that are not ours: each answer
//! is the one that the host in this process gives, in that interface's shape.

use std::{
    fs,
    path::PathBuf,
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use hexgate_tests::{
    case::Call,
    engines,
    http::{self, Exchange},
    vectors,
};

use crate::{POLICIES, fresh, server::Server, tool};

/// How many requests are made at least, and how many of them end in decisions: what is refused proves little.
const REQUESTS: usize = 3_000;
const DECIDED: usize = 2_500;
/// The calls whose facts are no object, so that no body can carry them.
const UNASKED: usize = 3;

/// The folder with all decision points, and what they are asked.
struct Prepared {
    folder: PathBuf,
    exchanges: Vec<Vec<Exchange>>,
}

impl Prepared {
    fn component(&self, policy: usize) -> PathBuf {
        let folder = self.folder.join("policies").join(policy.to_string());
        folder.join("policy.http.wasm")
    }
}

fn prepared() -> &'static Prepared {
    static PREPARED: OnceLock<Prepared> = OnceLock::new();
    PREPARED.get_or_init(|| {
        let folder = fresh("edge-vectors");
        let engine = hexgate_host::Engine::new().unwrap();
        let all = vectors::all().unwrap();
        let mut texts: Vec<String> = all.iter().map(|it| it.case.policy.to_string()).collect();
        texts.sort();
        texts.dedup();
        assert!(texts.len() >= POLICIES, "only {} policies", texts.len());
        let (mut exchanges, mut unasked) = (Vec::new(), 0);
        for (number, text) in texts.iter().enumerate() {
            let compiled = engines::compile(text).unwrap();
            let composed = hexgate_compiler::http::compose(&compiled.component).unwrap();
            let place = folder.join(format!("policies/{number}"));
            fs::create_dir_all(&place).unwrap();
            fs::write(place.join("policy.http.wasm"), composed).unwrap();
            let policy =
                hexgate_host::Policy::dangerous_from_unverified_bytes(&engine, &compiled.component)
                    .unwrap();
            let of_this = all.iter().filter(|it| it.case.policy.to_string() == *text);
            let calls: Vec<Call> = of_this.map(|it| it.case.call.clone()).collect();
            let mut asked = Vec::new();
            for call in &calls {
                let ways = [http::rest(&policy, call), http::evaluation(&policy, call)];
                unasked += usize::from(ways.iter().all(Option::is_none));
                asked.extend(ways.into_iter().flatten());
            }
            asked.extend(http::evaluations(&policy, &calls));
            exchanges.push(asked);
        }
        let of = |wanted: fn(&&Exchange) -> bool| exchanges.iter().flatten().filter(wanted).count();
        let (requests, decided) = (of(|_| true), of(|it| it.status == 200));
        assert!(requests >= REQUESTS, "only {requests} requests");
        assert!(decided >= DECIDED, "only {decided} of {requests} decide");
        assert_eq!(unasked, UNASKED);
        Prepared { folder, exchanges }
    })
}

/// Asks all that a policy is to be asked.
fn ask(server: &Server, policy: usize, wrong: &Mutex<Vec<String>>) {
    for exchange in &prepared().exchanges[policy] {
        let head = format!(
            "POST {} HTTP/1.1\r\ncontent-type: application/json\r\nx-policy: {policy}",
            exchange.path
        );
        let answer = server.send(&head, exchange.body.as_bytes());
        if let Err(what) = exchange.check(answer.status, &answer.body) {
            wrong
                .lock()
                .unwrap()
                .push(format!("policy {policy}: {what}"));
        }
    }
}

fn none(wrong: Mutex<Vec<String>>) {
    let wrong = wrong.into_inner().unwrap();
    let first: Vec<&String> = wrong.iter().take(10).collect();
    assert!(wrong.is_empty(), "{} fail: {first:#?}", wrong.len());
}

/// A server for each policy, as many at once as the machine has processors.
#[test]
fn wasmtime_decides_every_vector_over_http() {
    if tool("HEXGATE_EDGE", "the server of examples/edge").is_none() {
        return;
    }
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let policies = prepared().exchanges.len();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let policy = next.fetch_add(1, Ordering::Relaxed);
                    if policy >= policies {
                        break;
                    }
                    let server = Server::wasmtime(&prepared().component(policy), &[]).unwrap();
                    ask(&server, policy, &wrong);
                }
            });
        }
    });
    none(wrong);
}

/// `jco serve` takes seconds to start, so one process of the same parts serves all policies, one after the other.
#[test]
fn jco_decides_every_vector_over_http() {
    let Some(mut server) = Server::many(&prepared().folder) else {
        return;
    };
    let wrong = Mutex::new(Vec::new());
    for policy in 0..prepared().exchanges.len() {
        server.ready(policy);
        ask(&server, policy, &wrong);
    }
    none(wrong);
}
