//! Servers that fail, lie, flood or hang stop nobody but themselves.

use std::fs;
use std::sync::Mutex;
use std::time::Duration;

use hexgate_mcp::config::Config;
use hexgate_mcp::gateway::StartError;
use hexgate_mcp::{Catalogue, Review};
use rmcp::model::Tool;
use serde_json::json;

use crate::client::{Over, User, call, connect, tools};
use crate::server::{self, Mode};
use crate::world::{V2, V3, World, until};

fn short(mut config: Config) -> Config {
    config.limits.call_time = Duration::from_secs(2);
    config.limits.result_bytes = 100_000;
    config.limits.response_bytes = 1_000_000;
    config
}

#[tokio::test(flavor = "multi_thread")]
async fn each_failure_has_a_name_and_the_server_comes_back() {
    for version in [V2, V3] {
        let world = World::new();
        let servers = [
            (
                "fs",
                server::process(&world.server("fs"), &version, Mode::Good),
            ),
            (
                "other",
                server::process(&world.server("other"), &version, Mode::Good),
            ),
        ];
        let gateway = world.gateway(short(world.config(&servers))).await;
        // Where the first opening is not understood, the server is started again with the other.
        let started = world.starts("other");
        let client = connect(&gateway, Over::Streams, &version, User::Absent).await;
        for (tool, marker, end) in [
            ("fs-die", "[server_died]", "server_died"),
            ("fs-hang", "[timeout]", "timeout"),
            ("fs-flood", "[server_died]", "server_died"),
            ("fs-big", "[result_too_large]", "result_too_large"),
            ("fs-input", "", ""),
        ] {
            // What goes on elsewhere meanwhile, and which of the two ends first.
            let order = Mutex::new(Vec::new());
            let failing = async {
                let answer = call(&client, tool, json!({})).await;
                order.lock().unwrap().push("failing");
                answer
            };
            let elsewhere = async {
                tokio::time::sleep(Duration::from_millis(50)).await;
                let answer = call(&client, "other-echo", json!({"a": 1})).await;
                order.lock().unwrap().push("other");
                answer
            };
            let ((is_error, text), other) = tokio::join!(failing, elsewhere);
            assert!(
                is_error && text.starts_with(marker),
                "{version} {tool}: {text}"
            );
            assert_eq!(other, (false, r#"{"a":1}"#.to_owned()), "{version} {tool}");
            if tool == "fs-hang" {
                assert_eq!(*order.lock().unwrap(), ["other", "failing"]);
            }
            if !end.is_empty() {
                let expected = format!("end mcp-{tool} ran=true Failed {end} 0");
                assert!(
                    world.records.all().contains(&expected),
                    "{:?}",
                    world.records.all()
                );
            }
            // It answers again, by itself.
            until("the server comes back", async || {
                !call(&client, "fs-echo", json!({"back": true})).await.0
            })
            .await;
        }
        assert_eq!(world.starts("fs"), started + 2);
        assert_eq!(world.starts("other"), started);
        // Nothing was sent twice.
        let dies = world
            .calls("fs")
            .iter()
            .filter(|call| call.starts_with("die "))
            .count();
        assert_eq!(dies, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_over_http_that_goes_away_is_a_failure_and_comes_back() {
    for version in [V2, V3] {
        let world = World::new();
        let folder = world.server("fs");
        let free = "127.0.0.1:0".parse().unwrap();
        let up = server::Apart::new(&folder, &version, free).await;
        let address = up.address;
        let gateway = world
            .gateway(short(world.config(&[("fs", up.config())])))
            .await;
        let client = connect(&gateway, Over::Streams, &version, User::Absent).await;
        assert!(!call(&client, "fs-echo", json!({"n": 1})).await.0);
        drop(up);
        let (is_error, text) = call(&client, "fs-echo", json!({"n": 2})).await;
        assert!(is_error, "{version} {text}");
        let named = [
            "[server_died]",
            "[server_down]",
            "[timeout]",
            "[lists_unread]",
        ];
        assert!(
            named.iter().any(|name| text.starts_with(name)),
            "{version} {text}"
        );
        let up = server::Apart::new(&folder, &version, address).await;
        until("the server comes back", async || {
            !call(&client, "fs-echo", json!({"n": 3})).await.0
        })
        .await;
        drop(up);
        // What failed was not sent a second time.
        let calls = world.calls("fs");
        assert!(!calls.contains(&r#"echo {"n":2}"#.to_owned()), "{calls:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_start_stops_no_other() {
    for mode in [
        Mode::Dead,
        Mode::Silent,
        Mode::Liar,
        Mode::Boaster,
        Mode::Endless,
    ] {
        let world = World::new();
        let servers = [
            ("fs", server::process(&world.server("fs"), &V2, mode)),
            (
                "other",
                server::process(&world.server("other"), &V2, Mode::Good),
            ),
        ];
        let mut config = short(world.config(&servers));
        config.limits.start_time = Duration::from_secs(3);
        let gateway = world.gateway(config).await;
        let down: Vec<String> = gateway.down().into_iter().map(|(name, _)| name).collect();
        assert_eq!(down, ["fs"], "{mode:?}");
        let client = connect(&gateway, Over::Streams, &V2, User::Absent).await;
        let listed = tools(&client).await;
        assert!(
            listed.iter().all(|name| name.starts_with("other-")) && !listed.is_empty(),
            "{mode:?} {listed:?}"
        );
        assert!(!call(&client, "other-echo", json!({})).await.0, "{mode:?}");
        let (is_error, text) = call(&client, "fs-echo", json!({})).await;
        assert!(
            is_error && text.starts_with("[policy_denied]"),
            "{mode:?} {text}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_answer_is_not_passed_on() {
    let world = World::new();
    let server = server::process(&world.server("fs"), &V2, Mode::Twisted);
    let gateway = world.gateway(short(world.config(&[("fs", server)]))).await;
    let client = connect(&gateway, Over::Streams, &V2, User::Absent).await;
    for (how, why) in [
        ("twice", "duplicate_key"),
        ("inexact", "inexact_number"),
        ("kind", "[protocol]"),
        ("task", "[refused]"),
        ("type", ""),
        ("batch", "[timeout]"),
        ("other", "[timeout]"),
        ("silence", "[timeout]"),
    ] {
        let (is_error, text) = call(&client, "fs-echo", json!({"how": how})).await;
        assert!(is_error && text.contains(why), "{how}: {text}");
    }
    let answer = call(&client, "fs-echo", json!({"how": "well"})).await;
    assert_eq!(answer, (false, "good".to_owned()));
    let records = world.records.all();
    let ends = records.iter().filter(|line| line.starts_with("end "));
    assert_eq!(ends.count(), 9, "{records:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_without_an_end_and_too_long_ones_are_refused() {
    for (file, content) in [
        ("endless", String::new()),
        (
            "tools",
            (0..2001).map(|number| format!("tool{number}\n")).collect(),
        ),
    ] {
        let world = World::new();
        fs::write(world.server("fs").join(file), content).unwrap();
        let server = server::process(&world.server("fs"), &V2, Mode::Good);
        let gateway = world.gateway(world.config(&[("fs", server)])).await;
        let down = gateway.down();
        assert!(
            down.len() == 1
                && (down[0].1.contains("no end") || down[0].1.contains("more than 2000")),
            "{down:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_cannot_be_told_apart_are_refused_at_start() {
    let world = World::new();
    fs::write(world.server("fs").join("tools"), "read\nRead\nwrite\n").unwrap();
    let server = server::process(&world.server("fs"), &V2, Mode::Good);
    let gateway = world
        .builder(world.config(&[("fs", server.clone())]))
        .build()
        .unwrap();
    let Err(StartError::Alike {
        server: named,
        tools,
    }) = gateway.start().await
    else {
        panic!()
    };
    assert_eq!((named.as_str(), tools.len()), ("fs", 2));

    let clash = world.config(&[("fs", server.clone()), ("fs-admin", server)]);
    let error = world.builder(clash).build().unwrap_err().to_string();
    assert!(error.contains("`fs-admin`"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn strange_names_are_withheld() {
    let world = World::new();
    let long = "x".repeat(1 << 20);
    fs::write(
        world.server("fs").join("tools"),
        format!("echo\nre\u{441}d\na b\n{long}\n"),
    )
    .unwrap();
    let server = server::process(&world.server("fs"), &V2, Mode::Good);
    let gateway = world.gateway(world.config(&[("fs", server)])).await;
    let client = connect(&gateway, Over::Streams, &V2, User::Absent).await;
    assert_eq!(tools(&client).await, ["fs-echo"]);
    for tool in ["fs-re\u{441}d", "fs-a b"] {
        let (is_error, text) = call(&client, tool, json!({})).await;
        assert!(is_error && text.starts_with("[policy_denied]"), "{text}");
    }
    assert_eq!(world.calls("fs").len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_tools_of_the_last_list_can_be_called() {
    for version in [V2, V3] {
        let world = World::new();
        let folder = world.server("fs");
        fs::write(folder.join("watch"), "").unwrap();
        fs::write(folder.join("tools"), "echo\nold\n").unwrap();
        let server = server::process(&folder, &version, Mode::Good);
        let mut config = world.config(&[("fs", server)]);
        config.limits.call_time = Duration::from_secs(5);
        let gateway = world.gateway(config).await;
        let client = connect(&gateway, Over::Streams, &V2, User::Absent).await;
        assert_eq!(tools(&client).await, ["fs-echo", "fs-old"]);
        assert!(!call(&client, "fs-old", json!({})).await.0);
        assert!(call(&client, "fs-new", json!({})).await.0);
        if version == V3 {
            // This server tells nobody: it says for how long its list holds. `listening` has one that tells.
            continue;
        }
        fs::write(folder.join("tools"), "echo\nnew\n").unwrap();
        fs::write(folder.join("changed"), "").unwrap();
        until("the list changes", async || {
            tools(&client).await == ["fs-echo", "fs-new"]
        })
        .await;
        assert!(!call(&client, "fs-new", json!({})).await.0);
        let (is_error, text) = call(&client, "fs-old", json!({})).await;
        assert!(is_error && text.starts_with("[policy_denied]"), "{text}");
        assert_eq!(world.calls("fs"), ["old {}", "new {}"]);
    }
}

/// Withholds `pay`, and describes the rest in other words.
struct Own;

impl Catalogue for Own {
    fn review(&self, server: &str, tools: &[Tool]) -> Vec<Review> {
        assert_eq!(server, "fs");
        let mut reviews = Vec::new();
        for tool in tools.iter().take(tools.len() - 1) {
            reviews.push(if tool.name == "pay" {
                Review::Withhold {
                    reason: "it changed".to_owned(),
                }
            } else {
                let mut shown = tool.clone();
                shown.name = "pay".into();
                shown.description = Some("looked at".into());
                Review::Offer(Box::new(shown))
            });
        }
        reviews
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalogue_withholds_and_describes() {
    let world = World::new();
    let server = server::process(&world.server("fs"), &V2, Mode::Good);
    let gateway = world
        .builder(world.config(&[("fs", server)]))
        .catalogue(Own)
        .build()
        .unwrap();
    gateway.start().await.unwrap();
    let client = connect(&gateway, Over::Streams, &V2, User::Agrees).await;
    let listed = client.peer().list_tools(None).await.unwrap().tools;
    // The names stay the server's. `pay` is withheld, `drop` hidden, and the last tool has no answer.
    assert_eq!(listed.len(), server::TOOLS.len() - 3);
    assert!(
        listed
            .iter()
            .all(|tool| tool.description.as_deref() == Some("looked at"))
    );
    for tool in ["fs-pay", "fs-task"] {
        let (is_error, text) = call(&client, tool, json!({})).await;
        assert!(is_error && text.starts_with("[policy_denied]"), "{text}");
    }
    assert_eq!(world.calls("fs").len(), 0);
}
