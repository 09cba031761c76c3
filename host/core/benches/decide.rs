//! What deciding and loading cost. `hexgate policy bench` puts floor and policy side by side in alternating rounds; this is for
//! looking at one thing at a time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a measurement fails by panicking"
)]

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use hexgate_compiler::Compiler;
use hexgate_host::{Engine, Isolation, Limits, Policy, Request};

const BILLING: &str = include_str!("../../../examples/policies/billing.yaml");
const FLOOR: &str = include_str!("floor.wat");
const ARGUMENTS: &str = r#"{"amount": 42, "currency": "USD"}"#;

fn compile(text: &str) -> Vec<u8> {
    let outcome = Compiler::default().compile_str("policy.yaml", text);
    outcome
        .policy
        .unwrap_or_else(|| panic!("{:?}", outcome.diagnostics))
        .component
}

fn load(engine: &Engine, wasm: &[u8]) -> Policy {
    let policy = Policy::dangerous_from_unverified_bytes(engine, wasm).unwrap();
    assert!(policy.is_of_known_engine());
    policy
}

fn floor(engine: &Engine) -> Policy {
    let wasm = wat::parse_str(FLOOR).unwrap();
    Policy::dangerous_from_unverified_bytes_with(engine, &wasm, Isolation::DangerousNone).unwrap()
}

fn fresh_engine() -> Engine {
    Engine::builder()
        .limits(Limits {
            warm_instances: 0,
            ..Limits::default()
        })
        .build()
        .unwrap()
}

fn refund(arguments: &str) -> Request<'_> {
    Request::new("refund_order", arguments).roles(&["billing"])
}

fn allowed(policy: &Policy, request: &Request<'_>) {
    assert!(policy.decide(black_box(request)).unwrap().is_allowed());
}

fn warm(c: &mut Criterion) {
    let engine = Engine::new().unwrap();
    let (floor, policy) = (floor(&engine), load(&engine, &compile(BILLING)));
    let long_way = Policy::dangerous_from_unverified_bytes_with(
        &engine,
        &compile(BILLING),
        Isolation::DangerousNone,
    )
    .unwrap();
    let mut group = c.benchmark_group("warm");
    group.bench_function("floor", |b| b.iter(|| allowed(&floor, &refund(ARGUMENTS))));
    group.bench_function("allow", |b| b.iter(|| allowed(&policy, &refund(ARGUMENTS))));
    group.bench_function("allow, through the component ABI", |b| {
        b.iter(|| allowed(&long_way, &refund(ARGUMENTS)))
    });
    let too_much = r#"{"amount": 4200, "currency": "USD"}"#;
    group.bench_function("deny", |b| {
        b.iter(|| {
            assert!(
                policy
                    .decide(&refund(black_box(too_much)))
                    .unwrap()
                    .is_denied()
            )
        })
    });
}

/// What a list of rules costs beside a single one. The last of the three is the one that holds, the others are looked at before it.
fn rules(c: &mut Criterion) {
    const ONE: &str = "roles:
  billing:
    tools:
      refund_order:
        mode: allow
        constraints: ['only(args, [\"amount\", \"currency\"])', args.amount > 0, args.amount <= 50]
";
    const THREE: &str = "roles:
  billing:
    tools:
      refund_order:
        - mode: deny
          constraints: [args.amount > 400]
        - mode: approval_required
          constraints: ['only(args, [\"amount\", \"currency\"])', args.amount > 50, args.amount <= 400]
        - mode: allow
          constraints: ['only(args, [\"amount\", \"currency\"])', args.amount > 0, args.amount <= 50]
";
    let engine = Engine::new().unwrap();
    let (one, three) = (load(&engine, &compile(ONE)), load(&engine, &compile(THREE)));
    let mut group = c.benchmark_group("rules");
    group.bench_function("one", |b| b.iter(|| allowed(&one, &refund(ARGUMENTS))));
    group.bench_function("three", |b| b.iter(|| allowed(&three, &refund(ARGUMENTS))));
}

fn fresh(c: &mut Criterion) {
    let engine = fresh_engine();
    let (floor, policy) = (floor(&engine), load(&engine, &compile(BILLING)));
    let foreign =
        Policy::dangerous_from_unverified_bytes_with(&engine, &compile(BILLING), Isolation::Full)
            .unwrap();
    let mut group = c.benchmark_group("fresh");
    group.bench_function("floor", |b| b.iter(|| allowed(&floor, &refund(ARGUMENTS))));
    group.bench_function("allow", |b| b.iter(|| allowed(&policy, &refund(ARGUMENTS))));
    group.bench_function("allow, metered component", |b| {
        b.iter(|| allowed(&foreign, &refund(ARGUMENTS)))
    });
}

fn growth(c: &mut Criterion) {
    let engine = Engine::new().unwrap();
    let text = BILLING.replace(
        "only(args, [\"amount\", \"currency\"])",
        "present(args.amount)",
    );
    let (floor, policy) = (floor(&engine), load(&engine, &compile(&text)));
    let mut group = c.benchmark_group("growth");
    for size in [1_000, 10_000, 100_000] {
        let long = format!(
            r#"{{"amount": 42, "currency": "USD", "note": "{}"}}"#,
            "lorem ipsum ".repeat(size / 12)
        );
        let mut many = ARGUMENTS.trim_end_matches('}').to_owned();
        for n in 0..size / 16 {
            write!(many, r#", "key{n:05}": {}"#, 100 + n % 900).unwrap();
        }
        many.push('}');
        for (what, arguments) in [("text", long), ("members", many)] {
            group.throughput(Throughput::Bytes(arguments.len() as u64));
            let id = BenchmarkId::new(what, size);
            group.bench_function(id, |b| b.iter(|| allowed(&policy, &refund(&arguments))));
            let id = BenchmarkId::new(format!("{what}, floor"), size);
            group.bench_function(id, |b| b.iter(|| allowed(&floor, &refund(&arguments))));
        }
    }
}

fn loading(c: &mut Criterion) {
    let wasm = compile(BILLING);
    let other = compile(&BILLING.replace("500", "501"));
    let mut group = c.benchmark_group("load");
    group.sample_size(20);
    let first = |engine: &Engine, wasm: &[u8]| allowed(&load(engine, wasm), &refund(ARGUMENTS));
    group.bench_function("cold", |b| {
        b.iter_batched(
            || Engine::new().unwrap(),
            |engine| (first(&engine, &wasm), engine),
            BatchSize::PerIteration,
        );
    });
    let engine = Engine::new().unwrap();
    first(&engine, &wasm);
    group.bench_function("changed", |b| b.iter(|| first(&engine, &other)));
    group.bench_function("engine alone", |b| b.iter(|| Engine::new().unwrap()));
    group.bench_function("engine and cold", |b| {
        b.iter(|| {
            let engine = Engine::new().unwrap();
            (first(&engine, &wasm), engine)
        });
    });
}

fn large(c: &mut Criterion) {
    let policy_of = |roles: usize, tools: usize| {
        let mut text = String::from("version: 1\nroles:\n");
        for role in 0..roles {
            writeln!(text, "  role_{role}:\n    tools:").unwrap();
            for tool in 0..tools {
                let tool = (role + tool * 97) % 1000;
                writeln!(
                    text,
                    "      tool_{tool}: {{ mode: allow, constraints: [\"args.amount <= {}\"] }}",
                    role + 100
                )
                .unwrap();
            }
        }
        compile(&text)
    };
    let engine = Engine::new().unwrap();
    let fresh_engine = fresh_engine();
    let mut group = c.benchmark_group("large");
    for (roles, tools) in [(1, 10), (1000, 10), (100, 1000)] {
        let wasm = policy_of(roles, tools);
        let role = format!("role_{}", roles / 2);
        let (roles_of_caller, tool) =
            ([role.as_str()], format!("tool_{}", (roles / 2 + 97) % 1000));
        let request = Request::new(&tool, ARGUMENTS).roles(&roles_of_caller);
        let (kept, fresh) = (load(&engine, &wasm), load(&fresh_engine, &wasm));
        let name = format!(
            "{roles} roles, {tools} tools each, {} KiB",
            wasm.len() >> 10
        );
        group.bench_function(BenchmarkId::new("warm", &name), |b| {
            b.iter(|| allowed(&kept, &request))
        });
        group.bench_function(BenchmarkId::new("fresh", &name), |b| {
            b.iter(|| allowed(&fresh, &request))
        });
        group.bench_function(BenchmarkId::new("load", &name), |b| {
            b.iter(|| load(&engine, &wasm))
        });
    }
}

/// The time that `threads` threads take for `iterations` of `work` each.
fn spread(threads: usize, iterations: u64, work: impl Fn() + Sync) -> Duration {
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| (0..iterations).for_each(|_| work()));
        }
    });
    start.elapsed()
}

fn threads(c: &mut Criterion) {
    let engine = Engine::new().unwrap();
    let policy = load(&engine, &compile(BILLING));
    let mut group = c.benchmark_group("threads");
    for threads in [1, 2] {
        let control = || (0..400u64).for_each(|n| _ = black_box(n.wrapping_mul(n)));
        group.bench_function(BenchmarkId::new("control", threads), |b| {
            b.iter_custom(|n| spread(threads, n, control))
        });
        let decide = || allowed(&policy, &refund(ARGUMENTS));
        group.bench_function(BenchmarkId::new("decide", threads), |b| {
            b.iter_custom(|n| spread(threads, n, decide))
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    targets = warm, rules, fresh, growth, loading, large, threads
}
criterion_main!(benches);
