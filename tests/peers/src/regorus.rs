//! Regorus: Rego in Rust, on the text that we print. Its two ways to evaluate are compared as two engines.

use anyhow::Result;
use regorus::{
    CompiledPolicy, Engine, Value, languages::rego::compiler::Compiler, rvm::vm::RegoVM,
};

use crate::{
    call::{Call, Outcome},
    peer::{Peer, outcome_of},
};

const ENTRYPOINT: &str = "data.hexgate.policy.decision";

/// The version in `Cargo.toml`: the crate does not tell it.
const VERSION: &str = "0.14";

/// The interpreter of compiled policies.
pub(crate) struct Interpreter(CompiledPolicy);

/// The register machine.
pub(crate) struct Machine(RegoVM);

fn compile(rego: &str) -> Result<CompiledPolicy> {
    let mut engine = Engine::new();
    engine.add_policy("policy.rego".to_owned(), rego.to_owned())?;
    engine.compile_with_entrypoint(&ENTRYPOINT.into())
}

impl Interpreter {
    pub(crate) fn load(rego: &str) -> Result<Self> {
        compile(rego).map(Self)
    }

    fn ask(&self, input: Value) -> Outcome {
        outcome(self.0.eval_with_input(input))
    }
}

impl Peer for Interpreter {
    fn name(&self) -> String {
        format!("regorus {VERSION}, interpreter")
    }

    fn decide(&mut self, call: &Call) -> Outcome {
        Value::from_json_str(&call.input()).map_or(Outcome::Deny, |input| self.ask(input))
    }

    fn evaluation<'p>(&'p mut self, call: &Call) -> Option<Box<dyn FnMut() -> Outcome + 'p>> {
        let input = Value::from_json_str(&call.input()).ok()?;
        Some(Box::new(move || self.ask(input.clone())))
    }
}

impl Machine {
    pub(crate) fn load(rego: &str) -> Result<Self> {
        let program = Compiler::compile_from_policy(&compile(rego)?, &[ENTRYPOINT])?;
        let mut machine = RegoVM::new();
        machine.load_program(program);
        Ok(Self(machine))
    }

    fn ask(&mut self, input: Value) -> Outcome {
        self.0.set_input(input);
        outcome(self.0.execute())
    }
}

impl Peer for Machine {
    fn name(&self) -> String {
        format!("regorus {VERSION}, register machine")
    }

    fn decide(&mut self, call: &Call) -> Outcome {
        Value::from_json_str(&call.input()).map_or(Outcome::Deny, |input| self.ask(input))
    }

    fn evaluation<'p>(&'p mut self, call: &Call) -> Option<Box<dyn FnMut() -> Outcome + 'p>> {
        let input = Value::from_json_str(&call.input()).ok()?;
        Some(Box::new(move || self.ask(input.clone())))
    }
}

fn outcome<E>(answer: Result<Value, E>) -> Outcome {
    let flag = |answer: &Value, name: &str| answer[name].as_bool().ok().copied();
    outcome_of(
        answer.ok().and_then(|answer| {
            Some((flag(&answer, "allow")?, flag(&answer, "requires_approval")?))
        }),
    )
}
