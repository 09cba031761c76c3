//! Every numbered case, through every engine.

use hexgate_tests::{oracle, vectors};

#[test]
fn the_oracle_agrees_with_every_vector() {
    let all = vectors::all().unwrap();
    assert!(all.len() >= 400, "only {} vectors were found", all.len());
    let mut wrong = Vec::new();
    for vector in &all {
        let answer = oracle::answer(&vector.case).map_err(|error| format!("refused: {error}"));
        if let Err(error) = answer.and_then(|answer| vector.check(&answer)) {
            wrong.push(format!("{} ({}): {error}", vector.id, vector.why));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} vectors fail:\n{}",
        wrong.len(),
        all.len(),
        wrong.join("\n")
    );
}

#[test]
fn ids_are_unique() {
    let mut ids: Vec<String> = vectors::all()
        .unwrap()
        .into_iter()
        .map(|vector| vector.id)
        .collect();
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count);
}
