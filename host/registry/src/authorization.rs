//! Credentials, and the token that a registry wants in their place.
//!
//! A registry names the place that issues tokens. Credentials go there over TLS only, or, if TLS was disabled for it, to the registry
//! itself.

use http_auth::parser::ChallengeParser;
use oci_client::secrets::RegistryAuth;
use reqwest::{
    Client, StatusCode, Url,
    header::{HeaderMap, WWW_AUTHENTICATE},
};
use serde::Deserialize;

use crate::{
    Access, Transport,
    error::{RegistryError, Subject},
};

/// The longest answer with a token that is read, in bytes.
const MAX_TOKEN: u64 = 64 << 10;

/// The place that issues a token, and the service that it is for.
#[derive(Debug, PartialEq, Eq)]
struct Challenge {
    realm: String,
    service: Option<String>,
}

/// An answer with a token, under either of its names.
#[derive(Deserialize)]
struct Answer {
    token: Option<String>,
    access_token: Option<String>,
}

/// The `Authorization` header for requests to the registry, whose interface is at `root`.
pub(crate) async fn authorize(
    http: &Client,
    root: &Url,
    access: &Access,
    scope: &str,
    subject: &Subject,
) -> Result<RegistryAuth, RegistryError> {
    let credentials = &access.credentials.0;
    // The user's own token is used as it is.
    if let RegistryAuth::Bearer(_) = credentials {
        return Ok(credentials.clone());
    }
    let failed = |error: reqwest::Error| subject.request(&error);
    let answer = http.get(root.clone()).send().await.map_err(failed)?;
    let Some(challenge) = challenge(answer.headers()) else {
        return Ok(credentials.clone());
    };
    let is_anonymous = matches!(credentials, RegistryAuth::Anonymous);
    let realm =
        realm(&challenge.realm, root, access.transport, is_anonymous).map_err(|reason| {
            RegistryError::Realm {
                registry: subject.registry.clone(),
                realm: crate::artifact::shown(&challenge.realm),
                reason,
            }
        })?;
    let mut query = vec![("scope", scope)];
    query.extend(
        challenge
            .service
            .as_deref()
            .map(|service| ("service", service)),
    );
    let mut request = http.get(realm).query(&query);
    if let RegistryAuth::Basic(user, password) = credentials {
        request = request.basic_auth(user, Some(password));
    }
    let answer = request.send().await.map_err(failed)?;
    if answer.status() != StatusCode::OK {
        let status = answer.status().as_u16();
        let said = subject.codes(answer).await;
        return Err(subject.denied(format!("no token: status {status} {said}").trim_end()));
    }
    let body = subject
        .body(answer, MAX_TOKEN)
        .await?
        .ok_or_else(|| subject.failed(&format!("its token has more than {MAX_TOKEN} bytes")))?;
    let token = serde_json::from_slice::<Answer>(&body)
        .ok()
        .and_then(|answer| answer.token.or(answer.access_token))
        .ok_or_else(|| subject.failed("its answer to the request for a token has none"))?;
    Ok(RegistryAuth::Bearer(token))
}

/// The address for a token, if credentials may go there.
fn realm(
    realm: &str,
    registry: &Url,
    transport: Transport,
    is_anonymous: bool,
) -> Result<Url, &'static str> {
    let url = Url::parse(realm).map_err(|_| "which is no address")?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("with a name or a password in it");
    }
    let is_plain = transport == Transport::Plain;
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_plain && (is_anonymous || url.origin() == registry.origin()) => Ok(url),
        "http" => Err("without TLS, where an attacker on the way would read them"),
        _ => Err("which is not on the web"),
    }
}

/// The first challenge for a token.
fn challenge(headers: &HeaderMap) -> Option<Challenge> {
    headers
        .get_all(WWW_AUTHENTICATE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| ChallengeParser::new(text).filter_map(Result::ok))
        .filter(|challenge| challenge.scheme.eq_ignore_ascii_case("Bearer"))
        .find_map(|challenge| {
            let parameter = |wanted: &str| {
                let mut parameters = challenge.params.iter();
                parameters
                    .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
                    .map(|(_, value)| value.to_unescaped())
            };
            Some(Challenge {
                realm: parameter("realm")?,
                service: parameter("service"),
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_go_over_tls_or_to_the_registry_itself() {
        use Transport::{Plain, Tls};
        let https = Url::parse("https://r.example/v2/").unwrap();
        let http = Url::parse("http://localhost:5000/v2/").unwrap();
        let with =
            |text: &str, registry: &Url, transport| realm(text, registry, transport, false).is_ok();
        for (text, registry, transport, good) in [
            ("https://auth.example/token", &https, Tls, true),
            ("https://r.example/token", &https, Tls, true),
            ("https://auth.example/token", &http, Plain, true),
            ("http://localhost:5000/token", &http, Plain, true),
            ("http://localhost:5001/token", &http, Plain, false),
            ("http://localhost/token", &http, Plain, false),
            ("http://auth.example/token", &http, Plain, false),
            ("http://auth.example/token", &https, Tls, false),
            ("http://r.example/token", &https, Tls, false),
            ("http://r.example:443/token", &https, Tls, false),
            ("https://me:pw@auth.example/token", &https, Tls, false),
            ("https://me@auth.example/token", &https, Tls, false),
            ("ftp://auth.example/token", &https, Tls, false),
            ("file:///etc/passwd", &http, Plain, false),
            ("/token", &https, Tls, false),
            ("", &https, Tls, false),
        ] {
            assert_eq!(with(text, registry, transport), good, "{text}");
        }
        // Without credentials, an attacker on the way can only read a token that is given to anyone.
        assert!(realm("http://localhost:5001/token", &http, Plain, true).is_ok());
        assert!(realm("http://auth.example/token", &https, Tls, true).is_err());
    }

    #[test]
    fn finds_the_challenge_for_a_token_among_others() {
        let found = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(WWW_AUTHENTICATE, value.parse().unwrap());
            }
            challenge(&headers).map(|challenge| (challenge.realm, challenge.service))
        };
        let token =
            |service: Option<&str>| Some(("https://a/t".to_owned(), service.map(str::to_owned)));
        let realm = r#"Bearer realm="https://a/t""#;
        assert_eq!(found(&[realm]), token(None));
        assert_eq!(
            found(&[r#"bearer Realm="https://a/t",service="r",scope="x""#]),
            token(Some("r"))
        );
        assert_eq!(
            found(&[&format!(r#"Basic realm="x", {realm}"#)]),
            token(None)
        );
        assert_eq!(found(&[r#"Basic realm="x""#, realm]), token(None));
        for none in [
            r#"Basic realm="x""#,
            "Bearer",
            r#"Bearer service="r""#,
            "Negotiate",
            "=",
        ] {
            assert_eq!(found(&[none]), None, "{none}");
        }
        assert_eq!(found(&[]), None);
    }
}
