//! A policy, a decision point, and what was recorded.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};

use hexgate_authzen::{Clients, Point, PointBuilder};
use hexgate_enforce::host::Engine;
use hexgate_enforce::source::PolicyFile;
use hexgate_enforce::{Decision, Enforcer, LivePolicy, OnRecordFailure, RecordError, Recorder};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) fn engine() -> Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::new().unwrap()).clone()
}

/// What was recorded, a line each: `allow record:read policy`.
#[derive(Clone, Default)]
pub(crate) struct Records(Arc<Mutex<Vec<String>>>);

impl Records {
    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn last(&self) -> String {
        self.all().last().cloned().unwrap_or_default()
    }
}

impl Recorder for Records {
    fn record(&self, decision: &Decision) -> Result<(), RecordError> {
        let by = decision
            .approved_by()
            .map_or(String::new(), |by| format!(" by {by}"));
        self.0.lock().unwrap().push(format!(
            "{} {} {}{by}",
            decision.outcome().as_str(),
            decision.tool(),
            decision.cause().as_str(),
        ));
        Ok(())
    }
}

pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) enforcer: Enforcer,
    pub(crate) records: Records,
}

impl World {
    pub(crate) fn with(policy: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.yaml");
        fs::write(&path, policy).unwrap();
        let live = LivePolicy::open(&engine(), PolicyFile::dangerous_unsigned(&path)).unwrap();
        let records = Records::default();
        let enforcer = Enforcer::builder("shop", &live)
            .recorder(records.clone(), OnRecordFailure::Deny)
            .build()
            .unwrap();
        Self {
            folder,
            enforcer,
            records,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn point(&self) -> PointBuilder {
        Point::builder(self.enforcer.clone())
    }

    /// Another policy decides from now on.
    pub(crate) fn policy(&self, text: &str) {
        fs::write(self.path("policy.yaml"), text).unwrap();
        let refresh = self.enforcer.begin_turn();
        assert!(format!("{refresh:?}").contains("Replaced"), "{refresh:?}");
    }

    /// A list of clients with these tokens.
    pub(crate) fn clients(&self, clients: &[(&str, &str)]) -> Clients {
        let list: Vec<Value> = clients
            .iter()
            .map(|(name, token)| {
                let digest = hexgate_base::Digest::of(token.as_bytes());
                serde_json::json!({"name": name, "tokens": [digest]})
            })
            .collect();
        let path = self.path("clients.json");
        let text = serde_json::json!({"version": 1, "clients": list}).to_string();
        fs::write(&path, text).unwrap();
        Clients::from_file(&path).unwrap()
    }
}

/// A decision point that listens.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    client: reqwest::Client,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What came.
#[derive(Debug)]
pub(crate) struct Came {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Came {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Served {
    pub(crate) async fn start(point: Point) -> Self {
        let listener = point.bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move { point.serve(listener).await.unwrap() });
        Self {
            address,
            client: reqwest::Client::new(),
            task,
        }
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Came {
        let method = method.parse().unwrap();
        let url = format!("http://{}{path}", self.address);
        let mut request = self.client.request(method, url).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        Came {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: response.text().await.unwrap(),
        }
    }

    pub(crate) async fn post(&self, path: &str, body: impl ToString) -> Came {
        let json = [("content-type", "application/json")];
        self.send("POST", path, &json, body.to_string()).await
    }

    /// An evaluation that is answered.
    pub(crate) async fn evaluate(&self, body: &Value) -> Value {
        let came = self.post("/access/v1/evaluation", body).await;
        assert_eq!(came.status, 200, "{body}: {came:?}");
        came.json()
    }
}
