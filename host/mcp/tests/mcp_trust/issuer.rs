//! An issuer on loopback with real keys, made here.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, SystemTime};

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
};
use axum::http::StatusCode;
use axum::{Router, routing::get};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hexgate_base::Clock;
use hexgate_mcp::identity::{Identity, IdentityConfig};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

/// Now, for every test: a moment that no test waits for.
pub(crate) const NOW: u64 = 1_800_000_000;

/// A clock that is set by hand.
#[derive(Debug, Clone)]
pub(crate) struct Hands(Arc<Mutex<SystemTime>>);

impl Hands {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(
            SystemTime::UNIX_EPOCH + Duration::from_secs(NOW),
        )))
    }

    pub(crate) fn pass(&self, seconds: u64) {
        *self.0.lock().unwrap() += Duration::from_secs(seconds);
    }
}

impl Clock for Hands {
    fn now(&self) -> SystemTime {
        *self.0.lock().unwrap()
    }
}

/// A key pair of an issuer.
#[derive(Clone)]
pub(crate) struct SigningKey {
    pub(crate) key: EncodingKey,
    pub(crate) algorithm: Algorithm,
    pub(crate) jwk: Value,
}

impl SigningKey {
    fn new(key: EncodingKey, algorithm: Algorithm, kid: &str) -> Self {
        let mut jwk =
            serde_json::to_value(Jwk::from_encoding_key(&key, algorithm).unwrap()).unwrap();
        jwk["kid"] = json!(kid);
        jwk["use"] = json!("sig");
        Self {
            key,
            algorithm,
            jwk,
        }
    }

    pub(crate) fn es256(kid: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let der = pair.to_pkcs8v1().unwrap();
        Self::new(
            EncodingKey::from_ec_der(der.as_ref()),
            Algorithm::ES256,
            kid,
        )
    }

    pub(crate) fn ed25519(kid: &str) -> Self {
        let pair = Ed25519KeyPair::generate().unwrap();
        let der = pair.to_pkcs8v1().unwrap();
        let key = EncodingKey::from_ed_der(der.as_ref());
        let mut made = Self {
            key,
            algorithm: Algorithm::EdDSA,
            jwk: json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "x": URL_SAFE_NO_PAD.encode(pair.public_key().as_ref())}),
        };
        made.jwk["kid"] = json!(kid);
        made
    }

    /// One RSA key for all tests: making one takes a while.
    pub(crate) fn rs256(kid: &str) -> Self {
        static PAIR: OnceLock<Vec<u8>> = OnceLock::new();
        let der = PAIR.get_or_init(|| rsa(KeySize::Rsa2048));
        Self::new(EncodingKey::from_rsa_der(der), Algorithm::RS256, kid)
    }
}

/// The private key in the form of PKCS#1, which is the last member of PKCS#8.
fn rsa(size: KeySize) -> Vec<u8> {
    let pair = aws_lc_rs::rsa::KeyPair::generate(size).unwrap();
    let pkcs8: aws_lc_rs::encoding::Pkcs8V1Der<'_> = pair.as_der().unwrap();
    let bytes = pkcs8.as_ref();
    // SEQUENCE (4), version (3), algorithm (15), OCTET STRING (4).
    bytes[26..].to_vec()
}

struct Published {
    status: StatusCode,
    body: String,
    wait: Duration,
}

/// An issuer that publishes keys.
pub(crate) struct IssuerServer {
    pub(crate) address: String,
    published: Arc<Mutex<Published>>,
    asked: Arc<AtomicUsize>,
}

impl IssuerServer {
    pub(crate) async fn start(keys: &[&SigningKey]) -> Self {
        let published = Arc::new(Mutex::new(Published {
            status: StatusCode::OK,
            body: set(keys),
            wait: Duration::ZERO,
        }));
        let asked = Arc::new(AtomicUsize::new(0));
        let (of, counted) = (published.clone(), asked.clone());
        let keys = get(move || {
            let (of, counted) = (of.clone(), counted.clone());
            async move {
                counted.fetch_add(1, Ordering::SeqCst);
                let (status, body, wait) = {
                    let now = of.lock().unwrap();
                    (now.status, now.body.clone(), now.wait)
                };
                tokio::time::sleep(wait).await;
                (status, [("location", "/keys")], body)
            }
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let routes = Router::new().route("/keys", keys);
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self {
            address,
            published,
            asked,
        }
    }

    pub(crate) fn publish(&self, keys: &[&SigningKey]) {
        self.answer(StatusCode::OK, set(keys));
    }

    pub(crate) fn answer(&self, status: StatusCode, body: impl Into<String>) {
        let mut published = self.published.lock().unwrap();
        published.status = status;
        published.body = body.into();
    }

    pub(crate) fn wait(&self, time: Duration) {
        self.published.lock().unwrap().wait = time;
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// The configuration of this issuer, with more members.
    pub(crate) fn config(&self, more: Value) -> Value {
        let mut config = json!({
            "issuer": "https://login.example",
            "jwks": format!("{}/keys", self.address),
            "audiences": ["gateway"],
            "algorithms": ["ES256", "RS256", "EdDSA"],
            "dangerous_http_on_loopback": true,
        });
        for (name, value) in more.as_object().unwrap() {
            config[name] = value.clone();
        }
        config
    }

    pub(crate) fn identity(&self, more: Value, clock: &Hands) -> Identity {
        identity(json!({"issuers": [self.config(more)]}), clock).unwrap()
    }
}

pub(crate) fn identity(config: Value, clock: &Hands) -> Result<Identity, String> {
    let config: IdentityConfig =
        serde_json::from_value(config).map_err(|error| error.to_string())?;
    Identity::from_config(&config, std::path::Path::new("."), Arc::new(clock.clone()))
        .map_err(|error| error.to_string())
}

pub(crate) fn set(keys: &[&SigningKey]) -> String {
    json!({"keys": keys.iter().map(|key| &key.jwk).collect::<Vec<_>>()}).to_string()
}

/// Claims that hold, and others.
pub(crate) fn claims(more: Value) -> Value {
    let mut claims =
        json!({"iss": "https://login.example", "aud": "gateway", "sub": "alice", "exp": NOW + 60});
    for (name, value) in more.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}

/// A token with this header and these claims, as bytes.
pub(crate) fn signed(header: &Value, claims: &str, key: &SigningKey) -> String {
    let message = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header.to_string()),
        URL_SAFE_NO_PAD.encode(claims)
    );
    let signature =
        jsonwebtoken::crypto::sign(message.as_bytes(), &key.key, key.algorithm).unwrap();
    format!("{message}.{signature}")
}

/// A token of `key` with its own name.
pub(crate) fn token(key: &SigningKey, claims: &Value) -> String {
    let algorithm = format!("{:?}", key.algorithm);
    signed(
        &json!({"alg": algorithm, "kid": key.jwk["kid"]}),
        &claims.to_string(),
        key,
    )
}
