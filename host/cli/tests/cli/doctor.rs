//! `hexgate doctor`

use crate::fixture::Fixture;

fn report() -> (serde_json::Value, i32) {
    let output = Fixture::empty()
        .hexgate()
        .args(["doctor", "--json"])
        .output()
        .unwrap();
    let report = serde_json::from_slice(&output.stdout).unwrap();
    (report, output.status.code().unwrap())
}

#[test]
fn each_backend_says_of_each_guarantee_how_or_why_not() {
    let (report, code) = report();
    let backends = report["backends"].as_array().unwrap();
    let names: Vec<_> = backends.iter().map(|backend| &backend["name"]).collect();
    assert_eq!(names, ["landlock", "landlock-alone", "bwrap", "srt"]);
    let mut complete = None;
    for backend in backends {
        if backend["works"] == false {
            assert!(
                !backend["missing"].as_array().unwrap().is_empty(),
                "{backend}"
            );
            continue;
        }
        let lines = backend["enforces"].as_array().unwrap();
        assert_eq!(lines.len(), 12, "{backend}");
        for line in lines {
            assert!(
                line["by"].is_string() != line["missing"].is_string(),
                "{line}"
            );
        }
        if complete.is_none() && lines.iter().all(|line| line["by"].is_string()) {
            complete = Some(backend["name"].clone());
        }
    }
    // The first that enforces everything is used, and without one commands are refused.
    assert_eq!(report["used"], complete.clone().unwrap_or_default());
    assert_eq!(code, i32::from(complete.is_none()));
}

#[test]
fn people_read_which_backend_is_used() {
    let (report, code) = report();
    let output = Fixture::empty().hexgate().arg("doctor").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(code));
    let last = text.lines().last().unwrap();
    match report["used"].as_str() {
        Some(name) => assert!(last.contains(&format!("run in `{name}`")), "{last}"),
        None => assert!(last.contains("commands of agents are refused"), "{last}"),
    }
}
