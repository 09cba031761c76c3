//! The certification scenario.

use hexgate_test_support::authzen::{self, POLICY};

use crate::world::{Served, World};

#[tokio::test(flavor = "multi_thread")]
async fn the_certification_scenario_passes() {
    let world = World::with(POLICY);
    let served = Served::start(world.point().build().unwrap()).await;
    let base = format!("https://{}", served.address);
    let passed = tokio::task::block_in_place(|| {
        authzen::passes(&base, |step| {
            let mut headers = Vec::new();
            if let Some(kind) = &step.content_type {
                headers.push(("content-type", kind.as_str()));
            }
            if let Some(id) = &step.request_id {
                headers.push(("x-request-id", id.as_str()));
            }
            let came = tokio::runtime::Handle::current().block_on(served.send(
                &step.method,
                &step.path,
                &headers,
                step.body.clone(),
            ));
            let headers = came.headers.iter();
            authzen::Came {
                status: came.status,
                headers: headers
                    .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
                    .collect(),
                body: came.text,
            }
        })
    });
    assert_eq!(passed, 53);
    // Each of the decisions is on record, under the name that the policy knows.
    let records = world.records.all();
    let of = |line: &str| records.iter().filter(|it| *it == line).count();
    assert!(of("allow record:read policy") > 10 && of("deny record:write policy") > 5);
}
