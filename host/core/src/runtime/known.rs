//! The engine that this host ships, with a policy's plan as its data.
//!
//! A component of the known engine differs from every other only in its plan, which is a part of its memory's first content. So
//! one module without a plan serves all policies: an instance of it is given the memory that the component begins with, and the
//! plan is copied to its place. Calls go straight to the engine's core functions: what the canonical ABI would do is done here, for
//! this one signature, with one allocation.

mod abi;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use hexgate_component::{HEAP_BASE, memory_pages};
use hexgate_contract::{
    ApprovalTerms, Exceeded, FileScope, Forbid, Request, Role, Rule, Summary, Verdict, names,
};
use wasmtime::{Memory, Module, ModuleExport, Store, TypedFunc};

use super::{Guest, Instance, State};
use crate::error::{DecideError, TrapKind};
use crate::limits::Limits;

/// Roles, tool, arguments as address and length each, facts with a discriminant before them.
type Flat = (u32, u32, u32, u32, u32, u32, u32, u32, u32);

/// The compiled engine, shared by all policies.
pub(crate) struct Code {
    module: Module,
    exports: Exports,
}

/// Where the engine's functions are.
#[derive(Clone, Copy)]
struct Exports {
    memory: ModuleExport,
    realloc: ModuleExport,
    decide: ModuleExport,
    covers: ModuleExport,
    about: ModuleExport,
    roles: ModuleExport,
    rules: ModuleExport,
    forbids: ModuleExport,
    scope: ModuleExport,
    terms: ModuleExport,
}

impl Code {
    /// Takes the compiled code of an engine. None: it lacks an export, so it is not the engine that this host knows.
    pub(crate) fn new(module: Module) -> Option<Self> {
        let find = |name: &str| module.get_export_index(name);
        let exports = Exports {
            memory: find("memory")?,
            realloc: find("cabi_realloc")?,
            decide: find(names::DECIDE.core)?,
            covers: find(names::COVERS.core)?,
            about: find(names::ABOUT.core)?,
            roles: find(names::ROLES.core)?,
            rules: find(names::RULES.core)?,
            forbids: find(names::FORBIDS.core)?,
            scope: find(names::SCOPE.core)?,
            terms: find(names::TERMS.core)?,
        };
        Some(Self { module, exports })
    }
}

/// A policy of the known engine.
pub(crate) struct Known {
    code: Arc<Code>,
    plan: Box<[u8]>,
    /// The pages of memory that its component begins with.
    pages: u32,
    limits: Limits,
}

impl Known {
    /// Puts the compiled engine and a policy's plan together. None: no component of the engine has such a plan.
    pub(crate) fn new(code: Arc<Code>, plan: &[u8], limits: &Limits) -> Option<Self> {
        Some(Self {
            code,
            pages: memory_pages(plan)?,
            plan: plan.into(),
            limits: *limits,
        })
    }
}

impl Guest for Known {
    type Instance = Box<KnownInstance>;

    fn instantiate(&self) -> Result<Self::Instance, DecideError> {
        let mut store = Store::new(self.code.module.engine(), State::new(&self.limits));
        store.limiter(|state| &mut state.limiter);
        let started = self.start(&mut store);
        let (memory, running) = started.map_err(|error| store.data().explain_start(&error))?;
        let exports = self.code.exports;
        let typed = |store: &mut Store<State>| -> wasmtime::Result<_> {
            let realloc = function(&running, store, &exports.realloc)?;
            let decide = function(&running, store, &exports.decide)?;
            Ok((realloc, decide))
        };
        let (realloc, decide) =
            typed(&mut store).map_err(|error| store.data().explain_start(&error))?;
        store.data_mut().limiter.started();
        Ok(Box::new(KnownInstance {
            store,
            memory,
            running,
            realloc,
            decide,
            exports,
            limits: self.limits,
            base: None,
        }))
    }
}

impl Known {
    /// An instance whose memory is as that of the component's would be.
    fn start(&self, store: &mut Store<State>) -> wasmtime::Result<(Memory, wasmtime::Instance)> {
        let running = wasmtime::Instance::new(&mut *store, &self.code.module, &[])?;
        let memory = running
            .get_module_export(&mut *store, &self.code.exports.memory)
            .and_then(wasmtime::Extern::into_memory)
            .ok_or_else(|| wasmtime::Error::msg("the engine's memory is not a memory"))?;
        let missing = u64::from(self.pages).saturating_sub(memory.size(&*store));
        if missing > 0 {
            memory.grow(&mut *store, missing)?;
        }
        // INVARIANT: the place of the plan fits 32 bits, and so an address of any machine that this runs on.
        memory.write(&mut *store, HEAP_BASE as usize, &self.plan)?;
        Ok((memory, running))
    }
}

/// A running policy.
pub(crate) struct KnownInstance {
    store: Store<State>,
    memory: Memory,
    running: wasmtime::Instance,
    realloc: TypedFunc<(u32, u32, u32, u32), u32>,
    decide: TypedFunc<Flat, u32>,
    exports: Exports,
    limits: Limits,
    /// Where the guest puts the first thing of every call, once it has said so.
    base: Option<u32>,
}

impl KnownInstance {
    /// Makes room for a request. The guest is asked once; after that only if its memory has to grow, for its code is known to
    /// begin each decision behind what lies at its arena's start.
    fn room(&mut self, length: usize) -> Result<u32, DecideError> {
        let free = |base: u32| {
            let base = usize::try_from(base).ok()?;
            self.memory.data_size(&self.store).checked_sub(base)
        };
        if let Some(base) = self.base
            && free(base).is_some_and(|free| length <= free)
        {
            return Ok(base);
        }
        let base = self.allocate(length)?;
        self.base = Some(base);
        Ok(base)
    }

    /// Puts `length` bytes at the guest's disposal and returns where.
    fn allocate(&mut self, length: usize) -> Result<u32, DecideError> {
        let length = u32::try_from(length).map_err(|_| {
            DecideError::Exceeded(Exceeded {
                limit: "memory-bytes".into(),
                allowed: self.limits.memory_bytes.into(),
            })
        })?;
        let address = self.realloc.call(&mut self.store, (0, 0, 4, length.max(1)));
        address.map_err(|error| self.store.data().explain(&error))
    }

    fn reader(&self, most: u32) -> abi::Reader<'_> {
        abi::Reader::new(self.memory.data(&self.store), most)
    }

    /// Places a text, and returns its address and length.
    fn place(&mut self, text: &str) -> Result<(u32, u32), DecideError> {
        let base = self.allocate(text.len())?;
        abi::write_text(self.memory.data_mut(&mut self.store), base, text)?;
        Ok((base, u32::try_from(text.len()).unwrap_or(u32::MAX)))
    }

    fn ask<P: wasmtime::WasmParams>(
        &mut self,
        export: ModuleExport,
        params: P,
    ) -> Result<u32, DecideError> {
        let call =
            |running: &wasmtime::Instance, store: &mut Store<State>| -> wasmtime::Result<u32> {
                function::<P, u32>(running, store, &export)?.call(store, params)
            };
        call(&self.running, &mut self.store).map_err(|error| self.store.data().explain(&error))
    }
}

impl Instance for Box<KnownInstance> {
    fn decide(&mut self, request: &Request<'_>) -> Result<Verdict, DecideError> {
        let block = abi::Block::measure(request);
        let base = self.room(block.length())?;
        let params = block.write(self.memory.data_mut(&mut self.store), base, request)?;
        let result = self.decide.call(&mut self.store, params);
        let result = result.map_err(|error| self.store.data().explain(&error))?;
        let answer = self.reader(self.limits.output_bytes).verdict(result)?;
        let has_texts = match &answer {
            Ok(Verdict::Allow(_)) => false,
            Ok(Verdict::NeedsApproval(needed)) => needed.message.is_some(),
            Ok(Verdict::Deny(_)) | Err(_) => true,
        };
        if has_texts {
            // A denial says what was asked for.
            abi::wipe_texts(self.memory.data_mut(&mut self.store), result);
        }
        match answer {
            // An engine that gets no room to work in has no other word for it.
            Err(DecideError::Internal { .. }) if self.store.data().limiter.has_refused() => {
                Err(DecideError::Trap {
                    kind: TrapKind::Memory,
                })
            }
            answer => answer,
        }
    }

    fn about(&mut self) -> Result<Summary, DecideError> {
        let result = self.ask(self.exports.about, ())?;
        self.reader(self.limits.output_bytes).about(result)
    }

    fn covers(&mut self, scope: u32, path: &str) -> Result<bool, DecideError> {
        let (base, length) = self.place(path)?;
        match self.ask(self.exports.covers, (scope, base, length))? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(abi::discriminant()),
        }
    }

    fn roles(&mut self, start: u32, count: u32) -> Result<Vec<Role>, DecideError> {
        let result = self.ask(self.exports.roles, (start, count))?;
        self.reader(self.limits.description_bytes).roles(result)
    }

    fn rules(
        &mut self,
        role: &str,
        start: u32,
        count: u32,
    ) -> Result<Option<Vec<Rule>>, DecideError> {
        let (base, length) = self.place(role)?;
        let result = self.ask(self.exports.rules, (base, length, start, count))?;
        self.reader(self.limits.description_bytes).rules(result)
    }

    fn forbids(
        &mut self,
        role: Option<&str>,
        start: u32,
        count: u32,
    ) -> Result<Option<Vec<Forbid>>, DecideError> {
        let (present, (base, length)) = match role {
            Some(role) => (1, self.place(role)?),
            None => (0, (0, 0)),
        };
        let result = self.ask(self.exports.forbids, (present, base, length, start, count))?;
        self.reader(self.limits.description_bytes).forbids(result)
    }

    fn scope(&mut self, id: u32) -> Result<Option<FileScope>, DecideError> {
        let result = self.ask(self.exports.scope, (id,))?;
        self.reader(self.limits.description_bytes).scope(result)
    }

    fn terms(&mut self, id: u32) -> Result<Option<ApprovalTerms>, DecideError> {
        let result = self.ask(self.exports.terms, (id,))?;
        self.reader(self.limits.description_bytes).terms(result)
    }

    /// What it began with, or not much more: what was used of it is wiped, so that nothing but room is kept.
    fn is_small(&self) -> bool {
        let small =
            |size: usize| u32::try_from(size).is_ok_and(|size| size <= self.limits.kept_bytes);
        !self.store.data().limiter.has_grown() || small(self.memory.data_size(&self.store))
    }
}

fn function<P, R>(
    running: &wasmtime::Instance,
    store: &mut Store<State>,
    export: &ModuleExport,
) -> wasmtime::Result<TypedFunc<P, R>>
where
    P: wasmtime::WasmParams,
    R: wasmtime::WasmResults,
{
    let item = running
        .get_module_export(&mut *store, export)
        .and_then(wasmtime::Extern::into_func);
    item.ok_or_else(|| wasmtime::Error::msg("an export that was there is gone"))?
        .typed(store)
}
