//! Any component of the world `policy`, run through the canonical ABI of the runtime.

mod abi;
mod check;

use hexgate_contract::{FileScope, Request, Rule, Summary, Verdict};
use wasmtime::component::{Component, Instance as Running, InstancePre, Linker, TypedFunc};
use wasmtime::{Engine, Store};

use super::{Guest, Instance, State};
use crate::error::{DecideError, LoadError};
use crate::limits::Limits;

type Decide = TypedFunc<(abi::Request<'static>,), (Result<abi::Verdict, abi::Error>,)>;
type Describe = TypedFunc<(), (abi::Summary,)>;
type Roles = TypedFunc<(u32, u32), (Vec<String>,)>;
type Rules = TypedFunc<(&'static str, u32, u32), (Option<Vec<abi::Rule>>,)>;
type Scope = TypedFunc<(u32,), (Option<abi::FileScope>,)>;

/// A compiled component.
pub(crate) struct Foreign {
    pre: InstancePre<State>,
    exports: check::Exports,
    limits: Limits,
    /// None: this engine does not count instructions.
    fuel: Option<u64>,
}

impl Foreign {
    /// Accepts a compiled component if it is of the world `policy`.
    pub(crate) fn new(
        engine: &Engine,
        component: &Component,
        limits: &Limits,
        metered: bool,
    ) -> Result<Self, LoadError> {
        let exports = check::exports(engine, component)?;
        let pre = Linker::new(engine)
            .instantiate_pre(component)
            .map_err(|error| LoadError::Compile {
                reason: format!("{error:#}"),
            })?;
        Ok(Self {
            pre,
            exports,
            limits: *limits,
            fuel: metered.then_some(limits.fuel),
        })
    }
}

impl Guest for Foreign {
    type Instance = Box<ForeignInstance>;

    fn instantiate(&self) -> Result<Self::Instance, DecideError> {
        let mut store = Store::new(self.pre.engine(), State::new(&self.limits));
        store.limiter(|state| &mut state.limiter);
        let mut instance = Box::new(ForeignInstance {
            store,
            running: None,
            decide: None,
            exports: self.exports.clone(),
            fuel: self.fuel,
            output: usize::try_from(self.limits.output_bytes).unwrap_or(usize::MAX),
            description: usize::try_from(self.limits.description_bytes).unwrap_or(usize::MAX),
        });
        instance.refuel()?;
        // A start function is code of the component, so this runs under the same limits as a decision.
        let running = self.pre.instantiate(&mut instance.store);
        let running = running.map_err(|error| instance.store.data().explain_start(&error))?;
        instance.store.data_mut().limiter.started();
        instance.running = Some(running);
        Ok(instance)
    }
}

/// A running component.
pub(crate) struct ForeignInstance {
    store: Store<State>,
    running: Option<Running>,
    decide: Option<Decide>,
    exports: check::Exports,
    fuel: Option<u64>,
    output: usize,
    description: usize,
}

impl ForeignInstance {
    fn refuel(&mut self) -> Result<(), DecideError> {
        let Some(fuel) = self.fuel else { return Ok(()) };
        self.store.set_fuel(fuel).map_err(|error| host(&error))
    }

    fn function<P, R>(&mut self, index: usize) -> Result<TypedFunc<P, R>, DecideError>
    where
        P: wasmtime::component::ComponentNamedList + wasmtime::component::Lower,
        R: wasmtime::component::ComponentNamedList + wasmtime::component::Lift,
    {
        let missing = || DecideError::Host {
            what: "an export that was there is gone".into(),
        };
        let export = self.exports.get(index).ok_or_else(missing)?;
        let running = self.running.ok_or_else(missing)?;
        running
            .get_typed_func(&mut self.store, export)
            .map_err(|error| host(&error))
    }

    fn call<P, R>(
        &mut self,
        function: TypedFunc<P, R>,
        params: P,
        most: usize,
    ) -> Result<R, DecideError>
    where
        P: wasmtime::component::ComponentNamedList + wasmtime::component::Lower,
        R: wasmtime::component::ComponentNamedList + wasmtime::component::Lift,
    {
        self.refuel()?;
        self.store.set_hostcall_fuel(most);
        function
            .call(&mut self.store, params)
            .map_err(|error| self.store.data().explain(&error))
    }
}

impl Instance for Box<ForeignInstance> {
    fn decide(&mut self, request: &Request<'_>) -> Result<Verdict, DecideError> {
        let decide: Decide = match self.decide {
            Some(decide) => decide,
            None => {
                let decide = self.function(check::DECIDE)?;
                self.decide = Some(decide);
                decide
            }
        };
        // The parameters may have a shorter lifetime than the function's type says.
        let decide: TypedFunc<(abi::Request<'_>,), _> = decide;
        let most = self.output;
        let (answer,) = self.call(decide, (abi::Request::from(request),), most)?;
        answer.map(Verdict::from).map_err(DecideError::from)
    }

    fn about(&mut self) -> Result<Summary, DecideError> {
        let function: Describe = self.function(check::ABOUT)?;
        let most = self.output;
        self.call(function, (), most).map(|(about,)| about.into())
    }

    fn roles(&mut self, start: u32, count: u32) -> Result<Vec<String>, DecideError> {
        let function: Roles = self.function(check::ROLES)?;
        let most = self.description;
        self.call(function, (start, count), most)
            .map(|(roles,)| roles)
    }

    fn rules(
        &mut self,
        role: &str,
        start: u32,
        count: u32,
    ) -> Result<Option<Vec<Rule>>, DecideError> {
        let function: Rules = self.function(check::RULES)?;
        let function: TypedFunc<(&str, u32, u32), _> = function;
        let most = self.description;
        let (rules,) = self.call(function, (role, start, count), most)?;
        Ok(rules.map(|rules: Vec<abi::Rule>| rules.into_iter().map(Rule::from).collect()))
    }

    fn scope(&mut self, id: u32) -> Result<Option<FileScope>, DecideError> {
        let function: Scope = self.function(check::SCOPE)?;
        let most = self.description;
        self.call(function, (id,), most)
            .map(|(scope,)| scope.map(FileScope::from))
    }

    /// Keep it only at its first size: the content of grown memory is unknown.
    fn is_small(&self) -> bool {
        !self.store.data().limiter.has_grown()
    }
}

fn host(error: &wasmtime::Error) -> DecideError {
    DecideError::Host {
        what: format!("{error:#}"),
    }
}
