//! The page that shows what holds where, made of the files of coverage.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use hexgate_adapter_kit::{Coverage, ScenarioResult, scenarios, table};

use super::coverage;

const BEGIN: &str = "<!-- table -->\n";
const END: &str = "<!-- end of the table -->";

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/adapters.md")
}

/// The page as it has to be, and as it is.
fn made() -> (String, String) {
    let page = fs::read_to_string(path()).unwrap();
    let (head, rest) = page.split_once(BEGIN).unwrap();
    let (_, tail) = rest.split_once(END).unwrap();
    let hosts = Coverage::read_all(&coverage()).unwrap();
    let table = table(&scenarios().unwrap(), &hosts);
    (format!("{head}{BEGIN}\n{table}{END}{tail}"), page)
}

/// Writes the page if it is to be written. Each host does so after it wrote its file.
pub(crate) fn write() {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    if std::env::var_os("HEXGATE_BLESS").is_some() {
        let _one = ONE_AT_A_TIME.lock().unwrap();
        fs::write(path(), made().0).unwrap();
    }
}

#[test]
fn the_page_says_what_the_files_say() {
    write();
    let (made, page) = made();
    assert!(
        made == page || std::env::var_os("HEXGATE_BLESS").is_some(),
        "docs/adapters.md says otherwise; HEXGATE_BLESS=1 writes it"
    );
}

#[test]
fn every_file_of_coverage_is_of_a_host_with_reasons() {
    let all = scenarios().unwrap();
    assert!(all.len() > 70, "{}", all.len());
    let hosts = Coverage::read_all(&coverage()).unwrap();
    for name in ["gateway", "hook", "hook-approvals", "runtime"] {
        assert!(hosts.iter().any(|host| host.host == name), "{name}");
    }
    for host in hosts {
        for (name, result) in &host.scenarios {
            let is_known = all.iter().any(|scenario| scenario.name == *name);
            assert!(is_known, "{}: there is no scenario `{name}`", host.host);
            if let ScenarioResult::Uncovered(uncovered) = result {
                assert!(
                    uncovered.reason().len() > 20,
                    "{}: `{name}` has no reason",
                    host.host
                );
            }
        }
    }
}
