//! Any component of the world `policy`, run through the canonical ABI of the runtime.

mod abi;
mod check;
mod earlier;

use hexgate_contract::{ApprovalTerms, FileScope, Forbid, Request, Role, Rule, Summary, Verdict};
use wasmtime::component::{Component, Instance as Running, InstancePre, Linker, TypedFunc};
use wasmtime::{Engine, Store};

use super::{Guest, Instance, State};
use crate::error::{DecideError, LoadError};
use crate::limits::Limits;
use check::Version;

type Decide = TypedFunc<(abi::Request<'static>,), (Result<abi::Verdict, abi::Error>,)>;

/// A compiled component.
pub(crate) struct Foreign {
    pre: InstancePre<State>,
    version: Version,
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
        let (version, exports) = check::exports(engine, component)?;
        let pre = Linker::new(engine)
            .instantiate_pre(component)
            .map_err(|error| LoadError::Compile {
                reason: format!("{error:#}"),
            })?;
        Ok(Self {
            pre,
            version,
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
            version: self.version,
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
    version: Version,
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

    /// Calls a function that is called once in an instance's life, or seldom.
    fn ask<P, R>(&mut self, index: usize, params: P, most: usize) -> Result<R, DecideError>
    where
        P: wasmtime::component::ComponentNamedList + wasmtime::component::Lower,
        R: wasmtime::component::ComponentNamedList + wasmtime::component::Lift,
    {
        let function = self.function::<P, R>(index)?;
        self.call(function, params, most)
    }
}

impl Instance for Box<ForeignInstance> {
    fn decide(&mut self, request: &Request<'_>) -> Result<Verdict, DecideError> {
        if self.version == Version::Earlier {
            return earlier::decide(self, request);
        }
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

    fn covers(&mut self, scope: u32, path: &str) -> Result<bool, DecideError> {
        if self.version == Version::Earlier {
            return earlier::covers();
        }
        let most = self.output;
        let (covers,) = self.ask(check::COVERS, (scope, path), most)?;
        Ok(covers)
    }

    fn about(&mut self) -> Result<Summary, DecideError> {
        if self.version == Version::Earlier {
            return earlier::about(self);
        }
        let most = self.output;
        let (about,): (abi::Summary,) = self.ask(check::ABOUT, (), most)?;
        Ok(about.into())
    }

    fn roles(&mut self, start: u32, count: u32) -> Result<Vec<Role>, DecideError> {
        if self.version == Version::Earlier {
            return earlier::roles(self, start, count);
        }
        let most = self.description;
        let (roles,): (Vec<abi::Role>,) = self.ask(check::ROLES, (start, count), most)?;
        Ok(roles.into_iter().map(Role::from).collect())
    }

    fn rules(
        &mut self,
        role: &str,
        start: u32,
        count: u32,
    ) -> Result<Option<Vec<Rule>>, DecideError> {
        if self.version == Version::Earlier {
            return earlier::rules(self, role, start, count);
        }
        let most = self.description;
        let (rules,): (Option<Vec<abi::Rule>>,) =
            self.ask(check::RULES, (role, start, count), most)?;
        Ok(rules.map(|rules| rules.into_iter().map(Rule::from).collect()))
    }

    fn forbids(
        &mut self,
        role: Option<&str>,
        start: u32,
        count: u32,
    ) -> Result<Option<Vec<Forbid>>, DecideError> {
        if self.version == Version::Earlier {
            return earlier::forbids(self, role);
        }
        let most = self.description;
        let (forbids,): (Option<Vec<abi::Forbid>>,) =
            self.ask(check::FORBIDS, (role, start, count), most)?;
        Ok(forbids.map(|forbids| forbids.into_iter().map(Forbid::from).collect()))
    }

    fn scope(&mut self, id: u32) -> Result<Option<FileScope>, DecideError> {
        if self.version == Version::Earlier {
            return earlier::scope(self, id);
        }
        let most = self.description;
        let (scope,): (Option<abi::FileScope>,) = self.ask(check::SCOPE, (id,), most)?;
        Ok(scope.map(FileScope::from))
    }

    fn terms(&mut self, id: u32) -> Result<Option<ApprovalTerms>, DecideError> {
        if self.version == Version::Earlier {
            return Ok(None);
        }
        let most = self.description;
        let (terms,): (Option<abi::ApprovalTerms>,) = self.ask(check::TERMS, (id,), most)?;
        Ok(terms.map(ApprovalTerms::from))
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
