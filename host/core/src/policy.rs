//! A loaded policy, and deciding by it.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use hexgate_bundle::{Contents, DangerousUnsignedBundle, Timestamp, VerifiedBundle, v1};
use hexgate_contract::{
    ApprovalTerms, Denial, Exceeded, FileScope, Forbid, Request, Rule, Summary, Tools, Verdict,
};

use crate::component::component_of;
use crate::description::{Description, Role};
use crate::engine::{Engine, Idle};
use crate::error::{DecideError, LoadError};
#[cfg(feature = "cranelift")]
use crate::runtime::foreign::Foreign;
use crate::runtime::known::Known;
use crate::runtime::{Guest, Instance, admit, output};
use crate::slots::{After, Slots};
use crate::window::Window;

/// A policy, ready to decide from any thread. Cloning is cheap and gives the same policy.
#[derive(Clone)]
pub struct Policy(Arc<Loaded>);

struct Loaded {
    engine: Engine,
    window: Window,
    about: Summary,
    runner: Runner,
}

enum Runner {
    Known(Pool<Known>),
    #[cfg(feature = "cranelift")]
    Foreign(Pool<Foreign>),
}

/// How far a component is trusted to keep nothing from one decision to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Isolation {
    /// As far as it is known: a component of the known engine keeps instances and is not metered; any other gets a fresh
    /// instance a decision and is metered.
    #[default]
    AsKnown,
    /// Not at all: every component gets a fresh instance a decision and is metered.
    Full,
    /// Entirely: instances are kept and nothing is metered, so an endless loop never ends. For benchmarks of your own components.
    DangerousNone,
}

impl Policy {
    /// Loads the policy of a verified bundle.
    ///
    /// # Errors
    ///
    /// The component is not a policy of this version of the contract, wants imports, is too large, or does not compile or start.
    pub fn load(engine: &Engine, bundle: &VerifiedBundle) -> Result<Self, LoadError> {
        Self::load_contents(engine, bundle.contents())
    }

    /// Loads the policy of an unsigned bundle. For development, and for tools that show bundles: any user who can change the files can
    /// allow everything.
    ///
    /// # Errors
    ///
    /// As for [`Policy::load`].
    pub fn dangerous_load_unsigned(
        engine: &Engine,
        bundle: &DangerousUnsignedBundle,
    ) -> Result<Self, LoadError> {
        Self::load_contents(engine, bundle.contents())
    }

    fn load_contents(engine: &Engine, contents: &Contents) -> Result<Self, LoadError> {
        let manifest = contents.manifest();
        let window = Window {
            not_before: time(manifest.not_before())?,
            expires_at: time(manifest.expires_at())?,
        };
        if contents.manifest().version() == v1::VERSION {
            let wasm = contents.wasm();
            within("compiled-bytes", wasm.len(), engine.limits().compiled_bytes)?;
        }
        let component = component_of(contents)?;
        Self::start(
            engine,
            &component,
            Isolation::AsKnown,
            manifest.stateless(),
            window,
        )
    }

    /// Loads a policy from unverified bytes. For tools that examine components and for tests, never for gating an agent: any user who can
    /// change the bytes can allow everything.
    ///
    /// # Errors
    ///
    /// As for [`Policy::load`].
    pub fn dangerous_from_unverified_bytes(
        engine: &Engine,
        wasm: &[u8],
    ) -> Result<Self, LoadError> {
        Self::dangerous_from_unverified_bytes_with(engine, wasm, Isolation::AsKnown)
    }

    /// As [`Policy::dangerous_from_unverified_bytes`], with a choice of how far the component is trusted. All but
    /// [`Isolation::AsKnown`] need the feature `cranelift`.
    ///
    /// # Errors
    ///
    /// As for [`Policy::load`].
    pub fn dangerous_from_unverified_bytes_with(
        engine: &Engine,
        wasm: &[u8],
        isolation: Isolation,
    ) -> Result<Self, LoadError> {
        Self::start(engine, wasm, isolation, false, Window::default())
    }

    /// Decides one tool call. Callable from any thread; threads do not wait for each other.
    ///
    /// # Errors
    ///
    /// There is no verdict. Every error is a denial: nothing may happen because of one.
    pub fn decide(&self, request: &Request<'_>) -> Result<Verdict, DecideError> {
        let loaded = &*self.0;
        loaded.check_window()?;
        admit(request, loaded.engine.limits())?;
        loaded.runner.decide(&loaded.engine, request, &loaded.about)
    }

    /// Whether the scope of a grant covers a path that the call did not name, such as one that a search has found. False also if there is
    /// no such scope. It holds what the policy held the arguments against: the patterns of the rule, and what exceptions and forbids
    /// exclude for the tool.
    ///
    /// # Errors
    ///
    /// There is no answer, and the path counts as not covered: the policy is of version 0.1.0 of the contract, which has no such question
    /// ([`DecideError::EarlierContract`]), it fails, it is outside of its validity, or the path is longer than arguments may be.
    pub fn covers(&self, scope: u32, path: &str) -> Result<bool, DecideError> {
        let loaded = &*self.0;
        loaded.check_window()?;
        let allowed = loaded.engine.limits().arguments_bytes;
        if u32::try_from(path.len()).map_or(true, |length| length > allowed) {
            return Err(DecideError::Exceeded(Exceeded {
                limit: "arguments-bytes".into(),
                allowed: allowed.into(),
            }));
        }
        self.ask(|instance| instance.covers(scope, path))
    }

    /// The policy as a whole, as described when it was loaded.
    #[must_use]
    pub fn about(&self) -> &Summary {
        &self.0.about
    }

    /// Whether the component is of the engine that this host knows.
    #[must_use]
    pub fn is_of_known_engine(&self) -> bool {
        matches!(self.0.runner, Runner::Known(_))
    }

    /// The whole description of the policy.
    ///
    /// # Errors
    ///
    /// The policy fails, contradicts itself, or has a longer description than `description-bytes` allows.
    pub fn describe(&self) -> Result<Description, DecideError> {
        let about = self.0.about.clone();
        let mut budget =
            Budget(usize::try_from(self.0.engine.limits().description_bytes).unwrap_or(usize::MAX));
        budget.take(about.facts.iter().chain(&about.description))?;
        let listed = paged(about.roles, |start, count| {
            let roles = self.ask(|instance| instance.roles(start, count))?;
            for role in &roles {
                budget.take([&role.name].into_iter().chain(&role.description))?;
            }
            Ok(roles)
        })?;
        let forbids = self.forbids(None, &mut budget)?;
        let mut roles = Vec::new();
        for role in listed {
            roles.push(Role {
                forbids: self.forbids(Some(&role.name), &mut budget)?,
                rules: self.rules(&role.name, &mut budget)?,
                name: role.name,
                description: role.description,
            });
        }
        let mut scopes = Vec::new();
        for id in 0..about.scopes {
            let scope = self.scope(id)?;
            let scope =
                scope.ok_or_else(|| contradiction("a scope that it counted is not there"))?;
            let excluded = scope.exclusions.iter().map(|exclusion| &exclusion.paths);
            for paths in [&scope.paths].into_iter().chain(excluded) {
                let texts = paths.allowed.iter().chain(&paths.denied);
                budget.take(texts.chain(&paths.except))?;
            }
            budget.take(&scope.arguments)?;
            scopes.push(scope);
        }
        let mut terms = Vec::new();
        for id in 0..about.terms {
            let of = self.terms(id)?;
            let of = of.ok_or_else(|| contradiction("terms that it counted are not there"))?;
            budget.take(&of.roles)?;
            terms.push(of);
        }
        Ok(Description {
            about,
            roles,
            forbids,
            scopes,
            terms,
        })
    }

    fn rules(&self, role: &str, budget: &mut Budget) -> Result<Vec<Rule>, DecideError> {
        let about = &self.0.about;
        self.pages(
            |instance, start| instance.rules(role, start, PAGE),
            |rule: &Rule| {
                let name = match &rule.tools {
                    Tools::Unlisted => None,
                    Tools::Exact(name) | Tools::Pattern(name) => Some(name),
                };
                let texts = name.into_iter().chain(&rule.constraints);
                budget.take(texts.chain(&rule.message).chain(&rule.description))?;
                Ok(rule.scope.is_none_or(|id| id < about.scopes)
                    && rule.terms.is_none_or(|id| id < about.terms))
            },
        )
    }

    fn forbids(&self, role: Option<&str>, budget: &mut Budget) -> Result<Vec<Forbid>, DecideError> {
        let about = &self.0.about;
        self.pages(
            |instance, start| instance.forbids(role, start, PAGE),
            |forbid: &Forbid| {
                let texts = forbid.tools.iter().chain(&forbid.constraints);
                budget.take(texts.chain(&forbid.message).chain(&forbid.description))?;
                Ok(forbid.scope.is_none_or(|id| id < about.scopes))
            },
        )
    }

    /// What is listed in pages, until one is empty. Each item is looked at, and found good or not.
    fn pages<T>(
        &self,
        page: impl Fn(&mut dyn Instance, u32) -> Result<Option<Vec<T>>, DecideError>,
        mut is_good: impl FnMut(&T) -> Result<bool, DecideError>,
    ) -> Result<Vec<T>, DecideError> {
        let mut items = Vec::new();
        loop {
            let start = u32::try_from(items.len()).unwrap_or(u32::MAX);
            let more = self.ask(|instance| page(instance, start))?;
            let more = more.ok_or_else(|| contradiction("a role that it listed is not there"))?;
            if more.is_empty() {
                return Ok(items);
            }
            let mut good = more.len() <= PAGE_LENGTH;
            for item in &more {
                good &= is_good(item)?;
            }
            if !good {
                return Err(contradiction(
                    "a page is longer than asked for, or names a scope or terms that are not there",
                ));
            }
            items.extend(more);
        }
    }

    /// The file scope that a grant names. None: there is no such scope.
    ///
    /// # Errors
    ///
    /// The policy fails.
    pub fn scope(&self, id: u32) -> Result<Option<FileScope>, DecideError> {
        self.ask(|instance| instance.scope(id))
    }

    /// The terms that a call that needs approval names: who has to agree. None: there are no such terms.
    ///
    /// # Errors
    ///
    /// The policy fails, or its terms are none that anyone could fulfil.
    pub fn terms(&self, id: u32) -> Result<Option<ApprovalTerms>, DecideError> {
        self.ask(|instance| instance.terms(id))?
            .map(output::check_terms)
            .transpose()
    }

    fn ask<R>(
        &self,
        ask: impl FnOnce(&mut dyn Instance) -> Result<R, DecideError>,
    ) -> Result<R, DecideError> {
        self.0.runner.with(&self.0.engine, ask)
    }

    fn start(
        engine: &Engine,
        wasm: &[u8],
        isolation: Isolation,
        stateless: bool,
        window: Window,
    ) -> Result<Self, LoadError> {
        let rego = check_rego(wasm)?;
        let runner = Runner::new(engine, wasm, isolation, stateless)?;
        let about = runner
            .with(engine, |instance| instance.about())
            .map_err(LoadError::Start)?;
        let loaded = Arc::new(Loaded {
            engine: engine.clone(),
            window,
            about,
            runner,
        });
        let idle: Arc<dyn Idle> = loaded.clone();
        engine.list_idle(Arc::downgrade(&idle));
        let policy = Self(loaded);
        if rego {
            policy.probe()?;
        }
        Ok(policy)
    }

    /// Asks a Rego policy a first question, so that an answer of another shape is found now and not at the first call.
    fn probe(&self) -> Result<(), LoadError> {
        let loaded = &*self.0;
        match loaded.runner.decide(&loaded.engine, &PROBE, &loaded.about) {
            Err(DecideError::Internal { reason }) => Err(LoadError::Answer { reason }),
            Err(error) if !error.is_answer() => Err(LoadError::Start(error)),
            _ => Ok(()),
        }
    }
}

impl std::fmt::Debug for Policy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Policy")
            .field("about", &self.0.about)
            .field("window", &self.0.window)
            .finish_non_exhaustive()
    }
}

impl Loaded {
    fn check_window(&self) -> Result<(), DecideError> {
        if self.window.is_open() {
            return Ok(());
        }
        let now = self.engine.clock().now();
        match (self.window.not_before, self.window.expires_at) {
            (Some(from), _) if now < from => Err(DecideError::NotYetValid { from }),
            (_, Some(at)) if now >= at => Err(DecideError::Expired { at }),
            _ => Ok(()),
        }
    }
}

impl Idle for Loaded {
    fn give_up_one(&self) -> bool {
        match &self.runner {
            Runner::Known(pool) => pool.slots.give_up_one(),
            #[cfg(feature = "cranelift")]
            Runner::Foreign(pool) => pool.slots.give_up_one(),
        }
    }
}

impl Runner {
    fn new(
        engine: &Engine,
        wasm: &[u8],
        isolation: Isolation,
        stateless: bool,
    ) -> Result<Self, LoadError> {
        let limits = engine.limits();
        within("component-bytes", wasm.len(), limits.component_bytes)?;
        expect_component(wasm)?;
        let warm = usize::try_from(limits.warm_instances).unwrap_or(0);
        if isolation == Isolation::AsKnown
            && let Some(plan) = hexgate_component::plan_of(wasm)
        {
            check_plan(plan)?;
            let known = Known::new(engine.code()?, plan, limits);
            let guest = known.ok_or_else(|| LoadError::DamagedPlan {
                reason: "it is larger than a plan can be".into(),
            })?;
            return Ok(Self::Known(Pool {
                guest,
                slots: Slots::new(warm),
            }));
        }
        Self::compiled(engine, wasm, isolation, stateless, warm)
    }

    #[cfg(feature = "cranelift")]
    fn compiled(
        engine: &Engine,
        wasm: &[u8],
        isolation: Isolation,
        stateless: bool,
        warm: usize,
    ) -> Result<Self, LoadError> {
        let limits = engine.limits();
        within("compiled-bytes", wasm.len(), limits.compiled_bytes)?;
        let (runtime, metered) = match isolation {
            Isolation::DangerousNone => (engine.trusted(), false),
            Isolation::AsKnown | Isolation::Full => (engine.metered()?, true),
        };
        let component = engine.compile_component(runtime, wasm)?;
        let foreign = Foreign::new(runtime, &component, limits, metered)?;
        let reused = match isolation {
            Isolation::DangerousNone => true,
            Isolation::AsKnown => stateless && engine.accepts_stateless(),
            Isolation::Full => false,
        };
        Ok(Self::Foreign(Pool {
            guest: foreign,
            slots: Slots::new(if reused { warm } else { 0 }),
        }))
    }

    #[cfg(not(feature = "cranelift"))]
    fn compiled(
        _: &Engine,
        _: &[u8],
        isolation: Isolation,
        _: bool,
        _: usize,
    ) -> Result<Self, LoadError> {
        let reason = match isolation {
            Isolation::AsKnown => {
                "the component is not of the engine that this host ships: it is a policy in Rego or Rust, a bundle of version 1, or of another version of hexgate"
            }
            Isolation::Full | Isolation::DangerousNone => {
                "the component is not to be run as the engine that this host ships"
            }
        };
        Err(LoadError::NoCompiler {
            reason: reason.into(),
        })
    }

    fn decide(
        &self,
        engine: &Engine,
        request: &Request<'_>,
        about: &Summary,
    ) -> Result<Verdict, DecideError> {
        match self {
            Self::Known(pool) => pool.decide(engine, request, about),
            #[cfg(feature = "cranelift")]
            Self::Foreign(pool) => pool.decide(engine, request, about),
        }
    }

    fn with<R>(
        &self,
        engine: &Engine,
        ask: impl FnOnce(&mut dyn Instance) -> Result<R, DecideError>,
    ) -> Result<R, DecideError> {
        match self {
            Self::Known(pool) => pool.with(engine, |instance| ask(instance)),
            #[cfg(feature = "cranelift")]
            Self::Foreign(pool) => pool.with(engine, |instance| ask(instance)),
        }
    }
}

/// A call that no policy allows by accident: the tool has a closed name.
const PROBE: Request<'static> = Request::new("hexgate.probe", "{}");

/// Whether a component is our wrapper around an OPA module. Its plan is validated like any other.
fn check_rego(wasm: &[u8]) -> Result<bool, LoadError> {
    match hexgate_component::opa_module_of(wasm) {
        Some((_, plan)) => check_plan(plan).map(|()| true),
        None => Ok(false),
    }
}

/// The known engine does bounded work for valid plans, so the plan is validated once, here.
fn check_plan(plan: &[u8]) -> Result<(), LoadError> {
    let damaged = |reason: String| LoadError::DamagedPlan { reason };
    let plan = hexgate_eval::Plan::open(plan).map_err(|error| damaged(error.to_string()))?;
    plan.validate().map_err(|error| damaged(error.to_string()))
}

/// A component and the instances of it that are kept.
struct Pool<G: Guest> {
    guest: G,
    slots: Slots<G::Instance>,
}

impl<G: Guest> Pool<G> {
    fn decide(
        &self,
        engine: &Engine,
        request: &Request<'_>,
        about: &Summary,
    ) -> Result<Verdict, DecideError> {
        // A verdict is large: it is put where it is needed, and not handed through each function in between.
        let mut verdict = Verdict::Deny(Denial::because(String::new()));
        self.with(engine, |instance| {
            verdict = instance.decide(request)?;
            output::check(&verdict, request, about)
        })?;
        Ok(verdict)
    }

    /// Uses an instance, and keeps it only if its answer shows that it can be used again.
    fn with<R>(
        &self,
        engine: &Engine,
        ask: impl FnOnce(&mut G::Instance) -> Result<R, DecideError>,
    ) -> Result<R, DecideError> {
        let answer = self.slots.with(
            thread_number(),
            || self.instantiate(engine),
            |instance| {
                let answer = ask(instance);
                let answered = answer
                    .as_ref()
                    .map_or_else(DecideError::is_answer, |_| true);
                let after = if answered && instance.is_small() {
                    After::Keep
                } else {
                    After::Drop
                };
                (answer, after)
            },
        );
        answer.flatten()
    }

    fn instantiate(&self, engine: &Engine) -> Result<G::Instance, DecideError> {
        match self.guest.instantiate() {
            Err(DecideError::Busy { .. }) if engine.give_up_one() => self.guest.instantiate(),
            other => other,
        }
    }
}

/// How much text a description may still carry. An entry counts for more than its text, because it costs more.
struct Budget(usize);

impl Budget {
    fn take<'t>(&mut self, texts: impl IntoIterator<Item = &'t String>) -> Result<(), DecideError> {
        let sum = texts.into_iter().fold(ENTRY, |sum, text| {
            sum.saturating_add(text.len()).saturating_add(ENTRY)
        });
        let left = self.0.checked_sub(sum);
        self.0 = left.ok_or_else(|| {
            contradiction("its description is longer than `description-bytes` allows")
        })?;
        Ok(())
    }
}

const ENTRY: usize = 32;
/// How many roles or rules are asked for at once: few enough for one answer, enough that calls do not count.
const PAGE: u32 = 256;
const PAGE_LENGTH: usize = 256;

/// Asks for `count` items page by page.
fn paged<T>(
    count: u32,
    mut page: impl FnMut(u32, u32) -> Result<Vec<T>, DecideError>,
) -> Result<Vec<T>, DecideError> {
    let mut items = Vec::new();
    let mut start = 0;
    while start < count {
        let wanted = count.saturating_sub(start).min(PAGE);
        let more = page(start, wanted)?;
        if u32::try_from(more.len()) != Ok(wanted) {
            return Err(contradiction("it lists fewer or more roles than it counts"));
        }
        items.extend(more);
        start = start.saturating_add(wanted);
    }
    Ok(items)
}

fn contradiction(what: &str) -> DecideError {
    DecideError::BadOutput { what: what.into() }
}

fn within(limit: &'static str, length: usize, allowed: u32) -> Result<(), LoadError> {
    let (bytes, allowed) = (
        u64::try_from(length).unwrap_or(u64::MAX),
        u64::from(allowed),
    );
    if bytes > allowed {
        Err(LoadError::TooLarge {
            bytes,
            limit,
            allowed,
        })
    } else {
        Ok(())
    }
}

fn expect_component(wasm: &[u8]) -> Result<(), LoadError> {
    let reason = match wasm.first_chunk() {
        Some(b"\0asm\x0d\0\x01\0") => return Ok(()),
        Some(b"\0asm\x01\0\0\0") => {
            "it is a core module; a bundle of version 1 may hold one, and `hexgate policy convert` makes a component of that"
        }
        Some([b'\0', b'a', b's', b'm', ..]) => "it is of another version of the binary format",
        _ => "it does not begin with the magic number",
    };
    Err(LoadError::NotAComponent {
        reason: reason.into(),
    })
}

/// A bound of a validity window. One that this system cannot represent must not turn into no bound.
fn time(timestamp: Option<Timestamp>) -> Result<Option<SystemTime>, LoadError> {
    let Some(timestamp) = timestamp else {
        return Ok(None);
    };
    let what = "the bundle's validity is outside of what this system's clock can show";
    timestamp
        .to_system_time()
        .map(Some)
        .ok_or_else(|| LoadError::Host { what: what.into() })
}

/// A small number for each thread, so that a thread comes back to the instance that is in its caches.
fn thread_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    NUMBER.with(|number| {
        if number.get() == usize::MAX {
            number.set(NEXT.fetch_add(1, Ordering::Relaxed) & (usize::MAX >> 1));
        }
        number.get()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    #[test]
    fn an_instance_is_kept_up_to_the_memory_that_may_be_kept() {
        let wasm = hexgate_compiler::Compiler::default()
            .compile_str("p.yaml", "roles: {default: {tools: {a: {mode: allow}}}}")
            .policy
            .unwrap()
            .component;
        let kept = |kept_bytes: u32, length: usize| {
            let limits = Limits {
                kept_bytes,
                ..Limits::default()
            };
            let engine = Engine::builder().limits(limits).build().unwrap();
            let policy = Policy::dangerous_from_unverified_bytes(&engine, &wasm).unwrap();
            let Runner::Known(pool) = &policy.0.runner else {
                panic!("it is of the known engine");
            };
            while pool.slots.give_up_one() {}
            let arguments = format!(r#"{{"a": "{}"}}"#, "x".repeat(length));
            let verdict = policy.decide(&Request::new("a", &arguments)).unwrap();
            assert!(verdict.is_allowed());
            pool.slots.give_up_one()
        };
        // What it began with is always kept.
        assert!(kept(0, 10));
        assert!(!kept(0, 200_000));
        assert!(kept(2 << 20, 150_000));
        assert!(!kept(2 << 20, 900_000));
    }
}
