//! Pages as they are.

use std::io::Write;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use hexgate_agent::tool::Tool;
use hexgate_tools::fetch::{FetchLimits, Redirects};
use serde_json::{Value, json};

use crate::fixture::{Server, answer, builder, call, fetch, html, quick};

const PAGE: &str = r#"<!doctype html><html><head><meta charset="utf-8"><title>Prices &amp; plans</title>
<style>p { color: red }</style><script>if (1 < 2) { document.write("<p>no</p>") }</script></head>
<body><nav><a href="/">Home</a></nav><main><h1>Plans</h1><p>Two <b>plans</b>, see <a href="/more?x=1">more</a>.
<ul><li>Small<li>Large</ul><pre><code class="language-rust">fn main() {}
</code></pre><table><tr><th>a<th>b<tr><td>1<td>2</table></main><footer>Imprint</footer></body></html>"#;

#[tokio::test]
async fn a_page_becomes_markdown() {
    let server = Server::new(|_, _| html(PAGE)).await;
    let value = call(&fetch(), json!({"url": server.url("/plans")}))
        .await
        .unwrap();
    assert_eq!(value["ok"], true);
    assert_eq!(value["url"], server.url("/plans"));
    assert_eq!(value["title"], "Prices & plans");
    assert_eq!(value["truncated"], false);
    let mut keys: Vec<&String> = value.as_object().unwrap().keys().collect();
    keys.sort();
    assert_eq!(keys, ["content", "ok", "title", "truncated", "url"]);
    let content = value["content"].as_str().unwrap();
    for part in [
        "# Plans",
        "**plans**",
        &format!("[more]({})", server.url("/more?x=1")),
        "- Small",
        "- Large",
        "```rust\nfn main() {}\n```",
        "| a | b |",
        "| 1 | 2 |",
    ] {
        assert!(content.contains(part), "{part}:\n{content}");
    }
    for part in ["document.write", "color", "Home", "Imprint"] {
        assert!(!content.contains(part), "{part}:\n{content}");
    }
    let value = call(
        &fetch(),
        json!({"url": server.url("/plans"), "extract_depth": "advanced"}),
    )
    .await
    .unwrap();
    let content = value["content"].as_str().unwrap();
    assert!(
        content.contains("Home") && content.contains("Imprint"),
        "{content}"
    );
    // It names itself and nothing else.
    let seen = server.seen.lock().unwrap()[0].0.to_ascii_lowercase();
    assert!(
        seen.starts_with("get /plans http/1.1") && seen.contains("user-agent: hexgate/"),
        "{seen}"
    );
    assert!(
        !seen.contains("cookie") && !seen.contains("authorization") && !seen.contains("referer"),
        "{seen}"
    );
}

#[tokio::test]
async fn texts_are_read_by_their_encoding() {
    let wide: Vec<u8> = "Zürich".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("text/plain; charset=utf-8", "Zürich".into()),
        ("text/plain; charset=ISO-8859-1", b"Z\xfcrich".to_vec()),
        (
            "text/plain; charset=\"windows-1252\"",
            b"Z\xfcrich".to_vec(),
        ),
        ("text/plain; charset=utf-16le", wide.clone()),
        ("text/plain", [&[0xff, 0xfe][..], &wide].concat()),
        ("text/plain", "Zürich".into()),
        ("text/plain", b"Z\xfcrich".to_vec()),
        ("text/plain; charset=nonsense", "Zürich".into()),
        ("text/html", b"<meta charset=latin1>Z\xfcrich".to_vec()),
        (
            "text/html",
            b"<meta http-equiv=Content-Type content='text/html; charset=iso-8859-1'>Z\xfcrich"
                .to_vec(),
        ),
        (
            "text/html; charset=utf-8",
            "<meta charset=latin1>Zürich".into(),
        ),
    ];
    let answers: Vec<Vec<u8>> = cases
        .iter()
        .map(|(kind, body)| answer("200 OK", &format!("Content-Type: {kind}\r\n"), body))
        .collect();
    let server = Server::new(move |number, _| answers[number].clone()).await;
    for (kind, body) in &cases {
        let value = call(&fetch(), json!({"url": server.url("/")}))
            .await
            .unwrap();
        assert_eq!(value["content"], "Zürich", "{kind}: {body:?}");
    }
}

#[tokio::test]
async fn data_is_read_as_it_is_and_what_is_not_text_is_refused() {
    let server = Server::new(|_, path| {
        let kind = path.trim_start_matches('/').replace('_', "/");
        answer(
            "200 OK",
            &format!("Content-Type: {kind}\r\n"),
            "{\"a\": [1, 2]}\n",
        )
    })
    .await;
    for kind in [
        "application_json",
        "application_ld+json",
        "text_csv",
        "application_xml",
        "text_markdown",
        "application_x-ndjson",
    ] {
        let value = call(&fetch(), json!({"url": server.url(&format!("/{kind}"))}))
            .await
            .unwrap();
        assert_eq!(value["content"], "{\"a\": [1, 2]}\n", "{kind}");
        assert_eq!(value["title"], "");
    }
    for kind in [
        "application_pdf",
        "image_png",
        "application_zip",
        "video_mp4",
        "font_woff2",
        "nonsense",
    ] {
        let error = call(&fetch(), json!({"url": server.url(&format!("/{kind}"))}))
            .await
            .unwrap_err();
        assert_eq!(error.kind, "binary", "{kind}");
        assert!(error.message.contains(&kind.replace('_', "/")), "{error}");
    }
    let server =
        Server::new(|_, _| answer("200 OK", "Content-Type: text/plain\r\n", b"\x7fELF\0\0\0"))
            .await;
    assert_eq!(
        call(&fetch(), json!({"url": server.url("/")}))
            .await
            .unwrap_err()
            .kind,
        "binary"
    );
    let server = Server::new(|_, _| answer("200 OK", "", b"just text")).await;
    assert_eq!(
        call(&fetch(), json!({"url": server.url("/")}))
            .await
            .unwrap()["content"],
        "just text"
    );
}

#[tokio::test]
async fn packed_pages_are_unpacked() {
    let server = Server::new(|_, path| {
        let text = b"hello hello hello";
        let body = match path {
            "/gzip" => {
                let mut packer = GzEncoder::new(Vec::new(), Compression::best());
                packer.write_all(text).unwrap();
                packer.finish().unwrap()
            }
            "/deflate" => {
                let mut packer = ZlibEncoder::new(Vec::new(), Compression::best());
                packer.write_all(text).unwrap();
                packer.finish().unwrap()
            }
            _ => text.to_vec(),
        };
        answer(
            "200 OK",
            &format!(
                "Content-Type: text/plain\r\nContent-Encoding: {}\r\n",
                &path[1..]
            ),
            body,
        )
    })
    .await;
    for path in ["/gzip", "/deflate", "/identity"] {
        let value = call(&fetch(), json!({"url": server.url(path)}))
            .await
            .unwrap();
        assert_eq!(value["content"], "hello hello hello", "{path}");
    }
    assert_eq!(
        call(&fetch(), json!({"url": server.url("/br")}))
            .await
            .unwrap_err()
            .kind,
        "upstream"
    );
}

#[tokio::test]
async fn redirections_to_the_same_page_are_followed_and_others_told() {
    let server = Server::new(|_, path| match path {
        "/a" => answer("301 Moved", "Location: /a/#y\r\n", ""),
        "/a?q=1" => answer("301 Moved", "Location: /a/?q=1\r\n", ""),
        "/a/" | "/a/?q=1" => html("<title>a</title>arrived"),
        "/b/" => answer("301 Moved", "Location: /b\r\n", ""),
        "/b" => html("<title>b</title>arrived"),
        "/loop" => answer("302 Found", "Location: /loop\r\n", ""),
        "/away" => answer("302 Found", "Location: http://other.example/c\r\n", ""),
        "/public" => answer("302 Found", "Location: /admin/keys\r\n", ""),
        "/query" => answer("302 Found", "Location: /query?all=1\r\n", ""),
        "/dropped?q=1" => answer("302 Found", "Location: /dropped\r\n", ""),
        "/two" => answer("302 Found", "Location: /two//\r\n", ""),
        "/coded" => answer("302 Found", "Location: /%63oded/\r\n", ""),
        "/upper" => answer("302 Found", "Location: /UPPER/\r\n", ""),
        "/admin/keys" | "/query?all=1" | "/dropped" => html("not decided"),
        _ => answer("404 Not Found", "", "no"),
    })
    .await;
    for (path, title, end) in [
        ("/a", "a", "/a/"),
        ("/a?q=1", "a", "/a/?q=1"),
        ("/b/", "b", "/b"),
    ] {
        let value = call(&fetch(), json!({"url": server.url(path)}))
            .await
            .unwrap();
        assert_eq!(
            (value["title"].as_str(), value["url"].as_str()),
            (Some(title), Some(server.url(end).as_str()))
        );
    }
    assert_eq!(server.count(), 6);
    let error = call(&fetch(), json!({"url": server.url("/loop")}))
        .await
        .unwrap_err();
    assert_eq!(error.kind, "too_many_redirects");
    assert_eq!(server.count(), 6 + 6);
    // The path is what a rule may be about: each other one is another call.
    let before = server.count();
    let other = [
        ("/away", "http://other.example/c".to_owned()),
        ("/public", server.url("/admin/keys")),
        ("/query", server.url("/query?all=1")),
        ("/dropped?q=1", server.url("/dropped")),
        ("/two", server.url("/two//")),
        // Written anew, and told so.
        ("/coded", server.url("/coded/")),
        ("/upper", server.url("/UPPER/")),
    ];
    let count = other.len();
    for (path, to) in other {
        let error = call(&fetch(), json!({"url": server.url(path)}))
            .await
            .unwrap_err();
        assert_eq!(error.kind, "redirected", "{path}");
        assert!(error.message.contains(&format!("`{to}`")), "{error}");
    }
    assert_eq!(server.count(), before + count);
    let error = call(&fetch(), json!({"url": server.url("/nothing")}))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind, error.status, error.retryable),
        ("http_status", Some(404), false)
    );
}

#[tokio::test]
async fn redirections_anywhere_stay_with_public_addresses() {
    let target = Server::new(|_, _| html("elsewhere")).await;
    let there = format!("http://other.example:{}/", target.address.port());
    let server = Server::new(move |_, path| {
        let location = match path {
            "/other" => there.as_str(),
            "/private" => "http://private.example/",
            "/metadata" => "http://169.254.169.254/latest/meta-data/",
            "/number" => "http://2852039166/",
            "/hex" => "http://0xa9fea9fe/",
            "/mapped" => "http://[::ffff:169.254.169.254]/",
            "/loopback" => "http://127.0.0.1:1/",
            "/localhost" => "http://localhost:1/",
            "/name" => "http://metadata.example/",
            "/file" => "file:///etc/passwd",
            "/gopher" => "gopher://other.example/",
            _ => "http://user:pass@other.example/",
        };
        answer("302 Found", &format!("Location: {location}\r\n"), "")
    })
    .await;
    let anywhere = builder()
        .0
        .redirects(Redirects::DangerousAnywhere)
        .build()
        .unwrap();
    let value = call(&anywhere, json!({"url": server.url("/other")}))
        .await
        .unwrap();
    assert_eq!(value["content"], "elsewhere");
    for path in [
        "/private",
        "/metadata",
        "/number",
        "/hex",
        "/mapped",
        "/loopback",
        "/localhost",
        "/name",
    ] {
        let error = call(&anywhere, json!({"url": server.url(path)}))
            .await
            .unwrap_err();
        assert_eq!(error.kind, "address_not_public", "{path}: {error}");
    }
    for path in ["/file", "/gopher", "/user"] {
        let error = call(&anywhere, json!({"url": server.url(path)}))
            .await
            .unwrap_err();
        assert_eq!(error.kind, "upstream", "{path}: {error}");
    }
}

#[tokio::test]
async fn an_overloaded_server_is_asked_again() {
    let server = Server::new(|number, _| match number {
        0 => answer("503 Service Unavailable", "Retry-After: 0\r\n", ""),
        1 => answer("429 Too Many Requests", "", ""),
        _ => html("at last"),
    })
    .await;
    let value = call(&fetch(), json!({"url": server.url("/")}))
        .await
        .unwrap();
    assert_eq!(
        (value["content"].as_str(), server.count()),
        (Some("at last"), 3)
    );
    let server =
        Server::new(|_, _| answer("503 Service Unavailable", "Retry-After: 3600\r\n", "")).await;
    let error = call(&fetch(), json!({"url": server.url("/")}))
        .await
        .unwrap_err();
    assert_eq!(
        (error.status, error.retryable, server.count()),
        (Some(503), true, 1)
    );
    let limits = FetchLimits {
        retries: quick(),
        ..FetchLimits::default()
    };
    assert_eq!(limits.retries.attempts, 3);
}

#[test]
fn the_schema_has_the_arguments_of_the_python_tool() {
    let spec = fetch().spec().clone();
    assert_eq!(spec.name, "fetch");
    let schema = &spec.input_schema;
    assert_eq!(schema["type"], "object");
    assert_eq!(schema["required"], json!(["url"]));
    let mut properties: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
    properties.sort();
    assert_eq!(properties, ["extract_depth", "url"]);
    assert_eq!(
        schema["properties"]["extract_depth"]["default"],
        Value::from("basic")
    );
}
