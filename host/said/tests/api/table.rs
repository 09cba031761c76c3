//! The table of what each kind takes and leaves.

use std::collections::BTreeMap;

use hexgate_said::Kind;
use serde::Deserialize;

use crate::named;

const TABLE: &str = include_str!("../table.jsonl");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    kind: String,
    text: String,
    takes: Vec<String>,
}

fn rows() -> impl Iterator<Item = (usize, Kind, Row)> {
    TABLE.lines().enumerate().map(|(index, line)| {
        let row: Row = serde_json::from_str(line)
            .unwrap_or_else(|error| panic!("line {}: {error}", index + 1));
        let kind = Kind::ALL
            .into_iter()
            .find(|kind| kind.name() == row.kind)
            .unwrap_or_else(|| panic!("line {}: no kind `{}`", index + 1, row.kind));
        (index + 1, kind, row)
    })
}

#[test]
fn each_text_names_what_the_table_says() {
    let wrong: Vec<String> = rows()
        .filter_map(|(line, kind, row)| {
            let mut takes = row.takes;
            takes.sort();
            let named = named(kind, &row.text);
            (named != takes).then(|| {
                format!(
                    "line {line}: {kind} of {:?}: {named:?}, not {takes:?}",
                    row.text
                )
            })
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_kind_has_rows_that_take_and_rows_that_leave() {
    let mut counts: BTreeMap<Kind, (usize, usize)> = BTreeMap::new();
    for (_, kind, row) in rows() {
        let (take, leave) = counts.entry(kind).or_default();
        *(if row.takes.is_empty() { leave } else { take }) += 1;
    }
    for kind in Kind::ALL {
        let (take, leave) = counts[&kind];
        assert!(
            take >= 4 && leave >= 6,
            "{kind}: {take} take, {leave} leave"
        );
    }
    assert!(TABLE.lines().count() >= 150);
}

#[test]
fn what_is_taken_is_in_its_normal_form() {
    for (line, kind, row) in rows() {
        for name in row.takes {
            assert_eq!(kind.normal_form(&name).as_ref(), Some(&name), "line {line}");
        }
    }
}
