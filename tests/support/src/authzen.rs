//! AuthZEN's certification scenario for decision points, as far as it is about evaluations and metadata: what is asked, and what must come.
//! The steps are data, `tests/authzen/scenario.json`; the policy beside them is what the scenario demands, in our language.

use serde_json::Value;

/// The policy.
pub const POLICY: &str = include_str!("../../authzen/policy.yaml");

const SCENARIO: &str = include_str!("../../authzen/scenario.json");

/// A request, and what must come.
#[derive(Debug, Clone)]
pub struct Step {
    step: Value,
    /// `POST` or `GET`
    pub method: String,
    /// The path.
    pub path: String,
    /// The value of `content-type`, if there is one.
    pub content_type: Option<String>,
    /// The value of `x-request-id`, if there is one.
    pub request_id: Option<String>,
    /// The body.
    pub body: String,
}

/// What came.
#[derive(Debug, Clone)]
pub struct Came {
    /// The status.
    pub status: u16,
    /// The headers, with names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

/// How many steps of the scenario a decision point passed.
///
/// # Panics
/// If it does not pass one.
pub fn passes(base: &str, mut ask: impl FnMut(&Step) -> Came) -> usize {
    let steps = steps();
    let mut passed = 0;
    for step in &steps {
        let times = step.step["times"].as_u64().unwrap_or(1);
        for _ in 0..times {
            let came = ask(step);
            if let Err(why) = step.check(base, &came) {
                panic!("{}: {why}: {came:?}", step.step);
            }
        }
        passed += 1;
    }
    passed
}

fn steps() -> Vec<Step> {
    let Ok(Value::Array(steps)) = serde_json::from_str(SCENARIO) else {
        panic!("the scenario is no list");
    };
    let text = |value: &Value| value.as_str().map(str::to_owned);
    steps
        .into_iter()
        .map(|step| Step {
            method: text(&step["method"]).unwrap_or_else(|| "POST".to_owned()),
            path: text(&step["path"]).unwrap_or_else(|| "/access/v1/evaluation".to_owned()),
            content_type: match step.get("content_type") {
                None => Some("application/json".to_owned()),
                Some(value) => text(value),
            },
            request_id: text(&step["request_id"]),
            body: match step.get("request") {
                Some(request) => request.to_string(),
                None => text(&step["body"]).unwrap_or_default(),
            },
            step,
        })
        .collect()
}

impl Step {
    fn check(&self, base: &str, came: &Came) -> Result<(), String> {
        let step = &self.step;
        let header = |name: &str| {
            let mut found = came.headers.iter().filter(|(other, _)| other == name);
            match (found.next(), found.next()) {
                (Some((_, value)), None) => Some(value.as_str()),
                _ => None,
            }
        };
        let status = step["status"].as_u64().unwrap_or(200);
        if u64::from(came.status) != status {
            return Err(format!("status {status} must come"));
        }
        if let Some(id) = &self.request_id
            && header("x-request-id") != Some(id)
        {
            return Err("the request id must come back".to_owned());
        }
        let body: Value =
            serde_json::from_str(&came.body).map_err(|error| format!("no JSON: {error}"))?;
        if status != 200 {
            let is_said = body["detail"].as_str().is_some_and(|text| !text.is_empty());
            return if is_said && body.get("decision").is_none() {
                Ok(())
            } else {
                Err("a message must come, and no decision".to_owned())
            };
        }
        if header("content-type") != Some("application/json") {
            return Err("`application/json` must come".to_owned());
        }
        if step["metadata"] == true {
            let of = |name: &str| body[name].as_str().unwrap_or_default();
            let is_right = of("policy_decision_point") == base
                && of("access_evaluation_endpoint") == format!("{base}/access/v1/evaluation")
                && of("access_evaluations_endpoint") == format!("{base}/access/v1/evaluations");
            return if is_right {
                Ok(())
            } else {
                Err(format!("the metadata of `{base}` must come"))
            };
        }
        match (step.get("decisions"), step.get("decision")) {
            (Some(Value::Array(expected)), None) => {
                let found = body["evaluations"].as_array().ok_or("no evaluations")?;
                if body.get("decision").is_some() || found.len() != expected.len() {
                    return Err(format!("{} evaluations must come", expected.len()));
                }
                let mut pairs = expected.iter().zip(found);
                pairs.try_for_each(|(expected, found)| decided(expected, found))
            }
            (None, Some(expected)) => decided(expected, &body),
            _ => Err("the step says nothing".to_owned()),
        }
    }
}

/// `expected` is a decision, or null: any.
fn decided(expected: &Value, found: &Value) -> Result<(), String> {
    let decision = &found["decision"];
    if !decision.is_boolean() || !(expected.is_null() || decision == expected) {
        return Err(format!("the decision {expected} must come"));
    }
    match found.get("context") {
        None | Some(Value::Object(_)) => Ok(()),
        Some(_) => Err("the context must be an object".to_owned()),
    }
}
