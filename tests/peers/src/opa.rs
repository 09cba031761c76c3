//! OPA's own evaluator, in a process of its own.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    call::{AGREED, Call, Outcome},
    measure::Samples,
    peer::outcome_of,
};

const QUERY: &str = "data.hexgate.policy.decision";

/// The binary, and a folder with the policy in it.
pub(crate) struct Binary<'a> {
    opa: &'a Path,
    folder: &'a Path,
}

impl<'a> Binary<'a> {
    /// Puts the policy into the folder, and asks everything that all must agree on.
    pub(crate) fn load(opa: &'a Path, folder: &'a Path, rego: &str) -> Result<Self> {
        fs::write(folder.join("policy.rego"), rego)?;
        let it = Self { opa, folder };
        for (call, expected) in AGREED {
            let said = it.outcome(call)?;
            ensure!(
                said == *expected,
                "OPA says {said:?} to {call:?}, expected {expected:?}"
            );
        }
        Ok(it)
    }

    /// `opa bench`: runs for about a second. The input has been read before the clock starts.
    pub(crate) fn bench(&self, call: &Call, samples: &mut Samples) -> Result<()> {
        let said = self
            .run("bench", call)?
            .context("OPA cannot read the call")?;
        let result: serde_json::Value = serde_json::from_str(&said)?;
        let number = |name: &str| {
            result
                .get(name)
                .and_then(serde_json::Value::as_f64)
                .with_context(|| format!("no `{name}` in {said}"))
        };
        samples.add(number("T")? / number("N")?);
        Ok(())
    }

    fn outcome(&self, call: &Call) -> Result<Outcome> {
        let Some(said) = self.run("eval", call)? else {
            return Ok(Outcome::Deny);
        };
        let said: serde_json::Value = serde_json::from_str(&said)?;
        Ok(outcome(said.pointer("/result/0/expressions/0/value")))
    }

    /// What OPA prints. None: it refuses the input, as a host would.
    fn run(&self, command: &str, call: &Call) -> Result<Option<String>> {
        fs::write(self.folder.join("input.json"), call.input())?;
        let output = Command::new(self.opa)
            .arg(command)
            .args([
                "--format=json",
                "--data=policy.rego",
                "--input=input.json",
                QUERY,
            ])
            .current_dir(self.folder)
            .stdin(Stdio::null())
            .output()
            .context("cannot run OPA")?;
        let said = String::from_utf8(output.stdout)?;
        if output.status.success() {
            return Ok(Some(said));
        }
        let readable = serde_json::from_str::<serde_json::Value>(call.arguments).is_ok();
        if readable {
            bail!(
                "`opa {command}` failed: {said}{}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(None)
    }
}

/// What an answer says.
pub(crate) fn outcome(answer: Option<&serde_json::Value>) -> Outcome {
    let flag = |name| answer?.get(name)?.as_bool();
    outcome_of(flag("allow").zip(flag("requires_approval")))
}
