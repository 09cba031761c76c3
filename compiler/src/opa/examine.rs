//! What can be known of a user's policy before it decides: that all data that it refers to are given, and that it answers a
//! first question as a host will ask it. Both would be found too late otherwise: absent data are undefined, so that `not` on
//! them is true of every call, and a host refuses an answer of another shape only when it loads the policy.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use super::{
    Opa, OpaError, Program,
    build::{DATA, Folder, POLICY},
    report::Context,
    syntax::{Syntax, Wrong},
};
use crate::{
    diagnostic::{Diagnostic, Sink, in_one_line, quoted},
    source::{Sources, Span},
};

/// The call that a host asks first: one that no policy allows by accident. As the wrapper around OPA's module hands it over.
const INPUT: &str = r#"{"roles":[],"tool":"hexgate.probe","args":{},"role":"default"}"#;
const INPUT_FILE: &str = "../input.json";

/// What a decision looks like.
const SHAPE: &str = r#"a decision is `{"allow": boolean, "requires_approval": boolean, "violations": [text, …]}`, whatever the call"#;

/// What `opa deps` prints: what a rule refers to, directly or through others.
#[derive(Deserialize)]
struct Dependencies {
    /// What no rule defines.
    base: Option<Vec<Vec<Term>>>,
}

/// One part of a reference: up to the first that is not constant.
#[derive(Deserialize)]
struct Term {
    value: Value,
}

/// What `opa eval` prints.
#[derive(Deserialize)]
struct Evaluated {
    #[serde(default)]
    result: Vec<Answers>,
    #[serde(default)]
    errors: Vec<Complaint>,
}

#[derive(Deserialize)]
struct Answers {
    expressions: Vec<Answer>,
}

#[derive(Deserialize)]
struct Answer {
    value: Value,
}

#[derive(Deserialize)]
struct Complaint {
    message: String,
}

impl Opa {
    /// Looks at a policy that was built. What is wrong with it is in `sink` then.
    ///
    /// # Errors
    ///
    /// If OPA cannot be run, or does not answer as OPA does.
    pub(crate) fn examine(
        &self,
        program: &Program<'_>,
        sources: &Sources,
        sink: &mut Sink,
    ) -> Result<(), OpaError> {
        let context = &Context {
            program,
            sources,
            refused: &BTreeSet::new(),
        };
        let folder = Folder::new()?;
        folder.put(POLICY, sources.text(program.policy).as_bytes())?;
        folder.put(INPUT_FILE, INPUT.as_bytes())?;
        let given = program.data.map(|data| sources.text(data));
        if let Some(data) = given {
            folder.put(DATA, data.as_bytes())?;
        }
        let query = query(program);
        let missing = self.missing(&folder, &query, given)?;
        let answer = self.answer_to_probe(&folder, &query, given.is_some())?;
        // Only places and rules that are plainly wrong are looked up in it: what OPA prints of a policy that is too large for that is no
        // reason to refuse it.
        let syntax = self.syntax(&folder)?;
        for path in missing {
            sink.push(unknown_data(&path, program, context, &syntax));
        }
        let wrong = syntax.wrong_answers(program.entrypoint.as_str());
        let is_said = !wrong.is_empty();
        for Wrong { row, column, what } in wrong {
            sink.push(wrong_answer(&what, context.at(row, column), "this answer"));
        }
        if let (Err(what), false) = (answer, is_said) {
            let place = syntax
                .rule(program.entrypoint.as_str())
                .map_or(Span::whole(program.policy), |(row, column)| {
                    context.at(row, column)
                });
            sink.push(wrong_answer(&what, place, ""));
        }
        Ok(())
    }

    /// The data that the decision depends on and that are not given.
    fn missing(
        &self,
        folder: &Folder,
        query: &str,
        given: Option<&str>,
    ) -> Result<Vec<Vec<Value>>, OpaError> {
        const COMMAND: &str = "deps";
        let arguments = ["--format=json", "--data", POLICY, query];
        let ran = self.run(COMMAND, &arguments, Some(folder.inner()))?;
        if !ran.status.success() {
            return Err(self.failed(COMMAND, &ran));
        }
        let found: Dependencies = serde_json::from_slice(&ran.stdout)
            .map_err(|_| self.answer(COMMAND, "a list of what a rule refers to"))?;
        // It was read before, by a reader that is stricter.
        let data: Value = given
            .and_then(|data| serde_json::from_str(data).ok())
            .unwrap_or(Value::Null);
        let paths = found
            .base
            .unwrap_or_default()
            .into_iter()
            .filter_map(|path| {
                let mut parts = path.into_iter().map(|part| part.value);
                (parts.next()? == "data").then(|| parts.collect::<Vec<_>>())
            });
        Ok(paths
            .filter(|path| !path.is_empty() && !is_given(&data, path))
            .collect())
    }

    /// Asks the first question. Err: what is wrong with the answer.
    fn answer_to_probe(
        &self,
        folder: &Folder,
        query: &str,
        has_data: bool,
    ) -> Result<Result<(), String>, OpaError> {
        const COMMAND: &str = "eval";
        let mut arguments = vec!["--format=json", "--input", INPUT_FILE, "--data", POLICY];
        if has_data {
            arguments.extend(["--data", DATA]);
        }
        arguments.push(query);
        let ran = self.run(COMMAND, &arguments, Some(folder.inner()))?;
        let said: Evaluated =
            serde_json::from_slice(ran.said()).map_err(|_| self.answer(COMMAND, "a result"))?;
        if let Some(complaint) = said.errors.first() {
            return Ok(Err(format!(
                "OPA gives up on a first call: {}",
                in_one_line(&complaint.message)
            )));
        }
        if !ran.status.success() {
            return Err(self.failed(COMMAND, &ran));
        }
        let value = said
            .result
            .first()
            .and_then(|answers| answers.expressions.first());
        Ok(match value {
            None => Err(
                "the decision is undefined for a call that no rule is about: it needs a `default`"
                    .to_owned(),
            ),
            Some(Answer { value }) => shape(value),
        })
    }

    fn syntax(&self, folder: &Folder) -> Result<Syntax, OpaError> {
        let arguments = ["--format=json", "--json-include", "locations", POLICY];
        let ran = self.run("parse", &arguments, Some(folder.inner()))?;
        Ok(Syntax::read(&ran.stdout))
    }
}

/// The entrypoint as a query: each part in brackets, so that it may have any characters.
fn query(program: &Program<'_>) -> String {
    let parts = program.entrypoint.as_str().split('/');
    let parts: String = parts.map(|part| format!("[\"{part}\"]")).collect();
    format!("data{parts}")
}

/// Whether data have something at a path.
fn is_given(data: &Value, path: &[Value]) -> bool {
    let mut value = data;
    for part in path {
        let next = match (value, part) {
            (Value::Object(members), Value::String(name)) => members.get(name),
            (Value::Array(elements), Value::Number(number)) => number
                .as_u64()
                .and_then(|index| elements.get(usize::try_from(index).ok()?)),
            _ => None,
        };
        match next {
            Some(next) => value = next,
            None => return false,
        }
    }
    true
}

/// What is wrong with an answer.
fn shape(answer: &Value) -> Result<(), String> {
    let Value::Object(members) = answer else {
        return Err("the decision is not an object".to_owned());
    };
    for name in ["allow", "requires_approval"] {
        if !matches!(members.get(name), Some(Value::Bool(_))) {
            return Err(format!("the decision has no `{name}` that is a boolean"));
        }
    }
    match members.get("violations") {
        Some(Value::Array(texts)) if texts.iter().all(Value::is_string) => Ok(()),
        _ => Err("the decision has no `violations` that is a list of texts".to_owned()),
    }
}

fn unknown_data(
    path: &[Value],
    program: &Program<'_>,
    context: &Context<'_>,
    syntax: &Syntax,
) -> Diagnostic {
    let place = syntax
        .reference(path)
        .map_or(Span::whole(program.policy), |(row, column)| {
            context.at(row, column)
        });
    let help = match program.data {
        Some(data) => format!(
            "add it to `{}`, as an empty list or object if there is nothing to say",
            context.sources.name(data)
        ),
        None => "give it in a file with `--data FILE`, as an empty list or object if there is nothing to say".to_owned(),
    };
    Diagnostic::new(
        "rego-unknown-data",
        format!(
            "nothing gives {}: it is undefined in every decision, and `not` on it is true",
            quoted(&shown(path))
        ),
        place,
        "neither a rule nor among the data",
    )
    .with_help(help)
}

fn wrong_answer(what: &str, place: Span, label: &str) -> Diagnostic {
    Diagnostic::new("rego-answer", what, place, label).with_help(SHAPE)
}

/// A path below `data` as Rego writes it.
fn shown(path: &[Value]) -> String {
    let mut text = "data".to_owned();
    for part in path {
        match part.as_str().filter(|name| crate::expr::is_name(name)) {
            Some(name) => {
                text.push('.');
                text.push_str(name);
            }
            None => {
                text.push('[');
                text.push_str(&part.to_string());
                text.push(']');
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn data_are_given_down_to_the_last_part_of_a_path() {
        let data = json!({"a": {"b": [{"c": null}]}, "0": 1});
        for (path, given) in [
            (json!(["a"]), true),
            (json!(["a", "b", 0, "c"]), true),
            (json!(["a", "b", 1]), false),
            (json!(["a", "b", "c"]), false),
            (json!(["a", "x"]), false),
            (json!(["a", "b", 0, "c", "d"]), false),
            (json!([0]), false),
            (json!(["0"]), true),
        ] {
            let parts = path.as_array().unwrap();
            assert_eq!(is_given(&data, parts), given, "{}", shown(parts));
            assert!(!is_given(&Value::Null, parts));
        }
        assert_eq!(
            shown(&[json!("a"), json!("b c"), json!(0)]),
            "data.a[\"b c\"][0]"
        );
    }

    #[test]
    fn an_answer_has_three_members_of_their_types() {
        assert_eq!(
            shape(
                &json!({"allow": true, "requires_approval": false, "violations": ["a"], "more": 1})
            ),
            Ok(())
        );
        for (answer, wrong) in [
            (json!(true), "not an object"),
            (json!({}), "`allow`"),
            (
                json!({"allow": "yes", "requires_approval": false, "violations": []}),
                "`allow`",
            ),
            (
                json!({"allow": true, "violations": []}),
                "`requires_approval`",
            ),
            (
                json!({"allow": true, "requires_approval": false}),
                "`violations`",
            ),
            (
                json!({"allow": true, "requires_approval": false, "violations": [1]}),
                "`violations`",
            ),
            (
                json!({"allow": true, "requires_approval": false, "violations": {"a": "b"}}),
                "`violations`",
            ),
        ] {
            assert!(shape(&answer).unwrap_err().contains(wrong), "{answer}");
        }
    }
}
