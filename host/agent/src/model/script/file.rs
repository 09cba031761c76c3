//! The file of turns.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::Spanned;

use crate::model::Stop;

/// The largest file.
const MAX_BYTES: u64 = 4 << 20;
/// The longest answer of a tool that a turn writes is far below it; what is deeper is not a script.
const MAX_DEPTH: usize = 64;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Script {
    turns: Vec<Spanned<Written>>,
}

/// A turn as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    expect: Expect,
    #[serde(default)]
    reasoning: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    calls: Vec<WrittenCall>,
    usage: Option<Tokens>,
    stop: Option<Stop>,
    fail: Option<Fail>,
    error: Option<u16>,
    retry_after: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCall {
    tool: String,
    arguments: Option<Value>,
    id: Option<String>,
}

/// What has been said before the turn.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expect {
    pub(super) user: Option<String>,
    pub(super) tool: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Tokens {
    pub(super) input_tokens: u64,
    pub(super) output_tokens: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Fail {
    BreakOff,
    Garbage,
}

/// A turn that can be played.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) line: u64,
    pub(super) expect: Expect,
    pub(super) reasoning: String,
    pub(super) text: String,
    pub(super) calls: Vec<Call>,
    pub(super) usage: Tokens,
    pub(super) stop: Option<Stop>,
    pub(super) fail: Option<Fail>,
    pub(super) error: Option<u16>,
    pub(super) retry_after: Option<u64>,
}

#[derive(Debug)]
pub(super) struct Call {
    pub(super) tool: String,
    pub(super) arguments: String,
    pub(super) id: Option<String>,
}

/// The text of a file. The error continues "the script FILE".
pub(super) fn read(path: &Path) -> Result<String, String> {
    let cannot = |error: std::io::Error| format!("cannot be read: {error}");
    let file = File::open(path).map_err(cannot)?;
    if !file.metadata().map_err(cannot)?.is_file() {
        return Err("is not a file".to_owned());
    }
    let mut text = String::new();
    file.take(MAX_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(cannot)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(format!("is larger than {} MiB", MAX_BYTES >> 20));
    }
    Ok(text)
}

pub(super) fn parse(text: &str) -> Result<Vec<Turn>, String> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_documents: 1,
            max_anchors: 0,
            max_aliases: 0,
            max_depth: MAX_DEPTH,
        },
        with_snippet: false,
    };
    let script: Script =
        serde_saphyr::from_str_with_options(text, options).map_err(|error| error.to_string())?;
    if script.turns.is_empty() {
        return Err("it has no turns".to_owned());
    }
    let mut turns = Vec::with_capacity(script.turns.len());
    for (at, written) in script.turns.into_iter().enumerate() {
        let line = written.referenced.line();
        let turn = playable(line, written.value)
            .map_err(|why| format!("turn {} at line {line} {why}", at + 1))?;
        turns.push(turn);
    }
    Ok(turns)
}

fn playable(line: u64, written: Written) -> Result<Turn, String> {
    let says =
        !(written.text.is_empty() && written.reasoning.is_empty() && written.calls.is_empty());
    match written.error {
        Some(status) if !(400..=599).contains(&status) => {
            return Err(format!(
                "fails with status {status}, which is none from 400 to 599"
            ));
        }
        Some(_)
            if says
                || written.fail.is_some()
                || written.stop.is_some()
                || written.usage.is_some() =>
        {
            return Err("has `error` and an answer; a provider gives one of them".to_owned());
        }
        None if written.retry_after.is_some() => {
            return Err("has `retry_after` without `error`".to_owned());
        }
        None if !says && written.fail.is_none() => {
            return Err("says nothing; give it `text`, `calls`, `fail` or `error`".to_owned());
        }
        _ => {}
    }
    if written.fail.is_some() && (written.stop.is_some() || written.usage.is_some()) {
        return Err(
            "has `fail` and an end; what breaks off has no `stop` and no `usage`".to_owned(),
        );
    }
    let calls = written
        .calls
        .into_iter()
        .map(|call| Call {
            tool: call.tool,
            arguments: match call.arguments {
                Some(Value::String(text)) => text,
                Some(value) => value.to_string(),
                None => "{}".to_owned(),
            },
            id: call.id,
        })
        .collect();
    Ok(Turn {
        line,
        expect: written.expect,
        reasoning: written.reasoning,
        text: written.text,
        calls,
        usage: written.usage.unwrap_or_default(),
        stop: written.stop,
        fail: written.fail,
        error: written.error,
        retry_after: written.retry_after,
    })
}
