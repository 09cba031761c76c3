//! A real registry on loopback.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use super::{files, run};
use crate::fixture::Fixture;

/// The user `ci` with the password `U*U`.
const USERS: &str = "ci:$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW\n";

/// A registry that ends with the test.
struct Registry {
    process: Child,
    address: String,
    _folder: tempfile::TempDir,
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Registry {
    /// Starts one, with or without users. Without the program says so loudly, or fails where tools are required.
    fn start(users: Option<&str>) -> Option<Self> {
        let binary = std::env::var_os("HEXGATE_TEST_REGISTRY").map(PathBuf::from);
        let binary = hexgate_test_support::tool(
            binary.ok_or("`HEXGATE_TEST_REGISTRY` names no registry"),
            |_| true,
            "there is no registry; run `cargo xtask setup registry`",
        )?;
        let folder = tempfile::tempdir().unwrap();
        let mut config = format!(
            "version: 0.1\nlog: {{ level: info }}\nstorage:\n  filesystem: {{ rootdirectory: {} }}\nhttp: {{ addr: \"127.0.0.1:0\" }}\n",
            folder.path().join("data").display()
        );
        if let Some(users) = users {
            let file = folder.path().join("users");
            fs::write(&file, users).unwrap();
            config.push_str(&format!(
                "auth:\n  htpasswd: {{ realm: test, path: {} }}\n",
                file.display()
            ));
        }
        let file = folder.path().join("config.yml");
        fs::write(&file, config).unwrap();
        let mut process = Command::new(binary)
            .arg("serve")
            .arg(&file)
            .env("OTEL_TRACES_EXPORTER", "none")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(process.stderr.take().unwrap());
        let mut address = None;
        let mut line = String::new();
        while address.is_none() && said.read_line(&mut line).unwrap() > 0 {
            address = line.split_once("listening on ").map(|(_, rest)| {
                let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == ':'));
                rest[..end.unwrap_or(rest.len())].to_owned()
            });
            line.clear();
        }
        // It must not wait for somebody to read what it says.
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        Some(Self {
            process,
            address: address
                .unwrap_or_else(|| panic!("the registry does not say where it listens")),
            _folder: folder,
        })
    }

    fn reference(&self, rest: &str) -> String {
        format!("{}/{rest}", self.address)
    }

    /// What it answers to a plain request.
    fn get(&self, path: &str) -> (u16, Vec<u8>) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "GET /v2/{path} HTTP/1.0\r\nAccept: application/vnd.oci.image.manifest.v1+json\r\n\r\n"
        )
        .unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .unwrap();
        let head = std::str::from_utf8(&answer[..end]).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, answer[end + 4..].to_vec())
    }

    fn json(&self, path: &str) -> Value {
        let (status, body) = self.get(path);
        assert_eq!(status, 200, "{path}");
        serde_json::from_slice(&body).unwrap()
    }
}

/// The name that a command says the bundle is pinned by.
fn pinned(shown: &str) -> String {
    let (_, rest) = shown
        .split_once("pinned     ")
        .unwrap_or_else(|| panic!("{shown}"));
    rest.lines().next().unwrap().to_owned()
}

/// As [`pinned`], of a run whose output is not filtered.
fn pushed(fixture: &Fixture, arguments: &str) -> String {
    let output = fixture
        .command(arguments)
        .env("DOCKER_CONFIG", fixture.path("docker"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", fixture.shown(&output));
    pinned(std::str::from_utf8(&output.stdout).unwrap())
}

#[test]
fn a_bundle_comes_back_as_it_was_pushed() {
    let Some(registry) = Registry::start(None) else {
        return;
    };
    let fixture = Fixture::new().with_bundle();
    let reference = registry.reference("policies/support:7");
    let push = format!("push dist {reference} --pubkey release.public --plain-http");
    let first = pushed(&fixture, &push);
    assert!(
        first.starts_with(&registry.reference("policies/support@sha256:")),
        "{first}"
    );
    assert_eq!(
        pushed(&fixture, &push),
        first,
        "pushed twice, it is another one"
    );

    for (from, out) in [(&reference, "by-tag"), (&first, "by-digest")] {
        let pull = format!(
            "pull {from} --out {out} --pubkey release.public --agent support-bot --plain-http"
        );
        let shown = run(&fixture, &pull, &[]);
        assert!(shown.starts_with("exit 0\n"), "{shown}");
        assert_eq!(files(&fixture.path(out)), files(&fixture.path("dist")));
        // What is there is replaced if it is a bundle.
        assert!(run(&fixture, &pull, &[]).starts_with("exit 0\n"));
    }
    fixture.quiet("test by-tag --pubkey release.public --role support --tool view_orders");
}

#[test]
fn a_component_is_laid_out_as_tools_for_components_expect_it() {
    let Some(registry) = Registry::start(None) else {
        return;
    };
    let fixture = Fixture::new().with_bundle();
    let reference = registry.reference("policies/support:7");
    let digest = pushed(
        &fixture,
        &format!("push dist {reference} --pubkey release.public --plain-http"),
    );
    let digest = digest.split_once('@').unwrap().1.to_owned();

    let manifest = registry.json("policies/support/manifests/7");
    assert_eq!(
        manifest["mediaType"],
        "application/vnd.oci.image.manifest.v1+json"
    );
    assert_eq!(
        manifest["config"]["mediaType"],
        "application/vnd.wasm.config.v0+json"
    );
    let layers = manifest["layers"].as_array().unwrap();
    assert_eq!(
        layers.len(),
        1,
        "readers of components take exactly one layer"
    );
    assert_eq!(layers[0]["mediaType"], "application/wasm");
    let blob = |descriptor: &Value| {
        let path = format!(
            "policies/support/blobs/{}",
            descriptor["digest"].as_str().unwrap()
        );
        registry.get(&path).1
    };
    assert_eq!(
        blob(&layers[0]),
        fs::read(fixture.path("dist/policy.wasm")).unwrap()
    );
    let config: Value = serde_json::from_slice(&blob(&manifest["config"])).unwrap();
    assert_eq!(config["architecture"], "wasm");
    assert_eq!(config["os"], "wasip2");
    assert_eq!(config["layerDigests"][0], layers[0]["digest"]);
    assert_eq!(config["component"]["imports"], serde_json::json!([]));
    // The exports are those that the component has.
    let inspected = fixture.json(&["inspect", "dist/policy.wasm", "--json"]);
    let text = inspected.to_string();
    for export in config["component"]["exports"].as_array().unwrap() {
        assert!(
            text.contains(export.as_str().unwrap()),
            "{export} in {text}"
        );
    }

    let tag = format!("{}.hexgate", digest.replace(':', "-"));
    let attached = registry.json(&format!("policies/support/manifests/{tag}"));
    assert_eq!(attached["subject"]["digest"], digest.as_str());
    assert_eq!(
        attached["artifactType"],
        "application/vnd.hexgate.bundle.v2"
    );
    for layer in attached["layers"].as_array().unwrap() {
        let name = layer["annotations"]["org.opencontainers.image.title"]
            .as_str()
            .unwrap();
        assert_eq!(
            blob(layer),
            fs::read(fixture.path("dist").join(name)).unwrap(),
            "{name}"
        );
    }
    assert_eq!(attached["layers"].as_array().unwrap().len(), 4);
}

#[test]
fn wkg_takes_what_we_push_and_what_it_pushes_is_no_bundle() {
    let wkg = hexgate_test_support::tool(
        std::env::var_os("HEXGATE_WKG").ok_or("`HEXGATE_WKG` names no program"),
        |_| true,
        "there is no wkg; run `cargo xtask setup wkg`",
    );
    let (Some(wkg), Some(registry)) = (wkg, Registry::start(None)) else {
        return;
    };
    let fixture = Fixture::new().with_bundle();
    let wkg = |arguments: &[&str]| {
        let output = Command::new(&wkg)
            .arg("oci")
            .args(arguments)
            .env("WKG_OCI_INSECURE", &registry.address)
            .current_dir(fixture.path(""))
            // Nothing of what this machine has set up or kept.
            .env("HOME", fixture.path(""))
            .env("DOCKER_CONFIG", fixture.path("docker"))
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_CACHE_HOME")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            fixture.shown(&output)
        );
    };

    let ours = registry.reference("policies/support:7");
    pushed(
        &fixture,
        &format!("push dist {ours} --pubkey release.public --plain-http"),
    );
    wkg(&["pull", &ours, "--output", "pulled.wasm"]);
    assert_eq!(
        fs::read(fixture.path("pulled.wasm")).unwrap(),
        fs::read(fixture.path("dist/policy.wasm")).unwrap()
    );

    // The component is the same, and nobody has signed it.
    let theirs = registry.reference("policies/support:8");
    wkg(&["push", &theirs, "dist/policy.wasm"]);
    let pull =
        format!("pull {theirs} --out out --pubkey release.public --agent support-bot --plain-http");
    let shown = run(&fixture, &pull, &[]);
    insta::assert_snapshot!(shown.replace(&registry.address, "[REGISTRY]"), @r"
    exit 1
    --- stderr
    error: `[REGISTRY]/policies/support:8` is not a policy bundle: it has no manifest: it is an unsigned component; push one with `hexgate policy push`, or name another
    ");
    assert!(!fixture.path("out").exists());
}

#[test]
fn an_older_bundle_does_not_come_back() {
    let Some(registry) = Registry::start(None) else {
        return;
    };
    let fixture = Fixture::new().with_bundle();
    fixture.quiet(
        "build policy.yaml --out newer --sign-key release.private --agent support-bot --sequence 8",
    );
    let options = "--pubkey release.public --plain-http";
    for (bundle, tag) in [("dist", "old"), ("newer", "new")] {
        pushed(
            &fixture,
            &format!(
                "push {bundle} {} {options}",
                registry.reference(&format!("s:{tag}"))
            ),
        );
    }
    let pull = |tag: &str, more: &str| {
        let reference = registry.reference(&format!("s:{tag}"));
        run(
            &fixture,
            &format!("pull {reference} --out out --agent support-bot {options} {more}"),
            &[],
        )
    };
    let sequences = "--sequences sequences";
    assert!(pull("old", sequences).starts_with("exit 0\n"));
    assert!(pull("new", sequences).starts_with("exit 0\n"));
    let shown = pull("old", sequences);
    assert!(
        shown.starts_with("exit 1\n") && shown.contains('8'),
        "{shown}"
    );
    assert_eq!(files(&fixture.path("out")), files(&fixture.path("newer")));
    let shown = pull("old", "--min-sequence 8");
    assert!(shown.starts_with("exit 1\n"), "{shown}");
    assert_eq!(files(&fixture.path("out")), files(&fixture.path("newer")));
}

#[test]
fn credentials_come_from_flags_the_environment_or_docker() {
    let Some(registry) = Registry::start(Some(USERS)) else {
        return;
    };
    let fixture = Fixture::new().with_bundle();
    let reference = registry.reference("policies/support:7");
    let push = format!("push dist {reference} --pubkey release.public --plain-http");
    let pull = format!(
        "pull {reference} --out out --pubkey release.public --agent support-bot --plain-http"
    );

    let nobody = run(&fixture, &push, &[]);
    assert!(
        nobody.starts_with("exit 2\n") && nobody.contains("docker login"),
        "{nobody}"
    );
    let user = ("HEXGATE_REGISTRY_USERNAME", "ci");
    let wrong = run(
        &fixture,
        &push,
        &[user, ("HEXGATE_REGISTRY_PASSWORD", "hunter2")],
    );
    assert!(
        wrong.starts_with("exit 2\n") && wrong.contains("docker login"),
        "{wrong}"
    );
    assert!(!wrong.contains("hunter2"));
    assert!(!registry_has(&registry));

    let right = run(
        &fixture,
        &push,
        &[user, ("HEXGATE_REGISTRY_PASSWORD", "U*U")],
    );
    assert!(right.starts_with("exit 0\n"), "{right}");
    let shown = run(&fixture, &pull, &[]);
    assert!(
        shown.starts_with("exit 2\n") && !fixture.path("out").exists(),
        "{shown}"
    );

    let piped = fixture.run_with_input(&format!("{pull} --username ci --password-stdin"), "U*U\n");
    assert!(piped.starts_with("exit 0\n"), "{piped}");
    fs::remove_dir_all(fixture.path("out")).unwrap();

    // `docker login` leaves user and password in base64.
    let config =
        serde_json::json!({ "auths": { registry.address.as_str(): { "auth": "Y2k6VSpV" } } });
    let fixture = fixture.with("docker/config.json", config.to_string());
    let docker = run(&fixture, &pull, &[]);
    assert!(docker.starts_with("exit 0\n"), "{docker}");
    assert_eq!(files(&fixture.path("out")), files(&fixture.path("dist")));

    let fixture = fixture.with("docker/config.json", "{");
    let broken = run(&fixture, &pull, &[]);
    assert!(
        broken.starts_with("exit 2\n") && broken.contains("Docker's configuration"),
        "{broken}"
    );
}

/// Whether anything was pushed.
fn registry_has(registry: &Registry) -> bool {
    registry.get("policies/support/manifests/7").0 == 200
}
