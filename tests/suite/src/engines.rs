//! The real engines behind one signature: the evaluator in this process, and the component in the host.

use hexgate_compiler::{Compiled, Compiler, diagnostic::Diagnostic};
use hexgate_eval::contract::{self, ApprovalTerms, FileScope, PathStyle, Verdict};

use crate::case::{Answer, Bounds, Call, Denial, Exclusion, Grant, Needed, Paths, Terms};

/// A policy was refused.
#[derive(Debug)]
pub struct Refused(pub Vec<Diagnostic>);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let errors: Vec<String> = self
            .0
            .iter()
            .filter(|diagnostic| diagnostic.is_error())
            .map(|diagnostic| format!("{}: {}", diagnostic.code, diagnostic.message))
            .collect();
        write!(f, "refused: {}", errors.join("; "))
    }
}

/// The host's engine, keeping what it compiles below a folder: a component by way of OPA takes a second, and the next run of the tests
/// needs the same ones.
///
/// # Errors
///
/// The folder cannot be trusted.
#[cfg(feature = "host")]
pub fn keeping(
    folder: &std::path::Path,
) -> Result<hexgate_host::Engine, hexgate_host::EngineError> {
    let mut cache =
        hexgate_host::CacheConfig::new(folder.join("compiled"), folder.join("compiled.key"));
    cache.max_bytes = 4 << 30;
    cache.max_entries = 10_000;
    hexgate_host::Engine::builder().cache_config(cache).build()
}

/// Compiles the text of a policy.
pub fn compile(text: &str) -> Result<Compiled, Refused> {
    let outcome = Compiler::default().compile_str("policy.yaml", text);
    outcome.policy.ok_or(Refused(outcome.diagnostics))
}

/// The evaluator, in this process.
#[derive(Debug)]
pub struct Reference<'p> {
    plan: hexgate_eval::Plan<'p>,
    workspace: hexgate_eval::Workspace,
}

impl<'p> Reference<'p> {
    /// Opens the plan of a policy.
    pub fn open(policy: &'p Compiled) -> Result<Self, String> {
        Self::of_plan(&policy.plan)
    }

    /// Opens a plan.
    pub fn of_plan(plan: &'p [u8]) -> Result<Self, String> {
        let plan = hexgate_eval::Plan::open(plan).map_err(|damaged| damaged.what().to_owned())?;
        plan.validate().map_err(|invalid| invalid.to_string())?;
        Ok(Self {
            plan,
            workspace: hexgate_eval::Workspace::new(),
        })
    }

    /// All that paths must satisfy, by number.
    pub fn scopes(&self) -> Vec<Bounds> {
        (0..)
            .map_while(|id| self.plan.scope(id).ok().flatten())
            .map(bounds_of)
            .collect()
    }

    /// Answers a call.
    pub fn answer(&mut self, call: &Call) -> Answer {
        use hexgate_eval::{Error, Field};
        match self.decide(call) {
            Ok(verdict) => told(
                verdict,
                |id| {
                    self.plan
                        .scope(id)
                        .map_err(|damaged| damaged.what().to_owned())
                },
                |id| {
                    self.plan
                        .terms(id)
                        .map_err(|damaged| damaged.what().to_owned())
                },
            ),
            Err(Error::Malformed(it)) => Answer::Malformed(match it.field {
                Field::Roles => "roles",
                Field::Tool => "tool",
                Field::Arguments => "arguments",
                Field::Facts => "facts",
            }),
            Err(Error::Exceeded(it)) => Answer::Exceeded(it.limit.to_owned()),
            Err(error @ Error::Internal(_)) => Answer::Broken(error.to_string()),
        }
    }

    /// Whether the scope of the grant covers a path. None: there is no grant, or it has no scope.
    pub fn covers(&mut self, call: &Call, path: &str) -> Option<bool> {
        let scope = scope_of(&self.decide(call).ok()?)?;
        Some(self.workspace.covers(&self.plan, scope, path))
    }

    fn decide(&mut self, call: &Call) -> Result<Verdict, hexgate_eval::Error> {
        let roles: Vec<&str> = call.roles.iter().map(String::as_str).collect();
        let request = hexgate_eval::Request::new(&call.tool, &call.args)
            .roles(&roles)
            .optional_facts(call.facts.as_deref());
        self.workspace.decide(&self.plan, &request)
    }
}

/// The number of the scope of a grant.
fn scope_of(verdict: &Verdict) -> Option<u32> {
    match verdict {
        Verdict::Allow(grant) => grant.scope,
        Verdict::NeedsApproval(needed) => needed.grant.scope,
        Verdict::Deny(_) => None,
    }
}

/// A verdict with what its numbers stand for.
fn told(
    verdict: Verdict,
    scope: impl Fn(u32) -> Result<Option<FileScope>, String>,
    terms: impl Fn(u32) -> Result<Option<ApprovalTerms>, String>,
) -> Answer {
    let missing = |what: &str, id: u32| format!("there is no {what} {id}");
    let grant = |grant: contract::Grant| {
        let bounds = grant
            .scope
            .map(|id| scope(id)?.ok_or_else(|| missing("scope", id)));
        Ok::<_, String>(Grant {
            role: grant.role,
            scope: bounds.transpose()?.map(bounds_of),
        })
    };
    let answer = match verdict {
        Verdict::Allow(granted) => grant(granted).map(Answer::Allow),
        Verdict::NeedsApproval(needed) => grant(needed.grant).and_then(|grant| {
            let terms = needed
                .terms
                .map(|id| terms(id)?.ok_or_else(|| missing("terms", id)));
            Ok(Answer::NeedsApproval(Needed {
                grant,
                terms: terms.transpose()?.map(|terms| Terms {
                    roles: terms.roles,
                    expires: terms.expires,
                    approvers: terms.approvers,
                    reason_required: terms.reason_required,
                }),
                message: needed.message,
            }))
        }),
        Verdict::Deny(denial) => Ok(Answer::Deny(Denial {
            reason: denial.reason,
            violations: denial.violations,
            hint: denial.hint.map(paths_of),
            message: denial.message,
        })),
    };
    answer.unwrap_or_else(Answer::Broken)
}

fn paths_of(paths: contract::PathScope) -> Paths {
    Paths {
        allowed: paths.allowed,
        denied: paths.denied,
        except: paths.except,
    }
}

fn bounds_of(scope: FileScope) -> Bounds {
    let is_windows = |style| match style {
        PathStyle::Windows => true,
        PathStyle::Posix => false,
    };
    let exclusions = scope.exclusions.into_iter().map(|one| Exclusion {
        paths: paths_of(one.paths),
        windows: is_windows(one.style),
    });
    // In which order they are told means nothing.
    let mut exclusions: Vec<Exclusion> = exclusions.collect();
    exclusions.sort();
    exclusions.dedup();
    Bounds {
        arguments: scope.arguments,
        search: scope.search,
        paths: paths_of(scope.paths),
        windows: is_windows(scope.style),
        exclusions,
    }
}

/// The component, in the host.
#[cfg(feature = "host")]
#[derive(Debug)]
pub struct Component(hexgate_host::Policy);

#[cfg(feature = "host")]
impl Component {
    /// Loads a policy. `known`: with kept instances, as policies of the shipped engine are run; else as if the host had never seen the
    /// component, with a fresh instance a decision.
    pub fn load(
        engine: &hexgate_host::Engine,
        policy: &Compiled,
        known: bool,
    ) -> Result<Self, String> {
        let isolation = if known {
            hexgate_host::Isolation::AsKnown
        } else {
            hexgate_host::Isolation::Full
        };
        Self::of_bytes(engine, &policy.component, isolation)
    }

    /// Loads a component, whatever made it.
    pub fn of_bytes(
        engine: &hexgate_host::Engine,
        component: &[u8],
        isolation: hexgate_host::Isolation,
    ) -> Result<Self, String> {
        let policy = hexgate_host::Policy::dangerous_from_unverified_bytes_with(
            engine, component, isolation,
        );
        policy.map(Self).map_err(|error| error.to_string())
    }

    /// The policy in the host.
    pub fn policy(&self) -> &hexgate_host::Policy {
        &self.0
    }

    /// Answers a call.
    pub fn answer(&self, call: &Call) -> Answer {
        use hexgate_host::{DecideError, Field};
        match self.decide(call) {
            Ok(verdict) => told(
                verdict,
                |id| self.0.scope(id).map_err(|error| error.to_string()),
                |id| self.0.terms(id).map_err(|error| error.to_string()),
            ),
            Err(DecideError::Malformed(it)) => Answer::Malformed(match it.field {
                Field::Roles => "roles",
                Field::Tool => "tool",
                Field::Arguments => "arguments",
                Field::Facts => "facts",
            }),
            Err(DecideError::Exceeded(it)) => Answer::Exceeded(it.limit),
            Err(error) => Answer::Broken(error.to_string()),
        }
    }

    /// Whether the scope of the grant covers a path. None: there is no grant, or it has no scope, or the host says nothing.
    pub fn covers(&self, call: &Call, path: &str) -> Option<bool> {
        let scope = scope_of(&self.decide(call).ok()?)?;
        self.0.covers(scope, path).ok()
    }

    fn decide(&self, call: &Call) -> Result<Verdict, hexgate_host::DecideError> {
        let roles: Vec<&str> = call.roles.iter().map(String::as_str).collect();
        let mut request = hexgate_host::Request::new(&call.tool, &call.args).roles(&roles);
        if let Some(facts) = &call.facts {
            request = request.facts(facts);
        }
        self.0.decide(&request)
    }
}
