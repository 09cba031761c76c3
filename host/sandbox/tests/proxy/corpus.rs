//! The corpus of attacks on the network, as data: what is sent to the proxy, what it answers, and what reaches a server.

use serde::Deserialize;

use crate::fixture::World;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    /// What the client sends; `{port}` is the server's.
    send: String,
    /// What the proxy answers.
    status: u16,
    /// How often a call was decided.
    decided: usize,
    /// How many connections reached the server.
    reached: usize,
    /// The type of error in the answer.
    #[serde(default)]
    error: Option<String>,
    /// What the arguments name, if a call was decided.
    #[serde(default)]
    url: Option<String>,
}

#[tokio::test]
async fn every_case_of_the_corpus_is_answered_as_it_says() {
    let world = World::new().await;
    let text = include_str!("../corpus/proxy.jsonl");
    let mut wrong = Vec::new();
    let mut count = 0;
    for line in text.lines() {
        let case: Case =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        let answer = world.ask(&case.send).await;
        let decided = world.decisions();
        let reached = world.server.seen();
        let url = case.url.as_ref().map(|url| world.filled(url));
        let is_right = answer.status == case.status
            && decided.len() == case.decided
            && reached.len() == case.reached
            && case
                .error
                .as_ref()
                .is_none_or(|error| answer.body.contains(&format!("\"type\":\"{error}\"")))
            && url
                .as_ref()
                .is_none_or(|url| decided.iter().all(|(_, other, _)| other == url));
        if !is_right {
            wrong.push(format!("{}: {answer:?} {decided:?} {reached:?}", case.name));
        }
        count += 1;
    }
    assert!(count >= 90, "only {count} cases");
    assert!(
        wrong.is_empty(),
        "{} of {count} cases:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
