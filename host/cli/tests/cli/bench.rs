//! `hexgate policy bench`

use crate::fixture::Fixture;

#[test]
fn gives_every_number_once_and_in_time() {
    let fixture = Fixture::new();
    let begin = std::time::Instant::now();
    let output = fixture
        .command_of(&[
            "bench",
            "policy.yaml",
            "--role",
            "billing",
            "--tool",
            "refund_order",
            "--args",
            r#"{"amount": 5, "currency": "USD"}"#,
            "--json",
        ])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let keys = [
        "floor_ns",
        "warm_p50_ns",
        "warm_p99_ns",
        "ratio_to_floor",
        "fresh_p50_ns",
        "load_cold_ms",
        "load_changed_ms",
        "load_cached_ms",
        "two_thread_scaling",
        "two_thread_sharing",
        "component_bytes",
    ];
    for key in keys {
        assert!(json[key].as_f64().unwrap() > 0.0, "{key}: {text}");
        assert_eq!(text.matches(&format!("\"{key}\":")).count(), 1, "{key}");
    }
    assert_eq!(json["outcome"], "allow");
    let warned = String::from_utf8(output.stderr)
        .unwrap()
        .contains("debug build");
    assert_eq!(warned, cfg!(debug_assertions));
    // Far more than it takes anywhere, far less than for ever.
    assert!(begin.elapsed().as_secs() < 60);
}

#[test]
fn calls_that_nothing_decides_are_misuse() {
    let fixture = Fixture::new();
    let shown = fixture.run_of(&["bench", "policy.yaml", "--tool", "t", "--args", "[]"]);
    assert!(
        shown.starts_with("exit 2\n")
            && shown.contains("`--args` is malformed at line 1, column 1"),
        "{shown}"
    );
}
