//! Callers over HTTP: headers, challenges, and the metadata of the protected resource.

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue};
use hexgate_mcp::identity::{Bearer, Identity, IdentityError};
use serde_json::{Value, json};

use crate::issuer::{Hands, IssuerServer, SigningKey, claims, identity, token};

fn headers(values: &[&str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append(
            AUTHORIZATION,
            HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        );
    }
    headers
}

async fn at(resource: &str) -> (Identity, IssuerServer, String) {
    let key = SigningKey::es256("e");
    let issuer = IssuerServer::start(&[&key]).await;
    let config =
        json!({"resource": resource, "issuers": [issuer.config(json!({"audiences": []}))]});
    let identity = identity(config, &Hands::new()).unwrap();
    let token = token(&key, &claims(json!({"aud": resource})));
    (identity, issuer, token)
}

#[tokio::test]
async fn a_request_shows_one_bearer_token() {
    let (identity, _issuer, token) = at("https://gateway.example/mcp").await;
    for scheme in ["Bearer", "bearer", "BEARER", "Bearer "] {
        let headers = headers(&[&format!("{scheme} {token}")]);
        assert_eq!(
            identity
                .caller_of_headers(&headers)
                .await
                .unwrap()
                .user_id(),
            "alice"
        );
    }
    assert_eq!(
        identity.caller_of_headers(&headers(&[])).await.unwrap_err(),
        IdentityError::Missing
    );
    let good = format!("Bearer {token}");
    for bad in [
        vec![good.as_str(), good.as_str()],
        vec![&token],
        vec!["Bearer"],
        vec!["Bearer "],
        vec!["Basic YTpi"],
        vec!["DPoP x"],
        vec![&format!("{good} x")],
        vec![&format!("{good},{good}")],
        vec![&format!("Bearer\t{token}")],
        vec!["Bearer ä"],
    ] {
        let error = identity
            .caller_of_headers(&headers(&bad))
            .await
            .unwrap_err();
        assert_eq!(error, IdentityError::Malformed, "{bad:?}");
    }
}

#[test]
fn a_token_is_not_shown() {
    let bearer = Bearer::of(&headers(&["Bearer secret-token"])).unwrap();
    assert_eq!(format!("{bearer:?} {bearer:#?}"), "Bearer(..) Bearer(..)");
}

#[tokio::test]
async fn the_metadata_of_the_resource_is_where_the_challenge_says() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    for (path, well_known) in [
        ("/mcp", "/.well-known/oauth-protected-resource/mcp"),
        ("/a/b-c", "/.well-known/oauth-protected-resource/a/b-c"),
        ("", "/.well-known/oauth-protected-resource"),
    ] {
        let resource = format!("{origin}{path}");
        let (identity, issuer, token) = at(&resource).await;
        assert!(identity.caller(Some(&token)).await.is_ok());
        let url = format!("{origin}{well_known}");
        assert_eq!(
            identity.challenge(&IdentityError::Missing),
            format!("Bearer resource_metadata=\"{url}\"")
        );
        let refused = identity.caller(Some("a.b.c")).await.unwrap_err();
        assert_eq!(
            identity.challenge(&refused),
            format!("Bearer resource_metadata=\"{url}\", error=\"invalid_token\"")
        );
        let answer = serve(&identity, well_known).await.unwrap();
        assert_eq!(
            answer,
            json!({"resource": resource, "authorization_servers": ["https://login.example"], "bearer_methods_supported": ["header"]})
        );
        drop(issuer);
    }
}

#[tokio::test]
async fn without_an_address_or_a_token_there_is_no_metadata() {
    let key = SigningKey::es256("e");
    let issuer = IssuerServer::start(&[&key]).await;
    let nameless = issuer.identity(json!({}), &Hands::new());
    assert_eq!(nameless.challenge(&IdentityError::Missing), "Bearer");
    assert_eq!(
        serve(&nameless, "/.well-known/oauth-protected-resource").await,
        None
    );
    let fixed = Identity::named("alice", &[], std::sync::Arc::new(Hands::new())).unwrap();
    assert_eq!(
        serve(&fixed, "/.well-known/oauth-protected-resource").await,
        None
    );
}

/// What is served there, as JSON. None: nothing is.
async fn serve(identity: &Identity, path: &str) -> Option<Value> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes = identity.metadata_routes();
    let server = tokio::spawn(async move { axum::serve(listener, routes).await });
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client
        .get(format!("http://{address}{path}"))
        .send()
        .await
        .unwrap();
    let found = if answer.status() == 200 {
        assert_eq!(answer.headers()["content-type"], "application/json");
        Some(serde_json::from_str(&answer.text().await.unwrap()).unwrap())
    } else {
        assert_eq!(answer.status(), 404);
        None
    };
    server.abort();
    found
}
