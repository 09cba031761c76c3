//! A client that writes the model's bytes into its lines, and asks the people of the play.

use std::collections::BTreeMap;
use std::future::pending;
use std::pin::Pin;
use std::time::{Duration, Instant};

use hexgate_adapter_kit::{CallSpec, Play, Verdict};
use hexgate_mcp::{Gateway, front};
use serde_json::{Value, json};
use tokio::io::{
    AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf,
};

const PATIENCE: Duration = Duration::from_secs(20);

pub(super) struct Client {
    play: Play,
    read: Lines<BufReader<ReadHalf<DuplexStream>>>,
    write: WriteHalf<DuplexStream>,
    next: u64,
}

/// The answer of a person, on its way.
type Answering = Pin<Box<dyn Future<Output = (Value, Verdict)> + Send>>;

impl Client {
    pub(super) async fn open(gateway: &Gateway, play: &Play) -> Self {
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        let gateway = gateway.clone();
        tokio::spawn(async move {
            let (read, write) = tokio::io::split(theirs);
            if let Err(error) = front::streams(&gateway, read, write).await {
                eprintln!("the gateway ended: {error}");
            }
        });
        let (read, write) = tokio::io::split(ours);
        let mut client = Self {
            play: play.clone(),
            read: BufReader::new(read).lines(),
            write,
            next: 0,
        };
        let capabilities = match play.approver() {
            Some(_) => json!({"elicitation": {}}),
            None => json!({}),
        };
        let params = json!({"protocolVersion": "2025-11-25", "capabilities": capabilities, "clientInfo": {"name": "kit", "version": "1"}});
        client.ask("initialize", &params.to_string()).await;
        client
            .say(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#)
            .await;
        client
    }

    /// Makes calls at the same time. What the model reads of each.
    pub(super) async fn call(&mut self, calls: &[CallSpec]) -> Vec<String> {
        let mut ids = Vec::new();
        for call in calls {
            let name = json!(call.tool);
            let params = match call.arguments.is_empty() {
                true => format!(r#"{{"name":{name}}}"#),
                false => format!(r#"{{"name":{name},"arguments":{}}}"#, call.arguments),
            };
            ids.push(self.request("tools/call", &params).await);
        }
        let mut answers = BTreeMap::new();
        let mut answering: Option<Answering> = None;
        while answers.len() < ids.len() {
            let play = self.play.clone();
            tokio::select! {
                line = self.read.next_line() => {
                    let line = line.unwrap().expect("the gateway went away");
                    let message: Value = serde_json::from_str(&line).unwrap();
                    if message["method"] == "elicitation/create" {
                        answering = Some(Box::pin(asked(play, message)));
                    } else if let Some(id) = message["id"].as_u64() {
                        answers.insert(id, said(&message));
                    } else if message.get("error").is_some() {
                        // What is no message has no id, and is the answer to the only call.
                        assert_eq!(ids.len(), 1);
                        answers.insert(ids[0], said(&message));
                    }
                }
                (id, verdict) = answered(&mut answering) => {
                    answering = None;
                    let answer = match verdict {
                        Verdict::Approved => json!({"id": id, "result": {"action": "accept", "content": {"approve": true}}}),
                        Verdict::Refused => json!({"id": id, "result": {"action": "decline"}}),
                        Verdict::Unreachable => json!({"id": id, "error": {"code": -32603, "message": "nobody is here"}}),
                    };
                    let mut answer = answer;
                    answer["jsonrpc"] = json!("2.0");
                    self.say(&answer.to_string()).await;
                }
                () = play.cancelled() => {
                    for id in ids.iter().filter(|id| !answers.contains_key(id)) {
                        self.say(&format!(r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id}}}}}"#)).await;
                    }
                    break;
                }
            }
        }
        ids.iter().filter_map(|id| answers.remove(id)).collect()
    }

    /// Waits until the gateway decides these tools by their rules: it heard of them from the server.
    pub(super) async fn wait_for(&mut self, names: &[String]) {
        let began = Instant::now();
        // What the caller may never call is not listed; one that is listed tells that the list is new.
        loop {
            let list = self.ask("tools/list", "{}").await;
            let tools = list["result"]["tools"].as_array().unwrap();
            let is_there = |name: &String| tools.iter().any(|tool| tool["name"] == json!(name));
            if names.iter().any(is_there) {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "the list is never new: {list}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn ask(&mut self, method: &str, params: &str) -> Value {
        let id = self.request(method, params).await;
        loop {
            let next = tokio::time::timeout(PATIENCE, self.read.next_line()).await;
            let line = next.expect("no answer").unwrap().expect("closed");
            let message: Value = serde_json::from_str(&line).unwrap();
            if message["id"] == json!(id) {
                return message;
            }
        }
    }

    async fn request(&mut self, method: &str, params: &str) -> u64 {
        self.next += 1;
        let id = self.next;
        self.say(&format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#
        ))
        .await;
        id
    }

    async fn say(&mut self, line: &str) {
        self.write.write_all(line.as_bytes()).await.unwrap();
        self.write.write_all(b"\n").await.unwrap();
    }
}

/// Asks a person about the call that a form shows.
async fn asked(play: Play, message: Value) -> (Value, Verdict) {
    let id = message["id"].clone();
    let form = message["params"]["message"].as_str().unwrap();
    let tool = form.split("\ntool: ").nth(1).unwrap();
    let tool = tool.lines().next().unwrap();
    let arguments = form.split("\narguments:\n").nth(1).unwrap();
    let arguments = arguments.split("\npolicy: ").next().unwrap();
    let approver = play.approver().expect("nobody can be asked");
    let verdict = approver.answer(tool, arguments).await;
    (id, verdict)
}

async fn answered(answering: &mut Option<Answering>) -> (Value, Verdict) {
    match answering {
        Some(answering) => answering.await,
        None => pending().await,
    }
}

/// What the model reads.
fn said(message: &Value) -> String {
    if let Some(error) = message.get("error") {
        return error["message"].as_str().unwrap_or_default().to_owned();
    }
    let content = message["result"]["content"].as_array();
    let texts = content.into_iter().flatten();
    texts
        .filter_map(|it| it["text"].as_str())
        .collect::<Vec<_>>()
        .join("\n")
}
