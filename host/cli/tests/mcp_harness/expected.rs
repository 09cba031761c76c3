//! What each test of a suite is expected to find, and whether it did.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The suites by name: their tests by name.
type Suites = BTreeMap<String, BTreeMap<String, Expected>>;

/// What one test is expected to find.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Expected {
    /// `"pass"`.
    Plain(Verdict),
    /// Anything else needs a reason, and is told from another finding of its kind by what the test says.
    Explained {
        verdict: Verdict,
        says: String,
        why: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Pass,
    Fail,
    Inconclusive,
}

/// What a suite writes.
#[derive(Debug, Deserialize)]
struct Report {
    results: Vec<Found>,
}

#[derive(Debug, Deserialize)]
struct Found {
    test_id: String,
    passed: bool,
    #[serde(default)]
    not_evaluated: bool,
    details: String,
}

impl Found {
    fn verdict(&self) -> Verdict {
        if self.passed {
            Verdict::Pass
        } else if self.not_evaluated {
            Verdict::Inconclusive
        } else {
            Verdict::Fail
        }
    }
}

/// `tests/mcp-harness`.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/mcp-harness")
}

/// Holds the report of a suite against what is expected of it. Each difference fails: a test that is missing, one that is not known, one
/// that finds something else, be it better.
pub(crate) fn compare(suite: &str, report: &Path) {
    let expected = fs::read_to_string(folder().join("expected.json")).unwrap();
    let expected: Suites = serde_json::from_str(&expected).unwrap();
    let expected = &expected[suite];
    let report = fs::read_to_string(report)
        .unwrap_or_else(|error| panic!("{suite} wrote no report: {error}"));
    let report: Report = serde_json::from_str(&report).unwrap();
    let mut wrong = Vec::new();
    for found in &report.results {
        let verdict = found.verdict();
        let id = &found.test_id;
        match expected.get(id) {
            None => wrong.push(format!("{id} is not known: {verdict:?}: {}", found.details)),
            Some(Expected::Plain(wanted)) => {
                assert_eq!(*wanted, Verdict::Pass, "{id}: a reason is missing");
                if verdict != Verdict::Pass {
                    wrong.push(format!(
                        "{id} does not pass: {verdict:?}: {}",
                        found.details
                    ));
                }
            }
            Some(Expected::Explained {
                verdict: wanted,
                says,
                why,
            }) => {
                assert!(!why.is_empty() && !says.is_empty(), "{id}");
                if verdict != *wanted || !found.details.contains(says.as_str()) {
                    wrong.push(format!(
                        "{id} is expected to be {wanted:?} and to say `{says}`: {verdict:?}: {}",
                        found.details
                    ));
                }
            }
        }
    }
    for id in expected.keys() {
        let times = report.results.iter().filter(|it| it.test_id == *id).count();
        if times != 1 {
            wrong.push(format!("{id} ran {times} times"));
        }
    }
    assert!(wrong.is_empty(), "{suite}:\n{}", wrong.join("\n"));
}
