//! Events without what is different in each run: ids and times.

use std::collections::BTreeMap;

use hexgate_agent::event::Event;
use serde_json::Value;

/// One event a line. Names that the runtime makes are numbered in the order in which they come.
pub(super) fn lines(events: &[Event]) -> String {
    let mut names = Names::default();
    let mut lines = String::new();
    for event in events {
        let mut value = serde_json::to_value(event).unwrap();
        names.normal("", &mut value);
        lines.push_str(&value.to_string());
        lines.push('\n');
    }
    lines
}

/// What names became.
#[derive(Default)]
struct Names(BTreeMap<&'static str, Vec<String>>);

impl Names {
    fn normal(&mut self, name: &str, value: &mut Value) {
        match value {
            Value::Array(elements) => elements.iter_mut().for_each(|it| self.normal(name, it)),
            Value::Object(members) => {
                for (name, value) in members {
                    self.normal(name, value);
                }
            }
            Value::String(text) => match name {
                "timestamp" => *text = "2026-01-01T00:00:00.000000Z".to_owned(),
                "run_id" | "root_run_id" | "parent_run_id" => self.name("run", text),
                "event_id" => self.name("event", text),
                "decision_id" => self.name("decision", text),
                "tool_id" | "parent_tool_id" => self.name("call", text),
                "block_id" => self.name("block", text),
                "id" => *text = self.known(text),
                _ => {}
            },
            _ => {}
        }
    }

    fn name(&mut self, kind: &'static str, text: &mut String) {
        let known = self.0.entry(kind).or_default();
        let at = known.iter().position(|name| name == text);
        let at = at.unwrap_or_else(|| {
            known.push(text.clone());
            known.len() - 1
        });
        *text = format!("{kind}-{}", at + 1);
    }

    /// The name of a step is that of a block or of a call.
    fn known(&self, text: &str) -> String {
        for kind in ["call", "block"] {
            let names = self.0.get(kind).into_iter().flatten();
            if let Some(at) = names.clone().position(|name| name == text) {
                return format!("{kind}-{}", at + 1);
            }
        }
        text.to_owned()
    }
}
