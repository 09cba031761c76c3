//! Addresses and pages that mean harm.

use std::io::Write;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use hexgate_tools::fetch::FetchLimits;
use serde_json::json;

use crate::fixture::{Server, answer, builder, call, fetch, html, quick};

#[tokio::test]
async fn addresses_that_are_not_public_are_refused() {
    let (fetch, names) = builder();
    let fetch = fetch.build().unwrap();
    for url in [
        "http://127.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "http://[::1]/",
        "http://[fd00:ec2::254]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://0.0.0.0/",
        "http://localhost/",
        "https://x.localhost/",
        "http://private.example/",
        "http://metadata.example/",
    ] {
        let error = call(&fetch, json!({"url": url})).await.unwrap_err();
        assert_eq!(
            (error.kind, error.retryable),
            ("address_not_public", false),
            "{url}: {error}"
        );
    }
    names.set("site.example", &["1.1.1.1", "10.0.0.1"]);
    let error = call(&fetch, json!({"url": "http://other.example:1/"}))
        .await
        .unwrap_err();
    assert_eq!(error.kind, "upstream", "{error}");
    let error = call(&fetch, json!({"url": "http://nowhere.example/"}))
        .await
        .unwrap_err();
    assert_eq!(error.kind, "name_not_found", "{error}");
}

#[tokio::test]
async fn what_was_decided_is_written_as_what_is_asked_for() {
    let server = Server::new(|_, _| html("x")).await;
    let port = server.address.port();
    for (url, meant) in [
        (
            format!("http://site.example:{port}/public/../secret"),
            Some("/secret"),
        ),
        (
            format!("http://site.example:{port}/public/%2e%2e/secret"),
            Some("/secret"),
        ),
        (
            format!("http://site.example:{port}/%73ecret"),
            Some("/secret"),
        ),
        (format!("HTTP://SITE.example.:{port}/a"), Some("/a")),
        (format!("http:\\\\site.example:{port}\\a"), Some("/a")),
        (format!("http:site.example:{port}/a"), Some("/a")),
        (format!("ht\ttp://site.example:{port}/a"), Some("/a")),
        (format!("  http://site.example:{port}/a"), Some("/a")),
        (
            format!("http://site.example:{port}/Zürich"),
            Some("/Z%C3%BCrich"),
        ),
        (format!("http://site.example:{port}?q"), Some("/?q")),
        (
            format!("http://site.example:{port}/secret#/public"),
            Some("/secret"),
        ),
        (format!("http://site.example:{port}/a#"), Some("/a")),
        (format!("http://ok@site.example:{port}/a"), None),
        (format!("http://site.example:{port}/a%00"), None),
        ("http://2130706433/".to_owned(), None),
        ("file:///etc/passwd".to_owned(), None),
        ("ftp://site.example/".to_owned(), None),
        ("javascript:alert(1)".to_owned(), None),
        ("data:text/html,x".to_owned(), None),
        ("//site.example/".to_owned(), None),
        ("site.example".to_owned(), None),
        (String::new(), None),
        ("http://".to_owned(), None),
        ("http://*.example/".to_owned(), None),
    ] {
        let error = call(&fetch(), json!({"url": url})).await.unwrap_err();
        assert_eq!(error.kind, "invalid_url", "{url}: {error}");
        if let Some(path) = meant {
            let form = format!("write `http://site.example:{port}{path}`");
            assert!(error.message.contains(&form), "{url}: {error}");
        }
    }
    assert_eq!(server.count(), 0);
    // A slash that makes no difference.
    let url = format!("http://site.example:{port}");
    assert!(call(&fetch(), json!({"url": url})).await.is_ok(), "{url}");
}

#[tokio::test]
async fn a_name_is_resolved_once_and_checked_before_anything_is_sent() {
    let server = Server::new(|_, _| html("x")).await;
    let (builder, names) = builder();
    let fetch = builder.build().unwrap();
    call(&fetch, json!({"url": server.url("/")})).await.unwrap();
    assert_eq!(*names.asked.lock().unwrap(), ["site.example"]);
    // It moves: the connection of before is not used again, and the new address is refused.
    names.set("site.example", &["169.254.169.254"]);
    let error = call(&fetch, json!({"url": server.url("/")}))
        .await
        .unwrap_err();
    assert_eq!(error.kind, "address_not_public");
    assert_eq!(names.asked.lock().unwrap().len(), 2);
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn bombs_are_bounded() {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    let zeros = vec![b'x'; 1024 * 1024];
    for _ in 0..200 {
        packer.write_all(&zeros).unwrap();
    }
    let bomb = packer.finish().unwrap();
    assert!(bomb.len() < 300_000);
    let server = Server::new(move |_, _| {
        answer(
            "200 OK",
            "Content-Type: text/plain\r\nContent-Encoding: gzip\r\n",
            &bomb,
        )
    })
    .await;
    let value = call(&fetch(), json!({"url": server.url("/")}))
        .await
        .unwrap();
    assert_eq!(value["truncated"], true);
    assert_eq!(value["content"].as_str().unwrap().len(), 20_000);
}

#[tokio::test]
async fn long_pages_are_cut() {
    let server = Server::new(|_, path| match path {
        "/text" => answer("200 OK", "Content-Type: text/plain\r\n", "ü".repeat(30_000)),
        "/endless" => [
            b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n".to_vec(),
            vec![b'x'; 8 * 1024 * 1024],
        ]
        .concat(),
        _ => html(&format!("<p>{}", "word ".repeat(100_000))),
    })
    .await;
    for path in ["/text", "/endless", "/html"] {
        let value = call(&fetch(), json!({"url": server.url(path)}))
            .await
            .unwrap();
        assert_eq!(value["truncated"], true, "{path}");
        assert_eq!(
            value["content"].as_str().unwrap().chars().count(),
            20_000,
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_page_that_breaks_off_is_an_error() {
    let server = Server::new(|_, path| match path {
        "/half" => {
            b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\nhalf"
                .to_vec()
        }
        "/packed" => answer(
            "200 OK",
            "Content-Type: text/plain\r\nContent-Encoding: gzip\r\n",
            b"\x1f\x8b\x08\0\0\0\0\0",
        ),
        "/not-packed" => answer(
            "200 OK",
            "Content-Type: text/plain\r\nContent-Encoding: gzip\r\n",
            b"plain text",
        ),
        _ => b"SSH-2.0-x\r\n".to_vec(),
    })
    .await;
    for path in ["/half", "/packed", "/not-packed", "/ssh"] {
        let error = call(&fetch(), json!({"url": server.url(path)}))
            .await
            .unwrap_err();
        assert_eq!(error.kind, "upstream", "{path}: {error}");
    }
}

#[tokio::test]
async fn a_server_that_says_nothing_is_left() {
    let server = Server::new(|_, _| Vec::new()).await;
    let limits = FetchLimits {
        time: Duration::from_millis(300),
        retries: quick(),
        ..FetchLimits::default()
    };
    let fetch = builder().0.limits(limits).build().unwrap();
    let begin = Instant::now();
    let error = call(&fetch, json!({"url": server.url("/")}))
        .await
        .unwrap_err();
    assert_eq!((error.kind, error.retryable), ("timeout", true));
    assert!(begin.elapsed() < Duration::from_secs(10));
}

/// Pages that make trees deep, parsers repeat themselves and walkers recurse.
#[tokio::test]
async fn pages_that_are_made_to_hurt_are_read_in_time() {
    let pages = [
        "<div>".repeat(500_000),
        "<b>".repeat(500_000),
        format!(
            "{}{}",
            (0..50_000)
                .map(|number| format!("<b a{number}>"))
                .collect::<String>(),
            "<p>".repeat(200_000)
        ),
        format!(
            "{}{}",
            "<font a=1><i><u>".repeat(50_000),
            "<p>x".repeat(200_000)
        ),
        "<table><tr><td>".repeat(200_000),
        "<ul><li>".repeat(300_000),
        "<blockquote>".repeat(300_000),
        "<a href=x>".repeat(300_000),
        "<p>x".repeat(500_000),
        "</p>".repeat(500_000),
        "<svg><title>".repeat(200_000),
        "<select><option>".repeat(200_000),
        "<".repeat(2_000_000),
        "&".repeat(2_000_000),
        "<!--".repeat(500_000),
        format!("<a href=\"{}\">x", "x".repeat(4_000_000)),
        format!("<pre>{}", "`".repeat(1_000_000)),
        "*_[](".repeat(400_000),
        "<img src=x alt=\"".repeat(200_000),
        "<td>|<td>|".repeat(200_000),
        "<math><mi><table>".repeat(100_000),
        format!(
            "<a {}>x",
            (0..500_000)
                .map(|number| format!("a{number} "))
                .collect::<String>()
        ),
        format!("<a {}>x", "href=x ".repeat(500_000)),
        "\u{0}\u{1b}[31m\u{202e}".repeat(100_000),
    ];
    let count = pages.len();
    let server = Server::new(move |number, _| {
        answer(
            "200 OK",
            "Content-Type: text/html; charset=utf-8\r\n",
            &pages[number],
        )
    })
    .await;
    let limits = FetchLimits {
        time: Duration::from_secs(120),
        ..FetchLimits::default()
    };
    let fetch = builder().0.limits(limits).build().unwrap();
    let mut slowest = (Duration::ZERO, 0);
    for number in 0..count {
        let begin = Instant::now();
        let read = call(&fetch, json!({"url": server.url("/")})).await;
        slowest = slowest.max((begin.elapsed(), number));
        match read {
            Ok(value) => {
                let content = value["content"].as_str().unwrap();
                assert!(content.chars().count() <= 20_000, "{number}");
                assert!(
                    !content.contains('\u{1b}') && !content.contains('\u{0}'),
                    "{number}"
                );
            }
            Err(error) => assert_eq!(error.kind, "binary", "{number}: {error}"),
        }
    }
    eprintln!(
        "the slowest page was number {} with {:?}",
        slowest.1, slowest.0
    );
    assert!(slowest.0 < Duration::from_secs(60), "{slowest:?}");
}
