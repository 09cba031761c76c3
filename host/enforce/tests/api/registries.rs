//! A bundle in a registry, pulled again when its tag is set anew.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use hexgate_compiler::bundle::{Expectation, UnverifiedBundle};
use hexgate_compiler::{Compiler, Release};
use hexgate_enforce::LivePolicy;
use hexgate_enforce::registry::{self, Access, Credentials, Reference, Transport};
use hexgate_enforce::resolve::{Environment, ResolveError, Resolver};
use hexgate_enforce::source::RegistryBundle;

use crate::fixture::*;

/// What a registry has, by path, and whether it answers.
#[derive(Clone, Default)]
struct Registry {
    stored: Arc<Mutex<BTreeMap<String, Bytes>>>,
    is_down: Arc<Mutex<bool>>,
    blobs: Arc<Mutex<u64>>,
}

async fn answer(
    State(registry): State<Registry>,
    method: Method,
    uri: Uri,
    _headers: HeaderMap,
    body: Bytes,
) -> Response {
    if *registry.is_down.lock().unwrap() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let (path, mut stored) = (uri.path().to_owned(), registry.stored.lock().unwrap());
    if path == "/v2/" {
        return StatusCode::OK.into_response();
    }
    if method == Method::POST {
        return (StatusCode::ACCEPTED, [(header::LOCATION, path)]).into_response();
    }
    if method == Method::PUT {
        // A blob's digest is in the query, a manifest's tag in the path.
        let at = match uri.query().and_then(|query| query.split_once("digest=")) {
            Some((_, digest)) => path.replace("uploads/", &digest.replace("%3A", ":")),
            None => path,
        };
        stored.insert(at, body);
        return StatusCode::CREATED.into_response();
    }
    *registry.blobs.lock().unwrap() += u64::from(path.contains("/blobs/"));
    match stored.get(&path) {
        Some(bytes) => bytes.clone().into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

impl Registry {
    fn start() -> (Self, Reference) {
        let registry = Self::default();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let reference = format!("{}/policies/support:live", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(registry.clone());
        crate::server::serve(listener, router);
        (registry, reference.parse().unwrap())
    }
}

fn access() -> Access {
    let mut access = Access::with(Credentials::anonymous());
    access.transport = Transport::Plain;
    access
}

fn push(to: &Reference, policy: &str, release: &Release, signer: u8) {
    let compiled = Compiler::default().compile_str("policy.yaml", policy);
    let compiled = compiled.policy.unwrap();
    let sealed = compiled.draft(release).unwrap().seal(Some(&key(signer)));
    let bundle = UnverifiedBundle::from_parts(sealed.unwrap().into_parts("here")).unwrap();
    let expectation = Expectation::dangerous_any_binding();
    let bundle = bundle.verify(&trusted(signer), &expectation, SystemTime::now());
    registry::push(&bundle.unwrap(), to, &access()).unwrap();
}

fn open(from: &Reference) -> Result<LivePolicy, String> {
    let expectation = Expectation::agent(AGENT);
    let source = RegistryBundle::new(from.clone(), access(), trusted(1), expectation)
        .interval(Duration::from_millis(5));
    LivePolicy::open(&engine(), source).map_err(|error| error.to_string())
}

#[test]
fn a_bundle_in_a_registry_decides_until_its_tag_names_a_newer_one() {
    let (registry, reference) = Registry::start();
    let error = open(&reference).unwrap_err();
    assert!(error.contains("does not exist"), "{error}");
    push(&reference, BILLING, &release(1), 1);
    let live = open(&reference).unwrap();
    assert!(may_view(&live));
    assert_eq!(live.id().origin, reference.to_string());
    // Unchanged: nothing but the manifest is asked for.
    let before = *registry.blobs.lock().unwrap();
    let confirmed = live.confirmed_at();
    wait(|| live.confirmed_at() > confirmed);
    assert_eq!(*registry.blobs.lock().unwrap(), before);

    push(&reference, "{}", &release(2), 1);
    wait(|| !may_view(&live));
    let said = |why: &str| {
        let failure = live.failure();
        failure.is_some_and(|failure| failure.to_string().contains(why))
    };
    push(&reference, BILLING, &release(3), 2);
    wait(|| said("trusted key"));
    push(&reference, BILLING, &release(1), 1);
    wait(|| said("sequence number 1"));
    *registry.is_down.lock().unwrap() = true;
    wait(|| said("503"));
    assert!(!may_view(&live));
    *registry.is_down.lock().unwrap() = false;
    push(&reference, BILLING, &release(3), 1);
    wait(|| may_view(&live) && live.failure().is_none());
}

#[tokio::test]
async fn a_registry_is_asked_from_an_asynchronous_program_too() {
    let (_registry, reference) = Registry::start();
    push_elsewhere(&reference).await;
    let live = open(&reference).unwrap();
    assert!(may_view(&live));
    drop(live);
}

async fn push_elsewhere(to: &Reference) {
    let to = to.clone();
    let pushed = tokio::task::spawn_blocking(move || push(&to, BILLING, &release(1), 1));
    pushed.await.unwrap();
}

#[test]
fn the_environment_names_a_registry_and_who_signs() {
    let (_registry, reference) = Registry::start();
    let resolve = |policy: &str, keys: Option<&str>| {
        let mut variables = vec![("HEXGATE_POLICY", policy)];
        variables.extend(keys.map(|keys| ("HEXGATE_BUNDLE_PUBKEY_PATH", keys)));
        // Whatever it says, what nobody signed does not come from a registry.
        variables.push(("HEXGATE_BUNDLE_REQUIRE_SIGNATURE", "false"));
        let environment: Environment = variables.into_iter().collect();
        Resolver::new(AGENT, &engine()).resolve(&environment)
    };
    let named = format!("oci://{reference}");
    let error = resolve(&named, None).unwrap_err();
    assert!(matches!(error, ResolveError::NoBundleKey), "{error}");
    let folder = tempfile::tempdir().unwrap();
    let public = folder.path().join("key.public");
    std::fs::write(&public, key(1).public_key().to_text()).unwrap();
    let public = public.display().to_string();
    let error = resolve("oci://not a reference", Some(&public)).unwrap_err();
    assert!(error.to_string().starts_with("HEXGATE_POLICY"), "{error}");
    // Over TLS and nothing else: the registry on loopback has none.
    let error = resolve(&named, Some(&public)).unwrap_err();
    assert!(matches!(error, ResolveError::Source(_)), "{error}");
}
