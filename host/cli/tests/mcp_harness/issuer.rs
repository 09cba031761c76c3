//! Issuers of tokens with real keys, made here, and the one that publishes its keys.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

/// Where the gateway is, as tokens say it.
pub(crate) const RESOURCE: &str = "https://gateway.example/mcp";
/// Whom the gateway believes.
pub(crate) const ISSUER: &str = "https://login.example";

pub(crate) struct Issuer {
    name: &'static str,
    key: EncodingKey,
    jwk: Value,
}

impl Issuer {
    pub(crate) fn new(name: &'static str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let key = EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref());
        let jwk = Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap();
        let mut jwk = serde_json::to_value(jwk).unwrap();
        jwk["kid"] = json!("k1");
        jwk["use"] = json!("sig");
        Self { name, key, jwk }
    }

    /// A header with a token that this person may use at a resource for an hour.
    pub(crate) fn header(&self, person: &str, resource: &str) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let claims = json!({"iss": self.name, "aud": resource, "sub": person, "exp": now.as_secs() + 3600, "roles": ["member"]});
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some("k1".to_owned());
        let token = jsonwebtoken::encode(&header, &claims, &self.key).unwrap();
        format!("Authorization:Bearer {token}")
    }

    /// Publishes the keys on this machine, until the runtime ends. Their address.
    pub(crate) async fn publish(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let set = json!({"keys": [self.jwk]}).to_string();
        let keys = axum::routing::get(move || std::future::ready(set.clone()));
        let routes = axum::Router::new().route("/keys", keys);
        tokio::spawn(async move { axum::serve(listener, routes).await });
        format!("http://{address}/keys")
    }
}
