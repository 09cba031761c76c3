//! The policies of `docs/cookbook.md` decide as it says: each has a suite in `tests/cookbook`, named as its heading is linked to, and no
//! rule, constraint or scope is without cases on both sides.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::fixture::Fixture;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The policies of the page, by the anchors of their headings.
fn recipes() -> BTreeMap<String, String> {
    let page = fs::read_to_string(root().join("docs/cookbook.md")).unwrap();
    let mut recipes = BTreeMap::new();
    let (mut anchor, mut open) = (String::new(), None);
    for line in page.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            let heading = heading.to_lowercase().replace(' ', "-");
            anchor = heading.replace(|c: char| c != '-' && !c.is_alphanumeric(), "");
        } else if line == "```yaml policy" {
            open = Some(String::new());
        } else if line == "```" {
            let Some(policy) = open.take() else { continue };
            let before = recipes.insert(anchor.clone(), policy);
            assert_eq!(before, None, "two policies below `{anchor}`");
        } else if let Some(policy) = &mut open {
            policy.push_str(line);
            policy.push('\n');
        }
    }
    recipes
}

#[test]
fn every_policy_of_the_cookbook_has_a_suite_and_every_suite_a_policy() {
    let suites: BTreeSet<String> = fs::read_dir(root().join("tests/cookbook"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let policies: BTreeSet<String> = recipes()
        .keys()
        .map(|anchor| format!("{anchor}.suite.yaml"))
        .collect();
    assert_eq!(suites, policies);
    assert!(policies.len() >= 15, "{policies:?}");
}

#[test]
fn the_policies_of_the_cookbook_decide_as_it_says() {
    let mut wrong = Vec::new();
    for (anchor, policy) in recipes() {
        let suite = root().join(format!("tests/cookbook/{anchor}.suite.yaml"));
        let suite = fs::read_to_string(suite).unwrap_or_else(|error| panic!("{anchor}: {error}"));
        let fixture = Fixture::empty()
            .with("policy.yaml", &policy)
            .with("suite.yaml", &suite);
        for engine in ["native", "reference"] {
            let said = fixture.run(&format!(
                "test policy.yaml --suite suite.yaml --engine {engine} --coverage"
            ));
            let passed = said.starts_with("exit 0\n") && said.contains(" 0 failed");
            // What no case exercises stands in a table below the first line.
            if !passed || said.contains("not exercised") {
                wrong.push(format!("{anchor}, {engine}: {said}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
