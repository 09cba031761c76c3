//! What hearing a turn costs, and that twice the text takes twice the time: `cargo bench --workspace --bench said`.
#![allow(
    missing_docs,
    reason = "criterion's macros make functions without documentation"
)]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use hexgate_said::Said;

const SENTENCE: &str = "Please refund order #1234, $49.90, to Bob <bob@example.com> by 4 March 2026, see https://example.com/a.\n";

fn said(criterion: &mut Criterion) {
    criterion.bench_function("said/a sentence", |bencher| {
        bencher.iter(|| Said::of([SENTENCE]));
    });
    let mut group = criterion.benchmark_group("said/grows");
    for (name, piece) in [
        ("sentences", SENTENCE),
        ("addresses", "bob@example.com,"),
        ("open quotes", "“"),
        ("open addresses", "https://a.b/("),
        ("groups", "DE89 "),
        ("labels", "ä."),
        ("marks", "e\u{301}"),
    ] {
        for bytes in [64 * 1024, 128 * 1024, 256 * 1024] {
            let text = piece.repeat(bytes / piece.len());
            group.throughput(Throughput::Bytes(text.len() as u64));
            group.bench_with_input(BenchmarkId::new(name, bytes), &text, |bencher, text| {
                bencher.iter(|| Said::of([text.as_str()]));
            });
        }
    }
    group.finish();
    let said = Said::of([SENTENCE]);
    criterion.bench_function("said/facts of a sentence", |bencher| {
        bencher.iter(|| said.to_json());
    });
}

criterion_group!(benches, said);
criterion_main!(benches);
