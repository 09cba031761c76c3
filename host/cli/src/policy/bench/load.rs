//! Timing what happens before the first verdict: bundle bytes, verified, loaded, decided.

use std::{
    hint::black_box,
    time::{Duration, Instant, SystemTime},
};

use anyhow::Context;
use hexgate_bundle::{
    Claims, Draft, Expectation, Parts, PrivateKey, TrustedKeys, UnverifiedBundle,
};
use hexgate_compiler::{CONTRACT, Compiler};
use hexgate_host::{Engine, Policy, Request};

use super::measure::quantile;

/// Rounds go on until this much time went by, but not beyond so many.
const TIME: Duration = Duration::from_millis(2500);
const ROUNDS: usize = 40;
/// There are at least so many.
const LEAST: usize = 3;

/// Whom the bundle is made for.
const AGENT: &str = "bench";

/// Milliseconds, medians.
pub(super) struct Loading {
    /// The engine compiles its code first.
    pub(super) cold: f64,
    /// The engine's code is compiled, for another policy.
    pub(super) changed: f64,
    /// The engine's code comes from the cache on disk.
    pub(super) cached: f64,
    /// Starting the runtime, which is not in the others.
    pub(super) engine_start: f64,
}

/// Measures a component in a bundle that is signed for the purpose.
pub(super) fn measure(component: &[u8], request: &Request<'_>) -> anyhow::Result<Loading> {
    // This key signs nothing but what is measured here, in memory.
    let key = PrivateKey::from_bytes(&[7; 32]);
    let keys = TrustedKeys::from(key.public_key());
    let parts = parts(component, &key)?;
    let other = other_policy()?;
    let folder = tempfile::Builder::new()
        .prefix("hexgate-bench-")
        .tempdir()
        .context("cannot make a folder for the compile cache")?;
    let (cache, cache_key) = (folder.path().join("cache"), folder.path().join("key"));
    let cached_engine = || {
        Engine::builder()
            .cache(&cache, &cache_key)
            .build()
            .context("cannot open the compile cache")
    };
    // Fills the cache.
    first_verdict(&cached_engine()?, parts.clone(), &keys, request)?;

    let (mut cold, mut changed, mut cached, mut start) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let begin = Instant::now();
    while cold.len() < LEAST || begin.elapsed() < TIME && cold.len() < ROUNDS {
        let starting = Instant::now();
        let engine = Engine::new().context("cannot start the runtime")?;
        start.push(milliseconds(starting.elapsed()));
        cold.push(first_verdict(&engine, parts.clone(), &keys, request)?);

        let engine = Engine::new().context("cannot start the runtime")?;
        let known = Policy::dangerous_from_unverified_bytes(&engine, &other)
            .context("the other policy does not load")?;
        changed.push(first_verdict(&engine, parts.clone(), &keys, request)?);
        drop(known);

        cached.push(first_verdict(
            &cached_engine()?,
            parts.clone(),
            &keys,
            request,
        )?);
    }
    let median = |mut samples: Vec<f64>| (quantile(&mut samples, 0.5) * 1000.0).round() / 1000.0;
    Ok(Loading {
        cold: median(cold),
        changed: median(changed),
        cached: median(cached),
        engine_start: median(start),
    })
}

/// Milliseconds from the bytes of a bundle to its first verdict.
fn first_verdict(
    engine: &Engine,
    parts: Parts,
    keys: &TrustedKeys,
    request: &Request<'_>,
) -> anyhow::Result<f64> {
    let begin = Instant::now();
    let bundle = UnverifiedBundle::from_parts(parts)?.verify(
        keys,
        &Expectation::agent(AGENT),
        SystemTime::now(),
    )?;
    let policy = Policy::load(engine, &bundle)?;
    let _ = black_box(policy.decide(request)?);
    Ok(milliseconds(begin.elapsed()))
}

fn parts(component: &[u8], key: &PrivateKey) -> anyhow::Result<Parts> {
    let engine = match hexgate_component::opa_module_of(component) {
        Some(_) => "rego",
        None => "native",
    };
    let claims = Claims {
        agent: Some(AGENT.into()),
        ..Claims::new("bench.yaml", CONTRACT, engine, "hexgate bench")
    };
    let draft = Draft {
        stem: "bench".parse()?,
        source: b"",
        rego: "",
        wasm: component,
        claims,
    };
    Ok(draft.seal(Some(key))?.into_parts("the measured bundle"))
}

/// A policy that is not the measured one, so that the engine is compiled and nothing else is known.
fn other_policy() -> anyhow::Result<Vec<u8>> {
    let outcome = Compiler::default().compile_str(
        "other.yaml",
        "version: 1\ntools:\n  hexgate_bench_other:\n    mode: deny\n",
    );
    Ok(outcome
        .policy
        .context("the other policy does not compile")?
        .component)
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
