//! Registries that lie, in ways that a test chooses.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use hexgate_bundle::Digest;
use serde_json::{Value, json};

use super::{files, run};
use crate::fixture::Fixture;

/// What is answered to a path.
#[derive(Clone)]
pub(super) enum Answer {
    Bytes(Vec<u8>),
    Status(u16),
    /// A status, and what is said about it.
    Failing(u16, Vec<u8>),
    Redirect(String),
    /// A status, and a header.
    With(u16, &'static str, String),
    /// Bytes without end.
    Endless,
    /// Nothing, until the asker gives up.
    Silence,
    /// Fewer bytes than were announced.
    CutOff(Vec<u8>),
}

/// A registry with an answer for each path, and 404 for all others.
pub(super) struct Liar {
    pub(super) address: String,
    /// Each request, and the credentials that came along.
    seen: Arc<Mutex<Vec<(String, String)>>>,
    answers: Arc<Mutex<BTreeMap<String, Answer>>>,
}

impl Liar {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let answers: Arc<Mutex<BTreeMap<String, Answer>>> = Arc::default();
        let seen: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
        let (known, asked) = (Arc::clone(&answers), Arc::clone(&seen));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (known, asked) = (Arc::clone(&known), Arc::clone(&asked));
                // Whoever hangs up is no failure.
                thread::spawn(move || stream.and_then(|stream| serve(stream, &known, &asked)));
            }
        });
        let liar = Self {
            address,
            seen,
            answers,
        };
        liar.put("/v2/", Answer::Bytes(b"{}".to_vec()));
        liar
    }

    /// Each request since this was asked last, and the credentials that came along.
    pub(super) fn seen(&self) -> Vec<(String, String)> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }

    pub(super) fn put(&self, path: &str, answer: Answer) {
        self.answers.lock().unwrap().insert(path.to_owned(), answer);
    }

    pub(super) fn put_blob(&self, digest: &str, answer: Answer) {
        self.put(&format!("/v2/policies/support/blobs/{digest}"), answer);
    }

    fn put_manifest(&self, manifest: &Value) {
        self.put(MANIFEST, Answer::Bytes(manifest.to_string().into_bytes()));
    }
}

pub(super) const MANIFEST: &str = "/v2/policies/support/manifests/7";

fn serve(
    stream: TcpStream,
    known: &Mutex<BTreeMap<String, Answer>>,
    seen: &Mutex<Vec<(String, String)>>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let request = line.trim_end_matches("HTTP/1.1\r\n").trim().to_owned();
    let (mut authorization, mut length) = (String::new(), 0);
    while line.trim() != "" {
        line.clear();
        reader.read_line(&mut line)?;
        match line
            .split_once(": ")
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim()))
        {
            Some((name, value)) if name == "authorization" => authorization = value.to_owned(),
            Some((name, value)) if name == "content-length" => length = value.parse().unwrap(),
            _ => {}
        }
    }
    std::io::copy(&mut reader.take(length), &mut std::io::sink())?;
    seen.lock().unwrap().push((request, authorization));
    // What is asked for with a query is answered as without one.
    let path = path.split('?').next().unwrap_or_default().to_owned();
    let mut stream = stream;
    let answer = known.lock().unwrap().get(&path).cloned();
    let mut head = |status: &str, more: &str| {
        write!(
            stream,
            "HTTP/1.1 {status}\r\nConnection: close\r\n{more}\r\n"
        )
    };
    match answer.unwrap_or(Answer::Status(404)) {
        Answer::Bytes(bytes) => {
            head("200 OK", &format!("Content-Length: {}\r\n", bytes.len()))?;
            stream.write_all(&bytes)
        }
        Answer::Failing(status, bytes) => {
            head(
                &format!("{status} No"),
                &format!("Content-Length: {}\r\n", bytes.len()),
            )?;
            stream.write_all(&bytes)
        }
        Answer::CutOff(bytes) => {
            head("200 OK", &format!("Content-Length: {}\r\n", bytes.len()))?;
            stream.write_all(&bytes[..bytes.len() / 2])
        }
        Answer::Status(status) => head(&format!("{status} No"), "Content-Length: 0\r\n"),
        Answer::With(status, name, value) => head(
            &format!("{status} So"),
            &format!("{name}: {value}\r\nContent-Length: 0\r\n"),
        ),
        Answer::Redirect(to) => head(
            "307 Elsewhere",
            &format!("Location: {to}\r\nContent-Length: 0\r\n"),
        ),
        Answer::Endless => {
            head("200 OK", "")?;
            loop {
                stream.write_all(&[b' '; 4096])?;
            }
        }
        Answer::Silence => {
            thread::sleep(Duration::from_secs(60));
            Ok(())
        }
    }
}

pub(super) fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", Digest::of(bytes))
}

/// A registry that has the bundle `dist` as `policies/support:7`, laid out as the documents describe it, and the manifest.
pub(super) fn honest(fixture: &Fixture) -> (Liar, Value) {
    let liar = Liar::start();
    let file = |name: &str| std::fs::read(fixture.path("dist").join(name)).unwrap();
    let mut annotations = serde_json::Map::new();
    for (annotation, name) in [
        ("manifest", "policy.bundle.json"),
        ("signature", "policy.bundle.json.sig"),
        ("source", "policy.yaml"),
        ("rego", "policy.rego"),
    ] {
        let content = file(name);
        annotations.insert(
            format!("com.hexgate.bundle.{annotation}"),
            digest(&content).into(),
        );
        liar.put_blob(&digest(&content), Answer::Bytes(content));
    }
    let component = file("policy.wasm");
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": { "mediaType": "application/vnd.wasm.config.v0+json", "digest": digest(b"{}"), "size": 2 },
        "layers": [{ "mediaType": "application/wasm", "digest": digest(&component), "size": component.len() }],
        "annotations": annotations,
    });
    liar.put_blob(&digest(&component), Answer::Bytes(component));
    liar.put_manifest(&manifest);
    (liar, manifest)
}

/// Pulls into `out`, where an older bundle is, which must stay as it is unless the pull succeeds.
pub(super) fn pull(fixture: &Fixture, liar: &Liar, version: &str, more: &str) -> String {
    pull_as(fixture, liar, version, more, &[])
}

/// The same, with variables of the environment.
pub(super) fn pull_as(
    fixture: &Fixture,
    liar: &Liar,
    version: &str,
    more: &str,
    variables: &[(&str, &str)],
) -> String {
    let before = files(&fixture.path("out"));
    let agent = match more.contains("--agent") {
        true => "",
        false => "--agent support-bot",
    };
    let reference = format!("{}/policies/support{version}", liar.address);
    let shown = run(
        fixture,
        &format!("pull {reference} --out out --pubkey release.public --plain-http {agent} {more}"),
        variables,
    );
    if !shown.starts_with("exit 0\n") {
        assert_eq!(files(&fixture.path("out")), before, "{shown}");
        let left: Vec<_> = files_beside(fixture);
        assert!(left.is_empty(), "{left:?} was left behind");
    }
    shown
}

/// What passing names there are beside the bundles.
fn files_beside(fixture: &Fixture) -> Vec<String> {
    std::fs::read_dir(fixture.path("."))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with('.'))
        .collect()
}

pub(super) fn fixture() -> Fixture {
    let fixture = Fixture::new().with_bundle();
    fixture.quiet(
        "build policy.yaml --out out --sign-key release.private --agent support-bot --sequence 3",
    );
    fixture
}

pub(super) fn wasm(manifest: &Value) -> String {
    manifest["layers"][0]["digest"].as_str().unwrap().to_owned()
}

#[test]
fn what_the_documents_describe_is_a_bundle() {
    let fixture = fixture();
    let (liar, _) = honest(&fixture);
    let shown = pull(&fixture, &liar, ":7", "");
    assert!(shown.starts_with("exit 0\n"), "{shown}");
    assert_eq!(files(&fixture.path("out")), files(&fixture.path("dist")));
}

#[test]
fn a_manifest_that_is_none_of_a_bundle_is_refused() {
    let fixture = fixture();
    let (liar, honest) = honest(&fixture);
    let change = |change: &dyn Fn(&mut Value)| {
        let mut manifest = honest.clone();
        change(&mut manifest);
        manifest.to_string().into_bytes()
    };
    for (what, manifest, said) in [
        ("no JSON", b"<html>".to_vec(), "cannot be read"),
        ("nothing", Vec::new(), "cannot be read"),
        (
            "another version",
            change(&|m| m["schemaVersion"] = json!(1)),
            "not of version 2",
        ),
        (
            "an index",
            change(&|m| m["mediaType"] = json!("application/vnd.oci.image.index.v1+json")),
            "image.index",
        ),
        (
            "an image",
            change(&|m| {
                m["config"]["mediaType"] = json!("application/vnd.oci.image.config.v1+json")
            }),
            "its configuration is",
        ),
        (
            "another layer",
            change(&|m| m["layers"][0]["mediaType"] = json!("application/x\u{1b}[2J")),
            "its layer is",
        ),
        ("no layer", change(&|m| m["layers"] = json!([])), "0 layers"),
        (
            "two layers",
            change(&|m| {
                let layer = m["layers"][0].clone();
                m["layers"] = json!([layer, layer]);
            }),
            "2 layers",
        ),
        (
            "a negative size",
            change(&|m| m["layers"][0]["size"] = json!(-1)),
            "negative",
        ),
        (
            "a huge size",
            change(&|m| m["layers"][0]["size"] = json!(1_u64 << 40)),
            "more than 67108864 bytes",
        ),
        (
            "another digest algorithm",
            change(&|m| m["layers"][0]["digest"] = json!("sha512:00")),
            "not SHA-256",
        ),
        (
            "a digest that leads elsewhere",
            change(&|m| m["layers"][0]["digest"] = json!("sha256:../../../../v2/")),
            "not SHA-256",
        ),
        (
            "no annotations",
            change(&|m| {
                m.as_object_mut().unwrap().remove("annotations");
            }),
            "unsigned component",
        ),
        (
            "no signature",
            change(&|m| {
                m["annotations"]
                    .as_object_mut()
                    .unwrap()
                    .remove("com.hexgate.bundle.signature");
            }),
            "unsigned component",
        ),
        (
            "a bad annotation",
            change(&|m| m["annotations"]["com.hexgate.bundle.rego"] = json!("x")),
            "com.hexgate.bundle.rego",
        ),
        (
            "no source",
            change(&|m| {
                m["annotations"]
                    .as_object_mut()
                    .unwrap()
                    .remove("com.hexgate.bundle.source");
            }),
            "the source",
        ),
    ] {
        liar.put(MANIFEST, Answer::Bytes(manifest));
        let shown = pull(&fixture, &liar, ":7", "");
        assert!(
            shown.starts_with("exit 1\n") && shown.contains(said),
            "{what}: {shown}"
        );
        assert!(!shown.contains('\u{1b}'), "{what}: {shown:?}");
    }
}

#[test]
fn other_bytes_than_those_that_were_asked_for_are_refused() {
    let fixture = fixture();
    let (liar, manifest) = honest(&fixture);
    let wasm = wasm(&manifest);
    let size = usize::try_from(manifest["layers"][0]["size"].as_u64().unwrap()).unwrap();
    for (what, answer, code, said) in [
        (
            "other bytes",
            Answer::Bytes(vec![0; size]),
            1,
            "does not have the digest",
        ),
        (
            "fewer bytes",
            Answer::Bytes(vec![0; 8]),
            1,
            "does not have the digest",
        ),
        (
            "more bytes",
            Answer::Bytes(vec![0; size + 1]),
            1,
            "more than",
        ),
        ("bytes without end", Answer::Endless, 1, "more than"),
        (
            "half of the bytes",
            Answer::CutOff(vec![0; size]),
            2,
            "failed",
        ),
        ("no such blob", Answer::Status(404), 2, "does not exist"),
        ("a failure", Answer::Status(500), 2, "status 500"),
        ("no permission", Answer::Status(403), 2, "docker login"),
    ] {
        liar.put_blob(&wasm, answer);
        let shown = pull(&fixture, &liar, ":7", "--timeout 20");
        assert!(
            shown.starts_with(&format!("exit {code}\n")) && shown.contains(said),
            "{what}: {shown}"
        );
    }
    // What the registry says and what it sends fit together, but nobody signed it.
    for annotation in ["manifest", "signature", "source", "rego"] {
        let (liar, mut manifest) = honest(&fixture);
        let forged = vec![b'1'; 64];
        liar.put_blob(&digest(&forged), Answer::Bytes(forged.clone()));
        manifest["annotations"][format!("com.hexgate.bundle.{annotation}")] =
            digest(&forged).into();
        liar.put_manifest(&manifest);
        let shown = pull(&fixture, &liar, ":7", "");
        assert!(shown.starts_with("exit 1\n"), "{annotation}: {shown}");
    }
    let (liar, mut manifest) = honest(&fixture);
    let forged = b"\0asm\x0d\0\x01\0".to_vec();
    manifest["layers"][0]["digest"] = digest(&forged).into();
    manifest["layers"][0]["size"] = forged.len().into();
    liar.put_blob(&digest(&forged), Answer::Bytes(forged));
    liar.put_manifest(&manifest);
    let shown = pull(&fixture, &liar, ":7", "");
    assert!(
        shown.starts_with("exit 1\n") && shown.contains("policy"),
        "{shown}"
    );
}

#[test]
fn a_pinned_bundle_is_that_one_and_no_other() {
    let fixture = fixture();
    let (liar, manifest) = honest(&fixture);
    let right = digest(manifest.to_string().as_bytes());
    let path = |digest: &str| format!("/v2/policies/support/manifests/{digest}");
    liar.put(
        &path(&right),
        Answer::Bytes(manifest.to_string().into_bytes()),
    );
    assert!(pull(&fixture, &liar, &format!("@{right}"), "").starts_with("exit 0\n"));
    let other = digest(b"another one");
    liar.put(
        &path(&other),
        Answer::Bytes(manifest.to_string().into_bytes()),
    );
    let shown = pull(&fixture, &liar, &format!("@{other}"), "");
    assert!(
        shown.starts_with("exit 1\n") && shown.contains("does not have the digest"),
        "{shown}"
    );
}

#[test]
fn a_registry_that_fails_hangs_or_never_ends_does_not_keep_us() {
    let fixture = fixture();
    let (liar, manifest) = honest(&fixture);
    for (answer, code, said) in [
        (Answer::Status(401), 2, "docker login"),
        (Answer::Status(404), 2, "does not exist"),
        (Answer::Status(500), 2, "status 500"),
        (Answer::Endless, 1, "more than 65536 bytes"),
        (Answer::Silence, 2, "did not answer in time"),
        (Answer::Redirect(MANIFEST.to_owned()), 2, "redirect"),
        (
            Answer::Redirect("http://127.0.0.1:1/".to_owned()),
            2,
            "cannot reach",
        ),
    ] {
        liar.put(MANIFEST, answer);
        let shown = pull(&fixture, &liar, ":7", "--timeout 3");
        assert!(
            shown.starts_with(&format!("exit {code}\n")) && shown.contains(said),
            "{said}: {shown}"
        );
    }
    liar.put_manifest(&manifest);
    liar.put_blob(&wasm(&manifest), Answer::Silence);
    let shown = pull(&fixture, &liar, ":7", "--timeout 3");
    assert!(
        shown.starts_with("exit 2\n") && shown.contains("did not answer in time"),
        "{shown}"
    );
    liar.put("/v2/", Answer::Silence);
    let shown = pull(&fixture, &liar, ":7", "--timeout 3");
    assert!(
        shown.starts_with("exit 2\n") && shown.contains("did not answer in time"),
        "{shown}"
    );
}

#[test]
fn blobs_may_lie_elsewhere() {
    let fixture = fixture();
    let (liar, manifest) = honest(&fixture);
    let wasm = wasm(&manifest);
    let component = std::fs::read(fixture.path("dist/policy.wasm")).unwrap();
    liar.put("/elsewhere", Answer::Bytes(component));
    liar.put_blob(
        &wasm,
        Answer::Redirect(format!("http://{}/elsewhere", liar.address)),
    );
    assert!(pull(&fixture, &liar, ":7", "").starts_with("exit 0\n"));
    assert_eq!(files(&fixture.path("out")), files(&fixture.path("dist")));
}

#[test]
fn a_bundle_for_somebody_else_is_refused() {
    let fixture = fixture();
    fixture.quiet("keygen --out other");
    let (liar, _) = honest(&fixture);
    let shown = pull(&fixture, &liar, ":7", "--agent other-bot");
    assert!(
        shown.starts_with("exit 1\n") && shown.contains("other-bot"),
        "{shown}"
    );
    let reference = format!("{}/policies/support:7", liar.address);
    let shown = run(
        &fixture,
        &format!(
            "pull {reference} --out new --pubkey other.public --agent support-bot --plain-http"
        ),
        &[],
    );
    assert!(
        shown.starts_with("exit 1\n") && !fixture.path("new").exists(),
        "{shown}"
    );
    // A folder that holds something else is left alone.
    let fixture = fixture.with("mine/notes.txt", "x");
    let shown = run(
        &fixture,
        &format!(
            "pull {reference} --out mine --pubkey release.public --agent support-bot --plain-http"
        ),
        &[],
    );
    assert!(
        shown.starts_with("exit 2\n") && shown.contains("notes.txt"),
        "{shown}"
    );
}
