//! Searching, with each provider's own protocol on loopback.

use async_trait::async_trait;
use hexgate_agent::tool::Tool;
use hexgate_tools::web_search::{
    ApiKey, Brave, Found, KeyError, Linkup, Query, SearchError, SearchProvider, Tavily, WebSearch,
};
use serde_json::{Value, json};

use crate::fixture::{Server, answer, call, quick};

const KEY: &str = "secret-key-0123456789";

fn key() -> ApiKey {
    ApiKey::new(KEY, "X").unwrap()
}

fn data(value: &Value) -> Vec<u8> {
    answer(
        "200 OK",
        "Content-Type: application/json\r\n",
        value.to_string(),
    )
}

fn at(server: &Server) -> String {
    format!("http://127.0.0.1:{}/search", server.address.port())
}

#[tokio::test]
async fn linkup_is_asked_as_it_documents() {
    let found = json!({"results": [{"type": "text", "name": "A", "url": "https://a.example/", "content": "text", "favicon": "https://a.example/i"}]});
    let server = Server::new(move |_, _| data(&found)).await;
    let tool = WebSearch::new(Linkup::new(key()).unwrap().at(at(&server)));
    let value = call(
        &tool,
        json!({"query": "rust", "max_results": 3, "depth": "deep"}),
    )
    .await
    .unwrap();
    assert_eq!(
        value,
        json!({"ok": true, "query": "rust", "results": [{"title": "A", "url": "https://a.example/", "content": "text", "favicon": "https://a.example/i"}]})
    );
    let (head, body) = server.seen.lock().unwrap()[0].clone();
    assert!(
        head.starts_with("POST /search ") && head.contains(&format!("authorization: Bearer {KEY}")),
        "{head}"
    );
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        body,
        json!({"q": "rust", "depth": "deep", "outputType": "searchResults", "maxResults": 3, "includeImages": false})
    );
}

#[tokio::test]
async fn tavily_is_asked_as_it_documents() {
    let found = json!({"query": "rust", "results": [{"title": "A", "url": "https://a.example/", "content": "text", "score": 0.9}]});
    let server = Server::new(move |_, _| data(&found)).await;
    let tool = WebSearch::new(Tavily::new(key()).unwrap().at(at(&server)));
    let value = call(&tool, json!({"query": "rust"})).await.unwrap();
    assert_eq!(
        value["results"],
        json!([{"title": "A", "url": "https://a.example/", "content": "text", "favicon": null}])
    );
    let (head, body) = server.seen.lock().unwrap()[0].clone();
    assert!(
        head.contains(&format!("authorization: Bearer {KEY}")),
        "{head}"
    );
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        body,
        json!({"query": "rust", "search_depth": "basic", "max_results": 8, "include_favicon": true})
    );
}

#[tokio::test]
async fn brave_is_asked_as_it_documents() {
    let found = json!({"type": "search", "web": {"results": [
        {"title": "A", "url": "https://a.example/", "description": "text", "extra_snippets": ["more"], "meta_url": {"favicon": "https://a.example/i"}},
        {"title": "B", "url": "https://b.example/", "description": "text"},
    ]}});
    let server = Server::new(move |number, _| {
        if number == 0 {
            data(&found)
        } else {
            data(&json!({"type": "search"}))
        }
    })
    .await;
    let tool = WebSearch::new(Brave::new(key()).unwrap().at(at(&server)));
    let value = call(&tool, json!({"query": "a b&c", "max_results": 1}))
        .await
        .unwrap();
    assert_eq!(
        value["results"],
        json!([{"title": "A", "url": "https://a.example/", "content": "text\nmore", "favicon": "https://a.example/i"}])
    );
    let (head, _) = server.seen.lock().unwrap()[0].clone();
    assert!(head.starts_with("GET /search?q=a+b%26c&count=1&"), "{head}");
    assert!(
        head.contains(&format!("x-subscription-token: {KEY}")),
        "{head}"
    );
    let value = call(&tool, json!({"query": "nothing"})).await.unwrap();
    assert_eq!(value["results"], json!([]));
}

#[tokio::test]
async fn failures_are_named_and_never_show_the_key() {
    let server = Server::new(|_, _| answer("401 Unauthorized", "", KEY)).await;
    let tool = WebSearch::new(Linkup::new(key()).unwrap().at(at(&server))).retries(quick());
    let error = call(&tool, json!({"query": "x"})).await.unwrap_err();
    assert_eq!(
        (error.status, error.retryable, server.count()),
        (Some(401), false, 1)
    );
    assert!(
        error.message.contains("the key is refused") && !error.message.contains(KEY),
        "{error}"
    );

    let server = Server::new(|number, _| {
        if number < 2 {
            answer("429 Too Many", "", "")
        } else {
            data(&json!({"results": []}))
        }
    })
    .await;
    let tool = WebSearch::new(Tavily::new(key()).unwrap().at(at(&server))).retries(quick());
    assert!(call(&tool, json!({"query": "x"})).await.is_ok());
    assert_eq!(server.count(), 3);

    // A provider that sends the key elsewhere, talks nonsense, or too much.
    let server =
        Server::new(|_, _| answer("302 Found", "Location: http://127.0.0.1:1/\r\n", "")).await;
    let tool = WebSearch::new(Linkup::new(key()).unwrap().at(at(&server))).retries(quick());
    assert_eq!(
        call(&tool, json!({"query": "x"})).await.unwrap_err().status,
        Some(302)
    );
    let server =
        Server::new(|_, _| answer("200 OK", "", format!("{{\"results\": \"{KEY}\"}}"))).await;
    let tool = WebSearch::new(Linkup::new(key()).unwrap().at(at(&server))).retries(quick());
    let error = call(&tool, json!({"query": "x"})).await.unwrap_err();
    assert!(
        error.message.contains("not what it documents") && !error.message.contains(KEY),
        "{error}"
    );
    let server = Server::new(|_, _| answer("200 OK", "", vec![b' '; 5 * 1024 * 1024])).await;
    let tool = WebSearch::new(Linkup::new(key()).unwrap().at(at(&server))).retries(quick());
    assert!(call(&tool, json!({"query": "x"})).await.is_err());
    let tool =
        WebSearch::new(Linkup::new(key()).unwrap().at("http://127.0.0.1:1/")).retries(quick());
    let error = call(&tool, json!({"query": "x"})).await.unwrap_err();
    assert!(error.retryable && !error.message.contains(KEY), "{error}");
    for shown in [
        format!("{:?}", key()),
        format!("{tool:?}"),
        format!("{:?}", Linkup::new(key()).unwrap()),
        format!("{:?}", Brave::new(key()).unwrap()),
    ] {
        assert!(!shown.contains(KEY), "{shown}");
    }
}

#[tokio::test]
async fn arguments_are_held_to_their_bounds() {
    struct Many;
    #[async_trait]
    impl SearchProvider for Many {
        fn name(&self) -> &str {
            "Many"
        }

        async fn search(&self, query: &Query) -> Result<Vec<Found>, SearchError> {
            assert!((1..=20).contains(&query.results), "{query:?}");
            let found = Found {
                content: "ü".repeat(10_000),
                ..Found::default()
            };
            Ok(vec![found; 100])
        }
    }
    let tool = WebSearch::new(Many);
    for (wanted, got) in [(json!(0), 1), (json!(5), 5), (json!(1_000_000), 20)] {
        let value = call(&tool, json!({"query": "x", "max_results": wanted}))
            .await
            .unwrap();
        let results = value["results"].as_array().unwrap();
        assert_eq!(results.len(), got);
        assert_eq!(
            results[0]["content"].as_str().unwrap().chars().count(),
            4000
        );
    }
    for arguments in [
        json!({}),
        json!({"query": " "}),
        json!({"query": "x", "depth": "deepest"}),
        json!({"query": "x", "more": 1}),
        json!({"query": "x", "max_results": -1}),
    ] {
        assert_eq!(
            call(&tool, arguments).await.unwrap_err().kind,
            "invalid_arguments"
        );
    }
    let schema = &tool.spec().input_schema;
    assert_eq!(schema["required"], json!(["query"]));
    assert_eq!(schema["properties"]["max_results"]["default"], json!(8));
}

#[test]
fn the_first_key_that_is_set_chooses_the_provider() {
    let with = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        WebSearch::from_env(move |name| {
            names
                .iter()
                .any(|other| other == name)
                .then(|| KEY.to_owned())
        })
    };
    for (names, provider) in [
        (
            &["LINKUP_API_KEY", "TAVILY_API_KEY", "BRAVE_API_KEY"][..],
            "Linkup",
        ),
        (&["TAVILY_API_KEY", "BRAVE_API_KEY"], "Tavily"),
        (&["BRAVE_API_KEY"], "Brave"),
    ] {
        assert!(format!("{:?}", with(names).unwrap()).contains(provider));
    }
    assert!(matches!(with(&[]), Err(KeyError::Missing)));
    let malformed =
        WebSearch::from_env(|name| (name == "TAVILY_API_KEY").then(|| "a b\n".to_owned()));
    let error = malformed.unwrap_err();
    assert!(error.to_string().contains("TAVILY_API_KEY"), "{error}");
}
